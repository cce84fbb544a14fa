//! The registered repositories, their hooks, their work.

use std::path::Path;

use crate::cache::disk_bytes;
use crate::cache::report::row_counts;
use crate::cache::store_dir;
use crate::cli::hooks::{self, GitVersion};
use crate::cli::output::human_bytes;
use crate::cli::{Context, Failure};
use crate::query::suggest::hint;
use crate::query::view::doctor::DoctorFinding;
use crate::query::view::hooks::RepoWay;
use crate::query::{Reader, room};
use crate::queue;
use crate::repo::Repo;
use crate::repo::registry::Registered;

pub fn check(context: &Context, reader: &Reader<'_>) -> Result<Vec<DoctorFinding>, Failure> {
    let repos = reader.repos()?;
    let mut findings = Vec::new();
    if repos.is_empty() {
        findings.push(DoctorFinding::note("repository", "none is registered", "ra-agent register <repo>"));
    }
    findings.extend(repos.iter().filter_map(trouble));
    if findings.is_empty() {
        findings.push(DoctorFinding::good("repository", format!("{} registered, all can be read", repos.len())));
    }
    findings.extend(context.config.repos_named().filter_map(|path| meant_for_none(path, &repos)));
    findings.extend(hooks_of(context));
    findings.extend(dead_letters(reader)?);
    findings.push(vectors(context, &repos));
    findings.extend(cramped(context, reader, &repos));
    Ok(findings)
}

/// Settings that hold for no repository: a name is misspelt, or the repository is gone. What they deny is then denied nowhere.
fn meant_for_none(path: &Path, repos: &[Registered]) -> Option<DoctorFinding> {
    if repos.iter().any(|repo| repo.location.path == path) {
        return None;
    }
    let known: Vec<String> = repos.iter().map(|repo| repo.location.path.display().to_string()).collect();
    let hint = hint(&path.display().to_string(), known.iter().map(String::as_str));
    let finding = format!("[repos.{path:?}] in config.toml holds for no registered repository{hint}");
    let fix = format!("ra-agent register {}, or correct the path there", path.display());
    Some(DoctorFinding::note("config", finding, fix))
}

/// Repositories that alone fill the cache: their results are removed as they are made.
fn cramped(context: &Context, reader: &Reader<'_>, repos: &[Registered]) -> Vec<DoctorFinding> {
    let max_bytes = context.config.cache.max_size_bytes();
    let wanted = |repo: &Registered| {
        let store = reader.store(repo).ok().flatten()?;
        let bytes = disk_bytes(store.dir.path().to_owned());
        let evicted = row_counts(store.db()).ok()?.evicted > 0;
        let mb = room::wanted_mb(room::needed_bytes(bytes, evicted, max_bytes), max_bytes)?;
        let (path, bytes) = (repo.location.path.display(), human_bytes(bytes));
        let finding = format!("the index of {path} takes {bytes}, nearly all that the cache may have");
        Some(DoctorFinding::note("cache", finding, format!("set max_size_mb = {mb} under [cache] in config.toml")))
    };
    repos.iter().filter_map(wanted).collect()
}

/// What keeps a repository from being followed.
fn trouble(repo: &Registered) -> Option<DoctorFinding> {
    const TOPIC: &str = "repository";
    let path = repo.location.path.display();
    if let Err(error) = Repo::open(&repo.location).and_then(|git| git.head()) {
        let fix = format!("ra-agent register {path} where it is now, or ra-agent unregister {path}");
        return Some(DoctorFinding::problem(TOPIC, format!("{path}: {error}"), fix));
    }
    if let Some(error) = &repo.error {
        return Some(DoctorFinding::problem(TOPIC, format!("{path}: {error}"), format!("ra-agent reconcile {path}")));
    }
    let held = repo.held.as_ref()?;
    let fix = "finish or abort what Git is in the middle of";
    Some(DoctorFinding::note(TOPIC, format!("{path} is held: {held}"), fix))
}

fn hooks_of(context: &Context) -> Vec<DoctorFinding> {
    const TOPIC: &str = "hooks";
    let Ok(git) = GitVersion::of_installed() else { return Vec::new() };
    let found = match hooks::of_registered(context, git) {
        Ok(found) => found,
        Err(error) => return vec![DoctorFinding::problem(TOPIC, error.to_string(), "ra-agent hooks status")],
    };
    let of = |way| found.iter().filter(move |repo| repo.way == way);
    let mut findings: Vec<DoctorFinding> = of(RepoWay::Broken)
        .map(|repo| {
            let finding = format!("{}: Git's configuration names a script that is gone", repo.repo);
            DoctorFinding::problem(TOPIC, finding, "ra-agent hooks install")
        })
        .collect();
    findings.extend(found.iter().filter(|repo| !repo.enabled).map(|repo| {
        let finding = format!("switched off in {}; the watch notices its commits", repo.repo);
        DoctorFinding::note(TOPIC, finding, format!("git -C {} config --unset hook.ra-agent.enabled", repo.repo))
    }));
    let (hooked, watched) = (of(RepoWay::Config).count() + of(RepoWay::InRepo).count(), of(RepoWay::Watch).count());
    if git >= GitVersion::CONFIG_HOOKS && watched > 0 {
        let finding = format!("{watched} repositories are noticed by their watch alone");
        findings.push(DoctorFinding::note(TOPIC, finding, "ra-agent hooks install"));
    } else {
        findings.push(DoctorFinding::good(
            TOPIC,
            format!("{hooked} repositories by hook and watch, {watched} by watch alone"),
        ));
    }
    findings
}

/// Work that was given up.
fn dead_letters(reader: &Reader<'_>) -> Result<Option<DoctorFinding>, Failure> {
    let Some(db) = &reader.agent else { return Ok(None) };
    let counts = queue::counts(db, None)?;
    let given_up = counts.discarded + counts.quarantined;
    let finding = format!("{given_up} jobs were given up");
    Ok((given_up > 0).then(|| {
        DoctorFinding::note("queue", finding, "ra-agent queue list --discarded shows why; ra-agent queue retry --all")
    }))
}

/// The vectors of what is there are never pruned: if they alone are too much, only the user can help.
fn vectors(context: &Context, repos: &[Registered]) -> DoctorFinding {
    let stores = repos.iter().map(|repo| store_dir(&context.config, repo));
    let (bytes, of_vectors) = stores.fold((0, 0), |(bytes, vectors), store| {
        (
            bytes + disk_bytes(store.path().to_owned()),
            vectors + store.all_vectors().into_iter().map(disk_bytes).sum::<u64>(),
        )
    });
    let limit = context.config.cache.max_size_bytes();
    let finding =
        format!("{} of {}, {} of it vectors", human_bytes(bytes), human_bytes(limit), human_bytes(of_vectors));
    if of_vectors > limit {
        DoctorFinding::problem("cache", finding, "set a larger [cache] max_size_mb, or unregister a repository")
    } else {
        DoctorFinding::good("cache", finding)
    }
}
