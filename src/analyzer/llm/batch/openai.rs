//! OpenAI's Batch API (its API reference, "Batches" and "Files"): a file of lines is uploaded, and a batch made of it.

use reqwest::header::CONTENT_TYPE;
use serde_json::{Value, json};

use super::{BatchLine, BatchProgress, Batches, LineOutcome, LineResult, json_lines};
use crate::analyzer::llm::outcome::CallFailure;

/// Stands between the parts of the upload; no line of JSON begins so.
const BOUNDARY: &str = "ra-agent-batch-7f3c2b9a51d84e06";

/// Batches of the list that are looked through for one.
const LISTED: usize = 100;

pub(super) async fn send(batches: &Batches, token: &str, lines: &[BatchLine]) -> Result<String, CallFailure> {
    let post = batches.client.http().post(batches.url("files"));
    let post =
        post.header(CONTENT_TYPE, format!("multipart/form-data; boundary={BOUNDARY}")).body(upload(token, lines));
    let body = batches.carry(post).await?;
    let file = batches.json(&body)?;
    let request = json!({
        "input_file_id": batches.text(&file, "id")?,
        "endpoint": "/v1/chat/completions",
        "completion_window": "24h",
        "metadata": { "ra_agent": token },
    });
    let batch = batches.post("batches", request).await?;
    Ok(batches.text(&batch, "id")?.to_owned())
}

/// The file of lines, as a form that a browser would send (RFC 7578).
fn upload(token: &str, lines: &[BatchLine]) -> String {
    let mut body =
        format!("--{BOUNDARY}\r\nContent-Disposition: form-data; name=\"purpose\"\r\n\r\nbatch\r\n--{BOUNDARY}\r\n");
    body.push_str(&format!(
        "Content-Disposition: form-data; name=\"file\"; filename=\"{token}.jsonl\"\r\nContent-Type: application/jsonl\r\n\r\n"
    ));
    for line in lines {
        let name = json!(line.name);
        let request = line.request.body();
        body.push_str(&format!(
            "{{\"custom_id\":{name},\"method\":\"POST\",\"url\":\"/v1/chat/completions\",\"body\":{request}}}\n"
        ));
    }
    body.push_str(&format!("\r\n--{BOUNDARY}--\r\n"));
    body
}

pub(super) async fn find(batches: &Batches, token: &str) -> Result<Option<String>, CallFailure> {
    let list = batches.get(&format!("batches?limit={LISTED}")).await?;
    let all = list["data"].as_array().into_iter().flatten();
    let mut ours = all.filter(|batch| batch["metadata"]["ra_agent"] == token);
    Ok(ours.find_map(|batch| batch["id"].as_str()).map(str::to_owned))
}

pub(super) async fn fetch(batches: &Batches, name: &str) -> Result<(BatchProgress, Vec<LineResult>), CallFailure> {
    let batch = batches.get(&format!("batches/{name}")).await?;
    let status = batches.text(&batch, "status")?;
    if !matches!(status, "completed" | "expired" | "cancelled" | "failed") {
        return Ok((BatchProgress::Running, Vec::new()));
    }
    let mut results = Vec::new();
    for file in ["output_file_id", "error_file_id"].iter().filter_map(|field| batch[*field].as_str()) {
        let body = batches.get_bytes(batches.url(&format!("files/{file}/content"))).await?;
        results.extend(json_lines(&body).filter_map(|line| result(batches, &line)));
    }
    Ok((BatchProgress::Ended { is_complete: status == "completed" }, results))
}

fn result(batches: &Batches, line: &Value) -> Option<LineResult> {
    let name = line["custom_id"].as_str()?.to_owned();
    let response = &line["response"];
    let outcome = match (response["status_code"].as_u64(), &line["error"]) {
        (Some(status), _) => batches.outcome(u16::try_from(status).unwrap_or(500), &response["body"]),
        (None, error) if error["code"] == "batch_expired" || error["code"] == "batch_cancelled" => LineOutcome::NotDone,
        (None, error) => batches.refused(error),
    };
    Some((name, outcome))
}
