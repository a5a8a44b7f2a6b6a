"""Sorted sets: one generator a row. Limits of the compact form are set low now and then, so that every one is crossed.

Two things are left out, as Redis 7.0 and 7.4 differ in when the encoding changes: ZADD of more pairs than the compact
form may have that adds fewer, and scores of the compact form that are not short in ZSCAN, which shows their text.
"""
CASES_A_ROW = 200
MEMBERS = (b'a', b'b', b'c', b'1', b'-7', b'007', b'', b'member', b'x' * 63, b'x' * 64, b'x' * 65, b'long' * 100,
           b'\xff\x00\r\n', b'12345678901234567890', b'-9223372036854775808', b'127', b'128', b' ', b'1.5')
MANY = tuple(b'm%02d' % number for number in range(40))
SCORES = (b'0', b'-0', b'1', b'1', b'2', b'2', b'3', b'-1', b'1.5', b'-1.5', b'2.5', b'3.1', b'0.1', b'1e3', b'1e17',
          b'1e18', b'1e19', b'1e100', b'-1e300', b'5e-324', b'inf', b'-inf', b'+inf', b'4503599627370497',
          b'9007199254740993', b'4611686018427388928', b'0x10', b'.5', b'007', b'123456789.123456789')
NOT_SCORES = (b'', b'abc', b' 1', b'1 ', b'nan', b'1e', b'1e400', b'--1', b'1,5', b'1x')
ENTRIES = (b'zset-max-listpack-entries', b'zset-max-ziplist-entries')
BYTES = (b'zset-max-listpack-value', b'zset-max-ziplist-value')


def member(g):
    return g.one(MEMBERS) if g.chance(0.7) else g.one(MANY)


def score(g, wrong=0.05):
    if g.chance(wrong):
        return g.one(NOT_SCORES)
    if g.chance(0.2):
        return b'%.*f' % (g.rng.randint(0, 17), g.rng.uniform(-1000, 1000))
    return g.one(SCORES)


def pairs(g, most, wrong=0.0, one_score=None):
    """Scores with members, none twice."""
    members = g.rng.sample(MEMBERS + MANY, g.rng.randint(1, most))
    return [word for name in members for word in (one_score or score(g, wrong), name)]


def set_limits(g):
    if not g.chance(0.2):
        return
    g.do(b'DEL', *g.names)
    if g.chance(0.7):
        g.do(b'CONFIG', b'SET', g.one(ENTRIES), g.one((b'0', b'1', b'4', b'8', b'16')))
    else:
        g.do(b'CONFIG', b'SET', g.one(BYTES), g.one((b'0', b'4', b'16', b'100', b'1000')))
    g.finally_do(b'CONFIG', b'SET', ENTRIES[0], b'128', BYTES[0], b'64')


def fill(g, key, one_score=None):
    if g.chance(0.5):
        g.do(b'DEL', key)
    g.do(b'ZADD', key, *pairs(g, g.one((3, 3, 9, 20)), one_score=one_score))
    if g.chance(0.1):
        g.do(b'EXPIRE', key, b'%d' % g.seconds())


def some_zset(g):
    """A key that mostly is a sorted set, small or large."""
    key = g.key()
    set_limits(g)
    if g.chance(0.6):
        fill(g, key)
    return key


def one_score_zset(g):
    """The same with members of one score, or rarely of several in the compact form."""
    key = g.key()
    set_limits(g)
    g.do(b'DEL', key)
    if g.chance(0.9):
        fill(g, key, b'0')
    return key


def look(g, key):
    """Something that shows what a write did, beyond its reply."""
    if g.chance(0.5):
        question = g.one((b'ZRANGE', b'ZCARD', b'TYPE', b'EXISTS', b'TTL', b'OBJECT', b'OBJECT'))
        if question == b'OBJECT':
            g.do(b'OBJECT', b'ENCODING', key)
        elif question == b'ZRANGE':
            g.do(b'ZRANGE', key, b'0', b'-1', b'WITHSCORES')
        else:
            g.do(question, key)


def zadd(g):
    key = some_zset(g)
    options = [g.any_case(g.one((b'NX', b'XX', b'GT', b'LT', b'CH', b'INCR')))
               for _ in range(g.one((0, 0, 1, 1, 2, 3)))]
    upper = {word.upper() for word in options}
    most = 1 if b'XX' in upper or b'INCR' in upper and g.chance(0.9) else g.one((1, 1, 3, 12))
    g.case(b'ZADD', key, *options, *pairs(g, most, wrong=0.05))
    look(g, key)


def zincrby(g):
    key = some_zset(g)
    g.case(b'ZINCRBY', key, score(g), member(g))
    look(g, key)


