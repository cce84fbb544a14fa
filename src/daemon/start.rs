//! The daemon's life from its lock to its end.

use std::fs::File;
use std::io;
use std::path::{Path, PathBuf};

use super::Daemon;
use super::upgrade::Program;
use crate::config::{Config, ConfigError};
use crate::home::{Home, HomeError};
use crate::lock;
use crate::sandbox::{self, Sandbox};
use crate::shared::place;
use crate::store::StoreError;

#[derive(Debug, thiserror::Error)]
pub enum DaemonError {
    #[error("another daemon is running (pid {pid}); `ra-agent daemon stop` stops it")]
    AlreadyRunning { pid: String },
    #[error(transparent)]
    Home(#[from] HomeError),
    #[error(transparent)]
    Config(#[from] ConfigError),
    #[error(transparent)]
    Store(#[from] StoreError),
    #[error("{path} cannot be used: {source}; check its owner and the space on its disk")]
    Path { path: PathBuf, source: io::Error },
    #[error("the daemon cannot be set up: {0}")]
    Setup(io::Error),
    #[error(
        "the kernel did not deny a write outside the agent's directories, and --require-sandbox was given: it needs Landlock (Linux 5.13 or newer, `landlock` in /sys/kernel/security/lsm)"
    )]
    NoSandbox,
    #[error(
        "{path} was replaced, but the new version cannot be started: {source}; `ra-agent daemon start` tries again"
    )]
    Upgrade { path: PathBuf, source: io::Error },
}

/// Takes the daemon's lock.
///
/// # Errors
/// [`DaemonError::AlreadyRunning`] with the owner's pid.
pub fn take_lock(home: &Home) -> Result<File, DaemonError> {
    let path = home.agent_lock();
    match lock::try_take(&path).map_err(|source| DaemonError::Path { path: path.clone(), source })? {
        Some(file) => Ok(file),
        None => {
            let pid = lock::holder(&path).map_or_else(|| "unknown".to_owned(), |pid| pid.to_string());
            Err(DaemonError::AlreadyRunning { pid })
        }
    }
}

/// Runs until a request or a signal to stop. Call it before any other thread exists.
///
/// # Errors
/// If another daemon runs, the home, the configuration or agent.db cannot be used, or the kernel does not enforce the sandbox although
/// `require_sandbox` says that it must.
pub fn run(home: &Home, require_sandbox: bool) -> Result<(), DaemonError> {
    home.create()?;
    let lock = take_lock(home)?;
    let config = Config::load(&home.config_file(), home.root())?;
    let sandbox = restrict(home, &config, &[])?;
    if require_sandbox && !sandbox.is_on() {
        return Err(DaemonError::NoSandbox);
    }
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().map_err(DaemonError::Setup)?;
    let ended = runtime.block_on(async {
        let mut daemon = Daemon::new(home, config, sandbox)?;
        daemon.serve().await
    })?;
    drop((runtime, lock));
    match ended {
        DaemonEnd::Stopped => Ok(()),
        DaemonEnd::Replaced(program) => {
            let source = program.execute(home, require_sandbox);
            Err(DaemonError::Upgrade { path: program.path().to_owned(), source })
        }
    }
}

/// How the daemon's life ended.
pub(super) enum DaemonEnd {
    Stopped,
    /// By another version of the program.
    Replaced(Program),
}

/// Gives up write access to everything but the stores that are known now, and `also`. A local store that is set up later needs a
/// restart. Call it before any other thread exists. The page and the terminal give it up too: to read a store they write its lock.
///
/// # Errors
/// If a directory of the agent cannot be made.
pub fn restrict(home: &Home, config: &Config, also: &[&Path]) -> Result<Sandbox, DaemonError> {
    let mut own: Vec<&Path> =
        [home.root(), config.cache.location.as_path()].into_iter().chain(config.local_stores()).collect();
    for dir in &own {
        std::fs::create_dir_all(dir).map_err(|source| DaemonError::Path { path: dir.to_path_buf(), source })?;
    }
    // One that is not there may be on a disk that is not mounted: it is not made.
    own.extend(
        config
            .shared
            .as_ref()
            .filter(|shared| shared.may_write)
            .and_then(place::directory)
            .filter(|dir| place::is_there(dir)),
    );
    let sandbox = sandbox::restrict_writes(&[&own[..], also].concat());
    // A self-test runs before the sandbox is reported.
    if sandbox.is_on() && sandbox::is_denied_outside() == Some(false) {
        tracing::error!("the kernel has taken the sandbox's rules, but does not deny what they forbid");
        return Ok(Sandbox::Off);
    }
    Ok(sandbox)
}
