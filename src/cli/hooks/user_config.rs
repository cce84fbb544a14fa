//! One `include.path` in the user's Git configuration, put in and taken out by the byte.

use std::io;
use std::ops::Range;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use super::HooksError;
use super::git_config::{included_paths, quoted_value};
use crate::file;
use crate::repo::config_text::{ConfigValue, config_values};

const IN_A_FILE: &str =
    "# ra-agent: after a commit Git wakes the agent; \"ra-agent hooks uninstall\" removes these three lines\n";
const OWN_FILE: &str =
    "# ra-agent: after a commit Git wakes the agent; \"ra-agent hooks uninstall\" removes this file\n";
const BYTE_ORDER_MARK: &[u8] = b"\xef\xbb\xbf";

/// The file that `git config --global` writes: `$GIT_CONFIG_GLOBAL`, else `~/.gitconfig` if it is there, else
/// `$XDG_CONFIG_HOME/git/config` (`~/.config/git/config`) if that is there, else `~/.gitconfig`.
///
/// # Errors
/// If no home directory is known.
#[expect(clippy::disallowed_methods, reason = "Git reads these variables too")]
pub fn user_config_file() -> Result<PathBuf, HooksError> {
    let set = |name: &str| std::env::var_os(name).filter(|value| !value.is_empty()).map(PathBuf::from);
    if let Some(path) = set("GIT_CONFIG_GLOBAL") {
        return Ok(path);
    }
    let user_home = set("HOME").or_else(dirs::home_dir).ok_or(HooksError::NoUserHome)?;
    let dotfile = user_home.join(".gitconfig");
    let xdg = set("XDG_CONFIG_HOME").unwrap_or_else(|| user_home.join(".config")).join("git/config");
    Ok(if !dotfile.exists() && xdg.exists() { xdg } else { dotfile })
}

/// Whether the file includes `target`.
///
/// # Errors
/// If it cannot be read or parsed.
pub(super) fn includes(config: &Path, target: &Path) -> Result<bool, HooksError> {
    let Some(content) = read(config)? else { return Ok(false) };
    let paths = included_paths(&content).ok_or_else(|| HooksError::NotParsed { path: config.to_path_buf() })?;
    Ok(paths.iter().any(|path| path == target))
}

/// Includes `target`, at the top: what the user wrote comes later and wins, `hook.ra-agent.enabled = false` among it. Does
/// nothing if it is included already.
pub(super) fn add_include(config: &Path, target: &Path) -> Result<(), HooksError> {
    let content = read(config)?;
    let old = content.as_deref().unwrap_or_default();
    let before = config_values(old).ok_or_else(|| HooksError::NotParsed { path: config.to_path_buf() })?;
    let include = ConfigValue::include(target.as_os_str().as_bytes());
    if before.contains(&include) {
        return Ok(());
    }
    let top = if old.starts_with(BYTE_ORDER_MARK) { BYTE_ORDER_MARK.len() } else { 0 };
    let comment = if content.is_some() { IN_A_FILE } else { OWN_FILE };
    let (mark, rest) = old.split_at(top);
    let new = [mark, &block(comment, target), rest].concat();
    let mut wanted = before;
    wanted.push(include);
    wanted.sort();
    if config_values(&new) != Some(wanted) {
        return Err(HooksError::NotEditable { path: config.to_path_buf(), line: include_line(target) });
    }
    write(config, &new)
}

/// Takes `target` out again. A file that holds nothing else and was made by [`add_include`] goes with it.
pub(super) fn remove_include(config: &Path, target: &Path) -> Result<(), HooksError> {
    let Some(old) = read(config)? else { return Ok(()) };
    let mut wanted = config_values(&old).ok_or_else(|| HooksError::NotParsed { path: config.to_path_buf() })?;
    let with_it = wanted.len();
    let include = ConfigValue::include(target.as_os_str().as_bytes());
    wanted.retain(|value| *value != include);
    if wanted.len() == with_it {
        return Ok(());
    }
    if old == block(OWN_FILE, target) {
        return std::fs::remove_file(config)
            .map_err(|source| HooksError::Unwritable { path: config.to_path_buf(), source });
    }
    let cut = cuts(&old, target).into_iter().map(|Range { start, end }| [&old[..start], &old[end..]].concat());
    let new = cut.into_iter().find(|new| config_values(new).as_ref() == Some(&wanted));
    let new = new.ok_or_else(|| HooksError::NotEditable { path: config.to_path_buf(), line: include_line(target) })?;
    write(config, &new)
}

fn block(comment: &str, target: &Path) -> Vec<u8> {
    [comment.as_bytes(), b"[include]\n\tpath = ", &quoted_value(target.as_os_str().as_bytes()), b"\n"].concat()
}

fn include_line(target: &Path) -> String {
    format!("include.path = {}", target.display())
}

/// What could be cut to remove the include, best first: our lines, or any one line (if the user put more under our section's
/// head, or wrote the include by hand).
fn cuts(content: &[u8], target: &Path) -> Vec<Range<usize>> {
    let mut cuts = Vec::new();
    for comment in [IN_A_FILE, OWN_FILE] {
        let block = block(comment, target);
        let found = content.windows(block.len()).position(|window| window == block);
        cuts.extend(found.map(|start| start..start + block.len()));
    }
    let mut start = 0;
    for line in content.split_inclusive(|&byte| byte == b'\n') {
        cuts.push(start..start + line.len());
        start += line.len();
    }
    cuts
}

