//! Written types and attributes.

use tree_sitter::Node;

use super::super::node::{bare, child_of, children, operands, source};
use super::{GLOBAL, SharpLowering, SharpSite, dotted, with_arity};
use crate::language::eval::CONSTRUCTOR;
use crate::language::eval::facts::{NO_STEP, NameSpace, Step, StepId};

impl<'t> SharpLowering<'t> {
    /// The step of a written type; [`NO_STEP`] for `var` and `void`.
    pub(super) fn type_step(&mut self, node: Node<'t>, site: SharpSite) -> StepId {
        self.deeper(|this| this.type_of_kind(node, site)).unwrap_or(NO_STEP)
    }

    fn type_of_kind(&mut self, node: Node<'t>, site: SharpSite) -> StepId {
        match node.kind() {
            "identifier" => self.named_type(node, self.source(node), NameSpace::Type, site),
            "generic_name" => self.generic(node, site),
            "qualified_name" => {
                self.mention_dotted(node);
                self.qualified(node, site)
            }
            "alias_qualified_name" => self.in_alias(node, site),
            "array_type" => {
                let element = node.child_by_field_name("type").map_or(NO_STEP, |ty| self.type_step(ty, site));
                let sizes = node.child_by_field_name("rank").map(children).unwrap_or_default();
                sizes.into_iter().for_each(|size| {
                    self.expression(size, site);
                });
                self.array_of(node, element)
            }
            "nullable_type" | "pointer_type" | "ref_type" | "scoped_type" => {
                node.child_by_field_name("type").map_or(NO_STEP, |of| self.type_step(of, site))
            }
            "tuple_type" => {
                let elements = children(node).into_iter().filter_map(|one| one.child_by_field_name("type"));
                let args = elements.map(|ty| self.type_step(ty, site)).collect();
                let base = self.named_type(node, "ValueTuple", NameSpace::Type, SharpSite::at(GLOBAL));
                self.derived(node, base, |base| Step::Apply { base, args })
            }
            "predefined_type" if self.source(node) != "void" => self.plain(node, self.source(node)),
            "predefined_type" | "implicit_type" => NO_STEP,
            _ => {
                children(node).into_iter().for_each(|child| {
                    self.type_step(child, site);
                });
                NO_STEP
            }
        }
    }

    pub(super) fn array_of(&mut self, node: Node<'_>, element: StepId) -> StepId {
        self.derived(node, element, |element| Step::Apply { base: NO_STEP, args: vec![element] })
    }

    /// A type, or what a dotted name begins with, by its name with the number of its parameters.
    pub(super) fn named_type(&mut self, node: Node<'_>, name: &str, space: NameSpace, site: SharpSite) -> StepId {
        let text = self.text_id(name);
        let scope = site.head_of.filter(|&head| self.type_params.contains(&(head, text))).unwrap_or(site.scope);
        self.step(node, Step::Name { text, scope, space })
    }

    /// `List<A>`
    pub(super) fn generic(&mut self, node: Node<'t>, site: SharpSite) -> StepId {
        let (name, args) = self.generic_parts(node, site);
        // What an expression tree describes is used as the function itself.
        if let ("Expression`1", &[of]) = (name.as_str(), args.as_slice()) {
            return of;
        }
        let base = self.named_type(node, &name, NameSpace::Type, site);
        self.derived(node, base, |base| Step::Apply { base, args })
    }

    /// The name of a generic type, and its arguments; `List<>` has none.
    pub(super) fn generic_parts(&mut self, node: Node<'t>, site: SharpSite) -> (String, Vec<StepId>) {
        let list = child_of(node, "type_argument_list");
        let args: Vec<StepId> =
            list.map(children).unwrap_or_default().into_iter().map(|arg| self.type_step(arg, site)).collect();
        let commas = list.map_or(0, |list| source(self.text, list).matches(',').count());
        let count = if args.is_empty() { commas + 1 } else { args.len() };
        (with_arity(self.source(bare(node)), count), args)
    }

    fn qualified(&mut self, node: Node<'t>, site: SharpSite) -> StepId {
        let mut links = Vec::new();
        let mut base = node;
        while base.kind() == "qualified_name" {
            let (Some(qualifier), Some(name)) =
                (base.child_by_field_name("qualifier"), base.child_by_field_name("name"))
            else {
                break;
            };
            links.push(name);
            base = qualifier;
        }
        let mut of = self.type_or_namespace(base, site);
        for link in links.into_iter().rev() {
            of = self.member_type(of, link, site);
        }
        of
    }

