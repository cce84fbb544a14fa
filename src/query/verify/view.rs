//! The recorded view against the one that was built: files, directories, outlines, contexts, edges, keys, chunks.

use std::collections::{BTreeMap, BTreeSet, HashSet};

use rusqlite::Connection;

use super::difference::{Difference, Part};
use super::expected::Expected;
use crate::cache::chunks::{self, ChunkRecord};
use crate::cache::edges::Relation;
use crate::cache::implementations;
use crate::cache::outlines;
use crate::cache::overlay;
use crate::cache::view;
use crate::domain::{Edge, FilePath, FileRecord, Hash, Implements, JobKind, ObjectId, Used};
use crate::outline::Outline;
use crate::store::Result;

pub(super) fn differences(db: &Connection, expected: &Expected) -> Result<Vec<Difference>> {
    let recorded: BTreeMap<FilePath, FileRecord> =
        view::files(db)?.into_iter().map(|file| (file.path.clone(), file)).collect();
    let overlay: BTreeMap<FilePath, FileRecord> =
        overlay::files(db)?.into_iter().map(|(path, file)| (path, file.record)).collect();
    let mut found = files(&recorded, &expected.files);
    found.extend(files(&overlay, &expected.overlay));
    found.extend(directories(view::directories(db)?.into_iter().collect(), &expected.directories));
    found.extend(stored_outlines(db, expected)?);
    found.extend(contexts(db, &recorded, &expected.files, &expected.uses)?);
    found.extend(contexts(db, &overlay, &expected.overlay, &expected.overlay_uses)?);
    found.extend(edges(Part::Edge, Relation::Uses.all(db)?, &expected.edges));
    found.extend(edges(Part::Reexport, Relation::Through.all(db)?, &expected.reexports));
    found.extend(links(implementations::all(db)?, &expected.implements));
    found.extend(keys(view::current_keys(db)?.into_iter().collect(), &expected.keys));
    found.extend(lexical(db, expected)?);
    Ok(found)
}

/// Compares two maps; `tell` puts the two values of a key that differ into words.
fn compare<K: Ord, V: PartialEq>(
    recorded: &BTreeMap<K, V>,
    expected: &BTreeMap<K, V>,
    tell: impl Fn(&K, Option<&V>, Option<&V>) -> Difference,
) -> Vec<Difference> {
    let keys: BTreeSet<&K> = recorded.keys().chain(expected.keys()).collect();
    let both = keys.into_iter().map(|key| (key, recorded.get(key), expected.get(key)));
    both.filter(|(_, recorded, expected)| recorded != expected).map(|(key, a, b)| tell(key, a, b)).collect()
}

fn files(recorded: &BTreeMap<FilePath, FileRecord>, expected: &BTreeMap<FilePath, FileRecord>) -> Vec<Difference> {
    let read = |files: &BTreeMap<FilePath, FileRecord>| -> BTreeMap<FilePath, Vec<(&'static str, String)>> {
        files.iter().map(|(path, file)| (path.clone(), properties(file))).collect()
    };
    let places = |files: &BTreeMap<FilePath, FileRecord>| -> BTreeMap<FilePath, String> {
        files.iter().map(|(path, file)| (path.clone(), place(file))).collect()
    };
    let mut found = compare(&read(recorded), &read(expected), |path, recorded, expected| {
        let only = |own: Option<&Vec<(&str, String)>>, other: Option<&Vec<(&str, String)>>| {
            let differs = |one: &&(&str, String)| other.is_none_or(|other| !other.contains(one));
            let words = own?.iter().filter(differs).map(|(name, value)| format!("{name} {value}"));
            Some(words.collect::<Vec<_>>().join(", "))
        };
        let (recorded, expected) = (only(recorded, expected), only(expected, recorded));
        Difference { part: Part::File, path: path.clone(), recorded, expected }
    });
    let (recorded, expected) = (places(recorded), places(expected));
    // A missing file is reported once.
    let in_both = |difference: &Difference| difference.recorded.is_some() && difference.expected.is_some();
    let moved = compare(&recorded, &expected, |path, recorded, expected| {
        let part = Part::Place;
        Difference { part, path: path.clone(), recorded: recorded.cloned(), expected: expected.cloned() }
    });
    found.extend(moved.into_iter().filter(in_both));
    found
}

