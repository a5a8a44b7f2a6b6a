"""Starts and ends servers for tests: Skua, and redis-server to compare with.

A server lives in a folder of its own under /tmp, listens on a free port, and is ended by its process id. Its log is
kept until the test ends and shown when it does not start.
"""
import os
import random
import resource
import shutil
import signal
import socket
import subprocess
import tempfile
import time

from .resp import Connection

TOP = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
# Below the range that the kernel takes ports of outgoing connections from, so that no client is in the way.
PORT_FIRST, PORT_LAST = 12000, 31999
START_SECONDS_MAX = 30
STOP_SECONDS_MAX = 30
REDIS_PATH = '/usr/bin/redis-server'
REDIS_BYTES_MAX = 6 << 30


def skua_path():
    """The server of the build that the suite was given, else that of the release build."""
    build = os.environ.get('SKUA_BUILD', os.path.join(TOP, 'build', 'release'))
    return os.path.join(build, 'src', 'skua-server')


def free_port():
    ports = list(range(PORT_FIRST, PORT_LAST + 1))
    random.SystemRandom().shuffle(ports)
    for port in ports:
        with socket.socket() as attempt:
            attempt.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                attempt.bind(('127.0.0.1', port))
                return port
            except OSError:
                pass
    raise RuntimeError('no free port between %d and %d' % (PORT_FIRST, PORT_LAST))


def is_loading(connection):
    said = connection.call('INFO', 'persistence')
    return isinstance(said, bytes) and b'\r\nloading:1' in said


def limit_redis():
    """A redis-server that is asked for an endless reply is to fail alone, not to take all of the machine's memory."""
    resource.setrlimit(resource.RLIMIT_AS, (REDIS_BYTES_MAX, REDIS_BYTES_MAX))


class Server:
    """A running server. `options` are given on the command line as --name value; a list gives several values. `file`
    is the text of a configuration file (file_path) that it starts with; `prepare` is called in its process before it
    is executed; `loaded`: waits until it has loaded its data, too."""

    def __init__(self, path, options=None, environment=None, port=None, file=None, prepare=None, loaded=False):
        path = self.path = os.path.abspath(path)  # it runs in another folder
        self.folder = tempfile.mkdtemp(prefix='skua-test-')
        self.port = port or free_port()
        self.log_path = os.path.join(self.folder, 'log')
        self.file_path = os.path.join(self.folder, 'server.conf')
        arguments = [path]
        if file is not None:
            arguments.append(self.file_path)
            with open(self.file_path, 'w') as written:
                written.write(file)
        everything = {'port': self.port, 'bind': '127.0.0.1', 'dir': self.folder}
        everything.update(options or {})
        for name, value in everything.items():
            arguments.append('--' + name)
            arguments.extend(str(one) for one in (value if isinstance(value, list) else [value]))
        self.arguments = arguments
        if path == REDIS_PATH:
            prepare = prepare or limit_redis
        with open(self.log_path, 'wb') as log:
            self.process = subprocess.Popen(arguments, stdin=subprocess.DEVNULL, stdout=log, stderr=log,
                                            cwd=self.folder, env=dict(os.environ, **(environment or {})),
                                            preexec_fn=prepare)
        try:
            self._wait_until_up(loaded)
        except BaseException:
            self.stop()
            raise

    def _wait_until_up(self, loaded):
        until = time.monotonic() + START_SECONDS_MAX
        while time.monotonic() < until:
            if self.process.poll() is not None:
                break
            try:
                connection = Connection(self.port, seconds_max=START_SECONDS_MAX)
                try:
                    connection.call('PING')
                    while loaded and is_loading(connection) and time.monotonic() < until:
                        time.sleep(0.005)
                finally:
                    connection.close()
                return
            except (ConnectionError, OSError):
                time.sleep(0.005)
        raise RuntimeError('%s did not start:\n%s' % (' '.join(self.arguments), self.log()))

    def log(self):
        if not os.path.exists(self.log_path):
            return self.last_log
        with open(self.log_path, errors='replace') as log:
            return log.read()

    def connect(self, **how):
        return Connection(self.port, **how)

    def alive(self):
        return self.process.poll() is None

    def resident_kb(self):
        """What the server has in memory."""
        with open('/proc/%d/status' % self.process.pid) as status:
            return next(int(line.split()[1]) for line in status if line.startswith('VmRSS'))

    def stop(self):
        """Ends the server, if it has not ended; returns its exit code. The folder goes with it."""
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
            try:
                self.process.wait(STOP_SECONDS_MAX)
            except subprocess.TimeoutExpired:
                self.process.kill()
        code = self.process.wait()
        self.last_log = self.log()
        shutil.rmtree(self.folder, ignore_errors=True)
        return code

    def __enter__(self):
        return self

    def __exit__(self, *unused):
        self.stop()


def redis_server(options=None, **how):
    """Debian's redis-server with nothing that writes to disk."""
    return Server(REDIS_PATH, dict({'save': '', 'appendonly': 'no'}, **(options or {})), **how)


def skua_server(path=None, options=None, **how):
    return Server(path or skua_path(), options, **how)
