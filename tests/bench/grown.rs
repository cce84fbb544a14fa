//! How the agent's costs grow with a repository: workspaces of 1,500 and of 15,000 Rust files under the care of a real agent. The code is
//! that of published crates, as Cargo has unpacked them here, each a member of its own; two crates of the sample are among them, to be
//! edited. `RA_AGENT_GROWN_FILES` names other numbers of files.
//!
//! A reader of the store is at work all the time, as an editor's or a coding agent's is, so that the log is what it is in use.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant};

use ra_agent::cache;
use ra_agent::query::view::search::SearchView;
use ra_agent::queue;
use ra_agent::repo::registry;
use ra_agent::store::{Database, open_reader};

use super::figures::{Spread, digits, megabytes, millis, row, row_below, size, time};
use super::indexed::Indexed;
use super::machine::{self, Resident};
use super::sample::{self, BODY_LINE, EDITED, SIGNATURE_LINE};
use super::support::{TestAgent, TestRepo, wait_until};

const FILES: [usize; 2] = [1_500, 15_000];
/// Larger files are tables that a tool wrote.
const FILE_BYTES_MAX: u64 = 200_000;
const EDITS: u64 = 12;
const PAUSE: Duration = Duration::from_millis(900);
const LONGEST_INDEX: Duration = Duration::from_secs(3_600);

/// What was measured of one repository.
struct Grown {
    commit: Duration,
}

pub fn measure() {
    let mut grown = Vec::new();
    for files in sizes() {
        grown.extend(of(files));
    }
    if let [small, .., large] = grown.as_slice() {
        let ratio = millis(large.commit) / millis(small.commit);
        row_below("a commit in the largest against one in the smallest (p50)", &digits(ratio), ratio, 1.5, "times");
    }
}

fn sizes() -> Vec<usize> {
    match std::env::var("RA_AGENT_GROWN_FILES") {
        Ok(text) => text.split(',').map(|number| number.trim().parse().unwrap()).collect(),
        Err(_) => FILES.to_vec(),
    }
}

/// A workspace of about so many Rust files; `None` if Cargo has not unpacked as many here.
fn workspace(files: usize) -> Option<(TestRepo, usize)> {
    let repo = TestRepo::new();
    let mut count = 0;
    for (path, text) in sample::files(2) {
        count += usize::from(path.ends_with(".rs"));
        repo.write(&path, text);
    }
    let mut members = vec!["crates/*".to_owned()];
    for (name, root) in unpacked() {
        if count >= files {
            break;
        }
        let mut sources = Vec::new();
        sources_below(&root, &mut sources);
        for from in sources.iter().take(files.saturating_sub(count)) {
            let inside = from.strip_prefix(&root).unwrap();
            repo.write(&format!("published/{name}/{}", inside.display()), fs::read(from).unwrap());
            count += 1;
        }
        repo.write(&format!("published/{name}/Cargo.toml"), fs::read(root.join("Cargo.toml")).unwrap());
        members.push(format!("published/{name}"));
    }
    let members: Vec<String> = members.iter().map(|member| format!("\"{member}\"")).collect();
    repo.write("Cargo.toml", format!("[workspace]\nresolver = \"3\"\nmembers = [{}]\n", members.join(", ")));
    repo.commit("all of it");
    repo.git(&["gc", "--quiet"]);
    (count * 10 >= files * 9).then_some((repo, count))
}

/// The crates that Cargo has unpacked here, in the order of their names.
fn unpacked() -> Vec<(String, PathBuf)> {
    let cargo = std::env::var_os("CARGO_HOME").map(PathBuf::from);
    let Some(home) = cargo.or_else(|| Some(PathBuf::from(std::env::var_os("HOME")?).join(".cargo"))) else {
        return Vec::new();
    };
    let registries = fs::read_dir(home.join("registry/src")).into_iter().flatten().flatten();
    let crates = registries.flat_map(|registry| fs::read_dir(registry.path()).into_iter().flatten().flatten());
    let mut crates: Vec<(String, PathBuf)> = crates
        .filter(|found| found.path().join("Cargo.toml").is_file())
        .map(|found| (found.file_name().to_string_lossy().into_owned(), found.path()))
        .filter(|(name, _)| !["-sys", "libc", "winapi", "windows"].iter().any(|part| name.contains(part)))
        .collect();
    crates.sort();
    crates
}

