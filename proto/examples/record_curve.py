"""The libzmq side of `record_curve.rs`: `record_curve.py client|server PORT`."""

import sys
import time

import zmq
import zmq.utils.z85

role, port = sys.argv[1:]
context = zmq.Context()
socket = context.socket(zmq.PUSH)
socket.setsockopt(zmq.HEARTBEAT_IVL, 50)


def keys(seed):
    """The pair whose secret is 32 times this byte."""
    secret = zmq.utils.z85.encode(bytes([seed]) * 32)
    return zmq.curve_public(secret), secret


if role == "client":
    socket.curve_publickey, socket.curve_secretkey = keys(2)
    socket.curve_serverkey = keys(1)[0]
    socket.connect(f"tcp://127.0.0.1:{port}")
else:
    socket.curve_secretkey = keys(1)[1]
    socket.curve_server = True
    socket.bind(f"tcp://127.0.0.1:{port}")
socket.send(b"attack at dawn")
time.sleep(0.3)
socket.send_multipart([b"two", b"parts"])
socket.send(b"")
socket.send(bytes(range(256)) * 5)
socket.close(linger=5000)
context.term()
