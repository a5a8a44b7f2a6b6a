"""Hashes: one generator a row. Limits of the compact form are set low now and then, so that every one is crossed."""

CASES_A_ROW = 200
FIELDS = (b'f', b'g', b'1', b'-7', b'007', b'', b'field', b'x' * 63, b'x' * 64, b'x' * 65, b'long' * 100,
          b'\xff\x00\r\n', b'12345678901234567890', b'-9223372036854775808', b'127', b'128', b'4096', b'32767',
          b'32768', b' ')
MANY = tuple(b'm%d' % number for number in range(40))
ENTRIES = (b'hash-max-listpack-entries', b'hash-max-ziplist-entries')
BYTES = (b'hash-max-listpack-value', b'hash-max-ziplist-value')


def field(g):
    return g.one(FIELDS) if g.chance(0.7) else g.one(MANY)


def pairs(g, most):
    """Fields with values, none twice: of so many that they may be too many for a listpack 7.4 does not look which."""
    fields = g.rng.sample(FIELDS + MANY, g.rng.randint(1, most))
    return [word for name in fields for word in (name, g.value())]


def set_limits(g):
    if not g.chance(0.2):
        return
    if g.chance(0.7):
        g.do(b'CONFIG', b'SET', g.one(ENTRIES), g.one((b'0', b'1', b'4', b'8', b'16')))
    else:
        g.do(b'CONFIG', b'SET', g.one(BYTES), g.one((b'0', b'4', b'16', b'100', b'1000')))
    g.finally_do(b'CONFIG', b'SET', ENTRIES[0], b'512', BYTES[0], b'64')


def some_hash(g):
    """A key that mostly is a hash, small or large."""
    key = g.key()
    set_limits(g)
    if g.chance(0.5):
        if g.chance(0.5):
            g.do(b'DEL', key)
        g.do(b'HSET', key, *pairs(g, g.one((3, 3, 9, 20))))
        if g.chance(0.1):
            g.do(b'EXPIRE', key, b'%d' % g.seconds())
    return key


def look(g, key):
    """Something that shows what a write did, beyond its reply."""
    if g.chance(0.5):
        question = g.one((b'HGETALL', b'HLEN', b'TYPE', b'EXISTS', b'TTL', b'OBJECT', b'OBJECT'))
        if question == b'OBJECT':
            g.do(b'OBJECT', b'ENCODING', key)
        else:
            g.do(question, key)


def setter(name):
    def generate(g):
        key = some_hash(g)
        g.case(name, key, *pairs(g, g.one((1, 1, 3, 12))))
        look(g, key)
    return generate


def hsetnx(g):
    key = some_hash(g)
    g.case(b'HSETNX', key, field(g), g.value())
    look(g, key)


def of_hash(name):
    def generate(g):
        g.case(name, some_hash(g))
    return generate


def of_field(name):
    def generate(g):
        g.case(name, some_hash(g), field(g))
    return generate


def hmget(g):
    g.case(b'HMGET', some_hash(g), *[field(g) for _ in range(g.rng.randint(1, 6))])


def hdel(g):
    key = some_hash(g)
    if g.chance(0.2):
        g.do(b'DEL', key)
        g.do(b'HSET', key, *[word for name in MANY[:g.one((1, 2, 30))] for word in (name, b'v')])
        g.case(b'HDEL', key, *MANY)
    else:
        g.case(b'HDEL', key, *[field(g) for _ in range(g.rng.randint(1, 6))])
    look(g, key)


def increment(name, number):
    def generate(g):
        key, name_of_field = some_hash(g), field(g)
        if g.chance(0.6):
            g.do(b'HSET', key, name_of_field, number(g))
        g.case(name, key, name_of_field, number(g))
        look(g, key)
    return generate


def hrandfield(g):
    key = some_hash(g)
    options = []
    if g.chance(0.8):
        options = [g.random_count()]
        if g.chance(0.5):
            options.append(g.any_case(b'WITHVALUES'))
            if g.chance(0.1):
                options[0] = g.one((b'4611686018427387904', b'-4611686018427387904', b'9223372036854775807'))
    g.case(b'HRANDFIELD', key, *options)


