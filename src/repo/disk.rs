//! Reading a work tree as it is on the disk, without ever following a symbolic link: each directory is opened by its name inside
//! the one above, so that a directory that is swapped for a link between two steps is an error, not another place.

use std::cell::RefCell;
use std::fs::File;
use std::io::{self, Read};
use std::os::fd::{AsFd, OwnedFd};
use std::os::unix::ffi::OsStrExt;
use std::path::Path;

use rustix::fs::{AtFlags, CWD, Dir, FileType, Mode, OFlags, Stat};
use rustix::io::Errno;

use crate::domain::FilePath;
use crate::repo::tree::join;
use crate::tally::{self, Deed};

/// What distinguishes a file's content from an earlier one without reading it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Default)]
pub struct FileStat {
    /// Nanoseconds since the Unix epoch.
    pub modified_ns: i64,
    pub changed_ns: i64,
    pub inode: u64,
    pub device: u64,
    pub user: u32,
    pub group: u32,
    pub bytes: u64,
}

/// What is at a path.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OnDisk {
    /// Nothing, or nothing that can be reached without a link.
    Absent,
    File(FileStat),
    Directory,
    Symlink,
    /// A pipe, a socket, a device.
    Special,
}

/// What reading a file gave.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Bytes {
    /// It is no regular file, or not any more.
    NoFile,
    TooLarge(FileStat),
    Content(FileStat, Vec<u8>),
}

/// A work tree, opened at its top.
pub struct Disk {
    top: OwnedFd,
    /// The directory that was opened last: paths come in order.
    last: RefCell<Option<(Vec<u8>, OwnedFd)>>,
}

const DIRECTORY: OFlags = OFlags::RDONLY.union(OFlags::DIRECTORY).union(OFlags::NOFOLLOW).union(OFlags::CLOEXEC);

impl Disk {
    /// # Errors
    /// If the top is no directory, or may not be read.
    pub fn open(top: &Path) -> io::Result<Self> {
        Ok(Self { top: rustix::fs::openat(CWD, top, DIRECTORY, Mode::empty())?, last: RefCell::new(None) })
    }

    /// What is at a path, by its own attributes: a link is not followed.
    ///
    /// # Errors
    /// If a directory on the way may not be searched, or the device fails.
    pub fn stat(&self, path: &FilePath) -> io::Result<OnDisk> {
        tally::add(Deed::Stat, 1);
        let found =
            self.within(path.parent(), |dir| rustix::fs::statat(dir, path.file_name(), AtFlags::SYMLINK_NOFOLLOW));
        match found {
            Ok(stat) => Ok(on_disk(&stat)),
            Err(error) if is_absence(error) => Ok(OnDisk::Absent),
            Err(error) => Err(error.into()),
        }
    }

    /// Reads a regular file of at most `max_bytes` bytes; opening never blocks.
    ///
    /// # Errors
    /// If it may not be read, or the device fails.
    pub fn read(&self, path: &FilePath, max_bytes: u64) -> io::Result<Bytes> {
        tally::add(Deed::Read, 1);
        // Not blocking: a pipe that has taken the file's place would be waited for.
        let flags = OFlags::RDONLY | OFlags::NOFOLLOW | OFlags::NONBLOCK | OFlags::NOCTTY | OFlags::CLOEXEC;
        let opened = self.within(path.parent(), |dir| rustix::fs::openat(dir, path.file_name(), flags, Mode::empty()));
        let opened = match opened {
            Ok(opened) => opened,
            // The last two: a socket, a device without a driver.
            Err(error) if is_absence(error) || matches!(error, Errno::NXIO | Errno::NODEV) => return Ok(Bytes::NoFile),
            Err(error) => return Err(error.into()),
        };
        let OnDisk::File(stat) = on_disk(&rustix::fs::fstat(&opened)?) else { return Ok(Bytes::NoFile) };
        if stat.bytes > max_bytes {
            return Ok(Bytes::TooLarge(stat));
        }
        let mut content = Vec::with_capacity(usize::try_from(stat.bytes).unwrap_or_default());
        // It may grow while it is read.
        File::from(opened).take(max_bytes + 1).read_to_end(&mut content)?;
        Ok(if content.len() as u64 > max_bytes { Bytes::TooLarge(stat) } else { Bytes::Content(stat, content) })
    }

    /// The names in a directory (`""`: the top) in their order, each with whether it is a directory; `None`: it is none itself, or
    /// may not be read.
    pub fn list(&self, dir: &[u8]) -> Option<Vec<(Vec<u8>, FileType)>> {
        tally::add(Deed::List, 1);
        let opened = self.within(dir, |dir| rustix::fs::openat(dir, c".", DIRECTORY, Mode::empty())).ok()?;
        let mut names = Vec::new();
        for entry in Dir::new(opened).ok()? {
            let entry = entry.ok()?;
            let name = entry.file_name().to_bytes();
            if name != b"." && name != b".." {
                names.push((name.to_vec(), entry.file_type()));
            }
        }
        // Some file systems do not say what an entry is.
        for (name, kind) in names.iter_mut().filter(|(_, kind)| *kind == FileType::Unknown) {
            *kind = match self.stat(&FilePath::new(join(dir, name))) {
                Ok(OnDisk::Directory) => FileType::Directory,
                Ok(OnDisk::File(_)) => FileType::RegularFile,
                _ => FileType::Unknown,
            };
        }
        names.sort_by(|a, b| a.0.cmp(&b.0));
        Some(names)
    }

