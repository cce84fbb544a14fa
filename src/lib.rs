#![doc = include_str!("ARCHITECTURE.md")]
#![cfg_attr(
    test,
    expect(clippy::disallowed_methods, reason = "tests may use the clock, processes and the environment")
)]

pub mod domain;

pub mod clock;
pub mod config;
pub mod file;
pub mod home;
pub mod lock;
pub mod sandbox;
pub mod store;

pub mod event;
pub mod repo;

pub mod outline;

pub mod impact;

pub mod plan;
pub mod queue;

pub mod analyzer;
pub mod budget;
pub mod embedder;
pub mod worker;

pub mod cache;
pub mod vectors;

pub mod query;

pub mod cli;
pub mod daemon;
