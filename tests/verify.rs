//! The promise: what is stored can be checked against what it should be, and repaired (invariant 14).

use std::collections::BTreeSet;

use serde_json::{Value, json};

use crate::support::{TestAgent, TestRepo, assert_same_state, untouched};

/// `limit` is used through a re-export by one file, and directly by another; a third one uses nothing.
const FILES: [(&str, &str); 8] = [
    ("Cargo.toml", "[package]\nname = \"shop\"\nversion = \"0.1.0\"\nedition = \"2021\"\n"),
    (
        "src/goods.rs",
        "pub trait Goods {\n    fn price(&self) -> u32;\n}\n\npub struct Tea;\n\nimpl Goods for Tea {\n    fn price(&self) -> u32 {\n        3\n    }\n}\n",
    ),
    (
        "src/lib.rs",
        "pub mod cart;\npub mod goods;\npub mod rules;\npub mod sums;\npub mod words;\npub use rules::limit;\n",
    ),
    ("src/rules.rs", "/// At most so many.\npub fn limit() -> u32 {\n    10\n}\n"),
    ("src/cart.rs", "use crate::limit;\n\npub fn room(held: u32) -> u32 {\n    limit() - held\n}\n"),
    ("src/sums.rs", "use crate::rules::limit;\n\npub fn sum() -> u32 {\n    limit() + 1\n}\n"),
    ("src/words.rs", "pub fn count(text: &str) -> usize {\n    text.len()\n}\n"),
    ("README.md", "# Shop\n\nSells things.\n"),
];

struct Shop {
    agent: TestAgent,
    repo: TestRepo,
}

impl Shop {
    fn with(agent: TestAgent) -> Self {
        let repo = TestRepo::with_files(FILES);
        let mut shop = Self { agent, repo };
        shop.agent.start();
        shop.agent.ok(["register", shop.path()]);
        shop.agent.wait();
        shop
    }

    fn new() -> Self {
        Self::with(TestAgent::without_model())
    }

    fn path(&self) -> &str {
        self.repo.path().to_str().unwrap()
    }

    /// What `cache verify` says, and its exit code.
    #[track_caller]
    fn verify(&self, more: &[&str]) -> (Option<i32>, Value) {
        let args: Vec<&str> =
            ["cache", "verify", self.path(), "--json"].into_iter().chain(more.iter().copied()).collect();
        let output = untouched(self.repo.path(), || self.agent.run(&args));
        let printed = serde_json::from_str::<Value>(&output.stdout)
            .unwrap_or_else(|error| panic!("{error}: {}{}", output.stdout, output.stderr));
        (output.code, printed["repos"][0].clone())
    }

    #[track_caller]
    fn assert_sound(&self) {
        let (code, printed) = self.verify(&[]);
        assert_eq!((code, &printed["differences"]), (Some(0), &json!([])), "{printed:#}");
    }

    /// Part and path of each difference.
    #[track_caller]
    fn differences(&self) -> BTreeSet<(String, String)> {
        let (code, printed) = self.verify(&[]);
        assert_eq!(code, Some(1), "{printed:#}");
        let text = |one: &Value, name: &str| one[name].as_str().unwrap().to_owned();
        printed["differences"].as_array().unwrap().iter().map(|one| (text(one, "part"), text(one, "path"))).collect()
    }

    #[track_caller]
    fn repair(&self) {
        let (code, printed) = self.verify(&["--repair"]);
        assert_eq!((code, &printed["after_repair"]), (Some(0), &json!({"differences": []})), "{printed:#}");
        self.assert_sound();
    }

    /// An agent that indexes the repository today knows the same.
    #[track_caller]
    fn assert_as_a_beginner(&mut self) {
        self.agent.start();
        self.agent.wait();
        let beginner = Self::beginner(self.repo.path().to_str().unwrap());
        assert_same_state(&self.agent.state(), &beginner.state());
        self.agent.stop();
    }

    fn beginner(path: &str) -> TestAgent {
        let mut agent = TestAgent::without_model();
        agent.start();
        agent.ok(["register", path]);
        agent.wait();
        agent
    }
}

