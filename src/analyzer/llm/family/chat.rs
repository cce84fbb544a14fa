//! Chat Completions (OpenAI's API reference, "Chat completions"), as all servers speak it that call themselves compatible with OpenAI. This is a
//! border, so serde lives here.

use serde::Deserialize;
use serde_json::{Value, json};

use super::{Completed, Said};
use crate::analyzer::llm::dialect::{Dialect, Structure};
use crate::analyzer::llm::form;
use crate::analyzer::llm::outcome::Finish;
use crate::analyzer::llm::prompt::Prompt;
use crate::budget::Usage;

/// Below the address of the API.
pub(super) const PATH: &str = "chat/completions";

/// The body of a request.
pub(super) fn body(dialect: Dialect, model: &str, max_output_tokens: u32, prompt: &Prompt) -> Value {
    let mut body = json!({
        "model": model,
        "messages": [
            { "role": "system", "content": prompt.instructions() },
            { "role": "user", "content": prompt.question() },
        ],
        "stream": false,
    });
    body[if dialect.completion_limit { "max_completion_tokens" } else { "max_tokens" }] = json!(max_output_tokens);
    if dialect.temperature {
        body["temperature"] = json!(0);
    }
    match dialect.structure_for(prompt.parts().len()) {
        Structure::Schema => {
            let (name, schema) = form::of(prompt);
            body["response_format"] =
                json!({ "type": "json_schema", "json_schema": { "name": name, "strict": true, "schema": schema } });
        }
        Structure::Object => body["response_format"] = json!({ "type": "json_object" }),
        Structure::Words => {}
    }
    body
}

/// Reads a reply.
///
/// # Errors
/// Why it is none.
pub(super) fn read(body: &[u8]) -> Result<Completed, String> {
    let completion = Completion::read(body)?;
    let (usage, model, has_begun) = (completion.usage(), completion.model.clone(), completion.has_begun());
    Ok(Completed { usage, model, has_begun, said: completion.into_said() })
}

/// A chat completion, or one piece of it as a stream brings it.
#[derive(Default, Deserialize)]
struct Completion {
    #[serde(default, deserialize_with = "null_is_default")]
    choices: Vec<ReplyChoice>,
    // a usage that cannot be read is none, and costs the reservation; it must not cost the answer, too
    #[serde(default, deserialize_with = "lenient")]
    usage: Option<WireUsage>,
    #[serde(default)]
    model: Option<String>,
    /// Ends a stream that has begun, or stands in the place of a completion.
    #[serde(default)]
    error: Option<Value>,
}

