//! The batches of a scripted server, as OpenAI, Anthropic and xAI have them. A line is billed, at the price of its provider's batches, when it is done.

use std::collections::{BTreeMap, VecDeque};

use serde_json::{Value, json};

use super::llm_model::{AskedModel, Completion};
use super::llm_server::Reported;

/// Batches by name, and the files of OpenAI's.
#[derive(Default)]
pub struct ServerBatches {
    files: BTreeMap<String, String>,
    batches: Vec<Batch>,
    /// Nothing is done until this is false.
    pub held: bool,
    /// Names of lines that the provider will not do: these endings of them.
    pub failing: Vec<String>,
    /// The next batch is made and its name never told.
    pub loses_next_name: bool,
    /// What the model says to the next lines about parts of a file; then a right report.
    pub of_parts: VecDeque<String>,
    pub billed_nano: u64,
}

struct Batch {
    name: String,
    token: Value,
    is_chat: bool,
    /// Of the price, that a line costs.
    percent: u64,
    lines: Vec<(String, Value)>,
    done: BTreeMap<String, Value>,
    is_cancelled: bool,
}

/// A line as it came: its name and the request in it.
pub type SentLine = (String, Value);

impl ServerBatches {
    /// The lines of every batch so far.
    pub fn lines(&self) -> Vec<SentLine> {
        self.batches.iter().flat_map(|batch| batch.lines.clone()).collect()
    }

    pub fn cancelled(&self) -> usize {
        self.batches.iter().filter(|batch| batch.is_cancelled).count()
    }

    /// Answers a request about batches; `None`: it is about something else. `Err`: the connection breaks.
    pub fn respond(&mut self, head: &str, body: &str) -> Option<Result<(u16, String), ()>> {
        let mut words = head.split_whitespace();
        let (method, path) = (words.next()?, words.next()?.split('?').next()?);
        let path = path.strip_prefix("/v1/")?;
        if !path.starts_with("files") && !path.contains("batches") {
            return None;
        }
        let before = self.batches.len();
        let answer = self.answer(method, path, body);
        if self.batches.len() > before && std::mem::take(&mut self.loses_next_name) {
            return Some(Err(()));
        }
        Some(Ok(match answer {
            Some(answer) => (200, answer),
            None => (404, json!({ "error": { "message": "no such batch" } }).to_string()),
        }))
    }

    fn answer(&mut self, method: &str, path: &str, body: &str) -> Option<String> {
        let parts: Vec<&str> = path.split(['/', ':']).filter(|part| *part != "messages").collect();
        let is_chat = !path.starts_with("messages/");
        let request: Value = serde_json::from_str(body).unwrap_or_default();
        let number = self.files.len() + self.batches.len();
        match (method, &parts[..]) {
            ("POST", ["files"]) => {
                let name = format!("file-{number}");
                self.files.insert(name.clone(), body.to_owned());
                Some(json!({ "id": name }).to_string())
            }
            ("GET", ["files", name, "content"]) => Some(self.file(name)),
            ("POST", ["batches"]) => {
                let lines = match request["input_file_id"].as_str() {
                    Some(file) => lines_of(&self.files[file]),
                    None => request["requests"].as_array().into_iter().flatten().map(line_of).collect(),
                };
                let token =
                    if request["name"].is_string() { &request["name"] } else { &request["metadata"]["ra_agent"] };
                let (name, token) = (format!("batch-{number}"), token.clone());
                self.batches.push(Batch {
                    name: name.clone(),
                    token,
                    is_chat,
                    percent: if request["name"].is_string() { 80 } else { 50 },
                    lines,
                    done: BTreeMap::new(),
                    is_cancelled: false,
                });
                Some(self.view(&name)?.to_string())
            }
            ("GET", ["batches"]) => {
                let views: Vec<Value> = self.batches.iter().map(|batch| batch.view(self.held)).collect();
                Some(json!({ "data": views, "batches": views }).to_string())
            }
            ("POST", ["batches", name, "requests"]) => {
                let more = request["batch_requests"].as_array()?.iter().map(line_of);
                self.batch(name)?.lines.extend(more);
                Some("{}".to_owned())
            }
            ("POST", ["batches", name, "cancel"]) => {
                self.batch(name)?.is_cancelled = true;
                Some(self.view(name)?.to_string())
            }
            ("GET", ["batches", name]) => Some(self.view(name)?.to_string()),
            ("GET", ["batches", name, "results"]) => self.results(name, is_chat),
            _ => None,
        }
    }

    fn batch(&mut self, name: &str) -> Option<&mut Batch> {
        self.batches.iter_mut().find(|batch| batch.name == name)
    }

