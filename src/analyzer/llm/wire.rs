//! What servers answer, as JSON: this is a border, so serde lives here.

use serde::Deserialize;
use serde_json::Value;

use super::outcome::Finish;
use super::usage::WireUsage;
use crate::budget::Usage;

/// A chat completion, or one piece of it as a stream brings it.
#[derive(Default, Deserialize)]
pub(super) struct Completion {
    #[serde(default, deserialize_with = "null_is_default")]
    choices: Vec<ReplyChoice>,
    // a usage that cannot be read is none, and costs the reservation; it must not cost the answer, too
    #[serde(default, deserialize_with = "lenient")]
    usage: Option<WireUsage>,
    #[serde(default)]
    pub model: Option<String>,
}

/// What a model said.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Said {
    pub text: String,
    pub finish: Finish,
}

impl Completion {
    /// Reads a body: one JSON value, or a stream of pieces (`text/event-stream`, WHATWG HTML section 9.2; one value a line), which some
    /// servers send though none was asked for.
    ///
    /// # Errors
    /// Why it is none of these.
    pub(super) fn read(body: &[u8]) -> Result<Self, String> {
        if is_event_stream(body) {
            let lines = body.split(|byte| matches!(byte, b'\n' | b'\r'));
            let data = lines.filter_map(|line| line.strip_prefix(b"data:")).map(<[u8]>::trim_ascii);
            let pieces = data.filter(|data| !data.is_empty() && *data != b"[DONE]");
            return Self::joined(pieces.map(serde_json::from_slice));
        }
        Self::joined(serde_json::Deserializer::from_slice(body).into_iter())
    }

    fn joined(pieces: impl Iterator<Item = serde_json::Result<Self>>) -> Result<Self, String> {
        let mut whole: Option<Self> = None;
        for piece in pieces {
            let piece = piece.map_err(|error| error.to_string())?;
            match &mut whole {
                Some(whole) => whole.add(piece),
                None => whole = Some(piece),
            }
        }
        whole.ok_or_else(|| "it is empty".to_owned())
    }

    fn add(&mut self, next: Self) {
        self.usage = next.usage.or(self.usage);
        self.model = self.model.take().or(next.model);
        let mut choices = next.choices.into_iter();
        if self.choices.is_empty() {
            self.choices.extend(choices.next());
        } else if let (Some(first), Some(next)) = (self.choices.first_mut(), choices.next()) {
            first.add(next);
        }
    }

    pub(super) fn usage(&self) -> Option<Usage> {
        self.usage.map(WireUsage::billed)
    }

    /// What the model said and why it stopped; none: it was given no turn, or its turn ended in an error.
    pub(super) fn into_said(self) -> Option<Said> {
        let mut choice = self.choices.into_iter().next().filter(|choice| choice.error.is_none())?;
        let reason = finish(choice.finish_reason.as_deref());
        let message = choice.said().unwrap_or_default();
        let refused = message.refusal.as_ref().is_some_and(|refusal| !refusal.is_empty());
        let finish = if refused { Finish::Filtered } else { reason };
        let legacy = choice.text.unwrap_or_default();
        Some(Said { text: message.into_text().unwrap_or(legacy), finish })
    }
}

/// A stream begins with a field of an event, or a comment.
fn is_event_stream(body: &[u8]) -> bool {
    let begin = body.trim_ascii_start();
    [&b"data:"[..], b"event:", b"id:", b"retry:", b":"].iter().any(|field| begin.starts_with(field))
}

/// OpenAI's API reference, "The chat completion object"; llama-server and Ollama use the same words.
fn finish(reason: Option<&str>) -> Finish {
    match reason {
        Some("stop" | "end_turn" | "eos" | "tool_calls" | "function_call") => Finish::Stopped,
        Some("length" | "max_tokens" | "model_length") => Finish::Cut,
        Some("content_filter") => Finish::Filtered,
        _ => Finish::Unknown,
    }
}

#[derive(Default, Deserialize)]
struct ReplyChoice {
    #[serde(default)]
    message: Option<Message>,
    /// In the pieces of a stream.
    #[serde(default)]
    delta: Option<Message>,
    /// Of a plain completion.
    #[serde(default)]
    text: Option<String>,
    #[serde(default)]
    finish_reason: Option<String>,
    #[serde(default)]
    error: Option<Value>,
}

impl ReplyChoice {
    fn said(&mut self) -> Option<Message> {
        self.message.take().or_else(|| self.delta.take())
    }

