//! Which items of a file a request is about, and what is put together from the answer to it.

use std::collections::BTreeMap;
use std::panic::{AssertUnwindSafe, catch_unwind};

use rusqlite::Connection;

use super::question::{AskedWay, DueQuestion};
use super::{Open, OpenQuestion};
use crate::analyzer::items::{CutFile, ItemMap};
use crate::analyzer::llm::{self, Limits, Prompt, PromptPart};
use crate::analyzer::{DependencyUse, FileSubject};
use crate::cache::analyses::{self, Bill, NewAnalysis};
use crate::cache::assembled;
use crate::cache::key::AnalysisKey;
use crate::clock::{self, Timestamp};
use crate::domain::{AnalysisType, FileRecord, Hash, StaleReason};
use crate::plan::{PARTS_FROM, Recipe};
use crate::queue;
use crate::repo::registry::Registered;
use crate::store::Result as StoreResult;
use crate::worker::jobs::analyze::put;
use crate::worker::{Worker, WorkerError};

/// The answers that there are about an earlier state of the file, by type.
pub(super) type Bases = BTreeMap<AnalysisType, ItemMap>;

/// What an answer is about, item by item.
pub(super) struct AnsweredItems {
    pub map: ItemMap,
    /// The key of the answer itself, where it is about some items; then what its job makes is put together from several.
    pub piece: Option<AnalysisKey>,
}

/// The items that a request shows.
pub(super) struct ItemChoice<'a> {
    cut: &'a CutFile,
    shown: Vec<bool>,
    uses: &'a [DependencyUse],
    way: AskedWay,
}

impl<'a> ItemChoice<'a> {
    pub fn new(
        cut: &'a CutFile,
        way: AskedWay,
        bases: &[Option<&ItemMap>],
        subject: &FileSubject<'a>,
        limits: Limits,
    ) -> Self {
        let shown = match way {
            AskedWay::InParts => cut.to_show(bases, subject.uses, limits.lines_of(subject.text)),
            AskedWay::Alone | AskedWay::Together => vec![true; cut.items.len()],
        };
        Self { cut, shown, uses: subject.uses, way }
    }

    pub fn is_whole(&self) -> bool {
        !self.shown.contains(&false)
    }

    pub fn of(&self) -> (&CutFile, &[bool]) {
        (self.cut, &self.shown)
    }

    /// What the answer to a question is about that is asked so. `base`: what is known of the items that are not shown.
    pub fn answered(
        &self,
        key: &AnalysisKey,
        base: Option<&ItemMap>,
        prompt: &Prompt,
        part: &PromptPart,
    ) -> AnsweredItems {
        let is_piece = self.way == AskedWay::InParts;
        // Everything of the file that is shown: the text of items, the signatures of the rest.
        let piece = AnalysisKey { content_hash: Hash::of(prompt.halves().0.as_bytes()), ..key.clone() };
        let piece = Some(piece).filter(|_| is_piece);
        let source = piece.as_ref().unwrap_or(key).hash();
        let mut map = self.cut.map(&source, &self.shown, base, self.uses, &part.seen);
        if key.analysis_type == AnalysisType::Analysis {
            map.uses.clone_from(&part.shown);
        }
        AnsweredItems { map, piece }
    }
}

/// Stores an answer by its key, and what is put together from it.
pub(super) fn put_answer(
    db: &Connection,
    asked: &OpenQuestion,
    new: &NewAnalysis<'_>,
    now: Timestamp,
) -> StoreResult<()> {
    match &asked.items {
        None => put(db, &asked.job, new, now),
        Some(AnsweredItems { map, piece: None }) => {
            put(db, &asked.job, new, now)?;
            assembled::put_map(db, &asked.key.hash(), map)
        }
        Some(AnsweredItems { map, piece: Some(piece) }) => {
            put(db, &asked.job, &NewAnalysis { key: piece, is_piece: true, packed: None, ..*new }, now)?;
            assembled::put(db, new, map, |db, whole| put(db, &asked.job, whole, now))
        }
    }
}

impl Worker {
    /// What is known of the items of a file from the newest answers to some questions.
    pub(super) fn bases(
        &mut self,
        own: &Recipe,
        repo: &Registered,
        file: &FileRecord,
        due: &[DueQuestion],
    ) -> Result<Bases, WorkerError> {
        let mut bases = Bases::new();
        if file.size_bytes < PARTS_FROM {
            return Ok(bases);
        }
        let store = self.store(repo)?;
        // What expired is asked about as a whole.
        for one in due.iter().filter(|one| one.job.reason != StaleReason::Expired) {
            let newest = analyses::newest_parts(store.db(), &file.path, one.job.kind)?;
            let is_like = own.analysis(one.job.kind).zip(newest).is_some_and(|(ask, newest)| ask.is_like(&newest));
            if is_like && let Some(map) = assembled::newest_map(store.db(), &file.path, one.job.kind)? {
                bases.insert(one.key.analysis_type, map);
            }
        }
        Ok(bases)
    }

    /// The items of a file that is large enough to be asked about in parts.
    pub(super) fn cut(&self, file: &FileRecord, subject: &FileSubject<'_>) -> Option<CutFile> {
        if file.size_bytes < PARTS_FROM {
            return None;
        }
        catch_unwind(AssertUnwindSafe(|| llm::cut(subject))).ok().flatten()
    }

    /// Ends the questions whose every item is answered: nothing of them has changed, or what has was asked about before. Returns whether all
    /// are ended.
    pub(super) fn finish_answered(&mut self, open: &mut Open) -> Result<bool, WorkerError> {
        let now = clock::now();
        let store = self.store(&open.repo)?;
        let (mut left, mut ended) = (Vec::new(), Vec::new());
        let tx = store.write()?;
        for asked in std::mem::take(&mut open.asked) {
            let Some(AnsweredItems { map, piece: Some(piece) }) = &asked.items else {
                left.push(asked);
                continue;
            };
            let is_asked = map.sources.contains(&piece.hash().to_string());
            let is_expired = asked.job.reason == StaleReason::Expired;
            if is_asked && (is_expired || !analyses::contains(&tx, &piece.hash())?) {
                left.push(asked);
                continue;
            }
            let repo_path = std::os::unix::ffi::OsStrExt::as_bytes(open.repo.location.path.as_os_str());
            let new = NewAnalysis {
                key: &asked.key,
                path: &open.path,
                json: "",
                packed: None,
                generation_time_ms: 0,
                repo_id: &open.repo.id.0,
                repo_path,
                commit: open.repo.indexed_commit.as_ref(),
                bill: Bill::default(),
                is_piece: false,
            };
            assembled::put(&tx, &new, map, |db, whole| put(db, &asked.job, whole, now))?;
            ended.push(asked.job.id);
        }
        tx.commit()?;
        queue::finish(&mut self.queue, &ended, now)?;
        let types: Vec<AnalysisType> = left.iter().map(|asked| asked.key.analysis_type).collect();
        if !ended.is_empty() && !types.is_empty() {
            open.prompt = open.prompt.only(&types);
        }
        open.asked = left;
        Ok(open.asked.is_empty())
    }
}
