#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
# The xhs command against a stand-in for xhsd: requests, output, exit statuses, errors.
# Not a test of xhsd: the answers are written here. Speaks TAP; exits 1 when a test failed.
# Run by make check, with XHS_BIN and FAKE_XHSD (or top_builddir) in the environment.

top_builddir=${top_builddir:-.}
XHS_BIN=${XHS_BIN:-$top_builddir/xhs}
FAKE_XHSD=${FAKE_XHSD:-$top_builddir/tests/unit/fake_xhsd}
tests=0 failed=0 server=

dir=$(mktemp -d) || exit 1
trap '[ -z "$server" ] || kill "$server"; rm -rf "$dir"' EXIT
trap 'exit 1' HUP INT TERM

XHS_SOCKET=$dir/sock
export XHS_SOCKET
unset NO_COLOR

# result STATUS NAME [DETAIL]: one test; STATUS 0 passed, 1 failed, skip
result()
{
    tests=$((tests + 1))
    case $1 in
    0) echo "ok $tests - $2" ;;
    skip) echo "ok $tests - $2 # SKIP $3" ;;
    *)
        echo "not ok $tests - $2"
        failed=1
        [ -z "$3" ] || echo "$3" | sed 's/^/# /'
        ;;
    esac
}

# wait_for TEST...: until it is true, two seconds at most
wait_for()
{
    for _ in 1 2 3 4 5 6 7 8 9 10; do
        ! "$@" || return 0
        sleep 0.2
    done
}

serve()
{
    rm -f "$XHS_SOCKET"
    "$FAKE_XHSD" "$XHS_SOCKET" "$dir/answers" &
    server=$!
    wait_for [ -S "$XHS_SOCKET" ]
}

# answer LINE...: what the stand-in sends from now on
answer()
{
    printf '%s\n' "$@" >"$dir/answers"
}

xhs()
{
    "$XHS_BIN" "$@" >"$dir/out" 2>"$dir/err"
}

# same NAME FILE TEXT: FILE has exactly TEXT
same()
{
    printf '%s' "$3" >"$dir/expected"
    detail=$(diff -u "$dir/expected" "$2" 2>&1)
    result $? "$1" "$detail"
}

# status NAME EXPECTED STATUS: also that nothing went wrong on stderr when EXPECTED is 0
status()
{
    [ "$2" = "$3" ]
    result $? "$1: exit status $2" "it was $3: $(cat "$dir/err")"
}

# says NAME FILE TEXT: FILE has TEXT somewhere
says()
{
    grep -qF -e "$3" "$2"
    result $? "$1" "no '$3' in: $(cat "$2")"
}

# request_is TEXT: what the stand-in was asked last
request_is()
{
    same "request of the above" "$dir/answers.request" "$1
"
}

# golden NAME STATUS TEXT ARGUMENT...: xhs's stdout and status
golden()
{
    name=$1 expected_status=$2 text=$3
    shift 3
    xhs "$@"
    status "$name" "$expected_status" $?
    same "$name: output" "$dir/out" "$text"
}

# ---- without xhsd ----

xhs list
status "no xhsd" 1 $?
same "no xhsd: says so" "$dir/err" \
    "xhs: cannot reach xhsd at $XHS_SOCKET: is it running? systemctl status xhsd
"
xhs -s "$dir/other" list
says "-s goes before XHS_SOCKET" "$dir/err" "cannot reach xhsd at $dir/other:"
xhs -s "$(printf '%0200d' 0)" list
status "too long a socket path" 2 $?

xhs
status "no command" 2 $?
xhs lits
status "unknown command" 2 $?
same "unknown command: the nearest" "$dir/err" "xhs: unknown command 'lits': did you mean 'list'?
"
xhs frobnicate
same "unknown command: none near" "$dir/err" \
    "xhs: unknown command 'frobnicate': xhs help lists them all
"
xhs help frobnicate
status "help for an unknown command" 2 $?
xhs create
status "argument missing" 2 $?
same "argument missing: usage" "$dir/err" "usage: xhs create [-n] PAIR.cfg
"
xhs list shop
status "argument too many" 2 $?
same "argument too many: usage" "$dir/err" "usage: xhs list
"
xhs list -f
status "another command's option" 2 $?
same "another command's option: says so" "$dir/err" \
    "xhs list: unknown option -f: see xhs help list
