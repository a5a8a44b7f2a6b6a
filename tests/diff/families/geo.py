"""Geospatial indexes: one generator a row. Replies have to be the same to the byte, also in what order they are.

Left out is what one version of redis-server leaves to chance: which of equally far members COUNT lets through. So a
script either has members at the same place or COUNT without ANY.
"""
from collections import namedtuple

from .zsets import look, set_limits

CASES_A_ROW = 200
MEMBERS = tuple(b'place%02d' % number for number in range(60)) + (b'1', b'-7', b'', b'long' * 100, b'\xff\x00\r\n',
                                                                  b'12345678901234567890', b'Palermo', b'Catania')
# Where clusters are: a city, the equator, high latitudes north and south, the ends of longitudes and latitudes.
CLUSTERS = ((13.361389, 38.115556), (0.01, 0.02), (20.1, 69.3), (-67.2, -81.5), (179.98, 10.3), (-179.97, -33.4),
            (45.3, 84.99), (-120.5, -84.98))
EDGES = ((b'180', b'0.5'), (b'-180', b'-85.05112878'), (b'0', b'0'), (b'0.5', b'85.05112878'), (b'179.9999999', b'84'),
         (b'-90', b'66'), (b'90', b'-66.00000001'))
NOT_POSITIONS = ((b'180.1', b'0'), (b'0', b'85.06'), (b'-181', b'1e10'), (b'x', b'1'), (b'1', b''), (b'nan', b'0'),
                 (b'inf', b'0'), (b'1', b'-inf'), (b'1e300', b'2'), (b' 1', b'1'))
# A key, where most of its members are, and which, as far as they are known.
Index = namedtuple('Index', ('key', 'cluster', 'degrees', 'names'))
UNITS = (b'm', b'km', b'ft', b'mi', b'M', b'Km')


def has_twins(g):
    """Whether members of this script may be at the same place."""
    if not hasattr(g.script, 'has_twins'):
        g.script.has_twins = g.chance(0.2)
    return g.script.has_twins


def member(g, index):
    return g.one(index.names if g.chance(0.8) else MEMBERS)


def unit(g, wrong=0.04):
    return g.one((b'', b'cm', b'miles', b'k')) if g.chance(wrong) else g.one(UNITS)


def spread(g):
    """Degrees. In the smallest there are not many different places."""
    return g.one((0.0001 if has_twins(g) else 0.01, 0.01, 0.5, 5))


def near(g, cluster, degrees):
    longitude = cluster[0] + g.rng.uniform(-degrees, degrees)
    latitude = cluster[1] + g.rng.uniform(-degrees, degrees)
    return (b'%.*f' % (g.one((6, 9, 15)), max(-180, min(180, longitude))),
            b'%.*f' % (g.one((6, 9, 15)), max(-85.05, min(85.05, latitude))))


def position(g, cluster=None, degrees=0.5, wrong=0.0):
    if g.chance(wrong):
        return g.one(NOT_POSITIONS)
    if cluster and g.chance(0.85):
        return near(g, cluster, degrees)
    if has_twins(g) and g.chance(0.5):
        return g.one(EDGES)
    return near(g, (0, 0), 85) if g.chance(0.7) else near(g, (0, 0), 180)


def fill(g, key):
    """Members near each other, mostly."""
    cluster, degrees = g.one(CLUSTERS), spread(g)
    names = g.rng.sample(MEMBERS, g.one((1, 4, 12, 30, 60)))
    places = [position(g, cluster, degrees) for _ in names]
    if has_twins(g):
        places = [g.one(places[:5]) if g.chance(0.4) else place for place in places]
    if g.chance(0.7):
        g.do(b'DEL', key)
        places[:len(EDGES)] = EDGES[:len(places)] if g.chance(0.3) else places[:len(EDGES)]
    g.do(b'GEOADD', key, *[word for place, name in zip(places, names) for word in (*place, name)])
    return Index(key, cluster, degrees, names)


