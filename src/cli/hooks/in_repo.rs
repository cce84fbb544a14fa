//! A hook written into one repository, because its user asked for it. A hook that is there already is kept and chained, and comes
//! back, the same file, when ours is taken out.

use std::io;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use super::included::inbox_files;
use super::script::{EVENTS, is_ours, notify_in_repo};
use super::{HookedRepo, HooksError, asked};
use crate::file;
use crate::home::Home;

/// What was done in a repository.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct InRepo {
    pub hooks_dir: PathBuf,
    /// Hooks of the user that ours runs after itself.
    pub chained: Vec<&'static str>,
}

/// Writes our hooks into the hook directory of `repo`; `repos` are all the registered ones.
///
/// # Errors
/// If the repository takes its hooks from elsewhere (`core.hooksPath`), if an earlier chained hook is in the way, or if the directory
/// cannot be written.
pub fn install_in_repo(home: &Home, repo: &HookedRepo, repos: &[HookedRepo]) -> Result<InRepo, HooksError> {
    if let Some(hooks_path) = asked(&repo.git_dir, &["--get", "core.hooksPath"])?.filter(|path| !path.is_empty()) {
        return Err(HooksError::HooksElsewhere { repo: repo.path.clone(), hooks_path });
    }
    let hooks_dir = hooks_dir(&repo.common_dir);
    std::fs::create_dir_all(&hooks_dir).map_err(|source| HooksError::Unwritable { path: hooks_dir.clone(), source })?;
    let mut inbox_files = inbox_files(home, repos, &repo.common_dir);
    inbox_files.insert(home.inbox_file(&repo.id));
    let script = notify_in_repo(inbox_files.iter().map(PathBuf::as_path));
    let mut chained = Vec::new();
    for event in EVENTS {
        let hook = hooks_dir.join(event);
        keep_other_hook(&hook)?;
        put(&hook, &script)?;
        if chained_name(&hook).symlink_metadata().is_ok() {
            chained.push(event);
        }
    }
    Ok(InRepo { hooks_dir, chained })
}

/// Takes our hooks out of the repository with this common directory, registered or not, and brings back those that were there. What
/// is not ours is let alone.
///
/// # Errors
/// If the hook directory cannot be written.
pub fn uninstall_in_repo(common_dir: &Path) -> Result<InRepo, HooksError> {
    let hooks_dir = hooks_dir(common_dir);
    let mut back = Vec::new();
    for event in EVENTS {
        let hook = hooks_dir.join(event);
        if !holds_ours(&hook) {
            continue;
        }
        let chained = chained_name(&hook);
        let result = if chained.symlink_metadata().is_ok() {
            back.push(event);
            std::fs::rename(&chained, &hook)
        } else {
            std::fs::remove_file(&hook)
        };
        result.map_err(|source| HooksError::Unwritable { path: hook, source })?;
    }
    Ok(InRepo { hooks_dir, chained: back })
}

pub(super) fn is_installed(repo: &HookedRepo) -> bool {
    holds_ours(&hooks_dir(&repo.common_dir).join(EVENTS[0]))
}

fn hooks_dir(common_dir: &Path) -> PathBuf {
    common_dir.join("hooks")
}

fn holds_ours(hook: &Path) -> bool {
    std::fs::read(hook).is_ok_and(|content| is_ours(&content))
}

fn chained_name(hook: &Path) -> PathBuf {
    let mut name = hook.to_path_buf().into_os_string();
    name.push(".ra-agent-chained");
    PathBuf::from(name)
}

/// Gives the user's hook its second name. By a hard link, so that at no moment the first one is missing.
fn keep_other_hook(hook: &Path) -> Result<(), HooksError> {
    let Ok(present) = hook.symlink_metadata() else { return Ok(()) };
    if holds_ours(hook) {
        return Ok(());
    }
    let chained = chained_name(hook);
    match chained.symlink_metadata() {
        // an earlier installation was stopped here
        Ok(kept) if (kept.dev(), kept.ino()) == (present.dev(), present.ino()) => Ok(()),
        Ok(_) => Err(HooksError::ChainedInTheWay { path: chained }),
        Err(_) => link(hook, &chained).map_err(|source| HooksError::Unwritable { path: chained, source }),
    }
}

fn link(hook: &Path, chained: &Path) -> io::Result<()> {
    // file systems without hard links (FAT, some network ones) can still rename
    std::fs::hard_link(hook, chained).or_else(|_| std::fs::rename(hook, chained))
}

fn put(hook: &Path, script: &[u8]) -> Result<(), HooksError> {
    file::replace_entry(hook, script, 0o755)
        .map_err(|source| HooksError::Unwritable { path: hook.to_path_buf(), source })
}
