//! The worker as a process: hints come in on standard input, reports go out on standard output, and it exits when the pipe to
//! its parent closes, when the daemon says so, or after a while of idleness.

pub mod model;
pub mod pipe;
pub mod search_socket;
pub mod server_questions;
pub mod slots;

use std::io::{BufRead, Write};
use std::ops::ControlFlow;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::time::{Duration, Instant};

use crate::clock;
use crate::config::Config;
use crate::domain::{FilePath, RepoId};
use crate::home::Home;
use crate::queue::Waiting;
use crate::worker::{Ending, ReconcileEnd, Unreconciled, Worker, WorkerError, WorkerStep};
use model::SharedModel;
use pipe::{Depth, Hint, Report};
use search_socket::SearchSocket;

/// By how much indexing is nicer than what the person does.
const NICE: i32 = 10;

/// How long a worker that is to stop waits for replies that are paid for already; the daemon kills it after 3.5 s.
const LAST_REPLIES: Duration = Duration::from_millis(2_500);

/// The longest wait for a time to come: the clock may be set, and it stands still for waits while the machine is suspended.
const LONGEST_WAIT: Duration = Duration::from_secs(30);

/// Runs until stopped or idle for too long. Call it under the process's own main thread, with standard input from the daemon.
///
/// # Errors
/// If the lock, a database or a directory cannot be used; the daemon logs it and tries again later.
pub fn run(home: Home, config: Config, ending: Ending) -> Result<(), WorkerError> {
    let lock = home.worker_lock();
    // A dying worker gives its lock up in moments; its successor waits for it.
    let _lock = crate::lock::wait(&lock).map_err(|source| WorkerError::Directory { path: lock, source })?;
    let unload_after = config.embedding.unload_after;
    let hints = read_hints();
    let model = Arc::new(SharedModel::new(&home, &config));
    let search = SearchSocket::listen(&home, &config, model.clone())?;
    step_back();
    let mut worker = Worker::open(home, config, model.clone(), ending)?;
    let wake = hints.sender.clone();
    // `close` handles a reply that comes after the last step.
    worker.wake_with(Arc::new(move || drop(wake.send(Hint::Wake))));
    report(&Report::Ready);
    serve(&mut worker, &model, &search, &hints, unload_after)?;
    worker.close(LAST_REPLIES)
}

/// Indexing is for the background: what the person does comes first, on the processors and on the disk.
///
/// Linux keeps both priorities by thread, and new threads inherit them: those that answer searches were started before, so that a search,
/// for which a person waits, has not to queue with the chunks that are being embedded. Elsewhere there is one for the process.
fn step_back() {
    // A refusal changes nothing but that.
    if let Err(error) = rustix::process::nice(NICE) {
        tracing::debug!(%error, "the priority cannot be lowered");
    }
    #[cfg(target_os = "linux")]
    if let Err(error) = read_and_write_when_idle() {
        tracing::debug!(%error, "the priority of reads and writes cannot be lowered");
    }
}

/// Puts the calling thread into the idle class of ioprio_set(2), which schedulers of disks that know of it serve last.
#[cfg(target_os = "linux")]
fn read_and_write_when_idle() -> std::io::Result<()> {
    // From linux/ioprio.h; the process 0 is the calling thread.
    const IOPRIO_WHO_PROCESS: libc::c_int = 1;
    const IOPRIO_CLASS_SHIFT: u32 = 13;
    const IOPRIO_CLASS_IDLE: libc::c_int = 3;
    #[expect(unsafe_code, reason = "the call has no safe binding; it takes three numbers and touches no memory")]
    let status =
        unsafe { libc::syscall(libc::SYS_ioprio_set, IOPRIO_WHO_PROCESS, 0, IOPRIO_CLASS_IDLE << IOPRIO_CLASS_SHIFT) };
    if status == 0 { Ok(()) } else { Err(std::io::Error::last_os_error()) }
}

fn serve(
    worker: &mut Worker,
    model: &SharedModel,
    search: &SearchSocket,
    hints: &Hints,
    unload_after: Duration,
) -> Result<(), WorkerError> {
    let mut idle_since: Option<Instant> = None;
    loop {
        hints.come.store(false, Ordering::Relaxed);
        while let Ok(hint) = hints.receiver.try_recv() {
            idle_since = None;
            if obey(worker, model, search, hint)?.is_break() {
                return Ok(());
            }
        }
        if hints.stopped.load(Ordering::Relaxed) {
            return Ok(());
        }
        let (patience, is_idle) = match worker.step()? {
            WorkerStep::Did(_) => {
                idle_since = None;
                continue;
            }
            WorkerStep::Awaiting(waiting) => (until(waiting), false),
            WorkerStep::Idle(waiting) => {
                if idle_since.is_none() {
                    report(&Report::Idle);
                    tracing::debug!(done = %worker.take_tally(), "nothing is left to do");
                    worker.settle(&|| hints.has_come())?;
                    worker.give_memory_back();
                    tracing::debug!(done = %worker.take_tally(), "settled");
                    // What a shared store did not take there is to be tried again: what there is to wait for is asked once more.
                    idle_since = Some(clock::monotonic());
                    continue;
                }
                let since = *idle_since.get_or_insert_with(clock::monotonic);
                let used = search.last_used().map_or(since, |used| used.max(since));
                let left = unload_after.saturating_sub(clock::since(used));
                if left.is_zero() {
                    return Ok(());
                }
                (left.min(until(waiting)), true)
            }
        };
        match wait(worker, model, search, hints, patience)? {
            ControlFlow::Break(()) => return Ok(()),
            ControlFlow::Continue(Woken::ByTime) if is_idle => {}
            ControlFlow::Continue(_) => idle_since = None,
        }
    }
}

