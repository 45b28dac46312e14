# SPDX-License-Identifier: GPL-2.0
"""The application under test: tests/guest/programs/endpoint.c, steered through its standard input."""

import os
import select
import subprocess
import time
from collections import namedtuple

from .stream import PATIENCE

PROGRAM = os.path.join(os.path.dirname(os.path.abspath(__file__)), "../../../build/programs/endpoint")

Cm = namedtuple("Cm", "conn event status ird ord pd")
Wc = namedtuple("Wc", "conn id opcode status bytes invalidated")
Async = namedtuple("Async", "conn event")
Region = namedtuple("Region", "handle lkey rkey address seed length")

ANYBODY = 1000  # and the next ones: users without rights

# ibv_wc_status
SUCCESS, LOC_LEN_ERR, LOC_QP_OP_ERR, LOC_PROT_ERR, FLUSHED = 0, 1, 2, 4, 5
BAD_RESP_ERR, REM_INV_REQ_ERR, REM_ACCESS_ERR = 7, 9, 10
# ibv_qp_state
INIT, RTS, SQD, ERROR = 1, 3, 4, 6
# ibv_event_type
QP_FATAL, QP_ACCESS_ERR = 1, 3


class Refused(Exception):
    """The endpoint answered "err"."""

    def __init__(self, command, answer):
        number, self.what = answer.split(" ", 1)
        self.errno = int(number)
        super().__init__(f"{command.split()[0]}: {self.what}: {os.strerror(self.errno)}")


def pattern(seed, length, offset=0):
    return bytes((seed + 7 * i + (i >> 8)) & 0xFF for i in range(offset, offset + length))


def _hex(data):
    return data.hex() or "-"


def _unhex(text):
    return b"" if text == "-" else bytes.fromhex(text)


class Endpoint:
    def __init__(self, namespace, uid=0):
        self.child = subprocess.Popen(["ip", "netns", "exec", namespace, PROGRAM, str(uid)], stdin=subprocess.PIPE,
                                      stdout=subprocess.PIPE, bufsize=0)
        self.buffer, self.reports, self.answers = b"", [], []

    # -- lines

    def _read(self, deadline):
        left = deadline - time.monotonic()
        if left <= 0 or not select.select([self.child.stdout], [], [], left)[0]:
            raise TimeoutError(f"the endpoint is silent; not asked for: {self.reports}")
        data = os.read(self.child.stdout.fileno(), 1 << 20)
        if not data:
            raise EOFError(f"the endpoint has died: {self.child.wait()}")
        *lines, self.buffer = (self.buffer + data).split(b"\n")
        for line in lines:
            kind, _, rest = line.decode().partition(" ")
            f = rest.split()
            if kind in ("ok", "err"):
                self.answers.append((kind, rest))
            elif kind == "cm":
                self.reports.append(Cm(int(f[0]), f[1], int(f[2]), int(f[3]), int(f[4]), _unhex(f[5])))
            elif kind == "wc":
                self.reports.append(Wc(*map(int, f[:5]), int(f[5], 16)))
            elif kind == "async":
                self.reports.append(Async(*map(int, f)))

    def ask(self, *words):
        line = " ".join(str(w) for w in words)
        self.child.stdin.write(line.encode() + b"\n")
        deadline = time.monotonic() + PATIENCE
        while not self.answers:
            self._read(deadline)
        kind, rest = self.answers.pop(0)
        if kind == "err":
            raise Refused(line, rest)
        return rest

    def wait(self, kind, **wanted):
        """The first report of that kind with those fields; it is removed."""
        deadline = time.monotonic() + PATIENCE
        while True:
            for i, report in enumerate(self.reports):
                if isinstance(report, kind) and all(getattr(report, k) == v for k, v in wanted.items()):
                    return self.reports.pop(i)
            try:
                self._read(deadline)
            except TimeoutError as error:
                raise TimeoutError(f"no {kind.__name__} with {wanted}; {error}") from None

    def cm(self, conn, event):
        return self.wait(Cm, conn=conn, event=event)

    def completion(self, conn, id):
        return self.wait(Wc, conn=conn, id=id)

    def drain(self):
        """What was reported and not asked for, up to now"""
        try:
            self.ask("nothing")
        except Refused:
            pass
        reports, self.reports = self.reports, []
        return reports

    def kill(self):
        self.child.kill()
        self.child.wait()

    # -- commands

    def listen(self, address, port=0, backlog=16, afonly=False):
        return int(self.ask("listen", address, port, backlog, *(["afonly"] if afonly else [])))

    def unlisten(self):
        self.ask("unlisten")

    def dial(self, address, port, ird=4, ord=4, pd=b""):
        """Connects, and does not wait for what comes of it."""
        conn = self.resolve(address, port)
        self.qp(conn)
        self.ask("connect", conn, ird, ord, _hex(pd))
        return conn

    def resolve(self, address, port):
        conn = int(self.ask("resolve", address, port))
        self.cm(conn, "ROUTE_RESOLVED")
        return conn

    def connect_qp(self, conn, qpn):
        """Of a QP that this endpoint may not have made"""
        self.ask("connect", conn, 4, 4, "-", qpn)

    def accept_qp(self, conn, qpn):
        self.ask("accept", conn, 4, 4, "-", qpn)

    def qp(self, conn):
        return int(self.ask("qp", conn))

    def request(self):
        return self.wait(Cm, event="CONNECT_REQUEST")

    def accept(self, conn, ird=4, ord=4, pd=b""):
        self.ask("accept", conn, ird, ord, _hex(pd))

    def reject(self, conn, pd=b""):
        self.ask("reject", conn, _hex(pd))

    def disconnect(self, conn):
        self.ask("disconnect", conn)

    def fail(self, conn):
        self.ask("fail", conn)

    def unqp(self, conn):
        self.ask("unqp", conn)

    def leave(self, conn):
        """disconnect() and unqp() at once"""
        self.ask("leave", conn)

    def close(self, conn):
        self.ask("close", conn)

    def state(self, conn):
        return int(self.ask("query", conn))

    def region(self, conn, length, rights, seed=1, other_pd=False):
        answer = self.ask("mr", conn, length, rights or "-", seed, *(["other"] if other_pd else []))
        return Region(*map(int, answer.split()), seed, length)

    def check(self, region):
        return self.ask("check", region.handle)

    def dump(self, region, offset=0, length=None):
        return _unhex(self.ask("dump", region.handle, offset, region.length - offset if length is None else length))

    def recv(self, conn, id, *sges):
        self.ask("recv", conn, id, *(_sge(s) for s in sges))

    def post(self, conn, id, opcode, *sges, flags="s", rkey=0, to=0):
        self.ask("post", conn, id, opcode, flags, rkey, to, *(_sge(s) for s in sges))

    def cat(self, path):
        return _unhex(self.ask("cat", path)).decode()

    def set(self, path, value):
        self.ask("set", path, value)


def _sge(sge):
    """A region, or a region with offset and length"""
    if isinstance(sge, Region):
        return f"{sge.handle}:0:{sge.length}"
    region, offset, length = sge
    return f"{region.handle}:{offset}:{length}"
