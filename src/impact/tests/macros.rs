//! Macros: where they reach, what their arguments name, what stands in attributes.

use super::*;

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
fn a_macro_reaches_by_text_by_export_and_by_import() {
    assert_edges(
        &[
            ("src/lib.rs", "#[macro_use] mod m; mod user; mod other;"),
            (
                "src/m.rs",
                "macro_rules! textual { () => {} } #[macro_export] macro_rules! exported { () => { $crate::user::f() } }
                 macro_rules! named { () => {} } pub(crate) use named; pub(crate) use named as renamed;",
            ),
            ("src/user.rs", "pub fn f() { textual!(); crate::exported!(); }"),
            ("src/other.rs", "use crate::m::renamed; fn g() { renamed!(); crate::m::named![]; exported! {} }"),
        ],
        &[
            "src/m.rs <- src/other.rs: exported",
            "src/m.rs <- src/other.rs: named",
            "src/m.rs <- src/user.rs: exported",
            "src/m.rs <- src/user.rs: textual",
        ],
    );
}

#[test]
fn macros_of_a_member_are_used_by_others() {
    assert_edges(
        &[
            ("a/Cargo.toml", "[package]\nname = \"a\"\nedition = \"2021\""),
            ("a/src/lib.rs", "mod deep;"),
            (
                "a/src/deep.rs",
                "#[macro_export] macro_rules! one { () => {} } #[macro_export] macro_rules! two { () => {} }",
            ),
            ("b/Cargo.toml", "[package]\nname = \"b\"\nedition = \"2021\"\n[dependencies]\na = { path = \"../a\" }"),
            ("b/src/lib.rs", "use a::two; fn f() { a::one!(x, y); two!(); }"),
        ],
        &["a/src/deep.rs <- b/src/lib.rs: one", "a/src/deep.rs <- b/src/lib.rs: two"],
    );
}

#[test]
fn macros_of_a_proc_macro_member_are_attributed_functions() {
    assert_edges(
        &[
            ("m/Cargo.toml", "[package]\nname = \"m\"\nedition = \"2021\"\n[lib]\nproc-macro = true"),
            (
                "m/src/lib.rs",
                "#[proc_macro_derive(MyTrait, attributes(my))] pub fn derive_it(i: TokenStream) -> TokenStream { i }
                 #[proc_macro] pub fn call_it(i: TokenStream) -> TokenStream { i }
                 #[proc_macro_attribute] pub fn put_it(a: TokenStream, i: TokenStream) -> TokenStream { i }",
            ),
            ("b/Cargo.toml", "[package]\nname = \"b\"\nedition = \"2021\"\n[dependencies]\nm = { path = \"../m\" }"),
            ("b/src/lib.rs", "pub use m::MyTrait; #[derive(Clone, MyTrait)] struct S; mod x;"),
            ("b/src/x.rs", "use crate::MyTrait; #[derive(MyTrait)] struct S; #[m::put_it] fn f() { m::call_it!(); }"),
        ],
        &[
            "m/src/lib.rs <- b/src/lib.rs: MyTrait",
            "m/src/lib.rs <- b/src/x.rs: MyTrait",
            "m/src/lib.rs <- b/src/x.rs: call_it",
            "m/src/lib.rs <- b/src/x.rs: put_it",
        ],
    );
}

#[test]
fn arguments_of_attributes_name_things() {
    let files = [
            ("src/lib.rs", "mod a; mod b; mod c;"),
            (
                "src/a.rs",
                "pub mod as_text { pub fn serialize() {} } pub fn none() -> bool { true } pub fn given() {} pub struct Source; pub fn parse() {}",
            ),
            (
                "src/b.rs",
                "#[derive(Serialize)] struct S { #[serde(with = \"crate::a::as_text\")] x: u8,
                 #[serde(default = \"crate::a::given\", skip_serializing_if = \"none\")] y: u8, #[arg(value_parser = crate::a::parse)] z: u8,
                 #[serde(rename = \"given\")] w: u8 } use crate::a::{none, given};",
            ),
            ("src/c.rs", "use crate::a::Source; enum E { #[error(\"{0}\")] A(#[from] Source) }"),
        ];
    assert_edges(
        &files,
        &[
            "src/a.rs <- src/b.rs: given",
            "src/a.rs <- src/b.rs: none",
            "src/a.rs <- src/b.rs: parse",
            "src/a.rs <- src/c.rs: Source",
        ],
    );
    let graph = Texts::new(&files).graph();
    assert!(graph.edges().iter().any(|edge| edge.symbol_name == "as_text" && edge.dependent_file == "src/b.rs".into()));
}

#[test]
fn names_in_token_trees_that_are_no_expression_count() {
    assert_edges(
        &[
            ("src/lib.rs", "mod a; mod b;"),
            (
                "src/a.rs",
                "pub fn f() {} pub fn g() {} pub struct S; impl S { pub fn new() -> S { S } pub fn m(&self) {} } pub enum E { A }",
            ),
            (
                "src/b.rs",
                "use crate::a::{self, S, E}; fn t() { select! { x = a::f() => { a::g() } _ = other => {} } odd!(S::new().m() ; E::A => 1); println!(\"{}\", S::new().m()); }",
            ),
        ],
        &[
            "src/a.rs <- src/b.rs: E",
            "src/a.rs <- src/b.rs: E::A",
            "src/a.rs <- src/b.rs: S",
            "src/a.rs <- src/b.rs: S::m",
            "src/a.rs <- src/b.rs: S::new",
            "src/a.rs <- src/b.rs: f",
            "src/a.rs <- src/b.rs: g",
        ],
    );
}

#[test]
fn an_item_macro_declares_what_its_arguments_name() {
    assert_edges(
        &[
            ("src/lib.rs", "mod a; mod b; mod c;"),
            (
                "src/a.rs",
                "bitflags! { #[derive(Clone)] pub struct Flags: u32 { const ONE = 1; } } handler!(/// Docs.\n get, GET); use crate::c::Known; adorn!(Known);",
            ),
            ("src/b.rs", "use crate::a::{get, Flags, Known}; fn f(_: Known) { get(Flags::ONE); crate::a::absent(); }"),
            ("src/c.rs", "pub struct Known;"),
        ],
        &[
            "src/a.rs <- src/b.rs: Flags",
            "src/a.rs <- src/b.rs: Flags::ONE",
            "src/a.rs <- src/b.rs: get",
            "src/c.rs <- src/a.rs: Known",
            "src/c.rs <- src/b.rs: Known",
        ],
    );
}

#[test]
fn quoted_code_names_nothing_here() {
    assert_edges(
        &[
            ("src/lib.rs", "mod a; mod b;"),
            ("src/a.rs", "pub fn f() {}"),
            ("src/b.rs", "fn g() { quote! { crate::a::f() }; quote::quote_spanned!(s => crate::a::f()); }"),
        ],
        &[],
    );
}
