//! The worker as the daemon sees it: started when there is something to do, sent hints, watched until it ends.

use std::collections::BTreeMap;
use std::os::unix::process::ExitStatusExt;
use std::path::PathBuf;
use std::process::{ExitStatus, Stdio};
use std::time::{Duration, Instant};

use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader, Lines};
use tokio::process::{Child, ChildStdin, ChildStdout, Command};

use crate::domain::{FilePath, RepoId};
use crate::home::Home;
use crate::worker::Ending;
use crate::worker::maintenance::Maintenance;
use crate::worker::pipe::{Depth, Hint, Report};

/// Wait before a worker that failed is started again: doubled with each failure in a row, from 200 ms to a minute.
const RESTART_MIN: Duration = Duration::from_millis(200);
const RESTART_MAX: Duration = Duration::from_secs(60);

/// A reconcile that was asked for and has not been reported.
#[derive(Clone, Debug)]
pub struct Asked {
    pub repo: RepoId,
    pub depth: Depth,
    /// The files of the work tree that are compared; `None`: all.
    pub files: Option<Vec<FilePath>>,
}

impl Asked {
    pub fn looks_at_tree(&self) -> bool {
        self.depth != Depth::Head
    }

    fn hint(&self, token: u64) -> Hint {
        let escaped = |files: &Vec<FilePath>| files.iter().map(FilePath::escaped).collect();
        Hint::Reconcile { repo: self.repo.0.clone(), depth: self.depth, token, files: self.files.as_ref().map(escaped) }
    }
}

struct Running {
    child: Child,
    stdin: ChildStdin,
    reports: Lines<BufReader<ChildStdout>>,
    /// It has said so.
    ready: bool,
    /// The machine's count of processes killed for want of memory, when this one started.
    oom_kills: Option<u64>,
}

/// What happened to the worker.
#[derive(Debug)]
pub enum Happened {
    Reported(Report),
    /// It is gone; whether it ended well.
    Ended {
        well: bool,
    },
}

/// Starts, feeds and watches over at most one worker.
pub struct Supervisor {
    home: Home,
    /// Asked for once: when an upgrade has replaced the file, the system names it no more.
    program: std::io::Result<PathBuf>,
    running: Option<Running>,
    /// By token, each with the time until which what was touched is in it.
    asked: BTreeMap<u64, (Asked, Instant)>,
    /// Maintenance that was asked for and has not been reported.
    tasks: BTreeMap<u64, Maintenance>,
    next_token: u64,
    /// How the last one ended.
    ending: Ending,
    failures: u32,
    not_before: Option<Instant>,
}

impl Supervisor {
    pub fn new(home: &Home) -> Self {
        Self {
            home: home.clone(),
            program: std::env::current_exe(),
            running: None,
            asked: BTreeMap::new(),
            tasks: BTreeMap::new(),
            next_token: 1,
            ending: Ending::Blameless,
            failures: 0,
            not_before: None,
        }
    }

    pub fn pid(&self) -> Option<u32> {
        self.running.as_ref().and_then(|running| running.child.id())
    }

    /// Whether reconciles or maintenance are under way.
    pub fn is_asked(&self) -> bool {
        !self.asked.is_empty() || !self.tasks.is_empty()
    }

    /// The comparison of a repository's work tree that was asked for last and has not ended, and until when what was touched is in it.
    pub fn comparing(&self, repo: &RepoId) -> Option<(u64, Instant)> {
        let of_tree = |asked: &Asked| asked.repo == *repo && asked.looks_at_tree();
        let mut newest = self.asked.iter().rev();
        newest.find(|(_, (asked, _))| of_tree(asked)).map(|(token, (_, begun))| (*token, *begun))
    }

    /// When a worker that failed may be started again.
    pub fn restart_at(&self) -> Option<Instant> {
        if self.running.is_none() { self.not_before } else { None }
    }

