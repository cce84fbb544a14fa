//! What asks for another shape in Python. Few rules, each one that a reader would agree with where it strikes.

use std::collections::HashSet;

use tree_sitter::Node;

use super::outline::{last_line, line};
use super::walk::{Kind, NamedNode};
use crate::domain::Role;
use crate::language::smell::{Severity, Smell, SmellKind, noted};
use crate::language::syntax::{self, holds};

/// Of the public functions of a file, so many are annotated before the others ask for it: a file without types is one by choice.
const ANNOTATED_SHARE: (usize, usize) = (2, 3);

/// And at least so many: two may be chance.
const FEWEST_ANNOTATED: usize = 3;

pub(super) fn find(text: &str, root: Node<'_>, found: &[NamedNode<'_>], role: Role) -> Vec<Smell> {
    let (smells, imports, used) = (Vec::new(), Vec::new(), HashSet::new());
    let mut search = SmellSearch { text, found, is_test: role == Role::Test, smells, imports, used };
    syntax::walk(root, |node| search.visit(node));
    if !is_facade(root) && !search.hands_most_imports_on() {
        search.unused_imports();
    }
    if is_facade(root) || search.used.contains("__all__") {
        // The package's interface is made of other modules' on purpose.
        search.smells.retain(|smell| smell.kind != SmellKind::StarImport);
    }
    if !matches!(role, Role::Test | Role::Bench | Role::Example) {
        search.unannotated();
    }
    search.smells.sort_by_key(|smell| (smell.start_line, smell.kind));
    search.smells
}

/// A file of imports alone hands their names on.
fn is_facade(root: Node<'_>) -> bool {
    let mut cursor = root.walk();
    root.named_children(&mut cursor).all(|statement| match statement.kind() {
        "import_statement" | "import_from_statement" | "future_import_statement" | "comment" => true,
        "expression_statement" => {
            let inner = statement.named_child(0).map(|inner| inner.kind());
            matches!(inner, Some("string" | "assignment" | "concatenated_string"))
        }
        "if_statement" | "try_statement" | "function_definition" => true,
        _ => false,
    })
}

/// Names that nothing uses from which on, if they are half of all that a file imports, it is there to hand them on: `__init__.py`.
const HANDED_ON: usize = 4;

/// A name that an import at the top of the file declares.
struct ImportedName<'s> {
    name: &'s str,
    line: u32,
}

struct SmellSearch<'s, 'f> {
    text: &'s str,
    found: &'f [NamedNode<'f>],
    is_test: bool,
    smells: Vec<Smell>,
    imports: Vec<ImportedName<'s>>,
    /// Every word of the file outside imports, those of strings included.
    used: HashSet<&'s str>,
}

