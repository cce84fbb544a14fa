//! What goes to the terminal.

use std::io::Write;

use super::Failure;
use crate::query::view::freshness::Freshness;
use crate::query::view::plain;

/// Prints one JSON document.
pub fn print_json<T: serde::Serialize>(value: &T) -> Result<(), Failure> {
    let text = serde_json::to_string_pretty(value).map_err(|error| Failure::Failed(error.to_string()))?;
    print(&format!("{}\n", plain::json(&text)))
}

/// Prints text, all of it before it returns; a reader that has gone away (`| head`) is no failure. The only way to standard output:
/// `println!` panics where this does not. What would act on the terminal is escaped, be it ours or not.
pub fn print(text: &str) -> Result<(), Failure> {
    print_styled(&plain::visible_lines(text))
}

/// Prints text with styles of our own: what others wrote in it went through [`plain::visible`] before.
pub fn print_styled(text: &str) -> Result<(), Failure> {
    let mut out = std::io::stdout().lock();
    written(out.write_all(text.as_bytes()).and_then(|()| out.flush()))
}

/// An item as a line names it: `function parse`, or `section` of one without a name.
pub fn item(entity_type: &str, entity_name: &str) -> String {
    plain::visible(&format!("{entity_type} {entity_name}")).trim_end().to_owned()
}

/// One JSON document in one line, for a stream of them.
pub fn line_of<T: serde::Serialize>(value: &T) -> Result<String, Failure> {
    let text = serde_json::to_string(value).map_err(|error| Failure::Failed(error.to_string()))?;
    Ok(format!("{}\n", plain::json(&text)))
}

/// Prints text after a sequence of our own, for a verb that goes on printing; false: its reader has gone away.
pub fn print_open(before: &'static str, text: &str) -> Result<bool, Failure> {
    let mut out = std::io::stdout().lock();
    let text = format!("{before}{}", plain::visible_lines(text));
    match out.write_all(text.as_bytes()).and_then(|()| out.flush()) {
        Err(error) if error.kind() == std::io::ErrorKind::BrokenPipe => Ok(false),
        done => written(done).map(|()| true),
    }
}

/// What became of writing to standard output.
pub(super) fn written(done: std::io::Result<()>) -> Result<(), Failure> {
    match done {
        Err(error) if error.kind() != std::io::ErrorKind::BrokenPipe => {
            Err(Failure::Failed(format!("standard output cannot be written: {error}; is its disk full?")))
        }
        _ => Ok(()),
    }
}

/// Tells a person of an error, and goes on if that fails.
pub fn print_error(text: &str) {
    let _ = writeln!(std::io::stderr().lock(), "ra-agent: {}", plain::visible_lines(text));
}

/// Adds a line that says how fresh an answer is, unless it is current.
pub fn add_freshness(freshness: Option<&Freshness>, out: &mut String) {
    if let Some(freshness) = freshness.filter(|freshness| !freshness.is_current()) {
        out.push_str(&format!("{}\n", plain::visible(&freshness.to_string())));
    }
}

/// Bytes for people: three digits and a unit.
pub fn human_bytes(bytes: u64) -> String {
    const UNITS: [&str; 4] = ["B", "KiB", "MiB", "GiB"];
    let mut value = bytes as f64;
    let mut unit = 0;
    while value >= 1_000.0 && unit + 1 < UNITS.len() {
        value /= 1_024.0;
        unit += 1;
    }
    if unit == 0 { format!("{bytes} B") } else { format!("{value:.1} {}", UNITS[unit]) }
}

/// First digits of a commit's name.
pub fn short(id: &str) -> &str {
    id.get(..12).unwrap_or(id)
}
