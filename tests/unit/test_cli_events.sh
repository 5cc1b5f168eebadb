#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
# What xhs shows of events, past and coming, and who may stop reading.
# Not a test of xhsd: the answers are written here. Speaks TAP. Run by make check, as test_cli.sh.

. "${top_srcdir:-.}/tests/unit/cli.sh"

EVENTS='"events":[
{"seq":1,"time":"2026-01-02T03:04:05.006Z","mono_ms":1.5,"pair":"shop","type":"state",
"from":"protected","to":"fencing","text":"domain crashed"},
{"seq":2,"time":"2026-01-02T03:04:05.106Z","mono_ms":101.5,"pair":"shop","type":"phase",
"phase":"fence","ms":99.96,"text":"shop-a is dead"},
{"seq":3,"time":"2026-01-02T03:04:06.000Z","mono_ms":995,"pair":null,"type":"alert",
"text":"memory was taken"}]'

answer '{}'
serve

# events
good "$EVENTS"
E1='2026-01-02T03:04:05.006Z  shop          state   protected -> fencing: domain crashed'
E2='2026-01-02T03:04:05.106Z  shop          phase   fence after 100.0 ms: shop-a is dead'
E3='2026-01-02T03:04:06.000Z  -             alert   memory was taken'
golden "events" 0 "$E1
$E2
$E3
" events
request_is '{"op":"events"}'
xhs events --json
"$FAKE_XHSD" --json-lines <"$dir/out"
result $? "events --json is one JSON value a line"
NEW='{"event":{"seq":4,"time":"2026-01-02T03:04:07.000Z","mono_ms":1995,"pair":"shop",'
NEW=$NEW'"type":"job","text":"web runs"}}'
echo "$NEW" >>"$dir/answers"
E4='2026-01-02T03:04:07.000Z  shop          job     web runs'
golden "events -f, xhsd goes away" 1 "$E1
$E2
$E3
$E4
" events -f shop
request_is '{"op":"events","pair":"shop","follow":true}'
says "events -f, xhsd goes away: says so" "$dir/err" "xhsd closed the connection"
xhs --json events -f
"$FAKE_XHSD" --json-lines <"$dir/out"
result $? "events -f --json is one JSON value a line"
[ "$(wc -l <"$dir/out")" -eq 4 ]
result $? "events -f --json has all four"

# A reader that goes away, or ^C: quiet, and no failure
touch "$dir/answers.hold"
rm -f "$dir/out" # what an earlier command left must not be waited for
(
    "$XHS_BIN" events -f 2>"$dir/err"
    echo $? >"$dir/status"
) | head -n 1 >"$dir/out" &
reader=$!
wait_for [ -s "$dir/out" ]
same "events -f flushes each line" "$dir/out" "$E1
"
rm "$dir/answers.hold"
kill "$server"
wait "$server" "$reader" 2>/dev/null
serve
i=0
while [ $i -lt 2000 ]; do
    echo "$NEW"
    i=$((i + 1))
done >>"$dir/answers"
(
    "$XHS_BIN" events -f 2>"$dir/err"
    echo $? >"$dir/status"
) | head -n 1 >"$dir/out"
status "events -f | head" 0 "$(cat "$dir/status")"
same "events -f | head: quiet" "$dir/err" ""

good "$EVENTS"
touch "$dir/answers.hold"
rm -f "$dir/out"
"$XHS_BIN" events -f >"$dir/out" 2>"$dir/err" &
follower=$!
wait_for grep -sq "memory was taken" "$dir/out"
kill -INT "$follower"
wait "$follower"
status "events -f, then ^C" 0 $?
rm "$dir/answers.hold"

finish
