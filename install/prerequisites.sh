#!/usr/bin/env bash
# Sourced by quickstart.sh and the gate: what they need, and how it gets onto a machine that lacks it.
#
# usage: install/prerequisites.sh --packages [--tests | --run]
#   prints the Debian packages that this machine lacks for a build; with --tests, for the gate; with --run, for a program that is built

# The first Rust that compiles every dependency; the same number as rust-version in Cargo.toml.
rust_needed=1.95

say() { printf '%s\n' "$*" >&2; }
step() { printf '\n==> %s\n' "$*" >&2; }
die() {
    say "error: $*"
    exit 1
}
has() { command -v "$1" >/dev/null 2>&1; }

# at_least A B: is version A at least version B?
at_least() { [ "$(printf '%s\n%s\n' "$2" "$1" | sort -V | head -n 1)" = "$2" ]; }

# Where the systems keep the certificates that a download is checked with.
has_certificates() {
    local file
    [ "$(uname -s)" != Darwin ] || return 0
    for file in "${SSL_CERT_FILE-}" /etc/ssl/certs/ca-certificates.crt /etc/pki/tls/certs/ca-bundle.crt /etc/ssl/cert.pem /etc/ssl/ca-bundle.pem; do
        [ -z "$file" ] || [ ! -s "$file" ] || return 0
    done
    return 1
}

has_pip() { python3 -m pip --version >/dev/null 2>&1 || has pip3; }
has_chromium() { has chromium || has chromium-browser || has google-chrome; }
has_venv() { python3 -c 'import ensurepip, venv' >/dev/null 2>&1; }

# The Debian packages that this machine lacks: a C compiler, git, certificates and what downloads rustup; with --tests also pip,
# which downloads the model that the tests embed with, venv, which holds the SDKs that they speak through, and chromium, in which they
# look at the page. Everything else that a test calls is in Debian's essential packages.
# With --run, only what a program needs that is there already.
missing_packages() {
    [ "${1-}" = --run ] || has cc || has gcc || has clang || printf 'build-essential '
    has git || printf 'git '
    has_certificates || printf 'ca-certificates '
    [ "${1-}" = --run ] || has curl || has cargo || printf 'curl '
    [ "${1-}" != --tests ] || has_pip || printf 'python3 python3-pip '
    [ "${1-}" != --tests ] || has_venv || printf 'python3-venv '
    [ "${1-}" != --tests ] || has_chromium || printf 'chromium '
}

# install_packages [--tests | --run]
install_packages() {
    local packages as_root=()
    read -r -a packages <<<"$(missing_packages "$@")"
    [ "${#packages[@]}" -gt 0 ] || return 0
    if ! has apt-get; then
        [ "$(uname -s)" = Darwin ] && die "missing: ${packages[*]}; 'xcode-select --install' brings a compiler and git"
        die "missing: ${packages[*]} (names of Debian packages); install them, then run this again"
    fi
    if [ "$(id -u)" -ne 0 ]; then
        has sudo || die "missing: ${packages[*]}; as root, run: apt-get install ${packages[*]}; then run this again"
        as_root=(sudo)
    fi
    say "installing with apt-get: ${packages[*]}"
    "${as_root[@]}" env DEBIAN_FRONTEND=noninteractive apt-get update -qq
    "${as_root[@]}" env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends "${packages[@]}"
}

# By its time, cargo decides whether a file of a local crate has changed, and a fresh clone's files are new. All of lance depends on
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

# Run, not sourced.
if [ "${BASH_SOURCE[0]}" = "$0" ]; then
    case "$*" in
        --packages) missing_packages && echo ;;
        '--packages --tests') missing_packages --tests && echo ;;
        '--packages --run') missing_packages --run && echo ;;
        *)
            echo "usage: install/prerequisites.sh --packages [--tests | --run]" >&2
            exit 2
            ;;
    esac
fi