def zrem(g):
    key = some_zset(g)
    if g.chance(0.2):
        g.do(b'DEL', key)
        g.do(b'ZADD', key, *[word for name in MANY[:g.one((1, 2, 30))] for word in (b'1', name)])
        g.case(b'ZREM', key, *MANY)
    else:
        g.case(b'ZREM', key, *[member(g) for _ in range(g.rng.randint(1, 6))])
    look(g, key)


def zcard(g):
    g.case(b'ZCARD', some_zset(g))


def zscore(g):
    g.case(b'ZSCORE', some_zset(g), member(g))


def zmscore(g):
    g.case(b'ZMSCORE', some_zset(g), *[member(g) for _ in range(g.rng.randint(1, 6))])


def rank(name):
    def generate(g):
        g.case(name, some_zset(g), member(g), mangle=0)
        if g.chance(0.1):
            g.case(name, *g.one(((b'key:1', b'm', b'foo'), (b'key:1', b'm', b'foo', b'x'), (b'key:1', ), ())), mangle=0)
    return generate


def score_bound(g):
    if g.chance(0.05):
        return g.one((b'', b'(', b'((1', b'abc', b'nan', b'(nan', b'1x', b' ', b'[1', b'-', b'+'))
    if g.chance(0.1):
        return g.one((b' 1', b'1e400', b'-1e400', b'( 1', b'(inf', b'-inf', b'1\x00x'))
    bound = g.one(SCORES)
    return b'(' + bound if g.chance(0.3) else bound


def name_bound(g):
    if g.chance(0.05):
        return g.one((b'', b'a', b'--', b'++', b'-a', b'+inf', b'{a'))
    if g.chance(0.25):
        return g.one((b'-', b'+'))
    return g.one((b'[', b'(')) + g.one((member(g), b'm', b'm1', b'm15x'))


def index(g):
    return g.small(-25, 25, wrong=0.04)


def limit(g):
    return [g.any_case(b'LIMIT'), g.one((b'0', b'0', b'1', b'2', b'5', b'-1', b'100', b'x')),
            g.one((b'0', b'1', b'2', b'5', b'-1', b'100', b'9223372036854775807', b''))]


def swap(g, bounds, reverse):
    """Bounds in the order that mostly gives something."""
    return bounds if not reverse or g.chance(0.3) else bounds[::-1]


def rank_range(name, with_scores=True):
    def generate(g):
        key = some_zset(g)
        options = [g.any_case(b'WITHSCORES')] if with_scores and g.chance(0.4) else []
        g.case(name, key, index(g), index(g), *options)
        look(g, key)
    return generate


def score_range(name, options_too=True):
    def generate(g):
        key = some_zset(g)
        groups = []
        if options_too and g.chance(0.4):
            groups.append([g.any_case(b'WITHSCORES')])
        if options_too and g.chance(0.4):
            groups.append(limit(g))
        g.case(name, key, score_bound(g), score_bound(g), *g.shuffled(groups))
        look(g, key)
    return generate


def name_range(name, options_too=True):
    def generate(g):
        key = one_score_zset(g)
        options = limit(g) if options_too and g.chance(0.4) else []
        g.case(name, key, name_bound(g), name_bound(g), *options)
        look(g, key)
    return generate


def any_range(g, most_options):
    """Key, bounds and options of ZRANGE and ZRANGESTORE."""
    how = g.one((None, None, b'BYSCORE', b'BYLEX'))
    key = one_score_zset(g) if how == b'BYLEX' else some_zset(g)
    bound = {None: index, b'BYSCORE': score_bound, b'BYLEX': name_bound}[how]
    groups = [[g.any_case(how)]] if how else []
    reverse = g.chance(0.3)
    if reverse:
        groups.append([g.any_case(b'REV')])
    if g.chance(0.4 if how else 0.05):
        groups.append(limit(g))
    if g.chance(0.4 if how != b'BYLEX' else 0.05):
        groups.append([g.any_case(b'WITHSCORES')] if most_options else [])
    return [key, *swap(g, [bound(g), bound(g)], reverse), *g.shuffled(groups)]


def zrange(g):
    g.case(b'ZRANGE', *any_range(g, True))


def zrangestore(g):
    target = g.key()
    g.case(b'ZRANGESTORE', target, *any_range(g, g.chance(0.05)))
    look(g, target)


def pop(name):
    def generate(g):
        key = some_zset(g)
        count = [g.one((b'0', b'1', b'2', b'5', b'100', b'-1', b'x', b''))] if g.chance(0.6) else []
        g.case(name, key, *count)
        look(g, key)
    return generate


