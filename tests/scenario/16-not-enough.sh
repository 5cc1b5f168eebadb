# The memory that the heir needs is gone when it is needed: xhs says so, and recovers once there is
# enough. Another toolstack takes it while xhsd does not look.
make_pair shop
guest-run shop-a 'xhs-job run big' >/dev/null || fail "xhs-job run big"
wait_job shop big running
b=$(domid shop b)
pid=$(cat /run/lab/xhsd.pid)
kill -STOP "$pid"
xl destroy shop-a
hog=$(($(free_mem) - $(claimed_mem) - 20))
sed "s/@MEMORY@/$hog/" "$HERE/cfg/hog.cfg" >/tmp/hog.cfg
xl create -q -p /tmp/hog.cfg || fail "the hog of $hog MiB was not built"
# of the reserve's claim too: only its holder could keep it, and it did
about "claimed" "$(claimed_mem)" 128
kill -CONT "$pid"
wait_state shop failed 60
key pair/shop/reason | grep -q 'MiB short' || fail "reason: $(key pair/shop/reason)"
xhs list | grep -q '^shop *failed' || fail "xhs list: $(xhs list)"
[ "$(job_starts shop-b)" = 0 ] || fail "the job runs all the same"
xl destroy hog
xhs recover shop >/dev/null || fail "xhs recover"
is "the heir" "$(domid shop b)" "$b"
check_swapped shop b a
is "the second job" "$(job_state shop big)" running
