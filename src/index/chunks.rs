//! The chunks of a file, as the lexical index and the vectors record them.

use std::collections::HashMap;

use crate::cache::chunks::{self, ChunkRecord, IndexedChunk, ItemRecord};
use crate::domain::{FilePath, Hash};
use crate::embedder::chunk::{Chunk, ChunkItem};

/// The chunks of a file as the index knows them. Their order distinguishes equal texts.
pub fn records(path: &FilePath, cut: &[Chunk]) -> Vec<ChunkRecord> {
    let mut seen: HashMap<Hash, u32> = HashMap::new();
    let item = |item: &ChunkItem| ItemRecord {
        entity_type: item.entity_type.to_owned(),
        entity_name: item.entity_name.clone(),
        start_line: item.start_line,
        end_line: item.end_line,
    };
    let record = |chunk: &Chunk| {
        let ordinal = seen.entry(chunk.chunk_hash).and_modify(|n| *n += 1).or_insert(0);
        ChunkRecord {
            chunk_id: chunks::chunk_id(path, &chunk.chunk_hash, *ordinal),
            path: path.clone(),
            chunk_hash: chunk.chunk_hash,
            entity_type: chunk.entity_type.to_owned(),
            entity_name: chunk.entity_name.clone(),
            start_line: chunk.start_line,
            end_line: chunk.end_line,
            is_test: chunk.is_test,
            items: chunk.items.iter().map(item).collect(),
        }
    };
    cut.iter().map(record).collect()
}

/// The same, with their words.
pub fn indexed(path: &FilePath, cut: &[Chunk]) -> Vec<IndexedChunk> {
    records(path, cut).into_iter().zip(cut).map(|(record, chunk)| IndexedChunk::new(record, &chunk.text)).collect()
}
