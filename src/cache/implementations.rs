//! Which class implements which interface (table `implementations`), as HEAD has it.

use rusqlite::{Connection, Row, params};

use crate::domain::{FilePath, Implements, RepoId};
use crate::store::Result;

/// Every link, sorted.
pub fn all(db: &Connection) -> Result<Vec<Implements>> {
    select(db, "1 OR ?1", b"")
}

/// The links that a file makes.
pub fn declared_in(db: &Connection, file: &FilePath) -> Result<Vec<Implements>> {
    select(db, "declared_in = ?1", file.as_bytes())
}

/// The files that make links.
///
/// # Errors
/// If the database cannot be read.
pub fn declaring(db: &Connection) -> Result<Vec<FilePath>> {
    let mut statement = db.prepare("SELECT DISTINCT declared_in FROM implementations")?;
    let found = statement.query_map([], |row| Ok(FilePath::new(row.get::<_, Vec<u8>>(0)?)))?;
    Ok(found.collect::<rusqlite::Result<_>>()?)
}

/// The links with an end in a file, sorted.
pub fn of_file(db: &Connection, file: &FilePath) -> Result<Vec<Implements>> {
    select(db, "interface_file = ?1 OR implementation_file = ?1", file.as_bytes())
}

fn select(db: &Connection, condition: &str, path: &[u8]) -> Result<Vec<Implements>> {
    // A reader may come before the worker that brings an older store up to date.
    if !db.table_exists(None, "implementations")? {
        return Ok(Vec::new());
    }
    let mut statement = db.prepare_cached(&format!(
        "SELECT interface_file, interface, implementation_file, implementation, declared_in FROM implementations
         WHERE {condition}"
    ))?;
    let links = statement.query_map([path], link)?;
    let mut links = links.collect::<rusqlite::Result<Vec<Implements>>>()?;
    links.sort();
    Ok(links)
}

fn link(row: &Row<'_>) -> rusqlite::Result<Implements> {
    Ok(Implements {
        interface_file: FilePath::new(row.get::<_, Vec<u8>>(0)?),
        interface: row.get(1)?,
        implementation_file: FilePath::new(row.get::<_, Vec<u8>>(2)?),
        implementation: row.get(3)?,
        declared_in: FilePath::new(row.get::<_, Vec<u8>>(4)?),
    })
}

/// Takes links out and puts others in.
///
/// # Errors
/// If the database cannot be written.
pub fn replace(db: &Connection, repo: &RepoId, gone: &[Implements], new: &[Implements]) -> Result<()> {
    let mut delete = db.prepare_cached(
        "DELETE FROM implementations WHERE interface_file = ?1 AND interface = ?2 AND implementation_file = ?3
         AND implementation = ?4 AND declared_in = ?5",
    )?;
    for Implements { interface_file, interface, implementation_file, implementation, declared_in } in gone {
        let (of, by) = (interface_file.as_bytes(), implementation_file.as_bytes());
        delete.execute(params![of, interface, by, implementation, declared_in.as_bytes()])?;
    }
    let mut insert = db.prepare_cached("INSERT OR IGNORE INTO implementations VALUES (?1, ?2, ?3, ?4, ?5, ?6)")?;
    for Implements { interface_file, interface, implementation_file, implementation, declared_in } in new {
        let (of, by) = (interface_file.as_bytes(), implementation_file.as_bytes());
        insert.execute(params![of, interface, by, implementation, declared_in.as_bytes(), repo.0])?;
    }
    Ok(())
}
