"""Loading at start: who gets what answer meanwhile, what the log and INFO say, what ends it, and that nothing expires
before all is there."""
import contextlib
import os
import re
import signal
import tempfile
import time

from tests.lib import servers
from tests.lib.resp import encode
from tests.server.client_test import as_redis
from tests.server.sandbox_test import in_release

STOP_SECONDS = 10
LOADING = 'LOADING Redis is loading the dataset in memory'
PAST, FUTURE = 1000000000000, 4000000000000
FIELDS = ('loading_start_time', 'loading_total_bytes', 'loading_rdb_used_mem', 'loading_loaded_bytes',
          'loading_loaded_perc', 'loading_eta_seconds')


@contextlib.contextmanager
def data_directory(*commands):
    """One with an append-only file of these commands."""
    with tempfile.TemporaryDirectory(prefix='skua-test-') as path:
        folder = os.path.join(path, 'appendonlydir')
        os.mkdir(folder)
        with open(os.path.join(folder, 'appendonly.aof.1.incr.aof'), 'wb') as log:
            log.write(encode('SELECT', 0) + b''.join(commands))
        with open(os.path.join(folder, 'appendonly.aof.manifest'), 'w') as manifest:
            manifest.write('file appendonly.aof.1.incr.aof seq 1 type i\n')
        yield path


@contextlib.contextmanager
def slow_directory():
    """One that takes seconds with key-load-delay. Much smaller it cannot be: redis-server answers every 1,024 keys."""
    with data_directory(*(encode('SET', 'key:%d' % number, number) for number in range(100000))) as path:
        yield path


def info(connection, section='persistence'):
    lines = connection.call('INFO', section).decode().split('\r\n')
    return dict(line.split(':', 1) for line in lines if ':' in line)


def wait_until_loaded(connection):
    until = time.monotonic() + servers.START_SECONDS_MAX
    while connection.call('PING') != b'PONG':
        assert time.monotonic() < until
        time.sleep(0.01)


@in_release
@as_redis
def test_what_is_answered_meanwhile(start):
    with slow_directory() as path, start(appendonly='yes', dir=path, key_load_delay=100, requirepass='x') as server:
        one = server.connect()
        assert str(one.call('PING')).startswith('NOAUTH') and str(one.call('NOTHING')).startswith('ERR unknown command')
        assert one.call('AUTH', 'x') == b'OK' and b'server' in one.call('HELLO', 3, 'SETNAME', 'me')
        for refused in (('PING',), ('GET', 'key:1'), ('SET', 'a', 'b'), ('MGET', 'a', 'b', 'c'), ('FLUSHALL',),
                        ('KEYS', '*'), ('SCAN', 0), ('TYPE', 'a'), ('CONFIG', 'SET', 'appendonly', 'no')):
            assert str(one.call(*refused)) == LOADING, refused
        assert str(one.call('GET')) == "ERR wrong number of arguments for 'get' command"
        for answered in (('SELECT', 1), ('CONFIG', 'SET', 'timeout', 0), ('CLIENT', 'SETNAME', 'you')):
            assert one.call(*answered) == b'OK', answered
        assert one.call('CONFIG', 'GET', 'timeout') and b'name=you' in one.call('CLIENT', 'INFO')
        assert isinstance(one.call('COMMAND', 'COUNT'), int) and one.call('TIME')
        one.send(encode('GET', 'key:1') * 3 + encode('SELECT', 0) + encode('GET', 'key:2') * 3)
        assert [one.read()[0][:3] for _ in range(7)] == [b'-LO'] * 3 + [b'+OK'] + [b'-LO'] * 3
        assert one.call('CONFIG', 'SET', 'key-load-delay', 0) == b'OK'
        wait_until_loaded(one)
        assert one.call('GET', 'key:99999') == b'99999' and one.call('DBSIZE') == 100000


