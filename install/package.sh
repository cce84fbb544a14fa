#!/usr/bin/env bash
# From one optimised build: a Debian package, an archive with an installer, their checksums, and the licences of all that is linked in.
# On macOS the archive alone.
set -euo pipefail

usage() {
    cat <<'END'
usage: install/package.sh [options]
  --binary FILE   package this binary instead of building one
  --out DIR       where the packages go (default: <target directory>/packages)
  --no-deb        only the archive
environment:
  CARGO_TARGET_DIR  where the build goes (default: ~/.cache/ra-agent/target)
END
}

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
top=$(dirname "$here")
# shellcheck source=install/prerequisites.sh
. "$here/prerequisites.sh"

binary=
out=
deb=1
while [ $# -gt 0 ]; do
    case $1 in
        --binary | --out)
            [ $# -ge 2 ] || { usage >&2; exit 2; }
            if [ "$1" = --binary ]; then binary=$2; else out=$2; fi
            shift
            ;;
        --no-deb) deb= ;;
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
[ -z "$binary" ] || [ -x "$binary" ] || die "$binary is not a program; leave --binary out to build one"
[ "$(uname -s)" = Linux ] || deb=

# needs COMMAND VERSION [OPTION..]: a subcommand of cargo, built if it is missing. Versions are fixed, so that a package can be made again.
needs() {
    local command=$1 version=$2
    shift 2
    cargo "${command#cargo-}" --version >/dev/null 2>&1 || {
        step "Installing $command $version with cargo"
        cargo install --locked --quiet "$@" "$command@$version"
    }
}

sha256() {
    if has sha256sum; then sha256sum "$@"; else shasum -a 256 "$@"; fi
}

install_rust
needs cargo-about 0.9.3 --features cli
[ -z "$deb" ] || needs cargo-deb 3.8.0
export CARGO_TARGET_DIR=${CARGO_TARGET_DIR:-$HOME/.cache/ra-agent/target}
out=${out:-$CARGO_TARGET_DIR/packages}
mkdir -p "$out"
out=$(cd "$out" && pwd)

if [ -z "$binary" ]; then
    step "Building (cargo build --profile dist)"
    install_packages
    settle_build_crate "$top"
    (cd "$top" && cargo build --profile dist --locked --bin ra-agent)
    binary=$CARGO_TARGET_DIR/dist/ra-agent
fi
version=$("$binary" --version | sed 's/.* //')
target=$(rustc -vV | sed -n 's/^host: //p')
name=ra-agent-$version-$target

work=$(mktemp -d "${TMPDIR:-/tmp}/ra-agent-package.XXXXXX")
trap 'rm -rf "$work"' EXIT
trap 'exit 1' HUP INT TERM
# What cargo-deb takes for the build's directory, and where the manifest says that things are.
stage=$work/dist/package
mkdir -p "$stage/man" "$stage/completions" "$stage/help"

step "Manual pages, completions, service, licences"
cp "$binary" "$work/dist/ra-agent"
"$binary" help --man "$stage/man"
find "$stage/man" -name '*.1' -exec gzip -9n {} +
for shell in bash zsh fish; do
    "$binary" completions "$shell" >"$stage/completions/ra-agent.$shell"
done
cp "$top"/src/cli/help/*.md "$stage/help/"
# The package's unit: every user has his own agent, whose log is the journal's.
sed -e 's|@PROGRAM@|/usr/bin/ra-agent|' -e '/@HOME@/d' -e '/@LOG@/d' -e '/ra-agent logs. reads/d' \
    -e '1s|.*|# Enable it for yourself: systemctl --user enable --now ra-agent|' "$here/ra-agent.service" >"$stage/ra-agent.service"
epoch=${SOURCE_DATE_EPOCH:-$(git -C "$top" log -1 --format=%ct)}
if [ -n "$deb" ]; then
    printf 'ra-agent (%s-1) unstable; urgency=medium\n\n  * Version %s.\n\n -- The maintainers of ra-agent <maintainers@ra-agent.invalid>  %s\n' \
        "$version" "$version" "$(LC_ALL=C date --utc --rfc-email --date="@$epoch")" | gzip -9n >"$stage/changelog.gz"
fi
(cd "$top" && cargo about generate --locked --fail --config "$here/about.toml" --output-file "$stage/licences.txt" "$here/licences.hbs")

step "Archive"
root=$work/$name
mkdir -p "$root/install"
cp "$binary" "$root/ra-agent"
cp -R "$stage/man" "$stage/completions" "$stage/help" "$stage/licences.txt" "$root/"
cp "$top/README.md" "$root/"
cp "$here/install.sh" "$root/"
for file in quickstart.sh uninstall.sh prerequisites.sh fetch-model.sh install-hooks.sh config.example.toml; do
    cp "$here/$file" "$root/install/"
done
(cd "$root" && find . -type f ! -name SHA256SUMS -exec sh -c 'LC_ALL=C; printf "%s\n" "$@" | sort' sh {} + | while read -r file; do sha256 "$file"; done >SHA256SUMS)
# The same input gives the same archive, where tar can do that.
same=()
if tar --version 2>/dev/null | grep -q GNU; then
    same=(--sort=name --owner=0 --group=0 --numeric-owner "--mtime=@$epoch")
fi
tar -C "$work" ${same[@]+"${same[@]}"} -cf - "$name" | xz -T0 -6 >"$out/$name.tar.xz"

made=("$name.tar.xz")
if [ -n "$deb" ]; then
    step "Debian package"
    file=$(cd "$top" && CARGO_TARGET_DIR=$work cargo deb --no-build --no-strip --profile dist --deb-version "$version-1" --output "$out")
    made+=("$(basename "$file")")
fi
(cd "$out" && sha256 "${made[@]}" >"$name.sha256")

step "Packages in $out"
say "binary: $(($(wc -c <"$binary") / 1000000)) MB"
for file in "${made[@]}"; do say "$file: $(($(wc -c <"$out/$file") / 1000000)) MB"; done
