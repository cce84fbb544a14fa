//! Asking a model: from a file to a [`Prompt`], over the wire, and from the reply to an [`crate::analyzer::Analysis`].
//!
//! These are parts; who drives them renders, reserves the worst case of [`ModelRequest::bytes`] in the ledger, waits at the [`Gate`], sends
//! **once**, and settles. Nothing here sends a second request by itself, so nothing leaves without a reservation. `prompt`, `context`,
//! `form`, `reply`, `usage`, `secrets`, `backoff` and `breaker` are pure.

mod backoff;
mod batch;
mod breaker;
mod client;
mod complaint;
mod context;
mod dialect;
mod embeddings;
mod endpoint;
mod excerpt;
mod family;
mod form;
mod gate;
mod key;
mod outcome;
mod pace;
mod prompt;
mod random;
mod reply;
mod retry_after;
pub mod secrets;
mod template;
mod usage;
mod withhold;

pub use backoff::backoff;
pub use batch::{BatchLine, BatchProgress, Batches, LARGEST_BATCH, LineOutcome, LineResult};
pub use breaker::{Breaker, Passage};
pub use client::{Client, ModelRequest};
pub use context::{FileContext, context};
pub use embeddings::{Embedded, EmbeddingsRequest};
pub use endpoint::{Endpoint, EndpointError, is_local_address};
pub use gate::{Gate, Pass};
pub use key::{ApiKey, KeyError};
pub use outcome::{Answer, CallFailure, CallOutcome, FailureKind, Finish, NextStep};
pub use pace::{Pace, Wait};
pub use prompt::{NothingToShow, Prompt, PromptPart, cut, render, render_parts, render_together, repair};
pub use random::random_unit;
pub use reply::{Malformed, PartReply, parse, parse_parts};
pub use template::{PromptError, Prompts};
pub use usage::{input_is_plausible, usage_is_plausible};
pub use withhold::{Withheld, is_sample, withheld_patterns};

use crate::config::Llm;
use crate::domain::Hash;

/// How much goes into one request and may come out of it; all that changes a result is in [`Limits::hash`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Most bytes of a file that are shown.
    pub max_input_bytes: usize,
    /// Most bytes of signatures that are shown with it.
    pub max_context_bytes: usize,
    /// Most tokens of a reply, those spent on reasoning included.
    pub max_output_tokens: u32,
}

impl Limits {
    pub const fn of(llm: &Llm) -> Self {
        Self {
            max_input_bytes: llm.max_input_bytes,
            max_context_bytes: llm.max_context_bytes,
            max_output_tokens: llm.max_output_tokens,
        }
    }

    /// How many lines of a text a model is shown.
    pub fn lines_of(&self, text: &str) -> u32 {
        let mut bytes = 0;
        let fits = |line: &&str| {
            bytes += line.len();
            bytes <= self.max_input_bytes
        };
        u32::try_from(text.split_inclusive('\n').take_while(fits).count()).unwrap_or(u32::MAX)
    }

    /// The config_hash of what a model answers. The room for signatures is not in it: what is shown of them is in the deps_hash.
    pub fn hash(&self) -> Hash {
        Hash::of_fields([&(self.max_input_bytes as u64).to_le_bytes()[..], &self.max_output_tokens.to_le_bytes()])
    }
}

/// The id under which a model's analyses are kept, `provider/model`; none: no model is to be asked.
pub fn model_id(llm: &Llm) -> Option<String> {
    llm.model.as_deref().filter(|_| llm.base_url.is_some()).map(|model| format!("{}/{model}", llm.provider.as_str()))
}
