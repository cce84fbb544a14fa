//! The commits of a history, as a report lists them.

use std::collections::{BinaryHeap, HashMap, HashSet};

use super::open::{Repo, RepoError, plain};
use crate::clock::Timestamp;
use crate::domain::ObjectId;

/// What a commit says of itself.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CommitNote {
    pub id: ObjectId,
    pub tree: ObjectId,
    pub parents: Vec<ObjectId>,
    /// The first paragraph of its message, in one line. As a person wrote it: it can hold anything.
    pub subject: String,
    pub author: String,
    pub committed_at: Timestamp,
}

/// Some commits, each the first parent of the one before it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct FirstParents {
    /// The newest first.
    pub commits: Vec<CommitNote>,
    /// The first parent of the last one is not in this clone, which is shallow.
    pub is_cut: bool,
}

impl Repo {
    /// What a commit says of itself.
    ///
    /// # Errors
    /// If it is not there, or cannot be read.
    pub fn commit_note(&self, id: &ObjectId) -> Result<CommitNote, RepoError> {
        let data = self.object_of(id, gix::objs::Kind::Commit, "commit")?;
        let commit = gix::objs::CommitRef::from_bytes(&data, self.inner.object_hash())
            .map_err(|error| RepoError::Unreadable { id: id.clone(), reason: RepoError::chain(&error) })?;
        let seconds = commit.time().map(|time| time.seconds).unwrap_or_default();
        let author = commit.author().map(|author| author.name.to_string()).unwrap_or_default();
        let title = commit.message().title.to_string();
        Ok(CommitNote {
            id: id.clone(),
            tree: plain(&commit.tree()),
            parents: commit.parents().map(|parent| plain(&parent)).collect(),
            subject: title.split_whitespace().collect::<Vec<_>>().join(" "),
            author,
            committed_at: Timestamp(seconds.saturating_mul(1_000)),
        })
    }

    /// A commit and its first parents, up to one that `is_end` recognises, which is left out, or to the beginning.
    ///
    /// # Errors
    /// If a commit cannot be read. One that a shallow clone lacks is no error.
    pub fn first_parents(
        &self,
        newest: &ObjectId,
        mut is_end: impl FnMut(&CommitNote) -> bool,
    ) -> Result<FirstParents, RepoError> {
        let mut found = FirstParents::default();
        let mut next = Some(newest.clone());
        while let Some(id) = next {
            let commit = match self.commit_note(&id) {
                Err(RepoError::MissingObject { .. }) if !found.commits.is_empty() && self.is_shallow() => {
                    found.is_cut = true;
                    break;
                }
                commit => commit?,
            };
            if is_end(&commit) {
                break;
            }
            next = commit.parents.first().cloned();
            found.commits.push(commit);
        }
        Ok(found)
    }

    /// The commits that lead from one commit to another along first parents: those of `to` that `from` does not reach, as with
    /// `git log --first-parent from..to`. `None`: from the beginning.
    ///
    /// # Errors
    /// As [`Repo::first_parents`].
    pub fn commits_between(&self, from: Option<&ObjectId>, to: &ObjectId) -> Result<FirstParents, RepoError> {
        let mut is_met = false;
        let mut found = self.first_parents(to, |commit| {
            is_met = Some(&commit.id) == from;
            is_met
        })?;
        if let Some(from) = from.filter(|_| !is_met)
            && let Some(kept) = self.first_reached(from, &found.commits)?
        {
            found.commits.truncate(kept);
            found.is_cut = false;
        }
        Ok(found)
    }

    /// The place of the newest of some commits that another one reaches; `None`: it reaches none.
    fn first_reached(&self, from: &ObjectId, commits: &[CommitNote]) -> Result<Option<usize>, RepoError> {
        let places: HashMap<&ObjectId, usize> =
            commits.iter().enumerate().map(|(place, commit)| (&commit.id, place)).collect();
        let mut seen: HashSet<ObjectId> = HashSet::from([from.clone()]);
        let mut ahead: BinaryHeap<(Timestamp, ObjectId)> = BinaryHeap::from([(Timestamp(i64::MAX), from.clone())]);
        let mut best: Option<usize> = None;
        while let Some((at, id)) = ahead.pop() {
            // What is older than a commit that was met does not lead to a newer one.
            if best.is_some_and(|best| at < commits[best].committed_at) {
                break;
            }
            if let Some(&place) = places.get(&id) {
                best = Some(best.map_or(place, |best| best.min(place)));
                continue;
            }
            let parents = match self.commit_note(&id) {
                Err(error) if error.is_of_one_object() => continue,
                commit => commit?.parents,
            };
            for parent in parents {
                if seen.insert(parent.clone()) {
                    let at = self.commit_note(&parent).map(|parent| parent.committed_at).unwrap_or(Timestamp(i64::MIN));
                    ahead.push((at, parent));
                }
            }
        }
        Ok(best)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::repo::fixture::TestRepo;

    fn id(repo: &TestRepo, spec: &str) -> ObjectId {
        ObjectId::from_hex(&repo.git(&["rev-parse", spec])).unwrap()
    }

    fn between(repo: &TestRepo, from: &str, to: &str) -> Vec<String> {
        let found = repo.open().commits_between(Some(&id(repo, from)), &id(repo, to)).unwrap();
        assert!(!found.is_cut);
        found.commits.iter().map(|commit| commit.id.to_string()).collect()
    }

    /// `main` with a branch that was merged, and one that was not.
    fn history() -> TestRepo {
        let repo = TestRepo::new();
        for message in ["one", "two"] {
            repo.commit(message);
        }
        repo.git(&["switch", "-q", "-c", "side"]);
        repo.commit("side");
        repo.git(&["switch", "-q", "-c", "open"]);
        repo.commit("open");
        repo.git(&["switch", "-q", "main"]);
        repo.commit("three");
        repo.git(&["merge", "-q", "--no-ff", "-m", "merge\nof a side\n\nwith a body", "side"]);
        repo.commit("four");
        repo
    }

    #[test]
    fn commits_between_are_those_of_git() {
        let repo = history();
        for from in ["main~4", "main~3", "main", "side", "open", "open~1", "side~1"] {
            for to in ["main", "main~1", "open", "side"] {
                let listed = repo.git(&["rev-list", "--first-parent", &format!("{from}..{to}")]);
                let listed: Vec<String> = listed.lines().map(str::to_owned).collect();
                assert_eq!(between(&repo, from, to), listed, "{from}..{to}");
            }
        }
        let all = repo.open().commits_between(None, &id(&repo, "main")).unwrap();
        assert_eq!(all.commits.len(), 5);
    }

    #[test]
    fn a_commit_says_who_wrote_what() {
        let repo = history();
        let merge = repo.open().commit_note(&id(&repo, "main~1")).unwrap();
        assert_eq!((merge.subject.as_str(), merge.parents.len()), ("merge of a side", 2));
        assert_eq!(merge.author, repo.git(&["log", "-1", "--format=%an", "main~1"]));
        assert_eq!(merge.committed_at.0.to_string(), repo.git(&["log", "-1", "--format=%ct000", "main~1"]));
    }

    #[test]
    fn a_shallow_clone_ends_where_its_history_is_cut() {
        let repo = history();
        let shallow = TestRepo::new();
        let url = format!("file://{}", repo.path().display());
        shallow.git(&["fetch", "-q", "--depth=2", &url, "main"]);
        shallow.git(&["update-ref", "refs/heads/main", "FETCH_HEAD"]);
        let found = shallow.open().commits_between(None, &id(&shallow, "main")).unwrap();
        assert_eq!((found.commits.len(), found.is_cut), (2, true));
    }
}
