//! What was touched in a work tree and is not compared yet, known at once: the debouncer holds notifications back until files are left
//! alone, but the first of a quiet tree is acted on at once, and a question about a file that was saved a moment ago must not be answered
//! as if it had not been.

use std::cell::RefCell;
use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::sync::{Condvar, Mutex, PoisonError};
use std::time::{Duration, Instant};

use notify::event::{AccessKind, AccessMode};
use notify::{Config, Event, EventHandler, EventKind, RecommendedWatcher, RecursiveMode, Result, Watcher, WatcherKind};

/// Paths that are counted one by one.
const PATHS_MAX: usize = 1_000;

/// What was touched in one work tree.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Stirred {
    /// The first and the last time.
    pub first: Instant,
    pub last: Instant,
    paths: BTreeSet<PathBuf>,
}

impl Stirred {
    pub(super) const fn new(now: Instant) -> Self {
        Self { first: now, last: now, paths: BTreeSet::new() }
    }

    /// `None`: anything may have been touched.
    pub(super) fn touch(&mut self, path: Option<&Path>, now: Instant) {
        self.last = now;
        if let Some(path) = path.filter(|_| self.paths.len() < PATHS_MAX) {
            self.paths.insert(path.to_owned());
        }
    }

    /// Paths that were touched, at least one.
    pub fn files(&self) -> u64 {
        self.paths.len().max(1) as u64
    }

    /// Whether a comparison that began then has read all of it. If it has read only what came before, that is forgotten.
    pub(super) fn is_read_by(&mut self, begun: Instant) -> bool {
        self.first = self.first.max(begun.min(self.last));
        self.last <= begun
    }
}

/// Shows that the notifications about everything that happened before have arrived: the kernel gives them in order, so a file of our own
/// is touched, and its notification is waited for.
pub(super) struct Barrier {
    dir: PathBuf,
    passed: Mutex<BarrierCount>,
    arrived: Condvar,
}

#[derive(Default)]
struct BarrierCount {
    asked: u64,
    seen: u64,
}

/// Longest wait for a notification; it takes less than a millisecond on a quiet machine.
const BARRIER_WAIT: Duration = Duration::from_millis(50);

impl Barrier {
    /// `dir`: a directory of the agent's own.
    pub(super) fn new(dir: PathBuf) -> Self {
        Self { dir, passed: Mutex::default(), arrived: Condvar::new() }
    }

    /// Takes note of a notification.
    pub(super) fn note(&self, event: &Result<Event>) {
        let Ok(event) = event else { return };
        let own = event.paths.iter().filter(|path| path.parent() == Some(&self.dir));
        let number = own.filter_map(|path| path.file_name()?.to_str()?.parse::<u64>().ok()).max();
        if let Some(number) = number {
            let mut passed = self.passed.lock().unwrap_or_else(PoisonError::into_inner);
            passed.seen = passed.seen.max(number);
            self.arrived.notify_all();
        }
    }

    /// Waits until everything before has arrived; false if that took too long.
    pub(super) fn pass(&self) -> bool {
        let mut passed = self.passed.lock().unwrap_or_else(PoisonError::into_inner);
        passed.asked += 1;
        let number = passed.asked;
        let file = self.dir.join(number.to_string());
        if std::fs::write(&file, []).and_then(|()| std::fs::remove_file(&file)).is_err() {
            return false;
        }
        let waited = self.arrived.wait_timeout_while(passed, BARRIER_WAIT, |passed| passed.seen < number);
        !waited.unwrap_or_else(PoisonError::into_inner).1.timed_out()
    }
}

/// Receives each notification.
type Tap = Box<dyn Fn(&Result<Event>) + Send>;

thread_local! {
    /// For the next watcher that this thread makes: the debouncer makes its own, and hands nothing to it.
    static NEXT: RefCell<Option<Tap>> = const { RefCell::new(None) };
}

/// Whether a notification tells that something was read. notify asks for them, and they come by the thousand whenever a tree is searched
/// or compared, by us too; were they handed on, those that follow could be lost.
fn is_reading(kind: EventKind) -> bool {
    matches!(kind, EventKind::Access(kind) if kind != AccessKind::Close(AccessMode::Write))
}

/// notify's watcher, with a tap before the debouncer. What was only read is not told.
pub(super) struct TappedWatcher(RecommendedWatcher);

impl TappedWatcher {
    /// The next watcher that this thread makes hands each notification to `tap` first.
    pub(super) fn tap_next(tap: impl Fn(&Result<Event>) + Send + 'static) {
        NEXT.set(Some(Box::new(tap)));
    }
}

impl Watcher for TappedWatcher {
    fn new<F: EventHandler>(mut handler: F, config: Config) -> Result<Self> {
        let tap = NEXT.take();
        let tapped = move |event: Result<Event>| {
            if event.as_ref().is_ok_and(|event| is_reading(event.kind)) {
                return;
            }
            if let Some(tap) = &tap {
                tap(&event);
            }
            handler.handle_event(event);
        };
        RecommendedWatcher::new(tapped, config).map(Self)
    }

    fn watch(&mut self, path: &Path, mode: RecursiveMode) -> Result<()> {
        self.0.watch(path, mode)
    }

    fn unwatch(&mut self, path: &Path) -> Result<()> {
        self.0.unwatch(path)
    }

    fn configure(&mut self, option: Config) -> Result<bool> {
        self.0.configure(option)
    }

    fn kind() -> WatcherKind {
        RecommendedWatcher::kind()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::mpsc;
    use std::time::Duration;

    #[test]
    fn what_is_only_read_is_not_told() {
        let dir = tempfile::tempdir().unwrap();
        let top = dir.path().canonicalize().unwrap();
        std::fs::write(top.join("file"), "text").unwrap();
        let (sender, told) = mpsc::channel();
        TappedWatcher::tap_next(move |event| drop(sender.send(event.as_ref().unwrap().paths.clone())));
        let mut watcher = TappedWatcher::new(|_| {}, Config::default()).unwrap();
        watcher.watch(&top, RecursiveMode::NonRecursive).unwrap();
        for _ in 0..100 {
            assert_eq!(std::fs::read(top.join("file")).unwrap(), b"text");
            assert_eq!(std::fs::read_dir(&top).unwrap().count(), 1);
        }
        std::fs::write(top.join("last"), "").unwrap();
        assert_eq!(told.recv_timeout(Duration::from_secs(20)).unwrap(), [top.join("last")]);
    }

    #[test]
    fn a_comparison_reads_what_was_touched_before_it_began() {
        let start = Instant::now();
        let at = |millis: u64| start + Duration::from_millis(millis);
        let mut stirred = Stirred::new(at(0));
        stirred.touch(Some(Path::new("/a")), at(0));
        stirred.touch(Some(Path::new("/b")), at(10));
        stirred.touch(Some(Path::new("/b")), at(20));
        assert_eq!((stirred.files(), stirred.first, stirred.last), (2, at(0), at(20)));
        assert!(!stirred.is_read_by(at(15)) && stirred.first == at(15));
        assert!(stirred.is_read_by(at(20)));
    }
}
