//! Patterns: which variables they bind, which types they take apart.

use crate::language::rust::tree::{Field, SyntaxNode};

use super::{OutlineWalk, line_of, named_children, pattern_children};
use crate::language::facts::{ChainStep, FieldPattern, How, Pattern, PatternId, Space, TypeId, Value};

impl OutlineWalk<'_> {
    /// Binds the variables of a pattern to a value and, where it is written, a type.
    pub(super) fn bind(&mut self, pattern: SyntaxNode<'_>, value: Value, ty: Option<TypeId>) {
        self.bind_how(pattern, value, ty, How::Same);
    }

    pub(super) fn bind_how(&mut self, pattern: SyntaxNode<'_>, value: Value, ty: Option<TypeId>, how: How) {
        let pattern = self.pattern(pattern);
        self.push_step(ChainStep::Bind { pattern, value, ty, how });
    }

    fn pattern(&mut self, node: SyntaxNode<'_>) -> PatternId {
        let pattern = self.deeper(|walk| walk.pattern_of_kind(node)).unwrap_or(Pattern::Other);
        self.push_pattern(pattern)
    }

    fn patterns(&mut self, node: SyntaxNode<'_>, skip: Option<SyntaxNode<'_>>) -> Vec<PatternId> {
        let parts = pattern_children(node).into_iter();
        let parts =
            parts.filter(|child| Some(*child) != skip && !child.is_extra() && child.kind() != "mutable_specifier");
        parts.map(|child| self.pattern(child)).collect()
    }

    fn pattern_of_kind(&mut self, node: SyntaxNode<'_>) -> Pattern {
        match node.kind() {
            "identifier" => self.name_pattern(node),
            "scoped_identifier" | "generic_pattern" => {
                let path =
                    if node.kind() == "generic_pattern" { node.first_named_child().unwrap_or(node) } else { node };
                Pattern::Variant(self.path(path, Space::Value), Vec::new())
            }
            "tuple_struct_pattern" => {
                let Some(ty) = node.child_in(Field::Type) else { return Pattern::Other };
                let path = self.path(ty, Space::Value);
                Pattern::Variant(path, self.patterns(node, Some(ty)))
            }
            "struct_pattern" => self.struct_pattern(node),
            "tuple_pattern" => Pattern::Tuple(self.patterns(node, None)),
            "slice_pattern" => Pattern::Slice(self.patterns(node, None)),
            "or_pattern" => Pattern::Or(self.patterns(node, None)),
            "ref_pattern" | "reference_pattern" | "mut_pattern" | "match_pattern" | "parenthesized_pattern" => {
                Pattern::Or(self.patterns(node, None))
            }
            "captured_pattern" => {
                let mut parts = named_children(node).into_iter();
                let name = parts.next().map(|name| self.name_of(name));
                let inner = parts.next().map(|inner| self.pattern(inner));
                match name {
                    Some(name) => Pattern::Bind(self.declare_local(name), inner),
                    None => Pattern::Other,
                }
            }
            "remaining_field_pattern" => Pattern::Rest,
            "range_pattern" => {
                for end in named_children(node) {
                    if matches!(end.kind(), "identifier" | "scoped_identifier") {
                        self.path(end, Space::Value);
                    }
                }
                Pattern::Other
            }
            "macro_invocation" => {
                self.macro_call(node);
                Pattern::Other
            }
            _ => Pattern::Other,
        }
    }

    /// A name alone binds a variable, unless it is a constant or variant; those begin with a capital by convention that the
    /// compiler warns about.
    fn name_pattern(&mut self, node: SyntaxNode<'_>) -> Pattern {
        let text = self.text(node);
        if text.starts_with(|c: char| c.is_uppercase()) {
            return Pattern::Variant(self.path(node, Space::Value), Vec::new());
        }
        let name = self.name(text);
        Pattern::Bind(self.declare_local(name), None)
    }

    fn struct_pattern(&mut self, node: SyntaxNode<'_>) -> Pattern {
        let Some(ty) = node.child_in(Field::Type) else { return Pattern::Other };
        let path = self.path(ty, Space::Type);
        let mut fields = Vec::new();
        for child in named_children(node) {
            if child.kind() != "field_pattern" {
                continue;
            }
            let Some(name) = child.child_in(Field::Name) else { continue };
            let line = line_of(name);
            let name_id = self.name_of(name);
            let pattern = match child.child_in(Field::Pattern) {
                Some(inner) => self.pattern(inner),
                None => {
                    let slot = self.declare_local(name_id);
                    self.push_pattern(Pattern::Bind(slot, None))
                }
            };
            fields.push(FieldPattern { name: name_id, line, pattern });
        }
        Pattern::Struct(path, fields)
    }
}
