# The standby crashes: it is rebuilt, and the job never notices.
make_pair shop
a=$(domid shop a) b=$(domid shop b)
run=$(job_run "$a")
crash shop-b
wait_for 60 "a new standby" eval "[ \"\$(domid shop b)\" != $b ] && state_is shop protected"
is "the active's domid" "$(domid shop a)" "$a"
is "the job's run" "$(job_run "$a")" "$run"
is "times the job was started" "$(job_starts shop-a)" 1
beats_on "$a"
is "takeovers" "$(key pair/shop/epoch)" 0
about "memory of shop-b" "$(mem "$(domid shop b)")" 160
