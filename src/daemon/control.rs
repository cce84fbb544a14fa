//! The control socket: one JSON request a connection, one JSON reply. Its client side is what the verbs use.

use std::collections::BTreeMap;
use std::io::{self, BufRead, BufReader, Write};
use std::os::unix::net::UnixStream;
use std::path::Path;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::clock;
use crate::home::Home;
use crate::lock;
use crate::worker::maintenance::{Maintained, Maintenance};
use crate::worker::pipe::Depth;

/// Version of the protocol: a client and a daemon of different versions refuse each other with a text.
pub const PROTOCOL: u32 = 1;

/// Longest request in bytes.
pub const REQUEST_MAX: usize = 64 * 1_024;

/// How long a client waits for the daemon to take and answer a request that needs no work.
const ANSWER_WAIT: Duration = Duration::from_secs(15);

/// How long, and at what distance, a daemon that holds its lock but does not listen is tried.
const STARTING_WAIT: Duration = Duration::from_millis(200);
/// The same for one that is becoming another version: that opens and migrates the databases before it listens.
const BECOMING_WAIT: Duration = Duration::from_secs(10);
const STARTING_EVERY: Duration = Duration::from_millis(20);

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Frame {
    pub protocol: u32,
    pub request: Request,
}

/// What a verb asks of the daemon.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", tag = "do")]
pub enum Request {
    Ping,
    Stop,
    /// Answered when each has finished a reconcile that started after the request.
    Reconcile {
        repo: Option<String>,
        depth: Depth,
    },
    /// A question is asked: what was saved or committed a moment ago is to be in its answer. `Behind` at once if nothing waits, else answered
    /// when it is indexed.
    CatchUp {
        repo: Option<String>,
    },
    /// What is not indexed yet; answered at once.
    Behind {
        repo: Option<String>,
    },
    /// A search is likely: start a worker and load its model.
    Warm,
    /// The configuration has changed.
    Reload,
    Change(StateChange),
    /// Something to be done to the stores; answered when it is done.
    Maintain(Maintenance),
}

/// What a verb changes. With no daemon, the verb does it itself under the daemon's lock.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", tag = "change")]
pub enum StateChange {
    Register {
        location: LocationText,
        root_commit: Option<String>,
    },
    Unregister {
        repo: String,
        keep_cache: bool,
    },
    /// `None`: every dead letter.
    Retry {
        job: Option<i64>,
    },
    Discard {
        job: i64,
    },
    Pause,
    Resume,
    /// The limits of the budget in the configuration have changed. `allow`: spend again where that was stopped.
    Limits {
        allow: bool,
    },
    /// Put what a repository lacks into the queue: analyses of these types, of at most so many files.
    Build {
        repo: String,
        types: Vec<String>,
        priority: Option<String>,
        max_files: usize,
    },
    /// Queue the analyses again that are older than so many milliseconds.
    Expire {
        repo: String,
        types: Vec<String>,
        older_than_ms: u64,
    },
}

/// A located repository, in text that loses no byte.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct LocationText {
    pub kind: String,
    pub path: String,
    pub git_dir: String,
    pub common_dir: String,
}

/// What the daemon answers.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", tag = "answer")]
pub enum ControlReply {
    Done {
        message: String,
    },
    Pong {
        pid: u32,
        worker: Option<u32>,
        sandbox: String,
        /// Watched directories; `None`: the kernel would watch none.
        #[serde(default)]
        watches: Option<usize>,
        /// The work trees that are polled, by their repositories' ids, each with the reason.
        #[serde(default)]
        polled: BTreeMap<String, String>,
        /// Version of the program that the daemon is.
        #[serde(default)]
        version: String,
    },
    Reconciled {
        repos: Vec<RepoOutcome>,
    },
    Maintained(Maintained),
    /// What is not indexed yet.
    Behind {
        files: u64,
        /// Milliseconds since the Unix epoch; of the first of them.
        since_ms: Option<i64>,
        /// False: work trees that are not watched may have more.
        is_all: bool,
    },
    Failed {
        message: String,
    },
}

/// How the reconcile of one repository ended.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RepoOutcome {
    pub repo: String,
    pub held: Option<String>,
    pub error: Option<String>,
}

#[derive(Debug, thiserror::Error)]
pub enum ControlError {
    #[error("the daemon is not running; `ra-agent daemon start` starts it")]
    NotRunning,
    #[error(
        "the daemon (pid {pid}) runs but does not answer on {socket}: {reason}; `ra-agent daemon restart` fixes that"
    )]
    Silent { pid: u32, socket: std::path::PathBuf, reason: String },
    #[error("the daemon did not answer in {} s; it goes on with its work", .0.as_secs())]
    TimedOut(Duration),
    #[error("the daemon's answer is not understood ({0}); `ra-agent daemon restart` starts this version")]
    Unintelligible(String),
}

