#!/usr/bin/python3
"""RDB files of redis-server, read by persist/rdb_load: everything in them is compared with what the server holds.
Values of all types, exchanged with DUMP and RESTORE and loaded from what it writes.

    tests/rdb/run.py

Prints what differs, and the seed.
"""
import os
import random
import shutil
import subprocess
import sys
import tempfile

sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__)))))

from tests.lib import cases, servers  # noqa: E402
from tests.persist.types import MAKERS  # noqa: E402

ITEMS = os.path.join(os.environ.get('SKUA_BUILD', os.path.join(servers.TOP, 'build', 'release')),
                     'tests', 'rdb', 'rdb_items')
KEYS = 300  # a database
DEBUG = {'enable-debug-command': 'yes'}
REDIS_RDB_VERSION = 10
KINDS = ('hash', 'list', 'set', 'stream', 'zset')  # types that have an RDB form here, by their names in MAKERS
IDLE_SLACK = 3  # seconds: redis-server's clock of uses is coarse, and saving takes its time
LIBRARY = "#!lua name=one\nredis.register_function('one', function() return 1 end)"

CONFIGURATIONS = [
    {'rdbcompression': 'yes', 'rdbchecksum': 'yes', 'maxmemory-policy': 'noeviction'},
    {'rdbcompression': 'no', 'rdbchecksum': 'yes', 'maxmemory-policy': 'allkeys-lru'},
    {'rdbcompression': 'yes', 'rdbchecksum': 'no', 'maxmemory-policy': 'volatile-lru'},
    {'rdbcompression': 'yes', 'rdbchecksum': 'yes', 'maxmemory-policy': 'allkeys-lfu', 'lfu-decay-time': 0},
]

