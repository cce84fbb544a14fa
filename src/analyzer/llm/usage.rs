//! The tokens that a provider says it billed, and whether to believe it.

use crate::budget::Usage;

/// Most bytes of text that a token stands for, on the average over a whole prompt or reply. Byte-pair vocabularies have single
/// entries of up to 128 bytes (runs of blanks), but English prose comes to 4 to 5 bytes a token and indented code to 3 to 4; a mean
/// of 16 would take a text of nothing but such runs.
const MOST_BYTES_PER_TOKEN: u64 = 16;

/// Whether a usage without a reply can be true of a request with so many bytes of prompt text.
pub fn input_is_plausible(usage: &Usage, prompt_bytes: u64) -> bool {
    covers(usage.input, prompt_bytes) && usage.cached_input.saturating_add(usage.cache_written) <= usage.input
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
