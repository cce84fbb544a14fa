//! What the local analyses see of a Rust file.

use super::complexity::{self, own_nodes};
use super::items::{self, ItemNode, documentation};
use super::tree::{Field, Id, Kind, Syntax};
use super::{panics, smells, volume};
use crate::domain::Role;
use crate::language::comment::{self, Comment};
use crate::language::item::{CodeItem, Function, MemberCounts, ParsedCode};
use crate::language::lines::{CodeLines, LineKind, mark};
use crate::language::smell::{list_lines, plural};
use crate::language::{Parsed, Visibility};

/// Macro calls with at least this many lines hold enough code to report that it was not read.
const LONG_MACRO_LINES: u32 = 10;

/// A Rust file with its nodes.
pub struct RustFile<'p, 't> {
    pub syntax: &'p Syntax<'t>,
    pub items: Vec<ItemNode>,
    pub functions: Vec<FunctionNode>,
    pub comments: Vec<Comment<'t>>,
    pub lines: Vec<LineKind>,
    pub code: CodeLines,
}

/// A function with its nodes.
pub struct FunctionNode {
    pub id: Id,
    pub body: Id,
    pub of: Function,
}

/// The file as analyses see it; nothing if there is no tree.
pub fn code<'t>(parsed: &Parsed<'t>, role: Role) -> Option<ParsedCode<'t>> {
    let file = RustFile::new(Syntax::of(parsed).ok()?, role);
    let syntax = file.syntax;
    let re_exports =
        syntax.children(0).filter(|&id| syntax.kind(id) == Kind::UseDeclaration && items::is_pub(syntax, id)).count();
    Some(ParsedCode {
        items: file.items.iter().map(|item| neutral(syntax, item)).collect(),
        documentation: items::module_documentation(syntax),
        re_exports: u32::try_from(re_exports).unwrap_or(u32::MAX),
        members: members(&file),
        smells: smells::find(&file, role),
        unjudged: None,
        not_covered: unparsed(&file),
        functions: file.functions.into_iter().map(|function| function.of).collect(),
        comments: file.comments,
        lines: file.lines,
    })
}

fn neutral(syntax: &Syntax, item: &ItemNode) -> CodeItem {
    let is_listed = is_listed(syntax, item);
    let docs = if is_listed { documentation(syntax, item.first, item.id) } else { None };
    let docs = docs.filter(|text| !text.trim().is_empty());
    let (start_line, end_line) = syntax.lines(item.id);
    let is_public = item.visibility == Visibility::Public;
    CodeItem {
        kind: item.kind,
        name: item.name.clone(),
        visibility: item.visibility,
        is_test: item.test,
        is_dictated: item.of_trait_impl,
        is_listed,
        is_surface: is_public && !item.test && !item.of_trait_impl && item.kind != "impl",
        bytes: syntax.node(item.first).start as usize..syntax.node(item.id).end as usize,
        start_line,
        end_line,
        missing_sections: if is_listed { missing_sections(syntax, item, docs.as_deref()) } else { Vec::new() },
        documentation: docs,
    }
}

impl<'p, 't> RustFile<'p, 't> {
    pub fn new(syntax: &'p Syntax<'t>, role: Role) -> Self {
        let (comments, lines) = (comments(syntax), lines(syntax));
        let items = items::items(syntax);
        let code = CodeLines::new(&lines);
        let functions = items.iter().filter_map(|item| FunctionNode::new(syntax, item, role, &code)).collect();
        Self { syntax, items, functions, comments, lines, code }
    }

    /// First lines of the outermost macro calls whose braces hold many lines that the grammar sees as bare tokens.
    fn long_macros(&self) -> Vec<u32> {
        let calls = (0..self.syntax.len()).filter(|&id| self.syntax.kind(id) == Kind::MacroInvocation);
        let lines = calls.map(|id| self.syntax.lines(id));
        lines.filter(|(start, end)| end - start + 1 >= LONG_MACRO_LINES).map(|(start, _)| start).collect()
    }
}

impl FunctionNode {
    fn new(syntax: &Syntax, item: &ItemNode, role: Role, code: &CodeLines) -> Option<Self> {
        if syntax.kind(item.id) != Kind::FunctionItem {
            return None;
        }
        let body = syntax.child_in_field(item.id, Field::Body)?;
        let (start_line, end_line) = syntax.lines(item.id);
        let parameters = syntax.child_in_field(item.id, Field::Parameters);
        let of = Function {
            name: item.name.clone(),
            start_line,
            end_line,
            code_lines: code.between(start_line, end_line),
            parameters: parameters.map_or(0, |list| count_parameters(syntax, list)),
            flags: parameters.map_or(0, |list| smells::count(syntax, syntax.children(list), is_bool)),
            complexity: complexity::measure(syntax, item.id),
            volume: volume::volume(syntax, item.id),
            is_test: item.test || matches!(role, Role::Test | Role::Bench),
            is_dictated: item.of_trait_impl,
        };
        Some(Self { id: item.id, body, of })
    }
}

fn is_bool(syntax: &Syntax, parameter: Id) -> bool {
    syntax.kind(parameter) == Kind::Parameter
        && syntax.child_in_field(parameter, Field::Type).is_some_and(|t| syntax.source(t) == "bool")
}