def hscan(g):
    key = some_hash(g)
    groups = []
    if g.chance(0.5):
        groups.append([g.any_case(b'COUNT'), g.small(-1, 30)])
    if g.chance(0.5):
        groups.append([g.any_case(b'MATCH'), g.one((b'*', b'm*', b'f*', b'?', b'[0-9]*', b'nosuch', b''))])
    if g.chance(0.08):
        groups.append(g.one(([b'TYPE', b'hash'], [b'junk'], [b'COUNT'], [b'MATCH'])))
    if g.chance(0.8):
        g.scan(b'HSCAN', key, *g.shuffled(groups), cursor_at=2)
    else:
        cursor = g.one((b'0', b'0', b'abc', b'1x', b'99999999999999999999999'))
        g.case(b'HSCAN', key, cursor, *g.shuffled(groups), mangle=0)


def wrong_type(g):
    """What is for other types against a hash, and what is for hashes against other types."""
    key, other = g.key(), g.key()
    g.do(b'DEL', key)
    g.do(b'HSET', key, b'f', b'1')
    g.case(*g.one((
        (b'GET', key), (b'APPEND', key, b'x'), (b'INCR', key), (b'INCRBY', key, b'2'), (b'INCRBYFLOAT', key, b'1.5'),
        (b'DECR', key), (b'DECRBY', key, b'1'), (b'GETSET', key, b'x'), (b'GETDEL', key),
        (b'GETEX', key, b'EX', b'100'), (b'GETRANGE', key, b'0', b'-1'), (b'SUBSTR', key, b'0', b'1'),
        (b'SETRANGE', key, b'1', b'x'), (b'SETRANGE', key, b'1', b''), (b'STRLEN', key), (b'MGET', key, other),
        (b'LCS', key, other), (b'SET', key, b'x', b'GET'), (b'SET', key, b'x', b'NX', b'GET'), (b'SETNX', key, b'x'),
        (b'MSETNX', key, b'x'), (b'SET', key, b'x'), (b'SET', key, b'x', b'KEEPTTL'), (b'SETEX', key, b'100', b'x'),
        (b'MSET', key, b'x'), (b'RENAME', key, other), (b'RENAMENX', key, other), (b'COPY', key, other),
        (b'COPY', key, other, b'REPLACE'), (b'MOVE', key, b'1'), (b'UNLINK', key), (b'TOUCH', key), (b'PERSIST', key),
        (b'EXPIRE', key, b'1000'), (b'EXPIRE', key, b'-1'), (b'HSET', other, b'f', b'v'), (b'HGETALL', other),
        (b'HDEL', other, b'f'), (b'HINCRBY', other, b'f', b'x'), (b'HINCRBY', other, b'f', b'1'),
        (b'HINCRBYFLOAT', other, b'f', b'inf'), (b'HSCAN', other, b'0', b'junk'), (b'HRANDFIELD', other, b'x'),
        (b'HRANDFIELD', other, b'2'), (b'SETBIT', key, b'1', b'1'), (b'GETBIT', key, b'1'), (b'BITCOUNT', key),
        (b'BITPOS', key, b'1'), (b'BITOP', b'OR', other, key), (b'BITFIELD', key, b'GET', b'u4', b'0'),
        (b'BITFIELD', key, b'SET', b'u4', b'0', b'1'), (b'PFADD', key, b'x'), (b'PFCOUNT', key),
        (b'PFMERGE', key, other), (b'PFMERGE', other, key))), mangle=0)
    g.use_database(1)
    look(g, key)
    look(g, other)


ROWS = {
    'hset': setter(b'HSET'), 'hmset': setter(b'HMSET'), 'hsetnx': hsetnx,
    'hget': of_field(b'HGET'), 'hmget': hmget, 'hexists': of_field(b'HEXISTS'), 'hstrlen': of_field(b'HSTRLEN'),
    'hgetall': of_hash(b'HGETALL'), 'hkeys': of_hash(b'HKEYS'), 'hvals': of_hash(b'HVALS'), 'hlen': of_hash(b'HLEN'),
    'hdel': hdel, 'hincrby': increment(b'HINCRBY', lambda g: g.integer()),
    'hincrbyfloat': increment(b'HINCRBYFLOAT', lambda g: g.float()),
    'hrandfield': hrandfield, 'hscan': hscan, 'wrong_type': wrong_type,
}
