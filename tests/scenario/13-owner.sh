# What the owner does himself is no fault: poweroff and reboot of either member, no takeover.
make_pair shop
b=$(domid shop b)
guest-run shop-b reboot >/dev/null 2>&1
wait_for 60 "the standby built again" eval "[ \"\$(domid shop b)\" != $b ] && state_is shop protected"
is "active" "$(active shop)" a

a=$(domid shop a)
guest-run shop-a reboot >/dev/null 2>&1
wait_for 60 "the active built again" eval "[ \"\$(domid shop a)\" != $a ] && state_is shop protected"
is "active after its reboot" "$(active shop)" a
wait_job shop web running
wait_for 60 "the job in the rebooted active" filled "$(domid shop a)" 400
about "memory of shop-a" "$(mem "$(domid shop a)")" 1024

guest-run shop-b poweroff >/dev/null 2>&1
wait_state shop unprotected 60
# its agent ends before its kernel does
wait_for 20 "the reason (it is $(key pair/shop/reason))" \
    eval "key pair/shop/reason | grep -q 'powered off by its owner'"
is "job" "$(job_state shop web)" running
beats_on "$(domid shop a)"
xhs recover shop >/dev/null || fail "xhs recover"
wait_state shop protected 60

guest-run shop-a poweroff >/dev/null 2>&1
wait_state shop stopped 60
is "takeovers" "$(key pair/shop/epoch)" 0
is "domains left" "$(xl list | grep -c shop)" 0
