//! The watch over work trees: which files of which repositories were touched. A scan finds what that means; here only events that
//! cannot mean anything are dropped.
//!
//! An editor saves in several steps, each of which is reported; `notify-debouncer-full` makes one of them. It needs no memory of the files'
//! identities for that: where a file came from does not matter. Directories are watched one by one, for most of what is in a work tree
//! is ignored.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use notify::event::ModifyKind;
use notify::{EventKind, RecursiveMode};
use notify_debouncer_full::{DebounceEventResult, Debouncer, NoCache, new_debouncer_opt};

use super::stirred::{Barrier, Stirred, TappedWatcher};
use super::watch::{WatchError, is_change, is_gone};
use crate::clock;
use crate::domain::RepoId;

/// How long a file has to be left alone, at least. The library wakes up that often to see whether one was.
const QUIET_MIN: Duration = Duration::from_millis(50);

/// Paths that are reported one by one; above this number only "many" is reported.
const PATHS_MAX: usize = 1_000;

/// What was touched in a repository's work tree.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Touched {
    Paths(BTreeSet<PathBuf>),
    /// Anything may have been: notifications were lost, or there were too many.
    Anything,
}

impl Touched {
    pub fn merge(&mut self, other: Self) {
        *self = match (std::mem::replace(self, Self::Anything), other) {
            (Self::Paths(mut paths), Self::Paths(more)) if paths.len() + more.len() <= PATHS_MAX => {
                paths.extend(more);
                Self::Paths(paths)
            }
            _ => Self::Anything,
        };
    }
}

/// Watches directories of work trees. Dropping it ends the watching.
pub struct TreeWatcher {
    debouncer: Debouncer<TappedWatcher, NoCache>,
    routes: Arc<Mutex<BTreeMap<PathBuf, RepoId>>>,
    stirred: Arc<Mutex<BTreeMap<RepoId, Stirred>>>,
    barrier: Arc<Barrier>,
}

impl TreeWatcher {
    /// Hands what was touched to `sink`, from a thread of its own, once it was left alone for about `quiet`. `barrier`: a directory of
    /// the agent's own, for [`TreeWatcher::pass_barrier`].
    ///
    /// # Errors
    /// If the system gives no notifications.
    pub fn new(
        quiet: Duration,
        barrier: &Path,
        sink: impl Fn(RepoId, Touched) + Send + 'static,
    ) -> Result<Self, WatchError> {
        let quiet = quiet.max(QUIET_MIN);
        let routes = Arc::new(Mutex::new(BTreeMap::new()));
        let stirred = Arc::new(Mutex::new(BTreeMap::new()));
        let passing = Arc::new(Barrier::new(barrier.to_owned()));
        let (tapped, noted, passed) = (routes.clone(), stirred.clone(), passing.clone());
        TappedWatcher::tap_next(move |event| {
            note(&lock(&tapped), &mut lock(&noted), event, clock::monotonic());
            passed.note(event);
        });
        let own = routes.clone();
        let hand_on = move |events: DebounceEventResult| {
            let touched = interpret(&mut lock(&own), events);
            touched.into_iter().for_each(|(repo, touched)| sink(repo, touched));
        };
        let mut debouncer = new_debouncer_opt(quiet, Some(quiet), hand_on, NoCache, notify::Config::default())
            .map_err(|source| WatchError::Unavailable { source })?;
        if let Err(error) = debouncer.watch(barrier, RecursiveMode::NonRecursive) {
            tracing::warn!(%error, "a question right after a save may miss it");
        }
        Ok(Self { debouncer, routes, stirred, barrier: passing })
    }

    /// Waits until every notification about what has happened has arrived; false if that takes too long.
    pub fn pass_barrier(&self) -> bool {
        self.barrier.pass()
    }

    /// What was touched in a repository's work tree since the last time that [`TreeWatcher::calm`] was called for it, also what is not
    /// handed to the sink yet.
    pub fn stirred(&self, repo: &RepoId) -> Option<Stirred> {
        lock(&self.stirred).get(repo).cloned()
    }

