//! What registering a repository would mean: files by language, chunks, what is skipped and why, tokens and dollars.

use std::collections::BTreeMap;

use super::QueryError;
use super::view::skipped::SkippedFile;
use crate::config::RepoConfig;
use crate::domain::{Language, SkipReason};
use crate::embedder::chunk;
use crate::outline;
use crate::repo::{Content, FileSelection, OwnModules, RecordedView, Repo, RepoError, TreeEntry, content, in_parallel};

/// Bytes of source that make a token: the usual rule of thumb for English and code under BPE vocabularies.
const BYTES_PER_TOKEN: u64 = 4;
/// Tokens of instructions in a request, and of an answer: what typical prompts and reports of the four types have.
const PROMPT_TOKENS: u64 = 600;
pub const ANSWER_TOKENS: u64 = 700;
/// Prices of the default remote model in nano-dollars a token: $0.20 and $0.50 a million.
const INPUT_PRICE: u64 = 200;
const OUTPUT_PRICE: u64 = 500;

/// Tokens of a request that shows so many bytes of a file.
pub const fn prompt_tokens(bytes: u64) -> u64 {
    bytes / BYTES_PER_TOKEN + PROMPT_TOKENS
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Size {
    pub files: u64,
    pub bytes: u64,
}

#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Estimate {
    pub languages: BTreeMap<Language, Size>,
    pub skipped: BTreeMap<SkipReason, u64>,
    pub left_out: Vec<SkippedFile>,
    pub chunks: u64,
    /// Of a remote model that analyses every file once with every type.
    pub input_tokens: u64,
    pub output_tokens: u64,
    pub cost_nano_usd: u64,
}

impl Estimate {
    pub fn files(&self) -> u64 {
        self.languages.values().map(|size| size.files).sum()
    }
}

enum Scanned {
    Indexed { language: Language, bytes: u64, chunks: u64 },
    Skipped(SkipReason),
}

/// Scans every file of HEAD, and writes nothing.
///
/// # Errors
/// If the repository cannot be read.
pub fn estimate(git: &Repo, config: &RepoConfig) -> Result<Estimate, QueryError> {
    let selection = FileSelection::new(config).map_err(|error| QueryError::Invalid(error.to_string()))?;
    let diff = git.diff(&RecordedView::default(), git.head()?.tree.as_ref())?;
    let entries: Vec<TreeEntry> = diff.changes.into_iter().filter_map(|change| change.new).collect();
    let selection = selection.with_own(OwnModules::among(entries.iter().map(|entry| entry.path.as_bytes())));
    let scanned: Result<Vec<Scanned>, RepoError> =
        in_parallel(None, git, &entries, |git, entry| scan(git, entry, &selection));
    let scanned = scanned?;
    let mut estimate = Estimate::default();
    for (entry, one) in entries.iter().zip(scanned) {
        match one {
            Scanned::Skipped(reason) => {
                *estimate.skipped.entry(reason).or_default() += 1;
                estimate.left_out.push(SkippedFile::new(&entry.path, reason, &selection));
            }
            Scanned::Indexed { language, bytes, chunks } => {
                let size = estimate.languages.entry(language).or_default();
                size.files += 1;
                size.bytes += bytes;
                estimate.chunks += chunks;
                let types = config.analysis.types.len() as u64;
                estimate.input_tokens += types * prompt_tokens(bytes);
                estimate.output_tokens += types * ANSWER_TOKENS;
            }
        }
    }
    estimate.cost_nano_usd = estimate.input_tokens * INPUT_PRICE + estimate.output_tokens * OUTPUT_PRICE;
    Ok(estimate)
}

fn scan(git: &Repo, entry: &TreeEntry, selection: &FileSelection) -> Result<Scanned, RepoError> {
    let text = match content(git, entry, selection)? {
        Content::Text(text) => text,
        Content::Skipped { reason, .. } => return Ok(Scanned::Skipped(reason)),
    };
    let language = outline::language_of(&entry.path);
    let chunks = chunk::chunks(language, None, &text).len() as u64;
    Ok(Scanned::Indexed { language, bytes: text.len() as u64, chunks })
}