    /// Asks for a reconcile that has in it what was touched until `since`; a worker that dies over it is followed by one that is asked
    /// again. Returns its token.
    pub async fn reconcile(&mut self, asked: Asked, since: Instant, now: Instant) -> u64 {
        let token = self.next_token;
        self.next_token += 1;
        let hint = asked.hint(token);
        self.asked.insert(token, (asked, since));
        self.send_or_start(&hint, now).await;
        token
    }

    /// Asks for maintenance. If a worker ends well before it received the request, the next one receives it; one that dies over it is not:
    /// see [`Supervisor::drop_tasks`]. Returns its token.
    pub async fn maintain(&mut self, task: Maintenance, now: Instant) -> u64 {
        let token = self.next_token;
        self.next_token += 1;
        self.tasks.insert(token, task.clone());
        self.send_or_start(&Hint::Maintain { task, token }, now).await;
        token
    }

    /// Gives maintenance up: the worker died, and another may die over the same.
    pub fn drop_tasks(&mut self) -> Vec<u64> {
        std::mem::take(&mut self.tasks).into_keys().collect()
    }

    /// Starts a worker if none runs, and sends it a hint that may be lost.
    pub async fn hint(&mut self, hint: Hint, now: Instant) {
        self.send_or_start(&hint, now).await;
    }

    async fn send_or_start(&mut self, hint: &Hint, now: Instant) {
        // What has a token is among what is asked, and is sent when the worker is ready.
        let is_kept = matches!(hint, Hint::Reconcile { .. } | Hint::Maintain { .. });
        if self.running.is_none() {
            self.start(now);
            if !is_kept {
                self.send(hint).await;
            }
        } else if self.running.as_ref().is_some_and(|running| running.ready) || !is_kept {
            self.send(hint).await;
        }
    }

    async fn send(&mut self, hint: &Hint) {
        let (Some(running), Ok(mut line)) = (&mut self.running, serde_json::to_string(hint)) else { return };
        line.push('\n');
        // A closed pipe is a worker that has ended: that is noticed on its own, and what is asked is asked again.
        let _ = running.stdin.write_all(line.as_bytes()).await;
    }

    /// Starts a worker, unless one that failed a moment ago has to be waited out.
    pub fn start(&mut self, now: Instant) {
        if self.running.is_some() || self.not_before.is_some_and(|then| now < then) {
            return;
        }
        match self.spawn() {
            Ok(running) => {
                self.running = Some(running);
                self.not_before = None;
            }
            Err(error) => {
                tracing::error!(%error, "the worker cannot be started");
                self.note_failure(now);
            }
        }
    }

