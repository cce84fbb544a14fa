//! One row of the shared index: the vector of a chunk, names that say nothing, and what the chunk is, encrypted and signed. Pure.
//!
//! The key follows from the name secret, so who has that reads all rows. What is encrypted is bound to its vector, its names and its table:
//! a row that is put together from parts of others does not open. The signature covers the same, and says who made it.

use std::sync::Arc;

use arrow_array::cast::AsArray;
use arrow_array::types::Float32Type;
use arrow_array::{ArrayRef, BinaryArray, FixedSizeListArray, Float32Array, RecordBatch, StringArray};
use arrow_schema::{ArrowError, DataType, Field, Schema, SchemaRef};
use ring::aead::{Aad, CHACHA20_POLY1305, LessSafeKey, NONCE_LEN, Nonce, UnboundKey};
use serde::{Deserialize, Serialize};

use super::super::KeyRing;
use super::super::entry::{EntryName, EntryRefusal};
use super::super::key::{KEY_BYTES, PublicKey};
use crate::domain::Hash;

/// What a signature is about, so that it serves for nothing else.
const DOMAIN: &[u8] = b"ra-agent shared index row\0";
/// What is encrypted is filled up to a multiple of this, so that its length says less of a path.
const PADDED_TO: usize = 64;

pub(super) const COLUMNS: [&str; 8] = ["repo", "file", "state", "row", "vector", "sealed", "signer", "signature"];

/// What a row says to those who have the name secret.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct SharedItem {
    /// The directory that the repository is in, without the way to it.
    pub repo: String,
    /// `FilePath::escaped`
    pub path: String,
    /// From 1, inclusive.
    pub start_line: u32,
    pub end_line: u32,
    pub entity_type: String,
    pub entity_name: String,
    /// The beginning of the chunk's hash: the same text in another clone has the same.
    pub chunk: [u8; 16],
}

/// Where a row belongs, for those who have the name secret.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct RowNames {
    pub repo: EntryName,
    pub file: EntryName,
    /// Of the file's rows together.
    pub state: EntryName,
    pub row: EntryName,
}

/// A row as it is stored.
#[derive(Clone, Debug, PartialEq)]
pub(in crate::shared) struct SealedRow {
    pub repo: String,
    pub file: String,
    pub state: String,
    pub row: String,
    pub vector: Vec<f32>,
    pub sealed: Vec<u8>,
    pub signer: Vec<u8>,
    pub signature: Vec<u8>,
}

impl SealedRow {
    /// Everything that the content is bound to.
    fn bound(&self, table: &str) -> Hash {
        let vector: Vec<u8> = self.vector.iter().flat_map(|value| value.to_le_bytes()).collect();
        let texts = [table, &self.repo, &self.file, &self.state, &self.row].map(str::as_bytes);
        Hash::of_fields(texts.into_iter().chain([&*vector, &*self.signer]))
    }

    fn message(&self, bound: &Hash) -> Vec<u8> {
        [DOMAIN, bound.as_bytes(), &self.sealed].concat()
    }
}

fn cipher(ring: &KeyRing) -> Option<LessSafeKey> {
    let key = ring.derived("content", &Hash::of(b""));
    UnboundKey::new(&CHACHA20_POLY1305, &key).ok().map(LessSafeKey::new)
}

/// Encrypts and signs a row. `None`: this machine has no key that signs.
pub(super) fn seal(
    ring: &KeyRing,
    table: &str,
    names: &RowNames,
    item: &SharedItem,
    vector: &[f32],
) -> Option<SealedRow> {
    let mut row = SealedRow {
        repo: names.repo.to_string(),
        file: names.file.to_string(),
        state: names.state.to_string(),
        row: names.row.to_string(),
        vector: vector.to_vec(),
        sealed: Vec::new(),
        signer: ring.public()?.0.to_vec(),
        signature: Vec::new(),
    };
    let bound = row.bound(table);
    let mut content = postcard::to_allocvec(item).ok()?;
    content.resize(content.len().next_multiple_of(PADDED_TO), 0);
    // The nonce follows from what is encrypted and from what it is bound to: no two different rows have the same.
    let derived = ring.derived("nonce", &Hash::of_fields([&bound.as_bytes()[..], &content]));
    let nonce: [u8; NONCE_LEN] = std::array::from_fn(|at| derived[at]);
    cipher(ring)?
        .seal_in_place_append_tag(Nonce::assume_unique_for_key(nonce), Aad::from(bound.as_bytes()), &mut content)
        .ok()?;
    row.sealed = [&nonce[..], &content].concat();
    row.signature = ring.sign(&row.message(&bound))?.to_vec();
    Some(row)
}

