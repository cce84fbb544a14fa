//! The recorded view as the comparison of trees asks for it: by directory, so that what is not looked into is not loaded.

use std::collections::BTreeSet;
use std::marker::PhantomData;

use rusqlite::{Connection, OptionalExtension, Row, params};

use super::view::unreadable;
use crate::domain::{EntryMode, FilePath, ObjectId};
use crate::repo::RepoError;
use crate::repo::tree::{Child, Children, Recorded, TreeEntry, after, below, child, join};
use crate::store::{Result, StoreError};

/// A repository's view in its database. `E` is what the comparison fails with.
pub struct StoredView<'a, E> {
    db: &'a Connection,
    error: PhantomData<E>,
}

impl<'a, E> StoredView<'a, E> {
    pub fn new(db: &'a Connection) -> Self {
        Self { db, error: PhantomData }
    }
}

impl<E: From<RepoError> + From<StoreError>> Recorded for StoredView<'_, E> {
    type Error = E;

    fn dir(&self, dir: &[u8]) -> Result<Option<ObjectId>, E> {
        Ok(tree_id(self.db, dir)?)
    }

    fn children(&self, dir: &[u8]) -> Result<Children, E> {
        let prefix = below(dir);
        let mut children = Children::default();
        add_files(self.db, &prefix, &mut children)?;
        add_dirs(self.db, &prefix, &mut children)?;
        Ok(children)
    }

    fn children_among(&self, dir: &[u8], names: &BTreeSet<Vec<u8>>) -> Result<Children, E> {
        let mut children = Children::default();
        for name in names {
            let path = join(dir, name);
            if let Some(file) = file(self.db, &path)? {
                children.files.insert(file.path, (file.id, file.mode));
            }
            if tree_id(self.db, &path)?.is_some() || has_files_below(self.db, &path)? {
                children.dirs.insert(path);
            }
        }
        Ok(children)
    }

    fn files_below(&self, dir: &[u8]) -> Result<Vec<TreeEntry>, E> {
        Ok(files_below(self.db, dir)?)
    }

    fn dirs_at_and_below(&self, dir: &[u8]) -> Result<Vec<Vec<u8>>, E> {
        Ok(dirs_at_and_below(self.db, dir)?)
    }
}

fn tree_id(db: &Connection, dir: &[u8]) -> Result<Option<ObjectId>> {
    let mut statement = db.prepare_cached("SELECT tree_id FROM directories WHERE dir_path = ?1")?;
    Ok(statement.query_row([dir], |row| row.get(0).map(ObjectId)).optional()?)
}

fn file(db: &Connection, path: &[u8]) -> Result<Option<TreeEntry>> {
    let mut statement = db.prepare_cached("SELECT file_path, blob_id, mode FROM files WHERE file_path = ?1")?;
    let mut rows = statement.query([path])?;
    rows.next()?.map(entry).transpose()
}

fn has_files_below(db: &Connection, dir: &[u8]) -> Result<bool> {
    let mut statement = db.prepare_cached("SELECT 1 FROM files WHERE file_path >= ?1 AND file_path < ?2 LIMIT 1")?;
    Ok(statement.exists(params![below(dir), after(dir)])?)
}

/// The files directly in a directory. A run of rows below a directory in it is passed over by one look into the index.
fn add_files(db: &Connection, prefix: &[u8], children: &mut Children) -> Result<()> {
    let mut statement =
        db.prepare_cached("SELECT file_path, blob_id, mode FROM files WHERE file_path >= ?1 ORDER BY file_path")?;
    let mut from = prefix.to_vec();
    loop {
        let mut rows = statement.query([&from])?;
        let mut next = None;
        while let Some(row) = rows.next()? {
            let found = entry(row)?;
            match child(prefix, found.path.as_bytes()) {
                None => break,
                Some(Child::Direct) => drop(children.files.insert(found.path, (found.id, found.mode))),
                Some(Child::In(dir)) => {
                    children.dirs.insert(dir.to_vec());
                    next = Some(after(dir));
                    break;
                }
            }
        }
        match next {
            Some(next) => from = next,
            None => return Ok(()),
        }
    }
}

/// The directories that are recorded directly in a directory, found in the same way.
fn add_dirs(db: &Connection, prefix: &[u8], children: &mut Children) -> Result<()> {
    let mut statement = db
        .prepare_cached("SELECT dir_path FROM directories WHERE dir_path >= ?1 AND dir_path <> '' ORDER BY dir_path")?;
    let mut from = prefix.to_vec();
    loop {
        let mut rows = statement.query([&from])?;
        let mut next = None;
        while let Some(row) = rows.next()? {
            let path: Vec<u8> = row.get(0)?;
            match child(prefix, &path) {
                None => break,
                Some(Child::Direct) => drop(children.dirs.insert(path)),
                Some(Child::In(dir)) => {
                    next = Some(after(dir));
                    break;
                }
            }
        }
        match next {
            Some(next) => from = next,
            None => return Ok(()),
        }
    }
}

