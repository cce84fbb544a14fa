//! The promise: an interface leads to what implements it, in every linked language, so that no call chain is cut; what is stored of
//! that is what an index from nothing would hold.

use serde_json::{Value, json};

use crate::support::{TestAgent, TestRepo, assert_same_state, untouched};

/// A trait, an abstract base class and an interface, each with one implementation, a caller, and a fake in the tests of two of them.
const FILES: [(&str, &str); 14] = [
    ("Cargo.toml", "[package]\nname = \"shop\"\nversion = \"0.1.0\"\nedition = \"2021\"\n"),
    ("src/lib.rs", "pub mod service;\npub mod sql;\npub mod store;\n"),
    ("src/store.rs", "pub trait Store {\n    fn save(&self, row: u8) -> u8;\n}\n"),
    (
        "src/sql.rs",
        "use crate::store::Store;\n\npub struct Sql;\n\nimpl Store for Sql {\n    fn save(&self, row: u8) -> u8 {\n        row\n    }\n}\n",
    ),
    ("src/service.rs", "use crate::store::Store;\n\npub fn run(store: &dyn Store) -> u8 {\n    store.save(1)\n}\n"),
    (
        "tests/run.rs",
        "use shop::store::Store;\n\nstruct Fake;\n\nimpl Store for Fake {\n    fn save(&self, row: u8) -> u8 {\n        row\n    }\n}\n\n#[test]\nfn runs() {\n    assert_eq!(shop::service::run(&Fake), 1);\n}\n",
    ),
    ("app/__init__.py", ""),
    (
        "app/store.py",
        "from abc import ABC, abstractmethod\n\n\nclass Store(ABC):\n    @abstractmethod\n    def save(self, row): ...\n",
    ),
    ("app/sql.py", "from .store import Store\n\n\nclass Sql(Store):\n    def save(self, row):\n        return row\n"),
    ("app/service.py", "from .store import Store\n\n\ndef run(store: Store):\n    return store.save(1)\n"),
    ("tests/test_run.py", "from app.service import run\n\n\ndef test_run():\n    run(None)\n"),
    ("web/store.ts", "export interface Store {\n  save(row: number): number;\n}\n"),
    (
        "web/sql.ts",
        "import type { Store } from './store';\n\nexport class Sql implements Store {\n  save(row: number) {\n    return row;\n  }\n}\n",
    ),
    (
        "web/service.ts",
        "import type { Store } from './store';\n\nexport const run = (store: Store) => store.save(1);\n",
    ),
];

struct Shop {
    agent: TestAgent,
    repo: TestRepo,
}

impl Shop {
    fn new() -> Self {
        let mut agent = TestAgent::without_model();
        let repo = TestRepo::with_files(FILES);
        agent.start();
        untouched(repo.path(), || {
            agent.ok(["register", repo.path().to_str().unwrap()]);
            agent.wait();
        });
        Self { agent, repo }
    }

    fn path(&self) -> &str {
        self.repo.path().to_str().unwrap()
    }

    fn commit(&self, message: &str) {
        self.repo.commit(message);
        untouched(self.repo.path(), || self.agent.wait());
    }

    /// `interface -> implementation` of the links of a file, the only ones marked.
    fn links(&self, file: &str) -> Vec<String> {
        let deps = self.agent.json(["deps", self.path(), file]);
        links(&deps["implements"])
    }

    #[track_caller]
    fn assert_sound(&self) {
        let output = self.agent.run(["cache", "verify", self.path(), "--json"]);
        let printed: Value = serde_json::from_str(&output.stdout).unwrap();
        assert_eq!((output.code, &printed["repos"][0]["differences"]), (Some(0), &json!([])), "{printed:#}");
    }
}

fn links(printed: &Value) -> Vec<String> {
    let text = |link: &Value, name: &str| link[name].as_str().unwrap().to_owned();
    let only = |link: &Value| if link["only"] == true { " (only)" } else { "" };
    let shown = |link: &Value| {
        let (interface, implementation) = (text(link, "interface"), text(link, "implementation"));
        format!("{interface} -> {} {implementation}{}", text(link, "implementation_file"), only(link))
    };
    printed.as_array().unwrap().iter().map(shown).collect()
}

#[test]
fn an_interface_shows_its_implementations_and_the_reverse() {
    let shop = Shop::new();
    let expected = [
        "Store -> src/sql.rs Sql (only)",
        "Store -> tests/run.rs Fake",
        "Store::save -> src/sql.rs Sql::save (only)",
        "Store::save -> tests/run.rs Fake::save",
    ];
    assert_eq!(shop.links("src/store.rs"), expected);
    assert_eq!(
        shop.links("app/sql.py"),
        ["Store -> app/sql.py Sql (only)", "Store.save -> app/sql.py Sql.save (only)"]
    );
    assert_eq!(
        shop.links("web/sql.ts"),
        ["Store -> web/sql.ts Sql (only)", "Store.save -> web/sql.ts Sql.save (only)"]
    );
    for (file, caller) in
        [("src/sql.rs", "src/service.rs"), ("app/sql.py", "app/service.py"), ("web/sql.ts", "web/service.ts")]
    {
        let shown = shop.agent.json(["show", shop.repo.path().join(file).to_str().unwrap()]);
        assert_eq!(shown["implements"].as_array().unwrap().len(), 2, "{shown:#}");
        let callers = shown["called_through"].as_array().unwrap();
        assert!(callers.iter().any(|one| one["path"] == caller), "{callers:#?}");
        let text = shop.agent.ok(["show", shop.repo.path().join(file).to_str().unwrap()]);
        assert!(
            text.contains("its only implementation") && text.contains("called through its interfaces by"),
            "{text}"
        );
    }
    let interface = shop.agent.json(["show", shop.repo.path().join("web/store.ts").to_str().unwrap()]);
    assert_eq!(links(&interface["implemented_by"]).len(), 2, "{interface:#}");
    let deps = shop.agent.ok(["deps", shop.path(), "app/store.py"]);
    assert!(deps.contains("Sql of app/sql.py implements Store of app/store.py (its only implementation)"), "{deps}");
    shop.assert_sound();
}

