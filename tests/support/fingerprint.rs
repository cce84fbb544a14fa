//! The oracle of the first invariant: nothing in a repository is touched.

use std::collections::BTreeMap;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use sha2::{Digest, Sha256};

/// What would show that an entry was touched. The access time is left out: reading is allowed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry {
    mode: u32,
    size: u64,
    mtime_ns: i128,
    ino: u64,
    /// Of a file's content or a link's text.
    sha256: Option<[u8; 32]>,
}

pub type Fingerprint = BTreeMap<PathBuf, Entry>;

/// Fingerprint of a directory and everything below it, git directory included.
pub fn fingerprint(root: &Path) -> Fingerprint {
    let mut entries = BTreeMap::new();
    let mut open = vec![root.to_path_buf()];
    while let Some(path) = open.pop() {
        let metadata = path.symlink_metadata().unwrap();
        let sha256 = if metadata.is_file() {
            Some(Sha256::digest(std::fs::read(&path).unwrap_or_default()).into())
        } else if metadata.is_symlink() {
            Some(Sha256::digest(std::fs::read_link(&path).unwrap().as_os_str().as_bytes()).into())
        } else {
            None
        };
        if metadata.is_dir() {
            open.extend(std::fs::read_dir(&path).unwrap().map(|entry| entry.unwrap().path()));
        }
        let mtime_ns = i128::from(metadata.mtime()) * 1_000_000_000 + i128::from(metadata.mtime_nsec());
        let entry = Entry { mode: metadata.mode(), size: metadata.size(), mtime_ns, ino: metadata.ino(), sha256 };
        entries.insert(path.strip_prefix(root).unwrap().to_path_buf(), entry);
    }
    entries
}

/// Runs `act` and fails, naming the entries, if it left a trace below `root`.
#[track_caller]
pub fn untouched<T>(root: &Path, act: impl FnOnce() -> T) -> T {
    let before = fingerprint(root);
    let result = act();
    let after = fingerprint(root);
    let paths = before.keys().chain(after.keys()).filter(|path| before.get(*path) != after.get(*path));
    let touched: Vec<String> =
        paths.map(|path| format!("{path:?}: {:?} -> {:?}", before.get(path), after.get(path))).collect();
    assert!(touched.is_empty(), "touched below {root:?}:\n{}", touched.join("\n"));
    result
}
