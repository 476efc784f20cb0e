#!/usr/bin/env python3
"""Makes a fresh mongod a replica set of one, with nothing but Python's standard library.

usage: replset.py port PREFERRED   print a free port of 127.0.0.1, PREFERRED or one of those after it
       replset.py ready PORT       initiate the set rs0 where needed; return once it takes writes
       replset.py version URI      print the server's version; exit status 3: nobody answers, 4: no mongodb:// URI

Neither mongosh nor a driver is needed on the machine, so the few commands are spoken by hand: OP_MSG
(MongoDB's wire protocol) with a BSON document that only ever holds strings, numbers, lists and documents.
"""

import re
import socket
import struct
import sys
import time

SET = "rs0"
NOT_YET_INITIALIZED = 94  # the server's error code for a member without a configuration
TIMEOUT = 60  # seconds; a data folder that needs recovery takes a while


def encode(document):
    body = b""
    for key, value in document.items():
        name = key.encode() + b"\0"
        if isinstance(value, bool):
            body += b"\x08" + name + struct.pack("<?", value)
        elif isinstance(value, int):
            body += b"\x10" + name + struct.pack("<i", value)
        elif isinstance(value, str):
            text = value.encode() + b"\0"
            body += b"\x02" + name + struct.pack("<i", len(text)) + text
        elif isinstance(value, list):
            body += b"\x04" + name + encode({str(i): item for i, item in enumerate(value)})
        else:
            body += b"\x03" + name + encode(value)
    return struct.pack("<i", len(body) + 5) + body + b"\0"


def decode(data):
    """The document's elements, without those of types that no caller here reads."""
    fixed = {0x01: 8, 0x06: 0, 0x07: 12, 0x08: 1, 0x09: 8, 0x0A: 0, 0x10: 4, 0x11: 8, 0x12: 8, 0x13: 16}
    beside_length = {0x02: 4, 0x05: 5, 0x0D: 4}  # what the length of a string or binary does not include
    document, at = {}, 4
    while data[at] != 0:
        kind, end = data[at], data.index(b"\0", at + 1)
        key, at = data[at + 1 : end].decode(), end + 1
        if kind in fixed:
            size = fixed[kind]
        else:
            size = struct.unpack_from("<i", data, at)[0] + beside_length.get(kind, 0)
        value, at = data[at : at + size], at + size
        if kind == 0x01:
            document[key] = struct.unpack("<d", value)[0]
        elif kind == 0x02:
            document[key] = value[4:-1].decode()
        elif kind == 0x03:
            document[key] = decode(value)
        elif kind == 0x04:
            document[key] = list(decode(value).values())
        elif kind == 0x08:
            document[key] = value != b"\0"
        elif kind == 0x10:
            document[key] = struct.unpack("<i", value)[0]
    return document


def receive(connection, count):
    data = b""
    while len(data) < count:
        part = connection.recv(count - len(data))
        if not part:
            raise ConnectionError("the server closed the connection")
        data += part
    return data


def run(connection, command):
    message = struct.pack("<iB", 0, 0) + encode({**command, "$db": "admin"})
    connection.sendall(struct.pack("<4i", len(message) + 16, 1, 0, 2013) + message)
    length = struct.unpack("<4i", receive(connection, 16))[0]
    if not 0 < length < 1 << 25:
        raise ConnectionError("not a MongoDB server")
    return decode(receive(connection, length - 16)[5:])


def port(preferred):
    for candidate in [*range(preferred, preferred + 100), 0]:  # 0: whichever the system gives
        with socket.socket() as listener:
            # Like mongod: a port in TIME_WAIT counts as free, one that another process listens on does not.
            listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                listener.bind(("127.0.0.1", candidate))
                listener.listen(1)
            except OSError:
                continue
            return listener.getsockname()[1]
    raise OSError("no port of 127.0.0.1 is free")


def step(connection, host):
    """Takes one step towards a primary that calls itself `host`. Returns True once it exists, else what is wrong."""
    hello = run(connection, {"hello": 1})
    if hello.get("isWritablePrimary") and hello.get("me") == host:
        return True
    members = [{"_id": 0, "host": host}]
    reply = run(connection, {"replSetGetConfig": 1})
    if reply.get("code") == NOT_YET_INITIALIZED:
        reply = run(connection, {"replSetInitiate": {"_id": SET, "members": members}})
    elif reply.get("ok") == 1 and reply["config"]["members"][0]["host"] != host:
        # The data folder was last served at another port. Forced, because no member is left to vote on it.
        reply = run(connection, {"replSetReconfig": {"_id": SET, "version": 1, "members": members}, "force": True})
    return reply.get("errmsg", "no primary yet")


def ready(number):
    deadline, state = time.monotonic() + TIMEOUT, "it was not asked"
    while time.monotonic() < deadline:
        try:
            with socket.create_connection(("127.0.0.1", number), timeout=10) as connection:
                while (state := step(connection, f"127.0.0.1:{number}")) is not True:
                    if time.monotonic() > deadline:
                        break
                    time.sleep(0.05)
                else:
                    return
        except OSError as error:
            # The connection is refused while the server starts, and closed when it becomes a member.
            state = error
            time.sleep(0.05)
    sys.exit(f"no writable primary at 127.0.0.1:{number} within {TIMEOUT} seconds: {state}")


def version(uri):
    match = re.match(r"mongodb://(?:[^/?]*@)?([^/?]+)", uri)
    if not match:
        print("unknown (only mongodb:// URIs can be asked)")
        sys.exit(4)
    answered = False
    for host in match[1].split(","):
        name, _, number = host.rpartition(":") if re.search(r":\d+$", host) else (host, "", "27017")
        try:
            with socket.create_connection((name.strip("[]"), int(number)), timeout=3) as connection:
                answered = True
                if "version" in (reply := run(connection, {"buildInfo": 1})):
                    return reply["version"]
        except OSError:
            continue
    print("unknown (it does not answer without TLS or a login)" if answered else "unknown (nobody answers)")
    sys.exit(0 if answered else 3)


def main(arguments):
    if arguments and arguments[0] in ("-h", "--help"):
        print(__doc__.strip())
    elif len(arguments) != 2 or arguments[0] not in ("port", "ready", "version"):
        print(__doc__.strip(), file=sys.stderr)
        sys.exit(64)
    elif arguments[0] == "port":
        print(port(int(arguments[1])))
    elif arguments[0] == "ready":
        ready(int(arguments[1]))
    else:
        print(version(arguments[1]))


if __name__ == "__main__":
    main(sys.argv[1:])
