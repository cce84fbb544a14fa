//! Questions that no person waits for, in batches at a lower price: reserve each line, send all, then read what comes of each line, over any number
//! of restarts.
//!
//! 1. `collect` takes the jobs, renders, and writes reservations, lines and parked jobs in one transaction.
//! 2. The batch is sent. Its name is noted when it comes; should a crash be quicker, the batch is found again by its token.
//! 3. `poll` fetches what has come. Each line is stored, then settled and closed in one transaction, so none is paid for twice.
//! 4. A batch whose answers are all superseded, or that takes more than a day, is cancelled. What was not done is not paid for.

use std::future::Future;
use std::ops::ControlFlow;
use std::time::Duration;

use rusqlite::Transaction;

use super::batch_record::{KeptLine, LineRecord};
use super::question::Questioned;
use super::reply::{read, weights};
use super::settle::{Booking, JobClose, answers, charge, charge_failure, close_in, spent};
use super::{Arrival, Asking, Open, Spent, after};
use crate::analyzer::llm::{
    Answer, BatchLine, BatchProgress, Batches, CallFailure, FailureKind, LARGEST_BATCH, LineOutcome, LineResult,
    ModelRequest, NextStep, PartReply,
};
use crate::budget::{self, Charge, Grant, Refusal};
use crate::clock::{self, Timestamp};
use crate::queue::{self, Lane, NewBatchLine, OpenBatch, ParkCause, Parking};
use crate::store::{StoreError, write};
use crate::worker::{Worker, WorkerError};

/// Most lines of a batch.
const LINES_MOST: usize = 2_000;
/// When a batch is asked about first, and how much longer each wait is than the one before, up to a limit.
const FIRST_POLL: Duration = Duration::from_secs(2);
const LONGEST_POLL: Duration = Duration::from_secs(300);
/// A batch that takes longer is cancelled: providers promise a day.
const LONGEST_BATCH: Duration = Duration::from_secs(25 * 3_600);
/// How long a provider that has not taken a batch is left alone.
const UNSENT_REST: Duration = Duration::from_secs(60);
/// After so long a batch that no list has was never made.
const LONGEST_SEARCH: Duration = Duration::from_secs(45);

/// What comes back from the network's side about the open batch.
pub(super) enum BatchArrival {
    /// It was sent: its name.
    Sent(Result<String, CallFailure>),
    /// It was searched for: its name, if it is there.
    Found(Result<Option<String>, CallFailure>),
    Fetched(Result<(BatchProgress, Vec<LineResult>), CallFailure>),
    Cancelled(Result<(), CallFailure>),
}

/// A line that is about to be sent.
struct CollectedLine {
    open: Open,
    request: ModelRequest,
}

impl Asking {
    /// The lane from which questions are asked at once.
    pub(super) const fn lane(&self) -> Lane {
        if self.batches_on { Lane::AskNow } else { Lane::Ask }
    }

    fn batches(&self) -> Option<Batches> {
        Batches::of(&self.client, self.provider)
    }

    /// Does what is due about batches. Returns whether anything was done.
    pub(super) fn tend_batches(&mut self, worker: &mut Worker, except: &[i64]) -> Result<bool, WorkerError> {
        if self.batch_in_flight || self.closing || self.batches().is_none() {
            return Ok(false);
        }
        match queue::open_batch(&worker.queue)? {
            Some(batch) if batch.next_poll <= clock::now() => {
                self.poll(worker, &batch)?;
                Ok(true)
            }
            Some(_) if self.batches_on => self.park_later(worker),
            None if self.batches_on && !self.breaker.is_open() => self.collect(worker, except),
            _ => Ok(false),
        }
    }

    /// What could go in a batch waits for the open one.
    fn park_later(&self, worker: &mut Worker) -> Result<bool, WorkerError> {
        let now = clock::now();
        if queue::waiting_in(&worker.queue, &[Lane::AskLater], now)? == queue::Waiting::Nothing {
            return Ok(false);
        }
        let detail = "goes in the next batch, when the open one is answered";
        let why = Parking { cause: ParkCause::Batch, until: None, detail };
        queue::park_lane(&mut worker.queue, Lane::AskLater, &[], &why, now)?;
        Ok(false)
    }

