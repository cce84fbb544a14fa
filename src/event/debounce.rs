//! Makes one event of many hints. Pure: the caller passes the time.
//!
//! The first hint after a pause is acted on at once, for a person waits for what it brings; those that follow wait until they end.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use crate::domain::RepoId;
use crate::event::{Event, EventCause};

/// An editor saves in several steps: a file that was just touched is left alone for so long before it is read, and for no longer than
/// the second in all.
const SETTLE: Duration = Duration::from_millis(20);
const SETTLE_MAX: Duration = Duration::from_millis(100);
/// How soon it is looked again whether Git is done with what it is at, at first and at last.
const LOOK_AGAIN_MIN: Duration = Duration::from_millis(4);
const LOOK_AGAIN_MAX: Duration = Duration::from_millis(40);
/// Who sets a longer pause than this wants few comparisons, not early ones: then the first hint waits, too.
const LEADING_PAUSE_MAX: Duration = Duration::from_secs(5);

/// What a hint is about. A commit right after a save is a beginning of its own.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
enum Concern {
    Head,
    Tree,
}

/// Holds back what follows a repository's first event until it is quiet, or until it has waited long enough.
#[derive(Clone, Debug)]
pub struct Debounce {
    quiet: Duration,
    max_latency: Duration,
    pending: BTreeMap<(RepoId, Concern), PendingEvent>,
    /// When each was hinted at last.
    hinted: BTreeMap<(RepoId, Concern), Instant>,
}

#[derive(Clone, Copy, Debug)]
struct PendingEvent {
    cause: EventCause,
    first: Instant,
    last: Instant,
    /// The first after a pause, not to be acted on before this.
    leading: Option<Instant>,
}

/// What is to be acted on now.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DueEvent {
    pub event: Event,
    /// It is the first after a pause, and what led to it may not be over: see [`Debounce::put_off`].
    pub leads: bool,
    first: Instant,
    last: Instant,
}

impl Debounce {
    /// The first event after `quiet` is released at once, one of a work tree as soon as its file is left alone. Others are released when
    /// there was none for `quiet`, or `max_latency` after the first of them, whichever is earlier. A request that a client waits for
    /// ([`EventCause::Request`]) and a start never wait.
    pub fn new(quiet: Duration, max_latency: Duration) -> Self {
        Self { quiet, max_latency, pending: BTreeMap::new(), hinted: BTreeMap::new() }
    }

    /// Takes an event in. A repository has one entry for its work tree and one for all else: its causes become the weightiest of them.
    pub fn note(&mut self, event: Event, now: Instant) {
        let key = (event.repo, concern(event.cause));
        let paused = self.hinted.insert(key.clone(), now).is_none_or(|last| now >= last + self.quiet);
        let leading = (paused && self.quiet <= LEADING_PAUSE_MAX).then_some(now);
        self.pending
            .entry(key)
            .and_modify(|pending| {
                pending.last = pending.last.max(now);
                pending.cause = pending.cause.max(event.cause);
            })
            .or_insert(PendingEvent { cause: event.cause, first: now, last: now, leading });
    }

    /// Takes in when the work trees of which something is held were touched last.
    pub fn note_touches(&mut self, touched: impl Fn(&RepoId) -> Option<Instant>) {
        for ((repo, concern), pending) in &mut self.pending {
            if let (Concern::Tree, Some(last)) = (*concern, touched(repo)) {
                pending.last = pending.last.max(last);
                let hinted = self.hinted.entry((repo.clone(), *concern)).or_insert(last);
                *hinted = last.max(*hinted);
            }
        }
    }

    /// Takes out what is to be acted on now, in the order of the repositories' ids.
    pub fn due(&mut self, now: Instant) -> Vec<DueEvent> {
        let (due, kept) =
            std::mem::take(&mut self.pending).into_iter().partition(|(_, pending)| self.deadline(pending) <= now);
        self.pending = kept;
        let due: BTreeMap<(RepoId, Concern), PendingEvent> = due;
        let event = |((repo, _), pending): ((RepoId, Concern), PendingEvent)| DueEvent {
            event: Event { repo, cause: pending.cause },
            leads: pending.leading.is_some(),
            first: pending.first,
            last: pending.last,
        };
        due.into_iter().map(event).collect()
    }

    /// Takes back what leads, for Git is in the middle of something. A commit locks the index for some milliseconds, so HEAD is looked at
    /// again soon; what is done to many files goes on for longer, and is waited out.
    pub fn put_off(&mut self, due: DueEvent, now: Instant) {
        let DueEvent { event: Event { repo, cause }, first, last, .. } = due;
        let again = now + now.saturating_duration_since(first).clamp(LOOK_AGAIN_MIN, LOOK_AGAIN_MAX);
        let concern = concern(cause);
        let leading = (concern == Concern::Head && again < first + self.quiet).then_some(again);
        self.pending.entry((repo, concern)).or_insert(PendingEvent { cause, first, last, leading });
    }

