//! How the program is linked on Linux with glibc.
//!
//! - Relocations packed (RELR). A Rust program of this size has almost 800,000 of them, 18 MB as ordinary records, which the loader
//!   reads when a process starts and which then count as its memory: nearly half of what the idle agent holds. The loader of
//!   glibc knows the packed form since 2.36; a linker that does not know it warns and links as ever.
//! - Without symbols where there is no debug information. Cargo's `strip` does not reach a package whose profile is overridden.

fn main() {
    println!("cargo::rerun-if-changed=build.rs");
    let variable = |name: &str| std::env::var(name).unwrap_or_default();
    if variable("CARGO_CFG_TARGET_OS") != "linux" || variable("CARGO_CFG_TARGET_ENV") != "gnu" {
        return;
    }
    println!("cargo::rustc-link-arg-bins=-Wl,-z,pack-relative-relocs");
    if variable("DEBUG") == "false" {
        println!("cargo::rustc-link-arg-bins=-Wl,--strip-all");
    }
}
