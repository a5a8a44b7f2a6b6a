"""RESP2 and RESP3 as tests need it: replies are kept as the bytes that came, and can be taken apart for a comparison.

A client library would turn replies into Python values and lose what is to be compared (simple against bulk string,
null against null array, the order of a map), so this is a reader of its own. It knows nothing of commands.
"""
import socket

SECONDS_MAX = 20


def encode(*arguments):
    """A command as a multibulk request. Strings and numbers become bytes."""
    parts = [b'*%d\r\n' % len(arguments)]
    for argument in arguments:
        if not isinstance(argument, bytes):
            argument = str(argument).encode()
        parts.append(b'$%d\r\n%s\r\n' % (len(argument), argument))
    return b''.join(parts)


class Broken(Exception):
    """What came is not RESP."""


class Value:
    """A reply taken apart: its type byte and a bytes (scalars), None (nulls), or a list of Value (a map is flat)."""
    __slots__ = ('kind', 'data')

    def __init__(self, kind, data):
        self.kind = kind
        self.data = data

    def __eq__(self, other):
        return isinstance(other, Value) and self.kind == other.kind and self.data == other.data

    def __repr__(self):
        return '%s%r' % (self.kind, self.data)

    @property
    def is_error(self):
        return self.kind in '-!'

    def items(self):
        """A map's pairs; RESP2 sends a map as an array of keys and values."""
        return list(zip(self.data[::2], self.data[1::2]))

    def plain(self):
        """Without the types: bytes, int, None and lists."""
        if isinstance(self.data, list):
            return [item.plain() for item in self.data]
        return int(self.data) if self.kind == ':' else self.data


# What a reply is replaced by when there is none.
CLOSED = b'(connection closed)'
SILENT = b'(no reply)'


class Connection:
    """One client connection whose replies are kept raw. Owner: the test."""

    def __init__(self, port=None, path=None, seconds_max=SECONDS_MAX):
        if path:
            self.socket = socket.socket(socket.AF_UNIX)
            self.socket.settimeout(seconds_max)
            self.socket.connect(path)
        else:
            self.socket = socket.create_connection(('127.0.0.1', port), timeout=seconds_max)
            self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.buffer = bytearray()
        self.position = 0

    def close(self):
        self.socket.close()

    def send(self, data):
        """False if the server has closed the connection."""
        try:
            self.socket.sendall(data)
            return True
        except (BrokenPipeError, ConnectionResetError):
            return False

    def send_end(self):
        """Tells the server that nothing more will be sent."""
        try:
            self.socket.shutdown(socket.SHUT_WR)
        except OSError:
            pass

    def _fill(self):
        data = self.socket.recv(1 << 18)
        if not data:
            raise EOFError
        self.buffer += data

    def _line(self):
        while True:
            end = self.buffer.find(b'\r\n', self.position)
            if end >= 0:
                line = bytes(self.buffer[self.position:end])
                self.position = end + 2
                return line
            self._fill()

    def _bytes(self, count):
        while len(self.buffer) < self.position + count:
            self._fill()
        data = bytes(self.buffer[self.position:self.position + count])
        self.position += count
        return data

    def _value(self):
        line = self._line()
        kind, rest = line[:1].decode('latin1'), line[1:]
        if kind in '+-:,#(':
            return Value(kind, rest)
        if kind == '_':
            return Value(kind, None)
        if kind in '$!=':
            if rest == b'-1':
                return Value(kind, None)
            data = self._bytes(int(rest) + 2)
            if data[-2:] != b'\r\n':
                raise Broken('bulk of %s bytes without its line end' % rest.decode())
            return Value(kind, data[:-2])
        if kind in '*~>%|':
            if rest == b'-1':
                return Value(kind, None)
            count = int(rest) * (2 if kind in '%|' else 1)
            return Value(kind, [self._value() for _ in range(count)])
        raise Broken('unknown type in %r' % line[:80])

    def read(self):
        """The next reply: (raw bytes, Value). With CLOSED or SILENT in place of the bytes there is no Value."""
        try:
            value = self._value()
        except (EOFError, ConnectionResetError):
            return CLOSED, None
        except (socket.timeout, TimeoutError):
            return SILENT, None
        except ValueError as error:
            raise Broken('not a number: %s' % error)
        raw = bytes(self.buffer[:self.position])
        del self.buffer[:self.position]
        self.position = 0
        return raw, value

    def read_to_end(self, mark=None):
        """All bytes until the server closes the connection, or until they end with `mark`."""
        try:
            while not (mark and self.buffer.endswith(mark)):
                self._fill()
            end = b''
        except (EOFError, ConnectionResetError):
            end = b''
        except (socket.timeout, TimeoutError):
            end = SILENT
        raw = bytes(self.buffer) + end
        self.buffer.clear()
        self.position = 0
        return raw

    def call(self, *arguments):
        """Sends a command and returns its reply without types. An error reply is returned as an exception object."""
        self.send(encode(*arguments))
        raw, value = self.read()
        if value is None:
            raise ConnectionError(raw.decode())
        if value.is_error:
            return RuntimeError(value.data.decode('latin1'))
        return value.plain()


def take_apart(raw):
    """The Value of one raw reply."""
    connection = Connection.__new__(Connection)
    connection.buffer = bytearray(raw)
    connection.position = 0
    connection._fill = _nothing_more
    return connection._value()


def _nothing_more():
    raise EOFError
