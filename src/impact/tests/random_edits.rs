//! The promises over random histories.

use super::*;
use crate::domain::Edge;
use crate::language::rust::assert_complete;

/// Random edits of a small workspace: the same on every machine.
pub(super) struct Dice(pub(super) u64);

impl Dice {
    pub(super) fn roll(&mut self, sides: usize) -> usize {
        // xorshift64 (Marsaglia 2003)
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 % sides as u64) as usize
    }

    pub(super) fn pick<'t>(&mut self, of: &[&'t str]) -> &'t str {
        of[self.roll(of.len())]
    }
}

/// A file's text, drawn from lines that name each other across files, some of them wrongly.
fn random_text(dice: &mut Dice) -> String {
    const LINES: &[&str] = &[
        "pub struct S { pub x: u8 }",
        "pub struct S { pub x: crate::b::S, y: u8 }",
        "pub enum E { A, B(super::a::S) }",
        "pub fn f() -> S { loop {} }",
        "pub fn f(x: u8) -> crate::c::E { loop {} }",
        "impl S { pub fn m(&self) -> u8 { self.x.m() } }",
        "impl S { pub fn m(&self) -> super::a::S { 1 } }",
        "pub trait T { fn t(&self) {} }",
        "impl crate::a::T for S {}",
        "impl T for u8 { fn t(&self) {} }",
        "pub use super::a::*;",
        "pub use crate::b::{S, f as g};",
        "pub use crate::c::E::*;",
        "use crate::a::T;",
        "mod inner { pub use super::*; pub fn h() { f().m(); } }",
        "fn user() { let s = crate::b::f(); s.m(); s.x; s.t(); }",
        "fn user2(e: crate::c::E) { match e { crate::c::E::B(s) => s.m(), _ => 1u8.t() } }",
        "fn user3() { f(); g(); crate::c::inner::h(); A; unknown.x; }",
        "macro_rules! say { () => { 1 } }",
        "fn user4() { say!(); vec![super::f().x]; }",
        "mod d;",
        "#[cfg(one)] pub use crate::a::S as Twin; #[cfg(two)] pub use crate::b::S as Twin;",
        "#[cfg(one)] use crate::a as z; #[cfg(two)] use crate::b as z; fn user5(t: z::S) { t.m(); z::f(); z::made(); }",
        "handler!(made, S);",
        "flags! { pub struct S: u32 { const ONE = 1; } }",
        "use crate::a::{made, Twin}; fn user6(t: Twin) { made(crate::b::S::ONE); t.m(); }",
        "impl std::ops::Add for S { type Output = crate::b::S; fn add(self, o: S) -> u8 { 1 } }",
        "fn user7(s: S) { (s + 1).m(); let (_, .., t) = (1, 2, crate::a::f()); t.x; }",
        "pub const N: usize = 1; pub type B = [u8; N];",
        "pub const N: usize = 2;",
        "fn user8() { crate::a::N; super::b::B; include!(\"d.rs\"); }",
        "#[derive(D)] struct P { #[serde(with = \"crate::a\", default = \"crate::b::f\")] x: u8 }",
        "#[path = \"a\"] mod placed { pub mod d; pub use d::*; }",
        "impl<X: Iterator> crate::a::T for X {} trait U: crate::a::T {} fn user9(u: &dyn U) { u.t(); }",
        "struct Broken {",
    ];
    (0..dice.roll(7)).map(|_| dice.pick(LINES)).collect::<Vec<_>>().join("\n")
}

