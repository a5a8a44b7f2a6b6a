"""What the hostile tests share: checks that count, waiting for a condition, memory, raw sockets with small buffers."""
import socket
import struct
import time

from tests.lib.resp import CLOSED, encode

WAIT_SECONDS_MAX = 20
SMALL_BUFFER_BYTES = 4096


class Failed(Exception):
    """A check that did not hold."""


class Checks:
    """Counts what was checked in a test."""

    def __init__(self):
        self.done = 0

    def true(self, good, what):
        self.done += 1
        if not good:
            raise Failed(what)

    def equal(self, found, wanted, what):
        self.true(found == wanted, '%s: %r instead of %r' % (what, found, wanted))

    def soon(self, condition, what, seconds_max=WAIT_SECONDS_MAX):
        """Waits until the condition holds."""
        until = time.monotonic() + seconds_max
        while not condition():
            if time.monotonic() > until:
                self.true(False, '%s: not within %d s' % (what, seconds_max))
            time.sleep(0.02)
        self.done += 1

    def answers(self, server):
        """The server is there, and speaks with others."""
        self.true(server.alive(), 'the server has ended')
        connection = server.connect()
        self.equal(connection.call('PING'), b'PONG', 'PING of another client')
        connection.close()

    def grown_at_most(self, server, before_kb, most_mb, what):
        grown = (server.resident_kb() - before_kb) / 1024
        self.true(grown <= most_mb, '%s: memory grew by %.1f MB, %d are allowed' % (what, grown, most_mb))

    def closes(self, connection, what):
        """Everything that comes is read; the server has to close."""
        rest = connection.read_to_end()
        self.true(not rest.endswith(b'(no reply)'), '%s: not closed' % what)
        return rest

    def alone(self, server, control):
        """The server has noticed that all others are gone."""
        self.soon(lambda: control.call('CLIENT', 'LIST').count(b' addr=') == 1, 'clients that are gone are forgotten')


def never_reading(server):
    """A connection whose receive buffer is as small as the kernel allows."""
    raw = socket.socket()
    raw.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, SMALL_BUFFER_BYTES)
    raw.connect(('127.0.0.1', server.port))
    return raw


def send_for(raw, data, seconds):
    """Sends until everything is sent, the time is over or the server has closed; returns the number of bytes."""
    raw.setblocking(False)
    view, sent, until = memoryview(data), 0, time.monotonic() + seconds
    while sent < len(view) and time.monotonic() < until:
        try:
            sent += raw.send(view[sent:sent + (1 << 16)])
        except BlockingIOError:
            time.sleep(0.005)
        except (ConnectionResetError, BrokenPipeError):
            break
    raw.setblocking(True)
    return sent


def reset(raw):
    """Closes with a RST, as a client that crashed behind a NAT does."""
    raw.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack('ii', 1, 0))
    raw.close()


def has_closed(raw):
    """Whether the server has closed the connection, without reading much of what it sent."""
    try:
        raw.settimeout(0.001)
        return raw.recv(1 << 16) == b''
    except (socket.timeout, BlockingIOError):
        return False
    except OSError:
        return True


__all__ = ['CLOSED', 'Checks', 'Failed', 'encode', 'has_closed', 'never_reading', 'reset', 'send_for']
