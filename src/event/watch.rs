//! The watches: file system notifications in, events out.
//!
//! Directories are watched, never files (a file that is replaced takes its watch along), and none recursively: a git directory
//! holds thousands of directories of objects. The library's thread hands its notifications to a thread of our own, which sleeps while
//! nothing happens; only there are watches added, because the library cannot be asked for one from within its own thread.

use std::collections::{BTreeMap, BTreeSet};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, mpsc};

use notify::event::{AccessKind, AccessMode, CreateKind, ModifyKind, RemoveKind, RenameMode};
use notify::{EventKind, RecursiveMode, Watcher as _};

use crate::domain::RepoId;
use crate::event::refs::{self, Role};
use crate::event::{Event, EventCause, inbox};
use crate::repo::Location;

#[derive(Debug, thiserror::Error)]
pub enum WatchError {
    #[error("file notifications are unavailable: {source}; polling instead")]
    Unavailable { source: notify::Error },
    #[error(
        "{path} cannot be watched: {source}; polling instead. If the limit of watches is reached, raise \
         fs.inotify.max_user_watches"
    )]
    Watch { path: PathBuf, source: notify::Error },
    #[error(
        "{wanted} directories would have to be watched, and {limit} are as many as leave enough for other programs; raise \
         fs.inotify.max_user_watches, or ignore what is built or downloaded"
    )]
    TooMany { wanted: usize, limit: usize },
    #[error("the thread that hands on events cannot be started: {source}")]
    Thread { source: std::io::Error },
}

/// Watches the inbox, and the git directories of the repositories that are added to it. Dropping it ends the watching.
pub struct Watcher {
    shared: Arc<Mutex<Shared>>,
}

struct Shared {
    watcher: notify::RecommendedWatcher,
    inbox: PathBuf,
    /// Which repositories a watched directory belongs to, and as what. Linked work trees share theirs.
    routes: BTreeMap<PathBuf, BTreeMap<RepoId, Vec<Role>>>,
    /// Repositories whose git directory went away under its watch.
    lost: BTreeSet<RepoId>,
}

/// Watches the hook inbox and hands each event to `sink`, from a thread of its own. `sink` must not wait for the watcher.
///
/// # Errors
/// If the system gives no notifications, the inbox cannot be watched, or no thread can be started.
pub fn watch(inbox: &Path, sink: impl Fn(Event) + Send + 'static) -> Result<Watcher, WatchError> {
    let unwatched = |source| WatchError::Watch { path: inbox.to_owned(), source };
    let inbox = inbox.canonicalize().map_err(|error| unwatched(notify::Error::io(error)))?;
    let (sender, receiver) = mpsc::channel();
    let watcher = notify::recommended_watcher(move |notification: notify::Result<notify::Event>| {
        // Our own reading opens files, and that is reported, too.
        if notification.as_ref().map_or(true, |event| event.need_rescan() || is_change(event.kind)) {
            drop(sender.send(notification)); // the receiver is gone only when the watcher is being dropped
        }
    })
    .map_err(|source| WatchError::Unavailable { source })?;
    let mut shared = Shared { watcher, inbox: inbox.clone(), routes: BTreeMap::new(), lost: BTreeSet::new() };
    shared.watcher.watch(&inbox, RecursiveMode::NonRecursive).map_err(unwatched)?;
    let shared = Arc::new(Mutex::new(shared));
    // A strong reference would keep the sender, and with it this thread, alive for ever.
    let weak = Arc::downgrade(&shared);
    let hand_on = move || {
        while let Ok(notification) = receiver.recv() {
            let Some(shared) = weak.upgrade() else { break };
            // One notification that cannot be dealt with must not end the dealing with all others.
            let handed_on = catch_unwind(AssertUnwindSafe(|| {
                let events = lock(&shared).interpret(notification);
                events.into_iter().for_each(&sink);
            }));
            if handed_on.is_err() {
                tracing::error!("a panic over a notification; every repository is scanned");
                let events = lock(&shared).all(EventCause::Overflow);
                // A sink that panics at this, too, has the timer.
                let _ = catch_unwind(AssertUnwindSafe(|| events.into_iter().for_each(&sink)));
            }
        }
    };
    std::thread::Builder::new().name("events".into()).spawn(hand_on).map_err(|source| WatchError::Thread { source })?;
    Ok(Watcher { shared })
}

/// A panic while the lock was held leaves maps that are at worst short of an entry, which the timer makes up for.
fn lock(shared: &Mutex<Shared>) -> MutexGuard<'_, Shared> {
    shared.lock().unwrap_or_else(PoisonError::into_inner)
}

pub(super) fn is_change(kind: EventKind) -> bool {
    match kind {
        EventKind::Create(_) | EventKind::Remove(_) => true,
        EventKind::Modify(kind) => !matches!(kind, ModifyKind::Metadata(_)),
        EventKind::Access(kind) => kind == AccessKind::Close(AccessMode::Write),
        EventKind::Any | EventKind::Other => false,
    }
}

impl Watcher {
    /// Watches the paths by which the repository's HEAD can move. A repository that was added before is added again: its old watches
    /// end first.
    ///
    /// # Errors
    /// If one of the directories cannot be watched; those that can be, are. The caller polls such a repository.
    pub fn add_repo(&self, repo: &RepoId, location: &Location) -> Result<(), WatchError> {
        let mut shared = lock(&self.shared);
        shared.remove(repo);
        let mut failed = None;
        for (dir, role) in refs::directories(location) {
            if let Err(error) = shared.add(repo, dir, role) {
                failed.get_or_insert(error);
            }
        }
        failed.map_or(Ok(()), Err)
    }

