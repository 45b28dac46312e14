# SPDX-License-Identifier: GPL-2.0
"""IP packets of any kind, put on the wire as they are, and what comes back for them."""

import os
import socket
import struct
import time

from .stream import family

FIN, SYN, RST, PSH, ACK = 1, 2, 4, 8, 16
TCP, ICMP4, ICMP6, FRAGMENT = 6, 1, 58, 44
OUTGOING = 4  # PACKET_OUTGOING


def checksum(data):
    data += b"\0" * (len(data) % 2)
    total = sum(struct.unpack(f">{len(data) // 2}H", data))
    while total >> 16:
        total = (total & 0xFFFF) + (total >> 16)
    return ~total & 0xFFFF


def packed(address):
    return socket.inet_pton(family(address), address)


def pseudo(source, dest, protocol, length):
    if family(source) == socket.AF_INET:
        return packed(source) + packed(dest) + struct.pack(">BBH", 0, protocol, length)
    return packed(source) + packed(dest) + struct.pack(">II", length, protocol)


def ip(source, dest, protocol, payload):
    if family(source) == socket.AF_INET:
        header = struct.pack(">BBHHHBBH", 0x45, 0, 20 + len(payload), 1, 0, 64, protocol, 0) + packed(source) + packed(dest)
        return header[:10] + struct.pack(">H", checksum(header)) + header[12:] + payload
    return struct.pack(">IHBB", 6 << 28, len(payload), protocol, 64) + packed(source) + packed(dest) + payload


def segment(source, dest, flags, seq=0, ack=0, payload=b""):
    """A TCP segment from one (address, port) to another"""
    header = struct.pack(">HHIIBBHHH", source[1], dest[1], seq, ack, 5 << 4, flags, 1024, 0, 0)
    total = checksum(pseudo(source[0], dest[0], TCP, len(header + payload)) + header + payload)
    return header[:16] + struct.pack(">H", total) + header[18:] + payload


def tcp(source, dest, flags, seq=0, ack=0, payload=b""):
    return ip(source[0], dest[0], TCP, segment(source, dest, flags, seq, ack, payload))


def icmp(source, dest, kind, code, rest, payload):
    """From an address to another; rest is the second word of the header"""
    version4 = family(source) == socket.AF_INET
    message = struct.pack(">BBHI", kind, code, 0, rest) + payload
    prefix = b"" if version4 else pseudo(source, dest, ICMP6, len(message))
    message = message[:2] + struct.pack(">H", checksum(prefix + message)) + message[4:]
    return ip(source, dest, ICMP4 if version4 else ICMP6, message)


def fragments(source, dest, flags, payload):
    """An IPv6 segment in two"""
    whole = segment(source, dest, flags, payload=payload)
    cut = 24
    for offset, more, part in ((0, 1, whole[:cut]), (cut, 0, whole[cut:])):
        yield ip(source[0], dest[0], FRAGMENT, struct.pack(">BBHI", TCP, 0, offset | more, 77) + part)


class Answer:
    """A packet that came: TCP with its flags, an ICMP error, an echo; others are None"""

    def __init__(self, frame):
        kind = struct.unpack_from(">H", frame, 12)[0]
        packet = frame[14:]
        self.what = self.seq = None
        if kind == 0x0800:
            protocol, at = packet[9], (packet[0] & 15) * 4
        elif kind == 0x86DD:
            protocol, at = packet[6], 40
        else:
            return
        if protocol == TCP:
            self.what = f"TCP {struct.unpack_from('>HH', packet, at)} flags {packet[at + 13]:#x}"
        elif (protocol, packet[at]) in ((ICMP4, 0), (ICMP6, 129)):
            self.what, self.seq = "echo", struct.unpack_from(">H", packet, at + 6)[0]
        elif protocol == ICMP4 or (protocol == ICMP6 and packet[at] < 128):
            self.what = f"ICMP error {packet[at]}/{packet[at + 1]}"


class Wire:
    """One end of the Ethernet, below the IP of its namespace, in which it is made"""

    def __init__(self, device, here, there, patience=10):
        self.sock = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(3))
        self.sock.bind((device, 0))
        self.here, self.patience, self.echoes = here, patience, 0
        self.link = bytes.fromhex(there.replace(":", "")) + self.sock.getsockname()[4]

    def send(self, packet):
        self.sock.send(self.link + (b"\x08\x00" if packet[0] >> 4 == 4 else b"\x86\xdd") + packet)

    def receive(self, seconds):
        """The next packet from the other end, or None"""
        end = time.monotonic() + seconds
        while (left := end - time.monotonic()) > 0:
            self.sock.settimeout(left)
            try:
                frame, where = self.sock.recvfrom(65536)
            except TimeoutError:
                return None
            answer = Answer(frame)
            if where[2] != OUTGOING and answer.what:
                return answer
        return None

    def answers(self, there, linger=0.0):
        """All that the other end has sent for what it was sent; it has dealt with it when it answers an echo request."""
        self.echoes += 1
        identity = os.getpid() & 0xFFFF
        kind = 8 if family(there) == socket.AF_INET else 128
        self.send(icmp(self.here[family(there)], there, kind, 0, identity << 16 | self.echoes, b""))
        found = []
        while True:
            answer = self.receive(self.patience)
            if not answer:
                raise TimeoutError("the host does not answer an echo request")
            if answer.seq == self.echoes:
                break
            found.append(answer.what)
        while linger and (answer := self.receive(linger)):
            found.append(answer.what)
        return found
