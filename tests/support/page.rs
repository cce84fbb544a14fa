//! The page of an agent, asked as a browser asks it.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::process::{Child, Stdio};
use std::time::Duration;

use rustix::process::{Pid, Signal, kill_process};

use super::{TestAgent, wait_until};

/// How long an answer may take before it counts as none.
const LONGEST: Duration = Duration::from_secs(60);

pub struct TestPage {
    child: Child,
    /// The first line that it printed.
    pub address: String,
    port: u16,
    token: String,
}

/// An answer over HTTP.
#[derive(Debug)]
pub struct HttpAnswer {
    pub status: u16,
    /// Names in lower case.
    pub headers: Vec<(String, String)>,
    pub body: String,
}

impl HttpAnswer {
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(of, _)| of == name).map(|(_, value)| value.as_str())
    }

    #[track_caller]
    pub fn ok(self) -> String {
        assert_eq!(self.status, 200, "{}", self.body);
        self.body
    }
}

impl TestPage {
    #[track_caller]
    pub fn open(agent: &TestAgent) -> Self {
        let mut command = agent.command(["ui", "--no-open"]);
        let mut child = command.stdout(Stdio::piped()).stderr(Stdio::inherit()).spawn().unwrap();
        let mut line = String::new();
        BufReader::new(child.stdout.take().unwrap()).read_line(&mut line).unwrap();
        let address = line.trim_end().to_owned();
        let rest = address.strip_prefix("http://127.0.0.1:").unwrap_or_else(|| panic!("no address: {line:?}"));
        let (port, token) = rest.split_once("/?token=").unwrap();
        Self { child, port: port.parse().unwrap(), token: token.to_owned(), address }
    }

    pub fn pid(&self) -> u32 {
        self.child.id()
    }

    pub fn port(&self) -> u16 {
        self.port
    }

    pub fn token(&self) -> &str {
        &self.token
    }

    /// The cookie that stands for the token.
    pub fn cookie(&self) -> String {
        format!("ra_agent_{}={}", self.port, self.token)
    }

    /// Sends a request with these headers and no others.
    #[track_caller]
    pub fn ask(&self, method: &str, target: &str, headers: &[(&str, &str)]) -> HttpAnswer {
        let mut stream = self.connect();
        let lines: String = headers.iter().map(|(name, value)| format!("{name}: {value}\r\n")).collect();
        stream.write_all(format!("{method} {target} HTTP/1.1\r\n{lines}\r\n").as_bytes()).unwrap();
        let mut bytes = Vec::new();
        stream.read_to_end(&mut bytes).unwrap();
        answer(&bytes, method != "HEAD")
    }

    /// What a browser gets that was given the address before.
    #[track_caller]
    pub fn get(&self, target: &str) -> HttpAnswer {
        let (host, cookie) = (format!("127.0.0.1:{}", self.port), self.cookie());
        self.ask("GET", target, &[("host", host.as_str()), ("cookie", cookie.as_str())])
    }

    /// A screen when nothing of it is still worked out.
    #[track_caller]
    pub fn settled(&self, target: &str) -> String {
        let mut body = String::new();
        wait_until(LONGEST, &format!("{target} is worked out"), || {
            body = self.get(target).ok();
            !body.contains("data-pending")
        });
        body
    }

    /// The stream of events, from after its first one.
    pub fn events(&self) -> BufReader<TcpStream> {
        let mut stream = self.connect();
        let request =
            format!("GET /events HTTP/1.1\r\nhost: 127.0.0.1:{}\r\ncookie: {}\r\n\r\n", self.port, self.cookie());
        stream.write_all(request.as_bytes()).unwrap();
        let mut events = BufReader::new(stream);
        assert!(next_event(&mut events, "open"), "the stream ended");
        events
    }

    fn connect(&self) -> TcpStream {
        let stream = TcpStream::connect(("127.0.0.1", self.port)).unwrap();
        stream.set_read_timeout(Some(LONGEST)).unwrap();
        stream
    }

    /// Ends it by a signal, and says how it ended.
    #[track_caller]
    pub fn end(mut self, signal: Signal) -> Option<i32> {
        kill_process(Pid::from_child(&self.child), signal).unwrap();
        wait_until(LONGEST, "the page has ended", || self.child.try_wait().unwrap().is_some());
        self.child.wait().unwrap().code()
    }
}

impl Drop for TestPage {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Reads until an event of this name; false: the stream ended.
pub fn next_event(events: &mut impl BufRead, name: &str) -> bool {
    let wanted = format!("event: {name}");
    let mut line = String::new();
    while events.read_line(&mut line).is_ok_and(|read| read > 0) {
        if line.trim_end() == wanted {
            return true;
        }
        line.clear();
    }
    false
}

#[track_caller]
fn answer(bytes: &[u8], has_body: bool) -> HttpAnswer {
    let end = bytes.windows(4).position(|four| four == b"\r\n\r\n").unwrap_or_else(|| panic!("no answer: {bytes:?}"));
    let head = String::from_utf8(bytes[..end].to_vec()).unwrap();
    let body = String::from_utf8(bytes[end + 4..].to_vec()).unwrap();
    let mut lines = head.split("\r\n");
    let status = lines.next().unwrap().split(' ').nth(1).unwrap().parse().unwrap();
    let headers: Vec<(String, String)> = lines
        .filter_map(|line| line.split_once(": "))
        .map(|(name, value)| (name.to_lowercase(), value.to_owned()))
        .collect();
    let answer = HttpAnswer { status, headers, body };
    if let Some(length) = answer.header("content-length").filter(|_| has_body) {
        assert_eq!(length, answer.body.len().to_string(), "{head}");
    }
    answer
}
