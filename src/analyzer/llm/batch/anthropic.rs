//! Anthropic's Message Batches (its API reference, "Message Batches"): the lines are in the request that makes the batch.

use reqwest::Url;
use serde_json::{Value, json};

use super::{BatchLine, BatchProgress, Batches, LineOutcome, LineResult, json_lines};
use crate::analyzer::llm::outcome::CallFailure;

/// Batches of the list that are looked through for one.
const LISTED: usize = 100;

pub(super) async fn send(batches: &Batches, lines: &[BatchLine]) -> Result<String, CallFailure> {
    let line = |line: &BatchLine| {
        let params: Value = serde_json::from_str(line.request.body()).unwrap_or_default();
        json!({ "custom_id": line.name, "params": params })
    };
    let request = json!({ "requests": lines.iter().map(line).collect::<Vec<_>>() });
    let batch = batches.post("messages/batches", request).await?;
    Ok(batches.text(&batch, "id")?.to_owned())
}

/// A batch has no name that its sender gives; its lines have. They are known when it has ended, so one that is still running and has as many
/// lines is taken for the one that is looked for: what comes of it is judged by the names of the lines.
pub(super) async fn find(batches: &Batches, token: &str, lines: usize) -> Result<Option<String>, CallFailure> {
    let list = batches.get(&format!("messages/batches?limit={LISTED}")).await?;
    for batch in list["data"].as_array().into_iter().flatten() {
        let Some(id) = batch["id"].as_str() else { continue };
        let counts = batch["request_counts"].as_object().into_iter().flat_map(|counts| counts.values());
        if counts.filter_map(Value::as_u64).sum::<u64>() != lines as u64 {
            continue;
        }
        let (progress, results) = fetch(batches, id).await?;
        if progress == BatchProgress::Running || results.iter().any(|(name, _)| name.starts_with(token)) {
            return Ok(Some(id.to_owned()));
        }
    }
    Ok(None)
}

pub(super) async fn fetch(batches: &Batches, name: &str) -> Result<(BatchProgress, Vec<LineResult>), CallFailure> {
    let batch = batches.get(&format!("messages/batches/{name}")).await?;
    if batches.text(&batch, "processing_status")? != "ended" {
        return Ok((BatchProgress::Running, Vec::new()));
    }
    // A key is not carried to where an answer points: the results are fetched from where the batch was sent.
    let url = batches.url(&format!("messages/batches/{name}/results"));
    let named = batch["results_url"].as_str().and_then(|url| Url::parse(url).ok());
    let url = named.filter(|named| named.origin() == url.origin()).unwrap_or(url);
    let body = batches.get_bytes(url).await?;
    let ended = BatchProgress::Ended { is_complete: true };
    Ok((ended, json_lines(&body).filter_map(|line| result(batches, &line)).collect()))
}

fn result(batches: &Batches, line: &Value) -> Option<LineResult> {
    let name = line["custom_id"].as_str()?.to_owned();
    let result = &line["result"];
    let outcome = match result["type"].as_str()? {
        "succeeded" => batches.outcome(200, &result["message"]),
        "canceled" | "expired" => LineOutcome::NotDone,
        _ => batches.refused(&result["error"]),
    };
    Some((name, outcome))
}
