//! How the program is linked on Linux with glibc.
//!
//! - Relocations packed (RELR). A Rust program of this size has almost 800,000 of them, 18 MB as ordinary records, which the loader
//!   reads when a process starts and which then count as its memory: nearly half of what the idle agent holds. Only where the
//!   program is built for the machine that builds it and that machine's glibc knows the packed form (2.36 and later): an older
//!   one refuses to start it.
//! - At a fixed address. At a random one the loader writes 9 MB of pointers in each process; of the servers that coding agents start,
//!   there are many.
//! - Without symbols where there is no debug information. Cargo's `strip` does not reach a package whose profile is overridden.

#![expect(clippy::disallowed_methods, reason = "a build script is configured by its environment, and asks the machine")]

use std::process::Command;

fn main() {
    println!("cargo::rerun-if-changed=.cargo/build.rs");
    let variable = |name: &str| std::env::var(name).unwrap_or_default();
    if variable("CARGO_CFG_TARGET_OS") != "linux" || variable("CARGO_CFG_TARGET_ENV") != "gnu" {
        return;
    }
    if variable("HOST") == variable("TARGET") && glibc().is_some_and(|version| version >= (2, 36)) {
        println!("cargo::rustc-link-arg-bins=-Wl,-z,pack-relative-relocs");
    }
    println!("cargo::rustc-link-arg-bins=-no-pie");
    if variable("DEBUG") == "false" {
        println!("cargo::rustc-link-arg-bins=-Wl,--strip-all");
    }
}

/// Version of this machine's glibc, from a line like `glibc 2.36`.
fn glibc() -> Option<(u32, u32)> {
    let output = Command::new("getconf").arg("GNU_LIBC_VERSION").output().ok()?;
    let text = String::from_utf8(output.stdout).ok()?;
    let (major, minor) = text.trim().strip_prefix("glibc ")?.split_once('.')?;
    Some((major.parse().ok()?, minor.split('.').next()?.parse().ok()?))
}
