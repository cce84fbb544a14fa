//! Cyclomatic and cognitive complexity and nesting of one function, in one pass over its body.
//!
//! *Cyclomatic*: T. McCabe, "A Complexity Measure", IEEE TSE SE-2(4), 1976: decisions + 1. Decisions are `if`, `while`, `for`, every match arm
//! but the first, match guards, `let … else`, `&&`, `||` and `?` (each is an edge of the flow graph); a bare `loop` decides nothing.
//!
//! *Cognitive*: G. A. Campbell, "Cognitive Complexity: a new way of measuring understandability", SonarSource, version 1.7, 2023.
//! `if`, `match`, loops and `let … else` cost 1 + their nesting; `else`, `else if`, jumps to a label, each run of equal logical
//! operators and direct recursion cost 1; closures raise the nesting. `?` is free, as shorthand is in that paper.
//!
//! Both count closures with the function around them and functions inside it for themselves. What a macro's braces hold is not
//! parsed by the grammar and counts nothing.

use std::collections::HashMap;

use super::tree::{Field, Id, Kind, Syntax};
use crate::language::item::Complexity;

/// A construct whose inside is nested deeper.
struct Nest {
    end: usize,
    control: bool,
}

struct ComplexityWalk<'s, 'a> {
    syntax: &'s Syntax<'a>,
    nests: Vec<Nest>,
    /// How many of `nests` are control flow.
    control: u32,
    /// Each node that belongs to a chain of logical operators -> the top of its chain.
    chain: HashMap<Id, Id>,
    /// Top of a chain -> the operator seen last in it.
    last_operator: HashMap<Id, Kind>,
    measured: Complexity,
}

/// Measures the function `id`.
pub fn measure(syntax: &Syntax, id: Id) -> Complexity {
    let mut walk = ComplexityWalk {
        syntax,
        nests: Vec::new(),
        control: 0,
        chain: HashMap::new(),
        last_operator: HashMap::new(),
        measured: Complexity { cyclomatic: 1, ..Complexity::default() },
    };
    let Some(body) = syntax.child_in_field(id, Field::Body) else { return walk.measured };
    for at in own_nodes(syntax, body) {
        walk.leave(at);
        walk.visit(at);
    }
    walk.measured.cognitive += u32::from(recurses(syntax, id, body));
    walk.measured
}

/// The nodes of a body, without functions defined inside it: those are measured on their own.
pub fn own_nodes(syntax: &Syntax, body: Id) -> impl Iterator<Item = Id> {
    let end = syntax.subtree(body).end;
    let step = move |at: Id| {
        let mut at = at;
        while at < end && syntax.kind(at) == Kind::FunctionItem {
            at = syntax.subtree(at).end;
        }
        (at < end).then_some(at)
    };
    std::iter::successors(step(body), move |&at| step(at + 1))
}

impl ComplexityWalk<'_, '_> {
    fn leave(&mut self, at: Id) {
        while self.nests.last().is_some_and(|nest| nest.end <= at) {
            if self.nests.pop().is_some_and(|nest| nest.control) {
                self.control -= 1;
            }
        }
    }

    fn visit(&mut self, id: Id) {
        let syntax = self.syntax;
        match syntax.kind(id) {
            Kind::IfExpression if syntax.parent_kind(id) == Some(Kind::ElseClause) => self.count(1, 0),
            Kind::IfExpression | Kind::WhileExpression | Kind::ForExpression => self.decide(id, 1),
            Kind::LoopExpression | Kind::MatchExpression => self.decide(id, 0),
            Kind::MatchArm => self.count(u32::from(!is_first_arm(syntax, id)), 0),
            Kind::ElseClause => self.measured.cognitive += 1,
            Kind::ClosureExpression => self.nest(id, false),
            Kind::TryExpression => self.count(1, 0),
            Kind::BreakExpression | Kind::ContinueExpression => {
                self.measured.cognitive += u32::from(syntax.child_of_kind(id, Kind::Label).is_some());
            }
            Kind::BinaryExpression | Kind::LetChain | Kind::Parenthesized => self.chain_up(id),
            kind @ (Kind::And | Kind::Or) => self.operator(id, kind),
            _ => {}
        }
        match (syntax.node(id).field, syntax.parent_kind(id)) {
            (Field::Alternative, Some(Kind::LetDeclaration)) => self.decide(id, 1),
            (Field::Condition, Some(Kind::MatchPattern)) => self.count(1, 0),
            _ => {}
        }
    }

    fn count(&mut self, cyclomatic: u32, cognitive: u32) {
        self.measured.cyclomatic += cyclomatic;
        self.measured.cognitive += cognitive;
    }

    /// A decision that costs its nesting and nests what is inside.
    fn decide(&mut self, id: Id, cyclomatic: u32) {
        let nesting = u32::try_from(self.nests.len()).unwrap_or(u32::MAX);
        self.measured.cyclomatic += cyclomatic;
        self.measured.cognitive = self.measured.cognitive.saturating_add(nesting.saturating_add(1));
        self.nest(id, true);
    }

