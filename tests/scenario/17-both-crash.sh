# Both members crash within 100 ms; and the heir crashes while memory moves to it. No heir is left:
# the active is built again in place, and its job runs there, once.
make_pair shop
crash shop-a & crash shop-b &
wait
wait_for 60 "both seen" eval '[ "$(event_count shop "restarting")" -ge 1 ]'
wait_state shop protected
a=$(active shop)
wait_job shop web running
wait_for 60 "the job's memory filled" filled "$(domid shop "$a")" 400
is "times the job was started" "$(job_starts "shop-$a")" 1
about "memory of the active" "$(mem "$(domid shop "$a")")" 1024

# The heir dies while memory moves: xhsd is stopped there, the heir crashes, the next xhsd goes on.
victim=$(active shop) heir=$(standby shop)
restart_xhsd "export XHSD_TEST_KILL_AT=plan"
wait_state shop protected 30
touch /run/lab/no-respawn
pid=$(cat /run/lab/xhsd.pid)
crash "shop-$victim"
wait_for 20 "xhsd gone" eval "! kill -0 $pid 2>/dev/null"
crash "shop-$heir"
rm /run/lab/no-respawn
wait_xhsd "$pid"
wait_state shop protected
wait_job shop web running
a=$(active shop)
wait_for 60 "the job's memory filled" filled "$(domid shop "$a")" 400
is "times the job was started" "$(job_starts "shop-$a")" 1
