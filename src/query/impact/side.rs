//! One state of a repository's files, with what they say and use: a commit, or the work tree.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::sync::Arc;

use super::super::QueryError;
use crate::cache::RepoStore;
use crate::cache::edges::Relation;
use crate::cache::{implementations, outlines, view};
use crate::domain::{Change, Edge, FilePath, Hash, Implements, ObjectId, SkipReason};
use crate::impact::{Side, World};
use crate::outline::{self, LazyOutline, Outline, StoredOutline};
use crate::repo::registry::Registered;
use crate::repo::user_config::UserConfig;
use crate::repo::worktree::{Committable, WorkTree};
use crate::repo::{Content, FileSelection, LocationKind, Repo, RepoError, TreeEntry, content, in_parallel};

/// What is read of the repository.
pub(super) struct ReadFrom<'a> {
    pub repo: &'a Registered,
    pub git: &'a Repo,
    pub selection: &'a FileSelection,
    pub store: Option<&'a RepoStore>,
}

/// A file that the work tree has otherwise than HEAD.
pub(super) struct SavedFile {
    /// Its object, were it committed; `None`: it is gone.
    blob: Option<ObjectId>,
    /// Or why it is nothing that is indexed.
    text: Result<String, SkipReason>,
    /// Its text still has both sides of a merge.
    is_in_conflict: bool,
}

/// What the work tree has otherwise than HEAD.
pub(super) type SavedFiles = BTreeMap<FilePath, SavedFile>;

/// Outlines by the objects that they are of.
pub(super) type OutlinesById = HashMap<ObjectId, StoredOutline>;

/// The files of one state.
pub(super) struct FilesAt {
    entries: BTreeMap<FilePath, TreeEntry>,
    saved: SavedFiles,
    outlines: BTreeMap<FilePath, LazyOutline>,
}

impl FilesAt {
    /// `saved`: lies on top of the entries.
    pub fn new(entries: &[TreeEntry], saved: SavedFiles, known: &OutlinesById) -> Self {
        let entries: BTreeMap<FilePath, TreeEntry> =
            entries.iter().map(|entry| (entry.path.clone(), entry.clone())).collect();
        let outline = |entry: &TreeEntry| LazyOutline::new(known.get(&entry.id).cloned().unwrap_or_default());
        let mut outlines: BTreeMap<FilePath, LazyOutline> =
            entries.iter().map(|(path, entry)| (path.clone(), outline(entry))).collect();
        for (path, file) in &saved {
            if file.blob.is_none() {
                outlines.remove(path);
                continue;
            }
            let text = file.text.as_deref().ok();
            let outline = text.map(|text| outline::outline(outline::language_of(path), text).0).unwrap_or_default();
            outlines.insert(path.clone(), LazyOutline::of(&Arc::new(outline)));
        }
        Self { entries, saved, outlines }
    }

    pub fn outline(&self, path: &FilePath) -> Option<&Outline> {
        self.outlines.get(path).map(|lazy| lazy.get().as_ref())
    }

    pub fn outlines(&self) -> impl Iterator<Item = (&FilePath, &Arc<Outline>)> {
        self.outlines.iter().map(|(path, lazy)| (path, lazy.get()))
    }

    fn stored(&self) -> impl Iterator<Item = (&FilePath, &StoredOutline)> {
        self.outlines.iter().map(|(path, lazy)| (path, lazy.stored()))
    }

    /// A file's text; `None`: it is not there, or not indexed.
    pub fn text(&self, source: &ReadFrom<'_>, path: &FilePath) -> Option<String> {
        if let Some(saved) = self.saved.get(path) {
            return saved.text.clone().ok();
        }
        match content(source.git, self.entries.get(path)?, source.selection) {
            Ok(Content::Text(text)) => Some(text),
            Ok(Content::Skipped { .. }) | Err(_) => None,
        }
    }

    /// Why a file that is there is not read, so that nothing is known of it.
    pub fn left_out(&self, source: &ReadFrom<'_>, path: &FilePath) -> Option<SkipReason> {
        let outline = self.outline(path)?;
        if let Some(reason) = source.selection.skip_by_name(path) {
            return Some(reason);
        }
        // What declares something was read.
        if !outline.symbols().is_empty() {
            return None;
        }
        if let Some(saved) = self.saved.get(path) {
            return saved.text.as_ref().err().copied();
        }
        match content(source.git, self.entries.get(path)?, source.selection) {
            Ok(Content::Skipped { reason, .. }) => Some(reason),
            Ok(Content::Text(_)) | Err(_) => None,
        }
    }
}

/// Who uses what in one state.
#[derive(Clone, Default)]
pub(super) struct UsesAt {
    pub edges: Vec<Edge>,
    /// Through re-exports.
    pub via: Vec<Edge>,
    pub deps_hashes: BTreeMap<FilePath, Hash>,
    pub implements: Vec<Implements>,
}

impl UsesAt {
    pub fn of(files: &FilesAt) -> Self {
        let world = World::new(files.stored());
        let graph = world.graph();
        Self {
            edges: graph.edges().to_vec(),
            via: graph.via().to_vec(),
            deps_hashes: graph.deps_hashes(),
            implements: world.implements(None),
        }
    }

    /// As it is recorded of HEAD.
    ///
    /// # Errors
    /// If the store cannot be read.
    pub fn recorded(store: &RepoStore) -> Result<Self, QueryError> {
        let db = store.db();
        let (edges, via) = (Relation::Uses.all(db)?, Relation::Through.all(db)?);
        Ok(Self { edges, via, deps_hashes: BTreeMap::new(), implements: implementations::all(db)? })
    }

