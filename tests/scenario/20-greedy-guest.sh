# A guest's root writes its own balloon target: it gets nothing beyond its area.
make_pair shop
b=$(domid shop b)
guest-run shop-b 'echo 1048576 >/sys/devices/system/xen_memory/xen_memory0/target_kb' >/dev/null
sleep 3
[ "$(mem "$b")" -le $((160 + 1 + TOLERANCE)) ] || fail "shop-b took $(mem "$b") MiB, it owns 160"
a=$(domid shop a)
guest-run shop-a 'echo 1700000 >/sys/devices/system/xen_memory/xen_memory0/target_kb' >/dev/null
sleep 3
[ "$(mem "$a")" -le $((1024 + 1 + TOLERANCE)) ] || fail "shop-a took $(mem "$a") MiB, it owns 1024"
is "pair" "$(pair_state shop)" protected
