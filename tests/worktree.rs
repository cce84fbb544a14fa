//! The promise: what is saved is found before it is committed, what is ignored is not read, and a model is shown neither unless
//! its user wants that.

use std::collections::BTreeSet;
use std::path::Path;
use std::time::Duration;

use rustix::process::{Pid, Signal, kill_process};
use serde_json::{Value, json};

use crate::support::asking::Asking;
use crate::support::{Jobs, TestAgent, TestRepo, untouched, wait_until};

/// Shorter than the timer's 60 s, so that it is not the timer that noticed.
const SOON: Duration = Duration::from_secs(30);

const FILES: [(&str, &str); 5] = [
    ("Cargo.toml", "[package]\nname = \"demo\"\nversion = \"0.1.0\"\nedition = \"2021\"\n"),
    (".gitignore", "/target\n*.log\n"),
    ("src/lib.rs", "pub mod ferry;\npub mod harbour;\n"),
    (
        "src/ferry.rs",
        "/// Carries passengers over the water.\npub fn ferry(passengers: u32) -> u32 {\n    passengers\n}\n",
    ),
    ("src/harbour.rs", "use crate::ferry::ferry;\npub fn depart() -> u32 {\n    ferry(3)\n}\n"),
];

struct Scene {
    agent: TestAgent,
    repo: TestRepo,
}

impl Scene {
    fn of(mut agent: TestAgent) -> Self {
        let repo = TestRepo::with_files(FILES);
        agent.start();
        agent.ok(["register", repo.path().to_str().unwrap()]);
        agent.wait();
        Self { agent, repo }
    }

    fn begin() -> Self {
        Self::of(TestAgent::without_model())
    }

    fn hits(&self, query: &str, more: &[&str]) -> Vec<(String, String, String)> {
        // What the watch notices: a question that waits has it compared at once.
        let found = self.agent.json(["search", query, "--limit", "20", "--no-wait"].iter().chain(more).copied());
        let text = |hit: &Value, name: &str| hit[name].as_str().unwrap().to_owned();
        let hits = found["hits"].as_array().unwrap().iter();
        hits.map(|hit| (text(hit, "path"), text(hit, "entity_name"), text(hit, "source"))).collect()
    }

    fn finds(&self, query: &str, path: &str, source: &str) -> bool {
        self.hits(query, &[]).iter().any(|(at, _, from)| at == path && from == source)
    }

    fn status(&self) -> Value {
        self.agent.json(["status"])["repos"][0].clone()
    }

    fn saved(&self) -> u64 {
        self.status()["saved"].as_u64().unwrap()
    }

    /// Takes in what was saved, and checks all that is recorded against what it would be if it were built from nothing.
    #[track_caller]
    fn settle(&self) {
        untouched(self.repo.path(), || self.agent.wait());
        let output = self.agent.run(["cache", "verify"]);
        assert_eq!(output.code, Some(0), "{}{}", output.stdout, output.stderr);
        assert!(!output.stdout.contains("the work tree is not as"), "{}", output.stdout);
    }
}

