//! What a warm worker remembers of repositories: what their files say, ready for resolution, so that a change of one file loads
//! none of the others and looks at few of them.
//!
//! It holds while the generation of the view stays what it was, and gives way to newer memories when it grows too large.

use std::collections::{BTreeMap, HashMap};

use crate::domain::{FilePath, Language, RepoId};
use crate::impact::World;
use crate::language;
use crate::outline::StoredOutline;

/// Every file of a view with its outline; one that says nothing to others has an empty one.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(in crate::worker) struct Outlines {
    by_path: BTreeMap<FilePath, StoredOutline>,
    /// Bytes that they and a world of them take, about: counted as they come and go, for a sum over all would grow with the repository.
    bytes: usize,
}

impl Outlines {
    pub fn get(&self, path: &FilePath) -> Option<&StoredOutline> {
        self.by_path.get(path)
    }

    pub fn insert(&mut self, path: FilePath, outline: StoredOutline) {
        let each = bytes_per_stored(&path);
        self.bytes += outline.size() * each;
        if let Some(replaced) = self.by_path.insert(path, outline) {
            self.bytes -= replaced.size() * each;
        }
    }

    pub fn remove(&mut self, path: &FilePath) {
        if let Some(removed) = self.by_path.remove(path) {
            self.bytes -= removed.size() * bytes_per_stored(path);
        }
    }

    pub fn paths(&self) -> impl Iterator<Item = &FilePath> {
        self.by_path.keys()
    }

    /// As resolution takes them.
    pub fn view(&self) -> impl Iterator<Item = (&FilePath, &StoredOutline)> {
        self.by_path.iter()
    }

    pub fn len(&self) -> usize {
        self.by_path.len()
    }

    fn bytes(&self) -> usize {
        self.bytes
    }
}

impl FromIterator<(FilePath, StoredOutline)> for Outlines {
    fn from_iter<I: IntoIterator<Item = (FilePath, StoredOutline)>>(files: I) -> Self {
        let mut outlines = Self::default();
        files.into_iter().for_each(|(path, outline)| outlines.insert(path, outline));
        outlines
    }
}

/// A view as it is remembered.
pub(in crate::worker) struct Recollection {
    pub outlines: Outlines,
    /// The same, if anything was resolved yet.
    pub world: Option<World>,
}

/// Bytes that all remembered views may take: some 15,000 Rust files of 300 lines, a tenth of a machine of 4 GB.
const BYTES_MAX: usize = 384 << 20;

/// Bytes in memory for a byte in the stored form, tables of names and members included. Rust's outlines stay packed; the evaluator keeps
/// those of other languages unpacked.
fn bytes_per_stored(path: &FilePath) -> usize {
    if language::of(path) == Language::RUST { 6 } else { 30 }
}

#[derive(Default)]
pub(in crate::worker) struct Memory {
    repos: HashMap<RepoId, Remembered>,
    /// Counts what was kept: the least is the oldest.
    kept: u64,
}

struct Remembered {
    generation: u64,
    view: Recollection,
    kept: u64,
}

impl Memory {
    /// Hands out what is remembered of a view, if it is of this generation. It has to be kept again.
    pub fn take(&mut self, repo: &RepoId, generation: u64) -> Option<Recollection> {
        let remembered = self.repos.remove(repo)?;
        (remembered.generation == generation).then_some(remembered.view)
    }

    /// Forgets a view: another one is begun in its place.
    pub fn forget(&mut self, repo: &RepoId) {
        self.repos.remove(repo);
    }

    /// Remembers what the files of a view say, and forgets the oldest memories if all together are too large.
    pub fn keep(&mut self, repo: &RepoId, generation: u64, view: Recollection) {
        self.kept += 1;
        self.repos.insert(repo.clone(), Remembered { generation, view, kept: self.kept });
        while self.repos.values().map(|one| one.view.outlines.bytes()).sum::<usize>() > BYTES_MAX {
            let oldest = self.repos.iter().min_by_key(|(_, one)| one.kept).map(|(repo, _)| repo.clone());
            let Some(oldest) = oldest else { return };
            self.repos.remove(&oldest);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::outline::outline;

    fn outlines(text: &str) -> Outlines {
        [(FilePath::from("a.rs"), StoredOutline::from(&outline(Language::RUST, text).0))].into_iter().collect()
    }

    fn recollection(text: &str) -> Recollection {
        Recollection { outlines: outlines(text), world: None }
    }

    fn take(memory: &mut Memory, repo: &RepoId, generation: u64) -> Option<Outlines> {
        memory.take(repo, generation).map(|view| view.outlines)
    }

    #[test]
    fn only_the_current_generation_is_handed_out_and_only_once() {
        let (mut memory, repo) = (Memory::default(), RepoId("r".into()));
        memory.keep(&repo, 7, recollection("fn a() {}"));
        assert_eq!(take(&mut memory, &repo, 7), Some(outlines("fn a() {}")));
        assert_eq!(take(&mut memory, &repo, 7), None);
        memory.keep(&repo, 7, recollection("fn a() {}"));
        assert_eq!(take(&mut memory, &repo, 8), None, "another writer has changed the view");
    }

    #[test]
    fn the_count_of_bytes_follows_what_comes_and_goes() {
        let path = FilePath::from("a.rs");
        let mut counted = outlines("fn a() {}");
        counted.insert(path.clone(), outlines("pub struct Longer { name: u8 }").get(&path).unwrap().clone());
        assert_eq!(counted, outlines("pub struct Longer { name: u8 }"));
        counted.remove(&path);
        assert_eq!(counted, Outlines::default());
    }

    #[test]
    fn what_is_too_large_pushes_the_oldest_out() {
        let mut memory = Memory::default();
        let repos: Vec<RepoId> = (0..5).map(|n| RepoId(n.to_string())).collect();
        // A name that does not pack well, in so many files that each memory takes a third of the room.
        let letter = |n: u32| char::from(b'a' + (n.wrapping_mul(2_654_435_761) >> 24) as u8 % 26);
        let name: String = (0..1_000_000).map(letter).collect();
        let stored = StoredOutline::from(&outline(Language::RUST, &format!("pub fn {name}() {{}}")).0);
        let files = BYTES_MAX * 3 / 10 / (stored.size() * bytes_per_stored(&"a.rs".into()));
        let path = |n: usize| FilePath::from(format!("{n}.rs").as_str());
        let large: Outlines = (0..=files).map(|n| (path(n), stored.clone())).collect();
        let fitting = BYTES_MAX / large.bytes();
        assert!((2..5).contains(&fitting), "{fitting}");
        for repo in &repos {
            memory.keep(repo, 1, Recollection { outlines: large.clone(), world: None });
        }
        let kept: Vec<bool> = repos.iter().map(|repo| memory.take(repo, 1).is_some()).collect();
        let expected: Vec<bool> = (0..5).map(|n| n >= 5 - fitting).collect();
        assert_eq!(kept, expected);
    }
}