    /// Ends the repository's watches, but for those that another repository shares.
    pub fn remove_repo(&self, repo: &RepoId) {
        lock(&self.shared).remove(repo);
    }

    /// Watched directories, the inbox included.
    pub fn watches(&self) -> usize {
        lock(&self.shared).routes.len() + 1
    }

    /// Repositories whose git directory was moved or removed since they were added. They are not watched any more; adding one again
    /// after it was found watches it again.
    pub fn lost(&self) -> Vec<RepoId> {
        lock(&self.shared).lost.iter().cloned().collect()
    }
}

impl Shared {
    fn add(&mut self, repo: &RepoId, dir: PathBuf, role: Role) -> Result<(), WatchError> {
        if !self.routes.contains_key(&dir) {
            let watched = self.watcher.watch(&dir, RecursiveMode::NonRecursive);
            watched.map_err(|source| WatchError::Watch { path: dir.clone(), source })?;
        }
        let roles = self.routes.entry(dir).or_default().entry(repo.clone()).or_default();
        if !roles.contains(&role) {
            roles.push(role);
        }
        Ok(())
    }

    fn remove(&mut self, repo: &RepoId) {
        self.lost.remove(repo);
        let mut unused = Vec::new();
        for (dir, repos) in &mut self.routes {
            repos.remove(repo);
            if repos.is_empty() {
                unused.push(dir.clone());
            }
        }
        unused.iter().for_each(|dir| self.unwatch(dir));
    }

    fn unwatch(&mut self, dir: &Path) {
        self.routes.remove(dir);
        // The library may have ended the watch of a removed directory by itself.
        if let Err(error) = self.watcher.unwatch(dir) {
            tracing::debug!(dir = %dir.display(), %error, "the watch had ended");
        }
    }

    /// What a notification means. Rescan comes first: it has no path.
    fn interpret(&mut self, notification: notify::Result<notify::Event>) -> Vec<Event> {
        match notification {
            Ok(event) if event.need_rescan() => self.all(EventCause::Overflow),
            Ok(event) => {
                let mut repos = BTreeMap::new();
                for path in &event.paths {
                    self.interpret_path(event.kind, path, &mut repos);
                }
                repos.into_iter().map(|(repo, cause)| Event { repo, cause }).collect()
            }
            Err(error) => {
                tracing::warn!(%error, "a watch failed; every repository is scanned");
                self.all(EventCause::Overflow)
            }
        }
    }

    fn all(&self, cause: EventCause) -> Vec<Event> {
        let repos: BTreeSet<&RepoId> = self.routes.values().flat_map(BTreeMap::keys).collect();
        repos.into_iter().map(|repo| Event { repo: repo.clone(), cause }).collect()
    }

    fn interpret_path(&mut self, kind: EventKind, path: &Path, repos: &mut BTreeMap<RepoId, EventCause>) {
        let Some(parent) = path.parent() else { return };
        if parent == self.inbox {
            repos.extend(inbox::hooked(kind, path).map(|repo| (repo, EventCause::Hook)));
            return;
        }
        if is_gone(kind) && self.routes.contains_key(path) {
            repos.extend(self.forget_dir(path).into_iter().map(|repo| (repo, EventCause::GitDir)));
        }
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        let Some(route) = self.routes.get(parent) else { return };
        let concerned: Vec<(RepoId, Role)> = route
            .iter()
            .flat_map(|(repo, roles)| roles.iter().map(|&role| (repo.clone(), role)))
            .filter(|(_, role)| refs::is_relevant(*role, &name))
            .collect();
        for (repo, role) in concerned {
            if is_new(kind) {
                self.follow(&repo, role, path, &name);
            }
            repos.insert(repo, EventCause::GitDir);
        }
    }

    /// Watches a directory that appeared: reflogs come with the first commit, directories of branches with the first branch in
    /// them. No event reports what was created inside before the watch, so the caller reports the directory itself.
    fn follow(&mut self, repo: &RepoId, role: Role, path: &Path, name: &str) {
        let dirs = match role {
            Role::GitDir if name == "logs" && path.is_dir() => vec![(path.to_owned(), Role::Logs)],
            Role::Branches => {
                refs::directories_at_and_below(path).into_iter().map(|dir| (dir, Role::Branches)).collect()
            }
            Role::GitDir | Role::Logs | Role::CommonDir => Vec::new(),
        };
        for (dir, role) in dirs {
            if let Err(error) = self.add(repo, dir, role) {
                tracing::warn!(%error, "a new directory is not watched");
            }
        }
    }

    /// A watched directory was removed or moved: its watch is dead, or reports another place under the old name. Those whose git
    /// directory it was are lost; a directory of branches that became empty is pruned by Git in the course of things.
    fn forget_dir(&mut self, dir: &Path) -> Vec<RepoId> {
        let repos = self.routes.get(dir).cloned().unwrap_or_default();
        self.unwatch(dir);
        for (repo, roles) in &repos {
            if roles.iter().any(|role| matches!(role, Role::GitDir | Role::CommonDir)) {
                self.remove(repo);
                self.lost.insert(repo.clone());
            }
        }
        repos.into_keys().collect()
    }
}

pub(super) fn is_gone(kind: EventKind) -> bool {
    matches!(
        kind,
        EventKind::Remove(RemoveKind::Folder | RemoveKind::Any | RemoveKind::Other)
            | EventKind::Modify(ModifyKind::Name(RenameMode::From | RenameMode::Any))
    )
}

fn is_new(kind: EventKind) -> bool {
    matches!(
        kind,
        EventKind::Create(CreateKind::Folder | CreateKind::Any | CreateKind::Other)
            | EventKind::Modify(ModifyKind::Name(RenameMode::To | RenameMode::Any))
    )
}

#[cfg(test)]
mod tests;
