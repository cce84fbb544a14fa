#![doc = include_str!("ARCHITECTURE.md")]
#![cfg_attr(
    test,
    expect(clippy::disallowed_methods, reason = "tests may use the clock, processes and the environment")
)]

pub mod domain;

pub mod clock;
pub mod file;
pub mod home;
pub mod lock;
pub mod sandbox;
pub mod store;

pub mod config;

pub mod repo;

pub mod event;

pub mod language;

pub mod outline;

pub mod impact;

pub mod budget;

pub mod analyzer;

pub mod vectors;

pub mod embedder;

pub mod queue;

pub mod cache;

pub mod plan;

pub mod index;

pub mod query;

pub mod worker;

pub mod daemon;

pub mod cli;

#[cfg(test)]
#[path = "../tests/support/left_out.rs"]
mod left_out;
