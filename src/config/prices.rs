//! What a model's tokens cost: as written under `[llm.prices]`, else nothing for the user's own model, else what its provider has published.
//! A price that is not known is not guessed.

use super::{Llm, Price, ProviderKind};

/// The model has no price, so the worst case of a request cannot be reserved. The text holds the lines to add.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "the price of the model {model:?} is not known, so it is not asked; add to config.toml, with the provider's prices in dollars for a \
     million tokens:\n\n[llm.prices.{model:?}]\ninput_usd_per_m = 0.00\ncached_input_usd_per_m = 0.00\noutput_usd_per_m = 0.00\n"
)]
pub struct UnknownPrice {
    pub model: String,
}

/// Prices of one provider's models, as its own pages had them at a date.
struct Published {
    provider: ProviderKind,
    /// In lower case, `.` as `-`: a provider's aliases differ in that.
    models: &'static [&'static str],
    price: Price,
    /// Longest prompts that cost this, in tokens; longer ones cost more.
    up_to_tokens: Option<u64>,
}

/// Prices in nano-dollars for a million tokens; what is written into the cache costs as much as what is read, but for Anthropic.
const fn chat(input: u64, cached_input: u64, output: u64) -> Price {
    Price { input, cached_input, cache_write: input, output }
}

/// - xAI, docs.x.ai/developers/models, January 2026: $0.20, $0.05 cached, $0.50, for prompts of up to 128,000 tokens.
/// - OpenAI, developers.openai.com/api/docs/models/gpt-5-nano and …/gpt-5.4-nano, 2026: $0.05, $0.005 cached, $0.40; $0.20, $0.02 cached,
///   $1.25. Processing in one region costs 10 % more there: then the price has to be written.
/// - Anthropic, platform.claude.com/docs/en/models/haiku-5-5/overview, October 2026: Haiku 5.5 $0.10, $0.01 cached, $0.125 for what is put
///   into the cache, $0.50, for prompts of up to 100,000 tokens; platform.claude.com/docs/en/about-claude/pricing, 2026: Opus 5, 4.8, 4.7,
///   4.6 and 4.5 $5, $0.50, $6.25, $25. Not tried live.
///
/// Google, Mistral and OpenRouter: no page of theirs with prices was read, so a price has to be written.
const PUBLISHED: &[Published] = &[
    Published {
        provider: ProviderKind::Xai,
        models: &[
            "grok-4-1-fast",
            "grok-4-1-fast-latest",
            "grok-4-1-fast-reasoning",
            "grok-4-1-fast-reasoning-latest",
            "grok-4-1-fast-non-reasoning",
            "grok-4-1-fast-non-reasoning-latest",
        ],
        price: chat(200_000_000, 50_000_000, 500_000_000),
        up_to_tokens: Some(128_000),
    },
    Published {
        provider: ProviderKind::OpenAi,
        models: &["gpt-5-nano", "gpt-5-nano-2025-08-07"],
        price: chat(50_000_000, 5_000_000, 400_000_000),
        up_to_tokens: None,
    },
    Published {
        provider: ProviderKind::OpenAi,
        models: &["gpt-5-4-nano"],
        price: chat(200_000_000, 20_000_000, 1_250_000_000),
        up_to_tokens: None,
    },
    Published {
        provider: ProviderKind::Anthropic,
        models: &["claude-haiku-5-5"],
        price: Price { input: 100_000_000, cached_input: 10_000_000, cache_write: 125_000_000, output: 500_000_000 },
        up_to_tokens: Some(100_000),
    },
    Published {
        provider: ProviderKind::Anthropic,
        models: &["claude-opus-5", "claude-opus-4-8", "claude-opus-4-7", "claude-opus-4-6", "claude-opus-4-5"],
        price: Price {
            input: 5_000_000_000,
            cached_input: 500_000_000,
            cache_write: 6_250_000_000,
            output: 25_000_000_000,
        },
        up_to_tokens: None,
    },
];

impl Price {
    /// The price of what goes in a batch at a provider. Parts of a nano-dollar for a million tokens are rounded up.
    pub fn batched(self, provider: ProviderKind) -> Self {
        let percent = provider.batch_percent().unwrap_or(100);
        let part = |price: u64| price.saturating_mul(percent).div_ceil(100);
        Self {
            input: part(self.input),
            cached_input: part(self.cached_input),
            cache_write: part(self.cache_write),
            output: part(self.output),
        }
    }
}

