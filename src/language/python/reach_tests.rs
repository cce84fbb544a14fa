//! What an edit reaches covers what resolves otherwise, in a warm world and in a new one; and a world that follows edits equals a new one.

use std::collections::BTreeSet;
use std::sync::Arc;

use crate::domain::FilePath;
use crate::impact::{World, resolve};
use crate::language::SymbolKind;
use crate::language::eval::edit_tests::{Dice, Texts, assert_covers, assert_edit, said, texts};

/// Lines that name each other across modules, some of them wrongly.
const LINES: &[&str] = &[
    "from .a import A, make",
    "from .b import *",
    "from . import a, b as bee",
    "from .c import A as C, gone",
    "import p.a, p.b",
    "import p",
    "from p import sub",
    "from p.sub.d import *",
    "from .sub import d",
    "from ..b import B",
    "from __future__ import annotations",
    "__all__ = ['A', 'make', 'B']",
    "__all__ += ['helper']",
    "class A:\n    x: int = 0\n    def go(self): return self\n    def other(self): return B()",
    "class A(B):\n    def __init__(self, size=1):\n        self.inner = make()\n        self.size = size",
    "class B:\n    name = 'b'\n    def go(self, fast: bool = False) -> 'A': ...\n    @property\n    def part(self) -> A: return A()",
    "class B(p.a.A):\n    def stay(self): return super().go()\n    def __enter__(self): return self.go()\n    def __iter__(self): yield A()",
    "class C(A, B): pass",
    "def make(): return A()",
    "def make(size: int = 3) -> B: return B()",
    "def make():\n    thing = a.A()\n    if thing: return thing.other()\n    return bee.B()",
    "def helper(one: A, *rest: B, **named): return one.go().part.go()",
    "def helper():\n    def inside(): return make()\n    return inside()",
    "def helper():\n    class Local(A):\n        def go(self): return B()\n    return Local()",
    "value = make()",
    "value: 'B' = None",
    "table = {'one': A()}\npairs = [(A(), B())]",
    "value = helper(make(size=2)).go().inner.size",
    "for one in B():\n    one.go().other()",
    "with B() as opened:\n    opened.part.x",
    "for name, one in pairs:\n    one.stay(); name.go()",
    "def user(one: 'p.a.A | B'):\n    one.go(fast=True).part\n    d.deep()\n    sub.d.deep().go()",
    "def user():\n    global value\n    value = B()\n    return value.stay()",
    "def user(x):\n    if isinstance(x, A): x.inner.go()\n    assert isinstance(x, B); x.part.other()",
    "T = TypeVar('T', bound='A')\ndef same(x: T) -> T: return x\nsame(A()).go()",
    "Alias = A\nOther = Optional[B]\ndef take(a: Alias, o: Other): a.go(); o.part",
    "deep = lambda: make()",
    "def deep() -> A: return A()",
    "p.a.make().go(); p.b.B().part; p.sub.d.deep().x",
    "def __getattr__(name): return make()",
    "try:\n    make()\nexcept B as error:\n    error.part\n",
    "class Box(Generic[T]):\n    held: T\n    def get(self) -> T: return self.held\ndef of(b: Box[A], c: 'Box[B]'): b.get().go(); c.held.part",
    "@pytest.fixture\ndef make(): return A()",
    "@pytest.fixture(name='helper')\ndef helped(make, value): return make",
    "@fixture\nasync def value(scope=1): yield B()",
    "def test_one(make, helper, x=1): make.go()",
    "@pytest.mark.usefixtures('value', 'make')\ndef test_two(): value",
    "class TestIt:\n    @pytest.fixture\n    def make(self, make): return make\n    def test_in(self, make, value): pass",
    "print 'Python 2'",
    "def broken(:",
    "    indented = make()",
];

