"""Keys of any type: existence, expiry, moving between names and databases, iteration, whole databases."""
from .strings import look


def over_keys(name):
    def generate(g):
        g.case(name, *g.keys())
        if g.chance(0.3):
            g.do(b'EXISTS', *g.names)
    return generate


def of_one(name):
    def generate(g):
        g.case(name, g.key())
    return generate


def persist(g):
    key = g.key()
    if g.chance(0.4):
        g.do(b'EXPIRE', key, b'5000')
    g.case(b'PERSIST', key)
    look(g, key)


def expire(name, unit):
    def generate(g):
        key = g.key()
        if g.chance(0.3):
            g.do(b'SET', key, b'again', *g.one(((), (b'EX', b'%d' % g.seconds()), (b'PXAT', b'4102444800123'))))
        options = [[g.any_case(word)] for word in (b'NX', b'XX', b'GT', b'LT') if g.chance(0.22)]
        if g.chance(0.04):
            options.append([g.one((b'junk', b'', b'KEEPTTL'))])
        g.case(name, key, g.expiry_value(unit), *g.shuffled(options))
        look(g, key)
    return generate


def rename(name):
    def generate(g):
        source, target = g.key(), g.key()
        g.case(name, source, target)
        g.do(b'MGET', source, target)
        if g.chance(0.5):
            g.do(b'PTTL', target)
    return generate


def database(g):
    return g.one((b'0', b'1', b'2', b'15', b'16', b'-1', b'1', b'2', b'abc', b'', b'99999999999999999999',
                  b'2147483648', b'4294967296', b'01', b' 1'))


def use_databases(g):
    for number in (0, 1, 2, 15):
        g.use_database(number)


def copy(g):
    use_databases(g)
    source, target = g.key(), g.key()
    groups = []
    if g.chance(0.4):
        groups.append([g.any_case(b'REPLACE')])
    if g.chance(0.5):
        groups.append([g.any_case(b'DB'), database(g)])
    if g.chance(0.05):
        groups.append([g.one((b'DB', b'junk'))])
    g.case(b'COPY', source, target, *g.shuffled(groups))
    look(g, target)


def move(g):
    use_databases(g)
    key = g.key()
    if g.chance(0.5):
        g.do(b'SET', key, g.value())
    g.case(b'MOVE', key, database(g))
    g.do(b'EXISTS', key)


def swapdb(g):
    use_databases(g)
    g.case(b'SWAPDB', database(g), database(g))
    g.do(b'GET', g.key())
    if g.chance(0.2):
        g.do(b'SELECT', g.one((b'0', b'1', b'2')))


def flush(name):
    def generate(g):
        use_databases(g)
        if g.chance(0.5):
            g.do(b'SELECT', g.one((b'0', b'1', b'15')))
        g.do(b'SET', g.key(), b'to be gone')
        options = [[g.any_case(g.one((b'SYNC', b'ASYNC')))]] if g.chance(0.6) else []
        if g.chance(0.1):
            options.append([g.one((b'junk', b'SYNC', b'ASYNC', b''))])
        g.case(name, *g.shuffled(options))
        g.do(b'DBSIZE')
    return generate


PATTERNS = (b'*', b'', b'a', b'key:*', b'key:?', b'key:[12]', b'key:[^1]', b'key:[1-9]', b'key:[9-1]', b'{tag}*', b'*x',
            b'?', b'??', b'*\\**', b'[', b'[a', b'[a-', b'\\', b'a\\', b'[\\]]', b'*[?]*', b'**a**', b'*\x00*',
            b'*\xff*', b'[^]', b'[]', b'A', b'k*k*k*k*k*kx', b'\\*\\[\\?\\]\\\\')


def keys(g):
    g.case(b'KEYS', g.one(PATTERNS), mangle=0.04)


