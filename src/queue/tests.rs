use super::*;
use crate::domain::AnalysisType;
use crate::store::{Database, open_writer};

fn queue() -> (tempfile::TempDir, Connection, RepoId) {
    let dir = tempfile::tempdir().unwrap();
    let db = open_writer(&dir.path().join("agent.db"), Database::Agent).unwrap();
    db.execute(
        "INSERT INTO repos (repo_id, path, kind, git_dir, common_dir, registered_at) VALUES ('r', x'70', 'worktree', x'67', x'67', 0)",
        [],
    )
    .unwrap();
    (dir, db, RepoId("r".to_owned()))
}

fn new(path: &str, content: &str, priority: Priority) -> NewJob {
    NewJob {
        path: path.into(),
        kind: JobKind::Analyze(AnalysisType::Docs),
        key: Hash::of(content.as_bytes()),
        blob: ObjectId(content.as_bytes().to_vec()),
        priority,
        origin: Origin::Changed,
        reason: StaleReason::ContentChanged,
    }
}

const T: Timestamp = Timestamp(1_000_000);

#[test]
fn jobs_are_claimed_by_priority_then_age_and_the_attempt_counts() {
    let (_dir, mut db, repo) = queue();
    let jobs =
        [new("b", "1", Priority::Normal), new("a", "2", Priority::Normal), new("lib.rs", "3", Priority::Critical)];
    assert_eq!(enqueue(&db, &repo, &jobs, T).unwrap(), 3);
    let claimed = claim(&mut db, Lane::Analyze, 2, &[], T).unwrap();
    assert_eq!(claimed.iter().map(|job| job.path.to_string()).collect::<Vec<_>>(), ["lib.rs", "b"]);
    assert!(claimed.iter().all(|job| job.attempts == 1 && job.state == JobState::Running));
    assert!(claim(&mut db, Lane::Embed, 9, &[], T).unwrap().is_empty());
}

#[test]
fn equal_content_is_one_job_and_newer_content_supersedes_it() {
    let (_dir, mut db, repo) = queue();
    assert_eq!(enqueue(&db, &repo, &[new("a", "1", Priority::Normal)], T).unwrap(), 1);
    assert_eq!(enqueue(&db, &repo, &[new("a", "1", Priority::High)], T).unwrap(), 0);
    let running = claim(&mut db, Lane::Analyze, 9, &[], T).unwrap();
    assert_eq!(running[0].priority, Priority::High, "asked for again, more urgently");
    assert_eq!(enqueue(&db, &repo, &[new("a", "2", Priority::Normal)], T).unwrap(), 1);
    finish(&mut db, &[running[0].id], T).unwrap();
    assert_eq!(get(&db, running[0].id).unwrap().map(|job| job.state), Some(JobState::Superseded));
    let counts = counts(&db, None).unwrap();
    assert_eq!((counts.queued, counts.running, counts.done), (1, 0, 0));
}

#[test]
fn a_job_that_keeps_failing_is_a_dead_letter_until_replayed() {
    let (_dir, mut db, repo) = queue();
    let mut now = T;
    enqueue(&db, &repo, &[new("a", "1", Priority::Normal)], now).unwrap();
    for attempt in 1..=MAX_ATTEMPTS {
        let job = claim(&mut db, Lane::Analyze, 1, &[], now).unwrap().pop().unwrap();
        assert_eq!(job.attempts, attempt);
        retry(&db, &job, "the disk is full", now).unwrap();
        assert!(claim(&mut db, Lane::Analyze, 1, &[], now).unwrap().is_empty(), "it waits");
        now = now.plus_millis(backoff_millis(attempt));
    }
    let dead = list(&db, &Filter { states: vec![JobState::Discarded], ..Filter::default() }).unwrap();
    assert_eq!(dead[0].detail.as_deref(), Some("the disk is full"));
    assert_eq!(enqueue(&db, &repo, &[new("a", "1", Priority::Normal)], now).unwrap(), 0);
    assert_eq!(replay(&mut db, Some(dead[0].id), now).unwrap(), 1);
    assert_eq!(claim(&mut db, Lane::Analyze, 1, &[], now).unwrap()[0].attempts, 1);
}

#[test]
fn a_killed_workers_jobs_are_released_without_an_attempt() {
    let (_dir, mut db, repo) = queue();
    enqueue(&db, &repo, &[new("a", "1", Priority::Normal), new("b", "2", Priority::Normal)], T).unwrap();
    let claimed = claim(&mut db, Lane::Analyze, 9, &[], T).unwrap();
    assert_eq!(release_dead(&mut db, &[claimed[1].id], T).unwrap(), 2);
    let again = claim(&mut db, Lane::Analyze, 9, &[], T).unwrap();
    assert_eq!(again.iter().map(|job| job.attempts).collect::<Vec<_>>(), [1, 2], "the suspect's attempt still counts");
}