    /// One of the two views that are compared; `outline` is asked for changed files alone.
    pub fn side<'a>(&'a self, outline: &'a dyn Fn(&FilePath) -> Option<&'a Outline>) -> Side<'a> {
        Side { outline, edges: &self.edges, via: &self.via, deps_hashes: &self.deps_hashes }
    }
}

/// What the work tree has otherwise than the entries of HEAD.
///
/// # Errors
/// If there is no work tree, or it cannot be read.
pub(super) fn saved(source: &ReadFrom<'_>, head: &[TreeEntry]) -> Result<SavedFiles, QueryError> {
    let mut head: Vec<TreeEntry> = head.to_vec();
    head.sort_by(|one, other| one.path.cmp(&other.path));
    let opened = WorkTree::open(&source.repo.location, &UserConfig::read(), source.selection)?;
    let Some(mut tree) = opened else {
        let path = source.repo.location.path.display();
        return Err(QueryError::Invalid(match source.repo.location.kind {
            LocationKind::Bare => format!("{path} has no work tree; leave --worktree out"),
            _ => format!("nothing is checked out in {path} (`git checkout` does that); leave --worktree out"),
        }));
    };
    let mut saved = SavedFiles::new();
    for candidate in tree.candidates(&head).files {
        let path = candidate.path;
        let committed = head.binary_search_by(|entry| entry.path.cmp(&path)).ok().map(|at| &head[at]);
        let file = match tree.read(&path) {
            Ok(Committable::Content { id, .. }) if committed.is_some_and(|entry| entry.id == id) => continue,
            Ok(Committable::Content { id, bytes, .. }) => {
                let text = source.selection.text(&path, bytes);
                let is_in_conflict = text.as_ref().is_ok_and(|text| tree.has_both_sides(&path, text));
                SavedFile { blob: Some(id), text, is_in_conflict }
            }
            Ok(Committable::TooLarge(_)) => {
                SavedFile { blob: Some(ObjectId(Vec::new())), text: Err(SkipReason::Huge), is_in_conflict: false }
            }
            Ok(Committable::NoFile) if committed.is_some() => {
                SavedFile { blob: None, text: Err(SkipReason::Deleted), is_in_conflict: false }
            }
            // What may not be read is taken for what it was.
            Ok(Committable::NoFile) | Err(_) => continue,
        };
        saved.insert(path, file);
    }
    Ok(saved)
}

/// The files whose text still has both sides of a merge.
pub(super) fn in_conflict(saved: &SavedFiles) -> Vec<FilePath> {
    saved.iter().filter(|(_, file)| file.is_in_conflict).map(|(path, _)| path.clone()).collect()
}

/// The changes of a range that ends at the work tree: those up to HEAD, with what is saved in the place of what HEAD has.
pub(super) fn with_saved(changes: Vec<Change>, before: &[TreeEntry], saved: &SavedFiles) -> Vec<Change> {
    let before: HashMap<&FilePath, &ObjectId> = before.iter().map(|entry| (&entry.path, &entry.id)).collect();
    let mut all = Vec::new();
    for change in changes {
        match change {
            // A file that moved and was saved again is another one.
            Change::Rename { from, path } if saved.contains_key(&path) => all.push(Change::Deletion { path: from }),
            change if saved.contains_key(change.path()) => {}
            change => all.push(change),
        }
    }
    for (path, file) in saved {
        let (path, was) = (path.clone(), before.get(path).copied());
        match (was, &file.blob) {
            (Some(was), Some(now)) if was == now => {}
            (Some(_), Some(_)) => all.push(Change::Modification { path }),
            (None, Some(_)) => all.push(Change::Addition { path }),
            (Some(_), None) => all.push(Change::Deletion { path }),
            (None, None) => {}
        }
    }
    all.sort_by(|one, other| one.path().cmp(other.path()));
    all
}

/// The outlines of all blobs among some entries: from the store where it has them, else made.
///
/// # Errors
/// If the store or the repository cannot be read.
pub(super) fn outlines_of<'a>(
    source: &ReadFrom<'_>,
    entries: impl Iterator<Item = &'a TreeEntry>,
) -> Result<OutlinesById, QueryError> {
    let mut known = HashMap::new();
    if let Some(store) = source.store {
        let blobs: HashMap<FilePath, ObjectId> =
            view::files(store.db())?.into_iter().map(|file| (file.path, file.blob)).collect();
        let stored = outlines::all(store.db())?.into_iter().filter(|(_, stored)| !stored.is_silent());
        known.extend(stored.filter_map(|(path, stored)| Some((blobs.get(&path)?.clone(), stored))));
    }
    let mut seen: HashSet<&ObjectId> = HashSet::new();
    let missing: Vec<&TreeEntry> =
        entries.filter(|entry| !known.contains_key(&entry.id) && seen.insert(&entry.id)).collect();
    let selection = source.selection;
    let outline = |git: &Repo, entry: &&TreeEntry| Ok((entry.id.clone(), (&outline_at(git, entry, selection)?).into()));
    let made: Result<Vec<(ObjectId, StoredOutline)>, RepoError> = in_parallel(None, source.git, &missing, outline);
    known.extend(made?);
    Ok(known)
}

fn outline_at(git: &Repo, entry: &TreeEntry, selection: &FileSelection) -> Result<Outline, RepoError> {
    match content(git, entry, selection)? {
        Content::Text(text) => Ok(outline::outline(outline::language_of(&entry.path), &text).0),
        Content::Skipped { .. } => Ok(Outline::default()),
    }
}
