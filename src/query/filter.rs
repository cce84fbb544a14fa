//! Which chunks may be hits at all.

use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt;
use std::path::Path;

use globset::{GlobBuilder, GlobMatcher};

use super::candidates::CANDIDATES;
use super::search::{SearchRequest, Searched};
use super::suggest::hint;
use super::{QueryError, canonical};
use crate::cache::chunks::ChunkRecord;
use crate::cache::view;
use crate::domain::{FilePath, Language, Source, composed, composed_bytes};
use crate::embedder::chunk::KINDS;
use crate::language;
use crate::repo::registry::Registered;

/// So many times as many candidates by meaning are read where a filter drops most of them.
const FILTERED: usize = 5;

/// Candidates by words are read one by one then, until there are enough, so that no hit hides behind what the filter drops.
const FILTERED_WORDS: usize = 1_000_000;

/// Which chunks are wanted at all.
pub(super) struct HitFilter {
    kind: Option<String>,
    path: Option<PathFilter>,
    language: Option<Language>,
    source: Option<Source>,
}

/// Which files a path means.
enum PathFilter {
    /// A file or a directory; without a slash also a file name.
    Literal(String),
    /// Files, or directories, of which it means what is below. `matcher`, or why there is none.
    Glob { written: String, matcher: Result<GlobMatcher, String> },
}

impl PathFilter {
    fn new(text: &str) -> Result<Self, QueryError> {
        let text = composed(text);
        let plain = text.strip_prefix("./").unwrap_or(&text).trim_end_matches('/');
        if plain.is_empty() {
            return Err(QueryError::Invalid(
                "--path is empty; write a file, a directory or a glob, e.g. 'src/**/*.rs'".to_owned(),
            ));
        }
        if !plain.contains(['*', '?', '[', '{', '\\']) {
            return Ok(Self::Literal(plain.to_owned()));
        }
        let built = GlobBuilder::new(plain).literal_separator(true).build();
        let invalid =
            |error: globset::Error| format!("--path {text} is an invalid glob: {}; try 'src/**/*.rs'", error.kind());
        Ok(Self::Glob { written: plain.to_owned(), matcher: built.map(|glob| glob.compile_matcher()).map_err(invalid) })
    }

    fn holds(&self, path: &FilePath) -> bool {
        let (name, path) = (composed_bytes(path.file_name()), composed_bytes(path.as_bytes()));
        match self {
            Self::Literal(text) => {
                let rest = path.strip_prefix(text.as_bytes());
                rest.is_some_and(|rest| rest.is_empty() || rest.starts_with(b"/")) || *name == *text.as_bytes()
            }
            Self::Glob { written, matcher: Ok(matcher) } => {
                let is_match = |part: &[u8]| matcher.is_match(Path::new(OsStr::from_bytes(part)));
                let mut directories = (0..path.len()).filter(|&at| path[at] == b'/').map(|end| &path[..end]);
                // `src/*` are the files that stand right in src.
                let is_of_files = written.ends_with("/*");
                is_match(if written.contains('/') { &path } else { &name })
                    || (!is_of_files && directories.any(is_match))
            }
            Self::Glob { matcher: Err(_), .. } => false,
        }
    }
}

/// Whether a path filter is a place of the file system: absolute, or `.` and what goes up from there.
pub fn is_place(text: &str) -> bool {
    Path::new(text).is_absolute() || matches!(text.trim_end_matches('/'), "." | "..") || text.starts_with("../")
}

/// A path filter from the top of a repository; one that is a place of the file system counts from `here`. `None`: all of the repository.
///
/// # Errors
/// If the place is outside the repository.
pub fn path_in_repo(text: &str, repo: &Registered, here: &Path) -> Result<Option<String>, QueryError> {
    if !is_place(text) {
        return Ok(Some(text.to_owned()));
    }
    let place = here.join(text);
    let place = canonical(&place).unwrap_or(place);
    match place.strip_prefix(&repo.location.path) {
        Ok(rest) if rest.as_os_str().is_empty() => Ok(None),
        Ok(rest) => Ok(Some(rest.to_string_lossy().into_owned())),
        Err(_) => {
            let top = repo.location.path.display();
            Err(QueryError::Invalid(format!("--path {text} is not below {top}; paths count from there")))
        }
    }
}

/// Other names of kinds.
const OTHER_KINDS: [(&str, &str); 8] = [
    ("fn", "function"),
    ("func", "function"),
    ("fun", "function"),
    ("def", "function"),
    ("mod", "module"),
    ("constant", "const"),
    ("static", "const"),
    ("doc", "section"),
];

