# What the scenarios share: facts about pairs, guests and memory, waiting, and asserting.
# Nothing is decided here. Sourced by `run` before each scenario; busybox sh and bash both do.
#
# Facts come from two sides: xhs's own keys (xhs-xenstore(7)), and Xen's tools, which know nothing of
# xhs. An assert that does not hold ends the scenario. Sizes are MiB.

TOLERANCE=4 # a guest has a few pages more or less than its balloon target; xl rounds down

fail() {
    echo "  $*" >&2
    echo "$*" >"$WHY"
    exit 1
}

# is WHAT ACTUAL EXPECTED
is() {
    [ "$2" = "$3" ] || fail "$1: is '$2', should be '$3'"
}

# about WHAT ACTUAL EXPECTED: within TOLERANCE
about() {
    [ -n "$2" ] && [ "$2" -ge $(($3 - TOLERANCE)) ] && [ "$2" -le $(($3 + TOLERANCE)) ] ||
        fail "$1: is $2 MiB, should be $3"
}

# wait_for SECONDS WHAT COMMAND...: until COMMAND holds
wait_for() {
    local limit=$1 what=$2 end; shift 2
    end=$(($(uptime_s) + limit))
    until "$@"; do
        [ "$(uptime_s)" -lt "$end" ] || fail "not within $limit s: $what"
        usleep 100000
    done
}

uptime_s() { cut -d . -f 1 /proc/uptime; }

# ---- what xhs says --------------------------------------------------------------------------

key() { xenstore-read "/tool/xhs/$1" 2>/dev/null; }
pair_state() { key "pair/$1/state"; }
state_is() { [ "$(pair_state "$1")" = "$2" ]; }
wait_state() { wait_for "${3:-120}" "pair $1 $2 (it is $(pair_state "$1"))" state_is "$1" "$2"; }
job_state() { key "pair/$1/job/$2/state"; }
job_is() { [ "$(job_state "$1" "$2")" = "$3" ]; }
wait_job() { wait_for "${4:-60}" "job $2 of $1 $3" job_is "$1" "$2" "$3"; }
domid() { key "pair/$1/member/$2/domid"; }
active() { key "pair/$1/active"; } # a or b
standby() { case $(active "$1") in a) echo b ;; b) echo a ;; esac; }
event_count() { xhs events "$1" | grep -c "$2"; }

area() { key "pair/$1/area/$2/$3"; } # PAIR AREA KEY
area_mib() { local kb; kb=$(area "$1" "$2" size_kb); [ -z "$kb" ] || echo $((kb / 1024)); }
has_area() { [ -n "$(area "$1" "$2" size_kb)" ]; }
no_area() { [ -z "$(area "$1" "$2" size_kb)" ]; }
# pool_mib KEY: a figure of the host's, as pool, reserve or unused
pool_mib() { echo $(($(xhs table --json | tr -d ' ' | tr ',{' '\n\n' | sed -n "s/^\"$1_kb\"://p") / 1024)); }
unused_is() { [ "$(pool_mib unused)" = "$1" ]; }
queue() { xhs table | sed '1,/^PAIR *JOB/d' | awk '{ print $2 }' | tr '\n' ' '; } # jobs, in order
audit_clean() { xhs table --audit >/dev/null; }

# ---- what Xen says --------------------------------------------------------------------------

# mem DOMID; "" when there is none
mem() { xl list "$1" 2>/dev/null | awk 'NR == 2 { print $(NF - 3) }'; }
free_mem() { xl info | awk '/^free_memory/ { print $3 }'; }
claimed_mem() { xl info | awk '/^outstanding_claims/ { print $3 }'; }
# All memory that anybody has or nobody has. The holder of the reserve has none, only a claim.
all_mem() {
    local sum
    sum=$(xl list | awk 'NR > 1 && $1 != "xhs-reserve" { s += $(NF - 3) } END { print s }')
    echo $((sum + $(free_mem)))
}
max_mem_kb() { xl list -l "$1" | awk -F '[:,]' '/"target_memkb"/ { print $2 + 0; exit }'; }

# ---- doing things ---------------------------------------------------------------------------

crash() { guest-run "$1" 'echo c >/proc/sysrq-trigger' >/dev/null 2>&1; } # a domain's name

# define DOMAIN NAME COMMAND [LINE...]: a job file in the guest; it is not started by itself
define() {
    local domain=$1 name=$2 command=$3 text; shift 3
    text="start = $command
autostart = no"
    for line in "$@"; do text="$text
$line"; done
    guest-run "$domain" "echo '$text' >/etc/xhs/jobs.d/$name.job" || fail "no job file in $domain"
}
# request DOMAIN OPTIONS... NAME: xhs-job run, which does not wait for the grant
request() { local domain=$1; shift; guest-run "$domain" "xhs-job run --no-wait $*" >/dev/null; }

