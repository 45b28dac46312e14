# shellcheck shell=bash
# SPDX-License-Identifier: GPL-2.0
#
# What the cases share: TAP, the two hosts, servers that are waited for, and what is left behind.
# Sourced. A case ends with `finish`, which prints the plan.
# shellcheck disable=SC2034 # what is defined here is used elsewhere

set -u
PATH=/usr/sbin:/usr/bin:/sbin:/bin:$PATH
cases=$(dirname "$(readlink -f "${BASH_SOURCE[0]}")")
programs=$cases/../../../build/programs
scratch=$(mktemp -d)
tests=0 failures=0
last='' # what the last command of `run` printed: a file
declare -A started=()

# Engines on which everything takes its time
case ${WHARF_ENGINE:-uml} in uml) slow=1 ;; *) slow=3 ;; esac

# a's RDMA device, and the interface that it is on; b's device
rdma_a=siw_a nic_a=eth0 rdma_b=siw_b

A4=10.0.0.1 B4=10.0.0.2 A6=fd00::1 B6=fd00::2

# ---- TAP

diag() { printf '%s\n' "$*" | sed 's/^/# /'; }

ok() {
	tests=$((tests + 1))
	echo "ok $tests - $1"
}

not_ok() {
	tests=$((tests + 1)) failures=$((failures + 1))
	echo "not ok $tests - $1"
}

skip() {
	tests=$((tests + 1))
	echo "ok $tests - $1 # SKIP $2"
}

# result STATUS NAME [FILE]: ok if STATUS is 0; what FILE says otherwise
result() {
	if [ "$1" = 0 ]; then
		ok "$2"
		return 0
	fi
	not_ok "$2"
	diag "status $1"
	[ ! -e "${3:-}" ] || tail -n 40 "$3" | sed 's/^/# /'
	return 1
}

# check NAME COMMAND...: ok if COMMAND succeeds
check() {
	local name=$1 status=0
	shift
	"$@" >"$scratch/check" 2>&1 || status=$?
	[ $status = 0 ] || diag "$ $*"
	result $status "$name" "$scratch/check"
}

# refused NAME TEXT COMMAND...: ok if COMMAND fails and says TEXT (a regular expression)
refused() {
	local name=$1 text=$2 status=0
	shift 2
	diag "$ $*"
	"$@" >"$scratch/check" 2>&1 || status=$?
	if [ $status = 0 ]; then
		result 1 "$name: it was not refused" "$scratch/check"
	elif ! grep -qiE -- "$text" "$scratch/check"; then
		result $status "$name" "$scratch/check"
	else
		ok "$name"
	fi
}

# same NAME BEFORE AFTER: ok if the two texts are equal
same() {
	if [ "$2" = "$3" ]; then
		ok "$1"
	else
		not_ok "$1"
		diff <(echo "$2") <(echo "$3") | sed 's/^/# /'
	fi
}

finish() {
	local name
	for name in "${!started[@]}"; do
		signal KILL "$name"
	done
	echo "1..$tests"
	rm -rf "$scratch"
	[ "$failures" = 0 ]
	exit
}

# ---- the two hosts

# at HOST: sets `at` to what comes before a command of HOST, which may be in another guest (tests/guest/run --peer)
at=()
at() {
	at=()
	[ "$1" != a ] || [ -z "${WHARF_PEER:-}" ] || at=("$cases/../at-peer")
}


# on HOST COMMAND...
on() {
	local host=$1
	shift
	at "$host"
	"${at[@]}" ip netns exec "$host" "$@"
}

in_a() { on a "$@"; }
in_b() { on b "$@"; }

# until_true SECONDS COMMAND...: wait until COMMAND succeeds; at most SECONDS, and more on slow engines
until_true() {
	local end=$((SECONDS + $1 * slow + 1))
	shift
	until "$@" >/dev/null 2>&1; do
		[ $SECONDS -lt $end ] || return 1
		sleep 0.05
	done
}

# unload_ours MODULE: it, and what of ours was loaded after it
unload_ours() {
	local m
	while read -r m; do
		m=${m%.ko}
		[ ! -e "/sys/module/$m" ] || until_true 5 rmmod "$m" ||
			{ diag "$m does not unload: $(rmmod "$m" 2>&1)" "$(grep "^$m " /proc/modules)"; return 1; }
		[ "$m" != "$1" ] || return 0
	done < <(tac "$WHARF_MODULES/ours")
}

# load_ours: what `unload_ours` took away
load_ours() {
	local m
	while read -r m; do
		[ -e "/sys/module/${m%.ko}" ] || insmod "$WHARF_MODULES/$m" || return 1
	done <"$WHARF_MODULES/ours"
}

listens() { [ -n "$(quick "$1" ss -Htln "sport = :$2")" ]; }

# await_listen HOST PORT
await_listen() { until_true 10 listens "$@" || { diag "nobody listens on $1's port $2"; return 1; }; }

# ---- commands in the background

# start NAME HOST COMMAND...: in a process group of its own, its output goes to $scratch/NAME
start() {
	local name=$1 host=$2
	shift 2
	diag "$host$ $* &"
	at "$host"
	# Not left to the child, which may come late: await_line is not to find what an earlier one of that name has said.
	: >"$scratch/$name"
	setsid "${at[@]}" ip netns exec "$host" "$@" >"$scratch/$name" 2>&1 </dev/null &
	started[$name]=$!
}

# await_line NAME TEXT [SECONDS]: until it has printed a line with TEXT (a regular expression)
await_line() {
	until_true "${3:-10}" grep -qE -- "$2" "$scratch/$1" && return 0
	diag "$1 does not say '$2':"
	tail -n 20 "$scratch/$1" | sed 's/^/# /'
	return 1
}

