//! The registered repositories, their hooks, their work.

use super::Finding;
use crate::cache::disk_bytes;
use crate::cache::store_dir;
use crate::cli::hooks::{self, GitVersion, RepoWay};
use crate::cli::output::human_bytes;
use crate::cli::{Context, Failure};
use crate::query::Reader;
use crate::queue;
use crate::repo::Repo;
use crate::repo::registry::Registered;

pub fn look(context: &Context, reader: &Reader<'_>) -> Result<Vec<Finding>, Failure> {
    let repos = reader.repos()?;
    let mut findings = Vec::new();
    if repos.is_empty() {
        findings.push(Finding::note("repository", "none is registered", "ra-agent register <repo>"));
    }
    findings.extend(repos.iter().filter_map(trouble));
    if findings.is_empty() {
        findings.push(Finding::good("repository", format!("{} registered, all can be read", repos.len())));
    }
    findings.extend(hooks_of(context));
    findings.extend(dead_letters(reader)?);
    findings.push(vectors(context, &repos));
    Ok(findings)
}

/// What keeps a repository from being followed.
fn trouble(repo: &Registered) -> Option<Finding> {
    const TOPIC: &str = "repository";
    let path = repo.location.path.display();
    if let Err(error) = Repo::open(&repo.location).and_then(|git| git.head()) {
        let mend = format!("ra-agent register {path} where it is now, or ra-agent unregister {path}");
        return Some(Finding::problem(TOPIC, format!("{path}: {error}"), mend));
    }
    if let Some(error) = &repo.error {
        return Some(Finding::problem(TOPIC, format!("{path}: {error}"), format!("ra-agent reconcile {path}")));
    }
    let held = repo.held.as_ref()?;
    let mend = "finish or abort what Git is in the middle of";
    Some(Finding::note(TOPIC, format!("{path} is held: {held}"), mend))
}

fn hooks_of(context: &Context) -> Vec<Finding> {
    const TOPIC: &str = "hooks";
    let Ok(git) = GitVersion::of_installed() else { return Vec::new() };
    let found = match hooks::of_registered(context, git) {
        Ok(found) => found,
        Err(error) => return vec![Finding::problem(TOPIC, error.to_string(), "ra-agent hooks status")],
    };
    let of = |way| found.iter().filter(move |repo| repo.way == way);
    let mut findings: Vec<Finding> = of(RepoWay::Broken)
        .map(|repo| {
            let told = format!("{}: Git's configuration names a script that is gone", repo.path.display());
            Finding::problem(TOPIC, told, "ra-agent hooks install")
        })
        .collect();
    findings.extend(found.iter().filter(|repo| !repo.enabled).map(|repo| {
        let told = format!("switched off in {}; its watch serves", repo.path.display());
        Finding::note(TOPIC, told, format!("git -C {} config --unset hook.ra-agent.enabled", repo.path.display()))
    }));
    let (hooked, watched) = (of(RepoWay::Config).count() + of(RepoWay::InRepo).count(), of(RepoWay::Watch).count());
    if git >= GitVersion::CONFIG_HOOKS && watched > 0 {
        let told = format!("{watched} repositories are noticed by their watch alone");
        findings.push(Finding::note(TOPIC, told, "ra-agent hooks install"));
    } else {
        findings
            .push(Finding::good(TOPIC, format!("{hooked} repositories by hook and watch, {watched} by watch alone")));
    }
    findings
}

/// Work that was given up.
fn dead_letters(reader: &Reader<'_>) -> Result<Option<Finding>, Failure> {
    let Some(db) = &reader.agent else { return Ok(None) };
    let counts = queue::counts(db, None)?;
    let given_up = counts.discarded + counts.quarantined;
    let told = format!("{given_up} jobs were given up");
    Ok((given_up > 0)
        .then(|| Finding::note("queue", told, "ra-agent queue list --discarded tells why; ra-agent queue retry --all")))
}

/// The vectors of what is there are never pruned: if they alone are too much, only the user can help.
fn vectors(context: &Context, repos: &[Registered]) -> Finding {
    let stores = repos.iter().map(|repo| store_dir(&context.config, repo));
    let (bytes, of_vectors) = stores.fold((0, 0), |(bytes, vectors), store| {
        (bytes + disk_bytes(store.path().to_owned()), vectors + disk_bytes(store.vectors()))
    });
    let limit = context.config.cache.max_size_bytes();
    let told = format!("{} of {}, {} of it vectors", human_bytes(bytes), human_bytes(limit), human_bytes(of_vectors));
    if of_vectors > limit {
        Finding::problem("cache", told, "set a larger [cache] max_size_mb, or unregister a repository")
    } else {
        Finding::good("cache", told)
    }
}
