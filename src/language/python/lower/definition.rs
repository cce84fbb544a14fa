//! Classes and functions.

use tree_sitter::Node;

use super::{Around, Lowering, MethodOf, children, is_private, last_name, qualified};
use crate::language::eval::facts::{BindingId, BindingKind, FactScopeId, FactScopeKind, Flags, NO_STEP, Step, StepId};

/// Names of what encloses something stop growing here, as in the walk over definitions.
const PREFIX_BYTES: usize = 200;

impl Lowering<'_> {
    pub(super) fn decorated(&mut self, node: Node<'_>, place: &Around) {
        let decorators: Vec<Node<'_>> = children(node)
            .into_iter()
            .filter(|child| child.kind() == "decorator")
            .filter_map(|decorator| children(decorator).into_iter().next())
            .collect();
        match node.child_by_field_name("definition") {
            Some(inner) if inner.kind() == "class_definition" => self.class(inner, &decorators, place),
            Some(inner) => self.function(inner, &decorators, place),
            None => {}
        }
    }

    pub(super) fn class(&mut self, node: Node<'_>, decorators: &[Node<'_>], place: &Around) {
        let Some(name) = node.child_by_field_name("name").map(|name| self.source(name)) else { return };
        let decorator_steps: Vec<StepId> =
            decorators.iter().map(|&decorator| self.expression(decorator, place)).collect();
        let id = self.text_id(name);
        let binding = self.bind(id, BindingKind::Class, node, place);
        let symbol = self.known_symbol(node, name, place);
        let scope = self.scope(Some(place.scope), FactScopeKind::Class, Some(binding));
        let inside = Around {
            scope,
            prefix: self.prefix_inside(name, place),
            is_private: place.is_private || is_private(name),
            is_local: place.is_local,
            is_type_only: place.is_type_only,
            function: None,
            sent: NO_STEP,
            method: None,
        };
        let params = self.type_parameters(node, &inside);
        let mut bases = Vec::new();
        let mut makes_fields = decorators
            .iter()
            .any(|&one| matches!(last_name(self.text, one), "dataclass" | "define" | "frozen" | "attrs"));
        for base in node.child_by_field_name("superclasses").map(children).unwrap_or_default() {
            if base.kind() == "keyword_argument" {
                base.child_by_field_name("value").into_iter().for_each(|value| {
                    self.expression(value, place);
                });
                continue;
            }
            makes_fields |= matches!(last_name(self.text, base), "NamedTuple" | "TypedDict");
            let around = if params.is_empty() { place } else { &inside };
            // Between brackets stand types: `Base["A"]`.
            let is_generic = base.kind() == "subscript";
            bases.push(if is_generic { self.annotation(base, around) } else { self.expression(base, around) });
        }
        if let Some(class) = self.binding(binding) {
            (class.symbol, class.inner, class.bases, class.params) = (symbol, Some(scope), bases, params);
            class.decorators = decorator_steps;
            if makes_fields {
                class.flags = class.flags.with(Flags::FIELDS_CONSTRUCT);
            }
        }
        node.child_by_field_name("body").into_iter().for_each(|body| self.statements(body, &inside));
    }

    fn prefix_inside(&self, name: &str, place: &Around) -> String {
        let full_name = qualified(&place.prefix, name);
        if full_name.len() > PREFIX_BYTES { "…".to_owned() } else { full_name }
    }

    /// `def f[T: Bound]`, `class C[T]`
    fn type_parameters(&mut self, node: Node<'_>, place: &Around) -> Vec<BindingId> {
        let list = node.child_by_field_name("type_parameters").map(children).unwrap_or_default();
        let mut params = Vec::new();
        for parameter in list {
            let inner = children(parameter).into_iter().next().unwrap_or(parameter);
            let (name, bound) = match inner.kind() {
                "constrained_type" => {
                    let parts = children(inner);
                    (parts.first().copied(), parts.get(1).copied())
                }
                _ => (Some(inner), None),
            };
            let Some(name) = name.map(|name| self.source(name).trim_start_matches('*').to_owned()) else { continue };
            let id = self.text_id(&name);
            let bound = bound.map(|bound| self.annotation(bound, place));
            let binding = self.bind(id, BindingKind::TypeParameter, inner, place);
            self.binding(binding).into_iter().for_each(|binding| binding.bases.extend(bound));
            params.push(binding);
        }
        params
    }

    pub(super) fn function(&mut self, node: Node<'_>, decorators: &[Node<'_>], place: &Around) {
        let Some(name) = node.child_by_field_name("name").map(|name| self.source(name)) else { return };
        let decorator_steps: Vec<StepId> =
            decorators.iter().map(|&decorator| self.expression(decorator, place)).collect();
        let id = self.text_id(name);
        let binding = self.bind(id, BindingKind::Function, node, place);
        let flags = self.function_flags(node, name, decorators, place);
        let symbol = self.known_symbol(node, name, place);
        let scope = self.scope(Some(place.scope), FactScopeKind::Function, Some(binding));
        let class =
            self.facts.scope(place.scope).filter(|scope| scope.kind == FactScopeKind::Class).map(|_| place.scope);
        let mut inside = Around {
            scope,
            prefix: self.prefix_inside(name, place),
            is_private: place.is_private || is_private(name),
            is_local: true,
            is_type_only: place.is_type_only,
            function: Some(binding),
            sent: NO_STEP,
            method: place.method.clone(),
        };
        let mut params = self.type_parameters(node, &inside);
        // A parameter may have the name of the module of its type.
        let of_types = if params.is_empty() { place.clone() } else { inside.clone() };
        let is_method = class.is_some() && !flags.has(Flags::STATIC);
        let list = node.child_by_field_name("parameters").map(children).unwrap_or_default();
        let first = params.len();
        params.extend(self.parameters(&list, is_method, &of_types, &inside));
        let this = params.get(first).and_then(|&first| self.facts.binding(first)).map(|first| first.name);
        if let Some(class_scope) = class {
            let is_instance = is_method && !flags.has(Flags::CLASS_METHOD);
            inside.method = this.filter(|_| is_instance).map(|this| MethodOf {
                class_scope,
                class: place.prefix.clone(),
                is_private: place.is_private,
                is_local: place.is_local,
                this,
            });
        }
        let ty = node.child_by_field_name("return_type").map_or(NO_STEP, |ty| self.annotation(ty, &of_types));
        inside.sent = self.sent_to(ty);
        if let Some(function) = self.binding(binding) {
            (function.symbol, function.inner, function.ty, function.params) = (symbol, Some(scope), ty, params);
            function.flags = function.flags.with(flags);
            function.decorators = decorator_steps;
        }
        self.fixtures_by_name(binding, decorators, &inside);
        let narrowed = std::mem::take(&mut self.narrowed);
        node.child_by_field_name("body").into_iter().for_each(|body| self.statements(body, &inside));
        self.narrowed = narrowed;
    }

    /// What `yield` gives in a function with this result: `Generator[A, Sent, B]`.
    fn sent_to(&self, ty: StepId) -> StepId {
        let Some(Step::Apply { base, args }) = self.facts.step(ty) else { return NO_STEP };
        match self.facts.step(*base) {
            Some(Step::Name { text, .. } | Step::Member { text, .. })
                if matches!(self.facts.text(*text), "Generator" | "AsyncGenerator") =>
            {
                args.get(1).copied().unwrap_or(NO_STEP)
            }
            _ => NO_STEP,
        }
    }

    fn function_flags(&self, node: Node<'_>, name: &str, decorators: &[Node<'_>], place: &Around) -> Flags {
        let mut flags = Flags::default();
        let mut cursor = node.walk();
        if node.children(&mut cursor).any(|child| child.kind() == "async") {
            flags = flags.with(Flags::ASYNC);
        }
        if matches!(name, "__new__" | "__init_subclass__" | "__class_getitem__") {
            flags = flags.with(Flags::CLASS_METHOD);
        }
        for &decorator in decorators {
            flags = flags.with(match last_name(self.text, decorator) {
                "property" | "cached_property" | "setter" | "getter" | "deleter" | "abstractproperty" => {
                    Flags::PROPERTY
                }
                "classmethod" => Flags::CLASS_METHOD,
                "staticmethod" => Flags::STATIC,
                "contextmanager" | "asynccontextmanager" => Flags::CONTEXT_MANAGER,
                "overload" => Flags::OVERLOAD,
                "abstractmethod" | "override" | "final" | "wraps" | "lru_cache" | "cache" | "no_type_check" => {
                    Flags::default()
                }
                _ => Flags::WRAPPED,
            });
        }
        let is_fixture = decorators.iter().any(|&one| last_name(self.text, one) == "fixture");
        if is_fixture {
            flags = flags.with(Flags::FIXTURE);
        }
        if is_fixture || (name.starts_with("test") && place.function.is_none()) {
            flags = flags.with(Flags::INJECTED);
        }
        if place.is_type_only { flags.with(Flags::TYPE_ONLY) } else { flags }
    }

    /// Declares parameters in the function's scope, in their order.
    pub(super) fn parameters(
        &mut self,
        list: &[Node<'_>],
        is_method: bool,
        of_types: &Around,
        inside: &Around,
    ) -> Vec<BindingId> {
        let mut params = Vec::new();
        for &node in list {
            let (name, annotation, default) = match node.kind() {
                "identifier" | "list_splat_pattern" | "dictionary_splat_pattern" => (Some(node), None, None),
                "default_parameter" | "typed_default_parameter" => (
                    node.child_by_field_name("name"),
                    node.child_by_field_name("type"),
                    node.child_by_field_name("value"),
                ),
                "typed_parameter" => (node.named_child(0), node.child_by_field_name("type"), None),
                // `/` and `*`; Python 2's `(a, b)`.
                _ => continue,
            };
            let Some(name) = name else { continue };
            let is_this = is_method && params.is_empty();
            let ty = annotation.map_or(NO_STEP, |annotation| self.annotation(annotation, of_types));
            params.push(self.parameter(name, ty, default, is_this, inside));
        }
        params
    }

    fn parameter(
        &mut self,
        name: Node<'_>,
        ty: StepId,
        default: Option<Node<'_>>,
        is_this: bool,
        inside: &Around,
    ) -> BindingId {
        let flags = match name.kind() {
            "list_splat_pattern" => Flags::VARIADIC,
            "dictionary_splat_pattern" => Flags::KEYWORDS,
            _ if default.is_some() => Flags::OPTIONAL,
            _ => Flags::default(),
        };
        let id = self.text_id(self.source(name).trim_start_matches('*').trim());
        let binding = self.bind(id, BindingKind::Parameter, name, inside);
        self.variables.insert((inside.scope, id), binding);
        let outside = self.outside(inside);
        let default = default.map_or(NO_STEP, |default| self.expression(default, &outside));
        let this = if is_this { self.step(Step::This(inside.scope), name) } else { NO_STEP };
        if let Some(binding) = self.binding(binding) {
            binding.flags = binding.flags.with(flags);
            binding.ty = ty;
            binding.values.extend([this, default].into_iter().filter(|&step| step != NO_STEP));
        }
        binding
    }

    /// Defaults are evaluated where the function is defined.
    fn outside(&self, inside: &Around) -> Around {
        let parent: FactScopeId = self.facts.scope(inside.scope).and_then(|scope| scope.parent).unwrap_or(0);
        Around { scope: parent, ..inside.clone() }
    }
}
