//! Statements: what they declare, and the statements and expressions inside.

use tree_sitter::Node;

use super::{Around, Lowering, children};
use crate::language::eval::facts::{BindingKind, NO_STEP, Step};

impl<'t> Lowering<'t> {
    /// The statements of a block, module or broken passage. What a test that leaves the block says holds for the rest of it.
    pub(super) fn statements(&mut self, block: Node<'_>, place: &Around) {
        let narrowed = self.narrowed.len();
        let mut cursor = block.walk();
        for statement in block.named_children(&mut cursor) {
            self.deeper(|this| this.statement(statement, place));
        }
        self.narrowed.truncate(narrowed);
    }

    fn statement(&mut self, node: Node<'_>, place: &Around) {
        match node.kind() {
            "comment" | "pass_statement" | "break_statement" | "continue_statement" => {}
            "expression_statement" => self.expression_statement(node, place),
            "import_statement" => self.import_modules(node, place),
            "import_from_statement" => self.import_names(node, place),
            "future_import_statement" => {}
            "decorated_definition" => self.decorated(node, place),
            "function_definition" => self.function(node, &[], place),
            "class_definition" => self.class(node, &[], place),
            "type_alias_statement" => self.type_alias(node, place),
            "return_statement" => self.returned(node, place),
            "global_statement" | "nonlocal_statement" => self.redirect(node, place),
            "assert_statement" => self.assertion(node, place),
            "if_statement" => self.if_statement(node, place),
            "while_statement" => self.while_statement(node, place),
            "for_statement" => self.for_statement(node, place),
            "with_statement" => self.with_statement(node, place),
            "try_statement" | "finally_clause" | "else_clause" | "match_block" => self.statements_in_parts(node, place),
            "except_clause" => self.except_clause(node, place),
            "match_statement" => self.match_statement(node, place),
            "case_clause" => self.case_clause(node, NO_STEP, place),
            "block" | "ERROR" => self.statements(node, place),
            _ => self.other(node, place),
        }
    }

    /// A statement that holds nothing but expressions, or an expression in a broken passage.
    fn other(&mut self, node: Node<'_>, place: &Around) {
        if node.kind().ends_with("_statement") {
            for child in children(node) {
                self.expression(child, place);
            }
        } else {
            self.expression(node, place);
        }
    }

    pub(super) fn statements_in_parts(&mut self, node: Node<'_>, place: &Around) {
        let mut cursor = node.walk();
        for child in node.named_children(&mut cursor) {
            self.deeper(|this| this.statement(child, place));
        }
    }

    fn expression_statement(&mut self, node: Node<'_>, place: &Around) {
        for child in children(node) {
            match child.kind() {
                "assignment" => {
                    self.assignment(child, place);
                }
                "augmented_assignment" => self.augmented(child, place),
                "string" | "concatenated_string" => {}
                "call" => {
                    self.extend_listed(child, place);
                    self.expression(child, place);
                }
                _ => {
                    self.expression(child, place);
                }
            }
        }
    }

    fn returned(&mut self, node: Node<'_>, place: &Around) {
        let values = children(node);
        let Some(&value) = values.first() else { return };
        let step = self.expression(value, place);
        if let Some(function) = place.function.and_then(|function| self.binding(function))
            && step != NO_STEP
        {
            function.values.push(step);
        }
    }

    fn redirect(&mut self, node: Node<'_>, place: &Around) {
        let outer = if node.kind() == "global_statement" {
            0
        } else {
            self.facts.scope(place.scope).and_then(|scope| scope.parent).unwrap_or(0)
        };
        for name in children(node) {
            let name = self.text_id(self.source(name));
            self.redirected.insert((place.scope, name), outer);
        }
    }

    fn assertion(&mut self, node: Node<'_>, place: &Around) {
        for (at, child) in children(node).into_iter().enumerate() {
            self.expression(child, place);
            if at == 0 {
                self.narrow_if_true(child, place);
            }
        }
    }

    fn if_statement(&mut self, node: Node<'_>, place: &Around) {
        let condition = node.child_by_field_name("condition");
        let consequence = node.child_by_field_name("consequence");
        let is_checking = condition.is_some_and(|condition| {
            matches!(self.source(condition), "TYPE_CHECKING" | "typing.TYPE_CHECKING" | "t.TYPE_CHECKING")
        });
        let inside = Around { is_type_only: place.is_type_only || is_checking, ..place.clone() };
        self.branch(condition, consequence, &inside);
        let before = self.narrowed.len();
        condition.into_iter().for_each(|condition| self.narrow_if_false(condition, place));
        let mut cursor = node.walk();
        let mut is_alone = true;
        for alternative in node.children_by_field_name("alternative", &mut cursor) {
            is_alone = false;
            if alternative.kind() == "elif_clause" {
                let [condition, consequence] =
                    ["condition", "consequence"].map(|field| alternative.child_by_field_name(field));
                self.branch(condition, consequence, place);
            } else {
                self.statements_in_parts(alternative, place);
            }
        }
        // `if not isinstance(x, A): return` holds for what follows.
        if !(is_alone && consequence.is_some_and(leaves)) {
            self.narrowed.truncate(before);
        }
    }

