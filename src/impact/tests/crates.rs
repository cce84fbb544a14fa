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

#[test]
fn a_patch_by_path_stands_for_the_package_it_names() {
    let patched = |patch: &str, dependency: &str, expected: bool| {
        let root = format!("[workspace]\nmembers = [\"app\"]\n{patch}");
        let app = format!("[package]\nname = \"app\"\nedition = \"2021\"\n[dependencies]\n{dependency}");
        let texts = Texts::new(&[
            ("Cargo.toml", &root),
            ("app/Cargo.toml", &app),
            ("app/src/main.rs", "fn main() { hashlib::digest(); }"),
            ("own/Cargo.toml", "[package]\nname = \"hashlib\"\nversion = \"1.0.0\"\nedition = \"2021\""),
            ("own/src/lib.rs", "pub fn digest() {}"),
        ]);
        let edges = texts.edges();
        assert_eq!(
            edges == ["own/src/lib.rs <- app/src/main.rs: digest"],
            expected,
            "{patch}\n{dependency}\n{edges:?}"
        );
    };
    let crates_io = "[patch.crates-io]\nhashlib = { path = \"own\" }";
    patched(crates_io, "hashlib = \"1\"", true);
    patched(crates_io, "hashlib = { version = \"1\", features = [] }", true);
    patched(crates_io, "hashlib = { git = \"https://example.com/hashlib\" }", false);
    patched("[patch.crates-io]\nother = { path = \"own\", package = \"hashlib\" }", "hashlib = \"1\"", true);
    patched("[patch.crates-io]\nhashlib = { git = \"https://example.com/x\" }", "hashlib = \"1\"", false);
    patched("[patch.'https://github.com/rust-lang/crates.io-index']\nhashlib.path = \"own\"", "hashlib = \"1\"", true);
    let git = "[patch.\"https://Example.com/a/hashlib.git\"]\nhashlib = { path = \"own\" }";
    patched(git, "hashlib = { git = \"https://example.com/a/hashlib\", branch = \"main\" }", true);
    patched(git, "hashlib = \"1\"", false);
    patched(
        "[patch.mirror]\nhashlib = { path = \"own\" }",
        "hashlib = { version = \"1\", registry = \"mirror\" }",
        true,
    );
    patched("[replace]\n\"hashlib:1.0.0\" = { path = \"own\" }", "hashlib = \"1\"", true);
    patched("[replace]\n\"https://github.com/x/hashlib#hashlib@1.0.0\" = { path = \"own\" }", "hashlib = \"1\"", true);
    let inherited = format!("[workspace.dependencies]\nhashlib = \"1\"\n{crates_io}");
    patched(&inherited, "hashlib.workspace = true", true);
    let renamed =
        format!("[workspace.dependencies]\nshort = {{ version = \"1\", package = \"hashlib\" }}\n{crates_io}");
    patched(&renamed, "short.workspace = true", false);
    let far = "[patch.crates-io]\nhashlib = { path = \"elsewhere\" }";
    patched(far, "hashlib = \"1\"", false);
}

#[test]
fn a_workspace_that_is_not_above_is_named() {
    assert_edges(
        &[
            (
                "ws/Cargo.toml",
                "[workspace]\nmembers = [\"../app\"]\n[workspace.dependencies]\none = { path = \"../one\" }",
            ),
            (
                "app/Cargo.toml",
                "[package]\nname = \"app\"\nedition = \"2021\"\nworkspace = \"../ws\"\n[dependencies]\none.workspace = true",
            ),
            ("app/src/main.rs", "fn main() { one::f(); }"),
            ("one/Cargo.toml", "[package]\nname = \"one\"\nedition = \"2021\""),
            ("one/src/lib.rs", "pub fn f() {}"),
        ],
        &["one/src/lib.rs <- app/src/main.rs: f"],
    );
}