@in_release
@as_redis
def test_info_tells_how_far_it_is(start):
    with slow_directory() as path, start(appendonly='yes', dir=path, key_load_delay=100) as server:
        one = server.connect()
        early = info(one)
        assert early['loading'] == '1' and all(field in early for field in FIELDS), early
        size = os.path.getsize(os.path.join(path, 'appendonlydir', 'appendonly.aof.1.incr.aof'))
        assert int(early['loading_total_bytes']) == size
        assert int(early['loading_loaded_bytes']) < size and float(early['loading_loaded_perc']) < 100
        assert abs(int(early['loading_start_time']) - time.time()) < 60
        one.call('CONFIG', 'SET', 'key-load-delay', 0)
        wait_until_loaded(one)
        late = info(one)
        assert late['loading'] == '0' and not any(field in late for field in FIELDS), late
        assert re.search(r'DB loaded from append only file: \d+\.\d{3} seconds', server.log())
        assert server.log().index('DB loaded') < server.log().index('Ready to accept connections')


@in_release
def test_signals_and_shutdown_end_it_and_change_no_file(start):
    ways = (lambda server: server.process.send_signal(signal.SIGTERM),
            lambda server: server.process.send_signal(signal.SIGINT),
            lambda server: server.connect().send(encode('SHUTDOWN')),
            lambda server: server.connect().send(encode('SHUTDOWN', 'SAVE')))
    for way in ways:
        with slow_directory() as path, start(appendonly='yes', dir=path, key_load_delay=100) as server:
            folder = os.path.join(path, 'appendonlydir')
            before = {name: open(os.path.join(folder, name), 'rb').read() for name in os.listdir(folder)}
            time.sleep(0.05)
            way(server)
            assert server.process.wait(STOP_SECONDS) == 0, server.log()
            assert {name: open(os.path.join(folder, name), 'rb').read() for name in os.listdir(folder)} == before
            assert 'DB loaded' not in server.log()


@as_redis
def test_nothing_expires_before_all_is_there(start):
    """What has expired since was there when the next command ran."""
    with data_directory(
            encode('SET', 'counter', 5, 'PXAT', PAST), encode('INCR', 'counter'), encode('PERSIST', 'counter'),
            encode('SET', 'moved', 1), encode('PEXPIREAT', 'moved', PAST), encode('RENAME', 'moved', 'there'),
            encode('PEXPIREAT', 'there', FUTURE),
            encode('SET', 'copied', 1), encode('EXPIREAT', 'copied', 5), encode('COPY', 'copied', 'copy'),
            encode('PERSIST', 'copy'),
            encode('SET', 'kept', 1, 'PXAT', PAST), encode('SET', 'kept', 2, 'KEEPTTL'),
            encode('SET', 'gotten', 1), encode('GETEX', 'gotten', 'PXAT', PAST), encode('APPEND', 'gotten', 'x'),
            encode('SETNX', 'gotten', 'not'), encode('MSET', 'a', 1, 'b', 2, 'c', 3, 'd', 4),
            encode('PEXPIREAT', 'b', -5), encode('MSETNX', 'b', 1, 'new', 1), encode('DEL', 'a', 'c'),
            *(encode('SET', 'old:%d' % number, number, 'PXAT', PAST + number) for number in range(1000))) as path:
        with start(appendonly='yes', dir=path) as server:
            one = server.connect()
            wait_until_loaded(one)
            names = ('counter', 'there', 'copied', 'copy', 'kept', 'gotten', 'a', 'b', 'c', 'd', 'new', 'old:7')
            found = {name: value for name, value in zip(names, one.call('MGET', *names)) if value is not None}
            assert found == {'counter': b'6', 'there': b'1', 'copy': b'1', 'd': b'4'}, found
            assert one.call('PEXPIRETIME', 'there') == FUTURE and one.call('TTL', 'copy') == -1
            until = time.monotonic() + 10
            while one.call('DBSIZE') != 4:
                assert time.monotonic() < until, one.call('DBSIZE')
                time.sleep(0.05)