fn properties(file: &FileRecord) -> Vec<(&'static str, String)> {
    vec![
        ("blob", file.blob.to_string()),
        ("mode", file.mode.to_string()),
        ("source", file.source.to_string()),
        ("size", file.size_bytes.to_string()),
        ("language", file.language.to_string()),
        ("role", file.role.to_string()),
        ("skipped", file.skip.map_or_else(|| "no".to_owned(), |reason| reason.to_string())),
        ("content", file.content_hash.map_or_else(|| "not read".to_owned(), |hash| hash.to_string())),
    ]
}

fn place(file: &FileRecord) -> String {
    let module = file.links.module_path.as_deref().unwrap_or("no module");
    if file.links.crate_root { format!("{module}, a crate's root") } else { module.to_owned() }
}

fn directories(recorded: BTreeMap<Vec<u8>, ObjectId>, expected: &BTreeMap<Vec<u8>, ObjectId>) -> Vec<Difference> {
    compare(&recorded, expected, |dir, recorded, expected| {
        let path = FilePath::new(if dir.is_empty() { b".".to_vec() } else { dir.clone() });
        let tree = |id: Option<&ObjectId>| id.map(|id| format!("tree {id}"));
        Difference { part: Part::Directory, path, recorded: tree(recorded), expected: tree(expected) }
    })
}

fn stored_outlines(db: &Connection, expected: &Expected) -> Result<Vec<Difference>> {
    let mut found = Vec::new();
    for (path, outline) in &expected.outlines {
        let Some((file, content)) = expected.files.get(path).and_then(|file| Some((file, file.content_hash?))) else {
            continue;
        };
        let recorded = outlines::outline(db, &content, file.language)?;
        let (recorded, outline) = (recorded.and_then(|stored| stored.unpack()), outline.unpack_or_silence());
        if recorded.as_ref() != Some(&outline) && (recorded.is_some() || outline != Outline::default()) {
            let tell = |outline: &Outline| format!("one of {} symbol(s)", outline.symbols().len());
            let path = path.clone();
            let (recorded, expected) = (recorded.as_ref().map(tell), Some(tell(&outline)));
            found.push(Difference { part: Part::Outline, path, recorded, expected });
        }
    }
    Ok(found)
}

/// The contexts that the keys hash, and the hashes.
fn contexts(
    db: &Connection,
    recorded: &BTreeMap<FilePath, FileRecord>,
    expected: &BTreeMap<FilePath, FileRecord>,
    expected_uses: &BTreeMap<FilePath, Vec<Used>>,
) -> Result<Vec<Difference>> {
    let mut found = Vec::new();
    for (path, file) in recorded {
        let Some(wanted) = expected.get(path) else { continue };
        let hash = |file: &FileRecord| file.links.deps_hash.map(|hash| format!("hash {hash}"));
        let shown =
            |file: &FileRecord| file.links.context_hash.map(|hash| format!("hash {hash} of what a prompt shows"));
        let mut push = |recorded, expected| {
            found.push(Difference { part: Part::Context, path: path.clone(), recorded, expected });
        };
        if file.links.deps_hash != wanted.links.deps_hash {
            push(hash(file), hash(wanted));
        }
        if file.links.context_hash != wanted.links.context_hash {
            push(shown(file), shown(wanted));
        }
        let uses: HashSet<Used> = view::uses(db, path, file.source)?.into_iter().collect();
        let wanted: HashSet<Used> = expected_uses.get(path).into_iter().flatten().cloned().collect();
        let tell = |(written, kind, signature): &Used| {
            format!("{kind} {written} as {}", signature.as_deref().unwrap_or("unresolved"))
        };
        uses.difference(&wanted).for_each(|one| push(Some(tell(one)), None));
        wanted.difference(&uses).for_each(|one| push(None, Some(tell(one))));
    }
    Ok(found)
}

