//! Which deleted file an added one was. Pure: blobs come from a function.

use std::collections::BTreeMap;
use std::hash::{DefaultHasher, Hash, Hasher};

use crate::domain::{EntryMode, FilePath, ObjectId};

/// Least similarity of a rename, in percent: Git's default for `-M`.
const MIN_PERCENT: u64 = 50;

/// Most pairs that are compared by content. Git's default limit is 1,000 x 1,000; a quarter of that keeps the worst case near a
/// second on a small machine, and a missed rename costs an addition and a deletion.
const MAX_PAIRS: usize = 500 * 500;

/// Longest piece that is compared as one, in bytes; as Git's (diffcore-delta.c).
const MAX_PIECE: usize = 64;

/// A deleted or an added file.
pub(super) trait RenameCandidate {
    fn path(&self) -> &FilePath;
    fn id(&self) -> &ObjectId;
    fn mode(&self) -> EntryMode;
}

/// Pairs deleted with added files, as indexes. Equal objects first, without reading them, then by similarity, the most similar first;
/// among equals, those whose paths end alike. Each file is in one pair at most. Empty files, links and submodules are paired
/// only if equal; a blob that `load` has not is similar to nothing.
///
/// Similarity is Git's: the bytes of the pieces (lines, of at most 64 bytes) that both have, over the size of the larger.
pub(super) fn pair<T: RenameCandidate>(
    deleted: &[T],
    added: &[T],
    mut load: impl FnMut(&ObjectId) -> Option<Vec<u8>>,
) -> Vec<(usize, usize)> {
    let mut pairing = Pairing { from: vec![false; deleted.len()], to: vec![false; added.len()], pairs: Vec::new() };
    if deleted.is_empty() || added.is_empty() {
        return pairing.pairs;
    }
    pair_equal(deleted, added, &mut pairing);
    let open_from = open_files(deleted, &pairing.from);
    let open_to = open_files(added, &pairing.to);
    if open_from.len().saturating_mul(open_to.len()) > MAX_PAIRS {
        pair_same_names(deleted, added, &open_from, &open_to, &mut load, &mut pairing);
    } else if !open_to.is_empty() {
        let old = pieces_of_each(deleted, &open_from, &mut load);
        let new = pieces_of_each(added, &open_to, &mut load);
        let mut scores = Vec::new();
        for (from, old) in &old {
            for (to, new) in &new {
                push_score(deleted, added, (*from, old), (*to, new), &mut scores);
            }
        }
        pairing.take_best(scores);
    }
    pairing.pairs
}

struct Pairing {
    from: Vec<bool>,
    to: Vec<bool>,
    pairs: Vec<(usize, usize)>,
}

/// Percent of similarity, components that the paths end in alike, then indexes: the order in which pairs are made.
type Score = (u64, usize, usize, usize);

impl Pairing {
    fn join(&mut self, from: usize, to: usize) {
        if !self.from[from] && !self.to[to] {
            (self.from[from], self.to[to]) = (true, true);
            self.pairs.push((from, to));
        }
    }

    fn take_best(&mut self, mut scores: Vec<Score>) {
        scores.sort_by(|a, b| (b.0, b.1).cmp(&(a.0, a.1)).then((a.2, a.3).cmp(&(b.2, b.3))));
        scores.into_iter().for_each(|(_, _, from, to)| self.join(from, to));
    }
}

/// Files with one object, deleted and added.
#[derive(Default)]
struct Equal {
    from: Vec<usize>,
    to: Vec<usize>,
}

fn pair_equal<T: RenameCandidate>(deleted: &[T], added: &[T], pairing: &mut Pairing) {
    let mut by_id: BTreeMap<(&ObjectId, u8), Equal> = BTreeMap::new();
    for (at, file) in deleted.iter().enumerate() {
        by_id.entry((file.id(), kind(file.mode()))).or_default().from.push(at);
    }
    for (at, file) in added.iter().enumerate().filter(|(_, file)| !is_empty_blob(file.id())) {
        by_id.entry((file.id(), kind(file.mode()))).and_modify(|equal| equal.to.push(at));
    }
    for Equal { from, to } in by_id.into_values() {
        if from.len().saturating_mul(to.len()) > MAX_PAIRS {
            from.into_iter().zip(to).for_each(|(from, to)| pairing.join(from, to));
        } else {
            let score = |&from: &usize, &to: &usize| (100, common_end(&deleted[from], &added[to]), from, to);
            pairing.take_best(from.iter().flat_map(|from| to.iter().map(move |to| score(from, to))).collect());
        }
    }
}

