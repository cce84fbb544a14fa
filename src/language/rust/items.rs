//! The items of a Rust file: what they are called, who may see them, whether they are compiled for tests alone, what documents them.

use std::collections::HashMap;

use super::tree::{Field, Id, Kind, Syntax};
use crate::language::Visibility;

/// Attributes (by the last segment of their path) that make a function a test or a benchmark.
const TEST_ATTRIBUTES: [&str; 7] =
    ["test", "rstest", "test_case", "bench", "quickcheck", "proptest", "wasm_bindgen_test"];

/// One item, with its nodes.
#[derive(Clone, Debug)]
pub struct ItemNode {
    pub id: Id,
    /// First of the attributes and comments that stand before it; the item itself if there are none.
    pub first: Id,
    /// `fn`, `struct`, ... as a reader would say it.
    pub kind: &'static str,
    /// Name within the file, e.g. `Config::load`, inline modules included.
    pub name: String,
    /// Public, or private as far as one file shows.
    pub visibility: Visibility,
    /// Inside `#[cfg(test)]` or a test function.
    pub test: bool,
    /// Implements a trait: neither its signature nor its documentation are the author's choice.
    pub of_trait_impl: bool,
}

/// What surrounds the items that are being visited.
struct ItemScope {
    end: usize,
    name: String,
    visibility: Visibility,
    test: bool,
    /// Inside a `trait`: its items are as visible as it is.
    in_trait: bool,
    in_trait_impl: bool,
}

/// All items in the order of the file, nested ones after the item around them.
pub fn items(syntax: &Syntax) -> Vec<ItemNode> {
    let firsts = decorations(syntax);
    let types = type_visibility(syntax);
    let mut scopes = vec![ItemScope {
        end: syntax.len(),
        name: String::new(),
        visibility: Visibility::Public,
        test: is_test_file(syntax, &firsts),
        in_trait: false,
        in_trait_impl: false,
    }];
    let mut items = Vec::new();
    for id in 0..syntax.len() {
        let Some(kind) = item_kind(syntax, id) else { continue };
        while scopes.len() > 1 && scopes.last().is_some_and(|scope| scope.end <= id) {
            scopes.pop();
        }
        let Some(scope) = scopes.last() else { break };
        let first = firsts.get(&id).copied().unwrap_or(id);
        let item = describe(syntax, id, first, kind, scope, &types);
        scopes.push(ItemScope {
            end: syntax.subtree(id).end,
            name: bounded(&item.name),
            visibility: if syntax.kind(id) == Kind::FunctionItem { Visibility::Private } else { item.visibility },
            test: item.test,
            in_trait: syntax.kind(id) == Kind::TraitItem,
            in_trait_impl: syntax.kind(id) == Kind::ImplItem && syntax.child_in_field(id, Field::Trait).is_some(),
        });
        items.push(item);
    }
    items
}

/// Names of enclosing items stop growing here, so that hostile nesting costs linear and not quadratic memory.
fn bounded(name: &str) -> String {
    const LONGEST: usize = 200;
    if name.len() <= LONGEST { name.to_owned() } else { "…".to_owned() }
}

fn describe(
    syntax: &Syntax,
    id: Id,
    first: Id,
    kind: &'static str,
    scope: &ItemScope,
    types: &HashMap<&str, Visibility>,
) -> ItemNode {
    let own = own_name(syntax, id);
    let name = if scope.name.is_empty() { own } else { format!("{}::{own}", scope.name) };
    ItemNode {
        id,
        first,
        kind,
        name,
        visibility: visibility(syntax, id, first, scope, types),
        test: scope.test || attributes(syntax, first, id).any(is_test_attribute),
        of_trait_impl: scope.in_trait_impl,
    }
}

fn item_kind(syntax: &Syntax, id: Id) -> Option<&'static str> {
    Some(match syntax.kind(id) {
        Kind::FunctionItem | Kind::FunctionSignature => "fn",
        Kind::StructItem => "struct",
        Kind::EnumItem => "enum",
        Kind::UnionItem => "union",
        Kind::TraitItem => "trait",
        Kind::ImplItem => "impl",
        Kind::ModItem => "mod",
        Kind::ConstItem => "const",
        Kind::StaticItem => "static",
        Kind::TypeItem => "type",
        Kind::MacroDefinition => "macro",
        _ => return None,
    })
}

