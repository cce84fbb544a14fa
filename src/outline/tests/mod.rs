//! Outlines of texts.

mod interface;
mod scripts;

use super::*;

fn rust(text: &str) -> Outline {
    let (outline, errors) = outline(Language::RUST, text);
    assert_eq!(errors, [], "{text}");
    outline
}

fn signature<'o>(outline: &'o Outline, name: &str) -> &'o str {
    &outline
        .symbols()
        .iter()
        .find(|symbol| symbol.name == name)
        .unwrap_or_else(|| panic!("{name}: {outline:?}"))
        .signature
}

const CONFIG: &str = "\
//! Configuration.
use std::path::Path;

/// What was read.
#[derive(Debug, Clone)]
#[must_use]
pub struct Config {
    pub retries: u32,
    secret: String,
}

impl Config {
    /// Loads it.
    pub fn load(path: &Path, mut depth: u32) -> Result<Self, Error> {
        depth += 1;
        todo!()
    }
    fn check(&self) {}
}

pub enum Error { Missing, Broken { line: u32 } }
pub const LIMIT: usize = 3;
mod inner { pub fn f() {} }
";

#[test]
fn names_are_within_the_file_and_signatures_spaced_one_way() {
    let outline = rust(CONFIG);
    let names: Vec<&str> = outline.symbols().iter().map(|symbol| symbol.name.as_str()).collect();
    assert_eq!(
        names,
        [
            "Config",
            "Config::retries",
            "Config::secret",
            "Config::load",
            "Config::check",
            "Error",
            "Error::Missing",
            "Error::Broken",
            "Error::Broken::line",
            "LIMIT",
            "inner",
            "inner::f"
        ]
    );
    assert_eq!(signature(&outline, "Config::load"), "pub fn load(path: &Path, depth: u32) -> Result<Self, Error>");
    assert_eq!(
        signature(&outline, "Config"),
        "#[derive(Clone, Debug)] #[must_use] pub struct Config { pub retries: u32, .. }"
    );
    assert_eq!(signature(&outline, "LIMIT"), "pub const LIMIT: usize");
    let load = outline.symbols().iter().find(|symbol| symbol.name == "Config::load").unwrap();
    assert!(load.doc);
    assert_eq!((load.start_line, load.end_line), (14, 17));
}

#[test]
fn what_others_cannot_see_leaves_the_interface_alone() {
    let hash = rust(CONFIG).interface_hash();
    for (from, to) in [
        ("depth += 1;", "depth += 2; let x = 5;"),
        ("/// Loads it.", "// loads"),
        ("#[derive(Debug, Clone)]\n#[must_use]", "#[must_use]\n#[derive(Clone,\n  Debug)]"),
        ("secret: String", "secret: Vec<u8>"),
        ("fn check(&self) {}", "fn check(&self, deep: bool) {}"),
        ("path: &Path, mut depth: u32", "\n path: & Path,\n depth : u32,\n"),
        ("= 3;", "= 4;"),
    ] {
        assert!(CONFIG.contains(from), "{from}");
        assert_eq!(rust(&CONFIG.replace(from, to)).interface_hash(), hash, "{from} -> {to}");
    }
}

#[test]
fn what_others_can_see_changes_the_interface() {
    let hash = rust(CONFIG).interface_hash();
    for (from, to) in [
        ("mut depth: u32", "mut depth: u64"),
        ("pub retries", "retries"),
        ("Missing,", "Missing, Empty,"),
        ("Debug, Clone", "Debug"),
        ("pub const LIMIT: usize", "pub const LIMIT: u32"),
        ("pub enum", "pub(crate) enum"),
        ("use std::path::Path", "pub use std::path::Path"),
        ("pub fn f()", "pub fn f<T: Copy>()"),
    ] {
        assert!(CONFIG.contains(from), "{from}");
        assert_ne!(rust(&CONFIG.replace(from, to)).interface_hash(), hash, "{from} -> {to}");
    }
}

#[test]
fn a_macros_body_is_its_interface() {
    let one = rust("#[macro_export] macro_rules! m { ($a:expr) => { $a + 1 } }");
    let two = rust("#[macro_export] macro_rules! m { ($a:expr) => { $a + 2 } }");
    assert_ne!(one.interface_hash(), two.interface_hash());
}

#[test]
fn private_things_count_where_a_child_module_sees_them() {
    let of = |ty: &str| rust(&format!("mod child;\nfn helper(x: {ty}) {{}}")).interface_hash();
    assert_ne!(of("u8"), of("u16"));
}

#[test]
fn an_outline_survives_its_stored_form_and_damage_is_noticed() {
    let outline = rust(CONFIG);
    let bytes = outline.to_bytes();
    assert_eq!(Outline::from_bytes(&bytes), Some(outline));
    assert_eq!(Outline::from_bytes(&bytes[..bytes.len() / 2]), None);
    for at in 0..bytes.len() {
        let mut damaged = bytes.clone();
        damaged[at] ^= 0x55;
        drop(Outline::from_bytes(&damaged));
    }
}