    /// Makes a batch of all that no person waits for, and sends it.
    fn collect(&mut self, worker: &mut Worker, except: &[i64]) -> Result<bool, WorkerError> {
        let (mut lines, mut bytes, mut taken) = (Vec::new(), 0, false);
        while lines.len() < LINES_MOST && bytes < LARGEST_BATCH {
            let claimed = queue::claim(&mut worker.queue, Lane::AskLater, 1, except, clock::now())?;
            let Some(job) = claimed.into_iter().next() else { break };
            taken = true;
            let Questioned::Ask(open) = worker.questions(self, Lane::AskLater, job)? else { continue };
            let Some(request) = self.batches().map(|batches| batches.request(&open.prompt)) else { break };
            bytes += request.bytes();
            lines.push(CollectedLine { open: *open, request });
        }
        if lines.is_empty() {
            return Ok(taken);
        }
        let token = format!("ra-{:016x}-{}", clock::now().0, worker.queue.last_insert_rowid());
        let sent = self.reserve_lines(worker, &token, lines)?;
        if !sent.is_empty() {
            self.send_batch(worker, token, sent);
        }
        Ok(true)
    }

    /// Reserves the worst case of each line and writes it down, in one transaction. Returns the lines that were granted.
    fn reserve_lines(
        &mut self,
        worker: &mut Worker,
        token: &str,
        lines: Vec<CollectedLine>,
    ) -> Result<Vec<BatchLine>, WorkerError> {
        let price = self.price.batched(self.provider);
        let limits = match budget::noted_limits(&worker.queue) {
            Ok(noted) => noted.unwrap_or(worker.config.budget),
            Err(error) => {
                let ids: Vec<i64> = lines.iter().flat_map(|line| line.open.ids()).collect();
                let _: ControlFlow<()> = self.wait_for_money(worker, &ids, Err(error))?;
                return Ok(Vec::new());
            }
        };
        let now = clock::now();
        let (mut sent, mut left, mut refused) = (Vec::new(), Vec::new(), None);
        let tx = write(&mut worker.queue)?;
        let batch = queue::begin_batch(&tx, token, &self.model_id, now)?;
        for (number, CollectedLine { mut open, request }) in lines.into_iter().enumerate() {
            if refused.is_some() {
                left.extend(open.ids());
                continue;
            }
            let bytes = usize::try_from(request.bytes()).unwrap_or(usize::MAX);
            let worst_case = budget::worst_case(&price, bytes, request.max_output_tokens());
            match budget::reserve_in(&tx, &limits, &open.calls(), worst_case, now) {
                Ok(Grant::Reserved(reservations)) => {
                    for (asked, reservation) in open.asked.iter_mut().zip(reservations) {
                        asked.reservation = Some(reservation);
                    }
                    let name = format!("{token}-{number}");
                    add_line(&tx, batch, &name, &open, &request, now)?;
                    sent.push(BatchLine { name, request });
                }
                // Another repository has the same question under way: its answer will serve both.
                Ok(Grant::InFlight) => {
                    for id in open.ids() {
                        queue::put_back(&tx, id, after(now, LONGEST_POLL), None, now)?;
                    }
                }
                other => {
                    left.extend(open.ids());
                    refused = Some(other);
                }
            }
        }
        if sent.is_empty() {
            queue::close_batch(&tx, batch, now)?;
        }
        tx.commit().map_err(StoreError::from)?;
        self.wait_after_refusal(worker, &left, refused, !sent.is_empty())?;
        Ok(sent)
    }

    /// What was not granted waits for the batch that is on its way, or as any other question.
    fn wait_after_refusal(
        &mut self,
        worker: &mut Worker,
        left: &[i64],
        refused: Option<budget::BudgetResult<Grant<Vec<budget::Reservation>>>>,
        is_sent: bool,
    ) -> Result<(), WorkerError> {
        let Some(refused) = refused else { return Ok(()) };
        if is_sent && matches!(refused, Ok(Grant::Refused(Refusal::OverLimit { .. }))) {
            let detail = "waits for money that the open batch has reserved";
            queue::park(&mut worker.queue, left, ParkCause::Batch, None, detail, clock::now())?;
            return Ok(());
        }
        let _: ControlFlow<()> = self.wait_for_money(worker, left, refused)?;
        Ok(())
    }

