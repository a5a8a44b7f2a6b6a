"""What is measured, a function for each section of the table (called by bench/quick and bench/run).

Every figure is a median over rounds that go through all servers in turn, so that what else the machine does meets all
of them. All keys are in use: the generator's requests walk over the whole key space in shuffled order. Two layouts:
alone (the server on one core, the generator on the other) and shared (two workers and the generator on two cores).
"""
import argparse
import csv
import io
import os
import re
import statistics
import subprocess
import sys
import time
from contextlib import ExitStack

from data_types import types
from report import Row, keep, print_table
from servers import BOTH, CONNECTIONS, CORES, LOAD, ONE, OTHER, TOP, Servers

KEYS = 1000000
PIPELINES = (1, 16, 64)
# Those of redis-benchmark's tests whose commands exist.
STOCK_TESTS = 'ping,set,get,incr,lpush,rpush,lpop,rpop,sadd,hset,spop,lrange,mset'
GROWN_KEYS = 10000000
GROWTH_RATE = 100000
LOADED_KEYS = 5000000

# At most this ratio of CPU time per request to redis-server's, by pipeline.
ALONE_LIMITS = {1: 0.88, 16: 0.40, 64: 0.33}
SHARED_LIMITS = {1: 1.15, 16: 0.42, 64: 0.28}
MULTI_LIMITS = {1: 0.68, 16: 0.42, 64: 0.38}


def say(what):
    print(what, file=sys.stderr, flush=True)


class Plan:
    """How long to measure: rounds over all servers, seconds of each measurement."""

    def __init__(self, servers, rounds, seconds):
        self.servers, self.rounds, self.seconds = servers, rounds, seconds

    def turns(self, servers):
        """(number of the round, server), each server once a round."""
        for turn in range(self.rounds):
            for server in servers[turn % len(servers):] + servers[:turn % len(servers)]:
                yield turn, server

    def medians(self, servers, cores, figure, **options):
        """{server's name: median of `figure` over the rounds}; the servers take turns."""
        seen = {server.name: [] for server in servers}
        for _, server in self.turns(servers):
            result = server.load(cores, warmup=self.seconds / 5, seconds=self.seconds, **options)
            seen[server.name].append(result[figure])
        return {name: statistics.median(values) for name, values in seen.items()}


def cpu_rows(plan, section, threads, server_cores, load_cores, cells):
    """CPU time per request; cells are (command, pipeline, limit)."""
    with plan.servers.all(threads, server_cores) as servers:
        for server in servers:
            server.fill(load_cores, KEYS)
        for command, pipeline, limit in cells:
            cpu_us = plan.medians(servers, load_cores, 'server_cpu_us', command=command, pipeline=pipeline, keys=KEYS,
                                  connections=CONNECTIONS)
            yield Row(section, '%s P%d' % (command.upper(), pipeline), 'us', cpu_us, at_most=limit)


def alone(plan, commands=('get', 'set'), pipelines=PIPELINES):
    cells = [(command, pipeline, ALONE_LIMITS[pipeline]) for command in commands for pipeline in pipelines]
    yield from cpu_rows(plan, 'Server CPU, 1 worker on one core', 1, ONE, OTHER, cells)


def shared(plan, cells=None):
    if cells is None:
        cells = [(command, pipeline) for command in ('get', 'set', 'mget', 'mset') for pipeline in PIPELINES]
    limits = {'get': SHARED_LIMITS, 'set': SHARED_LIMITS, 'mget': MULTI_LIMITS, 'mset': MULTI_LIMITS}
    cells = [(command, pipeline, limits[command][pipeline]) for command, pipeline in cells]
    yield from cpu_rows(plan, 'Server CPU, 2 workers, client beside', 2, BOTH, BOTH, cells)


def stock_lines(server, pipeline):
    """One run of redis-benchmark: {its line: requests a second}."""
    command = ['redis-benchmark', '-p', str(server.port), '-c', str(CONNECTIONS), '-P', str(pipeline), '-t',
               STOCK_TESTS, '-n', str(100000 if pipeline == 1 else 500000), '--csv']
    done = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, check=True,
                          preexec_fn=lambda: os.sched_setaffinity(0, OTHER))
    return {row['test']: float(row['rps']) for row in csv.DictReader(io.StringIO(done.stdout))}