    /// When [`Debounce::due`] will next have something; `None` if nothing is held.
    pub fn next_deadline(&self) -> Option<Instant> {
        self.pending.values().map(|pending| self.deadline(pending)).min()
    }

    /// Whether something is held back of a repository.
    pub fn holds(&self, repo: &RepoId) -> bool {
        self.pending.keys().any(|(held, _)| held == repo)
    }

    /// Drops what is held of a repository that is no longer registered.
    pub fn forget(&mut self, repo: &RepoId) {
        self.pending.retain(|(held, _), _| held != repo);
        self.hinted.retain(|(hinted, _), _| hinted != repo);
    }

    fn deadline(&self, pending: &PendingEvent) -> Instant {
        let waited_out = (pending.last + self.quiet).min(pending.first + self.max_latency);
        match (pending.cause, pending.leading) {
            (EventCause::Request | EventCause::Start, _) => pending.first,
            (EventCause::WorkTree, Some(_)) => {
                let settled = pending.last + SETTLE.min(self.quiet);
                if settled <= pending.first + SETTLE_MAX { settled.min(waited_out) } else { waited_out }
            }
            // Very much is going on where notifications are lost.
            (EventCause::Overflow, _) | (_, None) => waited_out,
            (EventCause::Timer | EventCause::GitDir | EventCause::Hook, Some(at)) => at,
        }
    }
}

