"""A pyzmq peer that the interop tests drive: a JSON object a line in, a JSON object a line out.

Commands are `{"op": NAME, ...}`; the answer is `{"ok": VALUE}` or `{"error": SENTENCE}`. A message is a list of parts;
a part is a hexadecimal string, or `[size, seed]` for a generated body (see `body`), so that large messages don't pass
through JSON.
"""

import json
import os
import sys

import zmq
import zmq.auth.thread
import zmq.utils.monitor

# A command that waits longer than this fails; the tests themselves wait a little longer.
PATIENCE_MS = 45_000


def body(size, seed):
    """The same bytes as `shapes::body` in Rust: a period of 251 bytes, so that any shift shows."""
    block = bytes((seed + 7 * i) % 251 for i in range(251))
    return (block * (size // 251 + 1))[:size]


def encode(part):
    """The bytes of a part as it stands in a command."""
    return body(*part) if isinstance(part, list) else bytes.fromhex(part)


def difference(got, wanted):
    """Why two messages differ, or None."""
    if got == wanted:
        return None
    if len(got) != len(wanted):
        return f"{len(got)} parts instead of {len(wanted)}"
    for at, (a, b) in enumerate(zip(got, wanted)):
        if len(a) != len(b):
            return f"part {at} has {len(a)} bytes instead of {len(b)}"
        if a != b:
            return f"part {at} has the right length but other bytes"
    return None


class Peer:
    """Sockets by name, each with its monitor."""

    def __init__(self):
        self.context = zmq.Context()
        self.sockets = {}
        self.monitors = {}
        self.authenticator = None

    # Sockets

    def op_socket(self, name, type, options, monitor=False):
        """Makes a socket. Options have libzmq's names; a list is a list of values to set one after the other."""
        socket = self.context.socket(getattr(zmq, type))
        socket.linger = 0
        socket.sndtimeo = PATIENCE_MS
        socket.rcvtimeo = PATIENCE_MS
        for key, value in options.items():
            value = value.encode() if isinstance(value, str) else value
            socket.setsockopt(getattr(zmq, key), value)
        self.sockets[name] = socket
        if monitor:
            self.monitors[name] = socket.get_monitor_socket()

    def op_close(self, name, linger=0):
        socket = self.sockets.pop(name)
        monitor = self.monitors.pop(name, None)
        if monitor is not None:
            # libzmq waits until somebody can take its last event: the reader must be there until then.
            socket.disable_monitor()
            monitor.close(linger=0)
        socket.close(linger=linger)

    def op_bind(self, name, endpoint):
        self.sockets[name].bind(endpoint)
        return self.sockets[name].getsockopt(zmq.LAST_ENDPOINT).rstrip(b"\0").decode()

    def op_unbind(self, name, endpoint):
        self.sockets[name].unbind(endpoint)

    def op_connect(self, name, endpoint):
        self.sockets[name].connect(endpoint)

    def op_disconnect(self, name, endpoint):
        self.sockets[name].disconnect(endpoint)

    def op_subscribe(self, name, topic):
        self.sockets[name].setsockopt(zmq.SUBSCRIBE, bytes.fromhex(topic))

    def op_unsubscribe(self, name, topic):
        self.sockets[name].setsockopt(zmq.UNSUBSCRIBE, bytes.fromhex(topic))

    # Messages

    def op_send(self, name, messages):
        """Sends each message. An error number comes back by its name, e.g. `EHOSTUNREACH`."""
        for message in messages:
            self.sockets[name].send_multipart([encode(part) for part in message])

    def op_recv(self, name):
        """The next message, its parts in hexadecimal."""
        return [part.hex() for part in self.sockets[name].recv_multipart()]

    def op_expect(self, name, messages, skip=0):
        """Receives exactly these messages, behind `skip` parts of envelope; the last envelope, in hexadecimal."""
        envelope = []
        for at, wanted in enumerate(messages):
            got = self.sockets[name].recv_multipart()
            envelope, got = got[:skip], got[skip:]
            problem = difference(got, [encode(part) for part in wanted])
            if problem:
                raise ValueError(f"message {at} of {len(messages)}: {problem}")
        return [part.hex() for part in envelope]

    def op_echo(self, name, count, skip=0):
        """Answers `count` requests with themselves."""
        for _ in range(count):
            self.sockets[name].send_multipart(self.sockets[name].recv_multipart())

    def op_cycle(self, endpoint):
        """Asks one question with a new REQ, and closes it."""
        with self.context.socket(zmq.REQ) as socket:
            socket.linger = 0
            socket.rcvtimeo = PATIENCE_MS
            socket.connect(endpoint)
            socket.send(b"?")
            if socket.recv() != b"?":
                raise ValueError("another answer")

    def op_request(self, name, messages, envelope=()):
        """Sends each message behind `envelope` and expects it back the same."""
        envelope = [encode(part) for part in envelope]
        for at, message in enumerate(messages):
            wanted = envelope + [encode(part) for part in message]
            self.sockets[name].send_multipart(wanted)
            problem = difference(self.sockets[name].recv_multipart(), wanted)
            if problem:
                raise ValueError(f"reply {at} of {len(messages)}: {problem}")

    def op_poll(self, name, milliseconds):
        """Whether a message can be received within that time."""
        return self.sockets[name].poll(milliseconds) != 0

    # Events

    def op_event(self, name, any):
        """Waits until the monitor tells one of the events named; that one and all that came before it."""
        monitor, seen = self.monitors[name], []
        while monitor.poll(PATIENCE_MS):
            message = zmq.utils.monitor.recv_monitor_message(monitor)
            event = zmq.Event(message["event"]).name
            seen.append(event)
            if event in any:
                return {"event": event, "value": message["value"], "seen": seen}
        raise TimeoutError(f"none of {any} came, only {seen}")

    def op_seen(self, name):
        """The events that have come, without waiting."""
        monitor, seen = self.monitors[name], []
        while monitor.poll(0):
            message = zmq.utils.monitor.recv_monitor_message(monitor)
            seen.append(zmq.Event(message["event"]).name)
        return seen

    # Authentication

    def op_passwords(self, users):
        """Admits these users to the PLAIN servers of this process."""
        self.judge().configure_plain(domain="*", passwords=users)

    def op_keys(self, folder):
        """Admits the clients whose certificates are in this folder to the CURVE servers of this process."""
        self.judge().configure_curve(domain="*", location=folder)

    def op_certificate(self, folder, name):
        """Makes a certificate of that name; its secret key."""
        _, secret = zmq.auth.create_certificates(folder, name)
        return zmq.auth.load_certificate(secret)[1].decode()

    def judge(self):
        if self.authenticator is None:
            self.authenticator = zmq.auth.thread.ThreadAuthenticator(self.context)
            self.authenticator.start()
        return self.authenticator

    def op_hush(self):
        """What libzmq prints of its own end is told to nobody: it is expected."""
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stderr.fileno())

    def op_version(self):
        return f"pyzmq {zmq.pyzmq_version()}, libzmq {zmq.zmq_version()}"

    # The conversation

    def answer(self, line):
        """The answer to one command line."""
        try:
            command = json.loads(line)
            operation = getattr(self, "op_" + command.pop("op"))
            return {"ok": operation(**command)}
        except zmq.ZMQError as error:
            name = next((e.name for e in zmq.Errno if e.value == error.errno), str(error.errno))
            return {"error": f"{name}: {error}"}
        except Exception as error:  # every failure is an answer: the test says what it was about
            return {"error": f"{type(error).__name__}: {error}"}

    def run(self):
        """Answers until stdin ends."""
        for line in sys.stdin:
            print(json.dumps(self.answer(line)), flush=True)
        if self.authenticator is not None:
            self.authenticator.stop()
        self.context.destroy(linger=0)


if __name__ == "__main__":
    Peer().run()
