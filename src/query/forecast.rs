//! What asking a model will cost: from prompts as they will be sent, and answers as long as they were.

use rusqlite::Connection;

use crate::analyzer::llm::{Limits, Prompt, Prompts};
use crate::budget::{self, Usage};
use crate::config::{Config, Price, ProviderKind};
use crate::domain::AnalysisType;
use crate::home::Home;

/// Bytes of a text that make a token: the usual rule of thumb for English and code under BPE vocabularies.
pub(super) const BYTES_PER_TOKEN: u64 = 4;
/// Tokens of an answer before any was given: more is said about a longer file, up to a limit. How much a model says is not known before; these
/// are in the middle, so that the forecast is less than a fifth off for answers of 30 to 100 tokens about files of the usual size.
const SHORTEST_ANSWER: u64 = 30;
const LONGEST_ANSWER: u64 = 120;
const FILE_TOKENS_PER_ANSWER_TOKEN: u64 = 32;
/// Answers from which their mean counts.
const FEWEST_ANSWERS: u64 = 40;
/// Part of a file's bytes that the signatures of what it uses have.
const CONTEXT_PART: u64 = 10;
/// What a prompt has besides texts and questions: markers, the line on the file, what the reply has to look like.
const MARKERS_BYTES: u64 = 400;
/// Prices of the default remote model where none is set up: $0.20, $0.05 cached and $0.50 a million.
const DEFAULT_PRICE: Price =
    Price { input: 200_000_000, cached_input: 50_000_000, cache_write: 200_000_000, output: 500_000_000 };

/// Tokens and nano-dollars of some requests.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct AskingCost {
    pub requests: u64,
    pub input_tokens: u64,
    pub output_tokens: u64,
    /// Of requests that are answered at once.
    pub live: u64,
    /// Of the same in batches.
    pub batched: u64,
}

/// What requests to the configured model will cost.
pub struct Forecast {
    prompts: Prompts,
    limits: Limits,
    price: Price,
    provider: ProviderKind,
    /// Mean tokens of an answer; `None`: too few were given.
    answer_tokens: Option<u64>,
}

impl Forecast {
    /// `agent`: agent.db, which has what answers were given.
    pub fn new(config: &Config, home: &Home, agent: Option<&Connection>) -> Self {
        Self {
            prompts: Prompts::load(&home.prompts()).unwrap_or_else(|_| Prompts::built_in()),
            limits: Limits::of(&config.llm),
            price: config.llm.price().unwrap_or(DEFAULT_PRICE),
            provider: config.llm.provider,
            answer_tokens: agent.and_then(|db| budget::mean_answer(db, FEWEST_ANSWERS).ok().flatten()),
        }
    }

    /// Of a question about a text of which nothing else is known yet: so many bytes and lines, asked about with these types together.
    pub fn add_text(&self, cost: &mut AskingCost, types: &[AnalysisType], bytes: u64, lines: u64) {
        if types.is_empty() {
            return;
        }
        let shown = bytes.min(self.limits.max_input_bytes as u64);
        let lines = (lines * shown).checked_div(bytes).unwrap_or(0);
        let numbers = lines * (lines.max(1).ilog10() as u64 + 2);
        let sees = types.iter().any(|one| one.spec().model_sees_dependencies);
        let context = if sees { (shown / CONTEXT_PART).min(self.limits.max_context_bytes as u64) } else { 0 };
        let instructions = self.prompts.instruction_bytes(types) as u64;
        let bytes = instructions + MARKERS_BYTES + shown + numbers + context;
        self.add(cost, bytes, types.len() as u64, shown);
    }

    /// Of a request as it will be sent.
    pub fn add_prompt(&self, cost: &mut AskingCost, prompt: &Prompt) {
        let bytes = (prompt.instructions().len() + prompt.question().len()) as u64;
        let file = match prompt.halves().0.len() as u64 {
            0 => prompt.seen().seen_bytes,
            shown => shown.min(prompt.seen().seen_bytes),
        };
        self.add(cost, bytes, prompt.parts().len() as u64, file);
    }

    fn add(&self, cost: &mut AskingCost, bytes: u64, answers: u64, file_bytes: u64) {
        let by_length = SHORTEST_ANSWER + file_bytes / BYTES_PER_TOKEN / FILE_TOKENS_PER_ANSWER_TOKEN;
        let answer = self.answer_tokens.unwrap_or(by_length.min(LONGEST_ANSWER));
        let (input, output) = (bytes / BYTES_PER_TOKEN, answers * answer);
        let usage = Usage { input, output, ..Usage::default() };
        cost.requests += 1;
        cost.input_tokens += input;
        cost.output_tokens += output;
        cost.live += budget::cost(&self.price, &usage);
        cost.batched += budget::cost(&self.price.batched(self.provider), &usage);
    }
}
