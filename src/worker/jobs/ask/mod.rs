//! Running `ask:<type>` jobs: a model's answers, while the worker does everything else.
//!
//! Analyses and embeddings go on while a request is open; the next step receives its reply. All questions that are due about a file are
//! asked in one request. The worker
//!
//! 1. takes a job and the others of its file, and checks their keys again (superseded? answered already?) (`question`),
//! 2. reads the committed text and renders it with its secrets taken out,
//! 3. checks the gate: the provider's health and pace,
//! 4. reserves the worst case in the ledger, a part for each question,
//! 5. sends the request,
//! 6. reads the answers out of the reply, each by itself (`reply`),
//! 7. stores the paid answers by their keys, then closes ledger entries and jobs in one transaction (`settle`).
//!
//! A question whose answer is missing or unusable is asked again alone. A job that must wait does so in the queue, not in here.

mod batch;
mod batch_record;
mod items;
#[cfg(test)]
mod odd_replies;
mod question;
mod reply;
mod settle;
mod setup;

use std::collections::BTreeMap;
use std::ops::ControlFlow;
use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, Sender, channel};
use std::time::{Duration, Instant};

use futures::FutureExt;

use crate::analyzer::llm::{
    Breaker, CallFailure, CallOutcome, Client, Endpoint, FailureKind, Gate, Limits, ModelRequest, Pass, Passage,
    Prompt, Prompts, Wait, model_id,
};
use crate::budget::{self, BudgetResult, Call, CallPurpose, Grant, Refusal, Reservation};
use crate::cache::key::AnalysisKey;
use crate::clock::{self, Timestamp};
use crate::config::{Llm, Price, ProviderKind};
use crate::domain::{FilePath, JobState};
use crate::queue::{self, Job, Lane, ParkCause, Parking};
use crate::repo::registry::Registered;
use crate::worker::jobs::analyze::panic_text;
use crate::worker::{Worker, WorkerError};
use batch::BatchArrival;
use items::AnsweredItems;
use question::Questioned;
pub(in crate::worker) use setup::ModelSetup;

/// How long a job waits whose key is asked for by another one at this moment.
const SAME_KEY_WAIT_MILLIS: i64 = 1_000;

/// Bytes of a request that are taken for a token when its pace is reckoned: the usual rule of thumb for code.
const BYTES_PER_TOKEN: u64 = 4;

/// Called when something has come back, from any thread.
pub type Wake = Arc<dyn Fn() + Send + Sync>;

/// The model that is asked, and the questions that are open. It exists only where a provider can be asked.
pub(in crate::worker) struct Asking {
    prompts: Prompts,
    limits: Limits,
    client: Arc<Client>,
    gate: Gate,
    price: Price,
    /// Questions that may be open at once.
    places: usize,
    /// By the job that stands for all of a request.
    open: BTreeMap<i64, Open>,
    breaker: Breaker,
    /// The job whose request tries whether the provider is back.
    probe: Option<i64>,
    /// Requests in a row that were rate limited.
    rate_limited: u32,
    /// There is no money for the next request unless an open one costs less than is reserved for it.
    short: bool,
    /// Nothing new is begun.
    closing: bool,
    provider: ProviderKind,
    model_id: String,
    /// What no person waits for goes in batches.
    batches_on: bool,
    /// The provider is being asked about the open batch.
    batch_in_flight: bool,
    sender: Sender<Arrival>,
    receiver: Receiver<Arrival>,
    wake: Wake,
}

/// Questions about one file that are asked in one request.
struct Open {
    repo: Registered,
    path: FilePath,
    /// In the order of the prompt's parts; never empty.
    asked: Vec<OpenQuestion>,
    /// What is sent next or was sent last: the questions, or the request to repair a bad answer.
    prompt: Prompt,
    /// It was asked again: it is not a third time.
    repaired: bool,
    /// Requests that were put another way because the server wanted it.
    adapted: u32,
}

/// A question that is being asked.
struct OpenQuestion {
    job: Job,
    key: AnalysisKey,
    /// What the answer is about, of a file that may be asked about in parts.
    items: Option<AnsweredItems>,
    /// Its part of the right to send the open request.
    reservation: Option<Reservation>,
    /// What its earlier requests cost.
    before: Spent,
}

impl Open {
    /// The job that stands for all.
    fn id(&self) -> i64 {
        self.asked.first().map_or(0, |asked| asked.job.id)
    }

