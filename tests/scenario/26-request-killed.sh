# kill -9 of xhsd at each step of a request: the next one brings it to its end, and nothing is lost.
make_pair shop
set_pool 1412 128
is "unused" "$(pool_mib unused)" 100
before=$(all_mem)
define shop-b k 'exec lab-job k 10' 'memory = 200'

killed_at() { # STEP, before what follows
    restart_xhsd "export XHSD_TEST_KILL_AT=$1"
    wait_state shop protected 30
    pid=$(cat /run/lab/xhsd.pid)
}
echo "== killed when it was put into the queue"
killed_at ask
guest-run shop-b 'xhs-job run --no-wait --wait forever k' >/dev/null
wait_xhsd "$pid"
wait_for 30 "it waits again" eval '[ "$(queue)" = "k " ]'
set_pool 1612 128
wait_job shop k@b running
started shop-b 1 k
guest-run shop-b 'xhs-job stop k' >/dev/null
wait_for 30 "the pool as before" unused_is 300

for step in area grant run release returned; do
    echo "== killed at $step"
    runs=$(job_starts shop-b k)
    killed_at $step
    guest-run shop-b 'xhs-job run --no-wait --wait forever k' >/dev/null
    case $step in
    release | returned)
        wait_job shop k@b running
        guest-run shop-b 'xhs-job stop --no-wait k' >/dev/null
        wait_xhsd "$pid" ;;
    *)
        wait_xhsd "$pid"
        wait_job shop k@b running
        about "memory of shop-b" "$(mem "$(domid shop b)")" 360
        guest-run shop-b 'xhs-job stop k' >/dev/null ;;
    esac
    wait_for 30 "the pool as before" unused_is 300
    started shop-b $((runs + 1)) k
    wait_for 20 "the domain as before" eval "[ \"\$(mem $(domid shop b))\" -le 164 ]"
done
about "all memory" "$(all_mem)" "$before"
is "web" "$(job_state shop web)" running
wait_for 20 "the audit agrees" audit_clean