#[test]
fn saved_text_is_found_and_committed_text_once_it_is_put_back() {
    let scene = Scene::begin();
    let before = scene.agent.state();
    assert!(scene.finds("depart", "src/harbour.rs", "commit"));
    let items_for_passengers =
        || -> BTreeSet<String> { scene.hits("passengers carried", &[]).into_iter().map(|(_, name, _)| name).collect() };
    assert!(items_for_passengers().contains("ferry"));
    scene.repo.write(
        "src/ferry.rs",
        "/// Flies over the water.\npub fn seaplane(passengers: u32) -> u32 {\n    passengers\n}\n",
    );
    scene.repo.write("src/quay.rs", "/// Where lorries wait.\npub fn quay() {}\n");
    std::fs::remove_file(scene.repo.path().join("src/harbour.rs")).unwrap();
    scene.settle();
    assert_eq!(scene.saved(), 3);
    assert!(scene.finds("seaplane", "src/ferry.rs", "worktree"));
    assert!(scene.finds("lorries", "src/quay.rs", "worktree"));
    assert!(items_for_passengers().contains("seaplane") && !items_for_passengers().contains("ferry"));
    let departs = scene.hits("depart", &[]);
    assert!(!departs.iter().any(|(path, _, _)| path == "src/harbour.rs"), "it is gone: {departs:?}");
    let from = |source: &str| -> BTreeSet<String> {
        scene
            .hits("pub fn mod passengers lorries", &["--source", source])
            .into_iter()
            .map(|(path, _, _)| path)
            .collect()
    };
    assert_eq!(from("worktree"), BTreeSet::from(["src/ferry.rs".to_owned(), "src/quay.rs".to_owned()]));
    assert_eq!(from("commit"), BTreeSet::from(["src/lib.rs".to_owned()]));
    assert_eq!(scene.agent.run(["search", "x", "--source", "elsewhere"]).code, Some(2));

    let shown = scene.agent.json(["show", scene.repo.path().join("src/quay.rs").to_str().unwrap()]);
    assert_eq!((&shown["source"], &shown["analyses"][0]["fresh"]), (&json!("worktree"), &json!(true)), "{shown}");
    let shown = scene.agent.json(["show", scene.repo.path().join("src/harbour.rs").to_str().unwrap()]);
    assert_eq!(shown["skipped"], json!("deleted"), "{shown}");

    scene.repo.git(&["checkout", "--quiet", "--", "."]);
    std::fs::remove_file(scene.repo.path().join("src/quay.rs")).unwrap();
    let jobs = Jobs::of(&scene.agent);
    scene.settle();
    assert_eq!(scene.saved(), 0);
    assert!(scene.finds("passengers", "src/ferry.rs", "commit"));
    assert_eq!(scene.agent.state(), before, "as if nothing had been");
    assert!(Jobs::since(&scene.agent, &jobs).analysed().is_empty(), "the old results were kept");
}

#[test]
fn a_commit_of_what_was_saved_makes_nothing_again() {
    let scene = Scene::begin();
    scene.repo.edit("src/ferry.rs", "passengers\n}", "passengers + 1\n}");
    scene.repo.write("src/quay.rs", "use crate::ferry::ferry;\npub fn quay() -> u32 {\n    ferry(1)\n}\n");
    scene.repo.edit("src/lib.rs", "pub mod harbour;", "pub mod harbour;\npub mod quay;");
    let before = Jobs::of(&scene.agent);
    scene.settle();
    let saved = Jobs::since(&scene.agent, &before);
    assert_eq!(saved.analysed(), BTreeSet::from(["src/ferry.rs", "src/lib.rs", "src/quay.rs"]));
    let keys = scene.agent.current_keys();
    scene.repo.commit("what was saved");
    let before = Jobs::of(&scene.agent);
    scene.settle();
    assert_eq!(scene.saved(), 0);
    assert!(Jobs::since(&scene.agent, &before).0.is_empty(), "{:?}", Jobs::since(&scene.agent, &before));
    assert_eq!(scene.agent.current_keys(), keys, "the dependencies of a file that is new were seen before the commit");
    assert!(scene.finds("quay", "src/quay.rs", "commit"));
}

#[test]
fn a_commit_under_what_was_saved_leaves_it_on_top() {
    let scene = Scene::begin();
    scene.repo.edit("src/ferry.rs", "Carries", "Ships");
    scene.repo.write("notes.md", "# Timetable\n\nEvery hour.\n");
    scene.settle();
    // Another file is committed, then another content of the very file, then its removal.
    scene.repo.edit("src/harbour.rs", "ferry(3)", "ferry(4)");
    scene.repo.git(&["commit", "--quiet", "--message", "another file", "--", "src/harbour.rs"]);
    scene.settle();
    assert_eq!(scene.saved(), 2);
    assert!(scene.finds("ships passengers", "src/ferry.rs", "worktree"));
    scene.repo.git(&["add", "src/ferry.rs"]);
    scene.repo.edit("src/ferry.rs", "Ships", "Sails with");
    scene.repo.git(&["commit", "--quiet", "--message", "a part of it"]);
    scene.settle();
    assert!(scene.finds("sails", "src/ferry.rs", "worktree") && !scene.finds("ships", "src/ferry.rs", "commit"));
    scene.repo.git(&["rm", "--quiet", "--cached", "src/ferry.rs"]);
    scene.repo.git(&["commit", "--quiet", "--message", "not tracked any more"]);
    scene.settle();
    assert_eq!(scene.saved(), 2);
    assert!(scene.finds("sails", "src/ferry.rs", "worktree"));
    assert!(scene.finds("timetable", "notes.md", "worktree"));
    scene.repo.git(&["reset", "--quiet", "--hard", "HEAD~3"]);
    std::fs::remove_file(scene.repo.path().join("notes.md")).unwrap();
    scene.settle();
    assert_eq!(scene.saved(), 0);
}