impl<'s> SmellSearch<'s, '_> {
    /// True if nothing inside matters.
    fn visit(&mut self, node: Node<'_>) -> bool {
        match node.kind() {
            "import_statement" | "import_from_statement" => {
                self.import(node);
                return true;
            }
            "future_import_statement" => return true,
            "except_clause" => self.handler(node),
            "default_parameter" | "typed_default_parameter" => self.default(node),
            "identifier" => {
                self.used.insert(self.source(node));
            }
            "string_content" => {
                let words = self.source(node).split(|c: char| !c.is_alphanumeric() && c != '_');
                self.used.extend(words.filter(|word| !word.is_empty()));
            }
            _ => {}
        }
        false
    }

    fn source(&self, node: Node<'_>) -> &'s str {
        self.text.get(node.byte_range()).unwrap_or_default()
    }

    /// The function or class around a line.
    fn item_at(&self, at: u32) -> Option<&str> {
        let around = self.found.iter().filter(|one| matches!(one.kind, Kind::Class | Kind::Function | Kind::Method));
        let mut around = around.filter(|one| line(one.node.start_position().row) <= at && at <= last_line(one.node));
        around.next_back().map(|one| one.name.as_str())
    }

    fn note(&mut self, kind: SmellKind, severity: Severity, node: Node<'_>, message: String) {
        let at = line(node.start_position().row);
        let item = self.item_at(at).map(str::to_owned);
        self.smells.push(noted(kind, severity, (at, at), item.as_deref(), message));
    }

    /// `except:` and `except Exception:` that keep silent about what they caught.
    fn handler(&mut self, clause: Node<'_>) {
        let value = clause.child_by_field_name("value");
        let mut cursor = clause.walk();
        let Some(block) = clause.named_children(&mut cursor).find(|child| child.kind() == "block") else { return };
        let at = line(clause.start_position().row);
        // What hands the error on, or is there on purpose, keeps silent about nothing.
        if holds(block, |node| node.kind() == "raise_statement" || self.source(node) == "exc_info")
            || self.is_excused(at)
        {
            return;
        }
        let Some(value) = value else {
            let message = "catches everything, an interrupt by the user included; name what can fail here";
            self.note(SmellKind::BareExcept, Severity::Warning, clause, message.to_owned());
            return;
        };
        let (class, alias) = match value.kind() {
            "as_pattern" => (value.named_child(0), value.child_by_field_name("alias")),
            _ => (Some(value), clause.child_by_field_name("alias")),
        };
        let class = class.map_or("", |class| self.source(class));
        if !matches!(class, "Exception" | "BaseException") || alias.is_some() {
            return;
        }
        // A call may report it: `log.exception(..)`, `traceback.print_exc()`. A comment says why it is caught; a test may look for it.
        if self.is_test
            || holds(clause, |node| matches!(node.kind(), "call" | "comment"))
            || self.is_followed_by_comment(at)
        {
            return;
        }
        let message = format!("`{class}` is caught and nothing is said of it; name what can fail here");
        self.note(SmellKind::BroadExcept, Severity::Warning, clause, message);
    }

    fn is_followed_by_comment(&self, at: u32) -> bool {
        self.text.lines().nth(at as usize - 1).is_some_and(|line| line.contains('#'))
    }

    fn default(&mut self, parameter: Node<'_>) {
        let (Some(name), Some(value)) = (parameter.child_by_field_name("name"), parameter.child_by_field_name("value"))
        else {
            return;
        };
        let is_made = value.kind() == "call"
            && value.child_by_field_name("function").is_some_and(|function| {
                matches!(self.source(function), "list" | "dict" | "set" | "bytearray" | "defaultdict")
            });
        let is_literal = matches!(
            value.kind(),
            "list" | "dictionary" | "set" | "list_comprehension" | "dictionary_comprehension" | "set_comprehension"
        );
        if is_made || is_literal {
            let name = self.source(name);
            let message =
                format!("the default of `{name}` is made once and shared by all calls; use None and make it inside");
            self.note(SmellKind::MutableDefault, Severity::Warning, parameter, message);
        }
    }

    /// Names that an import at the top of the file brings; those in `try` and `if` may be there to be found or not.
    fn import(&mut self, node: Node<'_>) {
        let mut cursor = node.walk();
        let begins = line(node.start_position().row);
        let is_star = node.named_children(&mut cursor).any(|child| child.kind() == "wildcard_import");
        if is_star && !self.is_excused(begins) {
            let message = "brings names that no reader of this file sees; import those that are used".to_owned();
            self.note(SmellKind::StarImport, Severity::Info, node, message);
        }
        if node.parent().is_none_or(|parent| parent.kind() != "module") {
            return;
        }
        let mut cursor = node.walk();
        for name in node.children_by_field_name("name", &mut cursor) {
            let alias = name.child_by_field_name("alias");
            let module = name.child_by_field_name("name").unwrap_or(name);
            // `import a as a` says that the name is handed on; `import a.b` may be for what loading it does.
            let is_handed_on = alias.is_some_and(|alias| self.source(alias) == self.source(module));
            let is_loaded = alias.is_none() && node.kind() == "import_statement" && self.source(module).contains('.');
            let bound = alias.unwrap_or(module);
            let at = line(name.start_position().row);
            if !is_handed_on && !is_loaded && !self.is_excused(at) && !self.is_excused(begins) {
                self.imports.push(ImportedName { name: self.source(bound), line: at });
            }
        }
    }

    /// Whether a comment on the line tells checkers to leave it alone, as flake8 and pylint read it.
    fn is_excused(&self, at: u32) -> bool {
        let comment = self.text.lines().nth(at as usize - 1).and_then(|line| Some(line.split_once('#')?.1));
        comment.is_some_and(|comment| {
            let comment = comment.to_ascii_lowercase();
            ["noqa", "unused-import", "wildcard-import", "broad-except", "bare-except"]
                .iter()
                .any(|word| comment.contains(word))
        })
    }

    fn hands_most_imports_on(&self) -> bool {
        let unused = self.imports.iter().filter(|import| !self.used.contains(import.name)).count();
        unused >= HANDED_ON && unused * 2 >= self.imports.len()
    }

    fn unused_imports(&mut self) {
        let imports = std::mem::take(&mut self.imports);
        for import in imports.iter().filter(|import| !self.used.contains(import.name)) {
            let message = format!("`{}` is imported and nothing here uses it", import.name);
            self.smells.push(noted(SmellKind::UnusedImport, Severity::Info, (import.line, import.line), None, message));
        }
    }

    /// Public functions without types, where the others of the file have them.
    fn unannotated(&mut self) {
        let of_interest = |one: &&NamedNode<'_>| {
            let is_function = matches!(one.kind, Kind::Function | Kind::Method);
            is_function && one.is_public && !one.is_test && !one.is_local
        };
        let functions = self.found.iter().filter(of_interest).filter(|one| has_own_parameters(self.text, one.node));
        let functions = functions.filter(|one| !is_typed_elsewhere(self.text, one));
        let (annotated, bare): (Vec<_>, Vec<_>) = functions.partition(|one| is_annotated(one.node));
        let all = annotated.len() + bare.len();
        if annotated.len() < FEWEST_ANNOTATED || annotated.len() * ANNOTATED_SHARE.1 < all * ANNOTATED_SHARE.0 {
            return;
        }
        let smells: Vec<Smell> = bare
            .into_iter()
            .map(|one| {
                let at = line(one.node.start_position().row);
                let message = "has no types, unlike most functions of this file; annotate parameters and result";
                noted(SmellKind::MissingAnnotation, Severity::Info, (at, at), Some(&one.name), message.to_owned())
            })
            .collect();
        self.smells.extend(smells);
    }
}

