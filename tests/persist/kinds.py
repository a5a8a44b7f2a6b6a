"""Servers to be started on a folder: Skua in its configurations, and redis-server. What such a server holds."""
import os
import re
import time

from tests.lib import servers
from tests.lib.resp import encode

REDIS_PATH = servers.REDIS_PATH
POLICIES = ('always', 'everysec', 'no')
CONFIGURATIONS = tuple((threads, backend) for threads in (1, 2, 4) for backend in ('io_uring', 'epoll'))
DATABASES = 64
LOADING_SECONDS_MAX = 60
EXPIRY_SECONDS_MAX = 20
KEYS_AT_ONCE = 500


class Kind:
    """A way to start a server on a folder."""

    def __init__(self, path, threads=None, backend=None):
        self.path = path
        self.is_redis = os.path.basename(path).startswith('redis-server')
        # Under everysec redis-server answers before it writes, while an fsync is under way: a kill loses that.
        self.policies = ('always', 'no') if self.is_redis else POLICIES
        self.own = {'appendfsync': 'no'} if self.is_redis else {'threads': threads, 'io-backend': backend}

    def __str__(self):
        return 'redis-server' if self.is_redis else 'skua-server with %s threads on %s' % tuple(self.own.values())

    def options(self, folder, options):
        given = {'appendonly': 'yes', 'save': '', 'dir': folder.path, 'databases': DATABASES,
                 'enable-debug-command': 'yes', 'auto-aof-rewrite-percentage': 0}
        given.update(self.own)
        given.update({name.replace('_', '-'): value for name, value in options.items()})
        return given

    def command(self, folder, **options):
        """Its command line, for those who start it themselves."""
        options = dict(self.options(folder, options), port=servers.free_port(), bind='127.0.0.1')
        return [self.path] + [word for name, value in options.items() for word in ('--' + name, str(value))]

    def start(self, folder, prepare=None, loaded=True, **options):
        """Options in the spelling of keywords. loaded: waits until the files have been read."""
        server = servers.Server(self.path, self.options(folder, options), prepare=prepare)
        if loaded:
            try:
                wait_until_loaded(server)
            except BaseException:
                server.stop()
                raise
        return server

    def refuses(self, folder, **options):
        """What the server says when it does not start; None if it starts."""
        try:
            self.start(folder, **options).stop()
        except RuntimeError as error:
            return str(error)
        return None


REDIS = Kind(REDIS_PATH)


def wait_until_loaded(server):
    until = time.monotonic() + LOADING_SECONDS_MAX
    try:
        connection = server.connect()
        while info(connection).get('loading') != '0':
            assert time.monotonic() < until, 'still loading after %d s' % LOADING_SECONDS_MAX
            time.sleep(0.005)
        connection.close()
    except ConnectionError:
        server.process.wait(servers.STOP_SECONDS_MAX)
        raise RuntimeError('did not start:\n%s' % server.log())


def kill(server):
    """kill -9; it must have lived until then."""
    assert server.alive(), 'the server has ended by itself:\n' + server.log()[-4000:]
    server.process.kill()
    server.stop()


def stop(server):
    """Ends it with SIGTERM, and it must end well; sanitizers tell there what they found."""
    code = server.stop()
    assert code == 0, 'exit code %d:\n%s' % (code, server.last_log[-4000:])


def info(connection, section='persistence'):
    """{field: text} of a section of INFO; nothing if the server answers with an error."""
    said = connection.call('INFO', section)
    if isinstance(said, Exception):
        return {}
    return dict(line.split(':', 1) for line in said.decode().split('\r\n') if ':' in line)


def digest(server):
    """That of the keys that a client sees: waits until those that have expired are gone."""
    connection = server.connect()
    until = time.monotonic() + EXPIRY_SECONDS_MAX
    while True:
        keyspace = info(connection, 'keyspace')
        there = sum(int(re.match(r'keys=(\d+)', text).group(1)) for text in keyspace.values())
        if there == len(content(server)):
            break
        assert time.monotonic() < until, 'expired keys are still there after %d s' % EXPIRY_SECONDS_MAX
        time.sleep(0.01)
    found = connection.call('DEBUG', 'DIGEST')
    connection.close()
    return found


def content(server):
    """Everything that a server holds: {(database, key): (value, when it expires in ms or -1)}."""
    found = {}
    connection = server.connect(seconds_max=60)
    for field in info(connection, 'keyspace'):
        database = int(re.fullmatch(r'db(\d+)', field).group(1))
        connection.call('SELECT', database)
        keys = connection.call('KEYS', '*')
        for first in range(0, len(keys), KEYS_AT_ONCE):
            some = keys[first:first + KEYS_AT_ONCE]
            connection.send(b''.join(encode('GET', key) + encode('PEXPIRETIME', key) for key in some))
            for key in some:
                value, due = connection.read()[1], connection.read()[1]
                assert not value.is_error and not due.is_error, (key, value, due)
                if value.data is not None:
                    found[database, key] = (value.data, int(due.data))
    connection.close()
    return found
