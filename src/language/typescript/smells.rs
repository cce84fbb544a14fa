//! What readers of scripts object to: types that check nothing, chains of assertions, imports that nothing uses.

use std::collections::{BTreeMap, HashSet};

use tree_sitter::Node;

use super::outline::{last_line, line};
use super::source::Script;
use super::walk::{Declared, DeclaredKind, children, of};
use crate::domain::Role;
use crate::language::smell::{Severity, Smell, SmellKind, list_lines, noted, plural};
use crate::language::syntax;

/// Assertions in one chain of members from which on it is reported.
const ASSERTIONS_IN_A_CHAIN: u32 = 2;

pub(super) fn smells(text: &str, script: &Script<'_>, declared: &[Declared<'_>], role: Role) -> Vec<Smell> {
    let mut found = ScriptFindings::default();
    let mut walk = SmellWalk { text, found: &mut found };
    for statement in script.statements() {
        walk.statement(statement);
    }
    let tests: Vec<_> = declared.iter().filter(|one| one.is_test).map(|one| one.node.byte_range()).collect();
    found.any.retain(|node| !tests.iter().any(|test| test.contains(&node.start_byte())));
    let mut smells = Vec::new();
    // A test may put anything in the place of a value, and fails where an assertion is wrong.
    if !matches!(role, Role::Test | Role::Bench) {
        smells.extend(explicit_any(declared, &found.any));
        smells.extend(found.chains.iter().map(|&(node, count)| chain(declared, node, count)));
    }
    smells.extend(unused_imports(text, script, &found));
    smells
}

#[derive(Default)]
struct ScriptFindings<'t> {
    any: Vec<Node<'t>>,
    /// The outermost assertion of a chain, and how many it has.
    chains: Vec<(Node<'t>, u32)>,
    used: HashSet<&'t str>,
    has_jsx: bool,
}

struct SmellWalk<'s, 'f, 't> {
    text: &'t str,
    found: &'f mut ScriptFindings<'s>,
}

impl<'s> SmellWalk<'s, '_, 's> {
    fn statement(&mut self, statement: Node<'s>) {
        if statement.kind() == "import_statement" {
            return;
        }
        syntax::walk(statement, |node| {
            self.node(node);
            node.kind() == "comment"
        });
    }

    fn node(&mut self, node: Node<'s>) {
        match node.kind() {
            "predefined_type" if of(self.text, node) == "any" && !is_idiom(node) => self.found.any.push(node),
            "non_null_expression" if !is_inside_chain(node) => {
                let count = assertions(node);
                if count >= ASSERTIONS_IN_A_CHAIN {
                    self.found.chains.push((node, count));
                }
            }
            "identifier" | "type_identifier" | "shorthand_property_identifier" => {
                self.found.used.insert(of(self.text, node));
            }
            "jsx_element" | "jsx_self_closing_element" => self.found.has_jsx = true,
            _ => {}
        }
    }
}

/// `keyof any` is the type of keys, and `T extends any ? .. : ..` goes through a union: neither lets anything through unchecked.
fn is_idiom(any: Node<'_>) -> bool {
    any.parent().is_some_and(|parent| match parent.kind() {
        "index_type_query" => true,
        "conditional_type" => parent.child_by_field_name("right") == Some(any),
        _ => false,
    })
}

/// Whether another assertion ends the chain that this one is part of.
fn is_inside_chain(node: Node<'_>) -> bool {
    let mut at = node;
    while let Some(parent) = at.parent() {
        match parent.kind() {
            "non_null_expression" => return true,
            "member_expression" | "subscript_expression" | "call_expression" if parent.named_child(0) == Some(at) => {
                at = parent
            }
            _ => return false,
        }
    }
    false
}

fn assertions(node: Node<'_>) -> u32 {
    let mut count = 0;
    let mut at = Some(node);
    while let Some(node) = at {
        count += u32::from(node.kind() == "non_null_expression");
        at = node.named_child(0).filter(|inner| {
            matches!(
                inner.kind(),
                "non_null_expression" | "member_expression" | "subscript_expression" | "call_expression"
            )
        });
    }
    count
}

