//! Use trees, flattened: one leaf per name that comes into scope.

use crate::language::rust::tree::{Field, SyntaxNode};

use super::{OutlineWalk, named_children};
use crate::language::facts::{ImportName, NameId};

pub(super) struct Leaf<'t> {
    pub(super) node: SyntaxNode<'t>,
    pub(super) segments: Vec<NameId>,
    pub(super) name: ImportName,
}

/// Nesting of groups; the compiler's own formatting gives up far below.
const GROUP_DEPTH_MAX: usize = 64;

impl OutlineWalk<'_> {
    pub(super) fn use_leaves<'t>(&mut self, argument: SyntaxNode<'t>) -> Vec<Leaf<'t>> {
        let mut leaves = Vec::new();
        self.collect_leaves(argument, &[], GROUP_DEPTH_MAX, &mut leaves);
        leaves
    }

    fn collect_leaves<'t>(
        &mut self,
        node: SyntaxNode<'t>,
        prefix: &[NameId],
        depth: usize,
        leaves: &mut Vec<Leaf<'t>>,
    ) {
        let Some(depth) = depth.checked_sub(1) else { return };
        match node.kind() {
            "use_list" => {
                for child in named_children(node) {
                    self.collect_leaves(child, prefix, depth, leaves);
                }
            }
            "scoped_use_list" => {
                let prefix = self.joined(prefix, node, node.child_in(Field::Path));
                if let Some(list) = node.child_in(Field::List) {
                    self.collect_leaves(list, &prefix, depth, leaves);
                }
            }
            "use_as_clause" => {
                let mut segments = self.joined(prefix, node, node.child_in(Field::Path));
                self.drop_trailing_self(&mut segments);
                let alias = node.child_in(Field::Alias);
                let name = match alias.map(|alias| (self.text(alias), alias)) {
                    Some(("_", _)) | None => ImportName::Nameless,
                    Some((_, alias)) => ImportName::As(self.name_of(alias)),
                };
                leaves.push(Leaf { node, segments, name });
            }
            "use_wildcard" => {
                let segments = self.joined(prefix, node, node.first_named_child());
                leaves.push(Leaf { node, segments, name: ImportName::Glob });
            }
            "identifier" | "scoped_identifier" | "self" | "super" | "crate" => {
                let mut segments = self.joined(prefix, node, Some(node));
                self.drop_trailing_self(&mut segments);
                if let Some(&last) = segments.last() {
                    leaves.push(Leaf { node, segments, name: ImportName::As(last) });
                }
            }
            _ => {}
        }
    }

    /// `{self, ..}` names what stands before the braces.
    fn drop_trailing_self(&mut self, segments: &mut Vec<NameId>) {
        let last_is_self = segments.last().is_some_and(|&last| self.model.names[last as usize] == "self");
        if segments.len() > 1 && last_is_self {
            segments.pop();
        }
    }

    fn joined(&mut self, prefix: &[NameId], whole: SyntaxNode<'_>, path: Option<SyntaxNode<'_>>) -> Vec<NameId> {
        let mut segments = prefix.to_vec();
        match path {
            Some(path) => self.path_segments(path, &mut segments),
            // `use ::{a, b}` and `use {a, b}` have no path before the braces.
            None if prefix.is_empty() && self.text(whole).starts_with("::") => segments.push(self.name("")),
            None => {}
        }
        segments
    }

    /// Names of a path without generic arguments, in order. An absolute path begins with an empty name.
    pub(super) fn path_segments(&mut self, node: SyntaxNode<'_>, segments: &mut Vec<NameId>) {
        let mut reversed = Vec::new();
        let mut at = Some(node);
        while let Some(node) = at {
            at = match node.kind() {
                "scoped_identifier" | "scoped_type_identifier" => {
                    reversed.extend(node.child_in(Field::Name).map(|name| self.name_of(name)));
                    let path = node.child_in(Field::Path);
                    if path.is_none() {
                        reversed.push(self.name(""));
                    }
                    path
                }
                "generic_type" | "generic_type_with_turbofish" => node.child_in(Field::Type),
                "bracketed_type" => None,
                _ => {
                    reversed.push(self.name_of(node));
                    None
                }
            };
        }
        segments.extend(reversed.into_iter().rev());
    }
}
