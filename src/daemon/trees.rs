//! The work trees: each is watched, or polled where no watch is available. A scan of one runs next to the
//! daemon's loop: a file system that hangs holds nothing else up.

use std::collections::{BTreeMap, BTreeSet};
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};

use tokio::sync::{Semaphore, mpsc};

use crate::clock;
use crate::config::RepoConfig;
use crate::domain::{FilePath, RepoId};
use crate::event::{Stirred, Touched, TreeWatcher};
use crate::repo::disk::relative;
use crate::repo::ignored::rules;
use crate::repo::registry::Registered;
use crate::repo::user_config::UserConfig;
use crate::repo::worktree::WorkTree;
use crate::repo::{FileSelection, Location, LocationKind};

/// Watches that are left to other programs, one of so many.
const LEFT_TO_OTHERS: usize = 4;
/// Work trees that are scanned at the same time: few, so that the memory stays small.
const SCANS: usize = 2;
/// Touched files that are handed over without a scan: each is looked at by the daemon's own loop.
const HANDED_OVER_MAX: usize = 50;
/// A tree of which anything may have changed is scanned again after so many times what that took before. Where notifications are lost
/// again and again, scans take a tenth of the time at most.
const REST: u32 = 9;
/// After so long a scan no longer keeps others waiting: its file system hangs.
const SCAN_PATIENCE: Duration = Duration::from_secs(30);

/// How a work tree is followed.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Following {
    /// A scan is under way that finds out.
    Beginning,
    Watched,
    /// By the timer alone, for this reason.
    Polled {
        why: String,
        fingerprint: Option<u64>,
    },
    /// There is none, or the user wants none followed.
    Not,
}

/// What a scan of a work tree found.
#[derive(Debug)]
pub(super) struct ScannedTree {
    pub repo: RepoId,
    /// Something in it may have become part of the view, or another part of it.
    concerns: bool,
    outcome: ScanOutcome,
    /// The files that were touched, if nothing else was.
    files: Option<Vec<FilePath>>,
    /// What was touched until then was looked at.
    since: Instant,
    took: Duration,
}

/// A part of a work tree that is to be compared.
#[derive(Debug)]
pub(super) struct TreeChanges {
    /// Nothing else can differ; `None`: anything can.
    pub files: Option<Vec<FilePath>>,
    /// What was touched until then is in it.
    pub since: Instant,
}

#[derive(Debug)]
enum ScanOutcome {
    /// The directories to be watched are what they were.
    SameDirectories,
    Directories {
        dirs: BTreeSet<PathBuf>,
        /// Of a tree that could not be watched before.
        fingerprint: Option<u64>,
    },
    Unwatchable {
        why: String,
        fingerprint: Option<u64>,
    },
    NoTree,
}

/// What of a work tree waits to be compared.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum WaitingTree {
    Nothing,
    Touched(Stirred),
    /// It is not watched, or not yet.
    Unknown,
}

/// The purpose of a scan.
enum ScanPurpose {
    /// Which directories there are, and what was touched.
    Directories,
    /// Whether what was touched is of any interest, and whether directories came or went.
    Paths(BTreeSet<PathBuf>),
}

/// All work trees.
pub(super) struct Trees {
    /// `None`: the system gives no notifications.
    watcher: Option<TreeWatcher>,
    unavailable: String,
    seen: mpsc::UnboundedSender<ScannedTree>,
    followed: BTreeMap<RepoId, Following>,
    scanning: BTreeSet<RepoId>,
    /// Until when each is not scanned as a whole again.
    resting: BTreeMap<RepoId, Instant>,
    /// A number of what each one's settings ignore.
    rules: BTreeMap<RepoId, u64>,
    turns: Arc<Semaphore>,
    /// Directories that may be watched in all.
    limit: usize,
}

