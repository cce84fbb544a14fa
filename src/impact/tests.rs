use std::collections::BTreeMap;

use super::*;
use crate::domain::{Change, DependencyType};
use crate::outline::{language_of, outline};

/// A view made of texts.
struct Texts(BTreeMap<FilePath, Outline>);

impl Texts {
    fn new(files: &[(&str, &str)]) -> Self {
        Self(files.iter().map(|&(path, text)| (path.into(), outline(language_of(&path.into()), text).0)).collect())
    }

    fn with(mut self, path: &str, text: &str) -> Self {
        self.0.insert(path.into(), outline(language_of(&path.into()), text).0);
        self
    }

    fn without(mut self, path: &str) -> Self {
        self.0.remove(&path.into());
        self
    }

    fn graph(&self) -> Graph {
        resolve(&self.0)
    }

    /// `source <- dependent: symbol` for every edge.
    fn edges(&self) -> Vec<String> {
        let graph = self.graph();
        let edges = graph.edges().iter().filter(|edge| edge.dependency_type != DependencyType::Module);
        edges.map(|edge| format!("{} <- {}: {}", edge.source_file, edge.dependent_file, edge.symbol_name)).collect()
    }
}

#[track_caller]
fn assert_edges(files: &[(&str, &str)], expected: &[&str]) {
    let texts = Texts::new(files);
    let edges = texts.edges();
    for edge in expected {
        assert!(edges.iter().any(|found| found == edge), "no {edge} in {edges:#?}");
    }
    assert_eq!(edges.len(), expected.len(), "{edges:#?}");
}

#[test]
fn use_trees_lead_to_their_definitions() {
    assert_edges(
        &[
            ("src/lib.rs", "mod a; mod b; mod c;"),
            ("src/a.rs", "pub struct A; pub fn f() {} pub mod deep { pub const D: u8 = 1; }"),
            ("src/b.rs", "use crate::a::{self, deep::*, A as Renamed}; fn g(_: Renamed) { a::f(); D; }"),
            ("src/c.rs", "use super::a::*; type T = A;"),
        ],
        &[
            "src/a.rs <- src/b.rs: A",
            "src/a.rs <- src/b.rs: deep::D",
            "src/a.rs <- src/b.rs: f",
            "src/a.rs <- src/c.rs: A",
        ],
    );
}

#[test]
fn reexports_lead_through() {
    let files = [
        ("src/lib.rs", "mod a; mod user; pub use a::inner::Thing; pub mod prelude { pub use crate::a::*; }"),
        ("src/a/mod.rs", "pub mod inner; pub use inner::*;"),
        ("src/a/inner.rs", "pub struct Thing; pub fn make() -> Thing { Thing }"),
        ("src/user.rs", "use crate::Thing; use crate::prelude::make; fn f() -> Thing { make() }"),
    ];
    assert_edges(
        &files,
        &[
            "src/a/inner.rs <- src/lib.rs: Thing",
            "src/a/inner.rs <- src/user.rs: Thing",
            "src/a/inner.rs <- src/user.rs: make",
        ],
    );
    let graph = Texts::new(&files).graph();
    assert!(graph.via().iter().any(|edge| edge.source_file == "src/lib.rs".into() && edge.symbol_name == "Thing"));
}

