//! cache verify.

use std::path::PathBuf;

use super::open_worker;
use crate::cli::output::{print, print_json, short};
use crate::cli::{Context, Failure, reconcile};
use crate::domain::RepoId;
use crate::query::Reader;
use crate::query::verify::verify as compare;
use crate::query::view::repos::NONE_REGISTERED;
use crate::query::view::verify::{AfterRepair, DifferenceView, VerifiedRepo, VerifyView};
use crate::repo::registry::Registered;
use crate::worker::pipe::Depth;

/// Builds everything derived from nothing and compares; `repair`: rebuilds what differs and compares again.
pub fn verify(context: &Context, repo: Option<PathBuf>, repair: bool, json: bool) -> Result<(), Failure> {
    let reader = Reader::open(&context.home, &context.config)?;
    let repos = match repo {
        Some(repo) => vec![reader.repo(&repo)?],
        None => reader.repos()?,
    };
    let why_empty = repos.is_empty().then(|| NONE_REGISTERED.to_owned());
    let mut view = VerifyView { repos: Vec::new(), why_empty };
    for repo in &repos {
        let mut verified = VerifiedRepo::new(repo, &compare(&reader, repo));
        if repair && !verified.sound {
            verified.repaired(rebuild(context, repo).and_then(|()| Ok(compare(&reader, repo)?)));
        }
        if !json {
            print(&describe(&verified))?;
        }
        view.repos.push(verified);
    }
    match &view.why_empty {
        _ if json => print_json(&view)?,
        Some(why) => print(&format!("{why}\n"))?,
        None => {}
    }
    verdict(&view.repos, repair)
}

fn verdict(repos: &[VerifiedRepo], repair: bool) -> Result<(), Failure> {
    let all = repos.len();
    let unsound = || repos.iter().filter(|verified| !verified.sound);
    let wrong = unsound().filter(|verified| repair || verified.is_indexed).count();
    let not_indexed = unsound().count() - wrong;
    let mut said = Vec::new();
    match wrong {
        0 => {}
        wrong if repair => said.push(format!("{wrong} of {all} stores could not be repaired")),
        wrong => said.push(format!(
            "{wrong} of {all} stores are not as expected; `ra-agent cache verify --repair` repairs them"
        )),
    }
    match not_indexed {
        0 => {}
        1 => said.push("1 repository is not indexed yet; `ra-agent wait` waits until it is".to_owned()),
        many => said.push(format!("{many} repositories are not indexed yet; `ra-agent wait` waits until they are")),
    }
    if said.is_empty() { Ok(()) } else { Err(Failure::Failed(said.join("; "))) }
}

/// Has the store rebuilt: by the daemon's worker, or with no daemon by one in this process, under the same locks.
fn rebuild(context: &Context, repo: &Registered) -> Result<(), Failure> {
    match reconcile::ask(context, repo.id.clone(), Depth::Rebuild) {
        Ok(outcomes) => match outcomes.into_iter().find(|outcome| outcome.contains("held back")) {
            Some(held) => Err(Failure::Failed(held)),
            None => Ok(()),
        },
        Err(Failure::NotRunning(_)) => rebuild_here(context, &repo.id),
        Err(failure) => Err(failure),
    }
}

fn rebuild_here(context: &Context, repo: &RepoId) -> Result<(), Failure> {
    let (mut worker, _locks) = open_worker(context)?;
    if let Some(problem) = worker.rebuild(repo)?.problem() {
        return Err(Failure::Failed(problem.to_string()));
    }
    Ok(worker.settle(&|| false)?)
}

fn describe(verified: &VerifiedRepo) -> String {
    let VerifiedRepo { repo, commit, files, note, error, differences, after_repair, .. } = verified;
    let mut out = match (error, differences) {
        (Some(error), _) => format!("{repo}: cannot be verified: {error}\n"),
        (None, differences) => {
            let commit = commit.as_deref().map_or("no commit", short);
            let found = match differences.as_ref().map_or(0, Vec::len) {
                0 => "everything is as expected".to_owned(),
                number => format!("{number} difference(s)"),
            };
            format!("{repo}: {} file(s) at {commit}: {found}\n", files.unwrap_or_default())
        }
    };
    if let Some(note) = note {
        out.push_str(&format!("  {note}\n"));
    }
    out.push_str(&listed(differences.as_deref().unwrap_or_default()));
    match after_repair {
        None => {}
        Some(AfterRepair::Differences(left)) if left.is_empty() => {
            out.push_str("  repaired: everything is as expected\n")
        }
        Some(AfterRepair::Differences(left)) => {
            out.push_str(&format!("  repaired, but {} difference(s) are left:\n{}", left.len(), listed(left)))
        }
        Some(AfterRepair::Error(failure)) => out.push_str(&format!("  not repaired: {failure}\n")),
    }
    out
}

fn listed(differences: &[DifferenceView]) -> String {
    differences.iter().map(|difference| format!("  {difference}\n")).collect()
}