const PATHS: &[&str] = &[
    "p/__init__.py",
    "p/a.py",
    "p/b.py",
    "p/c.py",
    "p/sub/__init__.py",
    "p/sub/d.py",
    "conftest.py",
    "tests/conftest.py",
    "tests/test_p.py",
];

/// What projects say of where their modules lie.
const LAYOUTS: &[&str] = &[
    "[project]\nname = \"one\"\nversion = \"2\"\n",
    "[project]\nname = \"one\"\nversion = \"3\"\n[tool.black]\nline-length = 80\n",
    "[tool.setuptools.packages.find]\nwhere = [\"lib\"]\n",
    "[tool.setuptools]\npackage-dir = { \"\" = \"lib\", q = \"other/r\" }\n",
    "[tool.pytest.ini_options]\npythonpath = \"lib other\"\n",
    "[tool.poetry]\npackages = [{ include = \"p\", from = \"src\" }]\n",
    "[tool.hatch.build.targets.wheel]\npackages = [\"lib/p\"]\nsources = { \"other/r\" = \"q\" }\n",
    "[tool.uv.build-backend]\nmodule-root = \"one/src\"\n",
    "name = ",
];

/// Modules of which several have one name, and parts of one namespace in two projects.
const SPREAD: &[(&str, &[&str])] = &[
    ("pyproject.toml", LAYOUTS),
    ("one/pyproject.toml", LAYOUTS),
    ("two/pyproject.toml", LAYOUTS),
    ("src/p/__init__.py", &["from .a import A", "from ns.x import X", ""]),
    ("src/p/a.py", &["class A: pass", "class A:\n    def go(self): pass", "from ns import *"]),
    ("lib/p/__init__.py", &["from .a import A", "A = 1"]),
    ("lib/p/a.py", &["class A:\n    def stay(self): pass", "def A(): pass"]),
    ("other/r/b.py", &["def b(): pass", "from p import A as b", "import q.b"]),
    ("one/src/ns/x.py", &["class X: pass", "from . import y", "from .y import Y", "from ns.y import Y as X"]),
    ("two/src/ns/y.py", &["class Y: pass", "from ns import x", "import ns.x\nY = ns.x.X"]),
    ("two/ns/y.py", &["def Y(): pass", "from ns.x import X as Y"]),
    (
        "tests/test_p.py",
        &[
            "import p\np.A().go()",
            "from p.a import A\nA().stay()",
            "import q.b\nq.b.b()",
            "from q import b\nb.b()",
            "import ns.x, ns.y\nns.x.X; ns.y.Y",
            "from ns import x, y\nx.X(); y.Y()",
            "import ns\nns.y.Y",
        ],
    ),
    ("two/tests/t.py", &["from ns.y import Y\nfrom ns import x", "import p, q.b", "from r import b\nb.b()"]),
];

fn random_text(dice: &mut Dice) -> String {
    (0..1 + dice.roll(9)).map(|_| LINES[dice.roll(LINES.len())]).collect::<Vec<_>>().join("\n")
}

#[test]
fn what_resolves_otherwise_is_reached() {
    let mut dice = Dice(0x2545_F491_4F6C_DD1D);
    let mut before: Texts =
        PATHS.iter().map(|&path| (path.into(), said(&path.into(), &random_text(&mut dice)))).collect();
    let mut spared = 0;
    for _ in 0..600 {
        let mut after = before.clone();
        let edited: BTreeSet<FilePath> =
            (0..=dice.roll(2)).map(|_| FilePath::from(PATHS[dice.roll(PATHS.len())])).collect();
        for path in &edited {
            let text = random_text(&mut dice);
            after.insert(path.clone(), said(path, &text));
        }
        spared += assert_edit(&before, &after, &edited);
        before = after;
    }
    assert!(spared > 0, "every file is always reached: nothing was tested");
}

