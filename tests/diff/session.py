"""One server's side of a run: its connections, and the steps carried out on them.

The sessions of both servers are given the same script; a session knows nothing of the other, and judges nothing.
"""
import time

from tests.lib import resp

PIECE_GAP_SECONDS = 0.001
SCAN_STEPS_MAX = 100000
# Where the clients of earlier scripts would be seen.
COUNT_CLIENTS = ('client|list', 'client|kill', 'info')


class Outcome:
    """What a step brought: raw replies, each with its Value (None if there was no reply)."""
    __slots__ = ('raw', 'value')

    def __init__(self, raw, value):
        self.raw = raw
        self.value = value


class Session:
    """A script in progress on one server. Connections are opened when a step first names them."""

    def __init__(self, server, protocol):
        self.server = server
        self.protocol = protocol
        self.control = self._open()
        self.connections = {}
        self.ids = {}

    def _open(self):
        connection = self.server.connect()
        if self.protocol == 3:
            self._greet(connection)
        return connection

    @staticmethod
    def _greet(connection):
        reply = connection.call('HELLO', '3')
        if isinstance(reply, Exception):
            raise ConnectionError('HELLO 3: %s' % reply)

    def connection(self, number):
        if number not in self.connections:
            self.connections[number] = self._open()
        return self.connections[number]

    # What a script's arguments may ask for.
    def client_id(self, number):
        if number not in self.ids:
            self.ids[number] = self.connection(number).call('CLIENT', 'ID')
        return b'%d' % self.ids[number]

    def client_address(self, number):
        return b'%s:%d' % tuple(part if isinstance(part, int) else part.encode()
                                for part in self.connection(number).socket.getsockname())

    def server_address(self):
        return b'127.0.0.1:%d' % self.server.port

    # Life of a script.
    def begin(self, script):
        self.connections = {}
        self.ids = {}
        self.control.call('FLUSHALL')
        if any(step.name in COUNT_CLIENTS for step in script.steps):
            self._wait_until_alone()
        for number in sorted({step.connection for step in script.steps if step.how in ('call', 'scan')}):
            self.connection(number).call('PING')

    def _wait_until_alone(self):
        """Until the server has noticed that the connections of earlier scripts were closed."""
        until = time.monotonic() + resp.SECONDS_MAX
        while time.monotonic() < until:
            listed = self.control.call('CLIENT', 'LIST')
            if isinstance(listed, Exception) or listed.count(b' addr=') == 1:
                return
            time.sleep(0.001)

    def end(self, script):
        """Replies to what puts things back are not compared; that they are put back shows in the next script."""
        for connection in self.connections.values():
            connection.close()
        for arguments in script.last:
            self.control.call(*arguments)

    def close(self):
        for connection in self.connections.values():
            connection.close()
        self.control.close()

    # Steps.
    def words(self, step):
        return [word(self) if callable(word) else word for word in step.arguments]

    def send(self, step):
        """The first half of a call, so that both servers work at the same time."""
        if step.how == 'call':
            self.connection(step.connection).send(resp.encode(*self.words(step)))

    def receive(self, step):
        """The second half: the outcomes of the step."""
        if step.how == 'call':
            return [self.read(step, self.connection(step.connection)) for _ in range(step.replies)]
        if step.how == 'scan':
            return [self.read_scan(step)]
        if step.how == 'raw':
            return [self.read_raw(step)]
        time.sleep(step.wait_ms / 1000)
        return []

    def read(self, step, connection):
        return Outcome(*connection.read())

    def send_all(self, steps):
        """Everything in one write, for a pipelined script (which uses connection 0 alone)."""
        self.connection(0).send(b''.join(resp.encode(*self.words(step)) for step in steps))

    def read_scan(self, step):
        """Follows the cursor to its end; all elements, sorted and once each, as one made-up reply."""
        words = self.words(step)
        cursor, found = b'0', set()
        for _ in range(SCAN_STEPS_MAX):
            connection = self.connection(step.connection)
            connection.send(resp.encode(*words[:step.cursor_at], cursor, *words[step.cursor_at:]))
            raw, value = connection.read()
            if value is None or value.is_error:
                return Outcome(raw, value)
            cursor = value.data[0].data
            found.update(element.data for element in value.data[1].data)
            if cursor == b'0':
                return Outcome(b'%d elements: %s' % (len(found), b' '.join(sorted(found))), value)
        return Outcome(b'(the cursor does not come back to 0)', None)

    def read_raw(self, step):
        connection = self.server.connect()
        if self.protocol == 3:
            self._try_greet(connection)
        for number, piece in enumerate(step.pieces):
            if number:
                time.sleep(PIECE_GAP_SECONDS)
            if not connection.send(piece):
                break
        if not step.until:
            connection.send_end()
        raw = connection.read_to_end(step.until)
        connection.close()
        return Outcome(raw, None)

    @staticmethod
    def _try_greet(connection):
        """Also where a password is asked for, and the greeting is refused."""
        connection.call('HELLO', '3')

    # State.
    def state(self, databases):
        """{(database, key): (type, encoding, contents, time to live in ms)} of everything there is."""
        found = {}
        for database in sorted(databases):
            self.control.call('SELECT', database)
            keys = self.control.call('KEYS', '*')
            if isinstance(keys, Exception):
                raise ConnectionError('KEYS: %s' % keys)
            keys.sort()
            self.control.send(b''.join(resp.encode(*question) for key in keys
                                       for question in ((b'TYPE', key), (b'OBJECT', b'ENCODING', key), (b'PTTL', key))))
            answers = [self.control.read() for _ in range(3 * len(keys))]
            for number, key in enumerate(keys):
                kind, encoding, left = (value for _, value in answers[3 * number:3 * number + 3])
                found[database, key] = (kind.data, encoding.data, self._contents(key, kind.data), int(left.data))
        self.control.call('SELECT', 0)
        return found

    def _contents(self, key, kind):
        questions = {b'string': ('GET', key), b'list': ('LRANGE', key, 0, -1), b'set': ('SMEMBERS', key),
                     b'hash': ('HGETALL', key), b'zset': ('ZRANGE', key, 0, -1, 'WITHSCORES'),
                     b'stream': ('XRANGE', key, '-', '+')}
        if kind not in questions:
            return None
        contents = self.control.call(*questions[kind])
        if kind == b'set':
            contents.sort()
        if kind == b'hash':
            contents = sorted(zip(contents[::2], contents[1::2]))
        if kind == b'zset':
            flat = contents if self.protocol == 2 else [word for pair in contents for word in pair]
            contents = [(member, float(score)) for member, score in zip(flat[::2], flat[1::2])]
        return contents
