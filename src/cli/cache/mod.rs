//! cache build, sync, verify.

mod build;
mod verify;

use super::verbs::CacheAct;
use super::{Context, Failure};
pub use build::{BuildArgs, SyncArgs};

pub fn run(context: &Context, act: CacheAct) -> Result<(), Failure> {
    match act {
        CacheAct::Build(args) => build::build(context, &args),
        CacheAct::Sync(args) => build::sync(context, &args),
        CacheAct::Verify { repo, repair, json } => verify::verify(context, repo, repair, json),
    }
}
