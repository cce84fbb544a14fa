#!/usr/bin/env bash
# Imports the caches that an earlier tool kept inside repositories (.rustassistant/cache) into the agent's own cache, and
# lists the directories that may be deleted afterwards. The originals are only read. Run again, it imports only what is new.
#
# usage: install/migrate_to_centralized_cache.sh [--history] [<repo>...]
#   <repo>      repositories to register, if they are not yet, and to import; default: all registered ones
#   --history   also import results for the contents of earlier commits
set -euo pipefail

agent=$(command -v ra-agent || printf '%s' "$HOME/.local/bin/ra-agent")
if [ ! -x "$agent" ]; then
    echo "error: ra-agent is not on the PATH nor in ~/.local/bin; run install/quickstart.sh <repo> first" >&2
    exit 1
fi
arguments=()
for argument in "$@"; do
    case $argument in
    --history) arguments+=(--history) ;;
    -*)
        echo "error: unknown option $argument; usage: $0 [--history] [<repo>...]" >&2
        exit 2
        ;;
    *)
        "$agent" register "$argument"
        arguments+=(--from "$argument")
        ;;
    esac
done
exec "$agent" cache migrate "${arguments[@]}"