    fn send_batch(&mut self, worker: &Worker, token: String, lines: Vec<BatchLine>) {
        tracing::info!(lines = lines.len(), token, "a batch is sent");
        let Some(batches) = self.batches() else { return };
        self.about_batch(worker, async move { BatchArrival::Sent(batches.send(&token, &lines).await) });
    }

    /// Asks the provider something about the open batch, next to all other work.
    fn about_batch(&mut self, worker: &Worker, ask: impl Future<Output = BatchArrival> + Send + 'static) {
        self.batch_in_flight = true;
        let (sender, wake) = (self.sender.clone(), self.wake.clone());
        worker.runtime.spawn(async move {
            let arrival = ask.await;
            // The worker may be gone: what it has written down is enough for the next one.
            let _ = sender.send(Arrival::OfBatch(Box::new(arrival)));
            wake();
        });
    }

    /// Asks about the open batch: where it is, what has come of it, or that it ends.
    fn poll(&mut self, worker: &mut Worker, batch: &OpenBatch) -> Result<(), WorkerError> {
        let now = clock::now();
        queue::postpone_batch(&worker.queue, batch.id, after(now, poll_wait(batch.polls)))?;
        let Some(batches) = self.batches() else { return Ok(()) };
        let Some(name) = batch.remote.clone() else {
            let (token, lines) = (batch.token.clone(), batch.lines);
            self.about_batch(worker, async move { BatchArrival::Found(batches.find(&token, lines).await) });
            return Ok(());
        };
        let is_late = now.0 - batch.sent_at.0 > i64::try_from(LONGEST_BATCH.as_millis()).unwrap_or(i64::MAX);
        if !batch.is_cancelled && (is_late || !queue::is_batch_wanted(&worker.queue, batch.id)?) {
            tracing::info!(name, is_late, "a batch is cancelled");
            queue::cancel_batch(&worker.queue, batch.id)?;
            self.about_batch(worker, async move { BatchArrival::Cancelled(batches.cancel(&name).await) });
            return Ok(());
        }
        self.about_batch(worker, async move { BatchArrival::Fetched(batches.fetch(&name).await) });
        Ok(())
    }

    pub(super) fn apply_batch(&mut self, worker: &mut Worker, arrival: BatchArrival) -> Result<(), WorkerError> {
        self.batch_in_flight = false;
        let Some(batch) = queue::open_batch(&worker.queue)? else { return Ok(()) };
        let soon = after(clock::now(), FIRST_POLL);
        match arrival {
            BatchArrival::Sent(Ok(name)) | BatchArrival::Found(Ok(Some(name))) => {
                tracing::info!(name, lines = batch.lines, "a batch is with the provider");
                Ok(queue::name_batch(&worker.queue, batch.id, &name, soon)?)
            }
            BatchArrival::Sent(Err(failure)) if !failure.may_be_billed => self.end_unsent(worker, &batch, &failure),
            BatchArrival::Found(Ok(None)) if is_searched_out(&batch) => {
                self.end_unsent(worker, &batch, &silence("the provider has no such batch"))
            }
            BatchArrival::Found(Ok(None)) | BatchArrival::Cancelled(Ok(())) => Ok(()),
            BatchArrival::Sent(Err(failure))
            | BatchArrival::Found(Err(failure))
            | BatchArrival::Fetched(Err(failure))
            | BatchArrival::Cancelled(Err(failure)) => {
                tracing::warn!(%failure, "the provider says nothing of a batch");
                Ok(())
            }
            BatchArrival::Fetched(Ok((progress, results))) => self.apply_results(worker, &batch, progress, results),
        }
    }

