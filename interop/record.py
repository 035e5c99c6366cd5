"""Records what libzmq sends, as seeds of the fuzz target `stream`: `python interop/record.py fuzz/seeds/stream`.

For each pair of socket types and each mechanism two pyzmq sockets talk through a relay, which writes what each of them
sends into a file: three bytes that tell the target which side it is to be, then the bytes as they were.
"""

import pathlib
import socket
import sys
import threading
import time

import zmq
import zmq.auth.thread
import zmq.utils.z85

# The target's own order.
TYPES = ["REQ", "REP", "DEALER", "ROUTER", "PUB", "SUB", "XPUB", "XSUB", "PUSH", "PULL", "PAIR"]
# Who connects, and who binds.
PAIRS = [("REQ", "REP"), ("DEALER", "ROUTER"), ("SUB", "PUB"), ("XSUB", "XPUB"), ("PUSH", "PULL"), ("PAIR", "PAIR")]
# What the target is to be when it hears the one that connects, and the one that binds.
MECHANISMS = {"null": (0, 0), "plain": (1, 2), "curve": (3, 4)}
MOST = 2048


def relay(listener, port, heard):
    """Passes bytes on between the one that connects and the one that binds, and keeps them."""
    near, _ = listener.accept()
    far = socket.create_connection(("127.0.0.1", port))

    def pump(source, sink, kept):
        while data := source.recv(65536):
            kept.extend(data)
            sink.sendall(data)

    for source, sink, kept in ((near, far, heard[0]), (far, near, heard[1])):
        threading.Thread(target=pump, args=(source, sink, kept), daemon=True).start()


def secure(mechanism, connects, binds):
    if mechanism == "plain":
        connects.plain_username, connects.plain_password = b"ann", b"secret"
        binds.plain_server = True
    if mechanism == "curve":
        # The target's own keys, as it makes them.
        server, client = (zmq.utils.z85.encode(bytes([seed] * 32)) for seed in (1, 2))
        binds.curve_server, binds.curve_secretkey = True, server
        binds.curve_publickey = connects.curve_serverkey = zmq.curve_public(server)
        connects.curve_secretkey, connects.curve_publickey = client, zmq.curve_public(client)


def talk(connects, binds, kinds):
    """A few messages each way that the types allow, of one part and of more, short and long."""
    if kinds[0] in ("SUB", "XSUB"):
        connects.send(b"\x01news") if kinds[0] == "XSUB" else connects.subscribe("news")
        time.sleep(0.2)
        binds.send_multipart([b"news", b"of today"])
        connects.recv_multipart()
        return
    for message in ([b"hello"], [b"a", b"", b"b" * 300]):
        connects.send_multipart(message)
        got = binds.recv_multipart()
        if kinds[1] != "PULL":
            binds.send_multipart(got)
            connects.recv_multipart()


def record(folder, context, kinds, mechanism):
    connects, binds = (context.socket(getattr(zmq, kind)) for kind in kinds)
    for end in (connects, binds):
        end.linger, end.rcvtimeo = 0, 5000
        end.heartbeat_ivl = 100
    secure(mechanism, connects, binds)
    port = binds.bind_to_random_port("tcp://127.0.0.1")
    listener = socket.create_server(("127.0.0.1", 0))
    heard = (bytearray(), bytearray())
    threading.Thread(target=relay, args=(listener, port, heard), daemon=True).start()
    connects.connect(f"tcp://127.0.0.1:{listener.getsockname()[1]}")
    talk(connects, binds, kinds)
    # A heartbeat or two.
    time.sleep(0.25)
    for at, side in enumerate(heard):
        target = bytes([MECHANISMS[mechanism][at], TYPES.index(kinds[1 - at]), 0])
        name = f"{mechanism}-{kinds[at].lower()}-{('connects', 'binds')[at]}"
        (folder / name).write_bytes(target + bytes(side[:MOST]))
    connects.close()
    binds.close()


def main():
    folder = pathlib.Path(sys.argv[1])
    folder.mkdir(parents=True, exist_ok=True)
    context = zmq.Context()
    authenticator = zmq.auth.thread.ThreadAuthenticator(context)
    authenticator.start()
    authenticator.configure_plain(domain="*", passwords={"ann": "secret"})
    authenticator.configure_curve(domain="*", location=zmq.auth.CURVE_ALLOW_ANY)
    for mechanism in MECHANISMS:
        for kinds in PAIRS:
            record(folder, context, kinds, mechanism)
    authenticator.stop()


main()
