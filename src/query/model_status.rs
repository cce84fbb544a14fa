//! What `status` says about the model that is asked: how much is answered, what waits for what, what the cut-off saved.

use serde::Serialize;

use super::{QueryError, Reader};
use crate::analyzer::llm;
use crate::budget;
use crate::clock::{self, Timestamp};
use crate::queue;

use crate::budget::NANO;

/// The model and what is answered.
#[derive(Clone, Debug, Serialize)]
pub struct ModelStatus {
    /// `provider/model`.
    pub model: String,
    /// Files that it is asked about, and those of them whose every answer is there.
    pub asked: u64,
    pub answered: u64,
    /// Why it is not asked: its price is not known. What else holds it up is said of the jobs that are parked.
    pub obstacle: Option<String>,
}

/// Jobs that wait for the same.
#[derive(Clone, Debug, Serialize)]
pub struct ParkedStatus {
    /// `budget`, `provider` or `setup`.
    pub cause: String,
    pub reason: String,
    /// When they go on by themselves.
    pub until: Option<String>,
    pub jobs: u64,
}

/// Files that use a changed file, and what it saved that most of them did not have to be analysed again.
#[derive(Clone, Copy, Debug, Default, Serialize)]
pub struct CutoffStatus {
    /// Files that use a file that changed, summed over all changes.
    pub considered: u64,
    /// Those that use something of it that changed, and were analysed again.
    pub analysed: u64,
    /// What the others would have cost at the mean cost of what this user has asked about a file; `None` before there was any.
    pub saved_usd: Option<f64>,
}

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
    let let_off = considered.saturating_sub(analysed);
    let saved_usd = mean.map(|mean| let_off as f64 * mean.per_file as f64 / NANO);
    Ok(CutoffStatus { considered, analysed, saved_usd })
}
