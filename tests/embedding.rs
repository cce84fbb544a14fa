//! The promise: code is found by what it means, and only text that has not been seen is embedded.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::time::Duration;

use ra_agent::embedder::table::StaticTable;
use ra_agent::vectors::DIMENSIONS;
use rusqlite::{Connection, OpenFlags};
use serde_json::{Value, json};

use crate::support::{Jobs, TestAgent, TestRepo, untouched, wait_until};

const FILES: [(&str, &str); 5] = [
    ("Cargo.toml", "[package]\nname = \"demo\"\nversion = \"0.1.0\"\nedition = \"2021\"\n"),
    ("src/lib.rs", "pub mod net;\npub mod money;\npub mod text;\n"),
    (
        "src/net.rs",
        "/// Asks again with growing pauses while the server is overloaded, and gives up after five times.\n\
         pub fn persevere(mut ask: impl FnMut() -> bool) -> bool {\n    (0..5).any(|_| ask())\n}\n",
    ),
    (
        "src/money.rs",
        "/// What a customer pays: the sum of the articles' prices and the sales tax.\n\
         pub fn bill(articles: &[u64]) -> u64 {\n    articles.iter().sum::<u64>() * 119 / 100\n}\n",
    ),
    (
        "src/text.rs",
        "/// Turns a title into lower case letters and dashes for use in a web address.\n\
         pub fn slug(title: &str) -> String {\n    title.to_lowercase().replace(' ', \"-\")\n}\n",
    ),
];

/// Questions that share no word with the function that answers them.
const QUESTIONS: [(&str, &str); 3] = [
    ("how often do we retry a failed request", "persevere"),
    ("compute the total cost of a shopping cart", "bill"),
    ("make a URL friendly identifier", "slug"),
];

fn search(agent: &TestAgent, query: &str) -> Value {
    agent.json(["search", query, "--limit", "5"])
}

/// The files of which every result is there, vectors included.
#[track_caller]
fn fresh_files(agent: &TestAgent) -> usize {
    agent.json(["status"])["repos"][0]["fresh"].as_u64().unwrap() as usize
}

/// How many chunks with distinct texts the view has.
fn distinct_chunks(agent: &TestAgent) -> BTreeSet<Vec<u8>> {
    let store = std::fs::read_dir(agent.home().join("cache/repos")).unwrap().next().unwrap().unwrap().path();
    hashes(&store.join("analysis.db"))
}

fn hashes(path: &Path) -> BTreeSet<Vec<u8>> {
    let db = Connection::open_with_flags(path, OpenFlags::SQLITE_OPEN_READ_ONLY).unwrap();
    let mut statement = db.prepare("SELECT chunk_hash FROM chunks").unwrap();
    statement.query_map([], |row| row.get(0)).unwrap().map(Result::unwrap).collect()
}

/// Chunks whose vectors are kept outside of LanceDB.
fn vectors_kept(agent: &TestAgent) -> u64 {
    let Some(Ok(store)) = std::fs::read_dir(agent.home().join("cache/repos")).ok().and_then(|mut repos| repos.next())
    else {
        return 0;
    };
    let flags = OpenFlags::SQLITE_OPEN_READ_ONLY;
    let Ok(db) = Connection::open_with_flags(store.path().join("analysis.db"), flags) else { return 0 };
    db.query_row("SELECT count(*) FROM retired_vectors", [], |row| row.get(0)).unwrap_or(0)
}

/// Chunks that the model has embedded so far.
#[track_caller]
fn vectors_made(agent: &TestAgent) -> u64 {
    agent.json(["cache", "status"])["vectors"]["made"].as_u64().unwrap()
}

/// The paths that were embedded by these jobs.
fn embeds(jobs: &Jobs) -> BTreeSet<&str> {
    jobs.0.values().filter(|job| job.kind == "embed").map(|job| job.path.as_str()).collect()
}

