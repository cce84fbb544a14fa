//! What of a repository is indexed: what a person says, then what names and contents suggest.
//!
//! From the strongest to the weakest: `[privacy] deny`; `[index] exclude` and `include`, a repository's own before the general ones;
//! then the guesses. A guess that is wrong is overruled by `include`, but for a file that clearly holds a secret.

use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt;

use globset::{Glob, GlobSet, GlobSetBuilder};

use super::classify::{is_generated, is_generated_name, skip_by_bytes};
use super::content::decode;
use super::own_modules::OwnModules;
use super::secret::{NameHint, hint, holds_secret};
use crate::config::{IndexRules, RepoConfig};
use crate::domain::{FilePath, SkipReason, composed, composed_bytes};

/// A glob of the configuration that cannot be compiled.
#[derive(Debug, thiserror::Error)]
#[error("invalid glob {pattern} under {key}: {reason}")]
pub struct InvalidGlob {
    key: &'static str,
    pattern: String,
    reason: String,
}

/// Globs for paths. One without a `/` is meant for the name of a file or directory anywhere, as in a `.gitignore`; what
/// matches a directory matches all below it.
#[derive(Clone, Debug, Default)]
struct PathGlobs {
    by_path: GlobSet,
    by_name: GlobSet,
    /// What each glob with a `/` begins with, up to its first directory that is not literal.
    stems: Vec<Vec<u8>>,
}

impl PathGlobs {
    fn new(key: &'static str, patterns: &[String]) -> Result<Self, InvalidGlob> {
        let invalid = |pattern: &str, error: &globset::Error| InvalidGlob {
            key,
            pattern: pattern.to_owned(),
            reason: error.to_string(),
        };
        let (mut by_path, mut by_name, mut stems) = (GlobSetBuilder::new(), GlobSetBuilder::new(), Vec::new());
        for pattern in patterns {
            let plain = pattern.trim_end_matches('/');
            let anchored = plain.trim_start_matches("./");
            let relative = anchored.trim_start_matches('/');
            let glob = Glob::new(&composed(relative)).map_err(|error| invalid(pattern, &error))?;
            if anchored.contains('/') {
                let literal = relative
                    .find(['*', '?', '[', '{', '\\'])
                    .map_or(relative, |at| relative[..at].rsplit_once('/').map_or("", |(dirs, _)| dirs));
                stems.push(composed(literal).as_bytes().to_vec());
                by_path.add(glob);
            } else {
                by_name.add(glob);
            }
        }
        let built = |set: GlobSetBuilder| set.build().map_err(|error| invalid(&patterns.join(", "), &error));
        Ok(Self { by_path: built(by_path)?, by_name: built(by_name)?, stems })
    }

    fn matches(&self, path: &[u8]) -> bool {
        if self.by_path.is_empty() && self.by_name.is_empty() {
            return false;
        }
        let path = &*composed_bytes(path);
        let ends = path.iter().enumerate().filter(|(_, byte)| **byte == b'/').map(|(at, _)| at).chain([path.len()]);
        let matches_at = |end: usize| {
            let path = &path[..end];
            let name = path.rsplit(|&byte| byte == b'/').next().unwrap_or(path);
            self.by_path.is_match(OsStr::from_bytes(path)) || self.by_name.is_match(OsStr::from_bytes(name))
        };
        ends.into_iter().any(matches_at)
    }

    /// Whether a glob with a `/` can match something below a directory.
    fn may_match_below(&self, dir: &[u8]) -> bool {
        let within = |inner: &[u8], outer: &[u8]| {
            outer.is_empty() || inner == outer || inner.strip_prefix(outer).is_some_and(|rest| rest.starts_with(b"/"))
        };
        let dir = &*composed_bytes(dir);
        self.stems.iter().any(|stem| within(stem, dir) || within(dir, stem))
    }
}

/// What the configuration says of a path.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Ruling {
    Include,
    Exclude,
}

/// What of a repository is indexed.
#[derive(Clone, Debug, Default)]
pub struct FileSelection {
    deny: GlobSet,
    /// Exclude and include; the repository's own come first.
    rules: Vec<(PathGlobs, PathGlobs)>,
    /// Directories with a name of others' code that are the project's own.
    own: OwnModules,
}

