//! From a job to the questions that are asked about its file, or to the reason why nothing is asked.

use std::panic::{AssertUnwindSafe, catch_unwind};

use super::items::ItemChoice;
use super::{Asking, Open, OpenQuestion, Spent};
use crate::analyzer::llm::{Prompt, Withheld, render, render_parts, render_together};
use crate::analyzer::{DependencyUse, FileSubject};
use crate::budget;
use crate::cache::exchange::PlannedAnalysis;
use crate::cache::key::AnalysisKey;
use crate::cache::overlay;
use crate::cache::view;
use crate::clock;
use crate::domain::{AnalysisType, FileRecord, Hash, StaleReason};
use crate::index::{read, recipe};
use crate::plan::{Recipe, Sees, is_asked_about};
use crate::queue::{self, Job, Lane};
use crate::repo::Repo;
use crate::repo::registry::{self, Registered};
use crate::worker::jobs::analyze::{Ended, is_made, panic_text};
use crate::worker::{Worker, WorkerError, subject};

/// What became of a job when its question was asked for.
pub(super) enum Questioned {
    Ask(Box<Open>),
    /// There is nothing to ask: the file has changed again, its answer is stored, it may not leave this machine, or it cannot be read.
    Over,
}

/// How questions about a file are asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum AskedWay {
    Alone,
    Together,
    /// About what has changed since they were answered.
    InParts,
}

/// The questions that are due about a file.
struct DueQuestions {
    questions: Vec<DueQuestion>,
    way: AskedWay,
}

/// A job with the key that its answer will have.
pub(super) struct DueQuestion {
    pub job: Job,
    pub key: AnalysisKey,
}

impl Worker {
    /// Returns the questions that are due about a job's file as it is recorded now. Jobs whose question is not to be asked are ended.
    pub(super) fn questions(&mut self, asking: &Asking, lane: Lane, job: Job) -> Result<Questioned, WorkerError> {
        let Some(repo) = registry::get(&self.queue, &job.repo)? else { return self.over(vec![job], &Ended::Finished) };
        let config = self.config.for_repo(&repo.location.path);
        let own = recipe::for_repo(&self.recipe, &config);
        let withheld = Withheld::new(&own.withhold);
        let store = self.store(&repo)?;
        let file = if own.ask_on_save { view::present } else { view::file };
        let file = file(store.db(), &job.path)?;
        let file = file.filter(|file| is_asked_about(file) && !withheld.holds(&job.path));
        let Some(file) = file else { return self.over(vec![job], &Ended::Finished) };
        let mut due = self.due(&own, &repo, &file, lane, job)?;
        if due.questions.is_empty() {
            return Ok(Questioned::Over);
        }
        let uses = self.uses(&own, &repo, &file, &due)?;
        let bases = self.bases(&own, &repo, &file, &due.questions)?;
        let saved = overlay::saved_text(self.store(&repo)?.db(), &file)?;
        let text = match text_of(&repo, &file, saved) {
            Ok(text) => text,
            Err(ended) => return self.over(due.questions.into_iter().map(|one| one.job).collect(), &ended),
        };
        let shown = FileSubject { language: file.language, role: file.role, text: &text, uses: &uses };
        let cut = self.cut(&file, &shown);
        let of_types: Vec<_> = due.questions.iter().map(|one| bases.get(&one.key.analysis_type)).collect();
        let items = cut.as_ref().map(|cut| ItemChoice::new(cut, due.way, &of_types, &shown, asking.limits));
        let prompt = match self.prompt(asking, &due, &shown, items.as_ref()) {
            Ok(prompt) => prompt,
            Err(ended) => return self.over(due.questions.into_iter().map(|one| one.job).collect(), &ended),
        };
        let parts = prompt.parts();
        due.questions.sort_by_key(|one| parts.iter().position(|part| part.analysis_type == one.key.analysis_type));
        let asked = |DueQuestion { job, key }| {
            let part = parts.iter().find(|part| part.analysis_type == key.analysis_type);
            let items = items.as_ref().zip(part);
            let items = items.map(|(items, part)| items.answered(&key, bases.get(&key.analysis_type), &prompt, part));
            OpenQuestion { job, key, items, reservation: None, before: Spent::default() }
        };
        let asked: Vec<OpenQuestion> = due.questions.into_iter().map(asked).collect();
        let mut open = Open { repo, path: file.path, asked, prompt, repaired: false, adapted: 0 };
        if due.way == AskedWay::InParts && self.finish_answered(&mut open)? {
            return Ok(Questioned::Over);
        }
        Ok(Questioned::Ask(Box::new(open)))
    }

    fn over(&mut self, jobs: Vec<Job>, ended: &Ended) -> Result<Questioned, WorkerError> {
        self.end(jobs.into_iter().map(|job| (job, ended.clone())))?;
        Ok(Questioned::Over)
    }

