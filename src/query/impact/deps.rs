//! The recorded edges, links and open places of a repository, or of one file.

use std::collections::BTreeMap;

use super::super::suggest::file_named;
use super::super::{QueryError, Reader};
use crate::cache::edges::Relation;
use crate::cache::{implementations, outlines};
use crate::domain::{Edge, FilePath, FileRecord, Implements};
use crate::impact::{UnusedExport, World};
use crate::outline::StoredOutline;
use crate::repo::registry::Registered;

/// The recorded edges of a repository (`file`: those at either end of which that file is).
///
/// # Errors
/// If the file is not in the view, or the store cannot be read.
pub fn edges(reader: &Reader<'_>, repo: &Registered, file: Option<&FilePath>) -> Result<FileEdges, QueryError> {
    let Some(store) = reader.store(repo)? else { return Ok(FileEdges::default()) };
    let file = file.map(|file| file_named(reader, repo, &store, file)).transpose()?;
    let all_links = implementations::all(store.db())?;
    let (mut edges, mut implements) = (Relation::Uses.all(store.db())?, all_links.clone());
    if let Some(FileRecord { path, .. }) = &file {
        edges.retain(|edge| edge.source_file == *path || edge.dependent_file == *path);
        implements.retain(|link| link.interface_file == *path || link.implementation_file == *path);
    }
    Ok(FileEdges { file, edges, implements, all_links })
}

/// The edges of a repository, or of the file that was named.
#[derive(Default)]
pub struct FileEdges {
    pub file: Option<FileRecord>,
    pub edges: Vec<Edge>,
    /// Which class implements which interface.
    pub implements: Vec<Implements>,
    /// Those of the whole repository: they say whether an implementation is the only one.
    pub all_links: Vec<Implements>,
}

/// A place at which a file may depend on something that reading does not show.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct MayDepend {
    pub file: FilePath,
    pub line: u32,
    pub written: String,
}

/// What cannot be known of the dependencies of a repository's files, or of one, as HEAD has them.
///
/// # Errors
/// If the store cannot be read.
pub fn may_depend(
    reader: &Reader<'_>,
    repo: &Registered,
    file: Option<&FilePath>,
) -> Result<Vec<MayDepend>, QueryError> {
    let Some(store) = reader.store(repo)? else { return Ok(Vec::new()) };
    let mut found = Vec::new();
    for (path, stored) in outlines::all(store.db())? {
        if file.is_some_and(|file| *file != path) {
            continue;
        }
        found.extend(stored.unpack_or_silence().dynamics().map(|(line, written)| MayDepend {
            file: path.clone(),
            line,
            written: written.to_owned(),
        }));
    }
    Ok(found)
}

/// The names that a repository's files export, or one of them, and no other file uses.
///
/// # Errors
/// If the store cannot be read.
pub fn unused_exports(
    reader: &Reader<'_>,
    repo: &Registered,
    file: Option<&FilePath>,
) -> Result<Vec<UnusedExport>, QueryError> {
    let Some(store) = reader.store(repo)? else { return Ok(Vec::new()) };
    let outlines: BTreeMap<FilePath, StoredOutline> = outlines::all(store.db())?.into_iter().collect();
    let mut found = World::new(&outlines).unused_exports(&Relation::Uses.all(store.db())?);
    found.retain(|one| file.is_none_or(|file| *file == one.file));
    Ok(found)
}
