//! Names of namespaces, aliases and templates.

use tree_sitter::Node;

use super::{CLowering, DEFINED, USING};
use crate::language::eval::facts::{BindingKind, FactScopeKind, Flags, ImportWhat, NameSpace, Step, StepId};
use crate::language::table::c::node::{bare, children, fields, qualified_parts, specifiers};

impl<'t> CLowering<'t> {
    /// `namespace a::b { .. }`. One without a name, or inline, declares into the namespace around.
    pub(super) fn namespace(&mut self, node: Node<'t>) {
        let Some(body) = node.child_by_field_name("body") else { return };
        let name = node.child_by_field_name("name");
        let parts: Vec<Node<'t>> = match name {
            Some(name) if name.kind() == "nested_namespace_specifier" => leaves(name),
            Some(name) => vec![name],
            None => Vec::new(),
        };
        let is_inline = self.source(node).trim_start().starts_with("inline");
        let mut scope = self.home;
        for part in &parts {
            let binding = self.bind(self.source(*part), BindingKind::Namespace, scope, *part);
            let inner =
                if is_inline { scope } else { self.add_scope(Some(scope), FactScopeKind::Namespace, Some(binding)) };
            self.set(binding, |binding| {
                (binding.inner, binding.symbol) = (Some(inner), None);
                binding.flags = binding.flags.with(DEFINED);
            });
            scope = inner;
        }
        let before = self.is_internal;
        self.is_internal |= parts.is_empty();
        self.at_home(scope, |this| this.visit_all(children(body)));
        self.is_internal = before;
    }

    /// `namespace fs = std::filesystem;`
    pub(super) fn namespace_alias(&mut self, node: Node<'t>) {
        let Some(name) = node.child_by_field_name("name") else { return };
        let stands_for = children(node).into_iter().rfind(|child| child.id() != name.id());
        let Some(stands_for) = stands_for else { return };
        let parts: Vec<&str> = leaves(stands_for).iter().map(|part| self.source(*part)).collect();
        let value = self.chain(&parts, stands_for);
        let binding = self.bind(self.source(name), BindingKind::Alias, self.scope_of_declarations(), name);
        self.set(binding, |binding| binding.values.push(value));
    }

    fn chain(&mut self, parts: &[&str], node: Node<'_>) -> StepId {
        let mut parts = parts.iter();
        let (text, scope) = (self.text_id(parts.next().copied().unwrap_or_default()), self.scope);
        let mut step = self.step(Step::Name { text, scope, space: NameSpace::Any }, node);
        for part in parts {
            let text = self.text_id(part);
            step = self.derived(step, |of| Step::Member { of, text }, node);
        }
        step
    }

    /// `using namespace a;`, `using a::b;`
    pub(super) fn using(&mut self, node: Node<'t>) {
        let Some(named) = children(node).into_iter().next_back() else { return };
        let is_directive = {
            let mut cursor = node.walk();
            node.children(&mut cursor).any(|child| child.kind() == "namespace")
        };
        if is_directive {
            let written: String = self.source(named).split_whitespace().collect();
            return self.import(&written, ImportWhat::All, node);
        }
        let value = self.value(named);
        let (_, last) = qualified_parts(named);
        let name = self.source(bare(last));
        if named.kind() == "qualified_identifier" && !name.is_empty() {
            let scope = self.scope_of_declarations();
            let binding = self.bind(name, BindingKind::Alias, scope, last);
            self.set(binding, |binding| {
                binding.values.push(value);
                binding.flags = binding.flags.with(USING);
            });
        }
    }

    /// Where a declaration that is being read belongs: a block, or the file, namespace or class around.
    pub(super) fn scope_of_declarations(&self) -> u32 {
        if self.is_body { self.scope } else { self.home }
    }

    /// `using T = a::X;`
    pub(super) fn alias(&mut self, node: Node<'t>) {
        let Some(name) = node.child_by_field_name("name") else { return };
        let value = node.child_by_field_name("type").map_or(u32::MAX, |ty| self.ty(ty));
        let binding = self.bind(self.source(name), BindingKind::Alias, self.scope_of_declarations(), name);
        self.set(binding, |binding| {
            binding.values.push(value);
            binding.flags = binding.flags.with(DEFINED);
        });
    }

    /// `concept Small = sizeof(T) < 8;`: a name that stands where a type does, of which nothing is.
    pub(super) fn concept(&mut self, node: Node<'t>) {
        let Some(name) = node.child_by_field_name("name") else { return };
        let binding = self.bind(self.source(name), BindingKind::Alias, self.scope_of_declarations(), name);
        self.flag(binding, DEFINED);
        self.visit_all(children(node).into_iter().filter(|part| part.id() != name.id()).collect());
    }

    /// `typedef struct { .. } A, *B;`
    pub(super) fn type_definition(&mut self, node: Node<'t>) {
        let declared: Vec<_> =
            fields(node, "declarator").into_iter().filter_map(crate::language::table::c::node::declarator).collect();
        let Some(written) = node.child_by_field_name("type") else { return };
        let is_plain = |name: Node<'t>| name.parent().is_some_and(|parent| parent.id() == node.id());
        let first = declared.iter().map(|one| one.name).find(|name| is_plain(*name));
        let is_nameless =
            written.child_by_field_name("body").is_some() && written.child_by_field_name("name").is_none();
        let value = match first.filter(|_| is_nameless) {
            Some(name) => self.type_specifier(written, Some(name)),
            None => self.ty(written),
        };
        let scope = self.scope_of_declarations();
        for one in declared {
            one.function.into_iter().for_each(|function| self.parameter_types(function));
            if is_nameless && first.is_some_and(|name| name.id() == one.name.id()) {
                continue;
            }
            let binding = self.bind(self.source(one.name), BindingKind::Alias, scope, one.name);
            self.set(binding, |binding| {
                binding.values.push(value);
                binding.flags = binding.flags.with(DEFINED);
            });
        }
    }

    /// `template <class T> ..`
    pub(super) fn template(&mut self, node: Node<'t>) {
        let scope = self.add_scope(Some(self.scope), FactScopeKind::Record, None);
        self.in_scope(scope, |this| {
            for child in children(node) {
                if child.kind() == "template_parameter_list" {
                    this.template_parameters(child);
                } else {
                    this.visit(child);
                }
            }
        });
    }

    fn template_parameters(&mut self, list: Node<'t>) {
        let scope = self.scope;
        for parameter in children(list) {
            let name = match parameter.kind() {
                "parameter_declaration" | "optional_parameter_declaration" => {
                    parameter.child_by_field_name("type").into_iter().for_each(|ty| {
                        self.ty(ty);
                    });
                    let declared = parameter.child_by_field_name("declarator");
                    declared.and_then(crate::language::table::c::node::declarator).map(|one| one.name)
                }
                _ => {
                    let name = parameter.child_by_field_name("name");
                    name.or_else(|| children(parameter).into_iter().find(|child| child.kind() == "type_identifier"))
                }
            };
            if let Some(default) =
                parameter.child_by_field_name("default_type").or_else(|| parameter.child_by_field_name("default_value"))
            {
                self.visit(default);
            }
            if let Some(name) = name {
                let binding = self.bind(self.source(name), BindingKind::TypeParameter, scope, name);
                self.set(binding, |binding| (binding.symbol, binding.flags) = (None, Flags::default()));
            }
        }
    }

    /// `static`, or in a namespace without a name.
    pub(super) fn is_static(&self, node: Node<'_>) -> bool {
        specifiers(self.text, node).contains(&"static")
    }
}

fn leaves(node: Node<'_>) -> Vec<Node<'_>> {
    let (mut all, mut todo) = (Vec::new(), vec![node]);
    while let Some(node) = todo.pop() {
        let mut inside = children(node);
        if inside.is_empty() {
            all.push(node);
        }
        inside.reverse();
        todo.extend(inside);
    }
    all
}
