#!/bin/bash
# The demo: a pair of domUs, a crash, and what becomes of it, told as it happens.
# It tests nothing (tests/scenario does). Called by quickstart demo, in the lab's dom0.

say() { printf '\n\033[1m# %s\033[0m\n' "$*"; }
show() { echo "\$ $*"; "$@"; }
key() { xenstore-read "/tool/xhs/pair/shop/$1" 2>/dev/null; }
until_is() { local n=600; until [ "$(key "$1")" = "$2" ] || [ $n = 0 ]; do usleep 100000; n=$((n - 1)); done; }
job_in() { xenstore-read "/local/domain/$1/data/lab/job/web" 2>/dev/null | cut -d ' ' -f 2; }
until_filled() { local n=600; until [ "$(job_in "$1")" = 400 ] || [ $n = 0 ]; do usleep 100000; n=$((n - 1)); done; }

say "This is dom0 of a real Xen host (in an emulator). Two domains make a pair:"
show cat /etc/xhs/pairs/shop.cfg
say "Dry run: what would be made, and whether it fits. Then make it."
show xhs create -n /etc/xhs/pairs/shop.cfg
show xhs create /etc/xhs/pairs/shop.cfg || exit 1
until_is job/web/state running
until_filled "$(key member/a/domid)"
say "shop-a is active, with nearly all the memory; shop-b waits with almost none. xl sees the same."
show xhs list
show xl list
say "The resource management table: each area of memory, who has it, who gets it when that OS fails."
show xhs table
say "The hot-standby job 'web' runs in shop-a, in 512 MiB of its own; it has written 400 MiB."
show xhs jobs

say "Now the kernel of shop-a crashes:  echo c > /proc/sysrq-trigger"
xhs events -f shop >/tmp/demo.events &
follower=$!
guest-run shop-a 'echo c >/proc/sysrq-trigger' >/dev/null 2>&1
until_is job/web/owner b
until_is job/web/state running
until_filled "$(key member/b/domid)"
until_is state protected
kill $follower
say "What xhs did, step by step (from its events):"
awk 'f; / protected -> fencing|fencing/ && !f { f = 1; print }' /tmp/demo.events
say "The timeline: each phase, and the milliseconds since xhs noticed the crash."
xhs show shop | sed -n '/^last takeover/,$p'
say "The roles are swapped: shop-b has the memory, shop-a was built again as the small standby."
show xhs list
show xhs table
say "The job runs in shop-b and has filled its memory again: $(job_in "$(key member/b/domid)") of 400 MiB written."
show xhs jobs
show xl list
state=$(key state)
[ "$state" = protected ] || { echo "The pair is $state, not protected: $(key reason)"; exit 1; }
say "Protected again, with the roles swapped. Try it yourself: ./quickstart shell"
