use super::*;

/// One job of each lane that is queued and one that runs: `[docs, embed, asked]` of each.
fn lanes(db: &Connection, repo: &RepoId) -> ([i64; 3], [i64; 3]) {
    let kinds = [DOCS, JobKind::Embed, ASK];
    (
        kinds.map(|kind| put(db, repo, of("queued", "1", kind))),
        kinds.map(|kind| run(db, repo, of("runs", "1", kind)).id),
    )
}

fn states(db: &Connection, ids: [i64; 3]) -> [JobState; 3] {
    ids.map(|id| state(db, id))
}

const WHY: Parking<'_> = Parking { cause: ParkCause::Provider, until: None, detail: "an outage" };

#[test]
fn only_a_claimed_job_is_parked_and_a_discarded_one_is_not() {
    let (_dir, mut db, repo) = queue();
    let queued = put(&db, &repo, of("a", "1", DOCS));
    park(&mut db, &[queued], ParkCause::Setup, None, "no key", T).unwrap();
    assert_eq!(state(&db, queued), JobState::Queued);
    claim_one(&db, queued, T).unwrap().unwrap();
    park(&mut db, &[queued], ParkCause::Setup, None, "no key", T).unwrap();
    assert_eq!(parked(&db, ParkCause::Setup).unwrap(), (1, None), "no time brings a key");
    discard(&db, queued, "no", T).unwrap();
    assert_eq!(state(&db, queued), JobState::Discarded);
    let waits: Option<String> =
        db.query_row("SELECT parked_for FROM jobs WHERE job_id = ?1", [queued], |row| row.get(0)).unwrap();
    assert_eq!(waits, None);
    let other = put(&db, &repo, of("b", "1", DOCS));
    quarantine(&db, other, "it crashed", T).unwrap();
    assert_eq!(state(&db, other), JobState::Quarantined, "a queued one, too");
}

#[test]
fn what_is_let_run_again_runs_at_once_and_says_nothing() {
    let (_dir, mut db, repo) = queue();
    let job = run(&db, &repo, of("a", "1", DOCS));
    for cause in [ParkCause::Setup, ParkCause::Provider] {
        park(&mut db, &[job.id], cause, None, "no key", T).unwrap();
        // an entry from before causes were stored waits for a person
        db.execute("UPDATE jobs SET parked_for = NULL WHERE parked_for = 'setup'", []).unwrap();
        assert_eq!(unpark(&db, &[cause], T).unwrap(), 1);
        let job = claim_one(&db, job.id, T).unwrap().unwrap();
        assert_eq!((job.attempts, job.detail), (1, None));
    }
}

#[test]
fn a_lane_is_put_aside_with_its_claimed_jobs_and_no_other_lane() {
    use JobState::{Parked, Queued, Running};
    let (_dir, mut db, repo) = queue();
    let (queued, running) = lanes(&db, &repo);
    park_lane(&mut db, Lane::Ask, &[], &WHY, T).unwrap();
    assert_eq!(states(&db, queued), [Queued, Queued, Parked]);
    assert_eq!(states(&db, running), [Running; 3], "they were not named");
    park_lane(&mut db, Lane::Ask, &running[2..], &WHY, T).unwrap();
    assert_eq!(states(&db, running), [Running, Running, Parked]);
    assert_eq!(parked(&db, ParkCause::Provider).unwrap(), (2, None));
}

#[test]
fn a_lane_waits_until_its_provider_takes_requests_again() {
    let (_dir, mut db, repo) = queue();
    let (soon, late) = (T.plus_millis(100), T.plus_millis(900));
    lanes(&db, &repo);
    let (_, aside) = (put(&db, &repo, of("later", "1", ASK)), run(&db, &repo, of("aside", "1", ASK)));
    park(&mut db, &[aside.id], ParkCause::Budget, Some(soon), "the day's limit", T).unwrap();
    postpone(&db, Lane::Ask, late).unwrap();
    assert_eq!(waiting_in(&db, &[Lane::Ask], T).unwrap(), Waiting::Until(late));
    assert_eq!(waiting_in(&db, &[Lane::Analyze, Lane::Embed], T).unwrap(), Waiting::Now);
    assert_eq!(waiting_in(&db, &[Lane::Ask, Lane::Embed], T).unwrap(), Waiting::Now, "the earliest");
    postpone(&db, Lane::Ask, soon).unwrap();
    assert_eq!(waiting_in(&db, &[Lane::Ask], T).unwrap(), Waiting::Until(late), "no shorter than was said before");
    assert_eq!(parked(&db, ParkCause::Budget).unwrap(), (1, Some(soon)), "what is parked has its own time");
}

#[test]
fn a_job_is_put_back_for_another_time_with_its_attempt() {
    let (_dir, mut db, repo) = queue();
    let job = run(&db, &repo, of("a", "1", ASK));
    let later = T.plus_millis(70);
    put_back(&db, job.id, later, Some("another asks"), T).unwrap();
    let found = get(&db, job.id).unwrap().unwrap();
    assert_eq!((found.state, found.attempts, found.detail.as_deref()), (JobState::Queued, 0, Some("another asks")));
    assert_eq!(waiting(&db, T).unwrap(), Waiting::Until(later));
    claim_one(&db, job.id, later).unwrap().unwrap();
    put_back(&db, job.id, T, None, later).unwrap();
    assert_eq!(get(&db, job.id).unwrap().unwrap().detail, None);
    claim_one(&db, job.id, later).unwrap().unwrap();
    finish(&mut db, &[job.id], later).unwrap();
    put_back(&db, job.id, T, None, later).unwrap();
    assert_eq!(state(&db, job.id), JobState::Done);
}

#[test]
fn a_closed_lane_has_no_live_job_and_the_others_have_theirs() {
    use JobState::{Queued, Running, Superseded};
    let (_dir, mut db, repo) = queue();
    let (queued, running) = lanes(&db, &repo);
    let aside = run(&db, &repo, of("aside", "1", ASK));
    park(&mut db, &[aside.id], ParkCause::Setup, None, "no key", T).unwrap();
    assert_eq!(close_lane(&db, Lane::Ask, T).unwrap(), 3);
    assert_eq!(states(&db, queued), [Queued, Queued, Superseded]);
    assert_eq!(states(&db, running), [Running, Running, Superseded]);
    assert_eq!(state(&db, aside.id), Superseded);
}

#[test]
fn parked_jobs_are_grouped_by_cause_the_largest_group_first() {
    let (_dir, mut db, repo) = queue();
    let (soon, late) = (T.plus_millis(100), T.plus_millis(900));
    for (path, cause, until, detail) in [
        ("a", ParkCause::Budget, Some(late), "the month's limit"),
        ("b", ParkCause::Budget, Some(soon), "the month's limit"),
        ("c", ParkCause::Budget, None, "the call is too large"),
        ("d", ParkCause::Setup, None, "no key"),
    ] {
        let job = run(&db, &repo, of(path, "1", ASK));
        park(&mut db, &[job.id], cause, until, detail, T).unwrap();
    }
    db.execute("UPDATE jobs SET parked_for = NULL WHERE parked_for = 'setup'", []).unwrap();
    let expected =
        |cause: &str, detail: &str, until, jobs| Parked { cause: cause.into(), detail: detail.into(), until, jobs };
    assert_eq!(
        parkings(&db).unwrap(),
        [
            expected("budget", "the month's limit", Some(soon), 2),
            expected("budget", "the call is too large", None, 1),
            expected("setup", "no key", None, 1),
        ]
    );
    assert_eq!(parked(&db, ParkCause::Budget).unwrap(), (3, Some(soon)));
}
