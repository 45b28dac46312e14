# SPDX-License-Identifier: GPL-2.0
"""What every case does: TAP, settings, counters, a connection of either role, and a look at what is left behind."""

import ctypes
import os
import re
import socket
import sys
import time
import traceback
from contextlib import contextmanager

from . import wire
from .endpoint import Endpoint
from .resources import Resources
from .stream import PATIENCE, Listener, Stream, family

# The scripted peer lives in namespace a, what is tested in b.
PEER, DUT = "a", "b"
DEVICE = "siw_b"
HW_COUNTERS = f"/sys/class/infiniband/{DEVICE}/ports/1/hw_counters/"
# What a Terminate is counted as, by its layer and error type; anything else is unknown.
CAUSES = {(wire.RDMAP, 0): "rdmap_local", (wire.RDMAP, wire.PROTECTION): "rdmap_protection",
          (wire.RDMAP, wire.OPERATION): "rdmap_operation", (wire.DDP, 0): "ddp_local", (wire.DDP, wire.DDP_TAGGED): "ddp_tagged",
          (wire.DDP, wire.DDP_UNTAGGED): "ddp_untagged", (wire.DDP, wire.DDP_LLP): "llp", (wire.LLP, 0): "llp"}
PEER4, DUT4, PEER6, DUT6 = "10.0.0.1", "10.0.0.2", "fd00::1", "fd00::2"

CLONE_NEWNET = 0x40000000
COARSE_CLOCK = 6 # CLOCK_MONOTONIC_COARSE, which ticks with the jiffies


def enter(namespace):
    libc = ctypes.CDLL(None, use_errno=True)
    fd = os.open(f"/run/netns/{namespace}", os.O_RDONLY)
    if libc.setns(fd, CLONE_NEWNET):
        raise OSError(ctypes.get_errno(), "setns")
    os.close(fd)


def settings(device):
    return f"/sys/class/infiniband/{device}/siw/"


def meet():
    """
    Each host gets the other's link address. The RDMA core misses an answer that comes while it is still asking, as it
    does on one CPU, and would wait for its limit.
    """
    for address in (DUT4, DUT6):
        with socket.socket(family(address), socket.SOCK_STREAM) as sock:
            sock.settimeout(PATIENCE)
            sock.connect_ex((address, 9))


class Failure(Exception):
    pass


def equal(got, wanted, what):
    if got != wanted:
        raise Failure(f"{what}: {got!r}, not {wanted!r}")


def true(condition, what):
    if not condition:
        raise Failure(what)


def until(condition, what):
    """For states of the kernel that nothing can be waited on for; what() says at the end what there is instead"""
    deadline = time.monotonic() + PATIENCE / 2
    while not condition():
        if time.monotonic() > deadline:
            raise Failure(what() if callable(what) else what)
        time.sleep(0.005)


def terminates(direction, *reasons):
    """For counting(): Terminates sent ("tx") or received ("rx"), one for each of these reasons and no other"""
    causes = [CAUSES.get(reason[:2], "unknown") for reason in reasons]
    return {f"{direction}_terminate_{cause}": causes.count(cause) for cause in {*CAUSES.values(), "unknown"}}


class Link:
    """An established connection: the scripted peer's stream, and the endpoint's number for its side"""

    def __init__(self, peer, conn):
        self.peer, self.conn = peer, conn