fn own_name(syntax: &Syntax, id: Id) -> String {
    if syntax.kind(id) == Kind::ImplItem {
        return impl_name(syntax, id);
    }
    syntax.child_in_field(id, Field::Name).map_or("_", |name| syntax.source(name)).to_owned()
}

/// `Config` for `impl<T> Config<T>` and for `impl Drop for Config<T>`: methods are called `Config::drop`.
fn impl_name(syntax: &Syntax, id: Id) -> String {
    let target = syntax.child_in_field(id, Field::Type);
    target.map_or("_", |target| head_of_type(syntax, target)).to_owned()
}

/// The name in front of a type's arguments; the type as written if it has none.
fn head_of_type<'a>(syntax: &Syntax<'a>, id: Id) -> &'a str {
    const LONGEST: usize = 80;
    let written = syntax.source(syntax.child_in_field(id, Field::Type).unwrap_or(id));
    let head = written.split_whitespace().next().unwrap_or("_");
    if written.len() <= LONGEST && !written.contains('\n') { written } else { head.get(..LONGEST).unwrap_or("_") }
}

fn visibility(syntax: &Syntax, id: Id, first: Id, scope: &ItemScope, types: &HashMap<&str, Visibility>) -> Visibility {
    let open = match syntax.kind(id) {
        Kind::ImplItem => types.get(impl_name(syntax, id).as_str()).is_none_or(|&v| v == Visibility::Public),
        Kind::MacroDefinition => attributes(syntax, first, id).any(|a| a == "macro_export"),
        _ if scope.in_trait => true,
        _ => is_pub(syntax, id),
    };
    let shown = !attributes(syntax, first, id).any(|a| a.replace(' ', "") == "doc(hidden)");
    if open && shown && scope.visibility == Visibility::Public { Visibility::Public } else { Visibility::Private }
}

/// Plain `pub`; `pub(crate)` and the like show nothing to other crates.
pub fn is_pub(syntax: &Syntax, id: Id) -> bool {
    syntax.child_of_kind(id, Kind::VisibilityModifier).is_some_and(|v| syntax.source(v) == "pub")
}

/// Types that this file defines, so that methods of a hidden type count as hidden.
fn type_visibility<'a>(syntax: &Syntax<'a>) -> HashMap<&'a str, Visibility> {
    let mut found = HashMap::new();
    for id in 0..syntax.len() {
        if matches!(syntax.kind(id), Kind::StructItem | Kind::EnumItem | Kind::UnionItem | Kind::TypeItem)
            && let Some(name) = syntax.child_in_field(id, Field::Name)
        {
            let visibility = if is_pub(syntax, id) { Visibility::Public } else { Visibility::Private };
            found.entry(syntax.source(name)).or_insert(visibility);
        }
    }
    found
}

/// Attributes and comments that wait for the item they stand before.
#[derive(Default)]
struct Leading {
    first: Option<Id>,
    /// One of them is an attribute or documentation, which belong to the next item wherever it is.
    bound: bool,
    last_row: u32,
}

impl Leading {
    fn add(&mut self, syntax: &Syntax, id: Id) {
        let source = syntax.source(id);
        let comment = syntax.kind(id).is_comment();
        if comment && is_inner_doc(source) {
            *self = Self::default();
            return;
        }
        if self.first.is_some() && !self.bound && self.parted(syntax, id) {
            self.first = None;
        }
        self.first = self.first.or(Some(id));
        self.bound |= !comment || is_outer_doc(source);
        self.last_row = syntax.node(id).last_row;
    }

    /// What waits for the item `id`: a plain comment that a blank line parts from it does not.
    fn take(&mut self, syntax: &Syntax, id: Id) -> Option<Id> {
        let belongs = self.bound || !self.parted(syntax, id);
        std::mem::take(self).first.filter(|_| belongs)
    }

    fn parted(&self, syntax: &Syntax, id: Id) -> bool {
        syntax.node(id).first_row > self.last_row + 1
    }
}

