//! What other machines have, and what is given to them. The store is asked for everything that a plan lacks in one go; what was made here
//! is given when nothing else is to be done. Without an answer from it, everything is made here as if there were none.

use std::collections::{HashMap, HashSet};

use serde::{Deserialize, Serialize};

use crate::analyzer::llm::Withheld;
use crate::cache::exchange::{self, LocalResults, PlannedAnalysis};
use crate::cache::{self, exchange_vectors, retired, store_dir};
use crate::clock::{self, Timestamp};
use crate::domain::{Hash, RepoId};
use crate::repo::registry::{self, Registered};
use crate::shared::{
    EntryKind, LayeredResults, RemoteResults, ResultStore, SharedEntry, SharedError, WantedEntry, health_of,
};
use crate::store::StoreError;
use crate::worker::process::pipe::Depth;
use crate::worker::{Worker, WorkerError};

/// Results that are given in one go: between two of these the worker does what has come in.
const GIVEN_AT_ONCE: usize = 2_000;
/// Vectors that are taken in one transaction.
const TAKEN_AT_ONCE: usize = 4_000;

/// The shared store as this worker uses it.
#[derive(Default)]
pub(in crate::worker) struct SharedLink {
    /// Taken into use when it is needed first.
    remote: Option<Box<RemoteResults>>,
    /// Changes that each store had had when all of it was given.
    given: HashMap<RepoId, u64>,
    /// Repositories for which the shared index is asked what it has, whatever was given.
    pub(super) recheck: HashSet<RepoId>,
    /// The view's generation for which vectors were looked for.
    looked_for: HashMap<RepoId, u64>,
    /// Results that cannot be given: a secret was found in them.
    kept_back: HashSet<Hash>,
    /// The store has not taken all; it is tried again.
    is_pending: bool,
    /// What keeps the store from being used; said once.
    obstacle: Option<String>,
    /// When it is tried to take it into use again.
    retry_at: Option<i64>,
}

/// What a person asks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Sharing {
    /// Give everything that is not there.
    Push,
    /// Plan everything again, with what is there.
    Pull,
}

/// What came of it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct SharingDone {
    pub given: u64,
    /// Rows of the shared index that were given.
    #[serde(default)]
    pub rows: u64,
    pub taken: u64,
    /// Results that stay here: a secret was found in them.
    pub kept_back: u64,
    /// Why not all of it was done.
    pub problem: Option<String>,
}

impl Worker {
    /// Takes the store out of the worker for use; `None`: there is none, or it cannot be used. `urgent`: a person waits for it.
    fn take_shared(&mut self, urgent: bool) -> Option<Box<RemoteResults>> {
        if let Some(remote) = self.shared.remote.take() {
            return Some(remote);
        }
        let config = self.config.shared.as_ref()?;
        match RemoteResults::open(&self.home, config, self.runtime.handle().clone(), urgent) {
            Ok(remote) => Some(Box::new(remote)),
            Err(error) => {
                let obstacle = error.to_string();
                if self.shared.obstacle.as_ref() != Some(&obstacle) {
                    tracing::warn!(%error, "nothing is shared");
                }
                self.shared.obstacle = Some(obstacle);
                // What a person has to put right is tried again when there is something new to give.
                let is_outage =
                    matches!(error, SharedError::Unusable(_) | SharedError::Resting(_) | SharedError::Outage(_));
                let next_try = || health_of(&self.home, config).next_try(clock::now()).0;
                self.shared.retry_at = is_outage.then(next_try);
                None
            }
        }
    }

    /// Brings the analyses that are lacking here and that another machine has made. `planned`: for each the keys that it may have. Returns how
    /// many came.
    pub(in crate::worker) fn take_analyses(
        &mut self,
        repo: &Registered,
        planned: Vec<Vec<PlannedAnalysis>>,
    ) -> Result<usize, WorkerError> {
        if planned.is_empty() {
            return Ok(0);
        }
        let Some(mut remote) = self.take_shared(false) else { return Ok(0) };
        let filled = self.store(repo).and_then(|store| {
            let wanted: Vec<WantedEntry> = planned.iter().flatten().map(PlannedAnalysis::wanted).collect();
            let near = LocalResults::new(store.db(), planned, clock::now());
            let taken = LayeredResults { near, far: remote.as_mut() }.fill(&wanted)?;
            cache::count(store.db(), cache::COPIED, taken)?;
            Ok(taken)
        });
        self.shared.remote = Some(remote);
        if let Ok(taken @ 1..) = filled {
            tracing::info!(repo = %repo.id, taken, "analyses came from the shared store");
            self.unsearchable.insert(repo.id.clone());
        }
        filled
    }

