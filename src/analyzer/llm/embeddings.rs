//! Vectors of texts from a server: `/embeddings` below the address of an API, as OpenAI documents it and ollama, llama.cpp and others
//! copy it.

use std::time::Duration;

use reqwest::header::CONTENT_TYPE;
use serde::Deserialize;
use serde_json::json;

use super::client::{Client, UNFINISHED};
use super::endpoint::below;
use super::outcome::{CallFailure, FailureKind};
use crate::budget::Usage;

/// Most bytes of a reply for one text: 8,192 numbers of some 25 characters, and what stands around them.
const BYTES_PER_TEXT: u64 = 256 * 1024;
const FRAME_BYTES: u64 = 64 * 1024;

/// Texts as they will go over the wire.
#[derive(Clone, Debug)]
pub struct EmbeddingsRequest {
    body: String,
    texts: usize,
    text_bytes: u64,
}

impl EmbeddingsRequest {
    /// Size of the body in bytes: an upper bound of its tokens.
    pub fn bytes(&self) -> usize {
        self.body.len()
    }

    /// Bytes of the texts, for [`super::input_is_plausible`].
    pub const fn text_bytes(&self) -> u64 {
        self.text_bytes
    }
}

/// Vectors in the order of the texts, and the tokens that were read, if the server says so.
#[derive(Clone, Debug, PartialEq)]
pub struct Embedded {
    pub vectors: Vec<Vec<f32>>,
    pub usage: Option<Usage>,
}

#[derive(Deserialize)]
struct EmbeddingsReply {
    data: Vec<PlacedVector>,
    usage: Option<ReportedUsage>,
}

#[derive(Deserialize)]
struct PlacedVector {
    index: Option<usize>,
    embedding: Vec<f32>,
}

#[derive(Deserialize)]
struct ReportedUsage {
    prompt_tokens: Option<u64>,
    total_tokens: Option<u64>,
}

impl Client {
    /// What will be sent for some texts, to be reserved and then to be [sent](Self::embed).
    pub fn embeddings_request(&self, texts: &[&str]) -> EmbeddingsRequest {
        let body = json!({ "model": self.model(), "input": texts, "encoding_format": "float" }).to_string();
        EmbeddingsRequest { body, texts: texts.len(), text_bytes: texts.iter().map(|text| text.len() as u64).sum() }
    }

    /// Sends a request, once, and waits for its vectors, at most so long.
    ///
    /// # Errors
    /// As questions fail; also if the reply has not one vector for each text.
    pub async fn embed(&self, request: &EmbeddingsRequest, patience: Duration) -> Result<Embedded, CallFailure> {
        let post = self.http().post(below(self.base(), "embeddings")).header(CONTENT_TYPE, "application/json");
        let post = post.timeout(patience).body(request.body.clone());
        let most = FRAME_BYTES + BYTES_PER_TEXT * request.texts as u64;
        let body = self.carry(post, most).await.map_err(|failure| CallFailure {
            message: match failure.kind {
                FailureKind::TimedOut if failure.message.starts_with(UNFINISHED) => {
                    format!("{UNFINISHED} within {} s", patience.as_secs_f32())
                }
                _ => failure.message,
            },
            ..failure
        })?;
        read(&body, request.texts).map_err(|(reason, usage)| CallFailure {
            usage,
            ..self.plain_failure(FailureKind::Garbage, &format!("the reply holds no vectors of the texts: {reason}"))
        })
    }
}

/// The vectors in a reply; else why there are none, and what the server bills all the same.
fn read(body: &[u8], texts: usize) -> Result<Embedded, (String, Option<Usage>)> {
    let reply: EmbeddingsReply = serde_json::from_slice(body).map_err(|error| (error.to_string(), None))?;
    let usage = reply.usage.and_then(|usage| usage.prompt_tokens.or(usage.total_tokens));
    let usage = usage.map(|input| Usage { input, ..Usage::default() });
    let mut vectors: Vec<Option<Vec<f32>>> = vec![None; texts];
    let count = reply.data.len();
    for (place, one) in reply.data.into_iter().enumerate() {
        match vectors.get_mut(one.index.unwrap_or(place)) {
            Some(vector @ None) => *vector = Some(one.embedding),
            _ => return Err((format!("the vector at place {place} belongs to no text"), usage)),
        }
    }
    let missing = || (format!("{count} vectors for {texts} texts"), usage);
    let vectors = vectors.into_iter().collect::<Option<Vec<_>>>().ok_or_else(missing)?;
    Ok(Embedded { vectors, usage })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn vectors_come_in_the_order_of_the_texts_by_index() {
        let body =
            br#"{"data":[{"index":1,"embedding":[2]},{"index":0,"embedding":[1.5]}],"usage":{"prompt_tokens":7}}"#;
        let read = read(body, 2).unwrap();
        assert_eq!(read.vectors, [vec![1.5], vec![2.0]]);
        assert_eq!(read.usage, Some(Usage { input: 7, ..Usage::default() }));
    }

    #[test]
    fn a_reply_that_is_short_double_or_none_gives_no_vector() {
        for body in [
            &br#"{"data":[{"index":0,"embedding":[1]}],"usage":{"total_tokens":3}}"#[..],
            br#"{"data":[{"index":0,"embedding":[1]},{"index":0,"embedding":[1]}]}"#,
            br#"{"data":[{"embedding":[1]},{"embedding":[1]},{"embedding":[1]}]}"#,
            br#"{"data":[{"embedding":["a"]},{"embedding":[1]}]}"#,
            br#"{"error":"no"}"#,
            b"",
        ] {
            assert!(read(body, 2).is_err(), "{}", String::from_utf8_lossy(body));
        }
        let (_, usage) = read(br#"{"data":[],"usage":{"total_tokens":3}}"#, 2).unwrap_err();
        assert_eq!(usage.map(|usage| usage.input), Some(3));
    }
}
