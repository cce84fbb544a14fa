//! What a server says when it does not answer, whatever status it says it with.

use std::time::Duration;

use serde_json::Value;

use super::retry_after;

/// Codes that say that no money is left, as OpenAI, Anthropic, DeepSeek, OpenRouter and xAI give them.
const CREDIT_CODES: [&str; 7] = [
    "insufficient_quota",
    "insufficient_credits",
    "insufficient_balance",
    "credit_balance_too_low",
    "billing_hard_limit_reached",
    "billing_not_active",
    "payment_required",
];

/// The same in words. Those that servers also say of a limit a minute ("check your plan and billing", "exceeded your current quota")
/// are not among them: such a limit ends by itself.
const CREDIT_WORDS: [&str; 6] = [
    "insufficient credit",
    "insufficient balance",
    "insufficient funds",
    "used all available credits",
    "credit balance is too low",
    "out of credits",
];

/// What says that a limit is one of time, whatever code stands next to it.
const TIME_WORDS: [&str; 8] =
    ["per minute", "per second", "per hour", "per day", "try again in", "retry after", "requests/min", "tokens/min"];

/// The same, less certain.
const LIMIT_WORDS: [&str; 7] =
    ["rate limit", "rate_limit", "ratelimit", "too many requests", "slow down", "throttl", "resource_exhausted"];

/// How servers name the field with their words, where there is no `message`.
const MESSAGE_NAMES: [&str; 7] =
    ["message", "msg", "detail", "error_message", "error_msg", "error_description", "status_msg"];

/// What an error's body says, in the forms that servers use: `{"error": {"message", "code", "type"}}`, `{"error": "text"}`, a list of
/// such, an error in a choice or in a piece of a stream, text.
#[derive(Debug, Default)]
pub(super) struct Complaint {
    pub message: String,
    code: String,
    /// The status that an error in a reply of status 200 names.
    pub status: Option<u16>,
    /// How long the body asks to be left alone.
    pub retry_after: Option<Duration>,
    /// The body says itself that it is an error.
    pub is_error: bool,
    /// The error ended a turn that had begun.
    pub is_of_turn: bool,
}

impl Complaint {
    pub(super) fn read(body: &[u8]) -> Self {
        let text = || String::from_utf8_lossy(body.get(..1_000).unwrap_or(body)).trim().to_owned();
        let Some(value) = json(body) else { return Self { message: text(), ..Self::default() } };
        // Gemini's answers to errors are a list of one
        let value = value.as_array().and_then(|list| list.first()).unwrap_or(&value);
        let of_choice = value.pointer("/choices/0/error");
        let of_answer = ["error", "errors", "base_resp"].iter().filter_map(|name| value.get(name));
        let mut of_answer = of_answer.map(|error| error.as_array().and_then(|list| list.first()).unwrap_or(error));
        let error = of_answer.find(|error| error.is_object() || error.is_string());
        let (is_of_turn, error) = (error.is_none() && of_choice.is_some(), error.or(of_choice));
        let (is_error, error) = (error.is_some() || is_bare_error(value), error.unwrap_or(value));
        let message = MESSAGE_NAMES.iter().find_map(|name| error.get(name)?.as_str()).or_else(|| error.as_str());
        let field = |name: &str| error.get(name).or_else(|| value.get(name));
        let codes = ["code", "type", "status"].iter().filter_map(|name| field(name)?.as_str());
        // OpenRouter has what the model's own server said next to its own words
        let upstream = error.pointer("/metadata/raw").and_then(Value::as_str);
        let message = match (message, upstream) {
            (Some(message), Some(raw)) => format!("{message}: {raw}"),
            (Some(message), None) => message.to_owned(),
            (None, _) => text(),
        };
        Self {
            code: codes.collect::<Vec<_>>().join(" ").to_ascii_lowercase(),
            status: ["code", "status", "status_code", "statusCode"]
                .iter()
                .filter_map(|name| field(name))
                .find_map(status),
            retry_after: retry_delay(error),
            is_error,
            is_of_turn,
            message,
        }
    }

    /// Whether no money is left. A limit of requests or tokens in some time is none of money, whatever else the text says.
    pub(super) fn is_about_credit(&self) -> bool {
        let said = format!("{} {}", self.code, self.message).to_ascii_lowercase();
        if TIME_WORDS.iter().any(|word| said.contains(word)) {
            return false;
        }
        if CREDIT_CODES.iter().any(|code| said.contains(code)) {
            return true;
        }
        let is_limit = self.retry_after.is_some() || LIMIT_WORDS.iter().any(|word| said.contains(word));
        !is_limit && CREDIT_WORDS.iter().any(|word| said.contains(word))
    }

    pub(super) fn is_about_rate(&self) -> bool {
        let said = format!("{} {}", self.code, self.message).to_ascii_lowercase();
        TIME_WORDS.iter().chain(&LIMIT_WORDS).any(|word| said.contains(word))
    }

    pub(super) fn is_about_key(&self) -> bool {
        let said = format!("{} {}", self.code, self.message).to_ascii_lowercase();
        said.contains("api key") || said.contains("api_key")
    }
}

/// Whether an answer without the model's turn is an error as a whole: `{"detail": ".."}`, `{"code": 429, "msg": ".."}`.
fn is_bare_error(value: &Value) -> bool {
    let has = |name: &&str| value.get(name).is_some_and(Value::is_string);
    let has_turn = ["choices", "content", "completion"].iter().any(|name| value.get(name).is_some());
    !has_turn && MESSAGE_NAMES.iter().any(has)
}

