#!/usr/bin/env bash
# The Debian package on a fresh machine: in a minimal Debian root, installed by root, set up by a user who is not, with a commit, a search,
# a removal and a purge, after which nothing is left. Says how long each step took. Needs root, mmdebstrap and 2 GB of disk.
#
# From this machine, at run time: Debian release, apt sources and their settings, certificates, proxies, the registry of pip, and the
# embedding model if it is here.
set -euo pipefail

usage() {
    cat <<'END'
usage: tests/package.sh [options] <directory with the package, or the package>
  --repo DIR      the repository that is set up (default: this one)
  --model DIR     the model's files, in place of a download (default: where install/fetch-model.sh puts them)
  --older FILE    install this package first, upgrade from it, and go back to it and forth again
  --interrupt     end the set-up at each of its steps and within, with the package and with the binary alone, and complete it; not --here
  --here          no root of its own: on this machine, which is thrown away (CI)
END
}

top=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
# shellcheck source=install/prerequisites.sh
. "$top/install/prerequisites.sh"

repo=$top
model=${RA_MODEL_CACHE:-$HOME/.cache/ra-agent/models}/all-MiniLM-L6-v2
older=
interrupt=
here=
package=
while [ $# -gt 0 ]; do
    case $1 in
        --repo | --model | --older)
            [ $# -ge 2 ] || { usage >&2; exit 2; }
            case $1 in
                --repo) repo=$(cd "$2" && pwd) ;;
                --model) model=$2 ;;
                --older) older=$2 ;;
            esac
            shift
            ;;
        --here) here=1 ;;
        --interrupt) interrupt=1 ;;
        -h | --help)
            usage
            exit 0
            ;;
        -*)
            usage >&2
            exit 2
            ;;
        *) package=$1 ;;
    esac
    shift
done
[ -n "$package" ] || { usage >&2; exit 2; }
if [ -n "$here" ] && [ -n "$interrupt" ]; then
    printf 'error: --interrupt replaces what is in the home of root, so it needs a root of its own; leave --here out\n' >&2
    exit 2
fi
if [ -d "$package" ]; then
    package=$(find "$package" -maxdepth 1 -name 'ra-agent_*.deb' | sort -V | tail -n 1)
fi
[ -f "$package" ] || die "there is no package; make one: install/package.sh"

# ---- the machine ------------------------------------------------------------------------------------------------------------
[ "$(id -u)" -eq 0 ] || die "tests/package.sh needs root: it installs a package"
if [ -n "$here" ]; then
    root=
    work=$(mktemp -d)
    trap 'rm -rf "$work"' EXIT
    inside() { env DEBIAN_FRONTEND=noninteractive "$@"; }
