# SPDX-License-Identifier: GPL-2.0
"""What sock_diag says of a TCP socket, and ss -K without ss. Works in the namespace that it was made in."""

import os
import socket
import struct

from .stream import family

QUERY, DESTROY = 20, 21  # SOCK_DIAG_BY_FAMILY, SOCK_DESTROY
ERROR, REQUEST, ACK = 2, 1, 4  # of struct nlmsghdr
INFO, ULP_INFO = 2, 19  # INET_DIAG_*
ULP_NAME = 1  # INET_ULP_INFO_NAME
# include/portspace_flag.h
DEVICE, QPN, BYPASSES = 0x1000, 0x1001, 0x1002

ESTABLISHED, LISTEN = 1, 10


def attributes(data):
    found = {}
    while len(data) >= 4:
        length, kind = struct.unpack_from("=HH", data)
        found[kind & 0x3FFF] = data[4:length]
        data = data[(length + 3) & ~3:]
    return found


class Socket:
    """What was found: state, user, and the flag if there is one"""

    def __init__(self, answer):
        self.state = answer[1]
        self.uid, self.inode = struct.unpack_from("=II", answer, 64)
        every = attributes(answer[72:])
        self.info = every.get(INFO)
        ulp = attributes(every.get(ULP_INFO, b""))
        self.ulp = ulp[ULP_NAME].rstrip(b"\0").decode() if ULP_NAME in ulp else None
        self.device = ulp[DEVICE].rstrip(b"\0").decode() if DEVICE in ulp else None
        self.qpn, self.bypasses = (struct.unpack("=I", ulp[kind])[0] if kind in ulp else None for kind in (QPN, BYPASSES))


class Diag:
    def __init__(self):
        self.sock = socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, 4)
        self.sock.settimeout(10)

    def ask(self, kind, local, remote, flags=0):
        af = family(local[0])
        ports = struct.pack(">HH", local[1], remote[1])
        ends = b"".join(socket.inet_pton(af, end[0]).ljust(16, b"\0") for end in (local, remote))
        body = struct.pack("=BBBBI", af, socket.IPPROTO_TCP, 0xFF, 0, 0xFFF) + ports + ends + struct.pack("=III", 0, ~0 & 0xFFFFFFFF, ~0 & 0xFFFFFFFF)
        self.sock.send(struct.pack("=IHHII", 16 + len(body), kind, REQUEST | flags, 0, 0) + body)
        answer = self.sock.recv(65536)
        length, kind = struct.unpack_from("=IH", answer)
        if kind == ERROR:
            error = -struct.unpack_from("=i", answer, 16)[0]
            if error:
                raise OSError(error, os.strerror(error))
        return answer[16:length]

    def find(self, local, remote):
        """The socket between two (address, port), or None"""
        try:
            return Socket(self.ask(QUERY, local, remote))
        except FileNotFoundError:
            return None

    def destroy(self, local, remote):
        self.ask(DESTROY, local, remote, ACK)
