#!/usr/bin/python3
"""Values of redis-server, as DUMP gives them, against shard/ds/listpack and shard/ds/intset after the same changes.

    tests/flat/run.py

Bytes and elements have to be the same. Prints what differs, and the seed.
"""
import os
import random
import subprocess
import sys

sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__)))))

from tests.lib import cases, servers  # noqa: E402

REPLAY = os.path.join(os.environ.get('SKUA_BUILD', os.path.join(servers.TOP, 'build', 'release')),
                      'tests', 'flat', 'flat_replay')
VALUES = 100  # of each type
CHANGES = 40  # of a value
# So that the elements of a value stay in one allocation, whatever their size; compressed they would not be comparable.
OPTIONS = {'rdbcompression': 'no', 'list-max-listpack-size': '-5', 'set-max-intset-entries': '100000',
           'hash-max-listpack-entries': '100000', 'hash-max-listpack-value': '100000',
           'zset-max-listpack-entries': '100000', 'zset-max-listpack-value': '100000',
           'stream-node-max-bytes': '0', 'stream-node-max-entries': '1000'}
LIST_BYTES = 50000  # stays below the 64 KB of a node with that option


def random_text(chance):
    kind = chance.randrange(10)
    if kind < 4:
        return b'%d' % random_integer(chance)
    if kind == 4:  # looks like a number
        return chance.choice((b'007', b'-0', b'+1', b'1.5', b' 1', b'1 ', b'9' * 19, b'-9223372036854775809', b''))
    if kind < 9:
        return chance.randbytes(chance.randrange(1, 15))
    return chance.randbytes(chance.choice((63, 64, 125, 126, 127, 128, 4095, 4096, 16376, 16377, 16378, 16379)))


def random_integer(chance):
    """Around the limits of the encodings, and small ones."""
    if chance.randrange(2):
        return chance.randrange(-20, 20)
    bits = chance.choice((7, 12, 15, 23, 31, 63))
    near = chance.choice((1, -1)) * 2 ** bits + chance.randrange(-2, 3)
    return max(-2 ** 63, min(2 ** 63 - 1, near))


def take_length(payload, at):
    """A length of the RDB format: (length, where it ends)."""
    kind = payload[at] >> 6
    if kind == 0:
        return payload[at] & 63, at + 1
    if kind == 1:
        return (payload[at] & 63) << 8 | payload[at + 1], at + 2
    size = {0x80: 4, 0x81: 8}[payload[at]]
    return int.from_bytes(payload[at + 1:at + 1 + size], 'big'), at + 1 + size


def take_string(payload, at):
    length, at = take_length(payload, at)
    return payload[at:at + length], at + length


def nodes_of(payload):
    """The serialised values in a payload of DUMP: one, but for lists and streams."""
    kind = payload[0]
    if kind in (11, 16, 17):  # a set of integers, a hash, a sorted set
        return [take_string(payload, 1)[0]]
    found = []
    count, at = take_length(payload, 1)
    for _ in range(count):
        if kind == 18:  # a list
            container, at = take_length(payload, at)
            assert container == 2, 'an element that has a node of its own'
        else:
            assert kind == 19, 'payload of type %d' % kind  # a stream
            _, at = take_string(payload, at)
        node, at = take_string(payload, at)
        found.append(node)
    return found


def as_line(words):
    return ' '.join((word.hex() or '-') if isinstance(word, bytes) else str(word) for word in words)


class Script:
    """What the replayer is to do, and what it has to print."""

    def __init__(self):
        self.lines = []
        self.expected = []

    def do(self, *words):
        self.lines.append(as_line(words))

    def expect(self, about, *words):
        self.expected.append((about, as_line(words)))

    def compare(self, about, kind, serialised, elements):
        """The value as it is now, and as it is loaded from the bytes."""
        for _ in range(2):
            self.do('bytes' + kind)
            self.expect(about, serialised)
            self.do('elements' + kind)
            self.expect(about + "'s elements", *elements)
            self.do('load' + kind, serialised)

    def wrong(self):
        done = subprocess.run([REPLAY], input='\n'.join(self.lines) + '\n', stdout=subprocess.PIPE, text=True)
        got = done.stdout.splitlines()
        if done.returncode or len(got) != len(self.expected):
            yield 'flat_replay ended with %d after %d of %d lines' % (done.returncode, len(got), len(self.expected))
        for (about, expected), line in zip(self.expected, got):
            if line.strip() != expected:
                yield '%s: %s, redis-server has %s' % (about, line[:200], expected[:200])


