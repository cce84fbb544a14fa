//! What `status` says about the model that is asked: how much is answered, what waits for what, what the cut-off saved.

use super::view::status::{CutoffStatus, ModelStatus, ParkedStatus};
use super::view::usd;
use super::{QueryError, Reader};
use crate::analyzer::llm;
use crate::budget;
use crate::clock::{self, Timestamp};
use crate::queue;

/// `asked`, `answered`: of all repositories together.
pub(super) fn model(reader: &Reader<'_>, asked: u64, answered: u64) -> Option<ModelStatus> {
    let model = llm::model_id(&reader.config.llm)?;
    let obstacle = reader.config.llm.price().err().map(|unknown| unknown.to_string());
    Some(ModelStatus { model, asked, answered, obstacle })
}

pub(super) fn parked(reader: &Reader<'_>) -> Result<Vec<ParkedStatus>, QueryError> {
    let Some(db) = &reader.agent else { return Ok(Vec::new()) };
    let status = |parked: queue::Parked| ParkedStatus {
        cause: parked.cause,
        reason: parked.detail,
        until: parked.until.map(Timestamp::to_rfc3339),
        jobs: parked.jobs,
    };
    Ok(queue::parkings(db)?.into_iter().map(status).collect())
}

pub(super) fn cutoff(reader: &Reader<'_>, considered: u64, analysed: u64) -> Result<CutoffStatus, QueryError> {
    let mean = match &reader.agent {
        Some(db) => budget::report(db, &reader.config.budget, clock::now())?.mean,
        None => None,
    };
    let cut_off = considered.saturating_sub(analysed);
    let saved_usd = mean.map(|mean| cut_off as f64 * usd(mean.per_file));
    Ok(CutoffStatus { considered, analysed, saved_usd })
}
