use std::sync::atomic::{AtomicU64, Ordering};

use super::*;

/// SplitMix64 (Steele, Lea, Flood: Fast splittable pseudorandom number generators, OOPSLA 2014).
struct Random(u64);

impl Random {
    fn below(&mut self, limit: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        (z ^ (z >> 31)) % limit
    }
}

/// The ledger as one would keep it on paper.
#[derive(Default)]
struct Paper {
    /// When reserved, how much, what it cost.
    entries: Vec<(Timestamp, u64, Option<u64>)>,
    newest: Option<Timestamp>,
}

impl Paper {
    fn time(&mut self, clock: Timestamp) -> Timestamp {
        self.newest.map_or(clock, |newest| newest.max(clock))
    }

    fn sum(&self, start: Timestamp) -> u64 {
        let counted = self.entries.iter().filter(|(at, ..)| *at >= start);
        counted.map(|(_, reserved, cost)| cost.unwrap_or(*reserved)).sum()
    }

    /// Closes a call in the ledger in one of three ways, and here.
    fn close(
        &mut self,
        db: &mut Connection,
        reservation: &Reservation,
        entry: usize,
        (way, cost): (u64, u64),
        clock: Timestamp,
    ) {
        let tx = write(db).unwrap();
        let settled = match way {
            0 => settle(&tx, reservation, &unreported(), clock).unwrap(),
            1 => release(&tx, reservation, "refused", clock).unwrap(),
            _ => settle(&tx, reservation, &reported(cost), clock).unwrap(),
        };
        tx.commit().unwrap();
        let expected = match settled.outcome {
            EntryOutcome::Unreported => self.entries[entry].1,
            EntryOutcome::Released => 0,
            _ => cost,
        };
        assert_eq!(settled.cost, expected);
        self.entries[entry].2 = Some(settled.cost);
        self.newest = Some(self.time(clock));
    }
}

#[test]
fn thousands_of_calls_are_booked_to_the_nano_dollar() {
    const CALLS: u64 = 4_000;
    const DAILY: u64 = 55_000_000;
    let (_dir, mut db) = ledger();
    // what is written is the same, only sooner
    db.execute_batch("PRAGMA synchronous = OFF").unwrap();
    let limits = SpendingLimits { monthly: 1_000_000_000, daily: Some(DAILY) };
    let (mut random, mut paper) = (Random(20_261_122), Paper::default());
    let mut clock = at("2026-10-31T20:00:00Z");
    let mut open: Vec<(Reservation, usize)> = Vec::new();
    let (mut grants, mut refusals) = (0, 0);
    for name in 0..CALLS {
        // minutes forward, now and then hours back
        clock = clock.plus_millis(match random.below(50) {
            0 => -(random.below(20_000_000) as i64),
            _ => random.below(3_600_000) as i64,
        });
        let now = paper.time(clock);
        let worst_case = 1 + random.below(4_000_000);
        let fits = |start, limit: u64| paper.sum(start) + worst_case <= limit;
        let expected = fits(month_start(now), limits.monthly) && fits(day_start(now), DAILY);
        match reserve(&mut db, &limits, &call(name), worst_case, clock).unwrap() {
            Grant::Reserved(reservation) => {
                assert!(expected, "call {name} was granted over the limit");
                open.push((reservation, paper.entries.len()));
                paper.entries.push((now, worst_case, None));
                paper.newest = Some(now);
                grants += 1;
            }
            Grant::Refused(_) => {
                assert!(!expected, "call {name} was refused within the limit");
                refusals += 1;
            }
            Grant::InFlight => panic!("every key is another"),
        }
        while open.len() > random.below(4) as usize {
            let (reservation, entry) = open.swap_remove(random.below(open.len() as u64) as usize);
            let cost = random.below(worst_case);
            paper.close(&mut db, &reservation, entry, (random.below(10), cost), clock);
        }
        let now = paper.time(clock);
        for start in [month_start(now), day_start(now)] {
            let Sums { spent, reserved } = Sums::since(&db, start).unwrap();
            assert_eq!(spent + reserved, paper.sum(start), "after call {name}");
        }
    }
    assert!(grants > CALLS / 4 && refusals > CALLS / 20, "{grants} granted, {refusals} refused: both have to be tried");
    let history = history(&db, 400, clock).unwrap();
    let total = history.total();
    assert_eq!((total.calls, total.spent + total.reserved), (grants, paper.sum(Timestamp(0))));
    let sums: [u64; 4] = [
        history.repos.values().map(|group| group.spent).sum(),
        history.commits.values().map(|group| group.spent).sum(),
        history.types.values().map(|group| group.spent).sum(),
        history.models.values().map(|group| group.spent).sum(),
    ];
    assert_eq!(sums, [total.spent; 4], "whichever way it is added up");
}

#[test]
fn f59_connections_racing_for_the_last_cent_never_overspend() {
    const LIMIT: u64 = 10_000_003;
    const WORST: u64 = 100_000;
    let (dir, db) = ledger();
    let limits = SpendingLimits { monthly: LIMIT, daily: Some(LIMIT) };
    let next = AtomicU64::new(0);
    let now = at(NOW);
    std::thread::scope(|scope| {
        for thread in 0..8 {
            let (next, limits, dir) = (&next, &limits, dir.path());
            scope.spawn(move || {
                let mut db = open_writer(&dir.join("agent.db"), Database::Agent).unwrap();
                let mut random = Random(thread);
                loop {
                    let name = next.fetch_add(1, Ordering::Relaxed);
                    let reservation = match reserve(&mut db, limits, &call(name), WORST, now).unwrap() {
                        Grant::Reserved(reservation) => reservation,
                        _ => break,
                    };
                    let (spent, reserved) = month(&db, now);
                    assert!(spent + reserved <= LIMIT, "{spent} + {reserved}");
                    close(&mut db, &reservation, &reported(WORST / 2 + random.below(WORST / 2)), now).unwrap();
                }
            });
        }
    });
    let (spent, reserved) = month(&db, now);
    assert_eq!(reserved, 0);
    assert!(spent <= LIMIT, "{spent}");
    // each gave up when the others' reservations left no room for it, not a moment earlier
    assert!(spent + 8 * WORST > LIMIT, "{spent} of {LIMIT}: refused too early");
}
