//! What a file says of itself: its summary, and its public items with and without documentation.

use super::complexity::own_nodes;
use super::items::{self, Item, Visibility, documentation};
use super::panics;
use super::source::{RustSource, Source};
use super::{markdown, preface};
use crate::analyzer::{DocItem, DocsReport, MemberCounts, Summary, SummarySource};
use crate::domain::Language;
use crate::language::rust::tree::{Field, Id, Kind, Syntax};

/// Characters of a summary that are kept.
const LONGEST_SUMMARY: usize = 600;

/// Characters of an item's first line that are kept.
const LONGEST_FIRST_LINE: usize = 160;

pub fn report(source: &Source) -> DocsReport {
    match (&source.rust, source.subject.language) {
        (Some(rust), _) => of_rust(source, rust),
        (None, Language::MARKDOWN) => of_markdown(source),
        (None, language) => {
            let mut seen = source.seen(true);
            if language == Language::RUST {
                seen.not_covered.push("public items: they are read off the syntax tree".to_owned());
            } else if !source.is_prose_or_data() {
                seen.not_covered.push(format!("public items: {language} is not parsed"));
            }
            DocsReport { seen, summary: preface::summary(source), ..DocsReport::default() }
        }
    }
}

fn of_markdown(source: &Source) -> DocsReport {
    let headings = markdown::headings(source.subject.text);
    let summary = markdown::summary(source.subject.text, &headings);
    DocsReport { seen: source.seen(true), summary, headings, ..DocsReport::default() }
}

fn of_rust(source: &Source, rust: &RustSource) -> DocsReport {
    let public: Vec<&Item> = rust.items.iter().filter(|item| is_listed(&rust.syntax, item)).collect();
    let items: Vec<DocItem> = public.iter().map(|item| doc_item(&rust.syntax, item)).collect();
    DocsReport {
        seen: source.seen(true),
        summary: module_summary(&rust.syntax).or_else(|| item_summary(&rust.syntax, &public)),
        coverage_percent: coverage(&items),
        members: members(rust),
        items,
        headings: Vec::new(),
    }
}

/// Items that rustdoc would list with this file: `impl` blocks have no name of their own, `mod x;` is documented in its own file, and what
/// implements a trait is documented there.
fn is_listed(syntax: &Syntax, item: &Item) -> bool {
    let elsewhere = item.kind == "mod" && syntax.child_in_field(item.id, Field::Body).is_none();
    item.visibility == Visibility::Public && !item.test && !item.of_trait_impl && item.kind != "impl" && !elsewhere
}

fn doc_item(syntax: &Syntax, item: &Item) -> DocItem {
    let docs = documentation(syntax, item.first, item.id).filter(|text| !text.trim().is_empty());
    DocItem {
        kind: item.kind.to_owned(),
        name: item.name.clone(),
        line: syntax.lines(item.id).0,
        documented: docs.is_some(),
        first_line: docs.as_deref().and_then(first_line),
        missing_sections: missing_sections(syntax, item, docs.as_deref()),
        suggestion: None,
    }
}

fn first_line(docs: &str) -> Option<String> {
    let line = docs.lines().map(str::trim).find(|line| !line.is_empty())?;
    Some(clip_at(line, LONGEST_FIRST_LINE))
}