    /// A comparison that began at that time has read everything that was touched before.
    pub fn calm(&self, repo: &RepoId, begun: Instant) {
        let mut stirred = lock(&self.stirred);
        if stirred.get_mut(repo).is_some_and(|one| one.is_read_by(begun)) {
            stirred.remove(repo);
        }
    }

    /// Watches exactly these directories of a repository. At most `limit` directories are watched in all.
    ///
    /// # Errors
    /// If that would be too many, or one cannot be watched although it is there. Then none of the repository is.
    pub fn set(&mut self, repo: &RepoId, dirs: &BTreeSet<PathBuf>, limit: usize) -> Result<(), WatchError> {
        let (own, others) = {
            let routes = lock(&self.routes);
            let own: BTreeSet<PathBuf> =
                routes.iter().filter(|(_, of)| *of == repo).map(|(dir, _)| dir.clone()).collect();
            let others = routes.len() - own.len();
            (own, others)
        };
        let wanted = others + dirs.len();
        if wanted > limit {
            self.remove(repo);
            return Err(WatchError::TooMany { wanted, limit });
        }
        own.difference(dirs).for_each(|dir| self.unwatch(dir));
        for dir in dirs.difference(&own) {
            if let Err(error) = self.watch(repo, dir) {
                self.remove(repo);
                return Err(error);
            }
        }
        Ok(())
    }

    fn watch(&mut self, repo: &RepoId, dir: &Path) -> Result<(), WatchError> {
        match self.debouncer.watch(dir, RecursiveMode::NonRecursive) {
            Ok(()) => drop(lock(&self.routes).insert(dir.to_owned(), repo.clone())),
            // It was removed meanwhile.
            Err(_) if !dir.exists() => {}
            Err(source) => return Err(WatchError::Watch { path: dir.to_owned(), source }),
        }
        Ok(())
    }

    fn unwatch(&mut self, dir: &Path) {
        lock(&self.routes).remove(dir);
        if let Err(error) = self.debouncer.unwatch(dir) {
            tracing::debug!(dir = %dir.display(), %error, "the watch had ended");
        }
    }

    /// Ends the watches of a repository.
    pub fn remove(&mut self, repo: &RepoId) {
        let dirs: Vec<PathBuf> =
            lock(&self.routes).iter().filter(|(_, of)| *of == repo).map(|(dir, _)| dir.clone()).collect();
        dirs.iter().for_each(|dir| self.unwatch(dir));
        lock(&self.stirred).remove(repo);
    }

    /// Whether a directory is watched.
    pub fn is_watched(&self, dir: &Path) -> bool {
        lock(&self.routes).contains_key(dir)
    }

    /// Watched directories.
    pub fn watches(&self) -> usize {
        lock(&self.routes).len()
    }
}

/// A panic while the lock was held leaves a map that is at worst short of an entry, which the timer makes up for.
fn lock<T>(routes: &Mutex<T>) -> MutexGuard<'_, T> {
    routes.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Notes what a single notification touches, at once.
fn note(
    routes: &BTreeMap<PathBuf, RepoId>,
    stirred: &mut BTreeMap<RepoId, Stirred>,
    event: &notify::Result<notify::Event>,
    now: Instant,
) {
    let mut touch = |repo: &RepoId, path: Option<&Path>| {
        stirred.entry(repo.clone()).or_insert_with(|| Stirred::new(now)).touch(path, now);
    };
    match event {
        Ok(event) if !event.need_rescan() => {
            for path in event.paths.iter().filter(|_| is_told(event.kind)) {
                if let Some(repo) = path.parent().and_then(|dir| routes.get(dir)).or_else(|| routes.get(path)) {
                    touch(repo, Some(path));
                }
            }
        }
        _ => routes.values().for_each(|repo| touch(repo, None)),
    }
}

