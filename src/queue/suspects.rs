//! Who may have crashed the worker. Before a thread parses a blob or runs a job it writes the subject into its slot file; what is
//! found in the slots after a crash is suspect. Suspects run one at a time; a second crash while alone quarantines.

use std::fmt;

use rusqlite::{Connection, OptionalExtension};

use crate::domain::{JobKind, ObjectId, RepoId};
use crate::store::Result;

/// Crashes while running alone that make a quarantine.
const CRASHES_ALONE: u32 = 2;

/// What a thread is at work on.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum SuspectUnit {
    /// A blob is being parsed for its outline and chunks.
    Blob(ObjectId),
    /// A job runs on the content of a blob.
    Job { repo: RepoId, kind: JobKind, blob: ObjectId },
}

impl SuspectUnit {
    /// Inverse of the `Display` form.
    pub fn parse(text: &str) -> Option<Self> {
        let mut parts = text.trim_end().split(' ');
        Some(match (parts.next()?, parts.next()?, parts.next(), parts.next()) {
            ("blob", hex, None, None) => Self::Blob(ObjectId::from_hex(hex)?),
            ("job", repo, Some(kind), Some(hex)) => {
                Self::Job { repo: RepoId(repo.to_owned()), kind: JobKind::parse(kind)?, blob: ObjectId::from_hex(hex)? }
            }
            _ => return None,
        })
    }
}

impl fmt::Display for SuspectUnit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Blob(id) => write!(f, "blob {id}"),
            Self::Job { repo, kind, blob } => write!(f, "job {repo} {kind} {blob}"),
        }
    }
}

/// Records the subjects that were found in the slots after a crash. A single one was alone.
///
/// # Errors
/// If the database cannot be written.
pub fn record_suspects(db: &Connection, found: &[SuspectUnit]) -> Result<()> {
    let alone = u32::from(found.len() == 1);
    for subject in found {
        db.prepare_cached(
            "INSERT INTO suspects (subject, alone) VALUES (?1, ?2) ON CONFLICT DO UPDATE SET alone = alone + ?2",
        )?
        .execute((subject.to_string(), alone))?;
    }
    Ok(())
}

/// A suspect that passed is one no longer.
///
/// # Errors
/// If the database cannot be written.
pub fn clear_suspect(db: &Connection, subject: &SuspectUnit) -> Result<()> {
    db.prepare_cached("DELETE FROM suspects WHERE subject = ?1")?.execute([subject.to_string()])?;
    Ok(())
}

/// The suspects, quarantined ones included.
///
/// # Errors
/// If the database cannot be read.
pub fn suspects(db: &Connection) -> Result<Vec<SuspectUnit>> {
    let mut statement = db.prepare_cached("SELECT subject FROM suspects ORDER BY subject")?;
    let subjects = statement.query_map([], |row| row.get::<_, String>(0))?.collect::<rusqlite::Result<Vec<_>>>()?;
    Ok(subjects.iter().filter_map(|text| SuspectUnit::parse(text)).collect())
}

/// Whether a subject crashed the worker often enough while alone.
///
/// # Errors
/// If the database cannot be read.
pub fn is_quarantined(db: &Connection, subject: &SuspectUnit) -> Result<bool> {
    let alone: Option<u32> = db
        .prepare_cached("SELECT alone FROM suspects WHERE subject = ?1")?
        .query_row([subject.to_string()], |row| row.get(0))
        .optional()?;
    Ok(alone.is_some_and(|crashes| crashes >= CRASHES_ALONE))
}
