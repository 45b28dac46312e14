# SPDX-License-Identifier: GPL-2.0
"""Every bit of MPA, DDP and RDMAP, made and taken apart from the RFCs alone; the modules' headers are not consulted."""

import struct
from dataclasses import dataclass

REQUEST_KEY = b"MPA ID Req Frame"
REPLY_KEY = b"MPA ID Rep Frame"

MARKERS, CRC, REJECT, ENHANCED = 0x80, 0x40, 0x20, 0x10

# RFC 6581: control bits beside IRD and ORD
P2P, RTR_SEND = 0x8000, 0x4000  # in IRD
RTR_WRITE, RTR_READ = 0x8000, 0x4000  # in ORD
DEPTH = 0x3FFF

WRITE, READ_REQUEST, READ_RESPONSE, SEND, SEND_INV, SEND_SE, SEND_SE_INV, TERMINATE = range(8)
TAGGED = {WRITE, READ_RESPONSE}

# Terminate: layers and error types
RDMAP, DDP, LLP = 0, 1, 2
PROTECTION, OPERATION = 1, 2  # of RDMAP
DDP_TAGGED, DDP_UNTAGGED, DDP_LLP = 1, 2, 3  # of DDP


def _crc_table():
    table = []
    for value in range(256):
        for _ in range(8):
            value = value >> 1 ^ (0x82F63B78 if value & 1 else 0)
        table.append(value)
    return table


_TABLE = _crc_table()


def crc32c(data):
    crc = 0xFFFFFFFF
    for octet in data:
        crc = _TABLE[(crc ^ octet) & 0xFF] ^ crc >> 8
    return crc ^ 0xFFFFFFFF


@dataclass
class Frame:
    """An MPA request or reply; pd is all of the private data, RFC 6581's four octets included."""

    key: bytes = REQUEST_KEY
    flags: int = CRC
    revision: int = 1
    pd: bytes = b""
    length: int = None  # pd_length if it is to lie

    def encode(self):
        length = len(self.pd) if self.length is None else self.length
        return self.key + struct.pack(">BBH", self.flags, self.revision, length) + self.pd

    @property
    def ird(self):
        return struct.unpack_from(">H", self.pd, 0)[0] & DEPTH

    @property
    def ord(self):
        return struct.unpack_from(">H", self.pd, 2)[0] & DEPTH

    @property
    def ird_bits(self):
        return struct.unpack_from(">H", self.pd, 0)[0] & ~DEPTH

    @property
    def ord_bits(self):
        return struct.unpack_from(">H", self.pd, 2)[0] & ~DEPTH


def request(revision=1, flags=CRC, pd=b"", ird=None, ord=0, **more):
    return _frame(REQUEST_KEY, revision, flags, pd, ird, ord, more)


def reply(revision=1, flags=CRC, pd=b"", ird=None, ord=0, **more):
    return _frame(REPLY_KEY, revision, flags, pd, ird, ord, more)


def _frame(key, revision, flags, pd, ird, ord, more):
    """With ird (and its bits) the enhanced form."""
    if ird is not None:
        flags |= ENHANCED
        pd = struct.pack(">HH", ird, ord) + pd
    return Frame(**{"key": key, "flags": flags, "revision": revision, "pd": pd, **more})


def fpdu(ulpdu, crc=True, length=None, spoil=0):
    """crc False: the field is there and zero; spoil is XORed into it."""
    data = struct.pack(">H", len(ulpdu) if length is None else length) + ulpdu
    data += bytes(-len(data) % 4)
    return data + struct.pack("<I", (crc32c(data) if crc else 0) ^ spoil)


def control(opcode, tagged, last=True, version=1, rdmap_version=1):
    return bytes([tagged << 7 | last << 6 | version, rdmap_version << 6 | opcode])


def tagged(opcode, stag, to, payload=b"", tagged=True, **more):
    return control(opcode, tagged, **more) + struct.pack(">IQ", stag, to & (1 << 64) - 1) + payload


def untagged(opcode, qn, msn, mo=0, payload=b"", inval=0, tagged=False, **more):
    return control(opcode, tagged, **more) + struct.pack(">IIII", inval, qn, msn, mo) + payload


def read_request(msn, sink_stag, sink_to, size, stag, to, mo=0, qn=1, extra=b"", cut=0, **more):
    payload = struct.pack(">IQIIQ", sink_stag, sink_to, size, stag, to & (1 << 64) - 1) + extra
    return untagged(READ_REQUEST, qn, msn, mo, payload[:len(payload) - cut], **more)


def terminate(layer, etype, ecode, quoted=b"", msn=1, cut=0):
    """quoted: the refused segment from its length on."""
    bits = 0xC0 if quoted else 0
    payload = bytes([layer << 4 | etype, ecode, bits, 0]) + quoted
    return untagged(TERMINATE, 2, msn, 0, payload[:len(payload) - cut])


def mainlines_terminate(layer, etype, ecode, quoted):
    """As mainline's siw on a little-endian machine has it: of the control word, what has less than an octet is reversed."""
    return untagged(TERMINATE, 2, 1, 0, bytes([etype << 4 | layer, ecode, 7 if len(quoted) == 48 else 3, 0]) + quoted)


@dataclass
class Terminate:
    layer: int
    etype: int
    ecode: int
    bits: int
    quoted: bytes

    def reason(self):
        return (self.layer, self.etype, self.ecode)


class Fpdu:
    """A received FPDU."""

    def __init__(self, data):
        self.length = struct.unpack_from(">H", data)[0]
        end = 2 + self.length
        self.ulpdu, self.pad, self.crc = data[2:end], data[end:-4], struct.unpack("<I", data[-4:])[0]
        self.crc_good = crc32c(data[:-4]) == self.crc
        ddp, rdmap = self.ulpdu[0], self.ulpdu[1]
        self.tagged, self.last = bool(ddp & 0x80), bool(ddp & 0x40)
        self.versions = (ddp & 3, rdmap >> 6)
        self.reserved = (ddp & 0x3C, rdmap & 0x30)
        self.opcode = rdmap & 15
        if self.tagged:
            self.stag, self.to = struct.unpack_from(">IQ", self.ulpdu, 2)
            self.payload = self.ulpdu[14:]
        else:
            self.inval, self.qn, self.msn, self.mo = struct.unpack_from(">IIII", self.ulpdu, 2)
            self.payload = self.ulpdu[18:]

    def read_request(self):
        """sink STag, sink TO, size, source STag, source TO"""
        return struct.unpack(">IQIIQ", self.payload)

    def terminate(self):
        head = self.payload[:4]
        return Terminate(head[0] >> 4, head[0] & 15, head[1], head[2], self.payload[4:])

    def __repr__(self):
        where = f"stag={self.stag:#x} to={self.to:#x}" if self.tagged else f"qn={self.qn} msn={self.msn} mo={self.mo}"
        return f"<opcode {self.opcode} {where} last={self.last} {len(self.payload)} octets>"
