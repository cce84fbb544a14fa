//! Parses the command line, runs the verb, maps the error's kind to an exit code.

use std::process::ExitCode;

fn main() -> ExitCode {
    ra_agent::cli::main()
}
