//! Each kind of name by which a change travels, alone.

use super::*;

/// Whom an edit of `src/a.rs` reaches; the other files are `b`, `c`, … The reached ones make what resolving all of them makes.
fn reached(before: &str, after: &str, others: &[(&str, &str)]) -> Option<Reach> {
    let modules = "pub mod a; pub mod b; pub mod c; pub mod d;";
    let texts = [("src/lib.rs", modules), ("src/a.rs", before)];
    let files: View = texts.iter().chain(others).map(|&(path, text)| (path.into(), said(&path.into(), text))).collect();
    let path = FilePath::from("src/a.rs");
    let mut edited = files.clone();
    edited.insert(path.clone(), said(&path, after));
    assert_complete(&files, &edited, &[path.clone()].into());
    World::new(&files).edit(&[(path.clone(), Arc::clone(&edited[&path]))])
}

#[track_caller]
fn assert_reaches(before: &str, after: &str, others: &[(&str, &str)], file: &str) {
    let reach = reached(before, after, others).unwrap();
    assert!(reach.files.contains(&file.into()), "{reach:?} lacks {file}");
}

#[test]
fn a_lost_impl_reaches_those_that_name_its_type() {
    let without = "pub struct A; pub trait Go { fn go(&self) {} }";
    let with = format!("{without} impl Go for A {{}}");
    let others = [("src/b.rs", "pub fn b(a: crate::a::A) { a.go() }")];
    assert_reaches(&with, without, &others, "src/b.rs");
    assert_reaches(without, &with, &others, "src/b.rs");
}

#[test]
fn a_lost_declaration_reaches_those_that_name_it() {
    let others = [("src/b.rs", "pub fn b() -> crate::a::B { loop {} }")];
    assert_reaches("pub struct A; pub struct B;", "pub struct A;", &others, "src/b.rs");
}

#[test]
fn a_glob_another_order_and_another_module_reach_everything() {
    let others = [("src/b.rs", "pub struct B;"), ("src/a/x.rs", ""), ("src/a/y.rs", "")];
    for (before, after) in
        [("", "pub use crate::b::*;"), ("pub struct A; pub struct B;", "pub struct B; pub struct A;")]
    {
        assert_eq!(reached(before, after, &others), None, "{before} => {after}");
    }
    let moved = reached("pub mod x;", "pub mod y;", &others).unwrap();
    assert!(others.iter().all(|&(file, _)| moved.files.contains(&file.into())), "{moved:?}");
}

#[test]
fn one_of_two_equal_declarations_less_reaches_their_name_alone() {
    let others = [("src/b.rs", "pub fn b() { crate::a::f() }"), ("src/c.rs", "pub fn c() {}")];
    let reach = reached("pub fn f() {} pub fn f() {}", "pub fn f() {}", &others).unwrap();
    assert!(reach.files.contains(&"src/b.rs".into()) && !reach.files.contains(&"src/c.rs".into()), "{reach:?}");
}

#[test]
fn a_free_function_signature_reaches_its_known_users_alone() {
    let others = [("src/b.rs", "pub fn b() { crate::a::f(); }"), ("src/c.rs", "pub fn c(f: u8) { f(); }")];
    let reach = reached("pub fn f() -> u8 { 0 }", "pub fn f() -> u16 { 0 }", &others).unwrap();
    assert_eq!(reach.files, BTreeSet::new());
    assert_eq!(reach.users_of, [(FilePath::from("src/a.rs"), "f".to_owned())].into());
}

#[test]
fn another_visibility_or_module_reaches_those_that_name_it() {
    let others = [("src/b.rs", "pub fn b() { crate::a::x::f(); crate::a::g(); }")];
    assert_reaches("pub fn g() {}", "fn g() {}", &others, "src/b.rs");
    let (in_x, in_y) = ("pub mod x { pub fn f() {} } pub mod y {}", "pub mod x {} pub mod y { pub fn f() {} }");
    assert_reaches(in_x, in_y, &others, "src/b.rs");
}

#[test]
fn an_import_reaches_those_that_write_the_name_it_gives() {
    let others = [
        (
            "src/b.rs",
            "pub struct One; impl One { pub fn go(&self) {} } pub struct Two; impl Two { pub fn go(&self) {} }",
        ),
        ("src/a/x.rs", "fn x(t: super::T) { t.go() }"),
        ("src/c.rs", "fn c(t: crate::a::T) { t.go() }"),
    ];
    assert_reaches("mod x; use crate::b::One as T;", "mod x; use crate::b::Two as T;", &others, "src/a/x.rs");
    assert_reaches("mod x; pub use crate::b::One as T;", "mod x; use crate::b::One as T;", &others, "src/c.rs");
}

#[test]
fn a_type_reaches_those_that_write_an_imports_name_for_it() {
    let others = [("src/b.rs", "mod x; use crate::a::A as T;"), ("src/b/x.rs", "fn x(t: super::T) { t.field.go() }")];
    assert_reaches(
        "pub struct A { pub field: u8 }",
        "pub struct A { pub field: B } pub struct B;",
        &others,
        "src/b/x.rs",
    );
}

#[test]
fn an_associated_type_reaches_those_that_name_its_owner() {
    let text = |target: &str| {
        format!(
            "pub struct A; impl std::ops::Deref for A {{ type Target = {target}; fn deref(&self) -> &Self::Target {{ loop {{}} }} }} \
             pub struct One; impl One {{ pub fn go(&self) {{}} }} pub struct Two; impl Two {{ pub fn go(&self) {{}} }}"
        )
    };
    assert_reaches(&text("One"), &text("Two"), &[("src/b.rs", "fn b(a: crate::a::A) { a.go() }")], "src/b.rs");
}

#[test]
fn a_type_reaches_those_that_write_only_its_members() {
    let others = [("src/b.rs", "impl crate::a::A { pub fn go(&self) {} }"), ("src/c.rs", "fn c() { one().go() }")];
    assert_reaches("pub struct A;", "pub struct A(u8);", &others, "src/c.rs");
}

#[test]
fn a_trait_reaches_those_that_name_a_type_that_has_it() {
    let others = [
        ("src/b.rs", "pub struct B; pub trait Root { fn go(&self) {} } impl Root for B {}"),
        ("src/c.rs", "impl crate::a::Ext for crate::b::B {}"),
        ("src/d.rs", "fn d(b: crate::b::B) { b.go() }"),
    ];
    assert_reaches("pub trait Ext {}", "pub trait Ext: crate::b::Root {}", &others, "src/d.rs");
}

#[test]
fn a_blanket_impls_bound_reaches_those_that_name_its_trait() {
    let others = [
        ("src/b.rs", "pub trait Ext { fn stay(&self); } impl<T: crate::a::Root> Ext for T { fn stay(&self) {} }"),
        ("src/c.rs", "use crate::b::Ext; fn c() {}"),
        ("src/d.rs", "fn d(x: u8) { x.stay() }"),
    ];
    for file in ["src/c.rs", "src/d.rs"] {
        assert_reaches("pub trait Root {}", "pub trait Root: Sized {}", &others, file);
    }
}