/// Whether the types of a function are known without annotations: the language dictates them, its getter has them, or a comment does.
fn is_typed_elsewhere(text: &str, function: &NamedNode<'_>) -> bool {
    let own = function.name.rsplit('.').next().unwrap_or_default();
    let is_dictated = own.starts_with("__") && own.ends_with("__") && own != "__init__" && own != "__call__";
    let mut cursor = function.whole.walk();
    let mut decorators = function.whole.named_children(&mut cursor).filter(|child| child.kind() == "decorator");
    let is_setter =
        decorators.any(|one| text.get(one.byte_range()).is_some_and(|written| written.ends_with(".setter")));
    let body = function.node.child_by_field_name("body").map_or(function.node.end_byte(), |body| body.start_byte());
    let head = text.get(function.node.start_byte()..body).unwrap_or_default();
    is_dictated || is_setter || head.contains("# type:")
}

/// Whether a function has parameters besides the object that it is called on.
fn has_own_parameters(text: &str, function: Node<'_>) -> bool {
    let Some(list) = function.child_by_field_name("parameters") else { return false };
    let mut cursor = list.walk();
    let is_own = |param: Node<'_>| {
        let named = text.get(param.byte_range()).unwrap_or_default();
        !matches!(param.kind(), "comment" | "keyword_separator" | "positional_separator") && !is_receiver(named)
    };
    list.named_children(&mut cursor).any(is_own)
}

/// The conventional names of the object or class that a method is called on.
pub(super) fn is_receiver(name: &str) -> bool {
    matches!(name, "self" | "cls" | "mcs")
}

