//! Which chunks may be hits at all.

use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt;
use std::path::Path;

use globset::{GlobBuilder, GlobMatcher};

use super::QueryError;
use super::candidates::CANDIDATES;
use super::search::SearchRequest;
use crate::cache::chunks::ChunkRecord;
use crate::domain::{Language, Source};
use crate::language;

/// So many times as many candidates are read where a filter drops most of them.
const FILTERED: usize = 5;

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
            let built = GlobBuilder::new(glob).literal_separator(true).build();
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

    pub(super) fn wants(&self, chunk: &ChunkRecord, source: Source) -> bool {
        let path = |glob: &GlobMatcher| {
            let is_name = !glob.glob().glob().contains('/');
            let path = if is_name { chunk.path.file_name() } else { chunk.path.as_bytes() };
            glob.is_match(Path::new(OsStr::from_bytes(path)))
        };
        self.kind.as_ref().is_none_or(|kind| chunk.entity_type == *kind)
            && self.language.is_none_or(|language| language::of(&chunk.path) == language)
            && self.path.as_ref().is_none_or(path)
            && self.source.is_none_or(|wanted| wanted == source)
    }

    /// Candidates of a kind to read.
    pub(super) fn depth(&self) -> usize {
        // HEAD has nearly all files.
        let is_open = self.kind.is_none()
            && self.path.is_none()
            && self.language.is_none()
            && self.source != Some(Source::Worktree);
        if is_open { CANDIDATES } else { CANDIDATES * FILTERED }
    }
}
