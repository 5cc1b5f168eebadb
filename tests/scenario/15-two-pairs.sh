# Two pairs crash at once: both jobs run on their heirs.
make_pair shop
make_pair mail "$HERE/cfg/mail.cfg"
before=$(all_mem)
crash shop-a &
crash mail-a &
wait
for pair in shop mail; do
    wait_for 60 "a takeover of $pair" eval "[ \"\$(active $pair)\" = b ]"
done
check_swapped shop b a
check_swapped mail b a
about "all memory" "$(all_mem)" "$before"
