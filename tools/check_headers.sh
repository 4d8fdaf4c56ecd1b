#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
#
# Every header compiles alone, and twice; its guard is named after its path.
#
# Usage: tools/check_headers.sh COMPILER-AND-FLAGS...     (make headers)
set -uo pipefail
cd "${ROOT:-$(dirname "$0")/..}"

# How a source includes it: the path below its include directory.
spelled() {
    local name=$1
    name=${name#arch/arm64/include/}
    echo "${name#include/}"
}

guard_of() {
    local name
    name=$(spelled "$1")
    case $name in
        corbel/*) name=corbel_${name#corbel/} ;;
    esac
    tr 'a-z/.-' 'A-Z___' <<<"$name"
}

check_one() {
    local header=$1 name errors guard bad=0
    shift
    name=$(spelled "$header")
    if ! errors=$(printf '#include <%s>\n#include <%s>\n' "$name" "$name" |
        "$@" -Wno-error=unused -fsyntax-only -x c - 2>&1); then
        echo "headers: $header does not compile alone:"
        sed 's/^/    /' <<<"$errors"
        bad=1
    fi
    guard=$(guard_of "$header")
    if ! grep -q "^#ifndef $guard\$" "$header" || ! grep -q "^#define $guard\$" "$header"; then
        echo "headers: $header: its guard should be $guard"
        bad=1
    fi
    return $bad
}

main() {
    local header count=0 bad=0
    while read -r header; do
        count=$((count + 1))
        check_one "$header" "$@" || bad=$((bad + 1))
    done < <(find include arch/arm64/include -name '*.h' | sort)
    echo "headers: $count checked, $bad bad"
    [ "$count" -gt 0 ] && [ "$bad" = 0 ]
}

main "$@"
