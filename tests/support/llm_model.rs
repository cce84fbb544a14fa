//! What a scripted model reads in a request, says to it, and costs, in either family of APIs.

use serde_json::{Value, json};

use super::llm_server::Reported;

/// Nano-dollars a token: $0.20 a million of input, $0.05 where it was read before, $0.25 where it is kept for that, $0.50 of output.
pub const INPUT_NANO: u64 = 200;
pub const CACHED_NANO: u64 = 50;
const WRITTEN_NANO: u64 = 250;
pub const OUTPUT_NANO: u64 = 500;

/// Bytes of text that this model's tokenizer makes one token of.
const BYTES_PER_TOKEN: usize = 4;

/// Names of the questions.
const TYPES: [&str; 4] = ["refactor", "docs", "analysis", "todos"];

/// A request, as the model sees it.
pub struct AskedModel {
    /// Chat Completions, else Messages.
    is_chat: bool,
    instructions: String,
    /// All that it reads.
    pub prompt: String,
    /// Bytes of the prompt up to the last mark that it is to be kept.
    kept: usize,
}

impl AskedModel {
    pub fn read(head: &str, body: &str) -> Self {
        let is_chat = !head.lines().next().unwrap_or_default().contains("/messages");
        Self::of(&serde_json::from_str(body).unwrap_or_default(), is_chat)
    }

    pub fn of(request: &Value, is_chat: bool) -> Self {
        let mut pieces: Vec<(String, bool)> = pieces(&request["system"]);
        for message in request["messages"].as_array().into_iter().flatten() {
            pieces.extend(self::pieces(&message["content"]));
        }
        let (mut prompt, mut kept) = (String::new(), 0);
        for (text, is_kept) in &pieces {
            prompt.push_str(text);
            kept = if *is_kept { prompt.len() } else { kept };
        }
        let instructions = pieces.into_iter().next().map(|(text, _)| text).unwrap_or_default();
        Self { is_chat, instructions, prompt, kept }
    }

    /// Bytes of the longest beginning that one of these prompts has, too.
    pub fn longest_prefix_of(&self, earlier: &[String]) -> usize {
        let common = |one: &String| one.bytes().zip(self.prompt.bytes()).take_while(|(a, b)| a == b).count();
        earlier.iter().map(common).max().unwrap_or_default()
    }

    /// The questions that are asked together; none: one is asked alone.
    fn together(&self) -> Vec<&'static str> {
        let is_asked = |name: &&str| {
            let question = format!("Question `{name}`");
            self.prompt.lines().any(|line| line.starts_with(&question))
        };
        TYPES.into_iter().filter(is_asked).collect()
    }

    /// How many questions are asked.
    pub fn questions(&self) -> usize {
        self.together().len().max(1)
    }

    /// A right reply.
    fn report(&self) -> Value {
        match self.together()[..] {
            [] => report(self.alone()),
            [one] => report(one),
            ref several => {
                several.iter().map(|name| ((*name).to_owned(), report(name))).collect::<serde_json::Map<_, _>>().into()
            }
        }
    }

    /// A reply in which answers cannot be used: to one question in seven, by the file and the question, unless it is asked for a repair.
    pub fn report_with_errors(&self) -> Value {
        let file = self.prompt.split_once("=== file ").map_or("", |(_, rest)| rest);
        // Behind the marker, which is another one where signatures are shown, too.
        let file = file.split_once('\n').map_or("", |(_, text)| text);
        let file = file.split_once("=== end ").map_or(file, |(file, _)| file);
        let is_wrong = |name: &str| {
            let seed = file.bytes().chain(name.bytes());
            !file.is_empty()
                && seed.fold(7_u32, |sum, byte| sum.wrapping_mul(31).wrapping_add(byte.into())).is_multiple_of(7)
        };
        let report = |name: &str| if is_wrong(name) { json!({ "said": "nothing of use" }) } else { report(name) };
        match self.together()[..] {
            [] => report(self.alone()),
            [one] => report(one),
            ref several => {
                several.iter().map(|name| ((*name).to_owned(), report(name))).collect::<serde_json::Map<_, _>>().into()
            }
        }
    }

    fn alone(&self) -> &'static str {
        let shows = |word: &str| self.instructions.contains(word);
        match () {
            () if shows("\"smells\"") => "refactor",
            () if shows("\"todos\"") => "todos",
            () if shows("\"findings\"") => "analysis",
            () => "docs",
        }
    }
}

