//! Who uses what of whom (`file_dependencies`), and the re-exports on the way there (`file_reexports`).

use std::collections::{BTreeSet, HashMap};

use rusqlite::{Connection, OptionalExtension, Row, params};

use super::paths;
use super::view::unreadable;
use crate::domain::{DependencyType, Edge, FilePath};
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

    /// Where its rows are, as numbers; the table of the other name is a view of them.
    const fn rows(self) -> &'static str {
        match self {
            Self::Uses => "edge_uses",
            Self::Through => "edge_reexports",
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
    pub fn replace(self, db: &Connection, gone: &[Edge], new: &[Edge]) -> Result<()> {
        let rows = self.rows();
        let mut numbers = EdgeNumbers::new(db);
        let mut delete = db.prepare_cached(&format!("DELETE FROM {rows} WHERE path_no = ?1 AND symbol_no = ?2"))?;
        let mut forget = db.prepare_cached(
            "DELETE FROM used_symbols WHERE symbol_no = ?1
             AND NOT EXISTS (SELECT 1 FROM edge_uses e WHERE e.symbol_no = ?1)
             AND NOT EXISTS (SELECT 1 FROM edge_reexports e WHERE e.symbol_no = ?1)",
        )?;
        let mut left = BTreeSet::new();
        for edge in gone {
            let symbol = numbers.symbol(edge)?;
            delete.execute([numbers.path(&edge.dependent_file)?, symbol])?;
            left.insert(symbol);
        }
        let mut insert = db.prepare_cached(&format!("INSERT OR IGNORE INTO {rows} VALUES (?1, ?2)"))?;
        for edge in new {
            insert.execute([numbers.path(&edge.dependent_file)?, numbers.symbol(edge)?])?;
        }
        for symbol in left {
            forget.execute([symbol])?;
        }
        Ok(())
    }
}

/// Numbers of what edges name; what has none gets one.
struct EdgeNumbers<'d, 'e> {
    db: &'d Connection,
    paths: HashMap<&'e FilePath, i64>,
}

impl<'d, 'e> EdgeNumbers<'d, 'e> {
    fn new(db: &'d Connection) -> Self {
        Self { db, paths: HashMap::new() }
    }

    fn path(&mut self, path: &'e FilePath) -> Result<i64> {
        if let Some(&known) = self.paths.get(path) {
            return Ok(known);
        }
        let number = paths::number(self.db, path)?;
        self.paths.insert(path, number);
        Ok(number)
    }

    fn symbol(&mut self, edge: &'e Edge) -> Result<i64> {
        let source = self.path(&edge.source_file)?;
        let symbol = params![source, edge.symbol_name, edge.dependency_type.as_str()];
        let mut select = self.db.prepare_cached(
            "SELECT symbol_no FROM used_symbols WHERE path_no = ?1 AND symbol_name = ?2 AND dependency_type = ?3",
        )?;
        if let Some(known) = select.query_row(symbol, |row| row.get(0)).optional()? {
            return Ok(known);
        }
        self.db
            .prepare_cached("INSERT INTO used_symbols (path_no, symbol_name, dependency_type) VALUES (?1, ?2, ?3)")?
            .execute(symbol)?;
        Ok(self.db.last_insert_rowid())
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

/// Number of files that use a symbol of a file.
///
/// # Errors
/// If the database cannot be read.
pub fn users(db: &Connection, path: &FilePath, symbol: &str) -> Result<u64> {
    let mut statement = db.prepare_cached(
        "SELECT count(DISTINCT e.path_no) FROM paths p JOIN used_symbols u ON u.path_no = p.path_no
         JOIN edge_uses e ON e.symbol_no = u.symbol_no WHERE p.file_path = ?1 AND u.symbol_name = ?2",
    )?;
    Ok(statement.query_row(params![path.as_bytes(), symbol], |row| row.get(0))?)
}

/// A symbol that other files use.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SharedSymbol {
    pub source: FilePath,
    pub symbol: String,
    /// Files that use it.
    pub users: u64,
}

/// The symbols that most files use, those of the file with the most dependents first.
///
/// # Errors
/// If the database cannot be read.
pub fn most_used(db: &Connection, limit: usize) -> Result<Vec<SharedSymbol>> {
    let mut statement = db.prepare(
        "SELECT source_file, symbol_name, count(DISTINCT dependent_file) AS users, fan_in
         FROM file_dependencies JOIN (SELECT source_file AS file, count(DISTINCT dependent_file) AS fan_in
                                      FROM file_dependencies GROUP BY 1) ON file = source_file
         GROUP BY source_file, symbol_name ORDER BY fan_in DESC, source_file, users DESC, symbol_name LIMIT ?1",
    )?;
    let used = |row: &Row<'_>| {
        Ok(SharedSymbol { source: FilePath::new(row.get::<_, Vec<u8>>(0)?), symbol: row.get(1)?, users: row.get(2)? })
    };
    Ok(statement.query_map([limit as i64], used)?.collect::<rusqlite::Result<_>>()?)
}

/// Takes every edge and every link to an implementation out.
///
/// # Errors
/// If the database cannot be written.
pub fn clear(db: &Connection) -> Result<()> {
    Ok(db.execute_batch(
        "DELETE FROM edge_uses; DELETE FROM edge_reexports; DELETE FROM used_symbols; DELETE FROM implementations;",
    )?)
}
