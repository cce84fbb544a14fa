//! What a request costs, and how it is booked: paid answers are stored first, then ledger entries and jobs are closed in one transaction.

use std::os::unix::ffi::OsStrExt;

use rusqlite::Transaction;

use super::items::put_answer;
use super::{OpenQuestion, Spent};
use crate::analyzer::Analysis;
use crate::analyzer::llm::{Answer, CallFailure, PartReply, input_is_plausible, usage_is_plausible};
use crate::budget::{self, BudgetError, BudgetResult, Charge, Reservation, Settled, Usage};
use crate::cache::analyses::{Bill, NewAnalysis};
use crate::cache::written;
use crate::clock::{self, Timestamp};
use crate::config::Price;
use crate::domain::FilePath;
use crate::queue;
use crate::repo::registry::{self, Registered};
use crate::store::{StoreError, write};
use crate::worker::{Worker, WorkerError};

/// How a job ends in the transaction that closes the ledger's entry.
pub(super) enum JobClose {
    Finish,
    Discard(String),
    /// It goes back into the queue, until its attempts are used up.
    Retry(String),
    /// It is asked again, or put back by what follows.
    Stays,
}

/// How the entries of a request are closed.
pub(super) enum Booking<'a> {
    /// One charge for each question.
    Charged(&'a [Charge]),
    /// The request was not made, for this reason.
    NotMade(&'a str),
}

/// What an answer costs: what the provider reports, where that can be true.
pub(super) fn charge(price: &Price, answer: &Answer) -> Charge {
    let Some(reported) = answer.usage else {
        return Charge::Unreported { reason: "the provider reported no usage".to_owned() };
    };
    if !usage_is_plausible(&reported, answer.prompt_bytes, answer.reply_bytes) {
        let reason = format!(
            "the reported usage ({} tokens in, {} out) is too little for {} bytes of prompt and {} of reply",
            reported.input, reported.output, answer.prompt_bytes, answer.reply_bytes
        );
        return Charge::Unreported { reason };
    }
    Charge::Reported { usage: reported, cost: budget::cost(price, &reported) }
}

/// What a request without an answer costs: what the provider reports, where that can be true; else what it was reserved for.
pub(super) fn charge_failure(
    price: &Price,
    prompt_bytes: u64,
    failure: &CallFailure,
    reported: Option<Usage>,
) -> Charge {
    // The ledger believes no usage without output; a token that was not written is a token too many, never too few.
    let reported = reported.map(|usage| Usage { output: usage.output.max(1), ..usage });
    match reported.filter(|usage| input_is_plausible(usage, prompt_bytes)) {
        Some(usage) => Charge::Reported { usage, cost: budget::cost(price, &usage) },
        None => Charge::Unreported { reason: failure.message.clone() },
    }
}

/// The answers among what came of the questions of a request, each with what its question has cost.
pub(super) fn answers<'a>(
    asked: &'a [OpenQuestion],
    replies: &'a [PartReply],
    spent: &[Spent],
) -> Vec<(&'a OpenQuestion, &'a Analysis, Spent)> {
    let all = asked.iter().zip(replies).zip(spent);
    let report = |((asked, reply), spent): ((&'a OpenQuestion, &'a PartReply), &Spent)| match reply {
        PartReply::Report { analysis, .. } => Some((asked, &**analysis, *spent)),
        PartReply::Malformed { .. } | PartReply::Missing(_) => None,
    };
    all.filter_map(report).collect()
}

