//! The answers in a reply to several questions: each is read by itself, so that what is wrong with one costs no other.

use serde_json::{Value, json};

use super::extract;
use super::{Malformed, first_report};
use crate::analyzer::Analysis;
use crate::analyzer::llm::outcome::Finish;
use crate::analyzer::llm::prompt::PromptPart;
use crate::domain::AnalysisType;

/// What came of one question of a request.
#[derive(Clone, Debug, PartialEq)]
pub enum PartReply {
    /// The report, and the bytes of the reply that it was read from.
    Report { analysis: Box<Analysis>, bytes: u64 },
    /// There is an answer, and it cannot be used. `text`: what it says.
    Malformed { why: Malformed, text: String },
    /// There is no answer: the reply was cut before it, or leaves it out.
    Missing(Malformed),
}

/// Reads the reply to a request with these questions: what came of each, in their order.
pub fn parse_parts(parts: &[PromptPart], reply: &str, finish: Finish) -> Vec<PartReply> {
    let reply = &*extract::unquoted(reply);
    if let [part] = parts {
        return vec![alone(part, reply, finish)];
    }
    if finish == Finish::Filtered || reply.trim().is_empty() {
        let why = if finish == Finish::Filtered { Malformed::Refused } else { Malformed::Empty };
        return parts.iter().map(|_| PartReply::Missing(why.clone())).collect();
    }
    let mut objects = extract::json_objects(reply);
    objects.extend(extract::unfinished_object(reply));
    let absent = match (finish, objects.is_empty()) {
        (Finish::Cut, _) => Malformed::Cut,
        (_, true) => Malformed::NoObject,
        (_, false) => Malformed::Absent,
    };
    parts.iter().map(|part| of_part(part, &objects, &absent)).collect()
}

fn alone(part: &PromptPart, reply: &str, finish: Finish) -> PartReply {
    match super::parse_alone(part, reply, finish) {
        Ok(analysis) => PartReply::Report { analysis: Box::new(analysis), bytes: reply.len() as u64 },
        Err(why @ Malformed::Refused) => PartReply::Missing(why),
        Err(why) => {
            let named =
                extract::json_objects(reply).into_iter().find_map(|object| answers(part, &object).into_iter().next());
            PartReply::Malformed { why, text: named.map_or_else(|| reply.to_owned(), |answer| answer.to_string()) }
        }
    }
}

fn of_part(part: &PromptPart, objects: &[Value], absent: &Malformed) -> PartReply {
    let named: Vec<Value> = objects.iter().flat_map(|object| answers(part, object)).collect();
    let mark = mark(part.analysis_type);
    // A model that leaves the names out, or has others, is understood by what only this answer has.
    let nameless = objects.iter().flat_map(holders).filter(|object| object.get(mark).is_some()).cloned();
    match (first_report(part, named.iter().cloned().chain(nameless)), named.first()) {
        (Ok((analysis, bytes)), _) => PartReply::Report { analysis: Box::new(analysis), bytes },
        (Err(why), Some(answer)) => PartReply::Malformed { why, text: answer.to_string() },
        (Err(_), None) => PartReply::Missing(absent.clone()),
    }
}

/// What stands under a question's name in an object, or in one of the objects in it: some models wrap what they were asked for once more.
/// A list in the place of an answer is its list; some write the answer as a text.
fn answers(part: &PromptPart, object: &Value) -> Vec<Value> {
    let fields = holders(object).flat_map(|holder| holder.as_object().into_iter().flatten());
    let answer = |value: &Value| match value {
        Value::Object(_) => Some(value.clone()),
        Value::Array(_) => Some(json!({ mark(part.analysis_type): value })),
        Value::String(text) => extract::json_objects(text).into_iter().next(),
        _ => None,
    };
    fields.filter(|(name, _)| is_name_of(part.analysis_type, name)).filter_map(|(_, value)| answer(value)).collect()
}

/// An object and those in it.
fn holders(object: &Value) -> impl Iterator<Item = &Value> {
    let inner = object.as_object().into_iter().flat_map(|fields| fields.values()).filter(|value| value.is_object());
    std::iter::once(object).chain(inner)
}

/// Whether a field is named as a question: `docs`, `Docs`, "Question `docs`", `docs_answer`.
fn is_name_of(analysis_type: AnalysisType, name: &str) -> bool {
    let letters: String = name.chars().filter(|c| c.is_alphabetic()).collect::<String>().to_lowercase();
    let letters = letters.strip_prefix("question").unwrap_or(&letters);
    letters.strip_suffix("answer").unwrap_or(letters) == analysis_type.as_str()
}

/// The field that only an answer of this type has.
const fn mark(analysis_type: AnalysisType) -> &'static str {
    match analysis_type {
        AnalysisType::Refactor => "smells",
        AnalysisType::Docs => "items",
        AnalysisType::Analysis => "findings",
        AnalysisType::Todos => "todos",
    }
}
