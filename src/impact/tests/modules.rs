//! Which file is which module.

use super::*;

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
fn a_module_lies_beside_or_in_its_folder() {
    let texts = Texts::new(&[
        ("src/main.rs", "mod a; mod b; mod c { pub mod d; mod e { mod f; } }"),
        ("src/a.rs", "mod x;"),
        ("src/a/x.rs", ""),
        ("src/b/mod.rs", "mod y;"),
        ("src/b/y.rs", ""),
        ("src/c/d/mod.rs", ""),
        ("src/c/e/f.rs", ""),
    ]);
    let graph = texts.graph();
    let path = |file: &str| graph.module_path(&file.into()).map(|path| path.split_once("::").unwrap().1.to_owned());
    assert_eq!(path("src/a/x.rs").as_deref(), Some("a::x"));
    assert_eq!(path("src/b/y.rs").as_deref(), Some("b::y"));
    assert_eq!(path("src/c/d/mod.rs").as_deref(), Some("c::d"));
    assert_eq!(path("src/c/e/f.rs").as_deref(), Some("c::e::f"));
}

#[test]
fn a_path_attribute_counts_from_where_it_stands() {
    let texts = Texts::new(&[
        ("src/lib.rs", "mod a; mod m; #[path = \"odd\"] mod inline { mod deep; #[path = \"../up.rs\"] mod up; }"),
        ("src/a.rs", "#[path = \"beside.rs\"] mod b; mod inner { #[path = \"given.rs\"] mod c; }"),
        ("src/m/mod.rs", "mod inner { #[path = \"given.rs\"] mod c; }"),
        ("src/beside.rs", ""),
        ("src/a/inner/given.rs", ""),
        ("src/m/inner/given.rs", ""),
        ("src/odd/deep.rs", ""),
        ("src/up.rs", ""),
    ]);
    let graph = texts.graph();
    let path = |file: &str| graph.module_path(&file.into()).map(|path| path.split_once("::").unwrap().1.to_owned());
    assert_eq!(path("src/beside.rs").as_deref(), Some("a::b"));
    assert_eq!(path("src/a/inner/given.rs").as_deref(), Some("a::inner::c"));
    assert_eq!(path("src/m/inner/given.rs").as_deref(), Some("m::inner::c"));
    assert_eq!(path("src/odd/deep.rs").as_deref(), Some("inline::deep"));
    assert_eq!(path("src/up.rs").as_deref(), Some("inline::up"));
}

#[test]
fn twins_under_different_cfgs_are_both_used() {
    assert_edges(
        &[
            (
                "src/lib.rs",
                "#[cfg(unix)] #[path = \"unix.rs\"] mod imp; #[cfg(windows)] #[path = \"windows.rs\"] mod imp; mod user;
                 #[cfg(a)] mod x; #[cfg(b)] mod y; #[cfg(a)] use x as z; #[cfg(b)] use y as z;",
            ),
            ("src/unix.rs", "pub fn both() {} pub fn only_unix() {}"),
            ("src/windows.rs", "pub fn both() {} pub fn only_windows() {}"),
            ("src/x.rs", "pub fn in_x() {}"),
            ("src/y.rs", "pub fn in_y() {}"),
            (
                "src/user.rs",
                "use crate::{imp, z}; fn f() { imp::both(); imp::only_unix(); imp::only_windows(); z::in_x(); z::in_y(); }",
            ),
        ],
        &[
            "src/unix.rs <- src/user.rs: both",
            "src/unix.rs <- src/user.rs: only_unix",
            "src/windows.rs <- src/user.rs: both",
            "src/windows.rs <- src/user.rs: only_windows",
            "src/x.rs <- src/user.rs: in_x",
            "src/y.rs <- src/user.rs: in_y",
        ],
    );
}

#[test]
fn included_files_are_used() {
    let texts = Texts::new(&[
        ("p/Cargo.toml", "[package]\nname = \"p\"\nedition = \"2021\""),
        (
            "p/src/deep/mod.rs",
            "const A: &str = include_str!(\"../a.txt\"); const B: &[u8] = include_bytes!(concat!(env!(\"CARGO_MANIFEST_DIR\"), \"/b.bin\"));
             include!(\"items.rs\"); fn f() { from_items(); }",
        ),
        ("p/src/deep/items.rs", "pub fn from_items() {}"),
        ("p/src/lib.rs", "#![doc = include_str!(\"../README.md\")] mod deep; fn g() { deep::from_items() }"),
        ("p/src/a.txt", ""),
        ("p/b.bin", ""),
        ("p/README.md", ""),
    ]);
    let graph = texts.graph();
    let used = |source: &str, by: &str| {
        graph.edges().iter().any(|edge| edge.source_file == source.into() && edge.dependent_file == by.into())
    };
    assert!(used("p/src/a.txt", "p/src/deep/mod.rs"));
    assert!(used("p/b.bin", "p/src/deep/mod.rs"));
    assert!(used("p/README.md", "p/src/lib.rs"));
    assert!(used("p/src/deep/items.rs", "p/src/deep/mod.rs"));
    assert!(used("p/src/deep/items.rs", "p/src/lib.rs"));
}
