//! Signatures: what a Java declaration says to its users, in one spacing. Names of parameters say nothing to them; the value of a constant
//! does, for compilers copy it.

use tree_sitter::Node;

use super::lower::is_of_object;
use super::walk::{self, JavaItem, JavaKind};

/// Annotations that only compilers read where they stand.
const OWN_ANNOTATIONS: &[&str] = &["Override", "SuppressWarnings", "SafeVarargs"];

pub(super) fn of(text: &str, found: &JavaItem<'_>) -> String {
    let mut written = Spaced { text, joined: String::new() };
    written.modifiers(found.whole);
    let node = found.node;
    match found.kind {
        JavaKind::Class | JavaKind::Record => written.head(found),
        JavaKind::Interface | JavaKind::Annotation => {
            written.head(found);
            written.asked(found);
        }
        JavaKind::Enum => {
            written.head(found);
            written.constants(node);
        }
        JavaKind::EnumConstant => written.field(node, "name"),
        JavaKind::Method | JavaKind::Constructor => written.function(node),
        JavaKind::Element => {
            written.element(node);
            if let Some(value) = node.child_by_field_name("value") {
                written.push(" default ");
                written.node(value);
            }
        }
        JavaKind::Component => written.parameter(node, true),
        JavaKind::Field | JavaKind::Constant => written.variable(found),
    }
    written.joined
}

/// Collects tokens in one spacing, without comments.
struct Spaced<'s> {
    text: &'s str,
    joined: String,
}

impl Spaced<'_> {
    fn modifiers(&mut self, whole: Node<'_>) {
        let Some(modifiers) = walk::modifiers(whole) else { return };
        let mut cursor = modifiers.walk();
        let mut words: Vec<&str> = Vec::new();
        for child in modifiers.children(&mut cursor) {
            if child.is_named() {
                let name = child.child_by_field_name("name").and_then(|name| self.text.get(name.byte_range()));
                if name.is_some_and(|name| !OWN_ANNOTATIONS.contains(&name)) {
                    self.node(child);
                }
            } else {
                words.extend(self.text.get(child.byte_range()));
            }
        }
        words.sort_unstable_by_key(|word| (place_of(word), *word));
        words.into_iter().for_each(|word| self.push(word));
    }

    /// All of a type's declaration but its body.
    fn head(&mut self, found: &JavaItem<'_>) {
        let mut cursor = found.node.walk();
        for child in found.node.children(&mut cursor) {
            match child.kind() {
                "modifiers" => {}
                "formal_parameters" => self.parameters(child, true),
                kind if kind.ends_with("_body") => {}
                _ => self.node(child),
            }
        }
    }

    /// What those say who write no name of it: a lambda has to be the one method of an interface that has no body, an annotation has to give
    /// the elements without a default.
    fn asked(&mut self, found: &JavaItem<'_>) {
        let Some(body) = found.node.child_by_field_name("body") else { return };
        let mut cursor = body.walk();
        let mut shown: Vec<String> =
            body.named_children(&mut cursor).filter_map(|one| self.asked_member(one)).collect();
        if shown.is_empty() || found.kind == JavaKind::Interface && shown.len() > 1 {
            return;
        }
        shown.sort();
        self.joined.push_str(&format!(" {{{}}}", shown.join("; ")));
    }

    fn asked_member(&self, member: Node<'_>) -> Option<String> {
        let mut written = Spaced { text: self.text, joined: String::new() };
        let name = member.child_by_field_name("name").and_then(|name| self.text.get(name.byte_range()));
        match member.kind() {
            "method_declaration" => {
                let is_asked = member.child_by_field_name("body").is_none() && !name.is_some_and(is_of_object);
                is_asked.then(|| written.function(member))?;
            }
            "annotation_type_element_declaration" => {
                member.child_by_field_name("value").is_none().then(|| written.element(member))?;
            }
            _ => return None,
        }
        Some(written.joined)
    }

    fn element(&mut self, node: Node<'_>) {
        self.field(node, "type");
        self.field(node, "name");
        self.push("()");
    }

    fn constants(&mut self, node: Node<'_>) {
        let Some(body) = node.child_by_field_name("body") else { return };
        let mut cursor = body.walk();
        let constants = body.named_children(&mut cursor).filter(|child| child.kind() == "enum_constant");
        self.push(" {");
        for (at, constant) in constants.enumerate() {
            self.push(if at > 0 { ", " } else { "" });
            self.field(constant, "name");
        }
        self.push("}");
    }

    fn function(&mut self, node: Node<'_>) {
        let mut cursor = node.walk();
        for child in node.children(&mut cursor) {
            match child.kind() {
                "modifiers" | "block" | "constructor_body" | ";" => {}
                "formal_parameters" => self.parameters(child, false),
                "type_parameters" if !self.joined.is_empty() => {
                    self.push(" ");
                    self.node(child);
                }
                _ => self.node(child),
            }
        }
    }

    fn parameters(&mut self, list: Node<'_>, is_named: bool) {
        self.push("(");
        let mut cursor = list.walk();
        let params = list.named_children(&mut cursor);
        let params = params.filter(|param| matches!(param.kind(), "formal_parameter" | "spread_parameter"));
        for (at, param) in params.enumerate() {
            self.push(if at > 0 { ", " } else { "" });
            self.parameter(param, is_named);
        }
        self.push(")");
    }

    fn parameter(&mut self, param: Node<'_>, is_named: bool) {
        let mut cursor = param.walk();
        for child in param.children(&mut cursor) {
            match child.kind() {
                "modifiers" => self.annotations_of(child),
                "variable_declarator" | "identifier" if !is_named => {}
                _ => self.node(child),
            }
        }
    }

    /// `final` says nothing to callers.
    fn annotations_of(&mut self, modifiers: Node<'_>) {
        let mut cursor = modifiers.walk();
        modifiers.named_children(&mut cursor).for_each(|child| self.node(child));
    }

    /// Its type and name; of a constant its value, too.
    fn variable(&mut self, found: &JavaItem<'_>) {
        self.field(found.whole, "type");
        self.field(found.node, "name");
        self.field(found.node, "dimensions");
        let is_final =
            found.kind == JavaKind::Constant || walk::modifier_words(self.text, found.whole).contains(&"final");
        let ty = found.whole.child_by_field_name("type");
        let ty = ty.and_then(|ty| self.text.get(ty.byte_range())).unwrap_or_default();
        let is_plain =
            matches!(ty, "byte" | "short" | "int" | "long" | "char" | "float" | "double" | "boolean" | "String");
        let value = found.node.child_by_field_name("value").filter(|&value| is_final && is_plain && is_constant(value));
        if let Some(value) = value {
            self.push(" = ");
            self.node(value);
        }
    }

    fn field(&mut self, node: Node<'_>, field: &str) {
        if let Some(child) = node.child_by_field_name(field) {
            self.node(child);
        }
    }

    /// The tokens of a node.
    fn node(&mut self, node: Node<'_>) {
        let mut cursor = node.walk();
        loop {
            let node = cursor.node();
            let is_skipped = matches!(node.kind(), "line_comment" | "block_comment");
            let is_whole = node.child_count() == 0 || node.kind() == "string_literal";
            if is_whole && !is_skipped {
                self.push(self.text.get(node.byte_range()).unwrap_or_default());
            }
            if !is_whole && !is_skipped && cursor.goto_first_child() {
                continue;
            }
            while !cursor.goto_next_sibling() {
                if !cursor.goto_parent() {
                    return;
                }
            }
        }
    }

    fn push(&mut self, token: &str) {
        let is_word = |c: char| c.is_alphanumeric() || matches!(c, '_' | '$' | '"' | '\'' | '@');
        let ends = |c: char| c != '@' && (is_word(c) || matches!(c, '>' | ']' | ')' | '?' | '.'));
        let is_dotted = self.joined.ends_with('.') && !self.joined.ends_with("...");
        let touches = self.joined.ends_with(ends) && !is_dotted && token.starts_with(is_word);
        let is_listed = self.joined.ends_with(',') && !token.is_empty() && !token.starts_with(' ');
        if touches || is_listed {
            self.joined.push(' ');
        }
        self.joined.push_str(if token == "&" { " & " } else { token });
    }
}

