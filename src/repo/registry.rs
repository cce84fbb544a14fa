//! The registered repositories (table `repos` of agent.db): the user's act, and what the last reconcile found.

use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};

use rusqlite::{Connection, OptionalExtension, Row, params};

use super::{Location, LocationKind};
use crate::clock::Timestamp;
use crate::domain::{Hash, ObjectId, RepoId};
use crate::store::{Result, StoreError, write};

/// Shortest id, in hex digits, and by how much it grows on a collision.
const ID_DIGITS: usize = 8;
const ID_GROWTH: usize = 4;

/// A registered repository.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Registered {
    pub id: RepoId,
    pub location: Location,
    pub root_commit: Option<ObjectId>,
    pub registered_at: Timestamp,
    /// The commit that HEAD named at the last reconcile.
    pub head: Option<ObjectId>,
    /// The commit that the view describes.
    pub indexed_commit: Option<ObjectId>,
    /// Hash of the recipe that the whole view was last planned with.
    pub planned_with: Option<Hash>,
    /// `None`: never yet.
    pub reconciled_at: Option<Timestamp>,
    /// The operation in progress that holds work back.
    pub held: Option<String>,
    /// Why the last reconcile failed.
    pub error: Option<String>,
}

/// What registering did.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Registration {
    New(RepoId),
    /// It was registered already.
    Known(RepoId),
    /// The same history was registered at a path where it is no longer; its id and store are kept.
    Moved {
        id: RepoId,
        from: PathBuf,
    },
}

impl Registration {
    pub const fn id(&self) -> &RepoId {
        match self {
            Self::New(id) | Self::Known(id) | Self::Moved { id, .. } => id,
        }
    }
}

/// Registers the repository at a location.
///
/// # Errors
/// If the database cannot be written.
pub fn register(
    db: &mut Connection,
    location: &Location,
    root_commit: Option<&ObjectId>,
    now: Timestamp,
) -> Result<Registration> {
    let tx = write(db)?;
    let mut replaced = None;
    if let Some(known) = by_path(&tx, &location.path)? {
        // A repository without a commit yet, or with a history that could not be walked, is taken for the same one.
        let same = match (&known.root_commit, root_commit) {
            (Some(before), Some(now)) => before == now,
            _ => true,
        };
        if same {
            update_location(&tx, &known.id, location, root_commit)?;
            tx.commit()?;
            return Ok(Registration::Known(known.id));
        }
        // Another history at the path: another repository, which must not inherit this one's data.
        tx.execute("DELETE FROM repos WHERE repo_id = ?1", [&known.id.0])?;
        replaced = Some(known.id);
    } else if let Some(moved) = root_commit.map(|root| moved_from(&tx, root)).transpose()?.flatten() {
        update_location(&tx, &moved.id, location, root_commit)?;
        tx.commit()?;
        return Ok(Registration::Moved { id: moved.id, from: moved.location.path });
    }
    let id = free_id(&tx, &location.path, replaced.as_ref())?;
    tx.execute(
        "INSERT INTO repos (repo_id, path, kind, git_dir, common_dir, root_commit, registered_at)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)",
        params![
            id.0,
            location.path.as_os_str().as_bytes(),
            kind_name(location.kind),
            location.git_dir.as_os_str().as_bytes(),
            location.common_dir.as_os_str().as_bytes(),
            root_commit.map(|root| &root.0),
            now.0,
        ],
    )?;
    tx.commit()?;
    Ok(Registration::New(id))
}

fn update_location(db: &Connection, id: &RepoId, location: &Location, root: Option<&ObjectId>) -> Result<()> {
    db.execute(
        "UPDATE repos SET path = ?2, kind = ?3, git_dir = ?4, common_dir = ?5, root_commit = coalesce(?6, root_commit)
         WHERE repo_id = ?1",
        params![
            id.0,
            location.path.as_os_str().as_bytes(),
            kind_name(location.kind),
            location.git_dir.as_os_str().as_bytes(),
            location.common_dir.as_os_str().as_bytes(),
            root.map(|root| &root.0),
        ],
    )?;
    Ok(())
}

