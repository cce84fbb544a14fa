//! From a job to the questions that are asked about its file, or to the reason why nothing is asked.

use std::panic::{AssertUnwindSafe, catch_unwind};

use super::{Asking, Open, OpenQuestion, Spent};
use crate::analyzer::llm::{Prompt, Withheld, render, render_together};
use crate::analyzer::{DependencyUse, FileSubject};
use crate::budget;
use crate::cache::key::AnalysisKey;
use crate::cache::view;
use crate::cache::{overlay, share};
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

/// The questions that are due about a file.
struct DueQuestions {
    questions: Vec<DueQuestion>,
    /// They are asked in the way in which several are.
    is_together: bool,
}

/// A job with the key that its answer will have.
struct DueQuestion {
    job: Job,
    key: AnalysisKey,
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
        let uses = self.uses(&own, &repo, &file, &due.questions)?;
        let saved = overlay::saved_text(self.store(&repo)?.db(), &file)?;
        let text = text_of(&repo, &file, saved);
        let prompt = text.and_then(|text| {
            let shown = FileSubject { language: file.language, role: file.role, text: &text, uses: &uses };
            self.prompt(asking, &due, &shown)
        });
        let prompt = match prompt {
            Ok(prompt) => prompt,
            Err(ended) => return self.over(due.questions.into_iter().map(|one| one.job).collect(), &ended),
        };
        let parts = prompt.parts();
        due.questions.sort_by_key(|one| parts.iter().position(|part| part.analysis_type == one.key.analysis_type));
        let asked = |DueQuestion { job, key }| OpenQuestion { job, key, reservation: None, before: Spent::default() };
        let asked = due.questions.into_iter().map(asked).collect();
        Ok(Questioned::Ask(Box::new(Open { repo, path: file.path, asked, prompt, repaired: false, adapted: 0 })))
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
        let together: Vec<AnalysisKey> = own.asks.iter().filter_map(|ask| ask.key_together(file)).collect();
        let is_together = together.iter().any(|key| key.hash() == job.key);
        let alone = own.analysis(job.kind).and_then(|ask| ask.key(file));
        let mut jobs = vec![job];
        if is_together {
            let siblings = self.asked_together(lane, &jobs[0], &together)?;
            jobs.extend(siblings);
        }
        let (mut questions, mut over) = (Vec::new(), Vec::new());
        for job in jobs {
            let key = together.iter().chain(&alone).find(|key| key.hash() == job.key).cloned();
            match key {
                Some(key) if !is_made(self.store(repo)?.db(), &job)? && !self.copy_answer(repo, &job)? => {
                    questions.push(DueQuestion { job, key });
                }
                _ => over.push((job, Ended::Finished)),
            }
        }
        self.end(over.into_iter())?;
        Ok(DueQuestions { questions, is_together })
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

    /// What the file uses of others, if one of the questions is about that.
    fn uses(
        &mut self,
        own: &Recipe,
        repo: &Registered,
        file: &FileRecord,
        due: &[DueQuestion],
    ) -> Result<Vec<DependencyUse>, WorkerError> {
        let sees = |one: &DueQuestion| own.analysis(one.job.kind).is_some_and(|ask| ask.sees != Sees::Nothing);
        if !due.iter().any(sees) {
            return Ok(Vec::new());
        }
        let dependency = |(written, kind, signature)| DependencyUse { written, kind, signature };
        let uses = view::uses(self.store(repo)?.db(), &file.path, file.source)?;
        Ok(uses.into_iter().map(dependency).collect())
    }

    /// Copies the answer of another repository whose file has the same content and sees the same signatures, if it was stored after
    /// this job was planned: no answer is paid for twice.
    fn copy_answer(&mut self, repo: &Registered, job: &Job) -> Result<bool, WorkerError> {
        let askers = budget::askers(&self.queue, &job.key).unwrap_or_default();
        if job.reason == StaleReason::Expired || askers.iter().all(|asker| *asker == repo.id) {
            return Ok(false);
        }
        self.open_stores()?;
        let own = self.store(repo)?.repo.clone();
        let Some(to) = self.stores.get(&own) else { return Ok(false) };
        for from in askers.iter().filter(|asker| **asker != own).filter_map(|asker| self.stores.get(asker)) {
            if share::copy(from.db(), to.db(), &job.key, clock::now())? {
                return Ok(true);
            }
        }
        Ok(false)
    }

    /// Renders the questions, with the secrets taken out.
    fn prompt(&self, asking: &Asking, due: &DueQuestions, shown: &FileSubject<'_>) -> Result<Prompt, Ended> {
        let Some(first) = due.questions.first() else { return Err(Ended::Finished) };
        let _slot = self.slots.enter(&subject(&first.job)).map_err(|error| Ended::Failed(error.to_string()))?;
        let types: Vec<AnalysisType> = due.questions.iter().map(|one| one.key.analysis_type).collect();
        let rendered = catch_unwind(AssertUnwindSafe(|| match due.is_together {
            true => render_together(&asking.prompts, &types, shown, &asking.limits),
            false => render(&asking.prompts, first.key.analysis_type, shown, &asking.limits),
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