#[test]
fn packages_of_a_workspace_see_each_other_by_their_names() {
    assert_edges(
        &[
            (
                "Cargo.toml",
                "[workspace]\nmembers = [\"one\", \"two\"]\n[workspace.dependencies]\none = { path = \"one\" }",
            ),
            ("one/Cargo.toml", "[package]\nname = \"one\"\n[lib]\nname = \"first\""),
            ("one/src/lib.rs", "pub fn f() {}"),
            (
                "two/Cargo.toml",
                "[package]\nname = \"two-x\"\n[dependencies]\none.workspace = true\nalias = { path = \"../one\", package = \"one\" }",
            ),
            ("two/src/lib.rs", "pub fn g() { first::f() }"),
            ("two/src/main.rs", "fn main() { two_x::g(); alias::f(); }"),
            ("two/tests/it.rs", "mod common; #[test] fn t() { two_x::g(); common::help(); }"),
            ("two/tests/common/mod.rs", "pub fn help() {}"),
        ],
        &[
            "one/src/lib.rs <- two/src/lib.rs: f",
            "one/src/lib.rs <- two/src/main.rs: f",
            "two/src/lib.rs <- two/src/main.rs: g",
            "two/src/lib.rs <- two/tests/it.rs: g",
            "two/tests/common/mod.rs <- two/tests/it.rs: help",
        ],
    );
}

#[test]
fn names_inside_macros_count() {
    assert_edges(
        &[
            (
                "src/main.rs",
                "#[macro_use] mod m; mod a; fn main() { assert!(a::f() > 1, \"{}\", a::C); vec![a::S { x: 1 }]; say!(); }",
            ),
            ("src/m.rs", "macro_rules! say { () => {} }"),
            ("src/a.rs", "pub fn f() -> u8 { 2 } pub const C: u8 = 1; pub struct S { pub x: u8 }"),
        ],
        &[
            "src/a.rs <- src/main.rs: C",
            "src/a.rs <- src/main.rs: S",
            "src/a.rs <- src/main.rs: S::x",
            "src/a.rs <- src/main.rs: f",
            "src/m.rs <- src/main.rs: say",
        ],
    );
}

#[test]
fn odd_places_of_modules_are_found() {
    let texts = Texts::new(&[
        (
            "src/lib.rs",
            "#[path = \"odd/name.rs\"] mod named; mod outer { mod inner; } const T: &str = include_str!(\"data.txt\");",
        ),
        ("src/odd/name.rs", "mod beside;"),
        ("src/odd/beside.rs", ""),
        ("src/outer/inner.rs", ""),
        ("src/data.txt", "x"),
    ]);
    let graph = texts.graph();
    assert_eq!(graph.module_path(&"src/odd/beside.rs".into()), Some("::named::beside"));
    assert_eq!(graph.module_path(&"src/outer/inner.rs".into()), Some("::outer::inner"));
    assert!(graph.edges().iter().any(|edge| edge.source_file == "src/data.txt".into()));
    assert!(graph.is_crate_root(&"src/lib.rs".into()));
}

#[test]
fn items_inside_macros_are_items() {
    assert_edges(
        &[
            (
                "src/lib.rs",
                "cfg_net! { pub mod net; } cfg_if::cfg_if! { if #[cfg(unix)] { mod unix; pub use unix::f; } else { } } mod user;",
            ),
            ("src/net.rs", "pub fn bind() {}"),
            ("src/unix.rs", "pub fn f() {}"),
            ("src/user.rs", "fn g() { crate::net::bind(); crate::f(); }"),
        ],
        &["src/net.rs <- src/user.rs: bind", "src/unix.rs <- src/lib.rs: f", "src/unix.rs <- src/user.rs: f"],
    );
}

#[test]
fn circles_end() {
    let texts = Texts::new(&[
        ("src/lib.rs", "mod a; mod b; pub use a::*; pub use b::*; use crate::nothing::x; fn f() { y() }"),
        ("src/a.rs", "pub use super::b::*; pub use super::*; #[path = \"a.rs\"] mod a;"),
        ("src/b.rs", "pub use super::a::*; pub use self::b as b; type T = super::T;"),
    ]);
    texts.graph();
}

