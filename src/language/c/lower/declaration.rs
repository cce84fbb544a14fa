//! Functions, variables and parameters.

use tree_sitter::Node;

use super::{CLowering, DEFINED, INTERNAL};
use crate::language::eval::facts::{
    BindingId, BindingKind, FactScopeId, FactScopeKind, Flags, NO_STEP, NameSpace, Step, StepId,
};
use crate::language::table::c::node::{
    Declarator, bare, child_of_kind, children, declarator, fields, qualified_parts, source, specifiers,
};
use crate::language::table::c::walk::compact;

/// How many parameters a function has at least and at most; `None`: any number.
pub(in super::super) fn arity(text: &str, function: Node<'_>) -> (u32, Option<u32>) {
    let Some(list) = function.child_by_field_name("parameters") else { return (0, None) };
    let (mut least, mut most) = (0_u32, Some(0_u32));
    let mut cursor = list.walk();
    for child in list.children(&mut cursor) {
        match child.kind() {
            "parameter_declaration" | "identifier" => {
                if source(text, child) == "void" {
                    continue;
                }
                least = least.saturating_add(1);
                most = most.map(|most| most.saturating_add(1));
            }
            "optional_parameter_declaration" => most = most.map(|most| most.saturating_add(1)),
            "variadic_parameter" | "variadic_parameter_declaration" | "..." => most = None,
            _ => {}
        }
    }
    (least, most)
}

impl<'t> CLowering<'t> {
    /// Variables, fields and functions that a declaration names; what they are of.
    pub(super) fn declaration(&mut self, node: Node<'t>) {
        let written = node.child_by_field_name("type");
        let ty = written.map_or(NO_STEP, |ty| self.ty(ty));
        let mut declared = fields(node, "declarator");
        declared.retain(|one| one.kind() != "gnu_asm_expression");
        for one in declared {
            self.deeper(|this| this.declared(node, one, ty));
        }
        let rest = ["default_value", "value"].into_iter().filter_map(|field| node.child_by_field_name(field));
        rest.collect::<Vec<_>>().into_iter().for_each(|value| {
            self.value(value);
        });
        for child in children(node) {
            if matches!(child.kind(), "bitfield_clause" | "ERROR") {
                self.names_below(child);
            }
        }
    }

    fn declared(&mut self, node: Node<'t>, written: Node<'t>, ty: StepId) {
        let Some(one) = declarator(written) else { return self.names_below(written) };
        if let Some(function) = one.function.filter(|_| !self.is_body) {
            return self.function(node, &one, function, ty, None);
        }
        let value = (written.kind() == "init_declarator").then(|| written.child_by_field_name("value")).flatten();
        if one.name.kind() == "structured_binding_declarator" {
            for name in children(one.name) {
                self.variable(name, NO_STEP, NO_STEP, node);
            }
            value.into_iter().for_each(|value| {
                self.value(value);
            });
            return;
        }
        if let Some(function) = one.function {
            // `Type name(argument)` in a body: what looks like parameters may be values.
            self.parameter_types(function);
        }
        self.sizes(written);
        let (scopes, _) = qualified_parts(one.name);
        if !scopes.is_empty() {
            self.qualified_variable(node, &one, ty);
        }
        let value = value.map_or(NO_STEP, |value| self.initializer(value, ty));
        if scopes.is_empty() {
            let inferred = if ty == NO_STEP { value } else { NO_STEP };
            self.variable(one.name, ty, inferred, node);
        }
    }

    /// A variable or field with what is known of it.
    pub(super) fn variable(&mut self, name: Node<'t>, ty: StepId, value: StepId, declaration: Node<'t>) {
        let written = self.source(name);
        if written.is_empty() {
            return;
        }
        let scope = self.scope_of_declarations();
        let binding = self.bind(written, BindingKind::Variable, scope, name);
        let words = specifiers(self.text, declaration);
        let is_class = self.facts.scope(scope).is_some_and(|scope| scope.kind == FactScopeKind::Class);
        let is_declared_only = words.contains(&"extern") || is_class && words.contains(&"static");
        self.set(binding, |binding| {
            binding.ty = ty;
            binding.values.extend((value != NO_STEP).then_some(value));
            if !is_declared_only {
                binding.flags = binding.flags.with(DEFINED);
            }
            if words.contains(&"static") && !is_class {
                binding.flags = binding.flags.with(INTERNAL);
            }
        });
    }

