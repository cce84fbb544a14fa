//! Written types and annotations.

use tree_sitter::Node;

use super::{JavaLowering, JavaSite, children, dotted};
use crate::language::eval::facts::{NO_STEP, NameSpace, Step, StepId};

impl JavaLowering<'_> {
    /// The step of a written type; [`NO_STEP`] for `void`.
    pub(super) fn type_step(&mut self, node: Node<'_>, site: JavaSite) -> StepId {
        self.deeper(|this| this.type_of_kind(node, site)).unwrap_or(NO_STEP)
    }

    fn type_of_kind(&mut self, node: Node<'_>, site: JavaSite) -> StepId {
        match node.kind() {
            "type_identifier" | "identifier" => self.type_name(node, NameSpace::Type, site),
            "scoped_type_identifier" | "scoped_identifier" => self.scoped_type(node, site),
            "generic_type" => {
                let parts = children(node);
                let (Some(&base), Some(&list)) = (parts.first(), parts.last()) else { return NO_STEP };
                let base = self.type_step(base, site);
                let args = self.type_arguments(list, site);
                self.step(node, Step::Apply { base, args })
            }
            "array_type" => {
                let element = node.child_by_field_name("element");
                let element = element.map_or(NO_STEP, |element| self.type_step(element, site));
                self.array_of(node, element)
            }
            "annotated_type" => {
                self.annotations(node, site);
                let inner = children(node).into_iter().rfind(|child| !child.kind().ends_with("annotation"));
                inner.map_or(NO_STEP, |inner| self.type_step(inner, site))
            }
            "catch_type" => {
                let parts: Vec<StepId> = children(node).into_iter().map(|part| self.type_step(part, site)).collect();
                match parts.as_slice() {
                    [only] => *only,
                    _ => self.step(node, Step::Union(parts)),
                }
            }
            "integral_type" | "floating_point_type" | "boolean_type" => self.plain(node, self.source(node)),
            _ => NO_STEP,
        }
    }

    pub(super) fn array_of(&mut self, node: Node<'_>, element: StepId) -> StepId {
        self.derived(node, element, |element| Step::Apply { base: NO_STEP, args: vec![element] })
    }

    /// The declared type with the brackets that may stand behind the name: `int a[]`.
    pub(super) fn type_with_dimensions(&mut self, ty: StepId, named: Node<'_>) -> StepId {
        match named.child_by_field_name("dimensions") {
            Some(dimensions) => self.array_of(dimensions, ty),
            None => ty,
        }
    }

    fn type_name(&mut self, node: Node<'_>, space: NameSpace, site: JavaSite) -> StepId {
        let text = self.text_id(self.source(node));
        let scope = site.head_of.filter(|&head| self.type_params.contains(&(head, text))).unwrap_or(site.scope);
        self.step(node, Step::Name { text, scope, space })
    }

    /// `a.b.C`, `Outer<A>.Inner`
    fn scoped_type(&mut self, node: Node<'_>, site: JavaSite) -> StepId {
        let written = dotted(self.source(node));
        if written.chars().all(|c| c.is_alphanumeric() || matches!(c, '.' | '_' | '$')) {
            self.mention(node, &written);
        }
        let mut links = Vec::new();
        let mut base = node;
        while matches!(base.kind(), "scoped_type_identifier" | "scoped_identifier") {
            let parts = children(base);
            let (Some(&first), Some(&last)) = (parts.first(), parts.last()) else { break };
            parts.iter().filter(|part| part.kind().ends_with("annotation")).for_each(|&one| self.annotation(one, site));
            links.push(last);
            base = first;
        }
        let mut of = match base.kind() {
            "type_identifier" | "identifier" => self.type_name(base, NameSpace::Any, site),
            _ => self.type_step(base, site),
        };
        for link in links.into_iter().rev() {
            let text = self.text_id(self.source(link));
            of = self.derived(link, of, |of| Step::Member { of, text });
        }
        of
    }

    /// A type that is written as a plain dotted name.
    pub(super) fn dotted_type(&mut self, node: Node<'_>, site: JavaSite) -> StepId {
        if node.kind() == "scoped_identifier" { self.scoped_type(node, site) } else { self.type_step(node, site) }
    }

    pub(super) fn type_arguments(&mut self, list: Node<'_>, site: JavaSite) -> Vec<StepId> {
        let args = if list.kind() == "type_arguments" { children(list) } else { Vec::new() };
        let one = |this: &mut Self, arg: Node<'_>| match arg.kind() {
            "wildcard" => {
                let bound = children(arg).into_iter().rfind(|part| !matches!(part.kind(), "super" | "annotation"));
                bound.map_or(NO_STEP, |bound| this.type_step(bound, site))
            }
            _ => this.type_step(arg, site),
        };
        args.into_iter().map(|arg| one(self, arg)).collect()
    }

    /// The annotations of a declaration, those inside its modifiers included.
    pub(super) fn annotations(&mut self, node: Node<'_>, site: JavaSite) {
        for child in children(node) {
            match child.kind() {
                "modifiers" => self.annotations(child, site),
                "annotation" | "marker_annotation" => self.annotation(child, site),
                _ => {}
            }
        }
    }

    pub(super) fn annotation(&mut self, node: Node<'_>, site: JavaSite) {
        self.deeper(|this| {
            let Some(name) = node.child_by_field_name("name") else { return };
            let class = this.dotted_type(name, site);
            for argument in node.child_by_field_name("arguments").map(children).unwrap_or_default() {
                let (key, value) = match argument.kind() {
                    "element_value_pair" => {
                        let key = argument.child_by_field_name("key").map_or("", |key| this.source(key));
                        (key, argument.child_by_field_name("value"))
                    }
                    _ => ("value", Some(argument)),
                };
                let text = this.text_id(key);
                let scope = site.scope;
                this.derived(argument, class, |of| Step::Method { of, text, scope, args: 0, call: NO_STEP });
                value.into_iter().for_each(|value| this.element_value(value, site));
            }
        });
    }

    pub(super) fn element_value(&mut self, node: Node<'_>, site: JavaSite) {
        match node.kind() {
            "annotation" | "marker_annotation" => self.annotation(node, site),
            "element_value_array_initializer" => {
                children(node).into_iter().for_each(|value| self.element_value(value, site));
            }
            _ => {
                self.expression(node, site);
            }
        }
    }
}
