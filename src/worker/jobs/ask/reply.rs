//! From the outcome of a request to a stored answer and a closed ledger entry, or to what is done instead.

use std::ops::ControlFlow;
use std::os::unix::ffi::OsStrExt;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::time::Duration;

use super::{Asking, Open, Spent, after};
use crate::analyzer::Analysis;
use crate::analyzer::llm::{
    Answer, CallFailure, CallOutcome, Malformed, NextStep, backoff, input_is_plausible, parse, random_unit, repair,
    usage_is_plausible,
};
use crate::budget::{self, BudgetError, Charge, Usage};
use crate::cache::analyses::{Bill, NewAnalysis};
use crate::clock;
use crate::queue::{self, Lane, ParkCause, Parking};
use crate::repo::registry;
use crate::store::{StoreError, write};
use crate::worker::jobs::analyze::{panic_text, put};
use crate::worker::{Worker, WorkerError};

/// Rate-limited requests in a row after which the whole lane is parked.
const RATE_LIMITED_MOST: u32 = 5;

/// How long they are parked then, if the provider does not ask for more.
const RATE_LIMITED_REST: Duration = Duration::from_secs(60);

/// How often one question is put another way because the server wants it so: there are five ways.
const ADAPTED_MOST: u32 = 5;

/// How a job ends in the transaction that closes the ledger's entry.
enum JobClose<'a> {
    Finish,
    Discard(&'a str),
    /// It is asked again, or put back by what follows.
    Stays,
}

/// A reply, read.
enum Read {
    Report(Box<Analysis>),
    Malformed(Malformed),
    Panicked(String),
}

impl Asking {
    pub(super) fn apply_outcome(
        &mut self,
        worker: &mut Worker,
        open: Open,
        outcome: CallOutcome,
        millis: u64,
    ) -> Result<(), WorkerError> {
        // The reservation is settled now, for more or for less.
        self.short = false;
        match outcome {
            CallOutcome::Answered(answer) => self.apply_answer(worker, open, &answer, millis),
            CallOutcome::Failed(failure) => self.apply_failure(worker, open, &failure),
        }
    }

    fn apply_answer(
        &mut self,
        worker: &mut Worker,
        mut open: Open,
        answer: &Answer,
        millis: u64,
    ) -> Result<(), WorkerError> {
        self.note_health(worker, open.job.id, answer.pause)?;
        let charge = self.charge(answer);
        let spent = spent(&open, &charge);
        let malformed = match read(&open, answer) {
            Read::Report(analysis) => {
                let stored = worker.store_answer(&open, &analysis, &spent, millis);
                return match stored {
                    Ok(()) => worker.settle_call(&open, &charge, JobClose::Finish),
                    Err(error) => worker.give_back_unstored(&open, &charge, &error),
                };
            }
            Read::Panicked(detail) => return worker.settle_call(&open, &charge, JobClose::Discard(&detail)),
            Read::Malformed(malformed) => malformed,
        };
        if open.repaired || !malformed.is_repairable() {
            let detail = format!("the model's reply cannot be used: {malformed}");
            return worker.settle_call(&open, &charge, JobClose::Discard(&detail));
        }
        worker.settle_call(&open, &charge, JobClose::Stays)?;
        tracing::info!(path = %open.job.path, kind = %open.job.kind, %malformed, "a reply is to be repaired");
        open.prompt = repair(&open.question.prompt, &malformed, &answer.text);
        (open.repaired, open.reservation, open.before) = (true, None, spent);
        self.await_turn(worker, open);
        Ok(())
    }

    /// The provider is there; it may want a pause.
    fn note_health(&mut self, worker: &mut Worker, job: i64, pause: Option<Duration>) -> Result<(), WorkerError> {
        self.breaker.answered();
        self.rate_limited = 0;
        if self.probe == Some(job) {
            self.probe = None;
        }
        if let Some(pause) = pause {
            self.gate.hold(pause);
            queue::postpone(&worker.queue, Lane::Ask, after(clock::now(), pause))?;
        }
        Ok(())
    }

    /// What an answer costs: what the provider reports, where that can be true.
    fn charge(&self, answer: &Answer) -> Charge {
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
        Charge::Reported { usage: reported, cost: budget::cost(&self.price, &reported) }
    }

