//! The page: what a commit changed, whom it touched, what it cost, in the browser of this machine. A process of its own, which reads
//! stores and repositories and writes nothing. It listens on loopback, for the browser that was given its address.
//!
//! One file a screen: it asks `query`, fills a struct and writes its markup (maud, checked at compile time), and has its address; every state has one.
//! What takes longer than a page may is worked out in [`answers`]; [`live`] tells open pages that something has changed.

mod answers;
mod chart;
mod code;
mod commit;
mod file;
mod finding;
mod frame;
mod guard;
mod live;
mod money;
mod queue;
mod repo;
mod repos;
mod search;
mod text;
mod window;
mod wire;

use std::io;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::extract::State;
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{Html, IntoResponse, Response};
use axum::routing::get;
use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::watch;

use crate::cache::view;
use crate::client::QueryClient;
use crate::clock;
use crate::config::{Config, ConfigError};
use crate::domain::ObjectId;
use crate::home::Home;
use crate::query::view::commit::CommitView;
use crate::query::view::report::ReportView;
use crate::query::view::status::StatusView;
use crate::query::{QueryError, Reader, commit as commits};
use crate::repo::registry::Registered;
use answers::{Answers, PATIENCE, SlowAnswer, SlowQuestion};
use frame::{FailedPage, PageFrame, Screen, ScreenName};
use guard::PageGuard;
use live::Live;
pub use window::open_window;

/// How long questions that run may go on after a signal.
const STOP_PATIENCE: Duration = Duration::from_millis(500);
/// Questions that are answered at the same time. More wait.
const QUESTIONS: usize = 8;
/// How long an idle thread stays.
const THREAD_IDLE: Duration = Duration::from_secs(5);
/// How old a status may be, in milliseconds: HEAD moves without a change in a store where no daemon runs.
const STATUS_FOR_MS: i64 = 5_000;

const STYLE: &str = include_str!("assets/page.css");
const SCRIPT: &str = include_str!("assets/page.js");
const ICON: &str = include_str!("assets/icon.svg");

#[derive(Debug, thiserror::Error)]
pub enum PageError {
    #[error("the page cannot listen on 127.0.0.1:{port}: {source}; name another port with --port, or none")]
    Port { port: u16, source: io::Error },
    #[error("the page cannot be set up: {0}; the machine is out of processes, memory or descriptors")]
    Setup(#[from] io::Error),
    #[error("the page cannot have a token: {0}; the system gives no randomness")]
    Token(io::Error),
}

/// Serves the page until SIGINT or SIGTERM. `announce` is handed the address when it answers; what it fails with ends the page.
///
/// # Errors
/// If the port is taken, or no runtime can be started.
pub fn serve<E: From<PageError>>(
    home: &Home,
    config: &Config,
    port: u16,
    announce: impl FnOnce(&str) -> Result<(), E>,
) -> Result<(), E> {
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .max_blocking_threads(QUESTIONS)
        .thread_keep_alive(THREAD_IDLE)
        .enable_all()
        .build()
        .map_err(PageError::from)?;
    let served = runtime.block_on(async {
        let (listener, port) = wire::listen(port).await.map_err(|source| PageError::Port { port, source })?;
        let guard = PageGuard::new(port).map_err(PageError::Token)?;
        let mut interrupt = signal(SignalKind::interrupt()).map_err(PageError::from)?;
        let mut terminate = signal(SignalKind::terminate()).map_err(PageError::from)?;
        let address = guard.address();
        let live = Live::new();
        live.follow(home.clone(), config.clone());
        let answers = Answers::new(home.clone(), live.clone());
        let page = Arc::new(Page { home: home.clone(), answers, live });
        let (stop, stopped) = watch::channel(false);
        let served = tokio::spawn(wire::serve(listener, routes(page, guard), stopped));
        announce(&address)?;
        tokio::select! {
            _ = interrupt.recv() => {}
            _ = terminate.recv() => {}
        }
        // Streams end with this, too.
        stop.send_replace(true);
        served.await.map_err(|error| PageError::from(io::Error::other(error)))?;
        Ok(())
    });
    runtime.shutdown_timeout(STOP_PATIENCE);
    served
}

fn routes(page: Arc<Page>, guard: PageGuard) -> Router {
    Router::new()
        .route("/", get(repos::screen))
        .route("/repo/{repo}", get(repo::screen))
        .route("/repo/{repo}/findings", get(repo::findings))
        .route("/repo/{repo}/commit/{commit}", get(commit::screen))
        .route("/repo/{repo}/file", get(file::screen))
        .route("/search", get(search::screen))
        .route("/queue", get(queue::screen))
        .route("/money", get(money::screen))
        .route("/events", get(events))
        .route("/page.css", get(|| async { asset("text/css; charset=utf-8", STYLE) }))
        .route("/page.js", get(|| async { asset("text/javascript; charset=utf-8", SCRIPT) }))
        .route("/icon.svg", get(|| async { asset("image/svg+xml", ICON) }))
        .fallback(|| async { Fault::Missing("there is no such page".to_owned()).into_response() })
        .with_state(page)
        .layer(axum::middleware::from_fn_with_state(Arc::new(guard), guard::check))
}

async fn events(State(page): State<Arc<Page>>) -> Response {
    page.live.events()
}

fn asset(kind: &'static str, content: &'static str) -> Response {
    ([(header::CONTENT_TYPE, HeaderValue::from_static(kind))], content).into_response()
}

/// What every screen needs.
struct Page {
    home: Home,
    answers: Answers,
    live: Live,
}

/// One question of a browser, on a thread that may wait for the disk.
struct PageQuestion<'a> {
    page: &'a Page,
    config: &'a Config,
    reader: Reader<'a>,
}

