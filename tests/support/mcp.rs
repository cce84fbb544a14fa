//! A coding agent's client: JSON-RPC over the standard input and output of `ra-agent mcp`, as the clients speak it.

use std::io::{BufRead, BufReader, Write};
use std::path::Path;
use std::process::{Child, ChildStdin, Command, Stdio};
use std::sync::mpsc::{Receiver, RecvTimeoutError, channel};
use std::time::Duration;

use serde_json::{Value, json};

use super::TestAgent;

/// How long an answer may take before it counts as missing.
const LONGEST_ANSWER: Duration = Duration::from_secs(60);

pub struct McpClient {
    child: Child,
    stdin: Option<ChildStdin>,
    lines: Receiver<String>,
    next: i64,
    /// Of the protocol without `initialize`: what each request carries.
    meta: Option<Value>,
}

/// A tool's answer.
#[derive(Clone, Debug)]
pub struct Told {
    pub text: String,
    pub is_error: bool,
    pub meta: Value,
    /// Bytes of the result as JSON.
    pub bytes: usize,
}

impl Told {
    /// The line that says how fresh it is.
    pub fn first(&self) -> &str {
        self.text.lines().next().unwrap_or_default()
    }

    #[track_caller]
    pub fn is_current(&self) -> bool {
        assert!(!self.is_error, "{}", self.text);
        self.first() == "current"
    }
}

impl McpClient {
    /// A server for a client that works in a directory, and nothing said yet.
    #[track_caller]
    pub fn spawn(agent: &TestAgent, dir: &Path) -> Self {
        let mut command = agent.command(["mcp"]);
        command.current_dir(dir).stderr(Stdio::inherit());
        Self::spawned(command)
    }

    /// Any server after `initialize`.
    #[track_caller]
    pub fn of(mut command: Command) -> Self {
        command.stderr(Stdio::null());
        let mut client = Self::spawned(command);
        client.initialize("2025-06-18");
        client
    }

    #[track_caller]
    fn spawned(mut command: Command) -> Self {
        let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
        let (sender, lines) = channel();
        let stdout = BufReader::new(child.stdout.take().unwrap());
        std::thread::spawn(move || {
            // the receiver may have had enough
            let _ = stdout.lines().map_while(Result::ok).try_for_each(|line| sender.send(line));
        });
        let stdin = child.stdin.take();
        Self { child, stdin, lines, next: 1, meta: None }
    }

    /// The same after `initialize`.
    #[track_caller]
    pub fn start(agent: &TestAgent, dir: &Path) -> Self {
        let mut client = Self::spawn(agent, dir);
        client.initialize("2025-11-25");
        client
    }

    /// One of the protocol that has no `initialize`.
    #[track_caller]
    pub fn stateless(agent: &TestAgent, dir: &Path, version: &str) -> Self {
        let mut client = Self::spawn(agent, dir);
        client.meta = Some(json!({
            "io.modelcontextprotocol/protocolVersion": version,
            "io.modelcontextprotocol/clientInfo": {"name": "story", "version": "1"},
            "io.modelcontextprotocol/clientCapabilities": {},
        }));
        client
    }

    #[track_caller]
    pub fn initialize(&mut self, version: &str) -> Value {
        let params =
            json!({"protocolVersion": version, "capabilities": {}, "clientInfo": {"name": "story", "version": "1"}});
        let answer = self.request("initialize", params);
        self.send(&json!({"jsonrpc": "2.0", "method": "notifications/initialized"}).to_string());
        answer["result"].clone()
    }

    pub fn pid(&self) -> u32 {
        self.child.id()
    }

    /// Sends a line as it is.
    pub fn send(&mut self, line: &str) {
        // a server that is gone is noticed by the missing answer
        let _ = writeln!(self.stdin.as_mut().unwrap(), "{line}");
    }

    /// Sends a request and returns its number.
    pub fn ask(&mut self, method: &str, mut params: Value) -> i64 {
        let id = self.next;
        self.next += 1;
        if let Some(meta) = &self.meta {
            params["_meta"] = meta.clone();
        }
        self.send(&json!({"jsonrpc": "2.0", "id": id, "method": method, "params": params}).to_string());
        id
    }

    /// The next message of the server.
    #[track_caller]
    pub fn receive(&mut self) -> Value {
        match self.lines.recv_timeout(LONGEST_ANSWER) {
            Ok(line) => serde_json::from_str(&line).unwrap_or_else(|error| panic!("not JSON ({error}): {line}")),
            Err(RecvTimeoutError::Timeout) => panic!("no answer in {LONGEST_ANSWER:?}"),
            Err(RecvTimeoutError::Disconnected) => panic!("the server is gone: {:?}", self.child.try_wait()),
        }
    }

    /// The answer to a request.
    #[track_caller]
    pub fn answer_to(&mut self, id: i64) -> Value {
        loop {
            let message = self.receive();
            if message["id"] == json!(id) {
                return message;
            }
        }
    }

    #[track_caller]
    pub fn request(&mut self, method: &str, params: Value) -> Value {
        let id = self.ask(method, params);
        self.answer_to(id)
    }

    /// Calls a tool.
    #[track_caller]
    pub fn call(&mut self, tool: &str, arguments: Value) -> Told {
        let answer = self.request("tools/call", json!({"name": tool, "arguments": arguments}));
        told(&answer)
    }

    /// Closes the client's end and waits for the server's end.
    #[track_caller]
    pub fn close(mut self) -> Option<i32> {
        self.stdin = None;
        let mut code = None;
        super::wait_until(Duration::from_secs(20), "the server ends", || {
            code = self.child.try_wait().unwrap();
            code.is_some()
        });
        code.and_then(|status| status.code())
    }
}

impl Drop for McpClient {
    fn drop(&mut self) {
        self.stdin = None;
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// A tool's answer; what is no result fails.
#[track_caller]
pub fn told(answer: &Value) -> Told {
    let result = &answer["result"];
    assert!(result.is_object(), "no result: {answer}");
    assert!(result.get("structuredContent").is_none(), "{result}");
    Told {
        text: result["content"][0]["text"].as_str().unwrap().to_owned(),
        is_error: result["isError"] == json!(true),
        meta: result["_meta"].clone(),
        bytes: result.to_string().len(),
    }
}
