//! Replacing a file so that no reader, and no power cut, ever finds half of it.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::{OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};

use rustix::fs::{CWD, RenameFlags, renameat_with};
use rustix::io::Errno;

/// Replaces the file at `path` by `content`: written next to it, synced, renamed over it, the directory synced.
///
/// A file that exists keeps its permission bits, a new one gets `mode`. A symbolic link stays a link: what it points to is
/// replaced, so that a file kept elsewhere (dotfiles) stays there.
///
/// # Errors
/// Whatever the file system answers; the old file is then untouched.
pub fn replace(path: &Path, content: &[u8], mode: u32) -> io::Result<()> {
    let target = behind_links(path)?;
    let mode = mode_of(&target)?.unwrap_or(mode);
    replace_entry(&target, content, mode)
}

/// As [`replace`], but it is the directory entry at `path` that is replaced: a symbolic link there goes, and what it points to
/// stays; a file there lends nothing to the new one, which has `mode`.
///
/// # Errors
/// Whatever the file system answers; the old entry is then untouched.
pub fn replace_entry(path: &Path, content: &[u8], mode: u32) -> io::Result<()> {
    let temporary = temporary_name(path)?;
    let file = OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(&temporary)?;
    fill_and_rename(file, &temporary, path, content, Some(mode))
}

/// As [`replace`], by the protocol of Git's own files: written as `<name>.lock`, which is made only if it is not there, so that a
/// `git config` at the same moment and this one do not undo each other. A new file gets the mode that the umask leaves of 0666.
///
/// # Errors
/// `AlreadyExists` if the lock is taken; else whatever the file system answers. The old file is then untouched.
pub fn replace_locked(path: &Path, content: &[u8]) -> io::Result<()> {
    let target = behind_links(path)?;
    let mode = mode_of(&target)?;
    let mut lock = target.clone().into_os_string();
    lock.push(".lock");
    let lock = PathBuf::from(lock);
    let file = OpenOptions::new().write(true).create_new(true).mode(0o666).open(&lock)?;
    fill_and_rename(file, &lock, &target, content, mode)
}

/// As [`replace`], but only if the file still has the content that was read from it, `None` if it was missing. Returns whether it had.
///
/// The two files are exchanged, so that what another program writes at the same moment is found and put back, not lost. Where the file
/// system cannot exchange, a write in the instant between the comparison and the rename is.
///
/// # Errors
/// Whatever the file system answers; the old file is then untouched.
pub fn replace_unchanged(path: &Path, read: Option<&[u8]>, content: &[u8], mode: u32) -> io::Result<bool> {
    let target = behind_links(path)?;
    let mode = mode_of(&target)?.unwrap_or(mode);
    let temporary = temporary_name(&target)?;
    let file = OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(&temporary)?;
    let replaced = fill(file, content, Some(mode)).and_then(|()| is_still(&target, read)).and_then(|same| match read {
        _ if !same => Ok(false),
        None => put_where_none_is(&temporary, &target),
        Some(read) => exchange_if(&temporary, &target, read, content),
    });
    let _ = fs::remove_file(&temporary);
    if replaced? { sync_directory_of(&target).map(|()| true) } else { Ok(false) }
}

fn put_where_none_is(temporary: &Path, target: &Path) -> io::Result<bool> {
    match renameat_with(CWD, temporary, CWD, target, RenameFlags::NOREPLACE) {
        Ok(()) => Ok(true),
        Err(Errno::EXIST) => Ok(false),
        Err(Errno::INVAL | Errno::NOSYS | Errno::NOTSUP) => fs::rename(temporary, target).map(|()| true),
        Err(error) => Err(error.into()),
    }
}

/// Exchanges the two files if `target` has the content `read`; `temporary` has `content`.
fn exchange_if(temporary: &Path, target: &Path, read: &[u8], content: &[u8]) -> io::Result<bool> {
    let exchange = || renameat_with(CWD, temporary, CWD, target, RenameFlags::EXCHANGE);
    match exchange() {
        Err(Errno::INVAL | Errno::NOSYS | Errno::NOTSUP) => return fs::rename(temporary, target).map(|()| true),
        exchanged => exchanged?,
    }
    let mut newer = fs::read(temporary)?;
    if newer == read {
        return Ok(true);
    }
    // Another program wrote in between. What it wrote last goes back.
    let mut placed = content.to_vec();
    loop {
        exchange()?;
        let found = fs::read(temporary)?;
        if found == placed {
            return Ok(false);
        }
        (placed, newer) = (newer, found);
    }
}

/// Removes the file at `path`, behind links, if it still has this content. Returns whether it had.
///
/// # Errors
/// Whatever the file system answers; the file is then still there.
pub fn remove_unchanged(path: &Path, read: &[u8]) -> io::Result<bool> {
    let target = behind_links(path)?;
    if !is_still(&target, Some(read))? {
        return Ok(false);
    }
    fs::remove_file(&target).and_then(|()| sync_directory_of(&target)).map(|()| true)
}

