//! One test binary; one file for each promise that the agent makes.
#![expect(clippy::unwrap_used, clippy::panic, reason = "a story fails by panicking")]

mod support;

mod bad_input;
mod command_line;
mod crash;
mod daemon;
mod embedding;
mod hooks;
mod line;
mod noticing;
mod queue;
mod rebuild;
mod register;
mod verify;