impl Trees {
    /// `touched` is told of a work tree in which something was touched, once until that is looked at; of what follows within `quiet`,
    /// when that ends.
    pub fn new(
        quiet: Duration,
        barrier: &Path,
        seen: mpsc::UnboundedSender<ScannedTree>,
        touched: impl Fn(RepoId) + Send + Sync + 'static,
    ) -> Self {
        let (watcher, unavailable) = match TreeWatcher::new(quiet, barrier, touched) {
            Ok(watcher) => (Some(watcher), String::new()),
            Err(error) => {
                tracing::warn!(%error, "no watch of work trees is available; they are polled");
                (None, error.to_string())
            }
        };
        let limit = watches_limit();
        let (followed, scanning, resting, rules) = Default::default();
        let turns = Arc::new(Semaphore::new(SCANS));
        Self { watcher, unavailable, seen, followed, scanning, resting, rules, turns, limit }
    }

    /// Follows a work tree, or finds out again how; `wanted` by its configuration.
    pub fn follow(&mut self, repo: &Registered, config: &RepoConfig, wanted: bool) {
        if !wanted || repo.location.kind == LocationKind::Bare {
            self.forget(&repo.id);
            self.followed.insert(repo.id.clone(), Following::Not);
            return;
        }
        self.followed.insert(repo.id.clone(), Following::Beginning);
        self.scan(&repo.id, &repo.location, config, ScanPurpose::Directories, clock::monotonic());
    }

    /// Whether Git's settings, or the files that they name, ignore something else than when this was asked last.
    pub fn has_other_rules(&mut self, repo: &Registered) -> bool {
        if !self.followed.get(&repo.id).is_some_and(|following| *following != Following::Not) {
            return false;
        }
        let now = rules(&repo.location, &UserConfig::read());
        self.rules.insert(repo.id.clone(), now).is_some_and(|before| before != now)
    }

    pub fn forget(&mut self, repo: &RepoId) {
        if let Some(watcher) = &mut self.watcher {
            watcher.remove(repo);
        }
        self.followed.remove(repo);
        self.resting.remove(repo);
        self.rules.remove(repo);
    }

    /// Waits until every notification about what has happened has arrived.
    pub fn pass_barrier(&self) {
        if self.watcher.as_ref().is_some_and(|watcher| !watcher.pass_barrier()) {
            tracing::debug!("notifications are late");
        }
    }

    /// What was touched and is not compared yet.
    pub fn waiting(&self, repo: &RepoId) -> WaitingTree {
        match (self.followed.get(repo), &self.watcher) {
            (Some(Following::Watched), Some(watcher)) => {
                watcher.stirred(repo).map_or(WaitingTree::Nothing, WaitingTree::Touched)
            }
            (Some(Following::Not), _) => WaitingTree::Nothing,
            _ => WaitingTree::Unknown,
        }
    }

    /// A comparison that was asked for then has ended.
    pub fn calm(&self, repo: &RepoId, begun: Instant) {
        if let Some(watcher) = &self.watcher {
            watcher.calm(repo, begun);
        }
    }

    /// When something was touched last that was not looked at yet.
    pub fn touched_last(&self, repo: &RepoId) -> Option<Instant> {
        self.watcher.as_ref()?.touched_last(repo)
    }

    /// What was touched and was not looked at yet, if it is a few files: then a scan could find no more than a comparison does. It counts
    /// as looked at.
    pub fn hand_over(&mut self, repo: &Registered) -> Option<TreeChanges> {
        let watcher = self.watcher.as_ref()?;
        if self.scanning.contains(&repo.id) || self.followed.get(&repo.id) != Some(&Following::Watched) {
            return None;
        }
        let path = &repo.location.path;
        let (touched, since) = watcher.take_if(&repo.id, |touched| match touched {
            Touched::Paths(paths) => paths.len() <= HANDED_OVER_MAX && paths.iter().all(|one| is_plain(path, one)),
            Touched::Anything => false,
        })?;
        let Touched::Paths(paths) = touched else { return None };
        Some(TreeChanges { files: Some(paths.iter().filter_map(|one| relative(path, one)).collect()), since })
    }

