//! What a file says of itself: its summary, and its public items with and without documentation.

use super::preface;
use super::source::SourceFile;
use crate::analyzer::{DocItem, DocsReport, Summary, SummarySource};
use crate::language::Prose;
use crate::language::item::{CodeItem, ParsedCode};

/// Characters of a summary that are kept.
const LONGEST_SUMMARY: usize = 600;

/// Characters of an item's first line that are kept.
const LONGEST_FIRST_LINE: usize = 160;

pub fn report(source: &SourceFile) -> DocsReport {
    let spec = source.subject.language.spec();
    match (&source.code, spec.prose) {
        (Some(code), _) => of_code(source, code),
        (None, Some(prose)) => of_prose(source, prose(source.subject.text)),
        (None, None) => {
            let mut seen = source.seen(true);
            seen.not_covered.extend(match &spec.grammar {
                _ if source.is_prose_or_data() => None,
                Some(_) => Some("public items: they are read off the syntax tree".to_owned()),
                None => Some(format!("public items: {} is not parsed", spec.language)),
            });
            DocsReport { seen, summary: preface::summary(source), ..DocsReport::default() }
        }
    }
}

fn of_prose(source: &SourceFile, prose: Prose) -> DocsReport {
    let summary = prose.summary.map(|(line, text)| Summary {
        source: SummarySource::Heading,
        item: None,
        line,
        text: clip(&text),
    });
    DocsReport { seen: source.seen(true), summary, headings: prose.headings, ..DocsReport::default() }
}

fn of_code(source: &SourceFile, code: &ParsedCode<'_>) -> DocsReport {
    let listed: Vec<&CodeItem> = code.items.iter().filter(|item| item.is_listed).collect();
    let items: Vec<DocItem> = listed.iter().map(|item| doc_item(item)).collect();
    DocsReport {
        seen: source.seen(true),
        summary: module_summary(code).or_else(|| item_summary(&listed)).or_else(|| spare_summary(source, code)),
        coverage_percent: coverage(&items),
        members: code.members,
        items,
        headings: Vec::new(),
    }
}

fn doc_item(item: &CodeItem) -> DocItem {
    DocItem {
        kind: item.kind.to_owned(),
        name: item.name.clone(),
        line: item.start_line,
        documented: item.documentation.is_some(),
        first_line: item.documentation.as_deref().and_then(first_line),
        missing_sections: item.missing_sections.clone(),
        suggestion: None,
    }
}

fn first_line(docs: &str) -> Option<String> {
    let line = docs.lines().map(str::trim).find(|line| !line.is_empty())?;
    Some(clip_at(line, LONGEST_FIRST_LINE))
}

/// Documented in percent of all, to one decimal.
fn coverage(items: &[DocItem]) -> Option<f64> {
    let count = |n: usize| f64::from(u32::try_from(n).unwrap_or(u32::MAX));
    let documented = items.iter().filter(|item| item.documented).count();
    (!items.is_empty()).then(|| (count(documented) * 1000.0 / count(items.len())).round() / 10.0)
}

fn module_summary(code: &ParsedCode<'_>) -> Option<Summary> {
    let (line, docs) = code.documentation.as_ref()?;
    let text = first_paragraph(docs)?;
    Some(Summary { source: SummarySource::ModuleDoc, item: None, line: *line, text })
}

/// The documentation of the public item with the most lines; of two equals the first.
fn item_summary(listed: &[&CodeItem]) -> Option<Summary> {
    let documented = listed.iter().filter_map(|item| {
        let text = item.documentation.as_deref().and_then(first_paragraph)?;
        let start = item.start_line;
        Some((item.end_line - start, std::cmp::Reverse(start), item.name.clone(), text))
    });
    let (_, std::cmp::Reverse(line), item, text) = documented.max_by_key(|(size, line, ..)| (*size, *line))?;
    Some(Summary { source: SummarySource::ItemDoc, item: Some(item), line, text })
}

/// The comment at the top, where the language's documentation is not in comments.
fn spare_summary(source: &SourceFile, code: &ParsedCode<'_>) -> Option<Summary> {
    code.unjudged.and_then(|_| preface::summary(source))
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
    use crate::analyzer::{FileSubject, MemberCounts};
    use crate::domain::{Language, Role};

    fn docs(language: Language, text: &str) -> DocsReport {
        report(&SourceFile::read(FileSubject { language, role: Role::Library, text, uses: &[] }).unwrap())
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
        assert!(!docs(Language::FISH, "function f; end").seen.is_whole());
    }
}
