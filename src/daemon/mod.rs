//! The light process: event sources, debounce, control socket, supervision of the worker. It never parses a file and never opens
//! LanceDB or a model, so it stays small for ever.

mod answer;
mod catch_up;
pub mod change;
pub mod control;
mod limits;
mod log;
mod notify;
mod owed;
mod repair;
mod socket;
mod start;
mod supervise;
mod trees;
mod upgrade;

use std::collections::{BTreeMap, BTreeSet};
use std::time::{Duration, Instant};

use rusqlite::Connection;
use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::{mpsc, oneshot};

use crate::clock;
use crate::config::Config;
use crate::domain::RepoId;
use crate::event::{self, Debounce, DueEvent, Event, EventCause, Watcher};
use crate::home::Home;
use crate::queue::{self, Waiting};
use crate::repo::Repo;
use crate::repo::registry::{self, Registered};
use crate::sandbox::Sandbox;
use crate::store::{self, Database};
use crate::worker::pipe::{Depth, Hint, Report};
pub use start::{DaemonError, restrict, run, take_lock};

use control::{ControlReply, RepoOutcome, Request};
use notify::ServiceManager;
use owed::Owed;
use socket::{ControlCall, Socket};
use start::DaemonEnd;
use supervise::{Asked, Happened, Supervisor};
use trees::{ScannedTree, TreeChanges, Trees};
use upgrade::Program;

/// A stream of events that never pauses is acted on at the latest after this many debounce intervals.
const MAX_LATENCY: u32 = 10;
/// How long a worker may take to stop before it is killed; `daemon stop` is to be over within 5 s.
const STOP_PATIENCE: Duration = Duration::from_millis(3_500);
/// How often the daemon checks its own socket and log.
const UPKEEP_EVERY: Duration = Duration::from_secs(5);
/// A repository that cannot be read is tried again after a poll, then after twice as long, up to this.
const FAILING_MAX: Duration = Duration::from_secs(3_600);
/// A repository that is held (index locked, rebase in progress) is checked again after this long.
const HELD_RECHECK: Duration = Duration::from_millis(500);

/// Everything that can make the daemon do something.
enum Input {
    Hint(Event),
    Touched(RepoId),
    ScannedTree(ScannedTree),
    Call(ControlCall),
    Worker(Happened),
    /// Something that was held back may be due.
    Deadline,
    Poll,
    Upkeep,
    Stop(&'static str),
}

/// A client that waits for reconciles.
struct Waiter {
    tokens: BTreeSet<u64>,
    outcomes: Vec<RepoOutcome>,
    answer: oneshot::Sender<ControlReply>,
}

struct Daemon {
    home: Home,
    sandbox: Sandbox,
    config: Config,
    db: Connection,
    watcher: Option<Watcher>,
    events: mpsc::UnboundedReceiver<Event>,
    /// Keeps the channel open when nothing is watched.
    _event_sink: mpsc::UnboundedSender<Event>,
    debounce: Debounce,
    trees: Trees,
    /// Repositories in whose work trees something was touched.
    touched: mpsc::UnboundedReceiver<RepoId>,
    seen: mpsc::UnboundedReceiver<ScannedTree>,
    worker: Supervisor,
    waiters: Vec<Waiter>,
    /// Those who wait for maintenance, by its token.
    maintained: BTreeMap<u64, oneshot::Sender<ControlReply>>,
    /// Held repositories, and when each is checked again.
    held: BTreeMap<RepoId, Instant>,
    /// Repositories whose last reconcile failed: when the same state is tried again, and the wait after that.
    failing: BTreeMap<RepoId, (Instant, Duration)>,
    owed: Owed,
}

impl Daemon {
    fn new(home: &Home, config: Config, sandbox: Sandbox) -> Result<Self, DaemonError> {
        let db = store::open_writer(&home.agent_db(), Database::Agent)?;
        let (event_sink, events) = mpsc::unbounded_channel();
        let sink = event_sink.clone();
        let watcher = event::watch(&home.inbox(), move |event| {
            // The receiver lives as long as the daemon.
            let _ = sink.send(event);
        });
        let watcher = match watcher {
            Ok(watcher) => Some(watcher),
            Err(error) => {
                tracing::warn!(%error, "hooks and references are not watched; the agent polls instead");
                None
            }
        };
        let quiet = config.watch.debounce;
        let (touched_sink, touched) = mpsc::unbounded_channel();
        let (seen_sink, seen) = mpsc::unbounded_channel();
        let trees = Trees::new(quiet, &home.barrier(), seen_sink, move |repo| {
            // The receiver lives as long as the daemon.
            let _ = touched_sink.send(repo);
        });
        Ok(Self {
            trees,
            touched,
            seen,
            home: home.clone(),
            sandbox,
            debounce: Debounce::new(quiet, quiet * MAX_LATENCY),
            config,
            db,
            watcher,
            events,
            _event_sink: event_sink,
            worker: Supervisor::new(home),
            waiters: Vec::new(),
            maintained: BTreeMap::new(),
            held: BTreeMap::new(),
            failing: BTreeMap::new(),
            owed: Owed::default(),
        })
    }