/// No verb says `wait` here, and several of these touch no file of the work tree.
#[test]
fn the_overlay_is_what_differs_however_head_moves() {
    let mut scene = Scene::begin();
    let settles = |what: &str, saved: &[&str]| {
        let head = scene.repo.head();
        wait_until(SOON, what, || {
            let status = scene.status();
            let verify = scene.agent.run(["cache", "verify"]);
            let is_settled = status["indexed_commit"] == json!(head) && status["saved"] == json!(saved.len());
            is_settled && verify.code == Some(0) && !verify.stdout.contains("compared with")
        });
        let shown = |path: &&&str| {
            let shown = scene.agent.json(["show", scene.repo.path().join(path).to_str().unwrap()]);
            shown["source"] == json!("worktree")
        };
        assert_eq!(saved.iter().filter(shown).count(), saved.len(), "{what}");
    };
    scene.repo.edit("src/ferry.rs", "Carries", "Ships");
    scene.repo.edit("src/harbour.rs", "ferry(3)", "ferry(4)");
    settles("two files saved", &["src/ferry.rs", "src/harbour.rs"]);
    scene.repo.git(&["commit", "--quiet", "--message", "one of them", "--", "src/ferry.rs"]);
    settles("one committed", &["src/harbour.rs"]);
    scene.repo.git(&["commit", "--quiet", "--all", "--message", "the other"]);
    settles("both committed", &[]);
    scene.repo.git(&["reset", "--quiet", "--soft", "HEAD~2"]);
    settles("taken back, and left in the work tree", &["src/ferry.rs", "src/harbour.rs"]);
    scene.repo.git(&["reset", "--quiet"]);
    scene.repo.git(&["stash", "--quiet"]);
    settles("put away", &[]);
    scene.repo.git(&["stash", "pop", "--quiet"]);
    settles("taken out again", &["src/ferry.rs", "src/harbour.rs"]);
    scene.repo.git(&["checkout", "--quiet", "--", "."]);
    scene.repo.git(&["rm", "--quiet", "--cached", "src/ferry.rs"]);
    scene.repo.git(&["commit", "--quiet", "--message", "no longer tracked"]);
    settles("untracked", &["src/ferry.rs"]);
    scene.repo.git(&["reset", "--quiet", "--hard", "HEAD~1"]);
    settles("as in the beginning", &[]);
    scene.agent.stop();
}

#[test]
fn saved_text_is_found_by_meaning_and_embedded_once() {
    let scene = Scene::of(TestAgent::new());
    let embedded = || scene.agent.json(["cache", "status"]);
    scene.repo.write("src/quay.rs", "/// Turns a title into lower case letters and dashes.\npub fn slug(title: &str) -> String {\n    title.to_lowercase().replace(' ', \"-\")\n}\n");
    scene.repo.edit(
        "src/ferry.rs",
        "Carries passengers over the water.",
        "Asks again with growing pauses while the server is overloaded.",
    );
    scene.settle();
    assert_eq!(scene.agent.json(["search", "x"])["mode"], json!("hybrid"));
    for (question, path) in
        [("make a URL friendly identifier", "src/quay.rs"), ("how often do we retry a failed request", "src/ferry.rs")]
    {
        assert_eq!(scene.hits(question, &[])[0].0, path, "{question}");
    }
    scene.repo.git(&["checkout", "--quiet", "--", "."]);
    std::fs::remove_file(scene.repo.path().join("src/quay.rs")).unwrap();
    let made = embedded()["vectors_made"].clone();
    scene.settle();
    assert_eq!(embedded()["vectors_made"], made, "the vectors of what was committed were kept");
    assert_eq!(scene.hits("transport people across the sea", &["--source", "commit"])[0].0, "src/ferry.rs");
}

