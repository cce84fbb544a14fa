//! `reconcile`.

use std::path::PathBuf;
use std::time::Duration;

use super::output::print;
use super::{Context, Failure};
use crate::daemon::control::{self, ControlReply, Request};
use crate::domain::RepoId;
use crate::query::Reader;
use crate::worker::pipe::Depth;

/// The first reconcile of a very large repository takes minutes; a later one hardly ever.
const RECONCILE_WAIT: Duration = Duration::from_secs(600);

pub fn reconcile(context: &Context, repo: PathBuf, full: bool) -> Result<(), Failure> {
    let repo = Reader::open(&context.home, &context.config)?.repo(&repo)?;
    let depth = if full { Depth::Full } else { Depth::Changes };
    ask(context, repo.id, depth)?.iter().try_for_each(|outcome| print(&format!("{outcome}\n")))
}

/// Has the daemon compare a repository, and waits for it. A repository with an error is a failure.
pub fn ask(context: &Context, repo: RepoId, depth: Depth) -> Result<Vec<String>, Failure> {
    let request = Request::Reconcile { repo: Some(repo.0), depth };
    match control::ask_within(&context.home, request, RECONCILE_WAIT)? {
        ControlReply::Reconciled { repos } => {
            let outcomes = repos.into_iter().map(|outcome| match (outcome.error, outcome.held) {
                (Some(error), _) => Err(Failure::Failed(format!("{}: {error}", outcome.repo))),
                (None, Some(held)) => Ok(format!("{}: held back, {held}", outcome.repo)),
                (None, None) => Ok(format!("{}: reconciled", outcome.repo)),
            });
            outcomes.collect()
        }
        ControlReply::Failed { message } => Err(Failure::Failed(message)),
        other => Err(Failure::Failed(format!("unexpected reply of the daemon: {other:?}"))),
    }
}