fn edges(part: Part, recorded: Vec<Edge>, expected: &BTreeSet<Edge>) -> Vec<Difference> {
    let recorded: BTreeSet<Edge> = recorded.into_iter().collect();
    let tell = |edge: &Edge| format!("uses {} of {} ({})", edge.symbol_name, edge.source_file, edge.dependency_type);
    let wrong = recorded.difference(expected).map(|edge| (edge, Some(tell(edge)), None));
    let missing = expected.difference(&recorded).map(|edge| (edge, None, Some(tell(edge))));
    let all = wrong.chain(missing);
    all.map(|(edge, recorded, expected)| Difference { part, path: edge.dependent_file.clone(), recorded, expected })
        .collect()
}

fn links(recorded: Vec<Implements>, expected: &BTreeSet<Implements>) -> Vec<Difference> {
    let recorded: BTreeSet<Implements> = recorded.into_iter().collect();
    let tell = |link: &Implements| {
        let Implements { interface_file, interface, implementation_file, implementation, .. } = link;
        format!("{implementation} of {implementation_file} implements {interface} of {interface_file}")
    };
    let wrong = recorded.difference(expected).map(|link| (link, Some(tell(link)), None));
    let missing = expected.difference(&recorded).map(|link| (link, None, Some(tell(link))));
    let part = Part::Implementation;
    let difference = |(link, recorded, expected): (&Implements, _, _)| {
        let path = link.declared_in.clone();
        Difference { part, path, recorded, expected }
    };
    wrong.chain(missing).map(difference).collect()
}

fn keys(
    recorded: BTreeMap<(FilePath, JobKind), Hash>,
    expected: &BTreeMap<(FilePath, JobKind), Hash>,
) -> Vec<Difference> {
    compare(&recorded, expected, |(path, kind), recorded, expected| {
        let tell = |key: Option<&Hash>| key.map(|key| format!("{kind} {key}"));
        Difference { part: Part::Key, path: path.clone(), recorded: tell(recorded), expected: tell(expected) }
    })
}

/// The chunks, and that each has its words in the index.
fn lexical(db: &Connection, expected: &Expected) -> Result<Vec<Difference>> {
    let recorded = chunks::all(db)?.into_iter().map(|chunk| (chunk.chunk_id.clone(), chunk)).collect();
    let all = expected.chunks.values().flatten();
    let wanted: BTreeMap<String, ChunkRecord> = all.map(|chunk| (chunk.chunk_id.clone(), chunk.clone())).collect();
    let tell = |chunk: &ChunkRecord| {
        let ChunkRecord { entity_type, entity_name, start_line, end_line, .. } = chunk;
        let place = if chunk.is_test { ", among tests" } else { "" };
        format!("{entity_type} {entity_name} in lines {start_line} to {end_line}{place}")
    };
    let mut found = compare(&recorded, &wanted, |_, recorded, expected| {
        let path = recorded.or(expected).map(|chunk| chunk.path.clone()).unwrap_or_else(|| FilePath::new([]));
        Difference { part: Part::Chunk, path, recorded: recorded.map(tell), expected: expected.map(tell) }
    });
    let (without_words, words_without) = chunks::unmatched(db)?;
    found.extend(without_words.into_iter().map(|chunk| Difference {
        part: Part::Chunk,
        path: chunk.path.clone(),
        recorded: None,
        expected: Some(format!("the words of {}", tell(&chunk))),
    }));
    found.extend(words_without.into_iter().map(|row| Difference {
        part: Part::Chunk,
        path: FilePath::new([]),
        recorded: Some(format!("row {row} of the word index")),
        expected: None,
    }));
    Ok(found)
}
