//! What reading the answer to a line of a batch takes, as it is kept in agent.db until the answer comes. This is a border, so serde lives here.

use rusqlite::Connection;
use serde::{Deserialize, Serialize};

use super::items::AnsweredItems;
use super::{Open, OpenQuestion, Spent};
use crate::analyzer::items::ItemMap;
use crate::analyzer::llm::PromptPart;
use crate::analyzer::{Coverage, UsedSymbol};
use crate::budget::Reservation;
use crate::cache::key::AnalysisKey;
use crate::clock::Timestamp;
use crate::domain::{
    AnalysisType, FilePath, Hash, JobKind, JobState, Language, ObjectId, Origin, Priority, RepoId, Role, StaleReason,
};
use crate::queue::{self, Job};
use crate::repo::registry::{self, Registered};
use crate::store::{Result, StoreError};

/// A line of a batch, without its request.
#[derive(Serialize, Deserialize)]
pub(super) struct LineRecord {
    repo: String,
    path: Vec<u8>,
    prompt_bytes: u64,
    questions: Vec<QuestionRecord>,
}

#[derive(Serialize, Deserialize)]
struct QuestionRecord {
    job: i64,
    is_expired: bool,
    entry: i64,
    attempt: u32,
    reserved: u64,
    analysis_type: String,
    content_hash: Vec<u8>,
    language: String,
    role: String,
    model_id: String,
    prompt_hash: Vec<u8>,
    schema_version: u32,
    config_hash: Vec<u8>,
    deps_hash: Vec<u8>,
    seen: Coverage,
    shown: Vec<UsedSymbol>,
    /// What the answer is about, of a file that may be asked about in parts.
    #[serde(default)]
    items: Option<ItemMap>,
    /// Of the answer itself, where it is about some items.
    #[serde(default)]
    piece_content: Option<Vec<u8>>,
}

/// A line whose answer has come.
pub(super) struct KeptLine {
    /// `None`: it is registered no more.
    pub repo: Option<Registered>,
    pub path: FilePath,
    pub prompt_bytes: u64,
    /// In the order of the questions.
    pub parts: Vec<PromptPart>,
    pub asked: Vec<OpenQuestion>,
}

impl LineRecord {
    pub fn of(open: &Open, prompt_bytes: u64) -> Self {
        let questions = open.asked.iter().zip(open.prompt.parts());
        let question = |(asked, part): (&OpenQuestion, &PromptPart)| {
            let reservation = asked.reservation.as_ref();
            QuestionRecord {
                job: asked.job.id,
                is_expired: asked.job.reason == StaleReason::Expired,
                entry: reservation.map_or(0, Reservation::entry),
                attempt: reservation.map_or(0, |reservation| reservation.attempt),
                reserved: reservation.map_or(0, |reservation| reservation.worst_case),
                analysis_type: asked.key.analysis_type.as_str().to_owned(),
                content_hash: asked.key.content_hash.as_bytes().to_vec(),
                language: asked.key.language.as_str().to_owned(),
                role: asked.key.role.as_str().to_owned(),
                model_id: asked.key.model_id.clone(),
                prompt_hash: asked.key.prompt_hash.as_bytes().to_vec(),
                schema_version: asked.key.schema_version,
                config_hash: asked.key.config_hash.as_bytes().to_vec(),
                deps_hash: asked.key.deps_hash.as_bytes().to_vec(),
                seen: part.seen.clone(),
                shown: part.shown.clone(),
                items: asked.items.as_ref().map(|items| items.map.clone()),
                piece_content: asked
                    .items
                    .as_ref()
                    .and_then(|items| Some(items.piece.as_ref()?.content_hash.as_bytes().to_vec())),
            }
        };
        Self {
            repo: open.repo.id.0.clone(),
            path: open.path.as_bytes().to_vec(),
            prompt_bytes,
            questions: questions.map(question).collect(),
        }
    }

    pub fn write(&self) -> String {
        // Numbers, texts and lists of them can always be written.
        serde_json::to_string(self).unwrap_or_default()
    }

    /// # Errors
    /// If it is not what this version writes.
    pub fn read(record: &str) -> Result<Self> {
        serde_json::from_str(record).map_err(|error| unreadable(&error.to_string()))
    }

    /// # Errors
    /// If it names what is not known, or agent.db cannot be read.
    pub fn into_line(self, db: &Connection) -> Result<KeptLine> {
        let (repo, path) = (RepoId(self.repo), FilePath::new(self.path));
        let (mut parts, mut asked) = (Vec::new(), Vec::new());
        for question in self.questions {
            let job = queue::get(db, question.job)?;
            let (one, part) = question.into_asked(&repo, &path, job).ok_or_else(|| unreadable("a part of a key"))?;
            asked.push(one);
            parts.push(part);
        }
        let repo = registry::get(db, &repo)?;
        Ok(KeptLine { repo, path, prompt_bytes: self.prompt_bytes, parts, asked })
    }
}

impl QuestionRecord {
    /// `job`: as it is in the queue; one that is gone is made up, to end nothing.
    fn into_asked(self, repo: &RepoId, path: &FilePath, job: Option<Job>) -> Option<(OpenQuestion, PromptPart)> {
        let hash = |bytes: &[u8]| Hash::from_bytes(bytes);
        let analysis_type = AnalysisType::parse(&self.analysis_type)?;
        let key = AnalysisKey {
            content_hash: hash(&self.content_hash)?,
            language: Language::parse(&self.language)?,
            role: Role::parse(&self.role)?,
            analysis_type,
            model_id: self.model_id,
            prompt_hash: hash(&self.prompt_hash)?,
            schema_version: self.schema_version,
            config_hash: hash(&self.config_hash)?,
            deps_hash: hash(&self.deps_hash)?,
        };
        let reason = if self.is_expired { StaleReason::Expired } else { StaleReason::Missing };
        let job = job.unwrap_or_else(|| Job {
            id: self.job,
            repo: repo.clone(),
            path: path.clone(),
            kind: JobKind::Ask(analysis_type),
            key: key.hash(),
            blob: ObjectId(Vec::new()),
            state: JobState::Superseded,
            priority: Priority::Normal,
            origin: Origin::Backfill,
            reason,
            attempts: 0,
            detail: None,
            created_at: Timestamp(0),
        });
        let reservation = Some(Reservation::kept(self.entry, self.attempt, self.reserved));
        let piece = match self.piece_content {
            Some(content) => Some(AnalysisKey { content_hash: hash(&content)?, ..key.clone() }),
            None => None,
        };
        let items = self.items.map(|map| AnsweredItems { map, piece });
        let asked = OpenQuestion { job, key, items, reservation, before: Spent::default() };
        Some((asked, PromptPart::kept(analysis_type, self.seen, self.shown)))
    }
}

fn unreadable(detail: &str) -> StoreError {
    StoreError::Unreadable { what: "line of a batch", detail: detail.to_owned() }
}
