//! Training the dictionary that a store's analyses are packed with. Most are small, and alike: what they have in common (names of
//! fields, kinds of findings, paths of the standard library) is most of their bytes, and stands in the dictionary once.
//!
//! It is done in idle time, again whenever the store has doubled, and can be cut short anywhere: every row names its dictionary, and
//! one that no row names is dropped.

use rusqlite::{Connection, OptionalExtension, Transaction, params};

use super::packed::{self, Dictionary, Packed};
use super::{RepoStore, counter, set_metadata};
use crate::clock::Timestamp;
use crate::store::{Result, StoreError};

/// Entries from which on a dictionary is tried.
const ENTRIES_MIN: u64 = 64;
/// It is tried again when the store has grown by this factor.
const GROWTH: u64 = 2;
/// Most bytes of a dictionary; it is loaded by every process that reads. (Measured on the 3,928 local analyses of nine repositories,
/// dictionaries counted: 27 % of their JSON without one, 16 % with any from 16 to 64 KiB.)
const DICTIONARY_MAX: usize = 32 << 10;
/// Bytes of samples for one byte of dictionary. zstd's manual says a hundred; a small store gains most by 32 (measured likewise: 15.7 %,
/// against 16.0 % by 16 and 16.5 % by 8).
const SAMPLES_TO_ONE: usize = 32;
/// Most bytes of samples: a hundred times the largest dictionary. Learning from as many takes some 0.2 s.
const SAMPLES_MAX: usize = 100 * DICTIONARY_MAX;
/// Most bytes of one sample: a few large ones would be most of what is learnt from.
const SAMPLE_MAX: usize = 8 << 10;
/// A dictionary has to save a twentieth to be worth the work.
const WORTH_PERCENT: usize = 95;
/// Entries packed again in one transaction.
const BATCH: usize = 500;

/// Name in `cache_metadata` of the number of the newest entry when a dictionary was last tried.
const TRIED: &str = "dictionary_tried";

/// What [`improve`] did.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Improvement {
    pub trained: bool,
    /// Entries that were packed again.
    pub repacked: usize,
    /// Dictionaries that no entry needs any more.
    pub dropped: usize,
}

/// Trains a dictionary if it is time, packs what older entries there are with it, and drops those that are not needed any more.
/// It goes on where an earlier call was cut short, and stops when `is_enough` says so.
///
/// # Errors
/// If the database cannot be read or written.
pub fn improve(store: &mut RepoStore, now: Timestamp, is_enough: &dyn Fn() -> bool) -> Result<Improvement> {
    let mut done = Improvement { trained: train_if_due(store, now)?, ..Improvement::default() };
    while !is_enough()
        && let Some(batch) = next_batch(store.db())?
    {
        done.repacked += repack(store, &batch)?;
    }
    if done != Improvement::default() {
        let tx = store.write()?;
        done.dropped = drop_unused(&tx)?;
        tx.commit()?;
    }
    Ok(done)
}

/// Drops the dictionaries that no entry is packed with.
///
/// # Errors
/// If the database cannot be written.
pub fn drop_unused(tx: &Transaction<'_>) -> Result<usize> {
    Ok(tx.execute(
        "DELETE FROM dictionaries WHERE NOT EXISTS
             (SELECT 1 FROM file_analysis a WHERE a.dictionary_id = dictionaries.dictionary_id)",
        [],
    )?)
}

fn train_if_due(store: &mut RepoStore, now: Timestamp) -> Result<bool> {
    let newest: u64 =
        store.db().query_row("SELECT coalesce(max(analysis_id), 0) FROM file_analysis", [], |row| row.get(0))?;
    let tried = counter(store.db(), TRIED)?;
    // Numbers begin again when a store was emptied.
    if newest < ENTRIES_MIN || (newest >= tried && newest < tried.saturating_mul(GROWTH)) {
        return Ok(false);
    }
    let samples = samples(store.db())?;
    let trained = train(&samples.texts).filter(|dictionary| is_worth_it(dictionary, &samples));
    let tx = store.write()?;
    set_metadata(&tx, TRIED, &newest.to_string())?;
    if let Some(dictionary) = &trained {
        put(&tx, dictionary, newest, now)?;
    }
    tx.commit()?;
    Ok(trained.is_some())
}

/// Texts to learn from.
struct Samples {
    texts: Vec<Vec<u8>>,
    /// What they take as they are stored now, a dictionary of their own included.
    stored_bytes: usize,
}

/// Keys are hashes, so the first ones by key are a fair choice, and the same one for the same entries.
fn samples(db: &Connection) -> Result<Samples> {
    let mut select =
        db.prepare("SELECT analysis_json, dictionary_id, size_bytes FROM file_analysis ORDER BY cache_key")?;
    let mut rows = select.query([])?;
    let mut samples = Samples { texts: Vec::new(), stored_bytes: 0 };
    let mut total = 0;
    while total < SAMPLES_MAX
        && let Some(row) = rows.next()?
    {
        let stored = Packed { bytes: row.get(0)?, dictionary: row.get(1)? };
        // One that is damaged teaches nothing; `cache verify` tells of it.
        let Ok(text) = packed::unpack(db, &stored, row.get(2)?) else { continue };
        total += text.len().min(SAMPLE_MAX);
        samples.stored_bytes += stored.bytes.len();
        samples.texts.push(text);
    }
    let own: usize =
        db.query_row("SELECT coalesce(max(length(dictionary)), 0) FROM dictionaries", [], |row| row.get(0))?;
    samples.stored_bytes += own;
    Ok(samples)
}

