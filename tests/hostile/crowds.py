"""Many connections: idle ones, more than maxclients, ones that come and go, ones that wait for a held shard."""
import os
import time

from tests.lib import cases

from .support import encode, reset

IDLE = 10000
IDLE_MB_MAX = 160
CPU_SHARE_IDLE_MAX = 0.05


def cpu_seconds(server):
    with open('/proc/%d/stat' % server.process.pid) as stat:
        fields = stat.read().rsplit(')', 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf('SC_CLK_TCK')


def idle_connections(server, checks):
    """10,000 that do nothing cost little memory and no CPU; the server goes on serving."""
    control = server.connect()
    before_kb = server.resident_kb()
    crowd = [server.connect() for _ in range(IDLE)]
    for connection in crowd:
        connection.send(encode('PING'))
    for connection in crowd:
        checks.equal(connection.read()[0], b'+PONG\r\n', 'PING of one of many')
    checks.grown_at_most(server, before_kb, IDLE_MB_MAX, '%d idle connections' % IDLE)
    checks.equal(control.call('CLIENT', 'LIST').count(b' addr='), IDLE + 1, 'lines of CLIENT LIST')
    time.sleep(0.3)
    began, used = time.monotonic(), cpu_seconds(server)
    time.sleep(1)
    share = (cpu_seconds(server) - used) / (time.monotonic() - began)
    checks.true(share <= CPU_SHARE_IDLE_MAX, 'idle connections take %.0f%% of a CPU' % (100 * share))
    for number, connection in enumerate(crowd):
        if number % 2:
            reset(connection.socket)
        else:
            connection.close()
    checks.alone(server, control)
    checks.answers(server)


idle_connections.options = {'maxclients': IDLE + 100}


def flood_past_maxclients(server, checks):
    """Who is too many is told so and sent away; who was there stays; when some leave others are let in."""
    control = server.connect()
    crowd = [server.connect() for _ in range(300)]
    for connection in crowd:
        connection.send(encode('PING'))
    refused = [connection for connection in crowd if connection.read()[0] != b'+PONG\r\n']
    checks.equal(len(crowd) - len(refused), 99, 'clients that were let in beside the first')
    again = server.connect()
    checks.equal(again.read_to_end(), b'-ERR max number of clients reached\r\n', 'what one too many is told')
    statistics = control.call('INFO', 'stats').decode()
    checks.true('rejected_connections:%d\r\n' % (len(refused) + 1) in statistics, 'rejected_connections in INFO')
    for connection in crowd:
        connection.close()
    checks.alone(server, control)
    for _ in range(99):
        connection = server.connect()
        checks.equal(connection.call('PING'), b'PONG', 'a client after the flood')
    checks.equal(control.call('CONFIG', 'SET', 'maxclients', 200), b'OK', 'CONFIG SET maxclients')
    checks.answers(server)


flood_past_maxclients.options = {'maxclients': 100}


def coming_and_going(server, checks):
    """Connections that are opened and dropped at once, in every phase of a request."""
    control = server.connect()
    before_kb = server.resident_kb()
    request = encode('SET', 'key', 'v' * 300)
    for number in range(cases.scaled(6000)):
        connection = server.connect()
        if number % 4:
            connection.send(request[:number % len(request)] if number % 4 < 3 else request * 3)
        if number % 2:
            reset(connection.socket)
        else:
            connection.close()
        checks.done += 1
    checks.alone(server, control)
    checks.grown_at_most(server, before_kb, 24, 'connections that came and went')
    checks.answers(server)


def wait_for_held_shards(server, checks):
    """Thousands of clients wait while all shards are held. What needs no shard is answered meanwhile, and when the
    hold is over everyone gets an answer, in the order of their requests."""
    crowd = [server.connect(seconds_max=60) for _ in range(3000)]
    control, sleeper = server.connect(), server.connect(seconds_max=60)
    control.call('SET', 'counter', 0)
    sleeper.send(encode('DEBUG', 'SLEEP', '3'))
    time.sleep(0.2)
    began = time.monotonic()
    before_kb = server.resident_kb()
    for number, connection in enumerate(crowd):
        connection.send(
            encode('SET', 'k%d' % number, number) + encode('INCR', 'counter') + encode('GET', 'k%d' % number) +
            encode('MGET', 'k%d' % number, 'none') + encode('ECHO', number))
    asked = 0
    while time.monotonic() - began < 2:
        asked_at = time.monotonic()
        checks.equal(control.call('PING'), b'PONG', 'PING while shards are held')
        newcomer = server.connect()
        checks.equal(newcomer.call('ECHO', 'x'), b'x', 'a new connection while shards are held')
        newcomer.close()
        waited = time.monotonic() - asked_at
        checks.true(waited < 0.5, 'PING took %.2f s while shards are held' % waited)
        asked += 1
        time.sleep(0.02)
    checks.true(asked > 20, 'only %d answers in two seconds of a hold' % asked)
    checks.grown_at_most(server, before_kb, 96, '%d waiting clients' % len(crowd))
    checks.equal(sleeper.read()[0], b'+OK\r\n', 'DEBUG SLEEP')
    counted = set()
    for number, connection in enumerate(crowd):
        replies = [connection.read()[0] for _ in range(5)]
        text = b'$%d\r\n%d\r\n' % (len(str(number)), number)
        checks.equal((replies[0], replies[2], replies[4]), (b'+OK\r\n', text, text), 'replies after the hold')
        checks.equal(replies[3], b'*2\r\n' + text + b'$-1\r\n', 'MGET after the hold')
        counted.add(int(replies[1][1:]))
    checks.equal(counted, set(range(1, len(crowd) + 1)), 'what everyone has counted')
    checks.answers(server)


wait_for_held_shards.options = {'threads': 4, 'enable-debug-command': 'yes'}
wait_for_held_shards.only_skua = True


def crowd_that_has_gone(server, checks):
    """What was kept for the pipelines of hundreds of clients at a time is given back when they have gone."""
    def used():
        text = control.call('INFO', 'memory').decode()
        return int(text.split('used_memory:')[1].split('\r\n')[0])

    control, sleeper = server.connect(), server.connect(seconds_max=60)
    before = used()
    sleeper.send(encode('DEBUG', 'SLEEP', '1.5'))
    time.sleep(0.2)
    crowd = [server.connect(seconds_max=60) for _ in range(400)]
    pipeline = b''.join(encode('SET', 'k%d' % number, 300 * 'x') for number in range(150))
    for connection in crowd:
        connection.send(pipeline)
    for connection in crowd:
        for _ in range(150):
            checks.equal(connection.read()[0], b'+OK\r\n', 'SET of a client that waited')
        connection.close()
    sleeper.close()
    checks.alone(server, control)
    checks.equal(control.call('FLUSHALL', 'SYNC'), b'OK', 'FLUSHALL')
    checks.soon(lambda: used() - before < 1 << 20, 'memory in use is again what it was, give or take 1 MB')


crowd_that_has_gone.options = {'enable-debug-command': 'yes'}
crowd_that_has_gone.only_skua = True

TESTS = (idle_connections, flood_past_maxclients, coming_and_going, wait_for_held_shards, crowd_that_has_gone)
