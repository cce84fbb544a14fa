//! A server in the place of a model in this program. It only makes requests and reads replies: who may be sent what, and what it costs, is
//! its caller's affair.

use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use tokio::runtime::Runtime;

use super::chosen::is_elsewhere;
use super::encoder::{EmbedError, Vector, normalized};
use crate::analyzer::llm::{
    CallFailure, Client, Embedded, EmbeddingsRequest, Endpoint, Gate, Pass, Wait, backoff, input_is_plausible,
    random_unit,
};
use crate::budget::{self, Charge, Usage};
use crate::config::{EmbeddingServer, Price};

/// Bytes of a text that are taken for a token when a request's pace is reckoned.
const BYTES_PER_TOKEN: u64 = 4;

/// One embedding model of one server.
pub struct ServerEmbedder {
    id: String,
    settings: EmbeddingServer,
    client: Client,
    /// Connections that are kept belong to it.
    runtime: Runtime,
    gate: Gate,
    price: Price,
    is_remote: bool,
    /// Of the first vector; all others have to be alike.
    dimensions: Mutex<Option<usize>>,
    /// Requests in a row that have failed.
    failures: AtomicU32,
}

impl ServerEmbedder {
    /// # Errors
    /// What a person has to fix, for people: no price is known, the key is missing, the address is none.
    pub fn new(settings: &EmbeddingServer) -> Result<Self, String> {
        let of_section = |error: &dyn std::error::Error| error.to_string().replace("[llm]", "[embedding]");
        let endpoint = Endpoint::of(&settings.llm).map_err(|error| of_section(&error))?;
        let is_remote = is_elsewhere(settings);
        let input = match settings.input_price {
            Some(price) => price,
            None if !is_remote => 0,
            None => {
                return Err(format!(
                    "the price of the embedding model {} is not known, so nothing is sent; add to [embedding] in config.toml \
                     `input_usd_per_m = 0.00` with the provider's price in dollars for a million tokens",
                    settings.id()
                ));
            }
        };
        let client = Client::new(endpoint).map_err(|error| of_section(&error))?;
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build();
        Ok(Self {
            runtime: runtime.map_err(|error| format!("no thread can be started: {error}"))?,
            id: settings.id(),
            gate: Gate::new(&settings.llm),
            price: Price { input, cached_input: input, cache_write: input, output: 0 },
            settings: settings.clone(),
            client,
            is_remote,
            dimensions: Mutex::default(),
            failures: AtomicU32::new(0),
        })
    }

    /// The id under which its vectors are kept.
    pub fn id(&self) -> &str {
        &self.id
    }

    /// Length of its vectors; `None`: it has made none yet.
    pub fn dimensions(&self) -> Option<usize> {
        *self.dimensions.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Whether texts leave this machine.
    pub const fn is_remote(&self) -> bool {
        self.is_remote
    }

    /// Most texts of one request.
    pub const fn texts(&self) -> usize {
        self.settings.texts
    }

    /// How long a reply may take.
    pub const fn patience(&self) -> Duration {
        self.settings.llm.timeout
    }

    /// What will be sent for pieces of code.
    pub fn passages(&self, texts: &[&str]) -> EmbeddingsRequest {
        self.request(&self.settings.passage_prefix, texts)
    }

    /// What will be sent for a query.
    pub fn query(&self, text: &str) -> EmbeddingsRequest {
        self.request(&self.settings.query_prefix, &[text])
    }

    fn request(&self, prefix: &str, texts: &[&str]) -> EmbeddingsRequest {
        if prefix.is_empty() {
            return self.client.embeddings_request(texts);
        }
        let texts: Vec<String> = texts.iter().map(|text| format!("{prefix}{text}")).collect();
        self.client.embeddings_request(&texts.iter().map(String::as_str).collect::<Vec<_>>())
    }

    /// The most that a request can cost, in nano-dollars.
    pub fn worst_case(&self, request: &EmbeddingsRequest) -> u64 {
        budget::worst_case(&self.price, request.bytes(), 0)
    }

    /// A place and the pace's leave, if both are available at once.
    ///
    /// # Errors
    /// If one has to wait.
    pub fn admit(&self, request: &EmbeddingsRequest) -> Result<Pass, Wait> {
        self.gate.try_enter((request.bytes() as u64).div_ceil(BYTES_PER_TOKEN))
    }

    /// Sends a request, once, and waits for the reply.
    ///
    /// # Errors
    /// As questions fail.
    pub fn send(&self, request: &EmbeddingsRequest, patience: Duration) -> Result<Embedded, CallFailure> {
        let sent = self.runtime.block_on(self.client.embed(request, patience));
        match &sent {
            Ok(_) => self.failures.store(0, Ordering::Relaxed),
            Err(_) => drop(self.failures.fetch_add(1, Ordering::Relaxed)),
        }
        sent
    }

    /// How long to leave it alone after a failure.
    pub fn rest(&self, asked_for: Option<Duration>) -> Duration {
        let wait = backoff(self.failures.load(Ordering::Relaxed), asked_for, random_unit());
        self.gate.hold(wait);
        wait
    }

    /// What a request has cost: what the server reports, where that can be true; else what it was reserved for.
    pub fn charge(&self, request: &EmbeddingsRequest, usage: Option<Usage>) -> Charge {
        match usage {
            // A share, for a whole answer of a model without output would not be believed.
            Some(usage) if input_is_plausible(&usage, request.text_bytes()) => {
                Charge::Share { usage, cost: budget::cost(&self.price, &usage) }
            }
            Some(usage) => Charge::Unreported {
                reason: format!(
                    "the reported usage ({} tokens) is too little for {} bytes of text",
                    usage.input,
                    request.text_bytes()
                ),
            },
            None => Charge::Unreported { reason: "the server reported no usage".to_owned() },
        }
    }

    /// The vectors of a reply at unit length.
    ///
    /// # Errors
    /// If they are not all of one length, or not finite.
    pub fn vectors(&self, reply: &Embedded) -> Result<Vec<Vector>, EmbedError> {
        let mut dimensions = self.dimensions.lock().unwrap_or_else(PoisonError::into_inner);
        for vector in &reply.vectors {
            let expected = *dimensions.get_or_insert(vector.len());
            if expected != vector.len() {
                return Err(EmbedError::OtherDimensions { found: vector.len(), expected });
            }
        }
        drop(dimensions);
        reply.vectors.iter().map(|vector| normalized(vector.clone())).collect()
    }
}
