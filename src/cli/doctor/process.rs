//! The daemon, and the service that starts it.

use std::collections::BTreeMap;

use crate::cli::Context;
use crate::cli::service;
use crate::daemon::control::{self, ControlError, ControlReply, Request};
use crate::query::view::doctor::DoctorFinding;

/// What the daemon reports about itself.
pub(super) struct RunningDaemon {
    pub sandbox: String,
    pub watches: Option<usize>,
    /// Work trees that are polled, by repository, with the reason.
    pub polled: BTreeMap<String, String>,
}

pub(super) fn check(context: &Context, findings: &mut Vec<DoctorFinding>) -> Option<RunningDaemon> {
    let daemon = ask(context, findings);
    findings.extend(service_of(context));
    daemon
}

fn ask(context: &Context, findings: &mut Vec<DoctorFinding>) -> Option<RunningDaemon> {
    const TOPIC: &str = "daemon";
    const RESTART: &str = "ra-agent daemon restart";
    let trouble = match control::ask(&context.home, Request::Ping) {
        Ok(ControlReply::Pong { pid, sandbox, watches, polled, version, .. }) => {
            let own = env!("CARGO_PKG_VERSION");
            findings.push(if version == own {
                DoctorFinding::good(TOPIC, format!("running (pid {pid})"))
            } else {
                DoctorFinding::note(
                    TOPIC,
                    format!("running (pid {pid}), but as version {version}; this is {own}"),
                    RESTART,
                )
            });
            return Some(RunningDaemon { sandbox, watches, polled });
        }
        Ok(ControlReply::Failed { message }) => DoctorFinding::problem(TOPIC, message, RESTART),
        Ok(other) => DoctorFinding::problem(TOPIC, format!("it answers {other:?}"), RESTART),
        Err(ControlError::NotRunning) => {
            DoctorFinding::problem(TOPIC, "not running: no commit is noticed", "ra-agent daemon start")
        }
        Err(error) => DoctorFinding::problem(TOPIC, error.to_string(), RESTART),
    };
    findings.push(trouble);
    None
}

/// Whether a service starts the daemon after the next login; `None` without a service manager.
fn service_of(context: &Context) -> Option<DoctorFinding> {
    const TOPIC: &str = "service";
    const FIX: &str = "ra-agent service install";
    let status = service::status(context)?;
    Some(match (status.installed, status.current, status.active) {
        (true, true, true) => DoctorFinding::good(TOPIC, "installed and running"),
        (true, false, _) => DoctorFinding::note(TOPIC, "installed by another version, or for another program", FIX),
        (true, true, false) => DoctorFinding::note(TOPIC, "installed, but the daemon was started by hand", FIX),
        (false, ..) if status.is_available() => {
            DoctorFinding::note(TOPIC, "not installed: start the daemon by hand after the next login", FIX)
        }
        (false, ..) => return None,
    })
}
