//! The lines of a hit that say why it is one.

use std::collections::HashMap;

use super::QueryError;
use super::kept::Kept;
use super::rank::SearchQuestion;
use super::view::search::SnippetLine;
use crate::cache::chunks::ChunkRecord;
use crate::cache::{RepoStore, overlay, view};
use crate::domain::{FilePath, RepoId};
use crate::repo::registry::Registered;
use crate::repo::{Blob, MAX_FILE_BYTES, decode};

/// FileTexts of files as they are indexed, each read once.
#[derive(Default)]
pub(super) struct FileTexts {
    files: HashMap<(RepoId, FilePath), Option<String>>,
}

impl FileTexts {
    /// `None`: it cannot be read now, which takes away no hit.
    pub(super) fn of(
        &mut self,
        kept: &mut Kept,
        repo: &Registered,
        store: Option<&RepoStore>,
        path: &FilePath,
    ) -> Result<Option<&str>, QueryError> {
        let key = (repo.id.clone(), path.clone());
        if !self.files.contains_key(&key) {
            let file = match store {
                Some(store) => view::present(store.db(), path)?,
                None => None,
            };
            let saved = match (store, &file) {
                (Some(store), Some(file)) => overlay::saved_text(store.db(), file)?,
                _ => None,
            };
            let committed = || {
                kept.repo(repo).zip(file).and_then(|(git, file)| match git.blob(&file.blob, MAX_FILE_BYTES) {
                    Ok(Blob::Content(bytes)) => decode(path, bytes),
                    _ => None,
                })
            };
            self.files.insert(key.clone(), saved.or_else(committed));
        }
        Ok(self.files.get(&key).and_then(Option::as_deref))
    }
}

/// Lines of a snippet, and characters of one.
const SNIPPET_LINES: usize = 3;
const SNIPPET_CHARS: usize = 160;

/// The lines of a chunk that have most words of the question, in their order; its first line if none has any.
pub(super) fn snippet(text: &str, chunk: &ChunkRecord, question: &SearchQuestion) -> Vec<SnippetLine> {
    snippet_of(text, chunk.start_line, chunk.end_line, question)
}

/// The same of some lines of a text.
pub(super) fn snippet_of(text: &str, first: u32, last: u32, question: &SearchQuestion) -> Vec<SnippetLine> {
    let lines = (1..).zip(text.lines()).skip(first.saturating_sub(1) as usize);
    let lines = lines.take((last + 1).saturating_sub(first) as usize);
    let mut counted: Vec<(usize, u32, &str)> = lines
        .filter(|(_, text)| !text.trim().is_empty())
        .map(|(line, text)| (question.count(text), line, text))
        .collect();
    counted.sort_by_key(|&(count, line, _)| (std::cmp::Reverse(count), line));
    let telling = counted.iter().filter(|(count, ..)| *count > 0).count().clamp(1, SNIPPET_LINES);
    counted.truncate(telling);
    counted.sort_by_key(|&(_, line, _)| line);
    let shown =
        |(_, line, text): (usize, u32, &str)| SnippetLine { line, text: text.chars().take(SNIPPET_CHARS).collect() };
    counted.into_iter().map(shown).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::Hash;

    #[test]
    fn a_snippet_has_the_chunks_best_lines_in_their_order() {
        let text = "retry limit\nfn f() {\n    limit();\n\n    retry(limit);\n    other();\n    retry_limits();\n    limit(1);\n}\nretry limit\n";
        let chunk = ChunkRecord {
            chunk_id: "c".into(),
            path: "a.rs".into(),
            chunk_hash: Hash::of(b""),
            entity_type: "function".into(),
            is_test: false,
            entity_name: "f".into(),
            items: Vec::new(),
            start_line: 2,
            end_line: 9,
        };
        let lines = |query: &str| -> Vec<u32> {
            snippet(text, &chunk, &SearchQuestion::new(query)).iter().map(|line| line.line).collect()
        };
        assert_eq!(lines("retries that are limited"), [3, 5, 7]);
        assert_eq!(lines("something else"), [2]);
        assert!(snippet("", &chunk, &SearchQuestion::new("x")).is_empty());
    }
}
