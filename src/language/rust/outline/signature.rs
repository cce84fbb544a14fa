//! Signatures: a declaration's tokens, spaced in one way, without what others cannot see.

use crate::language::rust::tree::{Field, SyntaxNode};

/// Attributes that say nothing to a user of the item: documentation, lints, hints to the compiler's back end and to tools.
const SILENT_ATTRIBUTES: &[&str] = &[
    "doc",
    "allow",
    "expect",
    "warn",
    "deny",
    "forbid",
    "inline",
    "cold",
    "rustfmt",
    "clippy",
    "track_caller",
    "coverage",
    "instrument",
    "optimize",
];

/// Tokens of `node` joined; nodes for which `skip` holds, comments and attributes are left out.
pub(super) fn tokens(text: &str, node: SyntaxNode<'_>, skip: &dyn Fn(SyntaxNode<'_>) -> bool) -> String {
    let mut joined = Joined::default();
    node.walk(|here| {
        let kind = here.kind();
        if matches!(kind, "line_comment" | "block_comment" | "attribute_item") || skip(here) {
            return false;
        }
        let is_leaf = is_leaf(here);
        if is_leaf {
            let in_tuple = kind == "," && here.parent().is_some_and(|parent| parent.kind().starts_with("tuple"));
            joined.push(text.get(here.byte_range()).unwrap_or_default(), in_tuple);
        }
        !is_leaf
    });
    joined.text
}

fn is_leaf(node: SyntaxNode<'_>) -> bool {
    node.is_leaf() || matches!(node.kind(), "string_literal" | "raw_string_literal" | "char_literal" | "lifetime")
}

/// The attributes' own tokens, sorted; a derive's traits are sorted among themselves.
pub(super) fn attributes(text: &str, attributes: &[SyntaxNode<'_>]) -> String {
    let mut all: Vec<String> = attributes.iter().filter_map(|&node| attribute(text, node)).collect();
    all.sort();
    all.dedup();
    all.concat()
}

fn attribute(text: &str, node: SyntaxNode<'_>) -> Option<String> {
    let inner = node.first_named_child()?;
    let path = text.get(inner.first_named_child()?.byte_range())?;
    if SILENT_ATTRIBUTES.contains(&path.split("::").next().unwrap_or(path)) {
        return None;
    }
    if path == "derive" {
        let arguments = tokens(text, inner.child_in(Field::Arguments)?, &|_| false);
        let mut traits: Vec<&str> = arguments.trim_matches(['(', ')']).split(',').map(str::trim).collect();
        traits.sort_unstable();
        return Some(format!("#[derive({})] ", traits.join(", ")));
    }
    Some(format!("#[{}] ", tokens(text, inner, &|_| false)))
}

/// Joins tokens with the spaces a reader expects, whatever stood between them.
#[derive(Default)]
struct Joined {
    text: String,
    /// The last token was a comma that means nothing before a closing bracket.
    loose_comma: bool,
}

impl Joined {
    fn push(&mut self, token: &str, comma_of_tuple: bool) {
        let closes = matches!(token, ")" | "]" | "}" | ">");
        if closes && self.loose_comma {
            self.text.pop();
        }
        if self.needs_space_before(token) {
            self.text.push(' ');
        }
        self.text.push_str(token);
        self.loose_comma = token == "," && !comma_of_tuple;
    }

    fn needs_space_before(&self, token: &str) -> bool {
        let (Some(last), Some(first)) = (self.text.chars().next_back(), token.chars().next()) else { return false };
        let word = |c: char| c.is_alphanumeric() || matches!(c, '_' | '"' | '\'');
        match token {
            "->" | "=>" | "=" | "{" | "+" | "|" => return true,
            "," | ";" | ":" | "::" | "." | ")" | "]" | ">" | "?" | "!" => return false,
            "}" => return last != '{',
            "(" | "<" | "[" => {
                return matches!(last, ',' | ';' | ':') && !self.text.ends_with("::") || self.ends_with_operator();
            }
            _ => {}
        }
        if self.text.ends_with("::") {
            return false;
        }
        match last {
            ',' | ';' | ':' | '=' | '+' | '}' | '{' | '|' => true,
            '>' => self.text.ends_with("->") || self.text.ends_with("=>") || word(first),
            ')' | ']' => word(first),
            _ => word(last) && word(first),
        }
    }

    fn ends_with_operator(&self) -> bool {
        self.text.ends_with("->") || self.text.ends_with("=>") || self.text.ends_with(['=', '+', '{', '}'])
    }
}