def zmpop(g):
    keys = [some_zset(g) for _ in range(g.rng.randint(1, 3))]
    number = b'%d' % len(keys) if g.chance(0.95) else g.one((b'0', b'-1', b'x', b'1', b'9'))
    count = [g.any_case(b'COUNT'), g.one((b'1', b'2', b'5', b'100', b'0', b'-1', b'x'))] if g.chance(0.5) else []
    if g.chance(0.03):
        count.append(g.one((b'COUNT', b'1', b'x')))
    g.case(b'ZMPOP', number, *keys, g.any_case(g.one((b'MIN', b'MAX', b'MIN', b'MAX', b'mid'))), *count)
    look(g, keys[0])


def zrandmember(g):
    key = some_zset(g)
    options = []
    if g.chance(0.8):
        options = [g.random_count()]
        if g.chance(0.5):
            options.append(g.any_case(b'WITHSCORES'))
            if g.chance(0.1):
                options[0] = g.one((b'4611686018427387904', b'-4611686018427387904', b'9223372036854775807'))
    g.case(b'ZRANDMEMBER', key, *options)


def zscan(g):
    key = g.key()
    set_limits(g)
    g.do(b'DEL', key)
    names = g.rng.sample(MEMBERS + MANY, g.one((1, 5, 20, 50)))
    g.do(b'ZADD', key, *[word for name in names for word in (g.one((b'1', b'-2', b'2.5', b'0', b'inf', b'1e5')), name)])
    groups = []
    if g.chance(0.5):
        groups.append([g.any_case(b'COUNT'), g.small(-1, 30)])
    if g.chance(0.5):
        groups.append([g.any_case(b'MATCH'), g.one((b'*', b'm*', b'a*', b'?', b'[0-9]*', b'nosuch', b''))])
    if g.chance(0.08):
        groups.append(g.one(([b'TYPE', b'zset'], [b'NOVALUES'], [b'junk'], [b'COUNT'], [b'MATCH'])))
    if g.chance(0.8):
        g.scan(b'ZSCAN', key, *g.shuffled(groups), cursor_at=2)
    else:
        cursor = g.one((b'0', b'0', b'abc', b'1x', b'99999999999999999999999'))
        g.case(b'ZSCAN', g.key(), cursor, *g.shuffled(groups), mangle=0)


def input_key(g):
    key = some_zset(g)
    if g.chance(0.15) and b'SADD' in g.facts.types:
        g.do(b'DEL', key)
        g.do(b'SADD', key, *g.rng.sample(MEMBERS + MANY, g.one((1, 5, 20))))
    return key


def combination(name, stores, options_of):
    def generate(g):
        keys = [input_key(g) for _ in range(g.one((1, 2, 2, 3, 5)))]
        number = b'%d' % len(keys) if g.chance(0.95) else g.one((b'0', b'-1', b'x', b'1', b'9', b''))
        target = [g.key()] if stores else []
        groups = [group for group in options_of(g, len(keys)) if g.chance(0.5)]
        g.case(name, *target, number, *keys, *g.shuffled(groups))
        if target and g.chance(0.5):
            g.do(b'ZRANGE', *target, b'0', b'-1', b'WITHSCORES')
    return generate


def weights(g, count):
    chosen = [g.one((b'1', b'2', b'0', b'-1', b'0.5', b'inf', b'1e10', b'-inf')) for _ in range(count)]
    if g.chance(0.06):
        chosen[0] = g.one((b'nan', b'x', b''))
    return [g.any_case(b'WEIGHTS'), *chosen]


def aggregate(g):
    return [g.any_case(b'AGGREGATE'), g.any_case(g.one((b'SUM', b'MIN', b'MAX', b'MIN', b'MAX', b'avg')))]


def scored(g, count):
    return weights(g, count), aggregate(g), [g.any_case(b'WITHSCORES')]


def scored_store(g, count):
    return weights(g, count), aggregate(g)


def only_scores(g, count):
    return ([g.any_case(b'WITHSCORES')], )


def only_limit(g, count):
    return ([g.any_case(b'LIMIT'), g.one((b'0', b'1', b'3', b'100', b'-1', b'x'))], )


def nothing(g, count):
    return ()


def encoding(g):
    """Across both limits by one member, also after a limit was lowered."""
    key = g.key()
    g.do(b'DEL', key)
    g.do(b'ZADD', key, *[word for name in MANY[:10] for word in (b'1', name)])
    g.do(b'CONFIG', b'SET', *g.one(((ENTRIES[0], g.one((b'5', b'9', b'10', b'11'))), (BYTES[0], b'5'))))
    g.finally_do(b'CONFIG', b'SET', ENTRIES[0], b'128', BYTES[0], b'64')
    for _ in range(3):
        g.case(*g.one(((b'ZADD', key, b'2', member(g)), (b'ZINCRBY', key, b'1', g.one(MANY[:12])),
                       (b'ZADD', key, b'XX', b'5', member(g)), (b'ZREM', key, g.one(MANY[:10])))), mangle=0)
        g.do(b'OBJECT', b'ENCODING', key)