class Bench:
    def __init__(self):
        enter(DUT)
        self.in_use = Resources(DEVICE)
        enter(PEER)
        meet()
        self.count, self.failed = 0, 0
        self.kmsg = os.open("/dev/kmsg", os.O_RDONLY | os.O_NONBLOCK)
        os.lseek(self.kmsg, 0, os.SEEK_END)
        self.streams, self.listeners = [], []
        self.endpoint = None
        self.start_endpoint()
        # Silent peers are what is tested here, on machines slow or fast.
        self.setting("mpa_rtr_repeats", 0)

    def start_endpoint(self):
        if self.endpoint:
            self.endpoint.kill()
        self.endpoint = Endpoint(DUT)
        self.listening = None
        self.ports = set()
        self.conns = []
        until(lambda: not any(self.in_use.count().values()), f"the device is in use: {self.in_use.count()}")

    # -- TAP

    @contextmanager
    def test(self, name):
        """One line of TAP; afterwards nothing of it may be left."""
        self.count += 1
        try:
            yield
            self.clean()
        except Exception as error:
            self.failed += 1
            print(f"not ok {self.count} - {name}")
            if not isinstance(error, Failure):
                frames = traceback.extract_tb(error.__traceback__)
                where = [f"{os.path.basename(f.filename)}:{f.lineno}" for f in frames if "/guest/" in f.filename]
                print(f"#   {type(error).__name__} at {' '.join(where)}")
            for line in str(error).splitlines():
                print(f"#   {line}")
            self.wipe()
        else:
            print(f"ok {self.count} - {name}")
        sys.stdout.flush()

    def finish(self, log_limit=0):
        """The last test of a case, its plan and its end"""
        with self.test("the kernel's log holds no line of ours about all this"):
            lines = [line for line in self.log() if re.search(r"siw|iwarp|portspace", line)]
            true(len(lines) <= log_limit, f"{len(lines)} lines:\n" + "\n".join(lines[:10]))
        print(f"1..{self.count}")
        self.endpoint.kill()
        sys.exit(1 if self.failed else 0)

    def log(self):
        while True:
            try:
                yield os.read(self.kmsg, 8192).decode(errors="replace").rstrip()
            except BlockingIOError:
                return
            except BrokenPipeError:
                yield "siw? lines were lost"

    # -- settings and counters of the device under test

    def ends(self):
        """Each device that takes part in connections, and the program on it (another one after start_endpoint())"""
        return {DEVICE: self.endpoint}

    def setting(self, name, value, device=DEVICE):
        self.ends()[device].set(settings(device) + name, value)

    @contextmanager
    def timeouts(self, **ms):
        """Within the block, of every device: each has its own."""
        saved = [(device, name, int(end.cat(settings(device) + name)))
                 for device, end in self.ends().items() for name in ms]
        for device, name, _ in saved:
            self.setting(name, ms[name], device)
        try:
            yield
        finally:
            for device, name, value in saved:
                self.setting(name, value, device)

    def counter(self, name):
        return int(self.endpoint.cat(HW_COUNTERS + name))

    @contextmanager
    def counting(self, **wanted):
        """The counters named rise by exactly so much within the block, or soon after."""
        # The RDMA core reads them once in a jiffy, and what is old now was perhaps not counted then.
        jiffy = time.clock_gettime_ns(COARSE_CLOCK)
        until(lambda: time.clock_gettime_ns(COARSE_CLOCK) != jiffy, "time stands still")
        before = {name: self.counter(name) for name in wanted}
        yield
        risen = {}

        def done():
            risen.update({name: self.counter(name) - before[name] for name in wanted})
            return all(risen[name] >= n for name, n in wanted.items())
        try:
            until(done, "")
        except Failure:
            pass
        equal(risen, wanted, "counters rose by")

    # -- connections

    def listen(self, address=DUT4, backlog=16):
        """The endpoint listens on one port; a change of address moves it."""
        if self.listening and self.listening[0] != (address, backlog):
            self.unlisten()
        if not self.listening:
            port = self.endpoint.listen(address, 0, backlog)
            self.listening = ((address, backlog), port)
            self.ports.add(port)
        return self.listening[1]

    def unlisten(self):
        self.endpoint.unlisten()
        self.listening = None

    def connect(self, address=DUT4, **more):
        """TCP only, to the endpoint that listens"""
        stream = Stream.connect(address, self.listen(address, **more))
        self.streams.append(stream)
        return stream

    def request(self, frame, address=DUT4, **more):
        """An MPA request and what the endpoint hears of it"""
        stream = self.connect(address, **more)
        stream.send_frame(frame)
        report = self.endpoint.request()
        self.conns.append(report.conn)
        return stream, report

    def serve(self, frame=None, address=DUT4, ird=4, ord=4, pd=b""):
        """The scripted side connects, the endpoint accepts: a link, and the reply in it"""
        frame = frame or wire.request()
        stream, report = self.request(frame, address)
        self.endpoint.qp(report.conn)
        self.endpoint.accept(report.conn, ird, ord, pd)
        link = Link(stream, report.conn)
        link.reply = stream.receive_frame()
        stream.crc = bool((link.reply.flags | frame.flags) & wire.CRC)
        self.endpoint.cm(report.conn, "ESTABLISHED")
        return link

    def dial(self, address=PEER4, listener=None, **more):
        """The endpoint connects: a stream whose next octet is its request"""
        if not listener:
            listener = Listener(address)
            self.listeners.append(listener)
        conn = self.endpoint.dial(address, listener.port, **more)
        self.conns.append(conn)
        link = Link(listener.accept(), conn)
        link.listener = listener
        self.streams.append(link.peer)
        return link

    def accept_again(self, link):
        """The endpoint's next attempt"""
        link.peer = link.listener.accept()
        self.streams.append(link.peer)
        return link.peer

    def dial_and_accept(self, frame=None, address=PEER4, **more):
        """The endpoint connects, the scripted side accepts: a link, and the request in it"""
        link = self.dial(address, **more)
        link.request = link.peer.receive_frame()
        frame = frame or self.agreeable(link.request)
        link.peer.send_frame(frame)
        link.peer.crc = bool((link.request.flags | frame.flags) & wire.CRC)
        link.established = self.endpoint.cm(link.conn, "ESTABLISHED")
        if frame.revision == 2 and frame.ird_bits & wire.P2P:
            link.rtr = link.peer.receive_fpdu()
        return link

    @staticmethod
    def agreeable(request, **more):
        """A reply that takes what the request offers"""
        if request.revision == 2:
            more = {"ird": request.ird_bits | 16, "ord": request.ord_bits | 4, **more}
        return wire.reply(request.revision, **more)

    # -- what is left

    def sockets(self):
        """TCP sockets of the namespace under test: all but TIME_WAIT of connections that it began"""
        found = []
        for name in ("tcp", "tcp6"):
            for line in self.endpoint.cat(f"/proc/net/{name}").splitlines()[1:]:
                local, state = (line.split()[i] for i in (1, 3))
                if state != "06" or int(local.split(":")[1], 16) in self.ports:
                    found.append(line.strip())
        return found

    def clean(self):
        """Ends what the test began, and fails if anything is left of it."""
        for stream in self.streams:
            stream.close()
        self.streams.clear()
        for listener in self.listeners:
            listener.close()
        self.listeners.clear()
        for conn in self.conns:
            self.endpoint.close(conn)
        self.conns.clear()
        if self.listening:
            self.unlisten()
        self.endpoint.drain()
        until(lambda: not self.sockets(), lambda: "sockets are left:\n" + "\n".join(self.sockets()))
        self.ports.clear()
        used = {name: n for name, n in self.in_use.count().items() if n and name != "ctx"}
        equal(used, {}, "RDMA resources in use")

    def wipe(self):
        """After a failure: a new endpoint"""
        for stream in self.streams + self.listeners:
            stream.close()
        self.streams.clear()
        self.listeners.clear()
        self.start_endpoint()