def stock(plan):
    """redis-benchmark as it comes, on the other core."""
    with plan.servers.skua(1, ONE) as skua, plan.servers.redis(ONE) as redis:
        for pipeline in (1, 16):
            seen = {skua: {}, redis: {}}
            for turn in range(plan.rounds):
                for server in (skua, redis) if turn % 2 else (redis, skua):
                    for line, per_second in stock_lines(server, pipeline).items():
                        seen[server].setdefault(line, []).append(per_second)
            for line in seen[skua]:
                per_second = {server.name: statistics.median(seen[server][line]) for server in (skua, redis)}
                yield Row('redis-benchmark', '%s -P %d' % (line, pipeline), '1/s', per_second, at_least=0.97)


def one_connection(plan):
    section = 'One connection'
    for threads, cores, load_cores, limit in ((1, ONE, OTHER, 1.0), (2, BOTH, BOTH, 1.4)):
        with plan.servers.all(threads, cores) as servers:
            for server in servers:
                server.fill(load_cores, KEYS)
            median_us = plan.medians(servers, load_cores, 'p50_us', connections=1, keys=KEYS)
            yield Row(section, 'GET P1 median, %d worker(s)' % threads, 'us', median_us, at_most=limit)
            per_second = plan.medians(servers, load_cores, 'per_second', connections=1, pipeline=64, keys=KEYS)
            yield Row(section, 'GET P64, %d worker(s)' % threads, '1/s', per_second, at_least=2)


def memory(plan, steps=(700000, 1000000, 1400000)):
    """Resident bytes, empty and for each key on top of that."""
    section = 'Resident memory'
    with plan.servers.skua(1, ONE) as skua, plan.servers.redis(ONE) as redis:
        servers = (skua, redis)
        empty = {server.name: server.resident_bytes() for server in servers}
        yield Row(section, 'empty, 1 worker', 'MB', {name: value / 1e6 for name, value in empty.items()}, at_most=11,
                  of_ratio=False)
        before = 0
        for keys in steps:
            for server in servers:
                server.fill(OTHER, keys - before, first=before)
            before = keys
            per_key = {server.name: (server.resident_bytes() - empty[server.name]) / keys for server in servers}
            yield Row(section, 'per key at %.1fM keys' % (keys / 1e6), 'B', per_key, at_most=110, of_ratio=False)
    with plan.servers.skua(4, BOTH) as skua:
        yield Row(section, 'empty, 4 workers', 'MB', {'skua': skua.resident_bytes() / 1e6}, at_most=14, of_ratio=False)


def idle(plan, seconds=5):
    with plan.servers.skua(2, BOTH) as skua, plan.servers.redis(BOTH) as redis:
        servers = (skua, redis)
        for server in servers:
            server.fill(BOTH, KEYS)
        time.sleep(1)
        before = {server: server.cpu_seconds() for server in servers}
        time.sleep(seconds)
        percent = {server.name: 100 * (server.cpu_seconds() - before[server]) / seconds for server in servers}
        yield Row('Idle', 'CPU, 2 workers, 1M keys', '%', percent, at_most=0.5, of_ratio=False)


def more_workers(plan):
    """More workers than cores, as a stand-in for larger machines."""
    with plan.servers.skua(8, BOTH) as eight, plan.servers.skua(2, BOTH) as two:
        eight.name, two.name = '8 workers', '2 workers'
        for server in (eight, two):
            server.fill(BOTH, KEYS)
        for pipeline, limit in ((16, 3), (64, 2)):
            cpu_us = plan.medians([eight, two], BOTH, 'server_cpu_us', pipeline=pipeline, keys=KEYS,
                                  connections=CONNECTIONS)
            yield Row('Server CPU on 2 cores', 'GET P%d' % pipeline, 'us', cpu_us, at_most=limit)


def many_connections(plan):
    for threads, cores, load_cores in ((1, ONE, OTHER), (2, BOTH, BOTH)):
        with plan.servers.skua(threads, cores) as skua:
            skua.fill(load_cores, KEYS)
            seen = {1000: [], CONNECTIONS: []}
            for _ in range(plan.rounds):
                for connections, values in seen.items():
                    result = skua.load(load_cores, connections=connections, keys=KEYS, seconds=plan.seconds, warmup=0.3)
                    values.append(result['server_cpu_us'])
            cpu_us = {'%d conns' % connections: statistics.median(values) for connections, values in seen.items()}
            yield Row('Server CPU with many connections', 'GET P1, %d worker(s)' % threads, 'us', cpu_us, at_most=1.3)


def half_load(plan):
    """Open loop, at half of what redis-server can do: all servers get the same rate."""
    with plan.servers.all(1, ONE) as servers:
        for server in servers:
            server.fill(OTHER, KEYS)
        redis = [server for server in servers if server.name == 'redis']
        rate = plan.medians(redis, OTHER, 'per_second', keys=KEYS, connections=CONNECTIONS)['redis'] / 2
        for command in ('get', 'mixed'):
            tail_us = plan.medians(servers, OTHER, 'p99_9_us', keys=KEYS, rate=rate, command=command)
            yield Row("At half of redis-server's load", '%s P1 p99.9, 1 worker' % command.upper(), 'us', tail_us,
                      at_most=1)


