//! Who answers, by name: where each provider is asked, in which family of APIs, and what it offers.

/// Who answers remote analyses.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ProviderKind {
    None,
    Xai,
    OpenAi,
    Anthropic,
    Gemini,
    Mistral,
    OpenRouter,
    Ollama,
    LlamaServer,
    Custom,
}

/// Families of APIs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ApiFamily {
    /// OpenAI's Chat Completions, and what calls itself compatible with it.
    ChatCompletions,
    /// Anthropic's Messages.
    Messages,
}

impl ApiFamily {
    pub(super) const NAMES: [&str; 2] = ["chat-completions", "messages"];

    pub(super) fn parse(name: &str) -> Option<Self> {
        match name {
            "chat-completions" => Some(Self::ChatCompletions),
            "messages" => Some(Self::Messages),
            _ => None,
        }
    }
}

impl ApiFamily {
    /// The price of input that is put into the cache, where it is not written: Anthropic bills a quarter more ("Prompt caching",
    /// "Pricing"), for five minutes; others nothing more.
    pub(super) const fn cache_write(self, input: u64) -> u64 {
        match self {
            Self::ChatCompletions => input,
            Self::Messages => input.saturating_add(input.div_ceil(4)),
        }
    }
}

/// What a provider's name stands for.
struct Preset {
    kind: ProviderKind,
    /// As it is written in the configuration; part of the id under which a model's analyses are kept.
    name: &'static str,
    /// Root of the API: as each provider documents it, the local ones at their default ports.
    base_url: Option<&'static str>,
    api: ApiFamily,
    /// What is asked where only the provider is written.
    default_model: Option<&'static str>,
    api_key_env: Option<&'static str>,
    /// What a batch costs, in hundredths of the price; `None`: the provider takes none.
    batch_percent: Option<u64>,
}

const NOTHING: Preset = Preset {
    kind: ProviderKind::None,
    name: "none",
    base_url: None,
    api: ApiFamily::ChatCompletions,
    default_model: None,
    api_key_env: None,
    batch_percent: None,
};

/// OpenAI ("Batch API") and Anthropic ("Batch processing") have half the price. xAI has 20 to 50 % off, by model: 20 % on the page of
/// grok-4.20 (docs.x.ai/developers/models, 2026), "50% off" on an earlier page on batches. The least of these is booked, for the ledger must
/// not be below the bill.
const XAI_BATCH_PERCENT: u64 = 80;

/// Of these only xAI and the local ones were tried live.
const PRESETS: [Preset; 10] = [
    NOTHING,
    Preset {
        kind: ProviderKind::Xai,
        name: "xai",
        base_url: Some("https://api.x.ai/v1"),
        // the variant of Grok 4.1 Fast that spends nothing on reasoning
        default_model: Some("grok-4-1-fast-non-reasoning"),
        api_key_env: Some("XAI_API_KEY"),
        batch_percent: Some(XAI_BATCH_PERCENT),
        ..NOTHING
    },
    Preset {
        kind: ProviderKind::OpenAi,
        name: "openai",
        base_url: Some("https://api.openai.com/v1"),
        api_key_env: Some("OPENAI_API_KEY"),
        batch_percent: Some(50),
        ..NOTHING
    },
    Preset {
        kind: ProviderKind::Anthropic,
        name: "anthropic",
        base_url: Some("https://api.anthropic.com/v1"),
        api: ApiFamily::Messages,
        api_key_env: Some("ANTHROPIC_API_KEY"),
        batch_percent: Some(50),
        ..NOTHING
    },
    Preset {
        kind: ProviderKind::Gemini,
        name: "gemini",
        base_url: Some("https://generativelanguage.googleapis.com/v1beta/openai"),
        api_key_env: Some("GEMINI_API_KEY"),
        ..NOTHING
    },
    Preset {
        kind: ProviderKind::Mistral,
        name: "mistral",
        base_url: Some("https://api.mistral.ai/v1"),
        api_key_env: Some("MISTRAL_API_KEY"),
        ..NOTHING
    },
    Preset {
        kind: ProviderKind::OpenRouter,
        name: "openrouter",
        base_url: Some("https://openrouter.ai/api/v1"),
        api_key_env: Some("OPENROUTER_API_KEY"),
        ..NOTHING
    },
    Preset { kind: ProviderKind::Ollama, name: "ollama", base_url: Some("http://127.0.0.1:11434/v1"), ..NOTHING },
    Preset {
        kind: ProviderKind::LlamaServer,
        name: "llama-server",
        base_url: Some("http://127.0.0.1:8080/v1"),
        ..NOTHING
    },
    Preset { kind: ProviderKind::Custom, name: "custom", ..NOTHING },
];

impl ProviderKind {
    pub(super) fn names() -> [&'static str; PRESETS.len()] {
        PRESETS.each_ref().map(|preset| preset.name)
    }

    pub(super) fn parse(name: &str) -> Option<Self> {
        PRESETS.iter().find(|preset| preset.name == name).map(|preset| preset.kind)
    }

    fn preset(self) -> &'static Preset {
        PRESETS.iter().find(|preset| preset.kind == self).unwrap_or(&NOTHING)
    }

    pub fn as_str(self) -> &'static str {
        self.preset().name
    }

    pub(super) fn base_url(self) -> Option<&'static str> {
        self.preset().base_url
    }

    pub(super) fn api(self) -> ApiFamily {
        self.preset().api
    }

    pub(super) fn default_model(self) -> Option<&'static str> {
        self.preset().default_model
    }

    pub(super) fn api_key_env(self) -> Option<&'static str> {
        self.preset().api_key_env
    }

    /// Whether the provider takes batches, which cost less.
    pub fn has_batches(self) -> bool {
        self.batch_percent().is_some()
    }

    /// What a batch costs, in hundredths of the price; `None`: the provider takes none.
    pub fn batch_percent(self) -> Option<u64> {
        self.preset().batch_percent
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_provider_is_found_by_its_name() {
        for preset in &PRESETS {
            assert_eq!(ProviderKind::parse(preset.name), Some(preset.kind));
            assert_eq!(preset.kind.as_str(), preset.name);
        }
        assert_eq!(ProviderKind::parse("acme"), None);
        for name in ApiFamily::NAMES {
            assert!(ApiFamily::parse(name).is_some());
        }
    }
}
