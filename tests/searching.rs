//! The promise: a search finds words of every script, however they are written, and each item as what it is, by its name and its lines.

use serde_json::{Value, json};

use crate::support::{Random, TestAgent, TestRepo};

fn indexed(repo: &TestRepo) -> TestAgent {
    let mut agent = TestAgent::without_model();
    agent.start();
    agent.ok(["register", repo.path().to_str().unwrap()]);
    agent.wait();
    agent
}

fn paths(agent: &TestAgent, args: &[&str]) -> Vec<String> {
    let answer = agent.json([&["search"], args].concat());
    let hits = answer["hits"].as_array().unwrap().iter();
    hits.map(|hit| hit["path"].as_str().unwrap().to_owned()).collect()
}

/// Comments with words that are looked for: scripts without spaces, particles, accents, widths, directions.
const COMMENTS: &[(&str, &str, &[&str])] = &[
    (
        "chinese",
        "当上游服务返回错误时，按照指数退避的方式重新发起请求。",
        &["指数退避", "重新发起请求", "错", "如何重新发起请求"],
    ),
    (
        "japanese",
        "セッションの有効期限が切れたらログアウトさせる。ﾊﾝｶｸ",
        &["有効期限", "ログアウト", "ハンカク", "ﾛｸﾞｱｳﾄ"],
    ),
    ("korean", "결제가 실패하면 주문을 취소한다.", &["결제", "주문", "취소하다", "실패"]),
    ("thai", "คำนวณภาษีมูลค่าเพิ่มสำหรับรายการสั่งซื้อ", &["ภาษี", "มูลค่าเพิ่ม"]),
    ("khmer", "គណនាពន្ធលើតម្លៃបន្ថែម", &["ពន្ធ"]),
    ("burmese", "ကုန်ပစ္စည်းတန်ဖိုးကိုတွက်ချက်သည်", &["တန်ဖိုး"]),
    ("german", "Prüft die Größe der Straße.", &["größe", "GRÖSSE", "groesse oder Straße", "Gro\u{308}ße"]),
    ("vietnamese", "Tính thuế giá trị gia tăng", &["thuế", "thue"]),
    ("greek", "Υπολογίζει τον ΦΌΡΟ προστιθέμενης αξίας", &["φορο", "αξίας"]),
    ("russian", "Вычисляет налог, учитывая ещё скидку", &["НАЛОГ", "еще"]),
    ("arabic", "يحسب الضَّرِيبَة المضافة", &["الضريبة"]),
    ("hebrew", "מחשב את הַמַּס", &["המס"]),
    ("hindi", "मूल्य वर्धित कर की गणना", &["वर्धित"]),
    ("wide", "ｆｕｌｌｗｉｄｔｈ　ｔｅｘｔ", &["fullwidth"]),
    ("mixed", "API接口 v2 的说明", &["API接口", "接口", "api"]),
];

#[test]
fn words_of_every_script_are_found_in_comments() {
    let files: Vec<(String, String)> = COMMENTS
        .iter()
        .map(|(name, comment, _)| (format!("src/{name}.rs"), format!("/// {comment}\npub fn item_{name}() {{}}\n")))
        .collect();
    let repo = TestRepo::with_files(files.iter().map(|(path, text)| (path.as_str(), text.as_str())));
    let agent = indexed(&repo);
    for (name, _, words) in COMMENTS {
        for word in *words {
            let found = paths(&agent, &[word]);
            assert_eq!(found.first(), Some(&format!("src/{name}.rs")), "{word}: {found:?}");
        }
    }
    let answer = agent.json(["search", "指数退避"]);
    assert_eq!(answer["hits"].as_array().unwrap().len(), 1, "{answer:#}");
    assert_eq!(answer["hits"][0]["snippet"][0]["line"], json!(1));
}

