//! Halstead's volume of a function.

use std::collections::HashSet;

use super::tree::{Field, Id, Kind, Syntax};

/// Halstead's volume of a function: `N · log2(n)`, N the number of its operators and operands, n that of distinct ones
/// (M. Halstead, "Elements of Software Science", 1977). Operands are names and literals, operators all other tokens; a pair of brackets is one;
/// functions inside it count for themselves.
pub fn volume(syntax: &Syntax, function: Id) -> f64 {
    let Some(body) = syntax.child_in_field(function, Field::Body) else { return 0.0 };
    let mut distinct = HashSet::new();
    let mut total = 0_u32;
    let mut id = body;
    while id < syntax.subtree(body).end {
        let skipped = syntax.kind(id).is_comment() || syntax.kind(id) == Kind::FunctionItem;
        let token = syntax.source(id);
        if !skipped && syntax.is_leaf(id) && !matches!(token, "" | ")" | "]" | "}") {
            distinct.insert(token);
            total += 1;
        }
        id = if skipped { syntax.subtree(id).end } else { id + 1 };
    }
    let distinct = u32::try_from(distinct.len()).unwrap_or(u32::MAX);
    f64::from(total) * f64::from(distinct.max(1)).log2()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn volume_counts_tokens() {
        let syntax = Syntax::parse("fn f() { a = b + b; /* no */ }");
        let function = syntax.child_of_kind(0, Kind::FunctionItem).unwrap();
        // { a = b + b ; : 7 tokens, 6 distinct.
        assert!((volume(&syntax, function) - 7.0 * 6_f64.log2()).abs() < 1e-9);
    }
}
