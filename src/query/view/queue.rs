//! The answers of `queue list` and `queue show`.

use serde::Serialize;

use crate::domain::{JobState, StaleReason};
use crate::queue::{Counts, Job};

/// Jobs of the queue.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct QueueView {
    pub jobs: Vec<JobView>,
    /// Why no job is listed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub why_empty: Option<String>,
}

/// A job.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct JobView {
    pub id: i64,
    pub repo_id: String,
    pub path: String,
    pub path_bytes: Option<String>,
    pub kind: &'static str,
    pub state: &'static str,
    pub priority: &'static str,
    pub reason: &'static str,
    /// The changed symbol and its file, if the reason is a dependency.
    pub reason_symbol: Option<String>,
    pub reason_file: Option<String>,
    pub attempts: u32,
    /// Why it is parked, discarded or quarantined, or how the last attempt failed.
    pub detail: Option<String>,
    pub cache_key: String,
    pub created_at: String,
}

impl JobView {
    /// The path for a terminal.
    pub fn shown_path(&self) -> String {
        super::for_terminal(&self.path)
    }

    /// The reason for people.
    pub fn shown_reason(&self) -> String {
        match (&self.reason_symbol, &self.reason_file) {
            (Some(symbol), Some(file)) => {
                format!("{}: {} of {}", self.reason, super::plain::visible(symbol), super::for_terminal(file))
            }
            _ => self.reason.to_owned(),
        }
    }
}

impl From<&Job> for JobView {
    fn from(job: &Job) -> Self {
        let (path, path_bytes) = job.path.for_json();
        let (reason_symbol, reason_file) = match &job.reason {
            StaleReason::DependencyChanged { symbol, file } => (Some(symbol.clone()), Some(file.for_json().0)),
            _ => (None, None),
        };
        Self {
            id: job.id,
            repo_id: job.repo.0.clone(),
            path,
            path_bytes,
            kind: job.kind.as_str(),
            state: job.state.as_str(),
            priority: job.priority.as_str(),
            reason: job.reason.code(),
            reason_symbol,
            reason_file,
            attempts: job.attempts,
            detail: job.detail.clone(),
            cache_key: job.key.to_string(),
            created_at: job.created_at.to_rfc3339(),
        }
    }
}

/// What is known when no job is listed.
pub struct EmptyQueue<'a> {
    /// Registered repositories.
    pub repos: usize,
    /// The states that were asked for; empty: all.
    pub states: &'a [JobState],
    /// All jobs of the repositories that were asked for.
    pub counts: Counts,
    pub is_paused: bool,
}

impl EmptyQueue<'_> {
    /// Says why no job is listed.
    pub fn why(&self) -> String {
        if self.repos == 0 {
            return "the queue is empty: no repository is registered; `ra-agent register <repo>` does that".to_owned();
        }
        if self.states.contains(&JobState::Discarded) {
            return "no job is discarded or quarantined: none has failed for good".to_owned();
        }
        let Counts { done, discarded, quarantined, .. } = self.counts;
        let mut why = match (self.states.is_empty(), done) {
            (true, _) | (false, 0) => "the queue is empty: no job was queued yet".to_owned(),
            (false, done) => format!("the queue is empty: nothing waits, {done} job(s) are done"),
        };
        match discarded + quarantined {
            0 => {}
            failed => why.push_str(&format!("; {failed} failed, `ra-agent queue list --discarded` lists them")),
        }
        if self.is_paused {
            why.push_str("; the queue is paused");
        }
        why
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn why(repos: usize, states: &[JobState], counts: Counts) -> String {
        EmptyQueue { repos, states, counts, is_paused: false }.why()
    }

    #[test]
    fn an_empty_queue_says_why_it_is_empty() {
        const LIVE: [JobState; 3] = [JobState::Queued, JobState::Running, JobState::Parked];
        let none = Counts::default;
        assert!(why(0, &LIVE, none()).contains("no repository is registered"));
        assert!(why(1, &LIVE, none()).contains("no job was queued yet"));
        assert!(why(1, &[], none()).contains("no job was queued yet"));
        assert!(why(1, &LIVE, Counts { done: 3, ..none() }).contains("3 job(s) are done"));
        assert!(why(1, &[JobState::Discarded, JobState::Quarantined], none()).contains("none has failed"));
        assert!(why(1, &LIVE, Counts { done: 3, discarded: 2, ..none() }).contains("2 failed"));
        let paused = EmptyQueue { repos: 1, states: &LIVE, counts: none(), is_paused: true };
        assert!(paused.why().contains("paused"));
    }
}