#[test]
fn random_edits_miss_no_dependent_and_equal_a_rebuild() {
    const PATHS: &[&str] =
        &["src/a.rs", "src/b.rs", "src/c.rs", "src/a/d.rs", "src/c/mod.rs", "tests/t.rs", "src/main.rs"];
    let mut dice = Dice(0x2545_F491_4F6C_DD1D);
    let root = "pub mod a; pub mod b; mod c; pub use b::*; pub(crate) use c::E;";
    let mut before = Texts::new(&[("Cargo.toml", "[package]\nname = \"p\""), ("src/lib.rs", root)]);
    for _ in 0..800 {
        let mut after = Texts(before.0.clone());
        let mut changes = Vec::new();
        for _ in 0..=dice.roll(2) {
            let path: FilePath = dice.pick(PATHS).into();
            if changes.iter().any(|change: &Change| *change.path() == path) {
                continue;
            }
            let text = random_text(&mut dice);
            changes.push(match (after.0.contains_key(&path), dice.roll(4)) {
                (true, 0) => {
                    after.0.remove(&path);
                    Change::Deletion { path }
                }
                (present, _) => {
                    after = after.with(path.as_str().unwrap(), &text);
                    if present { Change::Modification { path } } else { Change::Addition { path } }
                }
            });
        }
        let impact = compare(&changes, &before, &after);
        assert!(impact.dependents.keys().all(|path| changes.iter().all(|change| change.path() != path)));
        assert_incremental(&changes, &before, &after);
        before = after;
    }
}

/// No more is resolved again than the edits reach, be it that files come and go.
fn assert_incremental(changes: &[Change], before: &Texts, after: &Texts) {
    let edited = changes.iter().map(|change| change.path().clone()).collect();
    assert_complete(&before.0, &after.0, &edited);
}

#[test]
fn a_body_edit_reaches_nobody() {
    let text = "use a::b; pub struct S { x: u8 } impl S { fn f(&self) { b(1); } }";
    let reach = |text_after: &str| {
        let [before, after] = [text, text_after].map(|text| Texts::new(&[("src/lib.rs", text)]).0);
        World::new(&before).edit(&after.into_iter().collect::<Vec<_>>()).unwrap()
    };
    assert_eq!(reach(&text.replace("b(1);", "// c\n c::d(self.x); b(2);")), Reach::default());
    for (from, to) in [("a::b", "a::c"), ("x: u8", "x: u16"), ("impl S", "impl T"), ("&self", "&self, y: u8")] {
        assert_ne!(reach(&text.replacen(from, to, 1)), Reach::default(), "{from} -> {to}");
    }
}

/// Files of five families and of none, which come, go and change.
const MIXED: [(&str, &[&str]); 17] = [
    (
        "src/a.rs",
        &["pub struct A; pub const T: &str = include_str!(\"../data.json\");", "use crate::b::B; pub struct A(B);"],
    ),
    ("src/b.rs", &["pub struct B; pub fn f(a: crate::a::A) {}", "pub struct B(crate::a::A);"]),
    ("p/a.py", &["from .b import B\nclass A(B): pass\n", "class A: pass\n"]),
    ("p/b.py", &["class B: pass\n", "from . import a\nclass B(a.A): pass\n"]),
    (
        "w/a.ts",
        &[
            "import { B } from './b';\nimport data from '../data';\nexport class A extends B {}\n",
            "export class A {}\n",
        ],
    ),
    ("w/b.ts", &["export class B {}\n", "import { A } from './a';\nimport './style.css';\nexport class B { a: A }\n"]),
    ("data.json", &["{}\n", "[]\n"]),
    ("w/style.css", &["a {}\n", "b {}\n"]),
    ("w/package.json", &["{ \"name\": \"w\" }\n", "{ \"name\": \"v\", \"main\": \"a.ts\" }\n"]),
    (
        "g/main.go",
        &["package main\n\nimport \"m/config\"\n\nvar X = config.A\n", "package main\n\nimport \"m/config\"\n"],
    ),
    ("g/config/c.go", &["package config\n\nvar A = 1\n", "package config\n\nvar B = 1\n"]),
    ("config.json", &["{}\n", "[]\n"]),
    ("j/m/u/q/Use.java", &["package q; class Use { int n = p.Util.n(); }", "package q; class Use { p.Util u; }"]),
    ("j/m/n/p/Util.java", &["package p; public class Util { public static int n() { return 1; } }", "package p;"]),
    ("j/o/p/Util.java", &["package p; public class Util { public static int n() { return 2; } }", "package p;"]),
    ("j/m/n/pom.xml", &["<project/>\n", "<project></project>\n"]),
    ("j/m/n/p/notes.txt", &["p\n", "q\n"]),
];

