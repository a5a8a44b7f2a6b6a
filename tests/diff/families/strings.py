"""Strings: one generator a row; each call makes one case and, now and then, looks at what it did."""


def look(g, key):
    """Something that shows what a write did, beyond its reply."""
    if g.chance(0.35):
        question = g.one((b'GET', b'TTL', b'STRLEN', b'PTTL', b'TYPE', b'EXISTS', b'OBJECT'))
        if question == b'OBJECT':
            g.do(b'OBJECT', b'ENCODING', key)
        else:
            g.do(question, key)


def set_(g):
    key, groups = g.key(), []
    if g.chance(0.5):
        groups.append([g.any_case(g.one((b'NX', b'XX')))])
    if g.chance(0.3):
        groups.append([g.any_case(b'GET')])
    if g.chance(0.45):
        groups.append(g.expiry_option())
    if g.chance(0.12):
        groups.append([g.any_case(b'KEEPTTL')])
    if g.chance(0.06):
        groups.append(g.one(([b'NX'], [b'XX'], g.expiry_option(), [b'EX'], [b'PERSIST'], [b'GET', b'GET'], [b'junk'])))
    g.case(b'SET', key, g.value(), *g.shuffled(groups))
    look(g, key)


def get(g):
    g.case(b'GET', g.key())


def append(g):
    key = g.key()
    g.case(b'APPEND', key, g.value())
    look(g, key)


def step_of_one(name):
    def generate(g):
        key = g.key()
        if g.chance(0.6):
            g.do(b'SET', key, g.integer(), *g.one(((), (b'EX', b'5000'))))
        g.case(name, key)
        look(g, key)
    return generate


def step_of_many(name):
    def generate(g):
        key = g.key()
        if g.chance(0.4):
            g.do(b'SET', key, g.integer())
        g.case(name, key, g.integer())
        look(g, key)
    return generate


def incrbyfloat(g):
    key = g.key()
    if g.chance(0.5):
        g.do(b'SET', key, g.float())
    g.case(b'INCRBYFLOAT', key, g.float())
    look(g, key)


def getdel(g):
    key = g.key()
    g.case(b'GETDEL', key)
    look(g, key)


def getex(g):
    key = g.key()
    how = g.rng.random()
    if how < 0.2:
        options = []
    elif how < 0.7:
        options = g.expiry_option()
    elif how < 0.85:
        options = [g.any_case(b'PERSIST')]
    else:
        options = g.shuffled([g.one(([b'PERSIST'], [b'KEEPTTL'], [b'NX'], [b'EX'])), g.expiry_option()])
    g.case(b'GETEX', key, *options)
    look(g, key)


def range_of(name):
    def generate(g):
        g.case(name, g.key(), g.small(-30, 30), g.small(-30, 30))
    return generate


def setrange(g):
    key = g.key()
    if g.chance(0.9):
        offset = g.small(-2, 120)
    else:
        # From where the limit of a string's length is crossed on; below it the value would take 512 MB.
        offset = g.one((b'536870912', b'536870911', b'2147483647', b'4294967296', b'9223372036854775807'))
    value = g.one((b'', b'x', b'hello', b'\x00\xff', b'y' * 70))
    if offset == b'536870911':
        value = b'more than one byte'
    g.case(b'SETRANGE', key, offset, value, mangle=0.08 if len(offset) < 5 else 0)
    look(g, key)


def getset(g):
    key = g.key()
    g.case(b'GETSET', key, g.value())
    look(g, key)


def setnx(g):
    key = g.key()
    g.case(b'SETNX', key, g.value())
    look(g, key)


def with_expiry(name, unit):
    def generate(g):
        key = g.key()
        g.case(name, key, g.expiry_value(unit), g.value())
        look(g, key)
    return generate


def strlen(g):
    g.case(b'STRLEN', g.key())


def mget(g):
    g.case(b'MGET', *g.keys())


def mset(g):
    pairs = [word for key in g.keys() for word in (key, g.value())]
    g.case(b'MSET', *pairs)
    g.do(b'MGET', *g.names)


def msetnx(g):
    names = g.keys(3) if g.chance(0.7) else [b'{new}%d' % g.rng.randint(0, 30) for _ in range(g.rng.randint(1, 4))]
    g.case(b'MSETNX', *[word for key in names for word in (key, g.value())])
    g.do(b'MGET', *names)
    if g.chance(0.4):
        g.do(b'DEL', *names)


LCS_TEXTS = (b'', b'a', b'ohmytext', b'mynewtext', b'abcabcabc', b'cbacba', b'x' * 200, b'rnaseq1' * 15,
             b'\x00\x01\x00')


def lcs(g):
    first, second = g.key(), g.key()
    if g.chance(0.8):
        g.do(b'SET', first, g.one(LCS_TEXTS))
        g.do(b'SET', second, g.one(LCS_TEXTS))
    groups = []
    if g.chance(0.3):
        groups.append([g.any_case(b'LEN')])
    if g.chance(0.5):
        groups.append([g.any_case(b'IDX')])
    if g.chance(0.3):
        groups.append([g.any_case(b'MINMATCHLEN'), g.small(-2, 8)])
    if g.chance(0.3):
        groups.append([g.any_case(b'WITHMATCHLEN')])
    if g.chance(0.05):
        groups.append([g.one((b'MINMATCHLEN', b'junk', b'IDX'))])
    g.case(b'LCS', first, second, *g.shuffled(groups))


ROWS = {
    'set': set_, 'get': get, 'append': append,
    'incr': step_of_one(b'INCR'), 'decr': step_of_one(b'DECR'),
    'incrby': step_of_many(b'INCRBY'), 'decrby': step_of_many(b'DECRBY'), 'incrbyfloat': incrbyfloat,
    'getdel': getdel, 'getex': getex, 'getset': getset, 'setnx': setnx,
    'getrange': range_of(b'GETRANGE'), 'substr': range_of(b'SUBSTR'), 'setrange': setrange,
    'setex': with_expiry(b'SETEX', 's'), 'psetex': with_expiry(b'PSETEX', 'ms'),
    'strlen': strlen, 'mget': mget, 'mset': mset, 'msetnx': msetnx, 'lcs': lcs,
}
