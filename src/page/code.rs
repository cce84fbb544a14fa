//! Source on a page: its lines, each with marks of what happens there.

use std::collections::BTreeMap;

use maud::{Markup, html};

use super::text::{symbol_link, without_secrets};
use crate::query::items::last;
use crate::query::view::show::{FileUse, WorstFinding};
use crate::query::view::targets::ItemLine;

/// A line of source.
#[derive(Clone, Debug)]
pub(super) struct CodeLine {
    pub number: u32,
    pub text: String,
    /// It is what was asked for.
    pub is_meant: bool,
    /// What it uses of other files.
    pub uses: Vec<CodeMark>,
    /// What it declares, if other files use that.
    pub declares: Option<CodeMark>,
    pub finding: Option<LineNote>,
}

impl CodeLine {
    pub fn markup(&self) -> Markup {
        let mut class = String::from("line");
        for (is, name) in [
            (self.is_meant, " meant"),
            (!self.uses.is_empty(), " uses"),
            (self.declares.is_some(), " used"),
            (self.finding.is_some(), " found"),
        ] {
            class.push_str(if is { name } else { "" });
        }
        let mark = |class: &str, sign: &str, title: String, href: &str| {
            html! { a.{ "mark " (class) } href=(href) title=(title) { (sign) span.hidden { " " (title) } } }
        };
        html! {
            div.(class) id={ "L" (self.number) } {
                a.n href={ "#L" (self.number) } { (self.number) }
                code dir="ltr" { (self.text) "\n" }
                span.marks {
                    @if let Some(one) = &self.declares {
                        (mark("used", "◂", format!("others use {}", one.name), &one.href))
                    }
                    @for one in &self.uses { (mark("", "▸", format!("uses {}", one.name), &one.href)) }
                }
                @if let Some(one) = &self.finding {
                    p.{ "line-note " (one.severity) } {
                        span.{ "badge " (one.severity) } { (one.severity) } " " bdi { (one.message) }
                    }
                }
            }
        }
    }
}

/// A name at a line, and where it leads.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct CodeMark {
    pub name: String,
    pub href: String,
}

/// The worst finding that starts at a line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct LineNote {
    pub severity: &'static str,
    pub message: String,
}

/// What is known of a file, for the marks.
pub(super) struct CodeMarks<'a> {
    pub repo: &'a str,
    pub uses: &'a [FileUse],
    pub items: &'a [ItemLine],
    /// Symbols of this file that others use.
    pub used: &'a [String],
    pub findings: &'a [WorstFinding],
    pub own: &'a crate::domain::FilePath,
}

impl CodeMarks<'_> {
    /// The lines of a text that starts at line `first`, without its secrets.
    pub fn lines(&self, text: &str, first: u32, meant: Option<(u32, u32)>) -> Vec<CodeLine> {
        let names = self.names();
        let text = without_secrets(text);
        let numbered = (first..).zip(text.lines());
        numbered
            .map(|(number, text)| CodeLine {
                number,
                text: text.to_owned(),
                is_meant: meant.is_some_and(|(first, last)| (first..=last).contains(&number)),
                uses: used_in(text, &names),
                declares: self.declared_at(number),
                finding: self.finding_at(number),
            })
            .collect()
    }

    /// The names under which a line may use another file, each with the symbol's address.
    fn names(&self) -> BTreeMap<&str, CodeMark> {
        let mut names = BTreeMap::new();
        for file in self.uses {
            let path = super::text::file_path(&file.path.path, file.path.path_bytes.as_ref());
            for symbol in &file.symbols {
                let name = format!("{symbol} of {}", file.path.path);
                let mark = CodeMark { name, href: symbol_link(self.repo, &path, symbol) };
                names.entry(last(symbol)).or_insert(mark);
            }
        }
        names
    }

    fn declared_at(&self, number: u32) -> Option<CodeMark> {
        let item = self.items.iter().find(|item| item.start_line == number)?;
        let is_used = self.used.iter().any(|symbol| last(symbol) == last(&item.name));
        is_used.then(|| CodeMark { name: item.name.clone(), href: symbol_link(self.repo, self.own, &item.name) })
    }

    fn finding_at(&self, number: u32) -> Option<LineNote> {
        let one = self.findings.iter().find(|one| one.start_line == number)?;
        Some(LineNote { severity: one.severity, message: without_secrets(&one.message) })
    }
}

/// What a line names of others, in its order, each once.
fn used_in(line: &str, names: &BTreeMap<&str, CodeMark>) -> Vec<CodeMark> {
    let mut found: Vec<CodeMark> = Vec::new();
    for word in line.split(|c: char| !(c.is_alphanumeric() || c == '_')).filter(|word| !word.is_empty()) {
        if let Some(mark) = names.get(word)
            && !found.contains(mark)
        {
            found.push(mark.clone());
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::FilePath;

    #[test]
    fn lines_are_marked_where_they_use_another_file() {
        let used = FileUse {
            path: (&FilePath::from("src/limits.rs")).into(),
            role: "library",
            symbols: vec!["limits::clamp".to_owned()],
        };
        let items = [ItemLine {
            kind: "function".to_owned(),
            name: "line".to_owned(),
            signature: String::new(),
            start_line: 3,
            end_line: 5,
        }];
        let own = FilePath::from("src/report.rs");
        let marks = CodeMarks {
            repo: "r",
            uses: &[used],
            items: &items,
            used: &["report::line".to_owned()],
            findings: &[],
            own: &own,
        };
        let text = "use crate::limits::clamp;\n\nfn line() {\n    clamp(1) + clamp(2) + unclamped\n}\n";
        let lines = marks.lines(text, 1, Some((3, 5)));
        let at: Vec<u32> = lines.iter().filter(|line| !line.uses.is_empty()).map(|line| line.number).collect();
        assert_eq!(at, [1, 4]);
        assert_eq!(lines[3].uses.len(), 1, "named twice, marked once");
        assert_eq!(lines[3].uses[0].href, "/repo/r/file?path=src%2Flimits%2Ers&symbol=limits%3A%3Aclamp");
        assert!(lines[2].declares.is_some() && lines[2].is_meant && !lines[1].is_meant);
    }

    #[test]
    fn a_secret_is_no_line_of_a_page() {
        let own = FilePath::from("a.py");
        let marks = CodeMarks { repo: "r", uses: &[], items: &[], used: &[], findings: &[], own: &own };
        let lines = marks.lines("a = 1\nkey = \"AKIAQ3EGRZ2YHV6KJ7PW\"\nb = 2\n", 1, None);
        assert!(lines[1].text.contains("[REDACTED") && lines.len() == 3, "{lines:?}");
    }
}
