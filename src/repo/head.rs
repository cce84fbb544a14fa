//! Where a repository is now, and whether it is in the middle of something.

use std::path::Path;
use std::time::{Duration, SystemTime};

use crate::domain::ObjectId;
use crate::repo::open::{Repo, RepoError, plain};

/// Commits read in search of the first one. The first parents of the largest public histories are some 100,000.
const ROOT_WALK_LIMIT: usize = 500_000;

/// An `index.lock` older than this was left behind by a crash; work goes on in spite of it.
const STALE_LOCK: Duration = Duration::from_secs(10 * 60);

/// A commit and its tree. Both are `None` while HEAD is unborn: a repository without a commit yet.
#[derive(Clone, Debug, PartialEq, Eq, Default)]
pub struct Head {
    pub commit: Option<ObjectId>,
    pub tree: Option<ObjectId>,
    /// Full name of the branch that HEAD names, e.g. `refs/heads/main`; `None` if detached, or if this is no HEAD.
    pub branch: Option<String>,
}

/// What a repository is in the middle of. Its head may be a passing one, so work waits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Busy {
    Rebase,
    /// `git am`, or a rebase by its apply backend.
    Apply,
    Merge,
    CherryPick,
    Revert,
    /// Git is at work in this moment; it will be over without an event of its own, so ask again within seconds.
    IndexLock,
}

impl Busy {
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Rebase => "rebase in progress",
            Self::Apply => "patches being applied",
            Self::Merge => "merge in progress",
            Self::CherryPick => "cherry-pick in progress",
            Self::Revert => "revert in progress",
            Self::IndexLock => "index locked",
        }
    }
}

impl Repo {
    /// Where HEAD is.
    ///
    /// # Errors
    /// If HEAD is missing or damaged, names a branch that does not exist although the repository has a history (it is never taken
    /// for empty then), or its commit cannot be read.
    pub fn head(&self) -> Result<Head, RepoError> {
        let failed =
            |error: &gix::Error| RepoError::Head { path: self.path().to_owned(), reason: RepoError::chain(error) };
        let mut head = self.inner.head().map_err(|error| failed(&error))?;
        let branch = head.referent_name().map(|name| name.as_bstr().to_string());
        if head.is_unborn() {
            return self.unborn(branch);
        }
        let commit = head.id().map(|id| plain(&id));
        let commit = match commit {
            Some(commit) => commit,
            // A branch that names an annotated tag, or another reference.
            None => head.peel_to_commit().map(|commit| plain(&commit.id)).map_err(|error| failed(&error))?,
        };
        let tree = match self.commit(&commit) {
            Ok((tree, _)) => tree,
            Err(RepoError::WrongKind { .. }) => {
                let commit = head.peel_to_commit().map_err(|error| failed(&error))?;
                plain(&commit.tree_id().map_err(|error| failed(&error))?)
            }
            Err(error) => return Err(error),
        };
        Ok(Head { commit: Some(commit), tree: Some(tree), branch })
    }

    /// No commit yet is a normal state; a lost branch is not, and Git distinguishes them only by what else there is.
    fn unborn(&self, branch: Option<String>) -> Result<Head, RepoError> {
        let failed =
            |error: gix::Error| RepoError::Head { path: self.path().to_owned(), reason: RepoError::chain(&error) };
        let branches = self.inner.references().map_err(failed)?;
        let has_branch = branches.local_branches().map_err(failed)?.next().is_some();
        let has_log = std::fs::metadata(self.inner.git_dir().join("logs/HEAD")).is_ok_and(|log| log.len() > 0);
        match branch {
            Some(branch) if has_branch || has_log => {
                Err(RepoError::HeadMissing { path: self.path().to_owned(), branch })
            }
            branch => Ok(Head { branch, ..Head::default() }),
        }
    }

