//! Which files a user lets nobody else see, although the agent itself may read them.

use gix::ignore::Search;
use gix::ignore::search::{Ignore, pattern_matching_relative_path};

use crate::domain::FilePath;

/// Patterns with the meaning they have in a `.gitignore` at the top of the repository.
#[derive(Clone, Debug, Default)]
pub struct Withheld {
    search: Search,
}

impl Withheld {
    pub fn new(patterns: &[String]) -> Self {
        Self { search: Search::from_overrides(patterns.iter(), Ignore { support_precious: false }) }
    }

    /// Whether this file stays on this machine. As in Git, a file below a directory that is withheld cannot be let out again.
    pub fn holds(&self, path: &FilePath) -> bool {
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

#[cfg(test)]
mod tests {
    use super::*;

    fn held(patterns: &[&str], path: &str) -> bool {
        let patterns: Vec<String> = patterns.iter().map(|&pattern| pattern.to_owned()).collect();
        Withheld::new(&patterns).holds(&FilePath::from(path))
    }

    #[test]
    fn patterns_mean_what_they_mean_in_a_gitignore() {
        for (pattern, path, expected) in [
            ("*.sql", "a/b/c.sql", true),
            ("/internal/", "internal/deep/x.rs", true),
            ("/internal/", "src/internal/x.rs", false),
            ("internal/", "src/internal/x.rs", true),
            ("internal/", "src/internal", false),
            ("src/*.rs", "src/a.rs", true),
            ("src/*.rs", "src/b/a.rs", false),
            ("src/**/a.rs", "src/b/c/a.rs", true),
            ("Secret.rs", "secret.rs", false),
        ] {
            assert_eq!(held(&[pattern], path), expected, "{pattern} {path}");
        }
        assert!(!held(&[], "a.rs"));
    }

    #[test]
    fn the_last_pattern_decides_except_below_withheld_directories() {
        assert!(!held(&["*.rs", "!lib.rs"], "src/lib.rs"));
        assert!(held(&["!lib.rs", "*.rs"], "src/lib.rs"));
        assert!(held(&["src/", "!src/lib.rs"], "src/lib.rs"));
    }

    #[test]
    fn a_path_that_is_no_text_is_judged_too() {
        let patterns = ["*.key".to_owned()];
        assert!(Withheld::new(&patterns).holds(&FilePath::new(&b"caf\xe9.key"[..])));
    }
}
