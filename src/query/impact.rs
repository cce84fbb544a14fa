//! Which files use what a range of commits changed, and which file depends on which.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::sync::Arc;

use super::suggest::file_named;
use super::{QueryError, Reader};
use crate::cache::RepoStore;
use crate::cache::edges::Relation;
use crate::cache::{outlines, view};
use crate::domain::{Change, Edge, FilePath, FileRecord, Hash, ObjectId};
use crate::impact::{self, Graph, Impact, Side};
use crate::language;
use crate::outline::{self, Outline};
use crate::repo::registry::Registered;
use crate::repo::{
    Content, FileSelection, Head, OwnModules, RecordedView, Repo, RepoError, TreeEntry, content, in_parallel,
};

/// What a range of commits changes and touches.
pub struct RangeImpact {
    pub from: Head,
    pub to: Head,
    pub changes: Vec<Change>,
    pub impact: Impact,
    /// Files that load modules by names that are computed, where any changed: they may be dependents, too.
    pub may_depend: Vec<MayDepend>,
}

/// Impact of `from..to` (`None`: the last commit, `HEAD~1..HEAD`), worked out from the two trees; nothing is written.
///
/// # Errors
/// If the range is malformed or names commits that are not there, or the repository cannot be read.
pub fn range(reader: &Reader<'_>, repo: &Registered, range: Option<&str>) -> Result<RangeImpact, QueryError> {
    let git = Repo::open(&repo.location)?;
    let (from, to) = ends(&git, range)?;
    let selection = FileSelection::new(&reader.config.for_repo(&repo.location.path))
        .map_err(|error| QueryError::Invalid(error.to_string()))?;

    let mut view = RecordedView::default();
    let first = git.diff(&view, from.tree.as_ref())?;
    view.apply(&first);
    let before: Vec<TreeEntry> = view.files().collect();
    let diff = git.diff(&view, to.tree.as_ref())?;
    view.apply(&diff);
    let after: Vec<TreeEntry> = view.files().collect();

    let store = reader.store(repo)?;
    let selection = selection.with_own(OwnModules::among(after.iter().map(|entry| entry.path.as_bytes())));
    let outlines = outlines_of(&git, store.as_ref(), before.iter().chain(&after), &selection)?;
    let empty = Arc::new(Outline::default());
    let outline_of = |entry: &TreeEntry| outlines.get(&entry.id).unwrap_or(&empty);
    let before: HashMap<&FilePath, &Arc<Outline>> =
        before.iter().map(|entry| (&entry.path, outline_of(entry))).collect();
    let after: HashMap<&FilePath, &Arc<Outline>> = after.iter().map(|entry| (&entry.path, outline_of(entry))).collect();
    let graph = |side: &HashMap<&FilePath, &Arc<Outline>>| {
        impact::resolve(side.iter().map(|(&path, &outline)| (path, outline)))
    };
    let (graph_before, graph_after) = (graph(&before), graph(&after));
    let changes: Vec<Change> = diff.changes.into_iter().map(|change| change.change).collect();
    let impact = impact::impact(
        &changes,
        &side(&graph_before, &|path| before.get(path).map(|outline| outline.as_ref()), &graph_before.deps_hashes()),
        &side(&graph_after, &|path| after.get(path).map(|outline| outline.as_ref()), &graph_after.deps_hashes()),
    );
    let may_depend = may_load(&changes, &impact, &after);
    Ok(RangeImpact { from, to, changes, impact, may_depend })
}

/// Where files that are not concerned load modules of a changed file's family by computed names.
fn may_load(changes: &[Change], impact: &Impact, after: &HashMap<&FilePath, &Arc<Outline>>) -> Vec<MayDepend> {
    let family = |path: &FilePath| language::of(path).spec().family.map(|family| family.name);
    let changed: HashSet<&FilePath> = changes.iter().map(Change::path).collect();
    let families: HashSet<&str> = changed.iter().filter_map(|path| family(path)).collect();
    let is_open = |path: &FilePath| {
        let is_known = changed.contains(path) || impact.dependents.contains_key(path);
        !is_known && family(path).is_some_and(|family| families.contains(family))
    };
    let mut found = Vec::new();
    for (&path, outline) in after.iter().filter(|(path, _)| is_open(path)) {
        let loads = outline.dynamics().filter(|(_, written)| written.contains("import") || written.contains("require"));
        found.extend(loads.map(|(line, written)| MayDepend { file: path.clone(), line, written: written.to_owned() }));
    }
    found.sort();
    found
}