    /// The commit and tree that a revision names, in the syntax of `git rev-parse`.
    ///
    /// # Errors
    /// If it names nothing, several objects, or something that leads to no commit.
    pub fn rev(&self, spec: &str) -> Result<Head, RepoError> {
        // What the library says of it names its own parts.
        let failed = |error: gix::Error| {
            tracing::debug!(error = RepoError::chain(&error), spec, "no revision");
            RepoError::Revision { path: self.path().to_owned(), spec: spec.to_owned() }
        };
        let id = self.inner.rev_parse_single(spec).map_err(failed)?;
        let commit = id.object().map_err(failed)?.peel_to_commit().map_err(failed)?;
        let tree = commit.tree_id().map_err(failed)?;
        Ok(Head { commit: Some(plain(&commit.id)), tree: Some(plain(&tree)), branch: None })
    }

    /// Whether the history is cut off: a clone with a depth. One of which that cannot be read is taken for whole.
    pub fn is_shallow(&self) -> bool {
        self.inner.is_shallow().unwrap_or(false)
    }

    /// The first commit of HEAD's history along first parents: with it, a repository is recognised at a new path. `None` if there
    /// is no commit, or the beginning is out of reach (a shallow clone, a commit that cannot be read, or more than 500,000 commits
    /// away).
    ///
    /// # Errors
    /// If HEAD cannot be read.
    pub fn root_commit(&self) -> Result<Option<ObjectId>, RepoError> {
        let Some(commit) = self.head()?.commit else { return Ok(None) };
        if self.inner.is_shallow().unwrap_or(true) {
            return Ok(None);
        }
        let mut first = commit;
        for _ in 0..ROOT_WALK_LIMIT {
            match self.commit(&first) {
                Ok((_, parents)) => match parents.into_iter().next() {
                    Some(parent) => first = parent,
                    None => return Ok(Some(first)),
                },
                Err(error) => {
                    tracing::warn!(%error, "the beginning of the history is out of reach");
                    return Ok(None);
                }
            }
        }
        Ok(None)
    }

    /// What the repository is in the middle of at the time `now`, if anything.
    pub fn busy(&self, now: SystemTime) -> Option<Busy> {
        let git_dir = self.inner.git_dir();
        let marks = [
            ("rebase-merge", Busy::Rebase),
            ("rebase-apply", Busy::Apply),
            ("MERGE_HEAD", Busy::Merge),
            ("CHERRY_PICK_HEAD", Busy::CherryPick),
            ("REVERT_HEAD", Busy::Revert),
        ];
        let marked = marks.into_iter().find(|(name, _)| git_dir.join(name).symlink_metadata().is_ok());
        marked.map(|(_, busy)| busy).or_else(|| is_locked(&git_dir.join("index.lock"), now).then_some(Busy::IndexLock))
    }
}