/// Every kind of thing that an outline holds, at least once.
const EVERYTHING: &str = r#"
#[macro_use] extern crate core as base;
pub(in crate::a) use a::{self, b::*, C as D, E as _};
#[path = "odd.rs"] mod odd;
include!("more.rs");
lazy! { static X: u8 = 1; }
pub trait T<const N: usize>: Sized + Clone { type I: Iterator<Item = u8>; const K: u8; fn t(&self) -> [u8; N]; }
impl<A: Into<B>, B> T<3> for (A, dyn Fn(&A) -> B) where B: Default { type I = Vec<u8>; const K: u8 = 1; }
pub union U { a: u8, b: u16 }
pub enum E { A = 1, B { x: u8 }, C(#[doc = "x"] pub u8) }
macro_rules! m { ($a:expr) => { $a } }
async fn f<'a>(mut self: Box<Self>, (x, y): (u8, &'a str), z: impl Copy) -> Result<(), !> {
    use inner::g;
    let v = vec![S { x, y: 1, ..d }.z[0]?];
    for (i, w) in v.iter().map(|q: u8| -> u8 { q }).enumerate() { w.await; }
    let Some(k @ [a, .., E::A]) = <S as T<1>>::make::<u8>(1) else { return };
    if let E::B { x: 1..=MAX, .. } | E::C(ref n) = self.kind && n as u8 > 2 { loop { break } } else { unsafe { h() } }
    match k { K if k.x => {} Foo(_) => {} _ => |p| p + 1 }
    static S: &str = include_str!("s.txt");
    a.b = c!(d => e);
}
"#;

/// Stored outlines are taken for right while the version is the same.
#[test]
fn the_version_is_raised_with_the_outline() {
    let texts = [CONFIG, EVERYTHING];
    let bytes: Vec<u8> = texts.iter().flat_map(|text| super::outline(Language::RUST, text).0.to_bytes()).collect();
    let known = (OUTLINE_VERSION, Hash::of(&bytes).to_string());
    let expected = (9, "cdcd43e9803b509fd332a2c04fc027857af31c31dd50441aae4146f08ce84baa".to_owned());
    assert_eq!(known, expected, "the outline of a text changed: raise OUTLINE_VERSION and put the new hash here");
}

#[test]
fn broken_source_is_input() {
    let (outline, errors) = super::outline(Language::RUST, "pub fn good() {}\nstruct S { a: }\npub fn also() {} }}}");
    assert!(!errors.is_empty());
    assert!(outline.symbols().iter().any(|symbol| symbol.name == "good"));
    assert!(outline.symbols().iter().any(|symbol| symbol.name == "also"));
}

/// In a thread with the stack of a worker's: what overflows there kills the process.
fn on_a_small_stack(text: String) {
    let thread = std::thread::Builder::new().stack_size(2 << 20);
    let outline = thread.spawn(move || super::outline(Language::RUST, &text)).unwrap().join().unwrap();
    assert!(Outline::from_bytes(&outline.0.to_bytes()).is_some());
}

#[test]
fn f48_hostile_nesting_ends() {
    let n = 100_000;
    for text in [
        format!("fn f() {{ {}1{} }}", "(".repeat(n), ")".repeat(n)),
        format!("fn f() {{ {} }}", "a + ".repeat(n)),
        format!("fn f() {{ a{} }}", ".b()".repeat(n)),
        format!("fn f() {{ {}a }}", "!".repeat(n)),
        format!("fn f() {{ {}a }}", "&".repeat(n)),
        format!("fn f() {{ {} }}", "if a { } else ".repeat(n)),
        format!("type T = {}u8;", "&".repeat(n)),
        format!("type T = {}u8{};", "Vec<".repeat(n), ">".repeat(n)),
        format!("use {}a;", "a::".repeat(n)),
        format!("use {}a{};", "a::{".repeat(400), "}".repeat(400)),
        "mod m {".repeat(400),
        "m!{".repeat(400),
        "/*".repeat(n),
        "{".repeat(n),
        "\0".repeat(n),
        "fn f() { |a| ".repeat(400),
        format!("fn f() {{ {} }}", "x(m!(".repeat(200)),
    ] {
        on_a_small_stack(text);
    }
}

#[test]
fn odd_texts_are_texts() {
    for text in [
        "",
        "\u{feff}fn f() {}",
        "fn f() {}\r\npub struct S;\r\n",
        "fn naïve() { \"ü\" }",
        "#!/usr/bin/env rust\nfn f() {}",
    ] {
        super::outline(Language::RUST, text);
    }
    assert_eq!(signature(&rust("pub fn f(\r\n  a: u8,\r\n) {}"), "f"), "pub fn f(a: u8)");
}
