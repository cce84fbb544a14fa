//! Text of Git's configuration: written with every path quoted, parsed before it is used.

use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};

use super::script::{EVENTS, shell_quoted};
use crate::repo::config_text::config_values;

/// Returns the files that are included unconditionally; `None` if the text cannot be parsed.
pub(super) fn included_paths(content: &[u8]) -> Option<Vec<PathBuf>> {
    let values = config_values(content)?;
    Some(values.iter().filter(|value| value.is_include()).map(|value| path_from(&value.value)).collect())
}

fn path_from(bytes: &[u8]) -> PathBuf {
    PathBuf::from(std::ffi::OsStr::from_bytes(bytes))
}

/// The file that is included for the commits of one group of work trees: it names the script to run.
pub(super) fn hook_section(script: &Path) -> Vec<u8> {
    let mut out = b"[hook \"ra-agent\"]\n\tcommand = ".to_vec();
    out.extend(quoted_value(&command(script)));
    out.push(b'\n');
    for event in EVENTS {
        out.extend(format!("\tevent = {event}\n").into_bytes());
    }
    // `enabled` without a value is fatal to git 2.54; without `parallel` our hook would make the user's wait for each other
    out.extend(b"\tenabled = true\n\tparallel = true\n");
    out
}

/// Includes `file` for repositories with exactly this git directory, and for the linked work trees below it. `None` if Git's
/// configuration cannot name the directory: a line end does not fit into a condition.
pub(super) fn conditional_include(common_dir: &Path, file: &str) -> Option<Vec<u8>> {
    // File systems of macOS ignore case.
    let keyword = if cfg!(target_os = "macos") { "gitdir/i" } else { "gitdir" };
    let directory = common_dir.as_os_str().as_bytes();
    if directory.contains(&b'\n') {
        return None;
    }
    let mut out = Vec::new();
    for below in ["", "/worktrees/**"] {
        let pattern = [keyword.as_bytes(), b":", &glob_escaped(directory), below.as_bytes()].concat();
        out.extend_from_slice(b"[includeIf \"");
        out.extend(backslashed(&pattern));
        out.extend(format!("\"]\n\tpath = {file}\n").into_bytes());
    }
    Some(out)
}

/// A value in double quotes.
pub(super) fn quoted_value(bytes: &[u8]) -> Vec<u8> {
    let mut out = vec![b'"'];
    for &byte in bytes {
        match byte {
            b'\n' => out.extend_from_slice(b"\\n"),
            b'\t' => out.extend_from_slice(b"\\t"),
            b'"' | b'\\' => out.extend([b'\\', byte]),
            _ => out.push(byte),
        }
    }
    out.push(b'"');
    out
}

/// Git runs a command directly if it holds none of these bytes (`prepare_shell_cmd` in its run-command.c), else by a shell, which
/// costs another 3 ms.
fn command(script: &Path) -> Vec<u8> {
    const FOR_A_SHELL: &[u8] = b"|&;<>()$`\\\"' \t\n*?[#~=%";
    let bytes = script.as_os_str().as_bytes();
    if bytes.iter().any(|byte| FOR_A_SHELL.contains(byte)) { shell_quoted(bytes) } else { bytes.to_vec() }
}

fn glob_escaped(bytes: &[u8]) -> Vec<u8> {
    let escape = |&byte: &u8| if matches!(byte, b'*' | b'?' | b'[' | b'\\') { vec![b'\\', byte] } else { vec![byte] };
    bytes.iter().flat_map(escape).collect()
}

fn backslashed(bytes: &[u8]) -> Vec<u8> {
    let escape = |&byte: &u8| if matches!(byte, b'"' | b'\\') { vec![b'\\', byte] } else { vec![byte] };
    bytes.iter().flat_map(escape).collect()
}
