//! Where a model is asked, from the configuration: address, key, model, how it wants to be spoken to.

use std::net::IpAddr;
use std::time::Duration;

use reqwest::Url;

use super::dialect::Dialect;
use super::key::{ApiKey, KeyError};
use crate::config::{ApiFamily, Llm, ProviderKind};

/// A server that does not accept a connection in this time is down.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);

#[derive(Debug, thiserror::Error)]
pub enum EndpointError {
    #[error("no model is configured; set [llm] provider and model in config.toml")]
    NotConfigured,
    #[error("[llm] base_url is not an address ({reason}); it looks like https://host/v1")]
    BadAddress { reason: String },
    #[error(
        "[llm] base_url has no TLS, and the key would cross the network in the clear; use https:// (http:// is for this machine alone)"
    )]
    KeyInTheClear,
    #[error("[llm] base_url holds a user name or password; put the key into api_key_env or api_key_file")]
    KeyInAddress,
    #[error(transparent)]
    Key(#[from] KeyError),
}

/// One model of one provider.
#[derive(Clone, Debug)]
pub struct Endpoint {
    /// Of the whole API; what is asked is below it.
    pub(super) base: Url,
    pub(super) family: ApiFamily,
    pub(super) url: Url,
    pub(super) key: Option<ApiKey>,
    pub(super) model: String,
    pub(super) max_output_tokens: u32,
    pub(super) connect_timeout: Duration,
    pub(super) timeout: Duration,
    pub(super) dialect: Dialect,
}

impl Endpoint {
    /// Reads the key from where the configuration says it is.
    ///
    /// # Errors
    /// If no model is configured, the address is none, or the key is missing, exposed or would be.
    pub fn of(llm: &Llm) -> Result<Self, EndpointError> {
        let (Some(base_url), Some(model)) = (&llm.base_url, &llm.model) else {
            return Err(EndpointError::NotConfigured);
        };
        let base = base(base_url, llm.api)?;
        let url = below(&base, llm.api.path());
        let key = key(llm)?;
        if key.is_some() && url.scheme() != "https" && !is_this_machine(&url) {
            return Err(EndpointError::KeyInTheClear);
        }
        Ok(Self {
            base,
            family: llm.api,
            url,
            key,
            model: model.clone(),
            max_output_tokens: llm.max_output_tokens,
            connect_timeout: CONNECT_TIMEOUT.min(llm.timeout),
            timeout: llm.timeout,
            dialect: Dialect::first_of(llm.provider, llm.api),
        })
    }

    /// Whether the model runs on this machine.
    pub fn is_local(&self) -> bool {
        is_this_machine(&self.url)
    }
}

fn key(llm: &Llm) -> Result<Option<ApiKey>, KeyError> {
    match (&llm.api_key_file, &llm.api_key_env) {
        (Some(path), _) => ApiKey::from_file(path).map(Some),
        (None, Some(variable)) => ApiKey::from_env(variable).map(Some),
        (None, None) => Ok(None),
    }
}

/// The address of the API. That of Messages is also written without its version, as its publisher's own programs want it.
fn base(base_url: &str, family: ApiFamily) -> Result<Url, EndpointError> {
    let mut url = Url::parse(base_url).map_err(|error| EndpointError::BadAddress { reason: error.to_string() })?;
    if !url.username().is_empty() || url.password().is_some() {
        return Err(EndpointError::KeyInAddress);
    }
    if family == ApiFamily::Messages && url.path().trim_end_matches('/').is_empty() {
        url.set_path("/v1");
    }
    Ok(url)
}

/// An address below that of an API.
pub(super) fn below(base: &Url, path: &str) -> Url {
    let mut url = base.clone();
    url.set_path(&format!("{}/{path}", base.path().trim_end_matches('/')));
    url
}

/// Whether an address is of this machine; what is no address is not.
pub fn is_local_address(address: &str) -> bool {
    Url::parse(address).is_ok_and(|url| is_this_machine(&url))
}

fn is_this_machine(url: &Url) -> bool {
    let host = url.host_str().unwrap_or_default().trim_matches(['[', ']']);
    host == "localhost" || host.parse::<IpAddr>().is_ok_and(|address| address.is_loopback())
}

impl Dialect {
    /// How each provider documents its API; what a server refuses is unlearned, see [`Dialect::adapted`].
    fn first_of(provider: ProviderKind, family: ApiFamily) -> Self {
        match (family, provider) {
            // Schemas are there for the newest models alone.
            (ApiFamily::Messages, _) => Self::in_words(),
            // docs.x.ai and platform.openai.com: `max_completion_tokens` bounds reasoning, too; `max_tokens` is deprecated
            (ApiFamily::ChatCompletions, ProviderKind::Xai | ProviderKind::OpenAi) => Self::new(true),
            (ApiFamily::ChatCompletions, ProviderKind::Ollama | ProviderKind::LlamaServer) => {
                Self::new(false).with_schemas_together()
            }
            (ApiFamily::ChatCompletions, _) => Self::new(false),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn endpoint(base_url: &str, key: bool) -> Result<Endpoint, EndpointError> {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("key");
        std::fs::write(&path, "secret-key").unwrap();
        std::fs::set_permissions(&path, std::os::unix::fs::PermissionsExt::from_mode(0o600)).unwrap();
        let mut llm = crate::config::Config::defaults(dir.path()).llm;
        (llm.base_url, llm.model) = (Some(base_url.to_owned()), Some("m".to_owned()));
        llm.api_key_file = key.then_some(path);
        Endpoint::of(&llm)
    }

    #[test]
    fn the_path_is_added_to_whatever_the_address_ends_in() {
        for base in ["https://h.example/v1", "https://h.example/v1/"] {
            assert_eq!(endpoint(base, true).unwrap().url.as_str(), "https://h.example/v1/chat/completions");
        }
    }

    #[test]
    fn messages_have_a_path_of_their_own_with_or_without_a_version() {
        for base in ["https://h.example", "https://h.example/", "https://h.example/v1", "https://h.example/v1/"] {
            let base = super::base(base, ApiFamily::Messages).unwrap();
            assert_eq!(below(&base, ApiFamily::Messages.path()).as_str(), "https://h.example/v1/messages");
        }
    }

    #[test]
    fn a_key_crosses_no_network_in_the_clear() {
        assert!(matches!(endpoint("http://h.example/v1", true), Err(EndpointError::KeyInTheClear)));
        assert!(matches!(endpoint("http://127.0.0.1.h.example/v1", true), Err(EndpointError::KeyInTheClear)));
        assert!(matches!(endpoint("https://u:p@h.example/v1", false), Err(EndpointError::KeyInAddress)));
        for here in ["http://127.0.0.1:1/v1", "http://[::1]:1/v1", "http://localhost/v1"] {
            assert!(endpoint(here, true).unwrap().is_local(), "{here}");
        }
        assert!(!endpoint("http://h.example/v1", false).unwrap().is_local());
    }

    #[test]
    fn what_is_no_address_is_refused() {
        for base in ["https://", "https://:80", "http://[::1"] {
            assert!(matches!(endpoint(base, false), Err(EndpointError::BadAddress { .. })), "{base}");
        }
    }
}
