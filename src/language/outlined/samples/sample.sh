#!/bin/bash
# Deploys a shop.
set -euo pipefail

source ./lib.sh
. "$HOME/.profile"

readonly LIMIT=10
STORE=${STORE:-/var/lib/shop}
declare -A names

# Adds a line.
add() {
    local line="$1" count=${2:-1}
    if [ -z "$line" ]; then
        echo "empty" >&2
        return 1
    elif [[ $count -gt $LIMIT ]]; then
        for one in $(seq "$count"); do
            while read -r word; do
                echo "$word $one"
            done < "$STORE/lines"
        done
    else
        case "$line" in
            a*) echo a ;;
            *) echo other ;;
        esac
    fi
}

function remove {
    rm -f -- "$STORE/$1"
}

function main() {
    cat <<EOF
usage: $0 [add|remove]
EOF
    add "$@"
}

main "$@"
