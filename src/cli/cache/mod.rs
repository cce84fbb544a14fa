//! cache build, sync, verify, status, prune, clear, migrate.

mod build;
mod clear;
mod migrate;
mod prune;
mod status;
mod verify;

use std::fs::File;
use std::sync::Arc;
use std::time::Duration;

use super::verbs::CacheAct;
use super::{Context, Failure};
use crate::daemon as process;
use crate::daemon::control::{self, ControlError, ControlReply, Request};
use crate::lock;
use crate::worker::maintenance::{Maintained, Maintenance};
use crate::worker::{Ending, SharedModel, Worker, WorkerError};

pub use build::{BuildArgs, SyncArgs};
pub use clear::ClearArgs;
pub use migrate::MigrateArgs;
pub use prune::PruneArgs;
pub use status::StatusArgs;

/// Looking through a long history for old contents takes minutes.
const LONGEST: Duration = Duration::from_secs(3_600);

pub fn run(context: &Context, act: CacheAct) -> Result<(), Failure> {
    match act {
        CacheAct::Build(args) => build::build(context, &args),
        CacheAct::Sync(args) => build::sync(context, &args),
        CacheAct::Verify { repo, repair, json } => verify::verify(context, repo, repair, json),
        CacheAct::Status(args) => status::status(context, &args),
        CacheAct::Prune(args) => prune::prune(context, &args),
        CacheAct::Clear(args) => clear::clear(context, &args),
        CacheAct::Migrate(args) => migrate::migrate(context, &args),
    }
}

/// Has the worker do something to the stores; with no daemon, does it in this process under the same locks.
pub fn maintain(context: &Context, task: Maintenance) -> Result<Maintained, Failure> {
    match control::ask_within(&context.home, Request::Maintain(task.clone()), LONGEST) {
        Ok(ControlReply::Maintained(done)) => Ok(done),
        Ok(ControlReply::Failed { message }) => Err(Failure::Failed(message)),
        Ok(other) => Err(unexpected(&other)),
        Err(ControlError::NotRunning) => {
            let (mut worker, _locks) = open_worker(context)?;
            Ok(worker.maintain(&task)?)
        }
        Err(error) => Err(error.into()),
    }
}

/// A worker in this process, under the locks that a daemon and its worker hold: there is none of either while they are held.
fn open_worker(context: &Context) -> Result<(Worker, [File; 2]), Failure> {
    let home = &context.home;
    home.create()?;
    let daemon = process::take_lock(home)?;
    let path = home.worker_lock();
    let worker = lock::wait(&path).map_err(|source| WorkerError::Directory { path, source })?;
    let model = Arc::new(SharedModel::new(home, &context.config));
    let opened = Worker::open(home.clone(), context.config.clone(), model, Ending::Blameless)?;
    Ok((opened, [daemon, worker]))
}

fn unexpected(answer: &dyn std::fmt::Debug) -> Failure {
    Failure::Failed(format!("unexpected reply of the daemon: {answer:?}"))
}