def some_index(g):
    """A key that mostly is an index, small or large."""
    key = g.key()
    set_limits(g)
    if g.chance(0.8):
        return fill(g, key)
    if g.chance(0.3):
        g.do(b'DEL', key)
        g.do(b'ZADD', key, g.one((b'-1', b'1e17', b'1e19', b'-1e19', b'inf', b'-inf', b'4503599627370496', b'0.5')),
             b'odd', b'1234567890123456', b'place01', b'-5', b'place02')
    return Index(key, g.one(CLUSTERS), spread(g), MEMBERS)


def geoadd(g):
    index = some_index(g)
    options = [g.any_case(g.one((b'NX', b'XX', b'CH', b'CH'))) for _ in range(g.one((0, 0, 1, 2)))]
    most = 1 if b'XX' in {word.upper() for word in options} else g.one((1, 1, 3, 12))
    names = g.rng.sample(MEMBERS, g.rng.randint(1, most))
    g.case(b'GEOADD', index.key, *options,
           *[word for name in names for word in (*position(g, index.cluster, index.degrees, wrong=0.05), name)])
    if g.chance(0.5):
        g.do(b'ZRANGE', index.key, b'0', b'-1', b'WITHSCORES')
    look(g, index.key)


def geodist(g):
    index = some_index(g)
    g.case(b'GEODIST', index.key, member(g, index), member(g, index), *([unit(g)] if g.chance(0.6) else []))


def of_members(name):
    def generate(g):
        index = some_index(g)
        g.case(name, index.key, *[b'odd' if g.chance(0.2) else member(g, index) for _ in range(g.rng.randint(0, 6))])
    return generate


def length(g, degrees):
    """A radius or a side, with its unit: mostly as wide as a cluster, or any."""
    if g.chance(0.05):
        return g.one((b'-1', b'x', b'', b'nan', b'inf', b'-0', b'1e300', b'1e-300')), unit(g)
    scale = g.one((0, 1, 1000, 3000000, 20000000)) if g.chance(0.3) else degrees * 111000
    word, metres = g.one(((b'm', 1), (b'km', 1000), (b'ft', 0.3048), (b'mi', 1609.34)))
    return b'%.*f' % (g.one((0, 3, 10)), g.rng.uniform(0, 2) * scale / metres), word if g.chance(0.9) else unit(g)


def search(g, *arguments):
    """A case; of twins ANY must not be taken away from its COUNT."""
    g.case(*arguments, mangle=0 if has_twins(g) else 0.08)


def some_options(g):
    groups = []
    if g.chance(0.4):
        groups.append([g.any_case(g.one((b'ASC', b'DESC')))])
    if g.chance(0.4):
        number = b'%d' % g.one((1, 2, 5, 20, 1000)) if g.chance(0.95) else g.one((b'0', b'-1', b'x', b''))
        count = [g.any_case(b'COUNT'), number]
        if has_twins(g) or g.chance(0.4):
            count.append(g.any_case(b'ANY'))
        groups.append(count)
    if g.chance(0.02):
        groups.append([b'ANY'])
    return groups


def extras(g, chance=0.3):
    return [[g.any_case(word)] for word in (b'WITHCOORD', b'WITHDIST', b'WITHHASH') if g.chance(chance)]


def look_at_result(g, target):
    if g.chance(0.7):
        g.do(b'ZRANGE', target, b'0', b'-1')
    look(g, target)


def old_search(name, by_member, stores):
    def generate(g):
        index = some_index(g)
        center = [member(g, index)] if by_member else position(g, index.cluster, index.degrees, wrong=0.05)
        groups, target = some_options(g), None
        if g.chance(0.5 if stores else 0.03):
            target = g.key()
            groups.append([g.any_case(g.one((b'STORE', b'STOREDIST'))), target])
            if g.chance(0.1):
                groups.append([g.any_case(g.one((b'STORE', b'STOREDIST'))), g.key()])
        if not target or g.chance(0.05):
            groups += extras(g)
        search(g, name, index.key, *center, *length(g, index.degrees), *g.shuffled(groups))
        if target:
            look_at_result(g, target)
    return generate


