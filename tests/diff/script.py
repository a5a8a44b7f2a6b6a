"""What is run on both servers: scripts of steps, and the builder that the families' generators fill them with.

A script sets up a state of its own and is independent of others. A step is one command (a *case* if it is what the
script is there for, else an observer), a loop over a cursor, raw bytes on a connection of their own, or a wait.
An argument may be a function of the session, for what each server names differently (ids, addresses).
"""
import random

SCALARS_SHOWN_MAX = 200


def name_of(arguments):
    """The row that a request means, as far as its first words say: `set`, `client|list`."""
    words = [word.lower().decode('latin1') for word in arguments[:2] if isinstance(word, bytes)]
    if not words:
        return ''
    if words[0] in ('client', 'config', 'command', 'object', 'debug', 'xgroup', 'xinfo') and len(words) > 1:
        return '|'.join(words)
    return words[0]


def show_word(word):
    """An argument as redis-cli takes it."""
    if callable(word):
        return '<%s>' % getattr(word, '__name__', 'per server')
    if word and all(33 <= byte < 127 and byte not in b'"\'\\' for byte in word):
        text = word.decode()
    else:
        text = '"%s"' % ''.join(chr(byte) if 32 <= byte < 127 and byte not in b'"\\' else '\\x%02x' % byte
                                for byte in word)
    if len(text) > SCALARS_SHOWN_MAX:
        text = '%s...(%d bytes)' % (text[:SCALARS_SHOWN_MAX], len(word))
    return text


class Step:
    """One step. how: call (a request and its replies), scan (a cursor loop), raw (pieces of bytes), wait (ms)."""

    def __init__(self, how, arguments=(), connection=0, replies=1, is_case=False, pieces=(), until=None, wait_ms=0,
                 cursor_at=1):
        self.how = how
        self.arguments = arguments
        self.connection = connection
        self.replies = replies
        self.is_case = is_case
        self.pieces = pieces
        self.until = until           # of raw: what the last reply ends with; None: the server closes after the last
        self.wait_ms = wait_ms
        self.cursor_at = cursor_at   # of scan: where the cursor goes among the words
        self.name = name_of(arguments)

    def show(self):
        if self.how == 'wait':
            return '(wait %d ms)' % self.wait_ms
        if self.how == 'raw':
            return '(raw bytes%s) ' % ('' if self.until else ', then the end') + ' | '.join(
                show_word(piece) for piece in self.pieces)
        text = ' '.join(show_word(word) for word in self.arguments)
        prefix = '' if self.connection == 0 else '[connection %s] ' % self.connection
        suffix = {'scan': '   (until the cursor is 0)', 'call': ''}[self.how]
        return prefix + text + suffix


class Script:
    """Steps that are run in order on a fresh state, each server for itself."""

    def __init__(self, label):
        self.label = label           # family/row/number, from which it can be made again
        self.steps = []
        self.last = []               # run by the control connection at the end, to put back what was changed
        self.pipelined = False       # all requests in one write; only if nothing in between has to be known
        self.databases = {0}         # whose state is compared at the end
        self.keys = set()            # every word that may have become a key

    def cases(self):
        return sum(step.is_case for step in self.steps)


