"""SORT and SORT_RO of collections of each type, by themselves, by keys and by fields, with weights of every form.

Where Redis leaves the order of equal elements open (texts that are equal, but what they belong to is not), the same
order is asked of Skua only where Redis's is that of the list: not with LIMIT, and not of sets and sorted sets, which
have no order in common. A sorted set is large here, because SORT makes it so in Redis."""

CASES_A_ROW = 200
NUMBERS = (b'0', b'1', b'2', b'3', b'7', b'10', b'9', b'-1', b'-10', b'1.5', b'-0.5', b'1e2', b'007', b'2.0', b'+3',
           b'9223372036854775807', b'9223372036854775808', b'0x10', b'inf', b' 4')
TEXTS = (b'a', b'b', b'B', b'aa', b'abc', b'', b'a b', b'\xff', b'x' * 70, b'{tag}', b'\xc3\xa4', b'Z')
NO_NUMBERS = (b'x', b'1x', b'nan', b'1 ', b'-')
WEIGHT, FIELD = b'w:*', b'h:*->f'
PATTERNS = (WEIGHT, FIELD, b'h:*->', b'h:*', b'w:*->f', b'none:*', b'{tag}:*', b'*', b'#', b'constant', b'', b'h:*->g',
            b'w:*\x00', b'##', b'->*', b'w:*>')


def some_elements(g, numbers):
    pool = NUMBERS if numbers else NUMBERS + TEXTS
    return [g.one(pool) if g.chance(0.8) else b'%d' % g.rng.randint(-300, 300)
            for _ in range(g.one((1, 2, 5, 12, 40, 150)))]


def weigh(g, elements, numbers, distinct):
    """Gives elements weights of both kinds; most, or all of them and no two the same."""
    for number, element in enumerate(sorted(set(elements))):
        for name in (b'w:' + element, b'h:' + element, b'{tag}:' + element):
            if not distinct and g.chance(0.2):
                continue
            weight = g.one(NUMBERS) if numbers or g.chance(0.6) else g.one(TEXTS)
            weight = b'%d' % (1000 + (number * 7919) % 5003) if distinct else weight
            if name.startswith(b'h'):
                g.do(b'HSET', name, b'f', weight, b'other', b'7')
            else:
                g.do(b'SET', name, weight, *g.one(((), (), (b'EX', b'5000'))))


def fill(g, key, elements):
    """Returns what made it."""
    makers = [b'RPUSH'] + [command for command in (b'SADD', b'ZADD') if command in g.facts.types]
    maker = g.one(makers)
    g.do(b'DEL', key)
    if maker == b'ZADD':
        g.do(b'CONFIG', b'SET', b'zset-max-listpack-entries', b'0')
        g.finally_do(b'CONFIG', b'SET', b'zset-max-listpack-entries', b'128')
        elements = [word for element in elements for word in (b'%d' % g.rng.randint(-5, 5), element)]
    g.do(maker, key, *elements)
    return maker


def options(g, maker, numbers):
    """Option groups of a case, and whether weights have to be distinct for its result to be one."""
    alpha = g.chance(0.45 if numbers else 0.93)
    limited = g.chance(0.35)
    by = g.one((None, None, WEIGHT, WEIGHT, FIELD, b'{tag}:*', b'nosort', b'#'))
    if by in (b'nosort', b'#') and maker == b'SADD':
        by = None
    groups = [[g.any_case(b'ALPHA')]] if alpha else []
    if by:
        groups.append([g.any_case(b'BY'), by])
    if limited:
        groups.append([g.any_case(b'LIMIT'), g.small(-3, 20), g.small(-2, 20)])
    if g.chance(0.4):
        groups.append([g.any_case(g.one((b'DESC', b'ASC', b'DESC')))])
    for _ in range(g.one((0, 0, 0, 1, 1, 2, 4))):
        groups.append([g.any_case(b'GET'), g.one(PATTERNS[:7] if g.chance(0.6) else PATTERNS)])
    return groups, alpha and by in (WEIGHT, FIELD, b'{tag}:*') and (limited or maker != b'RPUSH')


def case(g, name, stores):
    key = g.key()
    if g.chance(0.06):                       # nothing, or what is not sorted
        maker, elements, numbers = b'RPUSH', [], True
        g.do(*g.one(((b'DEL', key), (b'SET', key, b'1'))))
    else:
        numbers = g.chance(0.6)
        elements = some_elements(g, numbers)
        maker = fill(g, key, elements)
    groups, distinct = options(g, maker, numbers)
    weigh(g, elements, numbers, distinct)
    if elements and not distinct and g.chance(0.04):
        g.do(b'SET', b'w:' + g.one(elements), g.one(NO_NUMBERS))
    target = g.key()
    if stores:
        groups.append([g.any_case(b'STORE'), target])
    if g.chance(0.03):
        groups.append(g.one(([b'LIMIT', b'1'], [b'GET'], [b'junk'], [b'STORE', b'd'], [b'LIMIT', b'x', b'1'],
                             [b'BY'] if maker != b'SADD' else [b'DESC', b'BY', b'w:*', b'x'])))
    g.case(name, key, *g.shuffled(groups), mangle=0.03)
    if stores:
        g.do(*g.one(((b'LRANGE', target, b'0', b'-1'), (b'OBJECT', b'ENCODING', target), (b'TTL', target))))


def sort(g):
    case(g, b'SORT', g.chance(0.4))


def sort_ro(g):
    case(g, b'SORT_RO', False)


ROWS = {'sort': sort, 'sort_ro': sort_ro}