fn is_still(path: &Path, read: Option<&[u8]>) -> io::Result<bool> {
    match fs::read(path) {
        Ok(content) => Ok(read == Some(&content[..])),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(read.is_none()),
        Err(error) => Err(error),
    }
}

fn mode_of(path: &Path) -> io::Result<Option<u32>> {
    match fs::metadata(path) {
        Ok(metadata) => Ok(Some(metadata.permissions().mode() & 0o7777)),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(error),
    }
}

fn fill_and_rename(file: File, temporary: &Path, target: &Path, content: &[u8], mode: Option<u32>) -> io::Result<()> {
    if let Err(error) = fill(file, content, mode).and_then(|()| fs::rename(temporary, target)) {
        // the first error is the one to report; a temporary file that stays behind does no harm
        let _ = fs::remove_file(temporary);
        return Err(error);
    }
    sync_directory_of(target)
}

fn fill(mut file: File, content: &[u8], mode: Option<u32>) -> io::Result<()> {
    file.write_all(content)?;
    if let Some(mode) = mode {
        file.set_permissions(fs::Permissions::from_mode(mode))?;
    }
    file.sync_all()
}

/// The file that `path` finally names. Unlike `canonicalize`, the last step may be missing: a link to a file yet to be made.
fn behind_links(path: &Path) -> io::Result<PathBuf> {
    /// As many as Linux follows.
    const MOST_LINKS: usize = 40;
    let mut target = path.to_path_buf();
    for _ in 0..MOST_LINKS {
        match fs::read_link(&target) {
            Ok(next) => target = target.parent().unwrap_or(Path::new("")).join(next),
            Err(_) => return Ok(target),
        }
    }
    Err(io::Error::other("too many symbolic links"))
}

fn temporary_name(target: &Path) -> io::Result<PathBuf> {
    let name = target.file_name().ok_or_else(|| io::Error::from(io::ErrorKind::InvalidInput))?;
    let mut temporary = std::ffi::OsString::from(".");
    temporary.push(name);
    temporary.push(format!(".ra-agent-{}", std::process::id()));
    Ok(target.with_file_name(temporary))
}

fn sync_directory_of(path: &Path) -> io::Result<()> {
    let directory = match path.parent() {
        Some(parent) if !parent.as_os_str().is_empty() => parent,
        _ => Path::new("."),
    };
    File::open(directory)?.sync_all()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_link_stays_a_link_and_the_mode_stays_the_mode() {
        let dir = tempfile::tempdir().unwrap();
        let (real, link) = (dir.path().join("real"), dir.path().join("link"));
        fs::write(&real, "old").unwrap();
        fs::set_permissions(&real, fs::Permissions::from_mode(0o640)).unwrap();
        std::os::unix::fs::symlink("real", &link).unwrap();
        replace(&link, b"new", 0o600).unwrap();
        assert!(fs::symlink_metadata(&link).unwrap().is_symlink());
        assert_eq!(fs::read(&real).unwrap(), b"new");
        assert_eq!(fs::metadata(&real).unwrap().permissions().mode() & 0o777, 0o640);
        assert_eq!(fs::read_dir(dir.path()).unwrap().count(), 2, "nothing is left next to it");
    }

    #[test]
    fn a_link_to_a_missing_file_makes_that_file() {
        let dir = tempfile::tempdir().unwrap();
        let link = dir.path().join("link");
        std::os::unix::fs::symlink("later", &link).unwrap();
        replace(&link, b"x", 0o600).unwrap();
        assert_eq!(fs::read(dir.path().join("later")).unwrap(), b"x");
        assert!(fs::symlink_metadata(&link).unwrap().is_symlink());
    }

    #[test]
    fn a_file_that_changed_meanwhile_stays_as_it_is() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("f");
        assert!(replace_unchanged(&path, None, b"one", 0o600).unwrap());
        assert!(!replace_unchanged(&path, None, b"two", 0o600).unwrap(), "it is there now");
        assert!(!replace_unchanged(&path, Some(b"other"), b"two", 0o600).unwrap());
        assert!(replace_unchanged(&path, Some(b"one"), b"two", 0o600).unwrap());
        assert!(!remove_unchanged(&path, b"one").unwrap());
        assert_eq!(fs::read(&path).unwrap(), b"two");
        assert!(remove_unchanged(&path, b"two").unwrap());
        assert_eq!(fs::read_dir(dir.path()).unwrap().count(), 0, "nothing is left next to it");
    }

    #[test]
    fn a_failure_leaves_the_old_file() {
        let dir = tempfile::tempdir().unwrap();
        let missing = dir.path().join("no/such/dir/file");
        assert!(replace(&missing, b"x", 0o600).is_err());
        let a_directory = dir.path().join("d");
        fs::create_dir(&a_directory).unwrap();
        assert!(replace(&a_directory, b"x", 0o600).is_err());
        assert_eq!(fs::read_dir(dir.path()).unwrap().count(), 1, "no temporary file is left");
    }
}
