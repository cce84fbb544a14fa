//! cache verify.

use std::path::PathBuf;

use serde_json::{Value, json};

use super::open_worker;
use crate::cli::output::{print, print_json, short};
use crate::cli::{Context, Failure, reconcile};
use crate::domain::RepoId;
use crate::query::verify::{Difference, Verdict, verify as compare};
use crate::query::{QueryError, Reader};
use crate::repo::registry::Registered;
use crate::worker::Unreconciled;
use crate::worker::pipe::Depth;

/// What was found of one repository, and after it was mended.
struct Verified {
    repo: Registered,
    first: Result<Verdict, QueryError>,
    /// How the repair went and what was found then.
    repaired: Option<Result<Verdict, Failure>>,
}

impl Verified {
    fn is_sound(&self) -> bool {
        let sound = |verdict: &Verdict| verdict.differences.is_empty();
        match &self.repaired {
            Some(repaired) => repaired.as_ref().is_ok_and(sound),
            None => self.first.as_ref().is_ok_and(sound),
        }
    }
}

/// Builds everything derived from nothing and compares; `repair`: mends what differs and compares again.
pub fn verify(context: &Context, repo: Option<PathBuf>, repair: bool, json: bool) -> Result<(), Failure> {
    let reader = Reader::open(&context.home, &context.config)?;
    let repos = match repo {
        Some(repo) => vec![reader.repo(&repo.to_string_lossy())?],
        None => reader.repos()?,
    };
    let mut all = Vec::new();
    for repo in repos {
        let mut verified = Verified { first: compare(&reader, &repo), repo, repaired: None };
        if repair && !verified.is_sound() {
            verified.repaired =
                Some(mend(context, &verified.repo).and_then(|()| Ok(compare(&reader, &verified.repo)?)));
        }
        if !json {
            print(&describe(&verified))?;
        }
        all.push(verified);
    }
    if json {
        print_json(&json!({"repos": all.iter().map(as_json).collect::<Vec<_>>()}))?;
    }
    match all.iter().filter(|verified| !verified.is_sound()).count() {
        0 => Ok(()),
        wrong if repair => Err(Failure::Failed(format!("{wrong} of {} stores could not be mended", all.len()))),
        wrong => Err(Failure::Failed(format!(
            "{wrong} of {} stores are not what they ought to be; `ra-agent cache verify --repair` mends them",
            all.len()
        ))),
    }
}

/// Has the store built anew: by the daemon's worker, or with no daemon by one in this process, under the same locks.
fn mend(context: &Context, repo: &Registered) -> Result<(), Failure> {
    match reconcile::ask(context, repo.id.clone(), Depth::Mend) {
        Ok(told) => match told.into_iter().find(|outcome| outcome.contains("held back")) {
            Some(held) => Err(Failure::Failed(held)),
            None => Ok(()),
        },
        Err(Failure::NotRunning(_)) => mend_here(context, &repo.id),
        Err(failure) => Err(failure),
    }
}

fn mend_here(context: &Context, repo: &RepoId) -> Result<(), Failure> {
    let (mut worker, _locks) = open_worker(context)?;
    worker.mend(repo)?.map_err(|error: Unreconciled| Failure::Failed(error.to_string()))?;
    Ok(worker.settle()?)
}

fn describe(verified: &Verified) -> String {
    let path = verified.repo.location.path.display();
    let mut out = match &verified.first {
        Ok(verdict) => describe_verdict(&path.to_string(), verdict),
        Err(error) => format!("{path}: cannot be verified: {error}\n"),
    };
    match &verified.repaired {
        None => {}
        Some(Ok(verdict)) if verdict.differences.is_empty() => {
            out.push_str("  mended: everything is as it ought to be\n")
        }
        Some(Ok(verdict)) => {
            out.push_str("  mended, but this is left:\n");
            out.push_str(&describe_verdict(&path.to_string(), verdict));
        }
        Some(Err(failure)) => out.push_str(&format!("  not mended: {failure}\n")),
    }
    out
}

fn describe_verdict(path: &str, verdict: &Verdict) -> String {
    let Verdict { commit, files, note, differences, .. } = verdict;
    let commit = commit.as_deref().map_or("no commit", short);
    let mut out = match differences.len() {
        0 => format!("{path}: {files} file(s) at {commit}: everything is as it ought to be\n"),
        number => format!("{path}: {files} file(s) at {commit}: {number} difference(s)\n"),
    };
    if let Some(note) = note {
        out.push_str(&format!("  {note}\n"));
    }
    for difference in differences {
        out.push_str(&format!("  {difference}\n"));
    }
    out
}

fn as_json(verified: &Verified) -> Value {
    let (verdict, error) = match &verified.first {
        Ok(verdict) => (Some(verdict), None),
        Err(error) => (None, Some(error.to_string())),
    };
    let left = verified.repaired.as_ref().map(|repaired| match repaired {
        Ok(verdict) => json!({"differences": verdict.differences.iter().map(difference).collect::<Vec<_>>()}),
        Err(failure) => json!({"error": failure.to_string()}),
    });
    json!({
        "repo": verified.repo.location.path.to_string_lossy(),
        "commit": verdict.and_then(|verdict| verdict.commit.as_ref()),
        "files": verdict.map(|verdict| verdict.files),
        "note": verdict.and_then(|verdict| verdict.note.as_ref()),
        "error": error,
        "differences": verdict.map(|verdict| verdict.differences.iter().map(difference).collect::<Vec<_>>()),
        "after_repair": left,
        "sound": verified.is_sound(),
    })
}

fn difference(difference: &Difference) -> Value {
    let (path, path_bytes) = difference.path.for_json();
    let mut told = json!({
        "part": difference.part.as_str(),
        "path": path,
        "recorded": difference.recorded,
        "expected": difference.expected,
    });
    if let Some(bytes) = path_bytes {
        told["path_bytes"] = json!(bytes);
    }
    told
}
