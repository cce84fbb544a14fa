//! The house rules that the compiler does not know, checked against the sources. A rule reports file and line, what it
//! forbids and what to do. Each has a test that it finds a planted violation.
//!
//! A rule may have exceptions: a key and the reason. An exception that no code needs any more fails too, so the lists only shrink.

mod modules;
mod names;
mod prose;
mod rims;
mod sizes;
mod source;

/// A place that breaks a rule.
#[derive(Debug)]
struct Finding {
    /// `src/file.rs:12`
    at: String,
    /// What an exception names.
    key: String,
    what: String,
}

impl Finding {
    fn new(path: &str, line: usize, key: impl Into<String>, what: impl Into<String>) -> Self {
        Self { at: format!("{path}:{line}"), key: key.into(), what: what.into() }
    }
}

/// Violations that are still to be fixed: `rule<TAB>key`, the reason in a line with `#` above. To be emptied, never to grow.
const KNOWN: &str = include_str!("known.txt");

/// Fails with every finding that no exception names, and with every exception that names no finding.
fn check(rule: &str, remedy: &str, found: &[Finding], exceptions: &[(&str, &str)]) {
    let known = KNOWN.lines().filter_map(|line| line.split_once('\t'));
    let known = known.filter(|(of, _)| *of == rule).map(|(_, key)| (key, "known"));
    let exceptions: Vec<(&str, &str)> = exceptions.iter().copied().chain(known).collect();
    let excepted = |finding: &&Finding| exceptions.iter().any(|(key, _)| *key == finding.key);
    let mut lines: Vec<String> = found
        .iter()
        .filter(|finding| !excepted(finding))
        .map(|Finding { at, key, what }| format!("{at}: {what} [{key}]"))
        .collect();
    for (key, _) in exceptions.iter().filter(|(key, _)| !found.iter().any(|finding| finding.key == *key)) {
        lines.push(format!("{key}: an exception that no code needs any more; delete it"));
    }
    assert!(lines.is_empty(), "{rule}. {remedy}.\n{}\n{} in all", lines.join("\n"), lines.len());
}

#[test]
#[should_panic(expected = "src/a.rs:7: too long [a]")]
fn a_finding_fails_its_rule() {
    check("Rule", "Remedy", &[Finding::new("src/a.rs", 7, "a", "too long")], &[]);
}

#[test]
#[should_panic(expected = "b: an exception that no code needs")]
fn an_unused_exception_fails_its_rule() {
    check("Rule", "Remedy", &[Finding::new("src/a.rs", 7, "a", "too long")], &[("a", "why"), ("b", "why")]);
}