/// `None`: zstd finds too little in common.
fn train(texts: &[Vec<u8>]) -> Option<Dictionary> {
    let samples: Vec<&[u8]> = texts.iter().map(|text| &text[..text.len().min(SAMPLE_MAX)]).collect();
    let total: usize = samples.iter().map(|sample| sample.len()).sum();
    zstd::dict::from_samples(&samples, (total / SAMPLES_TO_ONE).min(DICTIONARY_MAX)).ok().map(Dictionary::new)
}

fn is_worth_it(dictionary: &Dictionary, samples: &Samples) -> bool {
    let packed = samples.texts.iter().map(|text| dictionary.pack(text).map(|packed| packed.bytes.len()));
    let total = packed.sum::<Result<usize>>().map(|bytes| bytes + dictionary.bytes().len());
    total.is_ok_and(|bytes| bytes < samples.stored_bytes * WORTH_PERCENT / 100)
}

/// It is the newest, whatever the clock says.
fn put(tx: &Transaction<'_>, dictionary: &Dictionary, trained_to: u64, now: Timestamp) -> Result<()> {
    tx.execute(
        "INSERT INTO dictionaries (dictionary_id, trained_at, trained_to, repacked_to, dictionary)
         VALUES (?1, max(?2, (SELECT coalesce(max(trained_at), 0) + 1 FROM dictionaries)), ?3, 0, ?4)
         ON CONFLICT (dictionary_id) DO UPDATE SET trained_at = excluded.trained_at, trained_to = ?3, repacked_to = 0",
        params![dictionary.id, now.0, trained_to, dictionary.bytes()],
    )?;
    Ok(())
}

/// Entries that are to be packed again: numbers above the first one up to the second.
struct Batch {
    after: u64,
    to: u64,
}

fn next_batch(db: &Connection) -> Result<Option<Batch>> {
    let newest = "SELECT repacked_to, trained_to FROM dictionaries ORDER BY trained_at DESC, dictionary_id LIMIT 1";
    let found = db.query_row(newest, [], |row| Ok((row.get(0)?, row.get(1)?))).optional()?;
    let Some((after, trained_to)) = found.filter(|(after, to): &(u64, u64)| after < to) else { return Ok(None) };
    let last = "SELECT max(analysis_id) FROM (SELECT analysis_id FROM file_analysis
                WHERE analysis_id > ?1 AND analysis_id <= ?2 ORDER BY analysis_id LIMIT ?3)";
    let to: Option<u64> = db.query_row(last, params![after, trained_to, BATCH], |row| row.get(0))?;
    Ok(Some(Batch { after, to: to.unwrap_or(trained_to) }))
}

/// One transaction; how many entries it changed.
fn repack(store: &mut RepoStore, batch: &Batch) -> Result<usize> {
    let tx = store.write()?;
    let Some(dictionary) = packed::newest(&tx)? else {
        tx.execute("UPDATE dictionaries SET repacked_to = trained_to", [])?;
        tx.commit()?;
        return Ok(0);
    };
    let mut repacked = 0;
    for (id, stored, size) in entries(&tx, batch, dictionary.id)? {
        let text = match packed::unpack(&tx, &stored, size) {
            Ok(text) => text,
            // It stays as it is, for `cache verify` to tell of.
            Err(StoreError::Unreadable { .. }) => continue,
            Err(error) => return Err(error),
        };
        let packed = dictionary.pack(&text)?;
        if packed.bytes.len() < stored.bytes.len() || stored.dictionary.is_some() {
            tx.prepare_cached(
                "UPDATE file_analysis SET analysis_json = ?2, dictionary_id = ?3 WHERE analysis_id = ?1",
            )?
            .execute(params![id, packed.bytes, packed.dictionary])?;
            repacked += 1;
        }
    }
    tx.execute("UPDATE dictionaries SET repacked_to = ?2 WHERE dictionary_id = ?1", params![dictionary.id, batch.to])?;
    tx.commit()?;
    Ok(repacked)
}

fn entries(db: &Connection, batch: &Batch, dictionary: i64) -> Result<Vec<(i64, Packed, usize)>> {
    let mut select = db.prepare_cached(
        "SELECT analysis_id, analysis_json, dictionary_id, size_bytes FROM file_analysis
         WHERE analysis_id > ?1 AND analysis_id <= ?2 AND dictionary_id IS NOT ?3",
    )?;
    let rows = select.query_map(params![batch.after, batch.to, dictionary], |row| {
        Ok((row.get(0)?, Packed { bytes: row.get(1)?, dictionary: row.get(2)? }, row.get(3)?))
    })?;
    Ok(rows.collect::<rusqlite::Result<_>>()?)
}

#[cfg(test)]
#[path = "dictionary_tests.rs"]
mod tests;
