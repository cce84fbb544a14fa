//! How fresh an answer is, for the files that it shows and for what the daemon knows to wait.

use std::collections::BTreeSet;

use super::present::{LeftOut, PresentFile, PresentFiles};
use super::view::freshness::Freshness;
use super::{QueryError, Reader};
use crate::cache::{RepoStore, overlay, view};
use crate::clock::Timestamp;
use crate::domain::{FilePath, ObjectId, SkipReason};
use crate::queue;
use crate::repo::disk::OnDisk;
use crate::repo::registry::Registered;
use crate::repo::user_config::UserConfig;
use crate::repo::worktree::{Committable, WorkTree};
use crate::repo::{FileSelection, Repo, TreeEntry};

/// What the daemon reported of a repository just before the question.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Followed {
    /// Nothing waits.
    Current,
    /// So many files wait.
    Behind { files: u64, since: Option<Timestamp> },
    /// A daemon runs, and does not know.
    Unknown,
    /// No daemon runs.
    Not,
}

/// The files that an answer shows.
#[derive(Default)]
pub struct ShownFiles {
    /// Those that the index has not as they are.
    changed: Vec<FilePath>,
    left_out: Vec<(FilePath, LeftOut)>,
    sound: BTreeSet<FilePath>,
}

impl ShownFiles {
    pub fn note(&mut self, path: &FilePath, file: &PresentFile) {
        match file {
            PresentFile::Left(why) => self.left_out.push((path.clone(), *why)),
            file if file.is_as_recorded() => drop(self.sound.insert(path.clone())),
            _ if self.changed.contains(path) => {}
            _ => self.changed.push(path.clone()),
        }
    }

    /// Whether a file was shown as the index has it.
    pub fn has_as_recorded(&self, path: &FilePath) -> bool {
        self.sound.contains(path)
    }

    /// Reads and notes a file.
    ///
    /// # Errors
    /// If the store cannot be read.
    pub fn compare(&mut self, files: &mut PresentFiles<'_>, path: &FilePath) -> Result<PresentFile, QueryError> {
        let file = files.read(path)?;
        self.note(path, &file);
        Ok(file)
    }
}

/// How fresh an answer about one repository is. `vectors`: what waits to be embedded counts.
///
/// # Errors
/// If a store cannot be read.
pub fn freshness(
    reader: &Reader<'_>,
    repo: &Registered,
    store: Option<&RepoStore>,
    followed: Followed,
    shown: &ShownFiles,
    vectors: bool,
) -> Result<Freshness, QueryError> {
    if let Some((path, why)) = shown.left_out.first().filter(|_| shown.sound.is_empty() && shown.changed.is_empty()) {
        let why = why.as_str();
        return Ok(Freshness::NotCovered { because: format!("{path}: {why}") });
    }
    let stale = |because: String| Ok(Freshness::Stale { because });
    if let Some(error) = &repo.error {
        return stale(format!("the last comparison failed: {error}"));
    }
    if let Some(held) = &repo.held {
        return stale(format!("a Git operation is in progress ({held}); the index waits for its end"));
    }
    let runs = followed != Followed::Not;
    if repo.reconciled_at.is_none() {
        let since = Some(repo.registered_at.to_rfc3339());
        return if runs {
            Ok(Freshness::CatchingUp { files: 0, since })
        } else {
            stale(format!("it is not indexed yet{NO_DAEMON}"))
        };
    }
    if let Some(path) = shown.changed.first().filter(|_| !reader.config.for_repo(&repo.location.path).watch.tree) {
        return stale(format!("{path} is not as it was committed, and saves are not indexed (`[watch] tree = false`)"));
    }
    let waits = |files: u64, since: Option<Timestamp>| {
        let since = since.or(repo.reconciled_at).map(Timestamp::to_rfc3339);
        Ok(Freshness::CatchingUp { files: files.max(1), since })
    };
    match followed {
        Followed::Behind { files, since } => return waits(files.max(shown.changed.len() as u64), since),
        Followed::Not if !shown.changed.is_empty() => {
            return stale(format!("{} changed since it was indexed{NO_DAEMON}", shown.changed[0]));
        }
        Followed::Not | Followed::Unknown => match (unindexed(reader, repo, store)?, runs) {
            (0, _) => {}
            (files, true) => return waits(files, None),
            (1, false) => return stale(format!("1 file changed since it was indexed{NO_DAEMON}")),
            (files, false) => return stale(format!("{files} files changed since they were indexed{NO_DAEMON}")),
        },
        Followed::Current => {}
    }
    if !shown.changed.is_empty() {
        return waits(shown.changed.len() as u64, None);
    }
    if head_of(repo) != repo.indexed_commit {
        return if runs { waits(1, None) } else { stale(format!("HEAD has moved since it was indexed{NO_DAEMON}")) };
    }
    match lacking_vectors(reader, repo, vectors)? {
        (0, _) => Ok(Freshness::Current),
        (files, false) if runs => waits(files, None),
        (files, _) => stale(not_embedded(files, runs)),
    }
}

