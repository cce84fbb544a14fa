//! Families of APIs, one file each: how a question is put, and how an answer is read.

mod chat;
mod messages;

use reqwest::RequestBuilder;
use reqwest::header::{AUTHORIZATION, HeaderValue};
use serde::Deserialize;
use serde_json::Value;

use super::dialect::Dialect;
use super::key::ApiKey;
use super::outcome::Finish;
use super::prompt::Prompt;
use crate::budget::Usage;
use crate::config::ApiFamily;

/// What a server answered.
#[derive(Debug)]
pub(super) struct Completed {
    /// None: the model was given no turn, or its turn ended in an error.
    pub said: Option<Said>,
    /// None: the server reports none that can be read, which costs the reservation; it must not cost the answer, too.
    pub usage: Option<Usage>,
    /// The model that answered, as the server names it.
    pub model: Option<String>,
    /// Something was said, though it may have ended in an error.
    pub has_begun: bool,
}

/// What a model said.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Said {
    pub text: String,
    pub finish: Finish,
}

impl ApiFamily {
    /// Below the address of the API.
    pub(super) const fn path(self) -> &'static str {
        match self {
            Self::ChatCompletions => chat::PATH,
            Self::Messages => messages::PATH,
        }
    }

    pub(super) fn body(self, dialect: Dialect, model: &str, max_output_tokens: u32, prompt: &Prompt) -> Value {
        match self {
            Self::ChatCompletions => chat::body(dialect, model, max_output_tokens, prompt),
            Self::Messages => messages::body(dialect, model, max_output_tokens, prompt),
        }
    }

    /// Reads a reply of status 200.
    ///
    /// # Errors
    /// Why it is none of this family.
    pub(super) fn read(self, body: &[u8]) -> Result<Completed, String> {
        let body = body.strip_prefix(b"\xef\xbb\xbf").unwrap_or(body);
        match self {
            Self::ChatCompletions => chat::read(body),
            Self::Messages => messages::read(body),
        }
    }

    /// Adds the key, and what else this family wants in the head of a request.
    pub(super) fn authorize(self, request: RequestBuilder, key: Option<&ApiKey>) -> RequestBuilder {
        let secret = |text: String| {
            let mut value = HeaderValue::from_str(&text).ok()?;
            value.set_sensitive(true);
            Some(value)
        };
        let request = match self {
            Self::ChatCompletions => request,
            Self::Messages => request.header(messages::VERSION.0, messages::VERSION.1),
        };
        let header = key.and_then(|key| match self {
            Self::ChatCompletions => Some((AUTHORIZATION, secret(format!("Bearer {}", key.expose()))?)),
            Self::Messages => Some((messages::KEY_HEADER, secret(key.expose().to_owned())?)),
        });
        match header {
            Some((name, value)) => request.header(name, value),
            None => request,
        }
    }
}

/// A number of tokens: whole, as a number or in digits; null is none.
fn count<'de, D: serde::Deserializer<'de>>(deserializer: D) -> Result<Option<u64>, D::Error> {
    let value = Option::<Value>::deserialize(deserializer)?;
    let whole = |value: &Value| match value {
        Value::String(digits) => digits.trim().parse().ok(),
        number => number.as_u64().or_else(|| {
            let number = number.as_f64()?;
            let is_whole = number.fract() == 0.0 && (0.0..9e15).contains(&number);
            is_whole.then_some(number as u64)
        }),
    };
    match value {
        None => Ok(None),
        Some(value) => match whole(&value) {
            Some(count) => Ok(Some(count)),
            None => Err(serde::de::Error::custom(format!("{value} is no number of tokens"))),
        },
    }
}

/// A stream (`text/event-stream`, WHATWG HTML section 9.2) begins with a field of an event, or a comment.
fn is_event_stream(body: &[u8]) -> bool {
    let begin = body.trim_ascii_start();
    [&b"data:"[..], b"event:", b"id:", b"retry:", b":"].iter().any(|field| begin.starts_with(field))
}

/// What the events of a stream hold, one value a line.
fn events(body: &[u8]) -> impl Iterator<Item = &[u8]> {
    let lines = body.split(|byte| matches!(byte, b'\n' | b'\r'));
    let data = lines.filter_map(|line| line.strip_prefix(b"data:")).map(<[u8]>::trim_ascii);
    data.filter(|data| !data.is_empty() && *data != b"[DONE]")
}
