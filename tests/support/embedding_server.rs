//! A server of embeddings on loopback. Its vectors are of the words in a text, so that texts with the same words are near; it keeps what it
//! was sent, and what it would have billed, in nano-dollars.

use std::collections::hash_map::DefaultHasher;
use std::hash::{Hash, Hasher};
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::Duration;

use serde_json::{Value, json};

/// Nano-dollars a token: $2 for a million.
pub const TOKEN_NANO: u64 = 2_000;
/// Bytes that it counts as a token.
const BYTES_PER_TOKEN: usize = 4;
/// Words that mean the same to it.
const MEANINGS: [(&str, &str); 3] = [("retry", "persevere"), ("price", "bill"), ("identifier", "slug")];

#[derive(Default)]
struct State {
    bodies: Vec<Value>,
    heads: Vec<String>,
    billed_nano: u64,
    /// Answers that come before any vectors: status and body.
    refusals: Vec<(u16, String)>,
    dimensions: usize,
    /// It never answers.
    silent: bool,
    stopped: bool,
}

pub struct EmbeddingServer {
    address: SocketAddr,
    state: Arc<Mutex<State>>,
}

impl EmbeddingServer {
    pub fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let state = Arc::new(Mutex::new(State { dimensions: 384, ..State::default() }));
        let accepting = state.clone();
        std::thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                if accepting.lock().unwrap().stopped {
                    return;
                }
                let state = accepting.clone();
                std::thread::spawn(move || drop(serve(&state, stream)));
            }
        });
        Self { address, state }
    }

    pub fn base_url(&self) -> String {
        format!("http://{}/v1", self.address)
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap()
    }

    /// Everything that was sent to be embedded.
    pub fn texts(&self) -> Vec<String> {
        let state = self.state();
        let inputs = state.bodies.iter().flat_map(|body| body["input"].as_array().unwrap());
        inputs.map(|text| text.as_str().unwrap().to_owned()).collect()
    }

    pub fn requests(&self) -> usize {
        self.state().bodies.len()
    }

    pub fn heads(&self) -> Vec<String> {
        self.state().heads.clone()
    }

    pub fn billed_nano(&self) -> u64 {
        self.state().billed_nano
    }

    /// Refuses the next requests, in this order.
    pub fn refuse(&self, answers: impl IntoIterator<Item = (u16, &'static str)>) {
        let answers = answers.into_iter().map(|(status, body)| (status, body.to_owned()));
        self.state().refusals.extend(answers);
    }

    pub fn set_dimensions(&self, dimensions: usize) {
        self.state().dimensions = dimensions;
    }

    pub fn fall_silent(&self, silent: bool) {
        self.state().silent = silent;
    }
}

impl Drop for EmbeddingServer {
    fn drop(&mut self) {
        self.state().stopped = true;
        let _ = TcpStream::connect(self.address);
    }
}

fn serve(state: &Mutex<State>, stream: TcpStream) -> std::io::Result<()> {
    stream.set_read_timeout(Some(Duration::from_secs(20)))?;
    let mut reader = BufReader::new(stream.try_clone()?);
    let (mut head, mut length) = (String::new(), 0);
    loop {
        let mut line = String::new();
        if reader.read_line(&mut line)? == 0 {
            return Ok(());
        }
        if line.trim().is_empty() {
            break;
        }
        if let Some(value) = line.to_ascii_lowercase().strip_prefix("content-length:") {
            length = value.trim().parse().unwrap();
        }
        head.push_str(&line);
    }
    let mut body = vec![0; length];
    reader.read_exact(&mut body)?;
    let (status, answer) = {
        let mut state = state.lock().unwrap();
        let body: Value = serde_json::from_slice(&body).unwrap_or_default();
        state.heads.push(head);
        if state.refusals.is_empty() {
            state.bodies.push(body.clone());
            (200, vectors(&mut state, &body))
        } else {
            state.refusals.remove(0)
        }
    };
    if state.lock().unwrap().silent {
        std::thread::sleep(Duration::from_secs(30));
        return Ok(());
    }
    let mut stream = stream;
    write!(
        stream,
        "HTTP/1.1 {status} x\r\nContent-Type: application/json\r\nContent-Length: {}\r\nConnection: close\r\n\r\n{answer}",
        answer.len()
    )
}

fn vectors(state: &mut State, body: &Value) -> String {
    let texts: Vec<&str> = body["input"].as_array().unwrap().iter().map(|text| text.as_str().unwrap()).collect();
    let tokens: usize = texts.iter().map(|text| text.len().div_ceil(BYTES_PER_TOKEN)).sum();
    state.billed_nano += tokens as u64 * TOKEN_NANO;
    let vector = |text: &str| {
        let mut vector = vec![0.0_f64; state.dimensions];
        for word in text.split(|c: char| !c.is_alphanumeric()).filter(|word| word.len() > 2) {
            let word = word.to_lowercase();
            let meant = MEANINGS.iter().find(|(said, _)| *said == word).map_or(word.as_str(), |(_, meant)| meant);
            let mut hasher = DefaultHasher::new();
            meant.hash(&mut hasher);
            let at = (hasher.finish() % state.dimensions as u64) as usize;
            vector[at] += 1.0;
        }
        vector[0] += 0.01;
        vector
    };
    // Last text first: the order is in the indexes.
    let data: Vec<Value> = texts
        .iter()
        .enumerate()
        .rev()
        .map(|(index, text)| json!({ "object": "embedding", "index": index, "embedding": vector(text) }))
        .collect();
    json!({ "object": "list", "data": data, "usage": { "prompt_tokens": tokens, "total_tokens": tokens } }).to_string()
}