def scan(g):
    if g.chance(0.3):
        for number in range(g.rng.randint(1, 60)):
            g.do(b'SET', b'key:%d' % number, b'x', *g.one(((), (b'EX', b'5000'))))
            g.names.append(b'key:%d' % number)
    groups = []
    if g.chance(0.5):
        groups.append([g.any_case(b'MATCH'), g.one(PATTERNS)])
    if g.chance(0.5):
        groups.append([g.any_case(b'COUNT'), g.small(1, 100, wrong=0.15)])
    if g.chance(0.4):
        groups.append(
            [g.any_case(b'TYPE'),
             g.any_case(g.one((b'string', b'string', b'list', b'hash', b'zset', b'stream')))])
    if g.chance(0.05):
        groups.append([g.one((b'MATCH', b'COUNT', b'TYPE', b'junk', b'NOVALUES'))])
    options = g.shuffled(groups)
    if g.chance(0.6):
        g.scan(b'SCAN', *options)
    else:
        # Without a MATCH the first page of a scan has something whenever there is something, if COUNT is large.
        g.case(b'SCAN', g.one((b'0', b'abc', b'-1', b'', b'1x', b'18446744073709551616', b'0', b'0')), *options)


def small_count(g):
    g.case(b'DBSIZE')
    if g.chance(0.6):
        g.do(b'SET', g.key(), b'1')
    else:
        g.do(b'DEL', g.key())


def randomkey(g):
    if g.chance(0.3):
        g.do(b'FLUSHDB')
    if g.chance(0.6):
        g.do(b'SET', g.key(), b'1')
    g.case(b'RANDOMKEY')


def touch(g):
    g.case(b'TOUCH', *g.keys())


def short_lived(g):
    """Keys that end in between, seen by every kind of access. DBSIZE comes last: some may still lie there."""
    names = g.names
    for key in names:
        if g.chance(0.7):
            g.do(*g.one(((b'PSETEX', key, b'20', b'x'), (b'SET', key, b'x', b'PX', b'25'))))
    g.wait(60)
    for key in names:
        g.case(*g.one(((b'GET', key), (b'TTL', key), (b'EXISTS', key), (b'TYPE', key), (b'STRLEN', key),
                       (b'APPEND', key, b'y'), (b'INCR', key), (b'RENAME', key, names[0]), (b'SETNX', key, b'z'),
                       (b'PERSIST', key), (b'EXPIRE', key, b'900'), (b'GETDEL', key), (b'COPY', key, names[-1]),
                       (b'SET', key, b'w', b'XX'), (b'SET', key, b'w', b'GET'), (b'OBJECT', b'ENCODING', key),
                       (b'DEL', key), (b'KEYS', b'*'), (b'RANDOMKEY', ), (b'MGET', key, key), (b'MSETNX', key, b'1'),
                       (b'MOVE', key, b'1'), (b'GETRANGE', key, b'0', b'-1'), (b'TOUCH', key, key), (b'UNLINK', key))),
               mangle=0)
    g.use_database(1)
    g.do(b'EXISTS', *names)
    g.do(b'DBSIZE')


ROWS = {
    'del': over_keys(b'DEL'), 'unlink': over_keys(b'UNLINK'), 'exists': over_keys(b'EXISTS'), 'touch': touch,
    'type': of_one(b'TYPE'), 'ttl': of_one(b'TTL'), 'pttl': of_one(b'PTTL'),
    'expiretime': of_one(b'EXPIRETIME'), 'pexpiretime': of_one(b'PEXPIRETIME'), 'persist': persist,
    'expire': expire(b'EXPIRE', 's'), 'pexpire': expire(b'PEXPIRE', 'ms'),
    'expireat': expire(b'EXPIREAT', 'sat'), 'pexpireat': expire(b'PEXPIREAT', 'msat'),
    'rename': rename(b'RENAME'), 'renamenx': rename(b'RENAMENX'), 'copy': copy, 'move': move, 'swapdb': swapdb,
    'flushdb': flush(b'FLUSHDB'), 'flushall': flush(b'FLUSHALL'),
    'keys': keys, 'scan': scan, 'dbsize': small_count, 'randomkey': randomkey,
    'short-lived': short_lived,
}
