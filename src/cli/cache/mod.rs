//! cache build, sync.

mod build;

use clap::Subcommand;

use super::{Context, Failure};
use build::{BuildArgs, SyncArgs};

#[derive(Subcommand)]
pub enum CacheAct {
    /// Make the analyses that a repository lacks
    Build(BuildArgs),
    /// Make analyses anew that are too old; nothing expires otherwise
    Sync(SyncArgs),
}

pub fn run(context: &Context, act: &CacheAct) -> Result<(), Failure> {
    match act {
        CacheAct::Build(args) => build::build(context, args),
        CacheAct::Sync(args) => build::sync(context, args),
    }
}
