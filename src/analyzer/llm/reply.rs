//! From a model's reply to a typed report, or to the reason why it is none. A reply is data: it can name lines and say words, nothing
//! else; lines are checked against what was shown, words are cut to a length and stripped of what a terminal would obey.

mod extract;
mod parts;

#[cfg(test)]
mod tests;

use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::Value;

use super::form::MOST_FINDINGS;
use super::outcome::Finish;
use super::prompt::{Prompt, PromptPart};
use super::secrets;
use crate::analyzer::{
    Analysis, CodeReport, Confidence, Coverage, DocItem, DocsReport, Finding, Lines, RefactorReport, Severity, Smell,
    SmellKind, Summary, SummarySource, Todo, TodoTag, TodosReport,
};
use crate::domain::AnalysisType;

pub use parts::{PartReply, parse_parts};

/// Longest message or summary that is kept, in characters.
const LONGEST_TEXT: usize = 1_000;

/// Longest name of an item or an owner, in characters.
const LONGEST_NAME: usize = 120;

/// Longest complaint about a reply, in characters.
const LONGEST_REASON: usize = 300;

/// Why a reply is no report.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Malformed {
    #[error("it was cut off at the limit of its length; be briefer and name fewer places")]
    Cut,
    #[error("the model refused to answer or was filtered")]
    Refused,
    #[error("it was empty")]
    Empty,
    #[error("it holds no JSON object")]
    NoObject,
    #[error("it has no answer to this question")]
    Absent,
    #[error("it is not of the form that was asked for: {reason}")]
    Form { reason: String },
    #[error("lines {start} to {end} of `{what}` are not among the lines 1 to {lines} that were shown")]
    Lines { what: String, start: u32, end: u32, lines: u32 },
}

impl Malformed {
    /// Whether asking again can help.
    pub const fn is_repairable(&self) -> bool {
        !matches!(self, Self::Refused)
    }
}

/// Reads the reply to a question that was asked alone.
///
/// # Errors
/// If it was cut, is no JSON object of the form that was asked for, or cites lines that were not shown.
pub fn parse(prompt: &Prompt, reply: &str, finish: Finish) -> Result<Analysis, Malformed> {
    prompt.parts().first().ok_or(Malformed::NoObject).and_then(|part| parse_alone(part, reply, finish))
}

fn parse_alone(part: &PromptPart, reply: &str, finish: Finish) -> Result<Analysis, Malformed> {
    match finish {
        Finish::Cut => return Err(Malformed::Cut),
        Finish::Filtered => return Err(Malformed::Refused),
        Finish::Stopped | Finish::Unknown => {}
    }
    if reply.trim().is_empty() {
        return Err(Malformed::Empty);
    }
    first_report(part, extract::json_objects(reply).into_iter()).map(|(analysis, _)| analysis)
}

/// The first report among some objects and what is directly in them, for some models wrap what they were asked for once more
/// (`{"result": {..}}`); and the bytes that it was read from.
fn first_report(part: &PromptPart, objects: impl Iterator<Item = Value>) -> Result<(Analysis, u64), Malformed> {
    let mut reason = Malformed::NoObject;
    for object in objects {
        let inner: Vec<Value> = object.as_object().into_iter().flat_map(|fields| fields.values().cloned()).collect();
        for candidate in std::iter::once(object).chain(inner.into_iter().filter(Value::is_object)) {
            let bytes = candidate.to_string().len() as u64;
            match report(part, candidate) {
                Ok(report) => return Ok((report, bytes)),
                Err(error) if reason == Malformed::NoObject => reason = error,
                Err(_) => {}
            }
        }
    }
    Err(reason)
}

fn report(part: &PromptPart, object: Value) -> Result<Analysis, Malformed> {
    let seen = part.seen.clone();
    match part.analysis_type {
        AnalysisType::Refactor => refactor(read(object)?, seen).map(Analysis::Refactor),
        AnalysisType::Docs => docs(read(object)?, seen).map(Analysis::Docs),
        AnalysisType::Analysis => code(read(object)?, part).map(Analysis::Analysis),
        AnalysisType::Todos => todos(read(object)?, seen).map(Analysis::Todos),
    }
}

fn read<T: DeserializeOwned>(object: Value) -> Result<T, Malformed> {
    // serde quotes what it found, and this goes into the repair request: without secrets, then bounded
    let reason = |error: serde_json::Error| shortened(&secrets::redact(&error.to_string()).text, LONGEST_REASON);
    serde_json::from_value(object).map_err(|error| Malformed::Form { reason: reason(error) })
}

#[derive(Deserialize)]
struct RefactorReply {
    #[serde(deserialize_with = "list")]
    smells: Vec<Value>,
}

