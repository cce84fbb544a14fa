//! How much of a work tree is looked at, and what there is to be seen of it.

use std::collections::BTreeSet;

use super::Unreconciled;
use super::overlay::ViewBase;
use crate::cache::recorded::StoredView;
use crate::cache::view;
use crate::cache::{self, RepoStore};
use crate::domain::FilePath;
use crate::repo::FileSelection;
use crate::repo::registry::Registered;
use crate::repo::tree::{Recorded, TreeEntry};
use crate::repo::user_config::UserConfig;
use crate::repo::worktree::{Candidates, UNTRACKED_MAX, WorkTree, are_no_directories, unlike_head};

/// What there is to be seen of a work tree.
pub(super) enum Sight {
    /// None is followed, or nothing was checked out.
    Nothing,
    /// Every file that HEAD's move changed is what HEAD has.
    AsHead { changed: BTreeSet<FilePath> },
    Tree {
        tree: Box<WorkTree>,
        /// Those files of HEAD that are compared with, in order.
        head: Vec<TreeEntry>,
        candidates: Candidates,
        /// The files that were compared; `None`: all.
        changed: Option<BTreeSet<FilePath>>,
    },
}

/// Where more files may differ, the whole work tree is scanned.
const ONE_BY_ONE: usize = 1_000;

/// Looks at the work tree: at all of it, or at what was touched and what HEAD's move changed. After a commit that is, as a rule, what
/// HEAD has now, and is told without the index, whose size grows with the repository. `overlaid`: files that are recorded as others
/// than HEAD's.
pub(super) fn look(
    repo: &Registered,
    store: &RepoStore,
    base: &ViewBase<'_>,
    selection: &FileSelection,
    overlaid: usize,
) -> Result<Sight, Unreconciled> {
    let Some(changed) = few(repo, store, base, overlaid)? else {
        let head = StoredView::<Unreconciled>::new(store.db()).files_below(b"")?;
        let Some(mut tree) = WorkTree::open(&repo.location, &UserConfig::read(), selection)? else {
            return Ok(Sight::Nothing);
        };
        let candidates = tree.candidates(&head);
        return Ok(Sight::Tree { tree: Box::new(tree), head, candidates, changed: None });
    };
    let mut head = Vec::new();
    for path in &changed {
        let file = view::file(store.db(), path)?;
        head.extend(file.map(|file| TreeEntry { path: file.path, id: file.blob, mode: file.mode }));
    }
    let unlike = unlike_head(&repo.location, &head, &changed);
    if unlike.is_empty() {
        return Ok(Sight::AsHead { changed });
    }
    let Some(mut tree) = WorkTree::open(&repo.location, &UserConfig::read(), selection)? else {
        return Ok(Sight::Nothing);
    };
    let candidates = tree.candidates_among(&unlike, &head);
    Ok(Sight::Tree { tree: Box::new(tree), head, candidates, changed: Some(changed) })
}

/// The files that alone may differ, if that is known and they are few.
fn few(
    repo: &Registered,
    store: &RepoStore,
    base: &ViewBase<'_>,
    overlaid: usize,
) -> Result<Option<BTreeSet<FilePath>>, Unreconciled> {
    let Some(touched) = &base.touched else { return Ok(None) };
    let changes = &base.comparison.diff.changes;
    if changes.len() > ONE_BY_ONE || touched.len() > ONE_BY_ONE {
        return Ok(None);
    }
    // Which files there may be at all is decided over all of them; so is what a list of patterns says.
    let is_rule = |path: &FilePath| matches!(path.file_name(), b".gitignore" | b".gitattributes");
    if !touched.is_empty()
        && (overlaid + touched.len() > UNTRACKED_MAX
            || touched.iter().any(is_rule)
            || cache::metadata(store.db(), cache::OVERLAY_NOTE)?.is_some_and(|note| !note.is_empty())
            || !are_no_directories(&repo.location, touched))
    {
        return Ok(None);
    }
    let recorded = StoredView::<Unreconciled>::new(store.db());
    for path in touched {
        // A directory that went away is told as one path.
        if !recorded.files_below(path.as_bytes())?.is_empty() {
            return Ok(None);
        }
    }
    let of_head = changes.iter().flat_map(|change| change.change.paths());
    Ok(Some(touched.iter().chain(of_head).cloned().collect()))
}

/// Why not all of a work tree is followed; empty: it is.
pub(super) fn note(candidates: &Candidates) -> String {
    if let Some(path) = &candidates.unread_rules {
        return format!(
            "{} is too large to be read as a list of what is ignored; no untracked file is indexed: make it smaller",
            path.display()
        );
    }
    if !candidates.too_many_untracked {
        return String::new();
    }
    format!(
        "it has more than {UNTRACKED_MAX} files that are neither tracked nor ignored; none of them is indexed: ignore what is built \
         or downloaded"
    )
}