#[test]
fn a_name_is_the_same_composed_or_not() {
    let (composed, apart) = ("Pr\u{fc}fung", "Pru\u{308}fung");
    let text = format!("pub fn {composed}Starten() {{}}\n");
    let path = format!("src/{apart}.rs");
    let repo = TestRepo::with_files([(path.as_str(), text.as_str()), ("src/other.rs", "pub fn other() {}\n")]);
    let agent = indexed(&repo);
    for form in [composed, apart] {
        assert_eq!(paths(&agent, &[form]), [path.as_str()], "text");
        assert_eq!(paths(&agent, &[&format!("{form}Starten")]), [path.as_str()], "an item's name");
        for glob in [format!("src/{form}.rs"), format!("{form}.rs"), format!("src/{form}*"), format!("**/*{form}.rs")] {
            assert_eq!(paths(&agent, &["starten", "--path", &glob]), [path.as_str()], "{glob}");
        }
        let file = repo.path().join(format!("src/{form}.rs"));
        assert_eq!(agent.json(["show", file.to_str().unwrap()])["path"], json!(path));
        let shown = agent.ok(["deps", repo.path().to_str().unwrap(), &format!("src/{form}.rs")]);
        assert!(shown.contains("uses no file"), "{shown}");
        agent.ok(["cache", "clear", "--file", file.to_str().unwrap()]);
    }
}

/// A short item of a kind, on one line or several.
fn item(kind: &str, name: &str, random: &mut Random) -> String {
    let doc = ["", "/// Short.\n", "#[allow(dead_code)]\n"][random.below(3) as usize];
    let text = match kind {
        "function" => format!("pub fn {name}(n: u64) -> u64 {{ n.min(9) }}"),
        "struct" => format!("pub struct {name} {{ pub from: u64 }}"),
        "enum" => format!("pub enum {name} {{ Idle, Busy }}"),
        "trait" => format!("pub trait {name} {{ fn level(&self) -> u8; }}"),
        "const" => format!("pub const {name}: u64 = 9;"),
        "type" => format!("pub type {name} = Vec<u64>;"),
        "macro" => format!("macro_rules! {name} {{ () => {{}}; }}"),
        "module" => format!("pub mod {name} {{\n    pub const IN: u8 = 1;\n}}"),
        other => panic!("{other}"),
    };
    format!("{doc}{text}\n")
}

const RUST_KINDS: [&str; 8] = ["function", "struct", "enum", "trait", "const", "type", "macro", "module"];

/// The first hit as name, kind and lines.
fn first(agent: &TestAgent, args: &[&str]) -> (Value, Value, Value, Value) {
    let answer = agent.json([&["search"], args].concat());
    let hit = &answer["hits"][0];
    let field = |name: &str| hit[name].clone();
    (field("entity_name"), field("entity_type"), field("start_line"), field("end_line"))
}

#[test]
fn each_short_item_is_found_by_its_kind_and_named() {
    let mut random = Random::from_environment();
    let mut expected = Vec::new();
    let mut files = Vec::new();
    for file in 0..6 {
        let (mut text, mut line) = (String::new(), 1);
        for nth in 0..2 + random.below(9) {
            let kind = *random.one_of(&RUST_KINDS);
            let name = match kind {
                "struct" | "enum" | "trait" | "type" => format!("Thing{file}q{nth}"),
                "const" => format!("THING_{file}Q{nth}"),
                _ => format!("thing_{file}q{nth}"),
            };
            let item = item(kind, &name, &mut random);
            let lines = item.lines().count();
            expected.push((name, kind, line, line + lines - 1));
            text.push_str(&item);
            line += lines;
            if random.below(3) == 0 {
                text.push('\n');
                line += 1;
            }
        }
        files.push((format!("src/file_{file}.rs"), text));
    }
    let repo = TestRepo::with_files(files.iter().map(|(path, text)| (path.as_str(), text.as_str())));
    let agent = indexed(&repo);
    for (name, kind, start, end) in &expected {
        let wanted = (json!(name), json!(kind), json!(start), json!(end));
        assert_eq!(first(&agent, &[name, "--kind", kind]), wanted, "{files:#?}");
        assert_eq!(first(&agent, &[name]), wanted, "without --kind: {files:#?}");
        let shown = agent.ok(["search", name, "--kind", kind]);
        assert!(shown.contains(&format!("{start}-{end}  {kind} {name}")), "{shown}");
    }
}