# signal SIGNAL NAME: its whole group, or itself where it is so young that it has none of its own yet
signal() { kill "-$1" -- "-${started[$2]}" 2>/dev/null || kill "-$1" "${started[$2]}" 2>/dev/null; }

ended() { ! kill -0 "${started[$1]}" 2>/dev/null; }

# await_end NAME [SECONDS]: its exit status; killed when it does not end
await_end() {
	local pid=${started[$1]} status=0
	if ! until_true "${2:-10}" ended "$1"; then
		diag "$1 does not end"
		signal KILL "$1"
	fi
	wait "$pid" || status=$?
	unset "started[$1]"
	return $status
}

# stop NAME [SIGNAL]: end it now
stop() {
	local pid=${started[$1]}
	signal "${2:-KILL}" "$1"
	wait "$pid" 2>/dev/null
	unset "started[$1]"
}

# run HOST COMMAND...: with a limit of $limit seconds, its output in $last
limit=30
run() {
	local host=$1
	shift
	diag "$host$ $*"
	last=$scratch/run
	at "$host"
	timeout -k 2 $((limit * slow)) "${at[@]}" ip netns exec "$host" "$@" >"$last" 2>&1 </dev/null
}

# pair NAME PORT "SERVER COMMAND" "CLIENT COMMAND": the server in $server_host, the client in $client_host; both have to end well.
# The server's output is then in $scratch/server, the client's in $scratch/run.
server_host=a client_host=b
pair() {
	local name=$1 port=$2 status=0 client_status=0
	# shellcheck disable=SC2086
	start server $server_host $3
	await_listen $server_host "$port" || status=1
	if [ $status = 0 ]; then
		# shellcheck disable=SC2086
		run $client_host $4 || client_status=$?
		# perftest listens a second time for the connection that it measures, and its client may be faster
		# (linux-rdma/perftest, issue 93). Mainline's siw says so in rdma_connect() already.
		if [ $client_status != 0 ] && [ -n "${perftest_race:-}" ] &&
			grep -q -e 'REJECTED; error: -111' -e 'ERRNO: Connection refused' "$scratch/run"; then
			diag "perftest's client was faster than its server: once more"
			stop server
			pair "$@"
			return
		fi
		if [ $client_status = 0 ]; then
			await_end server || { status=$?; diag "server: status $status"; }
		else
			diag "client: status $client_status"
			stop server
		fi
	else
		stop server
	fi
	[ $client_status = 0 ] || status=$client_status
	[ $status = 0 ] || { tail -n 20 "$scratch/server" | sed 's/^/# server: /'; tail -n 20 "$scratch/run" | sed 's/^/# client: /'; }
	result $status "$name"
}

# measure SIZE ITERATIONS PROGRAM [OPTION...]: a program of perftest, from $client_host to $server_host. Its report has to be there, for that
# size and that many iterations (all QPs together: $iterations). $tag ends its name.
measure() {
	local size=$1 n=$2 name addr=$A4
	[ $server_host = a ] || addr=$B4
	shift 2
	name="$*, $size octets${tag:-}"
	perftest_race=1
	pair "$name" 18515 "$* -R -F -s $size -n $n" "$* -R -F -s $size -n $n $addr"
	perftest_race=
	# A latency is "inf" where perftest can't tell the CPU's frequency.
	grep -qE "^ *$size +${iterations:-$n} +([0-9]|inf)" "$scratch/run"
	result $? "$name: its report" "$scratch/run"
}

# ---- the kernel's log, of which tests/guest/batch wants all

marks=0
# log_begins: from here on, for log_since
log_begins() { echo "wharf: mark $((marks += 1)) of $$" >/dev/kmsg; }
log_since() { dmesg | sed "1,/wharf: mark $marks of $$\$/d"; }
# logged TEXT: a regular expression
logged() { log_since | grep -E -- "$1"; }

# ---- what is left behind

# quick HOST COMMAND...: no new mounts, and so three times as fast
quick() {
	at "$1"
	"${at[@]}" nsenter --net="/run/netns/$1" "${@:2}"
}

# QPs, CQs, MRs, PDs, CM_IDs and open devices, as far as there are any: a line per device
rdma_objects() {
	local host
	for host in a b; do
		quick $host rdma resource show 2>/dev/null | grep -E ' [1-9][0-9]*( |$)'
	done
}

# What TCP merely remembers is its own, by its rules: it stays for a minute and holds no socket. It is in TIME-WAIT, or in
# FIN-WAIT-2 with that timer. An adapter's shows as CLOSING.
sockets() {
	local host
	for host in a b; do
		quick $host ss -Htano state all exclude time-wait ${over:+exclude closing} | sed "/timer:(timewait,/d; s/^/$host /"
	done
}

left() { [ -n "$(rdma_objects)$(sockets)" ]; }
nothing_left() { ! left; }

# nothing_remains NAME: ok if no QP, CQ, MR, PD, CM_ID and no socket is in either host (closing takes a moment)
nothing_remains() {
	if until_true 10 nothing_left; then
		ok "$1"
		return
	fi
	not_ok "$1"
	diag "$(rdma_objects)"
	diag "$(sockets)"
	for host in a b; do
		for kind in cm_id qp mr; do diag "$(quick $host rdma resource show $kind 2>&1)"; done
	done
}

# shellcheck source=tests/guest/cases/rnic.sh
[ -z "${over:-}" ] || . "$cases/rnic.sh"
