"""What clients write while a server is killed or copied, and what may be found afterwards.

A topic is some keys, the clients that use them, and a history of what was sent and answered. From a `mark`, which says
what was answered at a moment, and what has been sent since, follows what a server may hold that started later; `faults`
tells what it holds instead. Without a mark (something was torn off) it must still be a state that existed.
"""
import functools
import itertools
import operator
import random
import threading
import time
from collections import Counter, defaultdict

NEVER = float('inf')
# Clocks are compared of what a client saw and what a server wrote.
CLOCK_MS = 60


class Topic:
    """Owner: all its clients, under its lock. All keys of a life begin with its prefix."""
    clients = 1
    database = 0

    def __init__(self, prefix):
        self.prefix = prefix
        self.lock = threading.Lock()

    def key(self, *words):
        return ':'.join((self.prefix, type(self).__name__) + tuple(str(word) for word in words))

    def requests(self, who, chance):
        """The next commands of client number `who`, sent at once."""
        raise NotImplementedError

    def replied(self, who, command, reply):
        """A reply to one of them, in order. False: it is wrong."""
        raise NotImplementedError

    def mark(self):
        return None

    def faults(self, found, mark):
        """found: {(database, key): (value, when it expires)}."""
        raise NotImplementedError


class Counters(Topic):
    """INCR, INCRBYFLOAT: as often as answered, not more often than sent, and not less than somebody has seen."""
    clients = 4
    KEYS = 12

    def __init__(self, prefix):
        super().__init__(prefix)
        self.keys = [self.key(number) for number in range(self.KEYS)]
        self.sent, self.answered, self.seen = Counter(), Counter(), Counter()

    @staticmethod
    def _halves(text):
        return int(2 * float(text))

    def requests(self, who, chance):
        keys = [chance.choice(self.keys) for _ in range(chance.randint(1, 16))]
        with self.lock:
            self.sent.update(keys)
        return [('INCRBYFLOAT', key, '0.5') if int(key[-1]) % 4 == 0 else ('INCR', key) for key in keys]

    def replied(self, who, command, reply):
        with self.lock:
            self.answered[command[1]] += 1
            self._see(command[1], reply)
        return True

    def _see(self, key, value):
        count = self._halves(value) if int(key[-1]) % 4 == 0 else int(value)
        self.seen[key] = max(self.seen[key], count)

    def reads(self):
        return [('MGET', *self.keys)]

    def read(self, reply):
        with self.lock:
            for key, value in zip(self.keys, reply):
                if value is not None:
                    self._see(key, value)

    def mark(self):
        with self.lock:
            return {key: max(self.answered[key], self.seen[key]) for key in self.keys}

    def faults(self, found, mark):
        for key in self.keys:
            value = found.get((0, key.encode()), (b'0', -1))[0]
            count = self._halves(value) if int(key[-1]) % 4 == 0 else int(value)
            if mark and count < mark[key]:
                yield '%s is %s, %d were answered' % (key, value, mark[key])
            if count > self.sent[key]:
                yield '%s is %s, %d were sent' % (key, value, self.sent[key])


class Groups(Topic):
    """MSETs of keys of several shards: whole, and none in place of a later one."""
    clients = 3
    GROUPS, KEYS = 4, 5

    def __init__(self, prefix):
        super().__init__(prefix)
        self.clock = itertools.count(1)
        self.groups = [[self.key(group, number) for number in range(self.KEYS)] for group in range(self.GROUPS)]
        # By the tag that an MSET writes: when it was sent, and when somebody knew that it had been done.
        self.sent = [{} for _ in self.groups]
        self.known = [{} for _ in self.groups]

    def requests(self, who, chance):
        commands = []
        for group in chance.sample(range(self.GROUPS), chance.randint(1, self.GROUPS)):
            with self.lock:
                tag = next(self.clock)
                self.sent[group][b'%d' % tag] = tag
            commands.append(('MSET', *itertools.chain(*((key, tag) for key in self.groups[group]))))
        return commands

    def _group_of(self, command):
        return int(command[1].split(':')[-2])

    def replied(self, who, command, reply):
        with self.lock:
            self.known[self._group_of(command)].setdefault(b'%d' % command[2], next(self.clock))
        return reply == b'OK'

    def reads(self):
        return [('MGET', *keys) for keys in self.groups]

    def read(self, reply, group):
        """False: not whole."""
        if len(set(reply)) != 1:
            return False
        if reply[0] is not None:
            with self.lock:
                self.known[group].setdefault(reply[0], next(self.clock))
        return True

    def mark(self):
        with self.lock:
            return [dict(known) for known in self.known]

    def faults(self, found, mark):
        for group, keys in enumerate(self.groups):
            values = {found.get((0, key.encode()), (None, -1))[0] for key in keys}
            if len(values) != 1:
                yield 'an MSET in pieces: %s are %s' % (keys, values)
                continue
            value = values.pop()
            if value is not None and value not in self.sent[group]:
                yield 'nobody wrote %s into %s' % (value, keys)
                continue
            latest = max((self.sent[group][tag] for tag in mark[group]), default=0) if mark else 0
            if value is None and latest:
                yield '%s are not there, %d was answered' % (keys, latest)
            elif value is not None and self.known[group].get(value, NEVER) < latest:
                yield '%s are %s, but later ones were answered (%d)' % (keys, value, latest)