fn sources_below(dir: &Path, found: &mut Vec<PathBuf>) {
    let mut entries: Vec<_> = fs::read_dir(dir).into_iter().flatten().flatten().collect();
    entries.sort_by_key(fs::DirEntry::file_name);
    for entry in entries {
        let (path, meta) = (entry.path(), entry.metadata().unwrap());
        if meta.is_dir() {
            sources_below(&path, found);
        } else if path.extension().is_some_and(|extension| extension == "rs") && meta.len() <= FILE_BYTES_MAX {
            found.push(path);
        }
    }
}

fn of(files: usize) -> Option<Grown> {
    let Some((repo, count)) = workspace(files) else {
        eprintln!("Cargo has not unpacked {files} Rust files here; that size is left out");
        return None;
    };
    let mut agent = TestAgent::without_model();
    agent.write_config("[embedding]\nunload_after_secs = 3600\n[cache]\nmax_size_mb = 8192\n");
    agent.start();
    let begun = Instant::now();
    agent.ok(["register".as_ref(), repo.path().as_os_str()]);
    let (worker, log) = watched(&agent);
    let what = |of: &str| format!("{count} Rust files: {of}");
    row(&what("cold index, no model"), &format!("{} (load {})", time(begun.elapsed()), machine::load()));
    row_below(&what("peak memory of the worker"), &size(worker.peak), megabytes(worker.peak), 500.0, "MB");
    row_below(&what("largest log of a store, a reader at work"), &size(log), megabytes(log), 64.0, "MB");
    let disk = cache::disk_bytes(agent.home().join("cache/repos"));
    let each = disk as f64 / 1e3 / count as f64;
    row_below(&what("disk, a Rust file"), &format!("{} kB ({} in all)", digits(each), size(disk)), each, 12.0, "kB");
    let indexed = Indexed::of(repo, agent, count);
    let body = edits(&indexed, |n| (BODY_LINE, format!("        let taken = other.total() + {};", 1_000 + n)));
    row(&what("commit to fresh, a body that calls the same"), &body.show(&[50, 95]));
    let other = edits(&indexed, |n| (BODY_LINE, format!("        let taken = other.total() + part_{n}().{n};")));
    row(&what("commit to fresh, a body that calls something else"), &other.show(&[50, 95]));
    let signature =
        edits(&indexed, |n| (SIGNATURE_LINE, format!("    pub fn total(&self, _rounds: [u8; {n}]) -> u64 {{")));
    row(&what("commit to fresh, a signature"), &signature.show(&[50, 95]));
    let (come, go) = comings(&indexed);
    row(&what("commit to fresh, a file that comes with its module"), &come.show(&[50, 95]));
    row(&what("commit to fresh, a file that goes"), &go.show(&[50, 95]));
    let saves = saves(&indexed);
    row_below(&what("save to searchable"), &saves.show(&[50, 95]), millis(saves.at(95)), 300.0, "ms");
    let resident = indexed.agent.worker_pid().and_then(machine::resident).unwrap_or_default();
    row(&what("memory of the worker then"), &size(resident.now));
    Some(Grown { commit: other.at(50) })
}

/// Waits until everything is fresh; what the worker took at most, and the largest write-ahead log.
fn watched(agent: &TestAgent) -> (Resident, u64) {
    let (done, log) = (AtomicBool::new(false), AtomicU64::new(0));
    let mut worker = Resident::default();
    std::thread::scope(|scope| {
        scope.spawn(|| {
            while !done.load(Ordering::Relaxed) {
                log.fetch_max(largest_log(&agent.home()), Ordering::Relaxed);
                std::thread::sleep(Duration::from_millis(5));
            }
        });
        wait_until(LONGEST_INDEX, "the first index", || {
            worker = agent.worker_pid().and_then(machine::resident).unwrap_or(worker);
            let status = agent.json(["status"]);
            let own = &status["repos"][0];
            own["fresh"] == own["files"]
                && own["files"] != 0
                && status["queue"]["queued"] == 0
                && status["queue"]["running"] == 0
        });
        done.store(true, Ordering::Relaxed);
    });
    (worker, log.into_inner())
}