/// The kind that a person means: in any case, or by another name.
fn kind_named(name: &str) -> Result<String, QueryError> {
    let lower = name.to_lowercase();
    let kind = OTHER_KINDS.iter().find(|(other, _)| *other == lower).map_or(lower.as_str(), |(_, kind)| *kind);
    if KINDS.contains(&kind) {
        return Ok(kind.to_owned());
    }
    let hint = hint(name, KINDS.iter().copied());
    Err(QueryError::Invalid(format!("--kind {name} is not known{hint}; known are {}", KINDS.join(", "))))
}

impl HitFilter {
    pub(super) fn new(request: &SearchRequest) -> Result<Self, QueryError> {
        let language = |name: &String| {
            Language::parse(&name.to_lowercase()).ok_or_else(|| {
                let known: Vec<&str> = Language::all().map(|language| language.as_str()).collect();
                let hint = hint(name, known.iter().copied());
                QueryError::Invalid(format!("--lang {name} is not known{hint}; known are {}", known.join(", ")))
            })
        };
        let source = |name: &String| {
            Source::parse(&name.to_lowercase()).ok_or_else(|| {
                QueryError::Invalid(format!("--source {name} is not known; known are commit and worktree"))
            })
        };
        Ok(Self {
            source: request.source.as_ref().map(source).transpose()?,
            kind: request.kind.as_deref().map(kind_named).transpose()?,
            path: request.path.as_deref().map(PathFilter::new).transpose()?,
            language: request.language.as_ref().map(language).transpose()?,
        })
    }

    /// What is written like a glob and stands in an index (`app/[id]/page.tsx`, a route) means itself.
    ///
    /// # Errors
    /// If it is not there and an invalid glob, or a store cannot be read.
    pub(super) fn settle(&mut self, repos: &[Searched]) -> Result<(), QueryError> {
        let Some(PathFilter::Glob { written, matcher }) = &self.path else { return Ok(()) };
        let literal = PathFilter::Literal(written.clone());
        for store in repos.iter().filter_map(|one| one.store.as_ref()) {
            if view::present_paths(store.db())?.iter().any(|path| literal.holds(path)) {
                self.path = Some(literal);
                return Ok(());
            }
        }
        matcher.as_ref().map(drop).map_err(|why| QueryError::Invalid(why.clone()))
    }

    /// A chunk as far as it is wanted: of its items those of the kind.
    pub(super) fn wanted(&self, mut chunk: ChunkRecord, source: Source) -> Option<ChunkRecord> {
        if !self.is_place(&chunk.path, source) {
            return None;
        }
        let Some(kind) = &self.kind else { return Some(chunk) };
        chunk.items.retain(|item| item.entity_type == *kind);
        if chunk.items.is_empty() {
            return (chunk.entity_type == *kind).then_some(chunk);
        }
        chunk.entity_type.clone_from(kind);
        chunk.entity_name = chunk.names().collect::<Vec<_>>().join(", ");
        Some(chunk)
    }

    fn is_place(&self, path: &FilePath, source: Source) -> bool {
        self.is_language(path) && self.is_below(path) && self.source.is_none_or(|wanted| wanted == source)
    }

    pub(super) fn is_language(&self, path: &FilePath) -> bool {
        self.language.is_none_or(|language| language::of(path) == language)
    }

    /// Whether it leaves out what is saved and not committed.
    pub(super) fn is_of_commits(&self) -> bool {
        self.source == Some(Source::Commit)
    }

    pub(super) fn is_below(&self, path: &FilePath) -> bool {
        self.path.as_ref().is_none_or(|filter| filter.holds(path))
    }

    /// Whether the path names one file or directory.
    pub(super) fn is_literal(&self) -> bool {
        matches!(self.path, Some(PathFilter::Literal(_)))
    }

    /// Candidates by meaning to read.
    pub(super) fn depth(&self) -> usize {
        if self.is_open() { CANDIDATES } else { CANDIDATES * FILTERED }
    }

    /// Candidates by words.
    pub(super) fn words_depth(&self) -> usize {
        if self.is_open() { CANDIDATES } else { FILTERED_WORDS }
    }

    fn is_open(&self) -> bool {
        // HEAD has nearly all files.
        self.kind.is_none() && self.path.is_none() && self.language.is_none() && self.source != Some(Source::Worktree)
    }
}
