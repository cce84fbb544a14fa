//! Smells of a function as a whole.

use crate::language::item::Function;
use crate::language::smell::{Metric, Severity, Smell, SmellKind, over};

/// Lines of code; default of clippy's `too_many_lines`.
const MOST_LINES: u32 = 100;

/// Parameters, `self` included; default of clippy's `too_many_arguments`.
const MOST_PARAMETERS: u32 = 7;

/// Cognitive complexity; default of clippy's `cognitive_complexity` and of SonarSource's rule S3776 for the C family.
const MOST_COGNITIVE: u32 = 25;

/// Cognitive complexity worth a look; default of SonarSource's S3776 for most languages.
const NOTABLE_COGNITIVE: u32 = 15;

/// Levels of control flow inside each other; default of ESLint's `max-depth`.
const MOST_NESTING: u32 = 4;

/// Parameters of type `bool`; default of clippy's `fn_params_excessive_bools`.
const MOST_BOOLS: u32 = 3;

/// With two flags a call cannot be read without the signature (M. Fowler, "FlagArgument", 2011).
const NOTABLE_BOOLS: u32 = 1;

pub fn find(functions: &[Function], smells: &mut Vec<Smell>) {
    for function in functions {
        let found = [long(function), complex(function), deep(function), many_parameters(function), flags(function)];
        // A test may be long or deep, but it is the product's shape that costs.
        let severity =
            |smell: Smell| if function.is_test { Smell { severity: Severity::Info, ..smell } } else { smell };
        smells.extend(found.into_iter().flatten().map(severity));
    }
}

fn lines(function: &Function) -> (u32, u32) {
    (function.start_line, function.end_line)
}

fn long(function: &Function) -> Option<Smell> {
    let value = function.code_lines;
    let message = format!("{value} lines of code; split it along its steps");
    (value > MOST_LINES)
        .then(|| over(SmellKind::LongFunction, lines(function), Some(&function.name), value, MOST_LINES, message))
}

fn complex(function: &Function) -> Option<Smell> {
    let value = function.complexity.cognitive;
    let kind = SmellKind::CognitiveComplexity;
    let message = format!("cognitive complexity {value}; name its parts as functions of their own");
    if value > MOST_COGNITIVE {
        return Some(over(kind, lines(function), Some(&function.name), value, MOST_COGNITIVE, message));
    }
    let notable = || Smell {
        severity: Severity::Info,
        ..over(kind, lines(function), Some(&function.name), value, NOTABLE_COGNITIVE, message)
    };
    (value > NOTABLE_COGNITIVE).then(notable)
}

fn deep(function: &Function) -> Option<Smell> {
    let value = function.complexity.nesting;
    let at = function.complexity.deepest_row + 1;
    let message = format!("control flow nested {value} deep at line {at}; return early or move the inner part out");
    (value > MOST_NESTING)
        .then(|| over(SmellKind::DeepNesting, lines(function), Some(&function.name), value, MOST_NESTING, message))
}

fn many_parameters(function: &Function) -> Option<Smell> {
    let value = function.parameters;
    let message = format!("{value} parameters; gather those that belong together in a type");
    (value > MOST_PARAMETERS && !function.is_dictated).then(|| {
        over(SmellKind::ManyParameters, lines(function), Some(&function.name), value, MOST_PARAMETERS, message)
    })
}

fn flags(function: &Function) -> Option<Smell> {
    let value = function.flags;
    if value <= NOTABLE_BOOLS || function.is_dictated || function.is_test {
        return None;
    }
    let severity = if value > MOST_BOOLS { Severity::Warning } else { Severity::Info };
    let limit = if value > MOST_BOOLS { MOST_BOOLS } else { NOTABLE_BOOLS };
    let message = format!("{value} bool parameters look alike in a call; use an enum for each, or one struct");
    Some(Smell {
        severity,
        metric: Some(Metric { value, limit }),
        ..over(SmellKind::BoolParameters, lines(function), Some(&function.name), value, limit, message)
    })
}