/// What notifications mean. Rescan comes first: it has no path.
fn interpret(routes: &mut BTreeMap<PathBuf, RepoId>, events: DebounceEventResult) -> BTreeMap<RepoId, Touched> {
    let all = |routes: &BTreeMap<PathBuf, RepoId>| {
        routes.values().map(|repo| (repo.clone(), Touched::Anything)).collect::<BTreeMap<_, _>>()
    };
    let events = match events {
        Ok(events) => events,
        Err(errors) => {
            tracing::warn!(?errors, "watches of work trees failed; each is scanned");
            return all(routes);
        }
    };
    if events.iter().any(|event| event.need_rescan()) {
        tracing::info!("notifications were lost; every work tree is scanned");
        return all(routes);
    }
    let mut touched: BTreeMap<RepoId, Touched> = BTreeMap::new();
    for event in events.iter().filter(|event| is_told(event.kind)) {
        for path in &event.paths {
            let Some(repo) = path.parent().and_then(|dir| routes.get(dir)).or_else(|| routes.get(path)).cloned() else {
                continue;
            };
            if is_gone(event.kind) {
                // Its watch is dead, or reports another place under the old name.
                routes.remove(path);
            }
            let one = Touched::Paths(BTreeSet::from([path.clone()]));
            match touched.get_mut(&repo) {
                Some(before) => before.merge(one),
                None => drop(touched.insert(repo, one)),
            }
        }
    }
    touched
}

