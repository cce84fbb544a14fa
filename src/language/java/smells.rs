//! What readers of Java object to. Few rules, each one that a reader would agree with where it strikes.

use std::collections::HashSet;

use tree_sitter::Node;

use super::outline::{last_line, line};
use super::walk::{self, JavaItem};
use crate::domain::Role;
use crate::language::smell::{Severity, Smell, SmellKind, noted};
use crate::language::syntax::{self, holds};

/// Annotations that say that a tool wrote the type.
const GENERATED: &str = "Generated";

pub(super) fn find(text: &str, root: Node<'_>, found: &[JavaItem<'_>], role: Role) -> Vec<Smell> {
    if found.iter().any(|one| one.kind.is_type() && walk::annotations(text, one.whole).any(|name| name == GENERATED)) {
        return Vec::new();
    }
    let mut search = JavaSmells { text, found, role, smells: Vec::new(), imports: Vec::new(), used: HashSet::new() };
    syntax::walk(root, |node| search.visit(node));
    search.unused_imports();
    search.smells
}

struct JavaSmells<'s, 'f> {
    text: &'s str,
    found: &'f [JavaItem<'f>],
    role: Role,
    smells: Vec<Smell>,
    /// Names that single imports bring, each with its line.
    imports: Vec<(&'s str, u32)>,
    /// Every word of the file outside imports, those of Javadoc included.
    used: HashSet<&'s str>,
}