/// Files that wait to be embedded, and whether the queue is paused. `vectors`: they count.
fn lacking_vectors(reader: &Reader<'_>, repo: &Registered, vectors: bool) -> Result<(u64, bool), QueryError> {
    Ok(match &reader.agent {
        Some(db) if vectors => (queue::pending_embeds(db, &repo.id)?, queue::is_paused(db)?),
        _ => (0, false),
    })
}

/// Why files are not embedded, and will not be by themselves: no daemon runs, or the queue is paused.
fn not_embedded(files: u64, runs: bool) -> String {
    let lacking = match files {
        1 => "1 file is not embedded yet".to_owned(),
        files => format!("{files} files are not embedded yet"),
    };
    if runs { format!("{lacking} and {PAUSED}") } else { format!("{lacking}{NO_DAEMON}") }
}

/// What a person has to end.
pub(super) const PAUSED: &str = "the queue is paused (`ra-agent queue resume`)";
const NO_DAEMON: &str = " and no daemon runs (`ra-agent daemon start`)";

/// The freshness of several: the worst of them.
pub fn worst(all: impl IntoIterator<Item = Freshness>) -> Freshness {
    let rank = |one: &Freshness| match one {
        Freshness::Current => 0,
        Freshness::NotCovered { .. } => 1,
        Freshness::CatchingUp { .. } => 2,
        Freshness::Stale { .. } => 3,
    };
    all.into_iter().fold(Freshness::Current, |worst, one| match (worst, one) {
        (Freshness::CatchingUp { files: a, since }, Freshness::CatchingUp { files: b, since: other }) => {
            let since = match (since, other) {
                (Some(a), Some(b)) => Some(a.min(b)),
                (one, other) => one.or(other),
            };
            Freshness::CatchingUp { files: a + b, since }
        }
        (worst, one) if rank(&one) > rank(&worst) => one,
        (worst, _) => worst,
    })
}

/// The commit that HEAD names now; what the index has if that cannot be read, which the daemon reports.
fn head_of(repo: &Registered) -> Option<ObjectId> {
    match Repo::open(&repo.location).and_then(|git| git.head()) {
        Ok(head) => head.commit,
        Err(_) => repo.indexed_commit.clone(),
    }
}

/// Files of the work tree that the index has not as they are. Zero where the work tree is not followed.
///
/// # Errors
/// If a store cannot be read.
fn unindexed(reader: &Reader<'_>, repo: &Registered, store: Option<&RepoStore>) -> Result<u64, QueryError> {
    let config = reader.config.for_repo(&repo.location.path);
    let Some(store) = store.filter(|_| config.watch.tree) else { return Ok(0) };
    let selection = FileSelection::new(&config).map_err(|error| QueryError::Invalid(error.to_string()))?;
    let Ok(Some(mut tree)) = WorkTree::open(&repo.location, &UserConfig::read(), &selection) else { return Ok(0) };
    let head = view::files(store.db())?.into_iter();
    let head: Vec<TreeEntry> = head.map(|file| TreeEntry { path: file.path, id: file.blob, mode: file.mode }).collect();
    let saved = overlay::files(store.db())?;
    let (mut differing, mut met) = (0, BTreeSet::new());
    for candidate in tree.candidates(&head).files {
        let path = candidate.path;
        let recorded = saved.get(&path);
        met.insert(path.clone());
        if let (OnDisk::File(stat), Some(file)) = (candidate.on_disk, recorded)
            && file.is_as_read(&stat)
        {
            continue;
        }
        let committed = head.binary_search_by(|entry| entry.path.cmp(&path)).ok().map(|at| &head[at].id);
        let expected = match recorded.map(|file| (&file.record.blob, file.record.skip)) {
            Some((_, Some(SkipReason::Deleted))) => None,
            Some((blob, _)) => Some(blob),
            None => committed,
        };
        let is_same = match tree.read(&path) {
            Ok(Committable::Content { id, .. }) => expected == Some(&id),
            Ok(Committable::TooLarge(_)) => recorded.is_some_and(|file| file.record.skip == Some(SkipReason::Huge)),
            Ok(Committable::NoFile) => expected.is_none(),
            // The reconcile takes it for what it was, too.
            Err(_) => true,
        };
        if !is_same {
            differing += 1;
        }
    }
    let put_back = saved.keys().filter(|path| !met.contains(*path)).count();
    Ok(differing + put_back as u64)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_stays_unembedded_says_who_can_end_that() {
        assert_eq!(not_embedded(1, false), "1 file is not embedded yet and no daemon runs (`ra-agent daemon start`)");
        assert!(not_embedded(2, true).contains("2 files are not embedded yet and the queue is paused"));
    }

    #[test]
    fn the_worst_of_several_counts() {
        let waits = |files| Freshness::CatchingUp { files, since: None };
        let stale = Freshness::Stale { because: "x".to_owned() };
        assert_eq!(worst([]), Freshness::Current);
        assert_eq!(worst([waits(1), Freshness::Current, waits(2)]), waits(3));
        assert_eq!(worst([waits(1), stale.clone(), waits(2)]), stale);
    }
}
