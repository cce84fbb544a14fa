//! An OpenAI-compatible server on loopback that follows its script: answers, refuses, breaks off, says nothing. It keeps every
//! request as it came, and what it would have billed for each, in nano-dollars.

use std::collections::VecDeque;
use std::io::{self, BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::{Arc, Condvar, Mutex, MutexGuard};
use std::time::Duration;

use serde_json::{Value, json};

use super::llm_batches::ServerBatches;
use super::llm_model::{AskedModel, Completion};
pub use super::llm_model::{CACHED_NANO, INPUT_NANO, OUTPUT_NANO};

/// What to do with one request.
#[derive(Clone, Debug)]
pub enum Script {
    Answer(Reply),
    /// No completion.
    Status {
        code: u16,
        headers: Vec<(&'static str, String)>,
        body: String,
        billed: bool,
    },
    /// A completion of which the second half never comes.
    Half,
    /// A completion, a byte at a time.
    Drip {
        every: Duration,
    },
    /// 200, and no end of blanks.
    Endless,
    /// The connection is reset when the completion is made.
    Reset,
    /// The completion is made and never sent.
    Silence,
    /// Answers when the test says [`LlmServer::release`].
    Held,
    /// 200 with this as its body, billed.
    Raw(String),
}

/// A completion.
#[derive(Clone, Debug)]
pub struct Reply {
    /// What the model says; none: a right report of the type that is asked for.
    pub text: Option<String>,
    pub usage: Reported,
    pub finish: &'static str,
    pub latency: Duration,
    pub headers: Vec<(&'static str, String)>,
}

/// What the server says of its usage.
#[derive(Clone, Debug)]
pub enum Reported {
    True,
    Absent,
    Zero,
    /// One token each.
    Tiny,
    /// A thousand times what it was.
    Huge,
    This(Value),
}

impl Default for Reply {
    fn default() -> Self {
        Self { text: None, usage: Reported::True, finish: "stop", latency: Duration::ZERO, headers: Vec::new() }
    }
}

impl Script {
    /// A right report with the right usage.
    pub fn fair() -> Self {
        Self::Answer(Reply::default())
    }

    pub fn after(latency: Duration) -> Self {
        Self::Answer(Reply { latency, ..Reply::default() })
    }

    pub fn saying(text: &str) -> Self {
        Self::Answer(Reply { text: Some(text.to_owned()), ..Reply::default() })
    }

    pub fn reporting(usage: Reported) -> Self {
        Self::Answer(Reply { usage, ..Reply::default() })
    }

    /// A reply that was cut at the limit of its length.
    pub fn cut() -> Self {
        Self::Answer(Reply { finish: "length", ..Reply::default() })
    }

    /// Whether a completion was made.
    const fn is_billed(&self) -> bool {
        !matches!(self, Self::Status { billed: false, .. })
    }

    pub fn status(code: u16, message: &str) -> Self {
        let body = json!({ "error": { "message": message, "type": "scripted", "code": null } }).to_string();
        Self::Status { code, headers: Vec::new(), body, billed: false }
    }

    pub fn rate_limited(retry_after: &str) -> Self {
        Self::status(429, "slow down").with_header("Retry-After", retry_after)
    }

    /// An outage in which the model may have done its work all the same.
    pub fn billed_status(code: u16) -> Self {
        Self::Status { code, headers: Vec::new(), body: "upstream".to_owned(), billed: true }
    }

    pub fn with_header(mut self, name: &'static str, value: &str) -> Self {
        if let Self::Status { headers, .. } | Self::Answer(Reply { headers, .. }) = &mut self {
            headers.push((name, value.to_owned()));
        }
        self
    }
}

/// One request as it came.
#[derive(Clone, Debug)]
pub struct Recorded {
    /// Request line and headers, verbatim.
    pub head: String,
    pub body: String,
    /// What it cost: 0 where no completion was made.
    pub billed_nano: u64,
    /// Tokens that were billed as read before.
    pub repeated_tokens: u64,
}

impl Recorded {
    pub fn json(&self) -> Value {
        serde_json::from_str(&self.body).unwrap()
    }

    /// Value of a header, by its name in lower case.
    pub fn header(&self, name: &str) -> Option<&str> {
        let mut lines = self.head.lines().filter_map(|line| line.split_once(':'));
        lines.find(|(found, _)| found.eq_ignore_ascii_case(name)).map(|(_, value)| value.trim())
    }
}

#[derive(Default)]
struct State {
    scripts: VecDeque<Script>,
    /// What is done when no script is left; none: [`Script::fair`].
    otherwise: Option<Script>,
    refused: Vec<String>,
    recorded: Vec<Recorded>,
    /// What begins as an earlier prompt did is billed as cached.
    caches_prefixes: bool,
    read_before: Vec<String>,
    /// The model's first answer to one question in seven cannot be used.
    errs: bool,
    batches: ServerBatches,
    released: bool,
    stopped: bool,
}

type Shared = Arc<(Mutex<State>, Condvar)>;

pub struct LlmServer {
    address: SocketAddr,
    shared: Shared,
}

impl LlmServer {
    pub fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let shared = Shared::default();
        let accepting = shared.clone();
        std::thread::spawn(move || {
            for stream in listener.incoming() {
                if lock(&accepting).stopped {
                    return;
                }
                let (shared, Ok(stream)) = (accepting.clone(), stream) else { continue };
                // who leaves in the middle is what many scripts are about
                std::thread::spawn(move || drop(converse(&shared, stream)));
            }
        });
        Self { address, shared }
    }

    /// For `[llm] base_url`.
    pub fn base_url(&self) -> String {
        format!("http://{}/v1", self.address)
    }

    /// What to do with the next requests, one each.
    pub fn script(&self, scripts: impl IntoIterator<Item = Script>) {
        lock(&self.shared).scripts.extend(scripts);
    }

    /// What to do when no script is left.
    pub fn otherwise(&self, script: Script) {
        lock(&self.shared).otherwise = Some(script);
    }

    /// Answers 400 to every request with this word in its body's parameters (`json_schema`, `max_tokens`, `temperature`).
    pub fn refuse(&self, parameter: &str) {
        lock(&self.shared).refused.push(parameter.to_owned());
    }

    /// Bills the beginning of a prompt that an earlier one had as cached.
    pub fn cache_prefixes(&self) {
        lock(&self.shared).caches_prefixes = true;
    }

    /// The model's first answer to one question in seven cannot be used, the same ones whichever are asked together.
    pub fn err_now_and_then(&self) {
        lock(&self.shared).errs = true;
    }

    /// Lets all [`Script::Held`] requests be answered, those to come too.
    pub fn release(&self) {
        lock(&self.shared).released = true;
        self.shared.1.notify_all();
    }

    /// Every request so far.
    pub fn requests(&self) -> Vec<Recorded> {
        lock(&self.shared).recorded.clone()
    }

    /// All that was billed, in nano-dollars.
    pub fn billed_nano(&self) -> u64 {
        let state = lock(&self.shared);
        state.recorded.iter().map(|request| request.billed_nano).sum::<u64>() + state.batches.billed_nano
    }

    /// Looks into the batches, or says how they go on.
    pub fn batches<T>(&self, with: impl FnOnce(&mut ServerBatches) -> T) -> T {
        with(&mut lock(&self.shared).batches)
    }
}

impl Drop for LlmServer {
    fn drop(&mut self) {
        lock(&self.shared).stopped = true;
        self.release();
        // the accepting thread checks `stopped` at each connection
        let _ = TcpStream::connect(self.address);
    }
}

fn lock(shared: &Shared) -> MutexGuard<'_, State> {
    shared.0.lock().unwrap()
}

fn converse(shared: &Shared, stream: TcpStream) -> io::Result<()> {
    let mut reader = BufReader::new(stream.try_clone()?);
    while let Some((head, body)) = read_request(&mut reader)? {
        let about_batch = lock(shared).batches.respond(&head, &body);
        match about_batch {
            Some(Ok((code, answer))) => {
                send(&stream, code, &[], &answer)?;
                continue;
            }
            Some(Err(())) => return stream.shutdown(std::net::Shutdown::Both),
            None => {}
        }
        let script = next_script(shared, &body);
        let completion = complete(shared, &script, &head, &body);
        // what is billed is known before a byte of it leaves, as at a provider
        let billed_nano = if script.is_billed() { completion.billed_nano() } else { 0 };
        let repeated_tokens = completion.repeated_tokens();
        lock(shared).recorded.push(Recorded { head, body, billed_nano, repeated_tokens });
        perform(shared, &script, &completion, &stream)?;
    }
    Ok(())
}

/// What the model says to a request, and how much of the request it has read before.
fn complete(shared: &Shared, script: &Script, head: &str, body: &str) -> Completion {
    let (text, finish) = match script {
        Script::Answer(reply) => (reply.text.clone(), reply.finish),
        _ => (None, "stop"),
    };
    let asked = AskedModel::read(head, body);
    let mut state = lock(shared);
    let known = if state.caches_prefixes { asked.longest_prefix_of(&state.read_before) } else { 0 };
    let text = text.or_else(|| state.errs.then(|| asked.report_with_errors().to_string()));
    let completion = Completion::of(&asked, text, finish, known);
    state.read_before.push(asked.prompt);
    completion
}

fn next_script(shared: &Shared, body: &str) -> Script {
    let mut state = lock(shared);
    let mut parameters: Value = serde_json::from_str(body).unwrap_or_default();
    parameters["messages"] = Value::Null;
    let parameters = parameters.to_string();
    if let Some(refused) = state.refused.iter().find(|word| parameters.contains(&format!("\"{word}\""))) {
        return Script::status(400, &format!("Unsupported parameter: '{refused}' is not supported with this model."));
    }
    let otherwise = state.otherwise.clone();
    state.scripts.pop_front().or(otherwise).unwrap_or_else(Script::fair)
}

fn read_request(reader: &mut BufReader<TcpStream>) -> io::Result<Option<(String, String)>> {
    let (mut head, mut line) = (String::new(), String::new());
    loop {
        line.clear();
        if reader.read_line(&mut line)? == 0 {
            return Ok(None);
        }
        if line == "\r\n" {
            break;
        }
        head.push_str(&line);
    }
    let length = head.lines().filter_map(|line| line.split_once(':'));
    let length =
        length.filter(|(name, _)| name.eq_ignore_ascii_case("content-length")).find_map(|(_, n)| n.trim().parse().ok());
    let mut body = vec![0; length.unwrap_or(0)];
    reader.read_exact(&mut body)?;
    Ok(Some((head, String::from_utf8_lossy(&body).into_owned())))
}

fn perform(shared: &Shared, script: &Script, completion: &Completion, stream: &TcpStream) -> io::Result<()> {
    match script {
        Script::Answer(reply) => {
            std::thread::sleep(reply.latency);
            send(stream, 200, &reply.headers, &completion.json(&reply.usage))
        }
        Script::Status { code, headers, body, .. } => send(stream, *code, headers, body),
        Script::Raw(body) => send(stream, 200, &[], body),
        Script::Half => {
            let whole = message(200, &[], &completion.json(&Reported::True));
            (&mut &*stream).write_all(&whole.as_bytes()[..whole.len() - completion.text.len() / 2 - 20])?;
            stream.shutdown(std::net::Shutdown::Both)
        }
        Script::Drip { every } => message(200, &[], &completion.json(&Reported::True)).bytes().try_for_each(|byte| {
            std::thread::sleep(*every);
            (&mut &*stream).write_all(&[byte])
        }),
        Script::Endless => {
            (&mut &*stream).write_all(b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n\r\n")?;
            loop {
                (&mut &*stream).write_all(&[b' '; 64 * 1024])?;
            }
        }
        Script::Reset => {
            rustix::net::sockopt::set_socket_linger(stream, Some(Duration::ZERO))?;
            // the last handle is the caller's reader: with the error it is dropped, too, and the reset goes out
            Err(io::ErrorKind::ConnectionReset.into())
        }
        Script::Silence => io::copy(&mut &*stream, &mut io::sink()).map(drop),
        Script::Held => {
            let state = lock(shared);
            let released = shared.1.wait_while(state, |state| !state.released).unwrap();
            drop(released);
            send(stream, 200, &[], &completion.json(&Reported::True))
        }
    }
}

fn send(mut stream: &TcpStream, code: u16, headers: &[(&str, String)], body: &str) -> io::Result<()> {
    stream.write_all(message(code, headers, body).as_bytes())
}

fn message(code: u16, headers: &[(&str, String)], body: &str) -> String {
    let headers: String = headers.iter().map(|(name, value)| format!("{name}: {value}\r\n")).collect();
    let length = body.len();
    format!(
        "HTTP/1.1 {code} Scripted\r\nContent-Type: application/json\r\nContent-Length: {length}\r\n{headers}\r\n{body}"
    )
}
