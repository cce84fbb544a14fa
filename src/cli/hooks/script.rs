//! The text of the hook scripts, and how paths get into it.

use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};

/// After these Git has moved HEAD by a commit, a merge, an amend or a rebase, an applied patch. Whatever else moves it (reset, a
/// checkout, other programs) is seen by the watch on the git directory.
pub(super) const EVENTS: [&str; 4] = ["post-commit", "post-merge", "post-rewrite", "post-applypatch"];

const NOTIFY: &str = include_str!("../../../hooks/notify.sh");
const NOTIFY_IN_REPO: &str = include_str!("../../../hooks/notify-in-repo.sh");

const NOTIFY_BY_DIRECTORY: &str = include_str!("../../../hooks/notify-by-directory.sh");

/// Marks a hook in a repository as ours, not the user's.
const MARK: &[u8] = b"\n# ra-agent hook: ";

/// Script of a hook that Git's configuration names.
pub(super) fn notify<'a>(inbox_files: impl IntoIterator<Item = &'a Path>) -> Vec<u8> {
    fill(NOTIFY, inbox_files)
}

/// Script of a hook that stands in a repository's hook directory.
pub(super) fn notify_in_repo<'a>(inbox_files: impl IntoIterator<Item = &'a Path>) -> Vec<u8> {
    fill(NOTIFY_IN_REPO, inbox_files)
}

/// Script of the one hook for all repositories: it finds the repository by the directory that it runs in.
pub(super) fn notify_by_directory<'a>(known: impl IntoIterator<Item = (&'a Path, PathBuf)>) -> Vec<u8> {
    let case = |(directory, inbox): (&Path, PathBuf)| {
        let (directory, inbox) = (directory.as_os_str().as_bytes(), inbox.as_os_str().as_bytes());
        [&shell_quoted(directory)[..], b") inbox=", &shell_quoted(inbox), b" ;;\n"].concat()
    };
    let cases: Vec<u8> = known.into_iter().flat_map(case).collect();
    let (before, after) = NOTIFY_BY_DIRECTORY.split_once("@CASES@").unwrap_or((NOTIFY_BY_DIRECTORY, ""));
    [before.as_bytes(), &cases, after.as_bytes()].concat()
}

pub(super) fn is_ours(content: &[u8]) -> bool {
    content.windows(MARK.len()).any(|window| window == MARK)
}

fn fill<'a>(template: &str, inbox_files: impl IntoIterator<Item = &'a Path>) -> Vec<u8> {
    let quoted: Vec<Vec<u8>> = inbox_files.into_iter().map(|file| shell_quoted(file.as_os_str().as_bytes())).collect();
    let (before, after) = template.split_once("@INBOX_FILES@").unwrap_or((template, ""));
    [before.as_bytes(), &quoted.join(&b' '), after.as_bytes()].concat()
}

/// One word of a POSIX shell, whatever the bytes.
pub(in crate::cli) fn shell_quoted(bytes: &[u8]) -> Vec<u8> {
    let mut out = vec![b'\''];
    for &byte in bytes {
        match byte {
            b'\'' => out.extend_from_slice(br"'\''"),
            _ => out.push(byte),
        }
    }
    out.push(b'\'');
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::PermissionsExt;
    use std::process::{Command, Output, Stdio};

    /// Runs a script by the shell that it names, with pipes that it could fill or leave open. Not by itself: a file that was just
    /// written is busy for a moment if another test starts a process meanwhile.
    fn run(dir: &Path, script: &[u8]) -> Output {
        let file = dir.join("hook script");
        std::fs::write(&file, script).unwrap();
        Command::new("/bin/sh").arg(&file).arg("amend").stdin(Stdio::null()).output().unwrap()
    }

    fn hostile_name() -> PathBuf {
        use std::ffi::OsStr;
        PathBuf::from(OsStr::from_bytes(b"it's a \"na\\me\" $(touch x) `y` *\t\n\xff%"))
    }

    #[test]
    fn the_inbox_file_is_touched_whatever_its_name() {
        let dir = tempfile::tempdir().unwrap();
        let inbox = dir.path().join(hostile_name());
        std::fs::write(&inbox, "content that goes").unwrap();
        let output = run(dir.path(), &notify([inbox.as_path()]));
        assert!(output.status.success());
        assert_eq!(std::fs::metadata(&inbox).unwrap().len(), 0);
        assert_eq!(std::fs::read_dir(dir.path()).unwrap().count(), 2, "nothing else was made");
    }

    /// FAILURES 4 and 5, without Git: it is silent, it ends, it says that all is well, and it makes nothing.
    #[test]
    fn f4_the_script_succeeds_silently_whatever_is_in_the_inbox() {
        let dir = tempfile::tempdir().unwrap();
        let at = |name: &str| dir.path().join(name);
        std::fs::create_dir(at("directory")).unwrap();
        std::fs::write(at("victim"), "keep").unwrap();
        std::os::unix::fs::symlink(at("victim"), at("link")).unwrap();
        std::os::unix::fs::symlink("/dev/zero", at("zero")).unwrap();
        assert!(Command::new("mkfifo").arg(at("fifo")).status().unwrap().success());
        std::fs::write(at("locked"), "").unwrap();
        std::fs::set_permissions(at("locked"), std::fs::Permissions::from_mode(0o000)).unwrap();
        for name in ["missing", "no/such/directory", "directory", "link", "zero", "fifo", "locked", "victim/x"] {
            let inbox = at(name);
            for script in [notify([inbox.as_path()]), notify_in_repo([inbox.as_path()])] {
                let output = run(dir.path(), &script);
                assert!(output.status.success(), "{name}");
                assert_eq!((output.stdout.len(), output.stderr.len()), (0, 0), "{name}");
            }
        }
        assert_eq!(std::fs::read(at("victim")).unwrap(), b"keep", "a link is not followed");
        assert!(!at("missing").exists());
    }

    #[test]
    fn ours_is_told_from_others() {
        assert!(is_ours(&notify_in_repo([Path::new("/x")])));
        assert!(!is_ours(b"#!/bin/sh\necho ra-agent hook: no\n"));
    }
}
