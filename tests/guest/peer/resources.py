# SPDX-License-Identifier: GPL-2.0
"""`rdma resource show` of one device, asked over netlink since it is asked after every test."""

import socket
import struct

NETLINK_RDMA = 20
RES_GET = 5 << 10 | 9
REQUEST, DUMP = 0x1, 0x300
DEV_NAME, SUMMARY, ENTRY, ENTRY_NAME, ENTRY_CURR = 2, 15, 16, 17, 18
DONE, ERROR = 3, 2


def _attributes(data):
    while len(data) >= 4:
        length, kind = struct.unpack_from("=HH", data)
        yield kind & 0x3FFF, data[4:length]
        data = data[length + 3 & ~3:]


class Resources:
    """Asks in the network namespace in which it was made."""

    def __init__(self, device):
        self.device = device.encode() + b"\0"
        self.sock = socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, NETLINK_RDMA)
        self.sock.bind((0, 0))

    def count(self):
        self.sock.send(struct.pack("=IHHII", 16, RES_GET, REQUEST | DUMP, 0, 0))
        found = {}
        while True:
            data = self.sock.recv(65536)
            while data:
                length, kind = struct.unpack_from("=IH", data)
                if kind in (DONE, ERROR):
                    return found
                fields = dict(_attributes(data[16:length]))
                if fields[DEV_NAME] == self.device:
                    for _, entry in _attributes(fields[SUMMARY]):
                        item = dict(_attributes(entry))
                        found[item[ENTRY_NAME].rstrip(b"\0").decode()] = struct.unpack("=Q", item[ENTRY_CURR])[0]
                data = data[length + 3 & ~3:]
