//! What asks for another shape in Go. Few rules, each one that a reader would agree with where it strikes.

use std::collections::HashSet;

use tree_sitter::Node;

use super::node::{children, fields, last_line, line, source};
use super::walk::{GoKind, TopDeclaration};
use crate::language::smell::{Severity, Smell, SmellKind, noted};
use crate::language::syntax;

/// `is_surface`: the file is part of a library, not a program, test or example.
pub(super) fn find(text: &str, root: Node<'_>, declared: &[TopDeclaration<'_>], is_surface: bool) -> Vec<Smell> {
    let mut search = GoSmells { text, failing: failing(text, declared), smells: Vec::new(), item: None };
    for node in children(root).into_iter().filter(|_| is_surface) {
        search.dot_imports(node);
    }
    for one in declared.iter().filter(|one| matches!(one.kind, GoKind::Function | GoKind::Method)) {
        search.item = Some(one.name.clone());
        if is_surface && !one.is_test {
            search.shape(one.node);
        }
        search.body(one, is_surface);
    }
    search.smells.sort_by_key(|smell| (smell.start_line, smell.kind));
    search.smells
}

/// The functions of the file that give an error last, with the number of their results.
fn failing<'t>(text: &'t str, declared: &[TopDeclaration<'_>]) -> HashSet<(&'t str, usize)> {
    let functions = declared.iter().filter(|one| one.kind == GoKind::Function);
    let of = |one: &TopDeclaration<'_>| {
        let name = source(text, one.node.child_by_field_name("name")?);
        let results = results(text, one.node);
        (results.last() == Some(&"error")).then_some((name, results.len()))
    };
    functions.filter_map(of).collect()
}

/// The types that a function gives, as written.
fn results<'t>(text: &'t str, function: Node<'_>) -> Vec<&'t str> {
    let Some(result) = function.child_by_field_name("result") else { return Vec::new() };
    if result.kind() != "parameter_list" {
        return vec![source(text, result)];
    }
    let mut all = Vec::new();
    for group in children(result) {
        let ty = group.child_by_field_name("type").map_or("", |ty| source(text, ty));
        all.extend(std::iter::repeat_n(ty, fields(group, "name").len().max(1)));
    }
    all
}

struct GoSmells<'t> {
    text: &'t str,
    failing: HashSet<(&'t str, usize)>,
    smells: Vec<Smell>,
    item: Option<String>,
}

impl<'t> GoSmells<'t> {
    fn note(&mut self, kind: SmellKind, severity: Severity, node: Node<'_>, message: &str) {
        let at = line(node.start_position().row);
        self.smells.push(noted(kind, severity, (at, at), self.item.as_deref(), message.to_owned()));
    }

