//! Searches answered by a running worker, which has the model loaded: one JSON request a connection.

use std::io::{self, BufRead, BufReader, Read, Write};
use std::os::unix::net::{UnixListener, UnixStream};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use serde::{Deserialize, Serialize};

use super::model::SharedModel;
use crate::clock;
use crate::config::Config;
use crate::home::Home;
use crate::query::QueryError;
use crate::query::search::{QUERY_MAX, SearchRequest, Searcher};
use crate::query::view::search::SearchView;
use crate::worker::WorkerError;

/// What a worker says first: that it is alive and speaks this version.
const GREETING: &str = concat!("ra-agent ", env!("CARGO_PKG_VERSION"));
/// How long a client waits for the greeting before it searches in its own process.
const GREETING_WAIT: Duration = Duration::from_millis(50);
/// How long it waits for the answer: loading the model on a slow machine included.
const ANSWER_WAIT: Duration = Duration::from_secs(20);
/// How long a silent client is borne with.
const REQUEST_WAIT: Duration = Duration::from_secs(2);
/// Longest request in bytes: a query of nothing but escapes, and the rest.
const REQUEST_MAX: u64 = 6 * QUERY_MAX as u64 + 1_024;

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
enum SearchReply {
    Found(SearchView),
    /// The question is wrong.
    Invalid(String),
    Failed(String),
}

/// The listening side.
pub struct SearchSocket {
    searcher: Arc<Mutex<Searcher>>,
    last_used: Arc<Mutex<Option<Instant>>>,
}

impl SearchSocket {
    /// Listens on `run/worker.sock`, in a thread of its own. The caller holds the worker's lock, so a socket that is there is dead.
    ///
    /// # Errors
    /// If the socket cannot be made.
    pub fn listen(home: &Home, config: &Config, model: Arc<SharedModel>) -> Result<Self, WorkerError> {
        let path = home.worker_socket();
        let directory = |source| WorkerError::Directory { path: path.clone(), source };
        match std::fs::remove_file(&path) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(directory(error)),
            _ => {}
        }
        // run/ is 0700: no other user reaches the socket.
        let listener = UnixListener::bind(&path).map_err(directory)?;
        let searcher = Searcher::for_many(home, config).map_err(|error| WorkerError::Search(error.to_string()))?;
        let searcher = Arc::new(Mutex::new(searcher));
        let last_used = Arc::new(Mutex::new(None));
        let used = last_used.clone();
        let shared = searcher.clone();
        std::thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                *used.lock().unwrap_or_else(PoisonError::into_inner) = Some(clock::monotonic());
                let (model, searcher) = (model.clone(), shared.clone());
                std::thread::spawn(move || {
                    if let Err(error) = serve(&stream, &model, &searcher) {
                        tracing::debug!(%error, "a search was not answered");
                    }
                });
            }
        });
        Ok(Self { searcher, last_used })
    }

    /// Reads what searches keep in memory, so that the first one need not.
    pub fn warm(&self) {
        if let Err(error) = self.searcher.lock().unwrap_or_else(PoisonError::into_inner).warm() {
            tracing::info!(%error, "the first search will read the vectors");
        }
    }

    /// Time of the last search.
    pub fn last_used(&self) -> Option<Instant> {
        *self.last_used.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn serve(stream: &UnixStream, model: &SharedModel, searcher: &Mutex<Searcher>) -> io::Result<()> {
    stream.set_read_timeout(Some(REQUEST_WAIT))?;
    stream.set_write_timeout(Some(REQUEST_WAIT))?;
    let mut writer = stream;
    writeln!(writer, "{GREETING}")?;
    let mut line = String::new();
    BufReader::new(stream.take(REQUEST_MAX)).read_line(&mut line)?;
    let request: SearchRequest = serde_json::from_str(&line)?;
    let found = searcher.lock().unwrap_or_else(PoisonError::into_inner).search(&request, || model.questions());
    let reply = match found {
        Ok(answer) => SearchReply::Found(answer),
        Err(error @ QueryError::Invalid(_)) => SearchReply::Invalid(error.to_string()),
        Err(error) => SearchReply::Failed(error.to_string()),
    };
    writeln!(writer, "{}", serde_json::to_string(&reply)?)
}

/// Asks the running worker; `None` if there is none that answers in 50 ms.
pub fn ask(home: &Home, request: &SearchRequest) -> Option<Result<SearchView, QueryError>> {
    let stream = UnixStream::connect(home.worker_socket()).ok()?;
    stream.set_read_timeout(Some(GREETING_WAIT)).ok()?;
    stream.set_write_timeout(Some(GREETING_WAIT)).ok()?;
    let mut reader = BufReader::new(&stream);
    let mut line = String::new();
    reader.read_line(&mut line).ok()?;
    if line.trim_end() != GREETING {
        return None;
    }
    stream.set_read_timeout(Some(ANSWER_WAIT)).ok()?;
    writeln!(&stream, "{}", serde_json::to_string(request).ok()?).ok()?;
    line.clear();
    reader.read_line(&mut line).ok()?;
    match serde_json::from_str(&line).ok()? {
        SearchReply::Found(answer) => Some(Ok(answer)),
        SearchReply::Invalid(why) => Some(Err(QueryError::Invalid(why))),
        SearchReply::Failed(why) => Some(Err(QueryError::Failed(why))),
    }
}