/// Texts of a content, and whether each is to be kept.
fn pieces(content: &Value) -> Vec<(String, bool)> {
    match content {
        Value::String(text) => vec![(text.clone(), false)],
        Value::Array(blocks) => blocks
            .iter()
            .map(|block| (block["text"].as_str().unwrap_or_default().to_owned(), block["cache_control"].is_object()))
            .collect(),
        _ => Vec::new(),
    }
}

/// A right report of a type.
fn report(name: &str) -> Value {
    let place =
        json!({ "severity": "warning", "start_line": 1, "end_line": 1, "item": null, "message": "said by the model" });
    match name {
        "refactor" => {
            let mut smell = place;
            smell["kind"] = json!("other");
            json!({ "smells": [smell] })
        }
        "todos" => {
            json!({ "todos": [{ "tag": "TODO", "line": 1, "item": null, "owner": null, "text": "said by the model" }] })
        }
        "analysis" => json!({ "summary": "said by the model", "findings": [place] }),
        _ => json!({ "summary": "said by the model", "items": [] }),
    }
}

/// What the model said, and the tokens of it.
pub struct Completion {
    is_chat: bool,
    pub text: String,
    finish: &'static str,
    /// Read for the first time, read before, kept for later, written.
    fresh: u64,
    cached: u64,
    written: u64,
    output: u64,
}

impl Completion {
    /// `known`: bytes of the prompt that were read before.
    pub fn of(asked: &AskedModel, text: Option<String>, finish: &'static str, known: usize) -> Self {
        let text = text.unwrap_or_else(|| asked.report().to_string());
        let tokens = |bytes: usize| bytes.div_ceil(BYTES_PER_TOKEN) as u64;
        // Messages reads what it was told to keep, and nothing else.
        let known = if asked.is_chat { known } else { known.min(asked.kept) };
        let (all, cached) = (tokens(asked.prompt.len()), (known / BYTES_PER_TOKEN) as u64);
        let written = if asked.is_chat { 0 } else { tokens(asked.kept).saturating_sub(cached) };
        Self {
            is_chat: asked.is_chat,
            fresh: all - cached - written,
            cached,
            written,
            output: tokens(text.len()).max(1),
            text,
            finish,
        }
    }

    pub fn billed_nano(&self) -> u64 {
        self.fresh * INPUT_NANO + self.cached * CACHED_NANO + self.written * WRITTEN_NANO + self.output * OUTPUT_NANO
    }

    /// Tokens that were read before.
    pub const fn repeated_tokens(&self) -> u64 {
        self.cached
    }

    pub fn json(&self, reported: &Reported) -> String {
        let usage = match reported {
            Reported::True => self.usage(1),
            Reported::Absent => Value::Null,
            Reported::Zero => self.usage(0),
            Reported::Tiny => {
                json!({ "prompt_tokens": 1, "completion_tokens": 1, "total_tokens": 2, "input_tokens": 1, "output_tokens": 1 })
            }
            Reported::Huge => self.usage(1_000),
            Reported::This(usage) => usage.clone(),
        };
        match self.is_chat {
            true => {
                let message = json!({ "role": "assistant", "content": self.text });
                let choice = json!({ "index": 0, "message": message, "finish_reason": self.finish });
                json!({ "id": "c", "object": "chat.completion", "model": "scripted", "choices": [choice], "usage": usage })
            }
            false => {
                let stop = match self.finish {
                    "length" => "max_tokens",
                    "content_filter" => "refusal",
                    _ => "end_turn",
                };
                json!({ "id": "m", "type": "message", "role": "assistant", "model": "scripted", "stop_reason": stop,
                        "content": [{ "type": "text", "text": self.text }], "usage": usage })
            }
        }
        .to_string()
    }

    fn usage(&self, times: u64) -> Value {
        let [fresh, cached, written, output] = [self.fresh, self.cached, self.written, self.output].map(|n| n * times);
        if !self.is_chat {
            return json!({ "input_tokens": fresh, "cache_read_input_tokens": cached,
                           "cache_creation_input_tokens": written, "output_tokens": output });
        }
        let input = fresh + cached;
        let mut usage = json!({ "prompt_tokens": input, "completion_tokens": output, "total_tokens": input + output });
        if cached > 0 {
            usage["prompt_tokens_details"] = json!({ "cached_tokens": cached });
        }
        usage
    }
}
