# Sourced by quickstart.sh and the CI gate: what a build needs, and how it gets onto a machine that lacks it.
# shellcheck shell=bash

# The first Rust that compiles every dependency; the same number as rust-version in Cargo.toml.
rust_needed=1.94

say() { printf '%s\n' "$*" >&2; }
step() { printf '\n==> %s\n' "$*" >&2; }
die() {
    say "error: $*"
    exit 1
}
has() { command -v "$1" >/dev/null 2>&1; }

# newest A B: is A at least B, as versions?
at_least() { [ "$(printf '%s\n%s\n' "$2" "$1" | sort -V | head -n 1)" = "$2" ]; }

as_root() {
    if [ "$(id -u)" -eq 0 ]; then
        "$@"
    elif has sudo; then
        sudo "$@"
    else
        die "this needs root: $*; run it as root, then run this again"
    fi
}

# The Debian packages that hold a C compiler, git and what downloads rustup, as far as they are missing.
missing_packages() {
    has cc || has gcc || has clang || printf 'build-essential '
    has git || printf 'git '
    has curl || has cargo || printf 'curl ca-certificates '
}

install_packages() {
    local packages
    read -r -a packages <<<"$(missing_packages)"
    [ "${#packages[@]}" -gt 0 ] || return 0
    if ! has apt-get; then
        [ "$(uname -s)" = Darwin ] && die "missing: ${packages[*]}; 'xcode-select --install' brings a compiler and git"
        die "missing: ${packages[*]} (names of Debian packages); install them, then run this again"
    fi
    say "installing with apt-get: ${packages[*]}"
    as_root env DEBIAN_FRONTEND=noninteractive apt-get update -qq
    as_root env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends "${packages[@]}"
}

# Cargo tells by its time whether a file of a local crate has changed, and a fresh clone's files are new. All of lance depends on
# the build-only crate in .cargo, whose files hardly ever change: with an old time they do not cost a quarter of an hour a clone.
settle_build_crate() {
    find "$1/.cargo/protobuf-src" -type f -exec touch -t 200001010000 {} +
}

rust_version() { rustc --version 2>/dev/null | sed -n 's/^rustc \([0-9.]*\).*/\1/p'; }

install_rust() {
    local cargo_bin=${CARGO_HOME:-$HOME/.cargo}/bin found
    case ":$PATH:" in *":$cargo_bin:"*) ;; *) PATH=$cargo_bin:$PATH ;; esac
    found=$(rust_version)
    if [ -n "$found" ] && has cargo && at_least "$found" "$rust_needed"; then
        return 0
    fi
    if has rustup; then
        say "Rust ${found:-is missing}, $rust_needed is needed: updating the stable toolchain with rustup"
        rustup toolchain install stable --profile minimal
        export RUSTUP_TOOLCHAIN=stable
    else
        say "Rust ${found:-is missing}, $rust_needed is needed: installing rustup and its stable toolchain into ${CARGO_HOME:-~/.cargo}"
        curl --proto '=https' --tlsv1.2 -sSf https://sh.rustup.rs | sh -s -- -y --profile minimal --default-toolchain stable --no-modify-path
        export RUSTUP_TOOLCHAIN=stable
        say "add $cargo_bin to your PATH to use cargo yourself"
    fi
    found=$(rust_version)
    at_least "${found:-0}" "$rust_needed" || die "Rust is ${found:-missing} still; $rust_needed is needed"
}

# Memory of this machine in kB.
memory_kb() {
    if [ -r /proc/meminfo ]; then
        sed -n 's/^MemTotal: *\([0-9]*\) kB/\1/p' /proc/meminfo
    else
        echo $(($(sysctl -n hw.memsize) / 1024))
    fi
}