    fn ids(&self) -> Vec<i64> {
        self.asked.iter().map(|asked| asked.job.id).collect()
    }

    fn calls(&self) -> Vec<Call> {
        let call = |asked: &OpenQuestion| Call {
            repo: self.repo.id.clone(),
            cache_key: asked.job.key,
            path: asked.job.path.clone(),
            purpose: CallPurpose::Answer(asked.key.analysis_type),
            model_id: asked.key.model_id.clone(),
            commit: self.repo.indexed_commit.clone(),
        };
        self.asked.iter().map(call).collect()
    }

    fn is_reserved(&self) -> bool {
        self.asked.iter().any(|asked| asked.reservation.is_some())
    }
}

/// What requests cost, and the tokens that were reported of them.
#[derive(Clone, Copy, Debug, Default)]
struct Spent {
    /// Nano-dollars.
    cost: u64,
    input_tokens: u64,
    output_tokens: u64,
}

/// What comes back from the network's side.
enum Arrival {
    /// A second request of a job may go.
    Admitted {
        job: i64,
        pass: Pass,
    },
    Returned {
        job: i64,
        outcome: CallOutcome,
        millis: u64,
    },
    OfBatch(Box<BatchArrival>),
}

/// Why a request may not go now.
enum Hold {
    /// The provider is down; `None`: a probe is under way.
    Outage(Option<Duration>),
    Pace(Duration),
}

impl Asking {
    /// `Err`: what a person has to fix before the model can be asked.
    fn new(llm: &Llm, prompts: Prompts) -> Result<Self, String> {
        let price = llm.price().map_err(|unknown| unknown.to_string())?;
        let endpoint = Endpoint::of(llm).map_err(|error| error.to_string())?;
        let client = Client::new(endpoint).map_err(|error| format!("the model cannot be asked: {error}"))?;
        let (sender, receiver) = channel();
        Ok(Self {
            prompts,
            limits: Limits::of(llm),
            client: Arc::new(client),
            gate: Gate::new(llm),
            price,
            places: llm.max_concurrency as usize,
            open: BTreeMap::new(),
            breaker: Breaker::default(),
            probe: None,
            rate_limited: 0,
            short: false,
            closing: false,
            provider: llm.provider,
            model_id: model_id(llm).unwrap_or_default(),
            batches_on: llm.batch,
            batch_in_flight: false,
            sender,
            receiver,
            wake: Arc::new(|| {}),
        })
    }

    /// Whether another question may be begun.
    fn has_room(&self) -> bool {
        !self.short && !self.closing && self.probe.is_none() && self.open.len() < self.places
    }

    fn admit(&mut self, job: i64, tokens: u64) -> Result<Pass, Hold> {
        match self.breaker.pass(clock::monotonic()) {
            Passage::Free => {}
            Passage::Probe => self.probe = Some(job),
            Passage::Shut(rest) => return Err(Hold::Outage(rest)),
        }
        self.gate.try_enter(tokens).map_err(|Wait(wait)| {
            self.abandon_probe(job);
            Hold::Pace(wait)
        })
    }

    /// The request of a job is not sent after all.
    fn abandon_probe(&mut self, job: i64) {
        if self.probe == Some(job) {
            self.probe = None;
            self.breaker.probe_abandoned(clock::monotonic());
        }
    }

    /// How long the provider is left alone.
    fn rest(&mut self) -> Duration {
        let now = clock::monotonic();
        match self.breaker.pass(now) {
            Passage::Shut(rest) => rest.unwrap_or_default(),
            Passage::Free => Duration::ZERO,
            Passage::Probe => {
                self.breaker.probe_abandoned(now);
                Duration::ZERO
            }
        }
    }

    /// Whether money is reserved for requests whose cost is not known yet.
    fn has_reserved(&self) -> bool {
        self.open.values().any(Open::is_reserved)
    }

    /// Begins the questions about one file. `Break`: no other can be begun now either.
    fn begin(&mut self, worker: &mut Worker, job: Job) -> Result<ControlFlow<()>, WorkerError> {
        match worker.questions(self, self.lane(), job)? {
            Questioned::Ask(open) => self.check_gate(worker, *open),
            Questioned::Over => Ok(ControlFlow::Continue(())),
        }
    }

