mod parking;

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
fn what_has_come_since_a_job_is_seen_once() {
    let (_dir, mut db, repo) = queue();
    let nothing = arrivals(&db, Lane::Analyze, 0).unwrap();
    assert_eq!(nothing, Arrivals { newest: 0, any: false });
    enqueue(&db, &repo, &[new("a", "1", Priority::Normal), new("b", "2", Priority::Normal)], T).unwrap();
    let two = arrivals(&db, Lane::Analyze, nothing.newest).unwrap();
    assert!(two.any && two.newest > 0, "{two:?}");
    assert!(!arrivals(&db, Lane::Embed, nothing.newest).unwrap().any, "they are of another lane");
    assert_eq!(arrivals(&db, Lane::Analyze, two.newest).unwrap(), Arrivals { any: false, ..two });
    enqueue(&db, &repo, &[new("c", "3", Priority::Normal)], T).unwrap();
    claim(&mut db, Lane::Analyze, 9, &[], T).unwrap();
    let three = arrivals(&db, Lane::Analyze, two.newest).unwrap();
    assert!(!three.any && three.newest > two.newest, "it does not wait any more: {three:?}");
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

const DOCS: JobKind = JobKind::Analyze(AnalysisType::Docs);
const TODOS: JobKind = JobKind::Analyze(AnalysisType::Todos);
const ASK: JobKind = JobKind::Ask(AnalysisType::Docs);

fn of(path: &str, content: &str, kind: JobKind) -> NewJob {
    NewJob { kind, ..new(path, content, Priority::Normal) }
}

/// A queue with a second repository.
fn two_repos() -> (tempfile::TempDir, Connection, RepoId, RepoId) {
    let (dir, db, repo) = queue();
    db.execute(
        "INSERT INTO repos (repo_id, path, kind, git_dir, common_dir, registered_at) VALUES ('s', x'71', 'worktree', x'68', x'68', 0)",
        [],
    )
    .unwrap();
    (dir, db, repo, RepoId("s".to_owned()))
}

/// Enqueues one job and says its id.
fn put(db: &Connection, repo: &RepoId, job: NewJob) -> i64 {
    let (path, kind, key) = (job.path.clone(), job.kind, job.key);
    assert_eq!(enqueue(db, repo, &[job], T).unwrap(), 1, "{path} {kind}");
    let mut found = list(db, &Filter { repo: Some(repo.clone()), ..Filter::default() }).unwrap();
    found.retain(|job| job.path == path && job.kind == kind && job.key == key && job.state == JobState::Queued);
    found.pop().unwrap().id
}

fn run(db: &Connection, repo: &RepoId, job: NewJob) -> Job {
    let id = put(db, repo, job);
    claim_one(db, id, T).unwrap().unwrap()
}

fn state(db: &Connection, id: i64) -> JobState {
    get(db, id).unwrap().unwrap().state
}

#[test]
fn a_job_is_one_of_its_repository_file_and_kind() {
    let (_dir, db, repo, other) = two_repos();
    let docs = put(&db, &repo, of("a", "1", DOCS));
    for (repo, job) in [
        (&other, of("a", "1", DOCS)),
        (&other, of("a", "2", TODOS)),
        (&repo, of("a", "2", TODOS)),
        (&repo, of("b", "1", DOCS)),
    ] {
        put(&db, repo, job);
    }
    assert_eq!((counts(&db, None).unwrap().queued, counts(&db, Some(&other)).unwrap().queued), (5, 2));
    discard(&db, docs, "no", T).unwrap();
    put(&db, &repo, of("a", "1", JobKind::Embed));
    assert_eq!(enqueue(&db, &repo, &[of("a", "1", DOCS)], T).unwrap(), 0, "it is a dead letter");
    let newer = put(&db, &repo, of("a", "2", DOCS));
    quarantine(&db, newer, "it crashed", T).unwrap();
    assert_eq!(enqueue(&db, &repo, &[of("a", "2", DOCS)], T).unwrap(), 0, "nor is what crashed tried again");
    assert_eq!(replay(&mut { db }, Some(newer), T).unwrap(), 1);
}

#[test]
fn a_parked_job_is_superseded_by_a_newer_one() {
    let (_dir, mut db, repo) = queue();
    let job = run(&db, &repo, of("a", "1", DOCS));
    park(&mut db, &[job.id], ParkCause::Budget, None, "later", T).unwrap();
    put(&db, &repo, of("a", "2", DOCS));
    assert_eq!(state(&db, job.id), JobState::Superseded);
}

#[test]
fn asking_again_makes_a_job_at_most_more_urgent() {
    let (_dir, db, repo) = queue();
    let job = |priority, origin| NewJob { priority, origin, ..new("a", "1", priority) };
    let id = put(&db, &repo, job(Priority::High, Origin::Dependent));
    let after = |again: NewJob| {
        assert_eq!(enqueue(&db, &repo, &[again], T).unwrap(), 0);
        get(&db, id).unwrap().map(|job| (job.priority, job.origin))
    };
    assert_eq!(after(job(Priority::Low, Origin::Backfill)), Some((Priority::High, Origin::Dependent)));
    assert_eq!(after(job(Priority::Low, Origin::Person)), Some((Priority::High, Origin::Person)));
    assert_eq!(after(job(Priority::Critical, Origin::Backfill)), Some((Priority::Critical, Origin::Person)));
}

#[test]
fn of_the_jobs_of_a_file_that_ended_only_the_last_is_kept() {
    let (_dir, mut db, repo) = queue();
    for kind in [DOCS, TODOS] {
        let done = run(&db, &repo, of("a", "1", kind));
        finish(&mut db, &[done.id], T).unwrap();
    }
    let ended = |db: &Connection| counts(db, None).map(|counts| (counts.done, counts.superseded)).unwrap();
    put(&db, &repo, of("a", "2", DOCS));
    assert_eq!(ended(&db), (1, 0), "the other kind's stays");
    put(&db, &repo, of("a", "3", DOCS));
    assert_eq!(ended(&db), (1, 1));
    let last = put(&db, &repo, of("a", "4", DOCS));
    assert_eq!(ended(&db), (1, 1));
    supersede(&db, &repo, &"a".into(), T).unwrap();
    assert_eq!(state(&db, last), JobState::Superseded);
    put(&db, &repo, of("a", "5", DOCS));
    assert_eq!(ended(&db), (1, 0), "with nothing live, too");
}

#[test]
fn a_job_keeps_why_it_was_made() {
    let (_dir, db, repo) = queue();
    let reason = StaleReason::DependencyChanged { symbol: "b::go".into(), file: "b.rs".into() };
    let id = put(&db, &repo, NewJob { reason: reason.clone(), ..of("a", "1", DOCS) });
    assert_eq!(get(&db, id).unwrap().unwrap().reason, reason);
}

#[test]
fn a_file_that_is_gone_loses_its_live_jobs_alone() {
    let (_dir, mut db, repo, other) = two_repos();
    let elsewhere = [put(&db, &other, of("a", "1", DOCS)), put(&db, &repo, of("b", "1", DOCS))];
    let (parked, running) = (run(&db, &repo, of("a", "1", DOCS)), run(&db, &repo, of("a", "1", TODOS)));
    park(&mut db, &[parked.id], ParkCause::Setup, None, "no key", T).unwrap();
    let done = run(&db, &repo, of("a", "1", JobKind::Embed));
    finish(&mut db, &[done.id], T).unwrap();
    put(&db, &repo, of("a", "1", ASK));
    assert_eq!(supersede(&db, &repo, &"a".into(), T).unwrap(), 3);
    assert_eq!(state(&db, done.id), JobState::Done);
    assert_eq!([state(&db, parked.id), state(&db, running.id)], [JobState::Superseded; 2]);
    assert_eq!(elsewhere.map(|id| state(&db, id)), [JobState::Queued; 2]);
}

#[test]
fn a_result_that_is_there_supersedes_the_jobs_for_another_key() {
    let (_dir, mut db, repo) = queue();
    let (docs, todos) = (run(&db, &repo, of("a", "1", DOCS)), run(&db, &repo, of("a", "1", TODOS)));
    let other = put(&db, &repo, of("b", "1", DOCS));
    park(&mut db, &[docs.id], ParkCause::Budget, None, "later", T).unwrap();
    let settled = |key: &str, kind| supersede_settled(&db, &repo, &"a".into(), kind, &Hash::of(key.as_bytes()), T);
    settled("1", DOCS).unwrap();
    assert_eq!(state(&db, docs.id), JobState::Parked, "a job for that very key finds out by itself");
    settled("2", DOCS).unwrap();
    assert_eq!([state(&db, docs.id), state(&db, todos.id)], [JobState::Superseded, JobState::Running]);
    settled("2", TODOS).unwrap();
    assert_eq!([state(&db, todos.id), state(&db, other)], [JobState::Superseded, JobState::Queued]);
}

#[test]
fn inside_a_priority_the_origin_decides_then_age() {
    let (_dir, mut db, repo) = queue();
    let job = |path, priority, origin| NewJob { origin, ..new(path, path, priority) };
    let jobs = [
        job("backfill", Priority::Normal, Origin::Backfill),
        job("first", Priority::Normal, Origin::Changed),
        job("second", Priority::Normal, Origin::Changed),
        job("suspect", Priority::Normal, Origin::Changed),
        job("late", Priority::Low, Origin::Person),
        NewJob { kind: ASK, ..job("asked", Priority::Critical, Origin::Person) },
    ];
    enqueue(&db, &repo, &jobs, T).unwrap();
    let paths = |jobs: Vec<Job>| jobs.iter().map(|job| job.path.to_string()).collect::<Vec<_>>();
    let all = list(&db, &Filter::default()).unwrap();
    let suspect = all[3].id;
    assert_eq!(paths(all), ["asked", "first", "second", "suspect", "backfill", "late"]);
    let claimed = claim(&mut db, Lane::Analyze, 9, &[suspect], T).unwrap();
    assert_eq!(paths(claimed), ["first", "second", "backfill", "late"]);
    assert_eq!(paths(list(&db, &Filter { limit: Some(1), ..Filter::default() }).unwrap()), ["first"], "running first");
    let queued = Filter { states: vec![JobState::Queued], ..Filter::default() };
    assert_eq!(paths(list(&db, &queued).unwrap()), ["asked", "suspect"]);
    assert_eq!(list(&db, &Filter { repo: Some(RepoId("s".into())), ..Filter::default() }).unwrap(), []);
}

#[test]
fn a_claim_of_few_takes_the_best_origin_not_the_oldest() {
    let (_dir, mut db, repo) = queue();
    let job = |path, origin| NewJob { origin, ..new(path, path, Priority::Normal) };
    let jobs =
        [job("backfill", Origin::Backfill), job("dependent", Origin::Dependent), job("changed", Origin::Changed)];
    enqueue(&db, &repo, &jobs, T).unwrap();
    for expected in ["changed", "dependent", "backfill"] {
        let claimed = claim(&mut db, Lane::Analyze, 1, &[], T).unwrap();
        assert_eq!(claimed.iter().map(|job| job.path.to_string()).collect::<Vec<_>>(), [expected]);
    }
}

#[test]
fn a_job_is_taken_by_its_id_only_when_its_turn_has_come() {
    let (_dir, db, repo) = queue();
    let job = run(&db, &repo, of("a", "1", DOCS));
    assert_eq!((job.attempts, job.state), (1, JobState::Running));
    assert_eq!(claim_one(&db, job.id, T).unwrap(), None, "it runs");
    retry_after(&db, &job, "busy", Duration::from_millis(50), T).unwrap();
    assert_eq!(claim_one(&db, job.id, T.plus_millis(49)).unwrap(), None, "it waits");
    assert_eq!(waiting(&db, T.plus_millis(49)).unwrap(), Waiting::Until(T.plus_millis(50)));
    assert_eq!(waiting(&db, T.plus_millis(50)).unwrap(), Waiting::Now);
    assert_eq!(claim_one(&db, job.id, T.plus_millis(50)).unwrap().map(|job| job.attempts), Some(2));
}

#[test]
fn a_job_that_ended_well_says_nothing_and_is_not_given_up() {
    let (_dir, mut db, repo) = queue();
    let job = run(&db, &repo, of("a", "1", DOCS));
    retry_after(&db, &job, "busy", Duration::ZERO, T).unwrap();
    claim_one(&db, job.id, T).unwrap().unwrap();
    finish(&mut db, &[job.id], T).unwrap();
    discard(&db, job.id, "too late", T).unwrap();
    let job = get(&db, job.id).unwrap().unwrap();
    assert_eq!((job.state, job.detail), (JobState::Done, None));
}

#[test]
fn a_wait_doubles_from_a_second_to_its_longest() {
    let waits = [1, 2, 3, 8, 9, 10, u32::MAX].map(backoff_millis);
    assert_eq!(waits, [1_000, 2_000, 4_000, 128_000, 256_000, 256_000, 256_000]);
}

#[test]
fn local_jobs_are_released_and_what_a_model_is_asked_stays() {
    let (_dir, mut db, repo) = queue();
    let (local, asked) = (run(&db, &repo, of("a", "1", DOCS)), run(&db, &repo, of("a", "1", ASK)));
    let parked = run(&db, &repo, of("b", "1", DOCS));
    park(&mut db, &[parked.id], ParkCause::Setup, None, "no key", T).unwrap();
    assert_eq!(release_local(&db, T).unwrap(), 1);
    let found = [local.id, asked.id, parked.id].map(|id| get(&db, id).unwrap().unwrap());
    assert_eq!(found.each_ref().map(|job| job.state), [JobState::Queued, JobState::Running, JobState::Parked]);
    assert_eq!(found.each_ref().map(|job| job.attempts), [0, 1, 0], "the attempt was given back");
}

#[test]
fn only_the_newest_dead_letter_without_a_live_job_is_replayed() {
    let (_dir, mut db, repo) = queue();
    let old = put(&db, &repo, of("a", "1", DOCS));
    discard(&db, old, "no", T.plus_millis(9_000)).unwrap();
    let newest = put(&db, &repo, of("a", "2", DOCS));
    quarantine(&db, newest, "it crashed", T).unwrap();
    let outlived = put(&db, &repo, of("b", "1", DOCS));
    discard(&db, outlived, "no", T.plus_millis(9_000)).unwrap();
    let live = run(&db, &repo, of("b", "2", DOCS));
    park(&mut db, &[live.id], ParkCause::Budget, None, "later", T).unwrap();
    record_suspects(&db, &[SuspectUnit::Blob(ObjectId(vec![1; 20]))]).unwrap();
    assert_eq!(replay(&mut db, None, T).unwrap(), 1);
    assert_eq!(
        [old, newest, outlived].map(|id| state(&db, id)),
        [JobState::Discarded, JobState::Queued, JobState::Discarded]
    );
    assert_eq!(suspects(&db).unwrap(), [], "what is replayed is suspected no longer");
    supersede(&db, &repo, &"b".into(), T).unwrap();
    assert_eq!(replay(&mut db, Some(outlived), T).unwrap(), 1);
    let job = claim_one(&db, outlived, T).unwrap().expect("it can be claimed at once");
    assert_eq!((job.attempts, job.detail), (1, None));
}

#[test]
fn replaying_one_dead_letter_leaves_the_others() {
    let (_dir, mut db, repo) = queue();
    let [one, other] = ["a", "b"].map(|path| put(&db, &repo, of(path, "1", DOCS)));
    [one, other].iter().for_each(|id| discard(&db, *id, "no", T).unwrap());
    assert_eq!(replay(&mut db, Some(one), T).unwrap(), 1);
    assert_eq!([one, other].map(|id| state(&db, id)), [JobState::Queued, JobState::Discarded]);
}

#[test]
fn pausing_twice_is_pausing() {
    let (_dir, db, _) = queue();
    set_paused(&db, true).unwrap();
    set_paused(&db, true).unwrap();
    assert!(is_paused(&db).unwrap());
}

#[test]
fn what_is_pending_and_whose_keys_are_kept() {
    let (_dir, mut db, repo, other) = two_repos();
    put(&db, &repo, of("a", "queued", DOCS));
    put(&db, &repo, of("a", "queued too", TODOS));
    run(&db, &repo, of("b", "running", DOCS));
    let parked = run(&db, &repo, of("c", "parked", DOCS));
    park(&mut db, &[parked.id], ParkCause::Setup, None, "no key", T).unwrap();
    let done = run(&db, &repo, of("d", "done", DOCS));
    finish(&mut db, &[done.id], T).unwrap();
    put(&db, &other, of("a", "queued", DOCS));
    assert_eq!([&repo, &other].map(|repo| pending_files(&db, repo).unwrap()), [2, 1]);
    let keys = ["queued", "queued too", "running", "parked"].map(|key| Hash::of(key.as_bytes()));
    assert_eq!(live_keys(&db).unwrap(), std::collections::HashSet::from(keys));
}

#[test]
fn two_suspects_of_one_crash_were_not_alone() {
    let (_dir, db, _) = queue();
    let both = [1, 2].map(|byte| SuspectUnit::Blob(ObjectId(vec![byte; 20])));
    for _ in 0..3 {
        record_suspects(&db, &both).unwrap();
    }
    assert!(both.iter().all(|one| !is_quarantined(&db, one).unwrap()));
}
