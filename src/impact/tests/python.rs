//! Python: how names lead to files, and whom a change touches.

use super::*;

/// A package that hands on names, as flask does.
const PACKAGE: &[(&str, &str)] = &[
    ("src/web/__init__.py", "from .app import App\nfrom .ctx import *\nfrom . import json as json\n"),
    (
        "src/web/app.py",
        "from __future__ import annotations\nimport typing as t\nfrom .base import Base\nif t.TYPE_CHECKING:\n    from .ctx import Context\n\n\nclass App(Base):\n    def context(self) -> Context:\n        from .ctx import Context\n        return Context(self)\n",
    ),
    (
        "src/web/base.py",
        "class Base:\n    name = 'web'\n\n    def __init__(self, path: str, debug: bool = False):\n        self.path = path\n\n    def route(self, rule):\n        def decorate(f):\n            return f\n        return decorate\n",
    ),
    (
        "src/web/ctx.py",
        "__all__ = ['Context', 'current']\n\n\nclass Context:\n    def __init__(self, app):\n        self.app = app\n\n    def push(self): pass\n\n\ndef current() -> 'Context | None': ...\ndef hidden(): ...\n",
    ),
    ("src/web/json/__init__.py", "def dumps(value, *, indent=None): return ''\n"),
    (
        "tests/test_app.py",
        "import web\nfrom web import App, current\n\napp = App('x', debug=True)\n\n\n@app.route('/')\ndef index():\n    return web.json.dumps(1, indent=2)\n\n\ndef test_push():\n    app.context().push()\n    current().push()\n",
    ),
];

fn package() -> Texts {
    Texts::new(PACKAGE)
}

/// The package with a part of one file replaced.
fn edited(path: &str, from: &str, to: &str) -> Texts {
    let text = PACKAGE.iter().find(|(of, _)| *of == path).unwrap().1;
    assert!(text.contains(from), "{from}");
    package().with(path, &text.replace(from, to))
}

fn modified(path: &str, after: &Texts) -> Impact {
    compare(&[Change::Modification { path: path.into() }], &package(), after)
}

fn causes(impact: &Impact, path: &str) -> Vec<String> {
    let causes = impact.dependents.get(&path.into());
    causes.map(|causes| causes.iter().map(|cause| cause.symbol.clone()).collect()).unwrap_or_default()
}

#[test]
fn python_names_lead_through_re_exports_values_and_members() {
    let of_test: Vec<String> =
        package().edges().into_iter().filter(|edge| edge.contains("<- tests/test_app.py")).collect();
    let expected = [
        "src/web/app.py <- tests/test_app.py: App",
        "src/web/app.py <- tests/test_app.py: App.context",
        "src/web/base.py <- tests/test_app.py: Base.__init__.debug",
        "src/web/base.py <- tests/test_app.py: Base.route",
        "src/web/ctx.py <- tests/test_app.py: Context.push",
        "src/web/ctx.py <- tests/test_app.py: current",
        "src/web/json/__init__.py <- tests/test_app.py: dumps",
        "src/web/json/__init__.py <- tests/test_app.py: dumps.indent",
    ];
    assert_eq!(of_test, expected);
}

#[test]
fn a_body_or_comment_of_python_touches_no_dependent() {
    for (from, to) in [
        ("self.path = path", "print(path)  # why\n        self.path = path"),
        ("return decorate", "del rule\n        return decorate"),
        ("debug: bool = False", "debug: bool = True"),
        ("class Base:", "class Base:\n    '''Doc.'''\n"),
    ] {
        let impact = modified("src/web/base.py", &edited("src/web/base.py", from, to));
        assert!(impact.dependents.is_empty(), "{from}: {impact:?}");
        assert!(!impact.cut_off.is_empty());
    }
}

