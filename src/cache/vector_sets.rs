//! The tables of vectors that a repository has, one a model. A change of the model changes which one is filled; the one before serves
//! searches until the new one is complete, and rests until a prune, so that going back costs nothing.

use std::path::PathBuf;

use rusqlite::{Connection, OptionalExtension, params};

use super::RepoStore;
use crate::store::Result;

/// The name of the first set's directory.
const FIRST: &str = "embeddings.lance";

/// A table of vectors.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct VectorSet {
    pub model_id: String,
    pub dir: PathBuf,
}

/// The set that jobs fill; `None` before the first.
///
/// # Errors
/// If the database cannot be read.
pub fn current(store: &RepoStore) -> Result<Option<VectorSet>> {
    one(store, "SELECT model_id, directory FROM vector_sets WHERE is_current")
}

/// The set that searches read; `None` before the first.
///
/// # Errors
/// If the database cannot be read.
pub fn serving(store: &RepoStore) -> Result<Option<VectorSet>> {
    one(store, "SELECT model_id, directory FROM vector_sets WHERE is_serving")
}

/// Where the current set is, or will be.
pub fn current_dir(store: &RepoStore) -> PathBuf {
    // A database that cannot be read reports itself wherever more than this is asked of it.
    current(store).ok().flatten().map_or_else(|| store.dir.vectors(), |set| set.dir)
}

fn one(store: &RepoStore, sql: &str) -> Result<Option<VectorSet>> {
    let row = store.db().prepare_cached(sql)?.query_row([], |row| Ok((row.get(0)?, row.get(1)?))).optional()?;
    Ok(row.map(|(model_id, directory): (String, String)| VectorSet { model_id, dir: store.dir.path().join(directory) }))
}

/// Records whose vectors the first directory has.
///
/// # Errors
/// If the database cannot be written.
pub fn begin(db: &Connection, model_id: &str) -> Result<()> {
    db.execute("INSERT INTO vector_sets VALUES (?1, ?2, TRUE, TRUE)", params![model_id, FIRST])?;
    Ok(())
}

/// Makes the set of this model the current one, and remembers what the one before has. Returns whether it was another.
///
/// # Errors
/// If the database cannot be written.
pub fn switch(store: &mut RepoStore, model_id: &str) -> Result<bool> {
    let before = current(store)?;
    if before.as_ref().is_some_and(|set| set.model_id == model_id) {
        return Ok(false);
    }
    let tx = store.write()?;
    if let Some(before) = before {
        tx.execute("DELETE FROM resting_files WHERE model_id = ?1", [&before.model_id])?;
        tx.execute(
            "INSERT INTO resting_files SELECT ?1, file_path, embed_key FROM embedded_files
             UNION ALL SELECT ?1, file_path, NULL FROM dead_vectors WHERE file_path NOT IN (SELECT file_path FROM embedded_files)",
            [&before.model_id],
        )?;
    }
    tx.execute_batch(
        "DELETE FROM embedded_files; DELETE FROM provisional_files; DELETE FROM dead_vectors;
         UPDATE vector_sets SET is_current = FALSE;",
    )?;
    tx.execute(
        "INSERT INTO vector_sets VALUES (?1, ?2, TRUE, FALSE) ON CONFLICT (model_id) DO UPDATE SET is_current = TRUE",
        params![model_id, format!("{FIRST}-{model_id}")],
    )?;
    tx.execute(
        "INSERT INTO embedded_files SELECT file_path, embed_key FROM resting_files
         WHERE model_id = ?1 AND embed_key IS NOT NULL AND file_path IN (SELECT file_path FROM present_files)",
        [model_id],
    )?;
    tx.execute(
        "INSERT INTO dead_vectors SELECT file_path FROM resting_files
         WHERE model_id = ?1 AND file_path NOT IN (SELECT file_path FROM embedded_files)",
        [model_id],
    )?;
    tx.execute("DELETE FROM resting_files WHERE model_id = ?1", [model_id])?;
    tx.commit()?;
    Ok(true)
}

/// Whether searches read another set than the one that is filled.
///
/// # Errors
/// If the database cannot be read.
pub fn is_changing(db: &Connection) -> Result<bool> {
    let sql = "SELECT EXISTS (SELECT 1 FROM vector_sets WHERE is_current AND NOT is_serving)";
    Ok(db.prepare_cached(sql)?.query_row([], |row| row.get(0))?)
}

