//! How the text of an analysis is stored: compressed with zstd, with the store's dictionary where it has one.

use std::cell::RefCell;
use std::collections::HashMap;
use std::sync::{Arc, LazyLock, Mutex, OnceLock, PoisonError};

use rusqlite::{Connection, OptionalExtension};
use zstd::dict::{DecoderDictionary, EncoderDictionary};
use zstd::zstd_safe::{self, CCtx, DCtx};

use crate::domain::Hash;
use crate::store::{Result, StoreError};

/// zstd level: above 9 the size of these small texts hardly falls.
const LEVEL: i32 = 9;
/// Prepared dictionaries that are kept: one for each store that a person is likely to work with at a time.
const PREPARED_MAX: usize = 32;

/// A text as it is stored.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Packed {
    pub bytes: Vec<u8>,
    /// `None`: packed without one.
    pub dictionary: Option<i64>,
}

/// A dictionary, ready for use. Preparing one costs more than packing with it.
pub(super) struct Dictionary {
    /// The first 8 bytes of its hash: equal in two stores only if it is the same.
    pub(super) id: i64,
    bytes: Vec<u8>,
    encoder: OnceLock<EncoderDictionary<'static>>,
    decoder: OnceLock<DecoderDictionary<'static>>,
}

impl Dictionary {
    pub(super) fn new(bytes: Vec<u8>) -> Self {
        let hash = Hash::of(&bytes);
        let id = i64::from_be_bytes(std::array::from_fn(|at| hash.as_bytes()[at]));
        Self { id, bytes, encoder: OnceLock::new(), decoder: OnceLock::new() }
    }

    pub(super) fn bytes(&self) -> &[u8] {
        &self.bytes
    }

    pub(super) fn pack(&self, text: &[u8]) -> Result<Packed> {
        let encoder = self.encoder.get_or_init(|| EncoderDictionary::copy(&self.bytes, LEVEL));
        let mut bytes = Vec::with_capacity(zstd_safe::compress_bound(text.len()));
        PACKER
            .with_borrow_mut(|packer| packer.compress_using_cdict(&mut bytes, text, encoder.as_cdict()))
            .map_err(refused)?;
        bytes.shrink_to_fit();
        Ok(Packed { bytes, dictionary: Some(self.id) })
    }

    fn unpack(&self, bytes: &[u8], size: usize) -> Result<Vec<u8>> {
        let decoder = self.decoder.get_or_init(|| DecoderDictionary::copy(&self.bytes));
        let mut text = Vec::with_capacity(size);
        UNPACKER
            .with_borrow_mut(|unpacker| unpacker.decompress_using_ddict(&mut text, bytes, decoder.as_ddict()))
            .map_err(refused)?;
        Ok(text)
    }
}

thread_local! {
    /// Setting one up costs more than packing a small text.
    static PACKER: RefCell<CCtx<'static>> = RefCell::new(CCtx::create());
    static UNPACKER: RefCell<DCtx<'static>> = RefCell::new(DCtx::create());
}

/// Dictionaries that were used last, of any store.
static PREPARED: LazyLock<Mutex<HashMap<i64, Arc<Dictionary>>>> = LazyLock::new(Mutex::default);

/// Packs texts for one store, on any thread.
#[derive(Clone)]
pub struct Packer {
    /// `None`: the store has none yet.
    dictionary: Option<Arc<Dictionary>>,
}

/// How texts are packed for a store now: with its newest dictionary. One that is damaged is not used.
///
/// # Errors
/// If the database cannot be read.
pub fn packer(db: &Connection) -> Result<Packer> {
    Ok(Packer { dictionary: newest(db)? })
}

impl Packer {
    /// # Errors
    /// If zstd has no memory.
    pub fn pack(&self, text: &[u8]) -> Result<Packed> {
        match &self.dictionary {
            Some(dictionary) => dictionary.pack(text),
            None => {
                let mut bytes = Vec::with_capacity(zstd_safe::compress_bound(text.len()));
                PACKER.with_borrow_mut(|packer| packer.compress(&mut bytes, text, LEVEL)).map_err(refused)?;
                bytes.shrink_to_fit();
                Ok(Packed { bytes, dictionary: None })
            }
        }
    }
}

/// Packs one text for a store.
///
/// # Errors
/// As [`packer`] and [`Packer::pack`].
pub fn pack(db: &Connection, text: &[u8]) -> Result<Packed> {
    packer(db)?.pack(text)
}

/// The text of a stored analysis, of `size` bytes at most.
///
/// # Errors
/// If the database cannot be read, or the text or its dictionary is damaged.
pub fn unpack(db: &Connection, packed: &Packed, size: usize) -> Result<Vec<u8>> {
    match packed.dictionary {
        Some(id) => dictionary(db, id)?.unpack(&packed.bytes, size),
        None => zstd::bulk::decompress(&packed.bytes, size).map_err(unreadable),
    }
}

/// The dictionary that new texts are packed with.
pub(super) fn newest(db: &Connection) -> Result<Option<Arc<Dictionary>>> {
    let mut select =
        db.prepare_cached("SELECT dictionary_id FROM dictionaries ORDER BY trained_at DESC, dictionary_id LIMIT 1")?;
    let Some(id) = select.query_row([], |row| row.get(0)).optional()? else { return Ok(None) };
    match dictionary(db, id) {
        Ok(found) => Ok(Some(found)),
        Err(StoreError::Unreadable { .. }) => Ok(None),
        Err(error) => Err(error),
    }
}

fn dictionary(db: &Connection, id: i64) -> Result<Arc<Dictionary>> {
    if let Some(found) = PREPARED.lock().unwrap_or_else(PoisonError::into_inner).get(&id) {
        return Ok(found.clone());
    }
    let mut select = db.prepare_cached("SELECT dictionary FROM dictionaries WHERE dictionary_id = ?1")?;
    let bytes: Option<Vec<u8>> = select.query_row([id], |row| row.get(0)).optional()?;
    let found = Arc::new(Dictionary::new(bytes.ok_or_else(|| unreadable("its dictionary is missing"))?));
    if found.id != id {
        return Err(unreadable("its dictionary is damaged"));
    }
    let mut prepared = PREPARED.lock().unwrap_or_else(PoisonError::into_inner);
    if prepared.len() >= PREPARED_MAX {
        prepared.clear();
    }
    prepared.insert(id, found.clone());
    Ok(found)
}

/// As a new process begins.
#[cfg(test)]
pub(super) fn forget_prepared() {
    PREPARED.lock().unwrap_or_else(PoisonError::into_inner).clear();
}

fn refused(code: zstd_safe::ErrorCode) -> StoreError {
    unreadable(zstd_safe::get_error_name(code))
}

fn unreadable(detail: impl ToString) -> StoreError {
    StoreError::Unreadable { what: "analysis", detail: detail.to_string() }
}