fn concern(cause: EventCause) -> Concern {
    match cause {
        EventCause::WorkTree => Concern::Tree,
        EventCause::Timer
        | EventCause::GitDir
        | EventCause::Hook
        | EventCause::Overflow
        | EventCause::Start
        | EventCause::Request => Concern::Head,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const QUIET: Duration = Duration::from_millis(200);
    const MAX: Duration = Duration::from_secs(5);
    const MILLI: Duration = Duration::from_millis(1);

    fn event(repo: &str, cause: EventCause) -> Event {
        Event { repo: RepoId(repo.into()), cause }
    }

    fn begin() -> (Debounce, Instant) {
        (Debounce::new(QUIET, MAX), Instant::now())
    }

    /// What is due, as repository and cause.
    fn due(debounce: &mut Debounce, now: Instant) -> Vec<Event> {
        debounce.due(now).into_iter().map(|due| due.event).collect()
    }

    #[test]
    fn the_first_is_acted_on_at_once_and_a_burst_after_it_once() {
        let (mut debounce, start) = begin();
        assert_eq!(debounce.next_deadline(), None);
        debounce.note(event("a", EventCause::GitDir), start);
        let [first] = <[DueEvent; 1]>::try_from(debounce.due(start)).unwrap();
        assert!(first.leads && first.event == event("a", EventCause::GitDir));
        for millis in [10, 60, 110] {
            debounce.note(event("a", EventCause::GitDir), start + MILLI * millis);
        }
        debounce.note(event("a", EventCause::Hook), start + MILLI * 150);
        let deadline = debounce.next_deadline().unwrap();
        assert_eq!(deadline, start + MILLI * 350);
        assert_eq!(due(&mut debounce, deadline - MILLI), []);
        let [burst] = <[DueEvent; 1]>::try_from(debounce.due(deadline)).unwrap();
        assert!(!burst.leads && burst.event == event("a", EventCause::Hook));
        assert_eq!(debounce.due(deadline + MAX), []);
        debounce.note(event("a", EventCause::Hook), deadline);
        assert_eq!(debounce.next_deadline(), Some(deadline), "it was quiet in between");
    }

    #[test]
    fn a_commit_right_after_a_save_is_a_first_one() {
        let (mut debounce, start) = begin();
        debounce.note(event("a", EventCause::WorkTree), start);
        debounce.note(event("a", EventCause::Hook), start + MILLI);
        assert_eq!(due(&mut debounce, start + MILLI), [event("a", EventCause::Hook)]);
        assert_eq!(due(&mut debounce, start + SETTLE), [event("a", EventCause::WorkTree)]);
    }

    #[test]
    fn a_save_is_read_when_its_steps_are_over_a_burst_at_its_end() {
        let (mut debounce, start) = begin();
        let touches = |debounce: &mut Debounce, last| debounce.note_touches(|_| Some(last));
        debounce.note(event("a", EventCause::WorkTree), start);
        touches(&mut debounce, start + MILLI * 15);
        assert_eq!(debounce.next_deadline(), Some(start + MILLI * 15 + SETTLE));
        for millis in 1..=30 {
            touches(&mut debounce, start + MILLI * 10 * millis);
        }
        assert_eq!(debounce.next_deadline(), Some(start + MILLI * 300 + QUIET), "it went on for too long");
        assert_eq!(due(&mut debounce, start + MILLI * 500), [event("a", EventCause::WorkTree)]);
        debounce.note(event("a", EventCause::WorkTree), start + MILLI * 499);
        assert_eq!(debounce.next_deadline(), Some(start + MILLI * 499 + QUIET), "it follows the burst");
    }

    #[test]
    fn what_git_is_in_the_middle_of_is_waited_for() {
        let (mut debounce, start) = begin();
        debounce.note(event("a", EventCause::GitDir), start);
        let (mut now, mut looks) = (start, 0);
        loop {
            let [first] = <[DueEvent; 1]>::try_from(debounce.due(now)).unwrap();
            if !first.leads {
                break;
            }
            looks += 1;
            debounce.put_off(first, now);
            let next = debounce.next_deadline().unwrap();
            assert!(next >= now + LOOK_AGAIN_MIN && next <= start + QUIET, "{:?}", next - start);
            now = next;
        }
        assert!(now == start + QUIET && (5..=20).contains(&looks), "{looks}");
        // Of files, none is looked at while more may be written.
        debounce.note(event("b", EventCause::WorkTree), start);
        let [first] = <[DueEvent; 1]>::try_from(debounce.due(start + SETTLE)).unwrap();
        debounce.put_off(first, start + SETTLE);
        assert_eq!(debounce.next_deadline(), Some(start + QUIET));
    }

    #[test]
    fn f30_a_repository_that_is_never_quiet_is_released() {
        for cause in [EventCause::GitDir, EventCause::WorkTree] {
            let (mut debounce, start) = begin();
            let mut released = 0;
            for tick in 0..6_000 {
                let now = start + MILLI * 100 * tick;
                debounce.note(event("a", cause), now);
                released += debounce.due(now).len();
            }
            // Ten minutes of an event each 100 ms: once in 5 s (the next entry begins with the next event).
            assert!((115..=121).contains(&released), "{released}");
        }
    }

    #[test]
    fn repositories_do_not_wait_for_each_other() {
        let (mut debounce, start) = begin();
        ["a", "b"].iter().for_each(|repo| debounce.note(event(repo, EventCause::GitDir), start));
        assert_eq!(debounce.due(start).len(), 2);
        debounce.note(event("b", EventCause::GitDir), start + MILLI);
        debounce.note(event("a", EventCause::GitDir), start + QUIET - MILLI);
        assert_eq!(due(&mut debounce, start + MILLI + QUIET), [event("b", EventCause::GitDir)]);
        assert_eq!(debounce.next_deadline(), Some(start + QUIET - MILLI + QUIET));
        assert!(debounce.holds(&RepoId("a".into())) && !debounce.holds(&RepoId("b".into())));
        debounce.forget(&RepoId("a".into()));
        assert_eq!(debounce.next_deadline(), None);
    }

    #[test]
    fn a_request_does_not_wait_even_in_a_burst() {
        let (mut debounce, start) = begin();
        debounce.note(event("a", EventCause::GitDir), start);
        debounce.due(start);
        debounce.note(event("a", EventCause::GitDir), start + MILLI);
        debounce.note(event("a", EventCause::Request), start + MILLI * 10);
        debounce.note(event("a", EventCause::Timer), start + MILLI * 20);
        assert_eq!(due(&mut debounce, start + MILLI * 20), [event("a", EventCause::Request)]);
    }

    #[test]
    fn time_that_seems_to_go_back_is_harmless() {
        let (mut debounce, start) = (Debounce::new(QUIET, MAX), Instant::now() + MAX);
        debounce.note(event("a", EventCause::Hook), start);
        debounce.due(start);
        debounce.note(event("a", EventCause::Hook), start - QUIET);
        assert_eq!(debounce.next_deadline(), Some(start));
    }

    #[test]
    fn where_a_long_pause_is_wanted_the_first_waits_too() {
        let long = LEADING_PAUSE_MAX + MILLI;
        let (mut debounce, start) = (Debounce::new(long, long * 10), Instant::now());
        debounce.note(event("a", EventCause::Hook), start);
        assert_eq!(debounce.next_deadline(), Some(start + long));
    }

    #[test]
    fn hints_come_first_at_once_and_what_was_lost_waits_for_quiet() {
        use EventCause::{GitDir, Hook, Overflow, Request, Start, Timer, WorkTree};
        let start = Instant::now();
        let none = Duration::ZERO;
        for (cause, waits) in [
            (Start, none),
            (Request, none),
            (Timer, none),
            (GitDir, none),
            (Hook, none),
            (WorkTree, SETTLE),
            (Overflow, QUIET),
        ] {
            let mut debounce = Debounce::new(QUIET, MAX);
            debounce.note(event("a", cause), start);
            assert_eq!(debounce.next_deadline(), Some(start + waits), "{cause:?}");
        }
    }
}
