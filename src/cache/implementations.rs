//! Which class implements which interface (table `implementations`), as HEAD has it.

use std::borrow::Cow;
use std::collections::HashMap;
use std::collections::hash_map::Entry;

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

/// Takes links out and puts others in. What a file has is read once, for one may have thousands.
///
/// # Errors
/// If the database cannot be written.
pub fn replace(db: &Connection, gone: &[Implements], new: &[Implements]) -> Result<()> {
    let mut delete = db.prepare_cached("DELETE FROM implementations WHERE rowid = ?1")?;
    let mut insert = db.prepare_cached(
        "INSERT INTO implementations (declared_no, interface_no, interface, implementation_no, implementation)
         VALUES (?1, ?2, ?3, ?4, ?5)",
    )?;
    let mut standing: HashMap<i64, HashMap<LinkEnds, i64>> = HashMap::new();
    let links = gone.iter().map(|link| (link, false)).chain(new.iter().map(|link| (link, true)));
    for (link, is_new) in links {
        let declared_no = paths::number(db, &link.declared_in)?;
        let own = match standing.entry(declared_no) {
            Entry::Occupied(own) => own.into_mut(),
            Entry::Vacant(own) => own.insert(numbered(db, declared_no)?),
        };
        let ends = LinkEnds {
            interface_no: paths::number(db, &link.interface_file)?,
            interface: link.interface.as_str().into(),
            implementation_no: paths::number(db, &link.implementation_file)?,
            implementation: link.implementation.as_str().into(),
        };
        match (is_new, own.entry(ends)) {
            (true, Entry::Vacant(place)) => {
                let LinkEnds { interface_no, interface, implementation_no, implementation } = place.key();
                insert.execute(params![declared_no, interface_no, interface, implementation_no, implementation])?;
                place.insert(db.last_insert_rowid());
            }
            (false, Entry::Occupied(row)) => drop(delete.execute([row.remove()])?),
            (true, Entry::Occupied(_)) | (false, Entry::Vacant(_)) => {}
        }
    }
    Ok(())
}

/// A link without the file that makes it, as the table has it.
#[derive(PartialEq, Eq, Hash)]
struct LinkEnds<'l> {
    interface_no: i64,
    interface: Cow<'l, str>,
    implementation_no: i64,
    implementation: Cow<'l, str>,
}

/// The links that a file makes, with the numbers of their rows.
fn numbered<'l>(db: &Connection, declared_no: i64) -> Result<HashMap<LinkEnds<'l>, i64>> {
    let mut statement = db.prepare_cached(
        "SELECT rowid, interface_no, interface, implementation_no, implementation FROM implementations WHERE declared_no = ?1",
    )?;
    let ends = |row: &Row<'_>| -> rusqlite::Result<LinkEnds<'l>> {
        Ok(LinkEnds {
            interface_no: row.get(1)?,
            interface: row.get::<_, String>(2)?.into(),
            implementation_no: row.get(3)?,
            implementation: row.get::<_, String>(4)?.into(),
        })
    };
    let links = statement.query_map([declared_no], |row| Ok((ends(row)?, row.get(0)?)))?;
    Ok(links.collect::<rusqlite::Result<_>>()?)
}
