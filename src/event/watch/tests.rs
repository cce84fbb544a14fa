use super::*;
use crate::repo::fixture::TestRepo;
use crate::repo::locate;
use std::cell::Cell;
use std::fs;
use std::sync::mpsc::Receiver;
use std::time::Duration;

/// Long enough for any machine; nothing waits for it when all is well.
const PATIENCE: Duration = Duration::from_secs(20);

struct Scene {
    repo: TestRepo,
    inbox: PathBuf,
    watcher: Watcher,
    events: Receiver<Event>,
    marks: Cell<u32>,
}

fn id() -> RepoId {
    RepoId("0123abcd".into())
}

impl Scene {
    fn new() -> Self {
        let repo = TestRepo::new();
        let inbox = repo.outside("inbox");
        fs::create_dir(&inbox).unwrap();
        fs::write(inbox.join("0123abcd"), "").unwrap();
        let (sender, events) = mpsc::channel();
        let watcher = watch(&inbox, move |event| drop(sender.send(event))).unwrap();
        watcher.add_repo(&id(), &repo.location()).unwrap();
        Self { repo, inbox, watcher, events, marks: Cell::new(0) }
    }

    /// All events up to now: a mark is written to the inbox, and events keep their order.
    fn reported(&self) -> Vec<Event> {
        let count = self.marks.get();
        self.marks.set(count + 1);
        let mark = format!("eeee{count:04x}");
        fs::write(self.inbox.join(&mark), "x").unwrap();
        let mut reported = Vec::new();
        loop {
            let event = self.events.recv_timeout(PATIENCE).expect("the mark never came");
            if event.repo.0 == mark {
                return reported;
            }
            reported.push(event);
        }
    }

    fn is_told_of(&self, cause: EventCause) -> bool {
        self.reported().iter().any(|event| *event == Event { repo: id(), cause })
    }
}

#[test]
fn a_hook_is_told_and_registering_is_not() {
    let scene = Scene::new();
    fs::File::create_new(scene.inbox.join("aaaaaaaa")).unwrap();
    assert_eq!(scene.reported(), []);
    let script = format!("[ -f {0} ] && : > {0}", scene.inbox.join("0123abcd").display());
    assert!(std::process::Command::new("sh").args(["-c", &script]).status().unwrap().success());
    assert!(scene.is_told_of(EventCause::Hook));
}

#[test]
fn f14_each_way_to_move_head_is_told() {
    let scene = Scene::new();
    let repo = &scene.repo;
    let step = |args: &[&str]| {
        repo.git(args);
        assert!(scene.is_told_of(EventCause::GitDir), "git {args:?}");
    };
    step(&["commit", "-q", "--allow-empty", "-m", "first: there is no logs directory before it"]);
    step(&["commit", "-q", "--allow-empty", "-m", "two"]);
    step(&["commit", "-q", "--allow-empty", "--amend", "-m", "amended"]);
    step(&["reset", "-q", "--hard", "HEAD~1"]);
    step(&["switch", "-q", "-c", "team/x/y"]);
    step(&["commit", "-q", "--allow-empty", "-m", "on a nested branch"]);
    step(&["update-ref", "refs/heads/team/x/y", "main"]);
    step(&["switch", "-q", "main"]);
    step(&["pack-refs", "--all"]);
    step(&["update-ref", "refs/heads/main", "team/x/y"]);
    repo.git(&["config", "core.logAllRefUpdates", "false"]);
    step(&["commit", "-q", "--allow-empty", "-m", "without a reflog"]);
}

#[test]
fn what_moves_no_head_is_not_told() {
    let scene = Scene::new();
    scene.repo.write("a.rs", "fn a() {}\n");
    scene.repo.commit("one");
    assert!(scene.is_told_of(EventCause::GitDir));
    scene.repo.write("a.rs", "fn b() {}\n");
    scene.repo.git(&["status"]);
    scene.repo.git(&["add", "-A"]);
    scene.repo.git(&["log"]);
    scene.repo.git(&["tag", "v1"]);
    assert!(scene.repo.open().head().unwrap().commit.is_some());
    assert_eq!(scene.reported(), []);
}