#[test]
fn code_is_found_by_its_meaning_and_nothing_is_embedded_twice() {
    let mut agent = TestAgent::new();
    let repo = TestRepo::with_files(FILES);
    agent.start();
    untouched(repo.path(), || {
        agent.ok(["register", repo.path().to_str().unwrap()]);
        agent.wait();
    });
    let first = Jobs::of(&agent);
    assert_eq!(embeds(&first), FILES.iter().map(|(path, _)| *path).collect());
    assert_eq!(fresh_files(&agent), FILES.len());
    for (question, answer) in QUESTIONS {
        let found = untouched(repo.path(), || search(&agent, question));
        assert_eq!(found["mode"], json!("hybrid"), "{found}");
        assert_eq!(found["hits"][0]["entity_name"], json!(answer), "{question}: {found}");
    }

    // a rename: the chunks of the moved module name it, the others do not
    let before = distinct_chunks(&agent);
    repo.rename("src/net.rs", "src/wire.rs");
    repo.edit("src/lib.rs", "pub mod net", "pub mod wire");
    repo.commit("another name");
    agent.wait();
    let renamed = Jobs::since(&agent, &first);
    assert_eq!(embeds(&renamed), BTreeSet::from(["src/lib.rs", "src/wire.rs"]));
    assert_eq!(renamed.analysed(), BTreeSet::from(["src/lib.rs"]), "the moved file keeps its analyses");
    assert_eq!(distinct_chunks(&agent).difference(&before).count(), 2, "the moved module's and the root's");
    let found = search(&agent, QUESTIONS[0].0);
    assert_eq!(found["hits"][0]["path"], json!("src/wire.rs"), "{found}");
    let paths: Vec<&Value> = found["hits"].as_array().unwrap().iter().map(|hit| &hit["path"]).collect();
    assert!(!paths.contains(&&json!("src/net.rs")), "{found}");

    let known = Jobs::of(&agent);
    let made = vectors_made(&agent);
    // a revert: the words are as they were, and so is what is found
    repo.revert("HEAD");
    agent.wait();
    let reverted = Jobs::since(&agent, &known);
    assert_eq!(reverted.analyses().count(), 0, "{reverted:?}");
    assert_eq!(distinct_chunks(&agent), before);
    assert_eq!(search(&agent, QUESTIONS[0].0)["hits"][0]["path"], json!("src/net.rs"));
    assert_eq!(vectors_made(&agent), made, "the vectors of the old words were kept");

    // a file that is deleted, and its branch that is switched back to
    repo.branch("without");
    repo.delete("src/money.rs");
    repo.edit("src/lib.rs", "pub mod money;\n", "");
    repo.commit("no money");
    agent.wait();
    let without = vectors_made(&agent);
    assert_eq!(without, made + 1, "the root names one module less");
    for branch in ["main", "without", "main"] {
        repo.checkout(branch);
        agent.wait();
    }
    assert_eq!(vectors_made(&agent), without);
    assert_eq!(search(&agent, QUESTIONS[1].0)["hits"][0]["entity_name"], json!("bill"));

    // another work tree of the same repository
    let tree = repo.outside("tree");
    repo.git(&["worktree", "add", "--quiet", "--detach", tree.to_str().unwrap()]);
    agent.ok(["register", tree.to_str().unwrap()]);
    agent.wait();
    assert_eq!(vectors_made(&agent), without);
    let own = agent.json(["search", QUESTIONS[1].0, "--repo", tree.to_str().unwrap()]);
    assert_eq!((&own["mode"], &own["hits"][0]["entity_name"]), (&json!("hybrid"), &json!("bill")), "{own}");
    agent.ok(["unregister", tree.to_str().unwrap()]);

    // a prune takes what was kept of old text, and nothing that is searched
    assert!(agent.json(["cache", "status"])["vectors"]["kept"].as_u64().unwrap() > 0);
    untouched(repo.path(), || agent.ok(["cache", "prune", "--max-size", "1K"]));
    assert_eq!(agent.json(["cache", "status"])["vectors"]["kept"], json!(0));
    assert_eq!(search(&agent, QUESTIONS[1].0)["hits"][0]["entity_name"], json!("bill"));
    assert_eq!(search(&agent, QUESTIONS[0].0)["mode"], json!("hybrid"));

    // without a daemon the same is found, in the client's own process
    agent.stop();
    let found = untouched(repo.path(), || search(&agent, QUESTIONS[1].0));
    assert_eq!((&found["mode"], &found["hits"][0]["entity_name"]), (&json!("hybrid"), &json!("bill")), "{found}");
}

/// As many files as get provisional vectors first.
const MANY: usize = 40;