"
xhs --frob list
status "unknown option" 2 $?
xhs --version
status "--version" 0 $?
says "--version: the version" "$dir/out" "xhs "
xhs --help
status "--help" 0 $?
cp "$dir/out" "$dir/help"
for command in create destroy list show table jobs events recover reload version help; do
    says "help lists $command" "$dir/help" "  $command "
    xhs help "$command"
    says "help $command" "$dir/out" "usage: xhs [OPTION...] $command"
done
xhs create --help
says "--help after a command" "$dir/out" "--dry-run"

# ---- with it ----

answer '{}'
serve

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
{"pair":"shop","area":"os-a","resource":"memory","size_kb":163840,"have_kb":163840,"owner":"a",
"owner_domain":"shop-a","on_fault":"a","on_fault_domain":"shop-a"},
{"pair":"shop","area":"job-web","resource":"memory","size_kb":884736,"have_kb":512,
"owner":"transit","owner_domain":null,"on_fault":"b","on_fault_domain":"shop-b"},
{"pair":"shop","area":"os-b","resource":"memory","size_kb":163840,"have_kb":163840,"owner":"b",
"owner_domain":"shop-b","on_fault":"b","on_fault_domain":"shop-b"}]'
JOBS='"jobs":[
{"pair":"shop","job":"web","state":"running","owner":"a","owner_domain":"shop-a",
"hot_standby":true,"memory_kb":131072,"min_kb":65536,"request":7,"reason":""},
{"pair":"shop","job":"batch","state":"stopped","owner":null,"owner_domain":null,
"hot_standby":false,"memory_kb":32768,"min_kb":32768,"request":0,"reason":"its guest failed"}]'
EVENTS='"events":[
{"seq":1,"time":"2026-01-02T03:04:05.006Z","mono_ms":1.5,"pair":"shop","type":"state",
"from":"protected","to":"fencing","text":"domain crashed"},
{"seq":2,"time":"2026-01-02T03:04:05.106Z","mono_ms":101.5,"pair":"shop","type":"phase",
"phase":"fence","ms":99.96,"text":"shop-a is dead"},
{"seq":3,"time":"2026-01-02T03:04:06.000Z","mono_ms":995,"pair":null,"type":"alert",
"text":"memory was taken"}]'

# good TEXT: an answer with this inside its result
good()
{
    answer "$(printf '{"ok":true,"result":{%s}}' "$(printf '%s' "$1" | tr -d '\n')" | tr -d '\n')"
}

# bad CODE TEXT: a refusal
bad()
{
    answer "{\"ok\":false,\"code\":\"$1\",\"error\":\"$2\"}"
}

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
  PAIR  AREA     RESOURCE  SIZE  HAVE  OWNER    ON-FAULT
  shop  os-a     memory     160   160  shop-a   shop-a
  shop  job-web  memory     864   0.5  transit  shop-b
  shop  os-b     memory     160   160  shop-b   shop-b

jobs:
  PAIR  JOB    STATE    OWNER   HOT-STANDBY  MEMORY  LEAST  REQUEST  REASON
  shop  web    running  shop-a  yes             128     64        7
  shop  batch  stopped  -       no               32     32        0  its guest failed

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
good "$HOST,\"unused_kb\":2850816,$AREAS"
golden "table" 0 "\
PAIR  AREA     RESOURCE  SIZE    HAVE  OWNER    ON-FAULT
shop  os-a     memory     160     160  shop-a   shop-a
shop  job-web  memory     864     0.5  transit  shop-b
shop  os-b     memory     160     160  shop-b   shop-b
-     reserve  memory     128      64  monitor  -
-     unused   memory    2784    2784  unused   -
-     total    memory    4096  3168.5
" table
request_is '{"op":"table"}'
good "$HOST,\"unused_kb\":1024,$AREAS"
xhs table
status "a table that does not add up" 1 $?
same "a table that does not add up: says so" "$dir/err" \
    "xhs: the areas add up to 1313 MiB, but the pool is 4096 MiB: see xhs events
