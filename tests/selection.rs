//! The promise: a guess about a file can be overruled, what is left out is listed with the reason and what brings it back, and both hold
//! as soon as they are written.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use crate::support::{Random, TestAgent, TestRepo, untouched};

/// What is left out: reason and key by path.
fn left_out(files: &Value) -> BTreeMap<String, (String, Option<String>)> {
    let text = |value: &Value| value.as_str().map(str::to_owned);
    let entries = files.as_array().unwrap().iter();
    entries.map(|file| (text(&file["path"]).unwrap(), (text(&file["reason"]).unwrap(), text(&file["key"])))).collect()
}

fn finds(agent: &TestAgent, query: &str, path: &str) -> bool {
    let found = agent.json(["search", query, "--limit", "20"]);
    found["hits"].as_array().unwrap().iter().any(|hit| hit["path"] == json!(path))
}

/// Takes in what changed, and checks the store against what it would be if it were built from nothing.
#[track_caller]
fn settle(agent: &TestAgent, repo: &TestRepo) {
    untouched(repo.path(), || agent.wait());
    let output = agent.run(["cache", "verify"]);
    assert_eq!(output.code, Some(0), "{}{}", output.stdout, output.stderr);
}

fn skipped(agent: &TestAgent) -> BTreeMap<String, (String, Option<String>)> {
    left_out(&agent.json(["status", "--skipped"])["repos"][0]["files"])
}

#[test]
fn a_guess_is_overruled_while_the_daemon_runs() {
    let mut agent = TestAgent::without_model();
    let repo = TestRepo::with_files([
        ("src/lib.rs", "pub fn plain() {}\n"),
        ("vendor/ours/tide.c", "int count_tides(void) { return 2; }\n"),
        ("vendor/theirs/z.c", "int deflate_all(void) { return 1; }\n"),
        ("api/harbour.pb.go", "package api\n\nfunc DockShip() {}\n"),
        ("docs/pier.md", "# Pier\n\nWhere passengers wait.\n"),
        (".env.ci", "PORT=8080\nTIDE_TABLE=yes\n"),
        (".env", "PASSWORD=hunter2secret\n"),
        ("certs/known.pem", "-----BEGIN RSA PRIVATE KEY-----\nabc\n"),
    ]);
    agent.start();
    agent.ok(["register", repo.path().to_str().unwrap()]);
    settle(&agent, &repo);
    let include = Some("index.include".to_owned());
    let before = skipped(&agent);
    let expected = [
        (".env", "denied"),
        (".env.ci", "denied"),
        ("api/harbour.pb.go", "generated"),
        ("certs/known.pem", "denied"),
        ("vendor/ours/tide.c", "vendored"),
        ("vendor/theirs/z.c", "vendored"),
    ];
    let expected = expected.map(|(path, reason)| (path.to_owned(), (reason.to_owned(), include.clone())));
    assert_eq!(before, BTreeMap::from(expected));
    let said = agent.ok(["status", "--skipped", repo.path().to_str().unwrap()]);
    assert!(said.contains("vendor/ours/tide.c") && said.contains("`index.include`"), "{said}");

    let general = "[index]\ninclude = [\"vendor/ours\", \"*.pb.go\", \".env*\", \"*.pem\"]\n";
    let own = format!("[repos.{:?}]\nindex = {{ exclude = [\"docs/\"] }}\n", repo.path());
    agent.write_config(&format!("{general}{own}"));
    settle(&agent, &repo);
    assert!(finds(&agent, "count_tides", "vendor/ours/tide.c"));
    assert!(finds(&agent, "DockShip", "api/harbour.pb.go"));
    assert!(finds(&agent, "TIDE_TABLE", ".env.ci"));
    assert!(!finds(&agent, "passengers wait", "docs/pier.md"));
    let now = skipped(&agent);
    assert_eq!(now["docs/pier.md"], ("excluded".into(), Some("index.exclude".into())));
    assert_eq!(now[".env"], ("denied".into(), None), "it holds a secret, whatever is asked for");
    assert_eq!(now["certs/known.pem"], ("denied".into(), None));
    assert_eq!(now["vendor/theirs/z.c"].0, "vendored");
    assert_eq!(now.len(), 4, "{now:?}");
    assert!(!finds(&agent, "hunter2secret", ".env"));

    // A file that is saved and not yet tracked follows the same rules, also below a directory that is else passed over.
    repo.write("vendor/ours/ebb.c", "int count_ebbs(void) { return 2; }\n");
    repo.write("docs/quay.md", "# Quay\n\nWhere freight waits.\n");
    settle(&agent, &repo);
    assert!(finds(&agent, "count_ebbs", "vendor/ours/ebb.c") && !finds(&agent, "freight waits", "docs/quay.md"));

    // What is not tracked is listed, too; what is ignored is not.
    for path in ["node_modules/deep/x.js", "target/y.js", "vendor/theirs/new.c", ".env.local"] {
        repo.write(path, "let x = 1;\n");
    }
    repo.write(".gitignore", "/target\n");
    settle(&agent, &repo);
    let now = skipped(&agent);
    assert_eq!(now["node_modules/"], ("vendored".into(), include.clone()));
    assert!(now["vendor/theirs/new.c"].0 == "vendored" && !now.contains_key(".env.local"), "{now:?}");
    assert!(!now.keys().any(|path| path.starts_with("target")), "{now:?}");
    for path in ["node_modules", "target", "vendor/theirs/new.c", ".env.local", ".gitignore"] {
        let path = repo.path().join(path);
        std::fs::remove_file(&path).or_else(|_| std::fs::remove_dir_all(&path)).unwrap();
    }

    agent.write_config("");
    settle(&agent, &repo);
    assert!(!finds(&agent, "count_tides", "vendor/ours/tide.c") && !finds(&agent, "count_ebbs", "vendor/ours/ebb.c"));
    assert!(finds(&agent, "passengers wait", "docs/pier.md"));
    let mut last = skipped(&agent);
    assert_eq!(
        last.remove("vendor/ours/ebb.c").map(|(reason, _)| reason),
        Some("vendored".into()),
        "it is still not tracked"
    );
    assert_eq!(last, before);
}

