//! The overlay against the work tree as it is on the disk now.

use std::collections::BTreeMap;

use super::super::{QueryError, Reader};
use super::expected::Expected;
use crate::domain::{FilePath, ObjectId, SkipReason};
use crate::repo::registry::Registered;
use crate::repo::user_config::UserConfig;
use crate::repo::worktree::{Committable, WorkTree};
use crate::repo::{FileSelection, Head, RecordedView, Repo, RepoError, TreeEntry};

/// What became of a file of the work tree: another content (`None`: too large to be read), or gone.
#[derive(PartialEq, Eq)]
enum Saved {
    Content(Option<ObjectId>),
    Gone,
}

/// What the overlay does not have as the work tree has it: a file may have been saved since the last scan.
pub(super) fn note(
    reader: &Reader<'_>,
    repo: &Registered,
    git: &Repo,
    head: &Head,
    selection: &FileSelection,
    expected: &Expected,
) -> Result<Option<String>, QueryError> {
    let is_followed = reader.config.for_repo(&repo.location.path).watch.tree;
    let on_disk = match on_disk(repo, git, head, selection) {
        Ok(on_disk) if is_followed => on_disk,
        Ok(_) => BTreeMap::new(),
        // `status` tells why it is not followed.
        Err(RepoError::WorkTree { .. }) => return Ok(None),
        Err(error) => return Err(error.into()),
    };
    let recorded = expected.overlay.iter().map(|(path, file)| {
        let saved = match file.skip {
            Some(SkipReason::Deleted) => Saved::Gone,
            Some(SkipReason::Huge) => Saved::Content(None),
            _ => Saved::Content(Some(file.blob.clone())),
        };
        (path.clone(), saved)
    });
    let recorded: BTreeMap<FilePath, Saved> = recorded.collect();
    let differs = |path: &&FilePath| recorded.get(*path) != on_disk.get(*path);
    let mut differing: Vec<&FilePath> = recorded.keys().chain(on_disk.keys()).filter(differs).collect();
    differing.dedup();
    Ok(differing.first().map(|first| {
        format!("the work tree changed since the last scan (e.g. {first}); compared with the recorded state")
    }))
}

fn on_disk(
    repo: &Registered,
    git: &Repo,
    head: &Head,
    selection: &FileSelection,
) -> Result<BTreeMap<FilePath, Saved>, RepoError> {
    let diff = git.diff(&RecordedView::default(), head.tree.as_ref())?;
    let mut view: Vec<TreeEntry> = diff.changes.into_iter().filter_map(|change| change.new).collect();
    view.sort_by(|a, b| a.path.cmp(&b.path));
    let user = UserConfig::read();
    let Some(mut tree) = WorkTree::open(&repo.location, &user, selection)? else { return Ok(BTreeMap::new()) };
    let mut found = BTreeMap::new();
    for candidate in tree.candidates(&view).files {
        let path = candidate.path;
        let committed = view.binary_search_by(|entry| entry.path.cmp(&path)).ok().map(|at| &view[at]);
        let saved = match tree.read(&path) {
            Ok(Committable::Content { id, .. }) if committed.is_some_and(|entry| entry.id == id) => continue,
            Ok(Committable::Content { id, .. }) => Saved::Content(Some(id)),
            Ok(Committable::TooLarge(_)) => Saved::Content(None),
            Ok(Committable::NoFile) if committed.is_some() => Saved::Gone,
            Ok(Committable::NoFile) | Err(_) => continue,
        };
        found.insert(path, saved);
    }
    Ok(found)
}