    /// A batch that was not made costs nothing; its questions are asked in another one, if that can help.
    fn end_unsent(&mut self, worker: &mut Worker, batch: &OpenBatch, failure: &CallFailure) -> Result<(), WorkerError> {
        let detail = match failure.kind.remedy() {
            Some(remedy) => format!("{failure}; {remedy}"),
            None => failure.to_string(),
        };
        tracing::warn!(detail, "a batch was not taken");
        let next = failure.kind.next_step();
        for (name, record) in queue::batch_lines(&worker.queue, batch.id)? {
            let line = LineRecord::read(&record)?.into_line(&worker.queue)?;
            // That the provider is down or knows no key is no fault of the questions.
            let ending = || match next {
                NextStep::Discard => JobClose::Retry(detail.clone()),
                _ => JobClose::Stays,
            };
            let endings: Vec<JobClose> = line.asked.iter().map(|_| ending()).collect();
            close_line(worker, batch.id, &name, &line.asked, &Booking::NotMade(&failure.message), &endings)?;
        }
        self.end_batch(worker, batch)?;
        let _: ControlFlow<()> = match next {
            NextStep::Park => {
                worker.park_asks(&[], &Parking { cause: ParkCause::Setup, until: None, detail: &detail })?
            }
            NextStep::Outage(asked_for) | NextStep::Wait(asked_for) => {
                worker.park_for_outage(&[], asked_for.unwrap_or_default().max(UNSENT_REST), &detail)?
            }
            NextStep::Discard | NextStep::AskAgain => ControlFlow::Continue(()),
        };
        Ok(())
    }

    fn end_batch(&self, worker: &mut Worker, batch: &OpenBatch) -> Result<(), WorkerError> {
        let tx = write(&mut worker.queue)?;
        queue::close_batch(&tx, batch.id, clock::now())?;
        Ok(tx.commit().map_err(StoreError::from)?)
    }

    /// Stores and settles what has come of each line; the batch is closed with its last one.
    fn apply_results(
        &mut self,
        worker: &mut Worker,
        batch: &OpenBatch,
        progress: BatchProgress,
        results: Vec<LineResult>,
    ) -> Result<(), WorkerError> {
        let mut results: std::collections::HashMap<String, LineOutcome> = results.into_iter().collect();
        for (name, record) in queue::batch_lines(&worker.queue, batch.id)? {
            let outcome = match (results.remove(&name), progress) {
                (Some(outcome), _) => outcome,
                (None, BatchProgress::Running) => continue,
                (None, BatchProgress::Ended { is_complete: false }) => LineOutcome::NotDone,
                (None, BatchProgress::Ended { is_complete: true }) => {
                    LineOutcome::Failed(silence("the provider says nothing of this line of a batch"))
                }
            };
            self.apply_line(worker, batch.id, &name, &record, outcome)?;
        }
        if matches!(progress, BatchProgress::Ended { .. }) {
            self.end_batch(worker, batch)?;
        }
        Ok(())
    }

    fn apply_line(
        &mut self,
        worker: &mut Worker,
        batch: i64,
        name: &str,
        record: &str,
        outcome: LineOutcome,
    ) -> Result<(), WorkerError> {
        let line = LineRecord::read(record)?.into_line(&worker.queue)?;
        let price = self.price.batched(self.provider);
        let again = |detail: &str| line.asked.iter().map(|_| JobClose::Retry(detail.to_owned())).collect::<Vec<_>>();
        match outcome {
            LineOutcome::NotDone => {
                let detail = "the provider did not do this line of a batch in time";
                close_line(worker, batch, name, &line.asked, &Booking::NotMade(detail), &again(detail))
            }
            LineOutcome::Failed(failure) => {
                let detail = failure.to_string();
                let endings = match failure.kind.next_step() {
                    NextStep::Discard => line.asked.iter().map(|_| JobClose::Discard(detail.clone())).collect(),
                    _ => again(&detail),
                };
                let reported = failure.usage.filter(|usage| usage.input > 0 || usage.output > 0);
                if !failure.may_be_billed && reported.is_none() {
                    return close_line(worker, batch, name, &line.asked, &Booking::NotMade(&detail), &endings);
                }
                let charge = charge_failure(&price, line.prompt_bytes, &failure, reported);
                let charges = charge.shares(&vec![1; line.asked.len()]);
                close_line(worker, batch, name, &line.asked, &Booking::Charged(&charges), &endings)
            }
            LineOutcome::Answered(answer) => {
                let answer = Answer { prompt_bytes: line.prompt_bytes, ..answer };
                self.apply_line_answer(worker, batch, name, &line, &answer)
            }
        }
    }

