//! What analyses find, as one kind of thing, with an identity that survives moved lines.

use std::collections::{BTreeSet, HashMap};

use crate::analyzer::{Analysis, DocItem, Finding, Severity, Smell, Todo, TodoTag};
use crate::domain::{AnalysisType, FilePath, Hash, Role};
use crate::impact::Use;

/// Rules that are not those of a smell.
pub const MISSING_DOC: &str = "missing-doc";
pub const MISSING_DOC_SECTION: &str = "missing-doc-section";
pub const UNRESOLVED: &str = "unresolved-import";
pub const MODEL_FINDING: &str = "model-finding";

/// Who found it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum FoundBy {
    /// The analyzer of this machine.
    Local,
    /// A model, in its answer to this question.
    Model(AnalysisType),
}

/// One finding of one file, in one state of the repository.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TracedFinding {
    pub by: FoundBy,
    /// The rule.
    pub kind: &'static str,
    pub severity: Severity,
    /// The item it is in; `None`: the file itself.
    pub item: Option<String>,
    pub start_line: u32,
    pub end_line: u32,
    pub message: String,
    /// What of its text tells it from another one of the same rule and item.
    pub text: String,
    /// How many before it in its file have the same identity.
    pub ordinal: u32,
}

/// What makes a finding the same one in another state of its file. No line, and no number that a line or a count is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct FindingId<'a> {
    by: FoundBy,
    kind: &'a str,
    item: Option<&'a str>,
    text: &'a str,
}

impl TracedFinding {
    pub fn id(&self) -> FindingId<'_> {
        // The text of a note says what it is about; the item around it may get another name.
        let is_note = TodoTag::ALL.iter().any(|tag| rule_of(*tag) == self.kind);
        let item = if is_note { None } else { self.item.as_deref() };
        FindingId { by: self.by, kind: self.kind, item, text: &self.text }
    }

    /// The same for the same finding in every file.
    pub fn identity(&self) -> Hash {
        let FindingId { by, kind, item, text } = self.id();
        let by = match by {
            FoundBy::Local => "local",
            FoundBy::Model(question) => question.as_str(),
        };
        let fields = ["finding", by, kind, item.map_or("file", |_| "item"), item.unwrap_or_default(), text];
        Hash::of_fields(fields.map(str::as_bytes))
    }

    /// The same for this finding alone, as long as its file has its path.
    pub fn fingerprint(&self, path: &FilePath) -> Hash {
        Hash::of_fields([path.as_bytes(), self.identity().as_bytes(), &self.ordinal.to_le_bytes()])
    }
}

/// Everything that an analysis of a file finds.
pub fn of_analysis(analysis: &Analysis, role: Role, by: FoundBy) -> Vec<TracedFinding> {
    match analysis {
        Analysis::Refactor(report) => report.smells.iter().map(|smell| of_smell(smell, by)).collect(),
        // Only a library is read by its documentation.
        Analysis::Docs(report) if role == Role::Library => {
            report.items.iter().flat_map(|item| of_item(item, by)).collect()
        }
        Analysis::Docs(_) => Vec::new(),
        Analysis::Analysis(report) => report.findings.iter().map(|finding| of_finding(finding, by)).collect(),
        Analysis::Todos(report) => report.todos.iter().map(|todo| of_todo(todo, by)).collect(),
    }
}

fn of_smell(smell: &Smell, by: FoundBy) -> TracedFinding {
    TracedFinding {
        by,
        kind: smell.kind.as_str(),
        severity: smell.severity,
        item: smell.item.clone(),
        start_line: smell.start_line,
        end_line: smell.end_line,
        message: smell.message.clone(),
        // What is measured says the same of any value.
        text: if smell.metric.is_some() { String::new() } else { without_numbers(&smell.message) },
        ordinal: 0,
    }
}

fn of_item(item: &DocItem, by: FoundBy) -> Vec<TracedFinding> {
    let finding = |kind, message, text: &str| TracedFinding {
        by,
        kind,
        severity: Severity::Info,
        item: Some(item.name.clone()),
        start_line: item.line,
        end_line: item.line,
        message,
        text: text.to_owned(),
        ordinal: 0,
    };
    if !item.documented {
        return vec![finding(MISSING_DOC, format!("public {} without documentation", item.kind), &item.kind)];
    }
    let section = |name: &String| finding(MISSING_DOC_SECTION, format!("its documentation lacks `# {name}`"), name);
    item.missing_sections.iter().map(section).collect()
}

fn of_finding(finding: &Finding, by: FoundBy) -> TracedFinding {
    TracedFinding {
        by,
        kind: MODEL_FINDING,
        severity: finding.severity,
        item: finding.item.clone(),
        start_line: finding.start_line,
        end_line: finding.end_line,
        message: finding.message.clone(),
        text: without_numbers(&finding.message),
        ordinal: 0,
    }
}

fn of_todo(todo: &Todo, by: FoundBy) -> TracedFinding {
    let severity = match todo.tag {
        TodoTag::Fixme | TodoTag::Xxx => Severity::Warning,
        TodoTag::Hack | TodoTag::Todo => Severity::Info,
    };
    TracedFinding {
        by,
        kind: rule_of(todo.tag),
        severity,
        item: todo.item.clone(),
        start_line: todo.line,
        end_line: todo.line,
        message: format!("{}: {}", todo.tag.as_str(), todo.text),
        text: one_line(&todo.text),
        ordinal: 0,
    }
}

const fn rule_of(tag: TodoTag) -> &'static str {
    match tag {
        TodoTag::Fixme => "fixme",
        TodoTag::Hack => "hack",
        TodoTag::Todo => "todo",
        TodoTag::Xxx => "xxx",
    }
}