/// For every node that attributes or comments stand before: the first of them.
fn decorations(syntax: &Syntax) -> HashMap<Id, Id> {
    let mut firsts = HashMap::new();
    for parent in 0..syntax.len() {
        let mut pending = Leading::default();
        for child in syntax.children(parent) {
            if syntax.kind(child) == Kind::AttributeItem || syntax.kind(child).is_comment() {
                pending.add(syntax, child);
            } else if let Some(first) = pending.take(syntax, child) {
                firsts.insert(child, first);
            }
        }
    }
    firsts
}

/// The attributes from `first` up to the item `id`, without `#[` and `]`.
pub fn attributes<'s>(syntax: &'s Syntax, first: Id, id: Id) -> impl Iterator<Item = &'s str> + 's {
    siblings(syntax, first, id)
        .filter(|&n| syntax.kind(n) == Kind::AttributeItem)
        .map(|n| syntax.source(n).trim_start_matches("#[").trim_end_matches(']').trim())
}

fn siblings<'s>(syntax: &'s Syntax, first: Id, id: Id) -> impl Iterator<Item = Id> + 's {
    std::iter::successors((first < id).then_some(first), move |&at| {
        let next = syntax.subtree(at).end;
        (next < id).then_some(next)
    })
}

/// Whether an attribute (without its brackets) makes what it stands before a matter of tests.
fn is_test_attribute(attribute: &str) -> bool {
    let path = attribute.split(['(', '=', ' ']).next().unwrap_or_default();
    if path == "cfg" {
        let mut words = attribute.split(|c: char| !c.is_alphanumeric() && c != '_');
        return words.any(|word| word == "test") && !attribute.replace(' ', "").contains("not(test");
    }
    path.rsplit("::").next().is_some_and(|last| TEST_ATTRIBUTES.contains(&last))
}

/// Whether the whole file is compiled for tests alone: it says `#![cfg(test)]`, or it is the file of a `#[cfg(test)] mod tests;`. The latter
/// is recognised by test functions at its top, next to nothing public.
fn is_test_file(syntax: &Syntax, firsts: &HashMap<Id, Id>) -> bool {
    let says = |id: Id| is_test_attribute(syntax.source(id).trim_start_matches("#![").trim_end_matches(']').trim());
    if syntax.children(0).any(|id| syntax.kind(id) == Kind::InnerAttribute && says(id)) {
        return true;
    }
    let tests = |id: Id| firsts.get(&id).is_some_and(|&first| attributes(syntax, first, id).any(is_test_attribute));
    let functions = || syntax.children(0).filter(|&id| syntax.kind(id) == Kind::FunctionItem);
    functions().any(tests) && !syntax.children(0).any(|id| is_pub(syntax, id))
}

pub fn is_outer_doc(comment: &str) -> bool {
    (comment.starts_with("///") && !comment.starts_with("////"))
        || (comment.starts_with("/**") && !comment.starts_with("/***") && comment != "/**/")
}

pub fn is_inner_doc(comment: &str) -> bool {
    comment.starts_with("//!") || comment.starts_with("/*!")
}

/// Documentation of the item `id`, its lines joined; `None` if it has none.
pub fn documentation(syntax: &Syntax, first: Id, id: Id) -> Option<String> {
    let mut lines = Vec::new();
    for at in siblings(syntax, first, id) {
        let source = syntax.source(at);
        if syntax.kind(at).is_comment() && is_outer_doc(source) {
            lines.extend(doc_lines(source));
        } else if let Some(value) = doc_attribute(source.trim_start_matches("#[")) {
            lines.push(value);
        }
    }
    (!lines.is_empty()).then(|| lines.join("\n"))
}

/// Documentation of the module that the file is, with the line it starts on.
pub fn module_documentation(syntax: &Syntax) -> Option<(u32, String)> {
    let mut line = None;
    let mut lines = Vec::new();
    for id in syntax.children(0) {
        let source = syntax.source(id);
        let before = lines.len();
        match syntax.kind(id) {
            kind if kind.is_comment() && is_inner_doc(source) => lines.extend(doc_lines(source)),
            Kind::InnerAttribute => lines.extend(doc_attribute(source.trim_start_matches("#!["))),
            Kind::Shebang => {}
            kind if kind.is_comment() => {}
            _ => break,
        }
        if lines.len() > before {
            line = line.or(Some(syntax.lines(id).0));
        }
    }
    line.map(|line| (line, lines.join("\n")))
}

