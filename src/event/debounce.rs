//! Makes one event of many hints. Pure: the caller passes the time.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use crate::domain::RepoId;
use crate::event::{Event, EventCause};

/// Holds back each repository's events until it is quiet, or until it has waited long enough.
#[derive(Clone, Debug)]
pub struct Debounce {
    quiet: Duration,
    max_latency: Duration,
    pending: BTreeMap<RepoId, PendingEvent>,
}

#[derive(Clone, Copy, Debug)]
struct PendingEvent {
    cause: EventCause,
    first: Instant,
    last: Instant,
}

impl Debounce {
    /// A repository is released when it had no event for `quiet`, or `max_latency` after its first event, whichever is earlier.
    /// A request that a client waits for ([`EventCause::Request`]) and a start are released at once.
    pub fn new(quiet: Duration, max_latency: Duration) -> Self {
        Self { quiet, max_latency, pending: BTreeMap::new() }
    }

    /// Takes an event in. A repository has one entry: its causes become the weightiest of them.
    pub fn note(&mut self, event: Event, now: Instant) {
        self.pending
            .entry(event.repo)
            .and_modify(|pending| {
                // The work tree's watcher has waited for quiet already: what was saved just before a commit puts that off no further.
                if event.cause != EventCause::WorkTree || pending.cause == EventCause::WorkTree {
                    pending.last = pending.last.max(now);
                }
                pending.cause = pending.cause.max(event.cause);
            })
            .or_insert(PendingEvent { cause: event.cause, first: now, last: now });
    }

    /// Takes out what is to be acted on now, in the order of the repositories' ids.
    pub fn due(&mut self, now: Instant) -> Vec<Event> {
        let (due, kept) =
            std::mem::take(&mut self.pending).into_iter().partition(|(_, pending)| self.deadline(pending) <= now);
        self.pending = kept;
        let due: BTreeMap<RepoId, PendingEvent> = due;
        due.into_iter().map(|(repo, pending)| Event { repo, cause: pending.cause }).collect()
    }

    /// When [`Debounce::due`] will next have something; `None` if nothing is held.
    pub fn next_deadline(&self) -> Option<Instant> {
        self.pending.values().map(|pending| self.deadline(pending)).min()
    }

    /// Whether something is held back of a repository.
    pub fn holds(&self, repo: &RepoId) -> bool {
        self.pending.contains_key(repo)
    }

    /// Drops what is held of a repository that is no longer registered.
    pub fn forget(&mut self, repo: &RepoId) {
        self.pending.remove(repo);
    }