/// Where modules lie changes what the same imports mean.
#[test]
fn what_a_layout_decides_is_reached() {
    let mut dice = Dice(0x5851_F42D_4C95_7F2D);
    let any = |(path, lines): &(&str, &[&str]), dice: &mut Dice| {
        let path = FilePath::from(*path);
        let text: Vec<&str> = (0..1 + dice.roll(2)).map(|_| lines[dice.roll(lines.len())]).collect();
        // A project says one thing.
        let text = if path.to_string().ends_with("toml") { text[0].to_owned() } else { text.join("\n") };
        (path.clone(), said(&path, &text))
    };
    let mut before: Texts = SPREAD.iter().map(|one| any(one, &mut dice)).collect();
    let mut spared = 0;
    for round in 0..500 {
        let mut after = before.clone();
        let mut edited = BTreeSet::new();
        for _ in 0..=dice.roll(2) {
            let at = if round % 2 == 0 { dice.roll(3) } else { dice.roll(SPREAD.len()) };
            let (path, outline) = any(&SPREAD[at], &mut dice);
            after.insert(path.clone(), outline);
            edited.insert(path);
        }
        spared += assert_edit(&before, &after, &edited);
        before = after;
    }
    assert!(spared > 0, "every file is always reached: nothing was tested");
}

/// A world of which only what an edit reaches is resolved again stays what a new one is, edit by edit.
#[test]
fn a_world_that_follows_edits_stays_complete() {
    let mut dice = Dice(0x9E37_79B9_7F4A_7C15);
    let mut files: Texts =
        PATHS.iter().map(|&path| (path.into(), said(&path.into(), &random_text(&mut dice)))).collect();
    let mut world = World::new(&files);
    let mut known = world.graph();
    for _ in 0..300 {
        let path = FilePath::from(PATHS[dice.roll(PATHS.len())]);
        let outline = said(&path, &random_text(&mut dice));
        files.insert(path.clone(), Arc::clone(&outline));
        let reach = world.edit(&[(path.clone(), outline)]).unwrap();
        let mut only = reach.files;
        only.insert(path.clone());
        let part = world.graph_of(&only);
        let new = resolve(&files);
        for file in files.keys() {
            let uses = if only.contains(file) { part.uses(file) } else { known.uses(file) };
            assert_eq!(uses, new.uses(file), "{file} after {path}, which reaches {only:?}");
        }
        known = new;
    }
}

/// Files that come one by one, each reaching those that asked for it.
#[test]
fn a_module_that_comes_reaches_those_that_name_it() {
    let all = texts(&[
        ("p/__init__.py", "from .late import Late"),
        ("p/late.py", "class Late:\n    def go(self): pass"),
        ("p/quiet.py", "x = 1"),
        ("q.py", "import p\np.late.Late().go()"),
        ("r.py", "import p\np.Late().go()"),
        ("s.py", "import os"),
    ]);
    let late = FilePath::from("p/late.py");
    let mut files = all.clone();
    files.remove(&late);
    let old = resolve(&files);
    let mut world = World::new(&files);
    world.graph();
    let reach = world.edit(&[(late.clone(), Arc::clone(&all[&late]))]).unwrap();
    let expected = ["p/__init__.py", "p/late.py", "q.py", "r.py"].map(FilePath::from);
    assert_eq!(reach.files, expected.into());
    assert_covers(&old, &resolve(&all), Some(reach), &[late].into(), &all);
    assert_eq!(world.graph(), resolve(&all));
}

