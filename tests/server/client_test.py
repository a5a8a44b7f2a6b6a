"""CLIENT across workers: what is paused and goes on, who is killed, and input behind commands that wait."""
import re
import time

from tests.lib.resp import CLOSED, encode

# CLIENT LIST of 7.4, in its order.
FIELDS = ('id addr laddr fd name age idle flags db sub psub ssub multi watch qbuf qbuf-free argv-mem multi-mem rbs rbp '
          'obl oll omem tot-mem events cmd user redir resp lib-name lib-ver').split()
PAUSE_MS = 300


def as_redis(case):
    """Also holds for redis-server."""
    case.as_redis = True
    return case


def seconds_of(call):
    began = time.monotonic()
    call()
    return time.monotonic() - began


def test_list_has_all_fields_and_is_sorted(start):
    with start() as server:
        clients = [server.connect() for _ in range(9)]
        ids = [client.call('CLIENT', 'ID') for client in clients]
        lines = clients[0].call('CLIENT', 'LIST')[:-1].decode().split('\n')
        assert [field.split('=')[0] for field in lines[0].split(' ')] == FIELDS
        assert [int(line.split()[0][3:]) for line in lines] == sorted(ids)
        asked = clients[0].call('CLIENT', 'LIST', 'ID', ids[5], ids[2], ids[5]).decode()
        assert [int(line.split()[0][3:]) for line in asked.split('\n')[:-1]] == [ids[5], ids[2], ids[5]]


@as_redis
def test_kill_by_every_filter_reaches_all_workers(start):
    with start() as server:
        one = server.connect()
        others = [server.connect() for _ in range(8)]
        for other in others:
            other.call('PING')
        assert one.call('CLIENT', 'KILL', 'TYPE', 'normal', 'USER', 'default') == 8
        for other in others:
            other.send(encode('PING'))
            assert other.read()[0] == CLOSED
        assert one.call('CLIENT', 'KILL', 'ID', one.call('CLIENT', 'ID'), 'SKIPME', 'no') == 1
        assert one.read()[0] == CLOSED


def test_kill_maxage(start):
    with start() as server:
        one, old = server.connect(), server.connect()
        old.call('PING')
        time.sleep(2.1)
        young = server.connect()
        young.call('PING')
        assert one.call('CLIENT', 'KILL', 'MAXAGE', '2') >= 1
        assert young.call('PING') == b'PONG'
        old.send(encode('PING'))
        assert old.read()[0] == CLOSED


@as_redis
def test_pause_write_holds_back_writes_alone(start):
    with start() as server:
        one, other = server.connect(), server.connect()
        one.call('SET', 'k', 'old')
        one.call('CLIENT', 'PAUSE', PAUSE_MS, 'WRITE')
        assert seconds_of(lambda: other.call('GET', 'k')) < PAUSE_MS / 2000
        other.send(encode('GET', 'k') + encode('SET', 'k', 'new') + encode('GET', 'k') + encode('PING'))
        assert other.read()[1].data == b'old'
        assert seconds_of(other.read) > PAUSE_MS / 2000
        assert other.read()[1].data == b'new' and other.read()[1].data == b'PONG'


@as_redis
def test_pause_all_answers_errors_alone(start):
    with start() as server:
        one, other = server.connect(), server.connect()
        other.call('PING')
        one.call('CLIENT', 'PAUSE', PAUSE_MS)
        assert seconds_of(lambda: other.call('nosuch')) < PAUSE_MS / 2000
        assert seconds_of(lambda: other.call('PING')) > PAUSE_MS / 2000


@as_redis
def test_the_longer_and_stricter_pause_counts(start):
    with start() as server:
        one, other = server.connect(), server.connect()
        other.call('PING')
        began = time.monotonic()
        one.send(encode('CLIENT', 'PAUSE', PAUSE_MS, 'WRITE') + encode('CLIENT', 'PAUSE', '1', 'ALL'))
        one.read(), one.read()
        other.call('PING')
        assert time.monotonic() - began > PAUSE_MS / 2000


def number_in_info(client, section, name):
    return int(re.search(r'\b%s:(\d+)' % name, client.call('INFO', section).decode()).group(1))