    fn deadline(&self, pending: &PendingEvent) -> Instant {
        match pending.cause {
            EventCause::Request | EventCause::Start => pending.first,
            EventCause::Timer | EventCause::WorkTree | EventCause::GitDir | EventCause::Hook | EventCause::Overflow => {
                (pending.last + self.quiet).min(pending.first + self.max_latency)
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const QUIET: Duration = Duration::from_millis(200);
    const MAX: Duration = Duration::from_secs(5);

    #[test]
    fn what_was_saved_before_a_commit_does_not_put_it_off() {
        let start = Instant::now();
        let mut debounce = Debounce::new(QUIET, MAX);
        debounce.note(event("a", EventCause::Hook), start);
        debounce.note(event("a", EventCause::WorkTree), start + QUIET / 2);
        assert_eq!(debounce.due(start + QUIET), [event("a", EventCause::Hook)]);
        debounce.note(event("a", EventCause::WorkTree), start);
        debounce.note(event("a", EventCause::WorkTree), start + QUIET / 2);
        assert_eq!(debounce.next_deadline(), Some(start + QUIET / 2 + QUIET));
    }

    fn event(repo: &str, cause: EventCause) -> Event {
        Event { repo: RepoId(repo.into()), cause }
    }

    #[test]
    fn a_burst_is_one_event_once_it_is_over() {
        let (mut debounce, start) = (Debounce::new(QUIET, MAX), Instant::now());
        assert_eq!(debounce.next_deadline(), None);
        for millis in [0, 50, 100] {
            debounce.note(event("a", EventCause::GitDir), start + Duration::from_millis(millis));
        }
        debounce.note(event("a", EventCause::Hook), start + Duration::from_millis(150));
        let deadline = debounce.next_deadline().unwrap();
        assert_eq!(deadline, start + Duration::from_millis(350));
        assert_eq!(debounce.due(deadline - Duration::from_millis(1)), []);
        assert_eq!(debounce.due(deadline), [event("a", EventCause::Hook)]);
        assert_eq!(debounce.due(deadline + MAX), []);
    }

    #[test]
    fn f30_a_repository_that_is_never_quiet_is_released() {
        let (mut debounce, start) = (Debounce::new(QUIET, MAX), Instant::now());
        let mut released = 0;
        for tick in 0..6_000 {
            let now = start + Duration::from_millis(100 * tick);
            debounce.note(event("a", EventCause::GitDir), now);
            released += debounce.due(now).len();
        }
        // Ten minutes of an event each 100 ms: once in 5 s (the next entry begins with the next event).
        assert!((115..=120).contains(&released), "{released}");
    }

    #[test]
    fn repositories_do_not_wait_for_each_other() {
        let (mut debounce, start) = (Debounce::new(QUIET, MAX), Instant::now());
        debounce.note(event("b", EventCause::GitDir), start);
        debounce.note(event("a", EventCause::GitDir), start + QUIET);
        assert_eq!(debounce.due(start + QUIET), [event("b", EventCause::GitDir)]);
        assert_eq!(debounce.next_deadline(), Some(start + QUIET + QUIET));
        assert!(debounce.holds(&RepoId("a".into())) && !debounce.holds(&RepoId("b".into())));
        debounce.forget(&RepoId("a".into()));
        assert_eq!(debounce.next_deadline(), None);
    }

    #[test]
    fn a_request_does_not_wait_even_in_a_burst() {
        let (mut debounce, start) = (Debounce::new(QUIET, MAX), Instant::now());
        debounce.note(event("a", EventCause::GitDir), start);
        debounce.note(event("a", EventCause::Request), start + Duration::from_millis(10));
        debounce.note(event("a", EventCause::Timer), start + Duration::from_millis(20));
        assert_eq!(debounce.due(start + Duration::from_millis(20)), [event("a", EventCause::Request)]);
    }

    #[test]
    fn time_that_seems_to_go_back_is_harmless() {
        let (mut debounce, start) = (Debounce::new(QUIET, MAX), Instant::now() + MAX);
        debounce.note(event("a", EventCause::Hook), start);
        debounce.note(event("a", EventCause::Hook), start - QUIET);
        assert_eq!(debounce.next_deadline(), Some(start + QUIET));
    }

    #[test]
    fn the_next_deadline_is_the_earliest_of_all_repositories() {
        let (mut debounce, start) = (Debounce::new(QUIET, MAX), Instant::now());
        debounce.note(event("a", EventCause::GitDir), start + QUIET / 2);
        debounce.note(event("b", EventCause::GitDir), start);
        assert_eq!(debounce.next_deadline(), Some(start + QUIET));
        debounce.note(event("c", EventCause::Request), start + QUIET / 4);
        debounce.note(event("c", EventCause::Request), start + QUIET / 2);
        assert_eq!(debounce.next_deadline(), Some(start + QUIET / 4), "a request is due since it came");
        assert_eq!(debounce.due(start + QUIET / 2), [event("c", EventCause::Request)]);
    }

    #[test]
    fn a_start_is_released_at_once_and_hints_wait_for_quiet() {
        use EventCause::{GitDir, Hook, Overflow, Start, Timer, WorkTree};
        let start = Instant::now();
        for (cause, at_once) in
            [(Start, true), (Timer, false), (WorkTree, false), (GitDir, false), (Hook, false), (Overflow, false)]
        {
            let mut debounce = Debounce::new(QUIET, MAX);
            debounce.note(event("a", cause), start);
            let waits = if at_once { Duration::ZERO } else { QUIET };
            assert_eq!(debounce.next_deadline(), Some(start + waits), "{cause:?}");
        }
    }
}
