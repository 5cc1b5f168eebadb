# kill -9 of xhsd, while the pair is protected and at the end of each phase of a takeover: the next
# one finishes the work, and the job was started once.
make_pair shop
run=$(job_run "$(domid shop a)")
restart_xhsd ''
wait_state shop protected 30
is "the job's run" "$(job_run "$(domid shop a)")" "$run"

for phase in detect fence plan move commit start; do
    victim=$(active shop) heir=$(standby shop)
    echo "== killed at $phase, $victim -> $heir"
    restart_xhsd "export XHSD_TEST_KILL_AT=$phase"
    wait_state shop protected 30
    pid=$(cat /run/lab/xhsd.pid)
    crash "shop-$victim"
    wait_xhsd "$pid"
    wait_for 60 "a takeover by $heir" eval "[ \"\$(active shop)\" = $heir ]"
    check_swapped shop "$heir" "$victim"
done