    /// Checks the provider's health and pace, then reserves the money.
    fn check_gate(&mut self, worker: &mut Worker, open: Open) -> Result<ControlFlow<()>, WorkerError> {
        let request = self.client.request(&open.prompt);
        let ids = open.ids();
        match self.admit(open.id(), tokens(&request)) {
            Ok(pass) => self.reserve(worker, open, request, pass),
            Err(Hold::Pace(wait)) => worker.put_back_until(&ids, wait, None),
            Err(Hold::Outage(None)) => worker.put_back_until(&ids, Duration::ZERO, None),
            Err(Hold::Outage(Some(rest))) => worker.park_for_outage(&ids, rest, "the provider is down"),
        }
    }

    /// Reserves the worst case of a request and sends it.
    fn reserve(
        &mut self,
        worker: &mut Worker,
        mut open: Open,
        request: ModelRequest,
        pass: Pass,
    ) -> Result<ControlFlow<()>, WorkerError> {
        let bytes = usize::try_from(request.bytes()).unwrap_or(usize::MAX);
        let worst_case = budget::worst_case(&self.price, bytes, request.max_output_tokens());
        let (calls, id, ids) = (open.calls(), open.id(), open.ids());
        let granted = budget::noted_limits(&worker.queue)
            .map(|noted| noted.unwrap_or(worker.config.budget))
            .and_then(|limits| budget::reserve_together(&mut worker.queue, &limits, &calls, worst_case, clock::now()));
        let refused = match granted {
            Ok(Grant::Reserved(reservations)) => {
                for (asked, reservation) in open.asked.iter_mut().zip(reservations) {
                    asked.reservation = Some(reservation);
                }
                self.open.insert(id, open);
                self.send(worker, id, request, pass);
                return Ok(ControlFlow::Continue(()));
            }
            refused => refused,
        };
        self.abandon_probe(id);
        drop(pass);
        self.wait_for_money(worker, &ids, refused)
    }

    /// Puts questions back that the ledger has not granted.
    fn wait_for_money(
        &mut self,
        worker: &mut Worker,
        ids: &[i64],
        refused: BudgetResult<Grant<Vec<Reservation>>>,
    ) -> Result<ControlFlow<()>, WorkerError> {
        match refused {
            Ok(Grant::Refused(_)) if self.has_reserved() => {
                self.short = true;
                worker.put_back_until(ids, Duration::ZERO, None)
            }
            Ok(Grant::Refused(refusal)) => {
                let (until, detail) = (refusal.resumes_at(), refusal.to_string());
                if until.is_none() && matches!(refusal, Refusal::OverLimit { .. }) {
                    // This request alone is more than the limit; others are not.
                    queue::park(&mut worker.queue, ids, ParkCause::Budget, None, &detail, clock::now())?;
                    return Ok(ControlFlow::Continue(()));
                }
                worker.park_asks(ids, &Parking { cause: ParkCause::Budget, until, detail: &detail })
            }
            Ok(_) => {
                let now = clock::now();
                let then = now.plus_millis(SAME_KEY_WAIT_MILLIS);
                queue::put_all_back(&mut worker.queue, ids, then, None, now)?;
                Ok(ControlFlow::Continue(()))
            }
            Err(error) => {
                tracing::error!(%error, "nothing is spent without a ledger");
                worker.park_asks(ids, &Parking { cause: ParkCause::Setup, until: None, detail: &error.to_string() })
            }
        }
    }

    fn send(&self, worker: &Worker, job: i64, request: ModelRequest, pass: Pass) {
        let (client, sender, wake) = (self.client.clone(), self.sender.clone(), self.wake.clone());
        let begun = clock::monotonic();
        worker.runtime.spawn(async move {
            let outcome = AssertUnwindSafe(client.send(request)).catch_unwind().await;
            let outcome = outcome.unwrap_or_else(|panic| CallOutcome::Failed(panicked(panic.as_ref())));
            drop(pass);
            // The worker may be gone: the ledger keeps the reservation, and the next worker settles it.
            let _ = sender.send(Arrival::Returned { job, outcome, millis: millis_since(begun) });
            wake();
        });
    }