/// The order in which the language's specification lists modifiers.
fn place_of(word: &str) -> usize {
    const ORDER: &[&str] =
        &["public", "protected", "private", "abstract", "default", "static", "sealed", "non-sealed", "final"];
    ORDER.iter().position(|known| *known == word).unwrap_or(ORDER.len())
}

/// Whether an initializer is a constant expression, as far as its syntax says: literals, names, operators.
fn is_constant(value: Node<'_>) -> bool {
    let mut cursor = value.walk();
    loop {
        let node = cursor.node();
        let kind = node.kind();
        let is_part = !node.is_named()
            || kind.ends_with("_literal")
            || matches!(
                kind,
                "true"
                    | "false"
                    | "identifier"
                    | "field_access"
                    | "binary_expression"
                    | "unary_expression"
                    | "ternary_expression"
                    | "parenthesized_expression"
                    | "cast_expression"
                    | "integral_type"
                    | "floating_point_type"
                    | "boolean_type"
                    | "type_identifier"
                    | "string_fragment"
                    | "multiline_string_fragment"
                    | "escape_sequence"
                    | "line_comment"
                    | "block_comment"
            );
        if !is_part || kind == "null_literal" {
            return false;
        }
        if cursor.goto_first_child() {
            continue;
        }
        loop {
            if cursor.node().id() == value.id() {
                return true;
            }
            if cursor.goto_next_sibling() {
                break;
            }
            if !cursor.goto_parent() {
                return true;
            }
        }
    }
}
