//! Fields, methods and associated items, found by the types of values.

use super::*;

const TYPES: &str = "
    pub struct S { pub x: X } pub struct X; impl X { pub fn mx(&self) -> u8 { 1 } }
    impl S { pub const K: u8 = 1; pub fn new() -> Self { S { x: X } } pub fn try_new() -> Result<Self, u8> { Ok(Self::new()) } pub fn ms(&self) -> X { X } pub fn many(&self) -> Vec<X> { vec![] } }
    pub fn make() -> S { S::new() }";

/// What `user` uses of the members above, in a file that names no more than it must.
#[track_caller]
fn assert_members(user: &str, expected: &[&str]) {
    let texts = Texts::new(&[("src/lib.rs", "mod a; mod b;"), ("src/a.rs", TYPES), ("src/b.rs", user)]);
    let edges = texts.edges();
    let members: Vec<&str> = edges.iter().filter_map(|edge| edge.strip_prefix("src/a.rs <- src/b.rs: ")).collect();
    let members: Vec<&str> = members.into_iter().filter(|name| name.contains("::m") || name.ends_with("::x")).collect();
    assert_eq!(members, expected, "{user}");
}

#[test]
fn receivers_are_typed_by_parameters_fields_lets_and_results() {
    for (user, expected) in [
        ("fn f(s: &crate::a::S) { s.ms(); }", &["S::ms"][..]),
        ("fn f(s: &mut Option<Box<crate::a::S>>) { s.as_ref().unwrap().x.mx(); }", &["S::x", "X::mx"]),
        ("struct H { s: crate::a::S } impl H { fn f(&self) { self.s.ms().mx(); } }", &["S::ms", "X::mx"]),
        ("fn f() { let s = crate::a::S::new(); s.ms(); }", &["S::ms"]),
        ("fn f() { let s = crate::a::make(); s.ms(); }", &["S::ms"]),
        ("fn f() -> Result<(), u8> { let s = crate::a::S::try_new()?; s.ms(); Ok(()) }", &["S::ms"]),
        ("fn f() { crate::a::make().many().iter().map(|x| x.mx()).count(); }", &["S::many", "X::mx"]),
        ("fn f() { for x in crate::a::make().many() { x.mx(); } }", &["S::many", "X::mx"]),
        ("fn f() { match crate::a::S::try_new() { Ok(s) => { s.ms(); } Err(_) => {} } }", &["S::ms"]),
        ("fn f() { if let Ok(s) = crate::a::S::try_new() { s.ms(); } }", &["S::ms"]),
        ("fn f() { let Ok(crate::a::S { x }) = crate::a::S::try_new() else { return }; x.mx(); }", &["S::x", "X::mx"]),
        ("fn f(a: [crate::a::S; 2]) { a[0].ms(); let [s, _] = &a; s.x.mx(); }", &["S::ms", "S::x", "X::mx"]),
        ("static G: std::sync::LazyLock<crate::a::S> = loop {}; fn f() { G.ms(); }", &["S::ms"]),
        ("fn f() { let g = || crate::a::make(); g().ms(); }", &["S::ms"]),
        ("async fn g() -> crate::a::S { loop {} } async fn f() { g().await.ms(); }", &["S::ms"]),
        ("fn f() { std::sync::Arc::new(crate::a::make()).ms(); }", &["S::ms"]),
        ("fn f(m: std::sync::Mutex<crate::a::S>) { m.lock().unwrap().ms(); }", &["S::ms"]),
        ("fn f(s: crate::a::S) { let s = if true { s } else { crate::a::make() }; s.ms(); }", &["S::ms"]),
        (
            "fn f(v: Vec<(u8, crate::a::S)>) { v.into_iter().filter(|(_, s)| s.ms().mx() > 1).count(); }",
            &["S::ms", "X::mx"],
        ),
        ("fn f(s: crate::a::S) { crate::a::S::ms(&s); <crate::a::S>::ms(&s); }", &["S::ms"]),
    ] {
        assert_members(user, expected);
    }
}

