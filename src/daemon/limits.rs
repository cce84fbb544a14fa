//! What of an edited configuration is in force without a restart: the limits of the budget, and which files are indexed. `budget set` puts
//! limits in force at once; an edit is noticed within a poll, and which files are indexed also when a person asks for a reconcile.

use super::start::DaemonError;
use super::{Daemon, change};
use crate::config::{Config, ConfigError};
use crate::daemon::control::StateChange;

impl Daemon {
    /// Reads the configuration again if it selects other files now. One that cannot be read changes nothing.
    pub(super) async fn follow_selection(&mut self) -> Result<(), DaemonError> {
        let written = Config::load(&self.home.config_file(), self.home.root());
        if written.is_ok_and(|written| !written.selects_as(&self.config)) {
            tracing::info!("the configuration was edited: other files are indexed");
            self.reload().await?;
        }
        Ok(())
    }

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
