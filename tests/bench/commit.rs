//! From the end of a commit until everything that it touches is fresh again, with a worker that is up. It is committed as soon as it is
//! saved; what lay saved for a second before is fresh but for what it touches.
//!
//! What is waited out on the way is in the figure; after a pause that is nothing but the lock that Git holds on its index.

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
    let what = format!("commit to fresh, a body edited, worker warm, {how}");
    row_below(&what, &body.describe(), millis(body.fresh.at(95)), 1_000.0, "ms");
    let signature = edits(indexed, SIGNATURE_EDITS, SIGNATURE_LINE, |n| {
        format!("    pub fn total(&self, _rounds: [u8; {n}]) -> u64 {{")
    });
    let value = format!("{}; {} users each", signature.describe(), users(indexed));
    row(&format!("commit to fresh, a signature edited, its users too, {how}"), &value);
}

/// After the end of a commit.
struct Times {
    /// The view is that commit's, so it is searchable by words, and what is stale is queued.
    compared: Spread,
    /// Nothing is queued any more.
    fresh: Spread,
}

impl Times {
    fn describe(&self) -> String {
        format!("{} (compared: {})", self.fresh.show(&[50, 95]), self.compared.show(&[50]))
    }
}

/// Commits this many edits of one line of one file, no two alike, and times each.
fn edits(indexed: &Indexed, count: u64, line: &str, text: impl Fn(u64) -> String) -> Times {
    let (mut compared, mut fresh) = (Vec::new(), Vec::new());
    for n in 0..count {
        std::thread::sleep(PAUSE);
        let before = indexed.repo.read(EDITED);
        let edited = before.lines().map(|old| if old.contains(line) { text(n) } else { old.to_owned() });
        let edited: Vec<String> = edited.collect();
        indexed.repo.write(EDITED, edited.join("\n") + "\n");
        indexed.repo.git(&["commit", "--quiet", "--all", "--message", "edit"]);
        let (compared_after, fresh_after) = until_fresh(indexed);
        compared.push(compared_after);
        fresh.push(fresh_after);
    }
    Times { compared: Spread::of(compared), fresh: Spread::of(fresh) }
}

/// Reads the stores as `status` does, without the price of starting a process each time.
fn until_fresh(indexed: &Indexed) -> (Duration, Duration) {
    let committed = Instant::now();
    let head = indexed.repo.head();
    let db = open_reader(&indexed.home().agent_db(), Database::Agent).unwrap().unwrap();
    let mut compared = None;
    loop {
        let now = committed.elapsed();
        let commit = registry::list(&db).unwrap().remove(0).indexed_commit;
        if commit.is_some_and(|id| id.to_string() == head) {
            let compared = *compared.get_or_insert(now);
            let counts = queue::counts(&db, None).unwrap();
            if counts.queued + counts.running == 0 {
                return (compared, now);
            }
        }
        assert!(now < Duration::from_secs(120), "never fresh: {}", indexed.agent.log());
        std::thread::sleep(Duration::from_millis(1));
    }
}

/// Files that the last commit touches beyond the one that it edits.
fn users(indexed: &Indexed) -> usize {
    let repo = indexed.repo.path().to_str().unwrap();
    indexed.agent.json(["impact", repo, "HEAD~1..HEAD"])["dependents"].as_array().unwrap().len()
}