    /// Brings the vectors of chunks that wait to be embedded. They are looked for once for each state of the view.
    /// `dimensions`: their length, if it is known.
    pub(in crate::worker) fn take_vectors(
        &mut self,
        repo: &Registered,
        model_id: &str,
        dimensions: Option<usize>,
    ) -> Result<(), WorkerError> {
        if self.config.shared.is_none() {
            return Ok(());
        }
        let generation = cache::counter(self.store(repo)?.db(), cache::GENERATION)?;
        if self.shared.looked_for.insert(repo.id.clone(), generation) == Some(generation) {
            return Ok(());
        }
        let chunks = self.vectorless(repo, model_id, dimensions)?;
        if chunks.is_empty() {
            return Ok(());
        }
        let Some(mut remote) = self.take_shared(false) else { return Ok(()) };
        // In the order of the entries in their packs: what is taken at once lies side by side, and no pack is read several times.
        let mut chunks = chunks;
        chunks.sort_by_cached_key(|chunk| {
            let wanted = exchange_vectors::wanted(chunk, model_id);
            remote.ring().name(wanted.kind, &wanted.key)
        });
        let mut taken = 0;
        for chunks in chunks.chunks(TAKEN_AT_ONCE) {
            let wanted: HashMap<Hash, &Hash> =
                chunks.iter().map(|chunk| (exchange_vectors::wanted(chunk, model_id).key, chunk)).collect();
            let asked: Vec<WantedEntry> =
                chunks.iter().map(|chunk| exchange_vectors::wanted(chunk, model_id)).collect();
            let Ok(found) = remote.get_many(&asked) else { break };
            let vectors: Vec<_> = found
                .iter()
                .filter_map(|one| exchange_vectors::import(wanted.get(&one.entry.key)?, model_id, dimensions, one))
                .collect();
            taken += vectors.len();
            let tx = self.store(repo)?.write()?;
            retired::keep(&tx, &vectors, clock::now())?;
            tx.commit()?;
        }
        self.shared.remote = Some(remote);
        if taken > 0 {
            tracing::info!(repo = %repo.id, taken, "vectors came from the shared store");
        }
        Ok(())
    }

    /// The chunks that wait to be embedded and whose vectors are nowhere here.
    fn vectorless(
        &mut self,
        repo: &Registered,
        model_id: &str,
        dimensions: Option<usize>,
    ) -> Result<Vec<Hash>, WorkerError> {
        let chunks = exchange_vectors::unembedded(self.store(repo)?.db())?;
        let mut here: HashSet<Hash> = match self.table_if_known(repo, dimensions) {
            Ok(Some(table)) => {
                self.runtime.block_on(table.vectors_of(&chunks, model_id)).unwrap_or_default().into_keys().collect()
            }
            // The job that needs it reports it.
            Ok(None) | Err(_) => HashSet::new(),
        };
        here.extend(retired::find(self.store(repo)?.db(), &chunks, model_id)?.into_keys());
        Ok(chunks.into_iter().filter(|chunk| !here.contains(chunk)).collect())
    }

