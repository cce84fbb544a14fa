//! Analyses that can no longer be shown.

use rusqlite::Connection;

use super::analyses;
use crate::analyzer::{Analysis, SCHEMA_VERSION};
use crate::domain::{FilePath, Hash};
use crate::store::{Result, StoreError};

/// Unreadable analyses of this version: path, key, what is wrong.
///
/// # Errors
/// If the database cannot be read.
pub fn unreadable_analyses(db: &Connection) -> Result<Vec<(FilePath, Hash, String)>> {
    let mut found = Vec::new();
    for (path, key) in analyses::entries(db, SCHEMA_VERSION)? {
        let problem = match analyses::get(db, &key) {
            Ok(None) => continue,
            Ok(Some(stored)) => match Analysis::from_json(stored.analysis_type, &stored.json) {
                Ok(_) => continue,
                Err(error) => error.to_string(),
            },
            Err(error @ StoreError::Unreadable { .. }) => error.to_string(),
            Err(error) => return Err(error),
        };
        found.push((path, key, problem));
    }
    Ok(found)
}