    fn source(&self, node: Node<'_>) -> &'t str {
        source(self.text, node)
    }

    /// `import . "x"`
    fn dot_imports(&mut self, node: Node<'_>) {
        let mut todo = if node.kind() == "import_declaration" { vec![node] } else { Vec::new() };
        while let Some(node) = todo.pop() {
            if node.kind() == "import_spec" {
                if node.child_by_field_name("name").is_some_and(|name| name.kind() == "dot") {
                    let message = "brings names that no reader of this file sees; import the package by its name";
                    self.note(SmellKind::StarImport, Severity::Warning, node, message);
                }
            } else {
                todo.extend(children(node));
            }
        }
    }

    /// Where `context.Context` and `error` stand.
    fn shape(&mut self, function: Node<'_>) {
        let parameters = function.child_by_field_name("parameters").map(children).unwrap_or_default();
        let ty = |node: &Node<'_>| node.child_by_field_name("type").map_or("", |ty| self.source(ty));
        let is_context = |node: &Node<'_>| ty(node) == "context.Context";
        let first = parameters.first().map_or("", ty);
        let is_test_helper = first.starts_with("*testing.") || first == "testing.TB";
        if !is_test_helper && !parameters.first().is_some_and(is_context) && parameters.iter().any(is_context) {
            let message = "takes its context behind other parameters; the context goes first";
            self.note(SmellKind::UnusualSignature, Severity::Info, function, message);
        }
        let results = results(self.text, function);
        if results.contains(&"error") && results.last() != Some(&"error") {
            let message = "gives its error before other results; the error goes last";
            self.note(SmellKind::UnusualSignature, Severity::Info, function, message);
        }
    }

    fn body(&mut self, function: &TopDeclaration<'_>, is_surface: bool) {
        let Some(body) = function.node.child_by_field_name("body") else { return };
        let name = function.name.rsplit('.').next().unwrap_or_default();
        let may_panic = !is_surface || name == "init" || name.to_ascii_lowercase().starts_with("must");
        // With the loops around; a function literal begins anew.
        syntax::walk_with(body, 0_u32, |node, loops| {
            match node.kind() {
                "defer_statement" if loops > 0 => {
                    let message = "is put off to the end of the function, not of the turn: what it releases piles up";
                    self.note(SmellKind::DeferInLoop, Severity::Warning, node, message);
                }
                "if_statement" => self.empty_check(node),
                "assignment_statement" | "short_var_declaration" => self.discarded(node),
                "call_expression" if !may_panic && function.is_exported => self.panics(node),
                _ => {}
            }
            Some(match node.kind() {
                "for_statement" => loops + 1,
                "func_literal" => 0,
                _ => loops,
            })
        });
    }

    /// `if err != nil {}` without a word.
    fn empty_check(&mut self, node: Node<'_>) {
        let condition = node.child_by_field_name("condition").map_or("", |condition| self.source(condition));
        let Some(block) = node.child_by_field_name("consequence") else { return };
        let is_check = condition.strip_suffix("!= nil").is_some_and(|name| name.trim().to_lowercase().ends_with("err"));
        if is_check && block.named_child_count() == 0 && node.child_by_field_name("alternative").is_none() {
            let message = "an error is seen and nothing is done about it; hand it on, or say why it does not matter";
            self.note(SmellKind::SwallowedErrors, Severity::Warning, node, message);
        }
    }

    /// `_ = f()`, `v, _ := f()` of a function of this file that gives an error last.
    fn discarded(&mut self, node: Node<'_>) {
        let left = node.child_by_field_name("left").map(children).unwrap_or_default();
        let right = node.child_by_field_name("right").map(children).unwrap_or_default();
        let [call] = right.as_slice() else { return };
        let Some(callee) = call.child_by_field_name("function").filter(|_| call.kind() == "call_expression") else {
            return;
        };
        let is_left_out = left.last().is_some_and(|&last| self.source(last) == "_");
        let is_excused = self.text.get(node.end_byte()..).and_then(|rest| rest.lines().next());
        if is_left_out
            && callee.kind() == "identifier"
            && self.failing.contains(&(self.source(callee), left.len()))
            && !is_excused.is_some_and(|rest| rest.contains("//"))
        {
            let message =
                format!("the error of `{}` is left out; handle it, or say why it does not matter", self.source(callee));
            self.note(SmellKind::SwallowedErrors, Severity::Warning, node, &message);
        }
    }

    /// `panic(..)` in what a library offers.
    fn panics(&mut self, node: Node<'_>) {
        let callee = node.child_by_field_name("function").map_or("", |function| self.source(function));
        let arguments = node.child_by_field_name("arguments").map_or("", |list| self.source(list));
        let lower = arguments.to_ascii_lowercase();
        let is_impossible = ["unreachable", "unexpected", "impossible", "not reached", "bug"];
        if callee == "panic" && !is_impossible.iter().any(|word| lower.contains(word)) {
            let message = "ends the program of whoever calls it; give an error back, or call it `Must…`";
            let at = (line(node.start_position().row), last_line(node));
            let smell = noted(SmellKind::Panics, Severity::Info, at, self.item.as_deref(), message.to_owned());
            self.smells.push(smell);
        }
    }
}