class Readers(Topic):
    """Sees what others have written: that must not be lost either."""
    clients = 2

    def __init__(self, prefix, counters, groups):
        super().__init__(prefix)
        self.counters, self.groups = counters, groups

    def requests(self, who, chance):
        return self.counters.reads() + self.groups.reads()

    def replied(self, who, command, reply):
        if command[1] == self.counters.keys[0]:
            self.counters.read(reply)
            return True
        return self.groups.read(reply, int(command[1].split(':')[-2]))

    def faults(self, found, mark):
        return ()


class Logs(Topic):
    """APPENDs of several clients to the same keys: of each client the first ones, in order and without a gap."""
    clients = 3
    KEYS = 3

    def __init__(self, prefix):
        super().__init__(prefix)
        self.sent, self.answered = Counter(), Counter()

    def requests(self, who, chance):
        commands = []
        for _ in range(chance.randint(1, 6)):
            key = chance.randrange(self.KEYS)
            self.sent[who, key] += 1
            commands.append(('APPEND', self.key(key), '%d.%d;' % (who, self.sent[who, key])))
        return commands

    def replied(self, who, command, reply):
        self.answered[who, int(command[1].split(':')[-1])] += 1
        return True

    def mark(self):
        return dict(self.answered)

    def faults(self, found, mark):
        for key in range(self.KEYS):
            lines = found.get((0, self.key(key).encode()), (b'', -1))[0].decode().split(';')[:-1]
            numbers = defaultdict(list)
            for line in lines:
                who, _, number = line.partition('.')
                numbers[int(who)].append(int(number))
            for who in range(self.clients):
                there = numbers[who]
                if there != list(range(1, len(there) + 1)) or len(there) > self.sent[who, key]:
                    yield '%s: client %d wrote %d entries, there are %s' % (self.key(key), who, self.sent[who, key],
                                                                          there[-20:])
                if mark and len(there) < mark.get((who, key), 0):
                    yield '%s: %d entries of client %d were answered, %d are there' % (
                        self.key(key), mark[who, key], who, len(there))


class Registers(Topic):
    """SETs of keys that one client has for itself, in pipelines, some of them large."""
    clients = 3
    KEYS = 30

    def __init__(self, prefix):
        super().__init__(prefix)
        self.sent, self.answered = Counter(), Counter()

    @staticmethod
    def value(number):
        """Every value has a length of its own, and tells its number."""
        length = 1500000 if number == 50 else 60000 if number % 97 == 0 else number * 37 % 300
        return b'%d:' % number + bytes([97 + number % 26]) * length

    def requests(self, who, chance):
        commands = []
        for _ in range(chance.choice((1, 4, 32))):
            key = self.key(who, chance.randrange(self.KEYS))
            self.sent[key] += 1
            commands.append(('SET', key, self.value(self.sent[key])))
        return commands

    def replied(self, who, command, reply):
        self.answered[command[1]] += 1
        return reply == b'OK'

    def mark(self):
        return dict(self.answered)

    def faults(self, found, mark):
        for key, sent in list(self.sent.items()):
            value = found.get((0, key.encode()), (b'0:', -1))[0]
            number = int(value.partition(b':')[0])
            if number and value != self.value(number):
                yield '%s holds what nobody wrote: %r...' % (key, value[:60])
            if number > sent or (mark and number < mark.get(key, 0)):
                yield '%s is the %d. value, %d were sent, %d answered' % (key, number, sent, (mark or {}).get(key, 0))


