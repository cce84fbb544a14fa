//! The promise: any sentence-embedding model of a supported family can be used, and changed for another one while searches go on.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use serde_json::{Value, json};

use crate::support::{TestAgent, TestRepo, untouched};

const FILES: [(&str, &str); 3] = [
    ("Cargo.toml", "[package]\nname = \"demo\"\nversion = \"0.1.0\"\nedition = \"2021\"\n"),
    (
        "src/lib.rs",
        "/// Asks again with growing pauses while the server is overloaded, and gives up after five times.\n\
         pub fn persevere(mut ask: impl FnMut() -> bool) -> bool {\n    (0..5).any(|_| ask())\n}\n",
    ),
    (
        "src/money.rs",
        "/// What a customer pays: the sum of the articles' prices and the sales tax.\n\
         pub fn bill(articles: &[u64]) -> u64 {\n    articles.iter().sum::<u64>() * 119 / 100\n}\n",
    ),
];

/// A question that shares no word with its answer.
const QUESTION: &str = "how often do we retry a failed request";

/// A tiny random model of a family.
fn tiny(family: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/models").join(family)
}

fn install(agent: &TestAgent, family: &str, more: &[&str]) -> String {
    let dir = tiny(family);
    let args = [&["model", "install", dir.to_str().unwrap(), "--without-table"], more].concat();
    agent.ok(args)
}

fn listed(agent: &TestAgent, model: &str) -> Value {
    let list = agent.json(["model", "list"]);
    let models = list["models"].as_array().unwrap();
    models.iter().find(|one| one["model"] == json!(model)).cloned().unwrap_or(Value::Null)
}

fn repo_status(agent: &TestAgent) -> Value {
    agent.json(["status"])["repos"][0].clone()
}

fn vectors_made(agent: &TestAgent) -> u64 {
    agent.json(["cache", "status"])["vectors"]["made"].as_u64().unwrap()
}

/// The directories of vectors of the one repository.
fn vector_dirs(agent: &TestAgent) -> BTreeSet<String> {
    let store = std::fs::read_dir(agent.home().join("cache/repos")).unwrap().next().unwrap().unwrap().path();
    let names = std::fs::read_dir(store).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap());
    names.filter(|name| name.starts_with("embeddings")).collect()
}

#[track_caller]
fn assert_found(agent: &TestAgent, entity: &str) {
    let found = agent.json(["search", QUESTION]);
    assert_eq!((&found["mode"], &found["hits"][0]["entity_name"]), (&json!("hybrid"), &json!(entity)), "{found:#}");
}

#[test]
fn the_old_model_serves_until_the_new_one_is_ready() {
    let mut agent = TestAgent::new();
    let repo = TestRepo::with_files(FILES);
    agent.start();
    agent.ok(["register", repo.path().to_str().unwrap()]);
    agent.wait();
    assert_found(&agent, "persevere");
    let first = vectors_made(&agent);

    // no job of the new model runs
    agent.ok(["queue", "pause"]);
    untouched(repo.path(), || install(&agent, "bert", &[]));
    assert!(agent.config().contains("model = \"bert\""));
    agent.ok(["reconcile", repo.path().to_str().unwrap()]);
    let changing = repo_status(&agent);
    assert_eq!(
        (&changing["searched_by"], &changing["embedded"]),
        (&json!("all-MiniLM-L6-v2"), &json!(0)),
        "{changing:#}"
    );
    let shown = agent.ok(["status"]);
    assert!(shown.contains("all-MiniLM-L6-v2 serves until the new model has embedded every file (0 of 3)"), "{shown}");
    assert_found(&agent, "persevere");

    agent.ok(["queue", "resume"]);
    agent.wait();
    let changed = repo_status(&agent);
    assert_eq!((&changed["searched_by"], &changed["embedded"]), (&Value::Null, &json!(3)), "{changed:#}");
    assert_eq!(agent.json(["search", QUESTION])["mode"], json!("hybrid"), "by vectors of 24 dimensions");
    let both = vectors_made(&agent);
    assert_eq!(both, 2 * first);
    assert_eq!(agent.run(["cache", "verify"]).code, Some(0));

    // going back costs nothing, and so does coming again
    agent.ok(["model", "use", "all-MiniLM-L6-v2"]);
    agent.wait();
    assert_found(&agent, "persevere");
    assert_eq!((repo_status(&agent)["searched_by"].clone(), vectors_made(&agent)), (Value::Null, both));

    // what changed since is made again, and nothing else
    repo.edit("src/money.rs", "119", "107");
    repo.commit("another tax");
    agent.wait();
    let edited = vectors_made(&agent);
    agent.ok(["model", "use", "bert"]);
    agent.wait();
    assert_eq!(vectors_made(&agent), edited + 1, "one chunk");
    assert_eq!(agent.run(["cache", "verify"]).code, Some(0));

    // until a prune
    assert_eq!(vector_dirs(&agent), BTreeSet::from(["embeddings.lance".into(), "embeddings.lance-bert".into()]));
    agent.ok(["cache", "prune"]);
    assert_eq!(vector_dirs(&agent), BTreeSet::from(["embeddings.lance-bert".into()]));
    assert_eq!(agent.json(["search", QUESTION])["mode"], json!("hybrid"));
}

