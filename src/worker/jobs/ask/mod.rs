//! Running `ask:<type>` jobs: a model's answers, beside everything else that the worker does.
//!
//! A request is on its way while analyses and embeddings go on; what comes of it is heard at the next step. For each job: its key is
//! looked at again (superseded? answered already?), the committed text is read and rendered with its secrets taken out, the
//! provider's health and pace are asked, the worst case is reserved, the request sent. The paid answer is stored by its key before
//! the ledger and the job are closed, in one transaction. Whatever must wait, waits in the queue, not in here.

mod question;
mod reply;

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
use crate::config::{Config, Llm, Price};
use crate::domain::JobState;
use crate::home::Home;
use crate::queue::{self, Job, Lane, ParkCause, Parking};
use crate::repo::registry::Registered;
use crate::worker::jobs::analyze::panic_text;
use crate::worker::{Worker, WorkerError};
use question::Question;

/// How long a job waits whose key is asked for by another one at this moment.
const SAME_KEY_WAIT_MILLIS: i64 = 1_000;

/// Bytes of a request that are taken for a token when its pace is reckoned: the usual rule of thumb for code.
const BYTES_PER_TOKEN: u64 = 4;

/// Called when something has come back, from any thread.
pub type Wake = Arc<dyn Fn() + Send + Sync>;

/// Everything about the model that is asked.
pub(in crate::worker) struct Asking {
    pub prompts: Prompts,
    limits: Limits,
    /// `Err`: what a person has to mend before anything can be asked.
    provider: Result<Provider, String>,
    /// By job.
    open: BTreeMap<i64, Open>,
    breaker: Breaker,
    /// The job whose request tries whether the provider is back.
    probe: Option<i64>,
    /// Requests in a row that were turned away for coming too fast.
    turned_away: u32,
    /// There is no money for the next request unless one of those on their way costs less than is reserved for it.
    short: bool,
    /// Nothing new is begun.
    closing: bool,
    sender: Sender<Heard>,
    receiver: Receiver<Heard>,
    wake: Wake,
}

struct Provider {
    client: Arc<Client>,
    gate: Gate,
    price: Price,
    places: usize,
}

/// A question that is being asked.
struct Open {
    job: Job,
    repo: Registered,
    question: Question,
    /// What is sent next or is on its way: the question, or the wish to have a bad reply repaired.
    prompt: Prompt,
    repaired: bool,
    /// Requests that the server wanted put another way.
    adapted: u32,
    /// The right to send the request that is on its way.
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
enum Heard {
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
    /// `None`: no model is set up.
    pub fn new(config: &Config, home: &Home) -> Option<Self> {
        crate::analyzer::llm::model_id(&config.llm)?;
        let (prompts, provider) = match Prompts::load(&home.prompts()) {
            Ok(prompts) => (prompts, Provider::new(&config.llm)),
            Err(error) => (Prompts::built_in(), Err(error.to_string())),
        };
        let (sender, receiver) = channel();
        Some(Self {
            prompts,
            limits: Limits::of(&config.llm),
            provider,
            open: BTreeMap::new(),
            breaker: Breaker::default(),
            probe: None,
            turned_away: 0,
            short: false,
            closing: false,
            sender,
            receiver,
            wake: Arc::new(|| {}),
        })
    }

    /// Whether another question may be begun.
    pub fn has_room(&self) -> bool {
        let places = self.provider.as_ref().map_or(1, |provider| provider.places);
        !self.short && !self.closing && self.probe.is_none() && self.open.len() < places
    }

    pub fn is_waiting(&self) -> bool {
        !self.open.is_empty()
    }

    pub fn wake_with(&mut self, wake: Wake) {
        self.wake = wake;
    }

    /// Stops asking until a person has mended something.
    pub fn obstruct(&mut self, obstacle: String) {
        self.provider = Err(obstacle);
    }