#[derive(Deserialize)]
struct SmellReply {
    #[serde(default, deserialize_with = "words")]
    kind: Option<String>,
    #[serde(flatten)]
    finding: FindingReply,
}

#[derive(Deserialize)]
struct FindingReply {
    #[serde(deserialize_with = "severity")]
    severity: Severity,
    #[serde(deserialize_with = "line")]
    start_line: u32,
    #[serde(default, deserialize_with = "optional_line")]
    end_line: Option<u32>,
    #[serde(default, deserialize_with = "words")]
    item: Option<String>,
    message: String,
    #[serde(default, deserialize_with = "confidence")]
    confidence: Option<Confidence>,
}

#[derive(Deserialize)]
struct DocsReply {
    #[serde(deserialize_with = "words")]
    summary: Option<String>,
    #[serde(default, deserialize_with = "list")]
    items: Vec<Value>,
}

#[derive(Deserialize)]
struct ItemReply {
    #[serde(default, deserialize_with = "words")]
    kind: Option<String>,
    name: String,
    #[serde(deserialize_with = "line")]
    line: u32,
    #[serde(deserialize_with = "truth")]
    documented: bool,
    #[serde(default, deserialize_with = "several")]
    missing_sections: Vec<String>,
    #[serde(default, deserialize_with = "words")]
    suggestion: Option<String>,
}

#[derive(Deserialize)]
struct CodeReply {
    #[serde(deserialize_with = "words")]
    summary: Option<String>,
    #[serde(deserialize_with = "list")]
    findings: Vec<Value>,
}

#[derive(Deserialize)]
struct TodosReply {
    #[serde(deserialize_with = "list")]
    todos: Vec<Value>,
}

#[derive(Deserialize)]
struct TodoReply {
    #[serde(default, deserialize_with = "words")]
    tag: Option<String>,
    #[serde(deserialize_with = "line")]
    line: u32,
    #[serde(default, deserialize_with = "words")]
    item: Option<String>,
    #[serde(default, deserialize_with = "words")]
    owner: Option<String>,
    text: String,
}

/// Where there is nothing to list, some models write `null`.
fn list<'de, D: serde::Deserializer<'de>>(deserializer: D) -> Result<Vec<Value>, D::Error> {
    Ok(Option::<Vec<Value>>::deserialize(deserializer)?.unwrap_or_default())
}

/// Words that a finding can do without, in whatever form: a text, a number, several of them.
fn words<'de, D: serde::Deserializer<'de>>(deserializer: D) -> Result<Option<String>, D::Error> {
    let several = several(deserializer)?;
    Ok(Some(several.join(" ")).filter(|_| !several.is_empty()))
}

fn several<'de, D: serde::Deserializer<'de>>(deserializer: D) -> Result<Vec<String>, D::Error> {
    let word = |value: Value| match value {
        Value::String(text) => Some(text),
        Value::Number(number) => Some(number.to_string()),
        _ => None,
    };
    Ok(match Value::deserialize(deserializer)? {
        Value::Array(all) => all.into_iter().filter_map(word).collect(),
        one => word(one).into_iter().collect(),
    })
}

fn truth<'de, D: serde::Deserializer<'de>>(deserializer: D) -> Result<bool, D::Error> {
    match Value::deserialize(deserializer)? {
        Value::Bool(is) => Ok(is),
        Value::String(word) if ["true", "yes"].contains(&word.trim().to_lowercase().as_str()) => Ok(true),
        Value::String(word) if ["false", "no"].contains(&word.trim().to_lowercase().as_str()) => Ok(false),
        other => Err(serde::de::Error::custom(format!("{other} is neither true nor false"))),
    }
}

/// How much a finding matters, by our words or by those that other scales have for the same (CVSS, syslog, SARIF, SonarQube), whatever
/// stands around them (`high severity`, `[WARN]`).
fn severity<'de, D: serde::Deserializer<'de>>(deserializer: D) -> Result<Severity, D::Error> {
    let written = String::deserialize(deserializer)?.to_lowercase();
    let words = || written.split(|c: char| !c.is_alphanumeric()).filter(|word| !word.is_empty());
    let known = if words().any(|word| matches!(word, "no" | "non" | "not")) { None } else { words().find_map(near) };
    known.ok_or_else(|| serde::de::Error::custom(format!("severity {written:?} is none of info, warning, error")))
}

fn near(word: &str) -> Option<Severity> {
    Some(match word {
        "error" | "errors" | "critical" | "crit" | "high" | "highest" | "severe" | "serious" | "urgent" | "blocker"
        | "fatal" | "emergency" | "alert" | "bug" | "err" | "p0" | "p1" => Severity::Error,
        "warning" | "warnings" | "warn" | "medium" | "moderate" | "major" | "important" | "significant" | "p2" => {
            Severity::Warning
        }
        "info" | "information" | "informational" | "informative" | "low" | "lowest" | "minor" | "note" | "notice"
        | "hint" | "suggestion" | "tip" | "trivial" | "cosmetic" | "optional" | "style" | "nit" | "nitpick"
        | "none" | "debug" | "p3" | "p4" => Severity::Info,
        _ => return None,
    })
}