#[test]
fn the_end_of_a_rebase_is_told() {
    let scene = Scene::new();
    let repo = &scene.repo;
    repo.write("a.rs", "base\n");
    repo.commit("base");
    repo.git(&["branch", "side"]);
    repo.write("a.rs", "main\n");
    repo.commit("main");
    repo.git(&["switch", "-q", "side"]);
    repo.write("a.rs", "side\n");
    repo.commit("side");
    assert!(!repo.try_git(&["rebase", "-q", "main"]));
    assert!(scene.is_told_of(EventCause::GitDir));
    repo.git(&["rebase", "--abort"]);
    assert!(scene.is_told_of(EventCause::GitDir));
}

#[test]
fn a_linked_worktree_is_told_of_its_own_head() {
    let scene = Scene::new();
    scene.repo.commit("one");
    let tree = scene.repo.outside("linked");
    scene.repo.git(&["worktree", "add", "-q", tree.to_str().unwrap()]);
    let nowhere = Path::new("/nonexistent");
    let linked = RepoId("bbbbbbbb".into());
    scene.watcher.add_repo(&linked, &locate(&tree, nowhere, nowhere).unwrap()).unwrap();
    let both = scene.watcher.watches();
    scene.reported();
    scene.repo.git(&["-C", tree.to_str().unwrap(), "switch", "-q", "--detach"]);
    let reported: BTreeSet<RepoId> = scene.reported().into_iter().map(|event| event.repo).collect();
    assert_eq!(reported, BTreeSet::from([linked.clone()]));

    scene.watcher.remove_repo(&linked);
    assert!(scene.watcher.watches() < both);
    scene.repo.commit("two");
    let reported: BTreeSet<RepoId> = scene.reported().into_iter().map(|event| event.repo).collect();
    assert_eq!(reported, BTreeSet::from([id()]));
    scene.watcher.remove_repo(&id());
    assert_eq!(scene.watcher.watches(), 1);
}

#[test]
fn f31_a_moved_repository_is_lost_and_can_be_added_again() {
    let scene = Scene::new();
    scene.repo.commit("one");
    let git_dir = scene.repo.path().join(".git");
    let aside = scene.repo.outside("aside");
    fs::rename(&git_dir, &aside).unwrap();
    assert!(scene.is_told_of(EventCause::GitDir));
    assert_eq!(scene.watcher.lost(), [id()]);
    fs::rename(&aside, &git_dir).unwrap();
    scene.watcher.add_repo(&id(), &scene.repo.location()).unwrap();
    assert!(scene.watcher.lost().is_empty());
    scene.reported();
    scene.repo.commit("two");
    assert!(scene.is_told_of(EventCause::GitDir));
}

#[test]
fn f25_lost_notifications_are_an_event_of_every_repository() {
    let scene = Scene::new();
    let other = RepoId("cccccccc".into());
    let second = TestRepo::new();
    scene.watcher.add_repo(&other, &second.location()).unwrap();
    let overflow = notify::Event::new(EventKind::Other).set_flag(notify::event::Flag::Rescan);
    let reported = lock(&scene.watcher.shared).interpret(Ok(overflow));
    let expected = [id(), other].map(|repo| Event { repo, cause: EventCause::Overflow });
    assert_eq!(reported, expected);
}

#[test]
fn a_missing_inbox_is_an_error_that_names_it() {
    let error = watch(Path::new("/nonexistent/inbox"), |_| {}).err().unwrap();
    assert!(error.to_string().contains("/nonexistent/inbox"), "{error}");
}

#[test]
fn f36_a_panic_over_one_notification_loses_nothing() {
    let repo = TestRepo::new();
    let inbox = repo.outside("inbox");
    fs::create_dir(&inbox).unwrap();
    let file = inbox.join("0123abcd");
    fs::write(&file, "").unwrap();
    let (sender, events) = mpsc::channel();
    let first = Cell::new(true);
    let watcher = watch(&inbox, move |event: Event| {
        assert!(event.cause != EventCause::Hook || !first.replace(false), "the first one is too much");
        drop(sender.send(event));
    })
    .unwrap();
    watcher.add_repo(&id(), &repo.location()).unwrap();
    fs::write(&file, "").unwrap();
    assert_eq!(events.recv_timeout(PATIENCE).unwrap().cause, EventCause::Overflow, "what was missed is unknown");
    fs::write(&file, "").unwrap();
    while events.recv_timeout(PATIENCE).unwrap().cause != EventCause::Hook {}
}
