use super::*;

#[test]
fn the_report_tells_what_is_left_and_for_how_long() {
    let (_dir, mut db) = ledger();
    let limits = SpendingLimits { monthly: 3_000_000_000, daily: Some(500_000_000) };
    let blank = report(&db, &limits, at(NOW)).unwrap();
    assert_eq!((blank.mean, blank.files_remaining, blank.projected), (None, None, 0));
    let days = ["2026-11-01T10:00:00Z", "2026-11-10T10:00:00Z", "2026-11-10T11:00:00Z"];
    for (name, day) in (1..).zip(days) {
        for analysis_type in [AnalysisType::Docs, AnalysisType::Todos] {
            let key = Hash::of(format!("{name}{analysis_type}").as_bytes());
            let reservation = granted(
                &mut db,
                &limits,
                &Call { cache_key: key, purpose: CallPurpose::Answer(analysis_type), ..call(name) },
                9_000_000,
                at(day),
            );
            close(&mut db, &reservation, &reported(1_000_000), at(day)).unwrap();
        }
    }
    drop(granted(&mut db, &limits, &call(9), 4_000_000, at("2026-11-10T11:30:00Z")));
    let found = report(&db, &limits, at("2026-11-11T00:00:00Z")).unwrap();
    assert_eq!((found.month.name.as_str(), found.month.spent, found.month.reserved), ("2026-11", 6_000_000, 4_000_000));
    assert_eq!((found.month.remaining(), found.month.percent()), (Some(2_990_000_000), Some(0.2)));
    assert_eq!((found.day.name.as_str(), found.day.spent, found.day.remaining()), ("2026-11-11", 0, Some(500_000_000)));
    assert_eq!(found.projected, 18_000_000, "ten of thirty days are over");
    let mean = MeanCost { per_analysis: 1_000_000, per_file: 2_000_000, analyses: 6, files: 3 };
    assert_eq!((found.mean, found.files_remaining), (Some(mean), Some(1_495)));
    let first_hour = report(&db, &limits, at("2026-12-01T00:30:00Z")).unwrap();
    assert_eq!((first_hour.month.spent, first_hour.projected), (0, 0));
    assert_eq!(first_hour.month.ends_at, at("2027-01-01T00:00:00Z"));
}

#[test]
fn of_a_limit_of_nothing_all_is_spent() {
    let (_dir, db) = ledger();
    let found = report(&db, &SpendingLimits { monthly: 0, daily: None }, at(NOW)).unwrap();
    assert_eq!((found.month.percent(), found.month.remaining(), found.day.percent()), (Some(100.0), Some(0), None));
}

#[test]
fn the_mean_covers_ninety_days_to_the_instant() {
    let (_dir, mut db) = ledger();
    let days = ["2026-08-24T11:59:59.999Z", "2026-08-24T12:00:00Z", NOW];
    for ((name, cost), day) in [(1, 1_000), (2, 30), (3, 50)].into_iter().zip(days) {
        let reservation = granted(&mut db, &NO_LIMIT, &call(name), 9_000, at(day));
        close(&mut db, &reservation, &reported(cost), at(day)).unwrap();
    }
    let mean = report(&db, &NO_LIMIT, at(NOW)).unwrap().mean.unwrap();
    assert_eq!(mean, MeanCost { per_analysis: 40, per_file: 40, analyses: 2, files: 2 });
}

#[test]
fn repairs_make_an_analysis_dearer_and_not_more() {
    let (_dir, mut db) = ledger();
    let later = Call { commit: Some(ObjectId(vec![8; 20])), cache_key: Hash::of(b"later"), ..call(1) };
    for (call, cost) in [(&call(1), 3), (&call(1), 4), (&later, 3), (&call(2), 1)] {
        let reservation = granted(&mut db, &NO_LIMIT, call, 9_000, at(NOW));
        close(&mut db, &reservation, &reported(cost), at(NOW)).unwrap();
    }
    let mean = report(&db, &NO_LIMIT, at(NOW)).unwrap().mean.unwrap();
    let expected = MeanCost { per_analysis: 4, per_file: 4, analyses: 3, files: 3 };
    assert_eq!(mean, expected, "eleven for three, rounded up; a file of another commit is another");
}

#[test]
fn an_hour_says_nothing_about_a_month() {
    let (_dir, mut db) = ledger();
    let reservation = granted(&mut db, &NO_LIMIT, &call(1), 500, at("2026-11-01T00:10:00Z"));
    close(&mut db, &reservation, &reported(100), at("2026-11-01T00:10:00Z")).unwrap();
    assert_eq!(report(&db, &NO_LIMIT, at("2026-11-01T01:00:00Z")).unwrap().projected, 3_000, "as if the day were over");
}

