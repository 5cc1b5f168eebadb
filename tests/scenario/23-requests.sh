# Requests for memory: told, asked, refused; areas that are real; and what they leave when they end.
make_pair shop
a=$(domid shop a)
unused=$(pool_mib unused)

echo "== enough: the guest tells, and its domain stays as it is"
define shop-a log 'exec lab-job log 20' 'memory = 100'
guest-run shop-a 'xhs-job explain log' || fail "xhs-job explain"
guest-run shop-a 'xhs-job run log' || fail "xhs-job run log"
wait_job shop log@a running
is "area of log" "$(area_mib shop job-log@a)" 100
is "granted to log" "$(area shop job-log@a granted_kb)" 0
is "destination of log" "$(area shop job-log@a on_fault)" monitor
about "memory of shop-a" "$(mem "$a")" 1024
is "unused" "$(pool_mib unused)" "$unused"
is "pair" "$(pair_state shop)" protected

echo "== short: it asks, the domain grows, then the job starts"
define shop-a batch 'exec lab-job batch 300' 'memory = 500'
guest-run shop-a 'xhs-job run batch' || fail "xhs-job run batch"
wait_job shop batch@a running
granted=$(($(area shop job-batch@a granted_kb) / 1024))
[ "$granted" -ge 200 ] || fail "granted $granted MiB of 500: spare was not more than 252"
about "memory of shop-a" "$(mem "$a")" $((1024 + granted))
is "unused" "$(pool_mib unused)" $((unused - granted))
is "limit of its cgroup" "$(guest-run shop-a 'cat /sys/fs/cgroup/xhs/batch/memory.max')" 524288000
wait_for 60 "its memory filled" eval "[ \"\$(job_filled $a batch)\" = 300 ]"
wait_for 40 "use shown" eval "xhs table shop | awk '\$2 == \"job-batch@a\" { exit !(\$6 >= 250) }'"
xhs check shop || fail "xhs check"
crash_line=$(xhs check shop | grep -c ' os ')
is "faults of an OS that xhs check knows" "$crash_line" 2

echo "== its end: what was granted is unused again"
guest-run shop-a 'xhs-job stop batch' >/dev/null
wait_for 20 "the area released" no_area shop job-batch@a
wait_for 20 "the pool as before" unused_is "$unused"
about "memory of shop-a" "$(mem "$a")" 1024

echo "== refused, with the reason"
define shop-a huge 'exec lab-job huge 1' 'memory = 5000'
out=$(guest-run shop-a 'xhs-job run huge 2>&1') && fail "a job of 5000 MiB was granted"
echo "$out" | grep -q 'MiB short' || fail "reason: $out"
is "job" "$(job_state shop huge@a)" failed
out=$(guest-run shop-a 'xhs-job run --memory 0 log 2>&1') && fail "a job of no size was accepted"
is "unused" "$(pool_mib unused)" "$unused"

echo "== an area is a limit"
define shop-a fat 'exec lab-job fat 200' 'memory = 64'
request shop-a fat
wait_job shop fat@a failed
key pair/shop/reason >/dev/null
xhs jobs shop | grep -q 'fat.*out of memory' || fail "xhs jobs: $(xhs jobs shop)"
wait_for 20 "the area released" no_area shop job-fat@a

echo "== no size given: an estimate, shown"
define shop-a calc 'exec sleep 1000'
guest-run shop-a 'xhs-job explain calc' | grep -qi 'estimate' || fail "no estimate is shown"
guest-run shop-a 'xhs-job run calc' >/dev/null || fail "a job without a size"
wait_job shop calc@a running
xhs table --json >/dev/null && xhs check --json >/dev/null || fail "no JSON"
guest-run shop-a 'xhs-job explain --json calc' | grep -q '"' || fail "no JSON"
wait_for 20 "the audit agrees" audit_clean
