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
            let reservation =
                granted(&mut db, &limits, &Call { cache_key: key, analysis_type, ..call(name) }, 9_000_000, at(day));
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