/// Components that two paths have in common, counted from the file name: a directory that moved keeps what is below it together.
fn common_end<T: RenameCandidate>(a: &T, b: &T) -> usize {
    let is_slash = |byte: &u8| *byte == b'/';
    let (a, b) = (a.path().as_bytes().rsplit(is_slash), b.path().as_bytes().rsplit(is_slash));
    a.zip(b).take_while(|(a, b)| a == b).count()
}

/// Files of different kinds are never one file: a link is no program.
fn kind(mode: EntryMode) -> u8 {
    match mode {
        EntryMode::File | EntryMode::Executable => 0,
        EntryMode::Symlink => 1,
        EntryMode::Submodule => 2,
        EntryMode::Directory => 3,
    }
}

/// The empty blob's name in SHA-1 and SHA-256 repositories (gitrepository-layout; `git hash-object /dev/null`).
fn is_empty_blob(id: &ObjectId) -> bool {
    gix::oid::try_from_bytes(&id.0).is_ok_and(|id| id == gix::ObjectId::empty_blob(id.kind()))
}

fn open_files<T: RenameCandidate>(files: &[T], taken: &[bool]) -> Vec<usize> {
    let is_open = |at: &usize| !taken[*at] && kind(files[*at].mode()) == 0 && !is_empty_blob(files[*at].id());
    (0..files.len()).filter(is_open).collect()
}

/// With too many files to compare all, only those are compared whose name is unique on both sides, as in Git's own shortcut.
fn pair_same_names<T: RenameCandidate>(
    deleted: &[T],
    added: &[T],
    open_from: &[usize],
    open_to: &[usize],
    load: &mut impl FnMut(&ObjectId) -> Option<Vec<u8>>,
    pairing: &mut Pairing,
) {
    let (old, new) = (unique_names(deleted, open_from), unique_names(added, open_to));
    let mut scores = Vec::new();
    for (name, from) in old {
        let Some(&to) = new.get(name) else { continue };
        if let (Some(old), Some(new)) = (load(deleted[from].id()), load(added[to].id())) {
            push_score(deleted, added, (from, &Pieces::of(&old)), (to, &Pieces::of(&new)), &mut scores);
        }
    }
    pairing.take_best(scores);
}

fn unique_names<'a, T: RenameCandidate>(files: &'a [T], open: &[usize]) -> BTreeMap<&'a [u8], usize> {
    let mut names: BTreeMap<&[u8], Option<usize>> = BTreeMap::new();
    for &at in open {
        names.entry(files[at].path().file_name()).and_modify(|seen| *seen = None).or_insert(Some(at));
    }
    names.into_iter().filter_map(|(name, at)| Some((name, at?))).collect()
}

fn pieces_of_each<T: RenameCandidate>(
    files: &[T],
    open: &[usize],
    load: &mut impl FnMut(&ObjectId) -> Option<Vec<u8>>,
) -> Vec<(usize, Pieces)> {
    open.iter().filter_map(|&at| Some((at, Pieces::of(&load(files[at].id())?)))).collect()
}

fn push_score<T: RenameCandidate>(
    deleted: &[T],
    added: &[T],
    (from, old): (usize, &Pieces),
    (to, new): (usize, &Pieces),
    scores: &mut Vec<Score>,
) {
    let percent = old.similarity(new);
    if percent >= MIN_PERCENT {
        scores.push((percent, common_end(&deleted[from], &added[to]), from, to));
    }
}

/// The pieces of a text: how many bytes it has of each, sorted by the pieces' hashes.
struct Pieces {
    bytes: u64,
    sorted: Vec<(u64, u64)>,
}

impl Pieces {
    fn of(text: &[u8]) -> Self {
        let mut all: Vec<(u64, u64)> = text
            .split_inclusive(|&byte| byte == b'\n')
            .flat_map(|line| line.chunks(MAX_PIECE))
            .map(|piece| (hash(piece), piece.len() as u64))
            .collect();
        all.sort_unstable();
        let mut sorted: Vec<(u64, u64)> = Vec::new();
        for (hash, bytes) in all {
            match sorted.last_mut() {
                Some(last) if last.0 == hash => last.1 += bytes,
                _ => sorted.push((hash, bytes)),
            }
        }
        Self { bytes: text.len() as u64, sorted }
    }

