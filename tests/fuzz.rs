//! The promise: nothing that comes from outside ends the agent (FAILURES 63). What broke something once is replayed, and a little chance
//! is added; `cargo bench --profile dev --bench measure -- fuzz` has more of it.

use crate::support::Random;
use crate::support::fuzz::{Mutator, TARGETS, kept};

/// Inputs for each target in the gate.
const TRIES: usize = 60;

#[test]
fn f63_what_broke_something_once_does_not_again() {
    let mut replayed = 0;
    for target in TARGETS {
        for (path, bytes) in kept(target) {
            println!("{}", path.display());
            (target.run)(&bytes);
            replayed += 1;
        }
        target.examples.iter().for_each(|example| (target.run)(example.as_bytes()));
    }
    assert!(replayed > 0, "tests/data/fuzz holds nothing");
}

#[test]
fn f63_no_bytes_from_outside_end_the_agent() {
    let mut random = Random::from_environment();
    for target in TARGETS {
        for _ in 0..TRIES {
            let bytes = Mutator::new(target, &mut random).next();
            // shown if it fails
            println!("{}: {:?}", target.name, String::from_utf8_lossy(&bytes));
            (target.run)(&bytes);
        }
    }
}
