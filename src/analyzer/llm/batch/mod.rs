//! Batches: many questions sent at once, answered within a day for less. One file a provider's API; none was tried live.
//!
//! A batch is found again by its token, so a crash between sending it and noting its name loses nothing.

mod anthropic;
mod openai;
mod xai;

use std::sync::Arc;
use std::time::Duration;

use reqwest::header::CONTENT_TYPE;
use reqwest::{RequestBuilder, Url};
use serde_json::Value;

use super::client::{Client, ModelRequest};
use super::endpoint::below;
use super::outcome::{Answer, CallFailure, FailureKind};
use super::prompt::Prompt;
use crate::config::ProviderKind;

/// Most bytes of one batch; providers take 100 to 256 MB.
pub const LARGEST_BATCH: u64 = 50_000_000;

/// Most bytes of a page of results that are read.
const RESULT_BYTES: u64 = 512 * 1024 * 1024;

/// Of one exchange that carries a batch or its results.
const PATIENCE: Duration = Duration::from_secs(600);

/// A request of a batch, by its name.
#[derive(Clone, Debug)]
pub struct BatchLine {
    pub name: String,
    pub request: ModelRequest,
}

/// How far a batch is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BatchProgress {
    Running,
    /// Nothing more is answered. `is_complete`: lines of which nothing is said may have been done.
    Ended {
        is_complete: bool,
    },
}

/// What came of a line.
#[derive(Clone, Debug)]
pub enum LineOutcome {
    Answered(Answer),
    /// It was not done, or its reply is none; as for a request that is sent alone.
    Failed(CallFailure),
    /// It was not done: the batch expired or was cancelled before.
    NotDone,
}

/// A line's name and what came of it.
pub type LineResult = (String, LineOutcome);

/// Whose batches these are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum BatchApi {
    OpenAi,
    Anthropic,
    Xai,
}

impl BatchApi {
    const fn of(provider: ProviderKind) -> Option<Self> {
        match provider {
            ProviderKind::OpenAi => Some(Self::OpenAi),
            ProviderKind::Anthropic => Some(Self::Anthropic),
            ProviderKind::Xai => Some(Self::Xai),
            _ => None,
        }
    }
}

/// Sends batches to one provider and fetches what came of them.
#[derive(Clone, Debug)]
pub struct Batches {
    client: Arc<Client>,
    api: BatchApi,
}

impl Batches {
    /// `None`: the provider has none.
    pub fn of(client: &Arc<Client>, provider: ProviderKind) -> Option<Self> {
        BatchApi::of(provider).map(|api| Self { client: client.clone(), api })
    }

    /// What will be sent for a question in a batch.
    pub fn request(&self, prompt: &Prompt) -> ModelRequest {
        self.client.request(prompt)
    }

    /// Sends a batch. `token`: by which it can be found. Returns its name at the provider.
    ///
    /// # Errors
    /// If it was not taken, or no answer came; then it may be there all the same.
    pub async fn send(&self, token: &str, lines: &[BatchLine]) -> Result<String, CallFailure> {
        match self.api {
            BatchApi::OpenAi => openai::send(self, token, lines).await,
            BatchApi::Anthropic => anthropic::send(self, lines).await,
            BatchApi::Xai => xai::send(self, token, lines).await,
        }
    }

    /// Finds a batch that was sent, and whose name was lost, by its token. `Ok(None)`: there is none.
    ///
    /// # Errors
    /// If the provider's list cannot be read.
    pub async fn find(&self, token: &str, lines: usize) -> Result<Option<String>, CallFailure> {
        match self.api {
            BatchApi::OpenAi => openai::find(self, token).await,
            BatchApi::Anthropic => anthropic::find(self, token, lines).await,
            BatchApi::Xai => xai::find(self, token, lines).await,
        }
    }

    /// How far a batch is, and what has come of its lines so far.
    ///
    /// # Errors
    /// If the provider cannot be asked, or does not know it.
    pub async fn fetch(&self, name: &str) -> Result<(BatchProgress, Vec<LineResult>), CallFailure> {
        match self.api {
            BatchApi::OpenAi => openai::fetch(self, name).await,
            BatchApi::Anthropic => anthropic::fetch(self, name).await,
            BatchApi::Xai => xai::fetch(self, name).await,
        }
    }

    /// Has no more lines of a batch done.
    ///
    /// # Errors
    /// If the provider cannot be asked, or refuses.
    pub async fn cancel(&self, name: &str) -> Result<(), CallFailure> {
        let path = match self.api {
            BatchApi::OpenAi => format!("batches/{name}/cancel"),
            BatchApi::Anthropic => format!("messages/batches/{name}/cancel"),
            BatchApi::Xai => format!("batches/{name}:cancel"),
        };
        self.post(&path, Value::Null).await.map(drop)
    }

    fn url(&self, path: &str) -> Url {
        let (path, query) = path.split_once('?').map_or((path, None), |(path, query)| (path, Some(query)));
        let mut url = below(self.client.base(), path);
        url.set_query(query);
        url
    }

    async fn get(&self, path: &str) -> Result<Value, CallFailure> {
        let body = self.get_bytes(self.url(path)).await?;
        self.json(&body)
    }

    async fn get_bytes(&self, url: Url) -> Result<Vec<u8>, CallFailure> {
        self.carry(self.client.http().get(url)).await
    }

    async fn post(&self, path: &str, body: Value) -> Result<Value, CallFailure> {
        let post = self.client.http().post(self.url(path)).header(CONTENT_TYPE, "application/json");
        let body = if body.is_null() { String::new() } else { body.to_string() };
        let body = self.carry(post.body(body)).await?;
        self.json(&body)
    }

    async fn carry(&self, request: RequestBuilder) -> Result<Vec<u8>, CallFailure> {
        self.client.carry(request.timeout(PATIENCE), RESULT_BYTES).await
    }

    fn json(&self, body: &[u8]) -> Result<Value, CallFailure> {
        serde_json::from_slice(body).map_err(|error| {
            self.client
                .plain_failure(FailureKind::Garbage, &format!("the provider's word on a batch is no JSON: {error}"))
        })
    }

    /// A field that has to be there.
    fn text<'v>(&self, value: &'v Value, field: &str) -> Result<&'v str, CallFailure> {
        value.get(field).and_then(Value::as_str).ok_or_else(|| {
            let message = format!("the provider's word on a batch has no `{field}`: {value}");
            self.client.plain_failure(FailureKind::Garbage, &message)
        })
    }

    /// What a reply of a line says, read as if it had come alone.
    fn outcome(&self, status: u16, body: &Value) -> LineOutcome {
        match self.client.read_apart(status, body.to_string().as_bytes()) {
            Ok(answer) => LineOutcome::Answered(answer),
            Err(failure) => LineOutcome::Failed(failure),
        }
    }

    /// A line that the provider says it has not done, in its words.
    fn refused(&self, error: &Value) -> LineOutcome {
        let message = format!("the provider did not do this line of a batch: {error}");
        LineOutcome::Failed(CallFailure {
            may_be_billed: false,
            ..self.client.plain_failure(FailureKind::Garbage, &message)
        })
    }
}

/// The lines of a text that are JSON.
fn json_lines(body: &[u8]) -> impl Iterator<Item = Value> {
    body.split(|byte| *byte == b'\n').filter_map(|line| serde_json::from_slice(line).ok())
}
