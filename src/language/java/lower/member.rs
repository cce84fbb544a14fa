//! Types and their members.

use tree_sitter::Node;

use super::super::walk::{JavaKind, class_body, modifier_words};
use super::{JavaLowering, JavaSite, child_of, children};
use crate::language::eval::facts::{
    BindingId, BindingKind, FactScopeId, FactScopeKind, Flags, NO_STEP, NameSpace, Step, StepId,
};
use crate::language::eval::{CONSTRUCTOR, FUNCTIONAL};

/// Methods that every object has: an interface that declares them again asks for nothing.
const OF_OBJECT: &[&str] = &["equals", "hashCode", "toString"];

/// Whether every object has a method of the name.
pub(in super::super) fn is_of_object(name: &str) -> bool {
    OF_OBJECT.contains(&name)
}

impl JavaLowering<'_> {
    pub(super) fn type_declaration(&mut self, node: Node<'_>, site: JavaSite) {
        self.deeper(|this| this.declared_type(node, site));
    }

    fn declared_type(&mut self, node: Node<'_>, site: JavaSite) {
        let (Some(kind), Some(name)) = (JavaKind::of_type(node.kind()), node.child_by_field_name("name")) else {
            return;
        };
        let bound_as = match kind {
            JavaKind::Interface | JavaKind::Annotation => BindingKind::Interface,
            JavaKind::Enum => BindingKind::Enum,
            _ => BindingKind::Class,
        };
        let id = self.bind(node, self.source(name), site.scope, bound_as);
        let scope = self.scope(site.scope, FactScopeKind::Class, Some(id));
        self.with(id, |class| class.inner = Some(scope));
        if bound_as == BindingKind::Interface || modifier_words(self.text, node).contains(&"abstract") {
            self.flag(id, Flags::ABSTRACT);
        }
        let head = JavaSite { scope: site.scope, head_of: Some(scope), result: NO_STEP, lambda: None };
        self.annotations(node, head);
        let params = self.type_parameters(node, scope, head);
        let bases = self.bases(node, head);
        self.with(id, |class| (class.params, class.bases) = (params, bases));
        let inside = JavaSite::at(scope);
        if kind == JavaKind::Record {
            self.components(node, id, inside);
        }
        let body = node.child_by_field_name("body");
        body.into_iter().for_each(|body| self.members(body, inside));
        match kind {
            JavaKind::Interface => self.functional(node, scope),
            JavaKind::Enum => self.of_every_enum(node, name, scope),
            JavaKind::Class => {
                let is_derived = node.child_by_field_name("superclass").is_some();
                self.implied_constructor(node, body, scope, is_derived);
            }
            _ => {}
        }
    }

    /// Declares type parameters in a scope.
    pub(super) fn type_parameters(&mut self, node: Node<'_>, scope: FactScopeId, head: JavaSite) -> Vec<BindingId> {
        let list = node.child_by_field_name("type_parameters").map(children).unwrap_or_default();
        let list: Vec<Node<'_>> = list.into_iter().filter(|param| param.kind() == "type_parameter").collect();
        let mut params = Vec::new();
        for &param in &list {
            let Some(name) = children(param).into_iter().find(|part| part.kind() == "type_identifier") else {
                continue;
            };
            let id = self.bind(param, self.source(name), scope, BindingKind::TypeParameter);
            let text = self.text_id(self.source(name));
            self.type_params.insert((scope, text));
            params.push((id, param));
        }
        for &(id, param) in &params {
            self.annotations(param, head);
            let bounds = child_of(param, "type_bound").map(children).unwrap_or_default();
            let bounds: Vec<StepId> = bounds.into_iter().map(|bound| self.type_step(bound, head)).collect();
            self.with(id, |param| param.bases = bounds);
        }
        params.into_iter().map(|(id, _)| id).collect()
    }

    fn bases(&mut self, node: Node<'_>, head: JavaSite) -> Vec<StepId> {
        let mut bases = Vec::new();
        for clause in children(node) {
            let types = match clause.kind() {
                "superclass" => children(clause),
                "super_interfaces" | "extends_interfaces" | "permits" => {
                    child_of(clause, "type_list").map(children).unwrap_or_default()
                }
                _ => continue,
            };
            let steps = types.into_iter().map(|ty| self.type_step(ty, head)).filter(|&step| step != NO_STEP);
            let steps: Vec<StepId> = steps.collect();
            if clause.kind() != "permits" {
                bases.extend(steps);
            }
        }
        bases
    }

    pub(super) fn members(&mut self, body: Node<'_>, site: JavaSite) {
        for member in children(body) {
            self.deeper(|this| this.member(member, site));
        }
    }

    pub(super) fn member(&mut self, node: Node<'_>, site: JavaSite) {
        match node.kind() {
            "method_declaration" => self.method(node, site),
            "constructor_declaration" => self.constructor(node, site),
            "compact_constructor_declaration" => {
                let scope = self.scope(site.scope, FactScopeKind::Function, None);
                self.annotations(node, site);
                node.child_by_field_name("body").into_iter().for_each(|body| self.statements(body, site.inside(scope)));
            }
            "field_declaration" | "constant_declaration" => self.fields(node, site),
            "enum_constant" => self.enum_constant(node, site),
            "annotation_type_element_declaration" => self.element(node, site),
            "static_initializer" => {
                let inside = self.block(site);
                children(node).into_iter().for_each(|block| self.statements(block, inside));
            }
            "enum_body_declarations" | "class_body" | "interface_body" | "ERROR" => self.members(node, site),
            kind if JavaKind::of_type(kind).is_some() => self.type_declaration(node, site),
            _ => {
                self.statement(node, site);
            }
        }
    }

    fn method(&mut self, node: Node<'_>, site: JavaSite) {
        let Some(name) = node.child_by_field_name("name") else { return };
        let (id, inside) = self.function(node, self.source(name), site);
        let ty = node.child_by_field_name("type").map_or(NO_STEP, |ty| self.type_step(ty, inside));
        let ty = self.type_with_dimensions(ty, node);
        self.with(id, |method| method.ty = ty);
        let words = modifier_words(self.text, node);
        let body = node.child_by_field_name("body");
        if words.contains(&"static") {
            self.flag(id, Flags::STATIC);
        }
        if body.is_none() && !words.contains(&"native") {
            self.flag(id, Flags::ABSTRACT);
        }
        let inside = JavaSite { result: ty, ..inside };
        body.into_iter().for_each(|body| self.statements(body, inside));
    }

    fn constructor(&mut self, node: Node<'_>, site: JavaSite) {
        let (_, inside) = self.function(node, CONSTRUCTOR, site);
        node.child_by_field_name("body").into_iter().for_each(|body| self.statements(body, inside));
    }

    /// What methods and constructors share: type parameters, parameters, annotations, `throws`.
    fn function(&mut self, node: Node<'_>, name: &str, site: JavaSite) -> (BindingId, JavaSite) {
        let id = self.bind(node, name, site.scope, BindingKind::Function);
        let scope = self.scope(site.scope, FactScopeKind::Function, Some(id));
        let inside = JavaSite::at(scope);
        self.annotations(node, site);
        let mut params = self.type_parameters(node, scope, inside);
        for param in node.child_by_field_name("parameters").map(children).unwrap_or_default() {
            params.extend(self.parameter(param, inside));
        }
        for ty in child_of(node, "throws").map(children).unwrap_or_default() {
            self.type_step(ty, inside);
        }
        self.with(id, |function| (function.inner, function.params) = (Some(scope), params));
        (id, inside)
    }

    pub(super) fn parameter(&mut self, node: Node<'_>, site: JavaSite) -> Option<BindingId> {
        self.annotations(node, site);
        let (named, ty, is_variadic) = match node.kind() {
            "formal_parameter" => (node, node.child_by_field_name("type")?, false),
            "spread_parameter" => {
                let is_type =
                    |part: &Node<'_>| !matches!(part.kind(), "modifiers" | "annotation" | "marker_annotation");
                (child_of(node, "variable_declarator")?, children(node).into_iter().find(is_type)?, true)
            }
            _ => return None,
        };
        let name = named.child_by_field_name("name")?;
        let ty = self.type_step(ty, site);
        let ty = self.type_with_dimensions(ty, named);
        let id = self.bind(name, self.source(name), site.scope, BindingKind::Parameter);
        self.with(id, |param| param.ty = ty);
        if is_variadic {
            self.flag(id, Flags::VARIADIC);
        }
        Some(id)
    }

    fn fields(&mut self, node: Node<'_>, site: JavaSite) {
        self.annotations(node, site);
        let ty = node.child_by_field_name("type").map_or(NO_STEP, |ty| self.type_step(ty, site));
        let is_static = node.kind() == "constant_declaration" || modifier_words(self.text, node).contains(&"static");
        let mut cursor = node.walk();
        let declarators: Vec<Node<'_>> = node.children_by_field_name("declarator", &mut cursor).collect();
        for declarator in declarators {
            let id = self.declarator(declarator, ty, site);
            if is_static {
                id.into_iter().for_each(|id| self.flag(id, Flags::STATIC));
            }
        }
    }

    /// `name = value` of a field or local variable.
    pub(super) fn declarator(&mut self, node: Node<'_>, ty: StepId, site: JavaSite) -> Option<BindingId> {
        let name = node.child_by_field_name("name")?;
        let ty = self.type_with_dimensions(ty, node);
        let value = node.child_by_field_name("value").map_or(NO_STEP, |value| self.given_to(value, ty, site));
        Some(self.variable(node, self.source(name), site.scope, ty, value))
    }

    fn element(&mut self, node: Node<'_>, site: JavaSite) {
        let Some(name) = node.child_by_field_name("name") else { return };
        self.annotations(node, site);
        let ty = node.child_by_field_name("type").map_or(NO_STEP, |ty| self.type_step(ty, site));
        let ty = self.type_with_dimensions(ty, node);
        let id = self.bind(node, self.source(name), site.scope, BindingKind::Function);
        self.with(id, |element| element.ty = ty);
        self.flag(id, Flags::ABSTRACT);
        node.child_by_field_name("value").into_iter().for_each(|value| self.element_value(value, site));
    }

    fn enum_constant(&mut self, node: Node<'_>, site: JavaSite) {
        let Some(name) = node.child_by_field_name("name") else { return };
        self.annotations(node, site);
        let class = self.facts.scope(site.scope).and_then(|scope| scope.owner);
        let class = class.and_then(|class| self.facts.binding(class)).map(|class| class.name);
        let (scope, space) = (site.scope, NameSpace::Type);
        let ty = class.map_or(NO_STEP, |text| self.step(node, Step::Name { text, scope, space }));
        let id = self.variable(node, self.source(name), site.scope, ty, NO_STEP);
        self.flag(id, Flags::STATIC);
        for argument in node.child_by_field_name("arguments").map(children).unwrap_or_default() {
            self.expression(argument, site);
        }
        if let Some(body) = node.child_by_field_name("body").or_else(|| class_body(node)) {
            self.anonymous(body, ty, site);
        }
    }

    /// The body of an anonymous class, or of an enum's constant.
    pub(super) fn anonymous(&mut self, body: Node<'_>, base: StepId, site: JavaSite) {
        let id = self.bind(body, "", site.scope, BindingKind::Class);
        let scope = self.scope(site.scope, FactScopeKind::Class, Some(id));
        self.with(id, |class| {
            class.inner = Some(scope);
            class.bases.extend(Some(base).filter(|&base| base != NO_STEP));
        });
        self.members(body, JavaSite::at(scope));
    }

    /// Fields, accessors and the constructor of a record.
    fn components(&mut self, node: Node<'_>, record: BindingId, site: JavaSite) {
        let body = node.child_by_field_name("body").map(children).unwrap_or_default();
        let components = node.child_by_field_name("parameters").map(children).unwrap_or_default();
        let compact = body.iter().copied().find(|member| member.kind() == "compact_constructor_declaration");
        let takes =
            |member: &&Node<'_>| member.child_by_field_name("parameters").map_or(0, |list| children(list).len());
        let mut constructors = body.iter().filter(|member| member.kind() == "constructor_declaration");
        let has_canonical = constructors.any(|member| takes(&member) == components.len());
        let constructor = self.bind(compact.unwrap_or(node), CONSTRUCTOR, site.scope, BindingKind::Function);
        let scope = self.scope(site.scope, FactScopeKind::Function, Some(constructor));
        let symbol = compact.and_then(|compact| self.symbol_of.get(&compact.id()).copied());
        let mut params = Vec::new();
        for component in components {
            let Some(param) = self.parameter(component, site.inside(scope)) else { continue };
            params.push(param);
            let Some((name, ty, flags)) = self.facts.binding(param).map(|param| (param.name, param.ty, param.flags))
            else {
                continue;
            };
            let name = self.facts.text(name).to_owned();
            let ty = if flags.has(Flags::VARIADIC) { self.array_of(component, ty) } else { ty };
            self.variable(component, &name, site.scope, ty, NO_STEP);
            let is_accessor = |member: &&Node<'_>| {
                member.kind() == "method_declaration"
                    && member.child_by_field_name("name").is_some_and(|own| self.source(own) == name)
                    && takes(member) == 0
            };
            if !body.iter().any(|member| is_accessor(&member)) {
                let accessor = self.bind(component, &name, site.scope, BindingKind::Function);
                self.with(accessor, |accessor| accessor.ty = ty);
            }
        }
        self.with(constructor, |constructor| {
            constructor.symbol = symbol;
            (constructor.inner, constructor.params) = (Some(scope), params);
            if has_canonical {
                // It is declared below.
                constructor.scope = scope;
            }
        });
        self.flag(record, Flags::FIELDS_CONSTRUCT);
    }

    /// A class without a constructor has one; one without a call of another calls that of its base class.
    fn implied_constructor(&mut self, node: Node<'_>, body: Option<Node<'_>>, scope: FactScopeId, is_derived: bool) {
        let members = body.map(children).unwrap_or_default();
        let constructors: Vec<&Node<'_>> =
            members.iter().filter(|member| member.kind() == "constructor_declaration").collect();
        if constructors.is_empty() {
            let id = self.bind(node, CONSTRUCTOR, scope, BindingKind::Function);
            self.with(id, |constructor| constructor.symbol = None);
        }
        let says_so = |constructor: &&&Node<'_>| {
            let body = constructor.child_by_field_name("body");
            body.is_some_and(|body| child_of(body, "explicit_constructor_invocation").is_some())
        };
        if is_derived && (constructors.is_empty() || constructors.iter().any(|one| !says_so(&one))) {
            let text = self.text_id(CONSTRUCTOR);
            let of = self.step(node, Step::Super(scope));
            self.derived(node, of, |of| Step::Method { of, text, scope, args: 0, call: NO_STEP });
        }
    }

    /// `values()` and `valueOf(name)`.
    fn of_every_enum(&mut self, node: Node<'_>, name: Node<'_>, scope: FactScopeId) {
        let text = self.text_id(self.source(name));
        let own = self.step(name, Step::Name { text, scope, space: NameSpace::Type });
        let all = self.array_of(name, own);
        for (method, ty, takes) in [("values", all, false), ("valueOf", own, true)] {
            let id = self.bind(node, method, scope, BindingKind::Function);
            let param = takes.then(|| self.bind(name, "name", scope, BindingKind::Parameter));
            if let Some(param) = param {
                let inside = self.scope(scope, FactScopeKind::Function, Some(id));
                self.with(param, |param| (param.scope, param.symbol) = (inside, None));
            }
            self.with(id, |method| (method.ty, method.symbol, method.params) = (ty, None, param.into_iter().collect()));
            self.flag(id, Flags::STATIC);
        }
    }

    /// Binds the one method without a body once more, so that lambdas find it.
    fn functional(&mut self, node: Node<'_>, scope: FactScopeId) {
        let bindings = self.facts.bindings.iter();
        let is_asked = |binding: &&crate::language::eval::facts::Binding| {
            binding.scope == scope
                && binding.kind == BindingKind::Function
                && binding.flags.has(Flags::ABSTRACT)
                && !is_of_object(self.facts.text(binding.name))
        };
        let mut asked = bindings.filter(is_asked).cloned();
        if let (Some(only), None) = (asked.next(), asked.next()) {
            let id = self.bind(node, FUNCTIONAL, scope, BindingKind::Function);
            self.with(id, |method| (method.ty, method.params, method.symbol) = (only.ty, only.params, None));
        }
    }
}
