#!/bin/bash
# The demo: a pair of domUs, two jobs, a crash, and what becomes of it, told as it happens.
# It tests nothing (tests/scenario does). Called by quickstart demo, in the lab's dom0.

say() { printf '\n\033[1m# %s\033[0m\n' "$*"; }
show() { echo "\$ $*"; "$@"; }
key() { xenstore-read "/tool/xhs/pair/calc/$1" 2>/dev/null; }
until_is() { local n=600; until [ "$(key "$1")" = "$2" ] || [ $n = 0 ]; do usleep 100000; n=$((n - 1)); done; }
job_in() { xenstore-read "/local/domain/$1/data/lab/job/A" 2>/dev/null | cut -d ' ' -f 2; }
until_filled() { local n=600; until [ "$(job_in "$1")" = 300 ] || [ $n = 0 ]; do usleep 100000; n=$((n - 1)); done; }
in_guest() { echo "$1# $2"; guest-run "$1" "$2"; }

printf 'pool = 1024\nreserve = 128\n' >/etc/xhs/xhs.cfg
kill -HUP "$(cat /run/lab/xhsd.pid)"

say "This is dom0 of a real Xen host (in an emulator). xhs manages 1024 MiB of it; two domains make a pair:"
show cat /etc/xhs/pairs/calc.cfg
say "Dry run: what would be made, and whether it fits. Then make it."
show xhs create -n /etc/xhs/pairs/calc.cfg
show xhs create /etc/xhs/pairs/calc.cfg || exit 1
say "State A: calc-a is active, with nearly all the memory; calc-b waits with almost none. xl sees the same."
show xhs list
show xl list
say "The resource management table: each area of memory, who has it, who gets it when that OS fails."
show xhs table

say "State B: job A, hot-standby, 512 MiB. Its OS has enough to spare: the guest tells, and nothing grows."
in_guest calc-a 'xhs-job explain A'
in_guest calc-a 'xhs-job run A' || exit 1
until_filled "$(key member/a/domid)"
show xhs table
say "State C: job B, plain, 128 MiB. Its OS has not got that much left: the guest asks, and its domain grows."
in_guest calc-a 'xhs-job run B' || exit 1
until_is job/B@a/state running
show xhs table
say "Would a takeover succeed? And does the hypervisor agree with the table?"
show xhs check
show xhs jobs
for _ in 1 2 3 4 5 6 7 8 9 10; do xhs table --audit >/dev/null && break; sleep 1; done
xhs table --audit | tail -n 1

say "Now the kernel of calc-a crashes:  echo c > /proc/sysrq-trigger"
xhs events -f calc >/tmp/demo.events &
follower=$!
guest-run calc-a 'echo c >/proc/sysrq-trigger' >/dev/null 2>&1
until_is job/A/owner b
until_is job/A/state running
until_filled "$(key member/b/domid)"
until_is state protected
kill $follower
say "What xhs did, step by step (from its events):"
awk 'f; /fencing/ && !f { f = 1; print }' /tmp/demo.events
say "The timeline: each phase, and the milliseconds since xhs noticed the crash."
xhs show calc | sed -n '/^last takeover/,$p'
say "Job A has its 512 MiB in calc-b; job B stopped, and its 128 are unused again; calc-a is the small standby."
show xhs list
show xhs table
say "Job A has filled its memory again: $(job_in "$(key member/b/domid)") of 300 MiB written."
show xhs jobs
show xl list
state=$(key state)
[ "$state" = protected ] || { echo "The pair is $state, not protected: $(key reason)"; exit 1; }
say "Protected again, with the roles swapped. Try it yourself: ./quickstart shell"