#[test]
fn damaged_outlines_are_refused_or_harmless() {
    let text = "mod a { pub struct S<T: Copy> { pub x: T } impl<T> S<T> { pub fn m(&self, n: u8) -> &T { &self.x } } }
        pub use a::S; mod gone; trait U { type V; fn u(&self) {} } impl U for S<u8> { type V = u8; }
        fn f(s: S<u8>) { let (p, q) = (s.m(1), |z: u8| z); if let Some(w) = p { w.u(); } say!(a::S { x: q }); }";
    let bytes = outline(crate::domain::Language::Rust, text).0.to_bytes();
    let path = FilePath::from("src/lib.rs");
    for at in 0..bytes.len() {
        for flip in [0x01, 0x80, 0xFF] {
            let mut damaged = bytes.clone();
            damaged[at] ^= flip;
            if let Some(outline) = Outline::from_bytes(&damaged) {
                resolve([(&path, &outline)]);
                outline.resolution_hash();
            }
        }
    }
}

#[test]
fn chains_without_end_end() {
    let n = 3_000;
    let globs: String = (0..n).map(|i| format!("pub mod m{i} {{ pub use super::m{}::*; }} ", i + 1)).collect();
    let names: String = (0..n).map(|i| format!("pub use self::n{} as n{i}; ", i + 1)).collect();
    let aliases: String = (0..n).map(|i| format!("pub type T{i} = (T{}, T{}); ", i + 1, i + 1)).collect();
    let bounds: String =
        (0..40).map(|i| format!("T{i}: Into<T{}> + From<T{}>, ", (i + 1) % 40, (i + 7) % 40)).collect();
    let uses = "fn f(t: T0) { m0::x(); n0(); t.0.y(); }";
    let text = format!("{globs}{names}{aliases}{uses} fn g<T0, T1>(t: T0) where {bounds} {{ t.into().z(); }}");
    let thread = std::thread::Builder::new().stack_size(2 << 20);
    thread.spawn(move || Texts::new(&[("src/lib.rs", &text)]).graph()).unwrap().join().unwrap();
}

#[test]
fn types_in_circles_end() {
    let texts = Texts::new(&[(
        "src/lib.rs",
        "pub type A = A; pub type B = C; pub type C = B; impl A { fn f(&self) {} } impl B { fn g() -> Self { B::g().g() } }
         struct D; impl std::ops::Deref for D { type Target = D; fn deref(&self) -> &D { self } }
         impl Iterator for D { type Item = D; } fn h<T: Into<T>>(d: D, t: T) { d.x.y(); for e in d { e.z(); } t.into().w(); T::f(); }
         trait S: S { type T: S<T = Self::T>; } fn s<X: S>(x: X::T) { x.q(); } impl<T: S> S for T {}",
    )]);
    texts.graph();
}

#[test]
fn a_missing_name_is_a_use_without_a_signature() {
    let files = [("src/lib.rs", "mod a;"), ("src/a.rs", "use crate::b::gone;")];
    let graph = Texts::new(&files).graph();
    let uses = graph.uses(&"src/a.rs".into());
    assert!(uses.iter().any(|used| used.written == "crate::b::gone" && used.signature.is_none()), "{uses:?}");
}

const BEFORE: &[(&str, &str)] = &[
    ("src/lib.rs", "mod a; mod b; mod c; pub use a::g;"),
    (
        "src/a.rs",
        "pub fn f(x: u8) { x; }\npub fn g() {}\npub struct S { pub x: u8 }\nimpl S { pub fn m(&self) -> u8 { 1 } }",
    ),
    ("src/b.rs", "fn h() { crate::a::f(1); }"),
    ("src/c.rs", "fn h() { crate::g(); let s = crate::a::S { x: 1 }; s.m(); }"),
];

fn compare(changes: &[Change], before: &Texts, after: &Texts) -> Impact {
    let (old, new) = (before.graph(), after.graph());
    let outline_before = |path: &FilePath| before.0.get(path);
    let outline_after = |path: &FilePath| after.0.get(path);
    let (hashes_before, hashes_after) = (old.deps_hashes(), new.deps_hashes());
    let result = impact(
        changes,
        &Side { outline: &outline_before, edges: old.edges(), via: old.via(), deps_hashes: &hashes_before },
        &Side { outline: &outline_after, edges: new.edges(), via: new.via(), deps_hashes: &hashes_after },
    );
    assert_superset(changes, &result, before, after, &old, &new);
    result
}

