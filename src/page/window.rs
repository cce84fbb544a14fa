//! A window of the person's browser.

use std::process::{Command, Stdio};

/// Programs that open an address in the browser that a person has chosen.
const OPENERS: [&str; 2] = if cfg!(target_os = "macos") { ["open", "xdg-open"] } else { ["xdg-open", "open"] };

/// Opens an address; false: no program here does that.
#[expect(clippy::disallowed_methods, reason = "a person asks for a window, and it concerns no repository")]
pub fn open_window(address: &str) -> bool {
    OPENERS.iter().any(|opener| {
        let mut command = Command::new(opener);
        command.arg(address).stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
        command.spawn().is_ok()
    })
}
