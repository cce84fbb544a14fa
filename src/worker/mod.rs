//! The heavy process: reconcile, then `step` until idle. It is started by the daemon when there is something to do and exits after
//! a while of idleness, which is the one sure way to give the memory of LanceDB and the model back.
//!
//! In tests the same [`Worker`] is driven in-process.

mod jobs;
mod process;
mod reconcile;
mod upkeep;

use std::collections::{BTreeMap, HashSet};
use std::sync::Arc;

use rusqlite::Connection;

pub use jobs::ask::Wake;
pub use process::model::SharedModel;
pub use process::search_socket::ask;
pub use process::{pipe, run, slots};
pub use reconcile::{ReconcileEnd, Reconciled, Unreconciled};
pub use upkeep::{maintenance, migrate, prune, shared};

use crate::analyzer::Local;
use crate::budget::{self, StoredCost};
use crate::cache::{self, RepoStore, analyses, dictionary, evict, store_dir};
use crate::clock;
use crate::config::Config;
use crate::domain::{Hash, RepoId};
use crate::embedder::chosen;
use crate::home::{Home, StoreDir};
use crate::index::recipe;
use crate::memory;
use crate::plan::Recipe;
use crate::queue::{self, Lane, ParkCause, SuspectUnit, Waiting};
use crate::repo::registry::{self, Registered};
use crate::store::{self, Database, StoreError};
use crate::tally::{self, Deed, Tally};
use crate::vectors::Vectors;
use jobs::ask::ModelSetup;
use jobs::drafts::Drafts;
use jobs::provisional::ProvisionalBacklog;
use reconcile::memory::Memory;
use slots::Slots;
use upkeep::shared::SharedLink;

/// Analyses claimed in one go: enough to fill a transaction, few enough that a hint waits only milliseconds.
const ANALYZE_BATCH: usize = 64;
/// The same where the answers were drafted as the files were read, so that they are only to be stored.
const DRAFTED_BATCH: usize = 256;
/// Analyses that teach a dictionary while more are made, so that few have to be packed again.
const TAUGHT_BY: usize = 2_000;
/// Files embedded in one go: some seconds of work at most, one version of the LanceDB table.
const EMBED_BATCH: usize = 16;

#[derive(Debug, thiserror::Error)]
pub enum WorkerError {
    #[error(transparent)]
    Store(#[from] StoreError),
    #[error("the worker's directory {path} cannot be used: {source}; check its owner and the space on its disk")]
    Directory { path: std::path::PathBuf, source: std::io::Error },
    #[error("no thread can be started: {0}; the machine is out of processes or memory")]
    Threads(String),
    #[error("the repository's store was closed while it was in use")]
    NoStore,
    #[error("searches cannot be answered: {0}")]
    Search(String),
}

impl From<rusqlite::Error> for WorkerError {
    fn from(error: rusqlite::Error) -> Self {
        Self::Store(error.into())
    }
}

/// How the last worker ended, as the daemon saw it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ending {
    /// It was stopped or killed from outside: no job is suspect, attempts are given back.
    Blameless,
    /// It crashed, hung or ran out of memory: what was in its slots is suspect.
    Crash,
}

/// What one step did.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum WorkerStep {
    /// So many jobs were taken.
    Did(usize),
    /// Nothing to do but to wait for what a model was asked, or for the next job.
    Awaiting(Waiting),
    Idle(Waiting),
}

