//! Signatures: a declaration's tokens, spaced in one way, without what others cannot see.

use tree_sitter::Node;

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
pub(super) fn tokens(text: &str, node: Node<'_>, skip: &dyn Fn(Node<'_>) -> bool) -> String {
    let mut joined = Joined::default();
    let mut cursor = node.walk();
    loop {
        let here = cursor.node();
        let left_out = matches!(here.kind(), "line_comment" | "block_comment" | "attribute_item") || skip(here);
        if !left_out && !is_leaf(here) && cursor.goto_first_child() {
            continue;
        }
        if !left_out && is_leaf(here) {
            let in_tuple = here.kind() == "," && here.parent().is_some_and(|parent| parent.kind().starts_with("tuple"));
            joined.push(text.get(here.byte_range()).unwrap_or_default(), in_tuple);
        }
        loop {
            if cursor.node() == node {
                return joined.text;
            }
            if cursor.goto_next_sibling() {
                break;
            }
            if !cursor.goto_parent() {
                return joined.text;
            }
        }
    }
}

fn is_leaf(node: Node<'_>) -> bool {
    node.child_count() == 0
        || matches!(node.kind(), "string_literal" | "raw_string_literal" | "char_literal" | "lifetime")
}

/// The attributes' own tokens, sorted; a derive's traits are sorted among themselves.
pub(super) fn attributes(text: &str, attributes: &[Node<'_>]) -> String {
    let mut all: Vec<String> = attributes.iter().filter_map(|&node| attribute(text, node)).collect();
    all.sort();
    all.dedup();
    all.concat()
}

fn attribute(text: &str, node: Node<'_>) -> Option<String> {
    let inner = node.named_child(0)?;
    let path = text.get(inner.named_child(0)?.byte_range())?;
    if SILENT_ATTRIBUTES.contains(&path.split("::").next().unwrap_or(path)) {
        return None;
    }
    if path == "derive" {
        let arguments = tokens(text, inner.child_by_field_name("arguments")?, &|_| false);
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
