//! Running `ask:<type>` jobs: a model's answers, while the worker does everything else.
//!
//! Analyses and embeddings go on while a request is open; the next step receives its reply. For each job, the worker
//!
//! 1. checks the key again (superseded? answered already?),
//! 2. reads the committed text and renders it with its secrets taken out,
//! 3. checks the gate: the provider's health and pace,
//! 4. reserves the worst case in the ledger,
//! 5. sends the request,
//! 6. stores the paid answer by its key, then closes ledger entry and job in one transaction.
//!
//! A job that must wait does so in the queue, not in here.

mod question;
mod reply;
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
    Prompt, Prompts, Wait,
};
use crate::budget::{self, Call, Grant, Refusal, Reservation};
use crate::clock::{self, Timestamp};
use crate::config::{Llm, Price};
use crate::domain::JobState;
use crate::queue::{self, Job, Lane, ParkCause, Parking};
use crate::repo::registry::Registered;
use crate::worker::jobs::analyze::panic_text;
use crate::worker::{Worker, WorkerError};
use question::{Question, Questioned};
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
    /// By job.
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
    sender: Sender<Arrival>,
    receiver: Receiver<Arrival>,
    wake: Wake,
}

/// A question that is being asked.
struct Open {
    job: Job,
    repo: Registered,
    question: Question,
    /// What is sent next or was sent last: the question, or the request to repair a bad reply.
    prompt: Prompt,
    repaired: bool,
    /// Requests that were put another way because the server wanted it.
    adapted: u32,
    /// The right to send the open request.
    reservation: Option<Reservation>,
    /// What its earlier requests cost.
    before: Spent,
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
        self.open.values().any(|open| open.reservation.is_some())
    }

    /// Begins one question. `Break`: no other can be begun now either.
    fn begin(&mut self, worker: &mut Worker, job: Job) -> Result<ControlFlow<()>, WorkerError> {
        let (repo, question) = match worker.question(self, &job)? {
            Questioned::Ask(repo, question) => (*repo, *question),
            Questioned::Over(ended) => {
                worker.end(std::iter::once((job, ended)))?;
                return Ok(ControlFlow::Continue(()));
            }
        };
        let prompt = question.prompt.clone();
        let open = Open {
            job,
            repo,
            question,
            prompt,
            repaired: false,
            adapted: 0,
            reservation: None,
            before: Spent::default(),
        };
        self.check_gate(worker, open)
    }

    /// Checks the provider's health and pace, then reserves the money.
    fn check_gate(&mut self, worker: &mut Worker, open: Open) -> Result<ControlFlow<()>, WorkerError> {
        let request = self.client.request(&open.prompt);
        let id = open.job.id;
        match self.admit(id, tokens(&request, &self.limits)) {
            Ok(pass) => self.reserve(worker, open, request, pass),
            Err(Hold::Pace(wait)) => worker.put_back_until(id, wait, None),
            Err(Hold::Outage(None)) => worker.put_back_until(id, Duration::ZERO, None),
            Err(Hold::Outage(Some(rest))) => worker.park_for_outage(&[id], rest, "the provider is down"),
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
        let worst_case = budget::worst_case(&self.price, bytes, self.limits.max_output_tokens);
        let id = open.job.id;
        let granted = budget::noted_limits(&worker.queue)
            .map(|noted| noted.unwrap_or(worker.config.budget))
            .and_then(|limits| budget::reserve(&mut worker.queue, &limits, &call(&open), worst_case, clock::now()));
        let refused = match granted {
            Ok(Grant::Reserved(reservation)) => {
                open.reservation = Some(reservation);
                self.open.insert(id, open);
                self.send(worker, id, request, pass);
                return Ok(ControlFlow::Continue(()));
            }
            refused => refused,
        };
        self.abandon_probe(id);
        drop(pass);
        match refused {
            Ok(Grant::Refused(_)) if self.has_reserved() => {
                self.short = true;
                worker.put_back_until(id, Duration::ZERO, None)
            }
            Ok(Grant::Refused(refusal)) => {
                let (until, detail) = (refusal.resumes_at(), refusal.to_string());
                if until.is_none() && matches!(refusal, Refusal::OverLimit { .. }) {
                    // This request alone is more than the limit; others are not.
                    queue::park(&mut worker.queue, &[id], ParkCause::Budget, None, &detail, clock::now())?;
                    return Ok(ControlFlow::Continue(()));
                }
                worker.park_asks(&[id], &Parking { cause: ParkCause::Budget, until, detail: &detail })
            }
            Ok(_) => {
                let now = clock::now();
                queue::put_back(&worker.queue, id, now.plus_millis(SAME_KEY_WAIT_MILLIS), None, now)?;
                Ok(ControlFlow::Continue(()))
            }
            Err(error) => {
                tracing::error!(%error, "nothing is spent without a ledger");
                worker.park_asks(&[id], &Parking { cause: ParkCause::Setup, until: None, detail: &error.to_string() })
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
        let tokens = tokens(&self.client.request(&open.prompt), &self.limits);
        let job = open.job.id;
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
        let (Arrival::Admitted { job, .. } | Arrival::Returned { job, .. }) = &arrival;
        let Some(open) = self.open.remove(job) else { return Ok(()) };
        match arrival {
            Arrival::Returned { outcome, millis, .. } => self.apply_outcome(worker, open, outcome, millis),
            Arrival::Admitted { pass, .. } => self.ask_again(worker, open, pass),
        }
    }

    /// Sends a second request, unless the job was superseded in the meantime.
    fn ask_again(&mut self, worker: &mut Worker, open: Open, pass: Pass) -> Result<(), WorkerError> {
        let running = queue::get(&worker.queue, open.job.id)?.is_some_and(|job| job.state == JobState::Running);
        if !running || self.closing {
            drop(pass);
            return worker.put_back_until(open.job.id, Duration::ZERO, None).map(drop);
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
        id: i64,
        wait: Duration,
        detail: Option<&str>,
    ) -> Result<ControlFlow<()>, WorkerError> {
        let now = clock::now();
        let then = after(now, wait);
        queue::put_back(&self.queue, id, then, detail, now)?;
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

fn call(open: &Open) -> Call {
    Call {
        repo: open.repo.id.clone(),
        cache_key: open.job.key,
        path: open.job.path.clone(),
        analysis_type: open.question.key.analysis_type,
        model_id: open.question.key.model_id.clone(),
        commit: open.repo.indexed_commit.clone(),
    }
}

fn tokens(request: &ModelRequest, limits: &Limits) -> u64 {
    request.bytes().div_ceil(BYTES_PER_TOKEN).saturating_add(u64::from(limits.max_output_tokens))
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
