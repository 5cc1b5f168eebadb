#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
# The description of the xenstore keys against the code, both ways: every path that xhs can build is
# a heading of xhs-paths.md and the other way round. Not a test of what is written into the keys.
# Run by make check, with top_srcdir and top_builddir in the environment. Speaks TAP.

top_srcdir=${top_srcdir:-.}
top_builddir=${top_builddir:-.}
schema=$top_srcdir/xenstore-schema/xhs-paths.md
print=${PRINT_PATHS:-$top_builddir/tests/unit/print_paths}
tests=0 failed=0
export LC_ALL=C
tmp=$(mktemp -d) || exit 99
trap 'rm -rf "$tmp"' EXIT

# empty NAME FILE: one test, passed when FILE has no line; else its lines are shown
empty()
{
    tests=$((tests + 1))
    if [ -s "$2" ]; then
        echo "not ok $tests - $1"
        sed 's/^/# /' "$2"
        failed=1
    else
        echo "ok $tests - $1"
    fi
}

# The headings' paths as paths.h writes them: no $, and the home directory in full
heading_paths()
{
    sed -n 's/^#### \([^ ]*\) .*/\1/p' "$schema" |
        sed 's,^~/,/local/domain/DOMID/,; s,\$,,g'
}

# Headings that are not "#### PATH = VALUES [TAGS]", with tags n (dom0's), w (a guest's) or none
wrong_headings()
{
    grep -n '^####' "$schema" |
        grep -vE '^[0-9]+:#### /tool/xhs[^ ]* = [^ ].* \[n\]$' |
        grep -vE '^[0-9]+:#### ~/xhs[^ ]* = [^ ].* \[\]$' |
        grep -vE '^[0-9]+:#### ~/data/xhs[^ ]* = [^ ].* \[w\]$'
}

# Entries that do not say who writes, who reads and how long the key lives
incomplete_entries()
{
    awk '
        function check() {
            if (path != "" && !(text ~ /Writer: / && text ~ /Reader: / && text ~ /Life: /))
                print path
        }
        /^#/ { check(); path = $1 == "####" ? $2 : ""; text = ""; next }
        { text = text " " $0 }
        END { check() }' "$schema"
}

if ! "$print" >"$tmp/code" || ! [ -s "$tmp/code" ] || ! [ -f "$schema" ]; then
    echo "1..0"
    echo "Bail out! $print or $schema is missing"
    exit 99
fi
sort "$tmp/code" >"$tmp/built"
heading_paths | sort >"$tmp/described"

comm -23 "$tmp/built" "$tmp/described" >"$tmp/out"
empty "every path of the code is described" "$tmp/out"
comm -13 "$tmp/built" "$tmp/described" >"$tmp/out"
empty "every path described is in the code" "$tmp/out"
uniq -d "$tmp/described" >"$tmp/out"
empty "no path is described twice" "$tmp/out"
wrong_headings >"$tmp/out"
empty "headings have the form of Xen's xenstore-paths" "$tmp/out"
incomplete_entries >"$tmp/out"
empty "every entry names writer, reader and life" "$tmp/out"
echo "1..$tests"
exit $failed
