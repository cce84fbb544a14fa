//! From the outcome of a request to stored answers and closed ledger entries, or to what is done instead.

use std::ops::ControlFlow;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::time::Duration;

use super::settle::{Booking, JobClose, answers, charge, charge_failure, spent};
use super::{Asking, Open, OpenQuestion, Spent, after};
use crate::analyzer::llm::{
    Answer, CallFailure, CallOutcome, NextStep, PartReply, Prompt, PromptPart, backoff, parse_parts, random_unit,
    repair,
};
use crate::budget::Charge;
use crate::clock;
use crate::domain::AnalysisType;
use crate::queue::{self, Lane, ParkCause, Parking};
use crate::worker::jobs::analyze::panic_text;
use crate::worker::{Worker, WorkerError};

/// Rate-limited requests in a row after which the whole lane is parked.
const RATE_LIMITED_MOST: u32 = 5;

/// How long they are parked then, if the provider does not ask for more.
const RATE_LIMITED_REST: Duration = Duration::from_secs(60);

/// How long a question waits whose attempts are used up while nothing else was answered.
const LONE_REST: Duration = Duration::from_secs(30);

/// How often one question is put another way because the server wants it so: there are five ways.
const ADAPTED_MOST: u32 = 5;

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
        open: Open,
        answer: &Answer,
        millis: u64,
    ) -> Result<(), WorkerError> {
        self.note_health(worker, open.id(), answer.pause)?;
        let replies = match read(open.prompt.parts(), answer) {
            Ok(replies) => replies,
            Err(detail) => return self.give_up_unread(worker, &open, answer, &detail),
        };
        let charges = charge(&self.price, answer).shares(&weights(&replies));
        let spent: Vec<Spent> = open.asked.iter().zip(&charges).map(|(asked, charge)| spent(asked, charge)).collect();
        if let Err(error) =
            worker.store_answers(&open.repo, &open.path, &answers(&open.asked, &replies, &spent), millis)
        {
            return worker.give_back_unstored(&open, &charges, &error);
        }
        let endings: Vec<JobClose> = replies.iter().map(|reply| open.ending_of(reply)).collect();
        worker.close_request(&open.asked, &Booking::Charged(&charges), &endings)?;
        for again in open.asked_again(replies, &spent, &answer.text) {
            self.await_turn(worker, again);
        }
        Ok(())
    }

    /// A reply that cannot even be looked through ends its questions.
    fn give_up_unread(
        &self,
        worker: &mut Worker,
        open: &Open,
        answer: &Answer,
        detail: &str,
    ) -> Result<(), WorkerError> {
        let charges = charge(&self.price, answer).shares(&vec![1; open.asked.len()]);
        let endings: Vec<JobClose> = open.asked.iter().map(|_| JobClose::Discard(detail.to_owned())).collect();
        worker.close_request(&open.asked, &Booking::Charged(&charges), &endings)
    }

    /// The provider is there; it may want a pause.
    fn note_health(&mut self, worker: &mut Worker, job: i64, pause: Option<Duration>) -> Result<(), WorkerError> {
        self.rate_limited = 0;
        self.note_answered_only(job);
        if let Some(pause) = pause {
            self.gate.hold(pause);
            queue::postpone(&worker.queue, Lane::Ask, after(clock::now(), pause))?;
        }
        Ok(())
    }

    fn apply_failure(&mut self, worker: &mut Worker, mut open: Open, failure: &CallFailure) -> Result<(), WorkerError> {
        let next = failure.kind.next_step();
        let detail = match failure.kind.remedy() {
            Some(remedy) => format!("{failure}; {remedy}"),
            None => failure.to_string(),
        };
        tracing::warn!(path = %open.path, questions = open.asked.len(), detail, "a request was not answered");
        let gives_up = next == NextStep::Discard || (next == NextStep::AskAgain && open.adapted >= ADAPTED_MOST);
        let ending = || if gives_up { JobClose::Discard(detail.clone()) } else { JobClose::Stays };
        let endings: Vec<JobClose> = open.asked.iter().map(|_| ending()).collect();
        let reported = failure.usage.filter(|usage| usage.input > 0 || usage.output > 0);
        if failure.may_be_billed || reported.is_some() {
            let prompt_bytes = (open.prompt.instructions().len() + open.prompt.question().len()) as u64;
            let charge = charge_failure(&self.price, prompt_bytes, failure, reported);
            let charges = charge.shares(&vec![1; open.asked.len()]);
            worker.close_request(&open.asked, &Booking::Charged(&charges), &endings)?;
            for (asked, charge) in open.asked.iter_mut().zip(&charges) {
                asked.before = spent(asked, charge);
            }
        } else {
            worker.close_request(&open.asked, &Booking::NotMade(&failure.message), &endings)?;
        }
        open.asked.iter_mut().for_each(|asked| asked.reservation = None);
        match next {
            NextStep::Outage(asked_for) => self.note_outage(worker, &open, asked_for, &detail).map(drop),
            NextStep::Wait(asked_for) => self.note_rate_limit(worker, &open, asked_for, &detail).map(drop),
            NextStep::Park => {
                self.note_health(worker, open.id(), None)?;
                let why = Parking { cause: ParkCause::Setup, until: None, detail: &detail };
                worker.park_asks(&open.ids(), &why).map(drop)
            }
            NextStep::Discard => self.note_health(worker, open.id(), None),
            NextStep::AskAgain => {
                self.note_health(worker, open.id(), None)?;
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
        if self.probe == Some(open.id()) {
            self.probe = None;
        }
        let opened = self.breaker.outage(asked_for, now);
        if opened || self.breaker.is_open() {
            let rest = self.rest();
            return worker.park_for_outage(&open.ids(), rest, detail);
        }
        let attempts = open.asked.iter().map(|asked| asked.job.attempts).max().unwrap_or_default();
        let wait = backoff(attempts, asked_for, random_unit());
        // Nothing was answered since it was asked first: it is not this question that the provider cannot do.
        if attempts >= queue::MAX_ATTEMPTS && self.breaker.in_a_row() >= attempts {
            return worker.park_for_outage(&open.ids(), wait.max(LONE_REST), detail);
        }
        // At the same time, so that they are asked together again.
        let now = clock::now();
        for asked in &open.asked {
            queue::retry_after(&worker.queue, &asked.job, detail, wait, now)?;
        }
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
        self.note_answered_only(open.id());
        self.rate_limited += 1;
        let wait = backoff(self.rate_limited, asked_for, random_unit());
        self.gate.hold(wait);
        if self.rate_limited >= RATE_LIMITED_MOST {
            return worker.park_for_outage(&open.ids(), wait.max(RATE_LIMITED_REST), detail);
        }
        worker.put_back_until(&open.ids(), wait, Some(detail))
    }

    /// The provider is there, though it did not do what was asked.
    fn note_answered_only(&mut self, job: i64) {
        self.breaker.answered();
        if self.probe == Some(job) {
            self.probe = None;
        }
    }
}

impl Open {
    /// How a question's job ends after this reply to it.
    fn ending_of(&self, reply: &PartReply) -> JobClose {
        match reply {
            PartReply::Report { .. } => JobClose::Finish,
            PartReply::Malformed { why, .. } | PartReply::Missing(why) if self.repaired || !why.is_repairable() => {
                JobClose::Discard(format!("the model's reply cannot be used: {why}"))
            }
            PartReply::Malformed { .. } | PartReply::Missing(_) => JobClose::Stays,
        }
    }

    /// The questions that are asked again, each alone: an answer that cannot be used is to be repaired, one that is missing is to be given.
    fn asked_again(self, replies: Vec<PartReply>, spent: &[Spent], text: &str) -> Vec<Self> {
        let stays: Vec<bool> = replies.iter().map(|reply| matches!(self.ending_of(reply), JobClose::Stays)).collect();
        // What is asked again as it was asked first; a repair does not show the file.
        let is_missing = |(reply, stays): (&PartReply, &bool)| *stays && matches!(reply, PartReply::Missing(_));
        let is_kept = replies.iter().zip(&stays).filter(|one| is_missing(*one)).count() > 1;
        let Self { repo, path, asked, prompt, adapted, .. } = self;
        let again = asked.into_iter().zip(replies).zip(spent).zip(stays).filter(|(_, stays)| *stays);
        again
            .map(|(((asked, reply), spent), _)| {
                let analysis_type = asked.key.analysis_type;
                tracing::info!(path = %path, kind = %asked.job.kind, "a question is asked again");
                Self {
                    repo: repo.clone(),
                    path: path.clone(),
                    prompt: again_prompt(&prompt, analysis_type, &reply, text, is_kept),
                    asked: vec![OpenQuestion { reservation: None, before: *spent, ..asked }],
                    repaired: true,
                    adapted,
                }
            })
            .collect()
    }
}

/// What is sent for a question whose answer was not usable.
fn again_prompt(prompt: &Prompt, analysis_type: AnalysisType, reply: &PartReply, whole: &str, is_kept: bool) -> Prompt {
    match (prompt.parts(), reply) {
        ([_], PartReply::Malformed { why, .. }) => repair(prompt, why, whole),
        (_, PartReply::Malformed { why, text }) => repair(&prompt.only(&[analysis_type]), why, text),
        _ if is_kept => prompt.only(&[analysis_type]).kept(),
        _ => prompt.only(&[analysis_type]),
    }
}

impl Worker {
    /// An answer that cannot be stored is paid for all the same; asking again and again would pay for it again and again, so that
    /// counts as an attempt.
    fn give_back_unstored(&mut self, open: &Open, charges: &[Charge], error: &WorkerError) -> Result<(), WorkerError> {
        let detail = format!("the answer cannot be stored: {error}");
        tracing::error!(path = %open.path, detail, "an answer is lost");
        let endings: Vec<JobClose> = open.asked.iter().map(|_| JobClose::Retry(detail.clone())).collect();
        self.close_request(&open.asked, &Booking::Charged(charges), &endings)
    }
}

/// What came of each question. `Err`: reading it panicked, and how.
pub(super) fn read(parts: &[PromptPart], answer: &Answer) -> Result<Vec<PartReply>, String> {
    catch_unwind(AssertUnwindSafe(|| parse_parts(parts, &answer.text, answer.finish)))
        .map_err(|panic| panic_text(panic.as_ref()))
}

/// What each question's part of the cost is in proportion to: the bytes of its answer. All is booked on the answers that are stored, so that
/// what is stored covers the bill whatever a crash leaves open; without any, on all questions alike.
pub(super) fn weights(replies: &[PartReply]) -> Vec<u64> {
    let bytes = |reply: &PartReply| match reply {
        PartReply::Report { bytes, .. } => (*bytes).max(1),
        PartReply::Malformed { .. } | PartReply::Missing(_) => 0,
    };
    let weights: Vec<u64> = replies.iter().map(bytes).collect();
    if weights.iter().all(|&weight| weight == 0) { vec![1; replies.len()] } else { weights }
}
