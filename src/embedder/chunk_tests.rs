use std::path::Path;

use super::*;

/// Every word of a text is in the chunks that claim its line, and these claim no other.
fn assert_nothing_lost(name: &str, text: &str, chunks: &[Chunk]) {
    let lines: Vec<&str> = text.split('\n').collect();
    let mut lost: Vec<&str> = lines.iter().map(|line| line.trim()).collect();
    for chunk in chunks {
        for (index, part) in (chunk.start_line as usize - 1..).zip(chunk.body().split('\n')) {
            let part = part.trim();
            assert!(lines[index].contains(part), "{name}: line {} is not {part:?}", index + 1);
            lost[index] = lost[index].strip_prefix(part).unwrap_or(lost[index]).trim_start();
        }
        assert_eq!(chunk.end_line - chunk.start_line + 1, u32::try_from(chunk.body().split('\n').count()).unwrap());
    }
    let line = lost.iter().position(|rest| !rest.is_empty());
    assert_eq!(line, None, "{name}: {:?} is in no chunk", line.map(|line| lost[line]));
}

fn assert_bounded(name: &str, chunks: &[Chunk]) {
    for chunk in chunks {
        assert!(chunk.body().len() <= window::BODY_BYTES + 512, "{name}: {} bytes", chunk.body().len());
        assert!(chunk.start_line >= 1 && chunk.start_line <= chunk.end_line, "{name}");
        let limit = window::BODY_TOKENS + 96;
        assert!(tokens(chunk.body()) <= limit, "{name}: {} tokens\n{}", tokens(chunk.body()), chunk.text);
        assert_eq!(chunk.chunk_hash, Hash::of(chunk.text.as_bytes()));
    }
}

fn sources() -> Vec<(String, String)> {
    let mut found = Vec::new();
    let mut dirs =
        vec![Path::new(env!("CARGO_MANIFEST_DIR")).join("src"), Path::new(env!("CARGO_MANIFEST_DIR")).join("tests")];
    while let Some(dir) = dirs.pop() {
        for entry in std::fs::read_dir(dir).unwrap().flatten() {
            let path = entry.path();
            if path.is_dir() {
                dirs.push(path);
            } else if let Ok(text) = std::fs::read_to_string(&path) {
                found.push((path.display().to_string(), text));
            }
        }
    }
    found
}

#[test]
fn no_line_of_this_crate_is_lost_in_any_language() {
    let sources = sources();
    assert!(sources.len() > 10);
    for (name, text) in &sources {
        for language in [Language::RUST, Language::MARKDOWN, Language::TEXT] {
            let chunks = chunks(language, Some("a::b"), text);
            assert_bounded(name, &chunks);
            assert_nothing_lost(name, text, &chunks);
        }
    }
}

#[test]
fn no_line_is_lost_when_a_file_is_cut_off_anywhere() {
    let text = include_str!("../language/rust/segments.rs");
    for end in (0..text.len()).step_by(97).filter(|&end| text.is_char_boundary(end)) {
        assert_nothing_lost("cut off", &text[..end], &chunks(Language::RUST, None, &text[..end]));
    }
}

#[test]
fn carriage_returns_change_nothing_but_the_file() {
    let text = include_str!("../language/window.rs");
    let windows = text.replace('\n', "\r\n");
    assert_eq!(chunks(Language::RUST, Some("m"), text), chunks(Language::RUST, Some("m"), &windows));
}

#[test]
fn a_long_function_is_cut_at_statements_and_says_what_it_is() {
    let body: String = (0..60)
        .map(|n| format!("    let value_{n} = compute({n}, base + {n});\n    sink.push(value_{n});\n"))
        .collect();
    let text = format!("/// Fills the sink.\nfn fill(sink: &mut Vec<u32>, base: u32) {{\n{body}}}\n");
    let chunks = chunks(Language::RUST, Some("demo::sink"), &text);
    assert!(chunks.len() > 2);
    assert!(chunks[0].text.starts_with("fill\ndemo::sink\n/// Fills the sink.\nfn fill"));
    for pair in chunks.windows(2) {
        assert!(
            pair[1].text.starts_with("fill\ndemo::sink\nfn fill(sink: &mut Vec<u32>, base: u32)\nFills the sink.\n")
        );
        assert_eq!(pair[1].entity_name, "fill");
        assert!(pair[1].start_line <= pair[0].end_line, "pieces overlap");
        assert!(
            pair[1].body().trim_start().starts_with("let value_") || pair[1].body().trim_start().starts_with("sink.")
        );
    }
}

#[test]
fn short_neighbours_are_merged_and_named_together() {
    let chunks = chunks(Language::RUST, None, "const A: u8 = 1;\nconst B: u8 = 2;\n\nconst C: u8 = 3;\n");
    assert_eq!(chunks.len(), 1);
    assert_eq!((chunks[0].entity_type, chunks[0].entity_name.as_str()), ("const", "A, B, C"));
    assert_eq!((chunks[0].start_line, chunks[0].end_line), (1, 4));
}