/// A repository of the same history whose directory is gone. Where it is still there, the new one is a clone.
fn moved_from(db: &Connection, root: &ObjectId) -> Result<Option<Registered>> {
    let known = list(db)?;
    Ok(known.into_iter().find(|repo| repo.root_commit.as_ref() == Some(root) && !repo.location.path.exists()))
}

fn free_id(db: &Connection, path: &Path, taken: Option<&RepoId>) -> Result<RepoId> {
    let digits = Hash::of(path.as_os_str().as_bytes()).to_string();
    let mut length = ID_DIGITS;
    loop {
        let id = RepoId(digits[..length.min(digits.len())].to_owned());
        if length >= digits.len() || (taken != Some(&id) && get(db, &id)?.is_none()) {
            return Ok(id);
        }
        length += ID_GROWTH;
    }
}

/// Forgets a repository and its jobs; the store is the caller's. False if it was not registered.
///
/// # Errors
/// If the database cannot be written.
pub fn unregister(db: &Connection, id: &RepoId) -> Result<bool> {
    Ok(db.execute("DELETE FROM repos WHERE repo_id = ?1", [&id.0])? > 0)
}

/// What a reconcile found, to be recorded.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ReconcileRecord {
    pub head: Option<ObjectId>,
    pub indexed_commit: Option<ObjectId>,
    /// `Some` after a plan of the whole view.
    pub planned_with: Option<Hash>,
}

/// Records a reconcile that went through.
///
/// # Errors
/// If the database cannot be written.
pub fn record_reconciled(db: &Connection, id: &RepoId, outcome: &ReconcileRecord, now: Timestamp) -> Result<()> {
    db.prepare_cached(
        "UPDATE repos SET head = ?2, indexed_commit = ?3, planned_with = coalesce(?4, planned_with), reconciled_at = ?5,
             held = NULL, error = NULL WHERE repo_id = ?1",
    )?
    .execute(params![
        id.0,
        outcome.head.as_ref().map(|id| &id.0),
        outcome.indexed_commit.as_ref().map(|id| &id.0),
        outcome.planned_with.as_ref().map(|hash| &hash.as_bytes()[..]),
        now.0,
    ])?;
    Ok(())
}

/// Records that work on a repository is held back, or that its reconcile failed; what is indexed stays.
///
/// # Errors
/// If the database cannot be written.
pub fn record_not_reconciled(db: &Connection, id: &RepoId, held: Option<&str>, error: Option<&str>) -> Result<()> {
    db.execute("UPDATE repos SET held = ?2, error = ?3 WHERE repo_id = ?1", params![id.0, held, error])?;
    Ok(())
}

/// Every registered repository, by path.
///
/// # Errors
/// If the database cannot be read.
pub fn list(db: &Connection) -> Result<Vec<Registered>> {
    let mut statement = db.prepare_cached(&format!("SELECT {COLUMNS} FROM repos ORDER BY path"))?;
    let mut rows = statement.query([])?;
    let mut repos = Vec::new();
    while let Some(row) = rows.next()? {
        repos.push(registered(row)?);
    }
    Ok(repos)
}

/// A repository by its id.
///
/// # Errors
/// If the database cannot be read.
pub fn get(db: &Connection, id: &RepoId) -> Result<Option<Registered>> {
    one(db, "repo_id = ?1", id.0.as_bytes(), true)
}

/// A repository by its canonical path.
///
/// # Errors
/// If the database cannot be read.
pub fn by_path(db: &Connection, path: &Path) -> Result<Option<Registered>> {
    one(db, "path = ?1", path.as_os_str().as_bytes(), false)
}