fn read(config: &Path) -> Result<Option<Vec<u8>>, HooksError> {
    match std::fs::metadata(config) {
        Ok(metadata) if !metadata.is_file() => {
            let source = io::Error::other("it is not a regular file");
            Err(HooksError::Unreadable { path: config.to_path_buf(), source })
        }
        Ok(_) => match std::fs::read(config) {
            Ok(content) => Ok(Some(content)),
            Err(source) => Err(HooksError::Unreadable { path: config.to_path_buf(), source }),
        },
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(source) => Err(HooksError::Unreadable { path: config.to_path_buf(), source }),
    }
}

fn write(config: &Path, content: &[u8]) -> Result<(), HooksError> {
    // root could write it all the same, but a file is read-only for a reason (a dotfile tool, a system's builder).
    if std::fs::metadata(config).is_ok_and(|metadata| metadata.permissions().mode() & 0o222 == 0) {
        return Err(HooksError::ReadOnly { path: config.to_path_buf() });
    }
    file::replace_locked(config, content).map_err(|source| match source.kind() {
        io::ErrorKind::AlreadyExists => HooksError::Locked { path: config.to_path_buf() },
        _ => HooksError::Unwritable { path: config.to_path_buf(), source },
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs;

    const TARGET: &str = "/home/a b/\"q\"/hooks.gitconfig";

    /// FAILURES 9.
    #[test]
    fn f9_in_and_out_again_leaves_the_bytes() {
        let dir = tempfile::tempdir().unwrap();
        let config = dir.path().join(".gitconfig");
        for old in [
            "",
            "[user]\n\tname = A # me\n",
            "[user]\n\tname = A",
            "[hook \"mine\"]\r\n\tcommand = /x\r\n\tevent = post-commit\r\n",
            "\u{feff}[core]\n\tbare = false\n",
            "# ra-agent\n[include]\n\tpath = other\n[include]\n",
            "[alias]\n\tx = \"!f() { \\\n echo; }; f\"\n",
        ] {
            fs::write(&config, old).unwrap();
            add_include(&config, Path::new(TARGET)).unwrap();
            let once = fs::read(&config).unwrap();
            assert!(includes(&config, Path::new(TARGET)).unwrap(), "{old:?}");
            add_include(&config, Path::new(TARGET)).unwrap();
            assert_eq!(fs::read(&config).unwrap(), once, "twice is once");
            remove_include(&config, Path::new(TARGET)).unwrap();
            assert_eq!(fs::read_to_string(&config).unwrap(), old);
            remove_include(&config, Path::new(TARGET)).unwrap();
            assert_eq!(fs::read_to_string(&config).unwrap(), old);
        }
    }

    #[test]
    fn what_was_added_under_our_head_stays() {
        let dir = tempfile::tempdir().unwrap();
        let config = dir.path().join(".gitconfig");
        add_include(&config, Path::new(TARGET)).unwrap();
        let added = [fs::read(&config).unwrap(), b"\tpath = /users/own\n".to_vec()].concat();
        fs::write(&config, added).unwrap();
        remove_include(&config, Path::new(TARGET)).unwrap();
        let left = fs::read(&config).unwrap();
        assert_eq!(included_paths(&left).unwrap(), [Path::new("/users/own")]);
    }

    /// FAILURES 10.
    #[test]
    fn f10_a_missing_file_is_made_and_removed_a_link_stays_a_link() {
        let dir = tempfile::tempdir().unwrap();
        let config = dir.path().join(".gitconfig");
        add_include(&config, Path::new(TARGET)).unwrap();
        remove_include(&config, Path::new(TARGET)).unwrap();
        assert!(!config.exists());

        let dotfile = dir.path().join("dotfile");
        fs::write(&dotfile, "[user]\n\tname = A\n").unwrap();
        std::os::unix::fs::symlink("dotfile", &config).unwrap();
        add_include(&config, Path::new(TARGET)).unwrap();
        assert!(fs::symlink_metadata(&config).unwrap().is_symlink());
        assert!(includes(&dotfile, Path::new(TARGET)).unwrap());
        remove_include(&config, Path::new(TARGET)).unwrap();
        assert_eq!(fs::read_to_string(&dotfile).unwrap(), "[user]\n\tname = A\n");
        assert_eq!(fs::read_dir(dir.path()).unwrap().count(), 2, "no lock is left");
    }

    #[test]
    fn f10_what_cannot_be_edited_is_refused_with_a_reason_and_left() {
        let dir = tempfile::tempdir().unwrap();
        let config = dir.path().join(".gitconfig");
        let refused = |content: &str, reason: &str| {
            let error = add_include(&config, Path::new(TARGET)).unwrap_err().to_string();
            assert!(error.contains(reason), "{error}");
            assert_eq!(fs::read_to_string(&config).unwrap(), content);
        };
        fs::write(&config, "[user\n").unwrap();
        refused("[user\n", "cannot be parsed");
        fs::write(&config, "[user]\n").unwrap();
        fs::write(dir.path().join(".gitconfig.lock"), "").unwrap();
        refused("[user]\n", "is being written");
        fs::remove_file(dir.path().join(".gitconfig.lock")).unwrap();
        fs::set_permissions(&config, fs::Permissions::from_mode(0o444)).unwrap();
        refused("[user]\n", "read-only");
        assert!(add_include(Path::new("/dev/null"), Path::new(TARGET)).is_err());
    }
}
