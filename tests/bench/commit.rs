//! From the end of a commit until everything that it touches is fresh again, with a worker that is up.
//!
//! What is waited out on the way is in the figure: the debounce of 300 ms that the watch on the git directory has by default.

use std::time::{Duration, Instant};

use ra_agent::queue;
use ra_agent::repo::registry;
use ra_agent::store::{Database, open_reader};

use super::figures::{Spread, millis, row, row_below};
use super::indexed::{Indexed, Samples};
use super::sample::{BODY_LINE, EDITED, SIGNATURE_LINE};

const BODY_EDITS: u64 = 20;
const SIGNATURE_EDITS: u64 = 10;
/// Between two commits, so that what a worker does in idle time is over.
const PAUSE: Duration = Duration::from_millis(700);

pub fn measure(samples: &Samples) {
    show(samples.lexical(), "no model");
    if let Some(embedded) = samples.embedded() {
        show(embedded, "model loaded");
    }
}

fn show(indexed: &Indexed, how: &str) {
    let body = edits(indexed, BODY_EDITS, BODY_LINE, |n| format!("        let taken = other.total() + {};", 1_000 + n));
    let value = format!("{} of {BODY_EDITS}", body.show(&[50, 95]));
    row_below(
        &format!("commit to fresh, a body edited, worker warm, {how}"),
        &value,
        millis(body.at(95)),
        1_000.0,
        "ms",
    );
    let signature = edits(indexed, SIGNATURE_EDITS, SIGNATURE_LINE, |n| {
        format!("    pub fn total(&self, _rounds: [u8; {n}]) -> u64 {{")
    });
    let value = format!("{} of {SIGNATURE_EDITS}, {} users each", signature.show(&[50, 95]), users(indexed));
    row(&format!("commit to fresh, a signature edited, its users too, {how}"), &value);
}

/// Commits this many edits of one line of one file, no two alike, and times each.
fn edits(indexed: &Indexed, count: u64, line: &str, text: impl Fn(u64) -> String) -> Spread {
    let times = (0..count).map(|n| {
        let edited: Vec<String> = indexed
            .repo
            .read(EDITED)
            .lines()
            .map(|old| if old.contains(line) { text(n) } else { old.to_owned() })
            .collect();
        indexed.repo.write(EDITED, edited.join("\n") + "\n");
        std::thread::sleep(PAUSE);
        indexed.repo.git(&["commit", "--quiet", "--all", "--message", "edit"]);
        until_fresh(indexed)
    });
    Spread::of(times.collect())
}

/// Looks at the stores as `status` does, without the price of starting a process each time.
fn until_fresh(indexed: &Indexed) -> Duration {
    let committed = Instant::now();
    let head = indexed.repo.head();
    let db = open_reader(&indexed.home().agent_db(), Database::Agent).unwrap().unwrap();
    let mut fresh_after = None;
    while fresh_after.is_none() {
        let counts = queue::counts(&db, None).unwrap();
        let indexed_commit = registry::list(&db).unwrap().remove(0).indexed_commit;
        let is_fresh = indexed_commit.is_some_and(|id| id.to_string() == head) && counts.queued + counts.running == 0;
        fresh_after = is_fresh.then(|| committed.elapsed());
        assert!(committed.elapsed() < Duration::from_secs(120), "never fresh: {}", indexed.agent.log());
        std::thread::sleep(Duration::from_millis(1));
    }
    fresh_after.unwrap_or_default()
}

/// Files that the last commit touches beyond the one that it edits.
fn users(indexed: &Indexed) -> usize {
    let repo = indexed.repo.path().to_str().unwrap();
    indexed.agent.json(["impact", repo, "HEAD~1..HEAD"])["dependents"].as_array().unwrap().len()
}
