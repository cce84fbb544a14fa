//! What tokens cost: integer arithmetic, rounded up. Pure.

use crate::config::Price;

/// Nano-dollars in a dollar.
pub const NANO: f64 = 1e9;

/// Tokens that a provider may count on top of those of the request's bytes: the marks of the chat format (OpenAI's cookbook, "How to count
/// tokens", counts 3 to 4 a message and 3 for the reply's beginning) and the "additional formatting tokens" of which xAI's page
/// "Consumption and Rate Limits" speaks without a number. A hundred and more times the former.
pub const REQUEST_OVERHEAD_TOKENS: u64 = 512;

/// Tokens in a million, the unit of prices.
const MILLION: u128 = 1_000_000;

/// Tokens as a provider bills them.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Usage {
    /// All tokens read, cached ones included.
    pub input: u64,
    /// Those of `input` that were read from the provider's cache.
    pub cached_input: u64,
    /// Those of `input` that were written into it, where that is billed.
    pub cache_written: u64,
    /// All tokens billed as output, those of reasoning included. OpenAI's `completion_tokens` hold them; where a provider counts them
    /// separately (xAI), the reader of the reply adds them.
    pub output: u64,
    /// Those of `output` that were spent on reasoning; shown, never added.
    pub reasoning: u64,
}

impl Usage {
    /// Whether it can be that of an answer: none is made of nothing, and none has no end.
    pub const fn is_credible(&self) -> bool {
        self.input > 0 && self.output > 0
    }
}

/// Cost of a usage in nano-dollars, the sum rounded up. Parts that exceed their whole (more cached than read, more reasoning than
/// written) are billed in full, on top of nothing: never less than either says.
pub fn cost(price: &Price, usage: &Usage) -> u64 {
    let fresh = usage.input.saturating_sub(usage.cached_input).saturating_sub(usage.cache_written);
    let written = usage.output.max(usage.reasoning);
    total([
        (fresh, price.input),
        (usage.cached_input, price.cached_input),
        (usage.cache_written, price.cache_write),
        (written, price.output),
    ])
}

/// The most that a request can cost, in nano-dollars: every byte of its body a token, [`REQUEST_OVERHEAD_TOKENS`] on top, nothing cached (or
/// all, or all of it written into the cache, should that be dearer), and as much output as was allowed.
///
/// A token covers at least one byte of the text: byte-level BPE (Radford et al., "Language Models are Unsupervised Multitask Learners",
/// 2019, §2.2; used by OpenAI's tiktoken) merges bytes and never splits one, and SentencePiece with byte fallback (Kudo and Richardson,
/// 2018) falls back to single bytes. The body is longer than the text: it also holds the JSON around it. `max_output` bounds reasoning, too
/// (`max_completion_tokens` of the chat completions API).
pub fn worst_case(price: &Price, request_bytes: usize, max_output: u32) -> u64 {
    let input = (request_bytes as u64).saturating_add(REQUEST_OVERHEAD_TOKENS);
    let dearest = price.input.max(price.cached_input).max(price.cache_write);
    total([(input, dearest), (u64::from(max_output), price.output), (0, 0), (0, 0)])
}

/// The sum of tokens × price, rounded up to a nano-dollar; what a u64 cannot hold is the largest that it can.
fn total(parts: [(u64, u64); 4]) -> u64 {
    let sum = parts.iter().map(|&(tokens, price)| u128::from(tokens) * u128::from(price));
    let sum = sum.fold(0_u128, u128::saturating_add);
    u64::try_from(sum.div_ceil(MILLION)).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    const PRICE: Price =
        Price { input: 200_000_000, cached_input: 50_000_000, cache_write: 250_000_000, output: 500_000_000 };

    #[test]
    fn a_usage_costs_what_its_tokens_cost() {
        let usage = Usage { input: 1_000, cached_input: 400, cache_written: 100, output: 300, reasoning: 100 };
        assert_eq!(cost(&PRICE, &usage), 500 * 200 + 400 * 50 + 100 * 250 + 300 * 500);
        assert_eq!(cost(&PRICE, &Usage::default()), 0);
        assert_eq!(cost(&PRICE, &Usage { input: 1_000_000, ..Usage::default() }), 200_000_000, "$0.20 a million");
    }

    #[test]
    fn a_fraction_of_a_nano_dollar_is_rounded_up_once() {
        let price = Price { input: 1, cached_input: 1, cache_write: 1, output: 1 };
        let usage = |input, output| Usage { input, output, ..Usage::default() };
        assert_eq!(cost(&price, &usage(1, 0)), 1);
        assert_eq!(cost(&price, &usage(1, 1)), 1);
        assert_eq!(cost(&price, &usage(999_999, 1)), 1);
        assert_eq!(cost(&price, &usage(999_999, 2)), 2);
    }

    #[test]
    fn parts_that_exceed_their_whole_are_billed() {
        let lie = Usage { input: 10, cached_input: 1_000, cache_written: 7, output: 1, reasoning: 500 };
        assert_eq!(cost(&PRICE, &lie), 1_000 * 50 + 7 * 250 + 500 * 500);
    }

    #[test]
    fn the_worst_case_is_never_below_what_a_request_can_cost() {
        for (bytes, max_output) in [(0, 0), (1, 1), (48_000, 2_048), (1_000_000, 100_000)] {
            let worst = worst_case(&PRICE, bytes, max_output);
            for cached_input in [0, bytes as u64 / 2, bytes as u64] {
                let most = Usage {
                    input: bytes as u64 + REQUEST_OVERHEAD_TOKENS,
                    cached_input,
                    cache_written: bytes as u64 - cached_input,
                    output: u64::from(max_output),
                    reasoning: u64::from(max_output),
                };
                assert!(cost(&PRICE, &most) <= worst, "{bytes} {max_output} {cached_input}");
            }
        }
        let odd = Price { input: 1, cached_input: 9, cache_write: 1, output: 1 };
        let all_cached = Usage { input: 9_000_000, cached_input: 9_000_000, ..Usage::default() };
        assert!(cost(&odd, &all_cached) <= worst_case(&odd, 9_000_000, 0), "a cache that is dearer than reading");
    }

    #[test]
    fn huge_numbers_stay_the_largest_number() {
        let price = Price { input: u64::MAX, cached_input: u64::MAX, cache_write: u64::MAX, output: u64::MAX };
        let usage = Usage { input: u64::MAX, output: u64::MAX, ..Usage::default() };
        assert_eq!(cost(&price, &usage), u64::MAX);
        assert_eq!(worst_case(&price, usize::MAX, u32::MAX), u64::MAX);
    }
}