    async fn serve(&mut self) -> Result<DaemonEnd, DaemonError> {
        let mut program = Program::running().map_err(DaemonError::Setup)?;
        let manager = ServiceManager::from_env();
        let (mut socket, mut calls) = Socket::listen(self.home.agent_socket())?;
        let mut terminate = signal(SignalKind::terminate()).map_err(DaemonError::Setup)?;
        let mut interrupt = signal(SignalKind::interrupt()).map_err(DaemonError::Setup)?;
        let mut poll = tokio::time::interval(self.config.watch.poll);
        poll.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
        poll.tick().await;
        let mut upkeep = tokio::time::interval(manager.alive_every().unwrap_or(UPKEEP_EVERY).min(UPKEEP_EVERY));
        upkeep.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
        self.begin().await?;
        let sandbox = self.sandbox.as_str();
        tracing::info!(pid = std::process::id(), home = %self.home.root().display(), sandbox, "running");
        manager.ready();
        let ended = loop {
            let deadline = self.next_deadline();
            let input = tokio::select! {
                Some(event) = self.events.recv() => Input::Hint(event),
                Some(repo) = self.touched.recv() => Input::Touched(repo),
                Some(seen) = self.seen.recv() => Input::ScannedTree(seen),
                Some(call) = calls.recv() => Input::Call(call),
                happened = self.worker.next() => Input::Worker(happened),
                () = sleep_until(deadline) => Input::Deadline,
                _ = poll.tick() => Input::Poll,
                _ = upkeep.tick() => Input::Upkeep,
                _ = terminate.recv() => Input::Stop("terminated"),
                _ = interrupt.recv() => Input::Stop("interrupted"),
            };
            if matches!(input, Input::Upkeep) {
                manager.alive();
                self.look_after(&mut socket);
                if program.is_replaced() && program.can_take_over(&self.home).await {
                    tracing::info!(program = %program.path().display(), "the program was replaced; the new version takes over");
                    manager.reloading();
                    break DaemonEnd::Replaced(program);
                }
            } else if self.handle(input).await?.is_some() {
                manager.stopping();
                break DaemonEnd::Stopped;
            }
        };
        self.worker.stop(STOP_PATIENCE).await;
        store::checkpoint(&self.db)?;
        for socket in [self.home.agent_socket(), self.home.worker_socket()] {
            // The next daemon removes what is left.
            let _ = std::fs::remove_file(socket);
        }
        tracing::info!("stopped");
        Ok(ended)
    }

    /// A failure is tried again at the next check, and costs no work.
    fn look_after(&self, socket: &mut Socket) {
        if let Err(error) = socket.listen_again_if_gone() {
            tracing::warn!(%error, "no verb reaches the daemon");
        }
        if let Err(error) = log::rotate(&self.home.log_file()) {
            tracing::warn!(%error, "the log goes on growing");
        }
    }

    /// Start-up is an event for every repository.
    async fn begin(&mut self) -> Result<(), DaemonError> {
        let repos = registry::list(&self.db)?;
        if let Err(error) = change::write_missing_meta(&self.config, &repos) {
            tracing::warn!(%error, "a store that was placed elsewhere needs `ra-agent daemon restart`");
        }
        for repo in repos {
            self.watch(&repo);
            self.reconcile(repo.id, Depth::Full).await;
        }
        Ok(())
    }

    /// `Some`: stop.
    async fn handle(&mut self, input: Input) -> Result<Option<()>, DaemonError> {
        match input {
            Input::Hint(event) => self.debounce.note(event, clock::monotonic()),
            Input::Touched(repo) => self.note_touched(repo),
            Input::ScannedTree(seen) => {
                let repo = seen.repo.clone();
                if let Some(changes) = self.trees.take_in(seen) {
                    self.compare_tree(repo.clone(), changes).await;
                }
                // What was touched during the scan.
                if self.trees.touched_last(&repo).is_some() {
                    self.note_touched(repo);
                }
            }
            Input::Deadline => self.act_on_due().await?,
            Input::Poll => self.poll().await?,
            // Done by the loop, which has the socket.
            Input::Upkeep => {}
            Input::Worker(Happened::Reported(report)) => self.note_report(report).await,
            Input::Worker(Happened::Ended { well }) => self.note_end(well).await?,
            Input::Call((Request::Stop, answer)) => {
                self.worker.stop(STOP_PATIENCE).await;
                // The client may have given up; it is stopped all the same.
                let _ = answer.send(ControlReply::Done { message: "stopped".to_owned() });
                return Ok(Some(()));
            }
            Input::Call(call) => self.answer(call).await?,
            Input::Stop(why) => {
                tracing::info!(why, "stopping");
                return Ok(Some(()));
            }
        }
        Ok(None)
    }