/// The text lines of one documentation comment, without its markers.
fn doc_lines(comment: &str) -> Vec<String> {
    let strip = |line: &str| line.strip_prefix(' ').unwrap_or(line).trim_end().to_owned();
    if let Some(body) = comment.strip_prefix("/**").or_else(|| comment.strip_prefix("/*!")) {
        let body = body.strip_suffix("*/").unwrap_or(body);
        return body.lines().map(|line| strip(line.trim_start().trim_start_matches('*'))).collect();
    }
    let body = comment.strip_prefix("///").or_else(|| comment.strip_prefix("//!")).unwrap_or(comment);
    vec![strip(body)]
}

/// The text of `doc = "…"`, or what `doc = include_str!("…")` includes.
fn doc_attribute(attribute: &str) -> Option<String> {
    let value = attribute.trim_start().strip_prefix("doc")?.trim_start().strip_prefix('=')?.trim();
    let value = value.strip_suffix(']').unwrap_or(value).trim();
    if let Some(included) = value.strip_prefix("include_str!") {
        return Some(format!("(the text of {})", included.trim_matches(['(', ')', '"', ' '])));
    }
    Some(value.trim_start_matches('r').trim_matches(['#', '"']).trim().replace("\\n", "\n"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn listed(text: &str) -> Vec<(String, bool, bool)> {
        let syntax = Syntax::parse(text);
        items(&syntax).into_iter().map(|i| (i.name, i.visibility == Visibility::Public, i.test)).collect()
    }

    #[test]
    fn names_visibility_and_tests() {
        let text = "pub struct A; struct B; impl A { pub fn f() {} fn g() {} } impl B { pub fn h() {} }
            mod m { pub fn i() {} } pub(crate) fn j() {}
            #[cfg(test)] mod tests { #[test] fn k() {} fn l() {} }
            #[cfg(not(test))] fn n() {} pub trait T { fn o(&self); }
            #[tokio::test] async fn p() {} #[doc(hidden)] pub fn q() {}";
        let expected = [
            ("A", true, false),
            ("B", false, false),
            ("A", true, false),
            ("A::f", true, false),
            ("A::g", false, false),
            ("B", false, false),
            ("B::h", false, false),
            ("m", false, false),
            ("m::i", false, false),
            ("j", false, false),
            ("tests", false, true),
            ("tests::k", false, true),
            ("tests::l", false, true),
            ("n", false, false),
            ("T", true, false),
            ("T::o", true, false),
            ("p", false, true),
            ("q", false, false),
        ];
        assert_eq!(listed(text), expected.map(|(name, public, test)| (name.to_owned(), public, test)));
    }

    #[test]
    fn a_file_of_tests_is_told_by_its_tests() {
        let tests = |text| listed(text).iter().filter(|(_, _, test)| *test).count();
        assert_eq!(tests("use super::*;\nfn given() {}\n#[test]\nfn t() {}\n"), 2);
        assert_eq!(tests("pub fn product() {}\n#[test]\nfn t() {}\n"), 1);
        assert_eq!(tests("#![cfg(test)]\nfn given() {}\n"), 1);
    }

    #[test]
    fn documentation_is_read_from_comments_and_attributes() {
        let text = "//! Module.\n\n/// One.\n/// Two.\n#[inline]\n#[doc = \"Three.\"]\nfn f() {}\n// plain\nfn g() {}\n/** Block\n * more */\nfn h() {}\n";
        let syntax = Syntax::parse(text);
        let docs: Vec<_> = items(&syntax).iter().map(|i| documentation(&syntax, i.first, i.id)).collect();
        assert_eq!(docs[0].as_deref(), Some("One.\nTwo.\nThree."));
        assert_eq!(docs[1], None);
        assert_eq!(docs[2].as_deref(), Some("Block\nmore"));
        assert_eq!(module_documentation(&syntax), Some((1, "Module.".to_owned())));
    }
}