/// What is done to the store, and the parts that have to be reported.
const DAMAGES: [(&str, &[(&str, &str)]); 20] = [
    (
        "DELETE FROM edge_uses WHERE path_no = (SELECT path_no FROM paths WHERE file_path = CAST('src/sums.rs' AS BLOB))
         AND symbol_no IN (SELECT symbol_no FROM used_symbols WHERE dependency_type = 'function')",
        &[("edge", "src/sums.rs")],
    ),
    (
        "INSERT INTO edge_uses SELECT w.path_no, e.symbol_no FROM edge_uses e JOIN paths s USING (path_no), paths w
         WHERE s.file_path = CAST('src/sums.rs' AS BLOB) AND w.file_path = CAST('src/words.rs' AS BLOB)",
        &[("edge", "src/words.rs")],
    ),
    ("DELETE FROM edge_reexports", &[("re-export", "src/cart.rs")]),
    ("UPDATE implementations SET interface = interface || '!'", &[("implementation", "src/goods.rs")]),
    (
        "UPDATE files SET deps_hash = zeroblob(32) WHERE file_path = CAST('src/cart.rs' AS BLOB)",
        &[("dependency context", "src/cart.rs")],
    ),
    (
        "UPDATE files SET context_hash = zeroblob(32) WHERE file_path = CAST('src/cart.rs' AS BLOB)",
        &[("dependency context", "src/cart.rs")],
    ),
    (
        "UPDATE files SET uses = (SELECT uses FROM files WHERE file_path = CAST('src/words.rs' AS BLOB))
         WHERE file_path = CAST('src/cart.rs' AS BLOB)",
        &[("dependency context", "src/cart.rs")],
    ),
    (
        "UPDATE files SET module_path = 'nowhere' WHERE file_path = CAST('src/cart.rs' AS BLOB)",
        &[("place in the module tree", "src/cart.rs")],
    ),
    ("UPDATE files SET size_bytes = 1 WHERE file_path = CAST('README.md' AS BLOB)", &[("file", "README.md")]),
    ("DELETE FROM files WHERE file_path = CAST('README.md' AS BLOB)", &[("file", "README.md")]),
    (
        "INSERT INTO files (file_path, blob_id, mode, source, size_bytes, language, role, content_hash, crate_root, deps_hash, uses)
         SELECT CAST('src/gone.rs' AS BLOB), blob_id, mode, source, size_bytes, language, role, content_hash, crate_root,
             deps_hash, uses FROM files WHERE file_path = CAST('README.md' AS BLOB)",
        &[("file", "src/gone.rs")],
    ),
    ("UPDATE directories SET tree_id = zeroblob(20) WHERE dir_path = CAST('src' AS BLOB)", &[("directory", "src")]),
    ("DELETE FROM directories WHERE dir_path = x''", &[("directory", ".")]),
    (
        "UPDATE outlines SET outline = (SELECT outline FROM outlines JOIN files USING (content_hash)
                                        WHERE file_path = CAST('src/words.rs' AS BLOB))
         WHERE content_hash = (SELECT content_hash FROM files WHERE file_path = CAST('src/rules.rs' AS BLOB))",
        &[("outline", "src/rules.rs")],
    ),
    (
        "DELETE FROM current_keys WHERE file_path = CAST('src/cart.rs' AS BLOB) AND kind = 'analyze:docs'",
        &[("current key", "src/cart.rs")],
    ),
    (
        "UPDATE current_keys SET cache_key = zeroblob(32)
         WHERE file_path = CAST('src/cart.rs' AS BLOB) AND kind = 'analyze:docs'",
        &[("current key", "src/cart.rs"), ("analysis", "src/cart.rs")],
    ),
    (
        "DELETE FROM file_analysis WHERE file_path = CAST('src/cart.rs' AS BLOB) AND analysis_type = 'todos'",
        &[("analysis", "src/cart.rs")],
    ),
    (
        "UPDATE file_analysis SET analysis_json = x'0102'
         WHERE file_path = CAST('src/cart.rs' AS BLOB) AND analysis_type = 'refactor'",
        &[("analysis", "src/cart.rs")],
    ),
    (
        "UPDATE chunks SET end_line = 99
         WHERE path_no = (SELECT path_no FROM paths WHERE file_path = CAST('src/cart.rs' AS BLOB))",
        &[("chunk", "src/cart.rs")],
    ),
    (
        "DELETE FROM chunk_text WHERE rowid IN
         (SELECT chunk_no FROM chunks JOIN paths USING (path_no) WHERE file_path = CAST('README.md' AS BLOB))",
        &[("chunk", "README.md")],
    ),
];