fn one(db: &Connection, condition: &str, value: &[u8], text: bool) -> Result<Option<Registered>> {
    let mut statement = db.prepare_cached(&format!("SELECT {COLUMNS} FROM repos WHERE {condition}"))?;
    let read = |row: &Row<'_>| Ok(registered(row));
    let found = if text {
        statement.query_row([String::from_utf8_lossy(value)], read).optional()?
    } else {
        statement.query_row([value], read).optional()?
    };
    found.transpose()
}

const COLUMNS: &str = "repo_id, path, kind, git_dir, common_dir, root_commit, registered_at, head, indexed_commit, planned_with, \
                       reconciled_at, held, error";

fn registered(row: &Row<'_>) -> Result<Registered> {
    let path = |column: usize| -> rusqlite::Result<PathBuf> {
        Ok(PathBuf::from(OsStr::from_bytes(&row.get::<_, Vec<u8>>(column)?)))
    };
    let object = |column: usize| -> rusqlite::Result<Option<ObjectId>> {
        Ok(row.get::<_, Option<Vec<u8>>>(column)?.map(ObjectId))
    };
    let kind: String = row.get(2)?;
    let planned_with: Option<Vec<u8>> = row.get(9)?;
    Ok(Registered {
        id: RepoId(row.get(0)?),
        location: Location {
            kind: kind_of(&kind)
                .ok_or_else(|| StoreError::Unreadable { what: "registered repository", detail: kind.clone() })?,
            path: path(1)?,
            git_dir: path(3)?,
            common_dir: path(4)?,
        },
        root_commit: object(5)?,
        registered_at: Timestamp(row.get(6)?),
        head: object(7)?,
        indexed_commit: object(8)?,
        planned_with: planned_with.and_then(|bytes| Hash::from_bytes(&bytes)),
        reconciled_at: row.get::<_, Option<i64>>(10)?.map(Timestamp),
        held: row.get(11)?,
        error: row.get(12)?,
    })
}

/// The stored name of a kind.
pub const fn kind_name(kind: LocationKind) -> &'static str {
    match kind {
        LocationKind::Worktree => "worktree",
        LocationKind::LinkedWorktree => "linked-worktree",
        LocationKind::Bare => "bare",
    }
}

/// Inverse of [`kind_name`].
pub fn kind_of(name: &str) -> Option<LocationKind> {
    [LocationKind::Worktree, LocationKind::LinkedWorktree, LocationKind::Bare]
        .into_iter()
        .find(|&kind| kind_name(kind) == name)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::{Database, open_writer};

    fn location(path: &Path) -> Location {
        Location {
            kind: LocationKind::Worktree,
            path: path.into(),
            git_dir: path.join(".git"),
            common_dir: path.join(".git"),
        }
    }

    #[test]
    fn a_moved_repository_keeps_its_id_and_another_history_does_not() {
        let dir = tempfile::tempdir().unwrap();
        let mut db = open_writer(&dir.path().join("agent.db"), Database::Agent).unwrap();
        let (here, there) = (dir.path().join("here"), dir.path().join("there"));
        std::fs::create_dir_all(&here).unwrap();
        let (one, other) = (ObjectId(vec![1; 20]), ObjectId(vec![2; 20]));
        let mut at = |path: &Path, root| register(&mut db, &location(path), Some(root), Timestamp(0)).unwrap();

        let Registration::New(id) = at(&here, &one) else { panic!("it was not known") };
        assert_eq!(id.0, Hash::of(here.as_os_str().as_bytes()).to_string()[..8]);
        assert_eq!(at(&here, &one), Registration::Known(id.clone()));

        assert!(matches!(at(&there, &one), Registration::New(_)), "a clone: the first is still there");
        std::fs::remove_dir(&here).unwrap();
        let moved = at(&dir.path().join("moved"), &one);
        assert_eq!(moved, Registration::Moved { id: id.clone(), from: here });

        let Registration::New(new) = at(&dir.path().join("moved"), &other) else { panic!("another history") };
        assert_ne!(new, id);
        assert_eq!(list(&db).unwrap().len(), 2);
    }
}