/// The promise: whoever's context changed is changed or a dependent.
fn assert_superset(changes: &[Change], impact: &Impact, before: &Texts, after: &Texts, old: &Graph, new: &Graph) {
    let changed: Vec<&FilePath> = changes.iter().map(Change::path).collect();
    for path in after.0.keys().filter(|path| before.0.contains_key(*path)) {
        if deps_hash(old.uses(path)) != deps_hash(new.uses(path)) {
            assert!(changed.contains(&path) || impact.dependents.contains_key(path), "{path} was forgotten");
        }
    }
}

fn names(impact: &Impact) -> (Vec<String>, Vec<String>) {
    (
        impact.dependents.keys().map(ToString::to_string).collect(),
        impact.cut_off.iter().map(|(file, _)| file.to_string()).collect(),
    )
}

fn modified(path: &str) -> Vec<Change> {
    vec![Change::Modification { path: path.into() }]
}

#[test]
fn a_body_edit_touches_no_one() {
    let after = Texts::new(BEFORE).with("src/a.rs", "// new\npub fn f(x: u8) { x + 1; }\n\npub fn g() {}\npub struct S { pub x: u8 }\nimpl S { pub fn m(&self) -> u8 { 2 } }");
    let impact = compare(&modified("src/a.rs"), &Texts::new(BEFORE), &after);
    assert_eq!(impact.dependents, BTreeMap::new());
    assert_eq!(names(&impact).1, ["src/b.rs", "src/c.rs", "src/lib.rs"]);
}

#[test]
fn a_signature_edit_touches_those_who_use_that_symbol() {
    let after = Texts::new(BEFORE).with("src/a.rs", &BEFORE[1].1.replace("x: u8) {", "x: u16) {"));
    let impact = compare(&modified("src/a.rs"), &Texts::new(BEFORE), &after);
    let cause = Cause { file: "src/a.rs".into(), symbol: "f".to_owned(), dependency_type: DependencyType::Function };
    assert_eq!(impact.dependents, BTreeMap::from([("src/b.rs".into(), vec![cause])]));
    assert_eq!(names(&impact).1, ["src/c.rs", "src/lib.rs"]);
}

#[test]
fn a_removed_reexport_touches_its_users() {
    let after = Texts::new(BEFORE).with("src/lib.rs", "mod a; mod b; mod c;");
    let impact = compare(&modified("src/lib.rs"), &Texts::new(BEFORE), &after);
    assert_eq!(names(&impact).0, ["src/c.rs"]);
}

#[test]
fn a_deleted_file_and_a_new_one_touch_those_who_name_what_is_in_them() {
    let without = Texts::new(BEFORE).without("src/a.rs");
    let impact = compare(&[Change::Deletion { path: "src/a.rs".into() }], &Texts::new(BEFORE), &without);
    assert_eq!(names(&impact).0, ["src/b.rs", "src/c.rs", "src/lib.rs"]);
    let impact = compare(&[Change::Addition { path: "src/a.rs".into() }], &without, &Texts::new(BEFORE));
    assert_eq!(names(&impact).0, ["src/b.rs", "src/c.rs", "src/lib.rs"]);
}

