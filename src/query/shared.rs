//! What was shared, and how the shared store is, from what this machine has noted.

use std::collections::HashMap;

use super::view::shared::{RequestTotals, SharedView, TrustedKeyView};
use super::view::usd;
use super::{QueryError, Reader};
use crate::cache::exchange;
use crate::clock::Timestamp;
use crate::config::SharedConfig;
use crate::shared::{self, EntryKind, PublicKey, SharedError, SharedKey};

/// What `[shared]` has to have before there is anything to say.
pub const NOT_SHARED: &str =
    "nothing is shared: no store is set; write its url under [shared] in config.toml (`ra-agent help team`)";

/// Gathers what is known of the shared store. It is not asked.
///
/// # Errors
/// If a store of this machine cannot be read.
pub fn shared_status(reader: &Reader<'_>) -> Result<SharedView, QueryError> {
    let Some(config) = &reader.config.shared else {
        return Ok(SharedView { why_empty: Some(NOT_SHARED.to_owned()), ..SharedView::default() });
    };
    let health = shared::health_of(reader.home, config);
    let (packs, entries) = shared::counts_of(reader.home, config);
    let (public_key, obstacle) = key(reader, config);
    let at = |millis: Option<i64>| millis.map(|millis| Timestamp(millis).to_rfc3339());
    let mut view = SharedView {
        url: Some(config.url.clone()),
        endpoint: config.endpoint.clone(),
        mode: Some(if config.may_write { "read-write" } else { "read" }),
        public_key,
        trusted_keys: config.trusted_keys.iter().map(|one| trusted(one.key, &one.label)).collect(),
        obstacle,
        failing_since: at(health.failing_since),
        retry_at: at(health.retry_at),
        answered_at: at(health.answered_at),
        problem: health.problem,
        packs,
        answers: count(&entries, EntryKind::Answer),
        vectors: count(&entries, EntryKind::Vector),
        analyses: count(&entries, EntryKind::Analysis),
        entries_taken: health.taken,
        entries_given: health.given,
        rows_given: health.rows_given,
        refused: health.refused,
        requests: RequestTotals {
            lists: health.lists,
            gets: health.gets,
            puts: health.puts,
            bytes_in: health.bytes_in,
            bytes_out: health.bytes_out,
        },
        ..SharedView::default()
    };
    for repo in reader.repos()? {
        // One that cannot be read is reported by `status` and `doctor`.
        let Ok(Some(store)) = reader.store(&repo) else { continue };
        let sums = exchange::taken(store.db())?;
        view.answers_taken += sums.answers;
        view.analyses_taken += sums.analyses;
        view.saved_usd += usd(sums.cost);
    }
    Ok(view)
}

fn count(entries: &HashMap<EntryKind, usize>, kind: EntryKind) -> usize {
    entries.get(&kind).copied().unwrap_or_default()
}

fn trusted(key: [u8; 32], name: &str) -> TrustedKeyView {
    TrustedKeyView { key: PublicKey(key).to_string(), name: name.to_owned() }
}

/// The key that this machine signs with, and what is wrong with it.
fn key(reader: &Reader<'_>, config: &SharedConfig) -> (Option<String>, Option<String>) {
    match SharedKey::load(&reader.home.shared_key()) {
        Ok(key) => match key.public() {
            None if config.may_write => (None, Some(SharedError::CannotSign.to_string())),
            public => (public.map(|public| public.to_string()), None),
        },
        Err(error) => (None, Some(error.to_string())),
    }
}
