# The heir's balloon does not take its memory, whatever dom0 and its own agent say: the pair fails
# with the reason, and no job is started on memory that is not there. Then it does, and is told.
target=/sys/devices/system/xen_memory/xen_memory0/target_kb
make_pair shop
b=$(domid shop b)
guest-run shop-b "touch /run/stuck
    (while [ -e /run/stuck ]; do echo 163840 >$target; done) </dev/null >/dev/null 2>&1 &" >/dev/null ||
    fail "no loop in shop-b"
crash shop-a
wait_for 30 "it is said" eval 'xhs events shop | grep -q "shop-b does not take its memory"'
wait_state shop failed 60
reason=$(key pair/shop/reason)
for part in 'shop-b has 160 of the 224 MiB' 'its target was set' 'its agent asked to set it'; do
    case $reason in *"$part"*) ;; *) fail "the reason is '$reason', without '$part'" ;; esac
done
is "times the job was started" "$(job_starts shop-b)" 0

guest-run shop-b 'rm /run/stuck' >/dev/null
xhs recover shop >/dev/null || fail "xhs recover"
is "the heir" "$(domid shop b)" "$b"
check_swapped shop b a