#[test]
fn a_module_called_vendor_is_code_until_it_is_others_code() {
    let mut agent = TestAgent::without_model();
    let repo = TestRepo::with_files([
        ("Cargo.toml", "[package]\nname = \"shop\"\nversion = \"0.1.0\"\nedition = \"2021\"\n"),
        ("src/lib.rs", "pub mod orders;\npub mod vendor;\n"),
        ("src/orders.rs", "pub fn close_month() -> u64 { crate::vendor::settle_payout() }\n"),
        ("src/vendor/mod.rs", "pub fn settle_payout() -> u64 { 1 }\n"),
        ("web/src/vendor/VendorList.tsx", "export function renderVendorList() { return null }\n"),
        ("web/src/vendor/d3.js", "// https://d3js.org Copyright Mike Bostock\nfunction drawChord() {}\n"),
        ("vendor/zlib/LICENSE", "free\n"),
        ("vendor/zlib/z.c", "int deflate_all(void) { return 1; }\n"),
    ]);
    agent.start();
    agent.ok(["register", repo.path().to_str().unwrap()]);
    settle(&agent, &repo);
    assert!(finds(&agent, "settle_payout", "src/vendor/mod.rs"));
    assert!(finds(&agent, "renderVendorList", "web/src/vendor/VendorList.tsx"));
    let edges = agent.json(["deps", repo.path().to_str().unwrap()])["edges"].clone();
    let is_payout = |edge: &Value| {
        edge["source_file"] == json!("src/vendor/mod.rs") && edge["dependent_file"] == json!("src/orders.rs")
    };
    assert!(edges.as_array().unwrap().iter().any(is_payout), "{edges}");
    let paths: Vec<String> = skipped(&agent).into_keys().collect();
    assert_eq!(paths, ["vendor/zlib/LICENSE", "vendor/zlib/z.c", "web/src/vendor/d3.js"]);

    // A tool fetched something into it: a file that did not change is others' code from now on.
    repo.write("web/src/vendor/chart/package.json", "{\"name\": \"chart\", \"version\": \"1.0.0\"}\n");
    repo.commit("fetched");
    settle(&agent, &repo);
    assert!(!finds(&agent, "renderVendorList", "web/src/vendor/VendorList.tsx"));
    assert!(finds(&agent, "settle_payout", "src/vendor/mod.rs"), "the other one is judged by itself");
    repo.delete("web/src/vendor/chart/package.json");
    repo.commit("removed");
    settle(&agent, &repo);
    assert!(finds(&agent, "renderVendorList", "web/src/vendor/VendorList.tsx"));
}

/// Random trees under random rules: what a dry run lists is what is left out once it is indexed, each file with a reason, and no
/// file is both listed and found.
#[test]
fn a_dry_run_lists_what_will_be_left_out() {
    let mut random = Random::from_environment();
    let dirs = ["", "src/", "vendor/", "src/vendor/", "docs/", "lib/third_party/", "web/node_modules/", ".aws/"];
    let names = [
        "a.rs",
        "mod.rs",
        "b.js",
        "c.pb.go",
        "Cargo.lock",
        ".env",
        ".env.example",
        "credentials.json",
        "credentials.py",
        "d.min.js",
        "LICENSE",
        "server.key",
        "guide.asc",
        "e.py",
    ];
    let globs = [
        "vendor/**",
        "*.js",
        "docs/",
        "src/vendor",
        ".env*",
        "*.lock",
        "lib/**/e.py",
        "mod.rs",
        "/a.rs",
        "credentials*",
    ];
    for round in 0..5 {
        let mut agent = TestAgent::without_model();
        let repo = TestRepo::new();
        for at in 0..25 {
            let path = format!("{}{}", random.one_of(&dirs), random.one_of(&names));
            let content = ["fn x() {}\n", "PASSWORD=hunter2secret\n", "// Copyright Acme\n", "\u{e9}\n"];
            repo.write(&path, format!("{}// marker{at}\n", random.one_of(&content)));
        }
        repo.commit("all");
        let mut list = || -> Vec<&str> { (0..random.below(3)).map(|_| *random.one_of(&globs)).collect() };
        let (include, exclude, own) = (list(), list(), list());
        let config = format!(
            "[index]\ninclude = {include:?}\nexclude = {exclude:?}\n[repos.{:?}]\nindex.include = {own:?}\n",
            repo.path()
        );
        agent.write_config(&config);
        let dry = agent.json(["register", repo.path().to_str().unwrap(), "--dry-run"]);
        agent.start();
        agent.ok(["register", repo.path().to_str().unwrap()]);
        settle(&agent, &repo);
        let left = left_out(&dry["left_out"]);
        assert_eq!(left, skipped(&agent), "{round}: {config}");
        let status = agent.json(["status"])["repos"][0].clone();
        assert_eq!(status["skipped"], json!(left.len()), "{round}: {config}");
        assert_eq!(status["files"], dry["files"], "{round}: {config}");
        assert!(left.keys().all(|path| !path.is_empty()));
        for hit in agent.json(["search", "hunter2secret", "--limit", "50"])["hits"].as_array().unwrap() {
            assert!(!left.contains_key(hit["path"].as_str().unwrap()), "{round}: {hit}");
        }
    }
}
