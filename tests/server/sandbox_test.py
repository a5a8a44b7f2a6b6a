"""What containers take away: io_uring, locked memory, memory. Real clients work all the same."""
import resource
import time

import redis

from tests.lib import sandbox
from tests.lib.resp import encode

MEMORY_BYTES = 64 << 20
LOAD_KEYS, LOAD_VALUE_BYTES, LOAD_CLIENTS, LOAD_ROUNDS = 20000, 1000, 50, 100


def in_release(case):
    """Not for the sanitizers: they take more memory than there is here, or the case mostly waits."""
    case.in_release = True
    return case


def work(server):
    """A client library sets, gets and deletes, some of it in pipelines over all shards."""
    with redis.Redis(port=server.port) as client:
        names = ['key:%d' % number for number in range(500)]
        with client.pipeline(transaction=False) as pipeline:
            for name in names:
                pipeline.set(name, name * 20)
            assert all(pipeline.execute())
        assert client.mget(names) == [(name * 20).encode() for name in names]
        assert client.delete(*names) == len(names) and client.dbsize() == 0


def test_refused_io_uring_falls_back(start):
    for name, words in (('EPERM', 'Operation not permitted (seccomp'), ('ENOSYS', 'Function not implemented')):
        with start(prepare=sandbox.refuse_io_uring(sandbox.ERRORS[name]), io_backend='auto') as server:
            work(server)
            lines = [line for line in server.log().split('\n') if 'epoll' in line]
            assert len(lines) == 1 and 'io_uring_setup: ' + words in lines[0], server.log()
            assert server.connect().call('INFO', 'skua').count(b'io_backend:epoll\r\n') == 1


def test_refused_io_uring_that_was_asked_for_stops_the_start(start):
    for name, words in (('EPERM', 'Operation not permitted (seccomp'), ('ENOSYS', 'Function not implemented')):
        try:
            start(prepare=sandbox.refuse_io_uring(sandbox.ERRORS[name]), io_backend='io_uring').stop()
        except RuntimeError as error:
            assert 'io_uring_setup: ' + words in str(error), error
        else:
            raise AssertionError('it started')


def load(server):
    """Some of everything at once: data, pipelines of many clients, a large value, a flush."""
    clients = [server.connect() for _ in range(LOAD_CLIENTS)]
    value = 'v' * LOAD_VALUE_BYTES
    for first in range(0, LOAD_KEYS, LOAD_ROUNDS):
        client = clients[first // LOAD_ROUNDS % LOAD_CLIENTS]
        client.send(b''.join(encode('SET', 'k%d' % n, value) for n in range(first, first + LOAD_ROUNDS)))
        assert all(client.read()[0] == b'+OK\r\n' for _ in range(LOAD_ROUNDS))
    assert clients[0].call('DBSIZE') == LOAD_KEYS
    for client in clients:
        client.send(encode('MGET', *['k%d' % n for n in range(LOAD_ROUNDS)]))
    for client in clients:
        assert client.read()[1].plain() == [value.encode()] * LOAD_ROUNDS
    assert clients[0].call('SET', 'large', 'v' * (8 << 20)) == b'OK'
    assert clients[1].call('STRLEN', 'large') == 8 << 20
    assert clients[2].call('FLUSHALL') == b'OK'
    work(server)


def peak_bytes(server):
    with open('/proc/%d/status' % server.process.pid) as status:
        return next(int(line.split()[1]) << 10 for line in status if line.startswith('VmHWM'))


@in_release
def test_64_mb(start):
    """Where no cgroup can be made, what is resident at most tells."""
    with sandbox.memory_group(MEMORY_BYTES) as join, start(prepare=join) as server:
        load(server)
        assert peak_bytes(server) < MEMORY_BYTES, peak_bytes(server)


def test_no_locked_memory(start):
    """Kernels that count io_uring's rings as locked memory refuse it: the server then does without."""
    with start(prepare=sandbox.lock_no_memory, io_backend='auto') as server:
        with open('/proc/%d/limits' % server.process.pid) as limits:
            assert any(line.split()[3:5] == ['0', '0'] for line in limits if line.startswith('Max locked memory'))
        load(server)


@in_release
def test_no_memory_for_a_fiber(start):
    """What would have run on one runs all the same; only others have to wait."""
    with start(enable_debug_command='yes') as server:
        one = server.connect()
        assert one.call('MSET', 'a', 1, 'b', 2, 'c', 3) == b'OK'
        digest = one.call('DEBUG', 'DIGEST')
        with open('/proc/%d/statm' % server.process.pid) as statm:
            mapped = int(statm.read().split()[0]) * resource.getpagesize()
        resource.prlimit(server.process.pid, resource.RLIMIT_AS, (mapped, resource.RLIM_INFINITY))
        began = time.monotonic()
        assert one.call('DEBUG', 'SLEEP', '0.2') == b'OK' and time.monotonic() - began >= 0.2
        assert one.call('DEBUG', 'DIGEST') == digest
        assert one.call('DEBUG', 'OBJECT', 'nothing').args == ('ERR no such key',)


def test_few_descriptors_leave_room_for_the_workers(start):
    """maxclients is lowered to what there are descriptors for: all of them are served, and one more is told so."""
    with start(prepare=sandbox.few_descriptors, threads=32) as server:
        control = server.connect()
        most = int(control.call('CONFIG', 'GET', 'maxclients')[1])
        assert 'maxclients has been reduced to %d' % most in server.log()
        crowd = [server.connect() for _ in range(most - 1)]
        assert all(client.call('PING') == b'PONG' for client in crowd)
        assert server.connect().read_to_end() == b'-ERR max number of clients reached\r\n'
        assert 'Unable' not in server.log() and 'Accepting' not in server.log()
