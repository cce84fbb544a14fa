//! Use trees, paths and re-exports.

use super::*;

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
fn a_missing_name_is_a_use_without_a_signature() {
    let files = [("src/lib.rs", "mod a;"), ("src/a.rs", "use crate::b::gone;")];
    let graph = Texts::new(&files).graph();
    let uses = graph.uses(&"src/a.rs".into());
    assert!(uses.iter().any(|used| used.written == "crate::b::gone" && used.signature.is_none()), "{uses:?}");
}

#[test]
fn groups_globs_aliases_and_keywords_lead_on() {
    assert_edges(
        &[
            ("src/lib.rs", "mod a; mod b; mod c; mod d;"),
            (
                "src/a.rs",
                "pub struct A; pub struct B; pub trait T { fn t(&self) {} } impl T for u8 {} pub mod n { pub struct N; }",
            ),
            (
                "src/b.rs",
                "use crate::{a::{A as First, *, n::{self, N}}, c}; fn f(_: First, _: B, _: n::N, _: N) { c::g() } fn h() { use super::d::*; k() }",
            ),
            (
                "src/c.rs",
                "use super::a::T as _; pub fn g() { 1u8.t() } mod t { use super::super::d; fn x() { self::super::g(); d::k() } }",
            ),
            ("src/d.rs", "use a::A; use crate::a; pub fn k() { let _: A; }"),
        ],
        &[
            "src/a.rs <- src/b.rs: A",
            "src/a.rs <- src/b.rs: B",
            "src/a.rs <- src/b.rs: n::N",
            "src/a.rs <- src/c.rs: T",
            "src/a.rs <- src/c.rs: T::t",
            "src/a.rs <- src/d.rs: A",
            "src/c.rs <- src/b.rs: g",
            "src/d.rs <- src/b.rs: k",
            "src/d.rs <- src/c.rs: k",
        ],
    );
}

#[test]
fn every_hop_of_a_chain_of_reexports_is_kept() {
    let files = [
        ("src/lib.rs", "pub mod one; mod two; mod three; mod user;"),
        ("src/one.rs", "pub use crate::two::Renamed as Last;"),
        ("src/two.rs", "pub use crate::three::*;"),
        ("src/three.rs", "pub struct Renamed;"),
        ("src/user.rs", "fn f(_: crate::one::Last) {}"),
    ];
    let texts = Texts::new(&files);
    assert!(texts.edges().contains(&"src/three.rs <- src/user.rs: Renamed".to_owned()));
    let graph = texts.graph();
    let hops: Vec<String> = graph
        .via()
        .iter()
        .filter(|edge| edge.dependent_file == "src/user.rs".into())
        .map(|edge| edge.source_file.to_string())
        .collect();
    assert_eq!(hops, ["src/one.rs", "src/two.rs"]);
}

#[test]
fn variants_are_names_of_their_enum() {
    assert_edges(
        &[
            ("src/lib.rs", "mod a; mod b; mod c;"),
            ("src/a.rs", "pub enum E { A, B(u8), C { x: u8 } } pub use E::*; pub enum F { D }"),
            (
                "src/b.rs",
                "use crate::a::E; fn f(e: E) { match e { E::A => {} E::B(_) => {} E::C { x } => {} } use crate::a::F::*; D; }",
            ),
            ("src/c.rs", "use crate::a::*; fn f() { A; B(1); type G = E; G::C { x: 1 }; }"),
        ],
        &[
            "src/a.rs <- src/b.rs: E",
            "src/a.rs <- src/b.rs: E::A",
            "src/a.rs <- src/b.rs: E::B",
            "src/a.rs <- src/b.rs: E::C",
            "src/a.rs <- src/b.rs: E::C::x",
            "src/a.rs <- src/b.rs: F",
            "src/a.rs <- src/b.rs: F::D",
            "src/a.rs <- src/c.rs: E",
            "src/a.rs <- src/c.rs: E::A",
            "src/a.rs <- src/c.rs: E::B",
            "src/a.rs <- src/c.rs: E::C",
            "src/a.rs <- src/c.rs: E::C::x",
        ],
    );
}

#[test]
fn a_name_means_one_thing_per_name_space() {
    assert_edges(
        &[
            ("src/lib.rs", "mod t; mod v; mod m; mod user;"),
            ("src/t.rs", "pub struct thing { pub x: u8 }"),
            ("src/v.rs", "pub fn thing() {} pub mod deep { pub fn f() {} }"),
            ("src/m.rs", "#[macro_export] macro_rules! thing { () => {} }"),
            ("src/user.rs", "use crate::t::thing; use crate::v::thing; fn f(_: thing) { thing(); crate::thing!(); }"),
        ],
        &["src/m.rs <- src/user.rs: thing", "src/t.rs <- src/user.rs: thing", "src/v.rs <- src/user.rs: thing"],
    );
}

#[test]
fn locals_and_generics_hide_items() {
    assert_edges(
        &[
            ("src/lib.rs", "mod a; mod b;"),
            ("src/a.rs", "pub fn name() {} pub struct T; pub const K: u8 = 1; pub fn inner() {}"),
            (
                "src/b.rs",
                "use crate::a::*; fn f<T>(name: u8, _: T) { name; } fn g(k: u8) { let inner = 1; inner; fn inner() {} inner(); }
                 fn h() { { fn name() {} name(); } const K: u8 = 2; K; }",
            ),
        ],
        &[],
    );
}

#[test]
fn items_in_bodies_are_seen_inside_and_see_what_is_around() {
    assert_edges(
        &[
            ("src/lib.rs", "mod a; mod b;"),
            ("src/a.rs", "pub struct S; impl S { pub fn m(&self) {} } pub const N: usize = 1;"),
            (
                "src/b.rs",
                "fn f() { use crate::a::{S, N}; fn g(s: S) { s.m() } const L: [u8; N] = [0; N]; struct In { s: S } fn h(i: In) { i.s.m() } }",
            ),
        ],
        &["src/a.rs <- src/b.rs: N", "src/a.rs <- src/b.rs: S", "src/a.rs <- src/b.rs: S::m"],
    );
}

#[test]
fn raw_identifiers_are_the_names_they_hide() {
    assert_edges(
        &[
            ("src/lib.rs", "mod r#type; mod user;"),
            ("src/type.rs", "pub struct r#Plain { pub r#fn: u8 } pub fn r#match() {}"),
            ("src/user.rs", "use crate::r#type::{r#match, Plain}; fn f(p: Plain) { r#match(); p.r#fn; }"),
        ],
        &[
            "src/type.rs <- src/user.rs: Plain",
            "src/type.rs <- src/user.rs: Plain::fn",
            "src/type.rs <- src/user.rs: match",
        ],
    );
}
