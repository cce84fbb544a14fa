//! Function bodies of one file that are the same but for the names of their locals.

use std::borrow::Cow;
use std::collections::{HashMap, HashSet};

use tree_sitter::Node;

use super::smell::{Metric, Severity, Smell, SmellKind, noted};
use crate::domain::Hash;

/// Tokens that a body must have; default of jscpd's `minTokens`.
const FEWEST_TOKENS: usize = 50;

/// Lines of code that a function must have; default of jscpd's `minLines`.
pub const FEWEST_LINES: u32 = 5;

/// A body as it is compared.
pub struct ComparedBody<'a> {
    /// Of its function.
    pub name: &'a str,
    /// First and last line of its function, from 1.
    pub lines: (u32, u32),
    /// Without comments; each local is called by the number of its first mention.
    pub tokens: Vec<Cow<'a, str>>,
}

/// One smell for each body that an earlier one says already.
pub fn smells<'a>(bodies: impl Iterator<Item = ComparedBody<'a>>) -> Vec<Smell> {
    let mut first_with: HashMap<Hash, (&str, u32)> = HashMap::new();
    let mut smells = Vec::new();
    for body in bodies.filter(|body| body.tokens.len() >= FEWEST_TOKENS) {
        let hash = Hash::of_fields(body.tokens.iter().map(|token| token.as_bytes()));
        match first_with.get(&hash) {
            Some(&original) => smells.push(duplicate(&body, original)),
            None => {
                first_with.insert(hash, (body.name, body.lines.0));
            }
        }
    }
    smells
}

fn duplicate(body: &ComparedBody<'_>, (original, line): (&str, u32)) -> Smell {
    let message =
        format!("same body as `{original}` (line {line}) but for the names of locals; let one call the other");
    let value = u32::try_from(body.tokens.len()).unwrap_or(u32::MAX);
    let limit = u32::try_from(FEWEST_TOKENS - 1).unwrap_or(u32::MAX);
    Smell {
        metric: Some(Metric { value, limit }),
        ..noted(SmellKind::DuplicateBody, Severity::Warning, body.lines, Some(body.name), message)
    }
}

/// Gives each local the number of its first mention.
#[derive(Default)]
pub struct Numbered<'t> {
    numbers: HashMap<&'t str, usize>,
}

impl<'t> Numbered<'t> {
    /// The token that stands for a local.
    pub fn token(&mut self, local: &'t str) -> Cow<'t, str> {
        let next = self.numbers.len();
        Cow::Owned(format!("local {}", self.numbers.entry(local).or_insert(next)))
    }
}

/// What a language knows of the nodes of a function.
pub struct BodySyntax {
    /// A function or class that is compared by itself.
    pub is_apart: fn(Node<'_>) -> bool,
    /// An identifier that binds a local.
    pub binds: fn(Node<'_>) -> bool,
    /// An identifier that may mention a local: no member's name, no name of an argument.
    pub may_be_local: fn(Node<'_>) -> bool,
}

impl BodySyntax {
    /// The tokens of a function's body; `parameters` are searched for locals with it.
    pub fn tokens<'t>(&self, text: &'t str, parameters: &[Node<'t>], body: Node<'t>) -> Vec<Cow<'t, str>> {
        let source = |node: Node<'t>| text.get(node.byte_range()).unwrap_or_default();
        let mut locals = HashSet::new();
        for node in parameters.iter().copied().chain([body]) {
            self.visit(node, |leaf| {
                if leaf.kind() == "identifier" && (self.binds)(leaf) {
                    locals.insert(source(leaf));
                }
            });
        }
        let (mut numbered, mut tokens) = (Numbered::default(), Vec::new());
        self.visit(body, |leaf| {
            let token = source(leaf);
            let is_local = leaf.kind() == "identifier" && (self.may_be_local)(leaf) && locals.contains(token);
            if is_local {
                tokens.push(numbered.token(token));
            } else if !token.is_empty() {
                tokens.push(Cow::Borrowed(token));
            }
        });
        tokens
    }

    /// The leaves below a node, in their order, without comments and what is compared by itself.
    fn visit<'t>(&self, top: Node<'t>, mut leaf: impl FnMut(Node<'t>)) {
        let mut cursor = top.walk();
        loop {
            let node = cursor.node();
            let is_left_out = node.is_extra() || node != top && (self.is_apart)(node);
            if !is_left_out && cursor.goto_first_child() {
                continue;
            }
            if !is_left_out {
                leaf(node);
            }
            while !cursor.goto_next_sibling() {
                if !cursor.goto_parent() {
                    return;
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::{Language, Role};
    use crate::language::Parsed;

    /// Lines of the functions that repeat another.
    fn repeated(language: Language, text: &str) -> Vec<u32> {
        let parsed = Parsed::new(language, text);
        let code = (language.spec().code)(&parsed, Role::Library).unwrap();
        let found = code.smells.iter().filter(|smell| smell.kind == SmellKind::DuplicateBody);
        found.map(|smell| smell.start_line).collect()
    }

    const PYTHON: &str = "\
def first(items, limit=3):
    total = 0  # of all
    for number, item in enumerate(items):
        if item.size > limit and number < len(items):
            total += item.size * LIMIT
        with open(item.name, mode='r') as file:
            total += sum(len(line) for line in file)
    return total, limit
";

    #[test]
    fn bodies_are_the_same_whatever_their_locals_are_called() {
        let renamed = PYTHON.replace("total", "count").replace("item", "one").replace("# of all", "# other");
        let same = renamed.replace("first", "second").replace("line", "row").replace("limit", "most");
        assert_eq!(repeated(Language::PYTHON, &format!("{PYTHON}\n{same}")), [10]);
        // A member, an argument's name or a global is no local, and another order of locals is another body.
        for (from, to) in [
            (".size", ".length"),
            ("mode=", "kind="),
            ("LIMIT", "OTHER"),
            ("return total, limit", "return limit, total"),
        ] {
            let other = PYTHON.replace("first", "second").replace(from, to);
            assert_eq!(repeated(Language::PYTHON, &format!("{PYTHON}\n{other}")), [0; 0], "{from} is {to}");
        }
        let short = "def f(a):\n    return a\n";
        assert_eq!(repeated(Language::PYTHON, &format!("{short}\n{}", short.replace('f', "g"))), [0; 0]);
    }

    #[test]
    fn scripts_are_compared_likewise() {
        let script = "\
function first(items: Item[], { limit = 3 }: Options): number {
  let total = 0
  for (const [number, item] of items.entries()) {
    if (item.size > limit && number < items.length) total += item.size * LIMIT
    try { total += item.lines.map(line => line.length).reduce(sum, 0) } catch (error) { report(error) }
  }
  return total + limit
}
";
        let same =
            script.replace("first", "second").replace("total", "count").replace("item", "one").replace("line", "row");
        // `lines` is a member: what was renamed with the local makes another body.
        assert_eq!(repeated(Language::TYPE_SCRIPT, &format!("{script}\n{same}")), [0; 0]);
        let same = same.replace(".rows", ".lines");
        assert_eq!(repeated(Language::TYPE_SCRIPT, &format!("{script}\n{same}")), [10]);
        let method = format!(
            "const second = (items: Item[], {{ limit = 3 }}: Options): number => {}",
            &script[script.find("{\n").unwrap()..]
        );
        assert_eq!(repeated(Language::TYPE_SCRIPT, &format!("{script}\n{method}")), [10]);
        let other = script.replace("first", "second").replace("LIMIT", "limit");
        assert_eq!(repeated(Language::TYPE_SCRIPT, &format!("{script}\n{other}")), [0; 0]);
    }
}