class Leases(Topic):
    """Keys that expire, soon or in days, said as a time to live: they end when they were to end, and stay ended."""
    clients = 2
    KEYS = 12

    def __init__(self, prefix):
        super().__init__(prefix)
        # By key: [value, when it may expire at the earliest and, once answered, at the latest]
        self.history = defaultdict(list)
        self.answered = Counter()
        self.numbers = itertools.count(1)

    def requests(self, who, chance):
        key = self.key(who, chance.randrange(self.KEYS))
        value, seconds = b'%d' % next(self.numbers), chance.choice((1, 1, 3600, 86400))
        ms = chance.randint(1, 200) if seconds == 1 else 1000 * seconds
        command = chance.choice([('SET', key, value, 'PX', ms), ('PSETEX', key, ms, value)] +
                                ([('SETEX', key, seconds, value), ('SET', key, value, 'EX', seconds)]
                                 if ms == 1000 * seconds else []))
        with self.lock:
            self.history[key].append([value, time.time() * 1000 + ms, NEVER, ms])
        return [command]

    def replied(self, who, command, reply):
        with self.lock:
            entry = self.history[command[1]][self.answered[command[1]]]
            entry[2] = time.time() * 1000 + entry[3]
            self.answered[command[1]] += 1
        return reply == b'OK'

    def mark(self):
        with self.lock:
            return dict(self.answered)

    def faults(self, found, mark):
        now = time.time() * 1000
        for key, history in list(self.history.items()):
            answered = (mark or {}).get(key, 0)
            possible = history[max(answered - 1, 0):]
            value, due = found.get((0, key.encode()), (None, -1))
            if value is None:
                if answered and all(entry[1] > now for entry in possible):
                    yield '%s is gone before its time' % key
            elif not any(value == entry[0] and entry[1] - CLOCK_MS <= due <= entry[2] + CLOCK_MS for entry in possible):
                yield '%s is %s until %d, possible were %s' % (key, value, due, possible[:4])