#[test]
fn what_python_users_see_touches_those_that_use_it() {
    for (path, from, to, symbol) in [
        ("src/web/base.py", "debug: bool = False", "debug: bool", "Base.__init__"),
        ("src/web/base.py", "def route(self, rule)", "def route(self, rule, *, host=None)", "Base.route"),
        ("src/web/ctx.py", "def push(self)", "async def push(self)", "Context.push"),
        ("src/web/ctx.py", "-> 'Context | None'", "-> 'Context'", "current"),
        ("src/web/app.py", "class App(Base)", "class App(Base, object)", "App"),
        ("src/web/json/__init__.py", "indent=None", "indent", "dumps"),
    ] {
        let impact = modified(path, &edited(path, from, to));
        assert!(causes(&impact, "tests/test_app.py").contains(&symbol.to_owned()), "{from} -> {to}: {impact:?}");
    }
    let impact = modified("src/web/ctx.py", &edited("src/web/ctx.py", "def hidden()", "def hidden(x)"));
    assert!(impact.dependents.is_empty(), "{impact:?}");
}

#[test]
fn a_function_moves_behind_a_re_export() {
    let dumps = "def dumps(value, *, indent=None): return ''\n";
    let after =
        package().with("src/web/json/__init__.py", "from .impl import dumps\n").with("src/web/json/impl.py", dumps);
    let changes = [
        Change::Modification { path: "src/web/json/__init__.py".into() },
        Change::Addition { path: "src/web/json/impl.py".into() },
    ];
    let impact = compare(&changes, &package(), &after);
    assert!(causes(&impact, "tests/test_app.py").contains(&"dumps".to_owned()), "{impact:?}");
    assert!(after.edges().contains(&"src/web/json/impl.py <- tests/test_app.py: dumps".to_owned()));
}

#[test]
fn a_list_of_names_decides_what_a_star_brings() {
    let after = edited("src/web/ctx.py", "['Context', 'current']", "['Context']");
    let impact = modified("src/web/ctx.py", &after);
    assert!(impact.dependents.contains_key(&"tests/test_app.py".into()), "{impact:?}");
    let longer = edited("src/web/ctx.py", "'current']", "'current', 'hidden']");
    assert!(!modified("src/web/ctx.py", &longer).dependents.contains_key(&"src/web/app.py".into()));
}

#[test]
fn a_renamed_module_touches_who_named_it() {
    let text = PACKAGE.iter().find(|(path, _)| *path == "src/web/base.py").unwrap().1;
    let after = package().without("src/web/base.py").with("src/web/root.py", text);
    let change = Change::Rename { from: "src/web/base.py".into(), path: "src/web/root.py".into() };
    let impact = compare(&[change], &package(), &after);
    assert!(impact.dependents.contains_key(&"src/web/app.py".into()), "{impact:?}");
    let fixed = PACKAGE.iter().find(|(path, _)| *path == "src/web/app.py").unwrap().1.replace(".base", ".root");
    let after = after.with("src/web/app.py", &fixed);
    assert!(after.edges().contains(&"src/web/root.py <- tests/test_app.py: Base.route".to_owned()));
}

#[test]
fn a_stub_stands_for_the_module_next_to_it() {
    let files = [
        ("p/__init__.py", ""),
        ("p/fast.py", "def f(*a): ..."),
        ("p/fast.pyi", "def f(x: int) -> int: ..."),
        ("q.py", "from p.fast import f\nf(1)"),
    ];
    assert_edges(&files, &["p/fast.pyi <- q.py: f"]);
}

