#![doc = include_str!("ARCHITECTURE.md")]
#![cfg_attr(
    test,
    expect(clippy::disallowed_methods, reason = "tests may use the clock, processes and the environment")
)]

// In the order of the layers: a module imports only what stands before it. `tests/architecture/` checks that.

// The nouns.
pub mod domain;

// The rim: counts of what is done; memory, time, files, directories, locks, the sandbox, SQLite; then the settings.
pub mod tally;

pub mod memory;

pub mod clock;
pub mod file;
pub mod home;
pub mod lock;
pub mod sandbox;
pub mod store;

pub mod config;

// What is there: repositories, and the events that hint that one moved.
pub mod repo;

pub mod event;

// What it means: a language's files, their outlines, and whom a change touches.
pub mod language;

pub mod outline;

pub mod impact;

// Results that machines share: keys, entries, packs, and the store that they are on.
pub mod shared;

// The stores, each after what makes its values: money and reports, vectors and chunks, jobs, the view of a repository.
pub mod budget;

pub mod analyzer;

pub mod vectors;

pub mod embedder;

pub mod queue;

pub mod cache;

// What is to be done: jobs for what is stale, and what they need to know of a file.
pub mod plan;

pub mod index;

// The answers.
pub mod query;

pub mod compare;

// The processes: the heavy one, the light one, and a person's.
pub mod worker;

pub mod daemon;

// What the questions of a person, a browser and a coding agent have in common, and those that ask them.
pub mod client;

pub mod mcp;

pub mod page;

pub mod cli;

#[cfg(test)]
#[path = "../tests/support/left_out.rs"]
mod left_out;
