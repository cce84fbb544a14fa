//! Vectors as other machines get them. What comes is kept among the retired vectors, where an embedding job finds it.

use rusqlite::Connection;

use super::analyses::hash;
use crate::domain::{FilePath, Hash};
use crate::shared::{EntryKind, SharedEntry, TakenEntry, WantedEntry};
use crate::store::Result;
use crate::vectors::OwnedVector;

/// Version of what the content of such an entry is.
const VECTOR_SCHEMA: u32 = 1;

/// What the vector of a chunk is asked for by.
pub fn wanted(chunk: &Hash, model_id: &str) -> WantedEntry {
    let key = Hash::of_fields([&b"vector"[..], chunk.as_bytes(), model_id.as_bytes()]);
    WantedEntry { kind: EntryKind::Vector, key, schema: VECTOR_SCHEMA }
}

/// The vector of a chunk as an entry: its components, 32 bits each, little-endian.
pub fn export(chunk: &Hash, model_id: &str, vector: &[f32]) -> SharedEntry {
    let WantedEntry { kind, key, schema } = wanted(chunk, model_id);
    SharedEntry { kind, key, schema, content: vector.iter().flat_map(|value| value.to_le_bytes()).collect() }
}

/// The vector that an entry is. `None`: it is none of this chunk and model, or not of this length, where that is known.
pub fn import(chunk: &Hash, model_id: &str, dimensions: Option<usize>, taken: &TakenEntry) -> Option<OwnedVector> {
    let (values, rest) = taken.entry.content.as_chunks::<4>();
    let vector: Vec<f32> = values.iter().map(|value| f32::from_le_bytes(*value)).collect();
    let is_sound = rest.is_empty()
        && taken.entry.key == wanted(chunk, model_id).key
        && !vector.is_empty()
        && dimensions.is_none_or(|dimensions| vector.len() == dimensions)
        && vector.iter().all(|value| value.is_finite());
    is_sound.then(|| OwnedVector { chunk_hash: *chunk, model_id: model_id.to_owned(), vector })
}

/// The chunks of files that wait to be embedded, each once.
///
/// # Errors
/// If the database cannot be read.
pub fn unembedded(db: &Connection) -> Result<Vec<Hash>> {
    let mut statement = db.prepare(
        "SELECT DISTINCT c.chunk_hash FROM current_keys k JOIN paths p ON p.file_path = k.file_path
         JOIN chunks c ON c.path_no = p.path_no LEFT JOIN embedded_files e ON e.file_path = k.file_path
         WHERE k.kind = 'embed' AND e.embed_key IS NOT k.cache_key",
    )?;
    let rows = statement.query_map([], |row| hash(row, 0))?;
    Ok(rows.collect::<rusqlite::Result<_>>()?)
}

/// The chunks with vectors of files as they are committed, each once, but for those that are withheld alone.
///
/// # Errors
/// If the database cannot be read.
pub fn shareable(db: &Connection, is_withheld: impl Fn(&FilePath) -> bool) -> Result<Vec<Hash>> {
    let mut statement = db.prepare(
        "SELECT p.file_path, c.chunk_hash FROM chunks c JOIN paths p ON p.path_no = c.path_no
         JOIN embedded_files e ON e.file_path = p.file_path
         WHERE NOT EXISTS (SELECT 1 FROM overlay_files o WHERE o.file_path = p.file_path) ORDER BY c.chunk_no",
    )?;
    let mut rows = statement.query([])?;
    let (mut found, mut seen) = (Vec::new(), std::collections::HashSet::new());
    while let Some(row) = rows.next()? {
        let chunk = hash(row, 1)?;
        if !seen.contains(&chunk) && !is_withheld(&FilePath::new(row.get::<_, Vec<u8>>(0)?)) {
            seen.insert(chunk);
            found.push(chunk);
        }
    }
    Ok(found)
}

/// A committed file that has vectors, or had them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EmbeddedFile {
    pub path: FilePath,
    /// What its vectors were made from; `None`: they are not those of the committed text, or not all made.
    pub key: Option<Hash>,
}

/// The committed files that are embedded and that are not withheld.
///
/// # Errors
/// If the database cannot be read.
pub fn embedded(db: &Connection, is_withheld: impl Fn(&FilePath) -> bool) -> Result<Vec<EmbeddedFile>> {
    let mut statement = db.prepare(
        "SELECT f.file_path, CASE WHEN o.file_path IS NULL AND e.embed_key = k.cache_key THEN e.embed_key END FROM files f
         LEFT JOIN overlay_files o ON o.file_path = f.file_path
         LEFT JOIN current_keys k ON k.file_path = f.file_path AND k.kind = 'embed'
         LEFT JOIN embedded_files e ON e.file_path = f.file_path
         WHERE o.file_path IS NOT NULL OR k.cache_key IS NOT NULL ORDER BY f.file_path",
    )?;
    let mut rows = statement.query([])?;
    let mut found = Vec::new();
    while let Some(row) = rows.next()? {
        let path = FilePath::new(row.get::<_, Vec<u8>>(0)?);
        if !is_withheld(&path) {
            let key: Option<Vec<u8>> = row.get(1)?;
            found.push(EmbeddedFile { path, key: key.and_then(|key| Hash::from_bytes(&key)) });
        }
    }
    Ok(found)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::shared::PublicKey;

    #[test]
    fn a_vector_comes_back_bit_by_bit_for_its_chunk_and_model_only() {
        let (chunk, mut vector) = (Hash::of(b"chunk"), [0.25; 384]);
        (vector[0], vector[1]) = (f32::MIN_POSITIVE, -0.1);
        let taken = |entry| TakenEntry { entry, signer: PublicKey([1; 32]) };
        let entry = export(&chunk, "mini", &vector);
        assert_eq!(import(&chunk, "mini", Some(384), &taken(entry.clone())).unwrap().vector, vector);
        assert!(import(&chunk, "mini", None, &taken(entry.clone())).is_some());
        assert!(import(&chunk, "mini", Some(768), &taken(entry.clone())).is_none());
        assert!(import(&chunk, "bge", None, &taken(entry.clone())).is_none());
        assert!(import(&Hash::of(b"other"), "mini", None, &taken(entry.clone())).is_none());
        let changes: [fn(&mut Vec<u8>); 3] = [
            |content| content.truncate(content.len() - 1),
            |content| content.extend([0; 4]),
            |content| content[..4].copy_from_slice(&f32::NAN.to_le_bytes()),
        ];
        for change in changes {
            let mut other = entry.clone();
            change(&mut other.content);
            assert!(import(&chunk, "mini", Some(384), &taken(other)).is_none());
        }
    }
}
