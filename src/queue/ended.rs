//! Jobs that ended well: the last of each file and kind stays listed, and of all of them the newest.

use rusqlite::Connection;

use super::Result;

/// So many stay. A first index of 15,000 files has 62,000, of which each takes some 300 bytes.
const KEPT: i64 = 10_000;
/// Rows of one transaction, which others wait for.
const AT_ONCE: i64 = 2_000;

/// Forgets the oldest of too many, until `is_enough` says so. Returns how many went.
///
/// # Errors
/// If the database cannot be written.
pub fn forget_ended(db: &Connection, is_enough: &dyn Fn() -> bool) -> Result<usize> {
    forget_beyond(db, KEPT, is_enough)
}

fn forget_beyond(db: &Connection, kept: i64, is_enough: &dyn Fn() -> bool) -> Result<usize> {
    let mut forgotten = 0;
    loop {
        let gone = db
            .prepare_cached(
                "DELETE FROM jobs WHERE job_id IN
                     (SELECT job_id FROM jobs WHERE state IN ('done', 'superseded') ORDER BY job_id DESC LIMIT ?2 OFFSET ?1)",
            )?
            .execute([kept, AT_ONCE])?;
        forgotten += gone;
        if gone == 0 || is_enough() {
            return Ok(forgotten);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::{Database, open_writer};

    #[test]
    fn the_newest_that_ended_and_all_others_stay() {
        let dir = tempfile::tempdir().unwrap();
        let db = open_writer(&dir.path().join("agent.db"), Database::Agent).unwrap();
        db.execute_batch("PRAGMA foreign_keys = OFF").unwrap();
        let states = ["done", "queued", "superseded", "discarded", "parked", "done", "quarantined", "done"];
        for number in 0..5_000_i64 {
            let state = states[number as usize % states.len()];
            db.execute(
                "INSERT INTO jobs (repo_id, file_path, kind, cache_key, blob_id, state, priority, origin, reason, created_at, updated_at)
                 VALUES ('r', CAST(?1 AS BLOB), 'embed', x'00', x'00', ?2, 0, 0, 'created', 0, 0)",
                (number.to_string(), state),
            )
            .unwrap();
        }
        let count = |ended: bool| -> i64 {
            let sql = "SELECT count(*) FROM jobs WHERE (state IN ('done', 'superseded')) = ?1";
            db.query_row(sql, [ended], |row| row.get(0)).unwrap()
        };
        assert_eq!((count(true), count(false)), (2_500, 2_500));
        assert_eq!(forget_beyond(&db, 100, &|| true).unwrap(), 2_000, "something else is to be done");
        assert_eq!(forget_beyond(&db, 100, &|| false).unwrap(), 400);
        assert_eq!((count(true), count(false)), (100, 2_500));
        let newest = db.query_row("SELECT max(job_id) FROM jobs WHERE state = 'done'", [], |row| row.get::<_, i64>(0));
        assert_eq!(newest.unwrap(), 5_000);
        assert_eq!(forget_beyond(&db, 100, &|| false).unwrap(), 0);
    }
}
