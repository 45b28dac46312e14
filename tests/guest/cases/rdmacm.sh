# shellcheck shell=bash
# SPDX-License-Identifier: GPL-2.0
#
# shellcheck disable=SC2154 # what is used here is defined elsewhere
#
# rdma-core's own tests of rdma_cm, for the cases that run them. Sourced after lib.sh; the current folder is the suite's then.

suite=$scratch/rdma-core
mkdir "$suite"
cp -r /usr/share/doc/rdma-core/tests "$suite"
gunzip -f "$suite"/tests/*.gz
cd "$suite" || exit
export PYTHONPATH=$suite

passing=(async_read async_reject_traffic async_write sync_traffic)

# verdicts FILE: a line per test: NAME ok|error|fail|skipped
verdicts() {
	awk '
		/^=====/ { exit }
		match($0, /^test_rdmacm_[a-z_]+ \(/) { name = substr($0, 13, RLENGTH - 14) }
		name && match($0, /(^|\.\.\. )(ok|ERROR|FAIL|skipped .*)$/) {
			verdict = substr($0, RSTART)
			sub(/^\.\.\. /, "", verdict)
			sub(/ .*/, "", verdict)
			print name, tolower(verdict)
			name = ""
		}' "$1" | sort
}

# all_pass TAG: of what ran last
all_pass() {
	local name
	for name in "${passing[@]}"; do
		verdicts "$last" | grep -qx "$name ok"
		result $? "$1: $name" "$last"
	done
}
