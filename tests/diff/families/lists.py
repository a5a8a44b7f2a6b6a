"""Lists: one generator a row. The size of nodes is set low now and then, in both its meanings, so that lists become
large and small again, and elements are too large to lie among others."""

CASES_A_ROW = 200
ELEMENTS = (b'a', b'b', b'1', b'-7', b'007', b'', b'element', b'x' * 63, b'x' * 64, b'x' * 65, b'long' * 100,
            b'\xff\x00\r\n', b'12345678901234567890', b'-9223372036854775808', b'127', b'128', b'4096', b'32767',
            b'32768', b' ', b'y' * 4095, b'y' * 4096, b'y' * 4097, b'z' * 8192, b'z' * 8193)
MANY = tuple(b'm%d' % number for number in range(40))
NODE_SIZE = (b'list-max-listpack-size', b'list-max-ziplist-size')
ENDS = (b'LEFT', b'RIGHT')


def element(g):
    return g.one(ELEMENTS[:-5]) if g.chance(0.6) else g.one(MANY) if g.chance(0.7) else g.one(ELEMENTS)


def elements(g, most):
    """Some are there several times."""
    return [element(g) for _ in range(g.rng.randint(1, most))]


def set_node_size(g):
    if not g.chance(0.3):
        return
    g.do(b'CONFIG', b'SET', g.one(NODE_SIZE),
         g.one((b'1', b'2', b'3', b'5', b'16', b'128', b'0', b'-1', b'-1', b'-2', b'-3', b'-5', b'-6')))
    g.finally_do(b'CONFIG', b'SET', NODE_SIZE[0], b'-2')


def fill(g, key):
    """Makes the list longer, often longer than a node."""
    command = g.one((b'LPUSH', b'RPUSH'))
    if g.chance(0.3):
        g.do(command, key, *[b'%d:' % number + b'.' * 150 for number in range(g.one((30, 60, 130)))])
    g.do(command, key, *elements(g, g.one((3, 3, 9, 40))))


def some_list(g, key=None):
    """A key that mostly is a list, small or large."""
    key = g.key() if key is None else key
    set_node_size(g)
    if g.chance(0.6):
        if g.chance(0.5):
            g.do(b'DEL', key)
        fill(g, key)
        if g.chance(0.3):
            g.do(b'LTRIM', key, b'%d' % g.rng.randint(0, 20), b'%d' % g.rng.randint(-20, 60))
        if g.chance(0.1):
            g.do(b'EXPIRE', key, b'%d' % g.seconds())
    return key


def index(g):
    return g.one((g.small(-8, 8), g.small(-8, 8), g.small(-200, 200)))


def look(g, key):
    """Something that shows what a write did, beyond its reply."""
    if g.chance(0.6):
        g.do(*g.one(((b'LRANGE', key, b'0', b'-1'), (b'LLEN', key), (b'TTL', key), (b'LINDEX', key, b'-1'),
                     (b'OBJECT', b'ENCODING', key))))


def pusher(name):
    def generate(g):
        key = some_list(g)
        g.case(name, key, *elements(g, g.one((1, 1, 3, 40))))
        look(g, key)
    return generate


def popper(name):
    def generate(g):
        key = some_list(g)
        if g.chance(0.4):
            g.case(name, key)
        else:
            g.case(name, key, g.one((g.small(-2, 6), g.small(0, 200), b'1000000', b'9223372036854775807')))
        look(g, key)
    return generate


def llen(g):
    g.case(b'LLEN', some_list(g))


def lindex(g):
    g.case(b'LINDEX', some_list(g), index(g))


def ranged(name):
    def generate(g):
        key = some_list(g)
        bounds = g.one(((index(g), index(g)), (b'0', b'-1'), (b'0', index(g)), (index(g), b'-1')))
        g.case(name, key, *bounds)
        look(g, key)
    return generate


def lset(g):
    key = some_list(g)
    g.case(b'LSET', key, index(g), element(g))
    look(g, key)
    if g.chance(0.3):
        g.do(b'LTRIM', key, b'0', b'3')
        look(g, key)


def linsert(g):
    key = some_list(g)
    where = g.any_case(g.one((b'BEFORE', b'AFTER'))) if g.chance(0.95) else g.one((b'', b'LEFT'))
    g.case(b'LINSERT', key, where, g.one((element(g), b'7:' + b'.' * 150, b'25:' + b'.' * 150)), element(g))
    look(g, key)


def lrem(g):
    key = some_list(g)
    g.case(b'LREM', key, g.small(-4, 4), element(g))
    look(g, key)


