//! The daemon is started by the first question that finds none: an index that nothing follows would be stale.

use std::process::{Command, Stdio};
use std::time::Duration;

use crate::client::wait_for_daemon;
use crate::home::Home;
use crate::lock;

/// How long the first question waits for it.
const START_WAIT: Duration = Duration::from_secs(2);

/// Starts the daemon unless one runs. Returns what there is to say of it.
#[expect(clippy::disallowed_methods, reason = "starts the daemon")]
pub(super) fn daemon(home: &Home) -> Option<String> {
    if lock::holder(&home.agent_lock()).is_some() {
        return None;
    }
    let program = std::env::current_exe().ok()?;
    let mut command = Command::new(program);
    command.args(["daemon", "start"]).env("RA_AGENT_HOME", home.root()).current_dir(home.root());
    let spawned = command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null()).spawn();
    let mut child = match spawned {
        Ok(child) => child,
        Err(error) => return Some(format!("no daemon runs, and it cannot be started: {error}")),
    };
    Some(match wait_for_daemon(home, START_WAIT) {
        true => {
            // The daemon has detached itself, so this process ends now. Of several clients that start one, one succeeds.
            let _ = child.wait();
            "started the ra-agent daemon: none was running".to_owned()
        }
        false => "no daemon runs, and it did not start; `ra-agent daemon start` says why".to_owned(),
    })
}
