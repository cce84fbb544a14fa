//! The daemon is started by a question that finds none: an index that nothing follows would be stale.

use std::process::{Command, Stdio};
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use crate::client::wait_for_daemon;
use crate::clock;
use crate::home::Home;
use crate::lock;

/// How long the question waits for it.
const START_WAIT: Duration = Duration::from_secs(2);

/// How long a start that failed is not tried again: each question would wait for it.
const FAILED_PAUSE: Duration = Duration::from_secs(30);

/// Whether a daemon runs, as the lock says.
pub(super) fn is_running(home: &Home) -> bool {
    lock::holder(&home.agent_lock()).is_some()
}

/// Starts the daemon for one client, whenever none runs.
#[derive(Default)]
pub(super) struct DaemonStarter {
    /// Held while one question starts it; the others wait. When the last start failed, if it did.
    failed: Mutex<Option<Instant>>,
}

impl DaemonStarter {
    /// Starts the daemon unless one runs. Returns what there is to say of it, to the question that started it.
    pub(super) fn start(&self, home: &Home) -> Option<String> {
        let mut failed = self.failed.lock().unwrap_or_else(PoisonError::into_inner);
        if is_running(home) || failed.is_some_and(|at| clock::since(at) < FAILED_PAUSE) {
            return None;
        }
        let (has_started, said) = start_daemon(home, START_WAIT)?;
        *failed = (!has_started).then(clock::monotonic);
        Some(said)
    }
}

/// Starts the daemon, and waits so long until it answers. Returns whether it runs, and what there is to say of it; `None`: the system does not name this program's file.
#[expect(clippy::disallowed_methods, reason = "starts the daemon")]
pub fn start_daemon(home: &Home, wait: Duration) -> Option<(bool, String)> {
    let program = std::env::current_exe().ok()?;
    let mut command = Command::new(program);
    command.args(["daemon", "start"]).env("RA_AGENT_HOME", home.root()).current_dir(home.root());
    let spawned = command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null()).spawn();
    let mut child = match spawned {
        Ok(child) => child,
        Err(error) => return Some((false, format!("no daemon runs, and it cannot be started: {error}"))),
    };
    Some(match wait_for_daemon(home, wait) {
        true => {
            // The daemon has detached itself, so this process ends now. Of several clients that start one, one succeeds.
            let _ = child.wait();
            (true, "started the ra-agent daemon: none was running".to_owned())
        }
        false => (false, "no daemon runs, and it did not start; `ra-agent daemon start` says why".to_owned()),
    })
}
