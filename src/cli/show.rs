//! show: the analyses of a file.

use std::fmt::Write;
use std::path::Path;

use serde_json::{Value, json};

use super::output::{print, print_json, short};
use super::{Context, Failure};
use crate::analyzer::render;
use crate::budget::NANO;
use crate::cache::legacy::LegacyAnalysis;
use crate::domain::Source;
use crate::query::Reader;
use crate::query::files::{Answer, Answers, FileView, show as look_up};

/// `show <file>`: for each question the answer to read first; `all`: the other one, too.
pub fn show(context: &Context, file: &Path, all: bool, json: bool) -> Result<(), Failure> {
    let reader = Reader::open(&context.home, &context.config)?;
    let view = look_up(&reader, file)?;
    if json {
        return print_json(&as_json(&view)?);
    }
    let mut out = String::new();
    // Writing into a String cannot fail.
    let _ = describe(&mut out, &view, all);
    print(&out)
}

fn as_json(view: &FileView) -> Result<Value, Failure> {
    let (path, path_bytes) = view.file.path.for_json();
    let analyses = view.answers.iter().map(answers_json).collect::<Result<Vec<_>, _>>()?;
    Ok(json!({
        "repo": view.repo.location.path.to_string_lossy(),
        "path": path,
        "path_bytes": path_bytes,
        "source": view.file.source.as_str(),
        "commit": view.repo.indexed_commit.as_ref().map(ToString::to_string),
        "language": view.file.language.as_str(),
        "role": view.file.role.as_str(),
        "skipped": view.file.skip.map(|reason| reason.as_str()),
        "fan_in": view.fan_in,
        "fan_out": view.fan_out,
        "analyses": analyses,
        "legacy": view.legacy.iter().map(legacy_json).collect::<Vec<_>>(),
    }))
}

fn legacy_json(legacy: &LegacyAnalysis) -> Value {
    json!({
        "type": legacy.analysis_type,
        "fresh": false,
        "same_content": legacy.same_content,
        "model": legacy.model_id,
        "cost_usd": legacy.cost as f64 / NANO,
        "tokens": legacy.tokens,
        "created_at": legacy.created_at.to_rfc3339(),
        "result": legacy.result,
    })
}

/// An imported result as it was written: its form is nobody's promise.
fn describe_legacy(legacy: &LegacyAnalysis) -> String {
    let about = if legacy.same_content { "this content" } else { "an earlier content" };
    let result = match &legacy.result {
        Value::String(text) => text.clone(),
        other => format!("{other:#}"),
    };
    format!(
        "\n== {} (STALE, imported: {} on {}, about {about})\n{result}\n",
        legacy.analysis_type,
        legacy.model_id,
        legacy.created_at.to_rfc3339()
    )
}

/// The preferred answer, with the other one in its field `beside`.
fn answers_json(answers: &Answers) -> Result<Value, Failure> {
    let analysis_type = answers.analysis_type.as_str();
    let Some(preferred) = &answers.preferred else {
        return Ok(json!({"type": analysis_type, "fresh": false, "evicted": answers.evicted, "result": null}));
    };
    let mut value = answer_json(preferred)?;
    if let Some(beside) = &answers.beside {
        value["beside"] = answer_json(beside)?;
    }
    Ok(value)
}

fn answer_json(answer: &Answer) -> Result<Value, Failure> {
    let stored = &answer.stored;
    let result: Value = serde_json::from_str(&stored.json).map_err(|error| Failure::Failed(error.to_string()))?;
    Ok(json!({
        "type": stored.analysis_type.as_str(),
        "fresh": answer.fresh,
        "model": stored.model_id,
        "commit": stored.commit.as_ref().map(ToString::to_string),
        "cost_usd": stored.bill.cost as f64 / NANO,
        "input_tokens": stored.bill.input_tokens,
        "output_tokens": stored.bill.output_tokens,
        "redacted": answer.analysis.seen().redacted,
        "created_at": stored.created_at.to_rfc3339(),
        "generation_time_ms": stored.generation_time_ms,
        "result": result,
    }))
}

fn describe(out: &mut String, view: &FileView, all: bool) -> std::fmt::Result {
    let file = &view.file;
    let commit = view
        .repo
        .indexed_commit
        .as_ref()
        .map_or_else(|| "at no commit".to_owned(), |id| format!("at {}", short(&id.to_string())));
    let state = match file.source {
        Source::Commit => commit,
        Source::Worktree => format!("as it was saved, over what it is {commit}"),
    };
    writeln!(
        out,
        "{} ({}, {}) {state}; used by {} file(s), uses {}",
        file.path, file.language, file.role, view.fan_in, view.fan_out
    )?;
    if let Some(reason) = file.skip {
        return writeln!(out, "skipped: {reason}");
    }
    for answers in &view.answers {
        let Some(preferred) = &answers.preferred else {
            let why = if answers.evicted {
                "removed to keep the cache small; it is made again when the file changes, or by `ra-agent cache build`"
            } else {
                "not made yet"
            };
            writeln!(out, "\n== {}: {why}", answers.analysis_type)?;
            continue;
        };
        describe_answer(out, preferred)?;
        match &answers.beside {
            Some(beside) if all => describe_answer(out, beside)?,
            Some(beside) => writeln!(out, "   beside it: {} (`--all` shows it)", heading(beside))?,
            None => {}
        }
    }
    view.legacy.iter().try_for_each(|legacy| out.write_str(&describe_legacy(legacy)))
}

fn describe_answer(out: &mut String, answer: &Answer) -> std::fmt::Result {
    writeln!(out, "\n== {} ({})", answer.stored.analysis_type, heading(answer))?;
    let redacted = &answer.analysis.seen().redacted;
    if !redacted.is_empty() {
        let kinds: Vec<String> = redacted.iter().map(|(kind, number)| format!("{number} {kind}")).collect();
        writeln!(out, "   secrets kept from the model: {}", kinds.join(", "))?;
    }
    render(&answer.analysis, out)
}

fn heading(answer: &Answer) -> String {
    let stored = &answer.stored;
    let state = if answer.fresh { "fresh" } else { "STALE" };
    let commit = stored.commit.as_ref().map_or_else(String::new, |id| format!(", at {}", short(&id.to_string())));
    format!("{state}, {}{commit}, ${:.4}", stored.model_id, stored.bill.cost as f64 / NANO)
}
