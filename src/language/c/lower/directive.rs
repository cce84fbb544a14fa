//! Directives of the preprocessor: includes, macros, and the names in conditions.

use tree_sitter::Node;

use super::{CLowering, DEFINED, FILE, MACRO};
use crate::language::eval::facts::{BindingKind, Flags, ImportWhat, NameSpace, Step, StepId};
use crate::language::table::c::node::children;
use crate::language::table::c::signature::without_comments;

/// Names of one macro that are kept; a longer one is a table.
const NAMES_MAX: usize = 400;

impl<'t> CLowering<'t> {
    /// `#include "a.h"`: what is looked for is kept with its quotes, which say where.
    pub(super) fn include(&mut self, node: Node<'t>) {
        let Some(path) = node.child_by_field_name("path") else { return };
        if matches!(path.kind(), "string_literal" | "system_lib_string") {
            self.import(self.source(path), ImportWhat::Nothing, node);
        }
    }

    /// `#if`, `#ifdef`, `#elif`: what is defined is asked for, and what stands inside counts.
    pub(super) fn condition(&mut self, node: Node<'t>) {
        let asked = [node.child_by_field_name("condition"), node.child_by_field_name("name")];
        let asked: Vec<Node<'t>> = asked.into_iter().flatten().collect();
        for node in &asked {
            self.in_scope(FILE, |this| this.names_below(*node));
        }
        let is_inside = |child: &Node<'t>| !asked.iter().any(|one| one.id() == child.id());
        self.visit_all(children(node).into_iter().filter(is_inside).collect());
    }

    pub(super) fn macro_definition(&mut self, node: Node<'t>) {
        let Some(name) = node.child_by_field_name("name") else { return };
        let body = self.is_body;
        self.is_body = false;
        let binding = self.bind(self.source(name), BindingKind::Variable, FILE, name);
        self.is_body = body;
        let parameters = node.child_by_field_name("parameters");
        let parameters: Vec<&str> =
            parameters.map(children).unwrap_or_default().iter().map(|one| self.source(*one)).collect();
        let value = node.child_by_field_name("value").map(|value| without_comments(self.source(value)));
        let value = value.unwrap_or_default();
        let words = words(&value);
        let names: Vec<StepId> = qualified(&words, &parameters)
            .into_iter()
            .take(NAMES_MAX)
            .map(|parts| self.name_chain(&parts, FILE, node))
            .collect();
        for pair in words.windows(3) {
            // The braces of a namespace that a macro opens are not seen: its names count as global ones.
            if let [first, named, brace] = pair
                && first.text == "namespace"
                && brace.text == "{"
            {
                let namespace = self.bind(named.text, BindingKind::Namespace, FILE, node);
                self.set(namespace, |binding| (binding.inner, binding.symbol) = (Some(FILE), None));
            }
        }
        let flags =
            if node.kind() == "preproc_def" { MACRO.with(DEFINED) } else { MACRO.with(DEFINED).with(Flags::VARIADIC) };
        self.set(binding, |binding| (binding.values, binding.flags) = (names, flags));
    }

    /// `a`, `a::b` as steps.
    fn name_chain(&mut self, parts: &[&str], scope: u32, node: Node<'_>) -> StepId {
        let mut parts = parts.iter();
        let head = self.text_id(parts.next().copied().unwrap_or_default());
        let mut step = self.step(Step::Name { text: head, scope, space: NameSpace::Any }, node);
        for part in parts {
            let text = self.text_id(part);
            step = self.derived(step, |of| Step::Member { of, text }, node);
        }
        step
    }

    /// The names below a node, wherever they stand in it.
    pub(super) fn names_below(&mut self, node: Node<'t>) {
        let mut cursor = node.walk();
        loop {
            let node = cursor.node();
            let space = match node.kind() {
                "identifier" => Some(NameSpace::Any),
                "type_identifier" => Some(NameSpace::Type),
                _ => None,
            };
            if let Some(space) = space {
                let (text, scope) = (self.text_id(self.source(node)), self.scope);
                self.step(Step::Name { text, scope, space }, node);
            }
            if cursor.goto_first_child() {
                continue;
            }
            while !cursor.goto_next_sibling() {
                if !cursor.goto_parent() {
                    return;
                }
            }
        }
    }
}

