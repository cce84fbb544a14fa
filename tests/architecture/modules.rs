//! Which module may import which: `lib.rs` lists them in order, and each imports only what stands before it. Code for tests may
//! import anything.

use super::source::{self, Source};
use super::{Finding, check};

/// The top-level modules, in the order of their declarations.
fn order(lib: &Source) -> Vec<String> {
    let words: Vec<&str> = lib.tokens.iter().map(|token| token.text.as_str()).collect();
    words.windows(3).filter(|three| three[0] == "mod" && three[2] == ";").map(|three| three[1].to_owned()).collect()
}

fn imports_against(order: &[String], source: &Source) -> Vec<Finding> {
    let Some(own) = source.room() else { return Vec::new() };
    let place = |room: &str| order.iter().position(|listed| listed == room);
    let mut found = Vec::new();
    for named in source.paths().iter().filter(|named| !named.test) {
        let Some(room) = source.room_named(named).filter(|room| room != own) else { continue };
        if place(&room).is_some_and(|room| Some(room) > place(own)) {
            let what = format!("`{own}` imports `{}`, but lib.rs lists `{room}` after it", named.segments.join("::"));
            found.push(Finding::new(&source.path, named.line, format!("{own} -> {room}"), what));
        }
    }
    found
}

#[test]
fn modules_import_only_what_stands_before_them() {
    let all = source::all();
    let order = order(all.iter().find(|source| source.path == "src/lib.rs").unwrap());
    let found: Vec<Finding> = all.iter().flat_map(|source| imports_against(&order, source)).collect();
    let remedy = "Move the shared part down, or pass it in; the order of lib.rs is the order of the layers";
    check("A module imports only what stands before it", remedy, &found, &[]);
}

#[test]
fn an_import_against_the_order_is_found() {
    let order = order(&Source::read("src/lib.rs", Vec::new(), false, "pub mod low;\n\npub mod high;"));
    assert_eq!(order, ["low", "high"]);
    let text =
        "use crate::{low, high::A};\nfn f() { super::super::high::g(); }\n#[cfg(test)]\nmod tests { use crate::high; }";
    let found = imports_against(&order, &Source::planted("low::part", text));
    let at: Vec<&str> = found.iter().map(|finding| finding.at.as_str()).collect();
    assert_eq!(at, ["src/low/part.rs:1", "src/low/part.rs:2"]);
    assert!(imports_against(&order, &Source::planted("high", text)).is_empty());
}
