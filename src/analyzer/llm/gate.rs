//! Where requests wait: for one of the few places, then for the [`Pace`].

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use super::pace::{Pace, Wait};
use crate::clock;
use crate::config::Llm;

/// The way to one provider, shared by all who ask it.
#[derive(Clone, Debug)]
pub struct Gate {
    places: Arc<Semaphore>,
    pace: Arc<Mutex<Pace>>,
}

/// A place on the way; dropping it makes it free.
#[derive(Debug)]
pub struct Pass {
    _place: Option<OwnedSemaphorePermit>,
}

impl Gate {
    pub fn new(llm: &Llm) -> Self {
        let pace = Pace::new(llm.requests_per_minute, llm.tokens_per_minute);
        Self { places: Arc::new(Semaphore::new(llm.max_concurrency as usize)), pace: Arc::new(Mutex::new(pace)) }
    }

    /// Waits for a place, then until a request with so many tokens may go.
    pub async fn enter(&self, tokens: u64) -> Pass {
        // the semaphore is never closed, and a request too many would be worse than none
        let place = self.places.clone().acquire_owned().await.ok();
        loop {
            let admitted = self.pace().admit(tokens, clock::monotonic());
            match admitted {
                Ok(()) => return Pass { _place: place },
                Err(Wait(wait)) => tokio::time::sleep(wait).await,
            }
        }
    }

    /// A place and the pace's leave if both are available at once; else how long the pace wants to wait (zero: all places are taken).
    ///
    /// # Errors
    /// If one has to wait.
    pub fn try_enter(&self, tokens: u64) -> Result<Pass, Wait> {
        let place = self.places.clone().try_acquire_owned().map_err(|_| Wait(Duration::ZERO))?;
        self.pace().admit(tokens, clock::monotonic())?;
        Ok(Pass { _place: Some(place) })
    }

    /// Lets nothing pass for so long: a server said so.
    pub fn hold(&self, pause: Duration) {
        self.pace().hold(pause, clock::monotonic());
    }

    fn pace(&self) -> std::sync::MutexGuard<'_, Pace> {
        self.pace.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn gate(max_concurrency: u32) -> Gate {
        let mut llm = crate::config::Config::defaults(std::path::Path::new("/h")).llm;
        llm.max_concurrency = max_concurrency;
        Gate::new(&llm)
    }

    #[tokio::test]
    async fn no_more_at_a_time_than_there_are_places() {
        let gate = gate(2);
        let (first, _second) = (gate.enter(1).await, gate.enter(1).await);
        assert_eq!(gate.try_enter(1).unwrap_err(), Wait(Duration::ZERO));
        drop(first);
        assert!(gate.try_enter(1).is_ok());
    }

    #[tokio::test]
    async fn a_pause_holds_everybody_and_takes_no_place() {
        let gate = gate(1);
        gate.hold(Duration::from_secs(100));
        for _ in 0..3 {
            let Wait(wait) = gate.try_enter(1).unwrap_err();
            assert!(wait > Duration::from_secs(99), "{wait:?}");
        }
    }
}
