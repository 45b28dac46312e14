# shellcheck shell=bash
# SPDX-License-Identifier: GPL-2.0
#
# shellcheck disable=SC2154,SC2034 # what is used here is defined elsewhere, and the other way round
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

# offload HOST: its addresses, and its RDMA device, move from eth0 to a function of an adapter on eth0
offload() {
	local host=$1 n=1 peer=2 mac=0b
	[ "$host" = a ] || n=2 peer=1 mac=0a
	{
		quick "$host" rdma link del "siw_$host" &&
			quick "$host" ip addr flush dev eth0 scope global &&
			quick "$host" ip link add rn0 link eth0 type rnic &&
			quick "$host" ip link set rn0 up &&
			quick "$host" ip addr add "10.0.0.$n/24" dev rn0 &&
			quick "$host" ip addr add "fd00::$n/64" dev rn0 nodad &&
			# As hosts does for eth0
			quick "$host" ip neigh replace "10.0.0.$peer" lladdr "02:00:00:00:00:$mac" dev rn0 nud reachable &&
			quick "$host" ip neigh replace "fd00::$peer" lladdr "02:00:00:00:00:$mac" dev rn0 nud reachable &&
			quick "$host" rdma link add "rnic_$host" type rnic netdev rn0
	} || { echo "Bail out! $host offloads nothing"; exit 1; }
}

read -r over_a over_b <<<"$over"
[ "$over_a" != rnic ] || { offload a; rdma_a=rnic_a nic_a=rn0; }
[ "$over_b" != rnic ] || { offload b; rdma_b=rnic_b; }