#[test]
fn each_damage_is_reported_in_its_place_and_repaired() {
    let mut shop = Shop::new();
    shop.assert_sound();
    shop.agent.stop();
    shop.assert_sound();
    for (damage, parts) in DAMAGES {
        println!("{damage}");
        assert!(shop.agent.store().execute(damage, []).unwrap() > 0, "nothing was damaged");
        let parts: BTreeSet<_> = parts.iter().map(|&(part, path)| (part.to_owned(), path.to_owned())).collect();
        assert_eq!(shop.differences(), parts);
        shop.repair();
    }
    shop.assert_as_a_beginner();
}

#[test]
fn a_job_of_a_file_that_is_gone_is_told_and_taken_out() {
    let mut shop = Shop::new();
    shop.agent.stop();
    let jobs = "UPDATE jobs SET state = 'queued', file_path = CAST('src/gone.rs' AS BLOB) WHERE job_id = 1";
    assert_eq!(shop.agent.agent_db().execute(jobs, []).unwrap(), 1);
    assert_eq!(shop.differences(), [("job".to_owned(), "src/gone.rs".to_owned())].into());
    shop.repair();
}

#[test]
fn a_running_daemon_repairs_while_others_read() {
    let shop = Shop::new();
    let edges = "DELETE FROM edge_uses";
    assert!(shop.agent.store().execute(edges, []).unwrap() > 0);
    let output = shop.agent.run(["cache", "verify"]);
    assert_eq!(output.code, Some(1), "{}", output.stderr);
    assert!(output.stdout.contains("src/sums.rs: edge: missing is uses limit of src/rules.rs"), "{}", output.stdout);
    assert!(output.stderr.contains("--repair"), "{}", output.stderr);
    shop.repair();
    shop.agent.wait();
    shop.assert_sound();
}

#[test]
fn what_is_indexed_is_what_is_compared_wherever_head_is() {
    let mut shop = Shop::new();
    shop.agent.stop();
    shop.repo.edit("src/rules.rs", "limit() -> u32", "limit() -> u64");
    let indexed = shop.repo.head();
    shop.repo.commit("another limit");
    let (code, printed) = shop.verify(&[]);
    assert_eq!((code, &printed["commit"]), (Some(0), &json!(indexed)), "{printed:#}");
    assert!(printed["note"].as_str().unwrap().contains("HEAD has moved on"), "{printed:#}");
    shop.repo.branch("side");
    shop.repo.edit("src/rules.rs", "10", "11");
    shop.repo.commit("on the side");
    shop.repo.checkout("main");
    shop.repo.edit("src/rules.rs", "10", "12");
    shop.repo.commit("on main");
    assert!(!shop.repo.try_git(&["rebase", "side"]).status.success(), "the rebase stops at a conflict");
    let (code, printed) = shop.verify(&[]);
    assert_eq!((code, &printed["commit"]), (Some(0), &json!(indexed)), "{printed:#}");
    assert!(printed["note"].as_str().unwrap().contains("rebase in progress"), "{printed:#}");
}

#[test]
fn a_repository_that_is_not_registered_is_not_verified() {
    let agent = TestAgent::without_model();
    let repo = TestRepo::with_files(FILES);
    assert_eq!(agent.run(["cache", "verify", repo.path().to_str().unwrap()]).code, Some(4));
    assert_eq!(agent.run(["cache", "verify"]).code, Some(0), "nothing is registered: nothing is wrong");
}

#[test]
fn vectors_missing_or_left_over_are_reported_and_repaired() {
    let mut shop = Shop::with(TestAgent::new());
    shop.assert_sound();
    shop.agent.stop();
    shop.agent.with_vectors(async |vectors| {
        let rows = vectors.rows().await.unwrap();
        let of_readme = rows.iter().find(|row| row.file_path == "README.md").unwrap().clone();
        let orphan = ra_agent::vectors::ChunkRow { file_path: "gone.md".into(), chunk_id: "gone".into(), ..of_readme };
        vectors.replace_files(&["gone.md"], vec![orphan]).await.unwrap();
        vectors.delete_files(&["src/cart.rs"]).await.unwrap();
    });
    let vector = |path: &str| ("vector".to_owned(), path.to_owned());
    assert_eq!(shop.differences(), [vector("gone.md"), vector("src/cart.rs")].into());
    shop.repair();
    shop.agent.start();
    shop.agent.wait();
    shop.assert_sound();
    shop.agent.stop();
    shop.agent.with_vectors(async |vectors| {
        let rows = vectors.rows().await.unwrap();
        let paths: BTreeSet<&str> = rows.iter().map(|row| row.file_path.as_str()).collect();
        assert!(paths.contains("src/cart.rs") && !paths.contains("gone.md"), "{paths:?}");
    });
}
