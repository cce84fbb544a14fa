//! Parts of a store that turned out to be damaged: renamed with the date, so that a person can look at them, until a prune.

use std::ffi::OsString;
use std::io;
use std::path::{Path, PathBuf};

use super::{analyses, disk_bytes, share};
use crate::analyzer::{Analysis, SCHEMA_VERSION};
use crate::clock::Timestamp;
use crate::home::StoreDir;
use crate::store::{self, Database, Result};

/// What stands between the name that it had and the date.
const MARK: &str = ".damaged-";

/// What SQLite keeps next to a database, in the order in which it has to go: a log that stays behind alone would be written into the
/// next database of that name.
const SIDE_FILES: [&str; 2] = ["-wal", "-shm"];

/// Renames a file or directory and what SQLite keeps next to it; its new path.
///
/// # Errors
/// If the directory cannot be written.
pub fn set_aside(path: &Path, now: Timestamp) -> io::Result<PathBuf> {
    let aside = with_suffix(path, &format!("{MARK}{}", now.to_rfc3339().replace(':', "")));
    for suffix in SIDE_FILES {
        match std::fs::rename(with_suffix(path, suffix), with_suffix(&aside, suffix)) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
            _ => {}
        }
    }
    std::fs::rename(path, &aside)?;
    Ok(aside)
}

fn with_suffix(path: &Path, suffix: &str) -> PathBuf {
    let mut name: OsString = path.into();
    name.push(suffix);
    name.into()
}

/// What was quarantined of a store, by name; a database and its side files are one.
pub fn list(dir: &StoreDir) -> Vec<PathBuf> {
    let is_side_file =
        |path: &PathBuf| SIDE_FILES.iter().any(|suffix| path.as_os_str().to_string_lossy().ends_with(suffix));
    all(dir).into_iter().filter(|path| !is_side_file(path)).collect()
}

fn all(dir: &StoreDir) -> Vec<PathBuf> {
    let entries = std::fs::read_dir(dir.path()).into_iter().flatten().flatten();
    let is_aside = |path: &PathBuf| path.file_name().is_some_and(|name| name.to_string_lossy().contains(MARK));
    let mut found: Vec<PathBuf> = entries.map(|entry| entry.path()).filter(is_aside).collect();
    found.sort();
    found
}

/// Removes what was set aside of a store; how many bytes that frees.
///
/// # Errors
/// If something cannot be removed.
pub fn remove(dir: &StoreDir) -> io::Result<u64> {
    let mut freed = 0;
    for path in all(dir) {
        if path.is_dir() {
            freed += disk_bytes(path.clone());
            std::fs::remove_dir_all(&path)?;
        } else {
            freed += path.metadata()?.len();
            std::fs::remove_file(&path)?;
        }
    }
    Ok(freed)
}

/// Copies the analyses that can still be read out of a database that was set aside, for they cost time or money; how many there were.
///
/// # Errors
/// If the new database cannot be written. What is wrong with the old one ends the search.
pub fn salvage(aside: &Path, to: &mut super::RepoStore, now: Timestamp) -> Result<usize> {
    let Ok(Some((from, _))) = store::open_any_reader(aside, Database::Analysis) else { return Ok(0) };
    let Ok(entries) = analyses::entries(&from, SCHEMA_VERSION) else { return Ok(0) };
    let tx = to.write()?;
    let mut saved = 0;
    for (_, key) in entries {
        let Ok(Some(stored)) = analyses::get(&from, &key) else { continue };
        if Analysis::from_json(stored.analysis_type, &stored.json).is_ok() {
            saved += usize::from(share::copy(&from, &tx, &key, now)?);
        }
    }
    tx.commit()?;
    Ok(saved)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_quarantined_store_keeps_its_wal_and_is_deleted_with_it() {
        let root = tempfile::tempdir().unwrap();
        let dir = StoreDir::local(root.path().to_owned());
        let (db, vectors) = (dir.analysis_db(), dir.vectors());
        for suffix in ["", "-wal", "-shm"] {
            std::fs::write(with_suffix(&db, suffix), [1; 10]).unwrap();
        }
        std::fs::create_dir(&vectors).unwrap();
        std::fs::write(vectors.join("part"), [1; 7]).unwrap();
        let aside = set_aside(&db, Timestamp(0)).unwrap();
        assert_eq!(aside, root.path().join("analysis.db.damaged-1970-01-01T000000Z"));
        assert!(!db.exists() && with_suffix(&aside, "-wal").exists() && with_suffix(&aside, "-shm").exists());
        set_aside(&vectors, Timestamp(0)).unwrap();
        assert_eq!((list(&dir).len(), all(&dir).len()), (2, 4));
        std::fs::write(&db, "new").unwrap();
        assert_eq!(remove(&dir).unwrap(), 37);
        assert_eq!((all(&dir).len(), db.exists()), (0, true));
    }
}
