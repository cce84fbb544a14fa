//! One request over the wire. Sends exactly once: no retry, no redirect, no second server.

use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use reqwest::header::{CONTENT_TYPE, HeaderMap, LOCATION};
use reqwest::redirect::Policy;
use reqwest::{RequestBuilder, Response, StatusCode, Url};

use super::complaint::Complaint;
use super::dialect::Dialect;
use super::endpoint::{Endpoint, below};
use super::family::{Completed, Said};
use super::outcome::{Answer, CallFailure, CallOutcome, FailureKind};
use super::prompt::Prompt;
use super::retry_after::{pause, retry_after};
use super::secrets;
use crate::clock;

/// Bytes of a reply besides its text: the frame, a reasoning text that some servers add.
const FRAME_BYTES: u64 = 256 * 1024;

/// Most bytes of JSON that one token of a reply can come to: a token of blanks or of escaped characters.
const MOST_BYTES_PER_TOKEN: u64 = 128;
/// How a message begins that says that the time was up.
pub(super) const UNFINISHED: &str = "no whole reply";

/// How long a connection is kept for the next request. Servers and the balancers before them close idle ones after a minute or so; a
/// request that crosses with such an end would look as if it had been lost half way, and be charged.
const KEPT_IDLE: Duration = Duration::from_secs(15);

/// Most bytes of an error's body that are read.
const ERROR_BYTES: u64 = 64 * 1024;

/// Longest message of a failure, in characters.
const LONGEST_MESSAGE: usize = 300;

/// What Anthropic answers in the place of 503 (its API reference, "Errors").
const OVERLOADED: u16 = 529;

/// Asks one model of one provider.
#[derive(Debug)]
pub struct Client {
    http: reqwest::Client,
    endpoint: Endpoint,
    dialect: Mutex<Dialect>,
}

/// A question as it will go over the wire.
#[derive(Clone, Debug)]
pub struct ModelRequest {
    body: String,
    prompt_bytes: u64,
    max_output_tokens: u32,
    dialect: Dialect,
}

impl ModelRequest {
    /// Size of the body in bytes: an upper bound of the prompt's tokens, because no byte-pair or unigram vocabulary makes more than
    /// one token of a byte.
    pub fn bytes(&self) -> u64 {
        self.body.len() as u64
    }

    pub(super) fn body(&self) -> &str {
        &self.body
    }

    /// Bytes of text in the prompt, for [`super::usage_is_plausible`].
    pub const fn prompt_bytes(&self) -> u64 {
        self.prompt_bytes
    }

    /// Most tokens of the reply: an answer's worth for each question.
    pub const fn max_output_tokens(&self) -> u32 {
        self.max_output_tokens
    }
}

impl Client {
    /// # Errors
    /// If the TLS library cannot be set up.
    #[expect(clippy::disallowed_methods, reason = "asks the provider")]
    pub fn new(endpoint: Endpoint) -> Result<Self, reqwest::Error> {
        // The first provider that a process installs stays; a second call says so, which is no error here.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let mut builder = reqwest::Client::builder()
            .connect_timeout(endpoint.connect_timeout)
            .timeout(endpoint.timeout)
            .pool_idle_timeout(KEPT_IDLE)
            .redirect(Policy::none())
            .retry(reqwest::retry::never())
            .user_agent(concat!("ra-agent/", env!("CARGO_PKG_VERSION")));
        if endpoint.is_local() {
            // what is for this machine goes to no proxy, whatever the environment says
            builder = builder.no_proxy();
        }
        let dialect = Mutex::new(endpoint.dialect);
        Ok(Self { http: builder.build()?, endpoint, dialect })
    }

    /// What will be sent for a question, to be reserved and then to be [sent](Self::send).
    pub fn request(&self, prompt: &Prompt) -> ModelRequest {
        let dialect = *self.dialect.lock().unwrap_or_else(PoisonError::into_inner);
        let questions = u32::try_from(prompt.parts().len()).unwrap_or(u32::MAX);
        let max_output_tokens = self.endpoint.max_output_tokens.saturating_mul(questions.max(1));
        let Endpoint { model, family, .. } = &self.endpoint;
        let body = family.body(dialect, model, max_output_tokens, prompt).to_string();
        let prompt_bytes = (prompt.instructions().len() + prompt.question().len()) as u64;
        ModelRequest { body, prompt_bytes, max_output_tokens, dialect }
    }

    /// Sends a request, once, and waits for what comes of it, for as long as the endpoint's time-out.
    pub async fn send(&self, request: ModelRequest) -> CallOutcome {
        match self.exchange(&request).await {
            Ok(answer) => {
                self.learn(request.dialect, request.dialect.proven());
                CallOutcome::Answered(answer)
            }
            Err(failure) => CallOutcome::Failed(failure),
        }
    }

