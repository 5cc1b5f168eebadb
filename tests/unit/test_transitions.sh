#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
# The table of states and transitions in xhs-pair.cfg(5) against the code's, both ways and in the
# same order, as the first row that fits is the one taken. Not a test of the transitions.
# Run by make check, with top_srcdir and top_builddir in the environment. Speaks TAP.

top_srcdir=${top_srcdir:-.}
top_builddir=${top_builddir:-.}
page=$top_srcdir/man/xhs-pair.cfg.5
print=${PRINT_RULES:-$top_builddir/tests/unit/print_rules}
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

# The page's rows, as print_rules writes them: "FROM to" heads a list of TO, each with its text.
page_rules()
{
    awk '
        /^\.Ss / { on = $2 == "Transitions" }
        !on { next }
        /^\.It Cm [a-z]+ to$/ { from = $3; next }
        /^\.It Cm [a-z]+$/ { to = $3; next }
        to != "" && !/^\./ { print from "\t" to "\t" $0; to = "" }' "$page"
}

# The states that the page explains: items of the list of states
page_states()
{
    sed -n '/^\.Ss States/,/^\.Ss/s/^\.It Cm \([a-z]*\)$/\1/p' "$page"
}

if ! "$print" >"$tmp/code" || ! [ -s "$tmp/code" ] || ! [ -f "$page" ]; then
    echo "1..0"
    echo "Bail out! $print or $page is missing"
    exit 99
fi
page_rules >"$tmp/page"
sort "$tmp/code" >"$tmp/code.sorted"
sort "$tmp/page" >"$tmp/page.sorted"

comm -23 "$tmp/code.sorted" "$tmp/page.sorted" >"$tmp/out"
empty "every transition of the code is in the page" "$tmp/out"
comm -13 "$tmp/code.sorted" "$tmp/page.sorted" >"$tmp/out"
empty "every transition of the page is in the code" "$tmp/out"
diff "$tmp/code" "$tmp/page" >"$tmp/out"
empty "they stand in the same order" "$tmp/out"

cut -f 1,2 "$tmp/code" | tr '\t' '\n' | sort -u >"$tmp/used"
page_states | sort >"$tmp/explained"
comm -3 "$tmp/used" "$tmp/explained" >"$tmp/out"
empty "every state is explained, and no other" "$tmp/out"
echo "1..$tests"
exit $failed
