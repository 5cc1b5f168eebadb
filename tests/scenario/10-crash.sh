# The active OS crashes: the job runs on the heir, with its memory; then the pair is protected again.
make_pair shop
is "active" "$(active shop)" a
before=$(all_mem)
crash shop-a
check_swapped shop b a
about "all memory" "$(all_mem)" "$before"
about "claimed for the reserve" "$(claimed_mem)" 128
is "epoch" "$(key pair/shop/epoch)" 2
xhs list | grep -Eq '^shop +protected +shop-b +102[0-9] +shop-a +1(5|6)[0-9]' || fail "xhs list: $(xhs list)"