# set_pool POOL RESERVE: xhs.cfg, read again. clean_up puts it back.
set_pool() {
    [ -e /tmp/xhs.cfg.orig ] || cp /etc/xhs/xhs.cfg /tmp/xhs.cfg.orig
    printf 'pool = %s\nreserve = %s\n' "$1" "$2" >/etc/xhs/xhs.cfg
    kill -HUP "$(cat /run/lab/xhsd.pid)"
    wait_for 10 "a pool of $1 MiB" eval "[ \"\$(pool_mib pool)\" = $1 ]"
}

# lab-job's own word: RUN, MIB written, BEAT
job_says() { xenstore-read "/local/domain/$1/data/lab/job/${2:-web}" 2>/dev/null; }
job_run() { job_says "$@" | cut -d ' ' -f 1; }
job_filled() { job_says "$@" | cut -d ' ' -f 2; }
job_beat() { job_says "$@" | cut -d ' ' -f 3; }
filled() { [ "$(job_filled "$1")" = "$2" ]; }
beats_on() { # DOMID: it goes on beating
    local before
    before=$(job_beat "$1")
    wait_for 20 "the job in domain $1 beats on" eval "[ \"\$(job_beat $1)\" != \"$before\" ]"
}
# How often lab-job was started in the domain (by name) since it booted.
job_starts() { guest-run "$1" "cat /run/lab-job.${2:-web}.runs 2>/dev/null | wc -l"; }
# started DOMAIN TIMES [JOB]: a job counts itself a moment after it is called running.
started() {
    wait_for 10 "job ${3:-web} started $2 times" eval "[ \"\$(job_starts $1 ${3:-web})\" -ge $2 ]"
    is "times the job was started" "$(job_starts "$1" "${3:-web}")" "$2"
}

# The example pair, with its job running and its memory filled.
make_pair() {
    local file=${2:-/etc/xhs/pairs/$1.cfg}
    xhs create "$file" >/dev/null 2>"$WHY.err" || fail "xhs create $file: $(cat "$WHY.err")"
    wait_state "$1" protected
    wait_job "$1" web running
    wait_for 60 "the job's memory filled" filled "$(domid "$1" "$(active "$1")")" 400
}

# The pair stands as a takeover leaves it: $2 active with all memory, the other small, one job.
check_swapped() {
    local pair=$1 now=$2 other=$3 d o
    wait_state "$pair" protected
    is "active member" "$(active "$pair")" "$now"
    d=$(domid "$pair" "$now") o=$(domid "$pair" "$other")
    wait_for 30 "the heir's memory" eval "[ \"\$(mem $d)\" -ge $((1024 - TOLERANCE)) ]"
    about "memory of $pair-$now" "$(mem "$d")" 1024
    about "memory of $pair-$other" "$(mem "$o")" 160
    is "job's state" "$(job_state "$pair" web)" running
    is "job's owner" "$(key "pair/$pair/job/web/owner")" "$now"
    wait_for 60 "the job's memory filled" filled "$d" 400
    beats_on "$d"
    is "times the job was started on $pair-$now" "$(job_starts "$pair-$now")" 1
    is "times the job was started on $pair-$other" "$(job_starts "$pair-$other")" 0
}

# kill -9, and the next one: with settings for it, if any (shell text).
restart_xhsd() {
    local old
    old=$(cat /run/lab/xhsd.pid)
    [ -z "$1" ] || echo "$1" >/run/lab/xhsd.env
    kill -9 "$old"
    wait_xhsd "$old"
}
wait_xhsd() { # OLD-PID: another one answers
    wait_for 20 "a new xhsd" eval "[ \"\$(cat /run/lab/xhsd.pid)\" != $1 ] && xhs version >/dev/null 2>&1"
}

# Nothing is left of any pair.
clean_up() {
    local p d
    rm -f /run/lab/no-respawn /run/lab/xhsd.env /run/lab/hold-destroy
    wait_for 20 "xhsd answers" eval 'xhs version >/dev/null 2>&1'
    for p in $(xenstore-list /tool/xhs/pair 2>/dev/null); do
        xhs destroy "$p" >/dev/null 2>&1
    done
    if [ -e /tmp/xhs.cfg.orig ]; then
        mv /tmp/xhs.cfg.orig /etc/xhs/xhs.cfg
        kill -HUP "$(cat /run/lab/xhsd.pid)"
    fi
    for d in $(xl list | awk 'NR > 1 && $1 != "Domain-0" && $1 != "xhs-reserve" { print $2 }'); do
        xl destroy "$d" 2>/dev/null
    done
}