impl Worker {
    /// Stores paid answers, on the disk before the ledger's entries are closed.
    pub(super) fn store_answers(
        &mut self,
        repo: &Registered,
        path: &FilePath,
        answers: &[(&OpenQuestion, &Analysis, Spent)],
        millis: u64,
    ) -> Result<(), WorkerError> {
        // Its store went with the repository.
        if answers.is_empty() || registry::get(&self.queue, &repo.id)?.is_none() {
            return Ok(());
        }
        let mut written = Vec::new();
        for (asked, analysis, spent) in answers {
            match analysis.to_json() {
                Ok(json) => written.push((*asked, json, *spent)),
                Err(error) => tracing::error!(%error, path = %asked.job.path, "an answer cannot be stored"),
            }
        }
        let now = clock::now();
        let store = self.store(repo)?;
        Ok(store.write_durably(|tx| {
            for (asked, json, spent) in &written {
                let new = NewAnalysis {
                    key: &asked.key,
                    path,
                    json,
                    packed: None,
                    generation_time_ms: millis,
                    repo_id: &repo.id.0,
                    repo_path: repo.location.path.as_os_str().as_bytes(),
                    commit: repo.indexed_commit.as_ref(),
                    bill: Bill {
                        cost: spent.cost,
                        answer_cost: spent.cost.saturating_sub(asked.before.cost),
                        input_tokens: spent.input_tokens,
                        output_tokens: spent.output_tokens,
                    },
                    is_piece: false,
                };
                put_answer(tx, asked, &new, now)?;
                written::take_in(tx, path, &[(asked.job.kind, asked.job.key)])?;
            }
            Ok(())
        })?)
    }

    /// Closes the ledger's entries of a request and its jobs, each in its way, in one transaction.
    pub(super) fn close_request(
        &mut self,
        asked: &[OpenQuestion],
        booking: &Booking<'_>,
        endings: &[JobClose],
    ) -> Result<(), WorkerError> {
        let tx = write(&mut self.queue)?;
        close_in(&tx, asked, booking, endings)?;
        Ok(tx.commit().map_err(StoreError::from)?)
    }
}

/// As [`Worker::close_request`], in a transaction that holds more.
pub(super) fn close_in(
    tx: &Transaction<'_>,
    asked: &[OpenQuestion],
    booking: &Booking<'_>,
    endings: &[JobClose],
) -> Result<(), WorkerError> {
    let now = clock::now();
    for ((at, asked), ending) in asked.iter().enumerate().zip(endings) {
        if let Some(reservation) = &asked.reservation {
            match booking.book(tx, at, reservation, now) {
                Ok(settled) => {
                    tracing::debug!(path = %asked.job.path, kind = %asked.job.kind, cost = settled.cost, "settled");
                }
                // It stays open and counts at its worst case.
                Err(error) => tracing::error!(%error, entry = reservation.entry(), "a call is not settled"),
            }
        }
        match ending {
            JobClose::Finish => queue::finish_one(tx, asked.job.id, now)?,
            JobClose::Discard(detail) => queue::discard(tx, asked.job.id, detail, now)?,
            JobClose::Retry(detail) => queue::retry(tx, &asked.job, detail, now)?,
            JobClose::Stays => {}
        }
    }
    Ok(())
}

impl Booking<'_> {
    fn book(
        &self,
        tx: &Transaction<'_>,
        at: usize,
        reservation: &Reservation,
        now: Timestamp,
    ) -> BudgetResult<Settled> {
        match self {
            Self::Charged(charges) => match charges.get(at) {
                Some(charge) => budget::settle(tx, reservation, charge, now),
                None => Err(BudgetError::NotOpen(reservation.entry())),
            },
            Self::NotMade(reason) => budget::release(tx, reservation, reason, now),
        }
    }
}

/// What all requests of a question have cost once this charge is booked.
pub(super) fn spent(asked: &OpenQuestion, charge: &Charge) -> Spent {
    let (cost, usage) = match charge {
        Charge::Reported { usage, cost } | Charge::Share { usage, cost } => (*cost, *usage),
        Charge::Unreported { .. } => {
            (asked.reservation.as_ref().map_or(0, |reservation| reservation.worst_case), Usage::default())
        }
    };
    Spent {
        cost: asked.before.cost.saturating_add(cost),
        input_tokens: asked.before.input_tokens.saturating_add(usage.input),
        output_tokens: asked.before.output_tokens.saturating_add(usage.output),
    }
}
