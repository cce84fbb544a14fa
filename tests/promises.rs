//! One test binary; one file for each promise that the agent makes.

mod support;

mod hooks;
