//! Questions that are asked right after a save or a commit: the debounce ends for them, and they wait until what waits is indexed.

use std::collections::BTreeSet;
use std::time::Instant;

use tokio::sync::oneshot;

use super::control::ControlReply;
use super::supervise::Asked;
use super::trees::WaitingTree;
use super::{Daemon, DaemonError, Waiter};
use crate::clock;
use crate::domain::RepoId;
use crate::repo::Repo;
use crate::repo::registry::{self, Registered};
use crate::worker::pipe::Depth;

/// Repositories whose HEAD is read for one question.
const HEADS_READ: usize = 20;

impl Daemon {
    /// Has everything indexed that waits, at once.
    pub(super) async fn catch_up(
        &mut self,
        repo: Option<String>,
        answer: oneshot::Sender<ControlReply>,
    ) -> Result<(), DaemonError> {
        self.trees.pass_barrier();
        let (mut tokens, repos) = (BTreeSet::new(), self.named(repo)?);
        for repo in &repos {
            let has_moved = self.has_moved(repo, repos.len());
            tokens.extend(self.caught_up_by(repo, has_moved).await);
        }
        // The client may have given up.
        if tokens.is_empty() {
            let _ = answer.send(ControlReply::Behind { files: 0, since_ms: None, is_all: true });
        } else {
            self.waiters.push(Waiter { tokens, outcomes: Vec::new(), answer });
        }
        Ok(())
    }

    /// The token of the reconcile after which nothing waits; `None`: nothing does.
    async fn caught_up_by(&mut self, repo: &Registered, has_moved: bool) -> Option<u64> {
        let waiting = self.trees.waiting(&repo.id);
        let is_read = |begun: Instant| matches!(&waiting, WaitingTree::Touched(stirred) if stirred.last <= begun);
        match self.worker.comparing(&repo.id) {
            // It has begun after the last change, or waits to begin.
            Some((token, begun)) if is_read(begun) && !has_moved => Some(token),
            Some((token, _)) if waiting == WaitingTree::Nothing && !has_moved => Some(token),
            _ if waiting == WaitingTree::Nothing && repo.reconciled_at.is_some() && !has_moved => None,
            _ => Some(match self.trees.hand_over(repo) {
                Some(changes) => self.compare_tree(repo.id.clone(), changes).await,
                None => {
                    // Nothing of the work tree waits where HEAD alone has moved.
                    let is_head_alone = waiting == WaitingTree::Nothing && repo.reconciled_at.is_some();
                    let depth = if is_head_alone { Depth::Head } else { Depth::Changes };
                    self.ask(Asked { repo: repo.id.clone(), depth, files: None }, clock::monotonic()).await
                }
            }),
        }
    }

    /// What is not indexed yet.
    pub(super) fn behind(&self, repo: Option<String>) -> Result<ControlReply, DaemonError> {
        self.trees.pass_barrier();
        let (mut files, mut first, mut is_all) = (0, None, true);
        let repos = self.named(repo)?;
        for repo in &repos {
            let moved = u64::from(self.has_moved(repo, repos.len()));
            match self.trees.waiting(&repo.id) {
                WaitingTree::Nothing => files += moved,
                WaitingTree::Unknown => {
                    files += moved;
                    is_all = false;
                }
                WaitingTree::Touched(stirred) => {
                    files += stirred.files();
                    first = Some(first.map_or(stirred.first, |first: Instant| first.min(stirred.first)));
                }
            }
        }
        let ago = |first| i64::try_from(clock::since(first).as_millis()).unwrap_or(i64::MAX);
        let since_ms = first.map(|first| clock::now().plus_millis(-ago(first)).0);
        Ok(ControlReply::Behind { files, since_ms, is_all })
    }

    /// The repository of an id, or all.
    fn named(&self, repo: Option<String>) -> Result<Vec<Registered>, DaemonError> {
        Ok(match repo {
            Some(id) => registry::get(&self.db, &RepoId(id))?.into_iter().collect(),
            None => registry::list(&self.db)?,
        })
    }

    /// Whether HEAD is not the commit that is indexed. One that cannot be read is reported by the reconcile. Of very many, what was noticed
    /// counts: reading each would hold up everything else.
    fn has_moved(&self, repo: &Registered, of: usize) -> bool {
        if of > HEADS_READ {
            return self.debounce.holds(&repo.id);
        }
        let head = Repo::open(&repo.location).and_then(|git| git.head());
        head.is_ok_and(|head| head.commit != repo.indexed_commit)
    }
}
