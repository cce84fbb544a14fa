//! Function bodies that are the same but for the names of their locals.

use std::borrow::Cow;
use std::collections::HashSet;

use crate::language::duplicate::{ComparedBody, FEWEST_LINES, Numbered, smells};
use crate::language::rust::code::{FunctionNode, RustFile};
use crate::language::rust::complexity::own_nodes;
use crate::language::rust::tree::{Field, Id, Kind, Syntax};
use crate::language::smell::Smell;

pub fn find(rust: &RustFile<'_, '_>, found: &mut Vec<Smell>) {
    let compared = rust.functions.iter().filter(|f| !f.of.is_test && f.of.code_lines >= FEWEST_LINES);
    found.extend(smells(compared.map(|function| ComparedBody {
        name: &function.of.name,
        lines: (function.of.start_line, function.of.end_line),
        tokens: tokens(rust.syntax, function),
    })));
}

/// The tokens of a body without comments; each local is called by the number of its first mention.
fn tokens<'a>(syntax: &Syntax<'a>, function: &FunctionNode) -> Vec<Cow<'a, str>> {
    let locals = locals(syntax, function);
    let mut numbered = Numbered::default();
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
            tokens.push(numbered.token(source));
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