    /// What a request without an answer costs: what the provider reports, where that can be true; else what it was reserved for.
    fn charge_failure(&self, open: &Open, failure: &CallFailure, reported: Option<Usage>) -> Charge {
        let prompt_bytes = (open.prompt.instructions().len() + open.prompt.question().len()) as u64;
        // The ledger believes no usage without output; a token that was not written is a token too many, never too few.
        let reported = reported.map(|usage| Usage { output: usage.output.max(1), ..usage });
        match reported.filter(|usage| input_is_plausible(usage, prompt_bytes)) {
            Some(usage) => Charge::Reported { usage, cost: budget::cost(&self.price, &usage) },
            None => Charge::Unreported { reason: failure.message.clone() },
        }
    }

    fn apply_failure(&mut self, worker: &mut Worker, mut open: Open, failure: &CallFailure) -> Result<(), WorkerError> {
        let next = failure.kind.next_step();
        let detail = match failure.kind.remedy() {
            Some(remedy) => format!("{failure}; {remedy}"),
            None => failure.to_string(),
        };
        tracing::warn!(path = %open.job.path, kind = %open.job.kind, detail, "a question was not answered");
        let gives_up = next == NextStep::Discard || (next == NextStep::AskAgain && open.adapted >= ADAPTED_MOST);
        let ending = if gives_up { JobClose::Discard(&detail) } else { JobClose::Stays };
        let reported = failure.usage.filter(|usage| usage.input > 0 || usage.output > 0);
        if failure.may_be_billed || reported.is_some() {
            let charge = self.charge_failure(&open, failure, reported);
            open.before = spent(&open, &charge);
            worker.settle_call(&open, &charge, ending)?;
        } else {
            worker.close_entry(&open, &ending, |tx, reservation, now| {
                budget::release(tx, reservation, &failure.message, now)
            })?;
        }
        open.reservation = None;
        match next {
            NextStep::Outage(asked_for) => self.note_outage(worker, &open, asked_for, &detail).map(drop),
            NextStep::Wait(asked_for) => self.note_rate_limit(worker, &open, asked_for, &detail).map(drop),
            NextStep::Park => {
                self.note_health(worker, open.job.id, None)?;
                let why = Parking { cause: ParkCause::Setup, until: None, detail: &detail };
                worker.park_asks(&[open.job.id], &why).map(drop)
            }
            NextStep::Discard => self.note_health(worker, open.job.id, None),
            NextStep::AskAgain => {
                self.note_health(worker, open.job.id, None)?;
                if !gives_up {
                    open.adapted += 1;
                    self.await_turn(worker, open);
                }
                Ok(())
            }
        }
    }

    /// The provider is down, or this request is more than it can do: the job is tried again after a while, and from some outages in
    /// a row on all jobs wait for the provider.
    fn note_outage(
        &mut self,
        worker: &mut Worker,
        open: &Open,
        asked_for: Option<Duration>,
        detail: &str,
    ) -> Result<ControlFlow<()>, WorkerError> {
        let now = clock::monotonic();
        if self.probe == Some(open.job.id) {
            self.probe = None;
        }
        let opened = self.breaker.outage(asked_for, now);
        if opened || self.breaker.is_open() {
            let rest = self.rest();
            return worker.park_for_outage(&[open.job.id], rest, detail);
        }
        let wait = backoff(open.job.attempts, asked_for, random_unit());
        queue::retry_after(&worker.queue, &open.job, detail, wait, clock::now())?;
        Ok(ControlFlow::Break(()))
    }

    /// The provider wants fewer requests: none is sent before it is due. That is no fault of the job, so its attempt does not count.
    fn note_rate_limit(
        &mut self,
        worker: &mut Worker,
        open: &Open,
        asked_for: Option<Duration>,
        detail: &str,
    ) -> Result<ControlFlow<()>, WorkerError> {
        self.note_answered_only(open.job.id);
        self.rate_limited += 1;
        let wait = backoff(self.rate_limited, asked_for, random_unit());
        self.gate.hold(wait);
        if self.rate_limited >= RATE_LIMITED_MOST {
            return worker.park_for_outage(&[open.job.id], wait.max(RATE_LIMITED_REST), detail);
        }
        worker.put_back_until(open.job.id, wait, Some(detail))
    }

    /// The provider is there, though it did not do what was asked.
    fn note_answered_only(&mut self, job: i64) {
        self.breaker.answered();
        if self.probe == Some(job) {
            self.probe = None;
        }
    }
}

