#!/usr/bin/env bash
# Removes what quickstart.sh installed: the service, the daemon, the hooks, the binary, and, after asking, the agent's own directory
# and the build's.
set -euo pipefail

usage() {
    cat <<'END'
usage: install/uninstall.sh [options]
  --prefix DIR    where the binary is, as DIR/bin/ra-agent (default: ~/.local)
  --keep-cache    keep the agent's directory and the build's without asking
  --yes           delete them without asking
END
}

prefix=$HOME/.local
keep=
yes=
while [ $# -gt 0 ]; do
    case $1 in
        --prefix)
            [ $# -ge 2 ] || { usage >&2; exit 2; }
            prefix=$2
            shift
            ;;
        --keep-cache) keep=1 ;;
        --yes) yes=1 ;;
        -h | --help)
            usage
            exit 0
            ;;
        *)
            usage >&2
            exit 2
            ;;
    esac
    shift
done

agent=$prefix/bin/ra-agent
# A program that a package brought is the package's to remove.
packaged=
if [ ! -x "$agent" ] && [ -x /usr/bin/ra-agent ]; then
    agent=/usr/bin/ra-agent
    packaged=1
fi
agent_home=${RA_AGENT_HOME:-$HOME/.rustassistant}
build_cache=$HOME/.cache/ra-agent
say() { printf '%s\n' "$*" >&2; }

stop_daemon() {
    local code=0
    "$agent" daemon stop || code=$?
    # 3: it was not running
    [ "$code" -eq 0 ] || [ "$code" -eq 3 ] || { say "error: the daemon does not stop; nothing was removed"; exit 1; }
}

# Without a binary, the one line that the hooks have in the user's Git configuration can go by Git itself.
remove_include_by_git() {
    local file=$agent_home/hooks/hooks.gitconfig
    git config --global --get-all include.path 2>/dev/null | grep -qxF "$file" || return 0
    git config --global --fixed-value --unset-all include.path "$file"
}

# Stores outside the agent's directory: each is known by the file that names its repository, nothing else is deleted there.
remove_stores_elsewhere() {
    local location store
    [ -f "$agent_home/config.toml" ] || return 0
    sed -n 's/^[^#]*location[ \t]*=[ \t]*["'\'']\([^"'\'']*\)["'\''].*/\1/p' "$agent_home/config.toml" | while read -r location; do
        location=${location/#\~/$HOME}
        for store in "$location"/repos/* "$location"; do
            if [ -f "$store/meta.json" ] && { [ -e "$store/analysis.db" ] || [ -d "$store/embeddings.lance" ]; }; then
                rm -rf "$store"
            fi
        done
        rmdir "$location/repos" "$location" 2>/dev/null || true
    done
}

# confirmed QUESTION
confirmed() {
    [ -z "$keep" ] || return 1
    [ -z "$yes" ] || return 0
    if [ ! -t 0 ]; then
        say "kept, as there is no terminal to ask on (--yes deletes): $1"
        return 1
    fi
    local answer
    read -r -p "$1 [y/N] " answer
    case $answer in [yY]*) ;; *) return 1 ;; esac
}

if [ -x "$agent" ]; then
    # first, else its manager might start the daemon again; where no service is, this changes nothing
    # (2: a version that knows no service)
    "$agent" service uninstall || [ $? -eq 2 ] || { say "error: the service does not go; nothing was removed"; exit 1; }
    # the package's own unit, if its user has enabled that one
    [ -z "$packaged" ] || systemctl --user disable --now ra-agent.service >/dev/null 2>&1 || true
    stop_daemon
    "$agent" hooks uninstall
    # (2: a version that knows no coding agents; 1: an entry that its user changed stays)
    "$agent" mcp uninstall || [ $? -eq 2 ] || say "entries that are named above stay in the configuration of coding agents"
    if [ -n "$packaged" ]; then
        say "the program stays; as root, run: apt-get purge ra-agent"
    else
        rm -f "$agent"
        # what the archive's install.sh has put next to it
        rm -f "$prefix"/share/man/man1/ra-agent*.1.gz "$prefix/share/bash-completion/completions/ra-agent" \
            "$prefix/share/zsh/site-functions/_ra-agent" "$prefix/share/fish/vendor_completions.d/ra-agent.fish"
        rm -rf "$prefix/share/doc/ra-agent"
        rmdir "$prefix/bin" 2>/dev/null || true
        say "removed $agent"
    fi
else
    say "$agent does not exist; removing the rest"
    remove_include_by_git
fi
if [ -e "$agent_home" ] && confirmed "Delete $agent_home (index, analyses, models, configuration, record of spending)?"; then
    remove_stores_elsewhere
    rm -rf "$agent_home"
    say "removed $agent_home"
fi
if [ -e "$build_cache" ] && confirmed "Delete $build_cache (build files, downloaded models)?"; then
    rm -rf "$build_cache"
    say "removed $build_cache"
fi