/// Checks a row of a table and reads it.
///
/// # Errors
/// Why it is not used; the signature is checked before its content is touched.
pub(super) fn open(ring: &KeyRing, table: &str, row: &SealedRow) -> Result<(SharedItem, PublicKey), EntryRefusal> {
    let signer: [u8; KEY_BYTES] = row.signer.as_slice().try_into().map_err(|_| EntryRefusal::Size)?;
    let signer = PublicKey(signer);
    if !ring.trusts(&signer) {
        return Err(EntryRefusal::UntrustedSigner);
    }
    let bound = row.bound(table);
    if !KeyRing::verifies(&signer, &row.message(&bound), &row.signature) {
        return Err(EntryRefusal::Signature);
    }
    let (nonce, content) = row.sealed.split_first_chunk::<NONCE_LEN>().ok_or(EntryRefusal::Size)?;
    let (nonce, mut content) = (Nonce::assume_unique_for_key(*nonce), content.to_vec());
    let key = cipher(ring).ok_or(EntryRefusal::Content)?;
    let opened = key.open_in_place(nonce, Aad::from(bound.as_bytes()), &mut content);
    let plain = opened.map_err(|_| EntryRefusal::Key)?;
    let (item, _) = postcard::take_from_bytes(plain).map_err(|_| EntryRefusal::Content)?;
    Ok((item, signer))
}

fn vector_type(dimensions: usize) -> DataType {
    let item = Arc::new(Field::new("item", DataType::Float32, true));
    DataType::FixedSizeList(item, i32::try_from(dimensions).unwrap_or(i32::MAX))
}

/// The columns, with vectors of this length.
pub(super) fn schema(dimensions: usize) -> SchemaRef {
    let field = |name: &str| match name {
        "vector" => Field::new(name, vector_type(dimensions), false),
        "sealed" | "signer" | "signature" => Field::new(name, DataType::Binary, false),
        _ => Field::new(name, DataType::Utf8, false),
    };
    Arc::new(Schema::new(COLUMNS.map(field).to_vec()))
}

/// Rows with vectors of this length; another one is an error.
pub(super) fn to_batch(rows: &[SealedRow], dimensions: usize) -> Result<RecordBatch, ArrowError> {
    let text =
        |of: fn(&SealedRow) -> &str| -> ArrayRef { Arc::new(StringArray::from_iter_values(rows.iter().map(of))) };
    let bytes =
        |of: fn(&SealedRow) -> &[u8]| -> ArrayRef { Arc::new(BinaryArray::from_iter_values(rows.iter().map(of))) };
    let floats = Float32Array::from_iter_values(rows.iter().flat_map(|row| row.vector.iter().copied()));
    let item = Arc::new(Field::new("item", DataType::Float32, true));
    let size = i32::try_from(dimensions).unwrap_or(i32::MAX);
    let vectors = FixedSizeListArray::try_new(item, size, Arc::new(floats), None)?;
    let columns: Vec<ArrayRef> = vec![
        text(|row| &row.repo),
        text(|row| &row.file),
        text(|row| &row.state),
        text(|row| &row.row),
        Arc::new(vectors),
        bytes(|row| &row.sealed),
        bytes(|row| &row.signer),
        bytes(|row| &row.signature),
    ];
    RecordBatch::try_new(schema(dimensions), columns)
}

/// The rows of a batch that has every column; a batch that has not gives none.
pub(super) fn from_batch(batch: &RecordBatch) -> Vec<SealedRow> {
    (0..batch.num_rows()).filter_map(|index| row(batch, index)).collect()
}

fn row(batch: &RecordBatch, index: usize) -> Option<SealedRow> {
    let text = |name| texts(batch, name)?.get(index).cloned().flatten();
    let bytes = |name| Some(batch.column_by_name(name)?.as_binary_opt::<i32>()?.value(index).to_vec());
    let list = batch.column_by_name("vector")?.as_fixed_size_list_opt()?.value(index);
    Some(SealedRow {
        repo: text("repo")?,
        file: text("file")?,
        state: text("state")?,
        row: text("row")?,
        vector: list.as_primitive_opt::<Float32Type>()?.values().to_vec(),
        sealed: bytes("sealed")?,
        signer: bytes("signer")?,
        signature: bytes("signature")?,
    })
}

/// A text column, row by row.
pub(super) fn texts(batch: &RecordBatch, name: &str) -> Option<Vec<Option<String>>> {
    let column = batch.column_by_name(name)?.as_string_opt::<i32>()?;
    Some(column.iter().map(|text| text.map(str::to_owned)).collect())
}

