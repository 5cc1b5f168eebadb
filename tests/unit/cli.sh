# SPDX-License-Identifier: GPL-2.0-or-later
# What test_cli*.sh share: a socket, the stand-in for xhsd behind it, and how a test is told in TAP.
# Not a test. Sourced by them; each ends with "finish".

top_builddir=${top_builddir:-.}
XHS_BIN=${XHS_BIN:-$top_builddir/xhs}
FAKE_XHSD=${FAKE_XHSD:-$top_builddir/tests/unit/fake_xhsd}
tests=0 failed=0 server=

dir=$(mktemp -d) || exit 1
trap '[ -z "$server" ] || kill "$server"; rm -rf "$dir"' EXIT
trap 'exit 1' HUP INT TERM

XHS_SOCKET=$dir/sock
export XHS_SOCKET
unset NO_COLOR

# result STATUS NAME [DETAIL]: one test; STATUS 0 passed, 1 failed, skip
result()
{
    tests=$((tests + 1))
    case $1 in
    0) echo "ok $tests - $2" ;;
    skip) echo "ok $tests - $2 # SKIP $3" ;;
    *)
        echo "not ok $tests - $2"
        failed=1
        [ -z "$3" ] || echo "$3" | sed 's/^/# /'
        ;;
    esac
}

# wait_for TEST...: until it is true, two seconds at most
wait_for()
{
    for _ in 1 2 3 4 5 6 7 8 9 10; do
        ! "$@" || return 0
        sleep 0.2
    done
}

# serve: start the stand-in, and wait until it listens
serve()
{
    rm -f "$XHS_SOCKET"
    "$FAKE_XHSD" "$XHS_SOCKET" "$dir/answers" &
    server=$!
    wait_for [ -S "$XHS_SOCKET" ]
}

# answer LINE...: what the stand-in sends from now on
answer()
{
    printf '%s\n' "$@" >"$dir/answers"
}

xhs()
{
    "$XHS_BIN" "$@" >"$dir/out" 2>"$dir/err"
}

# same NAME FILE TEXT: FILE has exactly TEXT
same()
{
    printf '%s' "$3" >"$dir/expected"
    detail=$(diff -u "$dir/expected" "$2" 2>&1)
    result $? "$1" "$detail"
}

# status NAME EXPECTED STATUS: of the last xhs, whose stderr explains another one
status()
{
    [ "$2" = "$3" ]
    result $? "$1: exit status $2" "it was $3: $(cat "$dir/err")"
}

# says NAME FILE TEXT: FILE has TEXT somewhere
says()
{
    grep -qF -e "$3" "$2"
    result $? "$1" "no '$3' in: $(cat "$2")"
}

# request_is TEXT: what the stand-in was asked last
request_is()
{
    same "request of the above" "$dir/answers.request" "$1
"
}

# golden NAME STATUS TEXT ARGUMENT...: xhs's stdout and status
golden()
{
    name=$1 expected_status=$2 text=$3
    shift 3
    xhs "$@"
    status "$name" "$expected_status" $?
    same "$name: output" "$dir/out" "$text"
}

# good TEXT: an answer with this inside its result
good()
{
    answer "$(printf '{"ok":true,"result":{%s}}' "$(printf '%s' "$1" | tr -d '\n')" | tr -d '\n')"
}

# bad CODE TEXT: a refusal
bad()
{
    answer "{\"ok\":false,\"code\":\"$1\",\"error\":\"$2\"}"
}

# finish: the plan, and exit 1 when a test failed
finish()
{
    echo "1..$tests"
    exit $failed
}
