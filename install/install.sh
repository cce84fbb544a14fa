#!/bin/sh
# Installs ra-agent from the archive that this script came in, for one user or, with --prefix /usr/local, for all. Run again, it replaces
# what is there; a running agent becomes the new version by itself.
set -eu

usage() {
    cat <<'END'
usage: ./install.sh [--prefix DIR]
  --prefix DIR    where to: DIR/bin, DIR/share (default: ~/.local)
END
}

prefix=$HOME/.local
while [ $# -gt 0 ]; do
    case $1 in
        --prefix)
            [ $# -ge 2 ] || { usage >&2; exit 2; }
            prefix=$2
            shift
            ;;
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

say() { printf '%s\n' "$*" >&2; }
cd "$(dirname "$0")"
if [ ! -f SHA256SUMS ] || [ ! -f ra-agent ]; then
    say "error: $PWD is not an unpacked archive of ra-agent; unpack it with: tar -xJf <archive>, and run its install.sh"
    exit 1
fi
if command -v sha256sum >/dev/null 2>&1; then sums='sha256sum -c'; else sums='shasum -a 256 -c'; fi
if ! $sums SHA256SUMS >/dev/null 2>&1; then
    say "error: a file differs from its checksum in $PWD/SHA256SUMS; nothing was installed; get the archive again"
    exit 1
fi

# put FILE DESTINATION MODE: by a rename, so that a running agent never sees half a file.
put() {
    mkdir -p "$(dirname "$2")"
    # what a run left that was killed
    for left in "$2".new.[0-9]*; do
        kill -0 "${left##*.}" 2>/dev/null || ps -p "${left##*.}" >/dev/null 2>&1 || rm -f "$left"
    done
    cp "$1" "$2.new.$$"
    chmod "$3" "$2.new.$$"
    mv -f "$2.new.$$" "$2"
}

put ra-agent "$prefix/bin/ra-agent" 755
for page in man/*.gz; do put "$page" "$prefix/share/man/man1/${page##*/}" 644; done
put completions/ra-agent.bash "$prefix/share/bash-completion/completions/ra-agent" 644
put completions/ra-agent.zsh "$prefix/share/zsh/site-functions/_ra-agent" 644
put completions/ra-agent.fish "$prefix/share/fish/vendor_completions.d/ra-agent.fish" 644
put licences.txt "$prefix/share/doc/ra-agent/licences.txt" 644
say "installed $("$prefix/bin/ra-agent" --version) in $prefix/bin"
case ":$PATH:" in
    *":$prefix/bin:"*) ;;
    *) say "add $prefix/bin to your PATH to call ra-agent by its name" ;;
esac
say "next: $PWD/install/quickstart.sh <repo>"