fn is_locked(lock: &Path, now: SystemTime) -> bool {
    let modified = lock.symlink_metadata().and_then(|metadata| metadata.modified());
    // A lock from the future (the clock was set back) is taken for fresh.
    modified.is_ok_and(|modified| now.duration_since(modified).unwrap_or_default() < STALE_LOCK)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::repo::fixture::TestRepo;
    use std::fs;

    fn repo_with_commit() -> TestRepo {
        let repo = TestRepo::new();
        repo.write("a.rs", "fn a() {}\n");
        repo.commit("one");
        repo
    }

    #[test]
    fn head_is_what_git_says_on_a_branch_and_detached() {
        let repo = repo_with_commit();
        repo.git(&["pack-refs", "--all"]);
        let head = repo.open().head().unwrap();
        assert_eq!(head.commit.as_ref().unwrap().to_string(), repo.git(&["rev-parse", "HEAD"]));
        assert_eq!(head.tree.unwrap().to_string(), repo.git(&["rev-parse", "HEAD^{tree}"]));
        assert_eq!(head.branch.as_deref(), Some("refs/heads/main"));
        repo.git(&["checkout", "-q", "--detach"]);
        let detached = repo.open().head().unwrap();
        assert_eq!((detached.commit, detached.branch), (head.commit, None));
    }

    #[test]
    fn f39_a_lost_branch_is_an_error_and_no_commit_yet_is_not() {
        let repo = TestRepo::new();
        let unborn = repo.open().head().unwrap();
        assert_eq!(unborn, Head { branch: Some("refs/heads/main".into()), ..Head::default() });
        assert_eq!(repo.open().root_commit().unwrap(), None);

        let repo = repo_with_commit();
        repo.git(&["branch", "other"]);
        fs::write(repo.path().join(".git/HEAD"), "ref: refs/heads/gone\n").unwrap();
        assert!(
            matches!(repo.open().head(), Err(RepoError::HeadMissing { branch, .. }) if branch == "refs/heads/gone")
        );

        let repo = repo_with_commit();
        fs::remove_file(repo.path().join(".git/refs/heads/main")).unwrap();
        assert!(matches!(repo.open().head(), Err(RepoError::HeadMissing { .. })));

        let repo = repo_with_commit();
        fs::write(repo.path().join(".git/refs/heads/main"), "garbage\n").unwrap();
        assert!(matches!(repo.open().head(), Err(RepoError::Head { .. })));
    }

    #[test]
    fn f39_a_missing_commit_is_named() {
        let repo = repo_with_commit();
        let commit = repo.git(&["rev-parse", "HEAD"]);
        fs::remove_file(repo.path().join(".git/objects").join(&commit[..2]).join(&commit[2..])).unwrap();
        let error = repo.open().head().unwrap_err();
        assert!(matches!(&error, RepoError::MissingObject { id } if id.to_string() == commit), "{error}");
    }

    #[test]
    fn the_root_is_the_first_commit_whatever_came_after() {
        let repo = repo_with_commit();
        let root = repo.git(&["rev-parse", "HEAD"]);
        repo.commit("two");
        repo.git(&["checkout", "-q", "-b", "side"]);
        repo.commit("three");
        assert_eq!(repo.open().root_commit().unwrap().unwrap().to_string(), root);
        let shallow = TestRepo::new();
        let url = format!("file://{}", repo.path().display());
        shallow.git(&["fetch", "-q", "--depth=1", &url, "side"]);
        shallow.git(&["update-ref", "refs/heads/main", "FETCH_HEAD"]);
        assert_eq!(shallow.open().root_commit().unwrap(), None);
    }

    #[test]
    fn a_revision_is_a_commit_or_an_error_that_names_it() {
        let repo = repo_with_commit();
        let first = repo.git(&["rev-parse", "HEAD"]);
        repo.git(&["tag", "-a", "-m", "t", "v1"]);
        repo.commit("two");
        for spec in ["HEAD~1", "v1", &first, &first[..8], "main^"] {
            assert_eq!(repo.open().rev(spec).unwrap().commit.unwrap().to_string(), first, "{spec}");
        }
        for spec in ["nowhere", "HEAD:a.rs", "HEAD~9", "", "\0"] {
            assert!(matches!(repo.open().rev(spec), Err(RepoError::Revision { .. })), "{spec:?}");
        }
    }

    #[test]
    fn f16_and_f35_a_rebase_holds_and_a_stale_lock_does_not() {
        let repo = repo_with_commit();
        let (open, now) = (repo.open(), SystemTime::now());
        assert_eq!(open.busy(now), None);
        let lock = repo.path().join(".git/index.lock");
        fs::write(&lock, "").unwrap();
        assert_eq!(open.busy(now), Some(Busy::IndexLock));
        assert_eq!(open.busy(now + STALE_LOCK + Duration::from_secs(1)), None);
        assert_eq!(open.busy(now - STALE_LOCK), Some(Busy::IndexLock));
        fs::remove_file(lock).unwrap();

        repo.git(&["checkout", "-q", "-b", "side"]);
        repo.write("a.rs", "fn side() {}\n");
        repo.commit("side");
        repo.git(&["checkout", "-q", "main"]);
        repo.write("a.rs", "fn main_() {}\n");
        repo.commit("main");
        assert!(!repo.try_git(&["rebase", "-q", "side"]));
        assert_eq!(open.busy(SystemTime::now()), Some(Busy::Rebase));
        repo.git(&["rebase", "--abort"]);
        assert!(!repo.try_git(&["merge", "-q", "side"]));
        assert_eq!(open.busy(SystemTime::now()), Some(Busy::Merge));
        repo.git(&["merge", "--abort"]);
        assert_eq!(open.busy(SystemTime::now()), None);
    }
}
