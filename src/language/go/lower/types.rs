//! Written types. A pointer is like what it points to.

use tree_sitter::Node;

use super::super::node::{fields, type_name};
use super::super::signature;
use super::{GoLowering, children};
use crate::language::SymbolKind;
use crate::language::eval::facts::{BindingKind, FactScopeId, FactScopeKind, NO_STEP, NameSpace, Step, StepId};

/// Types that the language brings along and that have no members.
const PLAIN: [&str; 20] = [
    "string",
    "bool",
    "byte",
    "rune",
    "int",
    "int8",
    "int16",
    "int32",
    "int64",
    "uint",
    "uint8",
    "uint16",
    "uint32",
    "uint64",
    "uintptr",
    "float32",
    "float64",
    "complex64",
    "complex128",
    "comparable",
];

impl GoLowering<'_> {
    /// The step of a written type; [`NO_STEP`] where it can lead to no other file.
    pub(super) fn ty(&mut self, node: Node<'_>) -> StepId {
        self.named_type(node, None)
    }

    /// The same; fields of a struct that is written out belong to something with a name.
    pub(super) fn named_type(&mut self, node: Node<'_>, prefix: Option<&str>) -> StepId {
        self.deeper(|this| this.type_of_kind(node, prefix)).unwrap_or(NO_STEP)
    }

    fn type_of_kind(&mut self, node: Node<'_>, prefix: Option<&str>) -> StepId {
        match node.kind() {
            "type_identifier" | "identifier" | "package_identifier" => {
                if PLAIN.contains(&self.source(node)) {
                    NO_STEP
                } else {
                    self.name(node)
                }
            }
            "qualified_type" => self.qualified_type(node),
            "generic_type" | "type_instantiation_expression" => self.generic_type(node),
            "pointer_type" | "parenthesized_type" | "negated_type" => {
                node.named_child(0).map_or(NO_STEP, |inner| self.named_type(inner, prefix))
            }
            "slice_type" | "array_type" | "implicit_length_array_type" => {
                if let Some(length) = node.child_by_field_name("length") {
                    self.expression(length);
                }
                let element = node.child_by_field_name("element");
                let element = element.map_or(NO_STEP, |element| self.named_type(element, prefix));
                self.derived(element, |element| Step::List(vec![element]), node)
            }
            "map_type" => {
                let key = node.child_by_field_name("key").map_or(NO_STEP, |key| self.ty(key));
                let value = node.child_by_field_name("value");
                let value = value.map_or(NO_STEP, |value| self.named_type(value, prefix));
                self.step(Step::Mapping { key, value }, node)
            }
            "channel_type" => {
                let value = node.child_by_field_name("value").map_or(NO_STEP, |value| self.ty(value));
                self.derived(value, |value| Step::Mapping { key: value, value }, node)
            }
            "function_type" => self.function_type(node),
            "struct_type" => {
                let scope = self.add_scope(Some(self.scope), FactScopeKind::Record, None);
                let bases = self.struct_fields(node, scope, prefix);
                self.spread(bases, scope, node);
                self.step(Step::Record(scope), node)
            }
            "interface_type" => {
                let scope = self.add_scope(Some(self.scope), FactScopeKind::Record, None);
                let bases = self.interface_methods(node, scope, prefix);
                self.spread(bases, scope, node);
                self.step(Step::Record(scope), node)
            }
            "type_elem" | "type_constraint" => {
                let parts: Vec<StepId> = children(node).into_iter().map(|part| self.ty(part)).collect();
                match parts.as_slice() {
                    [only] => *only,
                    _ => self.step(Step::Union(parts), node),
                }
            }
            _ => NO_STEP,
        }
    }

    fn qualified_type(&mut self, node: Node<'_>) -> StepId {
        let (Some(package), Some(name)) = (node.child_by_field_name("package"), node.child_by_field_name("name"))
        else {
            return NO_STEP;
        };
        let of = self.name(package);
        let text = self.text_id(self.source(name));
        self.derived(of, |of| Step::Member { of, text }, name)
    }

    /// `List[T]`; a sequence of the standard library is what it gives.
    fn generic_type(&mut self, node: Node<'_>) -> StepId {
        let Some(base) = node.child_by_field_name("type") else { return NO_STEP };
        let arguments = match node.child_by_field_name("type_arguments") {
            Some(arguments) => children(arguments),
            None => children(node).into_iter().skip(1).collect(),
        };
        let args: Vec<StepId> = arguments.into_iter().map(|argument| self.ty(argument)).collect();
        match (self.source(base), args.as_slice()) {
            ("iter.Seq", &[value]) => return self.step(Step::Mapping { key: value, value }, node),
            ("iter.Seq2", &[key, value]) => return self.step(Step::Mapping { key, value }, node),
            _ => {}
        }
        let base = self.ty(base);
        self.derived(base, |base| Step::Apply { base, args }, node)
    }

    fn function_type(&mut self, node: Node<'_>) -> StepId {
        let mut params = Vec::new();
        for group in node.child_by_field_name("parameters").map(children).unwrap_or_default() {
            let ty = group.child_by_field_name("type").map_or(NO_STEP, |ty| self.ty(ty));
            params.extend(std::iter::repeat_n(ty, fields(group, "name").len().max(1)));
        }
        let result = self.results(node, &mut Vec::new());
        self.step(Step::Signature { params, result }, node)
    }

    /// What a type that has no name embeds.
    fn spread(&mut self, bases: Vec<StepId>, scope: FactScopeId, node: Node<'_>) {
        for base in bases {
            let name = self.text_id("...");
            let binding = self.bind(name, BindingKind::Variable, scope, node);
            self.binding(binding).into_iter().for_each(|binding| binding.ty = base);
        }
    }

    /// Declares the fields of a struct; hands out the types that it embeds.
    pub(super) fn struct_fields(&mut self, node: Node<'_>, scope: FactScopeId, prefix: Option<&str>) -> Vec<StepId> {
        let mut embedded = Vec::new();
        let list = children(node).into_iter().find(|child| child.kind() == "field_declaration_list");
        for field in list.map(children).unwrap_or_default() {
            let Some(ty) = field.child_by_field_name("type").filter(|_| field.kind() == "field_declaration") else {
                continue;
            };
            let names = fields(field, "name");
            let first = names.first().map(|&name| self.source(name).to_owned());
            let inside = prefix.zip(first.as_deref()).map(|(prefix, first)| format!("{prefix}.{first}"));
            let step = self.named_type(ty, inside.as_deref());
            if names.is_empty() {
                embedded.extend((step != NO_STEP).then_some(step));
                let Some(name) = type_name(self.text, ty) else { continue };
                self.field(ty, name.to_owned(), step, (scope, field), prefix);
            }
            for name in names {
                let written = self.source(name).to_owned();
                self.field(name, written, step, (scope, field), prefix);
            }
        }
        embedded
    }

    fn field(
        &mut self,
        node: Node<'_>,
        name: String,
        ty: StepId,
        (scope, field): (FactScopeId, Node<'_>),
        prefix: Option<&str>,
    ) {
        if name == "_" {
            return;
        }
        let id = self.text_id(&name);
        let owner = prefix.map(|prefix| (prefix, SymbolKind::Field, signature::field(self.text, field, &name)));
        let binding = self.member(node, id, BindingKind::Variable, scope, owner);
        self.binding(binding).into_iter().for_each(|binding| binding.ty = ty);
    }

    /// Declares the methods of an interface; hands out the interfaces that it embeds.
    pub(super) fn interface_methods(
        &mut self,
        node: Node<'_>,
        scope: FactScopeId,
        prefix: Option<&str>,
    ) -> Vec<StepId> {
        let mut embedded = Vec::new();
        for element in children(node) {
            if element.kind() != "method_elem" {
                let step = self.ty(element);
                let is_one = element.named_child_count() == 1;
                embedded.extend((step != NO_STEP && is_one).then_some(step));
                continue;
            }
            let Some(name) = element.child_by_field_name("name") else { continue };
            let id = self.text_id(self.source(name));
            let owner = prefix.map(|prefix| (prefix, SymbolKind::Method, signature::function(self.text, element)));
            let binding = self.member(name, id, BindingKind::Function, scope, owner);
            let around = self.scope;
            let (mut params, mut result) = (Vec::new(), NO_STEP);
            self.in_scope(Some(around), FactScopeKind::Function, Some(binding), |this| {
                result = this.results(element, &mut Vec::new());
                for group in element.child_by_field_name("parameters").map(children).unwrap_or_default() {
                    params.extend(this.unnamed_parameters(group));
                }
            });
            if let Some(method) = self.binding(binding) {
                (method.ty, method.params) = (result, params);
            }
        }
        embedded
    }

    /// Parameters whose names nothing sees.
    fn unnamed_parameters(&mut self, group: Node<'_>) -> Vec<u32> {
        let ty = group.child_by_field_name("type").map_or(NO_STEP, |ty| self.ty(ty));
        let id = self.text_id("_");
        let count = fields(group, "name").len().max(1);
        let mut params = Vec::new();
        for _ in 0..count {
            let binding = self.bind(id, BindingKind::Parameter, self.scope, group);
            self.binding(binding).into_iter().for_each(|binding| binding.ty = ty);
            params.push(binding);
        }
        params
    }

    /// A name as written.
    pub(super) fn name(&mut self, node: Node<'_>) -> StepId {
        let text = self.text_id(self.source(node));
        self.mention(text);
        self.step(Step::Name { text, scope: self.scope, space: NameSpace::Any }, node)
    }
}
