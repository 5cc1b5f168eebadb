#!/bin/sh
# SPDX-License-Identifier: LGPL-2.1-or-later
# One job, told to dom0 and run with nothing but a shell and xenstore's tools: the whole of a
# request for memory, from what the OS can spare to the grant or the refusal.
# Not xhs-agent, and not beside it: no cgroup, so nothing limits the job's memory, and a process
# that leaves the job's process group is lost sight of. xhs-xenstore(7) describes the keys.
# Called by a guest's init:   xhs-guest.sh NAME MEMORY_KB 'COMMAND'
# and, in the environment: XHS_HOT_STANDBY=no, XHS_PRIORITY=N, XHS_WAIT_S=N (1000000000: forever).

[ $# = 3 ] || { echo "usage: xhs-guest.sh NAME MEMORY_KB 'COMMAND'" >&2; exit 2; }
name=$1 kb=$2 command=$3 hot=${XHS_HOT_STANDBY:-yes}
key=data/xhs/job/$name
boot=$(cat /proc/sys/kernel/random/boot_id)
left=${XHS_RUN_DIR:-/run}/xhs-guest.$name # "PID REQUEST KB HOT", for who starts this again
memory=${XHS_MEMORY_DIR:-/sys/devices/system/xen_memory/xen_memory0} # the balloon driver's
pid='' id='' seen=' ' waiting=''

fields() { echo "hot_standby=$hot memory_kb=$kb${XHS_PRIORITY:+ priority=$XHS_PRIORITY}"; }
tell() { xenstore-write "$key" "$1 $(fields)$2"; }
reply() { xenstore-write "data/xhs/reply/$1" "$2 $boot${3:+ $3}"; }
alive() { [ -n "$pid" ] && kill -0 "-$pid" 2>/dev/null; }
meminfo() { awk -v key="$1:" '$1 == key { print $2 }' /proc/meminfo; }
spare() { xenstore-read xhs/spare_kb 2>/dev/null || echo 0; }

# What dom0 says can be split off comes from the OS itself, as far as the kernel can do without.
ask() {
    waiting=$(spare) ask=$(($(meminfo MemAvailable) - 16384))
    [ "$waiting" -lt "$ask" ] && ask=$waiting
    [ "$ask" -gt 0 ] || ask=0
    ask=$((kb > ask ? kb - ask : 0))
    tell waiting " ask_kb=$ask${XHS_WAIT_S:+ wait_s=$XHS_WAIT_S}"
}

# The inner shell leads the job's process group, and reports how the job ended.
start() { # ID KB
    [ -n "$waiting" ] || hot=yes # not asked for here: the other member ran it
    [ "$2" = 0 ] || kb=$2
    # shellcheck disable=SC2016 # the inner shell expands
    setsid sh -c 'echo "$$ $4 $6" >"$5"; sh -c "$1"; rc=$?
        [ $rc = 0 ] && state=stopped || state=failed
        xenstore-write "$2" "$state $3 request=$4 reason=exit $rc"' \
        sh "$command" "$key" "$(fields)" "$1" "$left" "$kb $hot" </dev/null &
    pid=$! id=$1 waiting=''
    tell running " request=$id"
}

stop() { # REASON: ask, and after 10 s kill
    alive || return 0
    kill -TERM "-$pid"
    for _ in 1 2 3 4 5 6 7 8 9 10; do alive && sleep 1; done
    while alive; do kill -KILL "-$pid"; sleep 1; done
    tell stopped " request=$id reason=$1"
}

await() { # ID KB: the memory is there; false: dom0 gave up
    until [ "$2" = 0 ] || [ "$(cat "$memory/info/current_kb")" -ge "$2" ]; do
        [ "$(xenstore-read "xhs/job/$name/run" 2>/dev/null)" = "$1" ] || return
        sleep 0.1 2>/dev/null || sleep 1
    done
}

balloon() { # ID KB
    if echo "$2" 2>/dev/null >"$memory/target_kb"; then reply "$1" ok
    else reply "$1" failed "the balloon's target cannot be set here"; fi
}

request() { # ID OP JOB KB [NEED_KB|TEXT...]; false: not yet, try again at the next change
    case "$2 $3" in
    "balloon -") balloon "$1" "$4" ;;
    "start $name")
        if ! alive; then
            [ "$1" = "$grant" ] || return
            [ "$1" = "$id" ] && { reply "$1" failed "it ran under this request, and ended"; return; }
            await "$1" "${5:-0}" || return
            start "$1" "$4"
        fi
        if [ "$1" = "$id" ]; then reply "$1" ok
        else reply "$1" failed "already running under request $id"; fi ;;
    "stop $name") stop "dom0 asked for it"; reply "$1" ok ;;
    "deny $name")
        denial=$1
        shift 4
        [ -z "$waiting" ] || tell failed " reason=${*:-refused}" # first: the reply vouches for it
        waiting=''
        reply "$denial" ok ;;
    *) reply "$1" failed "no such job or request here" ;;
    esac
}

until [ "$(xenstore-read xhs/format 2>/dev/null)" = 1 ]; do sleep 1; done # not a member yet
{ read -r pid id had was <"$left"; } 2>/dev/null
if alive; then kb=$had hot=$was; tell running " request=$id"; else ask; fi
xenstore-write data/xhs/agent/memory \
    "total_kb=$(meminfo MemTotal) available_kb=$(meminfo MemAvailable)"
xenstore-write data/xhs/agent/boot_id "$boot"
xenstore-write data/xhs/agent/version 1
# Events say only that something changed, and the first comes at once: always look at everything.
xenstore-watch xhs | while read -r _; do
    grant=$(xenstore-read "xhs/job/$name/run" 2>/dev/null)
    if alive && [ "$grant" != "$id" ]; then stop "dom0 took the run grant back"; fi
    for r in $(xenstore-list xhs/req 2>/dev/null | sort -n); do
        case $seen in *" $r "*) continue ;; esac
        xenstore-exists "data/xhs/reply/$r" && continue
        # shellcheck disable=SC2046 # words are wanted
        request "$r" $(xenstore-read "xhs/req/$r" 2>/dev/null) && seen="$seen$r "
    done
    if [ -n "$waiting" ] && [ "$waiting" != "$(spare)" ]; then ask; fi
done
