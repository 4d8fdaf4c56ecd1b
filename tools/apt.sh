# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash
#
# An apt of our own, to be sourced by tools/setup and tools/fetch.
# It takes packages from Debian suites that this machine does not have among its sources, with the
# machine's own mirror, proxy and keyring, and leaves /etc/apt and the machine's package lists as
# they are: sources, lists and archives live under $CORBEL_CACHE/apt/<name>.

CORBEL_CACHE=${CORBEL_CACHE:-$HOME/.cache/corbel}
CORBEL_KEYRING=/usr/share/keyrings/debian-archive-keyring.gpg
LIST_MAX_AGE_MIN=${LIST_MAX_AGE_MIN:-720}

say() { printf '%s: %s\n' "${0##*/}" "$*" >&2; }
die() { say "$*"; exit 1; }

# The mirror that this machine takes Debian's main component from (CORBEL_MIRROR overrides).
apt_mirror() {
    if [ -n "${CORBEL_MIRROR:-}" ]; then
        echo "$CORBEL_MIRROR"
        return
    fi
    apt-get indextargets --format '$(RELEASE) $(COMPONENT) $(REPO_URI)' 'Created-By: Packages' |
        awk '$2 != "main" || $1 ~ /-(security|updates|backports)$/ || $1 ~ /\// { next }
             $1 ~ /^(bookworm|trixie|oldstable|stable|testing|sid)$/ && !good { good = $3 }
             !any { any = $3 }
             END { print good ? good : any }'
}

# apt_open NAME ARCH STATUS KIND SUITE...: write the sources, fill APT_OPTS for apt-get, apt-cache.
# STATUS is the dpkg status file to resolve against ("" = as if nothing were installed); KIND is
# "deb" or "deb-src".
apt_open() {
    local name=$1 arch=$2 status=$3 kind=$4 mirror suite root
    shift 4
    root=$CORBEL_CACHE/apt/$name
    mkdir -p "$root/lists/partial" "$root/cache/archives/partial"
    mirror=$(apt_mirror)
    [ -n "$mirror" ] || die "no Debian mirror among this machine's apt sources; set CORBEL_MIRROR"
    for suite in "$@"; do
        echo "$kind [arch=$arch signed-by=$CORBEL_KEYRING] $mirror $suite main"
    done >"$root/sources.list"
    if [ -z "$status" ]; then
        : >"$root/status"
        status=$root/status
    fi
    APT_OPTS=(
        -q
        -o "Dir::Etc::SourceList=$root/sources.list"
        -o Dir::Etc::SourceParts=/dev/null
        -o Dir::Etc::Preferences=/dev/null
        -o Dir::Etc::PreferencesParts=/dev/null
        -o "Dir::State::Lists=$root/lists"
        -o "Dir::State::Status=$status"
        -o "Dir::Cache=$root/cache"
        -o "APT::Architecture=$arch"
        -o "APT::Architectures=$arch"
        -o "APT::Sandbox::User=$(id -un)"
        -o Acquire::Languages=none
        -o Acquire::Retries=3
        -o Dpkg::Use-Pty=0
    )
    APT_STAMP=$root/updated
}

# Refresh the lists of the opened apt, unless that was done a short while ago with these sources.
apt_refresh() {
    local sources=${APT_STAMP%/updated}/sources.list
    if [ -n "$(find "$APT_STAMP" -mmin "-$LIST_MAX_AGE_MIN" 2>/dev/null)" ] &&
        cmp -s "$sources" "$APT_STAMP"; then
        return 0
    fi
    say "reading package lists: $(awk '{ print $1, $(NF - 1) }' "$sources" | paste -sd,)"
    "${1:-env}" apt-get "${APT_OPTS[@]}" update >&2 && cp "$sources" "$APT_STAMP"
}
