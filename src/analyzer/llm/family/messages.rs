//! Anthropic's Messages (its API reference, "Create a Message"). This is a border, so serde lives here. Not tried live.

use reqwest::header::HeaderName;
use serde::Deserialize;
use serde_json::{Value, json};

use super::{Completed, Said};
use crate::analyzer::llm::dialect::{Dialect, Structure};
use crate::analyzer::llm::form;
use crate::analyzer::llm::outcome::Finish;
use crate::analyzer::llm::prompt::Prompt;
use crate::budget::Usage;

/// Below the address of the API.
pub(super) const PATH: &str = "messages";

pub(super) const KEY_HEADER: HeaderName = HeaderName::from_static("x-api-key");
pub(super) const VERSION: (HeaderName, &str) = (HeaderName::from_static("anthropic-version"), "2023-06-01");

/// The body of a request. What more requests are about to begin with is marked to be kept, which costs a quarter more than reading it once
/// ("Prompt caching"): without such a request it would be paid for nothing.
pub(super) fn body(dialect: Dialect, model: &str, max_output_tokens: u32, prompt: &Prompt) -> Value {
    let text = |text: &str| json!({ "type": "text", "text": text });
    let (shared, rest) = prompt.halves();
    let content = match (shared.is_empty(), prompt.is_kept()) {
        (true, _) => json!([text(rest)]),
        (false, false) => json!([text(shared), text(rest)]),
        (false, true) => {
            let mut kept = text(shared);
            kept["cache_control"] = json!({ "type": "ephemeral" });
            json!([kept, text(rest)])
        }
    };
    let mut body = json!({
        "model": model,
        "max_tokens": max_output_tokens,
        "system": [text(prompt.instructions())],
        "messages": [{ "role": "user", "content": content }],
    });
    if dialect.temperature {
        body["temperature"] = json!(0);
    }
    if dialect.structure_for(prompt.parts().len()) == Structure::Schema {
        let (_, schema) = form::of(prompt);
        body["output_config"] = json!({ "format": { "type": "json_schema", "schema": schema } });
    }
    body
}

/// Reads a reply: a message, or a stream of the pieces of one, which some gateways send though none was asked for.
///
/// # Errors
/// Why it is none.
pub(super) fn read(body: &[u8]) -> Result<Completed, String> {
    let reason = |error: serde_json::Error| error.to_string();
    let message: WireMessage = if super::is_event_stream(body) {
        let pieces = super::events(body).map(serde_json::from_slice::<MessageEvent>);
        joined(pieces.collect::<Result<_, _>>().map_err(reason)?)
    } else {
        serde_json::from_slice(body).map_err(reason)?
    };
    Ok(message.completed())
}

#[derive(Default, Deserialize)]
struct WireMessage {
    /// `message`, or `error`.
    #[serde(default, rename = "type")]
    kind: String,
    #[serde(default)]
    model: Option<String>,
    #[serde(default)]
    content: Option<MessageContent>,
    #[serde(default)]
    stop_reason: Option<String>,
    #[serde(default, deserialize_with = "lenient")]
    usage: Option<MessageUsage>,
}

#[derive(Deserialize)]
#[serde(untagged)]
enum MessageContent {
    Blocks(Vec<Block>),
    Text(String),
}

impl MessageContent {
    fn into_blocks(self) -> Vec<Block> {
        match self {
            Self::Blocks(blocks) => blocks,
            Self::Text(text) => vec![Block { text: Some(text), input: None }],
        }
    }
}

/// A part of a message: text, a thought, a call of a tool.
#[derive(Default, Deserialize)]
struct Block {
    #[serde(default)]
    text: Option<String>,
    /// What a tool was called with.
    #[serde(default)]
    input: Option<Value>,
}

/// Tokens read from the cache and written into it are counted next to `input_tokens`, not in it ("Prompt caching", "Tracking cache
/// performance").
#[derive(Clone, Copy, Default, Deserialize)]
struct MessageUsage {
    #[serde(default, deserialize_with = "super::count")]
    input_tokens: Option<u64>,
    #[serde(default, deserialize_with = "super::count")]
    cache_creation_input_tokens: Option<u64>,
    #[serde(default, deserialize_with = "super::count")]
    cache_read_input_tokens: Option<u64>,
    #[serde(default, deserialize_with = "super::count")]
    output_tokens: Option<u64>,
}

impl MessageUsage {
    fn billed(self) -> Usage {
        let cached_input = self.cache_read_input_tokens.unwrap_or(0);
        let cache_written = self.cache_creation_input_tokens.unwrap_or(0);
        Usage {
            input: self.input_tokens.unwrap_or(0).saturating_add(cached_input).saturating_add(cache_written),
            cached_input,
            cache_written,
            output: self.output_tokens.unwrap_or(0),
            reasoning: 0,
        }
    }

    /// A later report of a stream counts from the beginning.
    fn then(self, later: Self) -> Self {
        Self {
            input_tokens: later.input_tokens.or(self.input_tokens),
            cache_creation_input_tokens: later.cache_creation_input_tokens.or(self.cache_creation_input_tokens),
            cache_read_input_tokens: later.cache_read_input_tokens.or(self.cache_read_input_tokens),
            output_tokens: later.output_tokens.or(self.output_tokens),
        }
    }
}