    /// A batch is done when it is asked about and not held.
    fn view(&mut self, name: &str) -> Option<Value> {
        let (held, failing, mut of_parts) = (self.held, self.failing.clone(), std::mem::take(&mut self.of_parts));
        let batch = self.batch(name)?;
        let billed = if held { 0 } else { batch.finish(&failing, &mut of_parts) };
        let view = batch.view(held);
        self.billed_nano += billed;
        self.of_parts = of_parts;
        Some(view)
    }

    /// OpenAI's file of results: those of the batch of this name behind `out-`.
    fn file(&mut self, name: &str) -> String {
        let batch = name.strip_prefix("out-").and_then(|name| self.batches.iter().find(|batch| batch.name == name));
        let line = |(name, done): (&String, &Value)| match done.get("failed") {
            Some(error) => json!({ "custom_id": name, "response": null, "error": error }),
            None => json!({ "custom_id": name, "response": { "status_code": 200, "body": done }, "error": null }),
        };
        let lines = batch.into_iter().flat_map(|batch| batch.done.iter().map(line));
        lines.map(|line| format!("{line}\n")).collect()
    }

    fn results(&mut self, name: &str, is_chat: bool) -> Option<String> {
        let batch = self.batch(name)?;
        if is_chat {
            let line = |(name, done): (&String, &Value)| match done.get("failed") {
                Some(error) => json!({ "batch_request_id": name, "error_message": error["message"] }),
                None => {
                    json!({ "batch_request_id": name, "batch_result": { "response": { "chat_get_completion": done } } })
                }
            };
            let results: Vec<Value> = batch.done.iter().map(line).collect();
            return Some(json!({ "results": results, "pagination_token": null }).to_string());
        }
        let line = |(name, done): (&String, &Value)| match done.get("failed") {
            Some(error) => json!({ "custom_id": name, "result": { "type": "errored", "error": error } }),
            None => json!({ "custom_id": name, "result": { "type": "succeeded", "message": done } }),
        };
        Some(batch.done.iter().map(line).map(|line| format!("{line}\n")).collect())
    }
}

impl Batch {
    /// Does every line, unless the batch was cancelled. Returns what that costs.
    fn finish(&mut self, failing: &[String], of_parts: &mut VecDeque<String>) -> u64 {
        let mut billed = 0;
        for (name, request) in &self.lines {
            if self.is_cancelled || self.done.contains_key(name) {
                continue;
            }
            if failing.iter().any(|end| name.ends_with(end.as_str())) {
                self.done.insert(name.clone(), json!({ "failed": { "code": "scripted", "message": "not this one" } }));
                continue;
            }
            let asked = AskedModel::of(request, self.is_chat);
            let said = if asked.prompt.contains("\n~|") { of_parts.pop_front() } else { None };
            let completion = Completion::of(&asked, said, "stop", 0);
            billed += completion.billed_nano() * self.percent / 100;
            self.done.insert(name.clone(), serde_json::from_str(&completion.json(&Reported::True)).unwrap());
        }
        billed
    }

    fn view(&self, held: bool) -> Value {
        let is_over = !held || self.is_cancelled;
        let (all, done) = (self.lines.len(), self.done.len());
        let mut view = json!({
            "id": self.name, "batch_id": self.name, "name": self.token, "metadata": { "ra_agent": self.token },
            "status": match (is_over, self.is_cancelled) { (true, true) => "cancelled", (true, false) => "completed", _ => "in_progress" },
            "processing_status": if is_over { "ended" } else { "in_progress" },
            "request_counts": { "processing": all - done, "succeeded": done },
            "state": { "num_requests": all, "num_pending": if is_over { 0 } else { all - done } },
        });
        if is_over {
            view["output_file_id"] = json!(format!("out-{}", self.name));
        }
        if self.is_cancelled {
            view["cancel_time"] = json!("now");
        }
        view
    }
}

/// The lines of an uploaded form.
fn lines_of(form: &str) -> Vec<SentLine> {
    let lines = form.lines().filter_map(|line| serde_json::from_str::<Value>(line).ok());
    lines.filter(|line| line["custom_id"].is_string()).map(|line| line_of(&line)).collect()
}

fn line_of(line: &Value) -> SentLine {
    let name = line["custom_id"].as_str().or(line["batch_request_id"].as_str()).unwrap();
    let request = [&line["body"], &line["params"], &line["batch_request"]["chat_get_completion"]];
    (name.to_owned(), request.into_iter().find(|request| request.is_object()).unwrap().clone())
}