    /// Whether the provider can be reached at all: its list of models is asked for without the key, which is free and, where it is refused,
    /// an answer as good as any. The status of that answer.
    ///
    /// # Errors
    /// If none comes in time; the innermost cause of it.
    pub async fn reach(&self, patience: Duration) -> Result<u16, String> {
        let url = below(&self.endpoint.base, "models");
        let answer = self.http.get(url).timeout(patience).send().await;
        answer.map(|answer| answer.status().as_u16()).map_err(|error| {
            let causes = std::iter::successors(Some(&error as &dyn std::error::Error), |error| error.source());
            causes.last().map_or_else(String::new, ToString::to_string)
        })
    }

    pub(super) const fn http(&self) -> &reqwest::Client {
        &self.http
    }

    pub(super) fn model(&self) -> &str {
        &self.endpoint.model
    }

    pub(super) const fn base(&self) -> &Url {
        &self.endpoint.base
    }

    /// Sends a request about something else than a question, with the key. Returns the body of the answer, at most so many bytes of it.
    pub(super) async fn carry(&self, request: RequestBuilder, most: u64) -> Result<Vec<u8>, CallFailure> {
        let request = self.endpoint.family.authorize(request, self.endpoint.key.as_ref());
        let response = request.send().await.map_err(|error| self.broken(&error))?;
        let (status, headers) = (response.status(), response.headers().clone());
        if !status.is_success() {
            let body = self.body(response, ERROR_BYTES).await.unwrap_or_default();
            return Err(self.refusal(&self.no_question(), status, &headers, Complaint::read(&body)));
        }
        self.body(response, most).await
    }