/// A body, or the first piece of a stream that is an error.
fn json(body: &[u8]) -> Option<Value> {
    if let Ok(value) = serde_json::from_slice(body) {
        return Some(value);
    }
    let pieces = body.split(|byte| matches!(byte, b'\n' | b'\r'));
    let data = pieces.map(|line| line.strip_prefix(b"data:").unwrap_or(line));
    let mut values = data.filter_map(|piece| serde_json::from_slice::<Value>(piece).ok());
    values.find(|value| value.get("error").is_some() || value.pointer("/choices/0/error").is_some())
}

fn status(value: &Value) -> Option<u16> {
    let number = value.as_u64().or_else(|| value.as_str()?.parse().ok())?;
    u16::try_from(number).ok().filter(|status| (400..600).contains(status))
}

/// `retryDelay` among the details of an error (Google's `google.rpc.RetryInfo`), or `retry_after` in seconds.
fn retry_delay(error: &Value) -> Option<Duration> {
    let details = error.get("details").and_then(Value::as_array).into_iter().flatten();
    let mut delays = details.filter_map(|detail| detail.get("retryDelay")?.as_str());
    let named = || error.get("retry_after").or_else(|| error.pointer("/metadata/retry_after"));
    let delay = delays.next().map(str::to_owned).or_else(|| match named()? {
        Value::String(text) => Some(text.clone()),
        number => number.as_f64().map(|seconds| seconds.to_string()),
    })?;
    retry_after::bounded_span(&delay)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(body: &str) -> Complaint {
        Complaint::read(body.as_bytes())
    }

    #[test]
    fn a_complaint_is_read_in_the_forms_that_servers_use() {
        for (body, message) in [
            (r#"{"error":{"message":"m","code":"c"}}"#, "m"),
            (r#"{"error":"m","code":"c"}"#, "m"),
            (r#"{"message":"m"}"#, "m"),
            ("  m\n", "m"),
            (r#"{"detail":"m"}"#, "m"),
            (r#"{"detail":7}"#, r#"{"detail":7}"#),
            (r#"{"code":1302,"msg":"m","success":false}"#, "m"),
            (r#"{"success":false,"errors":[{"code":7009,"message":"m"}],"result":null}"#, "m"),
            (r#"{"errors":["m"]}"#, "m"),
            (r#"{"choices":null,"base_resp":{"status_code":1002,"status_msg":"m"}}"#, "m"),
            (r#"{"object":"error","message":"m","code":40001}"#, "m"),
            (r#"[{"error":{"message":"m","status":"RESOURCE_EXHAUSTED"}}]"#, "m"),
            (r#"{"choices":null,"error":{"message":"m"}}"#, "m"),
            (r#"{"choices":[{"error":{"message":"m"}}]}"#, "m"),
            ("data: {\"choices\":[]}\n\ndata: {\"error\":{\"message\":\"m\"}}\n\n", "m"),
            (r#"{"error":{"message":"m","metadata":{"raw":"r"}}}"#, "m: r"),
        ] {
            assert_eq!(read(body).message, message);
        }
        assert!(read(r#"{"error":"Incorrect API key provided","code":"invalid"}"#).is_about_key());
        assert!(!Complaint::read(&[0xff; 5_000]).is_about_key());
        let inside = read(r#"{"error":{"message":"m","code":429}}"#);
        assert_eq!((inside.status, inside.is_error), (Some(429), true));
        assert_eq!(read(r#"{"error":{"message":"m","code":"502"}}"#).status, Some(502));
        assert!(!read(r#"{"choices":null,"error":null}"#).is_error);
    }

    #[test]
    fn a_limit_of_time_is_never_a_want_of_money() {
        for body in [
            r#"{"error":{"message":"You exceeded your current quota, please check your plan and billing details.","code":"rate_limit_exceeded"}}"#,
            r#"{"error":{"message":"Rate limit reached: 3 requests per minute. Add a payment method to your billing account to raise it."}}"#,
            r#"[{"error":{"code":429,"message":"You exceeded your current quota, please check your plan and billing details","status":"RESOURCE_EXHAUSTED",
                "details":[{"@type":"type.googleapis.com/google.rpc.RetryInfo","retryDelay":"36s"}]}}]"#,
            r#"{"error":{"message":"Limit 3 requests per minute reached, add credits to raise it","code":"insufficient_quota"}}"#,
            r#"{"detail":"Insufficient credits for this burst. Retry after 2 seconds."}"#,
            r#"{"error":"Too many requests; buy credits or try again in 20s. Insufficient credits for a higher tier."}"#,
            "",
        ] {
            assert!(!read(body).is_about_credit(), "{body}");
        }
        for body in [
            r#"{"error":{"message":"You exceeded your current quota, please check your plan and billing details.","type":"insufficient_quota","code":"insufficient_quota"}}"#,
            r#"{"error":{"type":"invalid_request_error","message":"Your credit balance is too low to access the API."}}"#,
            r#"{"error":{"message":"Insufficient credits. Add more using https://example.org","code":402}}"#,
            r#"{"error":{"message":"Insufficient Balance","type":"unknown_error"}}"#,
            "The team has used all available credits",
        ] {
            assert!(read(body).is_about_credit(), "{body}");
        }
        let google = r#"{"error":{"details":[{"reason":"x"},{"retryDelay":"36.5s"}]}}"#;
        assert_eq!(read(google).retry_after, Some(Duration::from_millis(36_500)));
        assert_eq!(read(r#"{"error":{"retry_after":2}}"#).retry_after, Some(Duration::from_secs(2)));
    }
}