    /// Scans what was touched in a work tree, if anything was.
    pub fn look_at_touched(&mut self, repo: &Registered, config: &RepoConfig) {
        if self.scanning.contains(&repo.id) {
            return;
        }
        let (question, since) = match self.watcher.as_ref().and_then(|watcher| watcher.take(&repo.id)) {
            None => return,
            Some((Touched::Anything, since)) => (ScanPurpose::Directories, since),
            Some((Touched::Paths(paths), since)) => (ScanPurpose::Paths(paths), since),
        };
        self.scan(&repo.id, &repo.location, config, question, since);
    }

    /// The timer: scans what is not watched, and what went away and may be there again.
    pub fn poll(&mut self, repo: &Registered, config: &RepoConfig) {
        let is_due = match self.followed.get(&repo.id) {
            Some(Following::Polled { .. }) => true,
            Some(Following::Watched) => {
                !self.watcher.as_ref().is_some_and(|watcher| watcher.is_watched(&repo.location.path))
            }
            Some(Following::Beginning | Following::Not) | None => false,
        };
        if is_due && !self.scanning.contains(&repo.id) {
            self.scan(&repo.id, &repo.location, config, ScanPurpose::Directories, clock::monotonic());
        }
    }

    fn scan(&mut self, repo: &RepoId, location: &Location, config: &RepoConfig, question: ScanPurpose, since: Instant) {
        self.scanning.insert(repo.clone());
        let (repo, location, config) = (repo.clone(), location.clone(), config.clone());
        let unavailable = self.watcher.is_none().then(|| self.unavailable.clone());
        let was_polled = matches!(self.followed.get(&repo), Some(Following::Polled { .. }));
        let (seen, turns, of) = (self.seen.clone(), self.turns.clone(), repo.clone());
        let is_whole = matches!(question, ScanPurpose::Directories);
        let rest = self.resting.get(&repo).copied().filter(|_| is_whole);
        tokio::spawn(async move {
            if let Some(end) = rest {
                tokio::time::sleep_until(end.into()).await;
            }
            // It is never closed.
            let turn = turns.acquire().await;
            // All of it is looked at, also what was touched meanwhile.
            let since = if is_whole { clock::monotonic() } else { since };
            let job = Scan { repo, location, config, question, unavailable, was_polled, since };
            let mut scanning = tokio::task::spawn_blocking(move || {
                let begun = clock::monotonic();
                let seen = job.run();
                ScannedTree { took: clock::monotonic().saturating_duration_since(begun), ..seen }
            });
            let found = match tokio::time::timeout(SCAN_PATIENCE, &mut scanning).await {
                Ok(found) => found,
                Err(_) => {
                    drop(turn);
                    scanning.await
                }
            };
            let outcome = ScanOutcome::SameDirectories;
            let panicked =
                |_| ScannedTree { repo: of, concerns: true, outcome, files: None, since, took: Duration::ZERO };
            // The receiver lives as long as the daemon.
            let _ = seen.send(found.unwrap_or_else(panicked));
        });
    }

