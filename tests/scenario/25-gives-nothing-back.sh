# A guest that does not give memory back, and guests that die while they ask: all is back in the end.
make_pair shop
unused=$(pool_mib unused)
define shop-b p 'exec lab-job p 10' 'memory = 200'
request shop-b p
wait_job shop p@b running
b=$(domid shop b)
about "memory of shop-b" "$(mem "$b")" 360

echo "== the OS itself took what the job's end should free"
guest-run -t 60 shop-b 'mkdir /hog && mount -t tmpfs -o size=300m tmpfs /hog &&
    dd if=/dev/zero of=/hog/memory bs=1M count=150 2>&1' ||
    fail "the guest could not use its memory"
sleep 2
guest-run shop-b 'xhs-job stop p' >/dev/null
wait_for 20 "the area given up" has_area shop back-b
wait_for 30 "it is said" eval 'xhs events shop | grep -q "does not give back"'
[ "$(pool_mib unused)" -lt "$unused" ] || fail "what the guest keeps counts as unused"
xhs table
xhs table --audit && fail "the audit finds nothing"
guest-run shop-b 'umount /hog' >/dev/null
wait_for 60 "it is back" unused_is "$unused"
about "memory of shop-b" "$(mem "$b")" 160
wait_state shop protected

echo "== a guest dies while it asks"
define shop-b q 'exec lab-job q 10' 'memory = 550'
set_pool 1812 128
guest-run shop-b 'xhs-job run --no-wait --wait forever q' >/dev/null
wait_for 20 "it waits" eval '[ "$(queue)" = "q " ]'
xl destroy shop-b
wait_for 5 "the queue is empty" eval '[ -z "$(queue)" ]'
wait_state shop protected
is "unused" "$(pool_mib unused)" 500

echo "== and while it grows"
define shop-b p 'exec lab-job p 10' 'memory = 400'
request shop-b p
wait_for 20 "an area" has_area shop job-p@b
crash shop-b
wait_for 20 "all is back" unused_is 500
wait_state shop protected
no_area shop job-p@b || fail "the dead guest's job has an area"
is "web" "$(job_state shop web)" running
wait_for 20 "the audit agrees" audit_clean