/// The innermost item around a node.
fn item_around<'d>(declared: &'d [Declared<'_>], node: Node<'_>) -> Option<&'d str> {
    let around = declared.iter().filter(|one| {
        !matches!(one.kind, DeclaredKind::Anonymous) && one.node.byte_range().contains(&node.start_byte())
    });
    around.min_by_key(|one| one.node.byte_range().len()).map(|one| one.name.as_str())
}

/// One smell for each item that writes `any`.
fn explicit_any(declared: &[Declared<'_>], found: &[Node<'_>]) -> Vec<Smell> {
    let mut by_item: BTreeMap<Option<&str>, Vec<u32>> = BTreeMap::new();
    for &node in found {
        by_item.entry(item_around(declared, node)).or_default().push(line(node.start_position().row));
    }
    let smell = |(item, mut lines): (Option<&str>, Vec<u32>)| {
        let count = lines.len();
        lines.dedup();
        let span = (lines[0], lines[lines.len() - 1]);
        let times = plural(count, "explicit `any`").replace("`any`s", "`any`");
        let message = format!("{times}: nothing is checked there ({})", list_lines(&lines));
        noted(SmellKind::ExplicitAny, Severity::Info, span, item, message)
    };
    let mut smells: Vec<Smell> = by_item.into_iter().map(smell).collect();
    smells.sort_by_key(|smell| smell.start_line);
    smells
}

