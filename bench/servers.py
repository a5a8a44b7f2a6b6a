"""The servers that are measured, and one run of the load generator against one of them.

A server is pinned to cores, lives in an empty folder, keeps nothing on disk unless it is told to, and ends with its
`with` block.
"""
import json
import os
import shutil
import socket
import subprocess
import tempfile
import time
from contextlib import ExitStack, contextmanager

TOP = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
LOAD = os.path.join(TOP, 'build', 'release', 'bench', 'load')
CORES = sorted(os.sched_getaffinity(0))[:2]
ONE, OTHER, BOTH = {CORES[0]}, {CORES[-1]}, set(CORES)
CONNECTIONS = 50
START_SECONDS_MAX = 60
LOAD_SECONDS_MAX = 900
FLUSHES_COLUMN = 18  # of /proc/diskstats, since Linux 5.5


def free_port():
    with socket.socket() as probe:
        probe.bind(('127.0.0.1', 0))
        return probe.getsockname()[1]


def append_options(policy):
    """Nothing is to be rewritten while one measures."""
    if policy is None:
        return ['--appendonly', 'no']
    return ['--appendonly', 'yes', '--appendfsync', policy, '--auto-aof-rewrite-percentage', '0']


class Server:
    """A server process. `command` is a function from port and folder to its arguments."""

    def __init__(self, name, command, cores):
        self.name = name
        self.port = free_port()
        self.folder = tempfile.mkdtemp(prefix='skua-bench-')
        self.log = open(os.path.join(self.folder, 'log'), 'w')
        self._start(command, cores)

    def _start(self, command, cores):
        self.process = subprocess.Popen(command(self.port, self.folder), cwd=self.folder, stdout=self.log,
                                        stderr=self.log, preexec_fn=lambda: os.sched_setaffinity(0, cores))
        self._wait_until_it_answers()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.stop()

    def _wait_until_it_answers(self):
        give_up = time.monotonic() + START_SECONDS_MAX
        while time.monotonic() < give_up and self.process.poll() is None:
            try:
                with socket.create_connection(('127.0.0.1', self.port), timeout=1) as connection:
                    connection.sendall(b'*2\r\n$3\r\nGET\r\n$1\r\na\r\n')
                    if connection.recv(64)[:8] not in (b'', b'-LOADING'):
                        return
            except OSError:
                time.sleep(0.02)
        with open(self.log.name) as log:
            output = log.read()
        self.stop()
        raise RuntimeError('%s does not start:\n%s' % (self.name, output[-2000:]))

    def restart(self, command, cores):
        """Kills it and starts it with what it has kept on disk; the seconds until it answers with data."""
        self.process.kill()
        self.process.wait()
        self.port = free_port()
        began = time.monotonic()
        self._start(command, cores)
        return time.monotonic() - began

    def stop(self):
        self.process.kill()
        self.process.wait()
        self.log.close()
        shutil.rmtree(self.folder, ignore_errors=True)

    def resident_bytes(self):
        with open('/proc/%d/status' % self.process.pid) as status:
            return next(1024 * int(line.split()[1]) for line in status if line.startswith('VmRSS'))

    def cpu_seconds(self):
        """User and system time of all its threads, dead ones included."""
        # The CPU clock of another process, as clock_getcpuclockid(3) names it.
        return time.clock_gettime((~self.process.pid << 3) | 2)

    def syncs(self):
        """How often the disk below its folder was told to write out what it holds; None where nothing counts it."""
        device = os.stat(self.folder).st_dev
        with open('/proc/diskstats') as disks:
            for words in map(str.split, disks):
                if words[:2] == [str(os.major(device)), str(os.minor(device))] and len(words) > FLUSHES_COLUMN:
                    return int(words[FLUSHES_COLUMN])
        return None

    def load(self, cores, **options):
        """Runs the load generator on these cores; what it measured. Options are its own, with _ for -."""
        command = [LOAD, '--port', str(self.port), '--pid', str(self.process.pid)]
        for name, value in options.items():
            command.append('--' + name.replace('_', '-'))
            if value is not True:
                command.append(str(value))
        done = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
                              timeout=LOAD_SECONDS_MAX, preexec_fn=lambda: os.sched_setaffinity(0, cores))
        if done.returncode:
            raise RuntimeError('%s under %s: %s%s' % (self.name, options, done.stderr, done.stdout))
        return json.loads(done.stdout)

    def fill(self, cores, keys, first=0, **options):
        """One SET for each key, if options say nothing else."""
        self.load(cores, in_order=True, keys=keys, first=first, pipeline=64,
                  **{'command': 'set', 'count': keys, **options})


class Servers:
    """Makes the servers to compare: Skua, Debian's redis-server and, if one is given, a third beside them."""

    def __init__(self, skua, beside=None):
        self.skua_path, self.beside_path = skua, beside

    def skua_command(self, threads, append=None):
        """append: the policy of the append-only file that it is to keep (always, everysec, no)."""
        return lambda port, folder: [self.skua_path, '--port', str(port), '--threads', str(threads), '--dir', folder,
                                     '--save', ''] + append_options(append)

    def redis_command(self, append=None):
        return lambda port, folder: ['redis-server', '--port', str(port), '--dir', folder, '--save', ''] + \
            append_options(append)

    def skua(self, threads, cores, append=None, name='skua'):
        return Server(name, self.skua_command(threads, append), cores)

    def redis(self, cores, append=None, name='redis'):
        return Server(name, self.redis_command(append), cores)

    def beside(self, threads, cores):
        return Server('beside', lambda port, folder: [self.beside_path, str(port), str(threads), 'msg'], cores)

    @contextmanager
    def all(self, threads, cores):
        """All of them, as a list, running until the end of the `with` block."""
        with ExitStack() as stack:
            started = [stack.enter_context(self.skua(threads, cores)), stack.enter_context(self.redis(cores))]
            if self.beside_path:
                started.append(stack.enter_context(self.beside(threads, cores)))
            yield started
