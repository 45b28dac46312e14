# SPDX-License-Identifier: GPL-2.0
"""Two endpoints, one in each host: the bench's own serves, another one connects to it."""

import subprocess
from contextlib import contextmanager

from .bench import DUT, DUT4, PEER, Bench, enter, equal, until
from .endpoint import Endpoint
from .resources import Resources
from .stream import PATIENCE

CLIENTS = "siw_a"
TIME_WAIT = "06"


class Both:
    """A connection of the two: each endpoint's number for it, and what they heard when it was established"""

    def __init__(self, server, client):
        self.server, self.client = server, client


class Pair(Bench):
    def __init__(self):
        enter(PEER)
        self.clients_use = Resources(CLIENTS)
        self.client = None
        self.calls = []
        super().__init__()
        self.start_client()

    def start_client(self):
        if self.client:
            self.client.kill()
        self.client = Endpoint(PEER)
        self.calls = []

    def ends(self):
        return super().ends() | ({CLIENTS: self.client} if self.client else {})

    # -- connections

    def call(self, address=DUT4, port=None, **more):
        """The client connects, to where the endpoint listens unless told otherwise: its number."""
        conn = self.client.dial(address, port or self.listening[1], **more)
        self.calls.append(conn)
        return conn

    def called(self, address=DUT4, **more):
        """The client has connected, and the endpoint has heard of it: the client's number, the endpoint's report."""
        conn = self.call(address, **more)
        report = self.endpoint.request()
        self.conns.append(report.conn)
        return conn, report

    def answer(self, conn, report, **more):
        """The endpoint accepts, and both hear of it."""
        self.endpoint.qp(report.conn)
        self.endpoint.accept(report.conn, **more)
        both = Both(report.conn, conn)
        both.server_event = self.endpoint.cm(report.conn, "ESTABLISHED")
        both.client_event = self.client.cm(conn, "ESTABLISHED")
        return both

    def connected(self, address=DUT4, **more):
        return self.answer(*self.called(address, **more))

    def converse(self, both):
        """A message each way; the client's first, as iWARP has it"""
        for end, conn in ((self.client, both.client), (self.endpoint, both.server)):
            other, its = (self.endpoint, both.server) if end is self.client else (self.client, both.client)
            room, words = other.region(its, 100, "l", seed=1), end.region(conn, 100, "l", seed=2)
            other.recv(its, 1, room)
            end.post(conn, 2, "send", words)
            equal(other.completion(its, 1).status, 0, "status of the Receive")
            equal(end.completion(conn, 2).status, 0, "status of the Send")
            equal(other.dump(room), end.dump(words), "what has come")

    def ended(self, both):
        """Both hear of the end."""
        for end, conn in ((self.endpoint, both.server), (self.client, both.client)):
            end.cm(conn, "DISCONNECTED")

    # -- the hosts

    @contextmanager
    def inside(self, namespace=DUT):
        """Sockets made within the block are of that host."""
        enter(namespace)
        try:
            yield
        finally:
            enter(PEER)

    @staticmethod
    def tool(host, *command):
        """What it prints, but for complaints: ss has one of cgroups, for each socket"""
        done = subprocess.run(["ip", "netns", "exec", host, *command], stdout=subprocess.PIPE,
                              stderr=subprocess.PIPE, timeout=2 * PATIENCE, check=False, text=True)
        equal(done.returncode, 0, f"{' '.join(command)}: {done.stdout}{done.stderr}: status")
        return done.stdout

    def add(self, host, device, netdev="eth0"):
        self.tool(host, "rdma", "link", "add", device, "type", "siw", "netdev", netdev)
        until(lambda: "ACTIVE" in self.tool(host, "cat", f"/sys/class/infiniband/{device}/ports/1/state"),
              f"{device} is not active")

    @contextmanager
    def deleting(self, host, device):
        """The device is being deleted, and is gone after the block."""
        child = subprocess.Popen(["ip", "netns", "exec", host, "rdma", "link", "del", device])
        try:
            yield
            equal(child.wait(2 * PATIENCE), 0, "status of rdma link del")
        finally:
            child.kill()

    def delete(self, host, device):
        with self.deleting(host, device):
            pass

    def listening_sockets(self):
        return [line for line in self.sockets() if line.split()[3] == "0A"]

    # -- what is left

    def callers_sockets(self):
        """TCP sockets of the client's host but those in TIME_WAIT, which are where they belong"""
        lines = [line for name in ("tcp", "tcp6") for line in self.client.cat(f"/proc/net/{name}").splitlines()[1:]]
        return [line.strip() for line in lines if line.split()[3] != TIME_WAIT]

    def clean(self):
        for conn in self.calls:
            self.client.close(conn)
        self.calls.clear()
        super().clean()
        self.client.drain()
        until(lambda: not self.callers_sockets(), lambda: "sockets of the client are left:\n" + "\n".join(self.callers_sockets()))
        used = {name: n for name, n in self.clients_use.count().items() if n and name != "ctx"}
        equal(used, {}, "RDMA resources in use by the client")

    def log(self):
        """Without what the RDMA core says by itself when it is refused a port"""
        return (line for line in super().log() if "RDMA CMA: cma_listen_on_dev" not in line)

    def wipe(self):
        super().wipe()
        self.start_client()

    def finish(self, log_limit=0):
        try:
            super().finish(log_limit)
        finally:
            self.client.kill()
