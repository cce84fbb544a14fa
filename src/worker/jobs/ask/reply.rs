//! From what came of a request to a stored answer and a closed ledger entry, or to what is to be done instead.

use std::ops::ControlFlow;
use std::os::unix::ffi::OsStrExt;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::time::Duration;

use super::{Open, Spent, after};
use crate::analyzer::Analysis;
use crate::analyzer::llm::{
    Answer, CallFailure, CallOutcome, Malformed, NextStep, backoff, parse, random_unit, repair, usage_is_plausible,
};
use crate::budget::{self, BudgetError, Charge, Usage};
use crate::cache::analyses::{Bill, NewAnalysis};
use crate::clock;
use crate::queue::{self, Lane, ParkCause, Parking};
use crate::repo::registry;
use crate::store::{StoreError, write};
use crate::worker::jobs::analyze::{panic_text, put};
use crate::worker::{Worker, WorkerError};

/// Requests in a row that a provider may turn away for coming too fast before all of them are parked.
const TURNED_AWAY_MOST: u32 = 5;

/// How long they are parked then, if the provider does not ask for more.
const TURNED_AWAY_REST: Duration = Duration::from_secs(60);

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

impl Worker {
    pub(super) fn take_in(&mut self, open: Open, outcome: CallOutcome, millis: u64) -> Result<(), WorkerError> {
        if let Some(asking) = &mut self.asking {
            // What was reserved is settled now, be it more or less.
            asking.short = false;
        }
        match outcome {
            CallOutcome::Answered(answer) => self.take_answer(open, &answer, millis),
            CallOutcome::Failed(failure) => self.take_failure(open, &failure),
        }
    }

    fn take_answer(&mut self, mut open: Open, answer: &Answer, millis: u64) -> Result<(), WorkerError> {
        self.note_health(open.job.id, answer.pause)?;
        let charge = self.charge(answer);
        let spent = spent(&open, &charge);
        let malformed = match read(&open, answer) {
            Read::Report(analysis) => {
                let stored = self.store_answer(&open, &analysis, &spent, millis);
                return match stored {
                    Ok(()) => self.settle_call(&open, &charge, JobClose::Finish),
                    Err(error) => self.give_back_unstored(&open, &charge, &error),
                };
            }
            Read::Panicked(detail) => return self.settle_call(&open, &charge, JobClose::Discard(&detail)),
            Read::Malformed(malformed) => malformed,
        };
        if open.repaired || !malformed.is_repairable() {
            let detail = format!("the model's reply cannot be used: {malformed}");
            return self.settle_call(&open, &charge, JobClose::Discard(&detail));
        }
        self.settle_call(&open, &charge, JobClose::Stays)?;
        tracing::info!(path = %open.job.path, kind = %open.job.kind, %malformed, "a reply is to be repaired");
        open.prompt = repair(&open.question.prompt, &malformed, &answer.text);
        (open.repaired, open.reservation, open.before) = (true, None, spent);
        self.queue_up(open);
        Ok(())
    }

    /// An answer that cannot be stored is paid for all the same; asking again and again would pay for it again and again, so that
    /// counts as an attempt.
    fn give_back_unstored(&mut self, open: &Open, charge: &Charge, error: &WorkerError) -> Result<(), WorkerError> {
        let detail = format!("the answer cannot be stored: {error}");
        tracing::error!(path = %open.job.path, detail, "an answer is lost");
        self.settle_call(open, charge, JobClose::Stays)?;
        Ok(queue::retry(&self.queue, &open.job, &detail, clock::now())?)
    }

    /// The provider is there; it may want a pause.
    fn note_health(&mut self, job: i64, pause: Option<Duration>) -> Result<(), WorkerError> {
        let Some(asking) = &mut self.asking else { return Ok(()) };
        asking.breaker.answered();
        asking.turned_away = 0;
        if asking.probe == Some(job) {
            asking.probe = None;
        }
        if let (Some(pause), Ok(provider)) = (pause, &asking.provider) {
            provider.gate.hold(pause);
            queue::postpone(&self.queue, Lane::Ask, after(clock::now(), pause))?;
        }
        Ok(())
    }

