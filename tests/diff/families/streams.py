"""Streams: one generator a row. Nodes are made small now and then, so that trimming meets whole ones and parts."""

CASES_A_ROW = 200
NAMES = (b'f', b'g', b'1', b'-7', b'007', b'', b'name', b'x' * 63, b'long' * 100, b'\xff\x00\r\n')
GROUPS = (b'g', b'h', b'', b'none')
CONSUMERS = (b'alice', b'bob', b'', b'streams')
IDS = (b'0', b'0-0', b'1', b'1-1', b'2-0', b'2-1', b'3', b'3-3', b'5-2', b'7', b'8-18446744073709551615', b'9-5', b'12',
       b'18446744073709551615', b'18446744073709551615-18446744073709551615')
WRONG_IDS = (b'', b'-', b'+', b'*', b'1-', b'-1', b'1-1-1', b'x', b'1-x', b' 1', b'1 ', b'01-01', b'$', b'>', b'(1',
             b'18446744073709551616', b'1-18446744073709551616', b'1' * 128, b'1-*', b'1.5')
NODES = ((b'stream-node-max-entries', (b'0', b'1', b'2', b'3', b'5')),
         (b'stream-node-max-bytes', (b'0', b'1', b'64', b'200')))
LONG_MS = b'1000000000'


def set_limits(g):
    if g.chance(0.4):
        option, values = g.one(NODES)
        g.do(b'CONFIG', b'SET', option, g.one(values))
        g.finally_do(b'CONFIG', b'SET', b'stream-node-max-entries', b'100', b'stream-node-max-bytes', b'4096')


def an_id(g, wrong=0.06):
    if g.chance(wrong):
        return g.one(WRONG_IDS)
    if g.chance(0.4):
        return g.one(IDS)
    return b'%d-%d' % (g.rng.randint(1, 12), g.rng.randint(0, 5))


def range_end(g):
    if g.chance(0.3):
        return g.one((b'-', b'+'))
    return g.one((b'', b'', b'(')) + an_id(g)


def pairs(g, most=3):
    return [word for _ in range(g.rng.randint(1, most)) for word in (g.one(NAMES[:g.one((1, 1, 2, 10))]), g.value())]


def some_stream(g, deletes=True):
    """A key that mostly is a stream, with some messages deleted."""
    key = g.key()
    set_limits(g)
    if g.chance(0.85):
        g.do(b'DEL', key)
        for number in range(g.one((0, 1, 3, 8, 12))):
            g.do(b'XADD', key, b'%d-%d' % (number + 1, number % 4), *pairs(g))
        if deletes and g.chance(0.4):
            g.do(b'XDEL', key, *[an_id(g, 0) for _ in range(g.rng.randint(1, 4))])
    return key


def some_group(g):
    """The same with groups, which mostly have something pending."""
    key = some_stream(g)
    for group in g.rng.sample(GROUPS[:3], g.rng.randint(1, 2)):
        g.do(b'XGROUP', b'CREATE', key, group, g.one((b'0', b'0', b'0', b'$', b'3')), b'MKSTREAM')
        for consumer in CONSUMERS:  # 7.2 makes them also when there is nothing to read, 7.0 does not
            g.do(b'XGROUP', b'CREATECONSUMER', key, group, consumer)
        for _ in range(g.rng.randint(0, 3)):
            g.do(b'XREADGROUP', b'GROUP', group, g.one(CONSUMERS), b'COUNT', b'%d' % g.rng.randint(1, 4), b'STREAMS',
                 key, b'>')
    if g.chance(0.3):
        g.do(b'XDEL', key, *[an_id(g, 0) for _ in range(g.rng.randint(1, 4))])
    return key


def look(g, key):
    """Something that shows what a write did, beyond its reply."""
    g.do(*g.one(((b'XINFO', b'STREAM', key), (b'XINFO', b'STREAM', key, b'FULL'), (b'XLEN', key),
                 (b'XRANGE', key, b'-', b'+'), (b'XINFO', b'GROUPS', key), (b'XINFO', b'CONSUMERS', key, b'g'),
                 (b'XPENDING', key, b'g', b'-', b'+', b'100'), (b'TYPE', key), (b'OBJECT', b'ENCODING', key))))


def trimming(g):
    how, by = g.one(([], [b'='], [b'~'], [b'~'])), g.any_case(g.one((b'MAXLEN', b'MINID')))
    words = [by, *how, g.small(-1, 10) if by.upper() == b'MAXLEN' else an_id(g)]
    if g.chance(0.2):
        words += [g.any_case(b'LIMIT'), g.small(-1, 10)]
    return words


