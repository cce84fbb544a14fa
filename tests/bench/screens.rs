//! How long the screens of `ui` take on a repository of 10,000 files and 100,000 findings, as a browser gets them: until all of a screen is
//! there for the first time, and the 95th percentile from then on. `RA_AGENT_SCREEN_FILES` names another number of files.

use std::time::{Duration, Instant};

use super::figures::{Spread, millis, row, row_below, time};
use super::support::page::TestPage;
use super::support::{TestAgent, TestRepo, wait_until};

const FILES: usize = 10_000;
const NOTES: usize = 10;
const DIRECTORIES: usize = 100;
const LONGEST_INDEX: &str = "3600s";
const LONGEST_SCREEN: Duration = Duration::from_secs(300);
/// Answers that a percentile is of.
const TIMES: usize = 40;
const TARGET_MS: f64 = 150.0;

pub fn measure() {
    let files = match std::env::var("RA_AGENT_SCREEN_FILES") {
        Ok(text) => text.trim().parse().unwrap(),
        Err(_) => FILES,
    };
    let repo = repository(files);
    let mut agent = TestAgent::without_model();
    agent.start();
    agent.ok(["register", repo.path().to_str().unwrap()]);
    agent.ok(["wait", "--timeout", LONGEST_INDEX]);
    let id = agent.json(["repos"])["repos"][0]["id"].as_str().unwrap().to_owned();
    let page = TestPage::open(&agent);
    let on_repo = |rest: &str| format!("/repo/{id}{rest}");
    let screens = [
        ("Repositories", "/".to_owned()),
        ("a repository", on_repo("")),
        ("findings", on_repo("/findings?severity=all")),
        ("findings, far on", on_repo("/findings?severity=all&page=500")),
        ("Commit", on_repo("/commit/HEAD")),
        ("File", on_repo("/file?path=pkg%2Fd1%2Ff1%2Epy")),
        ("Symbol", on_repo("/file?path=pkg%2Fd1%2Ff1%2Epy&symbol=f1")),
        ("Search", "/search?q=number+42".to_owned()),
        ("Search, one letter", "/search?q=n".to_owned()),
        ("Queue", "/queue?state=done".to_owned()),
        ("Queue, far on", "/queue?state=done&page=100".to_owned()),
        ("Money", "/money".to_owned()),
    ];
    for (name, target) in &screens {
        let begun = Instant::now();
        wait_until(LONGEST_SCREEN, target, || !page.get(target).ok().contains("data-pending"));
        let whole = begun.elapsed();
        let times = (0..TIMES).map(|_| {
            let begun = Instant::now();
            page.get(target).ok();
            begun.elapsed()
        });
        let spread = Spread::of(times.collect());
        let value = format!("{}; whole for the first time after {}", spread.show(&[50, 95]), time(whole));
        row_below(&format!("screen {name}, {files} files"), &value, millis(spread.at(95)), TARGET_MS, "ms");
    }
    let begun = Instant::now();
    assert_eq!(page.end(rustix::process::Signal::TERM), Some(0));
    row("the page's end at a signal", &time(begun.elapsed()));
}

/// Python files with ten notes each, a third of which use another file; the last commit changes a signature.
fn repository(files: usize) -> TestRepo {
    let repo = TestRepo::new();
    let path = |file: usize| format!("pkg/d{}/f{file}.py", file % DIRECTORIES);
    for file in 0..files {
        let other = (file * 7 + 1) % files;
        let notes: String = (0..NOTES).map(|note| format!("# FIXME: number {note} of {file}\n")).collect();
        let uses = file % 3 == 0 && other != file;
        let import =
            if uses { format!("from pkg.d{}.f{other} import f{other}\n", other % DIRECTORIES) } else { String::new() };
        let value = if uses { format!("f{other}(a)") } else { "a".to_owned() };
        repo.write(&path(file), format!("{import}{notes}\n\ndef f{file}(a):\n    return {value}\n"));
    }
    for directory in 0..DIRECTORIES {
        repo.write(&format!("pkg/d{directory}/__init__.py"), "");
    }
    repo.commit("many files");
    repo.edit(&path(1), "def f1(a)", "def f1(a, b=0)");
    repo.commit("Change a signature");
    repo
}
