//! Whom a change touches.

use super::*;

const BEFORE: &[(&str, &str)] = &[
    ("src/lib.rs", "mod a; mod b; mod c; pub use a::g;"),
    (
        "src/a.rs",
        "pub fn f(x: u8) { x; }\npub fn g() {}\npub struct S { pub x: u8 }\nimpl S { pub fn m(&self) -> u8 { 1 } }",
    ),
    ("src/b.rs", "fn h() { crate::a::f(1); }"),
    ("src/c.rs", "fn h() { crate::g(); let s = crate::a::S { x: 1 }; s.m(); }"),
];

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
    let cause =
        ChangedUse { file: "src/a.rs".into(), symbol: "f".to_owned(), dependency_type: DependencyType::Function };
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
fn deleted_and_new_files_touch_those_that_name_their_items() {
    let without = Texts::new(BEFORE).without("src/a.rs");
    let impact = compare(&[Change::Deletion { path: "src/a.rs".into() }], &Texts::new(BEFORE), &without);
    assert_eq!(names(&impact).0, ["src/b.rs", "src/c.rs", "src/lib.rs"]);
    let impact = compare(&[Change::Addition { path: "src/a.rs".into() }], &without, &Texts::new(BEFORE));
    assert_eq!(names(&impact).0, ["src/b.rs", "src/c.rs", "src/lib.rs"]);
}

#[test]
fn a_renamed_module_touches_those_whose_paths_break() {
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