def xadd(g):
    key = some_stream(g)
    groups = [trimming(g)] if g.chance(0.5) else []
    if g.chance(0.2):
        groups.append([g.any_case(b'NOMKSTREAM')])
    new = g.one((b'%d-%d' % (g.rng.randint(1, 30), g.rng.randint(0, 5)), b'13', b'14-*', b'0-0', b'0-*', an_id(g)))
    if g.chance(0.2) or new == b'*':
        # So far in the future that * gives the same on both servers.
        g.do(b'DEL', key)
        g.do(b'XADD', key, b'99999999999999-%d' % g.rng.randint(1, 3), b'f', b'v')
        new = g.one((b'*', b'*', b'99999999999999-*', b'99999999999998-*', b'100000000000000-*'))
    words = pairs(g)
    if g.chance(0.05):
        words.pop()
    g.case(b'XADD', key, *g.shuffled(groups), new, *words, mangle=0)
    look(g, key)


def xtrim(g):
    key = some_stream(g)
    g.case(b'XTRIM', key, *trimming(g))
    look(g, key)


def xlen(g):
    g.case(b'XLEN', some_stream(g))


def ranging(name):
    def generate(g):
        count = [g.any_case(b'COUNT'), g.small(-2, 9)] if g.chance(0.4) else []
        g.case(name, some_stream(g), range_end(g), range_end(g), *count)
    return generate


def xdel(g):
    key = some_stream(g)
    g.case(b'XDEL', key, *[an_id(g) for _ in range(g.rng.randint(1, 5))])
    look(g, key)


def xsetid(g):
    key = some_stream(g, deletes=False)  # 7.2 looks at the last one that was deleted before it looks at the last one
    groups = []
    if g.chance(0.5):
        groups.append([g.any_case(b'ENTRIESADDED'), g.small(-1, 30)])
    if g.chance(0.5):
        groups.append([g.any_case(b'MAXDELETEDID'), an_id(g)])
    g.case(b'XSETID', key, an_id(g), *g.shuffled(groups))
    look(g, key)
    g.do(b'DEL', key)


def xread(g):
    keys = [some_stream(g)] + g.keys(2)
    groups = [[g.any_case(b'COUNT'), g.small(-2, 6)]] if g.chance(0.5) else []
    if g.chance(0.05):
        groups.append(g.one(([b'GROUP', b'g', b'c'], [b'NOACK'], [b'JUNK'], [b'BLOCK', b'x'], [b'BLOCK', b'-1'])))
    ids = [g.one((an_id(g), b'$')) if g.chance(0.9) else b'>' for _ in keys]
    g.case(b'XREAD', *g.shuffled(groups), g.any_case(b'STREAMS'), *keys, *[b'0' if one == b'+' else one for one in ids],
           mangle=0)


def xreadgroup(g):
    key = some_group(g)
    keys = [key] * g.one((1, 1, 1, 2))
    groups = [[g.any_case(b'GROUP'), g.one(GROUPS), g.one(CONSUMERS)]] if g.chance(0.95) else []
    if g.chance(0.5):
        groups.append([g.any_case(b'COUNT'), g.small(-2, 6)])
    if g.chance(0.2):
        groups.append([g.any_case(b'NOACK')])
    ids = [g.one((b'>', b'>', b'0', b'$', an_id(g))) for _ in keys]
    g.case(b'XREADGROUP', *g.shuffled(groups), g.any_case(b'STREAMS'), *keys,
           *[b'0' if one == b'+' else one for one in ids], mangle=0)
    look(g, key)


def xgroup(g):
    key = g.one((some_stream, some_group))(g)
    group, consumer = g.one(GROUPS), g.one(CONSUMERS)
    options = []
    if g.chance(0.3):
        options += [g.any_case(b'ENTRIESREAD'), g.small(-2, 20)]
    if g.chance(0.3):
        options += [g.any_case(b'MKSTREAM')]
    last = g.one((b'$', an_id(g)))
    g.case(b'XGROUP', *g.one(((b'CREATE', key, group, last, *options), (b'SETID', key, group, last, *options[:2]),
                              (b'DESTROY', key, group), (b'CREATECONSUMER', key, group, consumer),
                              (b'DELCONSUMER', key, group, consumer))))
    look(g, key)


def xack(g):
    key = some_group(g)
    g.case(b'XACK', key, g.one(GROUPS), *[an_id(g) for _ in range(g.rng.randint(1, 6))])
    look(g, key)