    /// In percent, rounded down.
    fn similarity(&self, other: &Self) -> u64 {
        let (small, large) = (self.bytes.min(other.bytes), self.bytes.max(other.bytes));
        // What is common is no more than the smaller one.
        if large == 0 || small * 100 < large * MIN_PERCENT {
            return 0;
        }
        let (mut common, mut a, mut b) = (0, 0, 0);
        while let (Some(x), Some(y)) = (self.sorted.get(a), other.sorted.get(b)) {
            match x.0.cmp(&y.0) {
                std::cmp::Ordering::Less => a += 1,
                std::cmp::Ordering::Greater => b += 1,
                std::cmp::Ordering::Equal => {
                    common += x.1.min(y.1);
                    (a, b) = (a + 1, b + 1);
                }
            }
        }
        common * 100 / large
    }
}

/// `DefaultHasher::new` has fixed keys, so every run pairs alike.
fn hash(piece: &[u8]) -> u64 {
    let mut hasher = DefaultHasher::new();
    piece.hash(&mut hasher);
    hasher.finish()
}

#[cfg(test)]
mod tests {
    use super::*;

    struct PairedFile {
        path: FilePath,
        id: ObjectId,
        mode: EntryMode,
    }

    impl RenameCandidate for PairedFile {
        fn path(&self) -> &FilePath {
            &self.path
        }

        fn id(&self) -> &ObjectId {
            &self.id
        }

        fn mode(&self) -> EntryMode {
            self.mode
        }
    }

    /// A file whose object name is its content.
    fn file(path: &str, content: &str) -> PairedFile {
        PairedFile { path: FilePath::from(path), id: ObjectId(content.as_bytes().to_vec()), mode: EntryMode::File }
    }

    fn pair_contents(deleted: &[PairedFile], added: &[PairedFile]) -> Vec<(usize, usize)> {
        let mut pairs = pair(deleted, added, |id| Some(id.0.clone()));
        pairs.sort_unstable();
        pairs
    }

    #[test]
    fn equal_content_prefers_the_same_name() {
        let deleted = [file("a/x.rs", "same\n"), file("a/y.rs", "same\n")];
        let added = [file("b/y.rs", "same\n"), file("b/z.rs", "same\n")];
        assert_eq!(pair_contents(&deleted, &added), [(0, 1), (1, 0)]);
        let unread = pair(&deleted, &added, |_| panic!("equal blobs need not be read"));
        assert_eq!(unread.len(), 2);
    }

    #[test]
    fn equal_files_of_moved_directories_stay_with_them() {
        let deleted = ["cli/LICENSE", "glob/LICENSE", "ignore/LICENSE"].map(|path| file(path, "same\n"));
        let added =
            ["crates/ignore/LICENSE", "crates/new/LICENSE", "crates/cli/LICENSE"].map(|path| file(path, "same\n"));
        assert_eq!(pair_contents(&deleted, &added), [(0, 2), (1, 1), (2, 0)]);
    }

    #[test]
    fn the_most_similar_wins_and_half_is_enough() {
        let deleted = [file("a", "1\n2\n3\n4\n"), file("b", "1\n2\n3\n9\n")];
        assert_eq!(pair_contents(&deleted, &[file("c", "1\n2\n3\n9\n8\n")]), [(1, 0)]);
        assert_eq!(pair_contents(&deleted[..1], &[file("c", "1\n2\n7\n8\n")]), [(0, 0)]);
        assert_eq!(pair_contents(&deleted[..1], &[file("c", "1\n6\n7\n8\n")]), []);
        assert_eq!(pair_contents(&deleted[..1], &[file("c", "1\n2\n3\n4\n5\n6\n7\n8\n9\n")]), []);
    }

    #[test]
    fn a_link_is_never_a_moved_file() {
        let link = PairedFile { mode: EntryMode::Symlink, ..file("b", "target") };
        assert_eq!(pair_contents(&[file("a", "target")], &[link]), []);
        let program = PairedFile { mode: EntryMode::Executable, ..file("b", "target") };
        assert_eq!(pair_contents(&[file("a", "target")], &[program]), [(0, 0)]);
    }

    #[test]
    fn a_blob_that_is_not_there_is_similar_to_nothing() {
        assert_eq!(pair(&[file("a", "1\n2\n")], &[file("b", "1\n2\n3\n")], |_| None), []);
    }

    #[test]
    fn beyond_the_limit_unique_names_are_still_found() {
        let name = |dir: &str, at: usize| format!("{dir}/{at}.rs");
        let deleted: Vec<_> = (0..600).map(|at| file(&name("a", at), &format!("{at}\nx\ny\nz\n"))).collect();
        let added: Vec<_> = (0..600).map(|at| file(&name("b", at), &format!("{at}\nx\ny\nz\nw\n"))).collect();
        let expected: Vec<_> = (0..600).map(|at| (at, at)).collect();
        assert_eq!(pair_contents(&deleted, &added), expected);
    }
}