impl WireMessage {
    fn completed(self) -> Completed {
        let usage = self.usage.map(MessageUsage::billed);
        let has_begun = self.content.is_some();
        let said = self.content.filter(|_| self.kind != "error").map(MessageContent::into_blocks).map(|blocks| {
            let text: String = blocks.iter().filter_map(|block| block.text.as_deref()).collect();
            let called = || blocks.iter().find_map(|block| block.input.as_ref()).map(Value::to_string);
            let text = if text.trim().is_empty() { called().unwrap_or(text) } else { text };
            Said { text, finish: finish(self.stop_reason.as_deref()) }
        });
        Completed { said, usage, model: self.model, has_begun }
    }
}

/// "Handling stop reasons" of the API's guide.
fn finish(reason: Option<&str>) -> Finish {
    match reason {
        Some("end_turn" | "stop_sequence" | "tool_use") => Finish::Stopped,
        Some("max_tokens" | "model_context_window_exceeded") => Finish::Cut,
        Some("refusal") => Finish::Filtered,
        _ => Finish::Unknown,
    }
}

/// A piece of a stream ("Streaming Messages"), of whichever kind.
#[derive(Default, Deserialize)]
struct MessageEvent {
    #[serde(default, rename = "type")]
    kind: String,
    #[serde(default)]
    message: Option<WireMessage>,
    #[serde(default)]
    delta: Option<Delta>,
    #[serde(default, deserialize_with = "lenient")]
    usage: Option<MessageUsage>,
}

#[derive(Default, Deserialize)]
struct Delta {
    #[serde(default)]
    text: Option<String>,
    /// A tool's input, as text.
    #[serde(default)]
    partial_json: Option<String>,
    #[serde(default)]
    stop_reason: Option<String>,
}

fn joined(events: Vec<MessageEvent>) -> WireMessage {
    let (mut whole, mut text, mut has_begun) = (WireMessage::default(), String::new(), false);
    let mut usage = MessageUsage::default();
    for event in events {
        if event.kind == "error" {
            whole.kind = event.kind;
        }
        if let Some(message) = event.message {
            has_begun = true;
            whole.model = message.model;
            usage = usage.then(message.usage.unwrap_or_default());
        }
        let Delta { text: more, partial_json, stop_reason } = event.delta.unwrap_or_default();
        text.extend(more.into_iter().chain(partial_json));
        whole.stop_reason = stop_reason.or(whole.stop_reason);
        usage = usage.then(event.usage.unwrap_or_default());
    }
    whole.content = has_begun.then_some(MessageContent::Text(text));
    whole.usage = has_begun.then_some(usage);
    whole
}

fn lenient<'de, D: serde::Deserializer<'de>>(deserializer: D) -> Result<Option<MessageUsage>, D::Error> {
    Ok(serde_json::from_value(Value::deserialize(deserializer)?).ok())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn said(body: &str) -> (String, Finish) {
        let said = read(body.as_bytes()).unwrap().said.unwrap();
        (said.text, said.finish)
    }

    #[test]
    fn a_message_is_read_in_the_forms_that_servers_use() {
        for (fields, text, finish) in [
            (r#""content":[{"type":"text","text":"a"}],"stop_reason":"end_turn""#, "a", Finish::Stopped),
            (
                r#""content":[{"type":"thinking","thinking":"hm"},{"type":"text","text":"a"},{"text":"b"}],"stop_reason":"max_tokens""#,
                "ab",
                Finish::Cut,
            ),
            (
                r#""content":[{"type":"tool_use","input":{"a":1}}],"stop_reason":"tool_use""#,
                r#"{"a":1}"#,
                Finish::Stopped,
            ),
            (r#""content":[],"stop_reason":"refusal""#, "", Finish::Filtered),
        ] {
            let body = format!(r#"{{"type":"message",{fields},"usage":"?"}}"#);
            assert_eq!(said(&body), (text.to_owned(), finish), "{body}");
        }
        let error = r#"{"type":"error","error":{"type":"overloaded_error","message":"m"}}"#;
        assert!(read(error.as_bytes()).unwrap().said.is_none());
        assert!(read(b"<html>").is_err());
    }

    #[test]
    fn what_the_cache_reads_and_keeps_is_part_of_the_input() {
        let body = r#"{"content":[],"model":"m","usage":{"input_tokens":10,"cache_creation_input_tokens":200,"cache_read_input_tokens":3000,
            "output_tokens":7}}"#;
        let read = read(body.as_bytes()).unwrap();
        let expected = Usage { input: 3_210, cached_input: 3_000, cache_written: 200, output: 7, reasoning: 0 };
        assert_eq!((read.usage, read.model.as_deref()), (Some(expected), Some("m")));
    }

    #[test]
    fn a_stream_that_nobody_asked_for_is_joined() {
        let pieces = [
            r#"{"type":"message_start","message":{"model":"m","content":[],"usage":{"input_tokens":25,"cache_read_input_tokens":5,"output_tokens":1}}}"#,
            r#"{"type":"content_block_start","index":0,"content_block":{"type":"text","text":""}}"#,
            r#"{"type":"content_block_delta","index":0,"delta":{"type":"text_delta","text":"{\"a\""}}"#,
            r#"{"type":"content_block_delta","index":0,"delta":{"type":"text_delta","text":":1}"}}"#,
            r#"{"type":"message_delta","delta":{"stop_reason":"end_turn"},"usage":{"output_tokens":15}}"#,
            r#"{"type":"message_stop"}"#,
        ];
        let body = pieces.map(|piece| format!("event: x\ndata: {piece}\n\n")).concat();
        assert_eq!(said(&body), (r#"{"a":1}"#.to_owned(), Finish::Stopped));
        let usage = read(body.as_bytes()).unwrap().usage.unwrap();
        assert_eq!((usage.input, usage.cached_input, usage.output), (30, 5, 15));
    }
}