#[test]
fn what_stands_inside_a_short_item_is_found_by_its_kind() {
    let long = (0..60).map(|n| format!("        let step_{n} = work({n}, \"{n}\");\n")).collect::<String>();
    let rust = format!(
        "pub struct Store;\nimpl Store {{\n    pub fn open_it(&self) {{}}\n    pub const DEPTH: u8 = 1;\n}}\n\
         pub trait Shape {{\n    fn area_of(&self) -> u8;\n    type Side;\n}}\n\
         fn outer() {{\n    struct Inner(u8);\n    fn helper_of_outer() {{}}\n}}\n\
         impl Clone for Store {{\n    fn clone(&self) -> Self {{\n{long}        Store\n    }}\n}}\n\
         pub trait Lasting {{\n    fn lasts(&self) {{\n{long}    }}\n}}\n"
    );
    let python = "import os\n\nclass Small:\n    LIMIT = 3\n\n    def grow(self):\n        return 1\n\n    @property\n    def shape(self):\n        return 2\n\ndef outer_one():\n    def inner_one():\n        return 1\n    return inner_one\n\nRATE = 5\n";
    let repo = TestRepo::with_files([
        ("src/lib.rs", rust.as_str()),
        ("tool.py", python),
        ("notes.md", "# One\n\nalpha\n\n## Two\n\nbeta\n\n## Three\n\ngamma\n"),
    ]);
    let agent = indexed(&repo);
    let end_of_clone = rust.lines().position(|line| line.starts_with("pub trait Lasting")).unwrap();
    let last = rust.lines().count();
    let cases: &[(&str, &str, &str, usize, usize)] = &[
        ("open_it", "method", "Store::open_it", 3, 3),
        ("DEPTH", "const", "DEPTH", 4, 4),
        ("Store", "struct", "Store", 1, 1),
        ("Shape", "trait", "Shape", 6, 9),
        ("area_of", "method", "Shape::area_of", 7, 7),
        ("Side", "type", "Side", 8, 8),
        ("Inner", "struct", "Inner", 11, 11),
        ("helper_of_outer", "function", "helper_of_outer", 12, 12),
        ("Lasting", "trait", "Lasting", end_of_clone + 1, last),
        ("Small", "class", "Small", 3, 11),
        ("LIMIT", "const", "LIMIT", 4, 4),
        ("grow", "method", "Small.grow", 6, 7),
        ("shape", "method", "Small.shape", 9, 11),
        ("inner_one", "function", "inner_one", 14, 15),
        ("RATE", "const", "RATE", 18, 18),
        ("Two", "section", "Two", 5, 7),
        ("gamma", "section", "Three", 9, 11),
    ];
    for (query, kind, name, start, end) in cases {
        let wanted = (json!(name), json!(kind), json!(start), json!(end));
        assert_eq!(first(&agent, &[query, "--kind", kind]), wanted, "{query}");
    }
    let impls = agent.json(["search", "Store", "--kind", "impl"]);
    assert!(impls["hits"].as_array().unwrap().iter().all(|hit| hit["entity_name"] == "Store"), "{impls:#}");
    assert!(!impls["hits"].as_array().unwrap().is_empty());
}

#[test]
fn kinds_are_known_by_their_other_names() {
    let repo = TestRepo::with_files([("src/lib.rs", "pub fn lonely() {}\npub const ALONE: u8 = 1;\n")]);
    let agent = indexed(&repo);
    for kind in ["function", "Function", "FN", "func", "fn", "def"] {
        assert_eq!(first(&agent, &["lonely", "--kind", kind]).0, json!("lonely"), "{kind}");
    }
    for kind in ["const", "Constant", "static"] {
        assert_eq!(first(&agent, &["alone", "--kind", kind]).0, json!("ALONE"), "{kind}");
    }
}

