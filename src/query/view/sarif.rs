//! A report as SARIF 2.1.0: what is there at the end of the range. What is fixed is no result: code hosts would show it as open.

use std::collections::HashMap;

use serde_json::{Value, json};

use crate::domain::{FilePath, Hash};
use crate::query::view::report::{FindingView, NotLookedView, ReportView, RuleView};

const SCHEMA: &str = "https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json";

/// What paths are relative to.
const TOP: &str = "SRCROOT";

/// The whole log, with one run.
pub fn log(view: &ReportView) -> Value {
    let places: HashMap<&str, usize> = view.rules.iter().enumerate().map(|(place, rule)| (rule.kind, place)).collect();
    let new = view.new.iter().map(|one| (one, "new"));
    let kept = view.still_there.iter().map(|one| (one, state_of(one)));
    // Of what is known of the end alone, nothing says that it is new.
    let one_sided = view.one_sided.iter().filter(|one| !one.at_beginning).map(|one| (one, "unchanged"));
    let results: Vec<Value> =
        new.chain(kept).chain(one_sided).map(|(one, state)| result(one, state, &places)).collect();
    let to = view.to.as_deref().unwrap_or_default();
    json!({
        "$schema": SCHEMA,
        "version": "2.1.0",
        "runs": [{
            "tool": { "driver": {
                "name": "ra-agent",
                "semanticVersion": env!("CARGO_PKG_VERSION"),
                "rules": view.rules.iter().map(rule).collect::<Vec<_>>(),
            } },
            "automationDetails": { "id": format!("ra-agent/report/{to}"), "guid": guid(to) },
            "baselineGuid": guid(view.from.as_deref().unwrap_or_default()),
            "columnKind": "unicodeCodePoints",
            "originalUriBaseIds": { TOP: { "description": { "text": "The top of the repository." } } },
            "invocations": [{
                "executionSuccessful": true,
                "toolExecutionNotifications": view.not_looked_at.iter().map(notification).collect::<Vec<_>>(),
            }],
            "results": results,
            "properties": { "from": view.from, "to": view.to },
        }],
    })
}

fn state_of(one: &FindingView) -> &'static str {
    if one.severity_before.is_some() || one.from_path.is_some() { "updated" } else { "unchanged" }
}

fn rule(rule: &RuleView) -> Value {
    json!({
        "id": rule.kind,
        "name": rule.kind.split('-').map(capital).collect::<String>(),
        "shortDescription": { "text": rule.title },
        "fullDescription": { "text": format!("{}. {}", rule.title, rule.help) },
        "help": { "text": rule.help, "markdown": rule.help },
    })
}

fn capital(word: &str) -> String {
    let mut letters = word.chars();
    letters.next().map(|first| first.to_ascii_uppercase()).into_iter().chain(letters).collect()
}

fn result(one: &FindingView, state: &str, places: &HashMap<&str, usize>) -> Value {
    let mut location = json!({ "physicalLocation": {
        "artifactLocation": { "uri": uri(&one.raw_path()), "uriBaseId": TOP },
        "region": { "startLine": one.start_line, "endLine": one.end_line },
    } });
    if let Some(item) = &one.item {
        location["logicalLocations"] = json!([{ "fullyQualifiedName": item }]);
    }
    let mut result = json!({
        "ruleId": one.kind,
        "level": level(one.severity),
        "baselineState": state,
        "message": { "text": message(&one.message) },
        "locations": [location],
        "partialFingerprints": { "raAgentFinding/v1": one.fingerprint, "raAgentIdentity/v1": one.identity },
        "properties": { "by": one.by },
    });
    if let Some(place) = places.get(one.kind) {
        result["ruleIndex"] = json!(place);
    }
    result
}

fn level(severity: &str) -> &'static str {
    match severity {
        "error" => "error",
        "warning" => "warning",
        _ => "note",
    }
}

fn notification(one: &NotLookedView) -> Value {
    let question = one.question.map(|question| format!(" ({question})")).unwrap_or_default();
    let text = format!("{} file(s) are not covered{question}: {}", one.files.len(), one.because);
    json!({ "level": "note", "message": { "text": message(&text) } })
}

/// A plain text message, which can have placeholders (`{0}`) and links (`[text](target)`): those that it happens to have are no such.
fn message(text: &str) -> String {
    let text = text.replace('{', "{{").replace('}', "}}");
    let text = if text.contains("](") { text.replace('[', "\\[").replace(']', "\\]") } else { text };
    if text.trim().is_empty() { "(no message)".to_owned() } else { text }
}

/// A path as a relative reference: all but letters, digits and the few characters that need no escape.
fn uri(path: &FilePath) -> String {
    let mut out = String::new();
    for &byte in path.as_bytes() {
        match byte {
            b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' | b'/' => out.push(char::from(byte)),
            byte => out.push_str(&format!("%{byte:02X}")),
        }
    }
    out
}

/// The name of the run on a commit: the same each time.
fn guid(commit: &str) -> String {
    let mut bytes = *Hash::of_fields([&b"ra-agent report"[..], commit.as_bytes()]).as_bytes();
    (bytes[6], bytes[8]) = (bytes[6] & 0x0f | 0x50, bytes[8] & 0x3f | 0x80);
    let hex: String = bytes[..16].iter().map(|byte| format!("{byte:02x}")).collect();
    let parts = [0..8, 8..12, 12..16, 16..20, 20..32].map(|part| hex[part].to_owned());
    parts.join("-")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_is_a_relative_reference() {
        for (path, expected) in [
            (&b"src/main.rs"[..], "src/main.rs"),
            (b"a b/%41#?.rs", "a%20b/%2541%23%3F.rs"),
            (b"c:/x", "c%3A/x"),
            (b"caf\xe9\n<i>", "caf%E9%0A%3Ci%3E"),
            ("größe.rs".as_bytes(), "gr%C3%B6%C3%9Fe.rs"),
        ] {
            assert_eq!(uri(&FilePath::new(path)), expected);
        }
    }

    #[test]
    fn a_message_has_no_placeholder_and_no_link() {
        assert_eq!(message("a[0] of {0}"), "a[0] of {{0}}");
        assert_eq!(message("[here](http://a)"), "\\[here\\](http://a)");
        assert_eq!(message(" "), "(no message)");
    }

    #[test]
    fn a_run_has_a_name_of_the_form_of_a_guid() {
        let guid = guid("0123");
        let lengths: Vec<usize> = guid.split('-').map(str::len).collect();
        assert_eq!(lengths, [8, 4, 4, 4, 12], "{guid}");
        assert!(guid[14..].starts_with('5') && guid[19..].starts_with(['8', '9', 'a', 'b']), "{guid}");
        assert_eq!(capital("long") + &capital("function"), "LongFunction");
    }
}
