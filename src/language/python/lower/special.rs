//! What has a meaning by its name: `__all__`, type variables, calls that hide what a file depends on.

use tree_sitter::Node;

use super::{Around, Lowering, children, last_name};
use crate::language::eval::facts::{Binding, BindingId, BindingKind, FactScopeKind, Flags, NO_STEP, StepId, TextId};

impl Lowering<'_> {
    /// `__all__ = [..]`, `T = TypeVar(..)`, `N = NewType(..)`: assignments that are not of a value. True if it was one.
    pub(super) fn special_assignment(
        &mut self,
        left: Node<'_>,
        right: Node<'_>,
        node: Node<'_>,
        place: &Around,
    ) -> bool {
        let name = self.source(left);
        if name == "__all__" && place.scope == 0 {
            self.facts.listed = Some(Vec::new());
            self.add_listed(right);
            return false;
        }
        if right.kind() != "call" {
            return false;
        }
        let function = right.child_by_field_name("function").map_or("", |function| last_name(self.text, function));
        let kind = match function {
            "TypeVar" => BindingKind::TypeParameter,
            "NewType" => BindingKind::Alias,
            _ => return false,
        };
        let made = self.expression(right, place);
        let types = self.types_of_call(right, place);
        let binding = self.variable(left, name, NO_STEP, made, node, place);
        if let Some(binding) = self.binding(binding) {
            binding.kind = kind;
            if kind == BindingKind::TypeParameter {
                binding.bases = types;
                binding.values.clear();
            } else {
                binding.values = types;
            }
        }
        true
    }

    /// Bounds and constraints of a type variable; what a new type is of.
    fn types_of_call(&mut self, call: Node<'_>, place: &Around) -> Vec<StepId> {
        let mut types = Vec::new();
        for arg in call.child_by_field_name("arguments").map(children).unwrap_or_default().into_iter().skip(1) {
            if arg.kind() != "keyword_argument" {
                types.push(self.annotation(arg, place));
            } else if arg.child_by_field_name("name").is_some_and(|name| self.source(name) == "bound") {
                types.extend(arg.child_by_field_name("value").map(|value| self.annotation(value, place)));
            }
        }
        types.retain(|&ty| ty != NO_STEP);
        types
    }

    /// The names of a list of literals; anything else makes the list one that cannot be known.
    pub(super) fn add_listed(&mut self, list: Node<'_>) {
        let mut todo = vec![list];
        while let Some(node) = todo.pop() {
            match node.kind() {
                "list" | "tuple" | "parenthesized_expression" | "expression_list" => todo.extend(children(node)),
                "binary_operator" => {
                    todo.extend(["left", "right"].into_iter().filter_map(|side| node.child_by_field_name(side)));
                }
                "string" => {
                    let content = children(node).into_iter().find(|child| child.kind() == "string_content");
                    let name = content.map_or(String::new(), |content| self.source(content).to_owned());
                    let name = self.text_id(&name);
                    self.facts.listed.get_or_insert_default().push(name);
                }
                _ => self.facts.is_open = true,
            }
        }
    }

    /// `__all__.extend([..])`, `__all__.append("a")`
    pub(super) fn extend_listed(&mut self, call: Node<'_>, place: &Around) {
        let Some(function) = call.child_by_field_name("function").filter(|_| place.scope == 0) else { return };
        let object = function.child_by_field_name("object").map_or("", |object| self.source(object));
        if object != "__all__" || !matches!(last_name(self.text, function), "extend" | "append") {
            return;
        }
        let args = call.child_by_field_name("arguments").map(children).unwrap_or_default();
        args.into_iter().for_each(|arg| self.add_listed(arg));
    }

    /// What decorators say of fixtures by their names: `usefixtures("a")` asks for some, `fixture(name="b")` is known by another one.
    pub(super) fn fixtures_by_name(&mut self, function: BindingId, decorators: &[Node<'_>], inside: &Around) {
        for &decorator in decorators {
            let args = decorator.child_by_field_name("arguments").map(children).unwrap_or_default();
            match last_name(self.text, decorator) {
                "usefixtures" => {
                    // Names of their own scope, which nothing in the body sees.
                    let scope = self.scope(Some(inside.scope), FactScopeKind::Block, Some(function));
                    let asking = Around { scope, ..inside.clone() };
                    for arg in args {
                        if let Some(name) = self.plain_text(arg) {
                            self.bind(name, BindingKind::Parameter, arg, &asking);
                        }
                    }
                }
                "fixture" => {
                    let is_name = |arg: &Node<'_>| {
                        arg.child_by_field_name("name").is_some_and(|name| self.source(name) == "name")
                    };
                    let named = args.into_iter().find(is_name).and_then(|arg| arg.child_by_field_name("value"));
                    if let Some(name) = named.and_then(|value| self.plain_text(value)) {
                        self.rename_fixture(function, name);
                    }
                }
                _ => {}
            }
        }
    }

    fn rename_fixture(&mut self, function: BindingId, name: TextId) {
        let Some(binding) = self.binding(function) else { return };
        let known_as = Binding { name, ..binding.clone() };
        binding.flags = Flags(binding.flags.0 & !Flags::FIXTURE.0);
        self.facts.bindings.push(known_as);
    }

    /// A literal without anything computed.
    fn plain_text(&mut self, node: Node<'_>) -> Option<TextId> {
        let content = children(node).into_iter().filter(|_| node.kind() == "string");
        let parts: Vec<Node<'_>> =
            content.filter(|part| !matches!(part.kind(), "string_start" | "string_end")).collect();
        match parts[..] {
            [content] if content.kind() == "string_content" => {
                let text = self.source(content);
                Some(self.text_id(text))
            }
            _ => None,
        }
    }

    /// Notes calls of which reading does not show what they depend on.
    pub(super) fn note_if_dynamic(&mut self, call: Node<'_>, function: Node<'_>) {
        let args = || call.child_by_field_name("arguments").map(children).unwrap_or_default();
        let is_dynamic = match last_name(self.text, function) {
            "import_module" | "__import__" | "exec" | "eval" => {
                function.kind() == "identifier" || self.source(function).starts_with("importlib.")
            }
            "getattr" | "setattr" | "delattr" if function.kind() == "identifier" => {
                args().get(1).is_some_and(|name| name.kind() != "string")
            }
            _ => false,
        };
        if is_dynamic {
            self.note_dynamic(call);
        }
    }
}
