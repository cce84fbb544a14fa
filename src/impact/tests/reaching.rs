//! Which tests reach a change.

use super::*;
use crate::impact::{ReachingTest, Ways, reaching_tests};

/// The tests that reach a symbol: file, distance, names.
fn tests_of(files: &[(&str, &str)], file: &str, symbol: &str) -> Vec<(String, u32, String)> {
    let texts = Texts::new(files);
    let graph = texts.graph();
    let links = World::new(&texts.0).implements(None);
    let mut edges: Vec<_> = graph.edges().iter().chain(graph.via()).cloned().collect();
    edges.sort();
    let read = |path: &FilePath| {
        let text = files.iter().find(|(of, _)| FilePath::from(*of) == *path)?.1;
        Some((texts.0.get(path)?.as_ref(), text.to_owned()))
    };
    let changed = [(FilePath::from(file), symbol.to_owned())].into();
    let found = reaching_tests(&changed, &Ways { edges: &edges, links: &links, read: &read });
    let shown = |one: ReachingTest| {
        assert_eq!(one.reaches, [(FilePath::from(file), symbol.to_owned())]);
        (one.file.to_string(), one.distance, one.tests.join(" "))
    };
    found.into_iter().map(shown).collect()
}

fn found(file: &str, distance: u32, names: &str) -> (String, u32, String) {
    (file.to_owned(), distance, names.to_owned())
}

const PYTHON: &[(&str, &str)] = &[
    ("app/__init__.py", ""),
    ("app/sums.py", "def add(a, b):\n    return a + b\n\n\ndef sub(a, b):\n    return a - b\n"),
    (
        "app/bill.py",
        "from .sums import add, sub\n\n\ndef total(rows):\n    return add(*rows)\n\n\ndef rest(rows):\n    return sub(*rows)\n",
    ),
    (
        "tests/test_sums.py",
        "from app.sums import add\n\n\ndef test_add():\n    assert add(1, 2) == 3\n\n\ndef test_other():\n    assert True\n",
    ),
    (
        "tests/test_bill.py",
        "from app.bill import rest, total\n\n\ndef test_total():\n    assert total([1, 2]) == 3\n\n\ndef test_rest():\n    assert rest([2, 1]) == 1\n",
    ),
    ("tests/test_none.py", "def test_none():\n    pass\n"),
];

#[test]
fn a_test_reaches_a_symbol_directly_or_through_its_users() {
    let expected = [found("tests/test_sums.py", 1, "test_add"), found("tests/test_bill.py", 2, "test_total")];
    assert_eq!(tests_of(PYTHON, "app/sums.py", "add"), expected);
    assert_eq!(tests_of(PYTHON, "app/sums.py", "sub"), [found("tests/test_bill.py", 2, "test_rest")]);
    assert_eq!(tests_of(PYTHON, "app/bill.py", "rest"), [found("tests/test_bill.py", 1, "test_rest")]);
}

#[test]
fn tests_inside_a_rust_file_reach_it_and_what_it_uses() {
    let files = [
        ("Cargo.toml", "[package]\nname = \"p\""),
        ("src/lib.rs", "pub mod a;\npub mod b;\n"),
        (
            "src/a.rs",
            "pub fn one() -> u8 {\n    1\n}\n\n#[cfg(test)]\nmod tests {\n    use super::*;\n\n    #[test]\n    fn one_is_one() {\n        assert_eq!(one(), 1);\n    }\n}\n",
        ),
        (
            "src/b.rs",
            "pub fn two() -> u8 {\n    crate::a::one() * 2\n}\n\n#[cfg(test)]\nmod tests {\n    #[test]\n    fn two_is_two() {\n        assert_eq!(super::two(), 2);\n    }\n}\n",
        ),
        ("tests/all.rs", "#[test]\nfn all() {\n    p::b::two();\n}\n"),
    ];
    let expected = [
        found("src/a.rs", 0, "tests::one_is_one"),
        found("src/b.rs", 1, "tests::two_is_two"),
        found("tests/all.rs", 2, "all"),
    ];
    assert_eq!(tests_of(&files, "src/a.rs", "one"), expected);
}

#[test]
fn tests_reach_an_implementation_through_its_interface() {
    let files = [
        ("src/store.ts", "export interface Store {\n  save(row: string): void;\n}\n"),
        (
            "src/sql.ts",
            "import { Store } from './store';\nexport class Sql implements Store {\n  save(row: string) {\n    row.trim();\n  }\n}\n",
        ),
        (
            "src/service.ts",
            "import { Store } from './store';\nexport function run(store: Store) {\n  store.save('a');\n}\n",
        ),
        (
            "src/service.test.ts",
            "import { run } from './service';\n\ntest('runs', () => {\n  run(undefined as never);\n});\n",
        ),
    ];
    assert_eq!(tests_of(&files, "src/sql.ts", "Sql.save"), [found("src/service.test.ts", 2, "")]);
}

#[test]
fn a_ring_of_users_ends() {
    let files: Vec<(String, String)> = (0..200)
        .map(|n| (format!("p/m{n}.py"), format!("from p.m{} import f as g\ndef f():\n    return g()\n", (n + 1) % 200)))
        .chain([("p/__init__.py".to_owned(), String::new())])
        .chain([("tests/test_p.py".to_owned(), "from p.m7 import f\ndef test_f():\n    f()\n".to_owned())])
        .collect();
    let files: Vec<(&str, &str)> = files.iter().map(|(path, text)| (path.as_str(), text.as_str())).collect();
    let found = tests_of(&files, "p/m7.py", "f");
    assert_eq!(found.first().map(|test| (test.0.as_str(), test.1)), Some(("tests/test_p.py", 1)));
}

#[test]
fn a_method_of_the_same_name_is_not_taken_for_a_user() {
    let files = [
        ("app/__init__.py", ""),
        (
            "app/m.py",
            "class A:\n    def save(self):\n        return 1\n\n\nclass B:\n    def save(self):\n        return 2\n\n    def keep(self, a: A):\n        return a.save()\n",
        ),
        ("tests/test_b.py", "from app.m import B\n\n\ndef test_save():\n    B().save()\n"),
        ("tests/test_keep.py", "from app.m import A, B\n\n\ndef test_keep():\n    B().keep(A())\n"),
    ];
    assert_eq!(tests_of(&files, "app/m.py", "A.save"), [found("tests/test_keep.py", 1, "test_keep")]);
    assert_eq!(tests_of(&files, "app/m.py", "B.save").first(), Some(&found("tests/test_b.py", 1, "test_save")));
}
