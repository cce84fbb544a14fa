//! show: the analyses of a file.

use std::path::Path;

use serde_json::json;

use super::output::{print, print_json};
use super::{Context, Failure};
use crate::analyzer::render;
use crate::query::Reader;
use crate::query::files::{FileView, show as look_up};
use crate::query::search::json_path;
use crate::query::status::NANO;

pub fn show(context: &Context, file: &Path, json: bool) -> Result<(), Failure> {
    let reader = Reader::open(&context.home, &context.config)?;
    let view = look_up(&reader, file)?;
    if json { print_json(&as_json(&view)?) } else { print(&describe(&view)) }
}

fn as_json(view: &FileView) -> Result<serde_json::Value, Failure> {
    let (path, path_bytes) = json_path(&view.file.path);
    let mut analyses = Vec::new();
    for shown in &view.analyses {
        let result = match &shown.stored {
            Some((stored, _)) => {
                let value: serde_json::Value =
                    serde_json::from_str(&stored.json).map_err(|error| Failure::Failed(error.to_string()))?;
                json!({
                    "type": shown.analysis_type.as_str(),
                    "fresh": shown.fresh,
                    "model": stored.model_id,
                    "cost_usd": stored.cost as f64 / NANO,
                    "created_at": stored.created_at.to_rfc3339(),
                    "generation_time_ms": stored.generation_time_ms,
                    "result": value,
                })
            }
            None => json!({"type": shown.analysis_type.as_str(), "fresh": false, "result": null}),
        };
        analyses.push(result);
    }
    Ok(json!({
        "repo": view.repo.location.path.to_string_lossy(),
        "path": path,
        "path_bytes": path_bytes,
        "commit": view.repo.indexed_commit.as_ref().map(ToString::to_string),
        "language": view.file.language.as_str(),
        "role": view.file.role.as_str(),
        "skipped": view.file.skip.map(|reason| reason.as_str()),
        "fan_in": view.fan_in,
        "fan_out": view.fan_out,
        "analyses": analyses,
    }))
}

fn describe(view: &FileView) -> String {
    let file = &view.file;
    let commit =
        view.repo.indexed_commit.as_ref().map_or_else(|| "no commit".to_owned(), |id| id.to_string()[..12].to_owned());
    let mut out = format!(
        "{} ({}, {}) at {commit}; used by {} file(s), uses {}\n",
        file.path, file.language, file.role, view.fan_in, view.fan_out
    );
    if let Some(reason) = file.skip {
        out.push_str(&format!("skipped: {reason}\n"));
        return out;
    }
    for shown in &view.analyses {
        match &shown.stored {
            Some((stored, analysis)) => {
                let state = if shown.fresh { "fresh" } else { "STALE" };
                let cost = stored.cost as f64 / NANO;
                out.push_str(&format!("\n== {} ({state}, {}, ${cost:.4})\n", shown.analysis_type, stored.model_id));
                // Writing into a String cannot fail.
                let _ = render(analysis, &mut out);
            }
            None => out.push_str(&format!("\n== {}: not made yet\n", shown.analysis_type)),
        }
    }
    out
}