    fn add(&mut self, mut next: Self) {
        self.message = match (self.said(), next.said()) {
            (Some(mut message), Some(next)) => {
                message.add(next);
                Some(message)
            }
            (message, next) => message.or(next),
        };
        append(&mut self.text, next.text);
        self.finish_reason = next.finish_reason.or(self.finish_reason.take());
        self.error = self.error.take().or(next.error);
    }
}

#[derive(Default, Deserialize)]
struct Message {
    #[serde(default)]
    content: Option<ReplyContent>,
    /// What a model thought, by the name that DeepSeek and vLLM use.
    #[serde(default)]
    reasoning_content: Option<ReplyContent>,
    /// The same by OpenRouter's name; newer servers send both.
    #[serde(default)]
    reasoning: Option<ReplyContent>,
    #[serde(default)]
    refusal: Option<String>,
    #[serde(default, deserialize_with = "null_is_default")]
    tool_calls: Vec<ToolCall>,
    #[serde(default)]
    function_call: Option<CalledFunction>,
}

#[derive(Default, Deserialize)]
struct ToolCall {
    #[serde(default)]
    function: Option<CalledFunction>,
}

#[derive(Default, Deserialize)]
struct CalledFunction {
    /// JSON as text; as an object in some servers.
    #[serde(default)]
    arguments: Value,
}

impl Message {
    fn add(&mut self, next: Self) {
        append(&mut self.refusal, next.refusal);
        join(&mut self.content, next.content);
        join(&mut self.reasoning_content, next.reasoning_content);
        join(&mut self.reasoning, next.reasoning);
        // A stream brings the arguments of a call piece by piece.
        match (self.tool_calls.first_mut(), next.tool_calls.into_iter().next()) {
            (Some(ToolCall { function: Some(function) }), Some(ToolCall { function: Some(next) })) => {
                function.add(next)
            }
            (None, Some(next)) => self.tool_calls.push(next),
            _ => {}
        }
        match (&mut self.function_call, next.function_call) {
            (Some(function), Some(next)) => function.add(next),
            (function, next) => *function = function.take().or(next),
        }
    }

    /// The answer: what was said; else what a function was called with; else what was thought, where some servers leave the answer
    /// of a model that does not end its thoughts.
    fn into_text(self) -> Option<String> {
        let content = self.content.map(ReplyContent::into_text).filter(|text| !text.trim().is_empty());
        let call = self.tool_calls.into_iter().find_map(|call| call.function).or(self.function_call);
        let called = || call.map(CalledFunction::into_text).filter(|text| !text.trim().is_empty());
        let thought = || self.reasoning_content.or(self.reasoning).map(ReplyContent::into_text);
        content.or_else(called).or_else(thought)
    }
}

impl CalledFunction {
    fn add(&mut self, next: Self) {
        if let (Value::String(text), Value::String(next)) = (&mut self.arguments, &next.arguments) {
            text.push_str(next);
        } else if self.arguments.is_null() {
            self.arguments = next.arguments;
        }
    }

    fn into_text(self) -> String {
        match self.arguments {
            Value::String(text) => text,
            Value::Null => String::new(),
            other => other.to_string(),
        }
    }
}

#[derive(Deserialize)]
#[serde(untagged)]
enum ReplyContent {
    Text(String),
    Parts(Vec<ContentPart>),
}

#[derive(Deserialize)]
struct ContentPart {
    #[serde(default)]
    text: String,
}

impl ReplyContent {
    fn into_text(self) -> String {
        match self {
            Self::Text(text) => text,
            Self::Parts(parts) => parts.into_iter().map(|part| part.text).collect(),
        }
    }
}

fn append(text: &mut Option<String>, next: Option<String>) {
    match (text.as_mut(), next) {
        (Some(text), Some(next)) => text.push_str(&next),
        (None, next) => *text = next,
        (Some(_), None) => {}
    }
}

fn join(content: &mut Option<ReplyContent>, next: Option<ReplyContent>) {
    let Some(next) = next else { return };
    let before = content.take().map(ReplyContent::into_text).unwrap_or_default();
    *content = Some(ReplyContent::Text(before + &next.into_text()));
}

fn null_is_default<'de, D: serde::Deserializer<'de>, T: Deserialize<'de> + Default>(
    deserializer: D,
) -> Result<T, D::Error> {
    Ok(Option::deserialize(deserializer)?.unwrap_or_default())
}

