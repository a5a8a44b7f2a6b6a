"""Strings as arrays of bits: one generator a row, over values of every encoding and around where it changes."""

OFFSETS = (0, 1, 7, 8, 63, 64, 300, 44 * 8 - 1, 44 * 8, 4095 * 8, 4096 * 8 - 1, 4096 * 8, 4097 * 8, 70000 * 8, 140001)
# From the last bit that a string may have on. In between the value would take up to 512 MB.
TOO_FAR = (b'4294967296', b'4294967297', b'9223372036854775807', b'-1', b'-9223372036854775808')
NOT_OFFSETS = (b'', b'#0', b'#', b'1.5', b' 1', b'+1', b'01', b'abc', b'9223372036854775808')
SIZES = (0, 1, 2, 3, 7, 8, 9, 20, 44, 45, 64, 65, 200, 4096, 4097, 9000, 70000)
UNITS = (b'BIT', b'BYTE')
WIDTHS = (1, 2, 5, 7, 8, 9, 15, 16, 31, 32, 33, 62, 63, 64)
NOT_TYPES = (b'', b'i', b'u', b'i0', b'u0', b'i65', b'u64', b'x8', b'8', b'i08', b'I8', b'i-1', b'i 8', b'u8 ')
# What every string here is long enough to have bits in, and what is far behind all of them.
NUMBERS = (0, 1, -1, 2, 3, 7, 8, 15, 16, 63, 64, 100, -2, -8, -9, -17, -64, -100, 1000, 40000, -40000, 600000, -600000,
           2**63 - 1, -2**63)


def offset(g):
    how = g.rng.random()
    if how < 0.06:
        return g.one(TOO_FAR)
    if how < 0.1:
        return g.one(NOT_OFFSETS)
    return b'%d' % (g.rng.randint(0, 400) if how < 0.65 else g.one(OFFSETS))


def place(g):
    """An end of a range."""
    return b'%d' % (g.one(NUMBERS) if g.chance(0.5) else g.rng.randint(-40, 40))


def bits(g):
    """A value with long stretches of equal bits, or of any kind."""
    how, size = g.rng.random(), g.one(SIZES)
    if how < 0.25:
        return g.value()
    if how < 0.35:
        return bytes(g.rng.getrandbits(8) for _ in range(min(size, 300)))
    value = bytearray(g.one((b'\x00', b'\xff')) * size)
    if size and how < 0.85:
        for _ in range(g.rng.randint(1, 3)):
            value[g.rng.randrange(size)] ^= 1 << g.rng.randrange(8)
    return bytes(value)


def some_key(g):
    """A key as set_up left it, or one with bits in it now."""
    key = g.key()
    if g.chance(0.5):
        g.do(b'SET', key, bits(g), *g.one(((), (), (b'EX', b'5000'))))
    return key


def look(g, key):
    """Something that shows what a write did, beyond its reply."""
    if g.chance(0.4):
        g.do(*g.one(((b'OBJECT', b'ENCODING', key), (b'GET', key), (b'STRLEN', key), (b'TTL', key))))


def setbit(g):
    key = some_key(g)
    for _ in range(g.rng.randint(1, 3)):
        g.case(b'SETBIT', key, offset(g), g.one((b'0', b'1', b'1', b'0', b'1', g.integer())))
    look(g, key)


def getbit(g):
    g.case(b'GETBIT', some_key(g), offset(g))


def key_to_search(g, wrong):
    """Redis 7.4 looks at all arguments before it looks for the key, which 7.0 does the other way round: with wrong
    arguments the key is one that both find, or one of which newer.py knows."""
    if not wrong:
        return some_key(g)
    if g.chance(0.3):
        return g.one((b'missing', b'{missing}'))
    key = g.key()
    g.do(b'SET', key, bits(g))
    return key


def a_range(g):
    return [g.one((place(g), b'0', b'-1', b'-9')), place(g)]