fn repo_of_many() -> TestRepo {
    let repo = TestRepo::with_files(FILES);
    for n in 0..MANY {
        repo.write(&format!("src/more/part_{n}.rs"), format!("pub fn part_{n}() -> usize {{\n    {n}\n}}\n"));
    }
    repo.commit("many");
    repo
}

#[test]
fn a_first_index_is_searched_by_meaning_before_the_model_ran() {
    let mut agent = TestAgent::new();
    let repo = repo_of_many();
    let path = repo.path().to_str().unwrap();
    // distilling the real one takes minutes without optimisation
    StaticTable::distil(token_vectors(3_000)).write(&agent.home().join("models/all-MiniLM-L6-v2")).unwrap();
    let again = agent.ok(["model", "install", "all-MiniLM-L6-v2"]);
    assert!(again.contains("installed already") && !again.contains("provisional"), "it has a table: {again}");
    agent.start();
    // no job of the model runs
    agent.ok(["queue", "pause"]);
    agent.ok(["register", path]);
    let repo_status = |agent: &TestAgent| agent.json(["status"])["repos"][0].clone();
    let files = (MANY + FILES.len()) as u64;
    wait_until(Duration::from_secs(120), "every file has provisional vectors", || {
        repo_status(&agent)["provisional"].as_u64() == Some(files)
    });
    assert_eq!(repo_status(&agent)["embedded"], json!(0));
    assert!(agent.ok(["status"]).contains(&format!("0 file(s) by the model's vectors, {files} by provisional ones")));
    for (question, _) in QUESTIONS {
        let found = search(&agent, question);
        assert_eq!((&found["mode"], &found["freshness"][0]["provisional_files"]), (&json!("hybrid"), &json!(files)));
        assert!(!found["hits"].as_array().unwrap().is_empty(), "{found:#}");
    }
    let shown = agent.ok(["search", QUESTIONS[0].0]);
    assert!(shown.contains(&format!("{files} file(s) are ranked by provisional vectors")), "{shown}");
    assert!(shown.contains("stale because") && shown.contains("ra-agent queue resume"), "nothing runs: {shown}");

    agent.ok(["queue", "resume"]);
    agent.wait();
    let now = repo_status(&agent);
    assert_eq!((&now["provisional"], &now["embedded"]), (&json!(0), &json!(files)), "{now:#}");
    assert_eq!(model_ids(&agent), BTreeSet::from(["all-MiniLM-L6-v2".to_owned()]), "none of the table's are left");
    let shown = agent.ok(["search", QUESTIONS[0].0]);
    assert!(!shown.contains("provisional"), "{shown}");
    let verified = agent.run(["cache", "verify"]);
    assert_eq!(verified.code, Some(0), "{verified:?}");
}

/// Vectors that point anywhere, the same in every run.
fn token_vectors(count: usize) -> Vec<Vec<f32>> {
    let mut state = 7_u64;
    let mut next = || {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (state >> 40) as f32 / (1_u64 << 23) as f32 - 1.0
    };
    (0..count).map(|_| (0..DIMENSIONS).map(|_| next()).collect()).collect()
}

/// The models of the vectors that are stored.
fn model_ids(agent: &TestAgent) -> BTreeSet<String> {
    let store = std::fs::read_dir(agent.home().join("cache/repos")).unwrap().next().unwrap().unwrap().path();
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let rows = runtime.block_on(async {
        let vectors = ra_agent::vectors::Vectors::open(&store.join("embeddings.lance")).await.unwrap().unwrap();
        vectors.rows().await.unwrap()
    });
    rows.into_iter().map(|row| row.model_id).collect()
}

