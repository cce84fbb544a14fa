//! Smells that need no syntax tree: size, line length, depth of indentation.

use crate::analyzer::local::source::{self, SourceFile};
use crate::analyzer::{Coverage, Metric, Severity, Smell, SmellKind};
use crate::language::lines::LineKind;
use crate::language::smell::{MOST_FILE_LINES, list_lines, noted, over, plural};

/// Characters in a line; default of SonarSource's rule S103.
const LONGEST_LINE: u32 = 120;

/// Levels of indentation: the four of ESLint's `max-depth` inside a function, in a method, in a class.
const MOST_LEVELS: u32 = 6;

/// A tab stands for this many columns (POSIX `expand`).
const TAB_COLUMNS: u32 = 8;

pub fn find(source: &SourceFile, seen: &mut Coverage, smells: &mut Vec<Smell>) {
    let language = source.subject.language;
    if source.is_prose_or_data() {
        seen.not_covered.push(format!("smells: none are known for {language}"));
        return;
    }
    if language.spec().grammar.is_none() {
        seen.not_covered.push(format!("all smells but size, line length and indentation: {language} is not parsed"));
    }
    find_in_lines(source, smells);
    smells.extend(deep_indentation(source));
}

/// Those of a file's lines alone.
pub fn find_in_lines(source: &SourceFile, smells: &mut Vec<Smell>) {
    smells.extend(large_file(source));
    smells.extend(long_lines(source.subject.text));
}

fn large_file(source: &SourceFile) -> Option<Smell> {
    let counted = source::tally(source.lines());
    let message = format!("{} lines of code; split the file by what it is about", counted.code);
    (counted.code > MOST_FILE_LINES)
        .then(|| over(SmellKind::LargeFile, (1, counted.total), None, counted.code, MOST_FILE_LINES, message))
}

fn long_lines(text: &str) -> Option<Smell> {
    let lengths = (1_u32..).zip(text.lines().map(|line| u32::try_from(line.chars().count()).unwrap_or(u32::MAX)));
    let long: Vec<(u32, u32)> = lengths.filter(|(_, length)| *length > LONGEST_LINE).collect();
    let longest = long.iter().map(|(_, length)| *length).max()?;
    let rows: Vec<u32> = long.iter().map(|(line, _)| *line).collect();
    let message = format!(
        "{} of more than {LONGEST_LINE} characters, the longest {longest} ({})",
        plural(rows.len(), "line"),
        list_lines(&rows)
    );
    let lines = (*rows.first()?, *rows.last()?);
    let smell = noted(SmellKind::LongLines, Severity::Info, lines, None, message);
    Some(Smell { metric: Some(Metric { value: longest, limit: LONGEST_LINE }), ..smell })
}

/// Lines deeper than the limit. A level is any step to the right that is not yet undone, so that the width of a step and the alignment
/// of continued lines do not matter.
fn deep_indentation(source: &SourceFile) -> Option<Smell> {
    let mut columns: Vec<u32> = Vec::new();
    let mut deep = Vec::new();
    let mut deepest = 0;
    for ((line, text), kind) in (1_u32..).zip(source.subject.text.lines()).zip(source.lines()) {
        if *kind != LineKind::Code {
            continue;
        }
        let column = indentation(text);
        while columns.last().is_some_and(|&open| open >= column) {
            columns.pop();
        }
        if column > 0 {
            columns.push(column);
        }
        let levels = u32::try_from(columns.len()).unwrap_or(u32::MAX);
        if levels > MOST_LEVELS {
            deep.push(line);
            deepest = levels.max(deepest);
        }
    }
    let lines = (*deep.first()?, *deep.last()?);
    let message = format!(
        "{} indented more than {MOST_LEVELS} levels, the deepest {deepest} ({})",
        plural(deep.len(), "line"),
        list_lines(&deep)
    );
    Some(over(SmellKind::DeepIndentation, lines, None, deepest, MOST_LEVELS, message))
}

fn indentation(line: &str) -> u32 {
    let blanks = line.bytes().take_while(|b| matches!(b, b' ' | b'\t'));
    blanks.fold(0, |column, blank| if blank == b'\t' { (column / TAB_COLUMNS + 1) * TAB_COLUMNS } else { column + 1 })
}
