#!/usr/bin/env bash
# Makes pictures of every screen of the page: in light, in the dark, and on a window of 400 px.
#
# usage: tests/clients/screenshots.sh DIRECTORY [ADDRESS]
#   ADDRESS  the first line that `ra-agent ui` prints; without it, the `ra-agent` of this user's PATH serves the page for this
set -euo pipefail

[ "$#" -ge 1 ] || {
    sed -n '4,5s/^# //p' "${BASH_SOURCE[0]}" >&2
    exit 2
}
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
mkdir -p "$1"
directory=$(cd "$1" && pwd)
clients=$("$here/prepare.sh")
browser=$(command -v chromium || command -v chromium-browser || command -v google-chrome) || {
    echo "there is no Chromium here; apt-get install chromium brings one" >&2
    exit 1
}
address=${2-}
if [ -z "$address" ]; then
    said=$(mktemp)
    ra-agent ui --no-open >"$said" &
    page=$!
    trap 'kill "$page"; rm -f "$said"' EXIT
    until [ -s "$said" ]; do sleep 0.1; done
    address=$(head -n 1 "$said")
fi
# Modules are found from where a script is.
cp "$here/node/browse.mjs" "$clients/node/browse.mjs"
"$clients/node/node" "$clients/node/browse.mjs" "$address" "$browser" "$directory"