    #[expect(clippy::disallowed_methods, reason = "starts the worker")]
    fn spawn(&self) -> std::io::Result<Running> {
        let program = self.program.as_ref().map_err(|error| std::io::Error::new(error.kind(), error.to_string()))?;
        let mut command = Command::new(program);
        command.arg("worker").env("RA_AGENT_HOME", self.home.root()).env("TMPDIR", self.home.tmp());
        // The service manager knows the daemon alone.
        command.env_remove("NOTIFY_SOCKET").env_remove("WATCHDOG_USEC").env_remove("WATCHDOG_PID");
        // The worker's own pools have their size from the configuration. candle would split each step of a text over the global
        // one, whose threads spin for work: 1.65 times the CPU time, measured on texts that are embedded side by side.
        command.env("RAYON_NUM_THREADS", "1");
        // Milliseconds that the allocator keeps what is free, in the place of a second: a model that embeds frees 100 MB in that time.
        command.env("MIMALLOC_PURGE_DELAY", "100");
        if self.ending == Ending::Crash {
            command.arg("--after-crash");
        }
        let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).kill_on_drop(false).spawn()?;
        let (Some(stdin), Some(stdout)) = (child.stdin.take(), child.stdout.take()) else {
            return Err(std::io::Error::other("its pipes are missing"));
        };
        let reports = BufReader::new(stdout).lines();
        Ok(Running { child, stdin, reports, ready: false, oom_kills: oom_kills() })
    }

    /// Waits for the worker's next report or end; for ever if there is none.
    pub async fn next(&mut self) -> Happened {
        let Some(running) = &mut self.running else { return std::future::pending().await };
        while let Ok(Some(line)) = running.reports.next_line().await {
            match serde_json::from_str::<Report>(&line) {
                Ok(report) => return Happened::Reported(report),
                Err(error) => tracing::warn!(%error, "a report that this version does not know"),
            }
        }
        let status = running.child.wait().await;
        let oom_before = running.oom_kills;
        self.running = None;
        self.ending = match &status {
            Ok(status) if is_crash(*status, oom_before) => Ending::Crash,
            _ => Ending::Blameless,
        };
        // A kill from outside is not its own failure: the next one need not wait.
        let killed = matches!(&status, Ok(status) if status.signal().is_some());
        let well = matches!(&status, Ok(status) if status.success()) || (killed && self.ending == Ending::Blameless);
        if !well || killed {
            tracing::warn!(?status, crash = self.ending == Ending::Crash, "the worker has died");
        }
        Happened::Ended { well }
    }

    /// Takes note of a report; returns the reconcile that it ends, and until when what was touched is in it.
    pub async fn note_report(&mut self, report: &Report) -> Option<(Asked, Instant)> {
        match report {
            Report::Ready => {
                if let Some(running) = &mut self.running {
                    running.ready = true;
                }
                self.ending = Ending::Blameless;
                let reconciles = self.asked.iter().map(|(&token, (asked, _))| asked.hint(token));
                let tasks = self.tasks.iter().map(|(&token, task)| Hint::Maintain { task: task.clone(), token });
                let hints: Vec<Hint> = reconciles.chain(tasks).collect();
                for hint in hints {
                    self.send(&hint).await;
                }
                None
            }
            Report::Reconciled { token, .. } => {
                self.failures = 0;
                self.asked.remove(token)
            }
            Report::Maintained { token, .. } => {
                self.failures = 0;
                self.tasks.remove(token);
                None
            }
            Report::Idle => None,
        }
    }

    /// After an end that was no good one: when to start the next.
    pub fn note_failure(&mut self, now: Instant) {
        let wait = RESTART_MIN.saturating_mul(1 << self.failures.min(9)).min(RESTART_MAX);
        // The first failure may be transient, or a kill from outside: start the next one at once.
        self.not_before = (self.failures > 0).then(|| now + wait);
        self.failures = self.failures.saturating_add(1);
    }

    /// Stops the worker: asks, and after `patience` kills. Either is safe.
    pub async fn stop(&mut self, patience: Duration) {
        self.send(&Hint::Stop).await;
        let Some(mut running) = self.running.take() else { return };
        drop(running.stdin);
        if tokio::time::timeout(patience, running.child.wait()).await.is_err() {
            tracing::info!("the worker is in the middle of something; it is killed, its jobs go back into the queue");
            if let Err(error) = running.child.kill().await {
                tracing::error!(%error, "the worker cannot be killed");
            }
        }
    }
}

/// Whether a library or the parser is to blame. A kill from outside is not, unless the kernel did it for want of memory.
fn is_crash(status: ExitStatus, oom_before: Option<u64>) -> bool {
    const SIGKILL: i32 = 9;
    const BLAMELESS: [i32; 4] = [1, 2, 13, 15]; // SIGHUP, SIGINT, SIGPIPE, SIGTERM
    /// What the standard library exits with after a panic of the main thread.
    const PANICKED: i32 = 101;
    match status.signal() {
        Some(SIGKILL) => oom_before.zip(oom_kills()).is_some_and(|(before, now)| now > before),
        Some(signal) => !BLAMELESS.contains(&signal),
        None => status.code() == Some(PANICKED),
    }
}

/// Processes that the kernel has killed for want of memory since it started (Linux 4.13 and later).
fn oom_kills() -> Option<u64> {
    let stat = std::fs::read_to_string("/proc/vmstat").ok()?;
    stat.lines().find_map(|line| line.strip_prefix("oom_kill "))?.trim().parse().ok()
}