"
golden "table of one pair" 0 "\
PAIR  AREA     RESOURCE  SIZE   HAVE  OWNER    ON-FAULT
shop  os-a     memory     160    160  shop-a   shop-a
shop  job-web  memory     864    0.5  transit  shop-b
shop  os-b     memory     160    160  shop-b   shop-b
-     total    memory    1184  320.5
" table shop
request_is '{"op":"table","pair":"shop"}'

# jobs
good "$JOBS"
golden "jobs" 0 "\
PAIR  JOB    STATE    OWNER   HOT-STANDBY  MEMORY  LEAST  REQUEST  REASON
shop  web    running  shop-a  yes             128     64        7
shop  batch  stopped  -       no               32     32        0  its guest failed
" jobs
request_is '{"op":"jobs"}'

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

# create, destroy, recover
answer '{"progress":"shop: forming (asked for)"}' \
    '{"progress":"bell \u0007"}' \
    '{"ok":true,"result":{"pair":"shop","state":"protected","plan":["x"]}}'
golden "create" 0 "shop: protected
" create /etc/xhs/pairs/shop.cfg
request_is '{"op":"create","file":"/etc/xhs/pairs/shop.cfg","dry_run":false}'
same "create: progress on stderr" "$dir/err" "shop: forming (asked for)
bell ?
"
answer '{"ok":true,"result":{"pair":"","plan":["first this","then that"]}}'
golden "create -n" 0 "first this
then that
" create -n /x.cfg
request_is '{"op":"create","file":"/x.cfg","dry_run":true}'
(cd "$dir" && xhs create x.cfg)
request_is "{\"op\":\"create\",\"file\":\"$(cd "$dir" && pwd -P)/x.cfg\",\"dry_run\":false}"
good '"pair":"shop"'
golden "destroy" 0 "shop: destroyed
" destroy shop
request_is '{"op":"destroy","pair":"shop"}'
good '"pair":"shop","state":"unprotected"'
golden "recover" 0 "shop: unprotected
" recover shop
good '"pair":"shop","state":"failed"'
golden "recover that fails" 1 "shop: failed
" recover shop
request_is '{"op":"recover","pair":"shop"}'

# reload, version
good ''
golden "reload" 0 "configuration reloaded
" reload
request_is '{"op":"reload"}'
good '"version":"0.1","xen":"4.17.5","pid":12,"uptime_ms":90061000.5'
xhs version
says "version: xhsd's" "$dir/out" "xhsd:           0.1"
says "version: uptime" "$dir/out" "uptime:         1d 01:01:01"

# Refusals: xhsd's words and the exit status of their code
bad config "/x.cfg:3: memory is missing"
xhs create /x.cfg
status "a configuration refused" 2 $?
same "a configuration refused: xhsd's words" "$dir/err" "xhs: /x.cfg:3: memory is missing
"
bad not-found "no pair x"
xhs --json show x
status "no such pair" 1 $?
same "no such pair: nothing on stdout" "$dir/out" ""
bad newer-than-xhs "words"
xhs list
status "a code of a newer xhsd" 1 $?
for text in '' '{' 'hello' '{"ok":false}' '[]' '{"ok":"yes"}' '{"progress":1}'; do
    answer "$text"
    xhs list
    status "answer '$text'" 1 $?
    says "answer '$text': an error" "$dir/err" "xhs: "
done
: >"$dir/answers"
xhs list
says "no answer" "$dir/err" "xhsd closed the connection: see journalctl -u xhsd"
if [ "$(id -u)" -ne 0 ]; then
    chmod 0 "$XHS_SOCKET"
    xhs list
    says "not permitted" "$dir/err" "not permitted to talk to xhsd at $XHS_SOCKET: be root, or in"
    chmod 700 "$XHS_SOCKET"
else
    result skip "not permitted" "root is permitted everything"
fi
good '"pairs":7'
xhs list
status "a result of another type" 0 $?
"$XHS_BIN" list >/dev/full 2>"$dir/err"
status "a full disk" 1 $?

echo "1..$tests"
exit $failed