/// Everything a worker holds open.
pub struct Worker {
    home: Home,
    config: Config,
    queue: Connection,
    recipe: Recipe,
    analyzer: Local,
    pool: rayon::ThreadPool,
    slots: Slots,
    runtime: tokio::runtime::Runtime,
    stores: BTreeMap<RepoId, RepoStore>,
    /// Those of repositories in which nothing was done yet, open for reading: what others lack is copied from them.
    neighbours: BTreeMap<RepoId, RepoStore>,
    tables: BTreeMap<RepoId, Arc<Vectors>>,
    model: Arc<SharedModel>,
    asking: ModelSetup,
    /// Why nothing may be spent; `None`: the ledger is in use, or nothing costs anything.
    ledger_obstacle: Option<String>,
    /// Jobs that run alone, because they may have crashed an earlier worker.
    suspects: Vec<SuspectUnit>,
    memory: Memory,
    drafts: Drafts,
    provisional: ProvisionalBacklog,
    shared: SharedLink,
    /// Chunks of a file that is embedded in parts, whose vectors are counted as made.
    made_in_parts: HashSet<Hash>,
    /// Repositories whose vectors have changed since they were settled last.
    unsettled: HashSet<RepoId>,
    /// Repositories whose word index has got parts since it was merged last.
    unmerged: HashSet<RepoId>,
    /// Repositories that may have answers which are not searchable yet.
    unsearchable: HashSet<RepoId>,
    /// Repositories whose stores were damaged and start again empty.
    rebuilt: Vec<RepoId>,
    /// Bytes below which pruning has been tried and found of no use.
    prune_above: u64,
    /// Rows that the open connections had written when they were counted last.
    counted_rows: u64,
    /// Jobs since analyses were last looked at for how they are packed.
    unpacked: usize,
    /// What this process had done when that was logged last.
    tallied: Tally,
}

impl Worker {
    /// Takes over from the worker before. The caller holds the worker's lock, so every lease that is found is a dead one's.
    ///
    /// # Errors
    /// If a database or directory cannot be used.
    pub fn open(home: Home, config: Config, model: Arc<SharedModel>, ending: Ending) -> Result<Self, WorkerError> {
        let directory = |source| WorkerError::Directory { path: home.slots(), source };
        let threads = config.embedding.threads.max(1);
        let mut queue = store::open_writer(&home.agent_db(), Database::Agent)?;
        let found = Slots::take(&home.slots()).map_err(directory)?;
        let suspects = take_over(&mut queue, ending, &found)?;
        let (mut asking, prompts) = ModelSetup::new(&config, &home);
        let ledger_obstacle = take_up_ledger(&mut queue, &home, &config, &mut asking)?;
        if ledger_obstacle.is_none() {
            model.allow_spending();
        }
        let pool = rayon::ThreadPoolBuilder::new()
            .num_threads(threads)
            .thread_name(|index| format!("worker-{index}"))
            .build()
            .map_err(|error| WorkerError::Threads(error.to_string()))?;
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(2)
            .enable_all()
            .build()
            .map_err(|error| WorkerError::Threads(error.to_string()))?;
        let analyzer = Local;
        Ok(Self {
            recipe: recipe::recipe(&config, &home, &prompts),
            slots: Slots::create(&home.slots(), threads).map_err(directory)?,
            stores: BTreeMap::new(),
            neighbours: BTreeMap::new(),
            tables: BTreeMap::new(),
            model,
            memory: Memory::default(),
            drafts: Drafts::default(),
            provisional: ProvisionalBacklog::default(),
            shared: SharedLink::default(),
            ledger_obstacle,
            asking,
            made_in_parts: HashSet::new(),
            unsettled: HashSet::new(),
            unmerged: HashSet::new(),
            unsearchable: HashSet::new(),
            rebuilt: Vec::new(),
            prune_above: 0,
            counted_rows: 0,
            unpacked: 0,
            tallied: Tally::default(),
            home,
            config,
            queue,
            analyzer,
            pool,
            runtime,
            suspects,
        })
    }

    /// Runs the most urgent jobs: analyses first, because they cost milliseconds.
    ///
    /// # Errors
    /// If the queue or a store cannot be read or written; nothing is lost, the jobs stay.
    pub fn step(&mut self) -> Result<WorkerStep, WorkerError> {
        match self.try_step() {
            Err(WorkerError::Store(error)) if error.is_damage() && self.set_aside_damaged()? => {
                queue::release_local(&self.queue, clock::now())?;
                self.try_step()
            }
            done => done,
        }
    }