    /// Gives what was made here and is not there, until `is_wanted` says that there is something else to do.
    pub(in crate::worker) fn give_results(&mut self, is_wanted: &dyn Fn() -> bool) -> Result<SharingDone, WorkerError> {
        let mut done = SharingDone::default();
        if !self.config.shared.as_ref().is_some_and(|shared| shared.may_write) {
            return Ok(done);
        }
        for repo in registry::list(&self.queue)? {
            if is_wanted() || !store_dir(&self.config, &repo).analysis_db().exists() {
                continue;
            }
            let changes = self.store(&repo)?.db().total_changes();
            if self.shared.given.get(&repo.id) == Some(&changes) {
                continue;
            }
            let Some(mut remote) = self.take_shared(false) else {
                done.problem.clone_from(&self.shared.obstacle);
                self.shared.is_pending = true;
                return Ok(done);
            };
            let given = self.give_of(&repo, &mut remote, &mut done, is_wanted);
            self.shared.remote = Some(remote);
            if given? {
                self.shared.given.insert(repo.id.clone(), changes);
            }
        }
        done.kept_back = self.shared.kept_back.len() as u64;
        self.shared.is_pending = done.problem.is_some();
        Ok(done)
    }

    /// When what the store has not taken is given again; `None`: nothing waits for that.
    pub(in crate::worker) fn next_giving(&self) -> Option<Timestamp> {
        let retry_at = self.shared.remote.as_ref().map_or(self.shared.retry_at, |remote| remote.health().retry_at);
        retry_at.filter(|_| self.shared.is_pending).map(Timestamp)
    }

    /// Gives it, if it is time. Returns whether something was given.
    pub(in crate::worker) fn give_if_due(&mut self, now: Timestamp) -> Result<bool, WorkerError> {
        let is_due = |worker: &Self| worker.next_giving().is_some_and(|then| then <= now);
        if !is_due(self) {
            return Ok(false);
        }
        let done = self.give_results(&|| false);
        // What failed without a later time to try it would be tried in every step: it waits for the next idle moment.
        if is_due(self) {
            self.shared.is_pending = false;
        }
        Ok(done?.given > 0)
    }

    /// Gives what one repository has. Returns whether that was all.
    fn give_of(
        &mut self,
        repo: &Registered,
        remote: &mut RemoteResults,
        done: &mut SharingDone,
        is_wanted: &dyn Fn() -> bool,
    ) -> Result<bool, WorkerError> {
        let withheld = Withheld::new(&self.config.for_repo(&repo.location.path).withhold);
        let analyses = exchange::shareable(self.store(repo)?.db(), |path| withheld.holds(path))?;
        let (answers, local): (Vec<_>, Vec<_>) = analyses.into_iter().partition(|one| one.kind == EntryKind::Answer);
        for (analyses, then_vectors) in [(answers, true), (local, false)] {
            let unknown = self.unknown(remote, &analyses);
            for some in unknown.chunks(GIVEN_AT_ONCE) {
                let entries = self.exported(repo, some)?;
                if !give(remote, entries, done, is_wanted) || is_wanted() {
                    return Ok(false);
                }
            }
            if then_vectors && !self.give_vectors(repo, remote, &withheld, done, is_wanted)? {
                return Ok(false);
            }
        }
        self.give_index(repo, remote, &withheld, done, is_wanted)
    }

    fn unknown(&self, remote: &RemoteResults, wanted: &[WantedEntry]) -> Vec<WantedEntry> {
        let unknown = remote.unknown(wanted).into_iter();
        unknown.filter(|one| !self.shared.kept_back.contains(&one.key)).collect()
    }

    fn exported(&mut self, repo: &Registered, wanted: &[WantedEntry]) -> Result<Vec<SharedEntry>, WorkerError> {
        let db = self.store(repo)?.db();
        let exported: Vec<(Hash, Option<SharedEntry>)> =
            wanted.iter().map(|one| Ok((one.key, exchange::export(db, one)?))).collect::<Result<_, StoreError>>()?;
        let kept_back = exported.iter().filter(|(_, entry)| entry.is_none()).map(|(key, _)| *key);
        self.shared.kept_back.extend(kept_back.collect::<Vec<_>>());
        Ok(exported.into_iter().filter_map(|(_, entry)| entry).collect())
    }

