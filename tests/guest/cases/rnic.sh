# shellcheck shell=bash
# SPDX-License-Identifier: GPL-2.0
#
# shellcheck disable=SC2154,SC2034,SC2317 # what is used here is defined elsewhere, and the other way round
#
# Offloaded hosts. lib.sh sources it when a case says, before, what its two hosts have: over="rnic siw". A host that
# is another guest's has what it has.
#
#	 namespace a                     namespace b
#	+------------------+            +------------------+
#	|  rnic_a          |            |          rnic_b  |
#	|  rn0 10.0.0.1    |            |    10.0.0.2 rn0  |
#	|      fd00::1     |            |    fd00::2       |
#	|  eth0 ------------------veth------------- eth0   |
#	+------------------+            +------------------+

rnicctl=$cases/../../../build/userspace/rnicctl/rnicctl

# Of what rnicctl says in a, as a Python expression of x
ask() { quick a "$rnicctl" -j show | /usr/bin/python3 -c "import json, sys; x = json.load(sys.stdin); print($1)"; }
counter() { ask "x['adapters'][0]['counters']['$1']"; }
risen() { [ "$(counter "$1")" -gt "$2" ]; }

# What an rping that was started as $pinger gets through
pinger=client
pings() { grep -c '^ping data' "$scratch/$pinger"; }
more_pings() { [ "$(pings)" -gt "$1" ]; }
goes_on() { local n; n=$(pings); until_true 20 more_pings $((n + 20)); }

# fits NAME SOURCE OCTETS: ok if b gets segments of so many octets from SOURCE, and none that is longer from the first of those on
fits() {
	start segments b tcpdump --immediate-mode -n -l -i eth0 "tcp and src $2 and greater $3"
	twenty() { [ "$(grep -c " length $3\$" "$scratch/segments")" -ge 20 ]; }
	check "$1: segments are as long as it allows" until_true 10 twenty "$@"
	stop segments
	same "... and not longer" "" "$(awk -v n="$3" '$NF == n { full = 1 } full && $NF > n' "$scratch/segments")"
}

offload() { "$cases/../hosts" offload "$1" || { echo "Bail out! $1 offloads nothing"; exit 1; }; }

read -r over_a over_b <<<"$over"
[ "$over_a" != rnic ] || { offload a; rdma_a=rnic_a nic_a=rn0; }
[ "$over_b" != rnic ] || { offload b; rdma_b=rnic_b; }
