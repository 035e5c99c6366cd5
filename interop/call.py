"""Calls a bowline service with a plain DEALER socket: call.py tcp://127.0.0.1:7400 Store/get '["greeting"]'"""
import json, struct, sys, zmq

OPEN, DATA, CREDIT, RESET = range(4)  # docs/mux.md explains all of them
FIN, MORE, DEFINE, ERROR, BARE, JSON = 0x08, 0x10, 0x20, 0x20, 0x40, 3

def join(number):
    return bytes([number]) if number < 128 else bytes([number & 127 | 128]) + join(number >> 7)

def split(frame):  # the number that it begins with, and the rest
    if frame[0] < 128:
        return frame[0], frame[1:]
    high, rest = split(frame[1:])
    return frame[0] & 127 | high << 7, rest

def call(dealer, method, arguments):
    name = 0xCBF29CE484222325  # FNV-1a of it stands for the method
    for byte in method.encode():
        name = (name ^ byte) * 0x100000001B3 % 2**64
    head = struct.pack("<BBBQQ", OPEN | FIN | DEFINE, 0, JSON, name, 0)
    dealer.send(head + json.dumps(arguments).encode())
    kind, message = 0, b""
    while not kind & FIN:
        frame = dealer.recv()
        kind, (_, payload) = frame[0], split(frame[1:])
        if kind & 7 == RESET:
            raise SystemExit("%s: code %d, %s" % (method, *split(payload)))
        if not kind & FIN:  # there may be more, of a stream without end too
            dealer.send(bytes([CREDIT, 0]) + join(max(32, len(payload))))
        message += payload
        if not kind & (MORE | BARE):
            yield ("failed: " if kind & ERROR else "") + json.dumps(json.loads(message))
            message = b""

dealer = zmq.Context().socket(zmq.DEALER)
dealer.connect(sys.argv[1])
for answer in call(dealer, sys.argv[2], json.loads(sys.argv[3])):
    print(answer, flush=True)
