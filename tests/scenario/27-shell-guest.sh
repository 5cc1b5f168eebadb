# A guest without xhs-agent: a shell script with nothing but xenstore's tools makes a whole request.
make_pair shop
unused=$(pool_mib unused)
script=/usr/share/xhs/xhs-guest.sh
guest-run shop-b "test -x $script" || fail "$script is not in the guest"
guest-run shop-b 'touch /run/lab-no-agent; killall xhs-agent' || fail "the agent cannot be stopped"
wait_for 20 "the agent gone" eval "! xenstore-exists /local/domain/$(domid shop b)/data/xhs/agent/version"
guest-run shop-b "XHS_HOT_STANDBY=no XHS_WAIT_S=60 setsid sh $script plain 65536 'exec lab-job plain 20' >/run/plain.log 2>&1 & echo \$! >/run/plain.pid"
wait_job shop plain@b running
is "its area" "$(area_mib shop job-plain@b)" 64
is "granted" "$(area shop job-plain@b granted_kb)" 65536
about "memory of shop-b" "$(mem "$(domid shop b)")" 224
wait_for 30 "it works" eval "[ \"\$(job_filled $(domid shop b) plain)\" = 20 ]"
guest-run shop-b 'killall lab-job'
wait_for 30 "all is back" unused_is "$unused"
about "memory of shop-b" "$(mem "$(domid shop b)")" 160

echo "== and is refused what there is not"
guest-run shop-b 'kill -TERM -"$(cat /run/plain.pid)"'
guest-run shop-b "XHS_HOT_STANDBY=no setsid sh $script toomuch 8388608 'exec lab-job toomuch 20' >/run/toomuch.log 2>&1 &"
wait_job shop toomuch@b failed
xhs jobs shop | grep -q 'toomuch.*MiB' || fail "xhs jobs: $(xhs jobs shop)"
