# The memory that the heir needs is gone when it is needed: what is there goes to the job that fits,
# xhs says so of the other, and all is as it should be once there is enough. Another toolstack takes
# the memory while xhsd does not look.
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
wait_job shop big failed 60
xhs events shop | grep -q 'big is not started: it needs 300 MiB' || fail "not said why"
wait_job shop web running
started shop-b 1
wait_state shop unprotected 120
xl destroy hog
xhs recover shop >/dev/null || fail "xhs recover"
is "the heir" "$(domid shop b)" "$b"
wait_state shop protected
# It fills more than there was: it waited for that, and was not killed.
is "web" "$(job_state shop web)" running
guest-run shop-b 'xhs-job run big' >/dev/null || fail "xhs-job run big, again"
wait_job shop big running
is "active" "$(active shop)" b
wait_for 30 "the heir's memory" eval "[ \"\$(mem $b)\" -ge $((1024 - TOLERANCE)) ]"
wait_for 60 "the job's memory filled" filled "$b" 400
is "times the job was started" "$(job_starts shop-b)" 1
