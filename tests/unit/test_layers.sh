#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
# The layers as the linker sees them: core has no I/O, no clock and no Xen; xhs has no Xen either.
# Not a test of what the code does. Speaks TAP; exits 1 when a test failed.
# Run by make check, with top_builddir, XHS_BIN and NM in the environment.

top_builddir=${top_builddir:-.}
XHS_BIN=${XHS_BIN:-$top_builddir/xhs}
NM=${NM:-nm}
tests=0 failed=0
export LC_ALL=C

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

# What core may call: memory and strings, formatting into a buffer, character tables; and what
# compilers add of their own accord.
allowed()
{
    name=$1
    case $name in
    __*_chk) # fortified: __snprintf_chk
        name=${name#__}
        name=${name%_chk}
        ;;
    esac
    case $name in
    memchr | memcmp | bcmp | memcpy | mempcpy | memmove | memset | free) ;;
    strchr | strcmp | strcpy | stpcpy | strcspn | strerror | strlen | strncmp | strncpy) ;;
    strnlen | strrchr | strspn | strstr) ;;
    snprintf | vsnprintf) ;;
    isalnum | isalpha | isdigit | isupper | tolower | toupper) ;;
    __ctype_b_loc | __ctype_tolower_loc | __ctype_toupper_loc) ;;
    _GLOBAL_OFFSET_TABLE_ | __stack_chk_fail | __stack_chk_guard) ;;
    __asan_* | __ubsan_* | __sanitizer_* | __gcov_* | __llvm_*) ;;
    *) return 1 ;;
    esac
}

# The names on stdin that are not allowed, in one line
refuse()
{
    while read -r name; do
        allowed "$name" || printf '%s ' "$name"
    done
}

# Objects of a libtool library are in .libs, or beside their .lo, or both.
core_objects()
{
    for o in "$top_builddir"/src/core/*.o "$top_builddir"/src/core/.libs/*.o; do
        [ ! -f "$o" ] || echo "$o"
    done
}

# undefined FILE: the symbols it wants from elsewhere; defined FILE: those it gives to others.
# NM may have options with it, and one that fails is no answer: its name is not allowed either.
undefined()
{
    { $NM -u "$1" || echo "U nm-failed"; } | awk 'NF == 2 { print $2 }'
}

defined()
{
    $NM -g "$1" | awk 'NF == 3 { print $3 }'
}

check_core()
{
    objects=$(core_objects)
    if [ -z "$objects" ]; then
        result 1 "core has objects" "none in $top_builddir/src/core"
        return
    fi
    result 0 "core has objects"
    own=$(for o in $objects; do defined "$o"; done | sort -u)
    [ -n "$own" ]
    result $? "nm lists what core defines"

    bad=
    for o in $objects; do
        names=$(undefined "$o" | grep -vxF "$own" | refuse)
        [ -z "$names" ] || bad="$bad${o##*/} calls: $names
"
    done
    [ -z "$bad" ]
    result $? "core calls nothing but itself, strings and formatting" "${bad%?}"
}

# The list itself: what must never pass does not.
check_list()
{
    passed=
    for name in open read write close socket poll time clock_gettime gettimeofday getenv random \
        memfd_create printf fprintf fopen malloc pthread_create xenforeignmemory_map \
        xc_interface_open libxl_ctx_alloc xs_open event_new evloop_new store_write yajl_parse \
        __read_chk; do
        ! allowed "$name" || passed="$passed $name"
    done
    [ -z "$passed" ]
    result $? "files, clocks and Xen are not on the list" "passed:$passed"
}

# needed FILE: the shared libraries it asks for
needed()
{
    if command -v readelf >/dev/null; then
        readelf -d "$1" | sed -n 's/.*(NEEDED).*\[\(.*\)\]/\1/p'
    else
        ldd "$1" | awk '{ print $1 }'
    fi
}

check_xhs()
{
    bin=$XHS_BIN
    # libtool puts a script in the place of a program that needs libraries of ours
    if [ -f "$bin" ] && [ "$(head -c 2 "$bin")" = "#!" ]; then
        bin=${bin%/*}/.libs/${bin##*/}
    fi
    if [ ! -f "$bin" ]; then
        result skip "xhs needs no Xen library" "no $bin here"
        result skip "xhs has no function of Xen's" "no $bin here"
        return
    fi
    libs=$(needed "$bin")
    case $libs in
    *libc.*) xen=$(echo "$libs" | grep -E '^lib(xen|xlutil)') ;;
    *) xen="no libc among the libraries of $bin: $libs" ;;
    esac
    [ -z "$xen" ]
    result $? "xhs needs no Xen library" "$xen"

    names=$({ $NM "$bin" && $NM -D "$bin" || echo xs_nm_failed; } | awk '{ print $NF }' |
        grep -E '^(xc|xs|xen[a-z]+|libxl|xlu)_' | tr '\n' ' ')
    [ -z "$names" ]
    result $? "xhs has no function of Xen's" "$names"
}

check_core
check_list
check_xhs
echo "1..$tests"
exit $failed
