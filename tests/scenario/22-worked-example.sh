# The worked example of xhs-pair.cfg(5) with real domains, all sizes times four: states A, B and C,
# then a fault of the active OS. 640/128/128/128 MiB and jobs of 512 and 128 stand for 160/32/32/32
# and 128 and 32.
row() { # AREA MIB OWNER ON-FAULT
    is "size of $1 ($(($2 / 4)) in the example)" "$(area_mib calc "$1")" "$2"
    is "owner of $1" "$(area calc "$1" owner)" "$3"
    is "destination of $1" "$(area calc "$1" on_fault)" "$4"
}
host() { # RESERVE UNUSED
    is "reserve" "$(pool_mib reserve)" "$1"
    is "unused" "$(pool_mib unused)" "$2"
    xhs table || fail "the table does not add up"
}
set_pool 1024 128
xhs create /etc/xhs/pairs/calc.cfg >/dev/null 2>"$WHY.err" || fail "xhs create: $(cat "$WHY.err")"
wait_state calc protected
a=$(domid calc a) b=$(domid calc b)

echo "state A: no job runs"
row os-a 640 a a; row os-b 128 b b; host 128 128
about "memory of calc-a" "$(mem "$a")" 640

echo "state B: job A starts: its OS has enough, and tells"
guest-run calc-a 'xhs-job run A' || fail "xhs-job run A"
wait_job calc A running
row os-a 128 a a; row os-b 128 b b; row job-A 512 a b; host 128 128
about "memory of calc-a" "$(mem "$a")" 640

echo "state C: then job B: its OS has not enough, and asks"
guest-run calc-a 'xhs-job run B' || fail "xhs-job run B"
wait_job calc B@a running
row os-a 128 a a; row os-b 128 b b; row job-A 512 a b; row job-B@a 128 a monitor; host 128 0
is "granted to job B" "$(area calc job-B@a granted_kb)" 131072
about "memory of calc-a" "$(mem "$a")" 768
about "memory of calc-b" "$(mem "$b")" 128
is "limit of job B's cgroup" "$(guest-run calc-a 'cat /sys/fs/cgroup/xhs/B/memory.max')" 134217728
wait_for 60 "job A's memory filled" eval "[ \"\$(job_filled $a A)\" = 300 ]"
wait_for 20 "the audit agrees" audit_clean
before=$(all_mem)

echo "the active OS fails"
crash calc-a
wait_for 60 "a takeover" eval '[ "$(active calc)" = b ]'
wait_state calc protected
a=$(domid calc a)
row os-a 128 a a; row os-b 128 b b; row job-A 512 b a; host 128 128
no_area calc job-B@a || fail "job B still has an area"
is "job A" "$(job_state calc A)" running
is "owner of job A" "$(key pair/calc/job/A/owner)" b
[ "$(job_state calc B@a)" != running ] || fail "job B runs"
wait_for 30 "the heir's memory" eval "about x \"\$(mem $b)\" 640"
about "memory of calc-a" "$(mem "$a")" 128
wait_for 60 "job A's memory filled again" eval "[ \"\$(job_filled $b A)\" = 300 ]"
about "all memory" "$(all_mem)" "$before"
wait_for 20 "the audit agrees" audit_clean
