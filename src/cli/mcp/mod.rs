//! `mcp`: the server that coding agents start, one for each client.

use super::{Context, Failure};
use crate::mcp;

/// Serves on standard input and output until the client goes away.
pub fn run(context: Context) -> Result<(), Failure> {
    mcp::serve(context.home).map_err(|error| Failure::Failed(error.to_string()))
}
