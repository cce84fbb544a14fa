//! Threads that read what is shown, and hand it on.

use std::io;
use std::sync::mpsc::{self, Receiver, Sender};
use std::time::{Duration, Instant};

use tokio::signal::unix::{SignalKind, signal};

use super::state::{TopAnswers, TopEvent, TopJob};
use crate::client::{ChangeStream, QueryClient, SearchBy};
use crate::clock;
use crate::config::Config;
use crate::domain::JobState;
use crate::home::Home;
use crate::query::budget::{budget_and_price, history};
use crate::query::search::SearchRequest;
use crate::query::view::queue::{EmptyQueue, JobView};
use crate::query::view::search::SearchView;
use crate::query::view::words::last_part;
use crate::query::{QueryError, Reader};
use crate::queue::{self, Filter};

/// How often the stores are asked whether they have changed.
const EVERY: Duration = Duration::from_millis(200);
/// How old an answer may be: HEAD moves without a change in a store where no daemon runs.
const LONGEST: Duration = Duration::from_secs(5);
/// The pause between two answers, and the one after a failure.
const PAUSE: Duration = Duration::from_millis(400);
const AFTER_FAILURE: Duration = Duration::from_secs(2);
/// How long a person types before what is there is searched.
const TYPING: Duration = Duration::from_millis(80);
/// Jobs that are listed of each kind.
const JOBS: usize = 200;
/// Days of which the cost is shown.
pub(super) const DAYS: u32 = 30;
const HITS: usize = 20;

/// What a thread does until the process ends.
type GatherWork = Box<dyn FnOnce(&Home, &Config, &Sender<TopEvent>) + Send>;

/// The threads, as they are asked.
pub(super) struct Gatherers {
    questions: Sender<String>,
}

impl Gatherers {
    /// Starts them; they end with the process.
    pub fn start(home: &Home, config: &Config, events: &Sender<TopEvent>) -> Self {
        let (questions, asked) = mpsc::channel();
        let spawn = |what, work: GatherWork| {
            let (home, config, events) = (home.clone(), config.clone(), events.clone());
            std::thread::spawn(move || {
                let _told = DeathNote { what, events: events.clone() };
                work(&home, &config, &events);
            });
        };
        spawn("following the stores", Box::new(follow));
        spawn("the search", Box::new(move |home, config, events| search(home, config, events, &asked)));
        Self { questions }
    }

    /// Searches for this, in the place of what was asked before.
    pub fn search(&self, query: String) {
        // Of a search that has panicked the screen hears otherwise.
        let _ = self.questions.send(query);
    }
}

/// Tells when a thread panics.
struct DeathNote {
    what: &'static str,
    events: Sender<TopEvent>,
}

impl Drop for DeathNote {
    fn drop(&mut self) {
        if std::thread::panicking() {
            let _ = self.events.send(TopEvent::Died(self.what));
        }
    }
}

fn follow(home: &Home, config: &Config, events: &Sender<TopEvent>) {
    loop {
        let mut changes = ChangeStream::new(home, config, EVERY);
        loop {
            let begun = clock::monotonic();
            let changed = changes.next_within(LONGEST);
            let answers = match changed {
                Ok(_) => answers(home).map_err(|error| error.to_string()),
                Err(error) => Err(error.to_string()),
            };
            let has_failed = answers.is_err();
            if events.send(TopEvent::Answers(Box::new(answers))).is_err() {
                return;
            }
            if has_failed {
                break;
            }
            std::thread::sleep(PAUSE.saturating_sub(clock::since(begun)));
        }
        std::thread::sleep(AFTER_FAILURE);
    }
}