/// FAILURES 28, 29: without `wait`.
#[test]
fn f28_and_f29_saves_are_noticed_however_an_editor_writes() {
    let mut scene = Scene::begin();
    let path = |name: &str| scene.repo.path().join(name);
    let noticed = |word: &str, at: &str| wait_until(SOON, word, || scene.finds(word, at, "worktree"));
    std::fs::write(path("src/ferry.rs"), "pub fn inplace() {}\n").unwrap();
    noticed("inplace", "src/ferry.rs");
    scene.repo.write("src/.ferry.rs.tmp", "pub fn renamedover() {}\n");
    std::fs::rename(path("src/.ferry.rs.tmp"), path("src/ferry.rs")).unwrap();
    noticed("renamedover", "src/ferry.rs");
    std::fs::rename(path("src/ferry.rs"), path("src/ferry.rs~")).unwrap();
    scene.repo.write("src/ferry.rs", "pub fn backedup() {}\n");
    noticed("backedup", "src/ferry.rs");
    for n in 0..50 {
        std::fs::write(path("src/ferry.rs"), format!("pub fn burst{n}() {{}}\n")).unwrap();
    }
    noticed("burst49", "src/ferry.rs");
    scene.repo.write("a/b/c/deep.rs", "pub fn deepest() {}\n");
    noticed("deepest", "a/b/c/deep.rs");
    scene.repo.write("a/b/c/deep.rs", "pub fn deeper() {}\n");
    noticed("deeper", "a/b/c/deep.rs");
    std::fs::rename(path("a"), path("moved")).unwrap();
    noticed("deeper", "moved/b/c/deep.rs");
    scene.repo.write("moved/b/c/deep.rs", "pub fn afterwards() {}\n");
    noticed("afterwards", "moved/b/c/deep.rs");
    std::fs::remove_dir_all(path("moved")).unwrap();
    std::fs::remove_file(path("src/ferry.rs~")).unwrap();
    wait_until(SOON, "what was removed is not found", || scene.saved() == 1);
    scene.settle();
    scene.agent.stop();
}

/// FAILURES 27, 50: no job, no scan by the worker, no watch.
#[test]
fn f27_and_f50_ignored_files_cause_no_work_until_they_are_not() {
    let mut scene = Scene::begin();
    for n in 0..50 {
        scene.repo.write(&format!("target/debug/deps{n}/x.rs"), "pub fn built() {}\n");
    }
    scene.settle();
    let watches = || scene.agent.json(["doctor"]).to_string();
    let reconciles = || scene.agent.log().matches("reconciled").count();
    let (before, jobs) = (reconciles(), Jobs::of(&scene.agent));
    for n in 0..100 {
        scene.repo.write("debug.log", format!("{n}\n"));
        scene.repo.write("target/debug/deps1/x.rs", format!("pub fn built{n}() {{}}\n"));
    }
    // What is noticed after them tells that they are through.
    scene.repo.write("src/ferry.rs", "pub fn through() {}\n");
    wait_until(SOON, "the file that is not ignored", || scene.finds("through", "src/ferry.rs", "worktree"));
    assert!(reconciles() <= before + 2, "{}", scene.agent.log());
    assert_eq!(Jobs::since(&scene.agent, &jobs).analysed(), BTreeSet::from(["src/ferry.rs"]));
    let few = watches();
    scene.repo.write(".gitignore", "*.log\n");
    wait_until(SOON, "what was ignored", || scene.finds("built99", "target/debug/deps1/x.rs", "worktree"));
    assert_ne!(watches(), few);
    scene.repo.write("target/debug/deps7/x.rs", "pub fn unignored() {}\n");
    wait_until(SOON, "what was ignored is watched", || scene.finds("unignored", "target/debug/deps7/x.rs", "worktree"));
    scene.repo.git(&["checkout", "--quiet", "--", "."]);
    wait_until(SOON, "the work tree is clean", || scene.saved() == 0);
    scene.settle();
    scene.agent.stop();
}