#[test]
fn no_call_chain_is_cut_at_an_interface() {
    let shop = Shop::new();
    let changes = [
        ("src/sql.rs", "        row\n", "        row + 1\n", "src/service.rs", "Sql::save"),
        ("app/sql.py", "return row", "return row + 1", "app/service.py", "Sql.save"),
        ("web/sql.ts", "return row", "return row + 1", "web/service.ts", "Sql.save"),
    ];
    for (file, from, to, caller, symbol) in changes {
        shop.repo.edit(file, from, to);
        shop.commit(file);
        let impact = shop.agent.json(["impact", shop.path()]);
        assert_eq!(impact["dependents"], json!([]), "a body: {impact:#}");
        assert_eq!(impact["changed"][0]["symbols"], json!([{"symbol": symbol, "change": "body"}]), "{impact:#}");
        let through = impact["through_interfaces"].as_array().unwrap();
        let found = through.iter().find(|one| one["path"] == caller).unwrap_or_else(|| panic!("{impact:#}"));
        assert_eq!((&found["only"], &found["implementation"]["symbol"]), (&json!(true), &json!(symbol)));
        let text = shop.agent.ok(["impact", shop.path()]);
        assert!(text.contains(&format!("{symbol} of {file} changed, its only implementation")), "{text}");
    }
    // The tests behind the interface are found, too.
    let impact = shop.agent.json(["impact", shop.path(), "HEAD~2..HEAD~1"]);
    let tests: Vec<&Value> = impact["tests"].as_array().unwrap().iter().map(|test| &test["path"]).collect();
    assert_eq!(tests, ["tests/test_run.py"], "{impact:#}");
    // What an interface asks for in addition reaches those who implement it, and the gate refuses it.
    for (file, from, to, implementer) in [
        (
            "app/store.py",
            "    @abstractmethod\n",
            "    @abstractmethod\n    def load(self): ...\n    @abstractmethod\n",
            "app/sql.py",
        ),
        ("web/store.ts", "  save(row: number)", "  load(): number;\n  save(row: number)", "web/sql.ts"),
    ] {
        shop.repo.edit(file, from, to);
        shop.commit("more is asked for");
        let impact = shop.agent.json(["impact", shop.path()]);
        let touched = impact["dependents"].as_array().unwrap();
        assert!(touched.iter().any(|one| one["path"] == implementer), "{impact:#}");
        assert_eq!(shop.agent.run(["impact", shop.path(), "--check"]).code, Some(6), "{file}");
    }
    shop.assert_sound();
}

#[test]
fn links_follow_commits_and_equal_a_rebuild() {
    let shop = Shop::new();
    let second = "from .store import Store\n\n\nclass Memory(Store):\n    def save(self, row):\n        return None\n";
    shop.repo.write("app/memory.py", second);
    shop.commit("another");
    let both = ["Store -> app/memory.py Memory", "Store -> app/sql.py Sql"];
    assert_eq!(shop.links("app/store.py")[..2], both);
    shop.assert_sound();
    // The class is abstract no more; the file of its implementations is another.
    shop.repo.edit("app/store.py", "    @abstractmethod\n", "");
    shop.repo.edit("app/store.py", "Store(ABC)", "Store");
    shop.commit("plain");
    assert_eq!(shop.links("app/store.py"), [""; 0]);
    shop.assert_sound();
    shop.repo.edit("app/store.py", "class Store", "class Store(ABC)");
    shop.repo.edit("web/store.ts", "save(row: number)", "keep(row: number)");
    shop.repo.delete("src/sql.rs");
    shop.repo.edit("src/lib.rs", "pub mod sql;\n", "");
    shop.commit("three at once");
    assert_eq!(shop.links("app/store.py")[..2], both);
    assert_eq!(shop.links("web/store.ts"), ["Store -> web/sql.ts Sql (only)"], "its member has another name");
    assert_eq!(shop.links("src/store.rs"), ["Store -> tests/run.rs Fake", "Store::save -> tests/run.rs Fake::save"]);
    shop.assert_sound();
    let mut beginner = TestAgent::without_model();
    beginner.start();
    beginner.ok(["register", shop.path()]);
    beginner.wait();
    assert_same_state(&shop.agent.state(), &beginner.state());
}

#[test]
fn a_store_of_before_fills_itself() {
    let mut shop = Shop::new();
    shop.agent.stop();
    let older = "DELETE FROM implementations;
                 UPDATE cache_metadata SET value = 'of an earlier version' WHERE name = 'read_with';";
    shop.agent.store().execute_batch(older).unwrap();
    assert_eq!(shop.links("web/store.ts"), [""; 0], "a reader that comes before the worker");
    shop.agent.start();
    shop.agent.ok(["reconcile", shop.path()]);
    shop.agent.wait();
    assert_eq!(shop.links("web/store.ts").len(), 2);
    shop.assert_sound();
}
