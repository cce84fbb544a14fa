//! One name is one thing: types across the whole tree, and tests that state their claim in few letters.

use std::collections::BTreeMap;

use super::source::{self, Source};
use super::{Finding, check};

const TEST_NAME_MAX: usize = 60;

fn types_twice(sources: &[Source]) -> Vec<Finding> {
    let mut places: BTreeMap<&str, Vec<(&str, usize)>> = BTreeMap::new();
    for source in sources {
        for defined in source.types.iter().filter(|defined| !defined.test) {
            places.entry(&defined.name).or_default().push((&source.path, defined.line));
        }
    }
    places.retain(|_, places| places.len() > 1);
    let finding = |(name, places): (&&str, &Vec<(&str, usize)>)| {
        let others: Vec<String> = places[1..].iter().map(|(path, line)| format!("{path}:{line}")).collect();
        Finding::new(places[0].0, places[0].1, *name, format!("`{name}` is defined again in {}", others.join(", ")))
    };
    places.iter().map(finding).collect()
}

fn long_test_names(source: &Source) -> Vec<Finding> {
    let tests = source.functions.iter().filter(|function| function.is_test && function.name.len() > TEST_NAME_MAX);
    tests
        .map(|test| Finding::new(&source.path, test.line, &test.name, format!("{} letters", test.name.len())))
        .collect()
}

#[test]
fn a_type_name_is_defined_once() {
    let found = types_twice(source::all());
    check("A type name means one thing in the whole tree", "Rename one of them after what it is", &found, &[]);
}

#[test]
fn test_names_have_at_most_60_letters() {
    let mut found: Vec<Finding> = source::all().iter().flat_map(long_test_names).collect();
    for path in
        source::files_below("tests").iter().filter(|path| path.ends_with(".rs") && !path.starts_with("tests/data"))
    {
        let text = std::fs::read_to_string(source::root().join(path)).unwrap();
        found.extend(long_test_names(&Source::read(path, Vec::new(), true, &text)));
    }
    check("A test's name has at most 60 letters", "State the claim alone", &found, &[]);
}

#[test]
fn a_name_with_two_meanings_is_found() {
    let text = "struct Seen;\ntrait T { type Out; }\nimpl T for Seen { type Out = u8; }\n#[cfg(test)]\nmod tests { struct Seen; }";
    let one = Source::planted("one", text);
    let found =
        types_twice(&[one, Source::planted("two", "fn f() { enum Seen { A } }\nimpl T for U { type Out = u8; }")]);
    assert_eq!(found.len(), 1, "{found:?}");
    assert_eq!(found[0].what, "`Seen` is defined again in src/two.rs:1");
}

#[test]
fn a_long_test_name_is_found() {
    let name = "a".repeat(TEST_NAME_MAX + 1);
    let text = format!("#[test]\nfn {name}() {{}}\nfn {name}_helper() {{}}\n#[tokio::test]\nasync fn short() {{}}");
    assert_eq!(long_test_names(&Source::planted("m", &text)).len(), 1);
}