#[test]
fn import_roots_are_folders_that_are_no_packages() {
    assert_edges(
        &[
            ("one/src/shared/__init__.py", "x = 1"),
            ("two/src/shared/__init__.py", "x = 2"),
            ("one/tests/test_x.py", "from shared import x"),
            ("two/tests/test_x.py", "from shared import x"),
            // a namespace package
            ("lib/space/part/__init__.py", "y = 1"),
            ("use.py", "import space.part\nspace.part.y"),
            // the standard library is not what lies next to a module of a package
            ("pack/__init__.py", ""),
            ("pack/types.py", "z = 1"),
            ("pack/user.py", "import types\ntypes.z"),
            ("pack/near.py", "from .types import z"),
        ],
        &[
            "one/src/shared/__init__.py <- one/tests/test_x.py: x",
            "two/src/shared/__init__.py <- two/tests/test_x.py: x",
            "lib/space/part/__init__.py <- use.py: y",
            "pack/types.py <- pack/near.py: z",
        ],
    );
}

#[test]
fn circles_broken_text_and_old_python_still_lead_somewhere() {
    assert_edges(
        &[
            ("p/__init__.py", ""),
            ("p/a.py", "from .b import B\nclass A:\n    b: 'B'\n    def go(self): return self.b.back()\n"),
            ("p/b.py", "from . import a\r\nclass B:\r\n    def back(self) -> 'a.A': return a.A()\r\n"),
            (
                "p/old.py",
                "\u{feff}from a import A\nprint A, 'text'\ntry:\n    exec 'x'\nexcept IOError, e:\n    raise A, e\n",
            ),
            (
                "p/broken.py",
                "from .a import A\ndef g(x: A):\n    x.go()\n\nx = = 1\n\nclass Late(A):\n    pass\n\ndef f(:\n",
            ),
        ],
        &[
            "p/a.py <- p/b.py: A",
            "p/a.py <- p/broken.py: A",
            "p/a.py <- p/broken.py: A.go",
            "p/a.py <- p/old.py: A",
            "p/b.py <- p/a.py: B",
            "p/b.py <- p/a.py: B.back",
        ],
    );
}

#[test]
fn what_is_missing_in_python_is_known_to_be_missing() {
    let texts = Texts::new(&[
        ("p/__init__.py", "from .gone import f\nfrom .here import lost, found\nimport numpy"),
        ("p/here.py", "found = 1"),
    ]);
    let graph = texts.graph();
    let missing: Vec<&str> = graph
        .uses(&"p/__init__.py".into())
        .iter()
        .filter(|one| one.signature.is_none())
        .map(|one| one.written.as_str())
        .collect();
    assert_eq!(missing, [".gone", ".here.lost"]);
}

#[test]
fn rings_and_depths_of_python_are_bounded() {
    let ring: Vec<(String, String)> = (0..400)
        .map(|n| {
            (
                format!("r/m{n}.py"),
                format!("from .m{} import *\nfrom .m{} import name{n}\n", (n + 1) % 400, (n + 7) % 400),
            )
        })
        .collect();
    let deep = "a.b(".repeat(400) + &")".repeat(400);
    let bases: String =
        (0..500).map(|n| format!("class C{n}(C{}, C{}): pass\n", (n + 1) % 500, (n + 7) % 500)).collect();
    let calls = format!("{bases}x = C0()\n{}", "x = x.go().go\n".repeat(2_000));
    let mut files: Vec<(&str, &str)> = ring.iter().map(|(path, text)| (path.as_str(), text.as_str())).collect();
    files.extend([
        ("r/__init__.py", "from .m0 import *"),
        ("deep.py", deep.as_str()),
        ("calls.py", calls.as_str()),
        ("use.py", "from r import nothing\nfrom calls import x\nx.go.go"),
    ]);
    // Values that double with each line are not compared to their ends.
    let doubled: String =
        (0..60).map(|n| format!("x{0} = (x{n}, x{n})\ny{0} = (y{n}, y{n})\nz{n} = [x{0}, y{0}]\n", n + 1)).collect();
    let doubled = format!("from calls import *\nx0 = (C1(), C2())\ny0 = (C1(), C2())\n{doubled}z59.go()\n");
    files.push(("doubled.py", doubled.as_str()));
    let texts = Texts::new(&files);
    assert_eq!(texts.graph().edges(), Texts::new(&files).graph().edges());
}
