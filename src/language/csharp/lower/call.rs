//! Chains of members and calls, what is made with `new`, and lambdas.

use tree_sitter::Node;

use super::super::node::{bare, child_of, children, operands};
use super::{SharpLowering, SharpSite, Wanted, dotted};
use crate::language::eval::CONSTRUCTOR;
use crate::language::eval::facts::{Argument, BindingKind, FactScopeKind, NO_STEP, NameSpace, Step, StepId};

/// Functions of libraries that give a value of the type that they are told, and those that give several.
const TYPED: &[&str] = &[
    "GetService",
    "GetRequiredService",
    "GetKeyedService",
    "GetRequiredKeyedService",
    "Resolve",
    "CreateInstance",
    "Deserialize",
    "DeserializeObject",
    "DeserializeAsync",
    "GetFromJsonAsync",
    "ReadFromJsonAsync",
    "GetCustomAttribute",
    "As",
];
const TYPED_LISTS: &[&str] = &["OfType", "Cast", "Empty", "GetServices", "GetCustomAttributes"];

/// What stands in front of the last part of a chain.
fn before(node: Node<'_>) -> Option<Node<'_>> {
    let field = match node.kind() {
        "member_access_expression" | "element_access_expression" => "expression",
        "invocation_expression" => "function",
        "conditional_access_expression" => "condition",
        "postfix_unary_expression" => return operands(node).first().copied(),
        _ => return None,
    };
    node.child_by_field_name(field)
}

impl<'t> SharpLowering<'t> {
    /// `a.b().c`, in a loop: chains are written by machines, too.
    pub(super) fn chain(&mut self, node: Node<'t>, site: SharpSite) -> StepId {
        let mut links = Vec::new();
        let mut base = node;
        while let Some(inner) = before(base) {
            links.push(base);
            base = inner;
        }
        links.reverse();
        self.mention_chain(base, &links);
        let call_at = |at: usize| links.get(at).copied().filter(|link| link.kind() == "invocation_expression");
        if call_at(0).is_some() && self.source(base) == "nameof" {
            let list = links.first().and_then(|call| call.child_by_field_name("arguments"));
            let named = list.map(children).unwrap_or_default().into_iter().filter_map(|one| operands(one).pop());
            named.collect::<Vec<_>>().into_iter().for_each(|one| {
                self.qualifier(one, site);
            });
            return self.plain(node, "string");
        }
        let mut of = match (base.kind(), call_at(0)) {
            ("identifier" | "generic_name", Some(call)) => self.called_method(base, NO_STEP, call, site),
            _ => self.qualifier(base, site),
        };
        for (at, &link) in links.iter().enumerate() {
            of = self.link(link, of, call_at(at + 1), site);
        }
        of
    }

    /// One part of a chain; `of` is what stands before it, `call` what calls it.
    fn link(&mut self, link: Node<'t>, of: StepId, call: Option<Node<'t>>, site: SharpSite) -> StepId {
        match link.kind() {
            "invocation_expression" => self.call(link, of, site),
            "member_access_expression" => match link.child_by_field_name("name") {
                Some(name) => self.member_of(name, of, call, site),
                None => of,
            },
            "conditional_access_expression" => {
                let condition = link.child_by_field_name("condition").map(|one| one.id());
                match children(link).into_iter().find(|part| Some(part.id()) != condition) {
                    Some(part) if part.kind() == "member_binding_expression" => {
                        let name = part.child_by_field_name("name");
                        name.map_or(of, |name| self.member_of(name, of, call, site))
                    }
                    Some(part) => self.indexed(link, part, of, site),
                    None => of,
                }
            }
            "element_access_expression" => match link.child_by_field_name("subscript") {
                Some(list) => self.indexed(link, list, of, site),
                None => of,
            },
            _ => of,
        }
    }

    fn member_of(&mut self, name: Node<'t>, of: StepId, call: Option<Node<'t>>, site: SharpSite) -> StepId {
        match call {
            Some(_) if of == NO_STEP => NO_STEP,
            Some(call) => self.called_method(name, of, call, site),
            None => self.member_type(of, name, site),
        }
    }

    fn indexed(&mut self, node: Node<'t>, list: Node<'t>, of: StepId, site: SharpSite) -> StepId {
        let values: Vec<StepId> = children(list)
            .into_iter()
            .filter_map(|one| operands(one).pop())
            .map(|one| self.expression(one, site))
            .collect();
        let index = values.into_iter().find(|&value| value != NO_STEP).unwrap_or(NO_STEP);
        self.derived(node, of, |of| Step::Index { of, index })
    }

    /// What stands before a dot: a variable, a type or a namespace.
    pub(super) fn qualifier(&mut self, node: Node<'t>, site: SharpSite) -> StepId {
        match node.kind() {
            "identifier" => self.name(node, NameSpace::Any, site),
            "predefined_type" => NO_STEP,
            _ => self.expression(node, site),
        }
    }

    /// `Shop.Items.Order` of `Shop.Items.Order.Of(..)` may begin with a namespace.
    fn mention_chain(&mut self, base: Node<'_>, links: &[Node<'_>]) {
        let names = links.iter().take_while(|link| link.kind() == "member_access_expression").last();
        // By convention names of namespaces begin with a capital letter.
        let is_capital = self.source(base).starts_with(char::is_uppercase);
        if let Some(last) = names.filter(|_| base.kind() == "identifier" && is_capital) {
            let written = dotted(self.source(*last));
            self.mention(*last, written.split('<').next().unwrap_or_default());
        }
    }

    /// A function that is called: [`NO_STEP`] for `of` if nothing is written before it.
    fn called_method(&mut self, name: Node<'t>, of: StepId, call: Node<'t>, site: SharpSite) -> StepId {
        let list = call.child_by_field_name("arguments");
        let args = list.map_or(0, |list| children(list).len() as u32);
        let (text, scope) = (self.text_id(self.source(bare(name))), site.scope);
        let method = self.step(name, Step::Method { of, text, scope, args, call: NO_STEP });
        if name.kind() != "generic_name" {
            return method;
        }
        let (_, given) = self.generic_parts(name, site);
        self.derived(name, method, |base| Step::Apply { base, args: given })
    }

    fn call(&mut self, node: Node<'t>, callee: StepId, site: SharpSite) -> StepId {
        let list = node.child_by_field_name("arguments");
        let call = self.derived(node, callee, |callee| Step::Call { callee, args: Vec::new() });
        self.knows_its_call(callee, call);
        if let Some(list) = list {
            self.arguments(list, call, site);
        }
        match self.told_type(node, callee) {
            Some(told) => self.one_of(node, vec![call, told]),
            None => call,
        }
    }

    /// Writes into the step of a method by what it is called.
    fn knows_its_call(&mut self, callee: StepId, made: StepId) {
        let method = match self.facts.step(callee) {
            Some(Step::Apply { base, .. }) => *base,
            _ => callee,
        };
        if let Some(Step::Method { call, .. }) = self.facts.steps.get_mut(method as usize) {
            *call = made;
        }
    }

    /// What a function gives that is told its type, whether a file declares it or not: `Get<A>()`.
    fn told_type(&mut self, node: Node<'_>, callee: StepId) -> Option<StepId> {
        let Some(Step::Apply { base, args }) = self.facts.step(callee) else { return None };
        let (Some(Step::Method { text, .. }), &[ty]) = (self.facts.step(*base), args.as_slice()) else { return None };
        let name = self.facts.text(*text);
        let (is_one, is_list) = (TYPED.contains(&name), TYPED_LISTS.contains(&name));
        let ty = if is_list { self.array_of(node, ty) } else { ty };
        (is_one || is_list).then(|| self.derived(node, ty, Step::Typed))
    }

    /// The arguments of a call, which are written into its step.
    pub(super) fn arguments(&mut self, list: Node<'t>, call: StepId, site: SharpSite) {
        let mut lowered = Vec::new();
        for (at, argument) in children(list).into_iter().enumerate() {
            let key = argument.child_by_field_name("name");
            let wanted = if call == NO_STEP { Wanted::Nothing } else { Wanted::Argument(call, at as u32) };
            let value = operands(argument).into_iter().rfind(|part| key.is_none_or(|key| key.id() != part.id()));
            let value = value.map_or(NO_STEP, |value| self.wanted(value, wanted, site));
            let name = key.map(|key| self.text_id(self.source(key)));
            lowered.push(Argument { name, value, is_spread: false });
        }
        if let Some(Step::Call { args, .. } | Step::New { args, .. }) = self.facts.steps.get_mut(call as usize) {
            *args = lowered;
        }
    }

    /// A constructor of what `of` is, called with a list: `: base(..)`.
    pub(super) fn constructor_called(&mut self, node: Node<'t>, of: StepId, list: Node<'t>, site: SharpSite) {
        let args = children(list).len() as u32;
        let (text, scope) = (self.text_id(CONSTRUCTOR), site.scope);
        let callee = self.derived(node, of, |of| Step::Method { of, text, scope, args, call: NO_STEP });
        let call = self.derived(node, callee, |callee| Step::Call { callee, args: Vec::new() });
        self.knows_its_call(callee, call);
        self.arguments(list, call, site);
    }

    pub(super) fn creation(&mut self, node: Node<'t>, site: SharpSite) -> StepId {
        let Some(ty) = node.child_by_field_name("type") else { return NO_STEP };
        let callee = self.type_step(ty, site);
        if ty.kind() == "array_type" {
            self.parts_but(node, ty, site);
            return self.derived(node, callee, Step::Typed);
        }
        self.created(node, callee, site)
    }

    fn parts_but(&mut self, node: Node<'t>, but: Node<'t>, site: SharpSite) {
        let parts = children(node).into_iter().filter(|part| part.id() != but.id()).collect::<Vec<_>>();
        parts.into_iter().for_each(|part| {
            self.expression(part, site);
        });
    }

    /// `new Foo(1) { Name = 2 }`
    pub(super) fn created(&mut self, node: Node<'t>, ty: StepId, site: SharpSite) -> StepId {
        let made = self.derived(node, ty, |callee| Step::New { callee, args: Vec::new() });
        if let Some(list) = child_of(node, "argument_list") {
            self.arguments(list, made, site);
        }
        if let Some(list) = child_of(node, "initializer_expression") {
            self.initializer(list, made, site);
        }
        made
    }

    /// The members that an initializer gives values to, and what it adds.
    fn initializer(&mut self, list: Node<'t>, of: StepId, site: SharpSite) {
        for one in operands(list) {
            let left = one.child_by_field_name("left").filter(|_| one.kind() == "assignment_expression");
            let Some(left) = left else {
                self.expression(one, site);
                continue;
            };
            let target = match left.kind() {
                "identifier" => {
                    let text = self.text_id(self.source(left));
                    self.derived(left, of, |of| Step::Member { of, text })
                }
                _ => self.indexed(left, left, of, site),
            };
            match one.child_by_field_name("right") {
                Some(right) if right.kind() == "initializer_expression" => {
                    self.deeper(|this| this.initializer(right, target, site));
                }
                Some(right) => drop(self.expression(right, site)),
                None => {}
            }
        }
    }

    /// `x => x.Go()`, `(A a, B b) => { .. }`, `delegate (A a) { .. }`
    pub(super) fn lambda(&mut self, node: Node<'t>, wanted: Wanted, site: SharpSite) -> StepId {
        let id = self.bind(node, "", site.scope, BindingKind::Function);
        let scope = self.scope(site.scope, FactScopeKind::Function, Some(id));
        let inside = SharpSite { scope, lambda: Some(id), result: NO_STEP, ..site };
        let mut params = Vec::new();
        let listed = node.child_by_field_name("parameters");
        let names = match listed {
            Some(one) if one.kind() == "implicit_parameter" => vec![(one, None)],
            Some(list) => super::super::node::parameters(self.text, list)
                .into_iter()
                .filter_map(|one| Some((one.name?, one.ty)))
                .collect(),
            None => Vec::new(),
        };
        for (at, (name, ty)) in (0_u32..).zip(names) {
            let ty = ty.map_or(NO_STEP, |ty| self.type_step(ty, inside));
            let value = if ty == NO_STEP { self.wanted_parameter(name, wanted, at) } else { NO_STEP };
            let param = self.bind(name, self.source(name), scope, BindingKind::Parameter);
            self.typed(param, ty, value);
            params.push(param);
        }
        self.with(id, |lambda| (lambda.inner, lambda.params) = (Some(scope), params));
        let body = node.child_by_field_name("body").or_else(|| child_of(node, "block"));
        match body {
            Some(body) if body.kind() == "block" => self.statements(body, inside),
            Some(body) => {
                let value = self.expression(body, inside);
                self.with(id, |lambda| lambda.values.extend(Some(value).filter(|&value| value != NO_STEP)));
            }
            None => {}
        }
        self.step(node, Step::Function(id))
    }

    fn wanted_parameter(&mut self, node: Node<'_>, wanted: Wanted, at: u32) -> StepId {
        match wanted {
            Wanted::Nothing => NO_STEP,
            Wanted::Argument(call, argument) => self.step(node, Step::Expected { call, argument, parameter: at }),
            Wanted::Written(ty) => {
                let of = self.step(node, Step::Typed(ty));
                self.derived(node, of, |of| Step::Parameter { of, at })
            }
        }
    }
}
