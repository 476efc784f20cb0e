#!/usr/bin/env python3
"""Passes TCP connections on to a server on this machine, and delays what it carries.

usage: slow_proxy.py SERVER_PORT MILLISECONDS

Prints the port that it listens on, on 127.0.0.1, and runs until it is ended. Half of the delay is added to each
direction, so MILLISECONDS is what a round trip takes more. The bandwidth stays what it was: bytes that are delayed do
not hold up those behind them.
"""

import collections
import socket
import sys
import threading
import time

PIECE = 1 << 18
AHEAD = 64  # pieces of a direction that may be in transit, like those in a network's buffers


class Direction:
    """One direction of a connection: one thread reads, another writes each piece after its delay."""

    def __init__(self, source, target, delay):
        self.source, self.target, self.delay = source, target, delay
        self.pieces = collections.deque()
        self.changed = threading.Condition()
        for work in (self.read, self.write):
            threading.Thread(target=work, daemon=True).start()

    def read(self):
        while True:
            try:
                piece = self.source.recv(PIECE)
            except OSError:
                piece = b""
            with self.changed:
                while piece and len(self.pieces) >= AHEAD:
                    self.changed.wait()
                self.pieces.append((time.monotonic() + self.delay, piece))
                self.changed.notify_all()
            if not piece:
                return

    def write(self):
        while True:
            with self.changed:
                while not self.pieces:
                    self.changed.wait()
                due, piece = self.pieces.popleft()
                self.changed.notify_all()
            wait = due - time.monotonic()
            if wait > 0:
                time.sleep(wait)
            try:
                if not piece:
                    self.target.shutdown(socket.SHUT_WR)
                    return
                self.target.sendall(piece)
            except OSError:
                # The other side is gone: its own direction ends the connection.
                self.source.close()
                return


def main():
    port, delay = int(sys.argv[1]), float(sys.argv[2]) / 2000
    listener = socket.create_server(("127.0.0.1", 0))
    print(listener.getsockname()[1], flush=True)
    while True:
        client, _ = listener.accept()
        server = socket.create_connection(("127.0.0.1", port))
        for end in (client, server):
            end.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        Direction(client, server, delay)
        Direction(server, client, delay)


if __name__ == "__main__":
    if len(sys.argv) != 3:
        print(__doc__.strip(), file=sys.stderr)
        sys.exit(64)
    main()
