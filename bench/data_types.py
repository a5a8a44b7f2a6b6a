"""What data types cost: commands on many small collections and on large ones, and the memory of both.

Commands change what they are measured on. So a round is a number of requests, the same for all servers, not a time,
and what adds elements takes turns with what takes as many away, where there is such a command.
"""
import statistics

from report import Row
from servers import CONNECTIONS, ONE, OTHER

KEYS = 100000
REQUESTS = 6 * KEYS
LARGE = 1000000
LARGE_REQUESTS = 200000
PIPELINE = 16
VALUE_BYTES = 16
SMALL_LIMIT, MEAN_LIMIT, LARGE_LIMIT, MEMORY_LIMIT = 0.8, 0.55, 0.8, 1

# The command that makes collections and of how many elements; then what is measured on them: command by command, or
# several in turn.
SMALL = (
    ('rpush', 10, (('lpush', 'rpop'),)),
    ('rpush', 100, (('lrange',),)),
    ('hset', 20, (('hset',), ('hget',), ('hgetall',))),
    ('sadd', 10, (('sismember',), ('sadd', 'spop'))),
    ('zadd', 20, (('zscore',), ('zrange',), ('zadd', 'zpopmin'))),
    ('xadd', 10, (('xread',), ('xadd',))),
    ('setbit', 10, (('setbit',),)),
    ('pfadd', 10, (('pfadd',),)),
)
SINGLE = {'xadd', 'setbit'}  # make collections an element a command
ON_OLD_ELEMENTS = {'hset', 'hget', 'sismember', 'zscore'}

LARGE_FILLS = ('large-rpush', 'large-hset', 'large-sadd', 'large-zadd', 'large-xadd')
LARGE_READS = ('large-lindex', 'large-lrange', 'large-hget', 'large-zrank', 'large-zrange', 'large-xrange')
LARGE_WRITES = ('large-sadd', 'large-zadd')  # of new elements

# What makes small ones and large ones, and limits to the memory that a large one takes beside redis-server's.
MEMORY = {
    'list': ('rpush', 'large-rpush', 1), 'hash': ('hset', 'large-hset', 1), 'set': ('sadd', 'large-sadd', 1),
    'sorted set': ('zadd', 'large-zadd', 0.75), 'stream': ('xadd', 'large-xadd', 1),
}
SMALL_ELEMENTS = 10


def fill_small(server, command, elements):
    rounds, per_command = (elements, 1) if command in SINGLE else (1, elements)
    server.fill(OTHER, KEYS, command=command, count=rounds * KEYS, per_command=per_command, elements=elements,
                value_bytes=VALUE_BYTES)


def fill_large(server, command):
    """IDs of messages have to come in order, so there is one connection."""
    one_by_one = command == 'large-xadd'
    server.fill(OTHER, LARGE, command=command, count=LARGE // (1 if one_by_one else 100), per_command=100,
                connections=1 if one_by_one else CONNECTIONS, value_bytes=VALUE_BYTES)


def in_turns(plan, servers, commands, options):
    """[(command, {server's name: median CPU time per request})]; options(command, turn) are the load generator's."""
    seen = {(command, server.name): [] for command in commands for server in servers}
    for turn, server in plan.turns(servers):
        for command in commands:
            result = server.load(OTHER, command=command, pipeline=PIPELINE, connections=CONNECTIONS, per_command=1,
                                 value_bytes=VALUE_BYTES, **options(command, turn))
            seen[command, server.name].append(result['server_cpu_us'])
    return [(command, {server.name: statistics.median(seen[command, server.name]) for server in servers})
            for command in commands]


def small(plan):
    section = 'Server CPU, P16, small collections'
    ratios = []
    for fill, elements, steps in SMALL:
        def options(command, turn):
            if command in ON_OLD_ELEMENTS:
                return {'keys': KEYS, 'count': REQUESTS, 'elements': elements}
            return {'keys': KEYS, 'count': REQUESTS, 'element': elements + turn * REQUESTS // KEYS}

        with plan.servers.all(1, ONE) as servers:
            for server in servers:
                fill_small(server, fill, elements)
            for commands in steps:
                for command, cpu_us in in_turns(plan, servers, commands, options):
                    row = Row(section, command.upper(), 'us', cpu_us, at_most=SMALL_LIMIT)
                    ratios.append(row.ratio)
                    yield row
    yield Row(section, 'geometric mean of the ratios', '', {'skua': statistics.geometric_mean(ratios)},
              at_most=MEAN_LIMIT, of_ratio=False)


def large(plan):
    def options(command, turn):
        if command in LARGE_WRITES:
            return {'first': LARGE + turn * LARGE_REQUESTS, 'keys': LARGE_REQUESTS, 'count': LARGE_REQUESTS}
        return {'keys': LARGE, 'count': LARGE_REQUESTS}

    with plan.servers.all(1, ONE) as servers:
        for server in servers:
            for fill in LARGE_FILLS:
                fill_large(server, fill)
        for command in LARGE_READS + LARGE_WRITES:
            for name, cpu_us in in_turns(plan, servers, (command,), options):
                yield Row('Server CPU, P16, collections of 1M', name.partition('-')[2].upper(), 'us', cpu_us,
                          at_most=LARGE_LIMIT)


def added_bytes(start, fill):
    """Resident bytes that a server has for what fill(server) puts into it."""
    with start() as server:
        empty = server.resident_bytes()
        fill(server)
        return server.resident_bytes() - empty


def memory(plan):
    section = 'Resident memory of collections'
    starts = {'skua': lambda: plan.servers.skua(1, ONE), 'redis': lambda: plan.servers.redis(ONE)}
    for name, (small_fill, large_fill, large_limit) in MEMORY.items():
        taken = {server: added_bytes(start, lambda server: fill_small(server, small_fill, SMALL_ELEMENTS)) / KEYS
                 for server, start in starts.items()}
        yield Row(section, '%s of %d' % (name, SMALL_ELEMENTS), 'B', taken, at_most=MEMORY_LIMIT)
        taken = {server: added_bytes(start, lambda server: fill_large(server, large_fill)) / 1e6
                 for server, start in starts.items()}
        yield Row(section, '%s of 1M' % name, 'MB', taken, at_most=large_limit)


def types(plan):
    """Collections, bitmaps and HyperLogLogs."""
    for part in (small, large, memory):
        yield from part(plan)
