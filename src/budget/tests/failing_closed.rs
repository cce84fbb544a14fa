use super::*;

#[test]
fn f62_a_lost_agent_db_stops_spending_until_a_person_allows_it() {
    let (dir, mut db) = ledger();
    drop(granted(&mut db, &NO_LIMIT, &call(1), 10, at(NOW)));
    drop(db);
    for name in ["agent.db", "agent.db-wal", "agent.db-shm"] {
        let _ = std::fs::remove_file(dir.path().join(name));
    }
    for _ in 0..2 {
        let mut db = open(dir.path());
        let refusal = refused(&mut db, &NO_LIMIT, &call(1), 1, at(NOW));
        assert!(refusal.to_string().contains("budget set --monthly"), "{refusal}");
        assert_eq!(refusal.resumes_at(), None);
        assert!(report(&db, &NO_LIMIT, at(NOW)).unwrap().stopped.is_some());
        drop(granted(&mut db, &NO_LIMIT, &call(2), 0, at(NOW)));
        settle_dead(&mut db, |_, _| None, at(NOW)).unwrap();
    }
    let mut db = open(dir.path());
    accept(&db).unwrap();
    drop(granted(&mut db, &NO_LIMIT, &call(1), 1, at(NOW)));
    drop(db);
    let mut db = open(dir.path());
    drop(granted(&mut db, &NO_LIMIT, &call(3), 1, at(NOW)));
}

#[test]
fn a_ledger_that_was_not_compared_with_the_seal_gives_nothing() {
    let dir = tempfile::tempdir().unwrap();
    let mut db = open_writer(&dir.path().join("agent.db"), Database::Agent).unwrap();
    assert!(matches!(refused(&mut db, &NO_LIMIT, &call(1), 1, at(NOW)), Refusal::Stopped { .. }));
    std::fs::create_dir(dir.path().join("ledger.seal")).unwrap();
    assert!(matches!(take_up(&mut db, &dir.path().join("ledger.seal")), Err(BudgetError::Seal { .. })));
    refused(&mut db, &NO_LIMIT, &call(1), 1, at(NOW));
}

#[test]
fn a_lost_seal_is_written_again_and_stops_nothing() {
    let (dir, mut db) = ledger();
    std::fs::remove_file(dir.path().join("ledger.seal")).unwrap();
    take_up(&mut db, &dir.path().join("ledger.seal")).unwrap();
    assert!(dir.path().join("ledger.seal").exists());
    drop(granted(&mut db, &NO_LIMIT, &call(1), 1, at(NOW)));
}

#[test]
fn an_unreadable_ledger_gives_nothing() {
    let (dir, mut db) = ledger();
    drop(granted(&mut db, &NO_LIMIT, &call(1), 1, at(NOW)));
    db.execute_batch("ALTER TABLE ledger RENAME TO lost").unwrap();
    let error = reserve(&mut db, &NO_LIMIT, &call(2), 1, at(NOW)).unwrap_err();
    assert!(error.to_string().contains("nothing is spent"), "{error}");
    let mut reader = open_reader(&dir.path().join("agent.db"), Database::Agent).unwrap().unwrap();
    assert!(reserve(&mut reader, &NO_LIMIT, &call(2), 1, at(NOW)).is_err(), "nor one that cannot be written");
}