/// Sections that the Rust API guidelines (C-FAILURE) ask for and that are missing: `Errors` where a `Result` is returned, `Panics` where
/// the body can panic, `Safety` where the function is unsafe. An item without any documentation lacks more than a section: only
/// `Safety` is said of it.
fn missing_sections(syntax: &Syntax, item: &Item, docs: Option<&str>) -> Vec<String> {
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

/// Whether the return type is some `Result`; `fmt::Result` says nothing that a caller could be told.
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

/// Documented in percent of all, to one decimal.
fn coverage(items: &[DocItem]) -> Option<f64> {
    let count = |n: usize| f64::from(u32::try_from(n).unwrap_or(u32::MAX));
    let documented = items.iter().filter(|item| item.documented).count();
    (!items.is_empty()).then(|| (count(documented) * 1000.0 / count(items.len())).round() / 10.0)
}

/// Public fields and variants of the listed types.
fn members(rust: &RustSource) -> MemberCounts {
    let syntax = &rust.syntax;
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

fn module_summary(syntax: &Syntax) -> Option<Summary> {
    let (line, docs) = items::module_documentation(syntax)?;
    let text = first_paragraph(&docs)?;
    Some(Summary { source: SummarySource::ModuleDoc, item: None, line, text })
}

/// The documentation of the public item with the most lines; of two equals the first.
fn item_summary(syntax: &Syntax, public: &[&Item]) -> Option<Summary> {
    let documented = public.iter().filter_map(|item| {
        let text = documentation(syntax, item.first, item.id).as_deref().and_then(first_paragraph)?;
        let (start, end) = syntax.lines(item.id);
        Some((end - start, std::cmp::Reverse(start), item.name.clone(), text))
    });
    let (_, std::cmp::Reverse(line), item, text) = documented.max_by_key(|(size, line, ..)| (*size, *line))?;
    Some(Summary { source: SummarySource::ItemDoc, item: Some(item), line, text })
}

/// The first paragraph that is not a heading, its lines joined.
pub fn first_paragraph(docs: &str) -> Option<String> {
    let lines = docs.lines().map(str::trim).filter(|line| !is_underline(line));
    let words: Vec<&str> =
        lines.skip_while(|l| l.is_empty() || l.starts_with('#')).take_while(|l| !l.is_empty()).collect();
    (!words.is_empty()).then(|| clip(&words.join(" ")))
}

/// A row of `===`, `~~~` or the like, as text documents underline a title with.
fn is_underline(line: &str) -> bool {
    line.len() >= 3 && line.chars().all(|c| matches!(c, '=' | '-' | '~' | '*' | '^'))
}

/// Cuts a summary to the length that is kept.
pub fn clip(text: &str) -> String {
    clip_at(text, LONGEST_SUMMARY)
}

fn clip_at(text: &str, longest: usize) -> String {
    match text.char_indices().nth(longest) {
        Some((end, _)) => format!("{}…", text[..end].trim_end()),
        None => text.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::analyzer::Subject;
    use crate::domain::Role;

    fn docs(language: Language, text: &str) -> DocsReport {
        report(&Source::read(Subject { language, role: Role::Library, text, uses: &[] }).unwrap())
    }

    #[test]
    fn public_items_and_what_they_lack() {
        let text = "//! Says\n//! what.\n//!\n//! More.\npub mod other;\n/// Loads.\npub fn load() -> io::Result<()> { a.unwrap(); Ok(()) }
/// Loads.\n///\n/// # Errors\n/// Never.\npub fn loads() -> Result<(), E> {}\npub unsafe fn raw() {}\nfn hidden() {}
pub struct S { /// yes\n pub a: u8, pub b: u8, c: u8 }\nimpl Display for S { fn fmt(&self) -> fmt::Result {} }\n";
        let report = docs(Language::RUST, text);
        assert_eq!(report.summary.unwrap().text, "Says what.");
        let brief: Vec<_> =
            report.items.iter().map(|i| (i.name.as_str(), i.documented, i.missing_sections.join(","))).collect();
        let expected =
            [("load", true, "Errors,Panics"), ("loads", true, ""), ("raw", false, "Safety"), ("S", false, "")];
        assert_eq!(brief, expected.map(|(name, documented, missing)| (name, documented, missing.to_owned())));
        assert_eq!(report.coverage_percent, Some(50.0));
        assert_eq!(report.members, MemberCounts { total: 2, documented: 1 });
        assert!(report.seen.is_whole());
    }

    #[test]
    fn without_module_documentation_the_largest_item_speaks() {
        let report = docs(Language::RUST, "/// Small.\npub fn a() {}\n/// Large.\npub fn b() {\n\n}\n");
        let summary = report.summary.unwrap();
        assert_eq!((summary.item.as_deref(), summary.text.as_str()), (Some("b"), "Large."));
    }

    #[test]
    fn nothing_public_is_not_full_coverage() {
        assert_eq!(docs(Language::RUST, "fn main() {}").coverage_percent, None);
        assert!(!docs(Language::PYTHON, "def f(): pass").seen.is_whole());
    }
}