/// FAILURES 50: settings that Git reads for this repository alone, or under a condition, in the user's and in its own configuration.
#[test]
fn f50_what_any_setting_ignores_is_not_indexed_or_watched() {
    let mut agent = TestAgent::without_model();
    let repo = TestRepo::with_files(FILES);
    let write = |path: std::path::PathBuf, text: &str| std::fs::write(path, text).unwrap();
    let home = agent.user_home();
    write(
        home.join(".gitconfig"),
        "[includeIf \"gitdir:repo/\"]\n\tpath = of-repo\n[includeIf \"onbranch:no-such\"]\n\tpath = other\n",
    );
    write(home.join("of-repo"), "[core]\n\texcludesFile = ~/mine\n");
    write(home.join("other"), "[core]\n\texcludesFile = ~/nothing\n");
    write(home.join("mine"), "scratch/\n");
    for path in ["scratch/one.rs", "drafts/two.rs", "src/kept.rs"] {
        repo.write(path, "pub fn guillemot() {}\n");
    }
    agent.start();
    agent.ok(["register", repo.path().to_str().unwrap()]);
    agent.wait();
    let scene = Scene { agent, repo };
    let found = || scene.hits("guillemot", &[]).into_iter().map(|hit| hit.0).collect::<BTreeSet<_>>();
    assert_eq!(found(), ["drafts/two.rs", "src/kept.rs"].map(str::to_owned).into());
    // The repository's own setting counts more, relative to its top.
    scene.repo.git(&["config", "core.excludesFile", ".local-ignore"]);
    scene.repo.write(".local-ignore", "drafts\n.local-ignore\n");
    scene.agent.wait();
    assert_eq!(found(), ["scratch/one.rs", "src/kept.rs"].map(str::to_owned).into());
    // That of the work tree still more; what is no regular file ignores nothing, and is not waited for.
    scene.repo.git(&["config", "extensions.worktreeConfig", "true"]);
    scene.repo.git(&["config", "--worktree", "core.excludesFile", "/dev/zero"]);
    scene.agent.wait();
    assert!(found().contains("drafts/two.rs") && found().contains("scratch/one.rs"), "{:?}", found());
}

/// FAILURES 25: the kernel's queue really overflows, because it is not read.
#[test]
fn f25_after_lost_notifications_every_work_tree_is_scanned_once() {
    let mut scene = Scene::begin();
    // Until the watch tells, it is not there.
    scene.repo.write("src/ferry.rs", "pub fn watched() {}\n");
    wait_until(SOON, "the watch", || scene.finds("watched", "src/ferry.rs", "worktree"));
    let queued = std::fs::read_to_string("/proc/sys/fs/inotify/max_queued_events").unwrap();
    let queued: u32 = queued.trim().parse().unwrap();
    let daemon = Pid::from_raw(scene.agent.daemon_pid().unwrap().cast_signed()).unwrap();
    kill_process(daemon, Signal::STOP).unwrap();
    // Each write is reported at least once, and equal ones in a row only once.
    for n in 0..=queued {
        let path = scene.repo.path().join(["src/one.rs", "src/two.rs"][n as usize % 2]);
        std::fs::write(path, format!("pub fn n{n}() {{}}\n")).unwrap();
    }
    scene.repo.write("src/unreported.rs", "pub fn unreported() {}\n");
    let before = scene.agent.log().matches("reconciled").count();
    kill_process(daemon, Signal::CONT).unwrap();
    wait_until(SOON, "what was not reported", || scene.finds("unreported", "src/unreported.rs", "worktree"));
    scene.settle();
    let log = scene.agent.log();
    assert!(log.contains("notifications were lost"), "{log}");
    assert!(log.matches("reconciled").count() <= before + 5, "{log}");
    scene.agent.stop();
}

#[test]
fn f16_conflict_markers_are_not_indexed_during_a_merge() {
    let scene = Scene::begin();
    scene.repo.branch("side");
    scene.repo.edit("src/ferry.rs", "over the water", "over the lake");
    scene.repo.commit("on the side");
    scene.repo.checkout("main");
    scene.repo.edit("src/ferry.rs", "over the water", "over the sea");
    scene.repo.commit("on main");
    scene.settle();
    assert!(!scene.repo.try_git(&["merge", "side"]).status.success());
    assert!(scene.repo.read("src/ferry.rs").contains("<<<<<<<"));
    wait_until(SOON, "the merge holds it", || scene.status()["held"].is_string());
    assert_eq!(scene.saved(), 0);
    scene.repo.git(&["merge", "--abort"]);
    wait_until(SOON, "the merge is over", || scene.status()["held"].is_null());
    scene.settle();
    assert!(scene.finds("sea", "src/ferry.rs", "commit"));
}