#[test]
fn items_of_a_type_are_found_by_every_path_to_it() {
    assert_edges(
        &[
            ("src/lib.rs", "mod a; mod b; mod c;"),
            (
                "src/a.rs",
                "pub struct S; pub type Alias = S; pub trait Tr { const C: u8; type Out; fn make() -> Self; fn given() {} }",
            ),
            (
                "src/b.rs",
                "use crate::a::*; impl S { pub const K: u8 = 1; pub fn new() -> Self { Self::K; Self::helper(); S } fn helper() {} } impl Tr for S { const C: u8 = 2; type Out = u8; fn make() -> Self { S } }",
            ),
            (
                "src/c.rs",
                "use crate::a::{S, Alias, Tr}; fn f() { S::new(); Alias::K; <S as Tr>::make(); <S as Tr>::C; S::given(); let _: <S as Tr>::Out; }",
            ),
        ],
        &[
            "src/a.rs <- src/b.rs: S",
            "src/a.rs <- src/b.rs: Tr",
            "src/a.rs <- src/c.rs: Alias",
            "src/a.rs <- src/c.rs: S",
            "src/a.rs <- src/c.rs: Tr",
            "src/a.rs <- src/c.rs: Tr::given",
            "src/b.rs <- src/c.rs: S::C",
            "src/b.rs <- src/c.rs: S::K",
            "src/b.rs <- src/c.rs: S::Out",
            "src/b.rs <- src/c.rs: S::make",
            "src/b.rs <- src/c.rs: S::new",
        ],
    );
}

#[test]
fn trait_methods_resolve_through_bounds_objects_and_defaults() {
    const TRAITS: &str = "pub trait Base { fn base(&self) -> u8; } pub trait Tr: Base { type Item: Base; fn tr(&self) -> Self::Item; fn def(&self) {} }";
    for (user, expected) in [
        ("use crate::a::Tr; fn f(t: &dyn Tr) { t.def(); t.base(); }", &["Base::base", "Tr", "Tr::def"][..]),
        ("use crate::a::Tr; fn f(t: impl Tr) { t.tr().base(); }", &["Base::base", "Tr", "Tr::tr"]),
        ("use crate::a::Tr; fn f<T: Tr>(t: T) { t.def(); T::def(&t); }", &["Tr", "Tr::def"]),
        ("use crate::a::Tr; fn f<T>(t: Vec<T>) where T: Tr { for t in t { t.def(); } }", &["Tr", "Tr::def"]),
        (
            "use crate::a::Tr; struct H<T: Tr> { t: T } impl<T: Tr> H<T> { fn f(&self) { self.t.def() } }",
            &["Tr", "Tr::def"],
        ),
        (
            "use crate::a::Base; fn f<I: Iterator<Item = T>, T: Base>(i: I) { for t in i { t.base(); } }",
            &["Base", "Base::base"],
        ),
        (
            "use crate::a::Base; fn f(v: &[Box<dyn Base>]) { v.iter().map(|b| b.base()).max(); }",
            &["Base", "Base::base"],
        ),
    ] {
        let texts = Texts::new(&[("src/lib.rs", "mod a; mod b;"), ("src/a.rs", TRAITS), ("src/b.rs", user)]);
        let edges = texts.edges();
        let found: Vec<&str> = edges.iter().filter_map(|edge| edge.strip_prefix("src/a.rs <- src/b.rs: ")).collect();
        assert_eq!(found, expected, "{user}");
    }
}

