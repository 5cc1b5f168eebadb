#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
# What xhs shows of pairs: list, show, table, check, jobs, as text and as JSON.
# Not a test of xhsd: the answers are written here. Speaks TAP. Run by make check, as test_cli.sh.

. "${top_srcdir:-.}/tests/unit/cli.sh"

MEMBERS='"members":[
{"member":"a","name":"shop-a","domid":3,"uuid":"00000000-0000-0000-0000-00000000000a",
"role":"active","domain":"running","agent":true,"memory_kb":1048576,"target_kb":1048576,
"owned_kb":1048576},
{"member":"b","name":"shop-b","domid":null,"uuid":"00000000-0000-0000-0000-00000000000b",
"role":"standby","domain":"building","agent":false,"memory_kb":164352,"target_kb":0,
"owned_kb":163840}]'
PAIR='"name":"shop","state":"protected","reason":"","trigger":"agents are there",
"epoch":12,"protected":true,"active":"a","takeovers":2,'$MEMBERS
DOWN='{"name":"db","state":"failed","reason":"gave up\u001b[31m","trigger":"x",
"epoch":0,"protected":false,"active":null,"takeovers":0,"members":[]}'
AREAS='"areas":[
{"pair":"shop","area":"os-a","resource":"memory","size_kb":163840,"have_kb":163840,"used_kb":null,
"owner":"a","owner_domain":"shop-a","on_fault":"a","on_fault_domain":"shop-a"},
{"pair":"shop","area":"job-web","resource":"memory","size_kb":884736,"have_kb":512,
"used_kb":256,"owner":"transit","owner_domain":null,"on_fault":"b","on_fault_domain":"shop-b"},
{"pair":"shop","area":"os-b","resource":"memory","size_kb":163840,"have_kb":163840,"used_kb":null,
"owner":"b","owner_domain":"shop-b","on_fault":"b","on_fault_domain":"shop-b"}]'
JOBS='"jobs":[
{"pair":"shop","job":"web","state":"running","owner":"a","owner_domain":"shop-a",
"hot_standby":true,"priority":1000,"memory_kb":131072,"min_kb":65536,"used_kb":83456,
"peak_kb":126976,"oom_kills":1,"request":7,"reason":""},
{"pair":"shop","job":"batch","state":"stopped","owner":null,"owner_domain":null,
"hot_standby":false,"priority":0,"memory_kb":32768,"min_kb":32768,"used_kb":0,"peak_kb":0,
"oom_kills":0,"request":0,"reason":"its guest failed"}]'

answer '{}'
serve

# list, and text that no terminal should see
printf '{"ok":true,"result":{"pairs":[{%s},%s]}}' "$PAIR" "$DOWN" | tr -d '\n' >"$dir/answers"
echo >>"$dir/answers"
golden "list" 0 "\
NAME  STATE      ACTIVE  MEMORY  STANDBY  MEMORY  EPOCH  REASON
shop  protected  shop-a    1024  shop-b    160.5     12
db    failed     -            -  -             -      0  gave up?[31m
" list
request_is '{"op":"list"}'
says "no colour in a pipe" "$dir/out" "shop  protected  shop-a"
xhs --json list
status "--json" 0 $?
"$FAKE_XHSD" --json <"$dir/out"
result $? "--json is JSON"
cp "$dir/out" "$dir/before"
xhs list --json
same "--json after the command does the same" "$dir/before" "$(cat "$dir/out")
"
says "--json has what text leaves out" "$dir/out" '"uuid": "00000000-0000-0000-0000-00000000000a"'
xhs -v list
says "-v shows the request" "$dir/err" '> {"op":"list"}'
says "-v shows the answer" "$dir/err" '< {"ok":true'
if command -v script >/dev/null; then
    TERM=xterm script -qec "'$XHS_BIN' list" /dev/null >"$dir/out" 2>"$dir/err" </dev/null
    says "green on a terminal" "$dir/out" "$(printf '\033[32mprotected\033[0m  shop-a')"
    says "red on a terminal" "$dir/out" "$(printf '\033[31mfailed\033[0m     -')"
    NO_COLOR=1 script -qec "'$XHS_BIN' list" /dev/null >"$dir/out" 2>"$dir/err" </dev/null
    says "NO_COLOR on a terminal" "$dir/out" "shop  protected  shop-a"
else
    result skip "colour on a terminal" "script(1) is not here"
fi
SHORT='"name":"shop","state":"unprotected","epoch":3,"active":"a",
"reason":"takeover not possible: 64 MiB short for job app-a"'
good "\"pairs\":[{$SHORT,$MEMBERS}]"
golden "list of a pair that is not protected" 0 "\
NAME  STATE        ACTIVE  MEMORY  STANDBY  MEMORY  EPOCH  REASON
shop  unprotected  shop-a    1024  shop-b    160.5      3  takeover not possible: 64 MiB short for \
job app-a
" list
good '"pairs":[]'
golden "list of nothing" 0 "NAME  STATE  ACTIVE  MEMORY  STANDBY  MEMORY  EPOCH  REASON
" list

# show
CONFIG='"config":{"file":"/etc/xhs/pairs/shop.cfg","members":["/a","/b"],"memory_kb":1048576,
"standby_memory_kb":163840,"max_memory_kb":1802240,"surplus":"follow","hang_timeout_ms":1000}'
TAKEOVER='"takeover":{"request":7,"victim":"shop-a","heir":"shop-b","done":true,"phases":[
{"phase":"detect","ms":0.000},{"phase":"fence","ms":12.340},{"phase":"move","ms":345.600}]}'
good "$PAIR,$CONFIG,$AREAS,$JOBS,$TAKEOVER"
golden "show" 0 "\
name:           shop
state:          protected
last trigger:   agents are there
epoch:          12
takeovers:      2
file:           /etc/xhs/pairs/shop.cfg
memory:         1024 MiB
standby memory: 160 MiB
max memory:     1760 MiB
surplus:        follow
hang timeout:   1000 ms

