//! Stores below `cache.location` that belong to no registered repository: another history was registered at their path, or their
//! repository's store was placed elsewhere. A cache that its user chose to keep when unregistering is not one of them.

use std::collections::BTreeSet;
use std::io;
use std::path::{Path, PathBuf};

use crate::home::StoreDir;

/// Name of the file that says that a store is kept although its repository is not registered.
const KEPT: &str = "kept";

/// Notes that a store is kept by its user's will.
///
/// # Errors
/// If its directory cannot be written.
pub fn mark_kept(dir: &StoreDir) -> io::Result<()> {
    if dir.path().is_dir() { std::fs::write(dir.path().join(KEPT), "") } else { Ok(()) }
}

/// It is a registered repository's again.
///
/// # Errors
/// If the mark is there and cannot be removed.
pub fn unmark_kept(dir: &StoreDir) -> io::Result<()> {
    match std::fs::remove_file(dir.path().join(KEPT)) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
        _ => Ok(()),
    }
}

/// The stores below a cache's location that are not among those in use, by path.
pub fn orphans(location: &Path, used: &BTreeSet<PathBuf>) -> Vec<PathBuf> {
    let entries = std::fs::read_dir(location.join("repos")).into_iter().flatten().flatten();
    let dirs = entries.map(|entry| entry.path()).filter(|path| path.is_dir() && !path.join(KEPT).exists());
    let mut found: Vec<PathBuf> = dirs.filter(|path| !used.contains(path)).collect();
    found.sort();
    found
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::RepoId;

    #[test]
    fn what_is_neither_used_nor_kept_is_an_orphan() {
        let root = tempfile::tempdir().unwrap();
        let dirs = ["used", "kept", "orphan"].map(|id| StoreDir::centralized(root.path(), &RepoId(id.into())));
        for dir in &dirs {
            std::fs::create_dir_all(dir.path()).unwrap();
        }
        mark_kept(&dirs[1]).unwrap();
        let used = BTreeSet::from([dirs[0].path().to_owned()]);
        assert_eq!(orphans(root.path(), &used), [dirs[2].path()]);
        unmark_kept(&dirs[1]).unwrap();
        unmark_kept(&dirs[1]).unwrap();
        assert_eq!(orphans(root.path(), &used).len(), 2);
        assert!(orphans(&root.path().join("nowhere"), &used).is_empty());
    }
}