#[test]
fn a_path_is_a_file_a_directory_or_a_glob() {
    let repo = TestRepo::with_files([
        ("src/query/find.rs", "pub fn needle() {}\n"),
        ("src/query.rs", "pub fn needle() {}\n"),
        ("find.rs", "pub fn needle() {}\n"),
        ("src/made.rs", "// @generated by a tool\npub fn needle() {}\n"),
        ("app/[id]/page.rs", "pub fn route() {}\n"),
        ("app/i/page.rs", "pub fn route() {}\n"),
        ("app/[...slug]/page.rs", "pub fn route() {}\n"),
    ]);
    let agent = indexed(&repo);
    let found = |path: &str| {
        let mut found = paths(&agent, &["needle", "--path", path]);
        found.sort();
        found
    };
    assert_eq!(found("src/query"), ["src/query/find.rs"]);
    assert_eq!(found("./src/query/"), ["src/query/find.rs"]);
    assert_eq!(found("src"), ["src/query.rs", "src/query/find.rs"]);
    assert_eq!(found("find.rs"), ["find.rs", "src/query/find.rs"]);
    assert_eq!(found("src/*.rs"), ["src/query.rs"]);
    // A place of the file system, as the other verbs take it.
    let top = repo.path().to_str().unwrap();
    assert_eq!(found(&format!("{top}/src/query")), ["src/query/find.rs"]);
    assert_eq!(found(&format!("{top}/src/*.rs")), ["src/query.rs"]);
    assert_eq!(found(top).len(), 3);
    let mut here = agent.command(["search", "needle", "--json", "--path", "."]);
    let here = here.current_dir(repo.path().join("src")).output().unwrap();
    let here: Value = serde_json::from_slice(&here.stdout).unwrap();
    assert_eq!(here["hits"].as_array().unwrap().len(), 2, "{here}");
    let outside = agent.run(["search", "needle", "--repo", top, "--path", "/"]);
    assert!(outside.code == Some(2) && outside.stderr.contains("is not below"), "{outside:?}");
    // A path that is there means itself, however it is written; a glob may mean directories.
    let routes = |path: &str| {
        let mut found = paths(&agent, &["route", "--path", path]);
        found.sort();
        found
    };
    for path in ["app/[id]/page.rs", "app/[id]", "./app/[id]/", r"app/\[id\]", r"app/\[id\]/page.rs", "app/[[]id]"] {
        assert_eq!(routes(path), ["app/[id]/page.rs"], "{path}");
    }
    assert_eq!(routes(&format!("{top}/app/[id]")), ["app/[id]/page.rs"]);
    assert_eq!(routes("app/[...slug]"), ["app/[...slug]/page.rs"]);
    assert_eq!(routes("app/[h-j]"), ["app/i/page.rs"]);
    assert_eq!(routes("ap?").len(), 3);
    assert_eq!(routes("app/*").len(), 0, "files that stand right in app");
    // What is there and left out is not called absent.
    for path in ["src/made.rs", "src/m*.rs"] {
        let why = agent.ok(["search", "needle", "--path", path]);
        assert!(why.contains("src/made.rs is skipped: generated"), "{why}");
    }
    // HEAD still has what a changed file had, and the index has the file as it is saved.
    repo.write("find.rs", "pub fn needle() {}\n// saved\n");
    agent.wait();
    let committed = agent.json(["search", "needle", "--source", "commit"]);
    assert_eq!(committed["hits"].as_array().unwrap().len(), 2, "{committed}");
    assert_eq!(committed["uncommitted"][0]["path"], json!("find.rs"), "{committed}");
    let text = agent.ok(["search", "needle", "--source", "commit", "--path", "find.rs"]);
    assert!(text.contains("left out for their uncommitted edits") && text.contains("): find.rs"), "{text}");
}

#[test]
fn of_several_clones_one_that_can_be_read_is_shown() {
    let repo = TestRepo::with_files([("a.py", "def kangaroo():\n    return 1\n")]);
    std::fs::create_dir(repo.path().join("sub")).unwrap();
    repo.git(&["update-index", "--add", "--cacheinfo", &format!("160000,{},sub", repo.head())]);
    repo.commit("A submodule");
    let mut agent = TestAgent::without_model();
    agent.start();
    let clones = ["clone-1", "clone-2", "clone-3"].map(|name| repo.outside(name));
    for (clone, option) in clones.iter().zip(["--quiet", "--no-checkout", "--quiet"]) {
        repo.git(&["clone", "--quiet", option, repo.path().to_str().unwrap(), clone.to_str().unwrap()]);
        agent.ok(["register", clone.to_str().unwrap()]);
    }
    agent.wait();
    std::fs::rename(&clones[0], repo.outside("away")).unwrap();
    let answer = agent.json(["search", "kangaroo"]);
    let hit = &answer["hits"][0];
    assert!(hit["repo"].as_str().unwrap().ends_with("clone-3"), "{answer}");
    assert!(hit["stale"].is_null() && hit["snippet"][0]["text"] == json!("def kangaroo():"), "{answer}");
    assert_eq!(hit["also_in"].as_array().unwrap().len(), 2, "{answer}");
    // What is in a submodule is in another repository.
    let inside = clones[2].join("sub/b.py");
    for args in [&["show", inside.to_str().unwrap()][..], &["deps", clones[2].to_str().unwrap(), "sub/b.py"]] {
        let output = agent.run(args);
        assert!(output.code == Some(2) && output.stderr.contains("the submodule sub"), "{args:?}: {output:?}");
    }
}

