//! What is interface and what is not, pair by pair.

use super::*;

/// (what it is about, before, after)
type Pair = (&'static str, &'static str, &'static str);

fn hash(text: &str) -> Hash {
    rust(text).interface_hash()
}

/// What others cannot see, or cannot see a difference in.
const SAME: &[Pair] = &[
    ("a body", "pub fn f(x: u8) -> u8 { x }", "pub fn f(x: u8) -> u8 { let y = x + 1; y }"),
    ("comments", "pub struct S { pub x: u8 }", "// one\npub struct S { /* two */ pub x: u8, // three\n }"),
    (
        "documentation",
        "pub fn f() {}",
        "//! File.\n/// What it does.\n#[doc = \"more\"]\n#[doc(hidden)]\npub fn f() {}",
    ),
    ("white space", "pub fn f(a: &[u8], b: Vec<u8>) {}", "pub  fn f (\n    a : & [ u8 ],\n    b: Vec < u8 >\n)\n{\n}"),
    (
        "trailing commas",
        "pub struct S { pub x: u8 } pub fn f(a: u8) {}",
        "pub struct S { pub x: u8, } pub fn f(a: u8,) {}",
    ),
    (
        "order of attributes",
        "#[must_use] #[derive(Debug, Clone)] pub struct S;",
        "#[derive(Clone, Debug)] #[must_use] pub struct S;",
    ),
    (
        "lints and hints to the compiler",
        "pub fn f() {}",
        "#[allow(dead_code)] #[inline(always)] #[cold] #[track_caller] pub fn f() {}",
    ),
    ("order of items", "pub fn f() {} pub struct S;", "pub struct S; pub fn f() {}"),
    ("order of a trait's items", "pub trait T { fn a(); fn b(); }", "pub trait T { fn b(); fn a(); }"),
    ("a private function", "fn f(x: u8) {} pub fn g() {}", "fn f(x: u16) -> u8 { 1 } fn h() {} pub fn g() {}"),
    ("a private method", "pub struct S; impl S { fn f(&self) {} }", "pub struct S; impl S { fn f(&self, x: u8) {} }"),
    ("a private import", "use a::b; pub fn f() {}", "use a::{c, d}; pub fn f() {}"),
    // Size and auto traits follow from private fields, too, but no reader of the type sees them there; an impl that matters is written.
    ("a private field", "pub struct S { pub x: u8, y: u8 }", "pub struct S { pub x: u8, y: Vec<u8>, z: u16 }"),
    ("`mut` of a parameter", "pub fn f(x: u8) {}", "pub fn f(mut x: u8) {}"),
    ("the body of a trait's default", "pub trait T { fn f() { 1; } }", "pub trait T { fn f() { 2; } }"),
    ("the value of a constant", "pub const N: u8 = 1;", "pub const N: u8 = 2;"),
    ("the value of a static", "pub static N: u8 = 1;", "pub static N: u8 = 2;"),
    (
        "a constant in the types of a body",
        "pub const N: usize = 1; pub fn f() { let x: [u8; N]; }",
        "pub const N: usize = 2; pub fn f() { let x: [u8; N]; }",
    ),
    ("a private module's private things", "mod m { fn f() {} }", "mod m { fn g() {} }"),
    ("comments in a macro", "macro_rules! m { () => { 1 } }", "macro_rules! m { /* one */ () => { 1 } }"),
];

/// What others see.
const OTHER: &[Pair] = &[
    ("a parameter's type", "pub fn f(x: u8) {}", "pub fn f(x: u16) {}"),
    // The name says what to pass: a signature is read by people and models, not by the compiler alone.
    ("a parameter's name", "pub fn f(width: u8) {}", "pub fn f(height: u8) {}"),
    ("one more parameter", "pub fn f() {}", "pub fn f(x: u8) {}"),
    ("the receiver", "pub struct S; impl S { pub fn f(&self) {} }", "pub struct S; impl S { pub fn f(&mut self) {} }"),
    ("the result", "pub fn f() {}", "pub fn f() -> u8 { 1 }"),
    ("pub -> pub(crate)", "pub fn f() {}", "pub(crate) fn f() {}"),
    ("pub(crate) -> private", "pub(crate) fn f() {}", "fn f() {}"),
    ("pub(super) -> pub(in path)", "pub(super) fn f() {}", "pub(in crate::a) fn f() {}"),
    ("generics", "pub fn f() {}", "pub fn f<T>() {}"),
    ("bounds", "pub fn f<T>(t: T) {}", "pub fn f<T: Copy>(t: T) {}"),
    ("a where clause", "pub fn f<T>(t: T) {}", "pub fn f<T>(t: T) where T: Copy {}"),
    ("lifetimes", "pub fn f<'a>(x: &'a u8, y: &u8) {}", "pub fn f<'a>(x: &u8, y: &'a u8) {}"),
    ("const generics", "pub struct S<const N: usize>;", "pub struct S<const N: u8>;"),
    ("unsafe", "pub fn f() {}", "pub unsafe fn f() {}"),
    ("async", "pub fn f() {}", "pub async fn f() {}"),
    ("const", "pub fn f() {}", "pub const fn f() {}"),
    ("extern", "pub fn f() {}", "pub extern \"C\" fn f() {}"),
    ("the type of a field", "pub struct S { pub x: u8 }", "pub struct S { pub x: u16 }"),
    ("a field's visibility", "pub struct S { pub x: u8 }", "pub struct S { x: u8 }"),
    ("the first private field", "pub struct S { pub x: u8 }", "pub struct S { pub x: u8, y: u8 }"),
    ("a tuple struct's field", "pub struct S(pub u8);", "pub struct S(pub u16);"),
    ("struct -> union", "pub struct S { pub x: u8 }", "pub union S { pub x: u8 }"),
    ("a union's field", "pub union U { pub a: u8 }", "pub union U { pub a: u8, pub b: u16 }"),
    ("a variant", "pub enum E { A }", "pub enum E { A, B }"),
    ("a variant's field", "pub enum E { A(u8) }", "pub enum E { A(u16) }"),
    ("a discriminant", "pub enum E { A = 1 }", "pub enum E { A = 2 }"),
    (
        "a discriminant by name",
        "const D: u8 = 1; pub const N: isize = 1; pub enum E { A = N }",
        "const D: u8 = 1; pub const N: isize = 2; pub enum E { A = N }",
    ),
    ("a derive", "#[derive(Clone)] pub struct S;", "#[derive(Clone, Copy)] pub struct S;"),
    ("non_exhaustive", "pub enum E { A }", "#[non_exhaustive] pub enum E { A }"),
    ("must_use", "pub fn f() -> u8 { 1 }", "#[must_use] pub fn f() -> u8 { 1 }"),
    ("deprecated", "pub fn f() {}", "#[deprecated(note = \"g\")] pub fn f() {}"),
    ("repr", "pub struct S { pub x: u8 }", "#[repr(C)] pub struct S { pub x: u8 }"),
    ("cfg", "pub fn f() {}", "#[cfg(unix)] pub fn f() {}"),
    ("a trait's item", "pub trait T {}", "pub trait T { fn f(); }"),
    ("a trait's item gets a default", "pub trait T { fn f(); }", "pub trait T { fn f() {} }"),
    ("a supertrait", "pub trait T {}", "pub trait T: Copy {}"),
    ("an associated type's bound", "pub trait T { type A; }", "pub trait T { type A: Copy; }"),
    (
        "an associated type",
        "pub struct S; impl Iterator for S { type Item = u8; }",
        "pub struct S; impl Iterator for S { type Item = u16; }",
    ),
    ("an associated constant's type", "pub trait T { const C: u8; }", "pub trait T { const C: u16; }"),
    ("an impl that appears", "pub struct S;", "pub struct S; impl Clone for S {}"),
    (
        "an impl's generics",
        "pub struct S<T>(T); impl<T> Tr for S<T> {}",
        "pub struct S<T>(T); impl<T: Copy> Tr for S<T> {}",
    ),
    ("a negative impl", "pub struct S; impl Send for S {}", "pub struct S; impl !Send for S {}"),
    ("a re-export appears", "", "pub use a::b;"),
    ("a re-export's target", "pub use a::b as c;", "pub use a::d as c;"),
    ("a re-export's visibility", "pub use a::b;", "pub(crate) use a::b;"),
    ("a glob", "pub use a::*;", "pub use b::*;"),
    ("a constant's type", "pub const N: u8 = 1;", "pub const N: u16 = 1;"),
    ("a static's type", "pub static N: u8 = 1;", "pub static N: u16 = 1;"),
    ("static mut", "pub static N: u8 = 1;", "pub static mut N: u8 = 1;"),
    (
        "a length",
        "pub const N: usize = 1; pub fn f() -> [u8; N] { [0; N] }",
        "pub const N: usize = 2; pub fn f() -> [u8; N] { [0; N] }",
    ),
    (
        "a length that is computed",
        "pub const N: usize = 1; pub struct S { pub x: [u8; N * 2] }",
        "pub const N: usize = 2; pub struct S { pub x: [u8; N * 2] }",
    ),
    (
        "an argument of a const parameter",
        "pub const N: usize = 1; pub type B = Buf<N>;",
        "pub const N: usize = 2; pub type B = Buf<N>;",
    ),
    ("what an alias stands for", "pub type T = u8;", "pub type T = u16;"),
    ("a macro's body", "macro_rules! m { () => { 1 } }", "macro_rules! m { () => { 2 } }"),
    ("a macro's export", "macro_rules! m { () => {} }", "#[macro_export] macro_rules! m { () => {} }"),
    ("a module's visibility", "mod m { pub fn f() {} }", "pub mod m { pub fn f() {} }"),
    ("a private thing that a child module sees", "mod m; fn f(x: u8) {}", "mod m; fn f(x: u16) {}"),
    ("an item in a foreign block", "extern \"C\" { pub fn f(x: u8); }", "extern \"C\" { pub fn f(x: u16); }"),
];

#[test]
fn what_others_see_no_difference_in_is_one_interface() {
    for (what, before, after) in SAME {
        assert_ne!(before, after, "{what}");
        assert_eq!(hash(before), hash(after), "{what}: {before} -> {after}");
    }
}

#[test]
fn what_others_see_is_another_interface() {
    for (what, before, after) in OTHER {
        assert_ne!(hash(before), hash(after), "{what}: {before} -> {after}");
    }
}