class Builder:
    """Fills one script. Everything random comes from its generator, so that label and seed make the script again."""

    KEYS = (b'a', b'b', b'c', b'key:1', b'key:2', b'{tag}x', b'{tag}y', b'{tag}', b'{}x', b'{a}{b}', b'a{', b'',
            b'\x00\xff\r\n\x80', b'with space', b'"quoted\'', b'*[?]\\', b'k' * 300, '\u00e4\u00f6'.encode(), b'1',
            b'-1')
    INTEGERS = (0, 1, -1, 7, 10, 42, 9999, 10000, 127, 128, 32767, 32768, -32769, 2147483647, 2147483648, -2147483649,
                2**53, 2**62, 2**63 - 1, 2**63 - 2, -2**63, -2**63 + 1, 12345678901234567)
    NOT_INTEGERS = (b'', b' 1', b'1 ', b'+1', b'-0', b'00', b'01', b'0x10', b'1e3', b'1.0', b'abc',
                    b'9223372036854775808', b'-9223372036854775809', b'99999999999999999999999', b'1\x00', b'\xff',
                    b'--1', b'-', b'nan', b'inf')
    FLOATS = (b'0', b'0.0', b'1.5', b'-1.5', b'3.0e3', b'1e-10', b'1e17', b'1e18', b'123456789.123456789', b'0.1',
              b'0.2', b'.5', b'5.', b'-0', b'1e4931', b'1e308', b'-1e308', b'5.0e-324', b'10000000000000000',
              b'0.00000000000000001', b'3.14159265358979323846', b'0x1p3', b'9007199254740993', b'1E2', b'+2')
    NOT_FLOATS = (b'', b'abc', b'1.5x', b' 1', b'1 ', b'nan', b'inf', b'-inf', b'infinity', b'1e', b'1e5000', b'--1',
                  b'1,5', b'\x00')
    # What makes a collection of each type.
    COLLECTIONS = {b'RPUSH': (b'1', b'2', b'x'), b'SADD': (b'1', b'2'), b'HSET': (b'f', b'1'),
                   b'ZADD': (b'1', b'm', b'2', b'n'), b'XADD': (b'1-1', b'f', b'v')}
    OPTION_JUNK = (b'', b'FOO', b'NX', b'XX', b'GET', b'EX', b'KEEPTTL', b'10', b'COUNT', b'\xff')

    def __init__(self, script, seed_text, facts):
        self.rng = random.Random(seed_text)
        self.script = script
        self.facts = facts           # what the servers can do, see run.py
        self.names = self.rng.sample(self.KEYS, self.rng.randint(2, 6))

    # What is random.
    def one(self, choices):
        return self.rng.choice(choices)

    def chance(self, fraction):
        return self.rng.random() < fraction

    def any_case(self, word):
        """The word in mixed case now and then."""
        if not self.chance(0.3):
            return word
        return bytes(self.one((byte, byte ^ 32)) if chr(byte).isalpha() and byte < 128 else byte for byte in word)

    def key(self):
        return self.one(self.names)

    def keys(self, most=10):
        """1 to `most` keys, duplicates included."""
        return [self.key() for _ in range(self.rng.randint(1, most))]

    def integer(self, wrong=0.12):
        if self.chance(wrong):
            return self.one(self.NOT_INTEGERS)
        if self.chance(0.3):
            return b'%d' % self.rng.randint(-2**63, 2**63 - 1)
        return b'%d' % self.one(self.INTEGERS)

    def small(self, low=-12, high=12, wrong=0.08):
        if self.chance(wrong):
            return self.integer(0.5)
        return b'%d' % self.rng.randint(low, high)

    def random_count(self):
        """How many random members: of a large negative number there is no end on either server."""
        if self.chance(0.05):
            return self.one(self.NOT_INTEGERS)
        return self.one((b'%d' % self.rng.randint(-30, 30), b'0', b'1', b'-1', b'100', b'-200', b'1000000000',
                         b'9223372036854775807', b'-9223372036854775808'))

    def float(self, wrong=0.15):
        if self.chance(wrong):
            return self.one(self.NOT_FLOATS)
        if self.chance(0.3):
            return b'%.*f' % (self.rng.randint(0, 17), self.rng.uniform(-1000, 1000))
        return self.one(self.FLOATS)

    def value(self):
        kind = self.rng.random()
        if kind < 0.25:
            return b'%d' % self.one(self.INTEGERS)
        if kind < 0.35:
            return self.one(self.NOT_INTEGERS)
        if kind < 0.45:
            return self.one(self.FLOATS)
        if kind < 0.60:
            return b'v' * self.one((0, 1, 19, 20, 21, 43, 44, 45, 63, 64, 65, 511, 512, 513))
        if kind < 0.67:
            return self.big_value()
        return bytes(self.rng.getrandbits(8) for _ in range(self.rng.randint(0, 24)))

    def big_value(self):
        """Around the sizes where a server changes how it receives, keeps or sends."""
        size = self.one((4095, 4096, 8192, 16383, 16384, 16385, 32767, 32768, 32769, 65536, 70000, 150000))
        return (b'%d.' % self.rng.getrandbits(40) * (size // 5))[:size]

    def seconds(self):
        """A time to live that ends long after the test; unique, so that GT and LT don't depend on milliseconds."""
        return self.rng.randint(100, 10**6)

    def expiry_value(self, unit):
        """The number after EX, PX, EXAT, PXAT: `unit` is s or ms, `at` behind it for an absolute time."""
        if self.chance(0.25):
            return self.one((b'0', b'-1', b'-100', b'9223372036854775807', b'-9223372036854775808', b'9223372036854775',
                             b'9223372036854776', b'18446744073709551616', b'abc', b'', b'1.5', b'10 ', b'+10'))
        scale = 1000 if unit.startswith('ms') else 1
        if unit.endswith('at'):
            at = self.one(
                (4102444800, 2147483648, 2147483647 * 2, 1, 1000000000, 4102444801 + self.rng.randint(0, 10**6)))
            return b'%d' % (at * scale)
        return b'%d' % (self.seconds() * scale)

    def expiry_option(self):
        word, unit = self.one(((b'EX', 's'), (b'PX', 'ms'), (b'EXAT', 'sat'), (b'PXAT', 'msat')))
        return [self.any_case(word), self.expiry_value(unit)]

    def shuffled(self, groups):
        """The words of groups (an option with its value is a group) in random order."""
        groups = list(groups)
        self.rng.shuffle(groups)
        return [word for group in groups for word in group]

    # What is put into the script.
    def do(self, *arguments, connection=0, replies=1):
        """A step that sets up or observes."""
        self._add(Step('call', arguments, connection, replies))

    def case(self, *arguments, mangle=0.08, connection=0, replies=1):
        """A step that the row is tested with. Now and then its arguments are too few or too many."""
        arguments = list(arguments)
        arguments[0] = self.any_case(arguments[0])
        if self.chance(mangle):
            self._mangle(arguments)
        self._add(Step('call', tuple(arguments), connection, replies, is_case=True))

    def _mangle(self, arguments):
        how = self.rng.randint(0, 4)
        if how == 0:
            del arguments[1:]
        elif how == 1 and len(arguments) > 1:
            arguments.pop()
        elif how == 2:
            arguments.append(self.one(self.OPTION_JUNK))
        elif how == 3:
            arguments.insert(self.rng.randint(1, len(arguments)), self.one(self.OPTION_JUNK))
        else:
            arguments.extend([self.one(self.OPTION_JUNK)] * self.rng.randint(2, 5))

    def scan(self, *arguments, cursor_at=1):
        """A whole iteration; arguments without the cursor, which is put where cursor_at says."""
        self._add(Step('scan', arguments, is_case=True, cursor_at=cursor_at))

    def raw(self, *pieces, until=None):
        """Bytes on a new connection, each piece in a write of its own, then the end; all that comes back counts.

        A server need not send what is still in its buffers when it sees the end; where that may be more than fits into
        the socket's, `until` is what the last reply ends with, and the end is sent only when it has come.
        """
        self._add(Step('raw', pieces=pieces, until=until, is_case=True))

    def wait(self, ms):
        self._add(Step('wait', wait_ms=ms))

    def finally_do(self, *arguments):
        self.script.last.append(arguments)

    def use_database(self, number):
        self.script.databases.add(number)

    def _add(self, step):
        self.script.steps.append(step)
        self.script.keys.update(word for word in step.arguments[1:] if isinstance(word, bytes))

    def set_up(self):
        """A few keys of all kinds, in the first databases."""
        for name in self.names:
            if self.chance(0.7):
                self._make(name)
        if self.chance(0.2):
            database = self.one((1, 2, 15))
            self.use_database(database)
            self.do(b'SELECT', b'%d' % database)
            self._make(self.key())
            if self.chance(0.8):
                self.do(b'SELECT', b'0')

    def _make(self, name):
        kind = self.rng.random()
        if self.facts.types and kind < 0.25:
            self.make_collection(name)
        elif kind < 0.5:
            self.do(b'SET', name, self.value(), b'EX', b'%d' % self.seconds())
        elif kind < 0.6:
            self.do(b'SET', name, b'seed')
            self.do(b'APPEND', name, self.value())
        else:
            self.do(b'SET', name, self.value())

    def make_collection(self, name):
        """A key of another type, in place of what is there."""
        self.do(b'DEL', name)
        command = self.one(self.facts.types)
        self.do(command, name, *self.COLLECTIONS[command])
