# Bad configuration is refused with file:line, exit status 2, and nothing is created.
dir=/tmp/bad; rm -rf $dir; mkdir $dir
domains=$(xl list | wc -l)

# refused STATUS PATTERN: the pair file on stdin
refused() {
    cat >$dir/pair.cfg
    xhs create $dir/pair.cfg >$dir/out 2>$dir/err
    is "exit status for: $2" $? "$1"
    grep -Eq "$2" $dir/err || fail "no '$2' in: $(cat $dir/err)"
    is "domains after: $2" "$(xl list | wc -l)" "$domains"
    is "pairs after: $2" "$(xenstore-list /tool/xhs/pair 2>/dev/null)" ""
}
M='members = [ "/etc/xen/shop-a.cfg", "/etc/xen/shop-b.cfg" ]'

refused 2 "$dir/pair.cfg:3: .*memmory" <<END
name = "bad"
$M
memmory = 1024
standby_memory = 160
END
refused 2 "$dir/pair.cfg:3: .*memory" <<END
name = "bad"
$M
memory = "-5"
standby_memory = 160
END
refused 2 "$dir/pair.cfg:3: .*-5" <<END
name = "bad"
$M
memory = -5
standby_memory = 160
END
refused 2 "$dir/pair.cfg:3: .*memory" <<END
name = "bad"
$M
memory = 99999999999999
standby_memory = 160
END
refused 2 "$dir/pair.cfg:4: .*standby_memory" <<END
name = "bad"
$M
memory = 1024
standby_memory = 2048
END
refused 2 "$dir/pair.cfg:5: .*max_memory" <<END
name = "bad"
$M
memory = 1024
standby_memory = 160
max_memory = 200000
END
refused 2 "nowhere.cfg" <<END
name = "bad"
members = [ "/etc/xen/shop-a.cfg", "/tmp/bad/nowhere.cfg" ]
memory = 1024
standby_memory = 160
END
refused 2 "$dir/pair.cfg:2: .*memb" <<END
name = "bad"
members = [ "/etc/xen/shop-a.cfg", "/etc/xen/shop-a.cfg" ]
memory = 1024
standby_memory = 160
END
sed 's/^memory = .*/&\npci = [ "00:03.0" ]/' /etc/xen/shop-b.cfg >$dir/pci.cfg
refused 2 "pci.cfg:[0-9]+: pci" <<END
name = "bad"
members = [ "/etc/xen/shop-a.cfg", "$dir/pci.cfg" ]
memory = 1024
standby_memory = 160
END
sed 's/^type = .*/type = "pvh"/' /etc/xen/shop-b.cfg >$dir/pvh.cfg
refused 2 "pvh.cfg:[0-9]+: type" <<END
name = "bad"
members = [ "/etc/xen/shop-a.cfg", "$dir/pvh.cfg" ]
memory = 1024
standby_memory = 160
END
refused 1 "pool" <<END
name = "bad"
$M
memory = 6000
standby_memory = 600
END
xhs create $dir/missing.cfg 2>$dir/err; is "status for a missing file" $? 2
xhs crate 2>/dev/null; is "status for an unknown command" $? 2
xhs show nobody 2>$dir/err; is "status for an unknown pair" $? 1
xhs -s /tmp/nowhere list 2>$dir/err; is "status without a daemon" $? 1
grep -q 'cannot reach xhsd' $dir/err || fail "without a daemon: $(cat $dir/err)"

# a second daemon is refused, the first one serves on
xhsd -n >$dir/out 2>&1; is "status of a second xhsd" $? 1
grep -q 'another xhsd' $dir/out || fail "a second xhsd says: $(cat $dir/out)"
xhs list >/dev/null || fail "the first xhsd does not answer"

# a stranger with a member's name: refused, untouched
sed 's/^memory = .*/memory = 160/' /etc/xen/shop-a.cfg >$dir/stranger.cfg
xl create -q -p $dir/stranger.cfg || fail "the stranger was not built"
stranger=$(xl domid shop-a)
xhs create /etc/xhs/pairs/shop.cfg 2>$dir/err; is "status beside a stranger" $? 1
grep -q 'not xhs' $dir/err || fail "beside a stranger: $(cat $dir/err)"
is "the stranger's domid" "$(xl domid shop-a)" "$stranger"
xl destroy shop-a

# a member of two pairs
make_pair shop
cat >$dir/pair.cfg <<END
name = "second"
members = [ "/etc/xen/shop-b.cfg", "$HERE/cfg/mail-b.cfg" ]
memory = 512
standby_memory = 160
END
xhs create $dir/pair.cfg 2>$dir/err; is "status for a domain in two pairs" $? 2
grep -q 'member of pair shop' $dir/err || fail "a domain in two pairs: $(cat $dir/err)"
is "pair shop" "$(pair_state shop)" protected