class Everything(Topic):
    """One client, one command at a time, over all kinds of commands in two databases of its own: what is found must be
    exactly the state after one of its commands, in all of them at once."""
    NAMES = ('a', 'b', 'c', 'd', 'e', 'f')
    FAR_MS = 4102444800000

    def __init__(self, prefix, databases, chance):
        super().__init__(prefix)
        self.pair = databases
        self.now = databases[0]
        self.data = {}
        self.states = [self._state(self.data)]
        self.chance = random.Random(chance.getrandbits(64))
        self.answered = 0

    @property
    def database(self):
        return self.pair[0]

    @staticmethod
    def _state(data):
        return hash(frozenset(data.items()))

    def requests(self, who, chance):
        command = self._next()
        self.states.append(self._state(self.data))
        return [command]

    def _next(self):
        """Chooses a command and changes self.data as it will."""
        chance, name = self.chance, self.chance.choice(self.NAMES)
        make = chance.choice((self._set, self._set, self._append, self._add, self._delete, self._mset, self._rename,
                              self._copy, self._move, self._expire, self._persist, self._getdel, self._whole,
                              self._setbit, self._bitop, self._bitfield))
        return make(name)

    def _get(self, name):
        return self.data.get((self.now, name.encode()))

    def _put(self, name, value, due=-1, database=None):
        self.data[self.now if database is None else database, name.encode()] = (value, due)

    def _drop(self, name):
        self.data.pop((self.now, name.encode()), None)

    def _due(self):
        return self.FAR_MS + self.chance.randrange(10 ** 9)

    def _set(self, name):
        value, due = self.chance.choice(('%d', 'x%d')) % self.chance.randrange(1000), self._due()
        how = self.chance.choice(((), ('PXAT', due), ('KEEPTTL',)))
        old = self._get(name)
        self._put(name, value.encode(), due if 'PXAT' in how else old[1] if old and 'KEEPTTL' in how else -1)
        return ('SET', name, value) + how

    def _append(self, name):
        old = self._get(name) or (b'', -1)
        if self.chance.random() < 0.5:
            self._put(name, old[0] + b'-tail', old[1])
            return ('APPEND', name, '-tail')
        at = self.chance.randrange(20)
        padded = old[0].ljust(at, b'\0')
        self._put(name, padded[:at] + b'ins' + padded[at + 3:], old[1])
        return ('SETRANGE', name, at, 'ins')

    def _add(self, name):
        old = self._get(name) or (b'0', -1)
        by = self.chance.randint(-5, 5)
        if old[0] == b'0' or (old[0].isdigit() and not old[0].startswith(b'0')) or \
                (old[0][:1] == b'-' and old[0][1:].isdigit() and not old[0].startswith(b'-0')):
            self._put(name, b'%d' % (int(old[0]) + by), old[1])
        return ('INCRBY', name, by)

    def _setbit(self, name):
        at, bit = self.chance.randrange(200), self.chance.randrange(2)
        old = self._get(name) or (b'', -1)
        bits = bytearray(old[0].ljust(at // 8 + 1, b'\0'))
        bits[at // 8] = bits[at // 8] & ~(128 >> at % 8) | (128 >> at % 8) * bit
        self._put(name, bytes(bits), old[1])
        return ('SETBIT', name, at, bit)

    def _bitop(self, name):
        operators = {'AND': operator.and_, 'OR': operator.or_, 'XOR': operator.xor}
        how, sources = self.chance.choice((*operators, 'NOT')), self.chance.sample(self.NAMES, 3)
        if how == 'NOT':
            sources = sources[:1]
        values = [(self._get(one) or (b'', -1))[0] for one in sources]
        size = max(map(len, values))
        numbers = [int.from_bytes(value.ljust(size, b'\0'), 'big') for value in values]
        result = 256 ** size - 1 - numbers[0] if how == 'NOT' else functools.reduce(operators[how], numbers)
        if size:
            self._put(name, result.to_bytes(size, 'big'))
        else:
            self._drop(name)
        return ('BITOP', how, name, *sources)

    def _bitfield(self, name):
        """The sum of two numbers of a byte each that wraps round, and one that may not fit, so that it is not done."""
        at, by, too_much = self.chance.randrange(24), self.chance.randrange(256), self.chance.choice((0, 256))
        old = self._get(name) or (b'', -1)
        value = bytearray(old[0].ljust(at + 1, b'\0'))
        value[at] = (value[at] + by) % 256
        self._put(name, bytes(value), old[1])
        return ('BITFIELD', name, 'INCRBY', 'u8', '#%d' % at, by, 'OVERFLOW', 'FAIL', 'INCRBY', 'u8', '#%d' % at,
                too_much)

    def _delete(self, name):
        names = self.chance.sample(self.NAMES, self.chance.randint(1, 3))
        for one in names:
            self._drop(one)
        return (self.chance.choice(('DEL', 'UNLINK')), *names)

    def _mset(self, name):
        names, value = self.chance.sample(self.NAMES, 4), '%d' % self.chance.randrange(1000)
        only_new = self.chance.random() < 0.3
        if not only_new or not any(self._get(one) for one in names):
            for one in names:
                self._put(one, value.encode())
        return ('MSETNX' if only_new else 'MSET', *itertools.chain(*((one, value) for one in names)))

    def _rename(self, name):
        to, only_new = self.chance.choice(self.NAMES), self.chance.random() < 0.3
        old = self._get(name)
        if old and not (only_new and self._get(to)):
            self._drop(name)
            self._put(to, *old)
        return ('RENAMENX' if only_new else 'RENAME', name, to)

    def _other(self):
        return self.pair[0] if self.now == self.pair[1] else self.pair[1]

    def _copy(self, name):
        to, replace = self.chance.choice(self.NAMES), self.chance.random() < 0.5
        database = self.chance.choice(self.pair)
        old = self._get(name)
        if old and (to, database) != (name, self.now) and (replace or (database, to.encode()) not in self.data):
            self._put(to, *old, database=database)
        return ('COPY', name, to, 'DB', database) + (('REPLACE',) if replace else ())

    def _move(self, name):
        old = self._get(name)
        if old and (self._other(), name.encode()) not in self.data:
            self._drop(name)
            self._put(name, *old, database=self._other())
        return ('MOVE', name, self._other())

    def _expire(self, name):
        due, old = self._due(), self._get(name)
        if old:
            self._put(name, old[0], due)
        return ('GETEX', name, 'PXAT', due) if self.chance.random() < 0.3 else ('PEXPIREAT', name, due)

    def _persist(self, name):
        old = self._get(name)
        if old:
            self._put(name, old[0])
        return ('GETEX', name, 'PERSIST') if self.chance.random() < 0.3 else ('PERSIST', name)

    def _getdel(self, name):
        if self.chance.random() < 0.5:
            self._drop(name)
            return ('GETDEL', name)
        self._drop(name)
        return ('PEXPIREAT', name, 1)

    def _whole(self, name):
        """What concerns whole databases."""
        what = self.chance.randrange(3)
        if what == 0:
            self.now = self._other()
            return ('SELECT', self.now)
        if what == 1:
            swapped = {self.pair[0]: self.pair[1], self.pair[1]: self.pair[0]}
            self.data = {(swapped[database], key): value for (database, key), value in self.data.items()}
            return ('SWAPDB', *self.pair)
        self.data = {place: value for place, value in self.data.items() if place[0] != self.now}
        return ('FLUSHDB',)

    def replied(self, who, command, reply):
        self.answered += 1
        return True

    def mark(self):
        return self.answered

    def faults(self, found, mark):
        own = {place: value for place, value in found.items() if place[0] in self.pair}
        if self._state(own) not in self.states[mark or 0:]:
            was = ' (it is an earlier one)' if mark and self._state(own) in self.states else ''
            yield 'databases %s hold no state after command %d of %d%s: %s' % (
                self.pair, mark or 0, len(self.states) - 1, was, own)
