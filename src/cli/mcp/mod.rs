//! `mcp`: the server that coding agents start, one for each client; and its entries in their configuration.

mod apply;
mod clients;
mod document;
mod insertion;
mod json_text;
mod meaning;
mod plan;
mod record;
mod toml_text;
mod verb;

#[cfg(test)]
mod tests;

pub use verb::{InstallArgs, UninstallArgs, configure, installed};

use super::{Context, Failure};
use crate::mcp;

/// Serves on standard input and output until the client goes away.
pub fn run(context: Context) -> Result<(), Failure> {
    mcp::serve(context.home).map_err(|error| Failure::Failed(error.to_string()))
}
