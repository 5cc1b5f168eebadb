# The agent is killed while its job runs: its successor adopts the job, and starts no second one.
make_pair shop
a=$(domid shop a)
run=$(job_run "$a")
old=$(guest-run shop-a 'pidof xhs-agent')
guest-run shop-a 'kill -9 $(pidof xhs-agent)' >/dev/null
wait_for 20 "a new agent" eval "n=\$(guest-run shop-a 'pidof xhs-agent'); [ -n \"\$n\" ] && [ \"\$n\" != $old ]"
sleep 1
is "the job's run" "$(job_run "$a")" "$run"
is "times started" "$(job_starts shop-a)" 1
is "job" "$(job_state shop web)" running
is "pair" "$(pair_state shop)" protected
beats_on "$a"
# and it is still the one that a takeover moves
crash shop-a
check_swapped shop b a