#[test]
fn models_of_any_family_are_installed_from_a_directory() {
    let agent = TestAgent::without_model();
    for (family, dimensions) in [("roberta", 24), ("nomic-bert", 24), ("modernbert", 16)] {
        let said = install(&agent, family, &["--only-install"]);
        assert!(
            said.contains(&format!("installed {family}")) && said.contains(&format!("{dimensions} dimensions")),
            "{said}"
        );
        let listed = listed(&agent, family);
        assert_eq!(
            (&listed["installed"], &listed["in_use"], &listed["dimensions"]),
            (&json!(true), &json!(false), &json!(dimensions))
        );
    }
    agent.ok(["model", "use", "modernbert"]);
    assert_eq!(listed(&agent, "modernbert")["in_use"], json!(true));
    assert_eq!(listed(&agent, "CodeRankEmbed")["was_run"], json!(false), "known, and said to be not run");
    let shown = agent.ok(["model", "list"]);
    assert!(shown.contains("not run by us") && shown.contains("modernbert"), "{shown}");

    // a file that was changed is noticed before it is used
    let path = agent.home().join("models/roberta/model.safetensors");
    let mut content = std::fs::read(&path).unwrap();
    let last = content.len() - 1;
    content[last] ^= 1;
    std::fs::write(&path, content).unwrap();
    let refused = agent.run(["model", "use", "roberta"]);
    assert!(refused.code != Some(0) && refused.stderr.contains("SHA-256"), "{refused:?}");
    let refused = agent.run(["model", "use", "modernbrt"]);
    assert!(refused.stderr.contains("did you mean modernbert?"), "{refused:?}");
    let unnamed = tempfile::Builder::new().prefix("my model ").tempdir().unwrap();
    let refused = agent.run(["model", "install", unnamed.path().to_str().unwrap()]);
    assert!(refused.code == Some(2) && refused.stderr.contains("model install NAME --from"), "{refused:?}");
    let refused = agent.run(["model", "install", repo_of_no_model().path().to_str().unwrap()]);
    assert!(refused.code != Some(0) && refused.stderr.contains("config.json"), "{refused:?}");
}

fn repo_of_no_model() -> TestRepo {
    TestRepo::with_files(FILES)
}

/// Documented functions, whose words say what they do in other words than their names.
const DOCUMENTED: [(&str, &str); 12] = [
    ("open_store", "Makes the database ready for writing"),
    ("retry", "Asks the server once more after a pause"),
    ("slug", "Turns a title into part of a web address"),
    ("bill", "Sums up what a customer has to pay"),
    ("walk", "Visits every directory below the top"),
    ("encode", "Writes numbers as a row of bytes"),
    ("parse_date", "Reads a day and a month out of text"),
    ("evict", "Removes what was used least from memory"),
    ("sign", "Proves with a key who wrote the message"),
    ("merge", "Puts two sorted lists into one"),
    ("clamp", "Keeps a number between two limits"),
    ("watch", "Reports each file that was saved"),
];

/// The entries of the repository's store, with what is in its files; without those that SQLite keeps for whoever reads.
fn index(agent: &TestAgent) -> BTreeMap<String, Option<Vec<u8>>> {
    let store = std::fs::read_dir(agent.home().join("cache/repos")).unwrap().next().unwrap().unwrap().path();
    let entries = std::fs::read_dir(store).unwrap().map(Result::unwrap);
    let entries = entries.map(|entry| (entry.file_name().into_string().unwrap(), std::fs::read(entry.path()).ok()));
    entries.filter(|(name, _)| !name.ends_with("-shm") && !name.ends_with("-wal")).collect()
}

#[test]
fn models_are_compared_on_a_repository_of_ones_own() {
    let mut agent = TestAgent::without_model();
    let repo = TestRepo::new();
    for (name, says) in DOCUMENTED {
        let text =
            format!("/// {says} again and again.\npub fn {name}(n: usize) -> usize {{\n    n + {}\n}}\n", name.len());
        repo.write(&format!("src/{name}.rs"), text);
    }
    repo.commit("everything at once");
    repo.edit("src/clamp.rs", "n + 5", "n.min(5)");
    repo.commit("Respect the upper bound");
    for family in ["bert", "modernbert"] {
        install(&agent, family, &["--only-install"]);
    }
    agent.start();
    agent.ok(["register", repo.path().to_str().unwrap()]);
    agent.wait();
    agent.stop();
    let path = repo.path().to_str().unwrap().to_owned();
    let before = index(&agent);
    let found = untouched(repo.path(), || agent.json(["model", "compare", "--repo", &path]));
    assert_eq!(index(&agent), before, "the index is as it was");
    assert_eq!(std::fs::read_dir(agent.home().join("run/tmp")).unwrap().count(), 0, "nothing is left behind");
    assert_eq!((&found["documented"], &found["commits"]), (&json!(12), &json!(1)), "{found:#}");
    let compared = found["compared"].as_array().unwrap();
    let names: Vec<&Value> = compared.iter().map(|one| &one["model"]).collect();
    assert_eq!(names, [&Value::Null, &json!("bert"), &json!("modernbert")]);
    for one in compared {
        for key in ["documented_ndcg10", "documented_hit5", "commits_ndcg10", "commits_hit5", "ndcg10"] {
            assert!((0.0..=1.0).contains(&one[key].as_f64().unwrap()), "{key}: {one}");
        }
    }
    assert!(compared[1..].iter().all(|one| one["disk_bytes"].as_u64().unwrap() > 0));
    assert!(compared[0]["ndcg10"].as_f64().unwrap() < 0.9, "the documentation is not in what is searched: {found:#}");

    let shown = agent.ok(["model", "compare", "bert", "--repo", &path]);
    assert!(shown.contains("words alone") && shown.contains("recommended: "), "{shown}");
    let refused = agent.run(["model", "compare", "nothing", "--repo", &path]);
    assert!(refused.code != Some(0) && refused.stderr.contains("is not installed"), "{refused:?}");
}