impl Llm {
    /// Price of the configured model's tokens.
    ///
    /// # Errors
    /// If it is neither written nor published for prompts of this length nor is it the user's own model.
    pub fn price(&self) -> Result<Price, UnknownPrice> {
        let model = self.model.clone().unwrap_or_default();
        if let Some(written) = self.prices.get(&model) {
            return Ok(*written);
        }
        if matches!(self.provider, ProviderKind::Ollama | ProviderKind::LlamaServer) {
            return Ok(chat(0, 0, 0));
        }
        let name = model.to_ascii_lowercase().replace('.', "-");
        // A token stands for a byte at least.
        let most_tokens = (self.max_input_bytes + self.max_context_bytes) as u64;
        let of_model = |row: &&Published| {
            row.provider == self.provider
                && row.models.contains(&name.as_str())
                && row.up_to_tokens.is_none_or(|up_to| most_tokens < up_to)
        };
        PUBLISHED.iter().find(of_model).map(|row| row.price).ok_or(UnknownPrice { model })
    }
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;
    use crate::config::Config;

    fn llm(text: &str) -> Llm {
        Config::parse(Path::new("config.toml"), text, Path::new("/h")).unwrap().llm
    }

    #[test]
    fn a_written_price_comes_first_then_ones_own_then_the_published() {
        let grok = "[llm]\nprovider = \"xai\"\nmodel = \"grok-4.1-fast\"\n";
        assert_eq!(llm(grok).price().unwrap(), PUBLISHED[0].price);
        let written = "[llm.prices.\"grok-4.1-fast\"]\ninput_usd_per_m = 9\noutput_usd_per_m = 10\n";
        assert_eq!(llm(&format!("{grok}{written}")).price().unwrap().input, 9_000_000_000);
        for own in ["ollama", "llama-server"] {
            let text = format!("[llm]\nprovider = \"{own}\"\nmodel = \"gemma\"\n");
            assert_eq!(llm(&text).price().unwrap(), chat(0, 0, 0));
        }
    }

    #[test]
    fn a_model_is_not_taken_for_another_or_another_providers() {
        for (provider, model) in
            [("xai", "grok-4.1-fast-ultra"), ("xai", "grok-4"), ("openai", "grok-4-1-fast"), ("custom", "gpt-5-nano")]
        {
            let text = format!("[llm]\nprovider = \"{provider}\"\nbase_url = \"http://h/v1\"\nmodel = \"{model}\"\n");
            assert!(llm(&text).price().is_err(), "{provider} {model}");
        }
    }

    #[test]
    fn what_anthropic_puts_into_its_cache_costs_a_quarter_more() {
        let claude = "[llm]\nprovider = \"anthropic\"\nmodel = \"claude-haiku-5.5\"\n";
        let published = llm(claude).price().unwrap();
        assert_eq!(
            (published.cache_write, published.batched(ProviderKind::Anthropic).cache_write),
            (125_000_000, 62_500_000)
        );
        let own = "[llm]\nprovider = \"anthropic\"\nmodel = \"m\"\n[llm.prices.m]\ninput_usd_per_m = 4\noutput_usd_per_m = 5\n";
        assert_eq!(llm(own).price().unwrap().cache_write, 5_000_000_000);
        let written = format!("{own}cache_write_usd_per_m = 8\n");
        assert_eq!(llm(&written).price().unwrap().cache_write, 8_000_000_000);
        let of_chat = own.replace("anthropic", "mistral");
        assert_eq!(llm(&of_chat).price().unwrap().cache_write, 4_000_000_000);
    }

    #[test]
    fn a_price_for_short_prompts_is_none_for_long_ones() {
        let grok = "[llm]\nprovider = \"xai\"\nmax_input_bytes = 500000\n";
        assert!(llm(grok).price().is_err());
    }

    #[test]
    fn the_lines_to_add_are_toml_that_prices_the_model() {
        let text = "[llm]\nprovider = \"custom\"\nbase_url = \"http://h/v1\"\nmodel = \"org/new \\\"model\\\" 1.5\"\n";
        let message = llm(text).price().unwrap_err().to_string();
        let lines = &message[message.find('[').unwrap()..];
        let priced = llm(&format!("{text}{}", lines.replace("0.00", "1.50")));
        assert_eq!(priced.price().unwrap().output, 1_500_000_000, "{message}");
    }
}
