# The victim, built again with the same job definition, does not start the job: no run grant.
make_pair shop
crash shop-a
check_swapped shop b a
new=$(domid shop a)
xenstore-read "/local/domain/$new/data/xhs/job/web" | grep -q '^waiting' ||
    fail "the new standby's agent says: $(xenstore-read "/local/domain/$new/data/xhs/job/web")"
sleep 3
is "times started on the new standby" "$(job_starts shop-a)" 0
[ -z "$(xenstore-read "/local/domain/$new/xhs/job/web/run" 2>/dev/null)" ] || fail "it has a run grant"