/// Why a screen cannot be shown.
#[derive(Debug)]
enum Fault {
    Missing(String),
    Wrong(String),
    Failed(String),
}

impl Fault {
    fn why(self) -> String {
        match self {
            Self::Missing(why) | Self::Wrong(why) | Self::Failed(why) => why,
        }
    }
}

impl From<QueryError> for Fault {
    fn from(error: QueryError) -> Self {
        match error {
            QueryError::NotRegistered { .. } | QueryError::NoRepository(_) => Self::Missing(error.to_string()),
            QueryError::Invalid(_) => Self::Wrong(error.to_string()),
            other => Self::Failed(other.to_string()),
        }
    }
}

impl From<ConfigError> for Fault {
    fn from(error: ConfigError) -> Self {
        Self::Failed(error.to_string())
    }
}

impl IntoResponse for Fault {
    fn into_response(self) -> Response {
        let (status, title, why) = match self {
            Self::Missing(why) => (StatusCode::NOT_FOUND, "Not found", why),
            Self::Wrong(why) => (StatusCode::BAD_REQUEST, "This cannot be shown", why),
            Self::Failed(why) => (StatusCode::INTERNAL_SERVER_ERROR, "This failed", why),
        };
        let page = FailedPage { frame: PageFrame::new(title, ScreenName::Elsewhere), why };
        (status, Html(frame::whole(&page))).into_response()
    }
}

/// Makes a screen on a thread that may wait for the disk.
async fn shown<T: Screen>(
    page: Arc<Page>,
    make: impl FnOnce(&PageQuestion<'_>) -> Result<T, Fault> + Send + 'static,
) -> Response {
    let made = tokio::task::spawn_blocking(move || -> Result<String, Fault> {
        // Read again for each question: the page is open for days.
        let config = Config::load(&page.home.config_file(), page.home.root())?;
        let reader = Reader::open(&page.home, &config)?;
        Ok(frame::whole(&make(&PageQuestion { page: &page, config: &config, reader })?))
    });
    match made.await {
        Ok(Ok(html)) => Html(html).into_response(),
        Ok(Err(fault)) => fault.into_response(),
        Err(_) => Fault::Failed("the question panicked; please report this as a bug".to_owned()).into_response(),
    }
}

impl PageQuestion<'_> {
    fn client(&self) -> QueryClient<'_> {
        QueryClient { home: &self.page.home, config: self.config, wait: false }
    }

    /// A repository by its id. Addresses have no paths of the file system.
    fn repo(&self, id: &str) -> Result<Registered, Fault> {
        let repo = self.reader.repos()?.into_iter().find(|repo| repo.id.0 == id);
        repo.ok_or_else(|| {
            Fault::Missing(format!("no repository has the id {id}; the first page lists those that are registered"))
        })
    }

    /// What tells one state of a repository's findings from another one.
    fn state_of(&self, repo: &Registered) -> Result<String, Fault> {
        let Some(store) = self.reader.store(repo)? else { return Ok("no store".to_owned()) };
        let head = commits::head(repo)?.map(|head| head.to_string()).unwrap_or_default();
        let unanswered = view::unanswered(store.db()).map_err(QueryError::from)?;
        Ok(format!("{head} {unanswered}"))
    }

    /// What is found at HEAD, and what the newest commits brought; `None`: that is still worked out.
    fn findings(&self, repo: &Registered, patience: Duration) -> Result<Option<Arc<ReportView>>, Fault> {
        let state = self.state_of(repo)?;
        match self.page.answers.ask(&SlowQuestion::Findings(repo.id.clone()), &state, patience) {
            Some(SlowAnswer::Findings(found)) => Ok(Some(found)),
            Some(SlowAnswer::Failed(why)) => Err(Fault::Failed(why)),
            _ => Ok(None),
        }
    }

    /// What a commit did; `None`: that is still worked out.
    fn commit(&self, repo: &Registered, id: &ObjectId) -> Result<Option<Arc<CommitView>>, Fault> {
        let state = self.state_of(repo)?;
        // What HEAD is now does not matter to what a commit did.
        let state = state.split(' ').next_back().unwrap_or_default();
        match self.page.answers.ask(&SlowQuestion::Commit(repo.id.clone(), id.clone()), state, PATIENCE) {
            Some(SlowAnswer::Commit(found)) => Ok(Some(found)),
            Some(SlowAnswer::Failed(why)) => Err(Fault::Failed(why)),
            _ => Ok(None),
        }
    }

    /// The status of everything, a few seconds old at most.
    fn status(&self) -> Result<Option<Arc<StatusView>>, Fault> {
        let state = format!("{} {}", self.page.live.stored(), clock::now().0 / STATUS_FOR_MS);
        match self.page.answers.ask(&SlowQuestion::Status, &state, PATIENCE) {
            Some(SlowAnswer::Status(found)) => Ok(Some(found)),
            Some(SlowAnswer::Failed(why)) => Err(Fault::Failed(why)),
            _ => Ok(None),
        }
    }
}
