//! What servers answer, as JSON: this is a border, so serde lives here.

use serde::Deserialize;
use serde_json::Value;

use super::outcome::Finish;
use super::usage::WireUsage;
use crate::budget::Usage;

/// A chat completion.
#[derive(Deserialize)]
pub(super) struct Completion {
    #[serde(default)]
    choices: Vec<ReplyChoice>,
    // a usage that cannot be read is none, and costs the reservation; it must not cost the answer, too
    #[serde(default, deserialize_with = "lenient")]
    usage: Option<WireUsage>,
    #[serde(default)]
    pub model: Option<String>,
}

impl Completion {
    pub(super) fn usage(&self) -> Option<Usage> {
        self.usage.map(WireUsage::billed)
    }

    /// What the model said and why it stopped; none: it was given no turn.
    pub(super) fn into_choice(self) -> Option<(String, Finish)> {
        let choice = self.choices.into_iter().next()?;
        let refused = choice.message.refusal.is_some_and(|refusal| !refusal.is_empty());
        let finish = if refused { Finish::Filtered } else { finish(choice.finish_reason.as_deref()) };
        Some((choice.message.content.map(ReplyContent::into_text).unwrap_or_default(), finish))
    }
}

/// OpenAI's API reference, "The chat completion object"; llama-server and Ollama use the same words.
fn finish(reason: Option<&str>) -> Finish {
    match reason {
        Some("stop" | "end_turn" | "eos") => Finish::Stopped,
        Some("length" | "max_tokens" | "model_length") => Finish::Cut,
        Some("content_filter") => Finish::Filtered,
        _ => Finish::Unknown,
    }
}

#[derive(Deserialize)]
struct ReplyChoice {
    message: Message,
    #[serde(default)]
    finish_reason: Option<String>,
}

#[derive(Deserialize)]
struct Message {
    #[serde(default)]
    content: Option<ReplyContent>,
    #[serde(default)]
    refusal: Option<String>,
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

fn lenient<'de, D: serde::Deserializer<'de>>(deserializer: D) -> Result<Option<WireUsage>, D::Error> {
    Ok(serde_json::from_value(Value::deserialize(deserializer)?).ok())
}

/// What an error's body says, in the forms that servers use: `{"error": {"message", "code", "type"}}`, `{"error": "text"}`, text.
pub(super) struct Complaint {
    pub message: String,
    code: String,
}

impl Complaint {
    pub(super) fn read(body: &[u8]) -> Self {
        let text = || String::from_utf8_lossy(body.get(..1_000).unwrap_or(body)).trim().to_owned();
        let Ok(value) = serde_json::from_slice::<Value>(body) else {
            return Self { message: text(), code: String::new() };
        };
        let error = value.get("error").unwrap_or(&value);
        let message = error.get("message").and_then(Value::as_str).or_else(|| error.as_str());
        let codes = ["code", "type"].iter().filter_map(|field| error.get(field).or_else(|| value.get(field))?.as_str());
        Self { message: message.map_or_else(text, str::to_owned), code: codes.collect::<Vec<_>>().join(" ") }
    }

    pub(super) fn is_about_credit(&self) -> bool {
        let said = format!("{} {}", self.code, self.message).to_ascii_lowercase();
        ["insufficient_quota", "insufficient credit", "used all available credits", "billing"]
            .iter()
            .any(|w| said.contains(w))
    }

    pub(super) fn is_about_key(&self) -> bool {
        let said = format!("{} {}", self.code, self.message).to_ascii_lowercase();
        said.contains("api key") || said.contains("api_key")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_completion_is_read_in_the_forms_that_servers_use() {
        let read = |choice: &str| {
            let json = format!("{{\"choices\":[{choice}]}}");
            serde_json::from_str::<Completion>(&json).unwrap().into_choice().unwrap()
        };
        let text = |text: &str, finish| (text.to_owned(), finish);
        assert_eq!(read(r#"{"message":{"content":"a"},"finish_reason":"stop"}"#), text("a", Finish::Stopped));
        assert_eq!(
            read(r#"{"message":{"content":[{"type":"text","text":"a"},{"text":"b"}]}}"#),
            text("ab", Finish::Unknown)
        );
        assert_eq!(read(r#"{"message":{"content":null},"finish_reason":"length"}"#), text("", Finish::Cut));
        assert_eq!(
            read(r#"{"message":{"content":null,"refusal":"no"},"finish_reason":"stop"}"#),
            text("", Finish::Filtered)
        );
    }

    #[test]
    fn a_complaint_is_read_in_the_forms_that_servers_use() {
        for (body, message) in [
            (r#"{"error":{"message":"m","code":"c"}}"#, "m"),
            (r#"{"error":"m","code":"c"}"#, "m"),
            (r#"{"message":"m"}"#, "m"),
            ("  m\n", "m"),
            (r#"{"detail":"m"}"#, r#"{"detail":"m"}"#),
        ] {
            assert_eq!(Complaint::read(body.as_bytes()).message, message);
        }
        assert!(Complaint::read(br#"{"error":{"message":"m","code":"insufficient_quota"}}"#).is_about_credit());
        assert!(Complaint::read(br#"{"error":"Incorrect API key provided","code":"invalid"}"#).is_about_key());
        assert!(!Complaint::read(&[0xff; 5_000]).is_about_key());
    }
}
