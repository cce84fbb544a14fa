#!/usr/bin/env bash
# Installs the hooks that fit this git; with --in-repo <repo>, a hook in that one repository (an existing hook stays and runs
# after ours). `install/install-hooks.sh --remove [--in-repo <repo>]` removes them.
set -euo pipefail

agent=$(command -v ra-agent || printf '%s' "$HOME/.local/bin/ra-agent")
if [ ! -x "$agent" ]; then
    echo "error: ra-agent is not on the PATH nor in ~/.local/bin; run install/quickstart.sh <repo> first" >&2
    exit 1
fi
verb=install
if [ "${1-}" = --remove ]; then
    verb=uninstall
    shift
fi
exec "$agent" hooks "$verb" "$@"