else
    has mmdebstrap || die "mmdebstrap is missing; install it with: apt-get install mmdebstrap"
    release=$(. /etc/os-release && printf '%s' "${VERSION_CODENAME-}")
    [ -n "$release" ] || die "/etc/os-release names no release of Debian"
    work=$(mktemp -d /var/tmp/ra-agent-package.XXXXXX)
    root=$work/root
    trap 'rm -rf --one-file-system "$work"' EXIT
    trap 'exit 1' HUP INT TERM
    step "A minimal root of $release"
    sources=()
    for file in /etc/apt/sources.list /etc/apt/sources.list.d/*.list /etc/apt/sources.list.d/*.sources; do
        if [ -f "$file" ] && grep -qw "$release" "$file"; then sources+=("$file"); fi
    done
    [ "${#sources[@]}" -gt 0 ] || die "/etc/apt has no sources of $release"
    apt-config dump | grep -E '^Acquire::(http|https|ftp|Check|Retries|Proxy)' >"$work/apt.conf" || true
    mmdebstrap --quiet --variant=minbase --aptopt="$work/apt.conf" "$release" "$root" "${sources[@]}"
    for file in /etc/resolv.conf /etc/hosts; do
        [ ! -f "$file" ] || cp -L "$file" "$root$file"
    done
    passed=()
    while IFS='=' read -r name value; do
        case $name in
            *[a-z0-9_]_proxy | *_PROXY | PIP_INDEX_URL | PIP_TRUSTED_HOST) passed+=("$name=$value") ;;
        esac
    done < <(env)
    # shellcheck disable=SC2016 # expanded by the shell inside
    enter='
        set -eu
        root=$1
        shift
        mount --make-rprivate /
        mount --bind "$root" "$root"
        mount -t proc proc "$root/proc"
        mount -t tmpfs -o mode=755 tmpfs "$root/dev"
        for device in null zero full random urandom tty; do
            touch "$root/dev/$device"
            mount --bind "/dev/$device" "$root/dev/$device"
        done
        mkdir -p "$root/dev/pts"
        mount -t devpts -o newinstance,ptmxmode=0666,mode=620 devpts "$root/dev/pts"
        ln -s pts/ptmx "$root/dev/ptmx"
        ln -s /proc/self/fd "$root/dev/fd"
        cd "$root"
        pivot_root . mnt
        exec chroot . /bin/sh -c "umount -l /mnt; cd /; exec \"\$@\"" sh "$@"
    '
    # One name space for all steps: the daemon of one is there in the next.
    unshare --mount --pid --fork --kill-child sh -c "$enter" sh "$root" /bin/sleep infinity &
    holder=$!
    # unshare itself ignores what ends others while it waits
    trap 'kill -KILL "$holder" 2>/dev/null || true; wait "$holder" 2>/dev/null || true; rm -rf --one-file-system "$work"' EXIT
    first=
    for _ in $(seq 100); do
        first=$(pgrep --parent "$holder" --full '^/bin/sleep infinity' || true)
        [ -z "$first" ] || break
        sleep 0.1
    done
    [ -n "$first" ] || die "the root cannot be entered"
    inside() {
        nsenter --target "$first" --mount --pid --root --wdns=/ env -i PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin \
            LC_ALL=C.UTF-8 DEBIAN_FRONTEND=noninteractive ${passed[@]+"${passed[@]}"} "$@"
    }
fi

user=packaged
as_user() {
    inside setpriv --reuid "$user" --regid "$user" --init-groups env HOME="/home/$user" USER="$user" LOGNAME="$user" \
        bash -c "cd && $1"
}

figures=
# timed NAME COMMAND..
timed() {
    local begin name=$1 took
    shift
    step "$name"
    begin=$(date +%s%N)
    "$@"
    took=$((($(date +%s%N) - begin) / 1000000))
    figures+=$(printf '%-46s %6d.%03d s' "$name" $((took / 1000)) $((took % 1000)))$'\n'
}

# All files of the root, without what apt and dpkg keep for themselves, and what the user's programs have left in /tmp.
files() {
    inside find / -xdev \( -path /proc -o -path /dev -o -path /sys -o -path /tmp -o -path /var/tmp -o -path /run \
        -o -path /var/lib/dpkg -o -path /var/lib/apt -o -path /var/cache -o -path /var/log \) -prune -o ! -type d -print | sort
}

# ---- the story --------------------------------------------------------------------------------------------------------------
step "A user with a repository, and what a desktop has already"
inside apt-get update -qq
inside apt-get install -y -qq --no-install-recommends git ca-certificates >/dev/null
inside useradd --create-home --shell /bin/bash "$user"
install -d "$root/home/$user/src"
git -c safe.directory='*' clone --quiet --no-hardlinks "$repo" "$root/home/$user/src/myrepo"
if [ -d "$model" ]; then
    install -d "$root/home/$user/.cache/ra-agent/models"
    cp -R "$model" "$root/home/$user/.cache/ra-agent/models/"
fi
inside install -d /opt/package/install
install -m 755 "$top"/install/*.sh "$root/opt/package/install/"
cp "$package" "$root/opt/package/"
[ -z "$older" ] || cp "$older" "$root/opt/package/older.deb"
inside chown -R "$user:" "/home/$user"
files >"$work/before"

deb=/opt/package/$(basename "$package")

# ---- the set-up is interrupted ----------------------------------------------------------------------------------------------
# A set-up that is ended at the beginning of a step or within it, as a closed terminal does or as a crash does, goes on from there.
# as_group COMMAND..: in a process group of its own, so that all of it can be ended; sets $group.
as_group() {
    set -m
    "$@" >"$work/log" 2>&1 </dev/null &
    group=$!
    set +m
}

# interrupted RUN: RUN is the function that runs the set-up.
interrupted() {
    local run=$1 name moment signal=TERM met=0
    while IFS= read -r name; do
        for moment in 0 0.2 1 3; do
            as_group "$run"
            until grep -qF "==> $name" "$work/log" || ! kill -0 "$group" 2>/dev/null; do sleep 0.02; done
            sleep "$moment"
            if kill "-$signal" -- "-$group" 2>/dev/null; then
                met=$((met + 1))
                printf '%s ended %s s into: %s\n' "$signal" "$moment" "$(grep -F '==> ' "$work/log" | tail -n 1)"
            fi
            { wait "$group" || true; } 2>/dev/null
            if [ "$signal" = TERM ]; then signal=KILL; else signal=TERM; fi
        done
    done < <(sed -n 's/^ *step "\([^"$(]*\).*/\1/p' "$top/install/quickstart.sh" | grep -v '^Checking\|^Building' | awk '!met[$0]++')
    [ "$met" -ge 8 ] || die "the set-up was interrupted only $met times"
    "$run" >"$work/log" 2>&1 || { tail -n 20 "$work/log"; die "the set-up is not completed"; }
    grep -q 'To try on' "$work/log" || die "the set-up did not end with what can be tried"
    printf 'completed after %s interruptions\n' "$met"
}

