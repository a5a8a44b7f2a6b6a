"""Values of every type through the append-only file: what commands leave is there again after a kill, after a rewrite,
in redis-server on the same folder, and in what redis-server made of it. Compared are digests, encodings and expiry."""
import time

from tests.lib.resp import encode

from .folder import Folder
from .kinds import REDIS, kill, stop
from .world import only_skua

KEYS, COMMANDS = 12, 400
# Errors that commands meet by chance.
EXPECTED = (b'ERR no such key', b'NOGROUP', b'BUSYGROUP', b'ERR The XGROUP subcommand requires the key')
SECONDS = 10**6


def hash_command(chance, key):
    def field():
        return chance.choice((chance.randint(-200, 200), 'f%d' % chance.randint(0, 150), 'x' * 70))

    def value():
        return chance.choice((chance.randint(-2**63, 2**63 - 1), 'v' * chance.randint(0, 70), b'\xff\r\n', 1.5))

    def pairs(most):
        return [word for _ in range(chance.randint(1, most)) for word in (field(), value())]

    return chance.choice((
        lambda: ('HSET', key, *pairs(5)), lambda: ('HMSET', key, *pairs(150)),
        lambda: ('HSETNX', key, field(), value()),
        lambda: ('HDEL', key, *[field() for _ in range(chance.choice((2, 200)))]),
        lambda: ('HINCRBY', key, 'counter', chance.randint(-10, 10)),
        lambda: ('HINCRBYFLOAT', key, 'fraction', '%.3f' % chance.uniform(-5, 5))))()


def list_command(chance, key):
    def element():
        return chance.choice((chance.randint(-200, 200), 'e%d' % chance.randint(0, 50), 'v' * chance.randint(0, 300),
                              b'\xff\r\n', 'x' * chance.choice((4000, 8192, 8193))))

    def some(most):
        return [element() for _ in range(chance.randint(1, most))]

    def end():
        return chance.choice(('LEFT', 'RIGHT'))

    other = chance.choice((key, '{%d}list' % chance.randrange(KEYS)))
    return chance.choice((
        lambda: ('RPUSH', key, *some(3)), lambda: ('LPUSH', key, *some(60)), lambda: ('RPUSHX', key, *some(60)),
        lambda: ('LPOP', key), lambda: ('RPOP', key, chance.randint(0, 100)),
        lambda: ('LTRIM', key, chance.randint(0, 20), chance.randint(-20, 40)),
        lambda: ('LREM', key, chance.randint(-3, 3), 'e%d' % chance.randint(0, 50)),
        lambda: ('LSET', key, chance.choice((0, -1)), element()),
        lambda: ('LINSERT', key, chance.choice(('BEFORE', 'AFTER')), 'e%d' % chance.randint(0, 50), element()),
        lambda: ('LMOVE', key, other, end(), end()), lambda: ('RPOPLPUSH', key, other),
        lambda: ('SORT', key, 'ALPHA', 'LIMIT', chance.randint(0, 5), chance.randint(0, 100), 'STORE', other),
        lambda: ('SORT', key, 'BY', '{*}hash->counter', 'ALPHA', 'GET', '#', 'GET', '{*}string', 'STORE', other),
        lambda: ('LMPOP', 1, key, end(), 'COUNT', chance.randint(1, 5))))()


def set_command(chance, key):
    other = '{%s}set' % chance.randint(0, KEYS - 1)

    def members(most):
        kind = chance.choice((lambda: chance.randint(-300, 300), lambda: chance.randint(-2**63, 2**63 - 1),
                              lambda: 'm%d' % chance.randint(0, 150), lambda: 'x' * chance.randint(0, 70)))
        return [kind() for _ in range(chance.randint(1, most))]

    return chance.choice((
        lambda: ('SADD', key, *members(5)), lambda: ('SADD', key, *members(chance.choice((50, 700)))),
        lambda: ('SREM', key, *members(200)), lambda: ('SPOP', key), lambda: ('SPOP', key, chance.randint(0, 40)),
        lambda: ('SMOVE', key, other, *members(1)),
        lambda: (chance.choice(('SUNIONSTORE', 'SINTERSTORE', 'SDIFFSTORE')), key, key, other)))()