    /// What an answer costs: what the provider reports, where that can be true.
    fn charge(&self, answer: &Answer) -> Charge {
        let price =
            self.asking.as_ref().and_then(|asking| asking.provider.as_ref().ok()).map(|provider| provider.price);
        let (Some(reported), Some(price)) = (answer.usage, price) else {
            return Charge::Unreported { reason: "the provider reported no usage".to_owned() };
        };
        if !usage_is_plausible(&reported, answer.prompt_bytes, answer.reply_bytes) {
            let reason = format!(
                "the reported usage ({} tokens in, {} out) is too little for {} bytes of prompt and {} of reply",
                reported.input, reported.output, answer.prompt_bytes, answer.reply_bytes
            );
            return Charge::Unreported { reason };
        }
        Charge::Reported { usage: reported, cost: budget::cost(&price, &reported) }
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

    fn take_failure(&mut self, mut open: Open, failure: &CallFailure) -> Result<(), WorkerError> {
        let next = failure.kind.next_step();
        let detail = match failure.kind.remedy() {
            Some(remedy) => format!("{failure}; {remedy}"),
            None => failure.to_string(),
        };
        tracing::warn!(path = %open.job.path, kind = %open.job.kind, detail, "a question was not answered");
        let gives_up = next == NextStep::Discard || (next == NextStep::AskAgain && open.adapted >= ADAPTED_MOST);
        let ending = if gives_up { JobClose::Discard(&detail) } else { JobClose::Stays };
        if failure.may_be_billed {
            let charge = Charge::Unreported { reason: failure.message.clone() };
            open.before = spent(&open, &charge);
            self.settle_call(&open, &charge, ending)?;
        } else {
            self.close_entry(&open, &ending, |tx, reservation, now| {
                budget::release(tx, reservation, &failure.message, now)
            })?;
        }
        open.reservation = None;
        match next {
            NextStep::Outage(asked_for) => self.note_outage(&open, asked_for, &detail).map(drop),
            NextStep::Wait(asked_for) => self.note_turned_away(&open, asked_for, &detail).map(drop),
            NextStep::Park => {
                self.note_health(open.job.id, None)?;
                let why = Parking { cause: ParkCause::Setup, until: None, detail: &detail };
                self.park_asks(&[open.job.id], &why).map(drop)
            }
            NextStep::Discard => self.note_health(open.job.id, None),
            NextStep::AskAgain => {
                self.note_health(open.job.id, None)?;
                if !gives_up {
                    open.adapted += 1;
                    self.queue_up(open);
                }
                Ok(())
            }
        }
    }

    /// The provider is down, or this request is more than it can do: the job is tried again after a while, and from some outages in
    /// a row on all jobs wait for the provider.
    fn note_outage(
        &mut self,
        open: &Open,
        asked_for: Option<Duration>,
        detail: &str,
    ) -> Result<ControlFlow<()>, WorkerError> {
        let Some(asking) = &mut self.asking else { return Ok(ControlFlow::Break(())) };
        let now = clock::monotonic();
        if asking.probe == Some(open.job.id) {
            asking.probe = None;
        }
        let opened = asking.breaker.outage(asked_for, now);
        if opened || asking.breaker.is_open() {
            let rest = asking.rest();
            return self.park_for_outage(&[open.job.id], rest, detail);
        }
        let wait = backoff(open.job.attempts, asked_for, random_unit());
        queue::retry_after(&self.queue, &open.job, detail, wait, clock::now())?;
        Ok(ControlFlow::Break(()))
    }

    /// The provider wants fewer requests: none is sent before it is due. That is no fault of the job, so its attempt does not count.
    fn note_turned_away(
        &mut self,
        open: &Open,
        asked_for: Option<Duration>,
        detail: &str,
    ) -> Result<ControlFlow<()>, WorkerError> {
        self.note_answered_only(open.job.id);
        let Some(asking) = &mut self.asking else { return Ok(ControlFlow::Break(())) };
        asking.turned_away += 1;
        let wait = backoff(asking.turned_away, asked_for, random_unit());
        if let Ok(provider) = &asking.provider {
            provider.gate.hold(wait);
        }
        if asking.turned_away >= TURNED_AWAY_MOST {
            return self.park_for_outage(&[open.job.id], wait.max(TURNED_AWAY_REST), detail);
        }
        self.put_back_until(open.job.id, wait, Some(detail))
    }

    /// The provider is there, though it did not do what was asked.
    fn note_answered_only(&mut self, job: i64) {
        let Some(asking) = &mut self.asking else { return };
        asking.breaker.answered();
        if asking.probe == Some(job) {
            asking.probe = None;
        }
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
