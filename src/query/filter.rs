//! Which chunks may be hits at all.

use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt;
use std::path::Path;

use globset::{GlobBuilder, GlobMatcher};

use super::QueryError;
use super::candidates::CANDIDATES;
use super::search::SearchRequest;
use crate::cache::chunks::ChunkRecord;
use crate::domain::{FilePath, Language, Source, composed, composed_bytes};
use crate::language;

/// So many times as many candidates by meaning are read where a filter drops most of them.
const FILTERED: usize = 5;

/// Candidates by words are read one by one then, until there are enough, so that no hit hides behind what the filter drops.
const FILTERED_WORDS: usize = 1_000_000;

/// Which chunks are wanted at all.
pub(super) struct HitFilter {
    kind: Option<String>,
    path: Option<GlobMatcher>,
    language: Option<Language>,
    source: Option<Source>,
}

impl HitFilter {
    pub(super) fn new(request: &SearchRequest) -> Result<Self, QueryError> {
        let glob = |glob: &String| {
            let built = GlobBuilder::new(&composed(glob)).literal_separator(true).build();
            built.map(|glob| glob.compile_matcher()).map_err(|error| {
                QueryError::Invalid(format!("--path {glob} is an invalid glob: {}; try 'src/**/*.rs'", error.kind()))
            })
        };
        let language = |name: &String| {
            Language::parse(&name.to_lowercase()).ok_or_else(|| {
                let known: Vec<&str> = Language::all().map(|language| language.as_str()).collect();
                QueryError::Invalid(format!("--lang {name} is not known; known are {}", known.join(", ")))
            })
        };
        let source = |name: &String| {
            Source::parse(&name.to_lowercase()).ok_or_else(|| {
                QueryError::Invalid(format!("--source {name} is not known; known are commit and worktree"))
            })
        };
        Ok(Self {
            source: request.source.as_ref().map(source).transpose()?,
            kind: request.kind.clone(),
            path: request.path.as_ref().map(glob).transpose()?,
            language: request.language.as_ref().map(language).transpose()?,
        })
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

    /// Whether one item has to be picked of several.
    pub(super) fn picks(&self) -> bool {
        self.kind.is_some()
    }

    fn is_place(&self, path: &FilePath, source: Source) -> bool {
        let matches = |glob: &GlobMatcher| {
            let is_name = !glob.glob().glob().contains('/');
            let path = if is_name { path.file_name() } else { path.as_bytes() };
            glob.is_match(Path::new(OsStr::from_bytes(&composed_bytes(path))))
        };
        self.language.is_none_or(|language| language::of(path) == language)
            && self.path.as_ref().is_none_or(matches)
            && self.source.is_none_or(|wanted| wanted == source)
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