    /// What is written where a namespace can stand as well as a type.
    pub(super) fn type_or_namespace(&mut self, node: Node<'t>, site: SharpSite) -> StepId {
        match node.kind() {
            "identifier" => self.named_type(node, self.source(node), NameSpace::Any, site),
            _ => self.type_step(node, site),
        }
    }

    /// A type inside a namespace or type.
    pub(super) fn member_type(&mut self, of: StepId, name: Node<'t>, site: SharpSite) -> StepId {
        if name.kind() != "generic_name" {
            let text = self.text_id(self.source(name));
            return self.derived(name, of, |of| Step::Member { of, text });
        }
        let (written, args) = self.generic_parts(name, site);
        let text = self.text_id(&written);
        let base = self.derived(name, of, |of| Step::Member { of, text });
        self.derived(name, base, |base| Step::Apply { base, args })
    }

    /// `global::A`, `Alias::A`
    fn in_alias(&mut self, node: Node<'t>, site: SharpSite) -> StepId {
        let alias = node.child_by_field_name("alias");
        let Some(name) = node.child_by_field_name("name") else { return NO_STEP };
        let alias = alias.filter(|alias| !matches!(self.source(*alias), "global" | ""));
        match alias {
            Some(alias) => {
                let of = self.named_type(alias, self.source(alias), NameSpace::Any, site);
                self.member_type(of, name, site)
            }
            None if name.kind() == "identifier" => {
                self.named_type(name, self.source(name), NameSpace::Any, SharpSite::at(GLOBAL))
            }
            None => self.type_step(name, SharpSite::at(GLOBAL)),
        }
    }

    pub(super) fn mention_dotted(&mut self, node: Node<'_>) {
        let written = dotted(self.source(node));
        let plain = written.split(['<', '(']).next().unwrap_or_default().to_owned();
        self.mention(node, &plain);
    }

    /// The attributes of a declaration: the types that they name.
    pub(super) fn attributes_of(&mut self, node: Node<'t>, site: SharpSite) -> Vec<StepId> {
        let lists: Vec<Node<'t>> =
            children(node).into_iter().filter(|child| child.kind() == "attribute_list").collect();
        lists.into_iter().flat_map(|list| self.attribute_list(list, site)).collect()
    }

    pub(super) fn attribute_list(&mut self, node: Node<'t>, site: SharpSite) -> Vec<StepId> {
        let attributes = children(node).into_iter().filter(|child| child.kind() == "attribute");
        attributes.collect::<Vec<_>>().into_iter().map(|one| self.attribute(one, site)).collect()
    }

    /// `[Foo(1, Name = 2)]` means the class `FooAttribute`, or `Foo`.
    pub(super) fn attribute(&mut self, node: Node<'t>, site: SharpSite) -> StepId {
        let Some(name) = node.child_by_field_name("name") else { return NO_STEP };
        let plain = self.type_step(name, site);
        let long = self.long_name(name, site);
        let class = self.one_of(node, vec![long, plain]);
        let arguments = child_of(node, "attribute_argument_list").map(children).unwrap_or_default();
        let positional = arguments.iter().filter(|one| one.child_by_field_name("name").is_none()).count() as u32;
        for argument in arguments {
            if let Some(key) = argument.child_by_field_name("name") {
                let text = self.text_id(self.source(key));
                let of = self.derived(key, class, Step::Typed);
                self.derived(key, of, |of| Step::Member { of, text });
            }
            let key = argument.child_by_field_name("name").map(|key| key.id());
            let value = operands(argument).into_iter().rfind(|part| Some(part.id()) != key);
            value.into_iter().for_each(|value| {
                self.expression(value, site);
            });
        }
        let of = self.derived(node, class, Step::Typed);
        let text = self.text_id(CONSTRUCTOR);
        let scope = site.scope;
        self.derived(node, of, |of| Step::Method { of, text, scope, args: positional, call: NO_STEP });
        class
    }

    /// The name of an attribute with its ending.
    fn long_name(&mut self, name: Node<'t>, site: SharpSite) -> StepId {
        let (qualifier, last) = match name.kind() {
            "qualified_name" => (name.child_by_field_name("qualifier"), name.child_by_field_name("name")),
            _ => (None, Some(name)),
        };
        let Some(last) = last.filter(|last| last.kind() == "identifier") else { return NO_STEP };
        let long = format!("{}Attribute", self.source(last));
        match qualifier {
            Some(qualifier) => {
                let of = self.type_or_namespace(qualifier, site);
                let text = self.text_id(&long);
                self.derived(last, of, |of| Step::Member { of, text })
            }
            None => self.named_type(last, &long, NameSpace::Type, site),
        }
    }
}