/// How sure the model says that it is: a word of ours or one near it, or a number from 0 to 1 or to 100; what is none of these says nothing.
fn confidence<'de, D: serde::Deserializer<'de>>(deserializer: D) -> Result<Option<Confidence>, D::Error> {
    let of_share = |share: f64| match share {
        share if share < 0.4 => Confidence::Low,
        share if share < 0.75 => Confidence::Medium,
        _ => Confidence::High,
    };
    Ok(match Value::deserialize(deserializer)? {
        Value::String(word) => match word.trim().to_lowercase().as_str() {
            "high" | "certain" | "sure" | "very high" => Some(Confidence::High),
            "medium" | "moderate" | "likely" => Some(Confidence::Medium),
            "low" | "unsure" | "possible" | "very low" => Some(Confidence::Low),
            _ => None,
        },
        Value::Number(number) => number.as_f64().map(|share| of_share(if share > 1.0 { share / 100.0 } else { share })),
        _ => None,
    })
}

/// Models write a line as `12`, `12.0`, `"12"`, `"L12"` or `"12-15"`.
fn line<'de, D: serde::Deserializer<'de>>(deserializer: D) -> Result<u32, D::Error> {
    let value = Value::deserialize(deserializer)?;
    as_line(&value).ok_or_else(|| serde::de::Error::custom(format!("{value} is no number of a line")))
}

fn optional_line<'de, D: serde::Deserializer<'de>>(deserializer: D) -> Result<Option<u32>, D::Error> {
    match Value::deserialize(deserializer)? {
        Value::Null => Ok(None),
        value => match as_line(&value) {
            Some(line) => Ok(Some(line)),
            None => Err(serde::de::Error::custom(format!("{value} is no number of a line"))),
        },
    }
}

fn as_line(value: &Value) -> Option<u32> {
    match value {
        Value::String(text) => {
            let text = text.trim().trim_start_matches(|c: char| c.is_alphabetic() || c == ' ');
            text.split(|c: char| !c.is_ascii_digit()).next()?.parse().ok()
        }
        Value::Number(number) => {
            number.as_u64().and_then(|n| u32::try_from(n).ok()).or_else(|| whole(number.as_f64()?))
        }
        _ => None,
    }
}

fn whole(number: f64) -> Option<u32> {
    ((0.0..=f64::from(u32::MAX)).contains(&number) && number.fract() == 0.0).then_some(number as u32)
}

fn refactor(reply: RefactorReply, mut seen: Coverage) -> Result<RefactorReport, Malformed> {
    let mut smells = each(reply.smells, "smells", &mut seen, |smell: SmellReply, seen| {
        let finding = finding(smell.finding, seen)?;
        let kind = serde_json::from_value(Value::String(smell.kind.unwrap_or_default())).unwrap_or(SmellKind::Other);
        let Finding { severity, start_line, end_line, item, message, confidence } = finding;
        Ok(Smell { kind, severity, start_line, end_line, item, message, metric: None, confidence })
    })?;
    smells.sort_by_key(|smell| (smell.start_line, smell.end_line));
    Ok(RefactorReport { seen, smells })
}

fn docs(reply: DocsReply, mut seen: Coverage) -> Result<DocsReport, Malformed> {
    let text = required(&reply.summary.unwrap_or_default(), "summary")?;
    let mut items = each(reply.items, "items", &mut seen, |item: ItemReply, seen| {
        check_lines("items", item.line, item.line, seen)?;
        Ok(DocItem {
            kind: name(&item.kind.unwrap_or_default()),
            name: required(&item.name, "name")?,
            line: item.line,
            documented: item.documented,
            first_line: None,
            missing_sections: sections(item.missing_sections),
            suggestion: item.suggestion.as_deref().and_then(optional),
        })
    })?;
    items.sort_by_key(|item| item.line);
    let summary = Summary { source: SummarySource::Model, item: None, line: 1, text };
    Ok(DocsReport { seen, summary: Some(summary), items, ..DocsReport::default() })
}

fn sections(named: Vec<String>) -> Vec<String> {
    let mut sections: Vec<String> =
        named.into_iter().filter(|section| matches!(section.as_str(), "Errors" | "Panics" | "Safety")).collect();
    sections.sort();
    sections.dedup();
    sections
}