admin_home=$(inside getent passwd root | cut -d: -f6)
[ -n "$admin_home" ] || die "the root has no user root"
by_package() { inside env HOME="$admin_home" USER=root bash -c 'cd && /opt/package/install/quickstart.sh --offline --deb "$0" src/myrepo' "$deb"; }
by_binary() { as_user '/opt/package/install/quickstart.sh --offline --binary /opt/package/program src/myrepo'; }
# interrupted_both: the home of root is made as the user's is.
interrupted_both() {
    step "The set-up with the package, interrupted"
    inside cp -R "/home/$user/src" "/home/$user/.cache" "$admin_home/"
    inside cp -R "/home/$user/.cache" /opt/package/cache
    inside chown -R root: "$admin_home"
    interrupted by_package
    inside dpkg --audit | grep . && die "the package is not whole"
    inside env HOME="$admin_home" ra-agent cache verify
    inside env HOME="$admin_home" /usr/share/ra-agent/install/uninstall.sh --yes
    step "The set-up with the binary, interrupted"
    inside cp /usr/bin/ra-agent /opt/package/program
    inside apt-get purge -y -qq ra-agent
    interrupted by_binary
    as_user '.local/bin/ra-agent cache verify'
    as_user '/opt/package/install/uninstall.sh --yes'
    inside find / -xdev \( -name '.ra-agent.*' -o -name '.fetch.*' -o -name '*.new.[0-9]*' \) -not -path '/proc/*' | grep . && die "parts are left"
    inside rm -rf "$admin_home/src" "$admin_home/.cache" /opt/package/program "/home/$user/.cache"
    inside mv /opt/package/cache "/home/$user/.cache"
    inside chown -R "$user:" "/home/$user/.cache"
}

# ---- an older package, and the way back -------------------------------------------------------------------------------------
install_deb() { inside apt-get install -y -qq --no-install-recommends --allow-downgrades "$1"; }
daemon_pid() { as_user 'ra-agent status --json' | sed -n 's/^ *"pid": \([0-9]*\).*/\1/p' | head -n 1; }
# becomes PID COMMIT: the running daemon becomes the installed program, and indexes a commit that came meanwhile.
becomes() {
    local deadline=$((SECONDS + 60)) pid=$1 commit=$2
    until [ "$(inside readlink "/proc/$pid/exe")" = /usr/bin/ra-agent ]; do
        [ "$SECONDS" -lt "$deadline" ] || die "the daemon $pid has not become the installed version"
        sleep 0.2
    done
    until as_user 'ra-agent status --json' | grep -q "\"indexed_commit\": \"$commit\""; do
        [ "$SECONDS" -lt "$deadline" ] || die "the commit $commit is not indexed"
        sleep 0.2
    done
}
one_more() { as_user 'cd src/myrepo && git -c user.name=A -c user.email=a@example.org commit --quiet --allow-empty --message More && git rev-parse HEAD'; }

