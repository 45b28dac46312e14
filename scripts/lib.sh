# shellcheck shell=bash
# SPDX-License-Identifier: GPL-2.0
#
# What the scripts share: where things are, packages, locks, guest kernels and module builds.
# Sourced, after `set -euo pipefail`; everything printed here goes to stderr.
# shellcheck disable=SC2034 # what is defined here is used elsewhere

WHARF=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd -P)
CACHE=${WHARF_CACHE:-${XDG_CACHE_HOME:-${HOME:-/root}/.cache}/wharf}
BUILD=$WHARF/build
JOBS=$(nproc)
export LC_ALL=C.UTF-8

say() { printf 'wharf: %s\n' "$*" >&2; }
die() { say "error: $*"; exit "${DIE_STATUS:-1}"; }

need_root() { [ "$(id -u)" = 0 ] || die "$1 needs root: run it with sudo, or as root"; }

# need_disk DIR MIB WHY
need_disk() {
	local free
	mkdir -p "$1"
	free=$(df -Pm "$1" | awk 'NR == 2 { print $4 }')
	[ "$free" -ge "$2" ] || die "$3 needs $2 MiB in $1, which has $free MiB free"
}

# quietly WHAT COMMAND...: run it with its output in a log, a line of progress now and then, the log's end on failure
quietly() {
	local what=$1 log began=$SECONDS pid rc=0 next=15
	shift
	mkdir -p "$CACHE/log"
	log=$CACHE/log/$(tr -cs 'a-zA-Z0-9.\n' - <<<"$what").log
	say "$what ..."
	"$@" >"$log" 2>&1 </dev/null 9>&- &
	pid=$!
	while kill -0 $pid 2>/dev/null; do
		sleep 0.2
		if [ $((SECONDS - began)) -ge $next ]; then
			say "$what: $((SECONDS - began)) s ..."
			next=$((next + 15))
		fi
	done
	wait $pid || rc=$?
	if [ $rc != 0 ]; then
		tail -n 30 "$log" >&2
		say "$what: failed after $((SECONDS - began)) s (status $rc), log: $log"
		return $rc
	fi
	say "$what: done, $((SECONDS - began)) s"
}

# locked FILE COMMAND...: one at a time; says so when it has to wait
locked() {
	local file=$1
	shift
	mkdir -p "$(dirname "$file")"
	(
		if ! flock -n 9; then
			say "waiting for another run that holds $file"
			flock 9
		fi
		"$@"
	) 9>"$file"
}

# ---- packages

TOOLS_BUILD="build-essential bc bison flex libelf-dev libssl-dev kmod cpio pahole xz-utils rsync"
TOOLS_RUN="rdma-core ibverbs-providers ibverbs-utils rdmacm-utils perftest iproute2 ethtool procps util-linux iperf3"
TOOLS_QEMU="qemu-system-x86 busybox-static"
TOOLS_TEST="librdmacm-dev libibverbs-dev tcpdump tshark clang-14 libclang-rt-14-dev llvm-14 python3 python3-pyverbs fio qperf libfabric-bin"
TOOLS_TEST+=" net-tools nftables libtirpc3 libwrap0 libgssapi-krb5-2" # the last three are those of the NFS programs
TOOLS_USERSPACE="build-essential libmnl-dev"
TOOLS_CHECK="sparse shellcheck libmnl-dev groff-base"

missing_packages() {
	comm -13 <(dpkg-query -W -f='${db:Status-Abbrev}${Package}\n' "$@" 2>/dev/null | sed -n 's/^ii //p' | sort -u) \
		<(printf '%s\n' "$@" | sort -u)
}

apt_update() {
	[ -z "${APT_UPDATED:-}" ] || return 0
	need_root "refreshing the package lists"
	quietly "refreshing the package lists" apt-get update || die "apt-get update failed: is there a network, and a Debian mirror in sources.list?"
	APT_UPDATED=1
}

apt_known() { apt-cache show "$1" >/dev/null 2>&1; }

