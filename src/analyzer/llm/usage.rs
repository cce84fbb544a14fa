//! The tokens that a provider says it billed, and whether to believe it.

use serde::Deserialize;

use crate::budget::Usage;

/// The `usage` object of a chat completion.
#[derive(Clone, Copy, Debug, Default, Deserialize)]
pub(super) struct WireUsage {
    #[serde(default)]
    prompt_tokens: u64,
    #[serde(default)]
    completion_tokens: u64,
    #[serde(default)]
    total_tokens: u64,
    #[serde(default)]
    prompt_tokens_details: Option<PromptDetails>,
    #[serde(default)]
    completion_tokens_details: Option<CompletionDetails>,
}

#[derive(Clone, Copy, Debug, Default, Deserialize)]
struct PromptDetails {
    #[serde(default)]
    cached_tokens: Option<u64>,
}

#[derive(Clone, Copy, Debug, Default, Deserialize)]
struct CompletionDetails {
    #[serde(default)]
    reasoning_tokens: Option<u64>,
}

impl WireUsage {
    /// OpenAI counts reasoning inside `completion_tokens` (its API reference, "The chat completion object"); xAI next to it, and only
    /// in `total_tokens` (docs.x.ai, "Reasoning": prompt 32, completion 9, reasoning 94, total 135). So what was generated is what
    /// the total leaves after the prompt; where there is no total, or one that cannot be right, reasoning is added, which can only
    /// count too much.
    pub(super) fn billed(self) -> Usage {
        let reasoning = self.completion_tokens_details.and_then(|details| details.reasoning_tokens).unwrap_or(0);
        let output = match self.total_tokens.checked_sub(self.prompt_tokens) {
            Some(generated) if self.total_tokens > 0 => generated.max(self.completion_tokens).max(reasoning),
            _ => self.completion_tokens.saturating_add(reasoning),
        };
        let cached_input = self.prompt_tokens_details.and_then(|details| details.cached_tokens).unwrap_or(0);
        Usage { input: self.prompt_tokens, cached_input, output, reasoning }
    }
}

/// Most bytes of text that a token stands for, on the average over a whole prompt or reply. Byte-pair vocabularies have single
/// entries of up to 128 bytes (runs of blanks), but English prose comes to 4 to 5 bytes a token and indented code to 3 to 4; a mean
/// of 16 would take a text of nothing but such runs.
const MOST_BYTES_PER_TOKEN: u64 = 16;

/// Whether a usage without a reply can be true of a request with so many bytes of prompt text.
pub fn input_is_plausible(usage: &Usage, prompt_bytes: u64) -> bool {
    covers(usage.input, prompt_bytes) && usage.cached_input <= usage.input
}

fn covers(tokens: u64, bytes: u64) -> bool {
    tokens > 0 && tokens.saturating_mul(MOST_BYTES_PER_TOKEN) >= bytes
}

/// Whether a usage can be true of a request with so many bytes of prompt text and a reply with so many bytes of text. If not, the
/// reservation is what has to be charged: the provider's word is worth nothing then.
pub fn usage_is_plausible(usage: &Usage, prompt_bytes: u64, reply_bytes: u64) -> bool {
    input_is_plausible(usage, prompt_bytes) && covers(usage.output, reply_bytes) && usage.reasoning <= usage.output
}

#[cfg(test)]
mod tests {
    use super::*;

    fn billed(json: &str) -> Usage {
        serde_json::from_str::<WireUsage>(json).unwrap().billed()
    }

    #[test]
    fn reasoning_is_never_left_out_and_not_counted_twice() {
        let inside = r#"{"prompt_tokens":100,"completion_tokens":50,"total_tokens":150,
            "prompt_tokens_details":{"cached_tokens":40},"completion_tokens_details":{"reasoning_tokens":30}}"#;
        assert_eq!(billed(inside), Usage { input: 100, cached_input: 40, output: 50, reasoning: 30 });
        let separate = r#"{"prompt_tokens":32,"completion_tokens":9,"total_tokens":135,
            "completion_tokens_details":{"reasoning_tokens":94}}"#;
        assert_eq!(billed(separate), Usage { input: 32, cached_input: 0, output: 103, reasoning: 94 });
        let no_total =
            r#"{"prompt_tokens":32,"completion_tokens":9,"completion_tokens_details":{"reasoning_tokens":94}}"#;
        assert_eq!(billed(no_total).output, 103);
        assert_eq!(billed(r#"{"prompt_tokens":32,"completion_tokens":9,"total_tokens":5}"#).output, 9);
    }

    #[test]
    fn details_may_be_null_or_absent() {
        let usage = r#"{"prompt_tokens":3,"completion_tokens":2,"total_tokens":5,"prompt_tokens_details":null,
            "completion_tokens_details":{"reasoning_tokens":null}}"#;
        assert_eq!(billed(usage), Usage { input: 3, cached_input: 0, output: 2, reasoning: 0 });
        assert_eq!(billed("{}"), Usage::default());
    }

    #[test]
    fn what_is_too_little_for_the_text_is_not_believed() {
        let usage = |input, output| Usage { input, output, ..Usage::default() };
        assert!(usage_is_plausible(&usage(1_000, 100), 4_000, 400));
        assert!(!usage_is_plausible(&usage(0, 0), 4_000, 400));
        assert!(!usage_is_plausible(&usage(1, 100), 4_000, 400));
        assert!(!usage_is_plausible(&usage(1_000, 1), 4_000, 400));
        assert!(!usage_is_plausible(&usage(1_000, 0), 4_000, 0), "even an empty reply ends with a token");
        assert!(!usage_is_plausible(&Usage { cached_input: 1_001, ..usage(1_000, 100) }, 4_000, 400));
        assert!(usage_is_plausible(&usage(u64::MAX, u64::MAX), 4_000, 400), "too much is booked as it is");
    }
}
