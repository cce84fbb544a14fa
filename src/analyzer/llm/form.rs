//! The form of a reply, per type: as a JSON schema for servers that hold a model to one, and in words for all others.
//!
//! A model fills in what needs judgement. What can be counted is the local analyzer's, and is not asked for.

use serde_json::{Value, json};

use super::prompt::{Prompt, PromptPart};
use crate::analyzer::SmellKind;
use crate::domain::AnalysisType;

/// Most findings of one kind that are taken from a reply.
pub(super) const MOST_FINDINGS: usize = 200;

/// JSON schema of a reply: within the subset that strict structured outputs allow (every property required, no others,
/// optional ones may be null).
pub fn schema(analysis_type: AnalysisType) -> Value {
    schema_of(analysis_type, &[])
}

/// `more`: what a finding has besides.
fn schema_of(analysis_type: AnalysisType, more: &[(&str, Value)]) -> Value {
    match analysis_type {
        AnalysisType::Refactor => object(&[("smells", list(object(&[&smell()[..], more].concat())))]),
        AnalysisType::Docs => object(&[("summary", text()), ("items", list(item()))]),
        AnalysisType::Analysis => {
            object(&[("summary", text()), ("findings", list(object(&[&finding()[..], more].concat())))])
        }
        AnalysisType::Todos => object(&[("todos", list(todo()))]),
    }
}

/// Name and JSON schema of the reply to a request: of a question's answer, or of an object that has an answer under each question's name.
pub(super) fn of(prompt: &Prompt) -> (&'static str, Value) {
    let (shared, _) = prompt.halves();
    let sure = [("confidence", json!({ "type": "string", "enum": ["high", "medium", "low"] }))];
    match prompt.parts() {
        [part] if shared.is_empty() => (part.analysis_type.as_str(), schema(part.analysis_type)),
        [part] => (part.analysis_type.as_str(), schema_of(part.analysis_type, &sure)),
        parts => {
            let one = |part: &PromptPart| (part.analysis_type.as_str(), schema_of(part.analysis_type, &sure));
            ("answers", object(&parts.iter().map(one).collect::<Vec<_>>()))
        }
    }
}

/// The same in words, for a prompt; short, because it is sent with every request.
pub(super) const fn in_words(analysis_type: AnalysisType) -> &'static str {
    match analysis_type {
        AnalysisType::Refactor => REFACTOR,
        AnalysisType::Docs => DOCS,
        AnalysisType::Analysis => ANALYSIS,
        AnalysisType::Todos => TODOS,
    }
}

const REFACTOR: &str = r#"{"smells": [{"kind": "other", "severity": "warning", "start_line": 1, "end_line": 2, "item": "Type::function or null", "message": "..."}]}
kind is one of: bool-parameters, cognitive-complexity, deep-nesting, duplicate-body, large-file, large-impl, large-struct, long-function, long-match, many-parameters, panics, swallowed-errors, undocumented-unsafe, unfinished, other."#;

const DOCS: &str = r#"{"summary": "...", "items": [{"kind": "fn", "name": "...", "line": 1, "documented": false, "missing_sections": ["Errors"], "suggestion": "... or null"}]}"#;

const ANALYSIS: &str = r#"{"summary": "...", "findings": [{"severity": "warning", "start_line": 1, "end_line": 2, "item": "Type::function or null", "message": "..."}]}"#;

const TODOS: &str =
    r#"{"todos": [{"tag": "TODO", "line": 1, "item": "function or null", "owner": "... or null", "text": "..."}]}"#;

/// The kinds of smells that need judgement, and the rest.
const SMELL_KINDS: [SmellKind; 15] = [
    SmellKind::BoolParameters,
    SmellKind::CognitiveComplexity,
    SmellKind::DeepNesting,
    SmellKind::DuplicateBody,
    SmellKind::LargeFile,
    SmellKind::LargeImpl,
    SmellKind::LargeStruct,
    SmellKind::LongFunction,
    SmellKind::LongMatch,
    SmellKind::ManyParameters,
    SmellKind::Panics,
    SmellKind::SwallowedErrors,
    SmellKind::UndocumentedUnsafe,
    SmellKind::Unfinished,
    SmellKind::Other,
];

fn smell() -> Vec<(&'static str, Value)> {
    let kinds: Vec<&str> = SMELL_KINDS.iter().map(|kind| kind.as_str()).collect();
    [vec![("kind", json!({ "type": "string", "enum": kinds }))], finding()].concat()
}

fn finding() -> Vec<(&'static str, Value)> {
    vec![
        ("severity", severity()),
        ("start_line", line()),
        ("end_line", line()),
        ("item", text_or_null()),
        ("message", text()),
    ]
}

fn item() -> Value {
    object(&[
        ("kind", text()),
        ("name", text()),
        ("line", line()),
        ("documented", json!({ "type": "boolean" })),
        ("missing_sections", list(json!({ "type": "string", "enum": ["Errors", "Panics", "Safety"] }))),
        ("suggestion", text_or_null()),
    ])
}

fn todo() -> Value {
    object(&[
        ("tag", json!({ "type": "string", "enum": ["FIXME", "HACK", "TODO", "XXX"] })),
        ("line", line()),
        ("item", text_or_null()),
        ("owner", text_or_null()),
        ("text", text()),
    ])
}

fn object(properties: &[(&str, Value)]) -> Value {
    let required: Vec<&str> = properties.iter().map(|(name, _)| *name).collect();
    let properties: serde_json::Map<String, Value> =
        properties.iter().map(|(name, schema)| ((*name).to_owned(), schema.clone())).collect();
    json!({ "type": "object", "properties": properties, "required": required, "additionalProperties": false })
}

fn list(items: Value) -> Value {
    json!({ "type": "array", "items": items })
}

fn text() -> Value {
    json!({ "type": "string" })
}

fn text_or_null() -> Value {
    json!({ "type": ["string", "null"] })
}

fn line() -> Value {
    json!({ "type": "integer" })
}

fn severity() -> Value {
    json!({ "type": "string", "enum": ["error", "warning", "info"] })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn keys(value: &Value) -> Vec<&str> {
        let mut keys: Vec<&str> = value.as_object().unwrap().keys().map(String::as_str).collect();
        keys.sort_unstable();
        keys
    }

    /// Whether an example has the properties of a schema, all the way down.
    fn assert_same_form(schema: &Value, example: &Value) {
        match example {
            Value::Object(fields) => {
                assert_eq!(keys(&schema["properties"]), keys(example));
                fields.iter().for_each(|(name, field)| assert_same_form(&schema["properties"][name], field));
            }
            Value::Array(items) => items.iter().for_each(|item| assert_same_form(&schema["items"], item)),
            Value::String(text) if schema["enum"].is_array() => {
                assert!(schema["enum"].as_array().unwrap().contains(&json!(text)), "{text}");
            }
            _ => {}
        }
    }

    #[test]
    fn words_and_schema_say_the_same() {
        for &analysis_type in AnalysisType::ALL {
            let words = in_words(analysis_type);
            let example: Value = serde_json::Deserializer::from_str(words).into_iter().next().unwrap().unwrap();
            assert_same_form(&schema(analysis_type), &example);
        }
        for kind in SMELL_KINDS {
            assert!(REFACTOR.contains(kind.as_str()), "{}", kind.as_str());
        }
    }
}