if [ -n "$interrupt" ]; then interrupted_both; fi
if [ -n "$older" ]; then
    timed "apt-get install of the older package" install_deb /opt/package/older.deb
    as_user '/usr/share/ra-agent/install/quickstart.sh --offline ~/src/myrepo'
    pid=$(daemon_pid)
    timed "upgrade to this package" install_deb "$deb"
    timed "the running daemon becomes the new version" becomes "$pid" "$(one_more)"
    as_user 'ra-agent wait --until words --timeout 10m'
    timed "downgrade to the older package" install_deb /opt/package/older.deb
    commit=$(one_more)
    as_user 'ra-agent search -n 1 main' >"$work/refused" 2>&1 && refused= || refused=1
    if [ -n "$refused" ]; then
        grep -q 'install that version again' "$work/refused" || die "refused without the way out: $(cat "$work/refused")"
        printf 'the older program refuses the newer state: %s\n' "$(head -n 1 "$work/refused")"
    fi
    timed "and back to this package" install_deb "$deb"
    timed "the daemon has gone on, or follows" becomes "$pid" "$commit"
else
    timed "apt-get install of the package" install_deb "$deb"
fi

begin=$(date +%s%N)
as_user '/usr/share/ra-agent/install/quickstart.sh --offline ~/src/myrepo' 2>&1 | while IFS= read -r line; do
    now=$((($(date +%s%N) - begin) / 1000000))
    printf '%4d.%03d %s\n' $((now / 1000)) $((now % 1000)) "$line"
done | tee "$work/quickstart"
# The moment at which a step begins, in seconds.
moment() { sed -n "s/^ *\([0-9.]*\) ==> $1.*/\1/p" "$work/quickstart" | head -n 1; }
figures+=$(printf '%-46s %10s s' 'set-up: every file found by words after' "$(moment 'Getting the embedding model')")$'\n'
figures+=$(printf '%-46s %10s s' 'set-up: every file found by meaning after' "$(moment 'Status')")$'\n'
grep -q 'To try on' "$work/quickstart" || die "the set-up did not end with what can be tried"
as_user "ra-agent status" | grep -q 'myrepo' || die "the repository is not registered"

timed "a search by meaning and by words" as_user 'ra-agent search -n 3 "where is a store opened for reading" --repo ~/src/myrepo'
as_user 'cd src/myrepo && printf "pub fn brand_new_parcel() {}\n" >parcel.rs && git add parcel.rs &&
    git -c user.name=A -c user.email=a@example.org commit --quiet --message "One more"'
found_commit() {
    local deadline=$((SECONDS + 60))
    until as_user 'ra-agent search -n 1 --json brand_new_parcel' | grep -q '"path": "parcel.rs"'; do
        [ "$SECONDS" -lt "$deadline" ] || die "the commit is not found"
    done
}
timed "a commit is found" found_commit
timed "every vector is the model's own" as_user 'ra-agent wait --timeout 60m'
as_user 'ra-agent doctor' || true
as_user 'ra-agent cache verify'

as_user 'git -C src/myrepo status --short' | grep . && die "the repository was changed"
timed "what the user has is removed" as_user '/usr/share/ra-agent/install/uninstall.sh --yes'
as_user 'rm -rf .cache src'
as_user '/usr/bin/ra-agent daemon start'
timed "apt-get remove, with a daemon that runs" inside apt-get remove -y -qq ra-agent
if inside sh -c 'readlink /proc/[0-9]*/exe' | grep -q ra-agent; then die "a daemon runs on without its program"; fi
timed "apt-get purge" inside apt-get purge -y -qq ra-agent
as_user 'rm -rf .rustassistant'
inside apt-get autoremove -y -qq >/dev/null
files >"$work/after"
comm -13 "$work/before" "$work/after" | grep -v "^/home/$user/\.\(gitconfig\|bash\)" >"$work/left" || true
[ ! -s "$work/left" ] || die "left: $(head -n 20 "$work/left")"

step "Passed, nothing is left. $(nproc) cores, $(basename "$package"), $(($(wc -c <"$package") / 1000000)) MB"
printf '%s' "$figures"