def xpending(g):
    key = some_group(g)
    words = []
    if g.chance(0.8):
        idle = [g.any_case(b'IDLE'), g.one((b'0', LONG_MS, b'-1', b'x'))] if g.chance(0.3) else []
        words = [*idle, range_end(g), range_end(g), g.small(-1, 10)] + ([g.one(CONSUMERS)] if g.chance(0.4) else [])
    g.case(b'XPENDING', key, g.one(GROUPS), *words)


def xclaim(g):
    key = some_group(g)
    groups = [[g.any_case(word)] for word in (b'FORCE', b'JUSTID') if g.chance(0.3)]
    if g.chance(0.3):
        groups.append([g.any_case(b'RETRYCOUNT'), g.small(0, 9)])
    if g.chance(0.2):
        groups.append([g.any_case(g.one((b'IDLE', b'TIME'))), g.small(0, 9)])
    if g.chance(0.2):
        groups.append([g.any_case(b'LASTID'), an_id(g)])
    g.case(b'XCLAIM', key, g.one(GROUPS), g.one(CONSUMERS), g.one((b'0', b'0', b'0', LONG_MS, b'x', b'-5')),
           *[an_id(g, 0.02) for _ in range(g.rng.randint(1, 6))], *g.shuffled(groups))
    look(g, key)


def xautoclaim(g):
    key = some_group(g)
    groups = [[g.any_case(b'JUSTID')]] if g.chance(0.4) else []
    if g.chance(0.5):
        # redis-server takes memory for as many as COUNT says, and has none for very many.
        groups.append([g.any_case(b'COUNT'), g.one((b'1', b'2', b'3', b'5', b'1000', b'0', b'-1', b'x', b'1.0'))])
    g.case(b'XAUTOCLAIM', key, g.one(GROUPS), g.one(CONSUMERS), g.one((b'0', b'0', b'0', LONG_MS, b'x', b'-5')),
           range_end(g), *g.shuffled(groups))
    look(g, key)


def xinfo(g):
    key = g.one((some_stream, some_group, some_group))(g)
    full = [g.any_case(b'FULL')] if g.chance(0.6) else []
    if full and g.chance(0.5):
        full += [g.any_case(b'COUNT'), g.small(-1, 5)]
    g.case(b'XINFO', *g.one(((b'STREAM', key, *full), (b'GROUPS', key), (b'CONSUMERS', key, g.one(GROUPS)))))


def wrong_type(g):
    """What is for other types against a stream, and what is for streams against other types."""
    key, other = g.key(), g.key()
    g.do(b'DEL', key)
    g.do(b'XADD', key, b'1-1', b'f', b'v')
    g.case(*g.one((
        (b'GET', key), (b'APPEND', key, b'x'), (b'HSET', key, b'f', b'v'), (b'SET', key, b'x'), (b'COPY', key, other),
        (b'COPY', key, other, b'REPLACE'), (b'RENAME', key, other), (b'MOVE', key, b'1'), (b'UNLINK', key),
        (b'EXPIRE', key, b'1000'), (b'XADD', other, b'9-9', b'f', b'v'), (b'XLEN', other), (b'XDEL', other, b'1'),
        (b'XRANGE', other, b'-', b'+'), (b'XTRIM', other, b'MAXLEN', b'0'), (b'XSETID', other, b'9'),
        (b'XREAD', b'STREAMS', other, b'0'), (b'XREADGROUP', b'GROUP', b'g', b'c', b'STREAMS', other, b'>'),
        (b'XGROUP', b'CREATE', other, b'g', b'0'), (b'XACK', other, b'g', b'1'), (b'XPENDING', other, b'g'),
        (b'XCLAIM', other, b'g', b'c', b'0', b'1'), (b'XAUTOCLAIM', other, b'g', b'c', b'0', b'0'),
        (b'XINFO', b'STREAM', other), (b'XINFO', b'GROUPS', other), (b'XINFO', b'CONSUMERS', other, b'g'))), mangle=0)
    g.use_database(1)
    g.do(b'XLEN', key)
    g.do(b'XLEN', other)


ROWS = {
    'xadd': xadd, 'xtrim': xtrim, 'xlen': xlen, 'xrange': ranging(b'XRANGE'), 'xrevrange': ranging(b'XREVRANGE'),
    'xdel': xdel, 'xsetid': xsetid, 'xread': xread, 'xreadgroup': xreadgroup, 'xgroup': xgroup, 'xack': xack,
    'xpending': xpending, 'xclaim': xclaim, 'xautoclaim': xautoclaim, 'xinfo': xinfo, 'wrong_type': wrong_type,
}
