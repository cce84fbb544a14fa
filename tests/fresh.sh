#!/usr/bin/env bash
# Runs the two commands of the README, .ci/run and install/quickstart.sh, as on a fresh machine: in a minimal Debian root with the
# packages that install/prerequisites.sh names, as users who are not root, each with an empty home and an empty CARGO_HOME. The
# source is a clone of HEAD. Rust comes from this machine, read-only. Needs root, mmdebstrap, 40 GB of disk and most of two hours.
#
# From this machine, at run time: Debian release, apt sources and their settings, certificates, proxies, the registries of cargo, pip
# and npm.
set -euo pipefail

usage() {
    cat <<'END'
usage: tests/fresh.sh [options]
  --gate-only         only .ci/run
  --quickstart-only   only install/quickstart.sh
  --target DIR        builds go to DIR/gate and DIR/quickstart, which stay (default: inside the root, removed with it)
  --run COMMAND       run this in the clone, in place of the two commands
END
}

top=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
# shellcheck source=install/prerequisites.sh
. "$top/install/prerequisites.sh"

stories=(gate quickstart)
target=
run=
while [ $# -gt 0 ]; do
    case $1 in
        --gate-only) stories=(gate) ;;
        --quickstart-only) stories=(quickstart) ;;
        --target | --run)
            [ $# -ge 2 ] || { usage >&2; exit 2; }
            if [ "$1" = --target ]; then target=$2; else stories=(run) run=$2; fi
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

[ "$(id -u)" -eq 0 ] || die "tests/fresh.sh needs root: it makes a root directory and mounts"
has mmdebstrap || die "mmdebstrap is missing; install it with: apt-get install mmdebstrap"
has unshare || die "unshare is missing; install util-linux"
release=$(. /etc/os-release && printf '%s' "${VERSION_CODENAME-}")
[ -n "$release" ] || die "/etc/os-release names no release of Debian"
toolchain=$(rustc --print sysroot)
if [ "$toolchain" = /usr ] || [ ! -x "$toolchain/bin/cargo" ]; then
    die "Rust in $toolchain cannot be mounted by itself; install it with rustup"
fi

work=$(mktemp -d /var/tmp/ra-agent-fresh.XXXXXX)
root=$work/root
# All mounts are in a name space of their own and end with it.
trap 'rm -rf --one-file-system "$work"' EXIT
trap 'exit 1' HUP INT TERM

step "A minimal root of $release"
sources=()
for file in /etc/apt/sources.list /etc/apt/sources.list.d/*.list /etc/apt/sources.list.d/*.sources; do
    # other sources are not Debian's own
    if [ -f "$file" ] && grep -qw "$release" "$file"; then sources+=("$file"); fi
done
[ "${#sources[@]}" -gt 0 ] || die "/etc/apt has no sources of $release"
apt-config dump | grep -E '^Acquire::(http|https|ftp|Check|Retries|Proxy)' >"$work/apt.conf" || true
mmdebstrap --quiet --variant=minbase --aptopt="$work/apt.conf" "$release" "$root" "${sources[@]}"
for file in /etc/resolv.conf /etc/hosts; do
    [ ! -f "$file" ] || cp -L "$file" "$root$file"
done

# What this machine needs to reach the network, and nothing else of its environment.
passed=()
while IFS='=' read -r name value; do
    case $name in
        *[a-z0-9_]_proxy | *_PROXY | SSL_CERT_* | CURL_CA_BUNDLE | GIT_SSL_CAINFO | REQUESTS_CA_BUNDLE) ;;
        PIP_INDEX_URL | PIP_EXTRA_INDEX_URL | PIP_TRUSTED_HOST | PIP_CERT | PIP_PROXY | PIP_DEFAULT_TIMEOUT) ;;
        NODE_EXTRA_CA_CERTS | NPM_CONFIG_* | npm_config_*) ;;
        CARGO_NET_* | CARGO_HTTP_* | CARGO_REGISTR* | CARGO_SOURCE_* | CARGO_BUILD_JOBS) ;;
        *) continue ;;
    esac
    passed+=("$name=$value")
done < <(env)
# Certificates that the variables name, and the system's, where they are here.
copy_certificates() {
    local variable value
    for variable in "${passed[@]}" _=/etc/ssl/certs/ca-certificates.crt; do
        value=${variable#*=}
        case $value in
            /*) [ ! -f "$value" ] || install -D -m 644 "$value" "$root$value" ;;
        esac
    done
}
for file in /etc/pip.conf /etc/npmrc /usr/etc/npmrc; do
    [ ! -f "$file" ] || install -D -m 644 "$file" "$root$file"
done
mkdir -p "$root/opt/rust"

# In the name space: only the root, a /proc and a few devices.
# shellcheck disable=SC2016 # expanded by the shell inside
enter='
    set -eu
    root=$1 toolchain=$2 target=$3
    shift 3
    mount --make-rprivate /
    mount --bind "$root" "$root"
    mount --bind "$toolchain" "$root/opt/rust"
    mount -o remount,bind,ro "$root/opt/rust"
    if [ -n "$target" ]; then
        mkdir -p "$root/target"
        mount --bind "$target" "$root/target"
    fi
    mount -t proc proc "$root/proc"
    mount -t sysfs -o ro sysfs "$root/sys" || true
    mount -t tmpfs -o mode=755 tmpfs "$root/dev"
    for device in null zero full random urandom tty; do
        touch "$root/dev/$device"
        mount --bind "/dev/$device" "$root/dev/$device"
    done
    mkdir -p "$root/dev/pts" "$root/dev/shm"
    mount -t devpts -o newinstance,ptmxmode=0666,mode=620 devpts "$root/dev/pts"
    ln -s pts/ptmx "$root/dev/ptmx"
    mount -t tmpfs -o mode=1777 tmpfs "$root/dev/shm"
    ln -s /proc/self/fd "$root/dev/fd"
    ln -s fd/0 "$root/dev/stdin"
    ln -s fd/1 "$root/dev/stdout"
    ln -s fd/2 "$root/dev/stderr"
    cd "$root"
    # not a chroot: in one, a process cannot have a user name space of its own, which some stories use
    pivot_root . mnt
    exec chroot . /bin/sh -c "umount -l /mnt; cd /; exec \"\$@\"" sh "$@"
'
inside() {
    unshare --mount --pid --fork --kill-child \
        sh -c "$enter" sh "$root" "$toolchain" "$target" \
        env -i PATH=/opt/rust/bin:/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin LC_ALL=C.UTF-8 "${passed[@]}" "$@"
}

step "Packages, installed by root"
install -m 755 "$top/install/prerequisites.sh" "$root/opt/prerequisites.sh"
# git and certificates come first for the clone below, and are in the list, too
packages=$(inside env -u SSL_CERT_FILE /opt/prerequisites.sh --packages --tests)
say "$packages"
# shellcheck disable=SC2086 # words
inside sh -c 'apt-get update -qq && DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends "$@" >/dev/null' sh $packages
copy_certificates

commit=$(git -C "$top" rev-parse HEAD)

# settle_user NAME: a user with a clone in a home that is empty otherwise.
settle_user() {
    local home=$root/home/$1 cargo_home=${CARGO_HOME:-$HOME/.cargo} file
    inside useradd --create-home --shell /bin/bash "$1"
    git clone --quiet --no-hardlinks "$top" "$home/ra-agent"
    git -C "$home/ra-agent" checkout --quiet --detach "$commit"
    mkdir -p "$home/src"
    git clone --quiet "$home/ra-agent" "$home/src/myrepo"
    mkdir "$home/.cargo"
    for file in config.toml config; do
        [ ! -f "$cargo_home/$file" ] || cp "$cargo_home/$file" "$home/.cargo/$file"
    done
    for file in .config/pip/pip.conf .npmrc; do
        [ ! -f "$HOME/$file" ] || install -D "$HOME/$file" "$home/$file"
    done
    if [ -n "$target" ]; then
        mkdir -p "$target/$1"
        inside chown "$1:" "/target/$1"
    fi
    inside chown -R "$1:" "/home/$1"
}

# as_user NAME COMMAND
as_user() {
    local in_target=()
    [ -z "$target" ] || in_target=("CARGO_TARGET_DIR=/target/$1")
    inside setpriv --reuid "$1" --regid "$1" --init-groups \
        env HOME="/home/$1" USER="$1" LOGNAME="$1" "${in_target[@]}" bash -c "cd /home/$1/ra-agent && $2"
}

command_of() {
    case $1 in
        gate) printf '.ci/run' ;;
        # what it left running, a service would; here it is stopped, after one commit more was found
        quickstart)
            printf '%s && %s && %s' \
                'install/quickstart.sh ~/src/myrepo' \
                'git -C ~/src/myrepo -c user.name=A -c user.email=a@example.org commit --quiet --allow-empty --message "One more"' \
                '~/.local/bin/ra-agent wait && ~/.local/bin/ra-agent daemon stop'
            ;;
        run) printf '%s' "$run" ;;
    esac
}

[ -z "$target" ] || { mkdir -p "$target" && target=$(cd "$target" && pwd); }
failed=
summary=
for story in "${stories[@]}"; do
    settle_user "$story"
    step "$story: $(command_of "$story")"
    begin=$SECONDS
    if as_user "$story" "$(command_of "$story")"; then result=passed; else result=FAILED failed=1; fi
    took=$((SECONDS - begin))
    summary+=$(printf '%-12s %s  %d min %02d s' "$story" "$result" $((took / 60)) $((took % 60)))$'\n'
done

step "In a minimal root of $release, with $(nproc) cores, commit ${commit:0:12}"
printf '%s' "$summary"
[ -z "$failed" ]