#[test]
fn without_a_model_search_goes_by_words_and_says_so() {
    let mut agent = TestAgent::without_model();
    let repo = TestRepo::with_files(FILES);
    agent.start();
    agent.ok(["register", repo.path().to_str().unwrap()]);
    agent.wait();
    assert!(embeds(&Jobs::of(&agent)).is_empty());
    let found = search(&agent, "persevere");
    assert_eq!((&found["mode"], &found["hits"][0]["entity_name"]), (&json!("lexical"), &json!("persevere")));
    assert!(found["note"].as_str().is_some_and(|note| note.contains("ra-agent model install")), "{found}");
    assert!(agent.ok(["search", "persevere"]).starts_with("by words only"));
    assert!(agent.ok(["status"]).contains("by words only"));
    assert_eq!(agent.json(["search", "slug", "--kind", "struct"])["hits"], json!([]));
    assert_eq!(agent.json(["search", "title", "--kind", "function"])["hits"][0]["path"], json!("src/text.rs"));

    let hits =
        |filter: [&str; 2]| agent.json(["search", "title", filter[0], filter[1]])["hits"].as_array().unwrap().len();
    assert!(hits(["--path", "src/*.rs"]) > 0 && hits(["--path", "text.*"]) > 0 && hits(["--lang", "rust"]) > 0);
    assert_eq!((hits(["--path", "*.md"]), hits(["--lang", "python"])), (0, 0));
    for filter in [["--path", "["], ["--lang", "klingon"]] {
        let output = agent.command(["search", "title", filter[0], filter[1]]).output().unwrap();
        assert_eq!(output.status.code(), Some(2), "{filter:?}");
    }
    let printed = &agent.json(["search", "title", "--explain"])["hits"][0];
    assert!(printed["parts"]["words"].as_f64().is_some_and(|part| part > 0.0), "{printed}");
    assert_eq!(printed["parts"]["meaning"], json!(0.0), "there is no model");
    let line = &printed["snippet"][0];
    assert!(
        line["line"].as_u64().is_some() && line["text"].as_str().is_some_and(|text| text.contains("title")),
        "{printed}"
    );
}

/// What a clone and a linked work tree have alike is one hit that names them all, and what they have otherwise is one of its own.
#[test]
fn clones_and_work_trees_give_one_hit_for_equal_text() {
    let mut agent = TestAgent::new();
    let repo = TestRepo::with_files(FILES);
    let (clone, tree) = (repo.outside("clone"), repo.outside("tree"));
    repo.git(&["clone", "--quiet", ".", clone.to_str().unwrap()]);
    repo.git(&["worktree", "add", "--quiet", "--detach", tree.to_str().unwrap()]);
    let stranger = TestRepo::with_files(FILES.into_iter().chain([("README.md", "Another history.\n")]));
    // in another place of the file, and the same text none the less
    repo.edit("src/money.rs", "/// What", "use std::fmt;\n\n/// What");
    repo.commit("a line above");
    agent.start();
    let paths = [repo.path(), &clone, &tree, stranger.path()].map(|path| path.to_str().unwrap().to_owned());
    for path in &paths {
        agent.ok(["register", path]);
    }
    agent.wait();
    let bills = |agent: &TestAgent, args: &[&str]| -> Vec<(Value, Value, Value)> {
        let found = agent.json(["search", QUESTIONS[1].0, "--path", "money.rs"].iter().chain(args));
        let hits = found["hits"].as_array().unwrap().iter().filter(|hit| hit["entity_name"] == json!("bill"));
        hits.map(|hit| (hit["repo"].clone(), hit["also_in"].clone(), hit["start_line"].clone())).collect()
    };
    let [own, cloned, linked, other] = paths.each_ref().map(|path| json!(path));
    let mut found = bills(&agent, &[]);
    found.sort_by_key(|hit| hit.0 == other);
    let expected = [(cloned.clone(), json!([own, linked]), json!(1)), (other.clone(), Value::Null, json!(1))];
    assert_eq!(found, expected, "one hit, though it stands lower down in one of them");
    assert_eq!(bills(&agent, &["--repo", &paths[2]]), [(linked.clone(), Value::Null, json!(1))], "asked of one alone");
    assert!(agent.ok(["search", QUESTIONS[1].0]).contains(&format!("also in {}, {}", paths[0], paths[2])));

    // what they have otherwise is shown for each
    repo.edit("src/money.rs", "119 / 100", "107 / 100");
    repo.commit("another tax");
    agent.wait();
    let mut found = bills(&agent, &[]);
    found.retain(|hit| hit.0 != other);
    found.sort_by_key(|hit| hit.0 == cloned);
    assert_eq!(found, [(own, Value::Null, json!(3)), (cloned, json!([linked]), json!(1))]);

    // by words alone, in the client's own process, it is the same
    agent.stop();
    let found = bills(&agent, &[]);
    assert_eq!(found.len(), 3, "{found:?}");
}