def lpos(g):
    key = some_list(g)
    if g.chance(0.03):
        g.case(b'LPOS', key, element(g), g.any_case(b'RANK'), b'-9223372036854775808', mangle=0)
        return
    groups = []
    if g.chance(0.5):
        groups.append([g.any_case(b'RANK'), g.one((b'%d' % g.rng.randint(-4, 4), b'9223372036854775807', b'1.0'))])
    if g.chance(0.5):
        groups.append([g.any_case(b'COUNT'), g.small(-1, 5)])
    if g.chance(0.4):
        groups.append([g.any_case(b'MAXLEN'), g.one((g.small(-1, 10), g.small(0, 200)))])
    if g.chance(0.08):
        groups.append(g.one(([b'RANK'], [b'COUNT'], [b'MAXLEN'], [b'junk'], [b'COUNT', b'1'])))
    g.case(b'LPOS', key, element(g), *g.shuffled(groups))


def two_keys(g):
    """Source and destination, which are the same now and then."""
    source = some_list(g)
    return source, source if g.chance(0.3) else some_list(g) if g.chance(0.5) else g.key()


def lmove(g):
    source, destination = two_keys(g)
    ends = [g.any_case(g.one(ENDS)) if g.chance(0.96) else g.one((b'', b'UP')) for _ in range(2)]
    g.case(b'LMOVE', source, destination, *ends)
    look(g, source)
    look(g, destination)


def rpoplpush(g):
    source, destination = two_keys(g)
    g.case(b'RPOPLPUSH', source, destination)
    look(g, source)
    look(g, destination)


def lmpop(g):
    keys = [some_list(g) if g.chance(0.5) else g.key() for _ in range(g.rng.randint(1, 4))]
    count = b'%d' % len(keys) if g.chance(0.9) else g.one((b'0', b'-1', b'abc', b'100', b'2147483648'))
    options = []
    if g.chance(0.5):
        options = [g.any_case(b'COUNT'), g.one((g.small(-1, 6), b'1000', b'9223372036854775807'))]
    if g.chance(0.06):
        options += g.one(([b'COUNT'], [b'COUNT', b'1'], [b'junk']))
    end = g.any_case(g.one(ENDS)) if g.chance(0.95) else g.one((b'', b'UP'))
    g.case(b'LMPOP', count, *keys, end, *options)
    look(g, g.one(keys))


def wrong_type(g):
    """What is for other types against a list, and what is for lists against other types."""
    key, other = g.key(), g.key()
    g.do(b'DEL', key)
    g.do(b'RPUSH', key, b'1', b'2')
    g.case(*g.one((
        (b'GET', key), (b'APPEND', key, b'x'), (b'INCR', key), (b'GETRANGE', key, b'0', b'-1'), (b'STRLEN', key),
        (b'SET', key, b'x', b'GET'), (b'SETNX', key, b'x'), (b'SET', key, b'x'), (b'MSET', key, b'x'),
        (b'HSET', key, b'f', b'v'), (b'HGETALL', key), (b'HDEL', key, b'f'), (b'SETBIT', key, b'1', b'1'),
        (b'PFADD', key, b'x'), (b'PFCOUNT', key, other), (b'RENAME', key, other), (b'RENAMENX', key, other),
        (b'COPY', key, other), (b'COPY', key, other, b'REPLACE'), (b'MOVE', key, b'1'), (b'UNLINK', key),
        (b'PERSIST', key), (b'EXPIRE', key, b'1000'), (b'EXPIRE', key, b'-1'), (b'LPUSH', other, b'x'),
        (b'RPUSHX', other, b'x'), (b'LPOP', other), (b'RPOP', other, b'2'), (b'LLEN', other),
        (b'LINDEX', other, b'junk'), (b'LRANGE', other, b'0', b'-1'), (b'LSET', other, b'junk', b'x'),
        (b'LINSERT', other, b'AFTER', b'1', b'x'), (b'LREM', other, b'0', b'1'), (b'LTRIM', other, b'1', b'0'),
        (b'LPOS', other, b'1'), (b'LPOS', other, b'1', b'COUNT', b'0'), (b'LMOVE', key, other, b'LEFT', b'LEFT'),
        (b'LMOVE', other, key, b'RIGHT', b'LEFT'), (b'RPOPLPUSH', key, other), (b'RPOPLPUSH', other, key),
        (b'LMPOP', b'2', other, key, b'LEFT'), (b'LMPOP', b'2', key, other, b'RIGHT', b'COUNT', b'2'))), mangle=0)
    g.use_database(1)
    look(g, key)
    look(g, other)


ROWS = {
    'lpush': pusher(b'LPUSH'), 'rpush': pusher(b'RPUSH'), 'lpushx': pusher(b'LPUSHX'), 'rpushx': pusher(b'RPUSHX'),
    'lpop': popper(b'LPOP'), 'rpop': popper(b'RPOP'), 'llen': llen, 'lindex': lindex, 'lrange': ranged(b'LRANGE'),
    'ltrim': ranged(b'LTRIM'), 'lset': lset, 'linsert': linsert, 'lrem': lrem, 'lpos': lpos, 'lmove': lmove,
    'rpoplpush': rpoplpush, 'lmpop': lmpop, 'wrong_type': wrong_type,
}
