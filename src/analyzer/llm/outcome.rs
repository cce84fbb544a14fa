//! What came of one request: an answer, or a failure that says what to do next and whether it may have cost something.

use std::time::Duration;

use crate::budget::Usage;

/// What came of one request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum CallOutcome {
    Answered(Answer),
    Failed(CallFailure),
}

/// A completion.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Answer {
    pub text: String,
    pub finish: Finish,
    /// `None`: the server reports none.
    pub usage: Option<Usage>,
    /// Text of the prompt and of the reply in bytes, for [`super::usage_is_plausible`].
    pub prompt_bytes: u64,
    pub reply_bytes: u64,
    /// The model that answered, as the server names it.
    pub model: Option<String>,
    /// How long the server wants no further request, by its rate-limit headers.
    pub pause: Option<Duration>,
}

/// Why a model stopped.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Finish {
    Stopped,
    /// At the limit of its length: the reply is not whole.
    Cut,
    /// A filter of the provider stopped it, or it refused.
    Filtered,
    /// The server does not say.
    Unknown,
}

/// A request without an answer.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct CallFailure {
    pub kind: FailureKind,
    /// What happened, in one bounded line, without the key.
    pub message: String,
    /// Whether the provider can have made a completion and billed it. False only where no byte of the request was sent, or the
    /// server said that it did not do it.
    pub may_be_billed: bool,
    /// What the server says that it billed all the same.
    pub usage: Option<Usage>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FailureKind {
    /// No connection: refused, no such host, no TLS.
    NotConnected,
    RateLimited {
        /// As the server says.
        retry_after: Option<Duration>,
    },
    /// The key is not accepted.
    Unauthorized,
    /// The key may not do this.
    Forbidden,
    /// No credit is left at the provider.
    OutOfCredit,
    /// No such model or no such address.
    NotFound,
    /// The server points elsewhere; a key is not carried to where an answer points.
    Redirected,
    /// The server refused how it was asked; the next request is put another way.
    Adapted,
    /// The server refuses this request, and would refuse it again.
    Rejected,
    /// 5xx.
    Outage {
        status: u16,
        retry_after: Option<Duration>,
    },
    TimedOut,
    /// The connection broke after the request was sent.
    Reset,
    /// The reply is larger than any completion can be.
    TooLarge,
    /// The reply is no completion.
    Garbage,
}

/// What to do after a failure.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NextStep {
    /// Ask again at once, with a reservation of its own.
    AskAgain,
    /// Ask again later: the server's own words if there are any, else by [`super::backoff`]. Counts as an attempt; says nothing
    /// about the server's health.
    Wait(Option<Duration>),
    /// As `Wait`, and report it to the [`super::Breaker`].
    Outage(Option<Duration>),
    /// Nothing will work until the user has done something: park all, and report what.
    Park,
    /// This question will never be answered.
    Discard,
}

impl FailureKind {
    pub const fn next_step(self) -> NextStep {
        match self {
            Self::Adapted => NextStep::AskAgain,
            Self::RateLimited { retry_after } => NextStep::Wait(retry_after),
            Self::Outage { retry_after, .. } => NextStep::Outage(retry_after),
            Self::NotConnected | Self::TimedOut | Self::Reset | Self::TooLarge | Self::Garbage => {
                NextStep::Outage(None)
            }
            Self::Unauthorized | Self::Forbidden | Self::OutOfCredit | Self::NotFound | Self::Redirected => {
                NextStep::Park
            }
            Self::Rejected => NextStep::Discard,
        }
    }

    /// What the user can do about it, where there is something.
    pub const fn remedy(self) -> Option<&'static str> {
        match self {
            Self::Unauthorized => {
                Some("the provider does not accept the key: correct [llm] api_key_env or api_key_file")
            }
            Self::Forbidden => {
                Some("the provider refuses this key that model: check the account, or choose another [llm] model")
            }
            Self::OutOfCredit => Some("no credit is left at the provider: add some there"),
            Self::NotFound => Some("there is no such model or address: correct [llm] model or base_url"),
            Self::Redirected => {
                Some("the server points to another address: write that one into [llm] base_url if you trust it")
            }
            Self::Rejected => {
                Some("the server rejects the request; if it is too long for the model, lower [llm] max_input_bytes")
            }
            Self::NotConnected => Some("check the network and [llm] base_url"),
            _ => None,
        }
    }
}