fn lenient<'de, D: serde::Deserializer<'de>>(deserializer: D) -> Result<Option<WireUsage>, D::Error> {
    Ok(serde_json::from_value(Value::deserialize(deserializer)?).ok())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn said(body: &str) -> (String, Finish) {
        let said = Completion::read(body.as_bytes()).unwrap().into_said().unwrap();
        (said.text, said.finish)
    }

    #[test]
    fn a_completion_is_read_in_the_forms_that_servers_use() {
        for (choice, text, finish) in [
            (r#"{"message":{"content":"a"},"finish_reason":"stop"}"#, "a", Finish::Stopped),
            (r#"{"message":{"content":[{"type":"text","text":"a"},{"text":"b"}]}}"#, "ab", Finish::Unknown),
            (r#"{"message":{"content":null},"finish_reason":"length"}"#, "", Finish::Cut),
            (r#"{"message":{"content":null,"refusal":"no"},"finish_reason":"stop"}"#, "", Finish::Filtered),
            (r#"{"message":null,"text":"a","finish_reason":"stop"}"#, "a", Finish::Stopped),
            (
                r#"{"message":{"content":null,"tool_calls":[{"function":{"arguments":"{\"a\":1}"}}]}}"#,
                r#"{"a":1}"#,
                Finish::Unknown,
            ),
            (
                r#"{"message":{"content":"","tool_calls":[{"id":"x"},{"function":{"arguments":{"a":1}}}]}}"#,
                r#"{"a":1}"#,
                Finish::Unknown,
            ),
            (
                r#"{"message":{"function_call":{"arguments":"b"},"tool_calls":null},"finish_reason":"function_call"}"#,
                "b",
                Finish::Stopped,
            ),
            (r#"{"message":{"content":null,"reasoning_content":"c"}}"#, "c", Finish::Unknown),
            (r#"{"message":{"content":" \n","reasoning":"c"}}"#, "c", Finish::Unknown),
            (r#"{"message":{"content":"a","reasoning_content":"c","tool_calls":[]}}"#, "a", Finish::Unknown),
        ] {
            let body = format!("{{\"choices\":[{choice}],\"usage\":7}}");
            assert_eq!(said(&body), (text.to_owned(), finish), "{body}");
        }
    }

    #[test]
    fn a_stream_that_nobody_asked_for_is_joined() {
        let pieces = [
            r#"{"model":"m","choices":[{"delta":{"role":"assistant","content":""},"finish_reason":null}]}"#,
            r#"{"choices":[{"delta":{"reasoning_content":"hm"}}]}"#,
            r#"{"choices":[{"delta":{"content":"{\"a\""}}]}"#,
            r#"{"choices":[{"delta":{"content":":1}"},"finish_reason":"stop"}]}"#,
            r#"{"choices":[],"usage":{"prompt_tokens":3,"completion_tokens":2,"total_tokens":5}}"#,
        ];
        let events = |end: &str| pieces.map(|piece| format!("event: x{end}data: {piece}{end}{end}")).concat();
        for body in [
            format!(": hello\n\n{}data: [DONE]\n\n", events("\n")),
            events("\r\n"),
            events("\n").replace("data: ", "data:"),
            pieces.join("\n"),
        ] {
            let whole = Completion::read(body.as_bytes()).unwrap();
            assert_eq!((whole.usage().unwrap().output, whole.model.as_deref()), (2, Some("m")), "{body}");
            assert_eq!(said(&body), (r#"{"a":1}"#.to_owned(), Finish::Stopped), "{body}");
        }
        let call = [
            r#"{"choices":[{"delta":{"tool_calls":[{"function":{"name":"f","arguments":"{\"a\""}}]}}]}"#,
            r#"{"choices":[{"delta":{"tool_calls":[{"function":{"arguments":":1}"}}]},"finish_reason":"tool_calls"}]}"#,
        ];
        let call = call.map(|piece| format!("data: {piece}\n\n")).concat();
        assert_eq!(said(&call), (r#"{"a":1}"#.to_owned(), Finish::Stopped));
    }

    #[test]
    fn what_has_no_turn_says_nothing() {
        for body in [
            r#"{"choices":null}"#,
            r#"{"choices":[]}"#,
            "{}",
            r#"{"choices":[{"error":{"code":502,"message":"m"},"message":{"content":"half"}}]}"#,
            "data: {\"error\":{\"message\":\"m\"}}\n\n",
        ] {
            assert_eq!(Completion::read(body.as_bytes()).unwrap().into_said(), None, "{body}");
        }
        for body in ["", "<html>", "data: [DONE]\n\n", "data: {\n\n", "{\"choices\":[]} trailing"] {
            assert!(Completion::read(body.as_bytes()).is_err(), "{body}");
        }
    }
}
