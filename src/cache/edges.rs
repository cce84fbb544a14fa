//! Who uses what of whom (`file_dependencies`), and the re-exports on the way there (`file_reexports`).

use rusqlite::{Connection, Row, params};

use super::view::unreadable;
use crate::domain::{DependencyType, Edge, FilePath, RepoId};
use crate::store::Result;

/// One of the two tables, which have the same columns.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Relation {
    /// The dependent uses a symbol that the source defines.
    Uses,
    /// The dependent reaches what it uses through a re-export of the source.
    Through,
}

impl Relation {
    const fn table(self) -> &'static str {
        match self {
            Self::Uses => "file_dependencies",
            Self::Through => "file_reexports",
        }
    }

    /// Every edge, sorted.
    ///
    /// # Errors
    /// If the database cannot be read.
    pub fn all(self, db: &Connection) -> Result<Vec<Edge>> {
        let mut edges = self.select(db, "1 OR ?1", b"")?;
        edges.sort();
        Ok(edges)
    }

    /// The files that use any other.
    ///
    /// # Errors
    /// If the database cannot be read.
    pub fn dependents(self, db: &Connection) -> Result<Vec<FilePath>> {
        let table = self.table();
        let mut statement = db.prepare(&format!("SELECT DISTINCT dependent_file FROM {table}"))?;
        let found = statement.query_map([], |row| Ok(FilePath::new(row.get::<_, Vec<u8>>(0)?)))?;
        Ok(found.collect::<rusqlite::Result<_>>()?)
    }

    /// What a file uses.
    ///
    /// # Errors
    /// If the database cannot be read.
    pub fn of_dependent(self, db: &Connection, dependent: &FilePath) -> Result<Vec<Edge>> {
        self.select(db, "dependent_file = ?1", dependent.as_bytes())
    }

    /// Who uses a file.
    ///
    /// # Errors
    /// If the database cannot be read.
    pub fn of_source(self, db: &Connection, source: &FilePath) -> Result<Vec<Edge>> {
        self.select(db, "source_file = ?1", source.as_bytes())
    }

    /// Who uses a symbol of a file.
    ///
    /// # Errors
    /// If the database cannot be read.
    pub fn users_of(self, db: &Connection, source: &FilePath, symbol: &str) -> Result<Vec<FilePath>> {
        let table = self.table();
        let mut statement = db.prepare_cached(&format!(
            "SELECT DISTINCT dependent_file FROM {table} WHERE source_file = ?1 AND symbol_name = ?2"
        ))?;
        let users = statement
            .query_map(params![source.as_bytes(), symbol], |row| Ok(FilePath::new(row.get::<_, Vec<u8>>(0)?)))?;
        Ok(users.collect::<rusqlite::Result<_>>()?)
    }

    fn select(self, db: &Connection, condition: &str, path: &[u8]) -> Result<Vec<Edge>> {
        let table = self.table();
        let mut statement = db.prepare_cached(&format!(
            "SELECT source_file, dependent_file, dependency_type, symbol_name FROM {table} WHERE {condition}"
        ))?;
        let mut rows = statement.query([path])?;
        let mut edges = Vec::new();
        while let Some(row) = rows.next()? {
            edges.push(edge(row)?);
        }
        Ok(edges)
    }

    /// Takes edges out and puts others in.
    ///
    /// # Errors
    /// If the database cannot be written.
    pub fn replace(self, db: &Connection, repo: &RepoId, gone: &[Edge], new: &[Edge]) -> Result<()> {
        let table = self.table();
        let mut delete = db.prepare_cached(&format!(
            "DELETE FROM {table}
             WHERE source_file = ?1 AND dependent_file = ?2 AND dependency_type = ?3 AND symbol_name = ?4"
        ))?;
        for Edge { source_file, dependent_file, dependency_type, symbol_name } in gone {
            let (source, dependent) = (source_file.as_bytes(), dependent_file.as_bytes());
            delete.execute(params![source, dependent, dependency_type.as_str(), symbol_name])?;
        }
        let mut insert = db.prepare_cached(&format!("INSERT OR IGNORE INTO {table} VALUES (?1, ?2, ?3, ?4, ?5)"))?;
        for Edge { source_file, dependent_file, dependency_type, symbol_name } in new {
            let (source, dependent) = (source_file.as_bytes(), dependent_file.as_bytes());
            insert.execute(params![source, dependent, dependency_type.as_str(), symbol_name, repo.0])?;
        }
        Ok(())
    }
}

fn edge(row: &Row<'_>) -> Result<Edge> {
    let dependency_type: String = row.get(2)?;
    Ok(Edge {
        source_file: FilePath::new(row.get::<_, Vec<u8>>(0)?),
        dependent_file: FilePath::new(row.get::<_, Vec<u8>>(1)?),
        dependency_type: DependencyType::parse(&dependency_type).ok_or_else(|| unreadable(&dependency_type))?,
        symbol_name: row.get(3)?,
    })
}

/// Number of files that use this one (fan-in) and that it uses (fan-out).
///
/// # Errors
/// If the database cannot be read.
pub fn fan(db: &Connection, path: &FilePath) -> Result<(u64, u64)> {
    let fan_in = "SELECT count(DISTINCT dependent_file) FROM file_dependencies WHERE source_file = ?1";
    let fan_out = "SELECT count(DISTINCT source_file) FROM file_dependencies WHERE dependent_file = ?1";
    let number = |sql: &str| db.query_row(sql, [path.as_bytes()], |row| row.get(0));
    Ok((number(fan_in)?, number(fan_out)?))
}

/// Takes every edge and every link to an implementation out.
///
/// # Errors
/// If the database cannot be written.
pub fn clear(db: &Connection) -> Result<()> {
    Ok(db.execute_batch("DELETE FROM file_dependencies; DELETE FROM file_reexports; DELETE FROM implementations;")?)
}
