//! Vectors that a server makes. What is paid for is on the disk (`retired_vectors`) before the ledger's entry is closed, so a crash, a
//! limit or an outage half way loses none of it: the job, when it runs again, finds it there.

use std::collections::HashMap;
use std::time::Duration;

use super::embed::NotEmbedded;
use crate::analyzer::llm::secrets::redact;
use crate::analyzer::llm::{CallFailure, EmbeddingsRequest, NextStep, Wait, Withheld};
use crate::budget::{self, Call, CallPurpose, Grant, Refusal, Reservation};
use crate::cache::retired;
use crate::clock::{self, Timestamp};
use crate::domain::{FilePath, FileRecord, Hash, Source};
use crate::embedder::chunk::Chunk;
use crate::embedder::encoder::{EmbedError, Vector};
use crate::embedder::server::ServerEmbedder;
use crate::index::recipe;
use crate::queue::{self, Lane, ParkCause, Parking};
use crate::repo::registry::Registered;
use crate::vectors::OwnedVector;
use crate::worker::process::server_questions::book;
use crate::worker::{Worker, WorkerError};

/// Why files wait for their vectors.
#[derive(Debug)]
pub(in crate::worker) enum EmbeddingHold {
    /// For the server's pace, or for the end of a short outage.
    Pace {
        wait: Duration,
        detail: Option<String>,
    },
    Parked {
        cause: ParkCause,
        until: Option<Timestamp>,
        detail: String,
    },
}

/// How long a text waits that is being embedded at this moment.
const SAME_KEY_WAIT: Duration = Duration::from_secs(1);

/// What takes longer is parked, and resumed by the daemon's timer, which looks each minute.
const SHORT_WAIT: Duration = Duration::from_secs(60);

/// What a remote server is shown of chunks: their texts without the secrets that are found in the file as a whole.
pub(super) fn without_secrets(text: &str, chunks: &[Chunk]) -> HashMap<Hash, String> {
    let redacted = redact(text).text;
    // Replacing keeps the lines.
    let (lines, shown): (Vec<&str>, Vec<&str>) = (text.split('\n').collect(), redacted.split('\n').collect());
    let sent = |chunk: &Chunk| {
        let (start, end) = (chunk.start_line.max(1) as usize - 1, chunk.end_line as usize);
        let range = start.min(lines.len())..end.min(lines.len());
        let is_same = lines.get(range.clone()) == shown.get(range.clone());
        let own = if is_same { chunk.text.clone() } else { shown.get(range).unwrap_or_default().join("\n") };
        (chunk.chunk_hash, redact(&own).text)
    };
    chunks.iter().map(sent).collect()
}

impl Worker {
    /// Whether a file may be shown to a remote server: as it is committed, and if it is not withheld from models.
    pub(super) fn may_be_sent(&self, repo: &Registered, file: &FileRecord) -> bool {
        let own = recipe::for_repo(&self.recipe, &self.config.for_repo(&repo.location.path));
        file.source == Source::Commit && !Withheld::new(&own.withhold).holds(&file.path)
    }

    /// Has a server make vectors of texts, which are named by the hash of their chunk.
    pub(super) fn embed_at_server(
        &mut self,
        repo: &Registered,
        server: &ServerEmbedder,
        path: &FilePath,
        missing: &[(Hash, String)],
    ) -> Result<HashMap<Hash, Vector>, NotEmbedded> {
        let mut made = HashMap::new();
        for batch in missing.chunks(server.texts().max(1)) {
            let texts: Vec<&str> = batch.iter().map(|(_, text)| text.as_str()).collect();
            let request = server.passages(&texts);
            let pass = server.admit(&request).map_err(|Wait(wait)| EmbeddingHold::Pace { wait, detail: None })?;
            let hashes: Vec<Hash> = batch.iter().map(|(hash, _)| *hash).collect();
            let reservation = match server.is_remote() {
                true => Some(self.reserve_vectors(repo, server, path, &hashes, &request)?),
                false => None,
            };
            let sent = server.send(&request, server.patience());
            drop(pass);
            let vectors = sent.as_ref().map_or_else(|_| Ok(Vec::new()), |reply| server.vectors(reply));
            if let (Some(_), Ok(vectors)) = (&reservation, &vectors) {
                self.keep_paid(repo, server.id(), &hashes, vectors)?;
            }
            if let Some(reservation) = &reservation
                && let Err(error) = book(&mut self.queue, server, &request, reservation, &sent)
            {
                // It stays open and counts at its worst case.
                tracing::error!(%error, entry = reservation.entry(), "a call is not settled");
            }
            if let Err(failure) = sent {
                return Err(after_failure(server, &failure));
            }
            // Vectors that do not fit would be paid for again.
            let unfit = |error: EmbedError| EmbeddingHold::Parked {
                cause: ParkCause::Setup,
                until: None,
                detail: error.to_string(),
            };
            made.extend(hashes.into_iter().zip(vectors.map_err(unfit)?));
        }
        Ok(made)
    }

