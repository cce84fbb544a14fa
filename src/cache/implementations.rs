//! Which class implements which interface (table `implementations`), as HEAD has it.

use rusqlite::{Connection, Row, params};

use super::paths;
use crate::domain::{FilePath, Implements};
use crate::store::Result;

const PATH_NO: &str = "(SELECT path_no FROM paths WHERE file_path = ?1)";

/// Every link, sorted.
pub fn all(db: &Connection) -> Result<Vec<Implements>> {
    select(db, "1 OR ?1", b"")
}

/// The links that a file makes.
pub fn declared_in(db: &Connection, file: &FilePath) -> Result<Vec<Implements>> {
    select(db, &format!("declared_no = {PATH_NO}"), file.as_bytes())
}

/// The files that make links.
///
/// # Errors
/// If the database cannot be read.
pub fn declaring(db: &Connection) -> Result<Vec<FilePath>> {
    let mut statement =
        db.prepare("SELECT file_path FROM paths WHERE path_no IN (SELECT declared_no FROM implementations)")?;
    let found = statement.query_map([], |row| Ok(FilePath::new(row.get::<_, Vec<u8>>(0)?)))?;
    Ok(found.collect::<rusqlite::Result<_>>()?)
}

/// The links with an end in a file, sorted.
pub fn of_file(db: &Connection, file: &FilePath) -> Result<Vec<Implements>> {
    select(db, &format!("interface_no = {PATH_NO} OR implementation_no = {PATH_NO}"), file.as_bytes())
}

fn select(db: &Connection, condition: &str, path: &[u8]) -> Result<Vec<Implements>> {
    let mut statement = db.prepare_cached(&format!(
        "SELECT i.file_path, interface, m.file_path, implementation, d.file_path FROM implementations
         JOIN paths i ON i.path_no = interface_no JOIN paths m ON m.path_no = implementation_no
         JOIN paths d ON d.path_no = declared_no
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
pub fn replace(db: &Connection, gone: &[Implements], new: &[Implements]) -> Result<()> {
    const IS_IT: &str =
        "declared_no = ?1 AND interface_no = ?2 AND interface = ?3 AND implementation_no = ?4 AND implementation = ?5";
    let mut delete = db.prepare_cached(&format!("DELETE FROM implementations WHERE {IS_IT}"))?;
    let mut insert = db.prepare_cached(&format!(
        "INSERT INTO implementations (declared_no, interface_no, interface, implementation_no, implementation)
         SELECT ?1, ?2, ?3, ?4, ?5 WHERE NOT EXISTS (SELECT 1 FROM implementations WHERE {IS_IT})"
    ))?;
    let links = gone.iter().map(|link| (link, false)).chain(new.iter().map(|link| (link, true)));
    for (link, is_new) in links {
        let Implements { interface_file, interface, implementation_file, implementation, declared_in } = link;
        let (of, by) = (paths::number(db, interface_file)?, paths::number(db, implementation_file)?);
        let values = params![paths::number(db, declared_in)?, of, interface, by, implementation];
        if is_new {
            insert.execute(values)?
        } else {
            delete.execute(values)?
        };
    }
    Ok(())
}