    fn next_deadline(&self) -> Option<Instant> {
        let held = self.held.values().copied().min();
        [self.debounce.next_deadline(), held, self.worker.restart_at()].into_iter().flatten().min()
    }

    async fn act_on_due(&mut self) -> Result<(), DaemonError> {
        let now = clock::monotonic();
        let held: Vec<RepoId> =
            self.held.iter().filter(|(_, then)| **then <= now).map(|(repo, _)| repo.clone()).collect();
        for repo in held {
            self.held.remove(&repo);
            self.reconcile_if_moved(repo).await?;
        }
        self.debounce.note_touches(|repo| self.trees.touched_last(repo));
        for due in self.debounce.due(now) {
            if due.leads && self.is_at_work(&due.event.repo)? {
                self.debounce.put_off(due, now);
                continue;
            }
            let DueEvent { event, .. } = due;
            tracing::debug!(repo = %event.repo, cause = event.cause.as_str(), "due");
            self.look_at_touched(&event.repo)?;
            match event.cause {
                // It goes on when it is known what was touched.
                EventCause::WorkTree => {}
                EventCause::Start | EventCause::Overflow | EventCause::Request => {
                    self.reconcile(event.repo, Depth::Changes).await
                }
                EventCause::Timer | EventCause::GitDir | EventCause::Hook => {
                    self.reconcile_if_moved(event.repo).await?
                }
            }
        }
        if self.worker.restart_at().is_some_and(|then| then <= now) {
            self.worker.start(now);
        }
        Ok(())
    }

    fn note_touched(&mut self, repo: RepoId) {
        self.debounce.note(Event { repo, cause: EventCause::WorkTree }, clock::monotonic());
    }

    /// Whether Git is in the middle of something in a repository. One that cannot be opened is reported by the reconcile.
    fn is_at_work(&self, id: &RepoId) -> Result<bool, DaemonError> {
        let Some(repo) = registry::get(&self.db, id)? else { return Ok(false) };
        Ok(Repo::open(&repo.location).is_ok_and(|git| git.busy(clock::system_now()).is_some()))
    }

    /// The timer: whatever events were lost, moved heads are found, and jobs whose retry is due, or whose month has come, are run.
    async fn poll(&mut self) -> Result<(), DaemonError> {
        for repo in registry::list(&self.db)? {
            let config = self.config.for_repo(&repo.location.path);
            self.trees.poll(&repo, &config);
            self.reconcile_if_moved(repo.id).await?;
        }
        self.follow_limits();
        self.follow_selection().await?;
        queue::resume_due(&self.db, clock::now())?;
        let is_polled = queue::open_batch(&self.db)?.is_some_and(|batch| batch.next_poll <= clock::now());
        if is_polled || queue::waiting(&self.db, clock::now())? == Waiting::Now {
            self.worker.hint(Hint::Wake, clock::monotonic()).await;
        }
        Ok(())
    }

    /// Reads HEAD before it starts the worker: a gc or a fetch moves files, but not HEAD.
    async fn reconcile_if_moved(&mut self, id: RepoId) -> Result<(), DaemonError> {
        let Some(repo) = registry::get(&self.db, &id)? else { return Ok(()) };
        if self.trees.has_other_rules(&repo) {
            let config = self.config.for_repo(&repo.location.path);
            self.trees.follow(&repo, &config, config.watch.tree);
            self.reconcile(id, Depth::Changes).await;
            return Ok(());
        }
        let git = Repo::open(&repo.location);
        if repo.held.is_some() && git.as_ref().is_ok_and(|git| git.busy(clock::system_now()).is_some()) {
            // Don't wake the worker: the repository is still locked.
            self.held.insert(id, clock::monotonic() + HELD_RECHECK);
            return Ok(());
        }
        let moved = match git.and_then(|git| git.head().map(|head| (git, head))) {
            Ok((git, head)) => {
                repo.reconciled_at.is_none()
                    || head.commit != repo.indexed_commit
                    || repo.held.is_some()
                    || self.failing.get(&id).is_some_and(|(then, _)| *then <= clock::monotonic())
                    || repair::is_readable_again(&self.config, &repo, &git)
            }
            // The same error as last time is no news.
            Err(error) => repo.error.as_deref() != Some(&error.to_string()),
        };
        if moved {
            self.reconcile(id, Depth::Head).await;
        }
        Ok(())
    }

