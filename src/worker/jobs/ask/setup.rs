//! What is set up for asking a model, and how the worker's steps reach it.

use std::ops::ControlFlow;
use std::time::Duration;

use super::{Asking, Wake};
use crate::analyzer::llm::{Prompts, model_id};
use crate::clock::{self, Timestamp};
use crate::config::Config;
use crate::home::Home;
use crate::queue::{self, Job, Lane, ParkCause, Parking};
use crate::worker::{Worker, WorkerError};

/// What is set up for asking a model.
pub(in crate::worker) enum ModelSetup {
    /// No model is configured.
    Absent,
    /// What a person has to fix before the model can be asked.
    Obstructed(String),
    Ready(Box<Asking>),
}

impl ModelSetup {
    /// Returns the setup and the prompts that questions are rendered with.
    pub fn new(config: &Config, home: &Home) -> (Self, Prompts) {
        if model_id(&config.llm).is_none() {
            return (Self::Absent, Prompts::built_in());
        }
        match Prompts::load(&home.prompts()) {
            Ok(prompts) => {
                let asking = Asking::new(&config.llm, prompts.clone());
                (asking.map_or_else(Self::Obstructed, |asking| Self::Ready(Box::new(asking))), prompts)
            }
            Err(error) => (Self::Obstructed(error.to_string()), Prompts::built_in()),
        }
    }

    /// Whether another question may be begun. With an obstacle, the next question is what parks the lane.
    pub fn has_room(&self) -> bool {
        match self {
            Self::Absent => false,
            Self::Obstructed(_) => true,
            Self::Ready(asking) => asking.has_room(),
        }
    }

    /// The lane from which questions are asked at once.
    pub fn lane(&self) -> Lane {
        match self {
            Self::Ready(asking) => asking.lane(),
            Self::Absent | Self::Obstructed(_) => Lane::Ask,
        }
    }

    /// Whether questions are open.
    pub fn is_waiting(&self) -> bool {
        matches!(self, Self::Ready(asking) if !asking.open.is_empty() || asking.batch_in_flight)
    }

    pub fn wake_with(&mut self, wake: Wake) {
        if let Self::Ready(asking) = self {
            asking.wake = wake;
        }
    }
}

impl Worker {
    /// Runs something on the model that is asked; `None` without one. Both are needed mutably, so the model leaves the worker for that
    /// time.
    fn with_asking<T>(
        &mut self,
        run: impl FnOnce(&mut Asking, &mut Self) -> Result<T, WorkerError>,
    ) -> Result<Option<T>, WorkerError> {
        match std::mem::replace(&mut self.asking, ModelSetup::Absent) {
            ModelSetup::Ready(mut asking) => {
                let done = run(&mut asking, self);
                self.asking = ModelSetup::Ready(asking);
                done.map(Some)
            }
            other => {
                self.asking = other;
                Ok(None)
            }
        }
    }

    /// Begins as many questions as may be open at once.
    pub(in crate::worker) fn begin_asks(&mut self, except: &[i64]) -> Result<(), WorkerError> {
        while self.asking.has_room() {
            let claimed = queue::claim(&mut self.queue, self.asking.lane(), 1, except, clock::now())?;
            let Some(job) = claimed.into_iter().next() else { break };
            if self.ask(job)?.is_break() {
                break;
            }
        }
        Ok(())
    }

    /// Does what is due about batches. Returns whether anything was done.
    pub(in crate::worker) fn tend_batches(&mut self, except: &[i64]) -> Result<bool, WorkerError> {
        Ok(self.with_asking(|asking, worker| asking.tend_batches(worker, except))?.unwrap_or_default())
    }

    /// When the provider is asked about the open batch next; `None`: none is open.
    pub(in crate::worker) fn next_batch_poll(&self) -> Result<Option<Timestamp>, WorkerError> {
        match &self.asking {
            ModelSetup::Ready(_) => Ok(queue::open_batch(&self.queue)?.map(|batch| batch.next_poll)),
            ModelSetup::Absent | ModelSetup::Obstructed(_) => Ok(None),
        }
    }

    /// Begins one question. `Break`: no other can be begun now either.
    pub(in crate::worker) fn ask(&mut self, job: Job) -> Result<ControlFlow<()>, WorkerError> {
        if let ModelSetup::Obstructed(obstacle) = &self.asking {
            let detail = obstacle.clone();
            return self.park_asks(&[job.id], &Parking { cause: ParkCause::Setup, until: None, detail: &detail });
        }
        let begun = self.with_asking(|asking, worker| asking.begin(worker, job))?;
        Ok(begun.unwrap_or(ControlFlow::Break(())))
    }

    /// Applies the replies that have arrived. Returns how many there were.
    pub(in crate::worker) fn receive_replies(&mut self) -> Result<usize, WorkerError> {
        Ok(self.with_asking(Asking::receive)?.unwrap_or_default())
    }

    /// Waits for the replies that are paid for, up to `patience`. The next worker settles what is still open then.
    ///
    /// # Errors
    /// If a store cannot be written.
    pub fn close(&mut self, patience: Duration) -> Result<(), WorkerError> {
        self.with_asking(|asking, worker| asking.close(worker, patience)).map(drop)
    }
}
