//! The promise, for Python: a change analyses the files that use what changed, found through re-exports, stars, bases and inferred types;
//! what is stored is what an index from nothing would hold.

use std::collections::BTreeSet;

use serde_json::json;

use crate::support::FollowedRepo;

/// A package that hands names on, as flask does, next to a crate that has nothing to do with it.
const FILES: [(&str, &str); 11] = [
    ("pyproject.toml", "[project]\nname = \"web\"\nversion = \"1\"\n"),
    ("src/web/__init__.py", "\"\"\"The web.\"\"\"\nfrom .app import App as App\nfrom .ctx import *\n"),
    (
        "src/web/app.py",
        "from __future__ import annotations\n\nimport typing as t\n\nfrom .base import Base\n\nif t.TYPE_CHECKING:\n    from .ctx import Context\n\n\nclass App(Base):\n    def context(self) -> Context:\n        from .ctx import Context\n\n        return Context(self)\n",
    ),
    (
        "src/web/base.py",
        "class Base:\n    def __init__(self, path: str, debug: bool = False):\n        self.path = path\n\n    def route(self, rule):\n        def decorate(f):\n            return f\n\n        return decorate\n",
    ),
    (
        "src/web/ctx.py",
        "__all__ = ['Context', 'current']\n\n\nclass Context:\n    def __init__(self, app):\n        self.app = app\n\n    def push(self, twice=False):\n        return self.app\n\n\ndef current():\n    return Context(None)\n",
    ),
    ("src/web/plugins.py", "import importlib\n\n\ndef load(name):\n    return importlib.import_module(name)\n"),
    (
        "tests/test_app.py",
        "import web\nfrom web import App, current\n\napp = App('x', debug=True)\n\n\n@app.route('/')\ndef index():\n    return web.current()\n\n\ndef test_push():\n    app.context().push()\n    current().push()\n",
    ),
    ("tools/count.py", "def count(words: list[str]) -> int:\n    return len(words)\n"),
    ("Cargo.toml", "[package]\nname = \"fast\"\nversion = \"0.1.0\"\nedition = \"2021\"\n"),
    ("src/lib.rs", "pub mod sums;\n"),
    ("src/sums.rs", "pub fn sum() -> u32 {\n    1\n}\n"),
];

fn set(paths: &[&str]) -> BTreeSet<String> {
    paths.iter().map(|&path| path.to_owned()).collect()
}

#[test]
fn a_python_edit_costs_those_that_use_what_changed() {
    let mut web = FollowedRepo::new(FILES);
    let used = web.edges("tests/test_app.py");
    for edge in [
        "src/web/app.py: App",
        "src/web/base.py: Base.route",
        "src/web/ctx.py: Context.push",
        "src/web/ctx.py: current",
    ] {
        assert!(used.contains(&format!("tests/test_app.py > {edge}")), "{edge} in {used:#?}");
    }

    // A body, a comment and a docstring concern one file.
    assert_eq!(
        web.edit("src/web/base.py", "self.path = path", "self.path = str(path)  # why"),
        set(&["src/web/base.py"])
    );
    let impact = web.impact();
    assert_eq!(impact["dependents"], json!([]), "{impact}");
    assert_eq!(impact["tests"][0]["path"], "tests/test_app.py", "{impact}");
    let made = json!({"file": "src/web/base.py", "symbol": "Base.__init__"});
    assert!(impact["tests"][0]["reaches"].as_array().unwrap().contains(&made), "{impact}");

    // A parameter, seen through an inferred result; a base class; what a star brings.
    let with_test = set(&["src/web/ctx.py", "tests/test_app.py"]);
    assert_eq!(web.edit("src/web/ctx.py", "push(self, twice=False)", "push(self, twice)"), with_test);
    let causes = web.impact()["dependents"][0]["because"].clone();
    assert_eq!(causes[0]["symbol"], "Context.push", "{causes}");
    assert!(web.edit("src/web/base.py", "debug: bool = False", "debug: bool").contains("tests/test_app.py"));
    assert!(web.edit("src/web/app.py", "class App(Base)", "class App(Base, object)").contains("tests/test_app.py"));
    assert!(web.edit("src/web/ctx.py", "['Context', 'current']", "['Context']").contains("tests/test_app.py"));
    web.assert_sound();

    // The other language is not concerned, nor concerns.
    assert_eq!(web.edit("src/sums.rs", "sum() -> u32", "sum() -> u64"), set(&["src/sums.rs"]));
    assert_eq!(web.edit("tools/count.py", "-> int", "-> 'int'"), set(&["tools/count.py"]));
    web.assert_sound();
}

#[test]
fn python_modules_come_go_and_break() {
    let mut web = FollowedRepo::new(FILES);
    web.repo.rename("src/web/base.py", "src/web/root.py");
    assert!(web.commit("rename a module").contains("src/web/app.py"));
    web.assert_sound();
    web.edit("src/web/app.py", "from .base import", "from .root import");
    assert!(web.edges("tests/test_app.py").contains("tests/test_app.py > src/web/root.py: Base.route"));

    web.repo.write("src/web/late.py", "def current() -> str: ...\n");
    web.edit("src/web/ctx.py", "def current():\n    return Context(None)", "from .late import current");
    assert!(web.edges("tests/test_app.py").contains("tests/test_app.py > src/web/late.py: current"));
    web.repo.write("src/web/late.pyi", "def current() -> int: ...\n");
    web.commit("a stub");
    assert!(web.edges("tests/test_app.py").contains("tests/test_app.py > src/web/late.pyi: current"));

    web.edit("src/web/root.py", "class Base:", "class Base(:\nprint 'x'\nclass Base:");
    web.repo
        .write("src/web/ctx.py", "\u{feff}from .app import App\r\nclass Context(App):\r\n    def push(self): pass\r\n");
    web.commit("broken text, a circle, CRLF");
    web.assert_sound();
    web.repo.delete("src/web/late.pyi");
    web.repo.delete("src/web/app.py");
    web.commit("gone");
    web.assert_sound();
}