    /// Reads a reply that came in another way than as the answer to a request of its own.
    pub fn read_apart(&self, status: u16, body: &[u8]) -> Result<Answer, CallFailure> {
        let status = StatusCode::from_u16(status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
        if status.is_success() {
            return self.answer(&self.no_question(), &HeaderMap::new(), body);
        }
        Err(self.refusal(&self.no_question(), status, &HeaderMap::new(), Complaint::read(body)))
    }

    pub(super) fn plain_failure(&self, kind: FailureKind, message: &str) -> CallFailure {
        self.failure(kind, message, true)
    }

    fn no_question(&self) -> ModelRequest {
        let dialect = *self.dialect.lock().unwrap_or_else(PoisonError::into_inner);
        ModelRequest { body: String::new(), prompt_bytes: 0, max_output_tokens: 0, dialect }
    }

    async fn exchange(&self, request: &ModelRequest) -> Result<Answer, CallFailure> {
        let post = self.http.post(self.endpoint.url.clone()).header(CONTENT_TYPE, "application/json");
        let post = self.endpoint.family.authorize(post, self.endpoint.key.as_ref());
        let response = post.body(request.body.clone()).send().await.map_err(|error| self.broken(&error))?;
        let (status, headers) = (response.status(), response.headers().clone());
        if !status.is_success() {
            let body = self.body(response, ERROR_BYTES).await.unwrap_or_default();
            return Err(self.refusal(request, status, &headers, Complaint::read(&body)));
        }
        let most = FRAME_BYTES + u64::from(request.max_output_tokens) * MOST_BYTES_PER_TOKEN;
        let body = self.body(response, most).await?;
        self.answer(request, &headers, &body)
    }

    /// The body, at most so many bytes of it.
    async fn body(&self, mut response: Response, most: u64) -> Result<Vec<u8>, CallFailure> {
        let mut body = Vec::new();
        while let Some(bytes) = response.chunk().await.map_err(|error| self.broken(&error))? {
            if body.len() as u64 + bytes.len() as u64 > most {
                let message =
                    format!("the reply has more than {most} bytes, which no completion of this length can have");
                return Err(self.failure(FailureKind::TooLarge, &message, true));
            }
            body.extend_from_slice(&bytes);
        }
        Ok(body)
    }

    /// No answer at all, or half of one.
    fn broken(&self, error: &reqwest::Error) -> CallFailure {
        let causes = std::iter::successors(Some(error as &dyn std::error::Error), |error| error.source());
        let chain: Vec<String> = causes.map(ToString::to_string).collect();
        let chain = chain.join(": ");
        if error.is_connect() {
            return self.failure(FailureKind::NotConnected, &format!("no connection to the provider: {chain}"), false);
        }
        if error.is_timeout() {
            let waited = self.endpoint.timeout.as_secs_f32();
            return self.failure(FailureKind::TimedOut, &format!("{UNFINISHED} within {waited} s"), true);
        }
        self.failure(FailureKind::Reset, &format!("the exchange broke off: {chain}"), true)
    }

    /// An answer that says no.
    fn refusal(
        &self,
        request: &ModelRequest,
        status: StatusCode,
        headers: &HeaderMap,
        mut complaint: Complaint,
    ) -> CallFailure {
        complaint.retry_after = retry_after(headers, clock::now()).or(complaint.retry_after);
        let retry_after = complaint.retry_after;
        let kind = match status.as_u16() {
            300..=399 => FailureKind::Redirected,
            401 => FailureKind::Unauthorized,
            404 | 405 | 410 => FailureKind::NotFound,
            408 | 504 => FailureKind::TimedOut,
            402 | 403 | 429 if complaint.is_about_credit() => FailureKind::OutOfCredit,
            // Whatever the status: a limit of time ends by itself.
            402 | 403 if complaint.is_about_rate() => FailureKind::RateLimited { retry_after },
            402 => FailureKind::OutOfCredit,
            403 => FailureKind::Forbidden,
            425 | 429 => FailureKind::RateLimited { retry_after },
            // xAI answers a wrong key so
            400 if complaint.is_about_key() => FailureKind::Unauthorized,
            400 | 415 | 422 | 501 => self.adapt(request.dialect, &complaint.message),
            500..=599 => FailureKind::Outage { status: status.as_u16(), retry_after },
            _ => FailureKind::Rejected,
        };
        let target = match (kind, headers.get(LOCATION).and_then(|location| location.to_str().ok())) {
            (FailureKind::Redirected, Some(location)) => format!(" to {location}"),
            _ => String::new(),
        };
        let message = format!("the provider answers {}{target}: {}", status.as_u16(), complaint.message);
        self.failure(kind, &message, may_be_billed(status))
    }

    /// A reply of status 200 in which the model has no turn, or none that ended: an error in its body is that error.
    fn no_turn(&self, request: &ModelRequest, headers: &HeaderMap, body: &[u8], has_begun: bool) -> CallFailure {
        let complaint = Complaint::read(body);
        let by_words = if complaint.is_about_credit() { Some(402) } else { complaint.is_about_rate().then_some(429) };
        let said = complaint.status.or(by_words);
        match said.and_then(|status| StatusCode::from_u16(status).ok()).filter(|_| complaint.is_error) {
            Some(status) => {
                let (is_begun, message) = (complaint.is_of_turn || has_begun, &complaint.message);
                let message = format!("the provider answers 200 with an error {} inside: {message}", status.as_u16());
                let failure = self.refusal(request, status, headers, complaint);
                self.failure(failure.kind, &message, failure.may_be_billed || is_begun)
            }
            None => {
                let message = format!("the reply is no completion: {}", complaint.message);
                self.failure(FailureKind::Garbage, &message, true)
            }
        }
    }

    /// What a refused request teaches about the server.
    fn adapt(&self, used: Dialect, message: &str) -> FailureKind {
        match used.adapted(message) {
            Some(adapted) => {
                self.learn(used, adapted);
                FailureKind::Adapted
            }
            None => FailureKind::Rejected,
        }
    }

    /// Takes up another dialect, unless a request at the same time has taught one already.
    fn learn(&self, used: Dialect, learnt: Dialect) {
        let mut dialect = self.dialect.lock().unwrap_or_else(PoisonError::into_inner);
        if *dialect == used {
            *dialect = learnt;
        }
    }

    fn answer(&self, request: &ModelRequest, headers: &HeaderMap, body: &[u8]) -> Result<Answer, CallFailure> {
        let Completed { said, usage, model, has_begun } = self.endpoint.family.read(body).map_err(|error| {
            let said = Complaint::read(body).message;
            self.failure(FailureKind::Garbage, &format!("the reply is no completion ({error}): {said}"), true)
        })?;
        let Some(Said { text, finish }) = said else {
            return Err(CallFailure { usage, ..self.no_turn(request, headers, body, has_begun) });
        };
        Ok(Answer {
            finish,
            usage,
            prompt_bytes: request.prompt_bytes,
            reply_bytes: text.len() as u64,
            model: model.as_deref().map(shortened),
            pause: pause(headers),
            text,
        })
    }

    /// A failure whose message holds neither the key nor anything else that looks like one, in one line.
    fn failure(&self, kind: FailureKind, message: &str, may_be_billed: bool) -> CallFailure {
        let masked = self.endpoint.key.as_ref().map_or_else(|| message.to_owned(), |key| key.mask(message));
        let plain: String =
            secrets::redact(&masked).text.chars().map(|c| if c.is_control() { ' ' } else { c }).collect();
        CallFailure { kind, message: shortened(plain.trim()), may_be_billed, usage: None }
    }
}

/// A status that says who is at fault says that nothing was made: 4xx, the request (RFC 9110 section 15.5); 503, the server could not
/// take it up (15.6.4); 3xx, it is to be asked elsewhere. 408 and other 5xx, gateways' among them, leave it open.
fn may_be_billed(status: StatusCode) -> bool {
    let is_not_taken_up = status == StatusCode::SERVICE_UNAVAILABLE || status.as_u16() == OVERLOADED;
    status == StatusCode::REQUEST_TIMEOUT || (status.is_server_error() && !is_not_taken_up)
}

fn shortened(text: &str) -> String {
    match text.char_indices().nth(LONGEST_MESSAGE) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None => text.to_owned(),
    }
}