/// What names nothing of a family reaches none of its files; a build file that makes a module reaches all.
#[test]
fn a_file_that_moves_reaches_those_that_can_name_it() {
    let files = MIXED.map(|(path, texts)| (path, texts[0]));
    let all = Texts::new(&files).with("g/go.mod", "module m\n").with("j/pom.xml", "<project/>\n");
    for (moved, expected) in [
        ("config.json", &[][..]),
        ("j/m/n/p/notes.txt", &[]),
        ("data.json", &["src/a.rs", "w/a.ts"]),
        ("j/m/n/pom.xml", &["j/m/n/p/Util.java", "j/m/u/q/Use.java", "j/o/p/Util.java"]),
    ] {
        let path = FilePath::from(moved);
        let without = Texts(all.0.clone()).without(moved);
        let reach = World::new(&without.0).edit(&[(path.clone(), Arc::clone(&all.0[&path]))]).unwrap();
        let reached: Vec<String> = reach.files.iter().map(ToString::to_string).collect();
        assert_eq!(reached, expected, "{moved}");
    }
}

#[test]
fn a_file_that_comes_or_goes_spares_other_families() {
    let beside = [
        ("Cargo.toml", "[package]\nname = \"p\""),
        ("src/lib.rs", "pub mod a; pub mod b;"),
        ("p/__init__.py", ""),
        ("g/go.mod", "module m\n"),
        ("j/pom.xml", "<project/>\n"),
    ];
    let mut dice = Dice(0xD1B5_4A32_D192_ED03);
    let mut before = Texts::new(&beside);
    let mut world = World::new(&before.0);
    let mut spared = 0;
    for step in 0..600 {
        let mut after = Texts(before.0.clone());
        let mut moved: BTreeSet<FilePath> = BTreeSet::new();
        for _ in 0..=dice.roll(2) {
            let (path, texts) = MIXED[dice.roll(MIXED.len())];
            if dice.roll(3) == 0 {
                after = after.without(path);
            } else {
                after = after.with(path, texts[dice.roll(texts.len())]);
            }
        }
        let paths: BTreeSet<&FilePath> = before.0.keys().chain(after.0.keys()).collect();
        let is_other = |path: &&&FilePath| before.0.get(**path) != after.0.get(**path);
        let edited: BTreeSet<&FilePath> = paths.iter().filter(is_other).copied().collect();
        moved.extend(
            paths.iter().filter(|path| before.0.contains_key(**path) != after.0.contains_key(**path)).copied().cloned(),
        );
        let edits: Vec<_> =
            edited.iter().filter_map(|&path| Some((path.clone(), Arc::clone(after.0.get(path)?)))).collect();
        let gone: BTreeSet<FilePath> = moved.iter().filter(|path| !after.0.contains_key(*path)).cloned().collect();
        let (old, new) = (before.graph(), after.graph());
        let (reach, cold) = (world.follow(&edits, &gone), World::new(&before.0).follow(&edits, &gone));
        assert_eq!(world.graph(), new, "step {step}: {edited:?}");
        for reach in [reach, cold].into_iter().flatten() {
            let is_user = |edge: &&Edge| reach.users_of.contains(&(edge.source_file.clone(), edge.symbol_name.clone()));
            let users = old.edges().iter().filter(is_user).map(|edge| edge.dependent_file.clone());
            let only: BTreeSet<FilePath> =
                users.chain(reach.files.iter().cloned()).chain(edited.iter().map(|&path| path.clone())).collect();
            let kept = old.edges().iter().filter(|edge| !only.contains(&edge.dependent_file));
            let part = world.graph_of(&only);
            let merged: BTreeSet<_> = kept.chain(part.edges()).cloned().collect();
            assert_eq!(merged, new.edges().iter().cloned().collect(), "step {step}: {edited:?} reach {only:?}");
            for path in after.0.keys() {
                let uses = if only.contains(path) { part.uses(path) } else { old.uses(path) };
                assert_eq!(uses, new.uses(path), "step {step}: {path} after {edited:?}, which reach {only:?}");
            }
            spared += after.0.keys().filter(|path| !only.contains(*path)).count();
        }
        before = after;
    }
    assert!(spared > 600, "{spared}: every file is always reached");
}