    /// Does something inside a directory, which is opened step by step unless it was the last one.
    fn within<T>(
        &self,
        dir: &[u8],
        act: impl FnOnce(rustix::fd::BorrowedFd<'_>) -> rustix::io::Result<T>,
    ) -> rustix::io::Result<T> {
        if dir.is_empty() {
            return act(self.top.as_fd());
        }
        let mut last = self.last.borrow_mut();
        let opened = match last.take() {
            Some((path, opened)) if path == dir => opened,
            _ => self.descend(dir)?,
        };
        let done = act(opened.as_fd());
        *last = Some((dir.to_vec(), opened));
        done
    }

    fn descend(&self, dir: &[u8]) -> rustix::io::Result<OwnedFd> {
        let mut opened: Option<OwnedFd> = None;
        for name in dir.split(|&byte| byte == b'/') {
            let above = opened.as_ref().map_or(self.top.as_fd(), AsFd::as_fd);
            // A name from an index that means another place is not gone to.
            if matches!(name, b"" | b"." | b"..") {
                return Err(Errno::NOENT);
            }
            opened = Some(rustix::fs::openat(above, name, DIRECTORY, Mode::empty())?);
        }
        opened.ok_or(Errno::NOENT)
    }
}

/// A link or a file in the place of a directory hides what the path names just as well.
fn is_absence(error: Errno) -> bool {
    matches!(error, Errno::NOENT | Errno::NOTDIR | Errno::LOOP | Errno::NAMETOOLONG)
}

#[expect(clippy::unnecessary_cast, reason = "the fields have other types on other systems")]
fn on_disk(stat: &Stat) -> OnDisk {
    let nanos = |seconds: i64, nanos: i64| seconds.saturating_mul(1_000_000_000).saturating_add(nanos);
    match FileType::from_raw_mode(stat.st_mode) {
        FileType::RegularFile => OnDisk::File(FileStat {
            modified_ns: nanos(stat.st_mtime as i64, stat.st_mtime_nsec as i64),
            changed_ns: nanos(stat.st_ctime as i64, stat.st_ctime_nsec as i64),
            inode: stat.st_ino as u64,
            device: stat.st_dev as u64,
            user: stat.st_uid,
            group: stat.st_gid,
            bytes: u64::try_from(stat.st_size).unwrap_or_default(),
        }),
        FileType::Directory => OnDisk::Directory,
        FileType::Symlink => OnDisk::Symlink,
        _ => OnDisk::Special,
    }
}

/// A path below a top as the repository writes it; `None`: it is not below it.
pub fn relative(top: &Path, path: &Path) -> Option<FilePath> {
    Some(FilePath::new(path.strip_prefix(top).ok()?.as_os_str().as_bytes()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::symlink;

    #[test]
    fn f44_links_and_pipes_are_reported_and_never_followed() {
        let top = tempfile::tempdir().unwrap();
        let elsewhere = tempfile::tempdir().unwrap();
        std::fs::write(elsewhere.path().join("secret"), "secret").unwrap();
        std::fs::create_dir(top.path().join("dir")).unwrap();
        std::fs::write(top.path().join("dir/a.rs"), "fn a() {}").unwrap();
        symlink(elsewhere.path(), top.path().join("out")).unwrap();
        symlink(elsewhere.path().join("secret"), top.path().join("link")).unwrap();
        symlink(".", top.path().join("loop")).unwrap();
        let pipe = top.path().join("pipe");
        assert!(std::process::Command::new("mkfifo").arg(&pipe).status().unwrap().success());
        let disk = Disk::open(top.path()).unwrap();
        let stat = |path: &str| disk.stat(&path.into()).unwrap();
        assert!(matches!(stat("dir/a.rs"), OnDisk::File(stat) if stat.bytes == 9));
        assert_eq!([stat("dir"), stat("link"), stat("pipe")], [OnDisk::Directory, OnDisk::Symlink, OnDisk::Special]);
        for path in ["out/secret", "loop/dir/a.rs", "dir/../dir/a.rs", "dir/a.rs/x", "no/where"] {
            assert_eq!(stat(path), OnDisk::Absent, "{path}");
        }
        for path in ["link", "out/secret", "pipe", "dir", "loop/dir/a.rs", "no"] {
            assert_eq!(disk.read(&path.into(), 100).unwrap(), Bytes::NoFile, "{path}");
        }
        assert!(matches!(disk.read(&"dir/a.rs".into(), 9).unwrap(), Bytes::Content(_, bytes) if bytes == b"fn a() {}"));
        assert!(matches!(disk.read(&"dir/a.rs".into(), 8).unwrap(), Bytes::TooLarge(stat) if stat.bytes == 9));
        assert_eq!(disk.list(b"out"), None);
        let names: Vec<Vec<u8>> = disk.list(b"").unwrap().into_iter().map(|(name, _)| name).collect();
        assert_eq!(names, [&b"dir"[..], b"link", b"loop", b"out", b"pipe"]);
    }

    #[test]
    fn a_directory_swapped_for_a_link_is_not_followed() {
        let (top, elsewhere) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
        std::fs::create_dir(top.path().join("a")).unwrap();
        std::fs::write(elsewhere.path().join("x"), "elsewhere").unwrap();
        let disk = Disk::open(top.path()).unwrap();
        assert_eq!(disk.stat(&"a/x".into()).unwrap(), OnDisk::Absent);
        std::fs::rename(top.path().join("a"), top.path().join("b")).unwrap();
        symlink(elsewhere.path(), top.path().join("a")).unwrap();
        assert_eq!(disk.read(&"a/x".into(), 100).unwrap(), Bytes::NoFile);
        assert_eq!(disk.stat(&"b/x".into()).unwrap(), OnDisk::Absent);
        assert_eq!(disk.stat(&"a/x".into()).unwrap(), OnDisk::Absent);
    }
}
