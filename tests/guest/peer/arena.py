# SPDX-License-Identifier: GPL-2.0
"""A connection with work under way, on which the scripted peer breaks a rule: what has to hold afterwards."""

from . import wire
from .bench import equal, true
from .endpoint import ERROR, FLUSHED, QP_ACCESS_ERR, QP_FATAL, Async, Wc, pattern
from .wire import CRC

RECEIVES = (1, 2, 3)
RECEIVE_SIZE = 64
READ, FENCED = 10, 11


class Arena:
    """
    The endpoint has posted receives of 64 octets each; a Read of 48 octets that nobody has answered yet, unless idle;
    and a Send that waits for it.
    """

    def __init__(self, bench, role, crc, idle=False, receives=RECEIVES, ird=4):
        self.bench, self.endpoint, self.crc = bench, bench.endpoint, crc
        bench.setting("mpa_crc", int(crc))
        flags = CRC if crc else 0
        if role == "server":
            self.link = bench.serve(wire.request(1, flags), ird=ird)
            self.link.peer.send_fpdu(wire.tagged(wire.WRITE, 0, 0))
        else:
            link = bench.dial(ird=ird)
            link.request = link.peer.receive_frame()
            link.peer.send_frame(bench.agreeable(link.request, flags=flags, ord=link.request.ord_bits | ird))
            link.peer.crc = crc
            bench.endpoint.cm(link.conn, "ESTABLISHED")
            link.peer.receive_fpdu()
            self.link = link
        self.peer, self.conn = self.link.peer, self.link.conn
        self.regions, self.written = [], []
        self.event = None
        self.target = self.region("lwr", 300)
        self.buffer = self.region("l", RECEIVE_SIZE * len(RECEIVES))
        self.sink = self.region("l", 48)
        self.receives, self.sends = tuple(receives), ()
        for id in receives:
            self.endpoint.recv(self.conn, id, (self.buffer, RECEIVE_SIZE * (id - 1), RECEIVE_SIZE))
        if not idle:
            self.begin_read()

    def begin_read(self):
        self.sends = (READ, FENCED)
        self.endpoint.post(self.conn, READ, "read", self.sink, rkey=0x1234, to=0x5678)
        self.endpoint.post(self.conn, FENCED, "send", (self.target, 0, 20), flags="sf")
        self.read_request = self.peer.receive_fpdu()
        equal(self.read_request.read_request(), (self.sink.lkey, self.sink.address, 48, 0x1234, 0x5678), "our Read")

    def region(self, rights, length=64, **more):
        region = self.endpoint.region(self.conn, length, rights, seed=len(self.regions) + 1, **more)
        self.regions.append(region)
        return region

    def dereg(self, region):
        self.regions.remove(region)
        self.endpoint.ask("dereg", region.handle)

    # -- the peer's side

    def fpdu(self, ulpdu, **more):
        return wire.fpdu(ulpdu, **{"crc": self.crc, **more})

    def response(self, payload, offset=0, **more):
        """A segment of the Read Response that is due"""
        return wire.tagged(wire.READ_RESPONSE, self.sink.lkey, self.sink.address + offset, payload, **more)

    def placed(self, region, offset, data):
        """From now on the data is expected there."""
        self.written.append((region, offset, data))

    # -- what has to hold

    def check_terminate(self, reason, quoted, sent):
        """The peer gets this Terminate, which quotes so many octets of what it sent, and then FIN."""
        fpdu = self.peer.receive_fpdu()
        while fpdu.opcode == wire.READ_RESPONSE:
            fpdu = self.peer.receive_fpdu()
        equal((fpdu.opcode, fpdu.qn, fpdu.msn, fpdu.mo, fpdu.last, fpdu.versions, fpdu.reserved),
              (wire.TERMINATE, 2, 1, 0, True, (1, 1), (0, 0)), "header of the Terminate")
        true(fpdu.crc_good or not self.crc, "the Terminate's CRC is wrong")
        term = fpdu.terminate()
        equal(term.reason(), reason, "layer, type and code of the Terminate")
        equal(len(term.quoted), quoted, "octets quoted")
        equal(term.quoted, sent[:quoted], "what is quoted")
        equal(term.bits, {0: 0, 48: 0xE0}.get(quoted, 0xC0), "M, D and R")
        equal(self.peer.end(), "fin", "what follows the Terminate")
        memory = reason[:2] in ((wire.RDMAP, wire.PROTECTION), (wire.DDP, wire.DDP_TAGGED))
        version = reason == (wire.DDP, wire.DDP_TAGGED, 4)
        self.event = QP_ACCESS_ERR if memory and not version else QP_FATAL

    def check_over(self, statuses=None):
        """The QP is in error, each work request has ended once, memory is as it should be."""
        statuses = {id: FLUSHED for id in self.receives + self.sends} | (statuses or {})
        self.endpoint.cm(self.conn, "DISCONNECTED")
        equal({id: self.endpoint.completion(self.conn, id).status for id in statuses}, statuses, "statuses")
        equal(self.endpoint.state(self.conn), ERROR, "QP state")
        if self.event is not None:
            self.endpoint.wait(Async, conn=self.conn, event=self.event)
        self.check_memory()
        self.bench.conns.remove(self.conn)
        self.endpoint.close(self.conn)
        equal([r for r in self.endpoint.drain() if isinstance(r, (Wc, Async))], [], "reports too many")

    def check_memory(self):
        for region in self.regions:
            expected = bytearray(pattern(region.seed, region.length))
            for where, offset, data in self.written:
                if where is region:
                    expected[offset:offset + len(data)] = data
            if expected == pattern(region.seed, region.length):
                equal(self.endpoint.check(region), "clean", f"memory of region {region.seed}")
            else:
                true(self.endpoint.check(region).startswith("data"), f"guards of region {region.seed}")
                equal(self.endpoint.dump(region), bytes(expected), f"memory of region {region.seed}")
