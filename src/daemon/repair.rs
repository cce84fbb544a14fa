//! Whether objects of a repository that could not be read can be read now.

use crate::cache::{self, RepoStore, store_dir, view};
use crate::config::Config;
use crate::repo::registry::Registered;
use crate::repo::{Repo, TreeEntry};
use crate::store::StoreError;

/// Files that are tried: damage is repaired as a whole, as a rule.
const TRIED: usize = 100;

/// Whether one of the files that were skipped for their objects can be read now. A store that cannot be read has none.
pub(super) fn is_readable_again(config: &Config, repo: &Registered, git: &Repo) -> bool {
    try_is_readable_again(config, repo, git).unwrap_or_else(|error| {
        tracing::debug!(repo = %repo.id, %error, "its store cannot be looked into");
        false
    })
}

fn try_is_readable_again(config: &Config, repo: &Registered, git: &Repo) -> Result<bool, StoreError> {
    let Some(store) = RepoStore::open_reader(&repo.id, store_dir(config, repo))? else { return Ok(false) };
    if cache::counter(store.db(), cache::UNREAD)? == 0 {
        return Ok(false);
    }
    let entries = view::unread(store.db(), TRIED)?.into_iter();
    let mut entries = entries.map(|file| TreeEntry { path: file.path, id: file.blob, mode: file.mode });
    Ok(entries.any(|entry| git.why_unreadable(&entry).is_none()))
}
