//! Cargo scripts: what stands before the source costs no symbol and moves no line.

use super::*;
use crate::embedder::chunk;
use crate::language::Parsed;

const BODY: &str = "#![allow(dead_code)]\nuse std::fs;\n\n/// First.\npub fn first() -> u32 {\n    1\n}\n\npub struct Second {\n    pub x: u8,\n}\n\nfn main() {\n    first();\n}\n";

/// Names and lines.
fn symbols(text: &str) -> Vec<(String, u32, u32)> {
    rust(text).symbols().iter().map(|symbol| (symbol.name.clone(), symbol.start_line, symbol.end_line)).collect()
}

#[test]
fn frontmatter_of_any_form_costs_no_symbol_and_moves_no_line() {
    let plain = symbols(BODY);
    assert!(plain.len() >= 3, "{plain:?}");
    for mark in ["", "\u{feff}"] {
        for shebang in ["", "#!/usr/bin/env -S cargo +nightly -Zscript\n", "#!/usr/bin/env cargo\n\n"] {
            for info in ["", "cargo", " cargo "] {
                for dashes in ["---", "----", "---------"] {
                    for toml in [
                        "",
                        "[dependencies]\n",
                        "# it's \"odd' { (\n[package]\nedition = \"2024\"\n\n[dependencies]\nclap = { version = \"4\" }\n",
                    ] {
                        for end in ["\n", "\r\n"] {
                            let head = format!("{mark}{shebang}{dashes}{info}\n{toml}{dashes}\n");
                            let text = format!("{head}{BODY}").replace('\n', end);
                            let moved = head.lines().count() as u32;
                            let expected: Vec<_> =
                                plain.iter().map(|(name, from, to)| (name.clone(), from + moved, to + moved)).collect();
                            assert_eq!(symbols(&text), expected, "{head:?}");
                            let found = rust(&text);
                            assert!(found.manifest.is_some(), "{head:?}");
                            assert_eq!(Outline::from_bytes(&found.to_bytes()), Some(found));
                            let parsed = Parsed::new(Language::RUST, &text);
                            let joined: usize = chunk::segments(&parsed).len();
                            assert!(joined >= 3, "{head:?}");
                        }
                    }
                }
            }
        }
    }
}