def test_what_can_not_be_loaded_is_refused_with_a_reason(start):
    for bad, words in ((encode('SELECT', 16), 'databases'), (encode('NOSUCH', 1), "unknown command 'NOSUCH'"),
                       (encode('SET', 'a'), "wrong number of arguments for 'set'"),
                       (encode('SELECT', 'x'), "'x' is no number"),
                       (encode('FUNCTION', 'LOAD', 'x'), "'function|load' is not built")):
        with data_directory(encode('SET', 'a', 1), bad, encode('SET', 'b', 1)) as path:
            log = os.path.join(path, 'log')
            try:
                server = start(appendonly='yes', dir=path, logfile=log)
                assert server.process.wait(STOP_SECONDS) == 1
                server.process.returncode = 0  # as it should be
            except RuntimeError:  # it was gone before the first PING
                pass
            with open(log) as text:
                said = text.read()
            assert words in said and 'appendonly.aof.1.incr.aof' in said, said


def made_by_redis(path):
    """Some hundred thousand keys in a base, an RDB, and in a file behind it; returns the digest."""
    with servers.redis_server({'appendonly': 'yes', 'dir': path, 'enable-debug-command': 'yes'}) as server:
        one = server.connect(seconds_max=60)
        for db in (0, 3):
            one.call('SELECT', db)
            one.call('DEBUG', 'POPULATE', 100000, 'made%d' % db)
            one.call('MSET', 'number', 12345, 'large', 'x' * 300000, 'empty', '')
            one.call('SET', 'expires', 1, 'PXAT', FUTURE)
        one.call('BGREWRITEAOF')
        while info(one)['aof_rewrite_in_progress'] == '1' or info(one)['aof_base_size'] == '0':
            time.sleep(0.05)
        one.send(b''.join(encode('SET', 'made0:%d' % number, number) for number in range(50000, 150000)))
        for _ in range(100000):
            one.read()
        for command in (('RENAME', 'made3:5', 'other'), ('COPY', 'made3:6', 'made0:6', 'DB', 0, 'REPLACE'),
                        ('MOVE', 'made3:200', 2),
                        ('MSET', *(word for n in range(200) for word in ('m%d' % n, 'y' * n))),
                        ('DEL', *('made3:%d' % n for n in range(1000, 2000))), ('SWAPDB', 0, 1)):
            one.call(*command)
        return one.call('DEBUG', 'DIGEST'), one.call('DBSIZE')


def test_what_redis_has_written(start):
    with tempfile.TemporaryDirectory(prefix='skua-test-') as path:
        digest, size = made_by_redis(path)
        with start(appendonly='yes', dir=path, enable_debug_command='yes') as server:
            one = server.connect(seconds_max=60)
            wait_until_loaded(one)
            assert one.call('DEBUG', 'DIGEST') == digest
            assert one.call('SELECT', 3) == b'OK' and one.call('DBSIZE') == size


def test_hyperloglogs_are_loaded_to_the_byte(start):
    """Also what PFCOUNT keeps in them; and redis-server makes the same of the files."""
    names = ['h%d' % number for number in range(4)] + ['all']
    with tempfile.TemporaryDirectory(prefix='skua-test-') as path:
        with start(appendonly='yes', dir=path) as server:
            one = server.connect()
            for number in range(60):
                one.call('PFADD', names[number % 4], *range(number * number, number * number + number * 5))
                one.call('PFCOUNT', names[number % 3])
            one.call('PFMERGE', 'all', 'h0', 'h1')
            one.call('PFDEBUG', 'TODENSE', 'h2')
            assert one.call('PFCOUNT', 'all') > 1000
            held = one.call('MGET', *names)
            assert all(held)
        for again in (lambda: start(appendonly='yes', dir=path),
                      lambda: servers.redis_server({'appendonly': 'yes', 'dir': path})):
            with again() as server:
                one = server.connect()
                wait_until_loaded(one)
                assert one.call('MGET', *names) == held