/// What ended a wait.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Woken {
    ByHint,
    ByTime,
}

/// Waits for a hint, at most so long, and obeys it. `Break`: stop.
fn wait(
    worker: &mut Worker,
    model: &SharedModel,
    search: &SearchSocket,
    hints: &Hints,
    patience: Duration,
) -> Result<ControlFlow<(), Woken>, WorkerError> {
    match hints.receiver.recv_timeout(patience) {
        Ok(hint) => Ok(obey(worker, model, search, hint)?.map_continue(|()| Woken::ByHint)),
        Err(RecvTimeoutError::Timeout) => Ok(ControlFlow::Continue(Woken::ByTime)),
        Err(RecvTimeoutError::Disconnected) => Ok(ControlFlow::Break(())),
    }
}

/// How long to wait before something can become claimable.
fn until(waiting: Waiting) -> Duration {
    match waiting {
        Waiting::Nothing => Duration::MAX,
        Waiting::Now => Duration::ZERO,
        Waiting::Until(then) => {
            Duration::from_millis(u64::try_from(then.0.saturating_sub(clock::now().0)).unwrap_or(0)).min(LONGEST_WAIT)
        }
    }
}

/// Does what a hint asks. `Break`: stop.
fn obey(
    worker: &mut Worker,
    model: &SharedModel,
    search: &SearchSocket,
    hint: Hint,
) -> Result<ControlFlow<()>, WorkerError> {
    match hint {
        Hint::Stop => return Ok(ControlFlow::Break(())),
        Hint::Wake => {}
        Hint::Warm => {
            if let Err(detail) = model.get() {
                tracing::info!(detail, "search stays lexical");
            }
            search.warm();
        }
        Hint::Maintain { task, token } => {
            let outcome = worker.maintain(&task).map_err(|error| error.to_string());
            report(&Report::Maintained { token, outcome });
        }
        Hint::Reconcile { repo, depth, token, files } => {
            let id = RepoId(repo.clone());
            let files = files.map(|files| files.iter().map(|path| FilePath::from_escaped(path)).collect());
            let outcome = match depth {
                Depth::Rebuild => worker.rebuild(&id)?,
                depth => worker.reconcile_files(&id, depth, files)?,
            };
            let (held, error) = match outcome {
                ReconcileEnd::Done(_) => (None, None),
                ReconcileEnd::Not(Unreconciled::Held(busy)) => (Some(busy.as_str().to_owned()), None),
                ReconcileEnd::Not(error) => (None, Some(error.to_string())),
            };
            report(&Report::Reconciled { repo, token, held, error });
        }
    }
    Ok(ControlFlow::Continue(()))
}

struct Hints {
    receiver: Receiver<Hint>,
    /// For this process's own wake-ups.
    sender: Sender<Hint>,
    /// The pipe is closed: the daemon is gone.
    stopped: Arc<AtomicBool>,
    /// A hint has come since they were taken out.
    come: Arc<AtomicBool>,
}

impl Hints {
    fn has_come(&self) -> bool {
        self.come.load(Ordering::Relaxed)
    }
}

fn read_hints() -> Hints {
    let (sender, receiver) = channel();
    let own = sender.clone();
    let stopped = Arc::new(AtomicBool::new(false));
    let come = Arc::new(AtomicBool::new(false));
    let (flag, noted) = (stopped.clone(), come.clone());
    std::thread::spawn(move || {
        for line in std::io::stdin().lock().lines() {
            let Ok(line) = line else { break };
            match serde_json::from_str(&line) {
                Ok(hint) => {
                    if sender.send(hint).is_err() {
                        break;
                    }
                    noted.store(true, Ordering::Relaxed);
                }
                Err(error) => tracing::warn!(%error, "a hint that this version does not know"),
            }
        }
        flag.store(true, Ordering::Relaxed);
        noted.store(true, Ordering::Relaxed);
        // Wakes the loop if it waits; it may be gone already.
        let _ = sender.send(Hint::Stop);
    });
    Hints { receiver, sender: own, stopped, come }
}

fn report(report: &Report) {
    let mut out = std::io::stdout().lock();
    // A daemon that is gone is noticed by the closed standard input.
    if let Ok(line) = serde_json::to_string(report) {
        let _ = writeln!(out, "{line}").and_then(|()| out.flush());
    }
}