    fn give_vectors(
        &mut self,
        repo: &Registered,
        remote: &mut RemoteResults,
        withheld: &Withheld,
        done: &mut SharingDone,
        is_wanted: &dyn Fn() -> bool,
    ) -> Result<bool, WorkerError> {
        let Some(model_id) = self.recipe.embedding.as_ref().map(|embedding| embedding.model_id.clone()) else {
            return Ok(true);
        };
        let chunks = exchange_vectors::shareable(self.store(repo)?.db(), |path| withheld.holds(path))?;
        let by_key: HashMap<Hash, Hash> =
            chunks.iter().map(|chunk| (exchange_vectors::wanted(chunk, &model_id).key, *chunk)).collect();
        let wanted: Vec<WantedEntry> = chunks.iter().map(|chunk| exchange_vectors::wanted(chunk, &model_id)).collect();
        let unknown = self.unknown(remote, &wanted);
        let Ok(Some(table)) = self.table_if_known(repo, None) else { return Ok(true) };
        for some in unknown.chunks(GIVEN_AT_ONCE) {
            let chunks: Vec<Hash> = some.iter().filter_map(|one| by_key.get(&one.key).copied()).collect();
            let vectors = self.runtime.block_on(table.vectors_of(&chunks, &model_id)).unwrap_or_default();
            let entries = vectors.iter().map(|(chunk, vector)| exchange_vectors::export(chunk, &model_id, vector));
            if !give(remote, entries.collect(), done, is_wanted) || is_wanted() {
                return Ok(false);
            }
        }
        Ok(true)
    }

    /// Does what a person asks for, whatever the store did before.
    pub(in crate::worker) fn share(&mut self, sharing: Sharing) -> Result<SharingDone, WorkerError> {
        let Some(mut remote) = self.take_shared(true) else {
            return Ok(SharingDone { problem: self.shared.obstacle.clone(), ..SharingDone::default() });
        };
        remote.wake();
        if sharing == Sharing::Push {
            remote.accept_empty();
        }
        // An answer of the store that is not to come is said at once.
        if let Err(error) = remote.refresh() {
            self.shared.remote = Some(remote);
            return Ok(SharingDone { problem: Some(error.to_string()), ..SharingDone::default() });
        }
        let before = remote.health().taken;
        self.shared.remote = Some(remote);
        self.shared.given.clear();
        self.shared.looked_for.clear();
        match sharing {
            Sharing::Push => {
                let repos = registry::list(&self.queue)?;
                self.shared.recheck = repos.into_iter().map(|repo| repo.id).collect();
                self.give_results(&|| false)
            }
            Sharing::Pull => {
                for repo in registry::list(&self.queue)? {
                    // A repository that cannot be read now says so itself, and is tried again.
                    if let Some(error) = self.reconcile(&repo.id, Depth::Full)?.problem() {
                        tracing::info!(repo = %repo.id, %error, "not reconciled");
                    }
                }
                let health = self.shared.remote.as_ref().map(|remote| remote.health().clone()).unwrap_or_default();
                let taken = health.taken.saturating_sub(before);
                Ok(SharingDone { taken, problem: health.problem, ..SharingDone::default() })
            }
        }
    }
}

/// Gives entries that are not there. False: the store does not take them, or there is something else to do.
fn give(
    remote: &mut RemoteResults,
    entries: Vec<SharedEntry>,
    done: &mut SharingDone,
    is_wanted: &dyn Fn() -> bool,
) -> bool {
    if entries.is_empty() {
        return true;
    }
    let wanted: Vec<WantedEntry> =
        entries.iter().map(|one| WantedEntry { kind: one.kind, key: one.key, schema: one.schema }).collect();
    // Until every index is read, it is not known what is lacking.
    let lacking = loop {
        match remote.read_on() {
            Ok(true) => break remote.lacks(&wanted),
            Ok(false) if is_wanted() => return false,
            Ok(false) => {}
            Err(error) => break Err(error),
        }
    };
    let given = lacking.and_then(|lacking| {
        let lacking: HashSet<Hash> = lacking.into_iter().map(|one| one.key).collect();
        let new: Vec<SharedEntry> = entries.into_iter().filter(|one| lacking.contains(&one.key)).collect();
        if new.is_empty() { Ok(0) } else { remote.share(&new) }
    });
    match given {
        Ok(given) => {
            done.given += given as u64;
            true
        }
        Err(error) => {
            tracing::debug!(%error, "not given");
            done.problem = Some(error.to_string());
            false
        }
    }
}