#[test]
fn an_impl_uses_its_trait_and_its_type() {
    assert_edges(
        &[
            ("src/lib.rs", "mod a; mod t; mod i; mod user; mod blanket;"),
            ("src/a.rs", "pub struct S;"),
            ("src/t.rs", "pub trait T { fn t(&self) {} } pub trait All { fn all(&self) {} }"),
            ("src/i.rs", "impl crate::t::T for crate::a::S {}"),
            ("src/blanket.rs", "impl<X: crate::t::T> crate::t::All for X {}"),
            ("src/user.rs", "use crate::t::{All, T}; fn f(s: crate::a::S) { s.t(); s.all(); }"),
        ],
        &[
            "src/a.rs <- src/i.rs: S",
            "src/a.rs <- src/user.rs: S",
            "src/t.rs <- src/blanket.rs: All",
            "src/t.rs <- src/blanket.rs: T",
            "src/t.rs <- src/i.rs: T",
            "src/t.rs <- src/user.rs: All",
            "src/t.rs <- src/user.rs: All::all",
            "src/t.rs <- src/user.rs: T",
            "src/t.rs <- src/user.rs: T::t",
        ],
    );
}

#[test]
fn a_type_that_derefs_has_the_members_of_what_is_inside() {
    assert_edges(
        &[
            ("src/lib.rs", "mod inner; mod outer; mod user;"),
            ("src/inner.rs", "pub struct I { pub x: u8 } impl I { pub fn m(&self) {} }"),
            (
                "src/outer.rs",
                "use crate::inner::I; pub struct O(I); impl std::ops::Deref for O { type Target = I; fn deref(&self) -> &I { &self.0 } }",
            ),
            ("src/user.rs", "fn f(o: &crate::outer::O) { o.m(); o.x; }"),
        ],
        &[
            "src/inner.rs <- src/outer.rs: I",
            "src/inner.rs <- src/user.rs: I::m",
            "src/inner.rs <- src/user.rs: I::x",
            "src/outer.rs <- src/user.rs: O",
        ],
    );
}

#[test]
fn parts_of_patterns_and_closures_keep_their_places() {
    for (user, expected) in [
        ("fn f(t: (u8, crate::a::S)) { let (_, s) = t; s.ms(); }", &["S::ms"][..]),
        ("fn f(t: (crate::a::S, u8, u16, crate::a::X)) { let (s, .., x) = t; s.ms(); x.mx(); }", &["S::ms", "X::mx"]),
        ("enum E { V(u8, crate::a::S) } fn f(e: E) { match e { E::V(_, s) => s.ms(), } }", &["S::ms"]),
        ("fn f(v: Vec<crate::a::S>) { v.iter().fold(0, |_, s| s.ms()); }", &["S::ms"]),
        (
            "struct C; impl C { fn each(&self, n: u8, f: impl Fn(&crate::a::S)) {} } fn f(c: C) { c.each(1, |s| s.ms()); }",
            &["S::ms"],
        ),
        ("fn f(c: std::cell::RefCell<crate::a::S>) { c.borrow_mut().ms(); }", &["S::ms"]),
    ] {
        assert_members(user, expected);
    }
}

#[test]
fn operators_are_methods_of_the_types_that_define_them() {
    assert_edges(
        &[
            ("src/lib.rs", "mod a; mod ops; mod user;"),
            ("src/a.rs", "#[derive(Clone)] pub struct V;"),
            (
                "src/ops.rs",
                "use crate::a::V; impl std::ops::Add for V { type Output = V; fn add(self, o: V) -> V { o } }
                 impl std::ops::Index<u8> for V { type Output = u8; fn index(&self, i: u8) -> &u8 { &0 } }
                 impl std::ops::Neg for V { type Output = V; fn neg(self) -> V { self } }",
            ),
            (
                "src/user.rs",
                "use crate::a::V; fn f(v: V, w: V, n: u8) { let _ = -(v + w); n + 1; } fn g(v: &V) -> u8 { v[0] }",
            ),
        ],
        &[
            "src/a.rs <- src/ops.rs: V",
            "src/a.rs <- src/user.rs: V",
            "src/ops.rs <- src/user.rs: V::add",
            "src/ops.rs <- src/user.rs: V::index",
            "src/ops.rs <- src/user.rs: V::neg",
        ],
    );
}
