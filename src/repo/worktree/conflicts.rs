//! Files in the middle of a merge, a rebase, a cherry-pick or a stash: the index has them once for each side, and the disk has what Git
//! and the user made of the sides.

use gix::bstr::BStr;
use gix::index::entry::Stage;
use gix::index::{Entry, State};

use super::WorkTree;
use crate::domain::FilePath;

/// Characters of a conflict marker, where no attribute says otherwise.
const MARKER_SIZE: usize = 7;

/// What the index has of a path; of one in conflict any of the sides.
pub(super) fn entry_of<'i>(index: &'i State, path: &FilePath) -> Option<&'i Entry> {
    index.entry_index_by_path(BStr::new(path.as_bytes())).ok().map(|at| index.entry(at))
}

impl WorkTree {
    /// Whether a file is in conflict and its text still has several sides, so that it means nothing as a whole.
    pub fn has_both_sides(&mut self, path: &FilePath, text: &str) -> bool {
        if entry_of(&self.index, path).is_none_or(|entry| entry.stage() == Stage::Unconflicted) {
            return false;
        }
        let [size] = self.named(path, ["conflict-marker-size"]);
        let size = size.and_then(|size| std::str::from_utf8(&size).ok()?.parse::<usize>().ok());
        let size = size.filter(|&size| size > 0).unwrap_or(MARKER_SIZE);
        let is_marker = |line: &str, character: char| {
            let rest = line.trim_start_matches(character);
            line.len() - rest.len() == size && (rest.is_empty() || rest.starts_with(' '))
        };
        ['<', '=', '>'].into_iter().all(|character| text.lines().any(|line| is_marker(line, character)))
    }
}
