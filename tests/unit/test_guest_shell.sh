#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
# xhs-guest.sh over a directory that stands in for xenstore: it asks, is refused, is granted, stops.
# Not a test of real requests: the lab does that. Speaks TAP.
# Run by make check, with top_srcdir in the environment.
# shellcheck disable=SC2016,SC2317 # the tools expand; the trap calls

guest=$(cd "${top_srcdir:-.}" && pwd)/guest-tools/shell/xhs-guest.sh
if ! command -v setsid >/dev/null || [ ! -r /proc/sys/kernel/random/boot_id ]; then
    echo '1..0 # SKIP no setsid or no boot id on this machine'
    exit 0
fi
dir=$(mktemp -d) || exit 1
XS=$dir/store XHS_RUN_DIR=$dir XHS_MEMORY_DIR=$dir/memory
export XS XHS_RUN_DIR XHS_MEMORY_DIR
mkdir -p "$XS" "$dir/bin"
boot=$(cat /proc/sys/kernel/random/boot_id)
script=''
end() {
    exec 9>&-
    [ -n "$script" ] && kill "$script" 2>/dev/null
    read -r pid _ <"$dir/xhs-guest.web" && kill -KILL "-$pid"
    rm -rf "$dir"
} 2>/dev/null
trap end EXIT

# A key is a file. A new value appears at once, as it does in xenstore.
tool() { printf '#!/bin/sh\n%s\n' "$2" >"$dir/bin/xenstore-$1"; chmod +x "$dir/bin/xenstore-$1"; }
tool read 'exec cat "$XS/$1" 2>/dev/null'
tool write 'mkdir -p "$XS/${1%/*}"; printf %s "$2" >"$XS/.new.$$"; mv "$XS/.new.$$" "$XS/$1"'
tool list 'ls "$XS/$1" 2>/dev/null'
tool exists '[ -e "$XS/$1" ]'
tool watch 'exec cat "$XS/.events"'
mkfifo "$XS/.events"
exec 9<>"$XS/.events"
PATH=$dir/bin:$PATH
put() { xenstore-write "$@"; }
event() { echo xhs >&9; }

n=0 failed=0
# expect KEY PATTERN WHAT: the key's value comes to match within 5 s
expect() {
    n=$((n + 1)) tries=50
    while :; do
        got=$(xenstore-read "$1")
        # shellcheck disable=SC2254 # a pattern is wanted
        case $got in $2) echo "ok $n - $3"; return ;; esac
        [ $((tries -= 1)) -gt 0 ] || break
        sleep 0.1
    done
    echo "not ok $n - $3"
    echo "# $1 = $got"
    failed=1
}

echo 1..15
put xhs/format 1
put xhs/spare_kb 100
XHS_PRIORITY=7 XHS_WAIT_S=5 sh "$guest" web 5000 'echo run; exec sleep 100' >"$dir/out" 2>&1 9>&- &
script=$!
event
job=data/xhs/job/web
want='hot_standby=yes memory_kb=5000 priority=7'
expect $job "waiting $want ask_kb=4900 wait_s=5" 'it asks for what its OS has not'
expect data/xhs/agent/version 1 'its agent is announced'
put xhs/spare_kb 0
event
expect $job "waiting $want ask_kb=5000 wait_s=5" 'it asks again when the OS has less'

put xhs/req/1 'deny other 0 not this one'
event
expect data/xhs/reply/1 "failed $boot no such job*" 'a refusal of an unknown job'
put xhs/req/2 'deny web 300 300 KiB are left'
event
expect data/xhs/reply/2 "ok $boot" 'a refusal is answered'
expect $job "failed $want reason=300 KiB are left" 'and told with its reason'

put xhs/req/3 'start web 4000'
event
sleep 0.3
expect data/xhs/reply/3 '' 'no start without a grant'
put xhs/job/web/run 3
event
want='hot_standby=yes memory_kb=4000 priority=7'
expect data/xhs/reply/3 "ok $boot" 'a start with one'
expect $job "running $want request=3" 'it runs in the area it was given'

put xhs/req/4 'deny web 0 too late'
event
expect data/xhs/reply/4 "ok $boot" 'a refusal of a job that does not wait'
expect $job "running $want request=3" 'changes nothing'

put xhs/req/5 'balloon - 65536'
event
expect data/xhs/reply/5 "failed $boot the balloon's target cannot be set here" 'no balloon driver'
mkdir "$dir/memory"
put xhs/req/6 'balloon - 65536'
event
expect data/xhs/reply/6 "ok $boot" "the balloon's target is set"
expect ../memory/target_kb 65536 'to what dom0 asks for'

rm "$XS/xhs/job/web/run"
event
expect $job "stopped $want request=3 reason=dom0 took the run grant back" 'it stops without grant'
exit $failed