    fn apply_line_answer(
        &self,
        worker: &mut Worker,
        batch: i64,
        name: &str,
        line: &KeptLine,
        answer: &Answer,
    ) -> Result<(), WorkerError> {
        let charge = charge(&self.price.batched(self.provider), answer);
        let replies = match read(&line.parts, answer) {
            Ok(replies) => replies,
            Err(detail) => {
                let endings: Vec<JobClose> = line.asked.iter().map(|_| JobClose::Discard(detail.clone())).collect();
                let charges = charge.shares(&vec![1; line.asked.len()]);
                return close_line(worker, batch, name, &line.asked, &Booking::Charged(&charges), &endings);
            }
        };
        let charges: Vec<Charge> = charge.shares(&weights(&replies));
        let spent: Vec<Spent> = line.asked.iter().zip(&charges).map(|(asked, charge)| spent(asked, charge)).collect();
        if let Some(repo) = &line.repo {
            worker.store_answers(repo, &line.path, &answers(&line.asked, &replies, &spent), 0)?;
        }
        let endings: Vec<JobClose> = replies.iter().map(ending).collect();
        close_line(worker, batch, name, &line.asked, &Booking::Charged(&charges), &endings)
    }
}

/// What a provider leaves open may be billed.
fn silence(message: &str) -> CallFailure {
    CallFailure { kind: FailureKind::Garbage, message: message.to_owned(), may_be_billed: true, usage: None }
}

/// How a question's job ends after its answer in a batch. What cannot be used is asked again alone, in the next one.
fn ending(reply: &PartReply) -> JobClose {
    match reply {
        PartReply::Report { .. } => JobClose::Finish,
        PartReply::Malformed { why, .. } | PartReply::Missing(why) => {
            let detail = format!("the model's reply cannot be used: {why}");
            if why.is_repairable() { JobClose::Retry(detail) } else { JobClose::Discard(detail) }
        }
    }
}

/// Settles a line's entries, ends its jobs and closes it, in one transaction.
fn close_line(
    worker: &mut Worker,
    batch: i64,
    name: &str,
    asked: &[super::OpenQuestion],
    booking: &Booking<'_>,
    endings: &[JobClose],
) -> Result<(), WorkerError> {
    let tx = write(&mut worker.queue)?;
    close_in(&tx, asked, booking, endings)?;
    queue::close_batch_line(&tx, batch, name)?;
    Ok(tx.commit().map_err(StoreError::from)?)
}

fn add_line(
    tx: &Transaction<'_>,
    batch: i64,
    name: &str,
    open: &Open,
    request: &ModelRequest,
    now: Timestamp,
) -> Result<(), WorkerError> {
    let record = LineRecord::of(open, request.prompt_bytes()).write();
    let entry = |asked: &super::OpenQuestion| Some((asked.reservation.as_ref()?.entry(), asked.job.id));
    let entries: Vec<(i64, i64)> = open.asked.iter().filter_map(entry).collect();
    let detail = "in a batch, which is answered within a day";
    Ok(queue::add_batch_line(tx, batch, &NewBatchLine { name, record: &record, entries: &entries }, detail, now)?)
}

/// How long to wait after so many polls.
fn poll_wait(polls: u32) -> Duration {
    FIRST_POLL.mul_f64(1.5_f64.powi(polls.min(20).cast_signed())).min(LONGEST_POLL)
}

/// Whether a batch that is in no list was never made.
fn is_searched_out(batch: &OpenBatch) -> bool {
    let searched = clock::now().0 - batch.sent_at.0;
    searched > i64::try_from(LONGEST_SEARCH.as_millis()).unwrap_or(i64::MAX)
}
