use super::*;

#[test]
fn f52_crashed_calls_settle_at_stored_cost_or_worst_case() {
    let (dir, mut db) = ledger();
    let now = at(NOW);
    for name in 1..=4 {
        let reservation = granted(&mut db, &NO_LIMIT, &call(name), 1_000, now.plus_millis(name as i64));
        drop(reservation);
    }
    drop(db);
    let mut db = open(dir.path());
    assert_eq!(month(&db, now), (0, 4_000), "open, they count at their worst");
    let stored = |_: &RepoId, key: &Hash| match key {
        key if *key == call(1).cache_key => Some(StoredCost { cost: 77, stored_at: now.plus_millis(1) }),
        // an earlier call's result, which has expired
        key if *key == call(2).cache_key => Some(StoredCost { cost: 88, stored_at: now.plus_millis(1) }),
        key if *key == call(3).cache_key => Some(StoredCost { cost: 1_500, stored_at: now.plus_millis(60_000) }),
        _ => None,
    };
    let settled = settle_dead(&mut db, stored, now.plus_millis(9)).unwrap();
    let expected = [
        (77, EntryOutcome::CrashedStored),
        (1_000, EntryOutcome::CrashedWorstCase),
        (1_500, EntryOutcome::CrashedStored),
        (1_000, EntryOutcome::CrashedWorstCase),
    ];
    assert_eq!(settled, expected.map(|(cost, outcome)| Settled { cost, outcome }));
    assert_eq!(month(&db, now), (3_577, 0));
    assert!(settle_dead(&mut db, stored, now).unwrap().is_empty(), "once");
    let crashed = history(&db, 1, now).unwrap().crashed;
    assert_eq!(crashed.iter().map(|one| (one.cost, one.outcome)).collect::<Vec<_>>(), expected);
}

#[test]
fn f52_after_any_crash_the_ledger_covers_what_was_sent() {
    // steps of a call: 0 nothing, 1 reserved, 2 sent, 3 result stored, 4 settled in a transaction that is not committed, 5 committed
    for last in 0..=5 {
        let (dir, mut db) = ledger();
        let now = at(NOW);
        let (mut billed, mut stored) = (0, None);
        if last >= 1 {
            let reservation = granted(&mut db, &NO_LIMIT, &call(1), 1_000, now);
            billed = if last >= 2 { 400 } else { 0 };
            stored = (last >= 3).then_some(StoredCost { cost: 400, stored_at: now });
            if last >= 4 {
                let tx = write(&mut db).unwrap();
                settle(&tx, &reservation, &reported(400), now).unwrap();
                if last == 5 {
                    tx.commit().unwrap();
                }
            }
        }
        drop(db);
        let mut db = open(dir.path());
        settle_dead(&mut db, |_, _| stored, now).unwrap();
        let (spent, reserved) = month(&db, now);
        assert_eq!(reserved, 0);
        assert!(spent >= billed, "step {last}: {spent}");
        let expected = [0, 1_000, 1_000, 400, 400, 400][last];
        assert_eq!(spent, expected, "step {last}");
    }
}