    /// What is done if a condition holds.
    pub(super) fn branch(&mut self, condition: Option<Node<'_>>, block: Option<Node<'_>>, place: &Around) {
        let before = self.narrowed.len();
        if let Some(condition) = condition {
            self.expression(condition, place);
            self.narrow_if_true(condition, place);
        }
        block.into_iter().for_each(|block| self.statements(block, place));
        self.narrowed.truncate(before);
    }

    fn while_statement(&mut self, node: Node<'_>, place: &Around) {
        self.branch(node.child_by_field_name("condition"), node.child_by_field_name("body"), place);
        node.child_by_field_name("alternative").into_iter().for_each(|other| self.statements_in_parts(other, place));
    }

    fn for_statement(&mut self, node: Node<'_>, place: &Around) {
        if let (Some(left), Some(right)) = (node.child_by_field_name("left"), node.child_by_field_name("right")) {
            let of = self.expression(right, place);
            let element = self.derived(of, Step::Element, right);
            self.target(left, NO_STEP, element, place);
        }
        for part in ["body", "alternative"].into_iter().filter_map(|field| node.child_by_field_name(field)) {
            if part.kind() == "block" { self.statements(part, place) } else { self.statements_in_parts(part, place) }
        }
    }

    fn with_statement(&mut self, node: Node<'_>, place: &Around) {
        for clause in children(node).into_iter().filter(|child| child.kind() == "with_clause") {
            for item in children(clause) {
                if let Some(value) = item.child_by_field_name("value") {
                    self.with_item(value, place);
                }
            }
        }
        node.child_by_field_name("body").into_iter().for_each(|body| self.statements(body, place));
    }

    fn with_item(&mut self, value: Node<'_>, place: &Around) {
        let target = value.child_by_field_name("alias").filter(|_| value.kind() == "as_pattern");
        let of = if target.is_some() { value.named_child(0) } else { Some(value) };
        let of = of.map_or(NO_STEP, |of| self.expression(of, place));
        let entered = self.derived(of, Step::Enter, value);
        if let Some(target) = target.and_then(|target| target.named_child(0)) {
            self.target(target, NO_STEP, entered, place);
        }
    }

    fn except_clause(&mut self, node: Node<'_>, place: &Around) {
        let mut cursor = node.walk();
        let values: Vec<Node<'_>> = node.children_by_field_name("value", &mut cursor).collect();
        let alias = node.child_by_field_name("alias");
        for value in values {
            let as_pattern = value.child_by_field_name("alias").filter(|_| value.kind() == "as_pattern");
            let class = if as_pattern.is_some() { value.named_child(0) } else { Some(value) };
            let class = class.map_or(NO_STEP, |class| self.expression(class, place));
            let caught = self.derived(class, Step::Caught, value);
            let target = as_pattern.and_then(|pattern| pattern.named_child(0)).or(alias);
            target.into_iter().for_each(|target| self.target(target, NO_STEP, caught, place));
        }
        for block in children(node).into_iter().filter(|child| child.kind() == "block") {
            self.statements(block, place);
        }
    }

    /// `type X[T] = ..`
    fn type_alias(&mut self, node: Node<'_>, place: &Around) {
        let (Some(left), Some(right)) = (node.child_by_field_name("left"), node.child_by_field_name("right")) else {
            return;
        };
        let name = self.source(left).split(['[', ' ']).next().unwrap_or_default().to_owned();
        let id = self.text_id(&name);
        let binding = self.bind(id, BindingKind::Alias, node, place);
        let symbol = self.known_symbol(node, &name, place);
        let value = self.annotation(right, place);
        if let Some(binding) = self.binding(binding) {
            binding.symbol = symbol;
            binding.values.push(value);
        }
    }
}

/// Whether a block never goes on to what follows it.
fn leaves(block: Node<'_>) -> bool {
    let last = children(block).pop();
    last.is_some_and(|last| {
        matches!(last.kind(), "return_statement" | "raise_statement" | "continue_statement" | "break_statement")
    })
}
