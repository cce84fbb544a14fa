//! The watch over work trees: which files of which repositories were touched. A scan finds what that means; here only events that
//! cannot mean anything are dropped.
//!
//! What is touched is noted at once. The first notification of a quiet tree is told at once, too; of what follows,
//! `notify-debouncer-full` tells when it was left alone, for an editor saves in several steps, each of which is reported. It needs no
//! memory of the files' identities for that: where a file came from does not matter. [`super::Debounce`] decides when it is looked at.
//! Directories are watched one by one, for most of what is in a work tree is ignored.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use notify::event::ModifyKind;
use notify::{EventKind, RecursiveMode};
use notify_debouncer_full::{Debouncer, NoCache, new_debouncer_opt};

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
    noted: Arc<Mutex<Noted>>,
    barrier: Arc<Barrier>,
}

/// What notifications have told.
#[derive(Default)]
struct Noted {
    /// Whose directory each is.
    routes: BTreeMap<PathBuf, RepoId>,
    /// What was touched and is not compared yet.
    stirred: BTreeMap<RepoId, Stirred>,
    /// What was touched and is not looked at yet.
    touched: BTreeMap<RepoId, Touched>,
    /// Of whom that was told.
    told: BTreeSet<RepoId>,
    /// When something of each was touched last.
    last: BTreeMap<RepoId, Instant>,
    /// After so long without a notification the next is told at once.
    quiet: Duration,
}

impl TreeWatcher {
    /// Tells `sink`, from a thread of its own, that something was touched in a repository: at once after `quiet` without a notification,
    /// else when what was touched was left alone for about `quiet`; not again before that is taken ([`TreeWatcher::take`]). `barrier`: a
    /// directory of the agent's own, for [`TreeWatcher::pass_barrier`].
    ///
    /// # Errors
    /// If the system gives no notifications.
    pub fn new(
        quiet: Duration,
        barrier: &Path,
        sink: impl Fn(RepoId) + Send + Sync + 'static,
    ) -> Result<Self, WatchError> {
        let quiet = quiet.max(QUIET_MIN);
        let noted = Arc::new(Mutex::new(Noted { quiet, ..Noted::default() }));
        let passing = Arc::new(Barrier::new(barrier.to_owned()));
        let sink = Arc::new(sink);
        let (own, passed, first_sink) = (noted.clone(), passing.clone(), sink.clone());
        TappedWatcher::tap_next(move |event| {
            // Locked before the time is asked: what is taken until some time has all that was touched before.
            let told = lock(&own).note(event, clock::monotonic);
            passed.note(event);
            told.into_iter().for_each(|repo| first_sink(repo));
        });
        let held = noted.clone();
        // What the debouncer lets go was noted before.
        let hand_on = move |_| {
            let told = lock(&held).tell_the_rest();
            told.into_iter().for_each(|repo| sink(repo));
        };
        let mut debouncer = new_debouncer_opt(quiet, Some(quiet), hand_on, NoCache, notify::Config::default())
            .map_err(|source| WatchError::Unavailable { source })?;
        if let Err(error) = debouncer.watch(barrier, RecursiveMode::NonRecursive) {
            tracing::warn!(%error, "a question right after a save may miss it");
        }
        Ok(Self { debouncer, noted, barrier: passing })
    }

    /// What was touched in a repository's work tree since the last time, and when that was asked; `None`: nothing.
    pub fn take(&self, repo: &RepoId) -> Option<(Touched, Instant)> {
        self.take_if(repo, |_| true)
    }

    /// The same, where what was touched is such.
    pub fn take_if(&self, repo: &RepoId, is_such: impl Fn(&Touched) -> bool) -> Option<(Touched, Instant)> {
        let mut noted = lock(&self.noted);
        noted.touched.get(repo).filter(|touched| is_such(touched))?;
        noted.told.remove(repo);
        Some((noted.touched.remove(repo)?, clock::monotonic()))
    }

    /// When something in a repository's work tree was touched last that is not taken yet.
    pub fn touched_last(&self, repo: &RepoId) -> Option<Instant> {
        let noted = lock(&self.noted);
        noted.touched.get(repo).and_then(|_| noted.stirred.get(repo)).map(|stirred| stirred.last)
    }