/// Has searches read the current set.
///
/// # Errors
/// If the database cannot be written.
pub fn serve_current(db: &Connection) -> Result<()> {
    db.execute("UPDATE vector_sets SET is_serving = is_current", [])?;
    Ok(())
}

/// The sets that are neither filled nor read.
///
/// # Errors
/// If the database cannot be read.
pub fn resting(store: &RepoStore) -> Result<Vec<VectorSet>> {
    let sql = "SELECT model_id, directory FROM vector_sets WHERE NOT is_current AND NOT is_serving ORDER BY 1";
    let mut statement = store.db().prepare_cached(sql)?;
    let rows = statement.query_map([], |row| Ok((row.get::<_, String>(0)?, row.get::<_, String>(1)?)))?;
    let sets = rows.map(|row| row.map(|(model_id, name)| VectorSet { model_id, dir: store.dir.path().join(name) }));
    Ok(sets.collect::<rusqlite::Result<_>>()?)
}

/// Forgets a set that rests; its directory may go then.
///
/// # Errors
/// If the database cannot be written.
pub fn forget(db: &Connection, model_id: &str) -> Result<()> {
    db.execute("DELETE FROM vector_sets WHERE model_id = ?1 AND NOT is_current AND NOT is_serving", [model_id])?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::RepoId;
    use crate::home::StoreDir;

    fn opened(root: &std::path::Path) -> RepoStore {
        RepoStore::open(&RepoId("r".to_owned()), StoreDir::local(root.to_owned())).unwrap()
    }

    fn paths(store: &RepoStore, table: &str) -> Vec<String> {
        let mut statement =
            store.db().prepare(&format!("SELECT CAST(file_path AS TEXT) FROM {table} ORDER BY 1")).unwrap();
        statement.query_map([], |row| row.get(0)).unwrap().map(Result::unwrap).collect()
    }

    fn model(set: Option<VectorSet>) -> Option<String> {
        set.map(|set| set.model_id)
    }

    #[test]
    fn the_old_set_serves_until_the_new_one_is_complete() {
        let root = tempfile::tempdir().unwrap();
        let mut store = opened(root.path());
        assert_eq!((current(&store).unwrap(), current_dir(&store)), (None, store.dir.vectors()));
        begin(store.db(), "old").unwrap();
        assert!(!switch(&mut store, "old").unwrap() && !is_changing(store.db()).unwrap());
        assert!(switch(&mut store, "new").unwrap() && is_changing(store.db()).unwrap());
        assert_eq!(model(serving(&store).unwrap()).as_deref(), Some("old"));
        assert_eq!(current_dir(&store), root.path().join("embeddings.lance-new"));
        assert!(resting(&store).unwrap().is_empty(), "the one that serves does not rest");
        serve_current(store.db()).unwrap();
        assert_eq!(model(serving(&store).unwrap()).as_deref(), Some("new"));
        assert_eq!(resting(&store).unwrap().len(), 1);
        forget(store.db(), "new").unwrap();
        forget(store.db(), "old").unwrap();
        assert!(resting(&store).unwrap().is_empty() && current(&store).unwrap().is_some());
    }

    #[test]
    fn going_back_finds_what_is_still_there() {
        let root = tempfile::tempdir().unwrap();
        let mut store = opened(root.path());
        begin(store.db(), "old").unwrap();
        let run = |store: &RepoStore, sql: &str| store.db().execute_batch(sql).unwrap();
        run(&store, "INSERT INTO files (file_path, blob_id, mode, source, size_bytes, language, role)
                     VALUES (x'61', x'', 'file', 'commit', 1, 'rust', 'library'), (x'62', x'', 'file', 'commit', 1, 'rust', 'library');");
        run(
            &store,
            "INSERT INTO embedded_files VALUES (x'61', zeroblob(32)), (x'62', zeroblob(32)), (x'63', zeroblob(32));
                     INSERT INTO dead_vectors VALUES (x'64');",
        );
        switch(&mut store, "new").unwrap();
        assert!(paths(&store, "embedded_files").is_empty() && paths(&store, "dead_vectors").is_empty());
        run(&store, "INSERT INTO embedded_files VALUES (x'61', zeroblob(32));");
        switch(&mut store, "old").unwrap();
        assert_eq!(paths(&store, "embedded_files"), ["a", "b"]);
        assert_eq!(paths(&store, "dead_vectors"), ["c", "d"], "gone meanwhile, or before");
        assert_eq!(paths(&store, "resting_files"), ["a"]);
        assert!(!is_changing(store.db()).unwrap(), "it has served all the time");
    }
}
