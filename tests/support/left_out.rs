//! For what a machine cannot show. Unit tests and stories share this file.

use std::fs::File;
use std::io::Write;

/// Reports that this test leaves something out, and why: on standard error, past the test runner, which hides what a passing
/// test prints, and in the file that `.ci/run` ends its summary with.
pub fn left_out(what: &str, why: &str) {
    let test = std::thread::current().name().unwrap_or("a test").to_owned();
    let line = format!("left out of {test}: {what}: {why}\n");
    // A closed standard error is no reason to fail.
    let _ = std::io::stderr().write_all(line.as_bytes());
    if let Some(path) = std::env::var_os("RA_AGENT_TEST_LEFT_OUT") {
        // one write a line: tests run side by side
        File::options().create(true).append(true).open(path).unwrap().write_all(line.as_bytes()).unwrap();
    }
}
