//! What requests to a model consist of and cost, counted at four bytes a token.

use ra_agent::domain::AnalysisType;
use serde_json::Value;

use super::figures::digits;
use super::support::llm_model::AskedModel;
use super::support::llm_server::{CACHED_NANO, INPUT_NANO, OUTPUT_NANO, Recorded};

/// Tokens that an answer to a question is counted as: what a report of a few findings takes.
const ANSWER_TOKENS: u64 = 200;
const BYTES_PER_TOKEN: u64 = 4;

/// Tokens from which a repeated beginning is billed for less at most providers.
const SHORTEST_CACHED: u64 = 1_024;

/// What a model was asked.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Asked {
    pub requests: usize,
    pub questions: usize,
    /// Of the requests, their JSON included.
    pub bytes: u64,
    /// Requests about what has changed of a file.
    pub in_parts: usize,
    texts: Texts,
    /// Tokens of beginnings that an earlier request had, and those of them that a provider with a shortest length bills so.
    repeated: u64,
    cached: u64,
}

/// Bytes of what the model reads.
#[derive(Clone, Copy, Debug, Default)]
struct Texts {
    /// The file, with its line numbers.
    file: u64,
    /// Signatures of what it uses.
    signatures: u64,
    /// Frame, questions and marks.
    questions: u64,
    /// The form of the reply, where the server is sent one.
    form: u64,
}

impl Texts {
    fn of(asked: &AskedModel, body: &str) -> Self {
        let between = |name: &str| -> u64 {
            let inner = asked.prompt.split_once(&format!("=== {name} "));
            inner.map_or(0, |(_, rest)| rest.split_once("=== end ").map_or(rest, |(inner, _)| inner).len() as u64)
        };
        let (file, signatures) = (between("file"), between("uses"));
        let form = serde_json::from_str::<Value>(body).map_or(Value::Null, |body| body["response_format"].clone());
        Self {
            file,
            signatures,
            questions: asked.prompt.len() as u64 - file - signatures,
            form: if form.is_null() { 0 } else { form.to_string().len() as u64 },
        }
    }

    fn add(&mut self, other: Self) {
        self.file += other.file;
        self.signatures += other.signatures;
        self.questions += other.questions;
        self.form += other.form;
    }

    const fn sum(&self) -> u64 {
        self.file + self.signatures + self.questions + self.form
    }
}

impl Asked {
    pub fn of(requests: &[Recorded]) -> Self {
        let mut all = Self::default();
        for request in requests {
            let asked = AskedModel::read(&request.head, &request.body);
            let repeated = request.repeated_tokens;
            all.add(Self {
                requests: 1,
                questions: asked.questions(),
                bytes: request.body.len() as u64,
                in_parts: usize::from(request.body.contains("\\n~|")),
                texts: Texts::of(&asked, &request.body),
                repeated,
                cached: if repeated >= SHORTEST_CACHED { repeated } else { 0 },
            });
        }
        all
    }

    pub fn add(&mut self, other: Self) {
        self.requests += other.requests;
        self.questions += other.questions;
        self.bytes += other.bytes;
        self.in_parts += other.in_parts;
        self.texts.add(other.texts);
        self.repeated += other.repeated;
        self.cached += other.cached;
    }

    /// Nano-dollars, every byte that is sent counted.
    pub fn nano(&self) -> f64 {
        (self.bytes / BYTES_PER_TOKEN * INPUT_NANO) as f64 + self.answers_nano()
    }

    /// Nano-dollars of what the model reads: without the escapes of JSON, and with what it has read before at its price.
    fn read_nano(&self) -> f64 {
        let saved = (self.cached * (INPUT_NANO - CACHED_NANO)) as f64;
        (self.texts.sum() / BYTES_PER_TOKEN * INPUT_NANO) as f64 + self.answers_nano() - saved
    }

    const fn answers_nano(&self) -> f64 {
        (self.questions as u64 * ANSWER_TOKENS * OUTPUT_NANO) as f64
    }

    pub fn print_head() {
        println!(
            "\n| requests | how many | bytes of one | the file | signatures | questions | form of the reply | repeated beginnings | of \
             {SHORTEST_CACHED} tokens and more | thousandths of a dollar each | as the model reads it |"
        );
        println!("|---|---|---|---|---|---|---|---|---|---|---|");
    }

    /// What one of them consists of, and how much of it a provider's prefix cache has.
    pub fn print(&self, what: &str) {
        let each = |bytes: u64| bytes / (self.requests as u64).max(1);
        let share = |tokens: u64| 100.0 * (tokens * BYTES_PER_TOKEN) as f64 / self.texts.sum().max(1) as f64;
        println!(
            "| {what} | {} | {} | {} | {} | {} | {} | {:.1} % | {:.1} % | {} | {} |",
            self.requests,
            each(self.bytes),
            each(self.texts.file),
            each(self.texts.signatures),
            each(self.texts.questions),
            each(self.texts.form),
            share(self.repeated),
            share(self.cached),
            digits(self.nano() / 1e6 / self.requests.max(1) as f64),
            digits(self.read_nano() / 1e6 / self.requests.max(1) as f64),
        );
    }
}

/// What a request about all of a file costs, by those of the first index.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct WholeRequest {
    /// Bytes of a request for a byte of the file, besides those that every request has.
    per_byte: f64,
}

/// Bytes that every request has: questions, instructions, marks.
const REQUEST_BYTES: f64 = 4_800.0;

impl WholeRequest {
    pub fn of(first: &Asked, file_bytes: u64) -> Self {
        let of_files = first.bytes as f64 - first.requests as f64 * REQUEST_BYTES;
        Self { per_byte: of_files / file_bytes.max(1) as f64 }
    }

    pub fn nano(&self, file_bytes: u64) -> f64 {
        let tokens = (REQUEST_BYTES + self.per_byte * file_bytes as f64) / BYTES_PER_TOKEN as f64;
        tokens * INPUT_NANO as f64 + (AnalysisType::ALL.len() as u64 * ANSWER_TOKENS * OUTPUT_NANO) as f64
    }
}