members:
  MEMBER  NAME    ROLE     DOMID  DOMAIN    AGENT  MEMORY  TARGET  OWNED  UUID
  a       shop-a  active       3  running   yes      1024    1024   1024  \
00000000-0000-0000-0000-00000000000a
  b       shop-b  standby      -  building  no      160.5       0    160  \
00000000-0000-0000-0000-00000000000b

areas:
  PAIR  AREA     RESOURCE  SIZE  HAVE  USED  OWNER    ON-FAULT
  shop  os-a     memory     160   160     -  shop-a   shop-a
  shop  job-web  memory     864   0.5   0.2  transit  shop-b
  shop  os-b     memory     160   160     -  shop-b   shop-b

jobs:
  PAIR  JOB    STATE    OWNER   HOT  PRIO  MEMORY  LEAST  USED  PEAK  OOM  REQ  REASON
  shop  web    running  shop-a  yes  1000     128     64  81.5   124    1    7
  shop  batch  stopped  -       no      0      32     32     0     0    0    0  its guest failed

last takeover: request 7, from shop-a to shop-b
  PHASE      MS  DELTA
  detect    0.0    0.0
  fence    12.3   12.3
  move    345.6  333.3
" show shop
request_is '{"op":"show","pair":"shop"}'
good "$PAIR,$CONFIG,$AREAS,\"jobs\":[],\"takeover\":null"
xhs show shop
says "show without jobs" "$dir/out" "jobs: none"
says "show without a takeover" "$dir/out" "last takeover: none"

# table
HOST='"pool_kb":4194304,"reserve_kb":131072,"reserve_have_kb":65536'
BACK='{"pair":"shop","area":"back-a","resource":"memory","size_kb":32768,"have_kb":16384,
"used_kb":null,"owner":"unused","owner_domain":null,"on_fault":"unused","on_fault_domain":null}'
good "$HOST,\"unused_kb\":2818048,${AREAS%?},$BACK],\"queue\":[]"
TABLE='PAIR  AREA     RESOURCE  SIZE    HAVE  USED  OWNER    ON-FAULT
shop  os-a     memory     160     160     -  shop-a   shop-a
shop  job-web  memory     864     0.5   0.2  transit  shop-b
shop  os-b     memory     160     160     -  shop-b   shop-b
shop  back-a   memory      32      16     -  unused   unused
-     reserve  memory     128      64     -  monitor  -
-     unused   memory    2752    2752     -  unused   -
-     total    memory    4096  3152.5
'
golden "table" 0 "$TABLE" table
request_is '{"op":"table"}'
good "$HOST,\"unused_kb\":1024,$AREAS"
xhs table
status "a table that does not add up" 1 $?
same "a table that does not add up: says so" "$dir/err" \
    "xhs: the areas add up to 1313 MiB, but the pool is 4096 MiB: see xhs events
"
xhs table --json
status "a table that does not add up, as JSON" 1 $?
PAIR_TABLE='PAIR  AREA     RESOURCE  SIZE   HAVE  USED  OWNER    ON-FAULT
shop  os-a     memory     160    160     -  shop-a   shop-a
shop  job-web  memory     864    0.5   0.2  transit  shop-b
shop  os-b     memory     160    160     -  shop-b   shop-b
-     total    memory    1184  320.5
'
golden "table of one pair" 0 "$PAIR_TABLE" table shop
request_is '{"op":"table","pair":"shop"}'

# table: what waits for memory
QUEUE='"queue":[
{"pair":"shop","job":"web","domain":"shop-a","priority":100,"min_kb":65536,"want_kb":131072,
"left_s":27},
{"pair":"bank","job":"report","domain":"bank-b","priority":5,"min_kb":512,"want_kb":2048,
"left_s":null}]'
good "$HOST,\"unused_kb\":2818048,${AREAS%?},$BACK],$QUEUE"
golden "table with a queue" 0 "$TABLE
PAIR  JOB     DOMAIN  PRIORITY  LEAST  WANTS  LEFT
shop  web     shop-a       100     64    128  27 s
bank  report  bank-b         5    0.5      2  -
" table

