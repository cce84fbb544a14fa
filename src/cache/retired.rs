//! Vectors of chunks that are in no file any more, by the hash of the chunk: a revert or a switch of branches finds them here and
//! embeds nothing. They are in SQLite and not in LanceDB so that searches never meet them, and a prune takes them with the rest.

use std::collections::HashMap;

use rusqlite::{Connection, OptionalExtension, params};

use crate::clock::Timestamp;
use crate::domain::Hash;
use crate::store::Result;
use crate::vectors::OwnedVector;

/// Keeps vectors that are about to leave LanceDB. One that is kept already stays.
///
/// # Errors
/// If the database cannot be written.
pub fn keep(db: &Connection, vectors: &[OwnedVector], now: Timestamp) -> Result<()> {
    let mut insert = db.prepare_cached(
        "INSERT INTO retired_vectors (chunk_hash, model_id, vector, retired_at) VALUES (?1, ?2, ?3, ?4)
         ON CONFLICT DO UPDATE SET retired_at = ?4",
    )?;
    for one in vectors {
        let bytes: Vec<u8> = one.vector.iter().flat_map(|value| value.to_le_bytes()).collect();
        insert.execute(params![one.chunk_hash.as_bytes(), one.model_id, bytes, now.0])?;
    }
    Ok(())
}

/// The vectors that are kept of chunks of these hashes under this model.
///
/// # Errors
/// If the database cannot be read.
pub fn find<'h>(
    db: &Connection,
    hashes: impl IntoIterator<Item = &'h Hash>,
    model_id: &str,
) -> Result<HashMap<Hash, Vec<f32>>> {
    let mut select = db.prepare_cached("SELECT vector FROM retired_vectors WHERE chunk_hash = ?1 AND model_id = ?2")?;
    let mut found = HashMap::new();
    for hash in hashes {
        let bytes: Option<Vec<u8>> =
            select.query_row(params![hash.as_bytes(), model_id], |row| row.get(0)).optional()?;
        found.extend(bytes.and_then(|bytes| unpack(&bytes)).map(|vector| (*hash, vector)));
    }
    Ok(found)
}

/// `None`, so that it is made again, if it was cut off.
fn unpack(bytes: &[u8]) -> Option<Vec<f32>> {
    let (values, rest) = bytes.as_chunks::<4>();
    (rest.is_empty() && !values.is_empty()).then(|| values.iter().map(|value| f32::from_le_bytes(*value)).collect())
}

/// Lets go of vectors that are in LanceDB again.
///
/// # Errors
/// If the database cannot be written.
pub fn forget<'h>(db: &Connection, hashes: impl IntoIterator<Item = &'h Hash>, model_id: &str) -> Result<()> {
    let mut delete = db.prepare_cached("DELETE FROM retired_vectors WHERE chunk_hash = ?1 AND model_id = ?2")?;
    for hash in hashes {
        delete.execute(params![hash.as_bytes(), model_id])?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::{Database, open_writer};

    fn vector(text: &str, model_id: &str, first: f32) -> OwnedVector {
        let mut vector = vec![0.25; 384];
        vector[0] = first;
        OwnedVector { chunk_hash: Hash::of(text.as_bytes()), model_id: model_id.to_owned(), vector }
    }

    #[test]
    fn a_vector_comes_back_bit_by_bit_for_its_own_model_only() {
        let dir = tempfile::tempdir().unwrap();
        let db = open_writer(&dir.path().join("a.db"), Database::Analysis).unwrap();
        let kept = [vector("a", "mini", 0.1), vector("a", "bge", -0.3), vector("b", "mini", f32::MIN_POSITIVE)];
        keep(&db, &kept, Timestamp(1)).unwrap();
        keep(&db, &kept[..1], Timestamp(2)).unwrap();
        let hashes = [kept[0].chunk_hash, kept[2].chunk_hash, Hash::of(b"never")];
        let found = find(&db, &hashes, "mini").unwrap();
        assert_eq!(found, HashMap::from([(hashes[0], kept[0].vector.clone()), (hashes[1], kept[2].vector.clone())]));
        forget(&db, &hashes, "mini").unwrap();
        assert!(find(&db, &hashes, "mini").unwrap().is_empty());
        assert_eq!(find(&db, &hashes, "bge").unwrap().len(), 1);
        db.execute("UPDATE retired_vectors SET vector = x'0011'", []).unwrap();
        assert!(find(&db, &hashes, "bge").unwrap().is_empty(), "a damaged one is made again");
    }
}