fn code(reply: CodeReply, part: &PromptPart) -> Result<CodeReport, Malformed> {
    let mut seen = part.seen.clone();
    let summary = required(&reply.summary.unwrap_or_default(), "summary")?;
    let mut findings = each(reply.findings, "findings", &mut seen, finding)?;
    findings.sort_by_key(|finding| (finding.start_line, finding.end_line));
    let (unresolved, uses) = part.shown.iter().cloned().partition(|symbol| symbol.signature.is_none());
    let lines = Lines { total: seen.seen_lines, ..Lines::default() };
    Ok(CodeReport { seen, lines, uses, unresolved, summary: Some(summary), findings, ..CodeReport::default() })
}

fn todos(reply: TodosReply, mut seen: Coverage) -> Result<TodosReport, Malformed> {
    let mut todos = each(reply.todos, "todos", &mut seen, |todo: TodoReply, seen| {
        check_lines("todos", todo.line, todo.line, seen)?;
        let written = todo.tag.unwrap_or_default();
        let tag = TodoTag::ALL.into_iter().find(|tag| tag.as_str().eq_ignore_ascii_case(written.trim()));
        Ok(Todo {
            tag: tag.unwrap_or(TodoTag::Todo),
            line: todo.line,
            severity: Severity::Info,
            item: todo.item.as_deref().and_then(optional_name),
            owner: todo.owner.as_deref().and_then(optional_name),
            text: required(&todo.text, "text")?,
        })
    })?;
    todos.sort_by_key(|todo| todo.line);
    Ok(TodosReport { seen, todos })
}

fn finding(reply: FindingReply, seen: &Coverage) -> Result<Finding, Malformed> {
    let end_line = reply.end_line.unwrap_or(reply.start_line);
    check_lines("start_line, end_line", reply.start_line, end_line, seen)?;
    Ok(Finding {
        severity: reply.severity,
        start_line: reply.start_line,
        end_line,
        item: reply.item.as_deref().and_then(optional_name),
        message: required(&reply.message, "message")?,
        confidence: reply.confidence,
    })
}

fn check_lines(what: &str, start: u32, end: u32, seen: &Coverage) -> Result<(), Malformed> {
    if start >= 1 && start <= end && end <= seen.seen_lines {
        return Ok(());
    }
    Err(Malformed::Lines { what: what.to_owned(), start, end, lines: seen.seen_lines })
}

/// Reads each entry of a list by itself: one that cannot be used costs that one, and the report says so.
///
/// # Errors
/// If there are entries and none can be used: why the first one cannot.
fn each<T: DeserializeOwned, R>(
    entries: Vec<Value>,
    what: &str,
    seen: &mut Coverage,
    make: impl Fn(T, &Coverage) -> Result<R, Malformed>,
) -> Result<Vec<R>, Malformed> {
    let entries = bounded(entries, what, seen);
    let (count, mut made, mut first_error) = (entries.len(), Vec::new(), None);
    for entry in entries {
        match read(entry).and_then(|entry| make(entry, seen)) {
            Ok(one) => made.push(one),
            Err(error) => drop(first_error.get_or_insert(error)),
        }
    }
    match first_error {
        Some(error) if made.is_empty() => return Err(error),
        Some(error) => {
            let lost = count - made.len();
            seen.not_covered.push(format!("{lost} of {count} {what} that the model named: {error}"));
        }
        None => {}
    }
    Ok(made)
}

/// The first findings; the report says if there were more.
fn bounded<T>(mut all: Vec<T>, what: &str, seen: &mut Coverage) -> Vec<T> {
    if all.len() > MOST_FINDINGS {
        seen.not_covered.push(format!(
            "{} of {} {what}, which the model named beyond the first",
            all.len() - MOST_FINDINGS,
            all.len()
        ));
        all.truncate(MOST_FINDINGS);
    }
    all
}

fn required(text: &str, what: &str) -> Result<String, Malformed> {
    optional(text).ok_or_else(|| Malformed::Form { reason: format!("`{what}` is empty") })
}

fn optional(text: &str) -> Option<String> {
    Some(shortened(&plain(text), LONGEST_TEXT)).filter(|text| !text.is_empty())
}

fn name(text: &str) -> String {
    shortened(&plain(text), LONGEST_NAME)
}

fn optional_name(text: &str) -> Option<String> {
    // asked for "name or null", some write the word
    Some(name(text)).filter(|name| !name.is_empty() && name != "null")
}

/// One line without control characters and without those that turn the direction of writing (Unicode Standard Annex 9): text from
/// outside is shown in a terminal.
fn plain(text: &str) -> String {
    let turns =
        |c: char| matches!(c, '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}' | '\u{61c}');
    let visible: String = text.chars().map(|c| if c.is_control() { ' ' } else { c }).filter(|&c| !turns(c)).collect();
    visible.split_whitespace().collect::<Vec<_>>().join(" ")
}

fn shortened(text: &str, longest: usize) -> String {
    match text.char_indices().nth(longest) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None => text.to_owned(),
    }
}