fn files_below(db: &Connection, dir: &[u8]) -> Result<Vec<TreeEntry>> {
    let prefix = below(dir);
    let mut statement =
        db.prepare_cached("SELECT file_path, blob_id, mode FROM files WHERE file_path >= ?1 ORDER BY file_path")?;
    let mut rows = statement.query([&prefix])?;
    let mut found = Vec::new();
    while let Some(row) = rows.next()? {
        let entry = entry(row)?;
        if !entry.path.as_bytes().starts_with(&prefix) {
            break;
        }
        found.push(entry);
    }
    Ok(found)
}

fn dirs_at_and_below(db: &Connection, dir: &[u8]) -> Result<Vec<Vec<u8>>> {
    let end = if dir.is_empty() { None } else { Some(after(dir)) };
    let mut statement = db.prepare_cached(
        "SELECT dir_path FROM directories
         WHERE dir_path = ?1 OR (dir_path >= ?2 AND (?3 IS NULL OR dir_path < ?3)) ORDER BY dir_path",
    )?;
    let rows = statement.query_map(params![dir, below(dir), end], |row| row.get(0))?;
    Ok(rows.collect::<rusqlite::Result<_>>()?)
}

fn entry(row: &Row<'_>) -> Result<TreeEntry> {
    let mode: String = row.get(2)?;
    Ok(TreeEntry {
        path: FilePath::new(row.get::<_, Vec<u8>>(0)?),
        id: ObjectId(row.get(1)?),
        mode: EntryMode::parse(&mode).ok_or_else(|| unreadable(mode))?,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cache::view;
    use crate::domain::{FileRecord, Links};
    use crate::domain::{Language, Role, Source};
    use crate::repo::RecordedView;
    use crate::store::{Database, open_writer};

    const FILES: [&str; 9] =
        ["a.rs", "a/x.rs", "a/b/y.rs", "a/b/c/w.rs", "a-b/z.rs", "a0/w.rs", "a/c.rs", "ab.rs", "%/\u{e9}.rs"];
    /// One that holds no file, and one that is missing.
    const DIRS: [&str; 7] = ["", "a", "a/b", "a/empty", "a-b", "a0", "%"];

    fn file(path: &str) -> FileRecord {
        FileRecord {
            path: path.into(),
            blob: ObjectId(vec![1]),
            mode: EntryMode::File,
            source: Source::Commit,
            size_bytes: 0,
            language: Language::RUST,
            role: Role::Library,
            skip: None,
            content_hash: None,
            links: Links::default(),
        }
    }

    #[test]
    fn the_store_answers_as_a_view_in_memory_does() {
        let dir = tempfile::tempdir().unwrap();
        let db = open_writer(&dir.path().join("a.db"), Database::Analysis).unwrap();
        let tree = ObjectId(vec![2]);
        for path in FILES {
            view::put_file(&db, &file(path)).unwrap();
        }
        for path in DIRS {
            view::put_directory(&db, path.as_bytes(), Some(&tree)).unwrap();
        }
        let entry = |path: &str| TreeEntry { path: path.into(), id: ObjectId(vec![1]), mode: EntryMode::File };
        let memory = RecordedView::new(FILES.map(entry), DIRS.map(|path| (path.as_bytes().to_vec(), tree.clone())));
        let stored = StoredView::<Failed>::new(&db);
        for path in ["", "a", "a/b", "a/b/c", "a-b", "a0", "%", "nowhere"].map(str::as_bytes) {
            assert_eq!(stored.dir(path).unwrap(), memory.dir(path).unwrap());
            assert_eq!(stored.children(path).unwrap(), memory.children(path).unwrap());
            for names in [&["a", "b", "x.rs", "c", "empty"][..], &["a.rs", "%", "w.rs", "no"], &[]] {
                let names = names.iter().map(|name| name.as_bytes().to_vec()).collect();
                let among = stored.children_among(path, &names).unwrap();
                assert_eq!(among, memory.children_among(path, &names).unwrap());
            }
            assert_eq!(stored.files_below(path).unwrap(), memory.files_below(path).unwrap());
            assert_eq!(stored.dirs_at_and_below(path).unwrap(), memory.dirs_at_and_below(path).unwrap());
        }
    }

    #[derive(Debug)]
    #[expect(dead_code, reason = "shown when the test fails")]
    enum Failed {
        Repo(RepoError),
        Store(StoreError),
    }

    impl From<RepoError> for Failed {
        fn from(error: RepoError) -> Self {
            Self::Repo(error)
        }
    }

    impl From<StoreError> for Failed {
        fn from(error: StoreError) -> Self {
            Self::Store(error)
        }
    }
}
