"""Sets: one generator a row, over sets of integers, of texts and of both, around the sizes at which they change.

OBJECT ENCODING is not asked: redis-server 7.0 has no listpacks of sets. Which encodings go together is in newer.py, for
the comparison of states; where the limits lie, in the unit tests."""

CASES_A_ROW = 200
INTEGERS = (b'0', b'1', b'-1', b'7', b'127', b'128', b'-32768', b'32767', b'32768', b'-32769', b'2147483647',
            b'2147483648', b'-2147483649', b'9223372036854775807', b'-9223372036854775808')
TEXTS = (b'a', b'b', b'', b'007', b'+1', b'-0', b'9223372036854775808', b'member', b'x' * 63, b'x' * 64, b'x' * 65,
         b'long' * 100, b'\xff\x00\r\n', b' ', b'1.5')
MANY_INTEGERS = tuple(b'%d' % number for number in range(100, 800))
MANY_TEXTS = tuple(b'm%d' % number for number in range(200))
COMBINING = ((b'SINTER', b'SINTERSTORE'), (b'SUNION', b'SUNIONSTORE'), (b'SDIFF', b'SDIFFSTORE'))


def member(g):
    return g.one(INTEGERS) if g.chance(0.5) else g.one(TEXTS)


def members(g):
    """Members for a set of one kind or another, some of them twice."""
    kind = g.one((INTEGERS, INTEGERS, TEXTS, INTEGERS + TEXTS, INTEGERS + TEXTS, MANY_INTEGERS[:20] + MANY_TEXTS[:20]))
    return [g.one(kind) for _ in range(g.one((1, 2, 5, 12, 30)))]


def many(g):
    """So many that a limit lies among them."""
    kind, limit = g.one(((MANY_INTEGERS, 512), (MANY_TEXTS, 128), (MANY_INTEGERS[:60] + MANY_TEXTS, 128)))
    return g.rng.sample(kind, limit + g.rng.randint(-3, 3))


def set_limits(g):
    if g.chance(0.15):
        g.do(b'CONFIG', b'SET', b'set-max-intset-entries', g.one((b'0', b'1', b'4', b'16', b'600')))
        g.finally_do(b'CONFIG', b'SET', b'set-max-intset-entries', b'512')


def some_set(g):
    """A key that mostly is a set, small or large."""
    key = g.key()
    set_limits(g)
    if g.chance(0.6):
        if g.chance(0.6):
            g.do(b'DEL', key)
        g.do(b'SADD', key, *(many(g) if g.chance(0.1) else members(g)))
        if g.chance(0.1):
            g.do(b'EXPIRE', key, b'%d' % g.seconds())
    return key


def look(g, key):
    """Something that shows what a write did, beyond its reply."""
    if g.chance(0.5):
        g.do(g.one((b'SMEMBERS', b'SCARD', b'TYPE', b'EXISTS', b'TTL')), key)


def sadd(g):
    key = some_set(g)
    g.case(b'SADD', key, *(many(g) if g.chance(0.1) else members(g)))
    look(g, key)


def srem(g):
    key = some_set(g)
    if g.chance(0.2):
        words = members(g)
        g.do(b'DEL', key)
        g.do(b'SADD', key, *words)
        g.case(b'SREM', key, *g.rng.sample(words, len(words)), *members(g))
    else:
        g.case(b'SREM', key, *members(g))
    look(g, key)


def of_set(name):
    def generate(g):
        g.case(name, some_set(g))
    return generate


def sismember(g):
    g.case(b'SISMEMBER', some_set(g), member(g))


def smismember(g):
    g.case(b'SMISMEMBER', some_set(g), *members(g))


def smove(g):
    source, destination = some_set(g), g.key() if g.chance(0.3) else some_set(g)
    word = member(g)
    if g.chance(0.5):
        g.do(b'SADD', source, word)
    g.case(b'SMOVE', source, destination, word)
    look(g, source)
    look(g, destination)


def srandmember(g):
    count = [g.random_count()] if g.chance(0.8) else []
    g.case(b'SRANDMEMBER', some_set(g), *count)


def spop(g):
    """What is left is chance, so the key goes too, unless all was asked for."""
    key = some_set(g)
    count = []
    if g.chance(0.8):
        count = [g.one((g.small(-3, 30), b'0', b'1', b'-9223372036854775808', b'9223372036854775807', b'1000'))]
    g.case(b'SPOP', key, *count)
    if g.chance(0.5):
        g.do(g.one((b'SCARD', b'EXISTS', b'TTL')), key)
    g.do(b'DEL', key)


def some_sets(g):
    """A few keys, of which most are sets."""
    keys = [some_set(g) for _ in range(g.rng.randint(1, 3))]
    while g.chance(0.3):
        keys.append(g.key())
    if g.chance(0.1):
        keys.append(b'nosuch')
    return g.rng.sample(keys, len(keys))