#[test]
fn a_paused_queue_hands_out_nothing() {
    let (_dir, mut db, repo) = queue();
    enqueue(&db, &repo, &[new("a", "1", Priority::Normal)], T).unwrap();
    set_paused(&db, true).unwrap();
    assert!(claim(&mut db, Lane::Analyze, 9, &[], T).unwrap().is_empty());
    assert_eq!(waiting(&db, T).unwrap(), Waiting::Nothing);
    set_paused(&db, false).unwrap();
    assert_eq!(waiting(&db, T).unwrap(), Waiting::Now);
}

#[test]
fn two_crashes_while_alone_quarantine_a_subject() {
    let (_dir, db, _) = queue();
    let one = SuspectUnit::Blob(ObjectId(vec![1; 20]));
    let other = SuspectUnit::Job { repo: RepoId("r".into()), kind: JobKind::Embed, blob: ObjectId(vec![2; 20]) };
    record_suspects(&db, &[one.clone(), other.clone()]).unwrap();
    assert_eq!(suspects(&db).unwrap(), [one.clone(), other.clone()]);
    record_suspects(&db, std::slice::from_ref(&one)).unwrap();
    assert!(!is_quarantined(&db, &one).unwrap());
    record_suspects(&db, std::slice::from_ref(&one)).unwrap();
    assert!(is_quarantined(&db, &one).unwrap());
    clear_suspect(&db, &other).unwrap();
    assert_eq!(suspects(&db).unwrap(), [one]);
}

#[test]
fn parked_jobs_resume_by_priority_at_their_time_or_cause() {
    let (_dir, mut db, repo) = queue();
    let jobs =
        [new("b", "1", Priority::Normal), new("low", "2", Priority::Low), new("lib.rs", "3", Priority::Critical)];
    enqueue(&db, &repo, &jobs, T).unwrap();
    let turn = T.plus_millis(1_000);
    let claimed = claim(&mut db, Lane::Analyze, 9, &[], T).unwrap();
    let ids: Vec<i64> = claimed.iter().map(|job| job.id).collect();
    park(&mut db, &ids[..2], ParkCause::Budget, Some(turn), "the month's limit", T).unwrap();
    park(&mut db, &ids[2..], ParkCause::Setup, None, "no key", T).unwrap();
    assert_eq!(parked(&db, ParkCause::Budget).unwrap(), (2, Some(turn)));
    assert_eq!(waiting(&db, T).unwrap(), Waiting::Nothing, "parked jobs are not waited for");
    assert_eq!(resume_due(&db, T).unwrap(), 0);
    assert_eq!(resume_due(&db, turn).unwrap(), 2);
    let again = claim(&mut db, Lane::Analyze, 9, &[], turn).unwrap();
    assert_eq!(again.iter().map(|job| job.path.to_string()).collect::<Vec<_>>(), ["lib.rs", "b"]);
    assert!(again.iter().all(|job| job.attempts == 1 && job.detail.is_none()), "the attempt was given back");
    assert_eq!(resume_due(&db, Timestamp(i64::MAX - 1)).unwrap(), 0, "a missing key comes by no time");
    assert_eq!(unpark(&db, &[ParkCause::Budget, ParkCause::Provider], turn).unwrap(), 0);
    assert_eq!(unpark(&db, &[ParkCause::Setup], turn).unwrap(), 1);
    assert_eq!(parked(&db, ParkCause::Setup).unwrap(), (0, None));
}

#[test]
fn a_job_closes_with_the_rest_of_its_transaction_or_not_at_all() {
    let (_dir, mut db, repo) = queue();
    enqueue(&db, &repo, &[new("a", "1", Priority::Normal)], T).unwrap();
    let job = claim(&mut db, Lane::Analyze, 1, &[], T).unwrap().pop().unwrap();
    let state = |db: &Connection| get(db, job.id).unwrap().map(|job| job.state);
    let tx = write(&mut db).unwrap();
    finish_one(&tx, job.id, T).unwrap();
    drop(tx);
    assert_eq!(state(&db), Some(JobState::Running));
    let tx = write(&mut db).unwrap();
    finish_one(&tx, job.id, T).unwrap();
    tx.commit().unwrap();
    assert_eq!(state(&db), Some(JobState::Done));
}
