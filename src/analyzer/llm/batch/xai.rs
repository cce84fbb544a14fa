//! xAI's Batch API (docs.x.ai/developers/advanced-api-usage/batch-api, 2026): a batch is made by name, then the lines are added. Results can be
//! read while it runs.
//!
//! Not tried live. Read in November 2026: the guide on docs.x.ai for what the calls are and do; for the fields of requests and results
//! (`batch_requests`, `chat_get_completion`, `state.num_pending`, `batch_result.response`, `pagination_token`) several published clients that
//! agree, one of which was written by what the server answers. Not found in print: the fields of a cancelled batch, and how a line's
//! error is written; both are read leniently.

use serde_json::{Value, json};

use super::{BatchLine, BatchProgress, Batches, LineResult};
use crate::analyzer::llm::outcome::CallFailure;

/// Lines that are added in one request.
const ADDED: usize = 100;
/// Batches, and results, of a page.
const LISTED: usize = 100;

pub(super) async fn send(batches: &Batches, token: &str, lines: &[BatchLine]) -> Result<String, CallFailure> {
    let batch = batches.post("batches", json!({ "name": token })).await?;
    let id = batches.text(&batch, "batch_id")?.to_owned();
    for lines in lines.chunks(ADDED) {
        let line = |line: &BatchLine| {
            let request: Value = serde_json::from_str(line.request.body()).unwrap_or_default();
            json!({ "batch_request_id": line.name, "batch_request": { "chat_get_completion": request } })
        };
        let request = json!({ "batch_requests": lines.iter().map(line).collect::<Vec<_>>() });
        batches.post(&format!("batches/{id}/requests"), request).await?;
    }
    Ok(id)
}

/// One with fewer lines was left half made: it is cancelled, and what was added counts as done or not as its results say.
pub(super) async fn find(batches: &Batches, token: &str, lines: usize) -> Result<Option<String>, CallFailure> {
    let list = batches.get(&format!("batches?limit={LISTED}")).await?;
    let all = list["batches"].as_array().into_iter().flatten();
    let Some(batch) = all.into_iter().find(|batch| batch["name"] == token) else { return Ok(None) };
    let Some(id) = batch["batch_id"].as_str() else { return Ok(None) };
    if batch["state"]["num_requests"].as_u64().is_some_and(|added| added < lines as u64) {
        batches.cancel(id).await?;
    }
    Ok(Some(id.to_owned()))
}

pub(super) async fn fetch(batches: &Batches, name: &str) -> Result<(BatchProgress, Vec<LineResult>), CallFailure> {
    let batch = batches.get(&format!("batches/{name}")).await?;
    let is_cancelled = batch["cancel_time"].is_string();
    let is_over = is_cancelled || batch["state"]["num_pending"].as_u64() == Some(0);
    let (mut results, mut page) = (Vec::new(), String::new());
    loop {
        let more = batches.get(&format!("batches/{name}/results?page_size={LISTED}{page}")).await?;
        results.extend(more["results"].as_array().into_iter().flatten().filter_map(|line| result(batches, line)));
        match more["pagination_token"].as_str().filter(|token| !token.is_empty()) {
            Some(token) => page = format!("&pagination_token={token}"),
            None => break,
        }
    }
    let ended = BatchProgress::Ended { is_complete: !is_cancelled };
    Ok((if is_over { ended } else { BatchProgress::Running }, results))
}

fn result(batches: &Batches, line: &Value) -> Option<LineResult> {
    let name = line["batch_request_id"].as_str()?.to_owned();
    let response = line.pointer("/batch_result/response/chat_get_completion");
    let outcome = match response.filter(|response| response.is_object()) {
        Some(response) => batches.outcome(200, response),
        None => batches.refused(line.get("error_message").unwrap_or(&line["batch_result"])),
    };
    Some((name, outcome))
}