    fn try_step(&mut self) -> Result<WorkerStep, WorkerError> {
        if self.rebuild_one()? {
            return Ok(WorkerStep::Did(1));
        }
        let received = self.receive_replies()?;
        if received > 0 {
            return Ok(WorkerStep::Did(received));
        }
        let now = clock::now();
        queue::resume_due(&self.queue, now)?;
        if let Some(job) = self.next_suspect(now)? {
            return Ok(WorkerStep::Did(self.run_alone(job)?));
        }
        let alone = HashSet::from_iter(self.suspects.iter().cloned());
        let except = self.ids_of(&alone)?;
        self.begin_asks(&except)?;
        if self.tend_batches(&except)? {
            return Ok(WorkerStep::Did(1));
        }
        let provided = self.embed_provisionally(&except)?;
        if provided > 0 {
            return Ok(WorkerStep::Did(provided));
        }
        let analyses = if self.drafts.is_empty() { ANALYZE_BATCH } else { DRAFTED_BATCH };
        for (lane, limit) in [(Lane::Analyze, analyses), (Lane::Embed, EMBED_BATCH)] {
            let jobs = queue::claim(&mut self.queue, lane, limit, &except, now)?;
            if !jobs.is_empty() {
                let taken = jobs.len();
                self.run_jobs(lane, jobs)?;
                self.learn_packing(taken)?;
                return Ok(WorkerStep::Did(taken));
            }
        }
        if self.give_if_due(now)? {
            return Ok(WorkerStep::Did(1));
        }
        self.rest(now)
    }

    /// What there is to wait for.
    fn rest(&self, now: clock::Timestamp) -> Result<WorkerStep, WorkerError> {
        let mut lanes = vec![Lane::Analyze, Lane::Embed];
        lanes.extend(self.asking.has_room().then(|| self.asking.lane()));
        let poll = [self.next_batch_poll()?, self.next_giving()].into_iter().flatten().min();
        let waiting = match (queue::waiting_in(&self.queue, &lanes, now)?, poll) {
            (Waiting::Nothing, Some(poll)) => Waiting::Until(poll),
            (Waiting::Until(then), Some(poll)) => Waiting::Until(then.min(poll)),
            (waiting, _) => waiting,
        };
        let awaits = self.asking.is_waiting();
        Ok(if awaits { WorkerStep::Awaiting(waiting) } else { WorkerStep::Idle(waiting) })
    }

    /// Has `wake` called whenever a model's reply has come, so that the next step can apply it.
    pub fn wake_with(&mut self, wake: Wake) {
        self.asking.wake_with(wake);
    }

    fn run_jobs(&mut self, lane: Lane, jobs: Vec<queue::Job>) -> Result<(), WorkerError> {
        match lane {
            Lane::Analyze => self.analyze(jobs),
            Lane::Embed => self.embed(jobs),
            Lane::Ask | Lane::AskNow | Lane::AskLater => jobs.into_iter().try_for_each(|job| self.ask(job).map(drop)),
        }
    }

    /// The ids of the queued jobs among some subjects.
    fn ids_of(&self, subjects: &HashSet<SuspectUnit>) -> Result<Vec<i64>, WorkerError> {
        if subjects.is_empty() {
            return Ok(Vec::new());
        }
        let states = vec![crate::domain::JobState::Queued];
        let queued = queue::list(&self.queue, &queue::Filter { states, ..queue::Filter::default() })?;
        Ok(queued.iter().filter(|job| subjects.contains(&subject(job))).map(|job| job.id).collect())
    }

    /// A queued job that is suspect. One that crashed twice while alone is quarantined on the way.
    fn next_suspect(&mut self, now: clock::Timestamp) -> Result<Option<queue::Job>, WorkerError> {
        if self.suspects.is_empty() || queue::is_paused(&self.queue)? {
            return Ok(None);
        }
        for id in self.ids_of(&self.suspects.iter().cloned().collect())? {
            let Some(job) = queue::get(&self.queue, id)? else { continue };
            if Lane::of(job.kind) == Lane::Ask && !self.asking.has_room() {
                continue;
            }
            if queue::is_quarantined(&self.queue, &subject(&job))? {
                queue::quarantine(&self.queue, id, "it crashed the worker twice while nothing else ran", now)?;
            } else if let Some(job) = queue::claim_one(&self.queue, id, now)? {
                return Ok(Some(job));
            }
        }
        Ok(None)
    }

    fn run_alone(&mut self, job: queue::Job) -> Result<usize, WorkerError> {
        let subject = subject(&job);
        let lane = Lane::of(job.kind);
        self.run_jobs(lane, vec![job])?;
        self.clear_suspect(&subject)?;
        Ok(1)
    }

