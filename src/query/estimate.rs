//! What registering a repository would mean: files by language, chunks, what is skipped and why, tokens and dollars.

use std::collections::{BTreeMap, HashSet};

use super::QueryError;
use super::forecast::{AskingCost, Forecast};
use super::view::skipped::SkippedFile;
use crate::analyzer::llm::{Withheld, withheld_patterns};
use crate::config::{EmbeddingServer, RepoConfig};
use crate::domain::{Hash, Language, Role, SkipReason};
use crate::embedder::chunk;
use crate::outline::{self, role_of};
use crate::repo::{Content, FileSelection, OwnModules, RecordedView, Repo, RepoError, TreeEntry, content, in_parallel};

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Size {
    pub files: u64,
    pub bytes: u64,
}

/// What is sent to have vectors made. Texts and bytes are the most: a text that is in several places goes once.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct SentTexts {
    pub texts: u64,
    /// The fewest: each is full. The last one of a turn is not.
    pub requests: u64,
    pub bytes: u64,
}

#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Estimate {
    pub languages: BTreeMap<Language, Size>,
    pub skipped: BTreeMap<SkipReason, u64>,
    pub left_out: Vec<SkippedFile>,
    pub chunks: u64,
    /// Of a remote model that is asked every question about every file of code once.
    pub asking: AskingCost,
    /// To the server that makes vectors, if there is one.
    pub embedding: SentTexts,
}

impl Estimate {
    pub fn files(&self) -> u64 {
        self.languages.values().map(|size| size.files).sum()
    }
}

enum Scanned {
    Indexed { language: Language, content: Hash, bytes: u64, lines: u64, chunks: u64, chunk_bytes: u64 },
    Skipped(SkipReason),
}

/// Scans every file of HEAD, and writes nothing.
///
/// # Errors
/// If the repository cannot be read.
pub fn estimate(
    git: &Repo,
    config: &RepoConfig,
    forecast: &Forecast,
    server: Option<&EmbeddingServer>,
) -> Result<Estimate, QueryError> {
    let selection = FileSelection::new(config).map_err(|error| QueryError::Failed(error.to_string()))?;
    let diff = git.diff(&RecordedView::default(), git.head()?.tree.as_ref())?;
    let entries: Vec<TreeEntry> = diff.changes.into_iter().filter_map(|change| change.new).collect();
    let selection = selection.with_own(OwnModules::among(entries.iter().map(|entry| entry.path.as_bytes())));
    let scanned: Result<Vec<Scanned>, RepoError> =
        in_parallel(None, git, &entries, |git, entry| scan(git, entry, &selection));
    let scanned = scanned?;
    let withheld = Withheld::new(&withheld_patterns(&config.withhold));
    let mut estimate = Estimate::default();
    // One answer serves all files that are the same.
    let mut asked = HashSet::new();
    for (entry, one) in entries.iter().zip(scanned) {
        match one {
            Scanned::Skipped(reason) => {
                *estimate.skipped.entry(reason).or_default() += 1;
                estimate.left_out.push(SkippedFile::new(&entry.path, reason, &selection));
            }
            Scanned::Indexed { language, content, bytes, lines, chunks, chunk_bytes } => {
                let size = estimate.languages.entry(language).or_default();
                size.files += 1;
                size.bytes += bytes;
                estimate.chunks += chunks;
                if let Some(server) = server.filter(|_| !withheld.holds(&entry.path)) {
                    estimate.embedding.texts += chunks;
                    estimate.embedding.bytes += chunk_bytes + chunks * server.passage_prefix.len() as u64;
                }
                let role = role_of(&entry.path);
                let is_code = language.class().is_judged() && role != Role::Generated;
                let is_asked_about = is_code && bytes > 0 && !withheld.holds(&entry.path);
                if is_asked_about && asked.insert((content, language.as_str(), role.as_str())) {
                    forecast.add_text(&mut estimate.asking, &config.analysis.types, bytes, lines);
                }
            }
        }
    }
    let texts_of_one = server.map_or(1, |server| server.texts.max(1)) as u64;
    estimate.embedding.requests = estimate.embedding.texts.div_ceil(texts_of_one);
    Ok(estimate)
}

fn scan(git: &Repo, entry: &TreeEntry, selection: &FileSelection) -> Result<Scanned, RepoError> {
    let text = match content(git, entry, selection)? {
        Content::Text(text) => text,
        Content::Skipped { reason, .. } => return Ok(Scanned::Skipped(reason)),
    };
    let language = outline::language_of(&entry.path);
    let chunks = chunk::chunks(language, Some(&entry.path.to_string()), &text);
    let chunk_bytes = chunks.iter().map(|chunk| chunk.text.len() as u64).sum();
    let (content, bytes, lines) = (Hash::of(text.as_bytes()), text.len() as u64, text.lines().count() as u64);
    Ok(Scanned::Indexed { language, content, bytes, lines, chunks: chunks.len() as u64, chunk_bytes })
}