/// What a repository names its files and writes in them could clear a terminal, or forge lines.
#[test]
fn nothing_of_a_repository_acts_on_the_terminal() {
    let name = "ev\u{1b}[2J\nil\u{202e}.py";
    let text = "def escaping():\n    return '\u{1b}[31m\u{9b}2J\u{7f}'\n";
    let repo = TestRepo::with_files([(name, text), ("made\u{1b}[2J\n.rs", "// @generated by a tool\nfn made() {}\n")]);
    let agent = indexed(&repo);
    let (top, file) = (repo.path().to_str().unwrap(), repo.path().join(name));
    let (file, missing) = (file.to_str().unwrap(), repo.path().join("no\u{1b}[2J\n.py"));
    let found = agent.ok(["search", "escaping"]);
    assert!(found.contains("ev%1B[2J%0Ail") && found.contains(".py:1-2"), "{found:?}");
    for args in [
        &["search", "escaping"][..],
        &["search", "escaping", "--path", name],
        &["search", "made", "--path", "made\u{1b}[2J\n.rs"],
        &["search", "escaping", "--json"],
        &["show", file, "--all"],
        &["show", missing.to_str().unwrap()],
        &["status"],
        &["status", "--skipped"],
        &["queue", "list", "--all"],
        &["deps", top],
        &["deps", top, name],
        &["impact", top, "--file", name],
        &["report", top],
        &["cache", "status"],
        &["logs"],
    ] {
        let output = agent.run(args);
        let acts = |c: char| c.is_control() && !matches!(c, '\n' | '\t') || c == '\u{202e}';
        for text in [&output.stdout, &output.stderr] {
            assert!(!text.contains(acts), "{args:?}: {text:?}");
        }
    }
}

