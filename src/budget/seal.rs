//! Whether this is the ledger that the home has spent from. agent.db has an id that is also in a file next to it (the seal). An agent.db
//! with another id, or a new one in a home that has a seal, has forgotten what was spent: spending stops until a person allows it.
//!
//! The limits in force are kept in agent.db as well: a running worker sees at once when a person sets others, and jobs that were parked by the
//! old ones resume, in whatever way the new ones came.

use std::io::ErrorKind;
use std::path::Path;

use rusqlite::{Connection, OptionalExtension, params};

use super::entry::{BudgetError, BudgetResult};
use crate::config::SpendingLimits;
use crate::file;
use crate::store::{StoreError, write};

const ID: &str = "ledger.id";
const STOPPED: &str = "ledger.stopped";
const LIMITS: &str = "ledger.limits";
/// In the place of a daily limit.
const NONE: &str = "none";

/// Takes the ledger into use; without that nothing is reserved. `seal` is [`crate::home::Home::ledger_seal`].
///
/// # Errors
/// If agent.db or the seal cannot be read or written. No call may be made then.
pub fn take_up(db: &mut Connection, seal: &Path) -> BudgetResult<()> {
    let unusable = |source| BudgetError::Seal { path: seal.to_owned(), source };
    let sealed = match std::fs::read_to_string(seal) {
        Ok(text) => Some(text.trim().to_owned()),
        Err(error) if error.kind() == ErrorKind::NotFound => None,
        Err(source) => return Err(unusable(source)),
    };
    let tx = write(db)?;
    let id = match setting(&tx, ID)? {
        Some(id) => id,
        None => {
            tx.execute("INSERT INTO settings VALUES (?1, lower(hex(randomblob(16))))", [ID])?;
            setting(&tx, ID)?.unwrap_or_default()
        }
    };
    if sealed.as_ref().is_some_and(|sealed| *sealed != id) {
        let reason = "agent.db is not the one that this home has spent from, so what was spent this month is not known";
        set(&tx, STOPPED, reason)?;
    }
    // First the database, then the seal: after a crash in between the stop is there, and the seal is written again.
    tx.commit()?;
    if sealed.as_ref() == Some(&id) {
        return Ok(());
    }
    file::replace(seal, format!("{id}\n").as_bytes(), 0o600).map_err(unusable)
}

/// Allows spending again: a person has said so, by setting a limit.
///
/// # Errors
/// If agent.db cannot be written.
pub fn accept(db: &Connection) -> BudgetResult<()> {
    db.execute("DELETE FROM settings WHERE name = ?1", [STOPPED])?;
    Ok(())
}

/// Why spending is stopped; `None` if it is not.
///
/// # Errors
/// If agent.db cannot be read.
pub fn stopped(db: &Connection) -> BudgetResult<Option<String>> {
    setting(db, STOPPED)
}

/// As [`stopped`], for who is about to spend: a ledger that was not taken up has not been compared with the seal.
pub(super) fn stop_reason(db: &Connection) -> BudgetResult<Option<String>> {
    match stopped(db)? {
        None if setting(db, ID)?.is_none() => Ok(Some("the ledger has not been taken into use".to_owned())),
        reason => Ok(reason),
    }
}

/// Puts limits in force, for running workers, too. True if they are others than before: what those parked may run now.
///
/// # Errors
/// If agent.db cannot be read or written.
pub fn note_limits(db: &Connection, limits: &SpendingLimits) -> BudgetResult<bool> {
    if noted_limits(db)? == Some(*limits) {
        return Ok(false);
    }
    let daily = limits.daily.map_or_else(|| NONE.to_owned(), |daily| daily.to_string());
    set(db, LIMITS, &format!("{}/{daily}", limits.monthly))?;
    Ok(true)
}

/// The limits in force; `None` before any were noted. To be asked before each reservation: a person may have set others meanwhile.
///
/// # Errors
/// If agent.db cannot be read.
pub fn noted_limits(db: &Connection) -> BudgetResult<Option<SpendingLimits>> {
    let Some(text) = setting(db, LIMITS)? else { return Ok(None) };
    let limits = text.split_once('/').and_then(|(monthly, daily)| {
        let daily = if daily == NONE { None } else { Some(daily.parse().ok()?) };
        Some(SpendingLimits { monthly: monthly.parse().ok()?, daily })
    });
    Ok(Some(limits.ok_or(StoreError::Unreadable { what: "limit of the budget", detail: text })?))
}

fn setting(db: &Connection, name: &str) -> BudgetResult<Option<String>> {
    let mut statement = db.prepare_cached("SELECT value FROM settings WHERE name = ?1")?;
    Ok(statement.query_row([name], |row| row.get(0)).optional()?)
}

fn set(db: &Connection, name: &str, value: &str) -> BudgetResult<()> {
    db.execute(
        "INSERT INTO settings VALUES (?1, ?2) ON CONFLICT (name) DO UPDATE SET value = ?2",
        params![name, value],
    )?;
    Ok(())
}
