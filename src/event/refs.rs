//! The paths by which HEAD can move: which directories below a git directory are watched, and which names in them count.

use std::path::{Path, PathBuf};

use crate::repo::Location;

/// Directories of branches that are watched per repository. Beyond it the reflog of HEAD and the timer serve.
const MAX_BRANCH_DIRS: usize = 256;

/// What a watched directory is to a repository.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Role {
    /// Of the work tree: HEAD, and what holds work back while it is there.
    GitDir,
    /// Reflogs of the work tree: HEAD's changes with every commit, on whatever branch.
    Logs,
    /// Of the repository: packed references.
    CommonDir,
    /// Branches, at any depth.
    Branches,
}

/// The directories to watch for a repository, those that exist.
pub(super) fn directories(location: &Location) -> Vec<(PathBuf, Role)> {
    let mut found = vec![
        (location.git_dir.clone(), Role::GitDir),
        (location.git_dir.join("logs"), Role::Logs),
        (location.common_dir.clone(), Role::CommonDir),
    ];
    found.retain(|(dir, _)| dir.is_dir());
    let heads = location.common_dir.join("refs/heads");
    found.extend(directories_at_and_below(&heads).into_iter().map(|dir| (dir, Role::Branches)));
    found
}

/// A directory and those below it, symbolic links not followed, at most as many as are watched.
pub(super) fn directories_at_and_below(top: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    let mut open = if top.is_dir() { vec![top.to_owned()] } else { Vec::new() };
    while let Some(dir) = open.pop() {
        if found.len() >= MAX_BRANCH_DIRS {
            break;
        }
        if let Ok(entries) = std::fs::read_dir(&dir) {
            let is_dir = |entry: &std::fs::DirEntry| entry.file_type().is_ok_and(|kind| kind.is_dir());
            open.extend(entries.flatten().filter(is_dir).map(|entry| entry.path()));
        }
        found.push(dir);
    }
    found
}

/// Whether a change of that name in a directory of that role can mean that HEAD moved, or that what held work back is over.
///
/// Git writes `NAME.lock` and renames it, so the lock files themselves mean nothing; the index changes with every `git status`, and
/// FETCH_HEAD with every fetch. What `gc` changes counts (packed references, reflogs), and costs a comparison of two ids.
pub(super) fn is_relevant(role: Role, name: &str) -> bool {
    match role {
        Role::GitDir => matches!(
            name,
            "HEAD"
                | "ORIG_HEAD"
                | "logs"
                | "MERGE_HEAD"
                | "CHERRY_PICK_HEAD"
                | "REVERT_HEAD"
                | "rebase-merge"
                | "rebase-apply"
        ),
        Role::Logs => name == "HEAD",
        Role::CommonDir => name == "packed-refs",
        Role::Branches => !name.ends_with(".lock"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_moves_head_counts_and_what_reads_do_does_not() {
        for (role, name) in [
            (Role::GitDir, "HEAD"),
            (Role::GitDir, "rebase-merge"),
            (Role::Logs, "HEAD"),
            (Role::CommonDir, "packed-refs"),
            (Role::Branches, "main"),
        ] {
            assert!(is_relevant(role, name), "{role:?} {name}");
        }
        for (role, name) in [
            (Role::GitDir, "index"),
            (Role::GitDir, "index.lock"),
            (Role::GitDir, "HEAD.lock"),
            (Role::GitDir, "FETCH_HEAD"),
            (Role::GitDir, "COMMIT_EDITMSG"),
            (Role::GitDir, "config"),
            (Role::Logs, "refs"),
            (Role::CommonDir, "HEAD"),
            (Role::CommonDir, "packed-refs.lock"),
            (Role::Branches, "main.lock"),
        ] {
            assert!(!is_relevant(role, name), "{role:?} {name}");
        }
    }
}