/// The index of an earlier version, as its migrations made it.
#[test]
fn an_earlier_index_gets_its_words_again_and_keeps_its_analyses() {
    let repo = TestRepo::with_files([("src/lib.rs", "/// 指数退避\npub fn one() {}\npub const TWO: u8 = 2;\n")]);
    let mut agent = indexed(&repo);
    agent.stop();
    let path = find(&agent.home(), "analysis.db");
    let analyses = |db: &rusqlite::Connection| -> Vec<(i64, Vec<u8>)> {
        let mut rows = db.prepare("SELECT analysis_id, cache_key FROM file_analysis ORDER BY 1").unwrap();
        rows.query_map([], |row| Ok((row.get(0)?, row.get(1)?))).unwrap().map(Result::unwrap).collect()
    };
    let db = rusqlite::Connection::open(&path).unwrap();
    let before = analyses(&db);
    assert!(!before.is_empty());
    db.execute_batch(
        "DROP TRIGGER written_texts_go_with_answers; DROP TRIGGER written_texts_go_with_keys;
         DROP TABLE written_texts; DROP TABLE written_words; DROP TABLE resting_files; DROP TABLE vector_sets;
         DROP TABLE implementations; DROP TABLE chunk_text;
         DROP TRIGGER answers_go_whole; DROP TABLE answer_items; DROP TABLE answer_sources; DROP TABLE provisional_files;
         DROP VIEW file_dependencies; DROP VIEW file_reexports;
         CREATE TABLE file_dependencies (source_file BLOB, dependent_file BLOB, dependency_type TEXT, symbol_name TEXT, repo_id TEXT);
         CREATE TABLE file_reexports (source_file BLOB, dependent_file BLOB, dependency_type TEXT, symbol_name TEXT, repo_id TEXT);
         CREATE TABLE textual (
             chunk_no INTEGER PRIMARY KEY, chunk_id TEXT, file_path BLOB, chunk_hash BLOB, entity_type TEXT, entity_name TEXT,
             start_line INTEGER, end_line INTEGER, is_test INTEGER);
         INSERT INTO textual SELECT chunk_no, lower(hex(chunk_id)), file_path, chunk_hash, entity_type, entity_name, start_line, end_line, is_test
         FROM chunks JOIN paths USING (path_no);
         DROP TABLE chunks; ALTER TABLE textual RENAME TO chunks;
         DROP TABLE edge_uses; DROP TABLE edge_reexports; DROP TABLE used_symbols; DROP TABLE paths;
         CREATE VIRTUAL TABLE chunk_text USING fts5(name, path, body, content = '', contentless_delete = 1, tokenize = 'porter unicode61');
         INSERT INTO chunk_text (rowid, name, path, body) SELECT chunk_no, entity_name, '', 'one two' FROM chunks;
         UPDATE cache_metadata SET value = 'earlier' WHERE name = 'read_with';
         PRAGMA user_version = 8;",
    )
    .unwrap();
    drop(db);
    agent.start();
    agent.wait();
    assert_eq!(paths(&agent, &["指数退避"]), ["src/lib.rs"]);
    assert_eq!(first(&agent, &["two", "--kind", "const"]).0, json!("TWO"));
    assert_eq!(analyses(&rusqlite::Connection::open(&path).unwrap()), before);
    agent.ok(["cache", "verify"]);
}

fn find(below: &std::path::Path, name: &str) -> std::path::PathBuf {
    let mut open = vec![below.to_path_buf()];
    while let Some(directory) = open.pop() {
        for entry in std::fs::read_dir(directory).unwrap().flatten() {
            if entry.file_name() == name {
                return entry.path();
            }
            if entry.file_type().unwrap().is_dir() {
                open.push(entry.path());
            }
        }
    }
    panic!("there is no {name}");
}

/// A notebook is what a person wrote in it: cells are found on their lines, what was printed is not, and running it again costs nothing.
#[test]
fn a_notebook_is_its_cells_without_their_outputs() {
    let notebook = |count: u32, printed: &str| {
        format!(
            "{{\n \"cells\": [\n  {{\n   \"cell_type\": \"markdown\",\n   \"source\": [\n    \"# Customer churn\\n\",\n    \"Who leaves us\"\n   ]\n  \
             }},\n  {{\n   \"cell_type\": \"code\",\n   \"execution_count\": {count},\n   \"outputs\": [{{\"text\": [\"{printed}\\n\"]}}],\n   \
             \"source\": [\n    \"def survival(frame):\\n\",\n    \"    return frame.lifetimes\"\n   ]\n  }}\n ],\n \"nbformat\": 4\n}}\n"
        )
    };
    let repo = TestRepo::with_files([("notes/churn.ipynb", notebook(1, "zanzibar").as_str())]);
    let agent = indexed(&repo);
    let answer = agent.json(["search", "survival lifetimes"]);
    assert_eq!(answer["hits"][0]["path"], "notes/churn.ipynb", "{answer:#}");
    let lines = answer["hits"][0]["snippet"].as_array().unwrap();
    assert!(lines.contains(&json!({"line": 15, "text": "def survival(frame):"})), "{answer:#}");
    assert_eq!(paths(&agent, &["customer churn"]), ["notes/churn.ipynb"]);
    assert!(paths(&agent, &["zanzibar"]).is_empty(), "an output");
    let made = agent.json(["status"])["cache"]["misses"].clone();
    repo.write("notes/churn.ipynb", notebook(2, "madagascar"));
    repo.commit("Run it again");
    agent.wait();
    assert_eq!(agent.json(["status"])["cache"]["misses"], made, "nothing is analysed for another output");
    assert_eq!(agent.json(["cache", "verify"])["repos"][0]["sound"], true);
}