    /// Waits until every notification about what has happened has arrived; false if that takes too long.
    pub fn pass_barrier(&self) -> bool {
        self.barrier.pass()
    }

    /// What was touched in a repository's work tree since the last time that [`TreeWatcher::calm`] was called for it, also what is not
    /// taken yet.
    pub fn stirred(&self, repo: &RepoId) -> Option<Stirred> {
        lock(&self.noted).stirred.get(repo).cloned()
    }

    /// A comparison that began at that time has read everything that was touched before.
    pub fn calm(&self, repo: &RepoId, begun: Instant) {
        let stirred = &mut lock(&self.noted).stirred;
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
            let routes = &lock(&self.noted).routes;
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
            Ok(()) => drop(lock(&self.noted).routes.insert(dir.to_owned(), repo.clone())),
            // It was removed meanwhile.
            Err(_) if !dir.exists() => {}
            Err(source) => return Err(WatchError::Watch { path: dir.to_owned(), source }),
        }
        Ok(())
    }

    fn unwatch(&mut self, dir: &Path) {
        lock(&self.noted).routes.remove(dir);
        if let Err(error) = self.debouncer.unwatch(dir) {
            tracing::debug!(dir = %dir.display(), %error, "the watch had ended");
        }
    }

    /// Ends the watches of a repository.
    pub fn remove(&mut self, repo: &RepoId) {
        let dirs: Vec<PathBuf> =
            lock(&self.noted).routes.iter().filter(|(_, of)| *of == repo).map(|(dir, _)| dir.clone()).collect();
        dirs.iter().for_each(|dir| self.unwatch(dir));
        let mut noted = lock(&self.noted);
        noted.stirred.remove(repo);
        noted.touched.remove(repo);
        noted.told.remove(repo);
        noted.last.remove(repo);
    }

    /// Whether a directory is watched.
    pub fn is_watched(&self, dir: &Path) -> bool {
        lock(&self.noted).routes.contains_key(dir)
    }

    /// Watched directories.
    pub fn watches(&self) -> usize {
        lock(&self.noted).routes.len()
    }
}

/// A panic while the lock was held leaves maps that are at worst short of an entry, which the timer makes up for.
fn lock<T>(noted: &Mutex<T>) -> MutexGuard<'_, T> {
    noted.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Noted {
    /// Notes what a notification tells; hands out the repositories of which it is the first after a pause. Lost notifications come first:
    /// they have no path.
    fn note(&mut self, event: &notify::Result<notify::Event>, now: impl Fn() -> Instant) -> BTreeSet<RepoId> {
        let mut told = BTreeSet::new();
        match event {
            Ok(event) if !event.need_rescan() => {
                for path in event.paths.iter().filter(|_| is_told(event.kind)) {
                    let of_parent = path.parent().and_then(|dir| self.routes.get(dir));
                    let Some(repo) = of_parent.or_else(|| self.routes.get(path)).cloned() else { continue };
                    // Of a directory the watch is dead, or reports another place under the old name; what was in it went with it.
                    let is_directory = is_gone(event.kind) && self.routes.remove(path).is_some();
                    self.touch(repo, (!is_directory).then_some(path.as_path()), now(), &mut told);
                }
                return told;
            }
            Ok(_) => tracing::info!("notifications were lost; every work tree is scanned"),
            Err(error) => tracing::warn!(%error, "watches of work trees failed; each is scanned"),
        }
        let all: BTreeSet<RepoId> = self.routes.values().cloned().collect();
        all.into_iter().for_each(|repo| self.touch(repo, None, now(), &mut told));
        told
    }

    /// `None`: anything may have been touched.
    fn touch(&mut self, repo: RepoId, path: Option<&Path>, now: Instant, told: &mut BTreeSet<RepoId>) {
        self.stirred.entry(repo.clone()).or_insert_with(|| Stirred::new(now)).touch(path, now);
        let one = path.map_or(Touched::Anything, |path| Touched::Paths(BTreeSet::from([path.to_owned()])));
        match self.touched.get_mut(&repo) {
            Some(before) => before.merge(one),
            None => drop(self.touched.insert(repo.clone(), one)),
        }
        let last = self.last.insert(repo.clone(), now);
        if last.is_none_or(|last| now >= last + self.quiet) && self.told.insert(repo.clone()) {
            told.insert(repo);
        }
    }

    /// The repositories of which something was touched that nobody was told of.
    fn tell_the_rest(&mut self) -> Vec<RepoId> {
        let rest: Vec<RepoId> = self.touched.keys().filter(|repo| !self.told.contains(repo)).cloned().collect();
        self.told.extend(rest.iter().cloned());
        rest
    }
}