def a_range_with_unit(g):
    return a_range(g) + [g.any_case(g.one(UNITS))]


def wrong_range(g):
    wrong = g.one((b'x', b'', b'1.0', b'-0', b'9223372036854775808'))
    return g.one(([b'0', wrong], [wrong, b'0'], [wrong, b'0', b'BIT'], [b'0', wrong, b'byte'], [b'0', b'1', b'bits'],
                  [b'0', b'1', b''], [b'0', b'-1', b'BIT', b'BIT']))


def bitcount(g):
    wrong = g.chance(0.15)
    words = g.one((wrong_range(g), [b'0'])) if wrong else g.one(([], a_range(g), a_range_with_unit(g)))
    g.case(b'BITCOUNT', key_to_search(g, wrong), *words, mangle=0)


def bitpos(g):
    wrong = g.chance(0.12)
    words = wrong_range(g) if wrong else g.one(([], a_range(g)[:1], a_range(g), a_range_with_unit(g)))
    bit = g.one((b'0', b'1')) if wrong or g.chance(0.9) else g.one((b'2', b'-1', b'', b'x', b'01'))
    g.case(b'BITPOS', key_to_search(g, wrong), bit, *words, mangle=0)


def bitop(g):
    target = g.key()
    sources = [some_key(g) for _ in range(g.one((1, 1, 2, 2, 3, 4, 9, 20)))]
    name = g.one((b'AND', b'OR', b'XOR', b'NOT', b'AND', b'OR', b'XOR', b'NOT', b'NAND', b'DIFF', b''))
    if name == b'NOT' and g.chance(0.8):
        sources = sources[:1]
    g.case(b'BITOP', g.any_case(name), target, *sources)
    look(g, target)


def field_type(g, wrong=0.03):
    if g.chance(wrong):
        return g.one(NOT_TYPES)
    width = g.one(WIDTHS)
    return b'%s%d' % (g.one((b'i', b'u')) if width < 64 else b'i', width)


def field_offset(g):
    if g.chance(0.3):
        return b'#%d' % g.one((0, 1, 2, 5, 40, 600))
    if g.chance(0.03):
        return g.one((b'##1', b'#-1', b'# 1', b'#x', b'#'))
    return offset(g)


def operand(g):
    if g.chance(0.5):
        return b'%d' % g.one((0, 1, -1, 2, -2, 3, 127, 128, -128, -129, 255, 256, 32767, 65535, 65536))
    return g.integer(0.02)


def field_operation(g, read_only):
    how = g.rng.random()
    if read_only or how < 0.3:
        return [g.any_case(b'GET'), field_type(g), field_offset(g)]
    if how < 0.45:
        return [g.any_case(b'OVERFLOW'), g.any_case(g.one((b'WRAP', b'SAT', b'FAIL')))]
    return [g.any_case(g.one((b'SET', b'INCRBY', b'INCRBY'))), field_type(g), field_offset(g), operand(g)]


def bitfield_of(name, read_only):
    def generate(g):
        key = some_key(g)
        groups = [field_operation(g, read_only) for _ in range(g.one((0, 1, 1, 2, 3, 6)))]
        if g.chance(0.06):
            groups.append(g.one(([b'SET', b'u8', b'0', b'1'], [b'GET', b'u8'], [b'OVERFLOW'], [b'OVERFLOW', b'junk'],
                                 [b'INCRBY', b'u8', b'0'], [b'junk'], [b'SET', b'u8', b'0', b'x'])))
        g.case(name, key, *[word for group in groups for word in group], mangle=0.04)
        look(g, key)
    return generate


ROWS = {
    'setbit': setbit, 'getbit': getbit, 'bitcount': bitcount, 'bitpos': bitpos, 'bitop': bitop,
    'bitfield': bitfield_of(b'BITFIELD', False), 'bitfield_ro': bitfield_of(b'BITFIELD_RO', True),
}
CASES_A_ROW = 200