#[test]
fn the_history_knows_every_day_and_only_its_span() {
    let (_dir, mut db) = ledger();
    for (name, day) in (1..).zip(["2026-11-19T23:59:59Z", "2026-11-20T00:00:00Z", "2026-11-22T09:00:00Z"]) {
        let reservation = granted(&mut db, &NO_LIMIT, &call(name), 100, at(day));
        close(&mut db, &reservation, &reported(name), at(day)).unwrap();
    }
    let found = history(&db, 3, at(NOW)).unwrap();
    let days: Vec<(&str, u64)> = found.days.iter().map(|(day, group)| (day.as_str(), group.spent)).collect();
    assert_eq!(days, [("2026-11-20", 2), ("2026-11-21", 0), ("2026-11-22", 3)]);
    assert_eq!(found.total().calls, 2);
    assert_eq!(found.commits[&(RepoId("r".to_owned()), Some(ObjectId(vec![7; 20])))].spent, 5);
    assert_eq!(history(&db, 0, at(NOW)).unwrap().days.len(), 1, "today is always there");
}

#[test]
fn limits_that_change_are_noticed_once() {
    let (_dir, db) = ledger();
    let limits = SpendingLimits { monthly: 1, daily: None };
    assert_eq!(noted_limits(&db).unwrap(), None);
    assert!(note_limits(&db, &limits).unwrap());
    assert!(!note_limits(&db, &limits).unwrap());
    assert_eq!(noted_limits(&db).unwrap(), Some(limits));
    assert!(note_limits(&db, &SpendingLimits { daily: Some(1), ..limits }).unwrap());
}

#[test]
fn every_repository_that_asked_for_a_key_is_known_once() {
    let (_dir, mut db) = ledger();
    let twin = Call { repo: RepoId("other".to_owned()), ..call(1) };
    for call in [&call(1), &call(1), &twin, &call(2)] {
        let reservation = granted(&mut db, &NO_LIMIT, call, 10, at(NOW));
        close(&mut db, &reservation, &reported(1), at(NOW)).unwrap();
    }
    let mut found = askers(&db, &call(1).cache_key).unwrap();
    found.sort();
    assert_eq!(found, ["other", "r"].map(|repo| RepoId(repo.to_owned())));
    assert_eq!(askers(&db, &call(2).cache_key).unwrap(), [RepoId("r".to_owned())]);
    assert_eq!(granted(&mut db, &NO_LIMIT, &call(3), 10, at(NOW)).attempt, 1, "of its own key");
}

#[test]
fn a_call_as_large_as_its_limit_may_be_made_in_the_next_period() {
    let (_dir, mut db) = ledger();
    let limits = SpendingLimits { monthly: 1_000, daily: Some(100) };
    drop(granted(&mut db, &limits, &call(1), 1, at(NOW)));
    let refusal = refused(&mut db, &limits, &call(2), 100, at(NOW));
    assert_eq!(refusal.resumes_at(), Some(at("2026-11-23T00:00:00Z")));
    for word in ["day", "budget set --daily"] {
        assert!(refusal.to_string().contains(word), "{refusal} lacks {word}");
    }
}

#[test]
fn budget_time_follows_open_entries_and_closing_too() {
    let (_dir, mut db) = ledger();
    drop(granted(&mut db, &NO_LIMIT, &call(1), 10, at("2026-11-30T08:00:00Z")));
    let newest = at("2026-12-01T08:00:00Z");
    let reservation = granted(&mut db, &NO_LIMIT, &call(2), 10, newest);
    assert_eq!(report(&db, &NO_LIMIT, at(NOW)).unwrap().month.name, "2026-12");
    close(&mut db, &reservation, &reported(1), at(NOW)).unwrap();
    let closed: i64 = db.query_row("SELECT max(closed_at) FROM ledger", [], |row| row.get(0)).unwrap();
    assert_eq!(Timestamp(closed), newest);
}

#[test]
fn a_closed_call_reserves_nothing_however_much_it_had() {
    let (_dir, mut db) = ledger();
    let reservation = granted(&mut db, &NO_LIMIT, &call(1), 50_000_000_000, at(NOW));
    close(&mut db, &reservation, &reported(20_000_000_000), at(NOW)).unwrap();
    assert_eq!(month(&db, at(NOW)), (20_000_000_000, 0));
}

#[test]
fn the_history_counts_tokens_and_what_was_not_told_or_crashed() {
    let (_dir, mut db) = ledger();
    let told = granted(&mut db, &NO_LIMIT, &call(1), 100, at(NOW));
    close(&mut db, &told, &reported(7), at(NOW)).unwrap();
    let untold = granted(&mut db, &NO_LIMIT, &call(2), 100, at(NOW));
    close(&mut db, &untold, &unreported(), at(NOW)).unwrap();
    drop(granted(&mut db, &NO_LIMIT, &call(3), 100, at(NOW)));
    settle_dead(&mut db, |_, _| None, at(NOW)).unwrap();
    drop(granted(&mut db, &NO_LIMIT, &call(4), 100, at(NOW)));
    let expected =
        Group { calls: 4, spent: 207, reserved: 100, input_tokens: 10, output_tokens: 5, unreported: 1, crashed: 1 };
    assert_eq!(history(&db, 1, at(NOW)).unwrap().total(), expected);
    let today = history(&db, 0, at(NOW)).unwrap();
    assert_eq!(today.days.keys().collect::<Vec<_>>(), ["2026-11-22"]);
}