@as_redis
def test_pause_keeps_what_expires(start):
    with start() as server:
        one = server.connect()
        one.send(b''.join(encode('SET', 'k%d' % number, 'v', 'PX', 100) for number in range(20)) +
                 encode('CLIENT', 'PAUSE', 1500, 'WRITE'))
        assert [one.read()[0] for _ in range(21)] == [b'+OK\r\n'] * 21
        time.sleep(0.5)
        assert one.call('GET', 'k1') is None and one.call('EXISTS', 'k2') == 0
        assert one.call('DBSIZE') == 20 and number_in_info(one, 'stats', 'expired_keys') == 0
        one.call('CLIENT', 'UNPAUSE')
        assert one.call('GET', 'k1') is None
        time.sleep(0.5)
        assert one.call('DBSIZE') == 0 and number_in_info(one, 'stats', 'expired_keys') == 20


@as_redis
def test_unpause_lets_all_go_on(start):
    with start() as server:
        one = server.connect()
        others = [server.connect() for _ in range(8)]
        one.call('CLIENT', 'PAUSE', 60000, 'WRITE')
        for number, other in enumerate(others):
            other.send(encode('SET', 'k%d' % number, 'v'))
        others.pop().close()
        time.sleep(0.1)
        assert one.call('CLIENT', 'UNPAUSE') == b'OK'
        assert all(other.read()[0] == b'+OK\r\n' for other in others)


@as_redis
def test_large_bulk_behind_commands_that_wait(start):
    with start() as server:
        one = server.connect()
        value = b'v' * 300000
        data = b''.join(encode('SET', 'k%d' % n, n) for n in range(50)) + encode('SET', 'large', value)
        for size in (2500, 40000, 100000):
            for at in range(0, len(data), size):
                one.send(data[at:at + size])
                time.sleep(0.002)
            assert all(one.read()[0] == b'+OK\r\n' for _ in range(51))
            assert one.call('GET', 'large') == value


@as_redis
def test_large_command_behind_auth_in_one_write(start):
    with start() as server:
        one, other = server.connect(), server.connect()
        one.call('CONFIG', 'SET', 'requirepass', 'secret')
        new = server.connect()
        new.send(encode('AUTH', 'secret') + encode('MSET', *['x' * 9000] * 40))
        assert new.read()[0] == b'+OK\r\n' and new.read()[0] == b'+OK\r\n'
        assert other.call('PING') == b'PONG'
        waiting = server.connect()
        assert 'NOAUTH' in str(waiting.call('PING'))
        one.call('CONFIG', 'SET', 'requirepass', '')
        assert waiting.call('PING') == b'PONG'


@as_redis
def test_reset_ends_silence_but_is_skipped_itself(start):
    with start() as server:
        for silence, answers in (('SKIP', [b'$1\r\nx\r\n']), ('OFF', [b'+RESET\r\n', b'$1\r\nx\r\n'])):
            one = server.connect()
            one.send(encode('CLIENT', 'REPLY', silence) + encode('RESET') + encode('ECHO', 'x'))
            assert [one.read()[0] for _ in answers] == answers


@as_redis
def test_a_line_without_a_command_is_what_is_skipped(start):
    skip, off, on = (encode('CLIENT', 'REPLY', how) for how in ('SKIP', 'OFF', 'ON'))
    echo, answer = encode('ECHO', 'x'), b'$1\r\nx\r\n'
    with start() as server:
        one = server.connect()
        for nothing in (b'\r\n', b'\n', b'  \r\n', b'*0\r\n', b'*-1\r\n'):
            one.send(skip + nothing + echo + skip + echo + nothing + echo + off + nothing + echo + on)
            assert [one.read()[0] for _ in range(3)] == [answer, answer, b'+OK\r\n']
            one.send(skip)
            time.sleep(0.02)
            one.send(nothing + echo)
            assert one.read()[0] == answer


def test_quit_in_silence_closes(start):
    """redis-server would keep the connection, and never answer on it."""
    with start() as server:
        for silence in ('OFF', 'SKIP'):
            one = server.connect()
            one.send(encode('CLIENT', 'REPLY', silence) + encode('QUIT') + encode('PING'))
            assert one.read()[0] == CLOSED


def test_touch_touches_for_a_client_that_does_not(start):
    """Redis 7.2: CLIENT NO-TOUCH is not about TOUCH."""
    with start() as server:
        one = server.connect()
        one.call('MSET', 'a', '1', 'b', '2')
        one.call('CLIENT', 'NO-TOUCH', 'ON')
        time.sleep(2.1)
        one.call('TOUCH', 'a')
        one.call('GET', 'b')
        assert one.call('OBJECT', 'IDLETIME', 'a') <= 1 and one.call('OBJECT', 'IDLETIME', 'b') >= 2