    /// The job's question, and those that may be asked together with it, as far as none is answered.
    fn due(
        &mut self,
        own: &Recipe,
        repo: &Registered,
        file: &FileRecord,
        lane: Lane,
        job: Job,
    ) -> Result<DueQuestions, WorkerError> {
        let together = own.asks.iter().filter_map(|ask| ask.key_together(file)).collect();
        let in_parts = own.asks.iter().filter_map(|ask| ask.key_in_parts(file)).collect();
        let alone: Vec<AnalysisKey> = own.analysis(job.kind).and_then(|ask| ask.key(file)).into_iter().collect();
        let ways = [(AskedWay::Together, together), (AskedWay::InParts, in_parts), (AskedWay::Alone, alone)];
        let is_of = |keys: &[AnalysisKey]| keys.iter().any(|key| key.hash() == job.key);
        let way = ways.into_iter().find(|(_, keys)| is_of(keys));
        let (way, keys): (AskedWay, Vec<AnalysisKey>) = way.unwrap_or((AskedWay::Alone, Vec::new()));
        let mut jobs = vec![job];
        if way != AskedWay::Alone {
            let siblings = self.asked_together(lane, &jobs[0], &keys)?;
            jobs.extend(siblings);
        }
        self.take_answers(repo, file, &jobs, &keys)?;
        let (mut questions, mut over) = (Vec::new(), Vec::new());
        for job in jobs {
            let key = keys.iter().find(|key| key.hash() == job.key).cloned();
            match key {
                Some(key) if !is_made(self.store(repo)?.db(), &job)? && !self.copy_answer(repo, &job)? => {
                    questions.push(DueQuestion { job, key });
                }
                _ => over.push((job, Ended::Finished)),
            }
        }
        self.end(over.into_iter())?;
        Ok(DueQuestions { questions, way })
    }

    /// Takes the answers that another machine has got since these jobs were planned.
    fn take_answers(
        &mut self,
        repo: &Registered,
        file: &FileRecord,
        jobs: &[Job],
        keys: &[AnalysisKey],
    ) -> Result<(), WorkerError> {
        let wanted = jobs.iter().filter(|job| job.reason != StaleReason::Expired);
        let wanted = wanted.filter_map(|job| keys.iter().find(|key| key.hash() == job.key));
        let planned = wanted.map(|key| vec![PlannedAnalysis { path: file.path.clone(), key: key.clone() }]);
        self.take_analyses(repo, planned.collect()).map(drop)
    }

    /// Takes the jobs of the same file whose questions may be asked together with a job's. What may have crashed a worker is asked alone.
    fn asked_together(&mut self, lane: Lane, job: &Job, together: &[AnalysisKey]) -> Result<Vec<Job>, WorkerError> {
        if self.suspects.contains(&subject(job)) {
            return Ok(Vec::new());
        }
        let except = self.ids_of(&self.suspects.iter().cloned().collect())?;
        let keys: Vec<Hash> = together.iter().map(AnalysisKey::hash).collect();
        Ok(queue::claim_of_file(&mut self.queue, lane, job, &keys, &except, clock::now())?)
    }

    /// What the file uses of others, if the request shows it.
    fn uses(
        &mut self,
        own: &Recipe,
        repo: &Registered,
        file: &FileRecord,
        due: &DueQuestions,
    ) -> Result<Vec<DependencyUse>, WorkerError> {
        let sees = |one: &DueQuestion| {
            let ask = own.analysis(one.job.kind);
            ask.is_some_and(
                |ask| if due.way == AskedWay::Alone { ask.sees } else { ask.sees_together } != Sees::Nothing,
            )
        };
        if !due.questions.iter().any(sees) {
            return Ok(Vec::new());
        }
        let uses = view::uses(self.store(repo)?.db(), &file.path, file.source)?;
        Ok(uses.into_iter().map(DependencyUse::from).collect())
    }

    /// Copies the answer of another repository whose file has the same content and sees the same signatures, if it was stored after
    /// this job was planned: no answer is paid for twice.
    fn copy_answer(&mut self, repo: &Registered, job: &Job) -> Result<bool, WorkerError> {
        let askers = budget::askers(&self.queue, &job.key).unwrap_or_default();
        if job.reason == StaleReason::Expired || askers.iter().all(|asker| *asker == repo.id) {
            return Ok(false);
        }
        self.store(repo)?;
        for other in self.others(repo)?.iter().filter(|other| askers.contains(&other.id)) {
            // A store that cannot be read now may have what would be paid for again.
            if !self.copy_from(repo, other, &mut vec![vec![job.key]])?.is_empty() {
                self.unsearchable.insert(repo.id.clone());
                return Ok(true);
            }
        }
        Ok(false)
    }

    /// Renders the questions, with the secrets taken out.
    fn prompt(
        &self,
        asking: &Asking,
        due: &DueQuestions,
        shown: &FileSubject<'_>,
        items: Option<&ItemChoice<'_>>,
    ) -> Result<Prompt, Ended> {
        let Some(first) = due.questions.first() else { return Err(Ended::Finished) };
        let _slot = self.slots.enter(&subject(&first.job)).map_err(|error| Ended::Failed(error.to_string()))?;
        let types: Vec<AnalysisType> = due.questions.iter().map(|one| one.key.analysis_type).collect();
        let rendered = catch_unwind(AssertUnwindSafe(|| match (due.way, items) {
            (AskedWay::Alone, _) => render(&asking.prompts, first.key.analysis_type, shown, &asking.limits),
            (AskedWay::InParts, Some(items)) if !items.is_whole() => {
                render_parts(&asking.prompts, &types, shown, &asking.limits, items.of())
            }
            _ => render_together(&asking.prompts, &types, shown, &asking.limits),
        }));
        rendered
            .map_err(|panic| Ended::Failed(panic_text(panic.as_ref())))?
            .map_err(|nothing| Ended::Hopeless(nothing.to_string()))
    }
}

/// The saved or committed text.
fn text_of(repo: &Registered, file: &FileRecord, saved: Option<String>) -> Result<String, Ended> {
    let failed = |error: &dyn std::error::Error| Ended::Failed(error.to_string());
    if let Some(saved) = saved {
        return Ok(saved);
    }
    let git = Repo::open(&repo.location).map_err(|error| failed(&error))?;
    let text = read::text(&git, &file.path, &file.blob).map_err(|error| failed(&error))?;
    text.ok_or_else(|| Ended::Hopeless("its content is no longer in the repository".to_owned()))
}