fn side<'a>(
    graph: &'a Graph,
    outline: &'a dyn Fn(&FilePath) -> Option<&'a Outline>,
    deps_hashes: &'a BTreeMap<FilePath, Hash>,
) -> Side<'a> {
    Side { outline, edges: graph.edges(), via: graph.via(), deps_hashes }
}

fn ends(git: &Repo, range: Option<&str>) -> Result<(Head, Head), QueryError> {
    match range {
        // The first commit of a history has nothing before it.
        None => Ok((git.rev("HEAD~1").unwrap_or_default(), git.head()?)),
        Some(range) => {
            let parts =
                range.split_once("..").filter(|(from, to)| !(to.starts_with('.') || from.is_empty() && to.is_empty()));
            let (from, to) = parts.ok_or_else(|| {
                QueryError::Invalid(format!(
                    "{range} is not a range of commits; write it as FROM..TO, e.g. HEAD~3..HEAD"
                ))
            })?;
            let end = |spec: &str| git.rev(if spec.is_empty() { "HEAD" } else { spec });
            Ok((end(from)?, end(to)?))
        }
    }
}

/// The outlines of all blobs among some entries: from the store where it has them, else made.
fn outlines_of<'a>(
    git: &Repo,
    store: Option<&RepoStore>,
    entries: impl Iterator<Item = &'a TreeEntry>,
    selection: &FileSelection,
) -> Result<HashMap<ObjectId, Arc<Outline>>, QueryError> {
    let mut known = HashMap::new();
    if let Some(store) = store {
        let blobs: HashMap<FilePath, ObjectId> =
            view::files(store.db())?.into_iter().map(|file| (file.path, file.blob)).collect();
        let unpacked = |(path, packed): (FilePath, Option<Vec<u8>>)| {
            Some((blobs.get(&path)?.clone(), Arc::new(outlines::unpack(&packed?)?)))
        };
        known.extend(outlines::packed(store.db())?.into_iter().filter_map(unpacked));
    }
    let mut seen: HashSet<&ObjectId> = HashSet::new();
    let missing: Vec<&TreeEntry> =
        entries.filter(|entry| !known.contains_key(&entry.id) && seen.insert(&entry.id)).collect();
    let outline = |git: &Repo, entry: &&TreeEntry| Ok((entry.id.clone(), Arc::new(outline_at(git, entry, selection)?)));
    let made: Result<Vec<(ObjectId, Arc<Outline>)>, RepoError> = in_parallel(None, git, &missing, outline);
    known.extend(made?);
    Ok(known)
}

fn outline_at(git: &Repo, entry: &TreeEntry, selection: &FileSelection) -> Result<Outline, RepoError> {
    match content(git, entry, selection)? {
        Content::Text(text) => Ok(outline::outline(outline::language_of(&entry.path), &text).0),
        Content::Skipped { .. } => Ok(Outline::default()),
    }
}

/// The recorded edges of a repository (`file`: those at either end of which that file is).
///
/// # Errors
/// If the file is not in the view, or the store cannot be read.
pub fn edges(reader: &Reader<'_>, repo: &Registered, file: Option<&FilePath>) -> Result<FileEdges, QueryError> {
    let Some(store) = reader.store(repo)? else { return Ok(FileEdges { file: None, edges: Vec::new() }) };
    let file = file.map(|file| file_named(&store, file, &repo.location.path.display().to_string())).transpose()?;
    let mut edges = Relation::Uses.all(store.db())?;
    if let Some(FileRecord { path, .. }) = &file {
        edges.retain(|edge| edge.source_file == *path || edge.dependent_file == *path);
    }
    Ok(FileEdges { file, edges })
}

/// The edges of a repository, or of the file that was named.
pub struct FileEdges {
    pub file: Option<FileRecord>,
    pub edges: Vec<Edge>,
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
    for (path, packed) in outlines::packed(store.db())? {
        if file.is_some_and(|file| *file != path) {
            continue;
        }
        let Some(outline) = packed.and_then(|packed| outlines::unpack(&packed)) else { continue };
        found.extend(outline.dynamics().map(|(line, written)| MayDepend {
            file: path.clone(),
            line,
            written: written.to_owned(),
        }));
    }
    Ok(found)
}
