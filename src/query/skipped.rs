//! What of a repository is not indexed, why, and what brings it back.

use super::view::repos::NONE_REGISTERED;
use super::view::shown;
use super::view::skipped::{SkippedFile, SkippedRepo, SkippedView};
use super::{QueryError, Reader};
use crate::cache::view;
use crate::domain::SkipReason;
use crate::repo::FileSelection;
use crate::repo::registry::Registered;
use crate::repo::user_config::UserConfig;
use crate::repo::worktree::WorkTree;

/// The files of one repository, or of all, that are left out.
///
/// # Errors
/// If the repository is not registered, or a store cannot be read.
pub fn skipped(reader: &Reader<'_>, named: Option<&str>) -> Result<SkippedView, QueryError> {
    let repos = match named {
        Some(named) => vec![reader.repo(named)?],
        None => reader.repos()?,
    };
    let why_empty = repos.is_empty().then(|| NONE_REGISTERED.to_owned());
    let repos = repos.iter().map(|repo| of_repo(reader, repo)).collect::<Result<_, _>>()?;
    Ok(SkippedView { repos, why_empty })
}

fn of_repo(reader: &Reader<'_>, repo: &Registered) -> Result<SkippedRepo, QueryError> {
    let config = reader.config.for_repo(&repo.location.path);
    let selection = FileSelection::new(&config).map_err(|error| QueryError::Failed(error.to_string()))?;
    let present = match reader.store(repo)? {
        Some(store) => view::present_files(store.db())?,
        None => Vec::new(),
    };
    let left_out = present.iter().filter_map(|file| Some((&file.path, file.skip?)));
    let left_out = left_out.filter(|(_, reason)| *reason != SkipReason::Deleted);
    let mut files: Vec<SkippedFile> =
        left_out.map(|(path, reason)| SkippedFile::new(path, reason, &selection)).collect();
    // `status` reports why a work tree cannot be followed.
    if let (true, Ok(Some(mut tree))) =
        (config.watch.tree, WorkTree::open(&repo.location, &UserConfig::read(), &selection))
    {
        let passed = tree.passed_over();
        files.extend(passed.iter().map(|(path, reason)| SkippedFile::new(path, *reason, tree.selection())));
    }
    Ok(SkippedRepo { repo: shown(&repo.location.path), id: repo.id.0.clone(), files })
}