    /// Applies what a scan found; returns where the view may differ, if it may.
    pub fn take_in(&mut self, seen: ScannedTree) -> Option<TreeChanges> {
        let ScannedTree { repo, mut concerns, outcome, files, since, took } = seen;
        self.scanning.remove(&repo);
        if !matches!(outcome, ScanOutcome::SameDirectories) {
            self.resting.insert(repo.clone(), clock::monotonic() + took * REST);
        }
        let before = self.followed.get(&repo).cloned()?;
        match outcome {
            ScanOutcome::SameDirectories => {}
            ScanOutcome::NoTree => self.forget_watches(&repo, Following::Not),
            ScanOutcome::Directories { dirs, fingerprint } => {
                let set = self.watcher.as_mut().map(|watcher| watcher.set(&repo, &dirs, self.limit));
                match set {
                    Some(Ok(())) => drop(self.followed.insert(repo.clone(), Following::Watched)),
                    Some(Err(error)) => concerns = self.be_polled(&repo, &before, error.to_string(), fingerprint),
                    None => concerns = self.be_polled(&repo, &before, self.unavailable.clone(), fingerprint),
                }
            }
            ScanOutcome::Unwatchable { why, fingerprint } => {
                concerns = self.be_polled(&repo, &before, why, fingerprint)
            }
        }
        if !concerns {
            // What was touched can be no part of the view.
            self.calm(&repo, since);
        }
        let is_watched = self.followed.get(&repo) == Some(&Following::Watched);
        concerns.then(|| TreeChanges { files: files.filter(|_| is_watched), since })
    }

    /// Notes a poll; returns whether something differs from the last scan.
    fn be_polled(&mut self, repo: &RepoId, before: &Following, why: String, fingerprint: Option<u64>) -> bool {
        let (reason_before, fingerprint_before) = match before {
            Following::Polled { why, fingerprint } => (Some(why), *fingerprint),
            _ => (None, None),
        };
        if reason_before != Some(&why) {
            tracing::warn!(%repo, why, "its work tree is polled");
        }
        self.forget_watches(repo, Following::Polled { why, fingerprint });
        fingerprint.is_none() || fingerprint != fingerprint_before
    }

    fn forget_watches(&mut self, repo: &RepoId, following: Following) {
        if let Some(watcher) = &mut self.watcher {
            watcher.remove(repo);
        }
        self.followed.insert(repo.clone(), following);
    }

    /// Watched directories.
    pub fn watches(&self) -> usize {
        self.watcher.as_ref().map_or(0, TreeWatcher::watches)
    }

    /// The work trees that are polled, each with the reason.
    pub fn polled(&self) -> BTreeMap<String, String> {
        let polled = self.followed.iter().filter_map(|(repo, following)| match following {
            Following::Polled { why, .. } => Some((repo.0.clone(), why.clone())),
            _ => None,
        });
        polled.collect()
    }
}

/// So many directories that enough is left to other programs; where there is no such limit, no limit.
fn watches_limit() -> usize {
    let limit = std::fs::read_to_string("/proc/sys/fs/inotify/max_user_watches").ok();
    let limit: Option<usize> = limit.and_then(|text| text.trim().parse().ok());
    limit.map_or(usize::MAX, |limit| limit - limit / LEFT_TO_OTHERS)
}

/// Whether a path is, or was, that of a file that says nothing of others: no directory, and no list of what is ignored. Of a watched
/// directory that went away no path is told ([`Touched::Anything`]).
fn is_plain(top: &Path, path: &Path) -> bool {
    let is_rule = path.file_name().is_some_and(|name| name == ".gitignore");
    let is_file = match path.symlink_metadata() {
        Ok(meta) => !meta.is_dir(),
        Err(error) => error.kind() == std::io::ErrorKind::NotFound,
    };
    path != top && path.starts_with(top) && !is_rule && is_file
}

/// A scan that is to be made.
struct Scan {
    repo: RepoId,
    location: Location,
    config: RepoConfig,
    question: ScanPurpose,
    /// Why no notifications come.
    unavailable: Option<String>,
    was_polled: bool,
    since: Instant,
}

