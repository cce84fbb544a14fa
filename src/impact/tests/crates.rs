//! Packages, their targets and how they name each other.

use super::*;

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
fn dependencies_of_every_kind_and_target_are_followed() {
    assert_edges(
        &[
            ("a/Cargo.toml", "[package]\nname = \"a\"\nedition = \"2021\""),
            ("a/src/lib.rs", "pub fn f() {} pub fn g() {} pub fn h() {} pub fn k() {}"),
            (
                "b/Cargo.toml",
                "[package]\nname = \"b\"\nedition = \"2021\"\n[target.'cfg(unix)'.dependencies]\na-unix = { package = \"a\", path = \"../a\" }\n\
                 [dev-dependencies]\na = { path = \"../a\" }\n[build-dependencies]\nbuilder = { package = \"a\", path = \"../a\" }",
            ),
            ("b/src/lib.rs", "pub fn u() { a_unix::f() }"),
            ("b/build.rs", "fn main() { builder::g() }"),
            ("b/tests/t.rs", "#[test] fn t() { a::h() }"),
            ("b/benches/b.rs", "fn main() { a::k(); b::u() }"),
        ],
        &[
            "a/src/lib.rs <- b/benches/b.rs: k",
            "a/src/lib.rs <- b/build.rs: g",
            "a/src/lib.rs <- b/src/lib.rs: f",
            "a/src/lib.rs <- b/tests/t.rs: h",
            "b/src/lib.rs <- b/benches/b.rs: u",
        ],
    );
}

#[test]
fn a_workspace_is_read_by_globs_and_nested_members() {
    assert_edges(
        &[
            (
                "Cargo.toml",
                "[package]\nname = \"top\"\nedition = \"2021\"\n[workspace]\nmembers = [\"crates/*\"]\nexclude = [\"crates/old\"]\n\
                 default-members = [\".\"]\n[workspace.dependencies]\ncore-x = { path = \"crates/core\", package = \"core-x\" }\n\
                 [dependencies]\ncore-x.workspace = true",
            ),
            ("src/main.rs", "fn main() { core_x::f(); }"),
            ("crates/core/Cargo.toml", "[package]\nname = \"core-x\"\nedition = \"2021\""),
            ("crates/core/src/lib.rs", "pub fn f() {}"),
            (
                "crates/core/sub/Cargo.toml",
                "[package]\nname = \"sub\"\nedition = \"2021\"\n[dependencies]\ncore-x = { workspace = true }",
            ),
            ("crates/core/sub/src/lib.rs", "pub use core_x::f as again;"),
            (
                "crates/old/Cargo.toml",
                "[package]\nname = \"old\"\nedition = \"2021\"\n[dependencies]\nsub = { path = \"../core/sub\" }\n[workspace]",
            ),
            ("crates/old/src/lib.rs", "fn g() { sub::again() }"),
        ],
        &[
            "crates/core/src/lib.rs <- crates/core/sub/src/lib.rs: f",
            "crates/core/src/lib.rs <- crates/old/src/lib.rs: f",
            "crates/core/src/lib.rs <- src/main.rs: f",
        ],
    );
}

#[test]
fn a_renamed_dependency_is_known_by_its_new_name() {
    assert_edges(
        &[
            (
                "Cargo.toml",
                "[workspace]\nmembers = [\"a\", \"b\"]\n[workspace.dependencies]\nalias-a = { path = \"a\", package = \"a\" }",
            ),
            ("a/Cargo.toml", "[package]\nname = \"a\"\nedition = \"2021\""),
            ("a/src/lib.rs", "pub fn f() {}"),
            (
                "b/Cargo.toml",
                "[package]\nname = \"b\"\nedition = \"2021\"\n[dependencies]\nalias-a = { workspace = true, features = [] }",
            ),
            ("b/src/lib.rs", "fn g() { alias_a::f(); a::f(); }"),
        ],
        &["a/src/lib.rs <- b/src/lib.rs: f"],
    );
}

#[test]
fn targets_with_a_path_of_their_own_are_roots() {
    let texts = Texts::new(&[
        (
            "Cargo.toml",
            "[package]\nname = \"p\"\nedition = \"2021\"\nbuild = \"make/build.rs\"\nautoexamples = false\n[lib]\nname = \"q\"\npath = \"lib/root.rs\"\n\
             [[bin]]\nname = \"x\"\npath = \"bin/x.rs\"\n[[example]]\nname = \"e\"\npath = \"samples/e.rs\"",
        ),
        ("lib/root.rs", "pub mod part;"),
        ("lib/part.rs", "pub fn f() {}"),
        ("bin/x.rs", "fn main() { q::part::f() }"),
        ("samples/e.rs", "use q::part::f; fn main() { f() }"),
        ("make/build.rs", "mod helper; fn main() { helper::h() }"),
        ("make/helper.rs", "pub fn h() {}"),
        ("examples/not.rs", "fn main() { q::part::f() }"),
    ]);
    assert_eq!(
        texts.edges(),
        ["lib/part.rs <- bin/x.rs: f", "lib/part.rs <- samples/e.rs: f", "make/helper.rs <- make/build.rs: h"]
    );
    assert!(!texts.graph().is_crate_root(&"examples/not.rs".into()));
}

#[test]
fn extern_crate_gives_another_name() {
    assert_edges(
        &[
            ("a/Cargo.toml", "[package]\nname = \"a\"\nedition = \"2021\""),
            ("a/src/lib.rs", "pub fn f() {} #[macro_export] macro_rules! say { () => {} }"),
            ("b/Cargo.toml", "[package]\nname = \"b\"\nedition = \"2018\"\n[dependencies]\na = { path = \"../a\" }"),
            ("b/src/lib.rs", "#[macro_use] extern crate a as other; mod m; extern crate self as me; pub fn g() {}"),
            ("b/src/m.rs", "fn h() { other::f(); me::g(); say!(); }"),
        ],
        &["a/src/lib.rs <- b/src/m.rs: f", "a/src/lib.rs <- b/src/m.rs: say", "b/src/lib.rs <- b/src/m.rs: g"],
    );
}

#[test]
fn paths_of_edition_2015_begin_at_the_root() {
    assert_edges(
        &[
            ("Cargo.toml", "[package]\nname = \"p\""),
            ("src/lib.rs", "mod a; mod b;"),
            ("src/a.rs", "pub fn f() {} pub fn g() {}"),
            ("src/b.rs", "use a::f; fn h() { f(); ::a::g(); }"),
        ],
        &["src/a.rs <- src/b.rs: f", "src/a.rs <- src/b.rs: g"],
    );
}