fn answers(home: &Home) -> Result<TopAnswers, QueryError> {
    // Read again for each answer: the terminal is open for days.
    let config =
        Config::load(&home.config_file(), home.root()).map_err(|error| QueryError::Failed(error.to_string()))?;
    let client = QueryClient { home, config: &config, wait: false };
    let reader = Reader::open(home, &config)?;
    let now = clock::now();
    let (jobs, why_no_jobs) = jobs(&reader)?;
    Ok(TopAnswers {
        status: client.status()?,
        jobs,
        why_no_jobs,
        budget: budget_and_price(&reader, now)?,
        history: history(&reader, DAYS, now)?,
    })
}

/// What runs, what waits, and what failed for good.
fn jobs(reader: &Reader<'_>) -> Result<(Vec<TopJob>, String), QueryError> {
    const LISTS: [&[JobState]; 4] =
        [&[JobState::Running], &[JobState::Discarded, JobState::Quarantined], &[JobState::Queued], &[JobState::Parked]];
    let repos = reader.repos()?;
    let mut jobs = Vec::new();
    let Some(db) = &reader.agent else { return Ok((jobs, why_empty(reader, repos.len())?)) };
    for states in LISTS {
        let listed = queue::list(db, &Filter { repo: None, states: states.to_vec(), limit: Some(JOBS) })?;
        jobs.extend(listed.iter().map(|job| {
            let repo = repos.iter().find(|repo| repo.id == job.repo);
            let path = repo.map(|repo| repo.location.path.to_string_lossy().into_owned()).unwrap_or_default();
            TopJob { repo: last_part(&path).to_owned(), job: JobView::from(job) }
        }));
    }
    let why = if jobs.is_empty() { why_empty(reader, repos.len())? } else { String::new() };
    Ok((jobs, why))
}

fn why_empty(reader: &Reader<'_>, repos: usize) -> Result<String, QueryError> {
    let db = reader.agent.as_ref();
    let counts = db.map(|db| queue::counts(db, None)).transpose()?.unwrap_or_default();
    let is_paused = db.map(queue::is_paused).transpose()?.unwrap_or(false);
    let states = &[JobState::Queued, JobState::Running, JobState::Parked];
    Ok(EmptyQueue { repos, states, counts, is_paused }.why())
}

/// Answers the newest question; those before it are left out.
fn search(home: &Home, config: &Config, events: &Sender<TopEvent>, asked: &Receiver<String>) {
    while let Ok(first) = asked.recv() {
        let query = newest(first, asked);
        let client = QueryClient { home, config, wait: false };
        let answer = searched(&client, &query).map_err(|error| error.to_string());
        if events.send(TopEvent::Found(query, Box::new(answer))).is_err() {
            return;
        }
    }
}

/// The question after which a person has stopped typing.
fn newest(first: String, asked: &Receiver<String>) -> String {
    let mut query = first;
    let begun: Instant = clock::monotonic();
    while let Ok(next) = asked.recv_timeout(TYPING) {
        query = next;
        if clock::since(begun) > LONGEST {
            break;
        }
    }
    query
}

fn searched(client: &QueryClient<'_>, query: &str) -> Result<SearchView, QueryError> {
    let request = SearchRequest { query: query.to_owned(), limit: HITS, ..SearchRequest::default() };
    client.search(&request, SearchBy::Words, true)
}

/// Ends the screen at a signal. The signals are held from when this returns, so none leaves the terminal as it is.
///
/// # Errors
/// If the system gives no descriptors for that.
pub(super) fn end_at_signals(events: Sender<TopEvent>) -> io::Result<()> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let entered = runtime.enter();
    let mut terminate = signal(SignalKind::terminate())?;
    let mut interrupt = signal(SignalKind::interrupt())?;
    let mut hangup = signal(SignalKind::hangup())?;
    drop(entered);
    std::thread::spawn(move || {
        runtime.block_on(async {
            tokio::select! {
                _ = terminate.recv() => {}
                _ = interrupt.recv() => {}
                _ = hangup.recv() => {}
            }
            let _ = events.send(TopEvent::Ended);
        });
    });
    Ok(())
}