    /// It passed: it is suspect no longer.
    fn clear_suspect(&mut self, subject: &SuspectUnit) -> Result<(), WorkerError> {
        queue::clear_suspect(&self.queue, subject)?;
        self.suspects.retain(|suspect| suspect != subject);
        Ok(())
    }

    /// Looks after what changed, in idle time: LanceDB's versions and fragments, the word index's parts, SQLite's log, how analyses are
    /// packed, jobs that ended, the size of the cache. What takes long stops when `is_wanted` says that there is something else to do, and
    /// goes on the next time.
    ///
    /// # Errors
    /// If a store cannot be opened. What LanceDB refuses is logged: it is tried again after the next change.
    pub fn settle(&mut self, is_wanted: &dyn Fn() -> bool) -> Result<(), WorkerError> {
        self.with_sound_stores(|worker| worker.try_settle(is_wanted))
    }

    fn try_settle(&mut self, is_wanted: &dyn Fn() -> bool) -> Result<(), WorkerError> {
        self.drafts.clear();
        self.settle_each(|worker| &mut worker.unsettled, Self::sweep_one, is_wanted)?;
        self.settle_each(|worker| &mut worker.unmerged, |worker, repo| worker.merge_words(repo, is_wanted), is_wanted)?;
        self.settle_each(|worker| &mut worker.unsearchable, Self::index_answers, &|| false)?;
        self.improve_packing(is_wanted)?;
        if is_wanted() {
            return Ok(());
        }
        if queue::ended::forget_ended(&self.queue, is_wanted)? > 0 {
            evict::reclaim(&self.queue)?;
        }
        store::checkpoint(&self.queue)?;
        self.prune_if_large()?;
        self.give_results(is_wanted).map(drop)
    }

    /// Looks at how analyses are packed when many more are there than the last time. `stored`: so many have come.
    fn learn_packing(&mut self, stored: usize) -> Result<(), WorkerError> {
        self.unpacked += stored;
        if self.unpacked >= TAUGHT_BY { self.improve_packing(&|| false) } else { Ok(()) }
    }

    fn improve_packing(&mut self, is_wanted: &dyn Fn() -> bool) -> Result<(), WorkerError> {
        self.unpacked = 0;
        for store in self.stores.values_mut() {
            let improved = dictionary::improve(store, clock::now(), is_wanted)?;
            if improved.trained {
                tracing::debug!(repo = %store.repo, ?improved, "analyses are packed with a new dictionary");
                evict::reclaim(store.db())?;
            }
        }
        Ok(())
    }

    /// Gives what its threads have freed back to the system.
    fn give_memory_back(&self) {
        self.pool.broadcast(|_| memory::give_back());
        memory::give_back();
    }

    /// The store of a repository, opened once. A damaged one is quarantined and starts again empty.
    fn store(&mut self, repo: &Registered) -> Result<&mut RepoStore, WorkerError> {
        if !self.stores.contains_key(&repo.id) {
            drop(self.neighbours.remove(&repo.id));
            match RepoStore::open(&repo.id, store_dir(&self.config, repo)) {
                Ok(store) => self.begin_store(repo, store)?,
                Err(error) if error.is_damage() => self.set_aside_store(repo)?,
                Err(error) => return Err(error.into()),
            }
            self.take_up_vectors(&repo.id)?;
            self.unsearchable.insert(repo.id.clone());
            // A worker before may have stopped in the middle of a merge.
            self.unmerged.insert(repo.id.clone());
        }
        self.stores.get_mut(&repo.id).ok_or(WorkerError::NoStore)
    }

    /// One that was placed elsewhere takes over what the old one had.
    fn begin_store(&mut self, repo: &Registered, mut store: RepoStore) -> Result<(), WorkerError> {
        let central = StoreDir::centralized(&self.config.cache.location, &repo.id);
        if store.dir != central
            && cache::metadata(store.db(), cache::VIEW_OF)?.is_none()
            && central.analysis_db().exists()
        {
            let saved = cache::set_aside::salvage(&central.analysis_db(), &mut store, clock::now())?;
            tracing::info!(repo = %repo.id, saved, to = %store.dir.path().display(), "its store was placed elsewhere");
        }
        self.stores.insert(repo.id.clone(), store);
        Ok(())
    }