def center_and_shape(g, index):
    groups = []
    if g.chance(0.98):
        groups.append([g.any_case(b'FROMMEMBER'), member(g, index)] if g.chance(0.4) else
                      [g.any_case(b'FROMLONLAT'), *position(g, index.cluster, index.degrees, wrong=0.03)])
    if g.chance(0.98):
        size = length(g, index.degrees)
        groups.append([g.any_case(b'BYRADIUS'), *size] if g.chance(0.5) else
                      [g.any_case(b'BYBOX'), length(g, index.degrees)[0], *size])
    if g.chance(0.03):
        groups.append(g.one(([b'FROMMEMBER', b'place01'], [b'FROMLONLAT', b'1', b'1'], [b'BYRADIUS', b'1', b'm'],
                             [b'BYBOX', b'1', b'2', b'km'], [b'STORE', b'a'], [b'STOREDIST'], [b'FROMMEMBER'])))
    return groups


def geosearch(g):
    index = some_index(g)
    search(g, b'GEOSEARCH', index.key, *g.shuffled(center_and_shape(g, index) + some_options(g) + extras(g)))


def geosearchstore(g):
    index, target = some_index(g), g.key()
    groups = center_and_shape(g, index) + some_options(g) + extras(g, 0.01)
    if g.chance(0.4):
        groups.append([g.any_case(b'STOREDIST')])
    search(g, b'GEOSEARCHSTORE', target, index.key, *g.shuffled(groups))
    look_at_result(g, target)


def wrong_type(g):
    """Commands for indexes on whatever there is, and on sorted sets that are none."""
    key, other = g.key(), g.key()
    around = (b'FROMLONLAT', b'1', b'1', b'BYRADIUS', b'1', b'km')
    g.case(*g.one((
        (b'GEOADD', key, b'1', b'x', b'm'), (b'GEOADD', key, b'1', b'1', b'm'), (b'GEODIST', key, b'a', b'b', b'x'),
        (b'GEODIST', key, b'a', b'b'), (b'GEOHASH', key), (b'GEOHASH', key, b'm'), (b'GEOPOS', key),
        (b'GEOPOS', key, b'm'), (b'GEORADIUS', key, b'x', b'1', b'1', b'm'),
        (b'GEORADIUS', key, b'1', b'1', b'1', b'm'),
        (b'GEORADIUSBYMEMBER', key, b'm', b'x', b'm'), (b'GEORADIUS_RO', key, b'1', b'1', b'1', b'm', b'STORE', other),
        (b'GEORADIUSBYMEMBER_RO', key, b'm', b'1', b'm'), (b'GEOSEARCH', key, b'junk', *around[1:]),
        (b'GEOSEARCH', key, *around), (b'GEOSEARCHSTORE', other, key, *around),
        (b'GEOSEARCHSTORE', key, b'nosuch', *around),
        (b'GEORADIUS', b'nosuch', b'1', b'1', b'1', b'm', b'STORE', key),
        (b'GEORADIUSBYMEMBER', b'nosuch', b'm', b'x', b'x', b'STOREDIST', key))), mangle=0)
    look(g, key)
    look(g, other)


ROWS = {
    'geoadd': geoadd, 'geodist': geodist, 'geohash': of_members(b'GEOHASH'), 'geopos': of_members(b'GEOPOS'),
    'georadius': old_search(b'GEORADIUS', False, True), 'georadius_ro': old_search(b'GEORADIUS_RO', False, False),
    'georadiusbymember': old_search(b'GEORADIUSBYMEMBER', True, True),
    'georadiusbymember_ro': old_search(b'GEORADIUSBYMEMBER_RO', True, False),
    'geosearch': geosearch, 'geosearchstore': geosearchstore, 'wrong_type': wrong_type,
}
