# shellcheck shell=bash
# SPDX-License-Identifier: GPL-2.0
#
# shellcheck disable=SC2154 # what is used here is defined elsewhere
#
# What the cases share whose adapters refuse: tests/modules/wharf_rnic_fault.c. Sourced after lib.sh.

parameters=/sys/module/wharf_rnic_fault/parameters

# adapters COUNT: in a, without addresses
adapters() {
	local n
	insmod "$WHARF_MODULES/wharf_rnic_fault.ko" adapters="$1" || { echo "Bail out! no module"; exit 1; }
	for ((n = 0; n < $1; n++)); do
		ip link set flt$n netns a
		quick a ip link set flt$n addrgenmode none
		quick a ip link set flt$n up
	done
}

# fail OPERATION [ERRNO [TIMES [ADAPTER]]]
fail() {
	echo "${2:-5}" >$parameters/error
	echo "${3:--1}" >$parameters/times
	echo "${4:--1}" >$parameters/only
	echo "$1" >$parameters/fail
}
works() { fail ""; }
# It has failed as often as it should.
failed() { [ "$(cat $parameters/times)" = 0 ]; }

# What a program says, and how it ends
loud() {
	local status=0
	run "$@" || status=$?
	cat "$last"
	return "$status"
}

held() { cat $parameters/held; }
placeholders() { quick a sed 1d /proc/net/portspace_placeholders; }
holds() { [ "$(held)" = "$1" ] && [ -z "$(placeholders)" ] && [ -z "$(quick a ss -Htan)" ]; }
# leaves NAME COUNT: so much the adapters have, and the host holds no port
leaves() {
	until_true 5 holds "$2" && { ok "$1"; return; }
	not_ok "$1"
	diag "held: $(held), not $2"
	diag "$(placeholders)$(quick a ss -Htan)"
}