fn largest_log(dir: &Path) -> u64 {
    let entries = fs::read_dir(dir).into_iter().flatten().flatten();
    let of_one = |entry: fs::DirEntry| match entry.metadata() {
        Ok(meta) if meta.is_dir() => largest_log(&entry.path()),
        Ok(meta) if entry.file_name().to_string_lossy().ends_with(".db-wal") => meta.len(),
        _ => 0,
    };
    entries.map(of_one).max().unwrap_or_default()
}

/// Commits edits of one line, each saved and committed at once, and times each until everything is fresh.
fn edits(indexed: &Indexed, edit: impl Fn(u64) -> (&'static str, String)) -> Spread {
    let original = indexed.repo.read(EDITED);
    let mut times = Vec::new();
    for n in 1..=EDITS {
        let (line, text) = edit(n);
        let edited = original.lines().map(|old| if old.contains(line) { text.clone() } else { old.to_owned() });
        std::thread::sleep(PAUSE);
        indexed.repo.write(EDITED, edited.collect::<Vec<_>>().join("\n") + "\n");
        indexed.repo.git(&["commit", "--quiet", "--all", "--message", "edit"]);
        times.push(until_fresh(indexed));
    }
    Spread::of(times)
}

/// Commits files that come and go again.
fn comings(indexed: &Indexed) -> (Spread, Spread) {
    let folder = EDITED.rsplit_once('/').unwrap().0;
    let root = format!("{folder}/mod.rs");
    let original = indexed.repo.read(&root);
    let (mut come, mut go) = (Vec::new(), Vec::new());
    for n in 0..EDITS {
        let file = format!("{folder}/grown_{n}.rs");
        std::thread::sleep(PAUSE);
        indexed.repo.write(&file, format!("/// Number {n}.\npub fn grown_{n}() -> u64 {{\n    {n}\n}}\n"));
        indexed.repo.write(&root, format!("{original}\nmod grown_{n};\n"));
        indexed.repo.git(&["add", "--all"]);
        indexed.repo.git(&["commit", "--quiet", "--message", "come"]);
        come.push(until_fresh(indexed));
        std::thread::sleep(PAUSE);
        indexed.repo.git(&["rm", "--quiet", &file]);
        indexed.repo.write(&root, &original);
        indexed.repo.git(&["commit", "--quiet", "--all", "--message", "go"]);
        go.push(until_fresh(indexed));
    }
    (Spread::of(come), Spread::of(go))
}

fn until_fresh(indexed: &Indexed) -> Duration {
    let committed = Instant::now();
    let head = indexed.repo.head();
    let db = open_reader(&indexed.home().agent_db(), Database::Agent).unwrap().unwrap();
    loop {
        let now = committed.elapsed();
        let commit = registry::list(&db).unwrap().remove(0).indexed_commit;
        let counts = queue::counts(&db, None).unwrap();
        if commit.is_some_and(|id| id.to_string() == head) && counts.queued + counts.running == 0 {
            return now;
        }
        assert!(now < Duration::from_secs(120), "never fresh: {}", indexed.agent.log());
        std::thread::sleep(Duration::from_millis(1));
    }
}

fn saves(indexed: &Indexed) -> Spread {
    let original = indexed.repo.read(EDITED);
    let mut times = Vec::new();
    for n in 0..EDITS {
        // A word of letters alone.
        let word: String =
            format!("grown{n:04}").chars().map(|c| c.to_digit(10).map_or(c, |d| (b'a' + d as u8) as char)).collect();
        std::thread::sleep(PAUSE);
        indexed.repo.write(EDITED, original.replace(BODY_LINE, &format!("/* {word} */ {BODY_LINE}")));
        let saved = Instant::now();
        let has_it = |answer: &SearchView| {
            answer
                .hits
                .iter()
                .any(|hit| hit.source == "worktree" && hit.snippet.iter().any(|line| line.text.contains(&word)))
        };
        while !has_it(&indexed.search(&word)) {
            assert!(saved.elapsed() < Duration::from_secs(60), "never found: {}", indexed.agent.log());
            std::thread::sleep(Duration::from_millis(2));
        }
        times.push(saved.elapsed());
    }
    indexed.repo.write(EDITED, original);
    Spread::of(times)
}
