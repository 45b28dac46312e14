# SPDX-License-Identifier: GPL-2.0
"""How each kind of row comes to its figure; runs in the guest."""

import json
import os
import re
import select
import time

from pair import Failed, end, pair, ports, start

ADDRESS = "10.0.0.1"
BUILD = os.path.join(os.path.dirname(os.path.abspath(__file__)), "../../build")
CONNECTIONS = os.path.join(BUILD, "programs/connections")
LIMITS = os.path.join(BUILD, "bench/limits")
IDLE_QPS = os.path.join(BUILD, "bench/idle_qps")


def perftest(limit, program, *options):
    """
    Its server listens a second time for the connection that it measures, and its client may be faster; and on an emulated
    CPU it fails to make out the clock now and then, and reports 0: then once more.
    """
    size = options[options.index("-s") + 1]
    for again in range(5):
        port = next(ports)
        args = [program, *options, "-R", "-F", "-p", port]
        try:
            output = pair(args, [*args, ADDRESS], port, limit)[0]
        except Failed as failed:
            if "REJECTED; error: -111" not in failed.output:
                raise
            continue
        found = re.findall(rf"^\s*{size}\s+\d+\s+(\d[\d.\s]*)$", output, re.M)
        if not found:
            raise Failed("no report")
        figures = [float(figure) for figure in found[-1].split()]
        # bandwidth: peak, average, messages; latency: least, most, typical, ...
        figure = figures[2] if program.endswith("_lat") else figures[1]
        if figure > 0:
            return figure, {"again": again}
    raise Failed("five times its client was faster than its server, or it could not tell the time")


def connections(limit, n):
    """Opened, used once and closed, one after the other"""
    port = next(ports)
    took = pair([CONNECTIONS, "serve", ADDRESS, port], [CONNECTIONS, "row", ADDRESS, port, n], port, limit, False)[1]
    return n / took, {}


def tcp_connections(limit, n):
    port = next(ports)
    took = pair([LIMITS, "serve", port], [LIMITS, "row", ADDRESS, port, n], port, limit, False)[1]
    return n / took, {}


def tcp_lat(limit, size, n):
    port = next(ports)
    output = pair([LIMITS, "serve", port], [LIMITS, "pingpong", ADDRESS, port, size, n], port, limit, False)[0]
    return float(output), {}


def tcp_bw(limit, size):
    port = next(ports)
    output = pair(["iperf3", "-s", "-1", "-p", port], ["iperf3", "-c", ADDRESS, "-p", port, "-t", 1, "-l", size, "-J"],
                  port, limit)[0]
    return json.loads(output)["end"]["sum_received"]["bits_per_second"] / 8 / (1 << 20), {}


def copy(limit, size, n):
    child = start("b", ["timeout", limit, LIMITS, "copy", size, n])
    output = child.communicate()[0]
    if child.returncode:
        raise Failed(f"status {child.returncode}")
    return float(output), {}


# What the kernel allocates for itself. MemAvailable says less: free pages that a CPU keeps at hand, many MiB on 6.12, are not in it.
KERNEL = ("Slab", "VmallocUsed", "PageTables", "Percpu", "KernelStack")


def memory_now():
    with open("/proc/meminfo") as file:
        return {line.split(":")[0]: int(line.split()[1]) * 1024 for line in file}


def memory_settled(limit):
    """Once nobody gives memory back any more: some of it comes back after its program has ended."""
    until = time.monotonic() + limit
    with open("/proc/sys/vm/drop_caches", "w") as file:
        file.write("3")
    calm, before = 0, memory_now()
    while calm < 2:
        if time.monotonic() > until:
            raise Failed("memory does not settle")
        time.sleep(0.2)
        now = memory_now()
        calm = calm + 1 if all(abs(now[name] - before[name]) <= 64 << 10 for name in KERNEL) else 0
        before = now
    return before


def said(child, word, limit):
    if not select.select([child.stdout], [], [], limit)[0]:
        raise Failed(f"ran into its limit of {limit} s")
    line = child.stdout.readline()
    if line.strip() != word:
        raise Failed(line.strip()[:120] or "no output")


def memory(limit, n):
    """What is added to the kernel's own memory"""
    child = start("b", [IDLE_QPS, n], stdin=-1)
    try:
        said(child, "open", limit)
        before = memory_settled(limit)
        child.stdin.write("\n")
        child.stdin.flush()
        said(child, "ready", limit)
        after = memory_settled(limit)
    finally:
        end(child)
        child.stdin.close()
        child.stdout.close()
    more = {name: round((after[name] - before[name]) / n) for name in (*KERNEL, "AnonPages", "MemAvailable")}
    return sum(more[name] for name in KERNEL), more


KINDS = {"perftest": perftest, "connections": connections, "memory": memory, "tcp_connections": tcp_connections,
         "tcp_lat": tcp_lat, "tcp_bw": tcp_bw, "copy": copy}
