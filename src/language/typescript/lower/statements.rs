//! Statements: what they declare and what they contain.

use tree_sitter::Node;

use super::super::walk::{children, is_function, unwrapped};
use super::{GIVEN, ScriptLowering, ScriptSite};
use crate::language::eval::facts::{BindingId, BindingKind, FactScopeKind, Flags, NO_STEP, Step, StepId};

impl ScriptLowering<'_> {
    pub(super) fn statement(&mut self, node: Node<'_>, site: ScriptSite) {
        self.deeper(node, site, |lowering| {
            lowering.statement_of_kind(node, site);
            NO_STEP
        });
    }

    fn statement_of_kind(&mut self, node: Node<'_>, site: ScriptSite) {
        match node.kind() {
            "comment" | "empty_statement" | "debugger_statement" | "break_statement" | "continue_statement" => {}
            "import_statement" => self.import_statement(node, site),
            "export_statement" => self.export_statement(node, site),
            "ambient_declaration" => self.ambient(node, site),
            "expression_statement" => self.expression_statement(node, site),
            "lexical_declaration" | "variable_declaration" | "using_declaration" => {
                self.variables(node, site);
            }
            "function_declaration" | "generator_function_declaration" | "function_signature" => {
                self.function_declaration(node, site);
            }
            "class_declaration" | "abstract_class_declaration" => {
                self.class(node, node, None, site);
            }
            "interface_declaration" => {
                self.interface(node, site);
            }
            "enum_declaration" => {
                self.enumeration(node, site);
            }
            "type_alias_declaration" => {
                self.alias(node, site);
            }
            "internal_module" | "module" => {
                self.namespace(node, site);
            }
            "import_alias" => self.import_alias(node, site, false),
            "return_statement" => self.return_statement(node, site),
            "if_statement" | "while_statement" | "do_statement" | "labeled_statement" | "else_clause"
            | "finally_clause" | "with_statement" | "try_statement" | "throw_statement" | "switch_statement" => {
                self.parts(node, site);
            }
            "statement_block" | "switch_body" | "for_statement" | "class_static_block" => {
                let inside = self.block(site);
                self.parts(node, inside);
            }
            "for_in_statement" => self.for_in(node, site),
            "catch_clause" => self.catch(node, site),
            "switch_case" | "switch_default" | "ERROR" => self.parts(node, site),
            _ => {
                self.expression(node, site);
            }
        }
    }

    fn parts(&mut self, node: Node<'_>, site: ScriptSite) {
        for part in children(node) {
            self.statement(part, site);
        }
    }

    pub(super) fn body(&mut self, block: Node<'_>, site: ScriptSite) {
        for part in children(block) {
            self.statement(part, site);
        }
    }

    fn expression_statement(&mut self, node: Node<'_>, site: ScriptSite) {
        for part in children(node) {
            match part.kind() {
                "internal_module" => drop(self.namespace(part, site)),
                "assignment_expression" if self.exports_assignment(part, site) => {}
                "assignment_expression" if site.scope == 0 && self.prototype_assignment(part, site) => {}
                "call_expression" if site.scope == 0 && self.prototype_call(part, site) => {}
                "comment" => {}
                _ => drop(self.expression(part, site)),
            }
        }
    }

    fn return_statement(&mut self, node: Node<'_>, site: ScriptSite) {
        for value in children(node).filter(|child| child.kind() != "comment") {
            let step = self.wanted(value, site, site.result);
            if self.returned.last().is_some_and(|returned| !returned.is_generator) {
                self.returns(step);
            }
        }
    }

    /// `declare ..`
    fn ambient(&mut self, node: Node<'_>, site: ScriptSite) {
        let mut cursor = node.walk();
        let is_global = node.children(&mut cursor).any(|child| child.kind() == "global");
        for part in children(node) {
            if is_global && part.kind() == "statement_block" {
                let scope = self.scope(site.scope, FactScopeKind::Global, None);
                self.body(part, ScriptSite { scope, hoist: scope, ..site });
            } else {
                let first = self.facts.bindings.len();
                self.statement(part, site);
                for id in first..self.facts.bindings.len() {
                    if self.facts.bindings[id].scope == site.scope {
                        self.flag(id as BindingId, Flags::TYPE_ONLY);
                    }
                }
            }
        }
    }

    /// Hands out the names that were declared.
    pub(super) fn variables(&mut self, node: Node<'_>, site: ScriptSite) {
        let is_var = node.kind() == "variable_declaration";
        let scope = if is_var { site.hoist } else { site.scope };
        for declarator in children(node).filter(|child| child.kind() == "variable_declarator") {
            self.variable(declarator, scope, site);
        }
    }

    fn variable(&mut self, node: Node<'_>, scope: u32, site: ScriptSite) {
        let Some(name) = node.child_by_field_name("name") else { return };
        let value = node.child_by_field_name("value");
        let ty = node.child_by_field_name("type").map_or(NO_STEP, |ty| self.type_of(ty, site));
        if let Some(value) = value
            && self.required(node, name, value, scope, site)
        {
            return;
        }
        if name.kind() != "identifier" {
            let given = match (ty, value) {
                (NO_STEP, Some(value)) => self.expression(value, site),
                (NO_STEP, None) => NO_STEP,
                (ty, value) => {
                    let typed = self.step(node, Step::Typed(ty));
                    value.map(|value| self.wanted(value, site, typed));
                    typed
                }
            };
            return self.pattern(name, node, given, scope, site);
        }
        let kind = BindingKind::Variable;
        let class = value.map(unwrapped).filter(|value| value.kind() == "class");
        if let Some(class) = class.filter(|_| ty == NO_STEP) {
            self.class(class, node, Some(self.written(name)), ScriptSite { scope, ..site });
            return;
        }
        let function = value.map(unwrapped).filter(|value| is_function(*value));
        if let Some(function) = function.filter(|_| ty == NO_STEP) {
            let id = self.bind(node, self.written(name), scope, BindingKind::Function);
            self.function_or_constructor(id, node, function, site);
            return;
        }
        let id = self.bind(node, self.written(name), scope, kind);
        self.binding(id).ty = ty;
        if let Some(value) = value {
            self.flag(id, GIVEN);
            let step = self.typed_value(value, ty, site);
            self.give(id, step);
        }
    }

    /// A value where a type may be written: what is expected of it.
    pub(super) fn typed_value(&mut self, value: Node<'_>, ty: StepId, site: ScriptSite) -> StepId {
        if ty == NO_STEP {
            return self.expression(value, site);
        }
        let wanted = self.step(value, Step::Typed(ty));
        self.wanted(value, site, wanted)
    }

    fn for_in(&mut self, node: Node<'_>, site: ScriptSite) {
        let inside = self.block(site);
        let of = node.child_by_field_name("right").map_or(NO_STEP, |right| self.expression(right, site));
        let is_of = node.child_by_field_name("operator").is_some_and(|word| self.written(word) == "of");
        let element = match is_of && of != NO_STEP {
            true => self.step(node, Step::Element(of)),
            false => NO_STEP,
        };
        if let Some(left) = node.child_by_field_name("left") {
            match node.child_by_field_name("kind") {
                Some(kind) => {
                    let scope = if self.written(kind) == "var" { site.hoist } else { inside.scope };
                    self.pattern(left, left, element, scope, inside);
                }
                None => drop(self.expression(left, inside)),
            }
        }
        if let Some(body) = node.child_by_field_name("body") {
            self.statement(body, inside);
        }
    }

    fn catch(&mut self, node: Node<'_>, site: ScriptSite) {
        let inside = self.block(site);
        if let Some(parameter) = node.child_by_field_name("parameter") {
            self.pattern(parameter, parameter, NO_STEP, inside.scope, inside);
        }
        if let Some(body) = node.child_by_field_name("body") {
            self.statement(body, inside);
        }
    }
}
