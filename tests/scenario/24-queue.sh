# Two pairs ask for the same unused memory: a queue, served by priority, then first come.
set_pool 2688 128
make_pair shop
make_pair mail "$HERE/cfg/mail.cfg"
is "unused" "$(pool_mib unused)" 192
define shop-b p 'exec lab-job p 10' 'memory = 128'
define mail-b q 'exec lab-job q 10' 'memory = 128' 'wait = 300'
define mail-b r 'exec lab-job r 10' 'memory = 100' 'priority = 5' 'wait = forever'
request shop-b p
wait_job shop p@b running
about "memory of shop-b" "$(mem "$(domid shop b)")" 288
guest-run mail-b 'xhs-job run --no-wait --wait 300 q' >/dev/null
guest-run mail-b 'xhs-job run --no-wait --priority 5 --wait forever r' >/dev/null
wait_for 20 "both wait" eval '[ "$(queue)" = "r q " ]'
xhs table
is "granted area of shop's job" "$(area_mib shop job-p@b)" 128

echo "== shop gives back: the higher priority is served, and what is left is too little for the other"
guest-run shop-b 'xhs-job stop p' >/dev/null
wait_job mail r@b running
is "the other" "$(job_state mail q@b)" waiting
is "unused" "$(pool_mib unused)" 92
guest-run mail-b 'xhs-job stop r' >/dev/null
wait_job mail q@b running
is "unused" "$(pool_mib unused)" 64
wait_for 20 "the queue is empty" eval '[ -z "$(queue)" ]'

echo "== one that waited long enough is refused"
define mail-a w 'exec lab-job w 10' 'memory = 1200'
out=$(guest-run -t 60 mail-a 'xhs-job run --wait 3 w 2>&1') && fail "w was granted"
echo "$out" | grep -q 'MiB short' || fail "reason: $out"
is "pair shop" "$(pair_state shop)" protected
is "pair mail" "$(pair_state mail)" protected
wait_for 20 "the audit agrees" audit_clean
