//! The daemon, and what starts it.

use std::collections::BTreeMap;

use super::Finding;
use crate::cli::Context;
use crate::cli::service;
use crate::daemon::control::{self, ControlError, Reply, Request};

/// What the daemon says of itself.
pub(super) struct Daemon {
    pub sandbox: String,
    pub watches: Option<usize>,
    /// Work trees that the timer looks at, by repository, with the reason.
    pub polled: BTreeMap<String, String>,
}

pub(super) fn look(context: &Context, findings: &mut Vec<Finding>) -> Option<Daemon> {
    let daemon = ask(context, findings);
    findings.extend(service_of(context));
    daemon
}

fn ask(context: &Context, findings: &mut Vec<Finding>) -> Option<Daemon> {
    const TOPIC: &str = "daemon";
    const RESTART: &str = "ra-agent daemon restart";
    let trouble = match control::ask(&context.home, Request::Ping) {
        Ok(Reply::Pong { pid, sandbox, watches, polled, version, .. }) => {
            let own = env!("CARGO_PKG_VERSION");
            findings.push(if version == own {
                Finding::good(TOPIC, format!("running (pid {pid})"))
            } else {
                Finding::note(TOPIC, format!("running (pid {pid}), but as version {version}; this is {own}"), RESTART)
            });
            return Some(Daemon { sandbox, watches, polled });
        }
        Ok(Reply::Failed { message }) => Finding::problem(TOPIC, message, RESTART),
        Ok(other) => Finding::problem(TOPIC, format!("it answers {other:?}"), RESTART),
        Err(ControlError::NotRunning) => {
            Finding::problem(TOPIC, "not running: no commit is noticed", "ra-agent daemon start")
        }
        Err(error) => Finding::problem(TOPIC, error.to_string(), RESTART),
    };
    findings.push(trouble);
    None
}

/// Who starts the daemon after the next login. Nothing where no service manager could.
fn service_of(context: &Context) -> Option<Finding> {
    const TOPIC: &str = "service";
    const MEND: &str = "ra-agent service install";
    let status = service::status(context)?;
    Some(match (status.installed, status.current, status.active) {
        (true, true, true) => Finding::good(TOPIC, "installed and running"),
        (true, false, _) => Finding::note(TOPIC, "installed by another version, or for another program", MEND),
        (true, true, false) => Finding::note(TOPIC, "installed, but it is not what runs the daemon", MEND),
        (false, ..) if status.is_available() => {
            Finding::note(TOPIC, "not installed: after the next login somebody has to start the daemon", MEND)
        }
        (false, ..) => return None,
    })
}
