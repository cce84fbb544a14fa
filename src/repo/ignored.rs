//! What Git ignores in a work tree, besides its `.gitignore` files: the patterns that settings name, and those of the repository.

use std::hash::{DefaultHasher, Hash, Hasher};
use std::path::PathBuf;

use gix::bstr::ByteSlice;
use gix::glob::Pattern;
use gix::glob::pattern::{Case, Mode};
use gix::glob::wildmatch::Mode as WildMode;
use gix::worktree::Stack;
use gix::worktree::stack::state::ignore;

use super::Location;
use super::settings::{PATTERNS_MAX, RuleText, Settings, read_text};
use super::user_config::UserConfig;

/// A number that is another one when what is ignored outside of `.gitignore` files is: settings were changed, or a file that they name.
pub fn rules(location: &Location, user: &UserConfig) -> u64 {
    let settings = Settings::read(location, user);
    let mut hasher = DefaultHasher::new();
    settings.overrides().hash(&mut hasher);
    for path in rule_files(location, &settings) {
        path.hash(&mut hasher);
        match read_text(&path, PATTERNS_MAX) {
            RuleText::Content(bytes) => bytes.hash(&mut hasher),
            RuleText::Nothing => 0.hash(&mut hasher),
            RuleText::TooLarge => 1.hash(&mut hasher),
        }
    }
    hasher.finish()
}

/// The files that say what is ignored wherever it is: the user's, then the repository's own, which counts more.
fn rule_files(location: &Location, settings: &Settings) -> impl Iterator<Item = PathBuf> {
    settings.excludes_file().into_iter().chain([location.common_dir.join("info/exclude")])
}

/// The patterns of those files, and the one that is too large to be read.
pub(super) fn global_patterns(location: &Location, settings: &Settings) -> (gix::ignore::Search, Option<PathBuf>) {
    let mut patterns = gix::ignore::Search::default();
    let mut too_large = None;
    for path in rule_files(location, settings) {
        match read_text(&path, PATTERNS_MAX) {
            RuleText::Nothing => {}
            RuleText::TooLarge => too_large = Some(path),
            // It cannot fail: the patterns have no directory of their own.
            RuleText::Content(bytes) => drop(patterns.add_patterns_buffer(&bytes, path, None, Default::default())),
        }
    }
    for list in &mut patterns.patterns {
        list.patterns.iter_mut().for_each(|mapping| spare_the_top(&mut mapping.pattern));
    }
    (patterns, too_large)
}

/// Makes a pattern of stars alone one that needs a name. gix matches these patterns with the top of the work tree as well, and
/// then takes all of it for ignored, whatever a later pattern brings back.
fn spare_the_top(pattern: &mut Pattern) {
    if !pattern.matches_repo_relative_path(
        "".into(),
        None,
        Some(true),
        Case::Sensitive,
        WildMode::NO_MATCH_SLASH_LITERAL,
    ) {
        return;
    }
    let has = |mode| pattern.mode.contains(mode);
    let is_of_names = has(Mode::NO_SUB_DIR) && !has(Mode::ABSOLUTE);
    let text = if !is_of_names && pattern.text.find(b"**").is_some() { "**/?*" } else { "?*" };
    let begin = [(Mode::NEGATIVE, "!"), (Mode::ABSOLUTE, "/")].map(|(mode, mark)| if has(mode) { mark } else { "" });
    let end = if has(Mode::MUST_BE_DIR) { "/" } else { "" };
    if let Some(same) = Pattern::from_bytes(format!("{}{text}{end}", begin.concat()).as_bytes()) {
        *pattern = same;
    }
}

/// Says whether a path is ignored: by those patterns, or by `.gitignore` files on the way to it.
pub(super) fn excludes(
    repo: &gix::Repository,
    location: &Location,
    index: &gix::index::State,
    patterns: gix::ignore::Search,
) -> Stack {
    let source = ignore::Source::WorktreeThenIdMappingIfNotSkipped;
    let rules =
        gix::worktree::stack::state::Ignore::new(Default::default(), patterns, None, source, Default::default());
    let state = gix::worktree::stack::State::IgnoreStack(rules);
    let ignores_case = repo.config_snapshot().boolean("core.ignoreCase").unwrap_or(false);
    Stack::from_state_and_ignore_case(&location.path, ignores_case, state, index, index.path_backing())
}