impl Worker {
    /// An answer that cannot be stored is paid for all the same; asking again and again would pay for it again and again, so that
    /// counts as an attempt.
    fn give_back_unstored(&mut self, open: &Open, charge: &Charge, error: &WorkerError) -> Result<(), WorkerError> {
        let detail = format!("the answer cannot be stored: {error}");
        tracing::error!(path = %open.job.path, detail, "an answer is lost");
        self.settle_call(open, charge, JobClose::Stays)?;
        Ok(queue::retry(&self.queue, &open.job, &detail, clock::now())?)
    }

    /// Stores a paid answer, on the disk before the ledger's entry is closed.
    fn store_answer(
        &mut self,
        open: &Open,
        analysis: &Analysis,
        spent: &Spent,
        millis: u64,
    ) -> Result<(), WorkerError> {
        // Its store went with the repository.
        if registry::get(&self.queue, &open.repo.id)?.is_none() {
            return Ok(());
        }
        let json = match analysis.to_json() {
            Ok(json) => json,
            Err(error) => {
                tracing::error!(%error, path = %open.job.path, "an answer cannot be stored");
                return Ok(());
            }
        };
        let new = NewAnalysis {
            key: &open.question.key,
            path: &open.question.file.path,
            json: &json,
            packed: None,
            generation_time_ms: millis,
            repo_id: &open.repo.id.0,
            repo_path: open.repo.location.path.as_os_str().as_bytes(),
            commit: open.repo.indexed_commit.as_ref(),
            bill: Bill {
                cost: spent.cost,
                answer_cost: spent.cost.saturating_sub(open.before.cost),
                input_tokens: spent.input_tokens,
                output_tokens: spent.output_tokens,
            },
        };
        let now = clock::now();
        Ok(self.store(&open.repo)?.write_durably(|tx| put(tx, &open.job, &new, now))?)
    }

    /// Closes the ledger's entry and the job in one transaction.
    fn settle_call(&mut self, open: &Open, charge: &Charge, ending: JobClose<'_>) -> Result<(), WorkerError> {
        self.close_entry(open, &ending, |tx, reservation, now| budget::settle(tx, reservation, charge, now))
    }

    fn close_entry(
        &mut self,
        open: &Open,
        ending: &JobClose<'_>,
        close: impl FnOnce(
            &rusqlite::Transaction<'_>,
            &budget::Reservation,
            clock::Timestamp,
        ) -> Result<budget::Settled, BudgetError>,
    ) -> Result<(), WorkerError> {
        let now = clock::now();
        let tx = write(&mut self.queue)?;
        if let Some(reservation) = &open.reservation {
            match close(&tx, reservation, now) {
                Ok(settled) => {
                    tracing::debug!(path = %open.job.path, kind = %open.job.kind, cost = settled.cost, "settled");
                }
                // It stays open and counts at its worst case.
                Err(error) => tracing::error!(%error, entry = reservation.entry(), "a call is not settled"),
            }
        }
        match ending {
            JobClose::Finish => queue::finish_one(&tx, open.job.id, now)?,
            JobClose::Discard(detail) => queue::discard(&tx, open.job.id, detail, now)?,
            JobClose::Stays => {}
        }
        Ok(tx.commit().map_err(StoreError::from)?)
    }
}

/// What all requests of a question have cost once this one is charged.
fn spent(open: &Open, charge: &Charge) -> Spent {
    let (cost, usage) = match charge {
        Charge::Reported { usage, cost } => (*cost, *usage),
        Charge::Unreported { .. } => {
            (open.reservation.as_ref().map_or(0, |reservation| reservation.worst_case), Usage::default())
        }
    };
    Spent {
        cost: open.before.cost.saturating_add(cost),
        input_tokens: open.before.input_tokens.saturating_add(usage.input),
        output_tokens: open.before.output_tokens.saturating_add(usage.output),
    }
}

fn read(open: &Open, answer: &Answer) -> Read {
    match catch_unwind(AssertUnwindSafe(|| parse(&open.prompt, &answer.text, answer.finish))) {
        Ok(Ok(analysis)) => Read::Report(Box::new(analysis)),
        Ok(Err(malformed)) => Read::Malformed(malformed),
        Err(panic) => Read::Panicked(panic_text(panic.as_ref())),
    }
}