impl FileSelection {
    /// What a repository's configuration selects.
    ///
    /// # Errors
    /// The first glob that is invalid, and why.
    pub fn new(config: &RepoConfig) -> Result<Self, InvalidGlob> {
        let deny = config.deny_set().map_err(|error| InvalidGlob {
            key: "[privacy] deny",
            pattern: config.deny.join(", "),
            reason: error.to_string(),
        })?;
        let rules = config.index.iter().map(|IndexRules { include, exclude }| {
            Ok((PathGlobs::new("[index] exclude", exclude)?, PathGlobs::new("[index] include", include)?))
        });
        Ok(Self { deny, rules: rules.collect::<Result<_, InvalidGlob>>()?, own: OwnModules::default() })
    }

    /// The same for a tree of which it is known which directories are its own.
    #[must_use]
    pub fn with_own(&self, own: OwnModules) -> Self {
        Self { own, ..self.clone() }
    }

    fn ruling(&self, path: &[u8]) -> Option<Ruling> {
        self.rules.iter().find_map(|(exclude, include)| {
            if exclude.matches(path) { Some(Ruling::Exclude) } else { include.matches(path).then_some(Ruling::Include) }
        })
    }

    /// A glob without a `/` is meant for the file name in any directory, as in `.gitignore`.
    fn is_denied(&self, path: &FilePath) -> bool {
        let holds = |path: &[u8]| self.deny.is_match(OsStr::from_bytes(&composed_bytes(path)));
        !self.deny.is_empty() && (holds(path.as_bytes()) || holds(path.file_name()))
    }

    /// Why a file is not read, by its path. Case does not matter but for directories of others' code.
    pub fn skip_by_name(&self, path: &FilePath) -> Option<SkipReason> {
        if self.is_denied(path) {
            return Some(SkipReason::Denied);
        }
        match self.ruling(path.as_bytes()) {
            Some(Ruling::Exclude) => return Some(SkipReason::Excluded),
            Some(Ruling::Include) => return None,
            None => {}
        }
        if hint(path.as_bytes()) == NameHint::Secret {
            Some(SkipReason::Denied)
        } else if self.own.is_vendored(path.as_bytes()) {
            Some(SkipReason::Vendored)
        } else {
            is_generated_name(path).then_some(SkipReason::Generated)
        }
    }

    /// Whether a walk of a work tree need not enter a directory: nothing below it is read, whatever its name.
    pub fn passes_over(&self, dir: &FilePath) -> bool {
        let inside = FilePath::new([dir.as_bytes(), b"/x"].concat());
        self.skip_by_name(&inside).is_some()
            && !self.rules.iter().any(|(_, include)| include.may_match_below(dir.as_bytes()))
    }

    /// The text of a file, or why it is not read further: it is too large, a Git LFS pointer stands for it, it is no text, it holds a
    /// secret, it is a copy of others' code, or it says itself that a tool wrote it.
    ///
    /// # Errors
    /// The reason.
    pub fn text(&self, path: &FilePath, bytes: Vec<u8>) -> Result<String, SkipReason> {
        if let Some(reason) = skip_by_bytes(&bytes) {
            return Err(reason);
        }
        let text = decode(path, bytes).ok_or(SkipReason::Binary)?;
        let is_included = self.ruling(path.as_bytes()) == Some(Ruling::Include);
        if hint(path.as_bytes()) != NameHint::None && holds_secret(path.as_bytes(), &text, is_included) {
            return Err(SkipReason::Denied);
        }
        if is_included {
            return Ok(text);
        }
        if self.own.is_copied(path.as_bytes(), &text) {
            return Err(SkipReason::Vendored);
        }
        if is_generated(path, &text) { Err(SkipReason::Generated) } else { Ok(text) }
    }