# table --audit
good "$HOST,\"unused_kb\":2818048,${AREAS%?},$BACK],\"queue\":[],\"differences\":[]"
AGREED="$TABLE
the hypervisor agrees
"
golden "audit" 0 "$AGREED" table --audit
request_is '{"op":"table","audit":true}'
golden "audit, in short" 0 "$AGREED" table -a
xhs table --audit --json
status "audit, as JSON" 0 $?
good "$HOST,$AREAS,$QUEUE,\"differences\":[\"shop-a has 1030 MiB, but owns 1024\",\"x\u001b[31m\"]"
DIFFERS="$PAIR_TABLE
PAIR  JOB     DOMAIN  PRIORITY  LEAST  WANTS  LEFT
shop  web     shop-a       100     64    128  27 s
bank  report  bank-b         5    0.5      2  -

audit: shop-a has 1030 MiB, but owns 1024
audit: x?[31m
"
golden "audit that finds differences" 1 "$DIFFERS" table --audit shop
request_is '{"op":"table","pair":"shop","audit":true}'
same "audit that finds differences: nothing on stderr" "$dir/err" ""
golden "--audit after the pair" 1 "$DIFFERS" table shop --audit
xhs --json table shop --audit
status "audit that finds differences, as JSON" 1 $?
"$FAKE_XHSD" --json <"$dir/out"
result $? "audit as JSON is JSON"
good "$HOST,$AREAS"
golden "audit by an xhsd that knows none" 1 "$PAIR_TABLE" table --audit shop
same "audit by an xhsd that knows none: says so" "$dir/err" \
    "xhs: xhsd made no audit: is it older than xhs?
"

# check
OS='{"fault":"os","domain":"shop-a","job":"app","possible":true,"need_kb":524544,"have_kb":1048576,
"text":"starts on shop-b once 64 of its 128 MiB are there"},
{"fault":"os","domain":"shop-b","job":null,"possible":true,"need_kb":163840,"have_kb":294912,
"text":"shop-b is built again"}'
JOB='"fault":"job","domain":"shop-a","job":"app","need_kb":131072'
CAN="{$JOB,\"possible\":true,\"have_kb\":131072,\"text\":\"starts on shop-b\"}"
CANNOT="{$JOB,\"possible\":false,\"have_kb\":65536,\"text\":\"64 MiB short on shop-b\"}"
STOPPED='{"name":"db","state":"stopped","possible":true,"faults":[]}'
SHOP='"name":"shop","state":"protected"'
good "\"possible\":true,\"pairs\":[{$SHOP,\"possible\":true,\"faults\":[$OS,$CAN]},$STOPPED]"
golden "check" 0 "\
PAIR  FAULT  DOMAIN  JOB  POSSIBLE   NEED  HAVE  WHY
shop  os     shop-a  app  yes       512.2  1024  starts on shop-b once 64 of its 128 MiB are there
shop  os     shop-b  -    yes         160   288  shop-b is built again
shop  job    shop-a  app  yes         128   128  starts on shop-b
db    -      -       -    yes           -     -  the pair is stopped
" check
request_is '{"op":"check"}'
good "\"possible\":false,\"pairs\":[{$SHOP,\"possible\":false,\"faults\":[$CANNOT]}]"
golden "check that finds a fault it cannot take" 1 "\
PAIR  FAULT  DOMAIN  JOB  POSSIBLE  NEED  HAVE  WHY
shop  job    shop-a  app  no         128    64  64 MiB short on shop-b
" check shop
request_is '{"op":"check","pair":"shop"}'
same "check that finds a fault it cannot take: nothing on stderr" "$dir/err" ""
xhs check shop --json
status "check as JSON" 1 $?
"$FAKE_XHSD" --json <"$dir/out"
result $? "check as JSON is JSON"
says "check as JSON: why" "$dir/out" '"text": "64 MiB short on shop-b"'
good '"pairs":[]'
xhs check
status "check without a verdict" 1 $?
good '"possible":true,"pairs":[]'
golden "check of nothing" 0 "PAIR  FAULT  DOMAIN  JOB  POSSIBLE  NEED  HAVE  WHY
" check

# jobs
good "$JOBS"
golden "jobs" 0 "\
PAIR  JOB    STATE    OWNER   HOT  PRIO  MEMORY  LEAST  USED  PEAK  OOM  REQ  REASON
shop  web    running  shop-a  yes  1000     128     64  81.5   124    1    7
shop  batch  stopped  -       no      0      32     32     0     0    0    0  its guest failed
" jobs
request_is '{"op":"jobs"}'

finish