    /// Has another request of an open question wait for its turn, without a reservation.
    fn await_turn(&mut self, worker: &Worker, open: Open) {
        let (gate, sender, wake) = (self.gate.clone(), self.sender.clone(), self.wake.clone());
        let tokens = tokens(&self.client.request(&open.prompt));
        let job = open.id();
        self.open.insert(job, open);
        worker.runtime.spawn(async move {
            let pass = gate.enter(tokens).await;
            // The worker may be gone: nothing was reserved, and the next worker asks the job again.
            let _ = sender.send(Arrival::Admitted { job, pass });
            wake();
        });
    }

    /// Applies everything that has arrived. Returns how much it was.
    fn receive(&mut self, worker: &mut Worker) -> Result<usize, WorkerError> {
        let mut applied = 0;
        while let Ok(arrival) = self.receiver.try_recv() {
            self.apply(worker, arrival)?;
            applied += 1;
        }
        Ok(applied)
    }

    fn apply(&mut self, worker: &mut Worker, arrival: Arrival) -> Result<(), WorkerError> {
        match arrival {
            Arrival::OfBatch(arrival) => self.apply_batch(worker, *arrival),
            Arrival::Returned { job, outcome, millis } => match self.open.remove(&job) {
                Some(open) => self.apply_outcome(worker, open, outcome, millis),
                None => Ok(()),
            },
            Arrival::Admitted { job, pass } => match self.open.remove(&job) {
                Some(open) => self.ask_again(worker, open, pass),
                None => Ok(()),
            },
        }
    }

    /// Sends a second request, unless a job of it was superseded in the meantime.
    fn ask_again(&mut self, worker: &mut Worker, open: Open, pass: Pass) -> Result<(), WorkerError> {
        let mut is_running = true;
        for id in open.ids() {
            is_running &= queue::get(&worker.queue, id)?.is_some_and(|job| job.state == JobState::Running);
        }
        if !is_running || self.closing {
            drop(pass);
            return worker.put_back_until(&open.ids(), Duration::ZERO, None).map(drop);
        }
        let request = self.client.request(&open.prompt);
        self.reserve(worker, open, request, pass).map(drop)
    }

    /// Waits for the replies that are paid for, up to `patience`. The next worker settles what is still open then.
    fn close(&mut self, worker: &mut Worker, patience: Duration) -> Result<(), WorkerError> {
        let deadline = clock::monotonic() + patience;
        self.closing = true;
        while self.has_reserved() {
            let left = deadline.saturating_duration_since(clock::monotonic());
            let Ok(arrival) = self.receiver.recv_timeout(left) else { break };
            self.apply(worker, arrival)?;
        }
        Ok(())
    }
}

impl Worker {
    fn put_back_until(
        &mut self,
        ids: &[i64],
        wait: Duration,
        detail: Option<&str>,
    ) -> Result<ControlFlow<()>, WorkerError> {
        let now = clock::now();
        let then = after(now, wait);
        queue::put_all_back(&mut self.queue, ids, then, detail, now)?;
        queue::postpone(&self.queue, Lane::Ask, then)?;
        Ok(ControlFlow::Break(()))
    }

    fn park_for_outage(&mut self, ids: &[i64], rest: Duration, detail: &str) -> Result<ControlFlow<()>, WorkerError> {
        let until = Some(after(clock::now(), rest));
        self.park_asks(ids, &Parking { cause: ParkCause::Provider, until, detail })
    }

    fn park_asks(&mut self, ids: &[i64], why: &Parking<'_>) -> Result<ControlFlow<()>, WorkerError> {
        tracing::warn!(cause = why.cause.as_str(), detail = why.detail, "asking the model is parked");
        queue::park_lane(&mut self.queue, Lane::Ask, ids, why, clock::now())?;
        Ok(ControlFlow::Break(()))
    }
}

fn tokens(request: &ModelRequest) -> u64 {
    request.bytes().div_ceil(BYTES_PER_TOKEN).saturating_add(u64::from(request.max_output_tokens()))
}

fn after(now: Timestamp, wait: Duration) -> Timestamp {
    now.plus_millis(i64::try_from(wait.as_millis()).unwrap_or(i64::MAX))
}

fn millis_since(begun: Instant) -> u64 {
    u64::try_from(clock::since(begun).as_millis()).unwrap_or(u64::MAX)
}

fn panicked(panic: &(dyn std::any::Any + Send)) -> CallFailure {
    CallFailure { kind: FailureKind::Garbage, message: panic_text(panic), may_be_billed: true, usage: None }
}