/// The references of a file into its repository that resolve to nothing.
pub fn unresolved(uses: &[Use]) -> Vec<TracedFinding> {
    let mut seen: BTreeSet<&str> = BTreeSet::new();
    let open = uses.iter().filter(|one| one.signature.is_none() && seen.insert(&one.written));
    let finding = |one: &Use| TracedFinding {
        by: FoundBy::Local,
        kind: UNRESOLVED,
        severity: Severity::Warning,
        item: None,
        start_line: one.line.max(1),
        end_line: one.line.max(1),
        message: format!("`{}` names nothing in this repository", one.written),
        text: one.written.clone(),
        ordinal: 0,
    };
    open.map(finding).collect()
}

/// Puts the findings of one file in their order, and numbers those that have the same identity.
pub fn in_order(mut found: Vec<TracedFinding>) -> Vec<TracedFinding> {
    found.sort_by(|one, other| {
        let place = |one: &TracedFinding| (one.start_line, one.end_line, one.kind);
        place(one).cmp(&place(other)).then_with(|| one.id().cmp(&other.id()))
    });
    let mut numbers: HashMap<FindingId<'_>, u32> = HashMap::new();
    let ordinals: Vec<u32> = found
        .iter()
        .map(|one| {
            let next = numbers.entry(one.id()).or_default();
            *next += 1;
            *next - 1
        })
        .collect();
    found.iter_mut().zip(ordinals).for_each(|(one, ordinal)| one.ordinal = ordinal);
    found
}

fn one_line(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// A message without lists of lines, and without the numbers that are no part of a name.
fn without_numbers(message: &str) -> String {
    let mut plain = String::with_capacity(message.len());
    for (nth, part) in message.split('`').enumerate() {
        if nth > 0 {
            plain.push('`');
        }
        // Every other part is code, whose numbers are part of it.
        if nth % 2 == 1 { plain.push_str(part) } else { push_without_numbers(&mut plain, part) }
    }
    while let Some(start) = plain.find(" (line") {
        let Some(length) = plain[start..].find(')') else { break };
        plain.replace_range(start..=start + length, "");
    }
    one_line(&plain)
}

fn push_without_numbers(out: &mut String, text: &str) {
    let (mut before, mut is_number) = (' ', false);
    for c in text.chars() {
        let begins = c.is_ascii_digit() && !before.is_alphanumeric() && before != '_';
        is_number = c.is_ascii_digit() && (begins || is_number);
        if !is_number {
            out.push(c);
        } else if begins {
            out.push('#');
        }
        before = c;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::analyzer::{Metric, RefactorReport, SmellKind, TodosReport};

    #[test]
    fn numbers_and_lines_are_no_part_of_a_text() {
        for (message, text) in [
            ("unwrap ×2, panic! ×1 (lines 4, 9, 12); return the error", "unwrap ×#, panic! ×#; return the error"),
            ("an error is dropped (line 4); handle it", "an error is dropped; handle it"),
            ("`crowd_1` is imported  and\nnot used", "`crowd_1` is imported and not used"),
            ("i32 and utf8 have 10 of 200", "i32 and utf8 have # of #"),
            ("same body as `a` (line 12) but", "same body as `a` but"),
            ("(line 1", "(line #"),
            ("", ""),
        ] {
            assert_eq!(without_numbers(message), text, "{message}");
        }
    }

    fn smell(item: &str, value: u32, start_line: u32) -> Smell {
        Smell {
            kind: SmellKind::LongFunction,
            severity: Severity::Warning,
            start_line,
            end_line: start_line + value,
            item: Some(item.to_owned()),
            message: format!("{value} lines of code"),
            metric: Some(Metric { value, limit: 60 }),
            confidence: None,
        }
    }

    #[test]
    fn a_longer_function_elsewhere_is_the_same_finding() {
        let report = |smells: &[Smell]| {
            let report = RefactorReport { smells: smells.to_vec(), ..RefactorReport::default() };
            in_order(of_analysis(&Analysis::Refactor(report), Role::Library, FoundBy::Local))
        };
        let (before, after) = (report(&[smell("a", 70, 1)]), report(&[smell("b", 70, 1), smell("a", 99, 200)]));
        assert_eq!(before[0].id(), after[1].id());
        assert_ne!(before[0].id(), after[0].id());
        let path = FilePath::from("a.rs");
        assert_eq!(before[0].fingerprint(&path), after[1].fingerprint(&path));
        assert_ne!(before[0].fingerprint(&path), before[0].fingerprint(&FilePath::from("b.rs")));
        assert_eq!(before[0].identity(), after[1].identity());
    }

    #[test]
    fn equal_notes_are_numbered_and_keep_their_text() {
        let todo = |line, item: &str| Todo {
            tag: TodoTag::Fixme,
            line,
            item: Some(item.to_owned()),
            owner: None,
            text: "see  RFC 12".to_owned(),
            severity: Severity::Info,
        };
        let report = TodosReport { todos: vec![todo(9, "b"), todo(3, "a")], ..TodosReport::default() };
        let found = in_order(of_analysis(&Analysis::Todos(report), Role::Test, FoundBy::Local));
        assert_eq!(found.iter().map(|one| (one.start_line, one.ordinal)).collect::<Vec<_>>(), [(3, 0), (9, 1)]);
        assert_eq!(found[0].id(), found[1].id(), "whatever item they are in");
        assert_eq!(found[0].text, "see RFC 12", "its number is part of what it says");
        let path = FilePath::from("a.rs");
        assert_ne!(found[0].fingerprint(&path), found[1].fingerprint(&path));
    }
}
