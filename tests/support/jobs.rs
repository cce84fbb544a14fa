//! What the queue holds, read as its user would.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use super::TestAgent;

/// A job as `queue list --json` tells it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Job {
    pub path: String,
    pub kind: String,
    pub state: String,
    pub reason: String,
    /// Symbol and file of a `dependency-changed`.
    pub cause: Option<(String, String)>,
}

/// Every job by its id. Ids are never given twice.
#[derive(Clone, Debug, Default)]
pub struct Jobs(pub BTreeMap<i64, Job>);

impl Jobs {
    /// Every job that the queue still knows, whatever its state.
    #[track_caller]
    pub fn of(agent: &TestAgent) -> Self {
        let listed = agent.json(["queue", "list", "--all"]);
        let jobs = listed["jobs"].as_array().unwrap().iter();
        Self(jobs.map(|job| (job["id"].as_i64().unwrap(), parse(job))).collect())
    }

    /// The jobs that came after these.
    #[track_caller]
    pub fn since(agent: &TestAgent, before: &Self) -> Self {
        let mut now = Self::of(agent);
        let newest = before.0.keys().max().copied().unwrap_or(0);
        now.0.retain(|id, _| *id > newest);
        now
    }

    /// The paths of the analyses among them.
    pub fn analysed(&self) -> BTreeSet<&str> {
        self.analyses().map(|job| job.path.as_str()).collect()
    }

    pub fn analyses(&self) -> impl Iterator<Item = &Job> {
        self.0.values().filter(|job| job.kind != "embed")
    }

    /// The kinds of one file's jobs, each with its reason.
    pub fn of_file(&self, path: &str) -> BTreeSet<(&str, &str)> {
        let own = self.0.values().filter(|job| job.path == path);
        own.map(|job| (job.kind.as_str(), job.reason.as_str())).collect()
    }
}

fn parse(job: &Value) -> Job {
    let text = |name: &str| job[name].as_str().unwrap_or_default().to_owned();
    Job {
        path: text("path"),
        kind: text("kind"),
        state: text("state"),
        reason: text("reason"),
        cause: job["reason_symbol"].as_str().map(|symbol| (symbol.to_owned(), text("reason_file"))),
    }
}