    fn nest(&mut self, id: Id, control: bool) {
        self.nests.push(Nest { end: self.syntax.subtree(id).end, control });
        self.control += u32::from(control);
        if self.control > self.measured.nesting {
            self.measured.nesting = self.control;
            self.measured.deepest_row = self.syntax.node(id).first_row;
        }
    }

    /// Notes which chain a logical expression, or brackets around one, belongs to.
    fn chain_up(&mut self, id: Id) {
        let logical = self.syntax.kind(id) == Kind::LetChain
            || self.syntax.children(id).any(|c| matches!(self.syntax.kind(c), Kind::And | Kind::Or));
        let above = self.syntax.parent(id).and_then(|parent| self.chain.get(&parent)).copied();
        if let Some(top) = above.filter(|_| logical || self.syntax.kind(id) == Kind::Parenthesized) {
            self.chain.insert(id, top);
        } else if logical {
            self.chain.insert(id, id);
        }
    }

    /// Operators are met from left to right, so a run ends where another operator follows in the same chain.
    fn operator(&mut self, id: Id, kind: Kind) {
        let Some(&top) = self.syntax.parent(id).and_then(|parent| self.chain.get(&parent)) else { return };
        self.measured.cyclomatic += 1;
        if self.last_operator.insert(top, kind) != Some(kind) {
            self.measured.cognitive += 1;
        }
    }
}

fn is_first_arm(syntax: &Syntax, arm: Id) -> bool {
    let first = syntax.parent(arm).and_then(|block| syntax.child_of_kind(block, Kind::MatchArm));
    first == Some(arm)
}

/// Whether the function calls itself by its own name: `f(…)`, `Self::f(…)` or `self.f(…)`.
fn recurses(syntax: &Syntax, id: Id, body: Id) -> bool {
    let Some(name) = syntax.child_in_field(id, Field::Name).map(|n| syntax.source(n)) else { return false };
    let method = syntax.parent_kind(id) == Some(Kind::DeclarationList);
    own_nodes(syntax, body).filter(|&at| syntax.kind(at) == Kind::CallExpression).any(|call| {
        let callee = syntax.child_in_field(call, Field::Function).map_or("", |f| syntax.source(f));
        match method {
            true => ["self.", "Self::"].iter().any(|own| callee.strip_prefix(own) == Some(name)),
            false => callee == name,
        }
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(body: &str) -> (u32, u32, u32) {
        let text = format!("fn f(a: bool, b: bool, c: bool, d: bool) {{ {body} }}");
        let syntax = Syntax::parse(&text);
        let c = measure(&syntax, syntax.child_of_kind(0, Kind::FunctionItem).unwrap());
        (c.cyclomatic, c.cognitive, c.nesting)
    }

    #[test]
    fn plain_code_costs_nothing() {
        assert_eq!(of("g(); h();"), (1, 0, 0));
    }

    #[test]
    fn nesting_is_what_costs() {
        assert_eq!(of("if a { } if b { }"), (3, 2, 1));
        assert_eq!(of("if a { if b { } }"), (3, 3, 2));
        assert_eq!(of("if a {} else if b {} else {}"), (3, 3, 1));
        assert_eq!(of("if a {} else if b { if c {} }"), (4, 4, 2));
        // The example of appendix C of the paper (sumOfPrimes): 7.
        assert_eq!(
            of("'out: for i in 1..n { for j in 2..i { if i % j == 0 { continue 'out; } } total += i; }"),
            (4, 7, 3)
        );
        assert_eq!(of("for x in y { g(|| if a {}) }"), (3, 4, 2));
    }

    #[test]
    fn logical_operators_cost_by_run() {
        assert_eq!(of("g(a && b && c)"), (3, 1, 0));
        assert_eq!(of("g(a && b || c)"), (3, 2, 0));
        assert_eq!(of("g(a || b && c || d)"), (4, 3, 0));
        assert_eq!(of("g(a && !(b && c))"), (3, 2, 0));
        assert_eq!(of("g(a && (b && c))"), (3, 1, 0));
        assert_eq!(of("if let Some(x) = y && a && b {}"), (4, 2, 1));
    }

    #[test]
    fn a_match_is_one_decision_to_read_and_many_to_test() {
        assert_eq!(of("match n { 1 => {} 2 if a => {} _ => {} }"), (4, 1, 1));
        assert_eq!(of("let Some(x) = y else { return }; z?;"), (3, 1, 1));
    }

    #[test]
    fn recursion_and_inner_functions() {
        assert_eq!(of("f(a, b, c, d)"), (1, 1, 0));
        assert_eq!(of("fn g() { if a { if b {} } }"), (1, 0, 0));
    }
}
