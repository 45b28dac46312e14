# SPDX-License-Identifier: GPL-2.0
"""A server in host a, a client in host b, each with a limit of its own; runs in the guest."""

import itertools
import os
import re
import signal
import subprocess
import time

CPUS = sorted(os.sched_getaffinity(0))
# The server on the one, the client on the other, where there are two.
PIN = {"a": CPUS[0], "b": CPUS[1 % len(CPUS)]}
ports = itertools.count(20000) # each run has a port of its own


class Failed(Exception):
    """A run without a figure, and why."""


class Stuck(Failed):
    """A process that can not be killed: this guest is of no use any more."""


def command(host, args):
    return ["ip", "netns", "exec", host, "taskset", "-c", str(PIN[host]), *map(str, args)]


def start(host, args, **more):
    return subprocess.Popen(command(host, args), stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
                            errors="replace", start_new_session=True, **{"stdin": subprocess.DEVNULL, **more})


def end(child):
    try:
        os.killpg(child.pid, signal.SIGKILL)
    except ProcessLookupError:
        pass
    try:
        child.wait(10)
    except subprocess.TimeoutExpired:
        raise Stuck("does not die of SIGKILL")


def last_line(text):
    lines = [line.strip() for line in text.splitlines() if re.search(r"\w", line)]
    return lines[-1][:120] if lines else "no output"


def listens(pid, port):
    wanted = re.compile(rf"^ *\d+: [0-9A-F]+:{port:04X} \S+ 0A ", re.M)
    for name in ("tcp", "tcp6"):
        try:
            with open(f"/proc/{pid}/net/{name}") as file:
                if wanted.search(file.read()):
                    return True
        except OSError:
            pass
    return False


def await_listen(server, port, limit):
    until = time.monotonic() + limit
    while not listens(server.pid, port):
        if server.poll() is not None:
            raise Failed("server: " + last_line(server.stdout.read()))
        if time.monotonic() > until:
            raise Failed("the server does not listen")
        time.sleep(0.01)


def pair(server_args, client_args, port, limit, server_ends=True):
    """Returns the client's output, and how long it ran."""
    server = start("a", server_args)
    client = None
    try:
        await_listen(server, port, limit)
        began = time.monotonic()
        client = start("b", client_args)
        try:
            output = client.communicate(timeout=limit)[0]
        except subprocess.TimeoutExpired:
            raise Failed(f"ran into its limit of {limit} s")
        took = time.monotonic() - began
        if client.returncode:
            raise Failed(f"client: status {client.returncode}: {last_line(output)}")
        if server_ends:
            try:
                server.communicate(timeout=limit)
            except subprocess.TimeoutExpired:
                raise Failed("the server does not end")
        return output, took
    except Failed as failed:
        failed.output = output if client and client.returncode else ""
        raise
    finally:
        for child in (client, server):
            if child:
                end(child)
                child.stdout.close()
