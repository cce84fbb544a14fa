//! What a file says to others.

use super::lower;
use crate::domain::Language;
use crate::language::syntax::errors_of;
use crate::language::{Outline, ParseError, Parsed};

pub(super) fn outline(parsed: &Parsed<'_>) -> (Outline, Vec<ParseError>) {
    let root = match parsed.tree() {
        Ok(tree) => tree.root_node(),
        Err(reason) => return (Outline::default(), vec![reason.to_error()]),
    };
    let (symbols, facts) = lower::lower(parsed, root);
    let name = if parsed.language == Language::CPP { "C++" } else { "C" };
    (Outline { symbols, facts: Some(Box::new(facts)), ..Outline::default() }, errors_of(root, name))
}
