# SPDX-License-Identifier: GPL-2.0
"""What is measured: a row is one figure, by one program, taken of ours and of mainline's, of ours over an adapter and of ours,
or of plain TCP.

The name of a row says all of it: "write_bw 64K crc" is ib_write_bw with messages of 64 KiB and CRC on, "read_bw 64K q16"
is ib_read_bw over 16 QPs; "rnic write_bw 64K" is over emulated adapters, against siw.
"""

SIZES = {"2": 2, "64": 64, "4K": 4096, "64K": 65536, "1M": 1 << 20}
# name: program and its options; ib_write_bw and ib_write_lat know no events
BANDWIDTH = {"write_bw": ["ib_write_bw"], "send_bw": ["ib_send_bw", "-e"], "read_bw": ["ib_read_bw", "-e"]}
LATENCY = {"send_lat": ["ib_send_lat", "-e"], "write_lat": ["ib_write_lat"]}

# how many messages take a fraction of a second natively; slow engines make fewer
MESSAGES = {"64": 5000, "4K": 5000, "64K": 4000, "1M": 300}
MESSAGES_QPS = {16: 250, 256: 20} # each
ROUND_TRIPS = {"send_lat": 10000, "write_lat": 25, "tcp_lat": 10000}
CONNECTIONS = 600
# Two that are about as fast can take longer: a run of 0.1 s is few time slices of a scheduler.
RNIC_LONGER = 5
SLOWER = {"uml": 1, "qemu-6.1": 5, "qemu-6.12": 5}
# A spinning poller costs its peer a whole time slice where there is one CPU: that is what ib_write_lat measures there.
SPINNING = {"uml": 25, "qemu-6.1": 500, "qemu-6.12": 500}


class Row:
    def __init__(self, name, group, kind, args, unit, limit=None):
        self.name, self.group, self.kind, self.args, self.unit, self.limit = name, group, kind, args, unit, limit
        self.tcp = kind.startswith("tcp") or kind == "copy"
        self.crc = name.endswith(" crc")
        self.patience = 3 if "q256" in name else 1 # times the limit of a run: connecting takes its time

    def more_is_better(self):
        return self.unit in ("MiB/s", "/s")

    def sides(self):
        if self.tcp:
            return ["tcp"]
        if self.name.startswith("rnic "):
            return ["rnic", "ours"]
        # With mainline's siw libsiw refuses a context's 72nd QP: see docs/performance.md.
        return ["ours"] if "q256" in self.name else ["ours", "mainline"]


def perftest(name, group, program, args, unit, limit):
    return [Row(name + crc, group, "perftest", [program, *args], unit, limit) for crc in ("", " crc")]


def longer(args):
    at = args.index("-n") + 1
    return [*args[:at], str(int(args[at]) * RNIC_LONGER), *args[at + 1:]]


def rows(engine):
    slower = SLOWER[engine]
    made = []
    for name, command in BANDWIDTH.items():
        for size, n in MESSAGES.items():
            # perftest's least is 5; its queues are 128 deep
            args = [*command[1:], "-s", str(SIZES[size]), "-n", str(max(n // slower, 50))]
            made += perftest(f"{name} {size}", name, command[0], args, "MiB/s", f"tcp_bw {size}")
        for qps, n in MESSAGES_QPS.items():
            # With events perftest leaves completions in the queue when there are many at once, and waits for ever.
            # One completion stands for 16 requests: perftest counts wrong when their number is no multiple of that.
            n = -(-n // slower // 16) * 16
            args = [*(command[1:] if qps <= 16 else []), "-s", "65536", "-q", str(qps), "-n", str(n), "-t", "16"]
            args += ["-r", "32"] if name == "send_bw" else []
            made += perftest(f"{name} 64K q{qps}", f"{name} qps", command[0], args, "MiB/s", "tcp_bw 64K")
    for name, command in LATENCY.items():
        n = SPINNING[engine] if name == "write_lat" else ROUND_TRIPS[name] // slower
        for size in ("2", "4K"):
            args = [*command[1:], "-s", str(SIZES[size]), "-n", str(n)]
            made += perftest(f"{name} {size}", "lat", command[0], args, "us", f"tcp_lat {size}")
    # What the adapter adds, or costs: a choice, with the same arguments
    chosen = {f"{name} {size}" for name in BANDWIDTH for size in (*MESSAGES, "64K q16")}
    chosen |= {"write_bw 64K crc", "send_lat 2", "send_lat 4K"}
    made += [Row(f"rnic {row.name}", f"rnic {row.group}", row.kind, longer(row.args), row.unit) for row in made if row.name in chosen]
    made.append(Row("rnic connections", "rnic objects", "connections", [CONNECTIONS // slower], "/s"))
    made.append(Row("connections", "objects", "connections", [CONNECTIONS // slower], "/s", "tcp_connections"))
    for n in (1000, 10000):
        made.append(Row(f"qp_memory {n}", "objects", "memory", [n], "B"))
    for size, n in MESSAGES.items():
        made.append(Row(f"tcp_bw {size}", "write_bw", "tcp_bw", [SIZES[size]], "MiB/s"))
        made.append(Row(f"copy {size}", "write_bw", "copy", [SIZES[size], n // slower], "MiB/s"))
    for size in ("2", "4K"):
        made.append(Row(f"tcp_lat {size}", "lat", "tcp_lat", [SIZES[size], ROUND_TRIPS["tcp_lat"] // slower], "us"))
    made.append(Row("tcp_connections", "objects", "tcp_connections", [CONNECTIONS // slower], "/s"))
    return made


def groups(chosen):
    """Rows between which a side is not loaded anew, so that the two figures of a pair are seconds apart."""
    found = {}
    for row in chosen:
        found.setdefault(row.group, []).append(row)
    return found


def plan(engine, chosen, rounds):
    """Steps (round, side, row's name) in the order in which they are taken. Whoever is first in a pair changes."""
    steps = []
    for number in range(rounds):
        for i, group in enumerate(groups(chosen).values()):
            sides = ["ours", "tcp", "mainline", "rnic"]
            for side in sides if (number + i) % 2 else reversed(sides):
                # CRC is switched once only
                for row in sorted(group, key=lambda row: row.crc):
                    if side in row.sides():
                        steps.append((number, side, row.name))
    return steps
