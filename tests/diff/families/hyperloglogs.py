"""HyperLogLogs: after every change the whole value is compared, which has to be the same to the byte.

The values that they begin with are empty, sparse or dense, promoted early or late, made up of runs that are not as a
server would write them, or no HyperLogLogs at all. One thing is left out: a sparse value whose last byte is the first
half of a long run, where redis-server reads the byte behind its string.
"""
CASES_A_ROW = 200

REGISTERS = 16384
REFUSED = (b'', b'123', b'HYLL', b'HYLL\x00' + bytes(30), b'HYLL\x02' + bytes(30), b'hyll\x01' + bytes(30),
           b'HYLL\x01' + bytes(10), b'HYLL\x01' + bytes(11))
SPARSE_MAX = (b'0', b'18', b'40', b'150', b'1000', b'3000', b'3000', b'4200', b'16000')


def elements(g, most):
    return [b'%d' % g.rng.getrandbits(g.one((3, 10, 14, 30))) for _ in range(g.rng.randint(0, most))]


def run(g, span):
    """A run of span registers as bytes, or of fewer: (bytes, registers)."""
    kind = g.rng.random()
    if kind < 0.5:
        span = min(span, g.rng.randint(1, 4))
        return bytes([0x80 | g.one((0, 0, 0, 1, 2, 7, 31)) << 2 | span - 1]), span
    if kind < 0.8:
        span = min(span, g.rng.randint(1, 64))
        return bytes([span - 1]), span
    span = min(span, g.rng.randint(1, g.one((100, 3000, REGISTERS))))
    return bytes([0x40 | span - 1 >> 8, span - 1 & 0xff]), span


def made_up(g):
    """As a client may write it: mostly all registers, sometimes a few too many or too few."""
    header = b'HYLL' + g.one((b'\x01', b'\x01', b'\x01', b'\x00')) + bytes(g.rng.getrandbits(8) for _ in range(3))
    header += g.one((bytes(7) + b'\x80', bytes(8), g.rng.randbytes(8)))
    if header[4] == 0:
        registers = g.one((g.rng.randbytes(REGISTERS * 6 // 8), b'\xff' * (REGISTERS * 6 // 8),
                           b'\x41\x10\x04' * (REGISTERS // 4)))
        return header + registers
    left, value = REGISTERS + g.one((0, 0, 0, 0, -1, 1, 3, -200, 100)), header
    while left > 0:
        word, span = run(g, left)
        value += word
        left -= span
    return value


def grow(g, key):
    """Into all sizes: with some hundreds of elements, values become dense."""
    g.do(b'PFADD', key, *elements(g, g.one((3, 30, 300, 300, 1500))))


def prepare(g, key):
    kind = g.rng.random()
    if kind < 0.35:
        grow(g, key)
    elif kind < 0.45:
        grow(g, key)
        g.do(b'PFDEBUG', b'TODENSE', key)
    elif kind < 0.65:
        g.do(b'SET', key, made_up(g), *g.one(((), (b'EX', b'5000'))))
    elif kind < 0.70:
        g.do(b'SET', key, g.one(REFUSED))
    elif kind < 0.73 and g.facts.types:
        g.make_collection(key)
    elif kind < 0.78:
        g.do(b'COPY', key, g.key(), b'REPLACE')
    elif kind < 0.82:
        g.do(b'DEL', key)
    elif kind < 0.90:
        g.do(b'CONFIG', b'SET', b'hll-sparse-max-bytes', g.one(SPARSE_MAX))
        g.script.last.append((b'CONFIG', b'SET', b'hll-sparse-max-bytes', b'3000'))


def look(g, key):
    g.do(b'GET', key)
    if g.chance(0.3):
        g.do(*g.one(((b'OBJECT', b'ENCODING', key), (b'STRLEN', key), (b'TTL', key), (b'PFCOUNT', key),
                     (b'PFDEBUG', b'ENCODING', key))))


def pfadd(g):
    key = g.key()
    prepare(g, key)
    g.case(b'PFADD', key, *elements(g, g.one((1, 1, 4, 40, 400))))
    look(g, key)


def pfcount(g):
    keys = [g.key()] if g.chance(0.5) else g.keys(5)
    for key in keys:
        prepare(g, key)
    g.case(b'PFCOUNT', *keys)
    look(g, keys[0])


def pfmerge(g):
    keys = g.keys(5)
    for key in keys:
        prepare(g, key)
    g.case(b'PFMERGE', *keys)
    look(g, keys[0])


def pfdebug(g):
    key = g.key()
    prepare(g, key)
    g.case(b'PFDEBUG', g.any_case(g.one((b'GETREG', b'DECODE', b'DECODE', b'ENCODING', b'TODENSE', b'SIMD', b''))), key)
    look(g, key)


def pfselftest(g):
    """A second of work for redis-server each: mostly it is told to do it with too many arguments."""
    g.case(b'PFSELFTEST', *g.one(((b'x', ), ) * 99 + ((), )), mangle=0)


ROWS = {'pfadd': pfadd, 'pfcount': pfcount, 'pfmerge': pfmerge, 'pfdebug': pfdebug, 'pfselftest': pfselftest}