/// The debouncer joins the two halves of a renaming, with both paths.
fn is_told(kind: EventKind) -> bool {
    is_change(kind) || matches!(kind, EventKind::Modify(ModifyKind::Name(_)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::mpsc;

    struct Watched {
        dir: tempfile::TempDir,
        watcher: TreeWatcher,
        events: mpsc::Receiver<(RepoId, Touched)>,
        _barrier: tempfile::TempDir,
    }

    fn watched() -> Watched {
        let dir = tempfile::tempdir().unwrap();
        let (sender, events) = mpsc::channel();
        let barrier = tempfile::tempdir().unwrap();
        let at = barrier.path().canonicalize().unwrap();
        let sink = move |repo, touched| drop(sender.send((repo, touched)));
        let watcher = TreeWatcher::new(Duration::ZERO, &at, sink).unwrap();
        Watched { dir, watcher, events, _barrier: barrier }
    }

    fn repo(name: &str) -> RepoId {
        RepoId(name.to_owned())
    }

    impl Watched {
        fn top(&self) -> PathBuf {
            self.dir.path().canonicalize().unwrap()
        }

        /// What is reported until a path is among it.
        fn until(&self, path: &Path) -> BTreeSet<PathBuf> {
            let mut all = BTreeSet::new();
            while !all.contains(path) {
                let (_, touched) = self.events.recv_timeout(Duration::from_secs(20)).unwrap();
                let Touched::Paths(paths) = touched else { panic!("nothing was lost") };
                all.extend(paths);
            }
            all
        }
    }

    #[test]
    fn f29_any_way_of_saving_reports_the_file_and_reading_does_not() {
        let mut watched = watched();
        let top = watched.top();
        let file = top.join("a.rs");
        std::fs::write(&file, "one").unwrap();
        watched.watcher.set(&repo("r"), &BTreeSet::from([top.clone()]), 10).unwrap();
        std::fs::write(&file, "two").unwrap();
        watched.until(&file);
        // Next to it, then over it, as editors do.
        std::fs::write(top.join(".a.rs.new"), "three").unwrap();
        std::fs::rename(top.join(".a.rs.new"), &file).unwrap();
        watched.until(&file);
        // Removed first, then created.
        std::fs::rename(&file, top.join("a.rs~")).unwrap();
        std::fs::write(&file, "four").unwrap();
        watched.until(&file);
        // Its event follows all events of the file before it.
        std::fs::write(top.join("between"), "").unwrap();
        watched.until(&top.join("between"));
        std::fs::read(&file).unwrap();
        std::fs::read_dir(&top).unwrap().count();
        std::fs::write(top.join("last"), "").unwrap();
        let events = watched.until(&top.join("last"));
        assert_eq!(events.into_iter().filter(|path| *path == file).count(), 0, "it was only read");
    }

    #[test]
    fn a_save_is_known_at_once_behind_the_barrier() {
        let mut watched = watched();
        let top = watched.top();
        watched.watcher.set(&repo("r"), &BTreeSet::from([top.clone()]), 10).unwrap();
        for n in 0..50 {
            let before = clock::monotonic();
            assert_eq!(watched.watcher.stirred(&repo("r")), None, "{n}");
            std::fs::write(top.join(format!("{n}.rs")), "x").unwrap();
            assert!(watched.watcher.pass_barrier(), "{n}");
            let stirred = watched.watcher.stirred(&repo("r")).unwrap();
            assert!(stirred.files() == 1 && stirred.first >= before, "{n}: {stirred:?}");
            watched.watcher.calm(&repo("r"), before);
            assert!(watched.watcher.stirred(&repo("r")).is_some(), "{n}: it was touched later");
            watched.watcher.calm(&repo("r"), clock::monotonic());
        }
    }

    #[test]
    fn events_name_their_repository_and_end_with_the_watch() {
        let mut watched = watched();
        let top = watched.top();
        let [one, two] = ["one", "two"].map(|name| top.join(name));
        [&one, &two].into_iter().for_each(|dir| std::fs::create_dir(dir).unwrap());
        watched.watcher.set(&repo("1"), &BTreeSet::from([one.clone()]), 10).unwrap();
        watched.watcher.set(&repo("2"), &BTreeSet::from([two.clone(), top.join("gone")]), 10).unwrap();
        assert_eq!(watched.watcher.watches(), 2, "what is not there is not watched");
        std::fs::write(two.join("x"), "").unwrap();
        let (events, _) = watched.events.recv_timeout(Duration::from_secs(20)).unwrap();
        assert_eq!(events, repo("2"));
        watched.watcher.remove(&repo("2"));
        std::fs::write(two.join("y"), "").unwrap();
        std::fs::write(one.join("z"), "").unwrap();
        assert_eq!(watched.until(&one.join("z")), BTreeSet::from([one.join("z")]));
    }

    #[test]
    fn f26_too_many_directories_leave_other_watches_alone() {
        let mut watched = watched();
        let top = watched.top();
        let dirs: BTreeSet<PathBuf> = (0..5).map(|n| top.join(n.to_string())).collect();
        dirs.iter().for_each(|dir| std::fs::create_dir(dir).unwrap());
        watched.watcher.set(&repo("small"), &BTreeSet::from([top.clone()]), 5).unwrap();
        let refused = watched.watcher.set(&repo("large"), &dirs, 5);
        assert!(matches!(refused, Err(WatchError::TooMany { wanted: 6, limit: 5 })));
        assert_eq!(watched.watcher.watches(), 1);
        watched.watcher.set(&repo("large"), &dirs, 6).unwrap();
        assert_eq!(watched.watcher.watches(), 6);
    }

    #[test]
    fn f25_lost_or_very_many_notifications_mean_anything_changed() {
        let mut routes = BTreeMap::from([(PathBuf::from("/a"), repo("a")), (PathBuf::from("/b"), repo("b"))]);
        let rescan = notify::Event::new(EventKind::Other).set_flag(notify::event::Flag::Rescan);
        let event = |event| notify_debouncer_full::DebouncedEvent { event, time: std::time::Instant::now() };
        let all = BTreeMap::from([(repo("a"), Touched::Anything), (repo("b"), Touched::Anything)]);
        assert_eq!(interpret(&mut routes, Ok(vec![event(rescan)])), all);
        assert_eq!(interpret(&mut routes, Err(vec![notify::Error::generic("x")])), all);
        let many = (0..=PATHS_MAX).map(|n| {
            let created = notify::Event::new(EventKind::Create(notify::event::CreateKind::File));
            event(created.add_path(PathBuf::from(format!("/a/{n}"))))
        });
        assert_eq!(interpret(&mut routes, Ok(many.collect())), BTreeMap::from([(repo("a"), Touched::Anything)]));
    }
}
