//! worker: hidden; the daemon starts it.

use super::{Context, Failure};
use crate::worker::{self, Ending};

pub fn run(context: Context, after_crash: bool) -> Result<(), Failure> {
    super::daemon::log_to_stderr();
    let ending = if after_crash { Ending::Crash } else { Ending::Blameless };
    worker::run(context.home, context.config, ending).map_err(|error| Failure::Failed(error.to_string()))
}
