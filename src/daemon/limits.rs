//! The limits of the budget while the daemon runs: `budget set` puts them in force at once, an edit of the configuration within a poll. A
//! lower limit must not wait for a restart.

use super::{Daemon, change};
use crate::config::{Config, ConfigError};
use crate::daemon::control::StateChange;

impl Daemon {
    /// Takes the limits, and only them, from the configuration: whatever else was edited waits for a reload, which gives the worker the same.
    /// True if they are others than before.
    pub(super) fn read_limits(&mut self) -> Result<bool, ConfigError> {
        let written = Config::load(&self.home.config_file(), self.home.root())?.budget;
        Ok(std::mem::replace(&mut self.config.budget, written) != written)
    }

    /// Puts edited limits in force. A configuration that cannot be read changes nothing; every verb reports what is wrong with it.
    pub(super) fn follow_limits(&mut self) {
        if !matches!(self.read_limits(), Ok(true)) {
            return;
        }
        match change::execute(&mut self.db, &self.home, &self.config, &StateChange::Limits { allow: false }) {
            Ok(message) => tracing::info!(message, "the configuration was edited"),
            Err(error) => tracing::error!(%error, "the edited limits are not in force"),
        }
    }
}
