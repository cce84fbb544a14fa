//! `daemon run`, `start`, `stop`, `restart`.

use std::fs::OpenOptions;
use std::os::unix::fs::OpenOptionsExt;
use std::time::Duration;

use daemonize::{Daemonize, Outcome};
use rustix::process::{Pid, Signal, kill_process};

use super::output::print;
use super::verbs::{DaemonAct, DaemonOptions};
use super::{Context, Failure};
use crate::clock;
use crate::daemon::control::{self, ControlError, ControlReply, Request};
use crate::daemon::{DaemonError, run as serve};
use crate::home::Home;
use crate::lock;
use crate::store::{self, Database};

/// How long a start may take until the socket answers, and a stop until the lock is free.
pub(super) const START_WAIT: Duration = Duration::from_secs(10);
const STOP_WAIT: Duration = Duration::from_secs(8);
const POLL_EVERY: Duration = Duration::from_millis(20);

pub fn run(act: &DaemonAct) -> Result<(), Failure> {
    match act {
        DaemonAct::Run { options } => {
            let context = Context::load()?;
            log_to_stderr();
            Ok(serve(&context.home, options.require_sandbox)?)
        }
        DaemonAct::Start { options } => start(options),
        DaemonAct::Stop => stop(&Context::load()?.home),
        DaemonAct::Restart { options } => {
            match stop(&Context::load()?.home) {
                Ok(()) | Err(Failure::NotRunning(_)) => {}
                Err(failure) => return Err(failure),
            }
            start(options)
        }
    }
}

/// Starts the daemon in the background. The fork comes before any thread.
fn start(options: &DaemonOptions) -> Result<(), Failure> {
    let context = Context::load()?;
    let home = &context.home;
    home.create()?;
    if let Some(pid) = lock::lasting_holder(&home.agent_lock()) {
        return Err(DaemonError::AlreadyRunning { pid: pid.to_string() }.into());
    }
    // Its errors are reported here, not in the log of a process that has ended.
    drop(store::open_writer(&home.agent_db(), Database::Agent)?);
    let path = home.log_file();
    let log = OpenOptions::new()
        .append(true)
        .create(true)
        .mode(0o600)
        .open(&path)
        .and_then(|file| Ok((file.try_clone()?, file)))
        .map_err(|source| DaemonError::Path { path, source })?;
    let daemonize = Daemonize::new().working_directory(home.root()).umask(0o077).stdout(log.0).stderr(log.1);
    match daemonize.execute() {
        Outcome::Parent(Ok(_)) => wait_until_up(home),
        Outcome::Parent(Err(error)) => Err(Failure::Failed(format!("the daemon cannot be started: {error}"))),
        Outcome::Child(Ok(_)) => {
            log_to_stderr();
            serve(home, options.require_sandbox).map_err(|error| {
                tracing::error!(%error, "the daemon ends");
                error.into()
            })
        }
        Outcome::Child(Err(error)) => Err(Failure::Failed(format!("the daemon cannot be detached: {error}"))),
    }
}

fn wait_until_up(home: &Home) -> Result<(), Failure> {
    let deadline = clock::monotonic() + START_WAIT;
    while clock::monotonic() < deadline {
        if let Ok(ControlReply::Pong { pid, .. }) = control::ask(home, Request::Ping) {
            return print(&format!("the daemon is running (pid {pid})\n"));
        }
        std::thread::sleep(POLL_EVERY);
    }
    Err(Failure::Failed(format!(
        "the daemon has not come up in {} s; {} says why",
        START_WAIT.as_secs(),
        home.log_file().display()
    )))
}

pub(super) fn stop(home: &Home) -> Result<(), Failure> {
    let pid = lock::holder(&home.agent_lock());
    match control::ask(home, Request::Stop) {
        // It may end before its reply arrives.
        Ok(_) => {}
        Err(ControlError::NotRunning) if pid.is_some() => {}
        // It does not reply. It holds the lock, so the pid is its own.
        Err(ControlError::Silent { pid, .. }) => terminate(pid)?,
        Err(error) => return Err(error.into()),
    }
    let deadline = clock::monotonic() + STOP_WAIT;
    while clock::monotonic() < deadline {
        if lock::holder(&home.agent_lock()).is_none() {
            return print("the daemon has stopped\n");
        }
        std::thread::sleep(POLL_EVERY);
    }
    let pid = pid.map_or_else(|| "unknown".to_owned(), |pid| pid.to_string());
    Err(Failure::Failed(format!(
        "the daemon (pid {pid}) has not stopped in {} s; `kill {pid}` is safe",
        STOP_WAIT.as_secs()
    )))
}

fn terminate(pid: u32) -> Result<(), Failure> {
    let pid = i32::try_from(pid).ok().and_then(Pid::from_raw);
    let sent = pid.map(|pid| kill_process(pid, Signal::TERM));
    match sent {
        Some(Ok(()) | Err(rustix::io::Errno::SRCH)) => Ok(()),
        Some(Err(error)) => Err(Failure::Failed(format!("the daemon does not answer and cannot be stopped: {error}"))),
        None => Err(Failure::Failed("the daemon does not answer and its pid is unknown".to_owned())),
    }
}

/// Log lines go to standard error; `RUST_LOG` sets what is logged.
pub(super) fn log_to_stderr() {
    let filter = tracing_subscriber::EnvFilter::try_from_default_env()
        .unwrap_or_else(|_| tracing_subscriber::EnvFilter::new("ra_agent=info,warn"));
    let lines = tracing_subscriber::fmt().with_env_filter(filter).with_writer(std::io::stderr).with_ansi(false);
    // It would report a line that cannot be written by a macro that panics. A second call, in tests, keeps the first.
    let _ = lines.log_internal_errors(false).try_init();
}