impl<'s> JavaSmells<'s, '_> {
    /// True if nothing inside matters.
    fn visit(&mut self, node: Node<'_>) -> bool {
        match node.kind() {
            "import_declaration" => {
                self.import(node);
                return true;
            }
            "package_declaration" => return true,
            "catch_clause" => self.handler(node),
            "binary_expression" => self.comparison(node),
            "method_invocation" => self.output(node),
            "identifier" | "type_identifier" => {
                self.used.insert(self.source(node));
            }
            "block_comment" if self.source(node).starts_with("/**") => {
                let words = self.source(node).split(|c: char| !c.is_alphanumeric() && !matches!(c, '_' | '$'));
                self.used.extend(words.filter(|word| !word.is_empty()));
            }
            _ => {}
        }
        false
    }

    fn source(&self, node: Node<'_>) -> &'s str {
        self.text.get(node.byte_range()).unwrap_or_default()
    }

    fn note(&mut self, kind: SmellKind, severity: Severity, node: Node<'_>, message: String) {
        let at = line(node.start_position().row);
        let around = self.found.iter().filter(|one| one.kind.is_type() || one.kind.is_code());
        let mut around = around.filter(|one| line(one.node.start_position().row) <= at && at <= last_line(one.node));
        let item = around.next_back().map(|one| one.name.as_str());
        self.smells.push(noted(kind, severity, (at, at), item, message));
    }

    fn is_in_test(&self, node: Node<'_>) -> bool {
        let is_around = |one: &&JavaItem<'_>| one.is_test && one.node.byte_range().contains(&node.start_byte());
        !matches!(self.role, Role::Library) || self.found.iter().any(|one| is_around(&one))
    }

    /// A handler that says nothing of what it caught.
    fn handler(&mut self, clause: Node<'_>) {
        let Some(body) = clause.child_by_field_name("body") else { return };
        let mut cursor = clause.walk();
        let Some(parameter) = clause.named_children(&mut cursor).find(|part| part.kind() == "catch_formal_parameter")
        else {
            return;
        };
        let name = parameter.child_by_field_name("name").map_or("", |name| self.source(name));
        let mut cursor = parameter.walk();
        let types = parameter.named_children(&mut cursor).find(|part| part.kind() == "catch_type");
        let types = types.map_or("", |types| self.source(types));
        // A name such as `ignored` says that it is meant; so does a comment in the place of statements.
        let is_meant = name == "_" || name.starts_with("ignore") || name.starts_with("expected");
        if body.named_child_count() == 0 && !is_meant && !self.is_in_test(clause) {
            let message =
                format!("`{types}` is caught and dropped; handle it, or say in a comment why nothing is to be done");
            self.note(SmellKind::SwallowedErrors, Severity::Warning, clause, message);
            return;
        }
        let is_broad = types.split('|').map(str::trim).any(|ty| matches!(ty, "Exception" | "Throwable"));
        let is_silent = !holds(body, |node| {
            matches!(
                node.kind(),
                "throw_statement" | "method_invocation" | "object_creation_expression" | "return_statement"
            ) || node.kind() == "identifier" && self.text.get(node.byte_range()) == Some(name)
        });
        let says_something = holds(body, |node| node.kind().ends_with("_comment"));
        if is_broad && is_silent && !is_meant && !says_something && !self.is_in_test(clause) {
            let message = format!("`{types}` is caught and nothing is said of it; name what can fail here");
            self.note(SmellKind::BroadExcept, Severity::Warning, clause, message);
        }
    }

    /// `name == "x"` asks whether both are one object.
    fn comparison(&mut self, node: Node<'_>) {
        let is_equality = node.child_by_field_name("operator").is_some_and(|one| matches!(one.kind(), "==" | "!="));
        let sides = ["left", "right"].map(|side| node.child_by_field_name(side));
        let is_text = sides.into_iter().flatten().any(|side| side.kind() == "string_literal");
        let is_null = sides.into_iter().flatten().any(|side| side.kind() == "null_literal");
        if is_equality && is_text && !is_null && !self.is_in_test(node) {
            let message = "compares objects, not their letters; use `equals`".to_owned();
            self.note(SmellKind::IdentityComparison, Severity::Warning, node, message);
        }
    }

    /// `error.printStackTrace()` and `System.out.println(..)` in code that others run.
    fn output(&mut self, node: Node<'_>) {
        let name = node.child_by_field_name("name").map_or("", |name| self.source(name));
        let object = node.child_by_field_name("object").map_or("", |object| self.source(object));
        let is_empty = node.child_by_field_name("arguments").is_some_and(|list| list.named_child_count() == 0);
        let is_trace = name == "printStackTrace" && is_empty && !object.is_empty();
        let is_print = matches!(object, "System.out" | "System.err") && matches!(name, "println" | "print" | "printf");
        if !(is_trace || is_print) || self.is_in_test(node) || self.is_in_program(node) {
            return;
        }
        let message = if is_trace {
            "prints a trace past any log; log the exception or pass it on".to_owned()
        } else {
            format!("`{object}.{name}` prints past any log; use a logger or hand the text out")
        };
        self.note(SmellKind::ConsoleOutput, Severity::Info, node, message);
    }

    /// A class with a `main` talks to people.
    fn is_in_program(&self, node: Node<'_>) -> bool {
        let is_main = |one: &&JavaItem<'_>| one.kind.is_code() && one.name.ends_with(".main");
        self.found.iter().filter(is_main).any(|main| {
            let class = main.node.parent().and_then(|body| body.parent());
            class.is_some_and(|class| class.byte_range().contains(&node.start_byte()))
        })
    }

    fn import(&mut self, node: Node<'_>) {
        let mut cursor = node.walk();
        let is_star = node.named_children(&mut cursor).any(|part| part.kind() == "asterisk");
        let mut cursor = node.walk();
        let name =
            node.named_children(&mut cursor).find(|part| matches!(part.kind(), "scoped_identifier" | "identifier"));
        if let Some(name) = name.filter(|_| !is_star) {
            let last = self.source(name).rsplit('.').next().unwrap_or_default().trim();
            self.imports.push((last, line(node.start_position().row)));
        }
    }

    fn unused_imports(&mut self) {
        for (name, at) in std::mem::take(&mut self.imports) {
            if !self.used.contains(name) {
                let message = format!("`{name}` is imported and nothing here uses it");
                self.smells.push(noted(SmellKind::UnusedImport, Severity::Info, (at, at), None, message));
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use crate::domain::{Language, Role};
    use crate::language::Parsed;
    use crate::language::smell::SmellKind;

    fn found_as(role: Role, text: &str) -> Vec<(SmellKind, u32)> {
        let parsed = Parsed::new(Language::JAVA, text);
        let code = (Language::JAVA.spec().code)(&parsed, role).unwrap();
        code.smells.into_iter().map(|smell| (smell.kind, smell.start_line)).collect()
    }

    fn found(text: &str) -> Vec<(SmellKind, u32)> {
        found_as(Role::Library, text)
    }

    fn in_method(lines: &str) -> String {
        format!("class A {{\n void go(String a, Exception e) {{\n{lines}\n }}\n}}\n")
    }

    #[test]
    fn handlers_that_say_nothing_are_reported() {
        for (catch, kind) in [
            ("catch (IOException e) { }", Some(SmellKind::SwallowedErrors)),
            ("catch (Exception e) { a = null; }", Some(SmellKind::BroadExcept)),
            ("catch (IOException | Throwable e) { x = 1; }", Some(SmellKind::BroadExcept)),
            ("catch (IOException e) { /* closed anyway */ }", None),
            ("catch (IOException ignored) { }", None),
            ("catch (Exception e) { log.warn(e); }", None),
            ("catch (Exception e) { throw new Error(e); }", None),
            ("catch (Exception e) { return false; }", None),
            ("catch (IOException e) { x = 1; }", None),
        ] {
            let text = in_method(&format!("try {{ go(); }} {catch}"));
            assert_eq!(found(&text), kind.map(|kind| (kind, 3)).into_iter().collect::<Vec<_>>(), "{catch}");
            assert_eq!(found_as(Role::Test, &text), [], "{catch}");
        }
    }

    #[test]
    fn identity_of_text_is_reported() {
        let text = in_method("if (a == \"x\") go();\nif (\"x\" != a) go();\nif (a == null || a.equals(\"x\")) go();");
        let kind = SmellKind::IdentityComparison;
        assert_eq!(found(&text), [(kind, 3), (kind, 4)]);
    }

    #[test]
    fn printing_is_reported_where_others_run_the_code() {
        let text = in_method("e.printStackTrace();\nSystem.out.println(a);\nlog.println(a);\ne.printStackTrace(log);");
        let kind = SmellKind::ConsoleOutput;
        assert_eq!(found(&text), [(kind, 3), (kind, 4)]);
        assert_eq!(found_as(Role::Test, &text), []);
        assert_eq!(found(&text.replace("void go(", "static void main(String[] x) {}\n void go(")), []);
    }

    #[test]
    fn imports_that_nothing_writes_are_reported() {
        let text = "import a.A;\nimport a.B;\nimport static a.C.d;\nimport static a.C.e;\nimport b.*;\nimport a.F;\n/** See {@link F}. */\nclass X { A a = d(); }\n";
        let kind = SmellKind::UnusedImport;
        assert_eq!(found(text), [(kind, 2), (kind, 4)]);
    }

    #[test]
    fn bodies_that_repeat_are_reported_and_generated_types_not() {
        let body = |name: &str| {
            let lines = format!("    total += {name}.size() * 3 + {name}.width();\n").repeat(8);
            format!("  int sum{name}(Box {name}) {{\n    int total = 0;\n{lines}    return total;\n  }}\n")
        };
        let text = format!("class A {{\n{}{}}}\n", body("one"), body("two"));
        assert_eq!(found(&text), [(SmellKind::DuplicateBody, 14)]);
        let made = "import a.B;\n@Generated(\"x\")\nclass A { void a() { try { a(); } catch (Exception e) {} } }\n";
        assert_eq!(found(made), []);
    }
}
