//! How the tests of each language on the evaluator check an edit: what it reaches covers what resolves otherwise, in a warm world and in
//! a new one; and a world that follows edits equals a new one.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use crate::domain::{Edge, FilePath};
use crate::impact::{Graph, Reach, World, resolve};
use crate::language::{Outline, of};
use crate::outline::outline;

pub(crate) type Texts = BTreeMap<FilePath, Arc<Outline>>;

/// What a file says, by its name and text.
pub(crate) fn said(path: &FilePath, text: &str) -> Arc<Outline> {
    Arc::new(outline(of(path), text).0)
}

pub(crate) fn texts(files: &[(&str, &str)]) -> Texts {
    files.iter().map(|&(path, text)| (path.into(), said(&path.into(), text))).collect()
}

/// What the graph of `before` becomes when some files are resolved again.
pub(crate) fn assert_covers(
    before: &Graph,
    after: &Graph,
    reach: Option<Reach>,
    edited: &BTreeSet<FilePath>,
    files: &Texts,
) -> usize {
    let Some(Reach { files: mut only, users_of }) = reach else { return 0 };
    assert!(users_of.is_empty());
    only.extend(edited.iter().cloned());
    let is_kept = |edge: &&Edge| !only.contains(&edge.dependent_file);
    let of_reached = |edges: &[Edge]| edges.iter().filter(|edge| !is_kept(edge)).cloned().collect::<Vec<_>>();
    for (old, new) in [(before.edges(), after.edges()), (before.via(), after.via())] {
        let merged: BTreeSet<Edge> = old.iter().filter(is_kept).cloned().chain(of_reached(new)).collect();
        assert_eq!(merged, new.iter().cloned().collect(), "{edited:?} reach {only:?}");
    }
    for path in files.keys().filter(|path| !only.contains(*path)) {
        assert_eq!(before.uses(path), after.uses(path), "{path} after {edited:?}, which reach {only:?}");
    }
    files.len() - only.len()
}

/// Checks one edit of a world that resolved everything, and of one that did not. Says how many files were spared.
pub(crate) fn assert_edit(before: &Texts, after: &Texts, edited: &BTreeSet<FilePath>) -> usize {
    let (old, new) = (resolve(before), resolve(after));
    let mut warm = World::new(before);
    assert_eq!(warm.graph(), old);
    let edits: Vec<_> = edited.iter().filter_map(|path| Some((path.clone(), Arc::clone(after.get(path)?)))).collect();
    let gone: BTreeSet<FilePath> = edited.iter().filter(|path| !after.contains_key(*path)).cloned().collect();
    let reach = warm.follow(&edits, &gone);
    let spared = assert_covers(&old, &new, reach, edited, after);
    assert_eq!(warm.graph(), new, "the world after {edited:?}");
    // One that was asked for nothing yet, as after a worker's start.
    let unasked = World::new(before).follow(&edits, &gone);
    assert_covers(&old, &new, unasked, edited, after);
    spared
}

/// The same numbers for the same seed.
pub(crate) struct Dice(pub u64);

impl Dice {
    pub(crate) fn roll(&mut self, sides: usize) -> usize {
        // xorshift64 (Marsaglia 2003)
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 % sides as u64) as usize
    }
}