    async fn reconcile(&mut self, repo: RepoId, depth: Depth) {
        self.ask(Asked { repo, depth, files: None }, clock::monotonic()).await;
    }

    async fn compare_tree(&mut self, repo: RepoId, TreeChanges { files, since }: TreeChanges) -> u64 {
        self.ask(Asked { repo, depth: Depth::Changes, files }, since).await
    }

    /// Asks for a reconcile that has in it what was touched until then; returns its token.
    async fn ask(&mut self, asked: Asked, since: Instant) -> u64 {
        let asked = self.owed.pay(asked);
        self.worker.reconcile(asked, since, clock::monotonic()).await
    }

    fn look_at_touched(&mut self, id: &RepoId) -> Result<(), DaemonError> {
        if let Some(repo) = registry::get(&self.db, id)? {
            let config = self.config.for_repo(&repo.location.path);
            self.trees.look_at_touched(&repo, &config);
        }
        Ok(())
    }

    fn watch(&mut self, repo: &Registered) {
        let config = self.config.for_repo(&repo.location.path);
        self.trees.follow(repo, &config, config.watch.tree);
        let Some(watcher) = &self.watcher else { return };
        if let Err(error) = watcher.add_repo(&repo.id, &repo.location) {
            tracing::warn!(repo = %repo.id, %error, "no watch of its git directory; the agent polls instead");
        }
    }

    async fn note_report(&mut self, report: Report) {
        let asked = self.worker.note_report(&report).await;
        if let Report::Maintained { token, outcome } = report {
            let reply = outcome.map_or_else(|message| ControlReply::Failed { message }, ControlReply::Maintained);
            self.answer_maintained(token, reply);
            return;
        }
        let Report::Reconciled { token, held, error, .. } = report else { return };
        let Some((asked, begun)) = asked else { return };
        if asked.looks_at_tree() {
            match (&error, &held) {
                (None, None) => self.trees.calm(&asked.repo, begun),
                (None, Some(_)) => self.owed.put_off(&asked),
                (Some(_), _) => self.owed.lose(&asked.repo),
            }
        }
        if error.is_some() {
            let wait = self.failing.get(&asked.repo).map_or(self.config.watch.poll, |(_, wait)| *wait);
            self.failing.insert(asked.repo.clone(), (clock::monotonic() + wait, (wait * 2).min(FAILING_MAX)));
        } else {
            self.failing.remove(&asked.repo);
        }
        if held.is_some() {
            self.held.insert(asked.repo.clone(), clock::monotonic() + HELD_RECHECK);
        }
        let path = registry::get(&self.db, &asked.repo)
            .ok()
            .flatten()
            .map_or_else(|| asked.repo.to_string(), |repo| repo.location.path.to_string_lossy().into_owned());
        self.tell_waiters(token, &RepoOutcome { repo: path, held, error });
    }

    fn answer_maintained(&mut self, token: u64, reply: ControlReply) {
        if let Some(answer) = self.maintained.remove(&token) {
            // The client may have given up.
            let _ = answer.send(reply);
        }
    }

    fn tell_waiters(&mut self, token: u64, outcome: &RepoOutcome) {
        for waiter in &mut self.waiters {
            if waiter.tokens.remove(&token) {
                waiter.outcomes.push(outcome.clone());
            }
        }
        let (done, waiting) = std::mem::take(&mut self.waiters).into_iter().partition(|one| one.tokens.is_empty());
        self.waiters = waiting;
        let done: Vec<Waiter> = done;
        for waiter in done {
            // The client may have given up.
            let _ = waiter.answer.send(ControlReply::Reconciled { repos: waiter.outcomes });
        }
    }

    async fn note_end(&mut self, well: bool) -> Result<(), DaemonError> {
        let now = clock::monotonic();
        if !well {
            self.worker.note_failure(now);
            for token in self.worker.drop_tasks() {
                let message =
                    "the worker died over it; its results until then stay, and the log (`ra-agent logs`) has more";
                self.answer_maintained(token, ControlReply::Failed { message: message.to_owned() });
            }
        }
        let jobs_left =
            queue::waiting(&self.db, clock::now())? == Waiting::Now || queue::counts(&self.db, None)?.running > 0;
        if self.worker.is_asked() || (jobs_left && !queue::is_paused(&self.db)?) {
            self.worker.start(now);
        }
        Ok(())
    }
}

async fn sleep_until(deadline: Option<Instant>) {
    match deadline {
        Some(then) => tokio::time::sleep_until(then.into()).await,
        None => std::future::pending().await,
    }
}
