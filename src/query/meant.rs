//! Which of the items in a chunk a question means.

use std::collections::BTreeSet;

use super::rank::{SearchQuestion, is_definition};
use crate::cache::chunks::{ChunkRecord, ItemRecord};

/// Items that fit better than this share of the best one are meant, too: a question that names a part of each means them all.
const ALSO_MEANT: f64 = 0.5;

/// A chunk as far as the question means it: named after the items that fit best, with their lines. As it is if it has no others, or
/// the question fits none, or describes in many words what they may do together. `picks`: items of one kind are asked for.
pub(super) fn narrowed(question: &SearchQuestion, chunk: ChunkRecord, text: &str, picks: bool) -> ChunkRecord {
    let meant = meant(question, &chunk, text, picks);
    let Some(first) = meant.first() else { return chunk };
    let mut names: Vec<&str> = Vec::new();
    meant.iter().map(|item| item.entity_name.as_str()).for_each(|name| {
        if !names.contains(&name) {
            names.push(name);
        }
    });
    ChunkRecord {
        entity_type: first.entity_type.clone(),
        entity_name: names.join(", "),
        start_line: meant.iter().map(|item| item.start_line).min().unwrap_or(chunk.start_line),
        end_line: meant.iter().map(|item| item.end_line).max().unwrap_or(chunk.end_line),
        ..chunk
    }
}

/// The items that are meant, the best first.
fn meant(question: &SearchQuestion, chunk: &ChunkRecord, text: &str, picks: bool) -> Vec<ItemRecord> {
    let typed = chunk.items.iter().filter(|item| question.is_typed(&item.entity_name));
    let typed = typed.min_by_key(|item| (!is_definition(&item.entity_type), item.end_line - item.start_line));
    if let Some(best) = typed {
        // Twins, of which each is compiled under another condition, are meant alike.
        let is_alike = |item: &&ItemRecord| {
            item.entity_name == best.entity_name && is_definition(&item.entity_type) == is_definition(&best.entity_type)
        };
        return chunk.items.iter().filter(is_alike).cloned().collect();
    }
    if !picks && !question.is_short {
        return Vec::new();
    }
    // Of an item that goes on behind the chunk, or of an impl, the chunk is but the head.
    let is_head = |item: &ItemRecord| item.entity_type == "impl" || item.end_line > chunk.end_line;
    let inside: Vec<&ItemRecord> = chunk.items.iter().filter(|item| !is_head(item)).collect();
    let items = if inside.is_empty() { chunk.items.iter().collect() } else { inside };
    let lines = words_by_line(question, chunk, text);
    let mut scored: Vec<(f64, &ItemRecord)> =
        items.iter().map(|item| (fitness(question, item, &items, &lines), *item)).collect();
    scored.sort_by(|a, b| b.0.total_cmp(&a.0));
    let best = scored.first().map_or(0.0, |(score, _)| *score);
    let meant = scored.iter().filter(|(score, _)| best > 0.0 && *score > best * ALSO_MEANT);
    let meant: Vec<&ItemRecord> = meant.map(|(_, item)| *item).collect();
    let holds_another = |item: &&ItemRecord| meant.iter().any(|other| holds(item, other));
    meant.iter().filter(|item| !holds_another(item)).map(|item| (*item).clone()).collect()
}

/// Whether an item stands inside another.
fn holds(outer: &ItemRecord, inner: &ItemRecord) -> bool {
    let size = |item: &ItemRecord| item.end_line - item.start_line;
    outer.start_line <= inner.start_line && inner.end_line <= outer.end_line && size(inner) < size(outer)
}

type LineWords = Vec<(u32, BTreeSet<String>)>;

/// The question's words in each line of a chunk.
fn words_by_line(question: &SearchQuestion, chunk: &ChunkRecord, text: &str) -> LineWords {
    let lines = (1..).zip(text.lines()).skip(chunk.start_line.saturating_sub(1) as usize);
    let lines = lines.take((chunk.end_line + 1).saturating_sub(chunk.start_line) as usize);
    lines.map(|(line, text)| (line, question.words_in(text))).collect()
}

/// How well an item fits: by its name, and by the lines that are its own and not those of an item inside it.
fn fitness(question: &SearchQuestion, item: &ItemRecord, items: &[&ItemRecord], lines: &LineWords) -> f64 {
    let is_in = |item: &ItemRecord, line: u32| (item.start_line..=item.end_line).contains(&line);
    let is_own = |line: u32| is_in(item, line) && !items.iter().any(|other| holds(item, other) && is_in(other, line));
    let own = lines.iter().filter(|(line, _)| is_own(*line)).flat_map(|(_, words)| words);
    let said = own.collect::<BTreeSet<_>>().len() as f64 / question.words().max(1) as f64;
    let (name, owner, asked) = question.coverage(&item.entity_name);
    name + 0.5 * owner + asked + said
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::Hash;

    fn item(kind: &str, name: &str, start_line: u32, end_line: u32) -> ItemRecord {
        ItemRecord { entity_type: kind.into(), entity_name: name.into(), start_line, end_line }
    }

    #[test]
    fn a_question_means_the_items_that_fit_it_best() {
        let items = vec![
            item("impl", "Store", 1, 5),
            item("method", "Store::open", 2, 2),
            item("method", "Store::shut", 3, 4),
            item("const", "DEPTH", 6, 6),
            item("function", "seek", 7, 7),
            item("function", "seek", 9, 9),
        ];
        let chunk = ChunkRecord {
            chunk_id: "c".into(),
            path: "src/a.rs".into(),
            chunk_hash: Hash::of(b""),
            entity_type: "impl".into(),
            entity_name: "Store, DEPTH".into(),
            is_test: false,
            start_line: 1,
            end_line: 9,
            items,
        };
        let text = "impl Store {\nfn open() { walk_tree() }\n/// Ends it.\nfn shut() {}\n}\nconst DEPTH: u8 = 1;\n\
                    fn seek() {}\n#[cfg(windows)]\nfn seek() {}\n";
        let meant = |query: &str| {
            let found = narrowed(&SearchQuestion::new(query), chunk.clone(), text, false);
            (found.entity_name, found.start_line, found.end_line)
        };
        let named = |name: &str, start, end| (name.to_owned(), start, end);
        assert_eq!(meant("Store"), named("Store", 1, 5));
        assert_eq!(meant("open the store"), named("Store::open", 2, 2));
        assert_eq!(meant("shut"), named("Store::shut", 3, 4));
        assert_eq!(meant("seek"), named("seek", 7, 9), "both twins");
        assert_eq!(meant("walk a tree"), named("Store::open", 2, 2));
        assert_eq!(meant("what ends"), named("Store::shut", 3, 4));
        assert_eq!(meant("something else"), named("Store, DEPTH", 1, 9));
        assert_eq!(meant("how is a store opened again"), named("Store, DEPTH", 1, 9));
    }
}