    /// What was done at the rim since this was asked last.
    pub fn take_tally(&mut self) -> Tally {
        let connections = self.stores.values().map(RepoStore::db).chain([&self.queue]);
        let rows = connections.map(Connection::total_changes).sum();
        tally::add(Deed::Row, u64::saturating_sub(rows, self.counted_rows));
        self.counted_rows = rows;
        let now = Tally::until_now();
        now.since(&std::mem::replace(&mut self.tallied, now))
    }

    pub fn queue(&self) -> &Connection {
        &self.queue
    }

    pub fn home(&self) -> &Home {
        &self.home
    }
}

/// Settles what an earlier worker left open, and takes the ledger into use. Where that cannot be done nothing is asked, and all else
/// goes on; the reason is returned.
fn take_up_ledger(
    db: &mut Connection,
    home: &Home,
    config: &Config,
    asking: &mut ModelSetup,
) -> Result<Option<String>, WorkerError> {
    let repos = registry::list(db)?;
    let provider = matches!(asking, ModelSetup::Ready(_)).then(|| config.llm.provider.as_str());
    let is_asked = !matches!(asking, ModelSetup::Absent);
    if provider.is_some() || !is_asked {
        queue::abandon_batches(db, provider, clock::now())?;
    }
    let settled = budget::settle_dead(db, |repo, key| stored_cost(config, &repos, repo, key), clock::now());
    if !is_asked {
        if let Err(error) = &settled {
            tracing::error!(%error, "what an earlier worker left open is not settled");
        }
        queue::close_lane(db, Lane::Ask, clock::now())?;
        if !chosen::is_remote(&config.embedding) {
            return Ok(None);
        }
    }
    let taken_up = settled.and_then(|_| budget::take_up(db, &home.ledger_seal()));
    match taken_up.and_then(|()| budget::note_limits(db, &config.budget)) {
        Ok(false) => Ok(None),
        Ok(true) => queue::unpark(db, &[ParkCause::Budget], clock::now()).map(|_| None).map_err(WorkerError::from),
        Err(error) => {
            if is_asked {
                *asking = ModelSetup::Obstructed(error.to_string());
            }
            Ok(Some(error.to_string()))
        }
    }
}

/// What the stored answer of a key cost, for a call that a crash left open.
fn stored_cost(config: &Config, repos: &[Registered], repo: &RepoId, key: &Hash) -> Option<StoredCost> {
    let registered = repos.iter().find(|registered| registered.id == *repo)?;
    // No worker may have opened the store since an upgrade; what was paid counts all the same.
    let path = store_dir(config, registered).analysis_db();
    let (db, _) = store::open_any_reader(&path, Database::Analysis).ok()??;
    let (cost, made_at) = (analyses::answer_cost(&db, key).ok()??, analyses::made_at(&db, key).ok()??);
    Some(StoredCost { cost, stored_at: made_at })
}

/// What of a job is written into a slot.
fn subject(job: &queue::Job) -> SuspectUnit {
    SuspectUnit::Job { repo: job.repo.clone(), kind: job.kind, blob: job.blob.clone() }
}

/// Releases the dead worker's leases and finds out who is suspect.
fn take_over(db: &mut Connection, ending: Ending, found: &[SuspectUnit]) -> Result<Vec<SuspectUnit>, WorkerError> {
    let now = clock::now();
    let mut crashed = Vec::new();
    if ending == Ending::Crash {
        queue::record_suspects(db, found)?;
        let states = vec![crate::domain::JobState::Running];
        let running = queue::list(db, &queue::Filter { states, ..queue::Filter::default() })?;
        crashed.extend(running.iter().filter(|job| found.contains(&subject(job))).map(|job| job.id));
    }
    queue::release_dead(db, &crashed, now)?;
    // What was parked waited for a change of the surroundings, and this may be one; the month does not turn by it.
    queue::unpark(db, &[ParkCause::Provider, ParkCause::Setup], now)?;
    queue::resume_due(db, now)?;
    Ok(queue::suspects(db)?)
}
