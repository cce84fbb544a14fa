//! reconcile.

use std::path::PathBuf;
use std::time::Duration;

use super::{Context, Failure};
use crate::daemon::control::{self, Reply, Request};
use crate::query::Reader;

/// A first index of a very large repository takes minutes; a reconcile alone, without its jobs, hardly ever.
const RECONCILE_WAIT: Duration = Duration::from_secs(600);

pub fn reconcile(context: &Context, repo: PathBuf, full: bool) -> Result<(), Failure> {
    let repo = Reader::open(&context.home, &context.config)?.repo(&repo.to_string_lossy())?;
    let request = Request::Reconcile { repo: Some(repo.id.0), full };
    match control::ask_within(&context.home, request, RECONCILE_WAIT)? {
        Reply::Reconciled { repos } => {
            for outcome in repos {
                match (outcome.error, outcome.held) {
                    (Some(error), _) => return Err(Failure::Failed(format!("{}: {error}", outcome.repo))),
                    (None, Some(held)) => println!("{}: held back, {held}", outcome.repo),
                    (None, None) => println!("{}: reconciled", outcome.repo),
                }
            }
            Ok(())
        }
        Reply::Failed { message } => Err(Failure::Failed(message)),
        other => Err(Failure::Failed(format!("the daemon answered something else: {other:?}"))),
    }
}