#[test]
fn a_renamed_module_touches_those_whose_paths_no_longer_lead_there() {
    let after = Texts::new(BEFORE)
        .without("src/a.rs")
        .with("src/a2.rs", BEFORE[1].1)
        .with("src/lib.rs", "mod a2; mod b; mod c; pub use a2::g;");
    let changes = [
        Change::Rename { from: "src/a.rs".into(), path: "src/a2.rs".into() },
        Change::Modification { path: "src/lib.rs".into() },
    ];
    let impact = compare(&changes, &Texts::new(BEFORE), &after);
    assert_eq!(names(&impact).0, ["src/b.rs", "src/c.rs"]);
    // `src/a.rs` -> `src/a/mod.rs` is the same module.
    let after = Texts::new(BEFORE).without("src/a.rs").with("src/a/mod.rs", BEFORE[1].1);
    let changes = [Change::Rename { from: "src/a.rs".into(), path: "src/a/mod.rs".into() }];
    assert_eq!(compare(&changes, &Texts::new(BEFORE), &after).dependents, BTreeMap::new());
}

/// Random edits of a small workspace: the same on every machine.
struct Dice(u64);

impl Dice {
    fn roll(&mut self, sides: usize) -> usize {
        // xorshift64 (Marsaglia 2003)
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 % sides as u64) as usize
    }

    fn pick<'t>(&mut self, of: &[&'t str]) -> &'t str {
        of[self.roll(of.len())]
    }
}

/// A file's text, drawn from lines that name each other across files, some of them wrongly.
fn random_text(dice: &mut Dice) -> String {
    const LINES: &[&str] = &[
        "pub struct S { pub x: u8 }",
        "pub struct S { pub x: crate::b::S, y: u8 }",
        "pub enum E { A, B(super::a::S) }",
        "pub fn f() -> S { todo!() }",
        "pub fn f(x: u8) -> crate::c::E { todo!() }",
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
        "struct Broken {",
    ];
    (0..dice.roll(7)).map(|_| dice.pick(LINES)).collect::<Vec<_>>().join("\n")
}

#[test]
fn after_random_edits_no_dependent_is_forgotten_and_incremental_equals_rebuild() {
    const PATHS: &[&str] =
        &["src/a.rs", "src/b.rs", "src/c.rs", "src/a/d.rs", "src/c/mod.rs", "tests/t.rs", "src/main.rs"];
    let mut dice = Dice(0x2545_F491_4F6C_DD1D);
    let root = "pub mod a; pub mod b; mod c; pub use b::*; pub(crate) use c::E;";
    let mut before = Texts::new(&[("Cargo.toml", "[package]\nname = \"p\""), ("src/lib.rs", root)]);
    for _ in 0..400 {
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

/// What is resolved for the changed files alone is what a rebuild says, where the resolution hash promises it.
fn assert_incremental(changes: &[Change], before: &Texts, after: &Texts) {
    let only: BTreeSet<FilePath> = changes.iter().map(|change| change.path().clone()).collect();
    let hash = |texts: &Texts, path: &FilePath| texts.0.get(path).map(Outline::resolution_hash);
    if only.iter().any(|path| hash(before, path) != hash(after, path)) {
        return;
    }
    let (old, new, part) = (before.graph(), after.graph(), resolve_files(&after.0, &only));
    let kept = old.edges().iter().filter(|edge| !only.contains(&edge.dependent_file));
    let edges: BTreeSet<_> = kept.chain(part.edges()).collect();
    assert_eq!(edges, new.edges().iter().collect());
    for path in after.0.keys() {
        let uses = if only.contains(path) { part.uses(path) } else { old.uses(path) };
        assert_eq!(uses, new.uses(path), "{path}");
    }
}

#[test]
fn a_body_edit_leaves_the_resolution_of_others_alone() {
    let hash = |text: &str| outline(crate::domain::Language::Rust, text).0.resolution_hash();
    let text = "use a::b; pub struct S { x: u8 } impl S { fn f(&self) { b(1); } }";
    assert_eq!(hash(text), hash(&text.replace("b(1);", "// c\n c::d(self.x); b(2);")));
    for (from, to) in [("a::b", "a::c"), ("x: u8", "x: u16"), ("impl S", "impl T"), ("&self", "&self, y: u8")] {
        assert_ne!(hash(text), hash(&text.replacen(from, to, 1)), "{from} -> {to}");
    }
}