#[test]
fn an_edit_changes_only_the_chunks_of_its_item_and_a_move_none() {
    let item = |name: &str, extra: &str| {
        format!("fn {name}(a: u32) -> u32 {{\n{}{extra}}}\n\n", "    let b = step(a, 17, \"text\");\n".repeat(8))
    };
    let hashes =
        |text: &str| chunks(Language::RUST, Some("m"), text).iter().map(|chunk| chunk.chunk_hash).collect::<Vec<_>>();
    let (one, two, three) = (item("one", ""), item("two", ""), item("three", ""));
    let before = hashes(&format!("{one}{two}{three}"));
    let edited = hashes(&format!("{one}{}{three}", item("two", "    b\n")));
    let moved = hashes(&format!("{three}\n\n{one}{two}"));
    assert_eq!(before.len(), 3);
    assert_eq!((before[0], before[2]), (edited[0], edited[2]));
    assert_ne!(before[1], edited[1]);
    assert_eq!(moved, [before[2], before[0], before[1]]);
}

#[test]
fn hostile_texts_give_few_chunks_and_lose_nothing() {
    let mebibyte = 1 << 20;
    let texts = [
        ("one line of words", "word ".repeat(mebibyte / 5)),
        ("one line of signs", "+-(){};".repeat(mebibyte / 28)),
        ("one word", "x".repeat(mebibyte / 2)),
        ("parentheses", format!("fn f() {{ {}{} }}", "(".repeat(100_000), ")".repeat(100_000))),
        ("modules", format!("{}{}", "mod a {\n".repeat(20_000), "}\n".repeat(20_000))),
        ("functions", "fn a() { b(); }\n".repeat(mebibyte / 16)),
        ("not ASCII", "é漢🦀 ".repeat(20_000)),
        ("comments", "/// d\n".repeat(20_000)),
        ("unclosed", "fn f() { if x { \"\n".repeat(5_000)),
        ("NUL", "\0".repeat(mebibyte / 8)),
    ];
    for (name, text) in texts {
        for language in [Language::RUST, Language::MARKDOWN, Language::YAML] {
            let chunks = chunks(language, Some("m"), &text);
            assert!(chunks.len() <= CHUNKS_PER_FILE_MAX, "{name}: {}", chunks.len());
            let kept: usize =
                chunks.iter().map(|chunk| chunk.body().split_whitespace().map(str::len).sum::<usize>()).sum();
            assert!(kept >= text.split_whitespace().map(str::len).sum(), "{name} as {language}: {kept}");
        }
    }
}

#[test]
fn a_blank_file_has_no_chunks() {
    for language in [Language::RUST, Language::MARKDOWN, Language::TEXT] {
        assert_eq!(chunks(language, Some("m"), " \r\n\n\t"), []);
        assert_eq!(chunks(language, None, ""), []);
    }
}

#[test]
fn a_chunk_lists_the_items_that_begin_in_it() {
    let items = |text: &str| -> Vec<Vec<(&str, String, u32, u32)>> {
        let chunks = chunks(Language::RUST, None, text);
        let item = |item: ChunkItem| (item.entity_type, item.entity_name, item.start_line, item.end_line);
        chunks.into_iter().map(|chunk| chunk.items.into_iter().map(item).collect()).collect()
    };
    let named = |kind, name: &str, start, end| (kind, name.to_owned(), start, end);
    assert_eq!(
        items("/// One.\nfn one() {}\n\nconst TWO: u8 = 2;\n"),
        [[named("function", "one", 1, 2), named("const", "TWO", 4, 4)]]
    );
    assert_eq!(items("/// One.\nfn one() {}\n"), [[]], "its own name says it");
    let long = "        work(a, b, c, \"text\");\n".repeat(40);
    let text = format!("impl Store {{\n    fn open(&self) {{\n{long}    }}\n    fn shut(&self) {{\n{long}    }}\n}}\n");
    let found = items(&text);
    assert_eq!(found[0], [named("impl", "Store", 1, 86), named("method", "Store::open", 2, 43)]);
    assert!(found[1..].iter().all(Vec::is_empty), "{found:?}");
}

#[test]
fn more_names_than_a_chunk_can_say_are_items_of_it() {
    let text: String = (0..9).map(|n| format!("const A_NAME_OF_SOME_LENGTH_{n}: u8 = {n};\n")).collect();
    for chunk in chunks(Language::RUST, None, &text) {
        assert!(chunk.entity_name.len() <= NAMES_BYTES);
        for line in chunk.start_line..=chunk.end_line {
            assert!(chunk.items.iter().any(|item| item.start_line == line && item.end_line == line), "{chunk:?}");
        }
    }
}