def wrong_type(g):
    """What is for other types against a sorted set, and what is for sorted sets against other types."""
    key, other = g.key(), g.key()
    g.do(b'DEL', key)
    g.do(b'ZADD', key, b'1', b'f')
    g.case(*g.one((
        (b'GET', key), (b'APPEND', key, b'x'), (b'INCR', key), (b'GETSET', key, b'x'), (b'STRLEN', key),
        (b'MGET', key, other), (b'SET', key, b'x'), (b'SET', key, b'x', b'GET'), (b'SETNX', key, b'x'),
        (b'HSET', key, b'f', b'v'), (b'HGETALL', key), (b'HDEL', key, b'f'), (b'HSCAN', key, b'0'),
        (b'RENAME', key, other), (b'RENAMENX', key, other), (b'COPY', key, other), (b'COPY', key, other, b'REPLACE'),
        (b'MOVE', key, b'1'), (b'UNLINK', key), (b'TOUCH', key), (b'EXPIRE', key, b'1000'), (b'EXPIRE', key, b'-1'),
        (b'ZADD', other, b'x', b'm'), (b'ZADD', other, b'1', b'm'), (b'ZREM', other, b'm'), (b'ZCARD', other),
        (b'ZRANGE', other, b'0', b'x'), (b'ZRANGE', other, b'0', b'-1'), (b'ZRANGEBYSCORE', other, b'x', b'1'),
        (b'ZSCAN', other, b'0', b'junk'), (b'ZPOPMIN', other, b'0'), (b'ZPOPMAX', other),
        (b'ZINCRBY', other, b'x', b'm'), (b'ZMPOP', b'2', other, key, b'MIN'), (b'ZUNION', b'2', key, other),
        (b'ZUNIONSTORE', other, b'1', key),
        (b'ZUNIONSTORE', b'a', b'2', other, key, b'junk'), (b'ZRANGESTORE', other, key, b'0', b'-1'),
        (b'ZRANGESTORE', key, other, b'0', b'-1'), (b'ZINTERCARD', b'1', other, b'LIMIT', b'-1'),
        (b'SETBIT', key, b'1', b'1'), (b'BITCOUNT', key), (b'PFADD', key, b'x'), (b'PFCOUNT', key))), mangle=0)
    g.use_database(1)
    look(g, key)
    look(g, other)


ROWS = {
    'zadd': zadd, 'zincrby': zincrby, 'zrem': zrem, 'zcard': zcard, 'zscore': zscore, 'zmscore': zmscore,
    'zrank': rank(b'ZRANK'), 'zrevrank': rank(b'ZREVRANK'),
    'zrange': zrange, 'zrangestore': zrangestore, 'zrevrange': rank_range(b'ZREVRANGE'),
    'zrangebyscore': score_range(b'ZRANGEBYSCORE'), 'zrevrangebyscore': score_range(b'ZREVRANGEBYSCORE'),
    'zrangebylex': name_range(b'ZRANGEBYLEX'), 'zrevrangebylex': name_range(b'ZREVRANGEBYLEX'),
    'zcount': score_range(b'ZCOUNT', False), 'zlexcount': name_range(b'ZLEXCOUNT', False),
    'zremrangebyrank': rank_range(b'ZREMRANGEBYRANK', False),
    'zremrangebyscore': score_range(b'ZREMRANGEBYSCORE', False),
    'zremrangebylex': name_range(b'ZREMRANGEBYLEX', False),
    'zpopmin': pop(b'ZPOPMIN'), 'zpopmax': pop(b'ZPOPMAX'), 'zmpop': zmpop,
    'zrandmember': zrandmember, 'zscan': zscan,
    'zunion': combination(b'ZUNION', False, scored), 'zinter': combination(b'ZINTER', False, scored),
    'zdiff': combination(b'ZDIFF', False, only_scores), 'zintercard': combination(b'ZINTERCARD', False, only_limit),
    'zunionstore': combination(b'ZUNIONSTORE', True, scored_store),
    'zinterstore': combination(b'ZINTERSTORE', True, scored_store),
    'zdiffstore': combination(b'ZDIFFSTORE', True, nothing),
    'encoding': encoding, 'wrong_type': wrong_type,
}
