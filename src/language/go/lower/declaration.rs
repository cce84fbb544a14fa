//! Functions, methods, types, constants and variables, of the package and inside functions.

use tree_sitter::Node;

use super::super::node::{fields, type_name};
use super::super::signature;
use super::super::walk::{self, ConstantPlace};
use super::{FILE, GoLowering, PACKAGE, children};
use crate::language::SymbolKind;
use crate::language::eval::facts::{BindingId, BindingKind, FactScopeKind, Flags, NO_STEP, Step, StepId, TextId};

/// What a specification of constants without values repeats.
#[derive(Default)]
struct RepeatedConstant<'t> {
    ty: StepId,
    values: Vec<StepId>,
    written: Option<Node<'t>>,
}

impl GoLowering<'_> {
    /// A name of the package: its binding, and its symbol.
    fn declare_top(
        &mut self,
        name: Node<'_>,
        kind: BindingKind,
        symbol: SymbolKind,
        node: Node<'_>,
        says: String,
    ) -> BindingId {
        let written = self.source(name);
        let id = self.text_id(written);
        // Nothing can call `init`, and a package has many.
        let scope = if written == "init" { FILE } else { PACKAGE };
        let binding = self.bind(id, kind, scope, name);
        let symbol = self.symbol(walk::symbol(self.text, written.to_owned(), symbol, node, says));
        self.binding(binding).into_iter().for_each(|binding| binding.symbol = Some(symbol));
        binding
    }

    pub(super) fn function_declaration(&mut self, node: Node<'_>) {
        let Some(name) = node.child_by_field_name("name") else { return };
        let binding = match self.source(name) {
            "_" => None,
            _ => {
                let says = signature::function(self.text, node);
                Some(self.declare_top(name, BindingKind::Function, SymbolKind::Function, node, says))
            }
        };
        self.function(node, binding, None);
    }

    pub(super) fn method_declaration(&mut self, node: Node<'_>) {
        let (Some(name), Some(receiver)) = (node.child_by_field_name("name"), node.child_by_field_name("receiver"))
        else {
            return;
        };
        let receiver = children(receiver).into_iter().next();
        let ty = receiver.and_then(|receiver| receiver.child_by_field_name("type"));
        let Some(of) = ty.and_then(|ty| type_name(self.text, ty)) else { return self.function(node, None, receiver) };
        let of_id = self.text_id(of);
        let scope = match self.receivers.get(&of_id) {
            Some(&scope) => scope,
            None => {
                let scope = self.add_scope(Some(PACKAGE), FactScopeKind::Members(of_id), None);
                self.receivers.insert(of_id, scope);
                scope
            }
        };
        let written = self.source(name);
        let binding = (written != "_").then(|| {
            let id = self.text_id(written);
            let binding = self.bind(id, BindingKind::Function, scope, name);
            let says = signature::function(self.text, node);
            let symbol = walk::symbol(self.text, format!("{of}.{written}"), SymbolKind::Method, node, says);
            let symbol = self.symbol(symbol);
            self.binding(binding).into_iter().for_each(|binding| binding.symbol = Some(symbol));
            binding
        });
        self.function(node, binding, receiver);
    }

    /// Parameters, result and body of a function of any kind. Types stand outside of what the parameters declare.
    pub(super) fn function(&mut self, node: Node<'_>, binding: Option<BindingId>, receiver: Option<Node<'_>>) {
        let generic = node.child_by_field_name("type_parameters");
        let of_receiver = receiver.and_then(|receiver| receiver.child_by_field_name("type"));
        let around = self.scope;
        self.in_scope(Some(around), FactScopeKind::Function, binding, |this| {
            let inner = this.scope;
            let mut params = generic.map(|list| this.type_parameters(list)).unwrap_or_default();
            params.extend(of_receiver.map(|ty| this.receiver_parameters(ty)).unwrap_or_default());
            let written = node.child_by_field_name("parameters").map(children).unwrap_or_default();
            let (mut lists, mut types) = (Vec::new(), Vec::new());
            for parameter in receiver.into_iter().chain(written) {
                lists.push((parameter, this.parameter_type(parameter)));
            }
            let results = this.results(node, &mut types);
            for (at, (parameter, ty)) in lists.into_iter().enumerate() {
                let declared = this.parameters(parameter, ty);
                let is_receiver = receiver.is_some() && at == 0;
                params.extend(declared.into_iter().filter(|_| !is_receiver));
            }
            for (name, ty) in types {
                this.variable(name, ty, NO_STEP);
            }
            if let Some(function) = binding.and_then(|binding| this.binding(binding)) {
                (function.inner, function.ty, function.params) = (Some(inner), results, params);
            }
            if let Some(body) = node.child_by_field_name("body") {
                this.statements(body);
            }
        });
    }

    fn parameter_type(&mut self, parameter: Node<'_>) -> StepId {
        parameter.child_by_field_name("type").map_or(NO_STEP, |ty| self.ty(ty))
    }

    /// Declares the names of one group of parameters; one without a name still has its place.
    fn parameters(&mut self, parameter: Node<'_>, ty: StepId) -> Vec<BindingId> {
        let is_rest = parameter.kind() == "variadic_parameter_declaration";
        if !is_rest && parameter.kind() != "parameter_declaration" {
            return Vec::new();
        }
        let names = fields(parameter, "name");
        let mut declared = Vec::new();
        for node in if names.is_empty() { vec![parameter] } else { names } {
            let name = if node.kind() == "identifier" { self.source(node) } else { "_" };
            let id = self.text_id(name);
            let binding = self.declare(id, BindingKind::Parameter, node);
            if let Some(binding) = self.binding(binding) {
                binding.ty = ty;
                binding.flags = if is_rest { Flags::VARIADIC } else { Flags::default() };
            }
            declared.push(binding);
        }
        declared
    }

    /// What a function gives; several results are a tuple. `named` gets the results that are variables.
    pub(super) fn results<'n>(&mut self, node: Node<'n>, named: &mut Vec<(Node<'n>, StepId)>) -> StepId {
        let Some(result) = node.child_by_field_name("result") else { return NO_STEP };
        if result.kind() != "parameter_list" {
            return self.ty(result);
        }
        let mut all = Vec::new();
        for group in children(result) {
            let ty = self.parameter_type(group);
            let names = fields(group, "name");
            all.extend(std::iter::repeat_n(ty, names.len().max(1)));
            named.extend(names.into_iter().map(|name| (name, ty)));
        }
        match all.as_slice() {
            [] => NO_STEP,
            [only] => *only,
            _ => self.step(Step::Tuple(all), result),
        }
    }

    /// `[K comparable, V any]`
    pub(super) fn type_parameters(&mut self, list: Node<'_>) -> Vec<BindingId> {
        let mut params = Vec::new();
        let mut bounds = Vec::new();
        for group in children(list) {
            for name in fields(group, "name") {
                let id = self.text_id(self.source(name));
                let binding = self.bind(id, BindingKind::TypeParameter, self.scope, name);
                params.push(binding);
                bounds.push((binding, group));
            }
        }
        for (binding, group) in bounds {
            let bound = self.parameter_type(group);
            let bound = (bound != NO_STEP).then_some(bound);
            self.binding(binding).into_iter().for_each(|binding| binding.bases.extend(bound));
        }
        params
    }

    /// `func (m *Map[K, V])` names the parameters of its type anew.
    fn receiver_parameters(&mut self, ty: Node<'_>) -> Vec<BindingId> {
        let mut node = ty;
        while matches!(node.kind(), "pointer_type" | "parenthesized_type") {
            let Some(inner) = node.named_child(0) else { return Vec::new() };
            node = inner;
        }
        let arguments = node.child_by_field_name("type_arguments").map(children).unwrap_or_default();
        let mut params = Vec::new();
        for argument in arguments {
            let Some(name) = type_name(self.text, argument.named_child(0).unwrap_or(argument)) else { continue };
            let id = self.text_id(name);
            params.push(self.bind(id, BindingKind::TypeParameter, self.scope, argument));
        }
        params
    }

    pub(super) fn type_declaration(&mut self, node: Node<'_>) {
        for spec in children(node) {
            if let Some(name) = spec.child_by_field_name("name") {
                let is_alias = spec.kind() == "type_alias";
                self.deeper(|this| this.type_spec(spec, name, is_alias));
            }
        }
    }

    fn type_spec(&mut self, spec: Node<'_>, name: Node<'_>, is_alias: bool) {
        let Some(ty) = spec.child_by_field_name("type") else { return };
        let kind = match (is_alias, ty.kind()) {
            (true, _) => BindingKind::Alias,
            (_, "interface_type") => BindingKind::Interface,
            _ => BindingKind::Class,
        };
        let is_top = self.scope == PACKAGE;
        let written = self.source(name);
        if written == "_" {
            return;
        }
        let binding = if is_top {
            let symbol = match (is_alias, ty.kind()) {
                (false, "struct_type") => SymbolKind::Struct,
                (false, "interface_type") => SymbolKind::Interface,
                _ => SymbolKind::TypeAlias,
            };
            let says = signature::ty(self.text, spec);
            self.declare_top(name, kind, symbol, spec, says)
        } else {
            let id = self.text_id(written);
            self.declare(id, kind, name)
        };
        let prefix = is_top.then(|| written.to_owned());
        let around = self.scope;
        self.in_scope(Some(around), FactScopeKind::Class, Some(binding), |this| {
            let scope = this.scope;
            let generic = spec.child_by_field_name("type_parameters");
            let params = generic.map(|list| this.type_parameters(list)).unwrap_or_default();
            let (mut bases, mut made_of, mut flags) = (Vec::new(), NO_STEP, Flags::default());
            match (is_alias, ty.kind()) {
                (false, "struct_type") => {
                    bases = this.struct_fields(ty, scope, prefix.as_deref());
                    flags = Flags::FIELDS_CONSTRUCT;
                }
                (false, "interface_type") => {
                    bases = this.interface_methods(ty, scope, prefix.as_deref());
                    let parts = children(ty).into_iter().filter(|part| part.kind() == "type_elem");
                    let mut parts =
                        parts.filter(|part| part.named_child_count() > 1 || this.source(*part).starts_with('~'));
                    flags = if parts.next().is_some() { Flags::TYPE_ONLY } else { Flags::default() };
                }
                _ => made_of = this.ty(ty),
            }
            if let Some(class) = this.binding(binding) {
                (class.bases, class.params, class.flags) = (bases, params, flags);
                match kind {
                    BindingKind::Alias => class.values = vec![made_of],
                    _ => (class.ty, class.inner) = (made_of, Some(scope)),
                }
            }
        });
    }

    pub(super) fn const_declaration(&mut self, node: Node<'_>) {
        let mut repeated = RepeatedConstant { ty: NO_STEP, ..RepeatedConstant::default() };
        let specs = children(node).into_iter().filter(|spec| spec.kind() == "const_spec");
        for (position, spec) in specs.enumerate() {
            let value = spec.child_by_field_name("value");
            if let Some(value) = value {
                repeated.ty = self.parameter_type(spec);
                repeated.values = children(value).into_iter().map(|value| self.expression(value)).collect();
                repeated.written = Some(spec);
            }
            for (at, name) in fields(spec, "name").into_iter().filter(|name| name.kind() == "identifier").enumerate() {
                let value = repeated.values.get(at).copied().unwrap_or(NO_STEP);
                if self.scope != PACKAGE {
                    self.variable(name, repeated.ty, value);
                    continue;
                }
                let group = ConstantPlace { spec: repeated.written.unwrap_or(spec), at, position };
                let says = signature::constant(self.text, self.source(name), &group);
                self.top_variable(name, SymbolKind::Const, spec, says, (repeated.ty, value));
            }
        }
    }

    pub(super) fn var_declaration(&mut self, node: Node<'_>) {
        let mut specs = Vec::new();
        for child in children(node) {
            if child.kind() == "var_spec_list" { specs.extend(children(child)) } else { specs.push(child) }
        }
        for spec in specs.into_iter().filter(|spec| spec.kind() == "var_spec") {
            let names: Vec<Node<'_>> = fields(spec, "name");
            let value = spec.child_by_field_name("value");
            let prefix = names.first().filter(|_| self.scope == PACKAGE).map(|&name| self.source(name).to_owned());
            let ty = match spec.child_by_field_name("type") {
                Some(ty) => self.named_type(ty, prefix.as_deref()),
                None => NO_STEP,
            };
            let values = value.map(children).unwrap_or_default();
            let steps = self.assigned(&values, names.len());
            for (at, name) in names.into_iter().enumerate() {
                let value = steps.get(at).copied().unwrap_or(NO_STEP);
                if self.scope != PACKAGE {
                    self.variable(name, ty, value);
                    continue;
                }
                let says = signature::variable(self.text, spec, self.source(name), at);
                self.top_variable(name, SymbolKind::Static, spec, says, (ty, value));
            }
        }
    }

    fn top_variable(
        &mut self,
        name: Node<'_>,
        symbol: SymbolKind,
        spec: Node<'_>,
        says: String,
        (ty, value): (StepId, StepId),
    ) {
        if self.source(name) == "_" {
            return;
        }
        let binding = self.declare_top(name, BindingKind::Variable, symbol, spec, says);
        if let Some(binding) = self.binding(binding) {
            binding.ty = ty;
            binding.values.extend((value != NO_STEP && ty == NO_STEP).then_some(value));
        }
    }

    /// A member of a type: a field, or a method of an interface.
    pub(super) fn member(
        &mut self,
        name: Node<'_>,
        id: TextId,
        kind: BindingKind,
        scope: u32,
        owner: Option<(&str, SymbolKind, String)>,
    ) -> BindingId {
        let binding = self.bind(id, kind, scope, name);
        if let Some((prefix, symbol, says)) = owner {
            let full = format!("{prefix}.{}", self.facts.text(id));
            let symbol = self.symbol(walk::member_symbol(full, symbol, name, says));
            self.binding(binding).into_iter().for_each(|binding| binding.symbol = Some(symbol));
        }
        binding
    }
}
