#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
#
# The form of commit messages: "area: imperative summary" of at most 75 characters, a blank line,
# and a body that says why and how it was tested.
#
# Usage: tools/check_commits.sh [RANGE]     (default: every commit of HEAD)
set -uo pipefail

fault() { # COMMIT TEXT
    echo "commits: $1: $2"
    bad=$((bad + 1))
}

check_one() { # COMMIT
    local id=$1 subject second body
    subject=$(git log -1 --format=%s "$id")
    second=$(git log -1 --format=%B "$id" | sed -n 2p)
    body=$(git log -1 --format=%b "$id" | grep -Evc '^[A-Z][A-Za-z-]+: |^$')
    [[ $subject =~ ^[a-z0-9][A-Za-z0-9_./,\ -]*:\ [A-Za-z] ]] ||
        fault "$id" "subject is not 'area: summary': $subject"
    [ ${#subject} -le 75 ] || fault "$id" "subject has ${#subject} characters, at most 75: $subject"
    [[ $subject != *. ]] || fault "$id" "subject ends in a full stop: $subject"
    [[ ! $subject =~ ^(fixup|squash|wip|WIP) ]] || fault "$id" "unfinished: $subject"
    [[ ! ${subject#*: } =~ ^[A-Za-z]+ed\  ]] || fault "$id" "not imperative: $subject"
    [ -z "$second" ] || fault "$id" "no blank line after the subject: $subject"
    [ "$body" -gt 0 ] || fault "$id" "no body that says why: $subject"
}

main() {
    local id count=0
    bad=0
    git rev-parse -q --verify HEAD >/dev/null || { echo "commits: no repository here"; return 0; }
    for id in $(git rev-list --no-merges --abbrev-commit "${1:-HEAD}"); do
        count=$((count + 1))
        check_one "$id"
    done
    echo "commits: $count checked, $bad faults"
    [ "$bad" = 0 ]
}

main "$@"
