# Three takeovers in a row, there and back: roles follow, and no memory is lost on the way.
make_pair shop
before=$(all_mem)
for now in b a b; do
    case $now in a) victim=b ;; b) victim=a ;; esac
    crash "shop-$victim"
    wait_for 60 "a takeover by $now" eval "[ \"\$(active shop)\" = $now ]"
    check_swapped shop $now $victim
done
about "all memory, first and last" "$(all_mem)" "$before"