fn unparsed(rust: &RustFile<'_, '_>) -> Vec<String> {
    let mut notes = Vec::new();
    let broken = rust.syntax.broken_lines();
    if !broken.is_empty() {
        notes.push(format!(
            "{} that {} not parse ({})",
            plural(broken.len(), "passage"),
            if broken.len() == 1 { "does" } else { "do" },
            list_lines(&broken)
        ));
    }
    let macros = rust.long_macros();
    if !macros.is_empty() {
        notes.push(format!("code inside {} ({})", plural(macros.len(), "long macro call"), list_lines(&macros)));
    }
    notes
}

fn count_parameters(syntax: &Syntax, list: Id) -> u32 {
    let parameters = syntax.children(list).filter(|&c| matches!(syntax.kind(c), Kind::Parameter | Kind::SelfParameter));
    u32::try_from(parameters.count()).unwrap_or(u32::MAX)
}

fn comments<'a>(syntax: &Syntax<'a>) -> Vec<Comment<'a>> {
    let comments = (0..syntax.len()).filter(|&id| syntax.kind(id).is_comment());
    comment::at(syntax.text, comments.map(|id| syntax.node(id).start as usize..syntax.node(id).end as usize))
}

/// Kind of every line of a parsed Rust file. A line inside a string literal is code, even when nothing is on it.
pub fn lines(syntax: &Syntax) -> Vec<LineKind> {
    let mut kinds = vec![LineKind::Blank; syntax.text.lines().count()];
    let mut id: Id = 0;
    while id < syntax.len() {
        let node = syntax.node(id);
        let comment = node.kind.is_comment();
        if (comment || syntax.is_leaf(id)) && node.end > node.start {
            let kind = if comment { LineKind::Comment } else { LineKind::Code };
            mark(&mut kinds, node.first_row as usize, node.last_row as usize, kind);
        }
        id = if comment { syntax.subtree(id).end } else { id + 1 };
    }
    kinds
}

/// Items that rustdoc would list with this file: `impl` blocks have no name of their own, `mod x;` is documented in its own file, and what
/// implements a trait is documented there.
fn is_listed(syntax: &Syntax, item: &ItemNode) -> bool {
    let elsewhere = item.kind == "mod" && syntax.child_in_field(item.id, Field::Body).is_none();
    item.visibility == Visibility::Public && !item.test && !item.of_trait_impl && item.kind != "impl" && !elsewhere
}

/// Sections that the Rust API guidelines (C-FAILURE) ask for and that are missing: `Errors` where a `Result` is returned, `Panics` where
/// the body can panic, `Safety` where the function is unsafe. An item without any documentation lacks more than a section: only
/// `Safety` is said of it.
fn missing_sections(syntax: &Syntax, item: &ItemNode, docs: Option<&str>) -> Vec<String> {
    if item.kind != "fn" || item.name == "main" {
        return Vec::new();
    }
    let called_for = [
        ("Errors", docs.is_some() && returns_result(syntax, item.id)),
        ("Panics", docs.is_some() && can_panic(syntax, item.id)),
        ("Safety", is_unsafe(syntax, item.id)),
    ];
    let missing = called_for.iter().filter(|(section, needed)| *needed && !has_section(docs.unwrap_or(""), section));
    missing.map(|(section, _)| (*section).to_owned()).collect()
}

/// A heading that starts with this name, in the singular or plural, whatever its case.
fn has_section(docs: &str, section: &str) -> bool {
    let stem = section.trim_end_matches('s').to_lowercase();
    let mut headings = docs.lines().map(str::trim_start).filter(|line| line.starts_with('#'));
    headings.any(|heading| heading.trim_start_matches('#').trim_start().to_lowercase().starts_with(&stem))
}

/// Whether the return type is some `Result`; the documentation of a `fmt::Result` could say nothing to a caller.
fn returns_result(syntax: &Syntax, function: Id) -> bool {
    let Some(written) = syntax.child_in_field(function, Field::ReturnType).map(|t| syntax.source(t)) else {
        return false;
    };
    let head = written.split('<').next().unwrap_or_default().trim();
    head != "fmt::Result" && head != "std::fmt::Result" && head.rsplit("::").next() == Some("Result")
}

fn can_panic(syntax: &Syntax, function: Id) -> bool {
    let Some(body) = syntax.child_in_field(function, Field::Body) else { return false };
    own_nodes(syntax, body).any(|id| panics::at(syntax, id).is_some() || panics::is_assertion(syntax, id))
}

fn is_unsafe(syntax: &Syntax, function: Id) -> bool {
    let modifiers = syntax.child_of_kind(function, Kind::FunctionModifiers);
    modifiers.is_some_and(|m| syntax.source(m).split_whitespace().any(|word| word == "unsafe"))
}

/// Public fields and variants of the listed types.
fn members(rust: &RustFile<'_, '_>) -> MemberCounts {
    let syntax = rust.syntax;
    let mut members = MemberCounts::default();
    for item in rust.items.iter().filter(|item| is_listed(syntax, item)) {
        let Some(body) = syntax.child_in_field(item.id, Field::Body) else { continue };
        let mut documented = false;
        for id in syntax.children(body) {
            let source = syntax.source(id);
            match syntax.kind(id) {
                kind if kind.is_comment() => documented |= items::is_outer_doc(source),
                Kind::FieldDeclaration if !items::is_pub(syntax, id) => documented = false,
                Kind::FieldDeclaration | Kind::EnumVariant => {
                    members.total += 1;
                    members.documented += u32::from(documented);
                    documented = false;
                }
                _ => {}
            }
        }
    }
    members
}
