//! From a job to the question that is asked about its file, or to the reason why nothing is asked.

use std::panic::{AssertUnwindSafe, catch_unwind};

use super::Asking;
use crate::analyzer::llm::{Prompt, Withheld, render};
use crate::analyzer::{DependencyUse, FileSubject};
use crate::budget;
use crate::cache::key::AnalysisKey;
use crate::cache::view;
use crate::cache::{overlay, share};
use crate::clock;
use crate::domain::{FileRecord, StaleReason};
use crate::index::{read, recipe};
use crate::plan::{Sees, is_asked_about};
use crate::queue::Job;
use crate::repo::Repo;
use crate::repo::registry::{self, Registered};
use crate::worker::jobs::analyze::{Ended, is_made, panic_text};
use crate::worker::{Worker, WorkerError, subject};

/// What is asked.
pub(super) struct Question {
    pub key: AnalysisKey,
    pub file: FileRecord,
    pub prompt: Prompt,
}

/// What became of a job when its question was asked for.
pub(super) enum Questioned {
    Ask(Box<Registered>, Box<Question>),
    /// There is nothing to ask: the file has changed again, its answer is stored, it may not leave this machine, or it cannot be read.
    Over(Ended),
}

impl Worker {
    /// Returns the question of a job as its file is recorded now.
    pub(super) fn question(&mut self, asking: &Asking, job: &Job) -> Result<Questioned, WorkerError> {
        const FINISHED: Questioned = Questioned::Over(Ended::Finished);
        let Some(repo) = registry::get(&self.queue, &job.repo)? else { return Ok(FINISHED) };
        let config = self.config.for_repo(&repo.location.path);
        let withheld = Withheld::new(&config.withhold);
        let own = recipe::for_repo(&self.recipe, &config);
        let store = self.store(&repo)?;
        let file = if own.ask_on_save { view::present } else { view::file };
        let Some(file) = file(store.db(), &job.path)? else { return Ok(FINISHED) };
        let Some(recipe) = own.analysis(job.kind) else { return Ok(FINISHED) };
        let Some(key) = recipe.key(&file).filter(|key| key.hash() == job.key) else { return Ok(FINISHED) };
        if !is_asked_about(&file) || withheld.holds(&job.path) || is_made(store.db(), job)? {
            return Ok(FINISHED);
        }
        if self.copy_answer(&repo, job)? {
            return Ok(FINISHED);
        }
        let store = self.store(&repo)?;
        let dependency = |(written, kind, signature)| DependencyUse { written, kind, signature };
        let uses: Vec<DependencyUse> = match recipe.sees {
            Sees::Nothing => Vec::new(),
            Sees::Dependencies | Sees::Context => {
                view::uses(store.db(), &job.path, file.source)?.into_iter().map(dependency).collect()
            }
        };
        let saved = overlay::saved_text(store.db(), &file)?;
        let prompt = self.prompt(asking, &repo, job, &file, &uses, saved);
        Ok(match prompt {
            Ok(prompt) => Questioned::Ask(Box::new(repo), Box::new(Question { key, file, prompt })),
            Err(ended) => Questioned::Over(ended),
        })
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

    /// Renders the saved or committed text, with its secrets taken out.
    fn prompt(
        &self,
        asking: &Asking,
        repo: &Registered,
        job: &Job,
        file: &FileRecord,
        uses: &[DependencyUse],
        saved: Option<String>,
    ) -> Result<Prompt, Ended> {
        let failed = |error: &dyn std::error::Error| Ended::Failed(error.to_string());
        let text = match saved {
            Some(saved) => Some(saved),
            None => {
                let git = Repo::open(&repo.location).map_err(|error| failed(&error))?;
                read::text(&git, &file.path, &file.blob).map_err(|error| failed(&error))?
            }
        };
        let text = text.ok_or_else(|| Ended::Hopeless("its content is no longer in the repository".to_owned()))?;
        let _slot = self.slots.enter(&subject(job)).map_err(|error| failed(&error))?;
        let shown = FileSubject { language: file.language, role: file.role, text: &text, uses };
        let Some(analysis_type) = job.kind.analysis_type() else { return Err(Ended::Finished) };
        catch_unwind(AssertUnwindSafe(|| render(&asking.prompts, analysis_type, &shown, &asking.limits)))
            .map_err(|panic| Ended::Failed(panic_text(panic.as_ref())))?
            .map_err(|nothing| Ended::Hopeless(nothing.to_string()))
    }
}
