//! What `status` says about the model that is asked: how much is answered, what waits for what, what the cut-off saved.

use super::view::status::{CutoffStatus, ModelStatus, ParkedStatus};
use super::view::usd;
use super::{QueryError, Reader};
use crate::analyzer::llm;
use crate::budget;
use crate::clock::{self, Timestamp};
use crate::queue::{self, Lane};

/// The schema of agent.db that has batches.
const BATCHES_SINCE: u32 = 3;

/// `asked`, `answered`: of all repositories together.
pub(super) fn model(reader: &Reader<'_>, asked: u64, answered: u64) -> Result<Option<ModelStatus>, QueryError> {
    let Some(model) = llm::model_id(&reader.config.llm) else { return Ok(None) };
    let obstacle = reader.config.llm.price().err().map(|unknown| unknown.to_string());
    Ok(Some(ModelStatus { model, asked, answered, obstacle, batch: batch(reader)? }))
}

/// What is in a batch, or could go in one.
fn batch(reader: &Reader<'_>) -> Result<Option<String>, QueryError> {
    let llm = &reader.config.llm;
    let Some(db) = reader.agent.as_ref().filter(|_| llm.provider.has_batches()) else { return Ok(None) };
    let version: u32 = db.pragma_query_value(None, "user_version", |row| row.get(0))?;
    if version < BATCHES_SINCE {
        return Ok(None);
    }
    if let Some(open) = queue::open_batch(db)? {
        let since = open.sent_at.to_rfc3339();
        return Ok(Some(format!("{} request(s) in a batch since {since}; answered within 24 hours", open.lines)));
    }
    let waiting = queue::queued_in(db, Lane::AskLater)?;
    let could = (!llm.batch && waiting > 0).then(|| {
        format!(
            "{waiting} question(s) that no commit has caused wait; `[llm] batch = \"backfill\"` asks such for less, \
             mostly within an hour, at most within 24"
        )
    });
    Ok(could)
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