/// Who signed each row.
pub(super) fn signers(batch: &RecordBatch) -> Vec<Option<PublicKey>> {
    let column = batch.column_by_name("signer").and_then(|column| column.as_binary_opt::<i32>());
    column.into_iter().flat_map(|column| column.iter()).map(|bytes| bytes?.try_into().ok().map(PublicKey)).collect()
}

/// The cosine of each row of a search's result, which has the distance: one less the cosine.
pub(super) fn scores(batch: &RecordBatch) -> Vec<f32> {
    let distances = batch.column_by_name("_distance").and_then(|column| column.as_primitive_opt::<Float32Type>());
    distances.map(|distances| distances.values().iter().map(|distance| 1.0 - distance).collect()).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::super::super::SharedKey;
    use super::*;

    fn name(byte: u8) -> EntryName {
        EntryName([byte; EntryName::BYTES])
    }

    fn sealed(ring: &KeyRing) -> SealedRow {
        let names = RowNames { repo: name(1), file: name(2), state: name(3), row: name(4) };
        seal(ring, "table", &names, &item(), &[0.6, 0.8]).unwrap()
    }

    fn item() -> SharedItem {
        SharedItem {
            repo: "quibblefax".to_owned(),
            path: "src/limits.rs".to_owned(),
            start_line: 3,
            end_line: 9,
            entity_type: "function".to_owned(),
            entity_name: "clamp".to_owned(),
            chunk: [7; 16],
        }
    }

    #[test]
    fn a_row_is_read_with_the_secret_alone_and_says_nothing_else() {
        let key = SharedKey::generate().unwrap();
        let ring = KeyRing::new(&key, &[]);
        let row = sealed(&ring);
        assert_eq!(open(&ring, "table", &row).unwrap(), (item(), key.public().unwrap()));
        assert_eq!(sealed(&ring), row, "who gives it twice gives the same");
        let text = String::from_utf8_lossy(&row.sealed).into_owned();
        assert!(!text.contains("quibble") && !text.contains("src") && !text.contains("clamp"));
        assert_eq!((row.sealed.len() - NONCE_LEN - 16) % PADDED_TO, 0);
        let trusted = crate::config::TrustedKey { key: key.public().unwrap().0, label: String::new() };
        let reader = KeyRing::new(&key.for_reader(), std::slice::from_ref(&trusted));
        assert_eq!(open(&reader, "table", &row).unwrap().0, item());
        assert!(
            seal(
                &reader,
                "table",
                &RowNames { repo: name(1), file: name(2), state: name(3), row: name(4) },
                &item(),
                &[1.0]
            )
            .is_none()
        );
        // The signature of one that is trusted, and another secret.
        let stranger = KeyRing::new(&SharedKey::generate().unwrap(), &[trusted]);
        assert_eq!(open(&stranger, "table", &row), Err(EntryRefusal::Key));
        assert_eq!(open(&KeyRing::new(&key.for_reader(), &[]), "table", &row), Err(EntryRefusal::UntrustedSigner));
    }

    #[test]
    fn no_part_of_a_row_can_be_another() {
        let ring = KeyRing::new(&SharedKey::generate().unwrap(), &[]);
        let row = sealed(&ring);
        assert_eq!(open(&ring, "other", &row), Err(EntryRefusal::Signature));
        let changes: [fn(&mut SealedRow); 8] = [
            |row| row.repo = name(9).to_string(),
            |row| row.file = name(9).to_string(),
            |row| row.state = name(9).to_string(),
            |row| row.row = name(9).to_string(),
            |row| row.vector[1] += 0.000_1,
            |row| row.sealed[20] ^= 1,
            |row| row.signature[3] ^= 1,
            |row| row.sealed.truncate(4),
        ];
        for change in changes {
            let mut other = row.clone();
            change(&mut other);
            assert_eq!(open(&ring, "table", &other), Err(EntryRefusal::Signature));
        }
        let mut other = row.clone();
        other.signer[0] ^= 1;
        assert_eq!(open(&ring, "table", &other), Err(EntryRefusal::UntrustedSigner));
        other.signer.truncate(3);
        assert_eq!(open(&ring, "table", &other), Err(EntryRefusal::Size));
    }

    #[test]
    fn rows_come_back_from_their_arrow_form() {
        let ring = KeyRing::new(&SharedKey::generate().unwrap(), &[]);
        let row = sealed(&ring);
        let batch = to_batch(std::slice::from_ref(&row), 2).unwrap();
        assert_eq!(from_batch(&batch), [row]);
        assert!(to_batch(&from_batch(&batch), 3).is_err());
        assert!(from_batch(&batch.project(&[0, 1]).unwrap()).is_empty());
    }
}
