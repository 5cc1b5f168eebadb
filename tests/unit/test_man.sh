#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
# The manual pages are clean to mandoc's lint. Not a test of whether they are true. Speaks TAP.
# Run by make check, with top_srcdir in the environment.

top_srcdir=${top_srcdir:-.}
if ! command -v mandoc >/dev/null; then
    echo '1..0 # SKIP no mandoc on this machine'
    exit 0
fi
set -- "$top_srcdir"/man/*.[1-9]
echo "1..$#"
n=0 failed=0
for page; do
    n=$((n + 1))
    if out=$(mandoc -T lint -W warning "$page"); then
        echo "ok $n - ${page##*/}"
    else
        echo "not ok $n - ${page##*/}"
        echo "$out" | sed 's/^/# /'
        failed=1
    fi
done
exit $failed