    fn admit(&mut self, job: i64, gate: &Gate, tokens: u64) -> Result<Pass, Hold> {
        match self.breaker.pass(clock::monotonic()) {
            Passage::Free => {}
            Passage::Probe => self.probe = Some(job),
            Passage::Shut(rest) => return Err(Hold::Outage(rest)),
        }
        gate.try_enter(tokens).map_err(|Wait(wait)| {
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
}

impl Provider {
    fn new(llm: &Llm) -> Result<Self, String> {
        let price = llm.price().map_err(|unknown| unknown.to_string())?;
        let endpoint = Endpoint::of(llm).map_err(|error| error.to_string())?;
        let client = Client::new(endpoint).map_err(|error| format!("the model cannot be asked: {error}"))?;
        let places = llm.max_concurrency as usize;
        Ok(Self { client: Arc::new(client), gate: Gate::new(llm), price, places })
    }
}

impl Worker {
    /// Begins as many questions as may be on their way at once.
    pub(in crate::worker) fn begin_asks(&mut self, except: &[i64]) -> Result<(), WorkerError> {
        while self.asking.as_ref().is_some_and(Asking::has_room) {
            let claimed = queue::claim(&mut self.queue, Lane::Ask, 1, except, clock::now())?;
            let Some(job) = claimed.into_iter().next() else { break };
            if self.ask(job)?.is_break() {
                break;
            }
        }
        Ok(())
    }

    /// Begins one question. `Break`: none of the others can be begun now either.
    pub(in crate::worker) fn ask(&mut self, job: Job) -> Result<ControlFlow<()>, WorkerError> {
        let Some(asking) = &self.asking else { return Ok(ControlFlow::Break(())) };
        if let Err(obstacle) = &asking.provider {
            let why = Parking { cause: ParkCause::Setup, until: None, detail: &obstacle.clone() };
            return self.park_asks(&[job.id], &why);
        }
        let (repo, question) = match self.question(&job)? {
            Ok(found) => found,
            Err(ended) => {
                self.end(std::iter::once((job, ended)))?;
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
        self.knock(open)
    }

    /// Asks for the provider's leave, then for the money.
    fn knock(&mut self, open: Open) -> Result<ControlFlow<()>, WorkerError> {
        let Some(asking) = &mut self.asking else { return Ok(ControlFlow::Break(())) };
        let Ok(provider) = &asking.provider else { return Ok(ControlFlow::Break(())) };
        let (gate, request) = (provider.gate.clone(), provider.client.request(&open.prompt));
        let id = open.job.id;
        match asking.admit(id, &gate, tokens(&request, &asking.limits)) {
            Ok(pass) => self.pay(open, request, pass),
            Err(Hold::Pace(wait)) => self.put_back_until(id, wait, None),
            Err(Hold::Outage(None)) => self.put_back_until(id, Duration::ZERO, None),
            Err(Hold::Outage(Some(rest))) => self.park_for_outage(&[id], rest, "the provider is down"),
        }
    }

    /// Reserves the worst case of a request and sends it.
    fn pay(&mut self, mut open: Open, request: ModelRequest, pass: Pass) -> Result<ControlFlow<()>, WorkerError> {
        let Some(asking) = &mut self.asking else { return Ok(ControlFlow::Break(())) };
        let Ok(provider) = &asking.provider else { return Ok(ControlFlow::Break(())) };
        let bytes = usize::try_from(request.bytes()).unwrap_or(usize::MAX);
        let worst_case = budget::worst_case(&provider.price, bytes, asking.limits.max_output_tokens);
        let id = open.job.id;
        let granted = budget::noted_limits(&self.queue)
            .map(|noted| noted.unwrap_or(self.config.budget))
            .and_then(|limits| budget::reserve(&mut self.queue, &limits, &call(&open), worst_case, clock::now()));
        let refused = match granted {
            Ok(Grant::Reserved(reservation)) => {
                open.reservation = Some(reservation);
                asking.open.insert(id, open);
                self.send(id, request, pass);
                return Ok(ControlFlow::Continue(()));
            }
            refused => refused,
        };
        asking.abandon_probe(id);
        drop(pass);
        match refused {
            Ok(Grant::Refused(_)) if asking.has_reserved() => {
                asking.short = true;
                self.put_back_until(id, Duration::ZERO, None)
            }
            Ok(Grant::Refused(refusal)) => {
                let (until, detail) = (refusal.resumes_at(), refusal.to_string());
                if until.is_none() && matches!(refusal, Refusal::OverLimit { .. }) {
                    // It alone is more than the limit; others are not.
                    queue::park(&mut self.queue, &[id], ParkCause::Budget, None, &detail, clock::now())?;
                    return Ok(ControlFlow::Continue(()));
                }
                self.park_asks(&[id], &Parking { cause: ParkCause::Budget, until, detail: &detail })
            }
            Ok(_) => {
                let now = clock::now();
                queue::put_back(&self.queue, id, now.plus_millis(SAME_KEY_WAIT_MILLIS), None, now)?;
                Ok(ControlFlow::Continue(()))
            }
            Err(error) => {
                tracing::error!(%error, "nothing is spent without a ledger");
                self.park_asks(&[id], &Parking { cause: ParkCause::Setup, until: None, detail: &error.to_string() })
            }
        }
    }

    /// Puts a request on its way.
    fn send(&self, job: i64, request: ModelRequest, pass: Pass) {
        let Some(asking) = &self.asking else { return };
        let Ok(provider) = &asking.provider else { return };
        let (client, sender, wake) = (provider.client.clone(), asking.sender.clone(), asking.wake.clone());
        let begun = clock::monotonic();
        self.runtime.spawn(async move {
            let outcome = AssertUnwindSafe(client.send(request)).catch_unwind().await;
            let outcome = outcome.unwrap_or_else(|panic| CallOutcome::Failed(panicked(panic.as_ref())));
            drop(pass);
            // Nobody listens any more: the ledger keeps the reservation, and the next worker settles it.
            let _ = sender.send(Heard::Returned { job, outcome, millis: millis_since(begun) });
            wake();
        });
    }

    /// Has another request of an open question wait for its turn, without a reservation.
    fn queue_up(&mut self, open: Open) {
        let Some(asking) = &mut self.asking else { return };
        let Ok(provider) = &asking.provider else { return };
        let (gate, sender, wake) = (provider.gate.clone(), asking.sender.clone(), asking.wake.clone());
        let tokens = tokens(&provider.client.request(&open.prompt), &asking.limits);
        let job = open.job.id;
        asking.open.insert(job, open);
        self.runtime.spawn(async move {
            let pass = gate.enter(tokens).await;
            // Nobody listens any more: nothing was reserved, and the job is asked anew.
            let _ = sender.send(Heard::Admitted { job, pass });
            wake();
        });
    }

    /// Takes in what has come back. Returns how much it was.
    pub(in crate::worker) fn hear(&mut self) -> Result<usize, WorkerError> {
        let mut heard = 0;
        while let Some(one) = self.asking.as_ref().and_then(|asking| asking.receiver.try_recv().ok()) {
            self.note(one)?;
            heard += 1;
        }
        Ok(heard)
    }

    fn note(&mut self, heard: Heard) -> Result<(), WorkerError> {
        let (Heard::Admitted { job, .. } | Heard::Returned { job, .. }) = &heard;
        let Some(open) = self.asking.as_mut().and_then(|asking| asking.open.remove(job)) else { return Ok(()) };
        match heard {
            Heard::Returned { outcome, millis, .. } => self.take_in(open, outcome, millis),
            Heard::Admitted { pass, .. } => self.go_on(open, pass),
        }
    }

    /// A second request may go; unless nobody wants it any more.
    fn go_on(&mut self, open: Open, pass: Pass) -> Result<(), WorkerError> {
        let running = queue::get(&self.queue, open.job.id)?.is_some_and(|job| job.state == JobState::Running);
        let Some(asking) = self.asking.as_ref().filter(|asking| running && !asking.closing) else {
            drop(pass);
            return self.put_back_until(open.job.id, Duration::ZERO, None).map(drop);
        };
        let Ok(provider) = &asking.provider else { return Ok(()) };
        let request = provider.client.request(&open.prompt);
        self.pay(open, request, pass).map(drop)
    }

    /// Waits for the replies that are paid for, up to `patience`. What is still on its way then is settled by the next worker.
    ///
    /// # Errors
    /// If a store cannot be written.
    pub fn close(&mut self, patience: Duration) -> Result<(), WorkerError> {
        let deadline = clock::monotonic() + patience;
        if let Some(asking) = &mut self.asking {
            asking.closing = true;
        }
        while self.asking.as_ref().is_some_and(Asking::has_reserved) {
            let left = deadline.saturating_duration_since(clock::monotonic());
            let heard = self.asking.as_ref().and_then(|asking| asking.receiver.recv_timeout(left).ok());
            let Some(heard) = heard else { break };
            self.note(heard)?;
        }
        Ok(())
    }

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
    CallFailure { kind: FailureKind::Garbage, message: panic_text(panic), may_be_billed: true }
}