/// Every way to see a package under every kind of name: the edge is there, by the name that the source has for it.
#[test]
fn random_workspaces_are_seen_by_the_names_they_give() {
    let mut state = 20_261_127_u64;
    let mut roll = |sides: u64| {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        state % sides
    };
    for round in 0..400 {
        let package = ["store", "data-store", "x1"][roll(3) as usize];
        let lib = [None, Some("inner_lib")][roll(2) as usize];
        let alias = [None, Some("db"), Some("the-db")][roll(3) as usize];
        let way = roll(5);
        let kind = ["dependencies", "dev-dependencies", "target.'cfg(unix)'.dependencies"][roll(3) as usize];
        let key = alias.unwrap_or(package);
        let renamed = alias.map_or(String::new(), |_| format!(", package = \"{package}\""));
        let (root, entry) = match way {
            0 => (String::new(), format!("{key} = {{ path = \"../lib\"{renamed} }}")),
            1 => (
                format!("[workspace.dependencies]\n{key} = {{ path = \"lib\"{renamed} }}\n"),
                format!("{key} = {{ workspace = true }}"),
            ),
            2 => (
                format!("[patch.crates-io]\n{package} = {{ path = \"lib\" }}\n"),
                format!("{key} = {{ version = \"1\"{renamed} }}"),
            ),
            3 => (
                format!(
                    "[workspace.dependencies]\n{key} = {{ version = \"1\"{renamed} }}\n[patch.crates-io]\nany = {{ path = \"lib\", package = \"{package}\" }}\n"
                ),
                format!("{key}.workspace = true"),
            ),
            _ => (
                format!("[patch.\"https://example.com/r\"]\n{package} = {{ path = \"lib\" }}\n"),
                format!("{key} = {{ git = \"https://example.com/r.git\"{renamed} }}"),
            ),
        };
        let seen_as = alias.unwrap_or_else(|| lib.unwrap_or(package)).replace('-', "_");
        let root = format!("[workspace]\nmembers = [\"app\", \"lib\"]\n{root}");
        let app = format!("[package]\nname = \"app\"\nedition = \"2021\"\n[{kind}]\n{entry}\n");
        let lib = lib.map_or(String::new(), |name| format!("[lib]\nname = \"{name}\"\n"));
        let manifest = format!("[package]\nname = \"{package}\"\nedition = \"2021\"\n{lib}");
        let main = format!("use {seen_as}::store_row;\nfn main() {{ store_row(); }}");
        let edges = Texts::new(&[
            ("Cargo.toml", &root),
            ("app/Cargo.toml", &app),
            ("app/src/main.rs", &main),
            ("lib/Cargo.toml", &manifest),
            ("lib/src/lib.rs", "pub fn store_row() {}"),
        ])
        .edges();
        assert_eq!(edges, ["lib/src/lib.rs <- app/src/main.rs: store_row"], "{round}: {root}{app}{manifest}{main}");
    }
}

#[test]
fn a_cargo_script_sees_what_its_own_manifest_names() {
    let one = ("one/Cargo.toml", "[package]\nname = \"one\"\nedition = \"2021\"");
    let lib = ("one/src/lib.rs", "pub fn f() {}");
    assert_edges(
        &[
            one,
            lib,
            (
                "scripts/tool.rs",
                "#!/usr/bin/env -S cargo +nightly -Zscript\n---\n[dependencies]\none = { path = \"../one\" }\n---\nuse one::f;\nfn main() { f(); }\n",
            ),
            ("scripts/plain.rs", "use one::f;\nfn main() { f(); }\n"),
        ],
        &["one/src/lib.rs <- scripts/tool.rs: f"],
    );
    // One that is a target of a package sees the package's library and dependencies as well.
    assert_edges(
        &[
            one,
            lib,
            ("app/Cargo.toml", "[package]\nname = \"app\"\nedition = \"2021\""),
            ("app/src/lib.rs", "pub fn g() {}"),
            (
                "app/src/bin/tool.rs",
                "---\ndependencies.one.path = \"../../../one\"\n---\nfn main() { one::f(); app::g(); }\n",
            ),
        ],
        &["app/src/lib.rs <- app/src/bin/tool.rs: g", "one/src/lib.rs <- app/src/bin/tool.rs: f"],
    );
}
