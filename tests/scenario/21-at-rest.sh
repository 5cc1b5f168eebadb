# A calm pair costs little: xhsd stays small, and hardly wakes up.
make_pair shop
pid=$(cat /run/lab/xhsd.pid)
rss=$(awk '/^VmRSS/ { print $2 }' /proc/$pid/status)
echo "xhsd: $rss KiB resident"
[ "$rss" -le 20480 ] || fail "xhsd has $rss KiB resident, it should have 20480 at most"

# The main thread's sleeps are its wake-ups. Counted over 20 s: 2 a second, and some for the guests'
# reports of their memory.
wakes() { awk '/^voluntary_ctxt_switches/ { print $2 }' /proc/$pid/task/$pid/status; }
sleep 5
before=$(wakes)
sleep 20
woken=$(($(wakes) - before))
echo "xhsd: woken $woken times in 20 s"
# one wake-up costs some sleeps: each answer of xenstored is waited for
[ $woken -le 200 ] || fail "xhsd slept $woken times in 20 s of calm"
