//! Which files a user keeps from remote models, although the agent itself may read them.

use crate::domain::{FilePath, composed, composed_bytes};
use crate::repo::patterns::IgnorePatterns;

/// Files that hold examples for tests, and what tools wrote: nothing in them asks to be judged. A guess by name, so a user's own patterns come
/// after these and may take a file out again (`!tests/fixtures/**`).
const SAMPLES: [&str; 28] = [
    "**/fixtures/**",
    "**/fixture/**",
    "**/__fixtures__/**",
    "**/testdata/**",
    "**/test_data/**",
    "**/test-data/**",
    "**/tests/data/**",
    "**/test/data/**",
    "**/test/resources/**",
    "**/__snapshots__/**",
    "**/tests/snapshots/**",
    "**/test/snapshots/**",
    "**/tests/golden/**",
    "**/test/golden/**",
    "*.golden",
    "*.golden.*",
    "*.approved.*",
    "*.received.*",
    "*.verified.*",
    "*.snapshot",
    "**/cassettes/**",
    "**/__recordings__/**",
    "*.snap",
    "*.snap.*",
    "*.lock",
    "*.min.*",
    "*.generated.*",
    "*_generated.*",
];

/// The patterns of files that no model is asked about: samples, then those that a user keeps from models.
pub fn withheld_patterns(own: &[String]) -> Vec<String> {
    SAMPLES.iter().map(|&pattern| pattern.to_owned()).chain(own.iter().cloned()).collect()
}

/// Whether a file is taken for a sample or for what a tool wrote, unless a user's own patterns say otherwise.
pub fn is_sample(path: &FilePath) -> bool {
    Withheld::new(&withheld_patterns(&[])).holds(path)
}

/// Patterns of files that stay on this machine, with the meaning they have in a `.gitignore` at the top of the repository.
#[derive(Clone, Debug, Default)]
pub struct Withheld {
    patterns: IgnorePatterns,
}

impl Withheld {
    pub fn new(patterns: &[String]) -> Self {
        let patterns: Vec<String> = patterns.iter().map(|pattern| composed(pattern).into_owned()).collect();
        Self { patterns: IgnorePatterns::new(&patterns) }
    }

    /// Whether this file stays on this machine.
    pub fn holds(&self, path: &FilePath) -> bool {
        self.patterns.ignores(&FilePath::new(composed_bytes(path.as_bytes())))
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
    fn a_pattern_means_a_path_however_it_is_composed() {
        for pattern in ["pr\u{fc}fung/", "pru\u{308}fung/"] {
            assert!(held(&[pattern], "pr\u{fc}fung/a.rs") && held(&[pattern], "pru\u{308}fung/a.rs"), "{pattern}");
        }
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
    fn samples_are_not_asked_about_unless_the_user_says_so() {
        for (path, expected) in [
            ("tests/fixtures/broken/a.rs", true),
            ("pkg/parse/testdata/x.go", true),
            ("src/__snapshots__/app.test.js.snap", true),
            ("tests/snapshots/a.py", true),
            ("web/app.min.js", true),
            ("api/types.generated.ts", true),
            ("tests/golden/printed.py", true),
            ("src/golden.rs", false),
            ("test/Mail.approved.cs", true),
            ("Cargo.lock", true),
            ("src/fixtures.rs", false),
            ("src/snapshots/store.rs", false),
            ("src/lock.rs", false),
            ("tests/asking.rs", false),
        ] {
            assert_eq!(is_sample(&FilePath::from(path)), expected, "{path}");
        }
        let own = withheld_patterns(&["!**/fixtures/**".to_owned(), "/internal/".to_owned()]);
        let holds = |path: &str| Withheld::new(&own).holds(&FilePath::from(path));
        assert!(!holds("tests/fixtures/broken/a.rs") && holds("pkg/testdata/x.go") && holds("internal/a.rs"));
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
