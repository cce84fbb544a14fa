//! How the program is linked on Linux with glibc.
//!
//! - At a fixed address. At a random one the loader writes 9 MB of pointers in each process, from almost 800,000 records; of the servers
//!   that coding agents start, there are many.
//! - With equal functions once (identical code folding), where it is optimised and the linker is the one that comes with Rust: generic code is
//!   compiled for many types that have the same layout.
//! - Without symbols where there is no debug information. Cargo's `strip` does not reach a package whose profile is overridden.

#![expect(clippy::disallowed_methods, reason = "a build script is configured by its environment")]

fn main() {
    println!("cargo::rerun-if-changed=.cargo/build.rs");
    let variable = |name: &str| std::env::var(name).unwrap_or_default();
    if variable("CARGO_CFG_TARGET_OS") != "linux" || variable("CARGO_CFG_TARGET_ENV") != "gnu" {
        return;
    }
    println!("cargo::rustc-link-arg-bins=-no-pie");
    // Rust links by its own lld where nothing else is asked for, and only for this machine.
    let is_lld = variable("TARGET") == "x86_64-unknown-linux-gnu"
        && variable("RUSTC_LINKER").is_empty()
        && !variable("CARGO_ENCODED_RUSTFLAGS").contains("link");
    if is_lld && variable("OPT_LEVEL") != "0" {
        println!("cargo::rustc-link-arg-bins=-Wl,--icf=all");
    }
    if variable("DEBUG") == "false" {
        println!("cargo::rustc-link-arg-bins=-Wl,--strip-all");
    }
}