/// Embedding goes from what others build on to what is searched for least, also when the agent was stopped in between; words are
/// found before it has begun.
#[test]
fn the_most_used_is_embedded_first_also_after_a_restart() {
    let mut agent = TestAgent::new();
    let repo = TestRepo::new();
    let groups = write_groups(&repo);
    agent.start();
    agent.ok(["queue", "pause"]);
    agent.ok(["register", repo.path().to_str().unwrap()]);
    agent.wait();
    let found = agent.json(["search", "ledger_17"]);
    assert_eq!(found["hits"][0]["entity_name"], json!("ledger_17"), "{found}");
    let all = groups.iter().map(BTreeSet::len).sum::<usize>();
    assert_eq!(found["freshness"][0]["pending_files"], json!(all), "what is still to come is reported");
    let waited = agent.run(["wait", "--until", "meaning"]);
    assert!(waited.code == Some(1) && waited.stderr.contains("ra-agent queue resume"), "{waited:?}");
    agent.stop();
    agent.start();
    agent.ok(["queue", "resume"]);
    agent.wait();
    let embedded = embedded_at(&agent);
    let times = |group: &BTreeSet<String>| -> Vec<i64> { group.iter().map(|path| embedded[path]).collect() };
    for (earlier, later) in groups.iter().zip(&groups[1..]) {
        let (last, first) = (times(earlier).into_iter().max(), times(later).into_iter().min());
        assert!(last <= first, "{earlier:?}\n{later:?}\n{embedded:?}");
    }
    let (first, last) = (times(&groups[0]), times(&groups[2]));
    assert!(first.iter().max() < last.iter().max(), "more than one batch: {embedded:?}");
}

/// Files in the order in which they are to be embedded, against that of their paths: more of each than are embedded in one go.
fn write_groups(repo: &TestRepo) -> [BTreeSet<String>; 3] {
    let public = (0..20).map(|n| (format!("src/open_{n}.rs"), format!("pub fn ledger_{n}() -> u32 {{\n    {n}\n}}\n")));
    let private = (0..20).map(|n| (format!("src/closed_{n}.rs"), format!("fn inner_{n}() -> u32 {{\n    {n}\n}}\n")));
    let tests =
        (0..20).map(|n| (format!("src/case_{n}/tests.rs"), format!("pub fn check_{n}() -> u32 {{\n    {n}\n}}\n")));
    let write = |group: Vec<(String, String)>| {
        group.iter().for_each(|(path, text)| repo.write(path, text));
        group.into_iter().map(|(path, _)| path).collect::<BTreeSet<_>>()
    };
    let groups = [public.collect::<Vec<_>>(), private.collect(), tests.collect()].map(write);
    repo.commit("three kinds of files");
    groups
}

/// When the vectors of each file were there, in milliseconds.
fn embedded_at(agent: &TestAgent) -> BTreeMap<String, i64> {
    let db = Connection::open_with_flags(agent.home().join("agent.db"), OpenFlags::SQLITE_OPEN_READ_ONLY).unwrap();
    let mut statement =
        db.prepare("SELECT file_path, updated_at FROM jobs WHERE kind = 'embed' AND state = 'done'").unwrap();
    let rows = statement.query_map([], |row| Ok((row.get::<_, Vec<u8>>(0)?, row.get(1)?))).unwrap();
    rows.map(|row| row.map(|(path, at)| (String::from_utf8(path).unwrap(), at)).unwrap()).collect()
}

/// Who indexes steps back behind the person's own programs; who answers a search does not.
#[cfg(target_os = "linux")]
#[test]
fn indexing_steps_back_and_searches_do_not() {
    let mut agent = TestAgent::new();
    let repo = TestRepo::with_files(FILES);
    agent.start();
    agent.ok(["register", repo.path().to_str().unwrap()]);
    agent.wait();
    assert_eq!(search(&agent, QUESTIONS[0].0)["mode"], json!("hybrid"));
    let [own] = priorities("self", "").try_into().unwrap();
    let worker = agent.worker_pid().unwrap().to_string();
    assert_eq!(priorities(&worker, "embed-query"), [own]);
    let behind = Priority { nice: (own.nice + 10).min(19), io_class: IDLE };
    for name in ["worker-0", "embed-0"] {
        assert_eq!(priorities(&worker, name), [behind], "{name}");
    }
}

#[cfg(target_os = "linux")]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Priority {
    nice: i64,
    /// Of ioprio_get(2).
    io_class: i64,
}

