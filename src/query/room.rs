//! Whether the cache may be as large as a repository needs. One that alone passes the limit has its results removed as they are made.

use crate::cache::prune::{PRUNED_ABOVE_PERCENT, percent};

/// Bytes of a store for a file, for a byte of its text and for one of its chunks, and of a chunk's vector: rounded from what 1,600 files
/// of published crates take (the benchmark `grown`).
const PER_FILE: u64 = 5_500;
const PER_TEXT_PERCENT: u64 = 125;
const PER_CHUNK: u64 = 140;
const PER_VECTOR: u64 = 4_000;

/// Of a limit that is raised: half as much again as is needed, in steps of so many MB.
const STEP_MB: u64 = 100;
/// Of the limit, what a repository's store takes that has had results removed for itself, and not for others.
const ALONE_PERCENT: u64 = 60;

/// How large the store of a repository will be, about.
pub fn expected_bytes(files: u64, text_bytes: u64, chunks: u64, with_vectors: bool) -> u64 {
    let vectors = if with_vectors { chunks * PER_VECTOR } else { 0 };
    files * PER_FILE + percent(text_bytes, PER_TEXT_PERCENT) + chunks * PER_CHUNK + vectors
}

/// What a store needs that takes so many bytes; `evicted`: results were removed from it.
pub fn needed_bytes(bytes: u64, evicted: bool, max_bytes: u64) -> u64 {
    if evicted && bytes > percent(max_bytes, ALONE_PERCENT) { bytes.max(max_bytes) } else { bytes }
}

/// The limit (`cache.max_size_mb`) that leaves room for what one repository needs; `None`: the present one does.
pub fn wanted_mb(needed: u64, max_bytes: u64) -> Option<u64> {
    let roomy = (needed + needed / 2).div_ceil(STEP_MB * 1_000_000) * STEP_MB;
    (needed > percent(max_bytes, PRUNED_ABOVE_PERCENT)).then_some(roomy)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_limit_is_raised_where_one_repository_fills_it() {
        let limit = 500_000_000;
        assert_eq!(wanted_mb(449_000_000, limit), None);
        assert_eq!(wanted_mb(451_000_000, limit), Some(700));
        assert_eq!(wanted_mb(needed_bytes(320_000_000, true, limit), limit), Some(800), "what was removed counts");
        assert_eq!(wanted_mb(needed_bytes(100_000_000, true, limit), limit), None, "others took the room");
        assert!(expected_bytes(1_600, 17_800_000, 49_400, false) < 60_000_000);
    }
}
