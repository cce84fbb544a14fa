//! Hits by what a model wrote of a file or an item: the chunk that it is about, marked with the text.

use super::QueryError;
use super::candidates::HitCandidates;
use super::filter::HitFilter;
use super::rank::SearchQuestion;
use super::search::{Searched, candidate};
use super::view::search::WrittenView;
use crate::cache::chunks::{self, ChunkRecord, ItemRecord};
use crate::cache::written::{WrittenMatch, WrittenText};

/// The chunks that a model's texts with words of the query are about; `found` by repository.
///
/// # Errors
/// If a store cannot be read.
pub(super) fn add_written(
    repos: &[Searched],
    found: Vec<Vec<WrittenMatch>>,
    filter: &HitFilter,
    question: &SearchQuestion,
    candidates: &mut HitCandidates,
) -> Result<(), QueryError> {
    for (repo, found) in found.into_iter().enumerate() {
        let searched = &repos[repo];
        let Some(store) = &searched.store else { continue };
        for WrittenMatch { path, text, .. } in found {
            let chunks = chunks::of_file(store.db(), &path)?;
            let about = about(chunks, &text).and_then(|chunk| searched.wanted(chunk, filter));
            let Some(chunk) = about else { continue };
            let share = question.share_in(&text.body);
            let candidate = candidate(repos, repo, chunk, question, candidates)?;
            if share > candidate.parts.written {
                candidate.parts.written = share;
                candidate.written = Some(text);
            }
        }
    }
    Ok(())
}

/// Which of a file's chunks, by line, a text is about: that of its item, wherever it now stands, or else of its line; of the file, the first.
fn about(chunks: Vec<ChunkRecord>, text: &WrittenText) -> Option<ChunkRecord> {
    let is_named = |chunk: &ChunkRecord, item: &str| {
        chunk.names().any(|name| name == item || name.rsplit("::").next() == Some(item))
    };
    let has_line = |chunk: &ChunkRecord| (chunk.start_line..=chunk.end_line).contains(&text.line);
    let named: Vec<usize> = match &text.item {
        Some(item) => (0..chunks.len()).filter(|&at| is_named(&chunks[at], item)).collect(),
        None => Vec::new(),
    };
    let of_line = |at: &&usize| has_line(&chunks[**at]);
    let at = named.iter().find(of_line).or(named.first()).copied();
    let at = at.or_else(|| chunks.iter().position(has_line)).unwrap_or(0);
    chunks.into_iter().nth(at)
}

/// A chunk of several items as far as a text is about one of them.
pub(super) fn narrowed_to(chunk: ChunkRecord, text: &WrittenText) -> ChunkRecord {
    let item = chunk.items.iter().find(|one| text.item.as_deref() == Some(one.entity_name.as_str())).cloned();
    match item {
        Some(ItemRecord { entity_type, entity_name, start_line, end_line }) => {
            ChunkRecord { entity_type, entity_name, start_line, end_line, ..chunk }
        }
        None => chunk,
    }
}

/// As a hit shows it.
pub(super) fn shown_written(text: WrittenText) -> WrittenView {
    WrittenView { kind: text.kind.as_str().to_owned(), text: text.body }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cache::written::WrittenKind;
    use crate::domain::Hash;

    fn chunk(name: &str, start_line: u32, end_line: u32) -> ChunkRecord {
        ChunkRecord {
            chunk_id: name.into(),
            path: "a.rs".into(),
            chunk_hash: Hash::of(b""),
            entity_type: "method".into(),
            entity_name: name.into(),
            is_test: false,
            items: Vec::new(),
            start_line,
            end_line,
        }
    }

    #[test]
    fn a_text_is_about_its_item_wherever_that_has_moved() {
        let chunks = || vec![chunk("", 1, 4), chunk("A::go", 5, 9), chunk("B::go", 10, 20)];
        let found = |item: Option<&str>, line| {
            let text = WrittenText { kind: WrittenKind::Doc, item: item.map(str::to_owned), line, body: "x".into() };
            about(chunks(), &text).map(|chunk| chunk.chunk_id)
        };
        assert_eq!(found(Some("B::go"), 6).as_deref(), Some("B::go"));
        assert_eq!(found(Some("go"), 12).as_deref(), Some("B::go"));
        assert_eq!(found(Some("gone"), 7).as_deref(), Some("A::go"));
        assert_eq!(found(None, 1).as_deref(), Some(""));
        assert_eq!(found(Some("gone"), 99).as_deref(), Some(""), "the file itself");
        assert_eq!(
            about(Vec::new(), &WrittenText { kind: WrittenKind::Doc, item: None, line: 1, body: "x".into() }),
            None
        );
    }
}