#[test]
fn what_python_hides_is_listed_apart() {
    let mut web = FollowedRepo::new(FILES);
    let deps = web.agent.json(["deps", web.path()]);
    assert_eq!(
        deps["may_depend"],
        json!([{"path": "src/web/plugins.py", "line": 5, "written": "importlib.import_module(name)", "confidence": "low"}])
    );
    web.edit("src/web/ctx.py", "push(self, twice=False)", "push(self, twice)");
    assert_eq!(web.impact()["may_depend"], deps["may_depend"]);
    let shown = web.agent.ok(["show", web.repo.path().join("src/web/ctx.py").to_str().unwrap()]);
    assert!(shown.contains("used by tests") && shown.contains("tests/test_app.py"), "{shown}");
}

/// A project whose settings say where its modules lie, with fixtures, overloads and decorators.
const SHOP: [(&str, &str); 9] = [
    (
        "pyproject.toml",
        "[project]\nname = \"shop\"\nversion = \"1\"\n\n[tool.setuptools.packages.find]\nwhere = [\"python\"]\n",
    ),
    ("python/shop/__init__.py", ""),
    (
        "python/shop/cart.py",
        "from .marks import marked\n\n\n@marked('cart', limit=3)\ndef total(prices):\n    return sum(prices)\n\n\ndef empty():\n    return []\n",
    ),
    ("python/shop/marks.py", "def marked(name, limit):\n    def mark(f):\n        return f\n\n    return mark\n"),
    ("next/shop/__init__.py", ""),
    ("next/shop/cart.py", "def total(prices, tax=0):\n    return sum(prices) + tax\n\n\ndef empty():\n    return ()\n"),
    ("tests/conftest.py", "import pytest\n\n\n@pytest.fixture\ndef prices():\n    return [1, 2]\n"),
    ("tests/test_cart.py", "from shop.cart import total\n\n\ndef test_total(prices):\n    assert total(prices) == 3\n"),
    ("tests/test_other.py", "from shop.cart import *\n\n\ndef test_empty():\n    assert empty() == []\n"),
];

#[test]
fn settings_of_a_python_project_reach_what_they_decide() {
    let mut shop = FollowedRepo::new(SHOP);
    let used = |shop: &FollowedRepo, file: &str| shop.used(file);
    assert_eq!(used(&shop, "tests/test_cart.py"), ["python/shop/cart.py: total"]);
    assert_eq!(shop.edit("pyproject.toml", "version = \"1\"", "version = \"2\""), set(&["pyproject.toml"]));
    // What the other test uses has the same signature there.
    let concerned = set(&["pyproject.toml", "tests/test_cart.py"]);
    assert_eq!(shop.edit("pyproject.toml", "[\"python\"]", "[\"next\"]"), concerned);
    assert_eq!(used(&shop, "tests/test_cart.py"), ["next/shop/cart.py: total"]);
    assert_eq!(used(&shop, "tests/test_other.py"), ["next/shop/cart.py: empty"]);
    shop.assert_sound();
    shop.repo.delete("pyproject.toml");
    shop.commit("without settings");
    shop.assert_sound();
}

#[test]
fn a_fixture_is_what_its_tests_depend_on() {
    let mut shop = FollowedRepo::new(SHOP);
    let conftest = "tests/conftest.py";
    assert_eq!(shop.edit(conftest, "[1, 2]", "[1, 2][:]"), set(&[conftest]));
    let with_test = set(&[conftest, "tests/test_cart.py"]);
    assert_eq!(shop.edit(conftest, "@pytest.fixture", "@pytest.fixture(scope='session')"), with_test);
    let causes = shop.impact()["dependents"][0]["because"].clone();
    assert_eq!((&causes[0]["file"], &causes[0]["symbol"]), (&json!(conftest), &json!("prices")), "{causes}");
    assert_eq!(shop.edit(conftest, "def prices", "def costs"), with_test);
    shop.assert_sound();
}

#[test]
fn overloads_lists_of_names_and_decorators_reach_users() {
    let mut shop = FollowedRepo::new(SHOP);
    let cart = "python/shop/cart.py";
    let overload = "from typing import overload\n\n\n@overload\ndef total(prices: int) -> int: ...\n";
    let analysed = shop.edit(cart, "from .marks import marked", &format!("from .marks import marked\n{overload}"));
    assert_eq!(analysed, set(&[cart, "tests/test_cart.py"]));
    assert_eq!(shop.edit(cart, "limit=3", "limit=4"), set(&[cart, "tests/test_cart.py"]));
    assert_eq!(
        shop.edit("python/shop/marks.py", "(name, limit)", "(name, limit=1)"),
        set(&["python/shop/marks.py", cart])
    );
    // A list of names hides one that a star brought.
    let listed = shop.edit(cart, "from .marks", "__all__ = ['total']\nfrom .marks");
    assert_eq!(listed, set(&[cart, "tests/test_other.py"]));
    assert_eq!(shop.used("tests/test_other.py"), [""; 0]);
    // Listed again, the test has the context that it had: its results are found again.
    assert_eq!(shop.edit(cart, "['total']", "['total', 'empty']"), set(&[cart]));
    assert_eq!(shop.used("tests/test_other.py"), ["python/shop/cart.py: empty"]);
    shop.assert_sound();
}
