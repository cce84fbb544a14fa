//! What every question needs around its query: the daemon is asked to catch up with what was saved a moment ago, the worker searches, and
//! what an answer shows is compared with the disk. The verbs and the server for coding agents ask here, so they answer alike.

mod changes;
mod search;

use std::path::Path;
use std::time::{Duration, Instant};

use crate::clock::{self, Timestamp};
use crate::config::Config;
use crate::daemon::control::{self, ControlError, ControlReply, Request};
use crate::domain::{FilePath, RepoId};
use crate::home::Home;
use crate::lock;
use crate::query::freshness::{Followed, ShownFiles, freshness};
use crate::query::impact::{self, ImpactQuestion};
use crate::query::present::PresentFiles;
use crate::query::status::{rss_bytes, status};
use crate::query::targets::{TargetsRequest, targets};
use crate::query::view::freshness::Freshness;
use crate::query::view::impact::ImpactView;
use crate::query::view::show::ShowView;
use crate::query::view::status::{DaemonStatus, StatusView};
use crate::query::view::targets::TargetsView;
use crate::query::{QueryError, Reader, files};
use crate::repo::registry::Registered;

pub use changes::ChangeStream;
pub use search::SearchBy;

/// How long a question waits for what was saved a moment ago.
pub const CATCH_UP_WAIT: Duration = Duration::from_millis(400);

/// How long the daemon is asked what it has to do, which costs it nothing.
const BEHIND_WAIT: Duration = Duration::from_millis(250);

/// Asks questions for a verb or a coding agent.
#[derive(Clone, Copy)]
pub struct QueryClient<'a> {
    pub home: &'a Home,
    pub config: &'a Config,
    /// Questions wait for the last save.
    pub wait: bool,
}

impl QueryClient<'_> {
    /// Has the daemon index what waits, and says what it reports. `None`: of every repository.
    pub fn catch_up(&self, repo: Option<&RepoId>) -> Followed {
        let repo = repo.map(|repo| repo.0.clone());
        if !self.wait {
            return self.behind(repo);
        }
        match control::ask_within(self.home, Request::CatchUp { repo: repo.clone() }, CATCH_UP_WAIT) {
            Ok(ControlReply::Behind { .. } | ControlReply::Reconciled { .. }) => Followed::Current,
            Err(ControlError::TimedOut(_)) => self.behind(repo),
            Err(ControlError::NotRunning) => Followed::Not,
            // An older daemon, or one that starts or stops.
            Ok(_) | Err(_) => Followed::Unknown,
        }
    }

    fn behind(&self, repo: Option<String>) -> Followed {
        match control::ask_within(self.home, Request::Behind { repo }, BEHIND_WAIT) {
            Ok(ControlReply::Behind { files: 0, is_all: true, .. }) => Followed::Current,
            Ok(ControlReply::Behind { files: 0, is_all: false, .. }) => Followed::Unknown,
            Ok(ControlReply::Behind { files, since_ms, .. }) => {
                Followed::Behind { files, since: since_ms.map(Timestamp) }
            }
            Err(ControlError::NotRunning) => Followed::Not,
            Ok(_) | Err(_) => Followed::Unknown,
        }
    }

    /// Everything that is known of a file.
    ///
    /// # Errors
    /// If no registered repository holds it, or the index does not have it.
    pub fn file(&self, path: &Path) -> Result<ShowView, QueryError> {
        let reader = Reader::open(self.home, self.config)?;
        let repo = reader.repo_at(path)?;
        let followed = self.catch_up(Some(&repo.id));
        let reader = Reader::open(self.home, self.config)?;
        let mut view = files::show(&reader, path)?;
        let file = match &view.path_bytes {
            Some(_) => FilePath::from_escaped(&view.path),
            None => FilePath::new(view.path.as_bytes()),
        };
        view.answer_freshness = Some(self.of_files(&reader, &repo.id, followed, [&file])?);
        Ok(view)
    }

    /// How fresh an answer is that shows some files of a repository.
    ///
    /// # Errors
    /// If a store cannot be read.
    pub fn of_files<'f>(
        &self,
        reader: &Reader<'_>,
        id: &RepoId,
        followed: Followed,
        shown: impl IntoIterator<Item = &'f FilePath>,
    ) -> Result<Freshness, QueryError> {
        let repo = reader.repo(&id.0)?;
        let store = reader.store(&repo)?;
        let mut files = PresentFiles::open(reader, &repo, store.as_ref())?;
        let mut seen = ShownFiles::default();
        for path in shown {
            seen.compare(&mut files, path)?;
        }
        freshness(reader, &repo, store.as_ref(), followed, &seen, false)
    }

    /// What is known of files, places and symbols of a repository.
    ///
    /// # Errors
    /// If there is no target, or a store cannot be read.
    pub fn targets(&self, repo: &RepoId, request: &TargetsRequest) -> Result<TargetsView, QueryError> {
        let followed = self.catch_up(Some(repo));
        let reader = Reader::open(self.home, self.config)?;
        let repo = reader.repo(&repo.0)?;
        targets(&reader, &repo, request, followed)
    }

    /// What a change reaches. It is worked out from the repository and the disk, so it waits for nothing.
    ///
    /// # Errors
    /// If what is asked for is not there, or the repository or its store cannot be read.
    pub fn impact(&self, repo: &RepoId, question: &ImpactQuestion) -> Result<ImpactView, QueryError> {
        let reader = Reader::open(self.home, self.config)?;
        let repo = reader.repo(&repo.0)?;
        Ok(ImpactView::new(&repo, &impact::of(&reader, &repo, question)?))
    }

    /// The status of everything.
    ///
    /// # Errors
    /// If a store cannot be read.
    pub fn status(&self) -> Result<StatusView, QueryError> {
        status(&Reader::open(self.home, self.config)?, self.daemon())
    }

    /// How fresh an answer about a whole repository is.
    ///
    /// # Errors
    /// If a store cannot be read.
    pub fn of_repo(&self, repo: &Registered) -> Result<Freshness, QueryError> {
        let followed = self.catch_up(Some(&repo.id));
        let reader = Reader::open(self.home, self.config)?;
        self.of_files(&reader, &repo.id, followed, [])
    }

    /// The lock shows whether a daemon runs; the socket shows its state.
    pub fn daemon(&self) -> DaemonStatus {
        let Some(pid) = lock::holder(&self.home.agent_lock()) else { return DaemonStatus::default() };
        let (worker_pid, sandbox, polled) = match control::ask(self.home, Request::Ping) {
            Ok(ControlReply::Pong { worker, sandbox, polled, .. }) => (worker, Some(sandbox), polled),
            _ => Default::default(),
        };
        DaemonStatus {
            running: true,
            pid: Some(pid),
            rss_bytes: rss_bytes(pid),
            worker_pid,
            worker_rss_bytes: worker_pid.and_then(rss_bytes),
            sandbox,
            polled,
        }
    }
}

/// Waits until a daemon answers; false if none does in time.
pub fn wait_for_daemon(home: &Home, wait: Duration) -> bool {
    let begun: Instant = clock::monotonic();
    loop {
        if matches!(control::ask_within(home, Request::Ping, BEHIND_WAIT), Ok(ControlReply::Pong { .. })) {
            return true;
        }
        if clock::since(begun) > wait {
            return false;
        }
        std::thread::sleep(DAEMON_POLL);
    }
}

const DAEMON_POLL: Duration = Duration::from_millis(20);
