//! From a job to the question that is asked about its file, or to the reason why nothing is asked.

use std::os::unix::ffi::OsStrExt;
use std::panic::{AssertUnwindSafe, catch_unwind};

use super::super::analyze::{Ended, is_made, panic_text};
use super::super::{Worker, WorkerError, read, recipe, store_dir, subject};
use crate::analyzer::llm::{Prompt, Withheld, render};
use crate::analyzer::{DependencyUse, Subject};
use crate::budget;
use crate::cache::RepoStore;
use crate::cache::analyses::{self, NewAnalysis};
use crate::cache::key::AnalysisKey;
use crate::cache::view::{self, FileRecord};
use crate::clock;
use crate::domain::StaleReason;
use crate::plan::{Sees, is_asked_about};
use crate::queue::Job;
use crate::repo::Repo;
use crate::repo::registry::{self, Registered};

/// What is asked.
pub(super) struct Question {
    pub key: AnalysisKey,
    pub file: FileRecord,
    pub prompt: Prompt,
}

impl Worker {
    /// The question of a job as its file is recorded now. `Err`: its file has moved on, its answer is there, it may not leave this
    /// machine, or it cannot be read.
    pub(super) fn question(&mut self, job: &Job) -> Result<Result<(Registered, Question), Ended>, WorkerError> {
        let Some(repo) = registry::get(&self.queue, &job.repo)? else { return Ok(Err(Ended::Finished)) };
        let config = self.config.for_repo(&repo.location.path);
        let withheld = Withheld::new(&config.withhold);
        let own = recipe::for_repo(&self.recipe, &config);
        let store = self.store(&repo)?;
        let Some(file) = view::file(store.db(), &job.path)? else { return Ok(Err(Ended::Finished)) };
        let Some(recipe) = own.analysis(job.kind) else { return Ok(Err(Ended::Finished)) };
        let Some(key) = recipe.key(&file).filter(|key| key.hash() == job.key) else { return Ok(Err(Ended::Finished)) };
        if !is_asked_about(&file) || withheld.holds(&job.path) || is_made(store.db(), job)? {
            return Ok(Err(Ended::Finished));
        }
        if self.copy_answer(&repo, job, &file, &key)? {
            return Ok(Err(Ended::Finished));
        }
        let store = self.store(&repo)?;
        let dependency = |(written, kind, signature)| DependencyUse { written, kind, signature };
        let uses: Vec<DependencyUse> = match recipe.sees {
            Sees::Nothing => Vec::new(),
            Sees::Dependencies | Sees::Context => {
                view::uses(store.db(), &job.path)?.into_iter().map(dependency).collect()
            }
        };
        let prompt = self.prompt(&repo, job, &file, &uses);
        Ok(prompt.map(|prompt| (repo, Question { key, file, prompt })))
    }

    /// Takes over the answer of another repository whose file has the same content and sees the same signatures: what is paid for
    /// once is not asked again. The entry keeps what it cost to make; the ledger knows of no second call.
    fn copy_answer(
        &mut self,
        repo: &Registered,
        job: &Job,
        file: &FileRecord,
        key: &AnalysisKey,
    ) -> Result<bool, WorkerError> {
        if job.reason == StaleReason::Expired {
            return Ok(false);
        }
        for asker in budget::askers(&self.queue, &job.key).unwrap_or_default() {
            let Some(other) = registry::get(&self.queue, &asker)?.filter(|other| other.id != repo.id) else { continue };
            // A store that cannot be read has nothing to give.
            let store = RepoStore::open_reader(&other.id, store_dir(&self.config, &other)).ok().flatten();
            let stored = store.and_then(|store| analyses::get(store.db(), &job.key).ok().flatten());
            let Some(stored) = stored else { continue };
            let new = NewAnalysis {
                key,
                path: &file.path,
                json: &stored.json,
                generation_time_ms: stored.generation_time_ms,
                // The one that paid: a copy counts as saved here, not as spent.
                repo_id: &other.id.0,
                repo_path: other.location.path.as_os_str().as_bytes(),
                commit: repo.indexed_commit.as_ref(),
                bill: stored.bill,
            };
            let now = clock::now();
            self.store(repo)?.write_durably(|tx| analyses::insert(tx, &new, now))?;
            return Ok(true);
        }
        Ok(false)
    }

    /// Reads the committed text and renders it, its secrets taken out.
    fn prompt(&self, repo: &Registered, job: &Job, file: &FileRecord, uses: &[DependencyUse]) -> Result<Prompt, Ended> {
        let failed = |error: &dyn std::error::Error| Ended::Failed(error.to_string());
        let Some(asking) = &self.asking else { return Err(Ended::Finished) };
        let git = Repo::open(&repo.location).map_err(|error| failed(&error))?;
        let text = read::text(&git, &file.blob).map_err(|error| failed(&error))?;
        let text = text.ok_or_else(|| Ended::Hopeless("its content is no longer in the repository".to_owned()))?;
        let _slot = self.slots.enter(&subject(job)).map_err(|error| failed(&error))?;
        let shown = Subject { language: file.language, role: file.role, text: &text, uses };
        let Some(analysis_type) = job.kind.analysis_type() else { return Err(Ended::Finished) };
        catch_unwind(AssertUnwindSafe(|| render(&asking.prompts, analysis_type, &shown, &asking.limits)))
            .map_err(|panic| Ended::Failed(panic_text(panic.as_ref())))?
            .map_err(|nothing| Ended::Hopeless(nothing.to_string()))
    }
}