#[test]
fn without_tree_in_the_settings_no_work_tree_is_watched() {
    let agent = TestAgent::without_model();
    agent.write_config("[watch]\ntree = false\n");
    let scene = Scene::of(agent);
    scene.repo.write("src/ferry.rs", "pub fn saved() {}\n");
    scene.repo.write("src/new.rs", "pub fn fresh() {}\n");
    scene.settle();
    assert_eq!(scene.saved(), 0);
    assert!(scene.hits("saved fresh", &[]).is_empty());
}

/// FAILURES 52: nothing of the overlay is lost or left behind, whenever the processes die.
#[test]
fn f52_kills_in_the_middle_of_saves_lead_to_the_same_state() {
    let mut scene = Scene::begin();
    for n in 0..12 {
        scene.repo.write(
            "src/ferry.rs",
            format!("/// Trip {n}.\npub fn ferry(passengers: u32) -> u32 {{\n    passengers + {n}\n}}\n"),
        );
        scene.repo.write(&format!("src/extra{}.rs", n % 3), format!("pub fn extra{n}() {{}}\n"));
        if n % 3 == 1 {
            scene.repo.git(&["add", "src/ferry.rs"]);
            scene.repo.git(&["commit", "--quiet", "--message", "a trip"]);
        }
        if n % 4 == 3 {
            scene.agent.kill9_daemon();
            scene.agent.start();
        } else {
            wait_until(SOON, "a worker dies", || scene.agent.kill9_worker() || scene.saved() == 0 || n > 0);
        }
    }
    scene.settle();
    let mut beginner = TestAgent::without_model();
    beginner.start();
    beginner.ok(["register", scene.repo.path().to_str().unwrap()]);
    beginner.wait();
    crate::support::assert_same_state(&scene.agent.state(), &beginner.state());
    scene.agent.stop();
    scene.agent.assert_sound();
}

#[test]
fn models_see_committed_text_only_unless_the_user_says_so() {
    let asking = Asking::answered();
    asking.repo.edit("src/limits.rs", "10 } else", "1234567 } else");
    asking.repo.write("src/secret_plan.rs", "pub fn plan() {}\n");
    let bodies = asking.settle();
    assert!(bodies.is_empty(), "{bodies:#?}");
    let shown = asking.shown("src/limits.rs", "docs");
    assert_eq!(shown["model"], json!("custom/scripted"), "what was said of the commit is still there: {shown}");
    let bodies = asking.commit("now it is committed");
    assert!(bodies.iter().any(|body| body.contains("1234567")));

    let asking = Asking::begin("3.00", "[analysis]\nanalyze_on_save = true\n");
    asking.wait();
    let count = asking.server.requests().len();
    asking.repo.edit("src/limits.rs", "10 } else", "7654321 } else");
    let bodies = asking.settle();
    assert_eq!(bodies.iter().filter(|body| body.contains("7654321")).count(), 1, "{bodies:#?}");
    assert!(count > 0 && asking.commit("as it was saved").is_empty(), "it was asked already");
}

/// What a person would see at once: paths that a terminal can open, and a word on what is not committed.
#[test]
fn a_person_is_told_what_is_not_committed() {
    let scene = Scene::begin();
    scene.repo.write("src/ferry.rs", "pub fn seaplane() {}\n");
    scene.settle();
    let search = scene.agent.ok(["search", "seaplane"]);
    assert!(search.contains("src/ferry.rs:1-1") && search.contains("(not committed)"), "{search}");
    let status = scene.agent.ok(["status"]);
    assert!(status.contains("1 file(s) indexed as saved in the work tree, not committed"), "{status}");
    let shown = scene.agent.ok(["show", Path::new(scene.repo.path()).join("src/ferry.rs").to_str().unwrap()]);
    assert!(shown.contains("as saved in the work tree"), "{shown}");
}
