"""Pipelines whose commands run on other workers while something happens to their client: it is killed, wants no
replies, quits, sends garbage, or the order of pipelines changes."""
import socket
import threading
import time

from tests.lib.resp import CLOSED, encode
from tests.server.client_test import as_redis
from tests.server.sandbox_test import in_release

KEYS = 64  # over all shards
LOADED = 20000
HELD = '0.3'  # seconds that all shards are held, so that what is sent meanwhile waits


def pipeline(*commands):
    return b''.join(encode(*command) for command in commands)


def replies(client, count):
    return [client.read()[0] for _ in range(count)]


def hold_shards(server):
    """A client that holds all shards until it has its reply."""
    holder = server.connect()
    holder.send(encode('DEBUG', 'SLEEP', HELD))
    return holder


@as_redis
def test_kill_itself_behind_its_own_keys(start):
    with start() as server:
        one, other = server.connect(), server.connect()
        one.send(pipeline(*(('SET', 'k%d' % n, 'v') for n in range(LOADED))))
        replies(one, LOADED)
        number = one.call('CLIENT', 'ID')
        one.send(pipeline(('KEYS', '*'), ('CLIENT', 'KILL', 'ID', number, 'SKIPME', 'no'),
                          ('SET', 'after', 'v')))
        keys = one.read()[1].data
        assert len(keys) == LOADED
        assert one.read()[0] == b':1\r\n'
        assert one.read()[0] == CLOSED
        assert other.call('EXISTS', 'after') == 0


def test_kill_during_keys(start):
    with start() as server:
        one = server.connect()
        one.send(pipeline(*(('SET', 'k%d' % n, 'v') for n in range(LOADED))))
        replies(one, LOADED)
        for _ in range(20):
            victim = server.connect()
            number = victim.call('CLIENT', 'ID')
            victim.send(pipeline(*[('KEYS', '*')] * 8))
            assert one.call('CLIENT', 'KILL', 'ID', number) == 1
            while victim.read()[0] != CLOSED:
                pass
        assert one.call('DBSIZE') == LOADED


def test_kill_with_commands_under_way_elsewhere(start):
    with start(enable_debug_command='yes') as server:
        one, victim = server.connect(), server.connect()
        one.call('MSET', *(word for n in range(KEYS) for word in ('k%d' % n, 0)))
        number = victim.call('CLIENT', 'ID')
        holder = hold_shards(server)
        victim.send(pipeline(*(('INCR', 'k%d' % n) for n in range(KEYS)), ('MGET', 'k0', 'k1', 'k2', 'k3')))
        assert one.call('CLIENT', 'KILL', 'ID', number) == 1
        while victim.read()[0] != CLOSED:
            pass
        assert holder.read()[0] == b'+OK\r\n'
        # Each of its commands has run or has not, and the server goes on.
        assert set(one.call('MGET', *('k%d' % n for n in range(KEYS)))) <= {b'0', b'1'}


@as_redis
def test_reply_off_and_skip_with_commands_that_answer_later(start):
    with start() as server:
        one, other = server.connect(), server.connect()
        later = [('KEYS', '*'), ('DBSIZE',), ('RANDOMKEY',), ('SCAN', '0'), ('MSET', 'a', '1', 'b', '2', 'c', '3'),
                 ('CONFIG', 'SET', 'timeout', '0'), ('GET', 'a'), ('PING',)]
        for command in later:
            one.send(pipeline(('CLIENT', 'REPLY', 'SKIP'), command, ('ECHO', command[0])))
            assert one.read()[1].data == command[0].encode()
        one.send(pipeline(('CLIENT', 'REPLY', 'OFF'), *later, ('INCR', 'hidden'), ('CLIENT', 'REPLY', 'ON'),
                          ('INCR', 'hidden')))
        assert replies(one, 2) == [b'+OK\r\n', b':2\r\n']
        assert other.call('GET', 'hidden') == b'2'


@as_redis
def test_quit_behind_commands_of_all_shards(start):
    with start() as server:
        one, other = server.connect(), server.connect()
        one.send(pipeline(*(('INCR', 'k%d' % n) for n in range(KEYS)), ('DEL', 'k0', 'k1', 'k2'), ('QUIT',),
                          ('SET', 'after', 'v')))
        assert replies(one, KEYS + 2) == [b':1\r\n'] * KEYS + [b':3\r\n', b'+OK\r\n']
        assert one.read()[0] == CLOSED
        assert other.call('EXISTS', 'after') == 0


@as_redis
def test_protocol_error_behind_commands_of_all_shards(start):
    with start() as server:
        one, other = server.connect(), server.connect()
        for garbage in (b'*x\r\n', b'*2\r\n$3\r\nGET\r\n:1\r\n', b'*1\r\n$-5\r\n'):
            other.call('FLUSHALL')
            one.send(pipeline(*(('INCR', 'k%d' % n) for n in range(KEYS)), ('MGET', 'k0', 'k1', 'k2')) + garbage +
                     encode('SET', 'after', 'v'))
            assert replies(one, KEYS + 1) == [b':1\r\n'] * KEYS + [b'*3\r\n' + b'$1\r\n1\r\n' * 3]
            assert one.read()[0].startswith(b'-ERR Protocol error')
            assert one.read()[0] == CLOSED
            assert other.call('EXISTS', 'after') == 0
            one = server.connect()