def stream_command(chance, key):
    """Also what is not deterministic, or limited: that must be in the file as what it did."""
    def name():
        return chance.choice(('f', 'g', 7, 'x' * 70))

    def an_id():
        return '%d-%d' % (chance.randint(0, 40), chance.randint(0, 2))

    def pairs():
        return [word for _ in range(chance.randint(1, 3))
                for word in (name(), chance.choice((b'\xff\r\n', 12, 'v' * 60)))]

    def trim():
        return chance.choice((('MAXLEN', chance.randint(0, 150)), ('MAXLEN', '~', chance.randint(0, 150)),
                              ('MINID', '~', an_id()), ('MAXLEN', '~', 3, 'LIMIT', 200)))

    group, consumer = chance.choice('gh'), chance.choice('ab')
    return chance.choice((
        lambda: ('XADD', key, '*', *pairs()), lambda: ('XADD', key, *trim(), '*', *pairs()),
        lambda: ('XADD', key, 'NOMKSTREAM', '*', *pairs()), lambda: ('XTRIM', key, *trim()),
        lambda: ('XDEL', key, an_id(), an_id()), lambda: ('XREADGROUP', 'GROUP', group, consumer, 'STREAMS', key, '>'),
        lambda: ('XREADGROUP', 'GROUP', group, consumer, 'NOACK', 'STREAMS', key, '>'),
        lambda: ('XGROUP', 'CREATE', key, group, chance.choice('0$'), 'MKSTREAM'),
        lambda: ('XGROUP', 'CREATECONSUMER', key, group, consumer), lambda: ('XACK', key, group, an_id()),
        lambda: ('XAUTOCLAIM', key, group, consumer, 0, '-'), lambda: ('XGROUP', 'DESTROY', key, group)))()


def zset_command(chance, key):
    def member():
        return chance.choice((chance.randint(-200, 200), 'm%d' % chance.randint(0, 150), 'x' * 70))

    def score():
        return chance.choice((chance.randint(-50, 50), '%.3f' % chance.uniform(-5, 5),
                              '1e%d' % chance.randint(-300, 300), 0.1, 2**53 + 2))

    def pairs(most):
        return [word for _ in range(chance.randint(1, most)) for word in (score(), member())]

    return chance.choice((
        lambda: ('ZADD', key, *pairs(5)), lambda: ('ZADD', key, *pairs(100)),
        lambda: ('ZADD', key, chance.choice(('NX', 'XX', 'GT', 'LT', 'CH')), *pairs(20)),
        lambda: ('ZADD', key, 'INCR', '%.3f' % chance.uniform(-5, 5), member()),
        lambda: ('ZINCRBY', key, '%.3f' % chance.uniform(-5, 5), 'counter'),
        lambda: ('ZREM', key, *[member() for _ in range(chance.choice((2, 200)))]),
        lambda: (chance.choice(('ZPOPMIN', 'ZPOPMAX')), key, chance.randint(0, 5)),
        lambda: ('ZMPOP', 2, key, key, chance.choice(('MIN', 'MAX')), 'COUNT', chance.randint(1, 5)),
        lambda: ('ZREMRANGEBYRANK', key, chance.randint(-30, 30), chance.randint(-10, 10)),
        lambda: ('ZREMRANGEBYSCORE', key, '(3', 5),
        lambda: ('GEOADD', key, *[word for _ in range(chance.randint(1, 5))
                                  for word in (chance.uniform(-180, 180), chance.uniform(-85, 85), member())]),
        lambda: ('GEOSEARCHSTORE', key, key, 'FROMLONLAT', 1, 1, 'BYRADIUS', chance.randint(9000, 30000), 'km'),
        lambda: ('ZRANGESTORE', key, key, chance.randint(0, 5), -1),
        lambda: ('ZUNIONSTORE', key, 2, key, key, 'WEIGHTS', 1, 0.5), lambda: ('ZINTERSTORE', key, 1, key)))()