    fn reserve_vectors(
        &mut self,
        repo: &Registered,
        server: &ServerEmbedder,
        path: &FilePath,
        hashes: &[Hash],
        request: &EmbeddingsRequest,
    ) -> Result<Reservation, NotEmbedded> {
        let fields = hashes.iter().map(|hash| hash.as_bytes().as_slice());
        let call = Call {
            repo: repo.id.clone(),
            cache_key: Hash::of_fields(fields.chain([server.id().as_bytes()])),
            path: path.clone(),
            purpose: CallPurpose::Embedding,
            model_id: server.id().to_owned(),
            commit: repo.indexed_commit.clone(),
        };
        let parked = |cause, until, detail: String| EmbeddingHold::Parked { cause, until, detail };
        if let Some(obstacle) = &self.ledger_obstacle {
            return Err(parked(ParkCause::Setup, None, obstacle.clone()).into());
        }
        let granted =
            budget::noted_limits(&self.queue).map(|noted| noted.unwrap_or(self.config.budget)).and_then(|limits| {
                budget::reserve(&mut self.queue, &limits, &call, server.worst_case(request), clock::now())
            });
        Err(match granted {
            Ok(Grant::Reserved(reservation)) => return Ok(reservation),
            Ok(Grant::Refused(refusal)) => refused(&refusal).into(),
            Ok(Grant::InFlight) => EmbeddingHold::Pace { wait: SAME_KEY_WAIT, detail: None }.into(),
            Err(error) => parked(ParkCause::Setup, None, error.to_string()).into(),
        })
    }

    fn keep_paid(
        &mut self,
        repo: &Registered,
        model_id: &str,
        hashes: &[Hash],
        vectors: &[Vector],
    ) -> Result<(), WorkerError> {
        let owned = |(hash, vector): (&Hash, &Vector)| OwnedVector {
            chunk_hash: *hash,
            model_id: model_id.to_owned(),
            vector: vector.clone(),
        };
        let kept: Vec<OwnedVector> = hashes.iter().zip(vectors).map(owned).collect();
        Ok(self.store(repo)?.write_durably(|tx| retired::keep(tx, &kept, clock::now()))?)
    }

    /// Puts jobs back, or parks them with all others that wait for vectors.
    pub(super) fn hold_embedding(&mut self, ids: &[i64], hold: &EmbeddingHold) -> Result<(), WorkerError> {
        let now = clock::now();
        match hold {
            EmbeddingHold::Pace { wait, detail } => {
                let then = after(now, *wait);
                queue::put_all_back(&mut self.queue, ids, then, detail.as_deref(), now)?;
                queue::postpone(&self.queue, Lane::Embed, then)?;
            }
            EmbeddingHold::Parked { cause, until, detail } => {
                tracing::warn!(cause = cause.as_str(), detail, "embedding is parked");
                let why = Parking { cause: *cause, until: *until, detail };
                queue::park_lane(&mut self.queue, Lane::Embed, ids, &why, now)?;
            }
        }
        Ok(())
    }
}

fn refused(refusal: &Refusal) -> EmbeddingHold {
    EmbeddingHold::Parked { cause: ParkCause::Budget, until: refusal.resumes_at(), detail: refusal.to_string() }
}

/// What a failure means for the jobs.
fn after_failure(server: &ServerEmbedder, failure: &CallFailure) -> NotEmbedded {
    let remedy = failure.kind.remedy().map_or_else(String::new, |remedy| format!("; {remedy}"));
    let detail = format!("{failure}{remedy}").replace("[llm]", "[embedding]");
    match failure.kind.next_step() {
        NextStep::AskAgain | NextStep::Discard => NotEmbedded::Rejected(detail),
        NextStep::Wait(asked_for) | NextStep::Outage(asked_for) => {
            let wait = server.rest(asked_for);
            if wait < SHORT_WAIT {
                return EmbeddingHold::Pace { wait, detail: Some(detail) }.into();
            }
            let until = Some(after(clock::now(), wait));
            EmbeddingHold::Parked { cause: ParkCause::Provider, until, detail }.into()
        }
        NextStep::Park => EmbeddingHold::Parked { cause: ParkCause::Setup, until: None, detail }.into(),
    }
}

fn after(now: Timestamp, wait: Duration) -> Timestamp {
    now.plus_millis(i64::try_from(wait.as_millis()).unwrap_or(i64::MAX))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::Language;
    use crate::embedder::chunk::chunks;

    #[test]
    fn no_piece_of_a_secret_is_sent_however_the_file_is_cut() {
        let body = "MIIEowIBAAKCAQEAx7Vt3".repeat(4);
        let key = format!(
            "-----BEGIN RSA {} KEY-----\n{}-----END RSA {} KEY-----",
            "PRIVATE",
            format!("{body}\n").repeat(80),
            "PRIVATE"
        );
        let text = format!(
            "pub fn before() {{\n    work();\n}}\n\npub const KEY: &str = \"{key}\";\n\npub fn behind() {{}}\n"
        );
        let cut = chunks(Language::RUST, None, &text);
        assert!(cut.iter().filter(|chunk| chunk.text.contains(&body)).count() > 1, "{}", cut.len());
        let sent = without_secrets(&text, &cut);
        assert!(sent.values().all(|text| !text.contains(&body)), "{sent:#?}");
        assert!(sent.values().any(|text| text.contains("REDACTED")));
        let plain = chunks(Language::RUST, None, "pub fn go() {}\n");
        assert_eq!(without_secrets("pub fn go() {}\n", &plain)[&plain[0].chunk_hash], plain[0].text);
    }
}
