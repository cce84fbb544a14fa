//! Function bodies that are the same but for the names of their locals.

use std::borrow::Cow;
use std::collections::{HashMap, HashSet};

use crate::domain::Hash;
use crate::language::rust::code::{FunctionNode, RustFile};
use crate::language::rust::complexity::own_nodes;
use crate::language::rust::tree::{Field, Id, Kind, Syntax};
use crate::language::smell::{Metric, Severity, Smell, SmellKind, noted};

/// Tokens that a body must have; default of jscpd's `minTokens`.
const FEWEST_TOKENS: usize = 50;

/// Lines of code that a function must have; default of jscpd's `minLines`.
const FEWEST_LINES: u32 = 5;

pub fn find(rust: &RustFile<'_>, smells: &mut Vec<Smell>) {
    let mut first_with: HashMap<Hash, &FunctionNode> = HashMap::new();
    for function in rust.functions.iter().filter(|f| !f.of.is_test && f.of.code_lines >= FEWEST_LINES) {
        let tokens = tokens(&rust.syntax, function);
        if tokens.len() < FEWEST_TOKENS {
            continue;
        }
        let body = Hash::of_fields(tokens.iter().map(|token| token.as_bytes()));
        match first_with.get(&body) {
            Some(original) => smells.push(duplicate(function, original, tokens.len())),
            None => {
                first_with.insert(body, function);
            }
        }
    }
}

fn duplicate(function: &FunctionNode, original: &FunctionNode, tokens: usize) -> Smell {
    let message = format!(
        "same body as `{}` (line {}) but for the names of locals; let one call the other",
        original.of.name, original.of.start_line
    );
    let lines = (function.of.start_line, function.of.end_line);
    let value = u32::try_from(tokens).unwrap_or(u32::MAX);
    let limit = u32::try_from(FEWEST_TOKENS - 1).unwrap_or(u32::MAX);
    Smell {
        metric: Some(Metric { value, limit }),
        ..noted(SmellKind::DuplicateBody, Severity::Warning, lines, Some(&function.of.name), message)
    }
}

/// The tokens of a body without comments; each local is called by the number of its first mention.
fn tokens<'a>(syntax: &Syntax<'a>, function: &FunctionNode) -> Vec<Cow<'a, str>> {
    let locals = locals(syntax, function);
    let mut numbers: HashMap<&str, usize> = HashMap::new();
    let mut tokens = Vec::new();
    let mut comment_end = 0;
    for id in own_nodes(syntax, function.body) {
        if syntax.kind(id).is_comment() {
            comment_end = syntax.subtree(id).end;
        }
        if id < comment_end || !syntax.is_leaf(id) {
            continue;
        }
        let source = syntax.source(id);
        if syntax.kind(id) == Kind::Identifier && locals.contains(source) {
            let next = numbers.len();
            tokens.push(Cow::Owned(format!("local {}", numbers.entry(source).or_insert(next))));
        } else {
            tokens.push(Cow::Borrowed(source));
        }
    }
    tokens
}

/// Names that parameters and patterns of the function bind. A name in capitals is a constant or a variant.
fn locals<'a>(syntax: &Syntax<'a>, function: &FunctionNode) -> HashSet<&'a str> {
    let mut locals = HashSet::new();
    let mut pattern_end = 0;
    let parameters = syntax.child_in_field(function.id, Field::Parameters);
    let nodes =
        parameters.map(|list| syntax.subtree(list)).into_iter().flatten().chain(own_nodes(syntax, function.body));
    for id in nodes {
        let node = syntax.node(id);
        if node.field == Field::Pattern || is_closure_parameters(syntax, id) {
            pattern_end = pattern_end.max(syntax.subtree(id).end);
        }
        let binds = id < pattern_end && node.kind == Kind::Identifier && node.field != Field::Type;
        if binds && syntax.source(id).starts_with(|c: char| c.is_lowercase() || c == '_') {
            locals.insert(syntax.source(id));
        }
    }
    locals
}

fn is_closure_parameters(syntax: &Syntax, id: Id) -> bool {
    syntax.node(id).field == Field::Parameters && syntax.parent_kind(id) == Some(Kind::ClosureExpression)
}