def combination(name):
    def generate(g):
        g.case(name, *some_sets(g))
    return generate


def stored(name):
    def generate(g):
        keys, destination = some_sets(g), g.key()
        g.case(name, destination, *keys)
        look(g, destination)
    return generate


def sintercard(g):
    keys = some_sets(g)
    options = []
    if g.chance(0.5):
        options = [g.any_case(b'LIMIT'), g.one((b'0', b'1', b'2', b'100', g.small(-2, 5)))]
    numkeys = b'%d' % len(keys)
    if g.chance(0.12):
        numkeys = g.one((b'0', b'-1', b'100', b'x', b'', b'%d' % (len(keys) + 1), b'%d' % (len(keys) - 1)))
    g.case(b'SINTERCARD', numkeys, *keys, *options)


def sscan(g):
    key = some_set(g)
    groups = []
    if g.chance(0.5):
        groups.append([g.any_case(b'COUNT'), g.small(-1, 30)])
    if g.chance(0.5):
        groups.append([g.any_case(b'MATCH'), g.one((b'*', b'm*', b'1*', b'?', b'[0-9]*', b'nosuch', b''))])
    if g.chance(0.08):
        groups.append(g.one(([b'TYPE', b'set'], [b'junk'], [b'COUNT'], [b'MATCH'])))
    if g.chance(0.8):
        g.scan(b'SSCAN', key, *g.shuffled(groups), cursor_at=2)
    else:
        cursor = g.one((b'0', b'0', b'abc', b'1x', b'99999999999999999999999'))
        g.case(b'SSCAN', key, cursor, *g.shuffled(groups), mangle=0)


def wrong_type(g):
    """What is for other types against a set, and what is for sets against other types."""
    key, other = g.key(), g.key()
    g.do(b'DEL', key)
    g.do(b'SADD', key, *members(g))
    g.case(*g.one((
        (b'GET', key), (b'APPEND', key, b'x'), (b'INCR', key), (b'SETRANGE', key, b'1', b'x'), (b'STRLEN', key),
        (b'MGET', key, other), (b'SET', key, b'x', b'GET'), (b'SETNX', key, b'x'), (b'SET', key, b'x'),
        (b'RENAME', key, other), (b'RENAMENX', key, other), (b'COPY', key, other), (b'COPY', key, other, b'REPLACE'),
        (b'MOVE', key, b'1'), (b'UNLINK', key), (b'TOUCH', key), (b'PERSIST', key), (b'EXPIRE', key, b'1000'),
        (b'EXPIRE', key, b'-1'), (b'HSET', key, b'f', b'v'), (b'HGETALL', key), (b'HDEL', key, b'f'),
        (b'HRANDFIELD', key), (b'SADD', other, b'x'), (b'SREM', other, b'x'), (b'SCARD', other), (b'SMEMBERS', other),
        (b'SISMEMBER', other, b'x'), (b'SMISMEMBER', other, b'x', b'y'), (b'SRANDMEMBER', other),
        (b'SRANDMEMBER', other, b'0'), (b'SRANDMEMBER', other, b'x'), (b'SPOP', other, b'0'), (b'SPOP', other, b'-1'),
        (b'SMOVE', key, other, b'a'), (b'SMOVE', other, key, b'a'), (b'SMOVE', other, b'nosuch', b'a'),
        (b'SMOVE', b'nosuch', other, b'a'), (b'SINTER', key, other), (b'SINTER', b'nosuch', other),
        (b'SINTER', other, b'nosuch'), (b'SINTERSTORE', other, key), (b'SINTERSTORE', key, b'nosuch', other),
        (b'SINTERCARD', b'2', key, other), (b'SUNION', key, other), (b'SUNIONSTORE', other, key),
        (b'SDIFF', key, other), (b'SDIFF', other, key), (b'SDIFF', b'nosuch', other), (b'SDIFFSTORE', other, key),
        (b'SDIFFSTORE', key, other), (b'SSCAN', other, b'0', b'junk'), (b'SETBIT', key, b'1', b'1'),
        (b'BITCOUNT', key), (b'PFADD', key, b'x'), (b'PFMERGE', other, key))), mangle=0)
    g.use_database(1)
    look(g, key)


ROWS = {
    'sadd': sadd, 'srem': srem, 'sismember': sismember, 'smismember': smismember, 'scard': of_set(b'SCARD'),
    'smembers': of_set(b'SMEMBERS'), 'smove': smove, 'srandmember': srandmember, 'spop': spop, 'sscan': sscan,
    'sintercard': sintercard, 'wrong_type': wrong_type,
    **{plain.decode().lower(): combination(plain) for plain, _ in COMBINING},
    **{store.decode().lower(): stored(store) for _, store in COMBINING},
}