/// Whether a function says anything of its types.
fn is_annotated(function: Node<'_>) -> bool {
    if function.child_by_field_name("return_type").is_some() {
        return true;
    }
    let Some(list) = function.child_by_field_name("parameters") else { return false };
    let mut cursor = list.walk();
    list.named_children(&mut cursor).any(|param| param.kind().starts_with("typed_"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::Language;
    use crate::language::Parsed;

    fn found(text: &str) -> Vec<(SmellKind, u32)> {
        let parsed = Parsed::new(Language::PYTHON, text);
        let code = (Language::PYTHON.spec().code)(&parsed, Role::Library).unwrap();
        code.smells.iter().map(|smell| (smell.kind, smell.start_line)).collect()
    }

    fn lines_of(kind: SmellKind, text: &str) -> Vec<u32> {
        found(text).into_iter().filter(|one| one.0 == kind).map(|one| one.1).collect()
    }

    #[test]
    fn an_unused_import_is_reported_unless_it_is_handed_on() {
        let module = "import os\nimport sys\nfrom .a import b, c\nprint(sys, b)\n";
        assert_eq!(lines_of(SmellKind::UnusedImport, module), [1, 3]);
        let excused = "from a import b  # NOQA: F401\nfrom c import (  # noqa\n    d,\n)\nimport e  # pylint: disable=unused-import\n";
        assert_eq!(lines_of(SmellKind::UnusedImport, &format!("{excused}x = 1\nprint(x)\n")), [0; 0]);
        let package = "import warnings\nfrom .api import delete, get, head, post\nwarnings.warn('x')\ndef check(): ...\nfor a in b: pass\n";
        assert_eq!(lines_of(SmellKind::UnusedImport, package), [0; 0], "an interface");
    }

    #[test]
    fn a_star_import_makes_no_interface_unclear() {
        assert_eq!(lines_of(SmellKind::StarImport, "from a import *\nfor x in y: z(x)\n"), [1]);
        assert_eq!(lines_of(SmellKind::StarImport, "from a import *  # NOQA\nfor x in y: z(x)\n"), [0; 0]);
        assert_eq!(lines_of(SmellKind::StarImport, "from .a import *\n__all__ = ['x']\nfor x in y: z(x)\n"), [0; 0]);
    }

    #[test]
    fn missing_types_are_reported_where_others_have_them() {
        let typed = |name: &str| format!("def {name}(x: int) -> int:\n    return x\n\n");
        let three = ["a", "b", "c"].map(typed).concat();
        assert_eq!(lines_of(SmellKind::MissingAnnotation, &format!("{three}def d(x):\n    return x\n")), [10]);
        assert_eq!(lines_of(SmellKind::MissingAnnotation, &format!("{three}def d():\n    return 1\n")), [0; 0]);
        let untyped =
            "class A:\n    def a(self): ...\n    def b(self): ...\n    def c(self): ...\n    def d(self, x): ...\n";
        assert_eq!(lines_of(SmellKind::MissingAnnotation, untyped), [0; 0], "a file without types is one by choice");
    }

    #[test]
    fn silent_handlers_are_reported_explained_ones_not() {
        let of = |handler: &str| found(&format!("try:\n    a = b\n{handler}\nfor x in y: z(x)\n"));
        let broad = [(SmellKind::BroadExcept, 3)];
        assert_eq!(of("except Exception:\n    pass"), broad);
        assert_eq!(of("except BaseException:\n    a = None"), broad);
        assert_eq!(of("except:\n    a = None"), [(SmellKind::BareExcept, 3)]);
        for excused in [
            "except Exception:\n    # better without than not at all\n    pass",
            "except Exception:  # it may be anything\n    pass",
            "except Exception:\n    log(a)",
            "except Exception as error:\n    a = error",
            "except Exception:\n    raise",
            "except:  # noqa: E722\n    pass",
            "except:\n    failed.append(sys.exc_info())",
            "except ValueError:\n    pass",
        ] {
            assert_eq!(of(excused), [], "{excused}");
        }
    }

    #[test]
    fn types_that_are_known_elsewhere_are_not_missed() {
        let typed = |name: &str| format!("    def {name}(self, x: int) -> int:\n        return x\n");
        let class = format!("class A:\n{}", ["a", "b", "c", "d"].map(typed).concat());
        for known in [
            "    def __eq__(self, other):\n        return True\n",
            "    @a.setter\n    def a(self, value):\n        self.b = value\n",
            "    def e(self, x):\n        # type: (int) -> int\n        return x\n",
        ] {
            assert_eq!(lines_of(SmellKind::MissingAnnotation, &format!("{class}{known}")), [0; 0], "{known}");
        }
        let made = "    def __init__(self, x):\n        self.x = x\n";
        assert_eq!(lines_of(SmellKind::MissingAnnotation, &format!("{class}{made}")), [10]);
    }

    #[test]
    fn parameters_with_names_at_the_call_are_not_counted() {
        let parsed = Parsed::new(
            Language::PYTHON,
            "class A:\n    def f(self, a, b=1, /, c: bool = True, *args: int, d: bool, **rest): ...\ndef g(a, *, b: bool): ...\n",
        );
        let code = (Language::PYTHON.spec().code)(&parsed, Role::Library).unwrap();
        let counts: Vec<(u32, u32)> = code.functions.iter().map(|one| (one.parameters, one.flags)).collect();
        assert_eq!(counts, [(3, 1), (1, 0)]);
    }
}