impl Scan {
    fn run(self) -> ScannedTree {
        let Self { repo, location, config, question, unavailable, was_polled, since } = self;
        let unwatchable = unavailable.or_else(|| network_file_system(&location.path));
        let took = Duration::ZERO;
        let seen = |concerns, outcome| ScannedTree { repo: repo.clone(), concerns, outcome, files: None, since, took };
        let user = UserConfig::read();
        // The reconcile reports an invalid glob.
        let selection = FileSelection::new(&config).unwrap_or_default();
        let mut tree = match WorkTree::open(&location, &user, &selection) {
            Ok(Some(tree)) => tree,
            Ok(None) => return seen(true, ScanOutcome::NoTree),
            // The reconcile reports this, too.
            Err(error) => return seen(true, ScanOutcome::Unwatchable { why: error.to_string(), fingerprint: None }),
        };
        if let Some(why) = unwatchable {
            return seen(true, ScanOutcome::Unwatchable { why, fingerprint: Some(tree.fingerprint()) });
        }
        let paths = match question {
            ScanPurpose::Directories => None,
            ScanPurpose::Paths(paths) => Some(paths),
        };
        let same_directories =
            paths.as_ref().is_some_and(|paths| paths.iter().all(|path| is_plain(&location.path, path)));
        let mut touched: Option<Vec<FilePath>> =
            paths.map(|paths| paths.iter().filter_map(|path| relative(&location.path, path)).collect());
        if let Some(touched) = &mut touched {
            touched.retain(|path| tree.concerns(path));
        }
        let concerns = touched.as_ref().is_none_or(|touched| !touched.is_empty());
        if same_directories || !concerns {
            return ScannedTree { files: touched, ..seen(concerns, ScanOutcome::SameDirectories) };
        }
        let absolute = |dir: Vec<u8>| location.path.join(std::ffi::OsStr::from_bytes(&dir));
        match tree.directories() {
            Some(dirs) => {
                let fingerprint = was_polled.then(|| tree.fingerprint());
                seen(true, ScanOutcome::Directories { dirs: dirs.into_iter().map(absolute).collect(), fingerprint })
            }
            None => {
                let why = "it has too many directories to be watched".to_owned();
                seen(true, ScanOutcome::Unwatchable { why, fingerprint: Some(tree.fingerprint()) })
            }
        }
    }
}

/// Why changes in a directory may go untold: they are made on another machine, or by a program.
#[cfg(target_os = "linux")]
fn network_file_system(dir: &Path) -> Option<String> {
    #[expect(
        clippy::cast_sign_loss,
        clippy::cast_possible_truncation,
        reason = "the type is a magic number of 32 bits"
    )]
    let kind = rustix::fs::statfs(dir).ok()?.f_type as u32;
    let name = silent_file_system(kind)?;
    Some(format!("it is on {name}, which does not report every change"))
}

/// The name of a type of file systems that do not report every change.
#[cfg(target_os = "linux")]
fn silent_file_system(kind: u32) -> Option<&'static str> {
    // From linux/magic.h and the drivers of those that are not in it.
    const TYPES: [(u32, &str); 10] = [
        (0x6969, "NFS"),
        (0x517b, "SMB"),
        (0xff53_4d42, "CIFS"),
        (0xfe53_4d42, "SMB2"),
        (0x6573_5546, "FUSE"),
        (0x0102_1997, "9P"),
        (0x5346_414f, "AFS"),
        (0x00c3_6400, "Ceph"),
        (0x7375_7245, "Coda"),
        (0x786f_4256, "a shared folder of VirtualBox"),
    ];
    TYPES.iter().find(|(magic, _)| *magic == kind).map(|(_, name)| *name)
}

#[cfg(not(target_os = "linux"))]
fn network_file_system(_: &Path) -> Option<String> {
    None
}

#[cfg(all(test, target_os = "linux"))]
mod tests {
    use super::*;

    #[test]
    fn f33_file_systems_without_full_notifications_are_known() {
        assert_eq!(silent_file_system(0x6969), Some("NFS"));
        assert_eq!(silent_file_system(0x6573_5546), Some("FUSE"));
        // ext4, tmpfs, overlayfs
        assert_eq!([0xef53, 0x0102_1994, 0x794c_7630].map(silent_file_system), [None; 3]);
        assert_eq!(network_file_system(&std::env::temp_dir().join("there is no such directory")), None);
    }
}