def longest_inserts_us(grown):
    """Each of the steps in which a keyspace grows: its longest insert in CPU time, which is what growth can delay."""
    program = os.path.join(os.path.dirname(LOAD), 'table_bench')
    said = subprocess.run([program, str(grown)], stdout=subprocess.PIPE, text=True, check=True).stdout
    return [float(us) for us in re.findall(r'^longest insert .*: ([0-9.]+) us', said, re.MULTILINE)]


def growth(plan, grown=GROWN_KEYS, rate=GROWTH_RATE):
    """What growth does to replies. Of a late one nobody knows whether growth has made it so, as the machine does that,
    too; hence the longest insert's own time, and replies while keys are added beside those while none are."""
    section = 'Growth from 1k keys to %gM' % (grown / 1e6)
    yield Row(section, 'longest insert, CPU', 'ms', {'skua': max(longest_inserts_us(grown)) / 1e3}, at_most=5,
              of_ratio=False)
    options = {'command': 'set', 'rate': rate, 'pipeline': 4}
    growing, steady = {}, {}
    for start in (plan.servers.skua, lambda threads, cores: plan.servers.redis(cores)):
        with start(1, ONE) as server:
            server.fill(OTHER, 1000)
            growing[server.name] = server.load(OTHER, in_order=True, first=1000, keys=grown - 1000, count=grown - 1000,
                                               **options)
            steady[server.name] = server.load(OTHER, keys=grown, count=grown // 5, **options)
    for name, results in (('growing', growing), ('not growing', steady)):
        latest_ms = {server: result['max_us'] / 1e3 for server, result in results.items()}
        yield Row(section, 'latest reply, ' + name, 'ms', latest_ms, of_ratio=False)
        late = {server: 1e6 * result['late'] / result['replies'] for server, result in results.items()}
        yield Row(section, 'later than 5 ms, ' + name, 'ppm', late, of_ratio=False)


def append_cost(plan):
    """What the file costs under everysec: its part of the CPU time per SET."""
    section = 'Append-only file, everysec, 1 worker'
    with plan.servers.skua(1, ONE, 'everysec', 'file') as with_file, plan.servers.skua(1, ONE) as skua, \
            plan.servers.redis(ONE, 'everysec', 'redis file') as redis_with_file, plan.servers.redis(ONE) as redis:
        servers = [with_file, skua, redis_with_file, redis]
        for server in servers:
            server.fill(OTHER, KEYS)
        for pipeline, limit in ((1, None), (16, 0.4), (64, 0.4)):
            cpu_us = plan.medians(servers, OTHER, 'server_cpu_us', command='set', pipeline=pipeline, keys=KEYS,
                                  connections=CONNECTIONS)
            added = {'skua': cpu_us['file'] - cpu_us['skua'], 'redis': cpu_us['redis file'] - cpu_us['redis']}
            yield Row(section, 'SET P%d, added' % pipeline, 'us', added, at_most=limit)
            # Beside itself without the file, not beside redis-server.
            yield Row(section, 'SET P%d, beside without' % pipeline, 'ratio', {
                'skua': cpu_us['file'] / cpu_us['skua'], 'redis': cpu_us['redis file'] / cpu_us['redis']},
                at_most=1.15 if pipeline == 1 else None, of_ratio=False)


def append_always(plan):
    section = 'Append-only file, always, SET P1'
    for threads, cores, load_cores in ((1, ONE, OTHER), (2, BOTH, BOTH)):
        with plan.servers.skua(threads, cores, 'always') as skua, plan.servers.redis(cores, 'always') as redis:
            per_second, syncs = {skua: [], redis: []}, {skua: [], redis: []}
            for turn in range(plan.rounds):
                for server in (skua, redis) if turn % 2 else (redis, skua):
                    before = server.syncs()
                    result = server.load(load_cores, command='set', keys=KEYS, connections=CONNECTIONS,
                                         seconds=plan.seconds)
                    per_second[server].append(result['per_second'])
                    if before is not None:
                        syncs[server].append((server.syncs() - before) / result['seconds'])
            yield Row(section, 'requests, %d worker(s)' % threads, '1/s', {
                server.name: statistics.median(values) for server, values in per_second.items()}, at_least=1.2)
            if syncs[skua]:
                yield Row(section, 'flushes of the disk', '1/s', {
                    server.name: statistics.median(values) for server, values in syncs.items()})


def append_reads(plan, rate=10000):
    """Nine GETs to a SET of any key: GETs have nothing to wait for, so the median is as without a file."""
    make = plan.servers
    with make.skua(1, ONE, 'always', 'always') as always, make.skua(1, ONE, None, 'no file') as without, \
            make.redis(ONE, 'always', 'redis') as redis:
        servers = [always, without, redis]
        for server in servers:
            server.fill(OTHER, KEYS)
        median_us = plan.medians(servers, OTHER, 'p50_us', command='mixed', keys=KEYS, rate=rate,
                                 connections=CONNECTIONS)
        yield Row('GETs beside SETs, always, 1 worker', 'P1 median', 'us', median_us, at_most=1.1)


def append_turns(plan):
    """Many workers take turns at one file: how much more a SET costs than with two, beside the same without a file,
    which is what more workers than cores cost anyway."""
    section = 'CPU of many workers to that of 2'
    for threads in (8, 16):
        with ExitStack() as stack:
            servers = [stack.enter_context(plan.servers.skua(count, BOTH, append, name)) for count, append, name in (
                (threads, 'everysec', 'many, file'), (2, 'everysec', 'two, file'), (threads, None, 'many'),
                (2, None, 'two'))]
            for server in servers:
                server.fill(BOTH, KEYS)
            for pipeline in (1, 16):
                cpu_us = plan.medians(servers, BOTH, 'server_cpu_us', command='set', pipeline=pipeline, keys=KEYS,
                                      connections=CONNECTIONS)
                yield Row(section, 'SET P%d, everysec, %d workers' % (pipeline, threads), 'times', {
                    'file': cpu_us['many, file'] / cpu_us['two, file'], 'no file': cpu_us['many'] / cpu_us['two']},
                    at_most=1.3)


def append_load(plan, keys=LOADED_KEYS):
    """A start with a file of one SET for each key."""
    make = plan.servers
    with make.skua(2, BOTH, 'everysec') as skua, make.redis(BOTH, 'everysec') as redis:
        for server in (skua, redis):
            server.fill(BOTH, keys)
        for threads, cores, limit in ((1, ONE, 0.6), (2, BOTH, 0.4)):
            commands = {skua: make.skua_command(threads, 'everysec'), redis: make.redis_command('everysec')}
            seconds = {server.name: statistics.median(server.restart(command, cores) for _ in range(3))
                       for server, command in commands.items()}
            yield Row('Load of %gM SETs' % (keys / 1e6), '%d worker(s)' % threads, 's', seconds, at_most=limit)


def aof(plan):
    """The append-only file."""
    for part in (append_cost, append_always, append_reads, append_turns, append_load):
        yield from part(plan)


SECTIONS = [alone, shared, stock, one_connection, memory, idle, more_workers, many_connections, half_load, growth, aof,
            types]


def quick(servers):
    plan = Plan(servers, rounds=2, seconds=0.6)
    yield from alone(plan)
    yield from shared(plan, [('get', 1), ('get', 16), ('get', 64), ('mget', 16), ('mset', 16)])
    yield from memory(plan, steps=(KEYS,))


def everything(servers, names):
    plan = Plan(servers, rounds=5, seconds=1.5)
    for section in SECTIONS:
        if not names or section.__name__ in names:
            say('%s ...' % section.__name__)
            yield from section(plan)


def main():
    parser = argparse.ArgumentParser(prog='bench/quick or bench/run', description='Measures Skua beside redis-server.')
    parser.add_argument('kind', choices=('quick', 'run'), help=argparse.SUPPRESS)
    parser.add_argument('section', nargs='*', help='of bench/run: only these (%s)' % ' '.join(
        section.__name__ for section in SECTIONS))
    parser.add_argument('--server', default=os.path.join(TOP, 'build', 'release', 'src', 'skua-server'),
                        help='the skua-server to measure (that of build/release)')
    parser.add_argument('--beside', help='a third server, started as BESIDE PORT THREADS msg')
    arguments = parser.parse_intermixed_args()
    unknown = set(arguments.section) - {section.__name__ for section in SECTIONS}
    if unknown:
        parser.error('no such section: ' + ' '.join(unknown))
    if len(CORES) < 2:
        sys.exit('This needs two cores: one for the server, one for the load.')

    servers = Servers(arguments.server, arguments.beside)
    if arguments.kind == 'quick':
        print_table(list(quick(servers)))
        return
    rows = list(everything(servers, arguments.section))
    print_table(rows)
    print('kept in %s and %s' % tuple(os.path.relpath(path, TOP) for path in keep(rows)))


if __name__ == '__main__':
    main()