    /// `int Store::count = 0;`: the definition of what a class declares.
    fn qualified_variable(&mut self, node: Node<'t>, one: &Declarator<'t>, ty: StepId) {
        let binding = self.member_definition(one.name, BindingKind::Variable);
        self.set(binding, |binding| {
            binding.ty = ty;
            binding.flags = binding.flags.with(DEFINED);
        });
        if self.is_static(node) {
            self.flag(binding, INTERNAL);
        }
    }

    /// What a qualified name defines: it is looked up with what qualifies it, and its inside sees that class.
    pub(super) fn member_definition(&mut self, name: Node<'t>, kind: BindingKind) -> BindingId {
        let (scopes, last) = qualified_parts(name);
        let qualifier = self.qualifier(&scopes, name);
        let parts: Vec<String> = scopes.iter().map(|scope| compact(self.source(bare(*scope)))).collect();
        let written = compact(self.source(bare(last)));
        let binding = self.bind(&written, kind, self.home, name);
        let text = self.text_id(&parts.join("::"));
        let scope = self.add_scope(Some(self.scope), FactScopeKind::Members(text), Some(binding));
        self.set(binding, |binding| {
            binding.scope = scope;
            binding.decorators.push(qualifier);
        });
        binding
    }

    /// The sizes of arrays.
    fn sizes(&mut self, written: Node<'t>) {
        let mut node = Some(written);
        while let Some(at) = node {
            if at.kind() == "array_declarator" {
                at.child_by_field_name("size").into_iter().for_each(|size| {
                    self.value(size);
                });
            }
            node = at.child_by_field_name("declarator");
        }
    }

    /// The value of a variable: arguments of a constructor, a list whose keys are members, an expression.
    fn initializer(&mut self, value: Node<'t>, ty: StepId) -> StepId {
        match value.kind() {
            "argument_list" => {
                let args = self.arguments(value);
                self.derived(ty, |callee| Step::New { callee, args }, value)
            }
            "initializer_list" => {
                self.initializer_list(value, ty);
                ty
            }
            _ => self.value(value),
        }
    }

    pub(super) fn function_definition(&mut self, node: Node<'t>) {
        let body = node.child_by_field_name("body");
        let one = node.child_by_field_name("declarator").and_then(declarator);
        let Some((one, function)) = one.and_then(|one| Some((one, one.function?))) else {
            return self.visit_all(children(node));
        };
        if self.is_body {
            // A macro that looks like a function, before a block.
            self.parameter_types(function);
            return body.into_iter().for_each(|body| self.visit(body));
        }
        let ty = node.child_by_field_name("type").map_or(NO_STEP, |ty| self.ty(ty));
        let is_untyped = node.child_by_field_name("type").is_none() && !self.is_constructor(&one);
        if is_untyped && one.name.kind() == "identifier" && self.source(one.name).chars().all(|c| !c.is_lowercase()) {
            // `TEST(Suite, Name) { .. }`: the macro is used, and the body belongs to the file.
            self.value(one.name);
            self.parameter_types(function);
            return body.into_iter().for_each(|body| self.visit(body));
        }
        self.function(node, &one, function, ty, body);
    }

    fn is_constructor(&self, one: &Declarator<'t>) -> bool {
        one.name.kind() != "identifier"
            || self.facts.scope(self.home).is_some_and(|home| home.kind == FactScopeKind::Class)
    }

    fn function(
        &mut self,
        node: Node<'t>,
        one: &Declarator<'t>,
        function: Node<'t>,
        result: StepId,
        body: Option<Node<'t>>,
    ) {
        let (scopes, last) = qualified_parts(one.name);
        let binding = if scopes.is_empty() {
            let name = compact(self.source(bare(last)));
            self.bind(&name, BindingKind::Function, self.home, one.name)
        } else {
            self.member_definition(one.name, BindingKind::Function)
        };
        let around = self.facts.bindings.get(binding as usize).map_or(self.scope, |binding| binding.scope);
        let around = if scopes.is_empty() { self.scope } else { around };
        let inner = self.add_scope(Some(around), FactScopeKind::Function, Some(binding));
        let is_member = self.facts.scope(self.home).is_some_and(|home| home.kind == FactScopeKind::Class);
        let (_, most) = arity(self.text, function);
        let words = specifiers(self.text, node);
        let is_deleted = child_of_kind(node, "delete_method_clause").is_some()
            || child_of_kind(node, "default_method_clause").is_some();
        let is_pure = node.child_by_field_name("default_value").is_some() && is_member;
        self.in_body(inner, |this| {
            let trailing = child_of_kind(function, "trailing_return_type");
            let result = trailing.and_then(|ty| children(ty).first().copied()).map_or(result, |ty| this.ty(ty));
            let params =
                function.child_by_field_name("parameters").map(|list| this.parameters(list)).unwrap_or_default();
            this.set(binding, |binding| {
                (binding.inner, binding.ty, binding.params) = (Some(inner), result, params);
                if body.is_some() || is_deleted {
                    binding.flags = binding.flags.with(DEFINED);
                }
                if words.contains(&"static") {
                    binding.flags = binding.flags.with(if is_member { Flags::STATIC } else { INTERNAL });
                }
                if is_pure {
                    binding.flags = binding.flags.with(Flags::ABSTRACT);
                }
                if most.is_none() {
                    binding.flags = binding.flags.with(Flags::VARIADIC);
                }
            });
            for child in children(function) {
                if matches!(child.kind(), "noexcept" | "requires_clause") {
                    this.names_below(child);
                }
            }
            if let Some(list) = child_of_kind(node, "field_initializer_list") {
                this.member_initializers(list);
            }
            body.into_iter().for_each(|body| this.visit_all(children(body)));
        });
    }

