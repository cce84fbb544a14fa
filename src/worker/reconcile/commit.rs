//! The layer of what is committed: its base is the tree at HEAD.

use super::Unreconciled;
use super::base::{Base, Site};
use super::compare::Comparison;
use super::relate::Relations;
use super::schedule::{self, Planned};
use crate::domain::FilePath;
use crate::plan::FilePlan;
use crate::repo::Head;
use crate::worker::Worker;

/// The tree at HEAD.
pub(super) struct HeadBase {
    pub head: Head,
}

impl AsRef<[FilePlan]> for Planned {
    fn as_ref(&self) -> &[FilePlan] {
        &self.plans
    }
}

impl Base for HeadBase {
    type Changes = Comparison;
    type Related = Relations;
    type Planned = Planned;

    fn compare(&mut self, worker: &mut Worker, site: &Site<'_>) -> Result<Option<Comparison>, Unreconciled> {
        worker.compare(site.repo, site.git, std::mem::take(&mut self.head), site.selection, site.reread).map(Some)
    }

    fn relate(&self, worker: &mut Worker, site: &Site<'_>, found: &Comparison) -> Result<Relations, Unreconciled> {
        worker.relate(site.repo, found, site.reread)
    }

    fn plan(
        &self,
        worker: &mut Worker,
        site: &Site<'_>,
        found: &Comparison,
        related: &Relations,
    ) -> Result<Planned, Unreconciled> {
        worker.plan(site.repo, site.recipe, found, related, site.full)
    }

    fn unwanted(&self, found: &Comparison, _: &Planned) -> Vec<FilePath> {
        schedule::unwanted(found).collect()
    }

    fn advance(
        &self,
        worker: &mut Worker,
        site: &Site<'_>,
        found: &Comparison,
        related: &mut Relations,
        planned: &Planned,
    ) -> Result<(), Unreconciled> {
        worker.advance(site, found, related, planned)
    }
}
