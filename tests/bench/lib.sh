# What the benchmarks share: guests of given sizes, a pair of them, a host without free memory.
# Nothing is measured here. Sourced by `takeover`, `many` and `smallest` (bash), in dom0.
#
# The guests are the lab's kernel and ramdisk, which the environment may replace: KERNEL, RAMDISK;
# PROBE and GUEST_RUN say where these programs are. Sizes are MiB.
PROBE=${PROBE:-/usr/libexec/xhs-probe}
KERNEL=${KERNEL:-/boot/vmlinux} RAMDISK=${RAMDISK:-/boot/guest.img}
KERNEL_ARGS="console=hvc0 quiet cryptomgr.notests rodata=off noreplace-smp"
work=$(mktemp -d)
domains='' pairs='' ballast='' # what clean_up takes away

say() { echo "bench: $*" >&2; }
key() { xenstore-read "$1" 2>/dev/null; }
domid() { xl domid "$1" 2>/dev/null; }

# until_true SECONDS COMMAND...
until_true() {
    local n=$(($1 * 10)); shift
    until "$@"; do
        [ $n -gt 0 ] || return 1
        n=$((n - 1)); sleep 0.1
    done
}

# set_sizes MIB: the active has $size; its job fills three quarters of it. A standby is as small as it
# can be: a kernel needs 1/64 of what it may grow to for itself, and a balloon can grow to 11 times
# the size at boot.
set_sizes() {
    size=$1
    fill=$((size * 3 / 4)) standby=$((144 + size / 64)) reserve=128
    [ "$size" -ge 512 ] || fill=$((size / 4)) standby=128
    area=$((fill + fill / 16 + 16))
    boot=$((size / 11 + 1))
    [ $boot -ge $standby ] || boot=$standby
    [ $((boot - standby)) -le $reserve ] || reserve=$((boot - standby))
}

# ---- guests -------------------------------------------------------------------------------------

# guest NAME MEMORY MAXMEM ON_CRASH WORD...: an xl.cfg file; the words go to the guest's init
guest() {
    local name=$1 memory=$2 maxmem=$3 on_crash=$4; shift 4
    domains="$domains $name"
    cat >"$work/$name.cfg" <<EOF
name = "$name"
type = "pv"
kernel = "$KERNEL"
ramdisk = "$RAMDISK"
extra = "$KERNEL_ARGS $*"
memory = $memory
maxmem = $maxmem
vcpus = ${vcpus:-2}
on_poweroff = "preserve"
on_reboot = "preserve"
on_crash = "$on_crash"
EOF
}

# job DOMID FIELD: what lab-job says: RUN FILLED_MIB BEAT STARTED_NS FULL_NS
job() { key "/local/domain/$1/data/lab/job/web" | cut -d ' ' -f "$2"; }
filled() { [ "$(job "$1" 2)" = "$fill" ]; }

# pair NAME ACTIVE STANDBY MEMORY_MIN: is protected, and its job has filled $fill of $area
pair() {
    local name=$1 active=$2 standby=$3 words="LAB_FILL=$fill LAB_AREA=$area LAB_MIN=$4" most
    guest "$name-a" "$active" "$active" preserve "$words"
    guest "$name-b" "$standby" "$standby" preserve "$words"
    most=$((boot * 11 > active ? boot * 11 : active))
    cat >"$work/$name.cfg" <<EOF
name = "$name"
members = [ "$work/$name-a.cfg", "$work/$name-b.cfg" ]
memory = $active
standby_memory = $standby
max_memory = $most
EOF
    pairs="$pairs $name"
    xhs create "$work/$name.cfg" >/dev/null || return 1
    until_true 60 formed "$name"
    pair_is "$name" protected && until_true 60 filled "$(domid "$name-a")"
}
formed() { ! pair_is "$1" '' && ! pair_is "$1" forming; }
pair_is() { [ "$(key "/tool/xhs/pair/$1/state")" = "$2" ]; }

clean_up() {
    local p
    for p in $(jobs -p); do kill "$p" 2>/dev/null; done
    wait 2>/dev/null
    for p in $pairs; do xhs destroy "$p" >/dev/null 2>&1; done
    [ -z "$ballast" ] || "$PROBE" destroy "$ballast" >/dev/null
    for p in $domains; do xl destroy "$p" 2>/dev/null; done
    domains='' pairs='' ballast=''
}

# ---- the host -----------------------------------------------------------------------------------

# set_pool POOL RESERVE: what xhs may use; nothing of it is taken while no pair is there, but the
# reserve. What was set before is put back when the benchmark ends.
set_pool() {
    [ -e "$work/xhs.cfg.orig" ] || cp /etc/xhs/xhs.cfg "$work/xhs.cfg.orig"
    printf 'pool = %s\nreserve = %s\n' "$1" "$2" >/etc/xhs/xhs.cfg
    kill -HUP "$(pidof xhsd)"
    sleep 0.5
}

machine() {
    local emulated=no
    ! grep -q QEMU /proc/cpuinfo || emulated='yes (QEMU TCG): compare within this run only'
    echo "date $(date -u +%Y-%m-%dT%H:%M:%SZ)"
    echo "xen $(xl info | awk '/^xen_version/ { print $3 }')"
    echo "linux $(uname -r)"
    echo "cpu $(sed -n 's/^model name[^:]*: //p' /proc/cpuinfo | head -n 1)"
    echo "cpus $(xl info | awk '/^nr_cpus/ { print $3 }')"
    echo "memory_mib $(xl info | awk '/^total_memory/ { print $3 }')"
    echo "emulated $emulated"
}

leave() {
    clean_up
    if [ -e "$work/xhs.cfg.orig" ]; then
        cp "$work/xhs.cfg.orig" /etc/xhs/xhs.cfg
        kill -HUP "$(pidof xhsd)"
    fi
    rm -rf "$work"
}
trap leave EXIT
