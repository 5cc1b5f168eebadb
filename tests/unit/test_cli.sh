#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
# The xhs command: its command line, errors and exit statuses, and the commands that do something.
# Not a test of xhsd: a stand-in answers. What is shown: test_cli_show.sh, test_cli_events.sh.
# Speaks TAP. Run by make check, with XHS_BIN (or top_builddir) and top_srcdir in the environment.

. "${top_srcdir:-.}/tests/unit/cli.sh"

# ---- without xhsd ----

xhs list
status "no xhsd" 1 $?
same "no xhsd: says so" "$dir/err" \
    "xhs: cannot reach xhsd at $XHS_SOCKET: is it running? systemctl status xhsd
"
xhs -s "$dir/other" list
says "-s goes before XHS_SOCKET" "$dir/err" "cannot reach xhsd at $dir/other:"
xhs -s "$(printf '%0200d' 0)" list
status "too long a socket path" 2 $?

xhs
status "no command" 2 $?
xhs lits
status "unknown command" 2 $?
same "unknown command: the nearest" "$dir/err" "xhs: unknown command 'lits': did you mean 'list'?
"
xhs frobnicate
same "unknown command: none near" "$dir/err" \
    "xhs: unknown command 'frobnicate': xhs help lists them all
"
xhs help frobnicate
status "help for an unknown command" 2 $?
xhs create
status "argument missing" 2 $?
same "argument missing: usage" "$dir/err" "usage: xhs create [-n] PAIR.cfg
"
xhs list shop
status "argument too many" 2 $?
same "argument too many: usage" "$dir/err" "usage: xhs list
"
xhs list -f
status "another command's option" 2 $?
same "another command's option: says so" "$dir/err" \
    "xhs list: unknown option -f: see xhs help list
"
xhs check --audit
same "another command's long option: says so" "$dir/err" \
    "xhs check: unknown option -a: see xhs help check
"
xhs check shop bank
status "check: argument too many" 2 $?
xhs --frob list
status "unknown option" 2 $?
xhs --version
status "--version" 0 $?
says "--version: the version" "$dir/out" "xhs "
xhs --help
status "--help" 0 $?
cp "$dir/out" "$dir/help"
for command in create destroy list show table check jobs events recover reload version help; do
    says "help lists $command" "$dir/help" "  $command "
    xhs help "$command"
    says "help $command" "$dir/out" "usage: xhs [OPTION...] $command"
done
xhs create --help
says "--help after a command" "$dir/out" "--dry-run"

# ---- with it ----

answer '{}'
serve

# create, destroy, recover
answer '{"progress":"shop: forming (asked for)"}' \
    '{"progress":"bell \u0007"}' \
    '{"ok":true,"result":{"pair":"shop","state":"protected","plan":["x"]}}'
golden "create" 0 "shop: protected
" create /etc/xhs/pairs/shop.cfg
request_is '{"op":"create","file":"/etc/xhs/pairs/shop.cfg","dry_run":false}'
same "create: progress on stderr" "$dir/err" "shop: forming (asked for)
bell ?
"
answer '{"ok":true,"result":{"pair":"","plan":["first this","then that"]}}'
golden "create -n" 0 "first this
then that
" create -n /x.cfg
request_is '{"op":"create","file":"/x.cfg","dry_run":true}'
(cd "$dir" && xhs create x.cfg)
request_is "{\"op\":\"create\",\"file\":\"$(cd "$dir" && pwd -P)/x.cfg\",\"dry_run\":false}"
good '"pair":"shop"'
golden "destroy" 0 "shop: destroyed
" destroy shop
request_is '{"op":"destroy","pair":"shop"}'
good '"pair":"shop","state":"unprotected"'
golden "recover" 0 "shop: unprotected
" recover shop
good '"pair":"shop","state":"failed"'
golden "recover that fails" 1 "shop: failed
" recover shop
request_is '{"op":"recover","pair":"shop"}'
xhs recover --json shop
status "recover that fails, as JSON" 1 $?

# reload, version
good ''
golden "reload" 0 "configuration reloaded
" reload
request_is '{"op":"reload"}'
good '"version":"0.1","xen":"4.17.5","pid":12,"uptime_ms":90061000.5'
xhs version
says "version: xhsd's" "$dir/out" "xhsd:           0.1"
says "version: uptime" "$dir/out" "uptime:         1d 01:01:01"

# Refusals: xhsd's words and the exit status of their code
bad config "/x.cfg:3: memory is missing"
xhs create /x.cfg
status "a configuration refused" 2 $?
same "a configuration refused: xhsd's words" "$dir/err" "xhs: /x.cfg:3: memory is missing
"
bad not-found "no pair x"
xhs --json show x
status "no such pair" 1 $?
same "no such pair: nothing on stdout" "$dir/out" ""
bad newer-than-xhs "words"
xhs list
status "a code of a newer xhsd" 1 $?
for text in '' '{' 'hello' '{"ok":false}' '[]' '{"ok":"yes"}' '{"progress":1}'; do
    answer "$text"
    xhs list
    status "answer '$text'" 1 $?
    says "answer '$text': an error" "$dir/err" "xhs: "
done
: >"$dir/answers"
xhs list
says "no answer" "$dir/err" "xhsd closed the connection: see journalctl -u xhsd"
if [ "$(id -u)" -ne 0 ]; then
    chmod 0 "$XHS_SOCKET"
    xhs list
    says "not permitted" "$dir/err" "not permitted to talk to xhsd at $XHS_SOCKET: be root, or in"
    chmod 700 "$XHS_SOCKET"
else
    result skip "not permitted" "root is permitted everything"
fi
good '"pairs":7'
xhs list
status "a result of another type" 0 $?
"$XHS_BIN" list >/dev/full 2>"$dir/err"
status "a full disk" 1 $?

finish