def test_hash(connection, chance, script):
    fields, texts = {}, [random_text(chance) for _ in range(chance.randrange(1, 20))]
    for i in range(CHANGES):
        field, value = chance.choice(texts), random_text(chance)
        place = list(fields).index(field) * 2 if field in fields else -1
        script.do('find', 1, field)
        script.expect('find', place)
        if chance.randrange(3):
            connection.call('HSET', 'key', field, value)
            if place < 0:
                script.do('insert', 2 * len(fields), field, value)
            else:
                script.do('replace', place + 1, value)
            fields[field] = value
        elif place >= 0:
            connection.call('HDEL', 'key', field)
            script.do('delete', place, 2)
            del fields[field]
        if fields and i % 5 == 0:
            script.compare('hash', '', *nodes_of(connection.call('DUMP', 'key')), connection.call('HGETALL', 'key'))


def test_list(connection, chance, script):
    size = 0
    for i in range(CHANGES):
        count = connection.call('LLEN', 'key')
        index = chance.randrange(count) if count else 0
        texts = [random_text(chance) for _ in range(chance.randrange(1, 4))]
        kind = chance.choice('hthtrrdi') if count else 'h'
        size += sum(map(len, texts)) if kind in 'htri' else 0
        if size > LIST_BYTES:
            break
        if kind == 'h':
            connection.call('LPUSH', 'key', *texts)
            script.do('insert', 0, *reversed(texts))
        elif kind == 't':
            connection.call('RPUSH', 'key', *texts)
            script.do('insert', count, *texts)
        elif kind == 'r':
            connection.call('LSET', 'key', index, texts[0])
            script.do('replace', index, texts[0])
        elif kind == 'i':  # before the first element like that one
            pivot = connection.call('LINDEX', 'key', index)
            index = connection.call('LPOS', 'key', pivot)
            script.do('find', 0, pivot)
            script.expect('find', index)
            connection.call('LINSERT', 'key', 'BEFORE', pivot, texts[0])
            script.do('insert', index, texts[0])
        else:
            end = chance.randrange(index, count)
            connection.call('LTRIM', 'key', index, end)
            script.do('delete', end + 1 if end + 1 < count else 0, count - end - 1)
            script.do('delete', 0, index)
        if i % 5 == 0:
            script.compare('list', '', *nodes_of(connection.call('DUMP', 'key')),
                           connection.call('LRANGE', 'key', 0, -1))


def test_sorted_set(connection, chance, script):
    texts = [random_text(chance) for _ in range(chance.randrange(1, 20))]
    for i in range(CHANGES):
        member = chance.choice(texts)
        old = connection.call('ZRANK', 'key', member)
        if old is not None:
            script.do('delete', 2 * old, 2)
        if chance.randrange(3):
            score = chance.choice((random_integer(chance), chance.randrange(100) / 8, chance.random(), 'inf', '-inf'))
            connection.call('ZADD', 'key', score, member)
            rank, text = connection.call('ZRANK', 'key', member), connection.call('ZSCORE', 'key', member)
            script.do('insert', 2 * rank, member, text)
        else:
            connection.call('ZREM', 'key', member)
        members = connection.call('ZCARD', 'key')
        if members and i % 5 == 0:
            script.compare('sorted set', '', *nodes_of(connection.call('DUMP', 'key')),
                           connection.call('ZRANGE', 'key', 0, -1, 'WITHSCORES'))


def test_set(connection, chance, script):
    members = set()
    for i in range(CHANGES):
        member = chance.choice(sorted(members)) if members and chance.randrange(2) else random_integer(chance)
        if chance.randrange(3):
            connection.call('SADD', 'key', member)
            script.do('add', member)
            members.add(member)
        else:
            # Redis deletes a set with its last member, and a new one begins narrow.
            connection.call('SREM', 'key', member)
            members.discard(member)
            script.do('remove', member)
            if not members:
                script.do('new')
        if members and i % 5 == 0:
            script.compare('set', '_set', *nodes_of(connection.call('DUMP', 'key')), sorted(members))


def test_stream(connection, chance, script):
    """Only what Redis has made of it: how entries lie in listpacks is another module's."""
    for i in range(CHANGES):
        fields = [random_text(chance) for _ in range(2 * chance.randrange(1, 4))]
        name = '%d-%d' % (i // 3, i + 1)
        connection.call('XADD', 'key', name, *fields)
        if chance.randrange(3) == 0:
            connection.call('XDEL', 'key', name)
    for node in nodes_of(connection.call('DUMP', 'key')):
        script.do('load', node)
        script.do('bytes')
        script.expect('stream', node)


TESTS = (test_hash, test_list, test_sorted_set, test_set, test_stream)


def main():
    seed = cases.seed()
    print('seed %d' % seed)
    chance = random.Random(seed)
    script = Script()
    with servers.redis_server(OPTIONS) as server:
        connection = server.connect()
        for _ in range(cases.scaled(VALUES)):
            for test in TESTS:
                connection.call('FLUSHALL')
                script.do('new')
                test(connection, chance, script)
    wrong = list(script.wrong())
    for line in wrong[:20]:
        print(line)
    cases.say_done('flat', len(script.expected), 1)
    return 1 if wrong else 0


if __name__ == '__main__':
    sys.exit(main())
