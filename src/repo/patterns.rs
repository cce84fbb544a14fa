//! Patterns with the meaning that they have in a `.gitignore` at the top of a repository.

use gix::ignore::Search;
use gix::ignore::search::{Ignore, pattern_matching_relative_path};

use crate::domain::FilePath;

/// A list of ignore patterns; the last one that matches decides.
#[derive(Clone, Debug, Default)]
pub struct IgnorePatterns {
    search: Search,
}

impl IgnorePatterns {
    pub fn new(patterns: &[String]) -> Self {
        Self { search: Search::from_overrides(patterns.iter(), Ignore { support_precious: false }) }
    }

    /// Whether a file is ignored. As in Git, no pattern brings back a file below an ignored directory.
    pub fn ignores(&self, path: &FilePath) -> bool {
        let bytes = path.as_bytes();
        let above = bytes.iter().enumerate().filter(|&(_, &byte)| byte == b'/').map(|(at, _)| (&bytes[..at], true));
        above.chain([(bytes, false)]).any(|(path, is_directory)| self.matches(path, is_directory))
    }

    fn matches(&self, path: &[u8], is_directory: bool) -> bool {
        let name = path.iter().rposition(|&byte| byte == b'/').map(|slash| slash + 1);
        let case = gix::glob::pattern::Case::Sensitive;
        let matched = self
            .search
            .patterns
            .iter()
            .rev()
            .find_map(|list| pattern_matching_relative_path(list, path.into(), name, Some(is_directory), case));
        matched.is_some_and(|matched| !matched.pattern.is_negative())
    }
}
