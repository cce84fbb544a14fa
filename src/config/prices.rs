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
}

/// - xAI, docs.x.ai/developers/models, January 2026: $0.20, $0.05 cached, $0.50. Prompts above 128,000 tokens cost more there; the agent's
///   are below that many *bytes*.
/// - OpenAI, developers.openai.com/api/docs/models/gpt-5-nano and …/gpt-5.4-nano, 2026: $0.05, $0.005 cached, $0.40; $0.20, $0.02 cached,
///   $1.25. Processing in one region costs 10 % more there: then the price has to be written.
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
        price: Price { input: 200_000_000, cached_input: 50_000_000, output: 500_000_000 },
    },
    Published {
        provider: ProviderKind::OpenAi,
        models: &["gpt-5-nano", "gpt-5-nano-2025-08-07"],
        price: Price { input: 50_000_000, cached_input: 5_000_000, output: 400_000_000 },
    },
    Published {
        provider: ProviderKind::OpenAi,
        models: &["gpt-5-4-nano"],
        price: Price { input: 200_000_000, cached_input: 20_000_000, output: 1_250_000_000 },
    },
];

impl Llm {
    /// Price of the configured model's tokens.
    ///
    /// # Errors
    /// If it is neither written nor published nor is it the user's own model.
    pub fn price(&self) -> Result<Price, UnknownPrice> {
        let model = self.model.clone().unwrap_or_default();
        if let Some(written) = self.prices.get(&model) {
            return Ok(*written);
        }
        if matches!(self.provider, ProviderKind::Ollama | ProviderKind::LlamaServer) {
            return Ok(Price { input: 0, cached_input: 0, output: 0 });
        }
        let name = model.to_ascii_lowercase().replace('.', "-");
        let of_model = |row: &&Published| row.provider == self.provider && row.models.contains(&name.as_str());
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
            assert_eq!(llm(&text).price().unwrap(), Price { input: 0, cached_input: 0, output: 0 });
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
    fn the_lines_to_add_are_toml_that_prices_the_model() {
        let text = "[llm]\nprovider = \"custom\"\nbase_url = \"http://h/v1\"\nmodel = \"org/new \\\"model\\\" 1.5\"\n";
        let message = llm(text).price().unwrap_err().to_string();
        let lines = &message[message.find('[').unwrap()..];
        let priced = llm(&format!("{text}{}", lines.replace("0.00", "1.50")));
        assert_eq!(priced.price().unwrap().output, 1_500_000_000, "{message}");
    }
}
