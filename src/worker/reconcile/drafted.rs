//! What was answered while a new repository was read, stored in sets: its jobs are done when they are enqueued.
//!
//! A first index has four jobs a file, all of one reason. To claim, prepare and finish each of them took longer than to make its result. What
//! a commit brings goes through the queue: it is little, and a person may look at it, order it or hold it back there.

use std::collections::{BTreeMap, HashSet};

use rayon::prelude::*;

use super::Unreconciled;
use super::relate::Relations;
use super::schedule::Planned;
use crate::analyzer::DependencyUse;
use crate::analyzer::local::DraftAnswer;
use crate::cache::analyses;
use crate::cache::key::AnalysisKey;
use crate::cache::packed::{self, Packer};
use crate::cache::view::PackedUses;
use crate::clock;
use crate::domain::{FilePath, FileRecord, Hash, JobKind, ObjectId};
use crate::plan::Recipe;
use crate::queue::{self, NewJob};
use crate::repo::registry::Registered;
use crate::store::StoreError;
use crate::worker::Worker;
use crate::worker::jobs::analyze::MadeReport;
use crate::worker::jobs::drafts::Drafts;

/// Files whose results are stored in one transaction.
const FILES_AT_ONCE: usize = 500;

/// An answer that is at hand, and what its entry needs.
struct DraftedJob<'a> {
    file: &'a FileRecord,
    key: AnalysisKey,
    draft: DraftAnswer,
    /// `None`: the question is not about what the file uses.
    uses: Option<&'a PackedUses>,
}

impl Worker {
    /// Stores the answers that are at hand for a repository that has had no job, and takes their jobs for made. All others stay jobs.
    pub(super) fn store_drafts(
        &mut self,
        repo: &Registered,
        recipe: &Recipe,
        commit: Option<&ObjectId>,
        relations: &Relations,
        planned: &mut Planned,
    ) -> Result<(), Unreconciled> {
        if self.drafts.is_empty() || queue::is_paused(&self.queue)? || queue::has_any(&self.queue, &repo.id)? {
            return Ok(());
        }
        let mut stored: HashSet<Hash> = HashSet::new();
        for plans in planned.plans.chunks_mut(FILES_AT_ONCE) {
            let jobs = plans.iter().flat_map(|plan| &plan.jobs);
            let drafts = &mut self.drafts;
            let drafted: Vec<DraftedJob<'_>> =
                jobs.filter_map(|job| DraftedJob::of(job, drafts, recipe, &planned.files, relations)).collect();
            let packer = packed::packer(self.store(repo)?.db())?;
            let made: Vec<Option<MadeReport>> =
                self.pool.install(|| drafted.par_iter().map(|one| one.report(&packer)).collect());
            let now = clock::now();
            let before = stored.len();
            let store = self.store(repo)?;
            let tx = store.write()?;
            for (one, report) in drafted.iter().zip(&made) {
                let Some(report) = report else { continue };
                analyses::insert(&tx, &report.entry(&one.key, &one.file.path, repo, commit), now)?;
                stored.insert(one.key.hash());
            }
            tx.commit().map_err(StoreError::from)?;
            store.bound_log()?;
            let new = stored.len() - before;
            for plan in plans {
                let jobs = std::mem::take(&mut plan.jobs).into_iter();
                (plan.made, plan.jobs) = jobs.partition(|job| stored.contains(&job.key));
            }
            self.learn_packing(new)?;
        }
        Ok(())
    }
}

impl<'a> DraftedJob<'a> {
    /// `None`: its result is still to be made.
    fn of(
        job: &NewJob,
        drafts: &mut Drafts,
        recipe: &Recipe,
        files: &'a BTreeMap<FilePath, FileRecord>,
        relations: &'a Relations,
    ) -> Option<Self> {
        let JobKind::Analyze(analysis_type) = job.kind else { return None };
        let file = files.get(&job.path)?;
        let key = recipe.analysis(job.kind)?.key(file).filter(|key| key.hash() == job.key)?;
        let uses = relations.links.get(&job.path).map(|(_, uses)| uses);
        let uses = if analysis_type.spec().local_sees_dependencies { Some(uses?) } else { None };
        Some(Self { file, key, draft: drafts.take(file, analysis_type)?, uses })
    }

    /// `None`: its job finds out why.
    fn report(&self, packer: &Packer) -> Option<MadeReport> {
        let uses = self.uses.map(PackedUses::unpack).transpose().ok()?.unwrap_or_default();
        let uses: Vec<DependencyUse> = uses.into_iter().map(DependencyUse::from).collect();
        MadeReport::of_draft(&self.draft, &uses, packer).ok()
    }
}
