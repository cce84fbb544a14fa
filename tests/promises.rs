//! One test binary; one file for each promise that the agent makes.
#![expect(clippy::disallowed_methods, clippy::disallowed_types, reason = "tests may use the world")]
#![expect(clippy::unwrap_used, clippy::panic, reason = "a story fails by panicking")]

mod support;

mod agent_files;
mod agents;
mod agents_truth;
mod architecture;
mod asking;
mod bad_input;
mod batches;
mod budget;
mod c;
mod cache;
mod command_line;
mod crash;
mod csharp;
mod daemon;
mod damage;
mod doctor;
mod embedding;
mod encodings;
mod every_verb;
mod first_minute;
mod flat;
mod fuzz;
mod gate;
mod go;
mod history;
mod hooks;
#[cfg(target_os = "linux")]
mod hostile_machine;
mod interfaces;
mod java;
mod line;
mod local_store;
mod migrate;
mod noticing;
mod outage;
mod outlined;
mod page;
mod page_browser;
mod parts;
mod power_cut;
mod provider;
mod python;
mod queue;
mod real_clients;
mod rebuild;
mod register;
mod report;
mod report_forms;
mod report_truth;
mod scripts;
mod searching;
mod selection;
mod service;
mod shared;
mod shared_outage;
mod spending;
mod top;
mod upgrade;
mod verify;
mod worktree;
