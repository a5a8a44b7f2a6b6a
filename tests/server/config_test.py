"""CONFIG: all or nothing, what takes effect at once, and what REWRITE keeps."""
import os
import socket

from tests.lib.resp import Connection
from tests.lib.servers import free_port
from tests.server.client_test import as_redis


def refuses(port):
    try:
        socket.create_connection(('127.0.0.1', port), timeout=5).close()
        return False
    except ConnectionRefusedError:
        return True


@as_redis
def test_set_is_all_or_nothing(start):
    with start() as server:
        one = server.connect()
        for bad in (('maxclients', 'x'), ('nosuch', '1'), ('databases', '3'), ('timeout', '9')):
            assert isinstance(one.call('CONFIG', 'SET', 'timeout', '7', *bad), Exception)
            assert one.call('CONFIG', 'GET', 'timeout') == [b'timeout', b'0']
        with socket.socket() as taken:
            taken.bind(('127.0.0.1', 0))
            taken.listen()
            reply = one.call('CONFIG', 'SET', 'timeout', '7', 'port', taken.getsockname()[1])
        assert 'Unable to listen on this port' in str(reply), reply
        assert one.call('CONFIG', 'GET', 'timeout') == [b'timeout', b'0']
        assert server.connect().call('PING') == b'PONG'


@as_redis
def test_port_moves_and_open_connections_stay(start):
    with start() as server:
        one, port = server.connect(), free_port()
        assert one.call('CONFIG', 'SET', 'port', port) == b'OK'
        assert Connection(port).call('PING') == b'PONG' and one.call('PING') == b'PONG'
        assert refuses(server.port)
        assert one.call('CONFIG', 'SET', 'port', server.port) == b'OK'
        assert server.connect().call('PING') == b'PONG' and refuses(port)


def test_bind_that_fails_leaves_the_old(start):
    with start() as server:
        one = server.connect()
        assert 'Failed to bind' in str(one.call('CONFIG', 'SET', 'bind', '192.0.2.1'))
        assert one.call('CONFIG', 'GET', 'bind') == [b'bind', b'127.0.0.1']
        assert server.connect().call('PING') == b'PONG'
        assert one.call('CONFIG', 'SET', 'bind', '127.0.0.1 127.0.0.2') == b'OK'
        assert server.connect().call('PING') == b'PONG'


def test_dir_takes_its_lock_along(start):
    with start(enable_protected_configs='yes') as server, start() as other:
        one, inside = server.connect(), os.path.join(server.folder, 'inside')
        os.mkdir(inside)
        assert 'in use by another server' in str(one.call('CONFIG', 'SET', 'dir', other.folder))
        assert one.call('CONFIG', 'SET', 'dir', inside) == b'OK'
        assert os.readlink('/proc/%d/cwd' % server.process.pid) == inside


def test_every_worker_has_what_was_answered(start):
    with start() as server:
        clients = [server.connect() for _ in range(8)]
        for number in range(1, 60):
            assert clients[number % 8].call('CONFIG', 'SET', 'timeout', number) == b'OK'
            expected = [b'timeout', b'%d' % number]
            assert all(client.call('CONFIG', 'GET', 'timeout') == expected for client in clients)


@as_redis
def test_rewrite_without_a_file(start):
    with start() as server:
        assert 'running without a config file' in str(server.connect().call('CONFIG', 'REWRITE'))


@as_redis
def test_resetstat(start):
    with start() as server:
        one = server.connect()
        for _ in range(20):
            one.call('GET', 'nothing')
        assert one.call('CONFIG', 'RESETSTAT') == b'OK'
        stats = one.call('INFO', 'stats').decode()
        assert 'total_commands_processed:1\r\n' in stats and 'keyspace_misses:0\r\n' in stats, stats
