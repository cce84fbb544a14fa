//! What attributes name: derives, other macros, and what stands in their arguments.

use crate::language::rust::tree::{Field, SyntaxNode};

use super::item::Before;
use super::{OutlineWalk, line_of, named_children};
use crate::language::facts::{ImportName, NameId, Space};

/// Attributes whose arguments name nothing that a file defines.
const PLAIN_ATTRIBUTES: &[&str] = &[
    "cfg",
    "cfg_attr",
    "allow",
    "expect",
    "warn",
    "deny",
    "forbid",
    "doc",
    "repr",
    "must_use",
    "inline",
    "deprecated",
    "path",
    "test",
];

/// Derives that add impls and no names (std, serde, clap, thiserror, derive_more). Others may declare more items.
const NAMELESS_DERIVES: &[&str] = &[
    "Args",
    "Clone",
    "Copy",
    "Debug",
    "Default",
    "Deref",
    "DerefMut",
    "Deserialize",
    "Display",
    "Eq",
    "Error",
    "From",
    "FromStr",
    "Hash",
    "Into",
    "JsonSchema",
    "Ord",
    "Parser",
    "PartialEq",
    "PartialOrd",
    "Serialize",
    "Subcommand",
    "ValueEnum",
];

/// Keys whose text is a path: those of serde (field and container attributes) and of crates that follow it.
const PATH_KEYS: &[&str] = &[
    "crate",
    "default",
    "deserialize_with",
    "from",
    "getter",
    "into",
    "remote",
    "serialize_with",
    "skip_serializing_if",
    "try_from",
    "with",
];

impl<'s> OutlineWalk<'s> {
    /// `#[derive(A, B)]` names macros; the arguments of other attributes are read as expressions.
    pub(super) fn attribute_arguments(&mut self, node: SyntaxNode<'_>) {
        let Some(inner) = node.first_named_child().filter(|inner| inner.kind() == "attribute") else { return };
        let Some(path) = inner.first_named_child() else { return };
        let name = self.text(path);
        // `#[doc = include_str!(..)]`
        if let Some(value) = inner.child_in(Field::Value).filter(|value| value.kind() == "macro_invocation") {
            self.in_body(|walk| {
                walk.macro_call(value);
            });
        }
        let arguments = inner.child_in(Field::Arguments);
        match (name, arguments) {
            ("derive", Some(arguments)) => self.derives(arguments),
            ("cfg_attr", Some(arguments)) => self.conditional_attributes(arguments),
            (name, _) if PLAIN_ATTRIBUTES.contains(&name) => {}
            (_, None) => {
                self.path(path, Space::Macro);
            }
            (name, Some(arguments)) => {
                // Most names here are a derive's own (`#[serde(..)]`) and no macro's.
                if name.contains("::") || self.is_imported(name) {
                    self.path(path, Space::Macro);
                }
                self.quoted_paths(arguments);
                self.in_body(|walk| {
                    walk.reread(arguments);
                });
            }
        }
    }

    fn is_imported(&self, name: &str) -> bool {
        let is_name = |id: NameId| self.model.names.get(id as usize).is_some_and(|text| text == name);
        self.model.imports.iter().any(|import| matches!(import.name, ImportName::As(id) if is_name(id)))
    }

    /// `#[cfg_attr(condition, derive(A), other(..))]`
    fn conditional_attributes(&mut self, arguments: SyntaxNode<'_>) {
        let tokens = named_children(arguments);
        for pair in tokens.windows(2) {
            let [name, list] = pair else { continue };
            match (self.text(*name), list.kind()) {
                ("derive", "token_tree") => self.derives(*list),
                ("serde", "token_tree") => self.quoted_paths(*list),
                _ => {}
            }
        }
    }

    /// `key = "path"`, for keys whose text is one.
    fn quoted_paths(&mut self, arguments: SyntaxNode<'_>) {
        let tokens = named_children(arguments);
        for pair in tokens.windows(2) {
            let [key, value] = pair else { continue };
            if value.kind() != "string_literal" || !PATH_KEYS.contains(&self.text(*key)) {
                continue;
            }
            let written = self.text(*value).trim_matches('"');
            let is_name = |name: &str| !name.is_empty() && name.chars().all(|c| c.is_alphanumeric() || c == '_');
            if written.split("::").all(is_name) {
                let segments = written.split("::").map(|name| self.name(name)).collect();
                self.push_path(segments, Space::Any, line_of(*value));
            }
        }
    }

    /// The macro that a function is, by `#[proc_macro]`, `#[proc_macro_attribute]` or `#[proc_macro_derive(Name)]`.
    pub(super) fn proc_macro_name(&self, function: &'s str, before: &Before<'_>) -> Option<&'s str> {
        before.attributes.iter().find_map(|&attribute| {
            let inner = attribute.first_named_child()?;
            match self.text(inner.first_named_child()?) {
                "proc_macro" | "proc_macro_attribute" => Some(function),
                "proc_macro_derive" => {
                    let name = inner.child_in(Field::Arguments)?.first_named_child()?;
                    Some(self.text(name))
                }
                _ => None,
            }
        })
    }

    fn derives(&mut self, arguments: SyntaxNode<'_>) {
        let mut segments = Vec::new();
        for token in arguments.children() {
            match token.kind() {
                "identifier" | "crate" | "self" | "super" => segments.push(self.name_of(token)),
                "::" => {}
                _ if segments.is_empty() => {}
                _ => {
                    let last = segments.last().and_then(|&last: &NameId| self.model.names.get(last as usize));
                    if last.is_some_and(|last| !NAMELESS_DERIVES.contains(&last.as_str())) {
                        self.model.item_macros.push(self.scope);
                    }
                    self.push_path(std::mem::take(&mut segments), Space::Macro, line_of(token));
                }
            }
        }
    }
}