#[cfg(target_os = "linux")]
const IDLE: i64 = 3;

/// The priorities of a process's threads of this name; without a name, of its first.
#[cfg(target_os = "linux")]
fn priorities(process: &str, name: &str) -> Vec<Priority> {
    let tasks = std::fs::read_dir(format!("/proc/{process}/task")).unwrap().map(|task| task.unwrap());
    let read = |task: std::fs::DirEntry| {
        // proc(5): the name in brackets, nice as the 19th field. A thread may be gone meanwhile.
        let stat = std::fs::read_to_string(task.path().join("stat")).ok()?;
        let (head, rest) = stat.rsplit_once(") ")?;
        let id = task.file_name().to_str()?.parse::<libc::c_int>().ok()?;
        let nice = rest.split(' ').nth(16)?.parse().ok()?;
        #[expect(unsafe_code, reason = "the call has no safe binding; it takes two numbers and touches no memory")]
        let io = unsafe { libc::syscall(libc::SYS_ioprio_get, 1, id) };
        (head.split_once('(')?.1 == name || name.is_empty()).then_some(Priority { nice, io_class: io >> 13 })
    };
    let found = tasks.filter_map(read);
    if name.is_empty() { found.take(1).collect() } else { found.collect() }
}

/// FAILURES 62: the vectors are damaged; the next change that needs them sets them aside, and all of them are made again.
#[test]
fn f62_damaged_vectors_are_set_aside_and_made_again() {
    let mut agent = TestAgent::new();
    let repo = TestRepo::with_files(FILES);
    agent.ok(["register", repo.path().to_str().unwrap()]);
    agent.start();
    agent.wait();
    agent.stop();
    let store = std::fs::read_dir(agent.home().join("cache/repos")).unwrap().next().unwrap().unwrap().path();
    let data = store.join("embeddings.lance/code_chunks.lance/data");
    for part in std::fs::read_dir(&data).unwrap().map(|part| part.unwrap().path()) {
        let length = part.metadata().unwrap().len() as usize;
        std::fs::write(part, vec![0x5a; length]).unwrap();
    }
    agent.start();
    repo.write("src/more.rs", "/// Waits until the sun has set.\npub fn dusk() {}\n");
    repo.commit("one more");
    agent.wait();
    let status = agent.json(["status"])["repos"][0].clone();
    assert_eq!((&status["fresh"], &status["error"]), (&json!(FILES.len() + 1), &Value::Null), "{}", agent.log());
    let aside = status["set_aside"][0].as_str().unwrap();
    assert!(aside.contains("embeddings.lance.damaged-"), "{status}");
    for (question, answer) in QUESTIONS {
        let found = search(&agent, question);
        assert_eq!((&found["mode"], &found["hits"][0]["entity_name"]), (&json!("hybrid"), &json!(answer)), "{found}");
    }
    agent.ok(["cache", "verify"]);
}

#[test]
fn a_large_file_is_embedded_in_parts_and_a_crash_loses_one() {
    let mut agent = TestAgent::new();
    let number = |nth: u32| {
        let steps: String = (0..3).map(|step| format!("    total += order.lines[{step}].price * {nth};\n")).collect();
        format!(
            "/// The sum of order {nth}.\npub fn sum_{nth}(order: &Order) -> u64 {{\n    let mut total = 0;\n{steps}    total\n}}\n\n"
        )
    };
    let text: String = (0..150).map(number).collect();
    let repo = TestRepo::with_files([("src/lib.rs", text.as_str())]);
    agent.start();
    agent.ok(["register", repo.path().to_str().unwrap()]);
    wait_until(Duration::from_secs(180), "a part of the file to be embedded", || vectors_kept(&agent) > 0);
    assert!(agent.kill9_worker());
    let kept = vectors_kept(&agent);

    agent.wait();
    let chunks = distinct_chunks(&agent).len() as u64;
    assert!(kept < chunks, "{kept} of {chunks} are made in one go");
    assert_eq!(vectors_made(&agent), chunks, "nothing that was kept is made again");
    assert_eq!(vectors_kept(&agent), 0, "all are in the table");
    let found = search(&agent, "sum_77");
    assert_eq!((&found["mode"], &found["hits"][0]["entity_name"]), (&json!("hybrid"), &json!("sum_77")), "{found}");
}