/// What a test gets by name: from its file, or the nearest `conftest.py` above that has it.
#[test]
fn a_fixture_that_changes_reaches_its_tests() {
    let base = [
        (
            "conftest.py",
            "import pytest\n@pytest.fixture\ndef app(): return 1\n@pytest.fixture\ndef other(): return 2\n",
        ),
        ("tests/conftest.py", "from .given import *\n"),
        ("tests/given.py", "import pytest\n@pytest.fixture(name='client')\ndef made(app): return app\n"),
        ("tests/test_a.py", "def test_a(client): client.get()\ndef helper(other): pass\n"),
        ("tests/test_b.py", "import pytest\n@pytest.fixture\ndef app(): pass\ndef test_b(app): pass\n"),
        ("tests/test_c.py", "import pytest\n@pytest.mark.usefixtures('other')\ndef test_c(request, x=1): pass\n"),
        ("tests/deep/test_d.py", "class TestD:\n    def test_d(self, app, *rest): pass\n"),
    ];
    let reached = |path: &str, from: &str, to: &str| {
        let files = texts(&base);
        let mut world = World::new(&files);
        world.graph();
        let path = FilePath::from(path);
        let text = base.iter().find(|(known, _)| path.to_string() == *known).unwrap().1;
        assert!(text.contains(from), "{from}");
        let after = said(&path, &text.replace(from, to));
        let warm = world.edit(&[(path.clone(), Arc::clone(&after))]).unwrap();
        let mut changed = files.clone();
        changed.insert(path.clone(), after);
        assert_covers(&resolve(&files), &resolve(&changed), Some(warm.clone()), &[path.clone()].into(), &changed);
        let others = warm.files.into_iter().filter(|file| *file != path);
        others.map(|path| path.to_string()).collect::<Vec<_>>()
    };
    assert_eq!(reached("conftest.py", "def app()", "def app(x)"), ["tests/deep/test_d.py", "tests/given.py"]);
    assert_eq!(reached("conftest.py", "def other()", "async def other()"), ["tests/test_c.py"]);
    assert_eq!(reached("conftest.py", "return 1", "return 3"), [""; 0]);
    assert_eq!(reached("tests/given.py", "made(app)", "made(app, other)"), ["tests/test_a.py"]);
    assert_eq!(reached("tests/given.py", "name='client'", "name='user'"), ["tests/test_a.py"]);
    let graph = resolve(&texts(&base));
    let used = |file: &str| graph.uses(&file.into()).iter().map(|used| used.written.clone()).collect::<Vec<_>>();
    assert_eq!((used("tests/test_a.py"), used("tests/test_b.py")), (vec![".made".to_owned()], Vec::new()));
    assert_eq!(graph.edges().iter().filter(|edge| edge.dependent_file == "tests/test_a.py".into()).count(), 0);
    // A nearer one that comes.
    let files = texts(&base);
    let mut world = World::new(&files);
    world.graph();
    let near = FilePath::from("tests/deep/conftest.py");
    let reach = world.edit(&[(near.clone(), said(&near, "@pytest.fixture\ndef app(): pass\n"))]).unwrap();
    assert!(reach.files.contains(&FilePath::from("tests/deep/test_d.py")), "{reach:?}");
}

/// Rings of modules that hand names on end, and the same way each time.
#[test]
fn a_ring_of_ten_thousand_stars_ends() {
    const RING: usize = 10_000;
    let text = |at: usize| {
        let next = (at + 1) % RING;
        // Names that no file has are looked for as far as is bounded: a few are enough.
        let named =
            if at.is_multiple_of(100) { format!("from m{next} import name{at}, other\n") } else { String::new() };
        format!("from m{next} import *\n{named}")
    };
    let ring = (0..RING).map(|at| (format!("m{at}.py"), text(at)));
    let user = [("user.py".to_owned(), "from m0 import *\nother.x(name1)\n".to_owned())];
    let files: Texts = ring
        .chain(user)
        .map(|(path, text)| {
            let path = FilePath::from(path.as_str());
            (path.clone(), said(&path, &text))
        })
        .collect();
    let (one, other) = (resolve(&files), resolve(&files));
    assert_eq!((one.edges(), one.via()), (other.edges(), other.via()));
}

