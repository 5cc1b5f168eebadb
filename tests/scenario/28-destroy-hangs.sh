# The hypervisor does not come to an end with the victim: the job runs on what was set aside, xhs
# says so, nothing starts twice, and the rest follows when the memory comes back.
make_pair shop
restart_xhsd 'export LD_PRELOAD=/usr/lib/lab-hold.so'
wait_state shop protected
a=$(domid shop a) b=$(domid shop b)
touch /run/lab/hold-destroy
crash shop-a
wait_job shop web running
is "the active" "$(active shop)" b
wait_for 20 "it is said" eval 'xhs events shop | grep -q "shop-a is being destroyed for more than 5 s"'
about "memory of the victim" "$(mem "$a")" 1024
about "memory of the heir" "$(mem "$b")" $((160 + 64))
beats_on "$b"

echo "== the same with another daemon, which did not begin it"
restart_xhsd 'export LD_PRELOAD=/usr/lib/lab-hold.so'
wait_for 20 "shop is known" eval '[ -n "$(pair_state shop)" ]'
sleep 3
about "memory of the victim" "$(mem "$a")" 1024
is "times the job was started" "$(job_starts shop-b)" 1

rm /run/lab/hold-destroy
check_swapped shop b a
restart_xhsd ''