impl Completion {
    /// Reads a body: one JSON value, or a stream of pieces (`text/event-stream`, WHATWG HTML section 9.2; one value a line), which some
    /// servers send though none was asked for.
    ///
    /// # Errors
    /// Why it is none of these.
    fn read(body: &[u8]) -> Result<Self, String> {
        if super::is_event_stream(body) {
            return Self::joined(super::events(body).map(serde_json::from_slice));
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
        self.error = self.error.take().or(next.error);
        let mut choices = next.choices.into_iter();
        if self.choices.is_empty() {
            self.choices.extend(choices.next());
        } else if let (Some(first), Some(next)) = (self.choices.first_mut(), choices.next()) {
            first.add(next);
        }
    }

    fn usage(&self) -> Option<Usage> {
        self.usage.map(WireUsage::billed)
    }

    fn has_begun(&self) -> bool {
        self.choices.iter().any(|choice| choice.message.is_some() || choice.delta.is_some() || choice.text.is_some())
    }

    /// What the model said and why it stopped; none: it was given no turn, or its turn ended in an error.
    fn into_said(self) -> Option<Said> {
        let mut choice =
            self.choices.into_iter().next().filter(|choice| choice.error.is_none() && self.error.is_none())?;
        let reason = finish(choice.finish_reason.as_deref());
        let message = choice.said().unwrap_or_default();
        let refused = message.refusal.as_ref().is_some_and(|refusal| !refusal.is_empty());
        let finish = if refused { Finish::Filtered } else { reason };
        let legacy = choice.text.unwrap_or_default();
        Some(Said { text: message.into_text().unwrap_or(legacy), finish })
    }
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
    #[serde(default, deserialize_with = "null_is_default")]
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

/// The `usage` object of a chat completion.
#[derive(Clone, Copy, Debug, Default, Deserialize)]
struct WireUsage {
    #[serde(default, deserialize_with = "super::count")]
    prompt_tokens: Option<u64>,
    #[serde(default, deserialize_with = "super::count")]
    completion_tokens: Option<u64>,
    #[serde(default, deserialize_with = "super::count")]
    total_tokens: Option<u64>,
    #[serde(default)]
    prompt_tokens_details: Option<PromptDetails>,
    #[serde(default)]
    completion_tokens_details: Option<CompletionDetails>,
}

#[derive(Clone, Copy, Debug, Default, Deserialize)]
struct PromptDetails {
    #[serde(default, deserialize_with = "super::count")]
    cached_tokens: Option<u64>,
}

#[derive(Clone, Copy, Debug, Default, Deserialize)]
struct CompletionDetails {
    #[serde(default, deserialize_with = "super::count")]
    reasoning_tokens: Option<u64>,
}

impl WireUsage {
    /// OpenAI counts reasoning inside `completion_tokens` (its API reference, "The chat completion object"); xAI next to it, and only
    /// in `total_tokens` (docs.x.ai, "Reasoning": prompt 32, completion 9, reasoning 94, total 135). So what was generated is what
    /// the total leaves after the prompt; where there is no total, or one that cannot be right, reasoning is added, which can only
    /// count too much.
    fn billed(self) -> Usage {
        let reasoning = self.completion_tokens_details.and_then(|details| details.reasoning_tokens).unwrap_or(0);
        let [input, completion, total] =
            [self.prompt_tokens, self.completion_tokens, self.total_tokens].map(Option::unwrap_or_default);
        let output = match total.checked_sub(input) {
            Some(generated) if total > 0 => generated.max(completion).max(reasoning),
            _ => completion.saturating_add(reasoning),
        };
        let cached_input = self.prompt_tokens_details.and_then(|details| details.cached_tokens).unwrap_or(0);
        Usage { input, cached_input, output, reasoning, ..Usage::default() }
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

    fn billed(json: &str) -> Usage {
        serde_json::from_str::<WireUsage>(json).unwrap().billed()
    }

    #[test]
    fn reasoning_is_never_left_out_and_not_counted_twice() {
        let inside = r#"{"prompt_tokens":100,"completion_tokens":50,"total_tokens":150,
            "prompt_tokens_details":{"cached_tokens":40},"completion_tokens_details":{"reasoning_tokens":30}}"#;
        assert_eq!(
            billed(inside),
            Usage { input: 100, cached_input: 40, output: 50, reasoning: 30, ..Usage::default() }
        );
        let separate = r#"{"prompt_tokens":32,"completion_tokens":9,"total_tokens":135,
            "completion_tokens_details":{"reasoning_tokens":94}}"#;
        assert_eq!(billed(separate), Usage { input: 32, output: 103, reasoning: 94, ..Usage::default() });
        let no_total =
            r#"{"prompt_tokens":32,"completion_tokens":9,"completion_tokens_details":{"reasoning_tokens":94}}"#;
        assert_eq!(billed(no_total).output, 103);
        assert_eq!(billed(r#"{"prompt_tokens":32,"completion_tokens":9,"total_tokens":5}"#).output, 9);
    }

    #[test]
    fn details_may_be_null_or_absent() {
        let usage = r#"{"prompt_tokens":3,"completion_tokens":2,"total_tokens":5,"prompt_tokens_details":null,
            "completion_tokens_details":{"reasoning_tokens":null}}"#;
        assert_eq!(billed(usage), Usage { input: 3, output: 2, ..Usage::default() });
        assert_eq!(billed("{}"), Usage::default());
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