    /// `: member(value), Base(1)`
    fn member_initializers(&mut self, list: Node<'t>) {
        for one in children(list) {
            for part in children(one) {
                match part.kind() {
                    "field_identifier" => {
                        let (text, scope) = (self.text_id(self.source(part)), self.scope);
                        self.step(Step::Name { text, scope, space: NameSpace::Any }, part);
                    }
                    "argument_list" => {
                        self.arguments(part);
                    }
                    "initializer_list" => self.initializer_list(part, NO_STEP),
                    _ => {
                        self.ty(part);
                    }
                }
            }
        }
    }

    /// The parameters of a list, declared in the present scope.
    pub(super) fn parameters(&mut self, list: Node<'t>) -> Vec<BindingId> {
        let scope: FactScopeId = self.scope;
        let mut params = Vec::new();
        let text = self.text;
        let declared = list.parent().filter(|parent| parent.kind() == "function_declarator");
        let (_, most) = declared.map_or((0, Some(1)), |declared| arity(text, declared));
        for node in children(list) {
            let is_parameter = matches!(
                node.kind(),
                "parameter_declaration" | "optional_parameter_declaration" | "variadic_parameter_declaration"
            );
            if !is_parameter || most == Some(0) {
                self.names_below(node);
                continue;
            }
            let ty = node.child_by_field_name("type").map_or(NO_STEP, |ty| self.ty(ty));
            let one = node.child_by_field_name("declarator").and_then(declarator);
            if let Some(function) = one.and_then(|one| one.function) {
                self.parameter_types(function);
            }
            node.child_by_field_name("declarator").into_iter().for_each(|one| self.sizes(one));
            let default = node.child_by_field_name("default_value");
            default.into_iter().for_each(|value| {
                self.value(value);
            });
            let name = one.map_or("", |one| self.source(one.name));
            let binding = self.bind(name, BindingKind::Parameter, scope, node);
            self.set(binding, |binding| {
                binding.ty = ty;
                if default.is_some() {
                    binding.flags = binding.flags.with(Flags::OPTIONAL);
                }
            });
            params.push(binding);
        }
        params
    }

    /// The types of parameters whose names nothing sees.
    pub(super) fn parameter_types(&mut self, function: Node<'t>) {
        let Some(list) = function.child_by_field_name("parameters") else { return };
        for node in children(list) {
            match node.child_by_field_name("type") {
                Some(ty) => {
                    if ty.kind() == "type_identifier" {
                        // In a body it may as well be a value.
                        let (text, scope) = (self.text_id(self.source(ty)), self.scope);
                        self.step(Step::Name { text, scope, space: NameSpace::Any }, ty);
                    } else {
                        self.ty(ty);
                    }
                }
                None => {
                    self.value(node);
                }
            }
        }
    }

    /// `for (auto &x : all) ..`
    pub(super) fn range_loop(&mut self, node: Node<'t>) {
        let all = node.child_by_field_name("right").map_or(NO_STEP, |right| self.value(right));
        let ty = node.child_by_field_name("type").map_or(NO_STEP, |ty| self.ty(ty));
        let element = self.derived(all, Step::Element, node);
        if let Some(one) = node.child_by_field_name("declarator").and_then(declarator) {
            let value = if ty == NO_STEP { element } else { NO_STEP };
            if one.name.kind() == "structured_binding_declarator" {
                children(one.name).into_iter().for_each(|name| self.variable(name, NO_STEP, NO_STEP, node));
            } else {
                self.variable(one.name, ty, value, node);
            }
        }
        for field in ["initializer", "body"] {
            node.child_by_field_name(field).into_iter().for_each(|part| self.visit(part));
        }
    }
}
