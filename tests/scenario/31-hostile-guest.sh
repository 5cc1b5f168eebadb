# A guest writes garbage, huge values, a storm, another guest's job: noticed once, ignored, and the
# other pair is served as ever.
make_pair shop
make_pair mail "$HERE/cfg/mail.cfg"
a=$(domid shop a)
run=$(job_run "$a")

guest-run shop-b 'cd /run
xenstore-write data/xhs/job/web "running hot_standby=yes memory_kb=524288 request=1"
xenstore-write data/xhs/job/evil "waiting hot_standby=maybe"
xenstore-write data/xhs/job/big "waiting hot_standby=yes memory_kb=99999999999999999999"
xenstore-write data/xhs/agent/memory "total_kb=1 available_kb=9999999"
xenstore-write data/xhs/reply/1 "ok"
xenstore-write data/xhs/reply/999999 "ok 00000000-0000-0000-0000-000000000000"
xenstore-write data/xhs/agent/boot_id "$(head -c 1500 /dev/zero | tr "\0" A)"
i=0; while [ $i -lt 60 ]; do xenstore-write data/xhs/job/junk$i "waiting hot_standby=yes memory_kb=1024"; i=$((i+1)); done
' >/dev/null
sleep 2
is "pair shop" "$(pair_state shop)" protected
is "the job's run" "$(job_run "$a")" "$run"
is "job of shop" "$(job_state shop web)" running
[ "$(event_count shop 'ignored')" -ge 1 ] || fail "nothing was said of it"
[ "$(event_count shop 'ignored')" -le 6 ] || fail "said $(event_count shop 'ignored') times"
[ "$(event_count shop 'without a run grant')" -ge 1 ] || fail "the usurper of the job was not noticed"

# a storm: the other pair's takeover goes on beside it
guest-run shop-b '(i=0; while [ $i -lt 1500 ]; do xenstore-write data/xhs/job/web "waiting" data/xhs/job/web "defined" data/xhs/x$((i % 5)) $i; i=$((i+1)); done) >/dev/null 2>&1 &' >/dev/null
crash mail-a
check_swapped mail b a
is "job of shop" "$(job_state shop web)" running
xhs list >/dev/null || fail "xhsd does not answer"
