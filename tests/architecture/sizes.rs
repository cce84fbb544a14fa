//! How long a file and a function may be, tests included.

use super::source::{self, Source};
use super::{Finding, check};

const FILE_LINES_MAX: usize = 500;
const FUNCTION_LINES_MAX: usize = 60;

/// Functions that are longer, each with its reason.
const FUNCTIONS: &[(&str, &str)] = &[
    ("expr_of_kind", "one arm for each kind of expression, a line or two each"),
    ("value_of_kind", "one arm for each kind of step, a line or two each"),
    ("std_method", "a table: one arm for each type of the standard library"),
];

fn files_too_long(source: &Source) -> Option<Finding> {
    let what = format!("{} lines", source.lines);
    (source.lines > FILE_LINES_MAX).then(|| Finding::new(&source.path, source.lines, &source.path, what))
}

fn functions_too_long(source: &Source) -> Vec<Finding> {
    let long = source.functions.iter().filter(|function| function.lines > FUNCTION_LINES_MAX);
    long.map(|function| {
        let what = format!("`{}` has {} lines", function.name, function.lines);
        Finding::new(&source.path, function.line, &function.name, what)
    })
    .collect()
}

#[test]
fn no_file_has_more_than_500_lines() {
    let found: Vec<Finding> = source::all().iter().filter_map(files_too_long).collect();
    check(
        "A file has at most 500 lines, tests included",
        "Split it by what it does; there is no exception",
        &found,
        &[],
    );
}

#[test]
fn no_function_has_more_than_60_lines() {
    let found: Vec<Finding> = source::all().iter().flat_map(functions_too_long).collect();
    check("A function has at most 60 lines", "Split it, or give the reason in FUNCTIONS", &found, FUNCTIONS);
}

#[test]
fn what_is_too_long_is_found() {
    let long = Source::planted("m", &format!("fn f() {{\n{}}}\n", "    g();\n".repeat(FUNCTION_LINES_MAX - 1)));
    assert_eq!(functions_too_long(&long)[0].what, "`f` has 61 lines");
    let fits = Source::planted("m", &format!("fn f() {{\n{}}}\n", "    g();\n".repeat(FUNCTION_LINES_MAX - 2)));
    assert!(functions_too_long(&fits).is_empty());
    assert!(files_too_long(&Source::planted("m", &"// line\n".repeat(FILE_LINES_MAX))).is_none());
    assert!(files_too_long(&Source::planted("m", &"// line\n".repeat(FILE_LINES_MAX + 1))).is_some());
}