fn chain(declared: &[Declared<'_>], node: Node<'_>, count: u32) -> Smell {
    let lines = (line(node.start_position().row), last_line(node));
    let message = format!("{count} non-null assertions in one chain: the first that is wrong throws");
    noted(SmellKind::NonNullAssertions, Severity::Warning, lines, item_around(declared, node), message)
}

/// Names that are imported and that nothing in the file writes. Documentation may name them, JSX uses `React` unseen.
fn unused_imports(text: &str, script: &Script<'_>, found: &ScriptFindings<'_>) -> Vec<Smell> {
    let mut smells = Vec::new();
    let markup = script.markup();
    for statement in script.statements().into_iter().filter(|node| node.kind() == "import_statement") {
        for name in imported_names(statement) {
            let written = of(text, name);
            let is_implied = found.has_jsx && matches!(written, "React" | "h" | "jsx" | "Fragment");
            let is_used = found.used.contains(written) || markup.iter().any(|markup| markup_uses(markup, written));
            if is_used || is_implied || is_in_comment(script, written) {
                continue;
            }
            let lines = (line(name.start_position().row), line(name.end_position().row));
            let message = format!("`{written}` is imported and not used");
            smells.push(noted(SmellKind::UnusedImport, Severity::Warning, lines, None, message));
        }
    }
    smells
}

/// Whether the markup of a page writes a name, or a component's name in the way of tags: `HeaderBar` as `<header-bar>`.
fn markup_uses(markup: &str, name: &str) -> bool {
    let mut tag = String::new();
    for letter in name.chars() {
        if letter.is_ascii_uppercase() && !tag.is_empty() {
            tag.push('-');
        }
        tag.push(letter.to_ascii_lowercase());
    }
    let is_written = |name: &str, is_part: fn(char) -> bool| {
        markup.match_indices(name).any(|(at, _)| {
            let (before, after) = (&markup[..at], &markup[at + name.len()..]);
            !before.ends_with(is_part) && !after.starts_with(is_part)
        })
    };
    is_written(name, |c| c.is_alphanumeric() || c == '_')
        || is_written(&tag, |c| c.is_alphanumeric() || "_-".contains(c))
}

/// The names that an import statement declares.
pub(super) fn imported_names(statement: Node<'_>) -> Vec<Node<'_>> {
    let mut names = Vec::new();
    for clause in children(statement) {
        match clause.kind() {
            "import_clause" => {
                for part in children(clause) {
                    match part.kind() {
                        "identifier" => names.push(part),
                        "namespace_import" => names.extend(part.named_child(0)),
                        "named_imports" => {
                            let specifiers = children(part).filter(|one| one.kind() == "import_specifier");
                            names.extend(specifiers.filter_map(|one| {
                                one.child_by_field_name("alias").or_else(|| one.child_by_field_name("name"))
                            }));
                        }
                        _ => {}
                    }
                }
            }
            "import_require_clause" => names.extend(clause.named_child(0)),
            _ => {}
        }
    }
    names
}

fn is_in_comment(script: &Script<'_>, name: &str) -> bool {
    let text = script.text;
    text.match_indices(name).any(|(at, _)| {
        let before = &text[..at];
        let line_start = before.rfind('\n').map_or(0, |end| end + 1);
        let line = before[line_start..].trim_start();
        line.starts_with('*') || line.starts_with("//") || line.starts_with("/*")
    })
}

#[cfg(test)]
mod tests {
    use crate::domain::{Language, Role};
    use crate::language::Parsed;
    use crate::language::smell::SmellKind;

    fn found(text: &str) -> Vec<(SmellKind, u32, String)> {
        let parsed = Parsed::new(Language::TYPE_SCRIPT, text);
        let code = (Language::TYPE_SCRIPT.spec().code)(&parsed, Role::Library).unwrap();
        code.smells.into_iter().map(|smell| (smell.kind, smell.start_line, smell.item.unwrap_or_default())).collect()
    }

    #[test]
    fn any_is_reported_once_for_each_item() {
        let text =
            "function f(a: any): any { return a as any }\nlet any = 1, b: string = 'any'\nclass A { b?: any[] }\n";
        let kind = SmellKind::ExplicitAny;
        assert_eq!(found(text), [(kind, 1, "f".to_owned()), (kind, 3, "A.b".to_owned())]);
        assert_eq!(found("test('x', () => { let a: any })"), []);
        assert_eq!(found("type Keys = keyof any\ntype Each<T> = T extends any ? T[] : never\n"), []);
        assert_eq!(found("type Loose<T> = T extends string ? any : never\n"), [(kind, 1, "Loose".to_owned())]);
    }

    #[test]
    fn chains_of_assertions_are_reported_single_ones_not() {
        let text = "a!.b!.c();\na!.b;\nf(a!, b!);\n(a.b!)[0]!.c!.d = 1;\n";
        let lines: Vec<u32> = found(text).into_iter().map(|(_, line, _)| line).collect();
        assert_eq!(lines, [1, 4]);
    }

    #[test]
    fn an_import_that_the_markup_uses_is_used() {
        let page = |path: &str, markup: &str| {
            let language = crate::language::of(&path.into());
            let text = format!(
                "<script setup>\nimport HeaderBar from './HeaderBar.vue'\nimport {{ total }} from './a'\n</script>\n{markup}\n"
            );
            let parsed = Parsed::new(language, &text);
            let code = (language.spec().code)(&parsed, Role::Library).unwrap();
            code.smells.into_iter().map(|smell| smell.start_line).collect::<Vec<_>>()
        };
        for markup in [
            "<template><HeaderBar :a='total + 1'/></template>",
            "<header-bar/>{{total}}",
            "<HeaderBar>{$total}</HeaderBar>",
        ] {
            assert_eq!(page("Page.vue", markup), [0_u32; 0], "{markup}");
            assert_eq!(page("Page.svelte", markup), [0_u32; 0], "{markup}");
        }
        assert_eq!(page("Page.vue", "<template><HeaderBars a='subtotal'/></template>"), [2, 3]);
        assert_eq!(page("Page.svelte", "<my-header-bar/>"), [2, 3]);
    }

    #[test]
    fn imports_that_nothing_writes_are_reported() {
        let text = "import a, { b, c as d, type T } from 'x'\nimport * as e from 'y'\nimport { f } from 'z'\nimport 'w'\nimport React from 'r'\n/** {@link f} */\nlet x: T = b(<any>d)\n";
        let messages: Vec<u32> =
            found(text).into_iter().filter(|one| one.0 == SmellKind::UnusedImport).map(|one| one.1).collect();
        assert_eq!(messages, [1, 2, 5]);
    }
}
