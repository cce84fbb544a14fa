//! What every language of the table keeps, whatever it is.

use std::collections::BTreeSet;
use std::num::NonZero;
use std::sync::atomic::{AtomicUsize, Ordering};

use super::{Spec, table::TABLE};
use crate::embedder::chunk;
use crate::language::Parsed;
use crate::outline::outline;

/// What a thread of the worker's pool has.
const STACK_BYTES: usize = 2 << 20;

fn each(check: impl Fn(&'static Spec)) {
    assert!(TABLE.len() > 20);
    TABLE.iter().for_each(|spec| check(spec));
}

#[test]
fn names_and_extensions_belong_to_one_language() {
    let mut names = BTreeSet::new();
    let mut keys = BTreeSet::new();
    each(|_| {});
    for spec in TABLE {
        assert!(names.insert(spec.language.as_str()), "{}", spec.language);
        for key in spec.file_names {
            assert!(keys.insert(format!("name {key}")), "{key}");
            assert_eq!(super::of(&(*key).into()), spec.language);
        }
        for key in spec.extensions {
            assert!(keys.insert(format!("extension {key}")), "{key}");
            assert_eq!(super::of(&format!("a.{key}").as_str().into()), spec.language);
            assert_eq!(*key, key.to_ascii_lowercase());
        }
        assert_eq!(crate::domain::Language::parse(spec.language.as_str()), Some(spec.language));
        assert_eq!(std::ptr::from_ref(spec.language.spec()), std::ptr::from_ref(*spec));
    }
}

#[test]
fn a_sample_parses_and_is_outlined() {
    each(|spec| {
        let (outline, errors) = outline(spec.language, spec.sample);
        assert_eq!(errors, [], "{}", spec.language);
        assert_eq!(outline.symbols().is_empty(), spec.grammar.is_none() && spec.family.is_none(), "{}", spec.language);
        let read = super::Outline::from_bytes(&outline.to_bytes());
        assert_eq!(read.as_ref(), Some(&outline), "{}", spec.language);
    });
}

/// The sample with an empty line and a comment before each line that is not indented.
fn commented(spec: &Spec) -> String {
    let comment = spec.comments.map(|comments| comments.sample("a remark")).unwrap_or_default();
    let spread = |line: &str| {
        let stands_alone = line.starts_with(|c: char| c.is_alphabetic() || matches!(c, '@' | '#'));
        if stands_alone { format!("\n{comment}\n{line}") } else { line.to_owned() }
    };
    spec.sample.split_inclusive('\n').map(spread).collect()
}

#[test]
fn comments_and_empty_lines_leave_an_outline_the_same() {
    each(|spec| {
        let (before, _) = outline(spec.language, spec.sample);
        let (after, errors) = outline(spec.language, &commented(spec));
        assert_eq!(errors, [], "{}", spec.language);
        assert_eq!(before.interface_hash(), after.interface_hash(), "{}", spec.language);
        assert!(before.is_same_but_for_lines(&after), "{}", spec.language);
    });
}

#[test]
fn segments_lose_no_line() {
    each(|spec| {
        let text = spec.sample;
        for end in (0..=text.len()).filter(|&end| text.is_char_boundary(end)).step_by(7).chain([text.len()]) {
            assert_covered(spec, &text[..end]);
        }
        assert_covered(spec, &text.replace('\n', "\r\n"));
        assert_covered(spec, &text.repeat(20));
    });
}

fn assert_covered(spec: &Spec, text: &str) {
    let segments = chunk::segments(&Parsed::new(spec.language, text));
    let mut position = 0;
    for segment in &segments {
        assert!(segment.range.start >= position, "{}: {segment:?}", spec.language);
        assert!(text[position..segment.range.start].trim().is_empty(), "{}: {segment:?}", spec.language);
        for item in segment.declared() {
            assert!(
                chunk::KINDS.contains(&item.entity_type),
                "{}: `search --kind` does not know {item:?}",
                spec.language
            );
            assert!(
                item.range.start >= segment.range.start && item.range.end <= text.len(),
                "{}: {item:?}",
                spec.language
            );
        }
        position = segment.range.end;
    }
    assert!(text[position..].trim().is_empty(), "{}: {:?}", spec.language, &text[position..]);
}

/// Texts that nest, or that no grammar ends. A walk that calls itself for each of so many levels leaves a thread's stack if it takes 250
/// bytes for one; more levels only take longer.
fn hostile() -> Vec<String> {
    const LEVELS: usize = 8_000;
    let indented: String = (0..800).map(|depth| format!("{}if a:\n", " ".repeat(depth))).collect();
    let classes: String = (0..300).map(|depth| format!("{}class A:\n", " ".repeat(depth))).collect();
    vec![
        "(".repeat(100_000),
        "{ [ ".repeat(50_000),
        ")".repeat(50_000),
        format!("f({}1{})", "f(".repeat(20_000), ")".repeat(20_000)),
        "a if b else ".repeat(LEVELS),
        "lambda: ".repeat(LEVELS),
        "not ".repeat(2 * LEVELS),
        "a.b.".repeat(2 * LEVELS),
        "@a\n".repeat(LEVELS),
        "fn f() { || ".repeat(450),
        "\"\"\"".repeat(LEVELS + 1),
        "# > - ".repeat(LEVELS),
        "\0".repeat(10_000),
        indented,
        classes,
    ]
}

#[test]
fn hostile_nesting_ends_on_a_small_stack() {
    let next = AtomicUsize::new(0);
    let work = || {
        // One language after the other, as many at a time as there are processors.
        while let Some(spec) = TABLE.get(next.fetch_add(1, Ordering::Relaxed)) {
            for text in hostile() {
                let parsed = Parsed::new(spec.language, &text);
                // The parser's steps are counted and capped; what walks its tree visits a node a bounded number of times.
                let _ = (spec.outline)(&parsed);
                assert!(chunk::segments(&parsed).len() <= text.len());
                assert!(parsed.steps() <= super::syntax::PROGRESS_CALLS_MAX);
            }
        }
    };
    let processors = std::thread::available_parallelism().map_or(1, NonZero::get);
    std::thread::scope(|scope| {
        for _ in 0..processors {
            std::thread::Builder::new().stack_size(STACK_BYTES).spawn_scoped(scope, work).unwrap();
        }
    });
}
