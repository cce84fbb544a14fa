//! Any bytes for everything that reads what others wrote: `RA_AGENT_FUZZ_MINUTES` (5) for each target, or for `RA_AGENT_FUZZ_TARGET`
//! alone. What breaks a promise is kept in `tests/data/fuzz`, which the tests replay.

use std::collections::BTreeSet;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;
use std::time::{Duration, Instant};

use super::figures::row;
use super::support::fuzz::{Mutator, TARGETS, Target};
use super::support::{Random, number_from_environment};

/// Failures of one target that are kept: the first ones tell enough.
const KEPT: usize = 3;

pub fn measure() {
    let minutes = number_from_environment("RA_AGENT_FUZZ_MINUTES").unwrap_or(5);
    let only = std::env::var("RA_AGENT_FUZZ_TARGET").ok();
    let mut random = Random::from_environment();
    for target in TARGETS.iter().filter(|target| only.as_deref().is_none_or(|only| only == target.name)) {
        let (tried, broken, slowest) = try_for(target, Duration::from_secs(60 * minutes), &mut random);
        let value =
            format!("{tried} inputs in {minutes} min, slowest {} ms, {broken} broke a promise", slowest.as_millis());
        row(&format!("fuzz {}", target.name), &value);
    }
}

fn try_for(target: &Target, time: Duration, random: &mut Random) -> (u64, usize, Duration) {
    let (start, mut tried, mut broken, mut slowest) = (Instant::now(), 0, BTreeSet::new(), Duration::ZERO);
    while start.elapsed() < time && broken.len() < KEPT {
        let bytes = Mutator::new(target, random).next();
        let begun = Instant::now();
        if catch_unwind(AssertUnwindSafe(|| (target.run)(&bytes))).is_err() {
            keep(target, &bytes, broken.len());
            broken.insert(bytes);
        }
        slowest = slowest.max(begun.elapsed());
        tried += 1;
    }
    (tried, broken.len(), slowest)
}

fn keep(target: &Target, bytes: &[u8], number: usize) {
    let dir = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data/fuzz").join(target.name);
    std::fs::create_dir_all(&dir).unwrap();
    let path = dir.join(format!("found-{number}"));
    std::fs::write(&path, bytes).unwrap();
    eprintln!("kept as {}", path.display());
}
