# SPDX-License-Identifier: GPL-2.0
"""The scripted side's TCP connection, before and in FPDU mode."""

import socket
import struct

from . import wire

PATIENCE = 30  # seconds; nothing is decided by it but that a test has failed


def family(address):
    return socket.AF_INET6 if ":" in address else socket.AF_INET


class Listener:
    def __init__(self, address, backlog=64):
        self.sock = socket.socket(family(address), socket.SOCK_STREAM)
        self.sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        self.sock.bind((address, 0))
        self.sock.listen(backlog)
        self.sock.settimeout(PATIENCE)
        self.port = self.sock.getsockname()[1]

    def accept(self):
        return Stream(self.sock.accept()[0])

    def nobody(self):
        """Has nobody come?"""
        self.sock.settimeout(0)
        try:
            self.sock.accept()[0].close()
            return False
        except BlockingIOError:
            return True
        finally:
            self.sock.settimeout(PATIENCE)

    def close(self):
        self.sock.close()


class Stream:
    """crc: of FPDUs sent. What is received is parsed, not judged."""

    def __init__(self, sock):
        self.sock, self.crc = sock, True
        self.msn = [1, 1, 1]
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        sock.settimeout(PATIENCE)

    @classmethod
    def connect(cls, address, port):
        sock = socket.socket(family(address), socket.SOCK_STREAM)
        sock.settimeout(PATIENCE)
        sock.connect((address, port))
        return cls(sock)

    def port(self):
        return self.sock.getsockname()[1]

    def send(self, data):
        self.sock.sendall(data)

    def send_frame(self, frame):
        self.send(frame.encode())

    def send_fpdu(self, ulpdu, **more):
        self.send(wire.fpdu(ulpdu, **{"crc": self.crc, **more}))

    def send_untagged(self, opcode, payload=b"", qn=0, **more):
        """A whole message of one segment, with the MSN that is due"""
        self.send_fpdu(wire.untagged(opcode, qn, self.next_msn(qn), 0, payload, **more))

    def next_msn(self, qn):
        self.msn[qn] += 1
        return self.msn[qn] - 1

    def receive(self, size):
        data = bytearray()
        while len(data) < size:
            part = self.sock.recv(size - len(data))
            if not part:
                raise EOFError(f"the connection ended after {len(data)} of {size} octets: {bytes(data).hex()}")
            data += part
        return bytes(data)

    def receive_frame(self):
        head = self.receive(20)
        flags, revision, length = struct.unpack(">BBH", head[16:])
        return wire.Frame(head[:16], flags, revision, self.receive(length))

    def receive_fpdu(self):
        head = self.receive(2)
        length = struct.unpack(">H", head)[0]
        return wire.Fpdu(head + self.receive(length + -(length + 2) % 4 + 4))

    def pending(self):
        """Octets that have come and were not received"""
        self.sock.settimeout(0)
        try:
            return len(self.sock.recv(1 << 20, socket.MSG_PEEK))
        except BlockingIOError:
            return 0
        finally:
            self.sock.settimeout(PATIENCE)

    def end(self):
        """How the other side ends: "fin" or "reset", with nothing before it"""
        try:
            data = self.sock.recv(65536)
        except ConnectionResetError:
            return "reset"
        return f"data: {data.hex()}" if data else "fin"

    def finish(self):
        self.sock.shutdown(socket.SHUT_WR)

    def reset(self):
        self.sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.sock.close()

    def close(self):
        self.sock.close()