# By type: makes a command that is no error on a key of that type.
MAKERS = {'hash': hash_command, 'list': list_command, 'set': set_command, 'stream': stream_command,
          'zset': zset_command}
# Ends of the names of keys whose types redis-server 7.0 keeps in other encodings.
NEWER_ENCODINGS = (b'}list', b'}set')


def command(chance):
    kind = chance.choice(sorted(MAKERS))
    key, other = ('{%d}%s' % (number, kind) for number in chance.sample(range(KEYS), 2))
    if chance.random() < 0.9:
        return MAKERS[kind](chance, key)
    return chance.choice((('DEL', key), ('COPY', key, other, 'REPLACE'), ('RENAMENX', key, other), ('PERSIST', key),
                          ('EXPIRE', key, SECONDS), ('MOVE', key, 1)))


def write(server, chance, count=COMMANDS):
    connection = server.connect()
    commands = [command(chance) for _ in range(count)]
    connection.send(b''.join(encode(*one) for one in commands))
    for one in commands:
        reply = connection.read()[1]
        assert not reply.is_error or reply.data.startswith(EXPECTED), (one, reply)
    connection.close()


def rewrite(server):
    connection = server.connect()
    connection.call('BGREWRITEAOF')
    while b'aof_rewrite_in_progress:1' in connection.call('INFO', 'persistence'):
        time.sleep(0.005)
    connection.close()


def state(server, encodings):
    """The digest, and of each key when it expires and, if that is asked for, its encoding."""
    connection = server.connect()
    found = {'digest': connection.call('DEBUG', 'DIGEST')}
    for database in (0, 1):
        connection.call('SELECT', database)
        for key in connection.call('KEYS', '*'):
            encoding = connection.call('OBJECT', 'ENCODING', key) if encodings else None
            found[database, key] = (connection.call('PEXPIRETIME', key), encoding)
    connection.close()
    return found


def across_versions(found):
    """Without the encodings that redis-server 7.0 does not have all of."""
    return {name: (how[0], None) if name != 'digest' and name[1].endswith(NEWER_ENCODINGS) else how
            for name, how in found.items()}


def check(wanted, server, label, same_version):
    found = state(server, encodings=any(how[1] for name, how in wanted.items() if name != 'digest'))
    if not same_version:
        wanted, found = across_versions(wanted), across_versions(found)
    assert found == wanted, '%s: %s' % (label, {name: (wanted.get(name), found.get(name))
                                                for name in wanted.keys() | found.keys()
                                                if wanted.get(name) != found.get(name)})


@only_skua
def every_type(world):
    for _ in world.rounds(6):
        with Folder() as folder:
            rewrites = world.chance.random() < 0.5
            kind, policy = world.way()
            with kind.start(folder, appendfsync=policy) as server:
                write(server, world.chance)
                if rewrites:
                    rewrite(server)
                    write(server, world.chance, COMMANDS // 4)
                # A rewrite may make a small value compact again.
                wanted = state(server, encodings=not rewrites)
                kill(server)
            with world.kind().start(folder) as server:
                check(wanted, server, 'again', same_version=True)
                stop(server)
            with REDIS.start(folder, aof_use_rdb_preamble='no') as server:
                check(wanted, server, 'in redis-server', same_version=False)
                write(server, world.chance)
                if rewrites:
                    rewrite(server)
                wanted = state(server, encodings=not rewrites)
                stop(server)
            with world.kind().start(folder) as server:
                check(wanted, server, 'behind redis-server', same_version=False)
                stop(server)


CASES = (every_type,)
