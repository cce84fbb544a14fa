//! Written types.

use tree_sitter::Node;

use super::super::walk::{children, of, property_name};
use super::{ScriptLowering, ScriptSite};
use crate::language::eval::facts::{BindingKind, FactScopeKind, NO_STEP, NameSpace, Step, StepId};

impl ScriptLowering<'_> {
    /// A type, or the annotation that holds it.
    pub(super) fn type_of(&mut self, node: Node<'_>, site: ScriptSite) -> StepId {
        self.deeper(node, site, |lowering| lowering.type_of_kind(node, site))
    }

    fn type_of_kind(&mut self, node: Node<'_>, site: ScriptSite) -> StepId {
        match node.kind() {
            "type_annotation"
            | "parenthesized_type"
            | "readonly_type"
            | "optional_type"
            | "rest_type"
            | "opting_type_annotation"
            | "omitting_type_annotation"
            | "adding_type_annotation"
            | "constraint"
            | "default_type"
            | "template_type" => {
                children(node).find(|child| child.kind() != "comment").map_or(NO_STEP, |ty| self.type_of(ty, site))
            }
            "type_identifier" | "identifier" => self.name(node, site.scope, NameSpace::Type),
            "nested_type_identifier" => self.qualified_type(node, site),
            "generic_type" => self.generic_type(node, site),
            "union_type" | "intersection_type" => {
                let members = self.all_types(node, site);
                self.step(node, Step::Union(members))
            }
            "array_type" => {
                let element = self.all_types(node, site);
                self.step(node, Step::List(element))
            }
            "tuple_type" => self.tuple_type(node, site),
            "object_type" => self.object_type(node, site),
            "function_type" | "constructor_type" => self.signature(node, site),
            "type_query" => {
                let value = node.named_child(0).map_or(NO_STEP, |value| self.expression(value, site));
                self.step(node, Step::TypeOf(value))
            }
            "lookup_type" => self.lookup_type(node, site),
            "conditional_type" => self.conditional_type(node, site),
            "infer_type" => {
                if let Some(name) = node.named_child(0) {
                    let own = self.bind(node, of(self.text, name), site.scope, BindingKind::TypeParameter);
                    let bound = node.named_child(1).map(|bound| self.type_of(bound, site));
                    self.binding(own).bases.extend(bound);
                }
                NO_STEP
            }
            "this_type" => self.step(node, Step::This(site.scope)),
            "call_expression" | "member_expression" => self.expression(node, site),
            "predefined_type" | "literal_type" | "comment" | "const" | "existential_type" => NO_STEP,
            "required_parameter" | "optional_parameter" => {
                node.child_by_field_name("type").map_or(NO_STEP, |ty| self.type_of(ty, site))
            }
            _ => {
                self.all_types(node, site);
                NO_STEP
            }
        }
    }

    fn all_types(&mut self, node: Node<'_>, site: ScriptSite) -> Vec<StepId> {
        let parts: Vec<Node<'_>> = children(node).filter(|child| child.kind() != "comment").collect();
        let types: Vec<StepId> = parts.into_iter().map(|part| self.type_of(part, site)).collect();
        types.into_iter().filter(|&ty| ty != NO_STEP).collect()
    }

    fn qualified_type(&mut self, node: Node<'_>, site: ScriptSite) -> StepId {
        let module = node.child_by_field_name("module");
        let of_step = module.map_or(NO_STEP, |module| self.expression(module, site));
        match node.child_by_field_name("name") {
            Some(name) if of_step != NO_STEP => {
                let text = self.text_id(of(self.text, name));
                self.step(name, Step::Member { of: of_step, text })
            }
            _ => NO_STEP,
        }
    }

    fn generic_type(&mut self, node: Node<'_>, site: ScriptSite) -> StepId {
        let base = node.child_by_field_name("name").map_or(NO_STEP, |name| self.type_of(name, site));
        self.applied(node, base, site)
    }

    fn tuple_type(&mut self, node: Node<'_>, site: ScriptSite) -> StepId {
        let parts: Vec<Node<'_>> = children(node).filter(|child| child.kind() != "comment").collect();
        let members = parts.into_iter().map(|part| self.type_of(part, site)).collect();
        self.step(node, Step::Tuple(members))
    }

    fn signature(&mut self, node: Node<'_>, site: ScriptSite) -> StepId {
        let scope = self.scope(site.scope, FactScopeKind::Block, None);
        let inside = ScriptSite { scope, ..site };
        for parameter in node.child_by_field_name("type_parameters").into_iter().flat_map(children) {
            let Some(name) = parameter.child_by_field_name("name") else { continue };
            let own = self.bind(parameter, of(self.text, name), scope, BindingKind::TypeParameter);
            let bound = parameter.child_by_field_name("constraint").map(|bound| self.type_of(bound, inside));
            self.binding(own).bases.extend(bound);
        }
        let mut params = Vec::new();
        for parameter in node.child_by_field_name("parameters").into_iter().flat_map(children) {
            let pattern = parameter.child_by_field_name("pattern").or_else(|| parameter.child_by_field_name("name"));
            let ty = parameter.child_by_field_name("type").map_or(NO_STEP, |ty| self.type_of(ty, inside));
            if parameter.kind() != "comment" && pattern.is_none_or(|pattern| pattern.kind() != "this") {
                params.push(ty);
            }
        }
        let result = node.child_by_field_name("return_type").or_else(|| node.child_by_field_name("type"));
        let result = result.map_or(NO_STEP, |result| self.type_of(result, inside));
        if node.kind() == "constructor_type" {
            return self.constructed(node, params, result, site);
        }
        self.step(node, Step::Signature { params, result })
    }

    /// `new (a: A) => B`: an object that can be constructed.
    fn constructed(&mut self, node: Node<'_>, params: Vec<StepId>, result: StepId, site: ScriptSite) -> StepId {
        let scope = self.scope(site.scope, FactScopeKind::Record, None);
        let id = self.bind(node, "new()", scope, BindingKind::Function);
        let inner = self.scope(scope, FactScopeKind::Function, Some(id));
        self.binding(id).inner = Some(inner);
        self.binding(id).ty = result;
        for ty in params {
            let own = self.bind(node, "", inner, BindingKind::Parameter);
            self.binding(own).ty = ty;
            self.binding(id).params.push(own);
        }
        self.step(node, Step::Record(scope))
    }

    /// `T["key"]`, `T[number]`
    fn lookup_type(&mut self, node: Node<'_>, site: ScriptSite) -> StepId {
        let parts: Vec<Node<'_>> = children(node).filter(|child| child.kind() != "comment").collect();
        let [object, index] = parts[..] else { return NO_STEP };
        let object = self.type_of(object, site);
        if object == NO_STEP {
            self.type_of(index, site);
            return NO_STEP;
        }
        let of_value = self.step(node, Step::Typed(object));
        let key = index.named_child(0).filter(|key| index.kind() == "literal_type" && key.kind() == "string");
        match key {
            Some(key) => {
                let text = self.text_id(property_name(self.text, key));
                self.step(key, Step::Key { of: of_value, text })
            }
            None => {
                self.type_of(index, site);
                self.step(node, Step::Element(of_value))
            }
        }
    }

    fn conditional_type(&mut self, node: Node<'_>, site: ScriptSite) -> StepId {
        let inside = self.block(site);
        for field in ["left", "right"] {
            node.child_by_field_name(field).map(|ty| self.type_of(ty, inside));
        }
        let branches = ["consequence", "alternative"]
            .map(|field| node.child_by_field_name(field).map_or(NO_STEP, |ty| self.type_of(ty, inside)));
        let branches: Vec<StepId> = branches.into_iter().filter(|&ty| ty != NO_STEP).collect();
        self.step(node, Step::Union(branches))
    }
}
