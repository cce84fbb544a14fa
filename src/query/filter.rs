//! What of the chunks a search looks at.

use globset::{GlobBuilder, GlobMatcher};
use rusqlite::Connection;
use serde::{Deserialize, Serialize};

use super::QueryError;
use crate::cache::chunks::ChunkRecord;
use crate::cache::view;
use crate::domain::Source;
use crate::outline;
use crate::store::Result as StoreResult;

/// What hits have to be; nothing said, anything.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Filter {
    /// Entity type, e.g. `function`.
    pub kind: Option<String>,
    /// A glob over paths in the repository. Without a `/` it is one over file names.
    pub path: Option<String>,
    /// A language, e.g. `rust`.
    pub lang: Option<String>,
    /// `commit` or `worktree`.
    pub source: Option<String>,
}

/// A filter that was read.
pub struct CompiledFilter {
    kind: Option<String>,
    path: Option<GlobMatcher>,
    lang: Option<String>,
    source: Option<Source>,
}

impl Filter {
    /// # Errors
    /// If the glob or the source is none.
    pub fn compile(&self) -> Result<CompiledFilter, QueryError> {
        let source = |text: &String| {
            Source::parse(text)
                .ok_or_else(|| QueryError::Invalid(format!("there is no source {text}; it is commit or worktree")))
        };
        Ok(CompiledFilter {
            kind: self.kind.clone(),
            path: self.path.as_deref().map(glob).transpose()?,
            lang: self.lang.as_ref().map(|lang| lang.to_lowercase()),
            source: self.source.as_ref().map(source).transpose()?,
        })
    }
}

fn glob(pattern: &str) -> Result<GlobMatcher, QueryError> {
    let whole = match pattern.strip_prefix("./").unwrap_or(pattern) {
        path if path.contains('/') || path != pattern => path.to_owned(),
        name => format!("**/{name}"),
    };
    GlobBuilder::new(&whole).literal_separator(true).build().map(|glob| glob.compile_matcher()).map_err(|error| {
        QueryError::Invalid(format!("{pattern} is no glob over paths: {error}; an example is src/**/*.rs"))
    })
}

impl CompiledFilter {
    /// True if everything passes.
    pub fn is_open(&self) -> bool {
        self.kind.is_none() && self.path.is_none() && self.lang.is_none() && self.source.is_none()
    }

    /// True if a chunk of the view in this database is what is looked for.
    ///
    /// # Errors
    /// If the database cannot be read.
    pub fn passes(&self, db: &Connection, chunk: &ChunkRecord) -> StoreResult<bool> {
        if !self.passes_by_itself(chunk) {
            return Ok(false);
        }
        match self.source {
            Some(source) => Ok(view::source(db, &chunk.path)? == Some(source)),
            None => Ok(true),
        }
    }

    fn passes_by_itself(&self, chunk: &ChunkRecord) -> bool {
        let is_kind = self.kind.as_ref().is_none_or(|kind| chunk.entity_type == *kind);
        let is_there = || self.path.as_ref().is_none_or(|glob| glob.is_match(chunk.path.to_string()));
        let is_lang =
            || self.lang.as_ref().is_none_or(|lang| outline::language_of(&chunk.path).as_str() == lang.as_str());
        is_kind && is_there() && is_lang()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::{FilePath, Hash};

    fn passes(filter: Filter, path: &str) -> bool {
        let chunk = ChunkRecord {
            chunk_id: String::new(),
            path: FilePath::from(path),
            chunk_hash: Hash::of(b""),
            entity_type: "function".into(),
            entity_name: String::new(),
            start_line: 1,
            end_line: 1,
        };
        filter.compile().unwrap().passes_by_itself(&chunk)
    }

    #[test]
    fn a_glob_is_over_the_path_or_without_a_slash_over_the_name() {
        let path = |glob: &str| Filter { path: Some(glob.into()), ..Filter::default() };
        assert!(passes(path("*.rs"), "src/a/b.rs") && passes(path("src/**/*.rs"), "src/b.rs"));
        assert!(passes(path("./src/*.rs"), "src/b.rs"));
        assert!(!passes(path("src/*.rs"), "src/a/b.rs") && !passes(path("*.md"), "src/a/b.rs"));
        assert!(path("[").compile().is_err());
    }

    #[test]
    fn kind_and_language_have_to_be_as_said() {
        let lang = |lang: &str| Filter { lang: Some(lang.into()), ..Filter::default() };
        assert!(passes(lang("Rust"), "a.rs") && !passes(lang("rust"), "a.py"));
        assert!(!passes(Filter { kind: Some("struct".into()), ..Filter::default() }, "a.rs"));
        assert!(Filter { source: Some("head".into()), ..Filter::default() }.compile().is_err());
    }
}