def random_value(chance):
    kind = chance.randrange(8)
    if kind == 0:
        return str(chance.choice((1, -1)) * (chance.getrandbits(chance.randrange(1, 63)) +
                                             chance.randrange(-1, 2))).encode()
    if kind == 1:  # around the limits of the encodings
        bits = chance.choice((7, 8, 15, 16, 31, 32, 63))
        return str(chance.choice((1, -1)) * 2 ** bits + chance.randrange(-2, 3)).encode()
    if kind == 2:  # looks like a number
        return chance.choice((b'007', b'-0', b'+1', b'1.5', b' 1', b'1 ', b'9' * 19, b''))
    length = chance.choice((chance.randrange(1, 25), chance.randrange(60, 70), chance.randrange(16380, 16390),
                            chance.randrange(60000)))
    if kind < 5:
        return chance.randbytes(length)
    word = chance.randbytes(chance.randrange(1, 40))
    return (word * (length // len(word) + 1))[:length]


def fill(connection, chance, policy):
    """Random keys in several databases."""
    for db in (0, 1, chance.randrange(2, 16)):
        connection.call('SELECT', db)
        for i in range(cases.scaled(KEYS)):
            key = chance.choice((b'key:%d' % i, b'%d' % i, b'%d' % (i * 10 ** 6), chance.randbytes(9), b'a' * (i + 1)))
            value = random_value(chance)
            expiry = chance.choice((0, 0, 2 * 10 ** 12 + chance.randrange(10 ** 12)))
            connection.call('SET', key, value)
            if policy != 'noeviction' and chance.randrange(2):
                extra = ['FREQ', chance.randrange(256)] if 'lfu' in policy else ['IDLETIME', chance.randrange(10 ** 6)]
                payload = connection.call('DUMP', key)
                connection.call('RESTORE', key, expiry, payload, 'REPLACE', 'ABSTTL', *extra)
            elif expiry:
                connection.call('PEXPIREAT', key, expiry)


def save_and_look(connection, policy):
    """Saves, and returns what was saved: (database, key) -> [value, expiry, idle time, frequency]."""
    found = {}
    for db in range(16):
        connection.call('SELECT', db)
        for key in connection.call('KEYS', '*'):
            idle = connection.call('OBJECT', 'IDLETIME', key) if 'lru' in policy else -1
            frequency = connection.call('OBJECT', 'FREQ', key) if 'lfu' in policy else -1
            found[db, key] = [None, connection.call('PEXPIRETIME', key), idle, frequency]
    saved = connection.call('SAVE')
    assert saved == b'OK', saved
    for (db, key), entry in found.items():  # after saving, because reading a value is a use
        connection.call('SELECT', db)
        entry[0] = connection.call('GET', key)
    return found


def unhex(word):
    return bytes.fromhex(word[1:]) if word.startswith('x') else word.encode()


def read_items(path, seed):
    done = subprocess.run([ITEMS, path, str(seed)], stdout=subprocess.PIPE, text=True)
    if done.returncode:
        raise RuntimeError('rdb_items ended with %d' % done.returncode)
    return [line.split(' ') for line in done.stdout.splitlines()]


def compare(items, expected, options):
    """Yields what is wrong with the items of a file."""
    aux, sizes, functions, keys, db = {}, {}, [], {}, 0
    for kind, *words in items:
        if kind == 'aux':
            aux[unhex(words[0])] = unhex(words[1])
        elif kind == 'db':
            db = int(words[0])
        elif kind == 'size':
            sizes[db] = tuple(map(int, words))
        elif kind == 'function':
            functions.append(unhex(words[0]).decode())
        elif kind == 'key':
            if (int(words[0]), unhex(words[1])) in keys or int(words[0]) != db:
                yield 'a key twice, or in the wrong database: %s' % words
            keys[int(words[0]), unhex(words[1])] = [unhex(words[5])] + [int(word) for word in words[2:5]]
    last = ['end' if options['rdbchecksum'] == 'yes' else 'unchecked', '10']
    if items[-1] != last:
        yield 'the last line is: %s' % ' '.join(items[-1])
    if aux.get(b'redis-bits') != b'64' or not aux.get(b'redis-ver', b'').startswith(b'7.0.'):
        yield 'auxiliary fields: %s' % aux
    if functions != [LIBRARY]:
        yield 'functions: %s' % functions
    for place in {one for one, _ in expected}:
        held = [entry for (one, _), entry in expected.items() if one == place]
        if sizes.get(place) != (len(held), sum(entry[1] >= 0 for entry in held)):
            yield 'database %d: sizes %s' % (place, sizes.get(place))
    for place in sorted(set(expected) | set(keys)):
        want, got = expected.get(place), keys.get(place)
        if not want or not got or want[:2] != got[:2] or abs(want[2] - got[2]) > IDLE_SLACK or want[3] != got[3]:
            yield '%s: %s, the server has %s' % (place, shown(got), shown(want))


def shown(entry):
    return entry and [entry[0][:50]] + entry[1:]


def test_strings(options, chance):
    """(keys compared, what is wrong)"""
    policy = options['maxmemory-policy']
    with servers.redis_server(options) as server:
        connection = server.connect()
        connection.call('FUNCTION', 'LOAD', LIBRARY)
        fill(connection, chance, policy)
        connection.call('SET', 'large', chance.randbytes(3 << 20))
        connection.call('SET', 'large and repeated', b'abcdefgh' * (1 << 20))
        expected = save_and_look(connection, policy)
        items = read_items(os.path.join(server.folder, 'dump.rdb'), chance.getrandbits(32))
        return len(expected), list(compare(items, expected, options))


def test_base(chance):
    """What redis-server writes the first time as the base of an append-only directory."""
    with servers.redis_server({'appendonly': 'yes'}) as server:
        connection = server.connect()
        connection.call('SET', 'key', 'value')
        connection.call('BGREWRITEAOF')
        while b'aof_rewrite_in_progress:1' in connection.call('INFO', 'persistence'):
            pass
        folder = os.path.join(server.folder, 'appendonlydir')
        base = sorted(name for name in os.listdir(folder) if name.endswith('.base.rdb'))[-1]
        items = read_items(os.path.join(folder, base), chance.getrandbits(32))
        wanted = (['aux', 'x' + b'aof-base'.hex(), 'x' + b'1'.hex()],
                  ['key', '0', 'x' + b'key'.hex(), '-1', '-1', '-1', 'x' + b'value'.hex()], ['end', '10'])
        return 1, ['base %s: %s' % (base, items)] * (not all(item in items for item in wanted))


def make(connection, chance, kind, key):
    """A key of that type by some commands; there may be none in the end."""
    for _ in range(chance.choice((1, 3, 30))):
        connection.call(*MAKERS[kind](chance, key))


def is_for_both(source, key):
    """Deletes what redis-server can't have: a stream whose consumers have two times."""
    newer = int.from_bytes(source.call('DUMP', key)[-10:-8], 'little') > REDIS_RDB_VERSION
    if newer:
        source.call('DEL', key)
    return not newer


def give(source, target, key):
    """The value of a key, by DUMP and RESTORE. What the other server says."""
    payload = source.call('DUMP', key)
    return b'OK' if payload is None else target.call('RESTORE', key, 0, payload, 'REPLACE')


def test_exchange(chance):
    """Values of either server restored in the other, and back: the digests are the same."""
    wrong, count = [], 0
    with servers.redis_server(DEBUG) as redis, servers.skua_server(options=DEBUG) as skua:
        ends = [redis.connect(), skua.connect()]
        for _ in range(cases.scaled(40)):
            chance.shuffle(ends)
            source, target = ends
            for end in ends:
                end.call('FLUSHALL')
            for kind in KINDS:
                for i in range(10):
                    make(source, chance, kind, '%s:%d' % (kind, i))
            keys = [key for key in source.call('KEYS', '*') if is_for_both(source, key)]  # also what was made besides
            wanted = source.call('DEBUG', 'DIGEST')
            for one, other in ((source, target), (target, source)):
                said = {key: give(one, other, key) for key in keys}
                wrong += ['%s: %s' % (key, reply) for key, reply in said.items() if reply != b'OK']
                if other.call('DEBUG', 'DIGEST') != wanted:
                    wrong.append('another digest than %s' % wanted)
            count += len(keys)
    return count, wrong


def test_base_of_all_types(chance):
    """What redis-server writes as the base of an append-only directory, loaded by Skua."""
    options = {'appendonly': 'yes', **DEBUG}
    wrong, count = [], 0
    for _ in range(cases.scaled(10)):
        folder = tempfile.mkdtemp(prefix='skua-test-')
        with servers.redis_server(dict(options, dir=folder)) as redis:
            connection = redis.connect()
            for kind in KINDS:
                for i in range(20):
                    make(connection, chance, kind, '%s:%d' % (kind, i))
                connection.call('EXPIRE', kind + ':0', 10**6)
            connection.call('BGREWRITEAOF')
            while b'aof_rewrite_in_progress:1' in connection.call('INFO', 'persistence'):
                pass
            wanted = connection.call('DEBUG', 'DIGEST')
            count += connection.call('DBSIZE')
        with servers.skua_server(options=dict(options, dir=folder), loaded=True) as skua:
            found = skua.connect().call('DEBUG', 'DIGEST')
            if found != wanted:
                wrong.append('digest %s instead of %s' % (found, wanted))
        shutil.rmtree(folder)
    return count, wrong


def main():
    seed = cases.seed()
    print('seed %d' % seed)
    chance = random.Random(seed)
    results = [test_strings(options, chance) for options in CONFIGURATIONS]
    results += [test_base(chance), test_exchange(chance), test_base_of_all_types(chance)]
    wrong = [line for _, lines in results for line in lines]
    for line in wrong[:20]:
        print(line)
    cases.say_done('rdb', sum(count for count, _ in results), 1)
    return 1 if wrong else 0


if __name__ == '__main__':
    sys.exit(main())