@as_redis
def test_nothing_to_copy_but_an_empty_word(start):
    """Quoted words do not lie in the input."""
    with start() as server:
        one = server.connect()
        one.send(b''.join(b'"GET" "k%d"\r\n' % n for n in range(KEYS)) + encode(''))
        got = replies(one, KEYS + 1)
        assert got[:KEYS] == [b'$-1\r\n'] * KEYS
        assert got[KEYS].startswith(b"-ERR unknown command ''")


@as_redis
def test_http_request_with_commands_for_all_shards(start):
    with start() as server:
        other = server.connect()
        writes = pipeline(*(('SET', 'k%d' % n, 'v') for n in range(KEYS)))
        for before in (b'', pipeline(*(('GET', 'k%d' % n) for n in range(KEYS)))):
            for request in (b'POST / HTTP/1.1\r\n', b'Host: x\r\n', b'Host: x\r\n\r\n'):
                browser = server.connect()
                browser.send(before + request + writes)
                while browser.read()[0] != CLOSED:
                    pass
                assert other.call('DBSIZE') == 0


@as_redis
def test_long_pipeline_with_several_shards_in_between(start):
    with start() as server:
        one = server.connect()
        commands, expected = [], []
        for n in range(3000):  # many times what one batch takes
            commands.append(('SET', 'k%d' % (n % KEYS), n))
            expected.append(b'+OK\r\n')
            if n % 7 == 0:
                commands.append(('MSET', 'a', n, 'b', n, 'c', n))
                commands.append(('MGET', 'a', 'b', 'c', 'k%d' % (n % KEYS)))
                value = b'%d' % n
                expected += [b'+OK\r\n', b'*4\r\n' + (b'$%d\r\n%s\r\n' % (len(value), value)) * 4]
            if n % 255 == 0:
                commands.append(('RENAME', 'a', 'renamed'))
                commands.append(('EXISTS', 'a', 'renamed'))
                expected += [b'+OK\r\n', b':1\r\n'] if n % 7 == 0 else [None, None]
        one.send(pipeline(*commands))
        for command, want in zip(commands, expected):
            got = one.read()[0]
            assert want is None or got == want, (command, got)


def test_order_of_pipelines_changes_while_they_run(start):
    with start() as server:
        failures = []

        def play(number):
            client = server.connect()
            keys = ['%d:%d' % (number, n) for n in range(8)]
            for turn in range(1, 151):
                client.send(pipeline(*(('INCR', key) for key in keys), ('MGET', *keys), ('DEL', 'none'),
                                     *(('GET', key) for key in keys)))
                value = b'%d' % turn
                bulk = b'$%d\r\n%s\r\n' % (len(value), value)
                if replies(client, 18) != [b':%d\r\n' % turn] * 8 + [b'*8\r\n' + bulk * 8, b':0\r\n'] + [bulk] * 8:
                    failures.append((number, turn))

        threads = [threading.Thread(target=play, args=(number,)) for number in range(4)]
        one = server.connect()
        for thread in threads:
            thread.start()
        while any(thread.is_alive() for thread in threads):
            assert one.call('CONFIG', 'SET', 'pipeline-order', 'strict') == b'OK'
            assert one.call('CONFIG', 'SET', 'pipeline-order', 'relaxed') == b'OK'
        assert not failures


def test_home_commands_while_the_shards_are_held(start):
    with start(enable_debug_command='yes') as server:
        clients = [server.connect() for _ in range(8)]
        holder = hold_shards(server)
        for client in clients:
            client.send(pipeline(('PING',), ('SELECT', '1'), ('MSET', 'a', '1', 'b', '2', 'c', '3'), ('PING',)))
        for client in clients:
            assert replies(client, 4) == [b'+PONG\r\n', b'+OK\r\n', b'+OK\r\n', b'+PONG\r\n']
        assert holder.read()[0] == b'+OK\r\n'


LEAVING = ((b'*1\r\n$x\r\n', b'-ERR Protocol error: invalid bulk length\r\n'), (encode('QUIT'), b'+OK\r\n'))


def test_replies_before_the_end_are_not_lost(start):
    """Although there is input that nobody will read."""
    for last, answer in LEAVING:
        requests = encode('PING') * 5 + encode('ECHO', 'x' * 70000) + last + encode('ECHO', 'y' * 100000)
        expected = b'+PONG\r\n' * 5 + b'$70000\r\n' + b'x' * 70000 + b'\r\n' + answer
        with start() as server:
            for _ in range(20):
                one = server.connect()
                one.send(requests)
                assert one.read_to_end() == expected
                one.close()
            one, babbling = server.connect(), server.connect()
            babbling.send(requests)
            babbling.read_to_end()
            until = time.monotonic() + 10
            while b'connected_clients:1\r' not in one.call('INFO', 'clients'):
                babbling.send(b'more')
                time.sleep(0.05)
                assert time.monotonic() < until, 'a client that does not stop sending is still there'


@in_release
def test_replies_before_the_end_wait_for_a_slow_reader(start):
    """Mostly waiting."""
    for last, answer in LEAVING:
        with start() as server:
            slow = server.connect()
            slow.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
            slow.send(encode('ECHO', 'x' * 300000) + last)
            time.sleep(2.5)
            slow.send(b'more')
            expected = b'$300000\r\n' + b'x' * 300000 + b'\r\n' + answer
            assert slow.read_to_end() == expected