#[test]
fn a_body_or_comment_reaches_nobody() {
    let base = "from .c import C\nclass A:\n    '''Doc.'''\n    def __init__(self, x):\n        self.c = C()\n    def go(self, n=1):\n        y = n + 1\n        return self.c.part(y)\ndef f(a: A) -> C:\n    return a.go()\n";
    let files = |base: &str| {
        texts(&[
            ("p/__init__.py", "from .a import A, f"),
            ("p/a.py", base),
            (
                "p/c.py",
                "class C:\n    def part(self, n): return self\n    def more(self): pass\nclass D:\n    def more(self): pass\n",
            ),
            ("use.py", "import p\np.A(1).go().more()\np.f(p.A(2)).more()\n"),
        ])
    };
    let reach = |other: &str| {
        let mut world = World::new(&files(base));
        world.graph();
        let path = FilePath::from("p/a.py");
        world.edit(&[(path.clone(), said(&path, other))]).unwrap().files
    };
    for other in [
        base.replace("y = n + 1", "# why\n        y = n + 2\n        print(y)"),
        base.replace("'''Doc.'''", "'''Other words.'''"),
        base.replace("    return a.go()", "    a.go(n=2)\n    return a.c"),
        base.replace("class A", "\n\nclass A"),
        base.replace("n=1", "n=2"),
    ] {
        assert_eq!(reach(&other), BTreeSet::new(), "{other}");
    }
    let user = FilePath::from("use.py");
    for other in [
        base.replace("n=1", "n"),
        base.replace("class A:", "class A(C):"),
        base.replace("self.c = C()", "self.c = D()").replace("import C", "import C, D"),
        base.replace("return self.c.part(y)", "return self"),
        base.replace("    def go", "    @property\n    def go"),
        base.replace("-> C", "-> 'A'"),
    ] {
        assert!(reach(&other).contains(&user), "{other}");
    }
}

/// One hash of all edges and contexts of some views.
fn resolved() -> String {
    let mut dice = Dice(0xD1B5_4A32_D192_ED03);
    let mut parts = Vec::new();
    for _ in 0..40 {
        let files: Texts =
            PATHS.iter().map(|&path| (path.into(), said(&path.into(), &random_text(&mut dice)))).collect();
        let graph = resolve(&files);
        parts.push(format!("{:?} {:?}", graph.edges(), graph.via()));
        parts.extend(files.keys().map(|path| format!("{:?}", graph.uses(path))));
    }
    crate::domain::Hash::of_fields(parts.iter().map(String::as_bytes)).to_string()
}

#[test]
fn other_rules_have_another_version() {
    let golden = (4, "4ef301653fb5790b2ade5c8cbb54d5ff39069fd0180b29a587669d367f5155f8");
    assert_eq!((super::FAMILY.version, resolved().as_str()), golden, "raise the version and put both in here");
}

#[test]
fn what_a_module_takes_from_outside_is_not_missing() {
    let files = [
        ("django/__init__.py", ""),
        ("django/views.py", "from pathlib import Path\nfrom .driver import Database\nimport requests\n"),
        ("django/driver.py", "try:\n    import psycopg as Database\nexcept ImportError:\n    Database = None\n"),
        ("django/selenium.py", "from selenium.webdriver import Chrome\nfrom selenium import other\n"),
        ("tests/sphinx/__init__.py", ""),
        ("tests/helpers.py", "def help(): pass\n"),
        (
            "tests/test_a.py",
            "from django.views import Path, Database, requests, gone\nfrom django.gone import x\nfrom helpers import help, lost\n",
        ),
        ("docs/conf.py", "from sphinx import version_info\nfrom sphinx.domains import std\n"),
    ];
    let graph = resolve(&texts(&files));
    let missing = |user: &str| -> Vec<String> {
        let uses = graph.uses(&user.into());
        uses.iter().filter(|one| one.kind == SymbolKind::Unresolved).map(|one| one.written.clone()).collect()
    };
    assert_eq!(missing("tests/test_a.py"), ["django.gone", "django.views.gone", "helpers.lost"]);
    for user in ["docs/conf.py", "django/selenium.py", "django/views.py"] {
        assert_eq!(missing(user), [""; 0], "{user}");
    }
}