# want_packages NAME...: install those that are missing
want_packages() {
	local missing p
	mapfile -t missing < <(missing_packages "$@")
	[ ${#missing[@]} -gt 0 ] || return 0
	locked "$CACHE/apt.lock" install_packages "${missing[@]}"
}

install_packages() {
	local p
	need_root "installing ${*}"
	for p; do
		apt_known "$p" || { apt_update; break; }
	done
	quietly "installing $*" apt_install "$@" && return 0
	[ -z "${APT_UPDATED:-}" ] || die "could not install $*"
	apt_update
	quietly "installing $*" apt_install "$@" || die "could not install $*: is there a network?"
}

apt_install() {
	DEBIAN_FRONTEND=noninteractive apt-get install -y --no-install-recommends "$@"
}

# fetch_packages DIR NAME...: unpack them there, without installing them
fetch_packages() {
	local dir=$1 p
	shift
	mkdir -p "$dir/.deb"
	for p; do
		apt_known "$p" || apt_update
		quietly "downloading $p" apt_download "$dir/.deb" "$p" || {
			# The list may name a version that the mirror has dropped since.
			[ -z "${APT_UPDATED:-}" ] || die "could not download $p: is there a network?"
			apt_update
			quietly "downloading $p" apt_download "$dir/.deb" "$p" || die "could not download $p"
		}
	done
	for p in "$dir"/.deb/*.deb; do
		quietly "unpacking $(basename "$p")" dpkg -x "$p" "$dir" || die "could not unpack $p"
	done
	rm -r "$dir/.deb"
}

apt_download() { (cd "$1" && apt-get -o APT::Sandbox::User=root download "$2"); }

# the package that a meta package stands for: depends_of PACKAGE PATTERN
depends_of() {
	apt_known "$1" || apt_update
	apt-cache depends "$1" | sed -n "s/^ *|\\?Depends: \\($2\\)\$/\\1/p" | head -n 1
}

# setup_unpacked NAME PACKAGE...: at build/NAME, not installed: that would start servers here
setup_unpacked() {
	[ -e "$CACHE/$1/.complete" ] || locked "$CACHE/setup.lock" setup_unpacked_locked "$@"
	mkdir -p "$BUILD"
	ln -sfn "$CACHE/$1" "$BUILD/$1"
}

setup_unpacked_locked() {
	local dir=$CACHE/$1
	[ ! -e "$dir/.complete" ] || return 0
	rm -rf "$dir.tmp" "$dir"
	fetch_packages "$dir.tmp" "${@:2}"
	touch "$dir.tmp/.complete"
	mv "$dir.tmp" "$dir"
}

# ---- guest kernels: uml and uml-debug are built, 6.1 and 6.12 are Debian's own

UML_SOURCE=$CACHE/linux-source-6.12

uml_fragment() {
	cat "$WHARF/tests/guest/kernel/uml.config"
	[ "$1" = uml ] || cat "$WHARF/tests/guest/kernel/$1.config"
}

# kernel_home KERNEL: its folder in the cache; a uml kernel's name says which source and configuration it was built from
kernel_home() {
	case $1 in
	uml*) echo "$CACHE/$1-$( (cat "$UML_SOURCE/.complete" 2>/dev/null; uml_fragment "$1") | sha256sum | cut -c1-12)" ;;
	*) echo "$CACHE/debian-$1" ;;
	esac
}

kernel_ready() { [ -e "$(kernel_home "$1")/.complete" ]; }

# what `make -C` gets to build modules for KERNEL
kernel_build_dir() {
	case $1 in
	uml*) kernel_home "$1" ;;
	*) echo "$(kernel_home "$1")"/usr/src/linux-headers-*-amd64 ;;
	esac
}


# setup_kernel KERNEL: make it be there
setup_kernel() {
	! kernel_ready "$1" || return 0
	locked "$CACHE/setup.lock" setup_kernel_locked "$1"
}

setup_kernel_locked() {
	case $1 in
	uml*)
		setup_uml_source
		kernel_ready "$1" || build_uml "$1"
		;;
	*) kernel_ready "$1" || unpack_debian_kernel "$1" ;;
	esac
}

setup_uml_source() {
	local tmp=$UML_SOURCE.tmp
	[ ! -e "$UML_SOURCE/.complete" ] || return 0
	need_disk "$CACHE" 6000 "the source of Linux 6.12"
	want_packages xz-utils
	rm -rf "$tmp" "$UML_SOURCE"
	if [ -e /usr/src/linux-source-6.12.tar.xz ]; then
		mkdir -p "$tmp/usr/src"
		ln -s /usr/src/linux-source-6.12.tar.xz "$tmp/usr/src"
	else
		fetch_packages "$tmp" linux-source-6.12
	fi
	quietly "extracting the source of Linux 6.12" tar -xJf "$tmp/usr/src/linux-source-6.12.tar.xz" -C "$tmp" ||
		die "could not extract the source of Linux 6.12"
	# The host's floating point state is larger than this file thinks on CPUs with AMX.
	sed -i 's/DEFINE_LONGS(HOST_FP_SIZE, 2696)/DEFINE_LONGS(HOST_FP_SIZE, 12288)/' \
		"$tmp/linux-source-6.12/arch/x86/um/user-offsets.c"
	# kmemleak skips objects younger than 5 s; a guest is quiet when we scan, and has no 5 s to wait.
	sed -i 's/^#define MSECS_MIN_AGE.*/#define MSECS_MIN_AGE 500/' "$tmp/linux-source-6.12/mm/kmemleak.c"
	echo "$(make -s -C "$tmp/linux-source-6.12" kernelversion) patched 2" >"$tmp/linux-source-6.12/.complete"
	mv "$tmp/linux-source-6.12" "$UML_SOURCE"
	rm -rf "$tmp"
}

build_uml() {
	local home
	home=$(kernel_home "$1")
	need_disk "$CACHE" 4000 "building the $1 kernel"
	# shellcheck disable=SC2086
	want_packages $TOOLS_BUILD
	mkdir -p "$home"
	uml_fragment "$1" >"$home/.fragment"
	quietly "configuring the $1 kernel" \
		make -s -C "$UML_SOURCE" ARCH=um O="$home" KCONFIG_ALLCONFIG="$home/.fragment" allnoconfig ||
		die "could not configure the $1 kernel"
	quietly "building the $1 kernel (once; 4 to 10 minutes)" \
		make -s -C "$UML_SOURCE" ARCH=um O="$home" -j"$JOBS" linux modules || die "could not build the $1 kernel"
	finish_uml "$home"
}

finish_uml() {
	local home=$1
	quietly "installing its modules in the cache" make -s -C "$UML_SOURCE" ARCH=um O="$home" \
		INSTALL_MOD_PATH="$home" modules_install || die "could not install the modules in $home"
	cat "$home/include/config/kernel.release" >"$home/.release"
	# Objects are needed no more; what module builds need is.
	find "$home" -name '*.o' ! -path '*/scripts/*' ! -path '*/tools/*' ! -name module.lds -delete
	touch "$home/.complete"
}

unpack_debian_kernel() {
	local v=$1 home tmp suffix=-6.12 image headers common kbuild src
	home=$(kernel_home "$v")
	tmp=$home.tmp
	[ "$v" = 6.12 ] || suffix=
	need_disk "$CACHE" 3000 "Debian's Linux $v"
	# shellcheck disable=SC2086
	want_packages $TOOLS_BUILD
	image=$(depends_of "linux-image$suffix-amd64" 'linux-image-.*')
	headers=$(depends_of "linux-headers$suffix-amd64" 'linux-headers-.*')
	[ -n "$image$headers" ] || die "no linux-image$suffix-amd64 in the package lists: is this Debian 12?"
	common=$(depends_of "$headers" 'linux-headers-.*-common')
	kbuild=$(depends_of "$headers" 'linux-kbuild-.*')
	rm -rf "$tmp"
	fetch_packages "$tmp" "$image" "$headers" "$common" "$kbuild"
	src=$tmp/usr/src/$headers
	# The headers know themselves by absolute paths.
	sed -i "s,/usr/src/,$home/usr/src/,g" "$src/Makefile" "$src/.kernelvariables"
	basename "$tmp"/lib/modules/* >"$tmp/.release"
	quietly "indexing its modules" depmod -b "$tmp" "$(cat "$tmp/.release")" || die "depmod failed"
	# shellcheck disable=SC2086
	want_packages $TOOLS_QEMU
	make_initramfs "$tmp" || die "could not make the initramfs for Linux $v"
	touch "$tmp/.complete"
	rm -rf "$home"
	mv "$tmp" "$home"
}

# The initramfs of a QEMU guest: it puts a tmpfs over the host's / and hands over to tests/guest/init.
make_initramfs() {
	local home=$1 out=$1/initramfs tmp=$1/initramfs.tmp file name
	rm -rf "$tmp"
	mkdir -p "$tmp"/{bin,proc,sys,dev,lower,rw,root,modules}
	cp "$(command -v busybox)" "$tmp/bin/busybox"
	stock_files "$home" virtio_pci virtio_console 9pnet_virtio 9p overlay | while read -r file; do
		name=$(basename "${file%.xz}")
		case $file in *.xz) xz -dc "$file" >"$tmp/modules/$name" ;; *) cp "$file" "$tmp/modules" ;; esac
		echo "$name"
	done >"$tmp/modules/order"
	install -m 755 "$WHARF/tests/guest/initramfs-init" "$tmp/init"
	(cd "$tmp" && find . | cpio -o -H newc --quiet) >"$out"
	rm -rf "$tmp"
}

# probed NAME COMMAND...: did COMMAND succeed on this boot of the host? It is run once, the answer is kept.
probed() {
	local answer=$CACHE/probe-$1 boot verdict=no
	shift
	boot=$(cat /proc/sys/kernel/random/boot_id)
	if ! grep -qs "^$boot" "$answer"; then
		! "$@" || verdict=yes
		echo "$boot $verdict" >"$answer"
	fi
	grep -q yes "$answer"
}

# kvm_works KERNEL: a guest comes up under KVM. On some machines /dev/kvm is there and hangs.
kvm_works() { [ -w /dev/kvm ] && probed kvm probe_kvm "$(kernel_home "$1")"; }

probe_kvm() {
	local home=$1 out
	out=$(timeout -k 1 10 qemu-system-x86_64 -accel kvm -cpu host -m 512M -nodefaults -no-user-config -display none \
		-no-reboot -kernel "$home"/boot/vmlinuz-* -initrd "$home/initramfs" \
		-append "console=ttyS0 quiet panic=-1 WHARF_PROBE=1" -serial stdio </dev/null 2>/dev/null) || true
	[[ $out == *"wharf: alive"* ]] || { say "KVM does not work here: QEMU will emulate the CPU"; return 1; }
}

# User Mode Linux gets as far as printing its command line (it wants ptrace).
uml_works() {
	setup_kernel uml
	probed uml probe_uml
}

probe_uml() {
	local out
	out=$(setsid timeout -k 1 20 "$(kernel_home uml)/linux" mem=64M root=/dev/null panic=-1 </dev/null 2>&1) || true
	[[ $out == *"Kernel command line"* ]] || { say "User Mode Linux does not work here: QEMU it is"; return 1; }
}

# ---- our modules

OURS="portspace iwarp_cm rdma_ucm siw rnic rnic_emulated"
STOCK="ib_core ib_uverbs iw_cm rdma_cm"
SOURCES="Kbuild include portspace cm siw rnic tests/modules"

# build_modules KERNEL: ours for that kernel, in build/KERNEL, and in build/KERNEL.ko with all that they need, `order` and `ours`
build_modules() {
	mkdir -p "$BUILD"
	locked "$BUILD/$1.lock" build_modules_locked "$1"
}

build_modules_locked() {
	local kernel=$1 tree=$BUILD/$1 s args=() have=()
	modules_fresh "$kernel" && return 0
	mkdir -p "$tree"
	rm -f "$tree/.complete"
	touch "$tree/.began"
	for s in $SOURCES; do [ ! -e "$WHARF/$s" ] || have+=("$s"); done
	[ ${#have[@]} -gt 0 ] || die "nothing to build in $WHARF"
	# No times: what changed gets a new one, so make sees it whichever way the clock went.
	(cd "$WHARF" && rsync -rlpR --checksum --delete --exclude='*.'{o,ko,mod,mod.c,cmd,order,symvers} --exclude='.*.cmd' \
		"${have[@]}" "$tree/")
	case $kernel in uml*) args=(ARCH=um) ;; esac
	say "building the modules for $kernel ..."
	if ! make -s -C "$(kernel_build_dir "$kernel")" "${args[@]}" M="$tree" W=1 KCFLAGS=-Werror WHARF_TEST=1 -j"$JOBS" modules \
		>"$tree/.log" 2>&1 </dev/null; then
		cat "$tree/.log" >&2
		say "building the modules for $kernel failed"
		return 1
	fi
	grep -v '^Skipping BTF generation' "$tree/.log" >&2 || true
	collect_modules "$kernel"
	mv "$tree/.began" "$tree/.complete"
}

# nothing changed since the last good build?
modules_fresh() {
	local stamp=$BUILD/$1/.complete s
	[ -e "$stamp" ] && [ ! "$(kernel_home "$1")/.complete" -nt "$stamp" ] || return 1
	for s in $SOURCES scripts/lib.sh; do
		[ ! -e "$WHARF/$s" ] || [ -z "$(find "$WHARF/$s" -newer "$stamp" -print -quit)" ] || return 1
	done
}

# stock_files HOME MODULE...: their files and those that they need, in load order
stock_files() {
	local home=$1
	shift
	modprobe --ignore-install --show-depends -a -d "$home" -S "$(cat "$home/.release")" "$@" |
		awk '$1 == "insmod" && !seen[$2]++ { print $2 }'
}

collect_modules() {
	local home tree=$BUILD/$1 out=$BUILD/$1.ko file name m needs=() stock=() tests=()
	home=$(kernel_home "$1")
	rm -rf "$out.new"
	mkdir -p "$out.new"
	for m in $OURS; do
		for file in "$tree"/*/"$m.ko"; do
			[ -e "$file" ] || continue
			cp "$file" "$out.new"
			tests+=("$m.ko")
			mapfile -d, -t -O ${#needs[@]} needs < <(modinfo -F depends "$file" | tr -d '\n')
		done
	done
	for m in "${needs[@]}" crc32c_generic; do
		case " $OURS " in *" $m "*) ;; *) stock+=("$m") ;; esac
	done
	# shellcheck disable=SC2086
	stock_files "$home" $STOCK >"$out.new/.files"
	for m in "${stock[@]}"; do
		stock_files "$home" "$m" 2>/dev/null || true # built in
	done >>"$out.new/.files"
	while read -r file; do
		name=$(basename "${file%.xz}")
		[ ! -e "$out.new/$name" ] || continue
		case $file in *.xz) xz -dc "$file" >"$out.new/$name" ;; *) cp "$file" "$out.new/$name" ;; esac
		echo "$name"
	done <"$out.new/.files" >"$out.new/order"
	printf '%s\n' "${tests[@]}" | tee "$out.new/ours" >>"$out.new/order"
	# The stock door, whose name ours has, is at hand for comparison.
	while read -r file; do
		case $file in
		*/rdma_ucm.ko) cp "$file" "$out.new/stock_rdma_ucm.ko" ;;
		*/rdma_ucm.ko.xz) xz -dc "$file" >"$out.new/stock_rdma_ucm.ko" ;;
		esac
	done < <(stock_files "$home" rdma_ucm)
	# Test modules are at hand, and loaded by who wants them.
	for file in "$tree"/tests/modules/*.ko; do
		[ ! -e "$file" ] || cp "$file" "$out.new"
	done
	rm -rf "$out.new/.files" "$out"
	mv "$out.new" "$out"
}

# what perftest needs in UML: see its source; prints where it is
perftest_clock() {
	local source=$WHARF/tests/guest/perftest-clock.c out=$BUILD/perftest-clock.so
	if [ "$source" -nt "$out" ]; then
		gcc -O2 -Wall -Werror -shared -fPIC -o "$out.$$" "$source" && mv "$out.$$" "$out"
	fi
	echo "$out"
}