/// A word or sign of a macro's text.
struct MacroWord<'s> {
    text: &'s str,
    /// It stands right behind the one before.
    is_joined: bool,
}

fn words(value: &str) -> Vec<MacroWord<'_>> {
    let is_word = |c: char| c.is_alphanumeric() || c == '_';
    let mut words = Vec::new();
    let mut rest = value;
    let mut is_joined = false;
    while let Some(first) = rest.chars().next() {
        let length = if is_word(first) {
            rest.find(|c: char| !is_word(c)).unwrap_or(rest.len())
        } else if matches!(first, '"' | '\'') {
            quoted(rest, first)
        } else if ["::", "->", "##"].iter().any(|sign| rest.starts_with(sign)) {
            2
        } else {
            first.len_utf8()
        };
        let (text, behind) = rest.split_at(length);
        if first.is_whitespace() {
            is_joined = false;
        } else {
            words.push(MacroWord { text, is_joined });
            is_joined = true;
        }
        rest = behind;
    }
    words
}

fn quoted(text: &str, quote: char) -> usize {
    let mut is_escaped = false;
    for (at, c) in text.char_indices().skip(1) {
        if c == quote && !is_escaped {
            return at + c.len_utf8();
        }
        is_escaped = c == '\\' && !is_escaped;
    }
    text.len()
}

/// The names that a macro's text writes, each with what qualifies it: no parameters, members, keywords, or parts that are pasted together.
fn qualified<'s>(words: &[MacroWord<'s>], parameters: &[&str]) -> Vec<Vec<&'s str>> {
    let text = |at: Option<usize>| at.and_then(|at| words.get(at)).map_or("", |word| word.text);
    let is_name = |word: &str| word.starts_with(|c: char| c.is_alphabetic() || c == '_') && !KEYWORDS.contains(&word);
    let mut all: Vec<Vec<&'s str>> = Vec::new();
    let mut at = 0;
    while let Some(word) = words.get(at) {
        let before = text(at.checked_sub(1));
        let is_left_out = !is_name(word.text)
            || parameters.contains(&word.text)
            || matches!(before, "." | "->" | "##" | "#" | "::" | "struct_" | "goto")
            || text(Some(at + 1)) == "##"
            || word.is_joined && before.ends_with(|c: char| c.is_ascii_digit());
        at += 1;
        if is_left_out {
            continue;
        }
        let mut parts = vec![word.text];
        while text(Some(at)) == "::" && is_name(text(Some(at + 1))) {
            parts.push(text(Some(at + 1)));
            at += 2;
        }
        if !all.contains(&parts) {
            all.push(parts);
        }
    }
    all
}

const KEYWORDS: [&str; 62] = [
    "auto",
    "break",
    "case",
    "char",
    "const",
    "continue",
    "default",
    "do",
    "double",
    "else",
    "enum",
    "extern",
    "float",
    "for",
    "goto",
    "if",
    "inline",
    "int",
    "long",
    "register",
    "return",
    "short",
    "signed",
    "sizeof",
    "static",
    "struct",
    "switch",
    "typedef",
    "union",
    "unsigned",
    "void",
    "volatile",
    "while",
    "class",
    "namespace",
    "template",
    "typename",
    "public",
    "private",
    "protected",
    "virtual",
    "override",
    "final",
    "new",
    "delete",
    "this",
    "true",
    "false",
    "nullptr",
    "bool",
    "operator",
    "using",
    "friend",
    "constexpr",
    "noexcept",
    "explicit",
    "mutable",
    "throw",
    "try",
    "catch",
    "defined",
    "__VA_ARGS__",
];