/// A renaming is told with its old path, its new one, and with both.
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
        told: mpsc::Receiver<RepoId>,
        _barrier: tempfile::TempDir,
    }

    fn watched() -> Watched {
        let dir = tempfile::tempdir().unwrap();
        let (sender, told) = mpsc::channel();
        let barrier = tempfile::tempdir().unwrap();
        let at = barrier.path().canonicalize().unwrap();
        let watcher = TreeWatcher::new(QUIET_MIN, &at, move |repo| drop(sender.send(repo))).unwrap();
        Watched { dir, watcher, told, _barrier: barrier }
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
                let repo = self.told.recv_timeout(Duration::from_secs(20)).unwrap();
                match self.watcher.take(&repo) {
                    Some((Touched::Paths(paths), _)) => all.extend(paths),
                    Some((Touched::Anything, _)) => panic!("nothing was lost"),
                    None => panic!("it was told of what is not there"),
                }
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
        assert_eq!(watched.told.recv_timeout(Duration::from_secs(20)).unwrap(), repo("2"));
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
        let routes = BTreeMap::from([(PathBuf::from("/a"), repo("a")), (PathBuf::from("/b"), repo("b"))]);
        let rescan = notify::Event::new(EventKind::Other).set_flag(notify::event::Flag::Rescan);
        let all = BTreeMap::from([(repo("a"), Touched::Anything), (repo("b"), Touched::Anything)]);
        for lost in [Ok(rescan), Err(notify::Error::generic("x"))] {
            let mut noted = Noted { routes: routes.clone(), ..Noted::default() };
            assert_eq!(noted.note(&lost, clock::monotonic), [repo("a"), repo("b")].into());
            assert_eq!(noted.touched, all);
        }
        let mut noted = Noted { routes, ..Noted::default() };
        for n in 0..=PATHS_MAX {
            let created = notify::Event::new(EventKind::Create(notify::event::CreateKind::File));
            let told = noted.note(&Ok(created.add_path(PathBuf::from(format!("/a/{n}")))), clock::monotonic);
            assert_eq!(told.len(), usize::from(n == 0), "one call for all");
        }
        assert_eq!(noted.touched, BTreeMap::from([(repo("a"), Touched::Anything)]));
    }

    #[test]
    fn what_follows_a_first_touch_is_told_once_it_is_left_alone() {
        let quiet = Duration::from_secs(1);
        let routes = BTreeMap::from([(PathBuf::from("/a"), repo("a"))]);
        let mut noted = Noted { routes, quiet, ..Noted::default() };
        let start = clock::monotonic();
        let save = |noted: &mut Noted, millis: u64| {
            let created = notify::Event::new(EventKind::Create(notify::event::CreateKind::File));
            let event = Ok(created.add_path(PathBuf::from(format!("/a/{millis}"))));
            noted.note(&event, || start + Duration::from_millis(millis)).len()
        };
        assert_eq!(save(&mut noted, 0), 1);
        assert_eq!(noted.tell_the_rest(), [], "that was told");
        noted.touched.clear();
        noted.told.clear();
        assert_eq!((save(&mut noted, 900), save(&mut noted, 1_800)), (0, 0));
        assert_eq!(noted.tell_the_rest(), [repo("a")]);
        assert_eq!(noted.tell_the_rest(), []);
        assert_eq!(save(&mut noted, 2_900), 0, "nobody has looked yet");
        noted.touched.clear();
        noted.told.clear();
        assert_eq!(save(&mut noted, 3_900), 1);
    }
}