    /// What brings a file back that was left out for this reason: a key of the configuration, and what to do.
    pub fn remedy(&self, path: &FilePath, reason: SkipReason) -> (Option<&'static str>, &'static str) {
        let is_included = self.ruling(path.as_bytes()) == Some(Ruling::Include);
        match reason {
            SkipReason::Denied if self.is_denied(path) => (Some("privacy.deny"), "a glob there matches it"),
            SkipReason::Denied if is_included || hint(path.as_bytes()) != NameHint::Secret => {
                (None, "it holds what looks like a secret")
            }
            SkipReason::Denied => (Some("index.include"), "its name is one of a file with secrets"),
            SkipReason::Vendored => (Some("index.include"), "it is taken for code of others"),
            SkipReason::Generated => (Some("index.include"), "a tool wrote it, by its name or its first lines"),
            SkipReason::Excluded => (Some("index.exclude"), "a glob there matches it"),
            SkipReason::Huge => (None, "it is larger than 1 MiB"),
            SkipReason::Binary => (None, "it is no text in an encoding that is recognised"),
            SkipReason::Symlink => (None, "links are not followed"),
            SkipReason::Submodule => (None, "a submodule is a repository of its own; register that"),
            SkipReason::LfsPointer => (None, "Git LFS keeps its content elsewhere"),
            SkipReason::Unavailable => (None, "its object is not in this clone; `git fetch` can bring it"),
            SkipReason::Unreadable => (None, "its object cannot be read; it is tried again at each comparison"),
            SkipReason::Quarantined => (None, "reading it crashed the worker twice"),
            SkipReason::Deleted => (None, "the work tree has it no longer"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn globs(patterns: &[&str]) -> Vec<String> {
        patterns.iter().map(ToString::to_string).collect()
    }

    fn selection(index: &[(&[&str], &[&str])], deny: &[&str]) -> FileSelection {
        let rules =
            |(include, exclude): &(&[&str], &[&str])| IndexRules { include: globs(include), exclude: globs(exclude) };
        let index = [0, 1].map(|at| index.get(at).map(rules).unwrap_or_default());
        let home = std::path::Path::new("/nowhere");
        let config = crate::config::Config::defaults(home).for_repo(home);
        FileSelection::new(&RepoConfig { deny: globs(deny), index, ..config }).unwrap()
    }

    fn by_name(selection: &FileSelection, path: &str) -> Option<SkipReason> {
        selection.skip_by_name(&FilePath::from(path))
    }

    #[test]
    fn f49_names_of_secrets_are_denied() {
        let plain = FileSelection::default();
        for path in [
            ".env",
            "app/.env.local",
            "a/server.pem",
            "tls.key",
            "id_rsa",
            ".npmrc",
            "prod.tfstate.backup",
            ".aws/config",
        ] {
            assert_eq!(by_name(&plain, path), Some(SkipReason::Denied), "{path}");
        }
        for path in ["src/credentials.rs", "src/key.rs", "src/environment.rs", "credentials_provider.js"] {
            assert_eq!(by_name(&plain, path), None, "{path}");
        }
    }

    #[test]
    fn a_persons_globs_deny_by_path_and_by_name() {
        let deny = selection(&[(&["**"], &[])], &["*.sqlite", "private/**"]);
        for path in ["a/b.sqlite", "private/x/y.rs"] {
            assert_eq!(by_name(&deny, path), Some(SkipReason::Denied), "{path}: deny comes before include");
        }
        assert_eq!(by_name(&deny, "src/private.rs"), None);
    }

    #[test]
    fn globs_and_paths_meet_however_accents_are_written() {
        let written = ["pru\u{308}fung/**", "schl\u{fc}ssel.*"];
        let (denied, excluded) = (selection(&[], &written), selection(&[(&[], &written)], &[]));
        for path in ["pr\u{fc}fung/a.rs", "pru\u{308}fung/a.rs", "src/schl\u{fc}ssel.rs", "src/schlu\u{308}ssel.rs"] {
            assert_eq!(by_name(&denied, path), Some(SkipReason::Denied), "{path}");
            assert_eq!(by_name(&excluded, path), Some(SkipReason::Excluded), "{path}");
        }
    }

    #[test]
    fn vendored_and_generated_names_are_told_apart_from_source() {
        let plain = FileSelection::default();
        for path in ["vendor/a/src/lib.rs", "web/node_modules/x/index.js", "third_party/z.c", "ios/Pods/x.m"] {
            assert_eq!(by_name(&plain, path), Some(SkipReason::Vendored), "{path}");
        }
        for path in ["Cargo.lock", "web/package-lock.json", "dist/app.min.js", "api/v1.pb.go", ".rustassistant/x.json"]
        {
            assert_eq!(by_name(&plain, path), Some(SkipReason::Generated), "{path}");
        }
        for path in ["src/vendor.rs", "src/main.rs", "Cargo.toml", "README.md", "src/lock.rs", "pkg/pods/list.go"] {
            assert_eq!(by_name(&plain, path), None, "{path}");
        }
    }

    #[test]
    fn include_overrules_every_guess_and_exclude_every_file() {
        let own = selection(
            &[(&["vendor/keep", "*.pb.go", "Cargo.lock", ".env.ci", "/made.min.js"], &["docs/", "*.sql"])],
            &[],
        );
        for path in [
            "vendor/keep/a.c",
            "api/v1.pb.go",
            "sub/Cargo.lock",
            ".env.ci",
            "made.min.js",
            "vendor/keep/node_modules/x.js",
        ] {
            assert_eq!(by_name(&own, path), None, "{path}");
        }
        assert_eq!(by_name(&own, "vendor/other/a.c"), Some(SkipReason::Vendored));
        assert_eq!(by_name(&own, "sub/made.min.js"), Some(SkipReason::Generated), "a leading / means the top");
        for path in ["docs/a.md", "docs/deep/b.rs", "x/y.sql"] {
            assert_eq!(by_name(&own, path), Some(SkipReason::Excluded), "{path}");
        }
        assert_eq!(by_name(&own, "src/docs/a.md"), Some(SkipReason::Excluded), "one directory name is one anywhere");
    }

    #[test]
    fn a_repositorys_rules_come_before_the_general_ones() {
        let rules = selection(&[(&["a.sql"], &["gen/**"]), (&["gen/**"], &["*.sql"])], &[]);
        assert_eq!(by_name(&rules, "a.sql"), None);
        assert_eq!(by_name(&rules, "b.sql"), Some(SkipReason::Excluded));
        assert_eq!(by_name(&rules, "gen/x.rs"), Some(SkipReason::Excluded));
        let both = selection(&[(&["x/**"], &["x/y/**"])], &[]);
        assert_eq!(by_name(&both, "x/y/z.rs"), Some(SkipReason::Excluded), "exclude comes first");
    }

    #[test]
    fn a_walk_enters_what_a_glob_may_bring_back() {
        let rules = selection(&[(&["vendor/keep/**", "a/*/vendor/x"], &[])], &[]);
        let passes = |dir: &str| rules.passes_over(&FilePath::from(dir));
        assert!(!passes("vendor") && !passes("vendor/keep/deep") && !passes("a/b/vendor") && !passes("src"));
        assert!(passes("vendor/other") && passes("node_modules") && passes("b/vendor"));
        assert!(passes("vendor/keeper"));
    }

    fn text(path: &str, bytes: &[u8]) -> Result<String, SkipReason> {
        FileSelection::default().text(&FilePath::from(path), bytes.to_vec())
    }

    #[test]
    fn f47_content_tells_what_is_no_text() {
        assert!(text("a.rs", b"fn a() {}\n").is_ok());
        assert!(text("a.rs", b"").is_ok());
        assert_eq!(text("a.rs", b"fn\0"), Err(SkipReason::Binary));
        assert_eq!(text("a.rs", b"\xff\xfef\0n\0").unwrap(), "fn");
        assert_eq!(text("a.rs", b"caf\xe9").unwrap(), "caf\u{e9}");
        let mut late = vec![b'a'; crate::repo::encoding::BINARY_PROBE_BYTES];
        late.push(0);
        assert!(text("a.rs", &late).is_ok(), "as Git: a late NUL is text");
        let huge = vec![b'a'; 1 + super::super::MAX_FILE_BYTES as usize];
        assert_eq!(text("a.rs", &huge), Err(SkipReason::Huge));
        let pointer = b"version https://git-lfs.github.com/spec/v1\noid sha256:4d7a\nsize 12345\n";
        assert_eq!(text("a.rs", pointer), Err(SkipReason::LfsPointer));
    }

    #[test]
    fn a_generated_file_says_so_at_its_top() {
        let marker = concat!("// @", "generated by x\nfn a() {}\n");
        assert_eq!(text("a.rs", marker.as_bytes()), Err(SkipReason::Generated));
        let go = b"// Copyright\n\n// Code generated by protoc-gen-go. DO NOT EDIT.\npackage a\n";
        assert_eq!(text("a.go", go), Err(SkipReason::Generated));
        let far = format!("{}{marker}", "fn a() {}\n".repeat(20));
        assert!(text("a.rs", far.as_bytes()).is_ok());
        assert!(text("README.md", marker.as_bytes()).is_ok());
        let included = selection(&[(&["a.rs"], &[])], &[]);
        assert!(included.text(&FilePath::from("a.rs"), marker.as_bytes().to_vec()).is_ok());
    }

    #[test]
    fn each_reason_names_what_brings_the_file_back() {
        let rules = selection(&[(&["known.pem"], &["docs/"])], &["*.sqlite"]);
        let key = |path: &str, reason| rules.remedy(&FilePath::from(path), reason).0;
        assert_eq!(key("x.sqlite", SkipReason::Denied), Some("privacy.deny"));
        assert_eq!(key(".env", SkipReason::Denied), Some("index.include"));
        assert_eq!(key("known.pem", SkipReason::Denied), None, "its content is a secret");
        assert_eq!(key("credentials.json", SkipReason::Denied), None);
        assert_eq!(key("docs/a.md", SkipReason::Excluded), Some("index.exclude"));
        assert_eq!(key("vendor/a.c", SkipReason::Vendored), Some("index.include"));
    }
}
