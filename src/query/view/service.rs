//! The answer of `service status`.

use std::path::PathBuf;

use serde::Serialize;

/// Whether the system's service manager runs the daemon.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct ServiceView {
    pub manager: &'static str,
    /// Why the manager does not answer; `None`: it answers.
    pub unavailable: Option<String>,
    pub file: PathBuf,
    pub installed: bool,
    /// The file is what this version would write.
    pub current: bool,
    pub active: bool,
}

impl ServiceView {
    /// Whether there is a service manager to install a service with.
    pub fn is_available(&self) -> bool {
        self.unavailable.is_none()
    }

    /// Whether nothing is left to install.
    pub fn is_done(&self) -> bool {
        self.installed && self.current && self.active
    }
}