/// Asks the daemon something that needs no work.
///
/// # Errors
/// If no daemon runs, or it does not answer.
pub fn ask(home: &Home, request: Request) -> Result<ControlReply, ControlError> {
    ask_within(home, request, ANSWER_WAIT)
}

/// Asks the daemon and waits so long for the answer, from one that becomes another version in the meantime, too.
///
/// # Errors
/// If no daemon runs, or it does not answer in time.
pub fn ask_within(home: &Home, request: Request, wait: Duration) -> Result<ControlReply, ControlError> {
    let socket = home.agent_socket();
    let begun = clock::monotonic();
    let left = || wait.saturating_sub(clock::since(begun));
    let mut limit = STARTING_WAIT;
    loop {
        let stream = connect(home, &socket, limit, left())?;
        let error = match exchange(&stream, request.clone(), left()) {
            Ok(reply) => return Ok(reply),
            Err(error) => error,
        };
        match error.kind() {
            io::ErrorKind::WouldBlock | io::ErrorKind::TimedOut => return Err(ControlError::TimedOut(wait)),
            io::ErrorKind::InvalidData => return Err(ControlError::Unintelligible(error.to_string())),
            // It stops, or becomes another version, which is asked then: once, for what it cannot read would close this connection, too.
            _ if limit == STARTING_WAIT => limit = BECOMING_WAIT,
            _ => return Err(ControlError::NotRunning),
        }
    }
}

/// A starting daemon holds its lock before it listens, and one that becomes another version lets go of it for an instant, so a refused
/// connection is tried again for a moment.
fn connect(home: &Home, socket: &Path, mut limit: Duration, wait: Duration) -> Result<UnixStream, ControlError> {
    let start = clock::monotonic();
    loop {
        let error = match UnixStream::connect(socket) {
            Ok(stream) => return Ok(stream),
            Err(error) => error,
        };
        // In this order: who has let go of the lock is an heir by then.
        let holder = lock::holder(&home.agent_lock());
        let heir = if holder.is_none() { lock::heir(&home.agent_lock()) } else { None };
        if heir.is_some() {
            limit = BECOMING_WAIT;
        }
        let Some(pid) = holder.or(heir) else { return Err(ControlError::NotRunning) };
        if clock::since(start) >= limit.min(wait.max(STARTING_WAIT)) {
            return Err(ControlError::Silent { pid, socket: socket.to_owned(), reason: error.to_string() });
        }
        std::thread::sleep(STARTING_EVERY);
    }
}

fn exchange(stream: &UnixStream, request: Request, wait: Duration) -> io::Result<ControlReply> {
    stream.set_read_timeout(Some(wait.max(Duration::from_millis(1))))?;
    stream.set_write_timeout(Some(ANSWER_WAIT))?;
    let mut writer = stream;
    writeln!(writer, "{}", serde_json::to_string(&Frame { protocol: PROTOCOL, request })?)?;
    let mut line = String::new();
    BufReader::new(stream).read_line(&mut line)?;
    if line.is_empty() {
        return Err(io::ErrorKind::UnexpectedEof.into());
    }
    serde_json::from_str(&line).map_err(|error| io::Error::new(io::ErrorKind::InvalidData, error))
}

/// The protocol alone, whatever is asked: a later version may ask what this one has never heard of.
#[derive(Deserialize)]
struct Spoken {
    protocol: u32,
}

/// The daemon's side: a request of this protocol.
///
/// # Errors
/// What is wrong with the line, for the client.
pub fn read_request(line: &str) -> Result<Request, String> {
    let not_understood = |error: serde_json::Error| format!("the request is not understood: {error}");
    let Spoken { protocol } = serde_json::from_str(line).map_err(not_understood)?;
    if protocol != PROTOCOL {
        return Err(format!(
            "the daemon speaks protocol {PROTOCOL}, this program {protocol}; `ra-agent daemon restart` starts this version"
        ));
    }
    serde_json::from_str::<Frame>(line).map(|frame| frame.request).map_err(not_understood)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn f57_another_protocol_is_reported_whatever_it_asks() {
        assert_eq!(read_request(r#"{"protocol":1,"request":{"do":"ping"}}"#), Ok(Request::Ping));
        let later =
            read_request(r#"{"protocol":2,"request":{"do":"what-is-not-yet","with":[]},"more":1}"#).unwrap_err();
        assert!(later.contains("protocol 1") && later.contains("daemon restart"), "{later}");
        for odd in ["", "{}", r#"{"protocol":-1}"#, r#"{"protocol":1}"#, r#"{"protocol":1,"request":{"do":"fly"}}"#] {
            assert!(read_request(odd).unwrap_err().contains("not understood"), "{odd}");
        }
    }
}
