"""A disk that is full, and one that may only be read: writes are refused, reads go on, and it recovers by itself."""
import contextlib
import os
import shutil
import subprocess
import tempfile
import threading
import time

from tests.lib.resp import Connection

from .folder import Folder
from .kinds import content, info, kill, stop
from .switches import switch_off, switch_on
from .world import Skipped, only_skua

DISK_BYTES = 6 << 20
VALUE = 'x' * 3000
WRITERS = 6
PASSING = 300  # keys that expire
WAIT_SECONDS_MAX = 15
FULL = 'MISCONF Errors writing to the AOF file: No space left on device'


@contextlib.contextmanager
def small_disk():
    """A folder that is a file system of its own."""
    path = tempfile.mkdtemp(prefix='skua-disk-')
    command = ['mount', '-t', 'tmpfs', '-o', 'size=%d,mode=755' % DISK_BYTES, 'tmpfs', path]
    try:
        done = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    except OSError as error:
        os.rmdir(path)
        raise Skipped('no mount: %s' % error)
    if done.returncode:
        os.rmdir(path)
        raise Skipped('a tmpfs cannot be mounted here: %s' % done.stdout.strip())
    try:
        yield path
    finally:
        subprocess.run(['umount', '-l', path], check=True)
        os.rmdir(path)


class Filler:
    """Takes all room that is left on a disk, and gives it back."""

    def __init__(self, disk):
        self.path = os.path.join(disk, 'filler')

    def fill(self):
        with open(self.path, 'ab', buffering=0) as file:
            for piece in (1 << 16, 1 << 12, 1):
                with contextlib.suppress(OSError):
                    while True:
                        file.write(bytes(piece))

    def free(self):
        os.remove(self.path)


class Writers:
    """Clients that set keys that nobody else sets, one at a time, whatever is answered."""

    def __init__(self, port):
        self.port = port
        self.over = threading.Event()
        self.done, self.refused, self.waiting = set(), {}, set()
        self.threads = []
        for _ in range(WRITERS):
            self.one_more()

    def one_more(self):
        self.threads.append(threading.Thread(target=self._work, args=(len(self.threads),), daemon=True))
        self.threads[-1].start()

    def _work(self, who):
        number = 0
        with contextlib.suppress(ConnectionError, OSError):
            connection = Connection(self.port, seconds_max=60)
            while not self.over.is_set():
                key, number = b'w%d:%d' % (who, number), number + 1
                self.waiting.add(key)
                reply = connection.call('SET', key, VALUE)
                if reply == b'OK':
                    self.done.add(key)
                else:
                    self.refused[key] = str(reply)
                    time.sleep(0.01)
                self.waiting.discard(key)
                time.sleep(0.002)

    def wait_for(self, what, condition):
        until = time.monotonic() + WAIT_SECONDS_MAX
        while not condition():
            assert time.monotonic() < until, '%s: not within %d s; %d done, %d refused, %d waiting' % (
                what, WAIT_SECONDS_MAX, len(self.done), len(self.refused), len(self.waiting))
            time.sleep(0.01)

    def wait_for_refusal(self):
        """All that are there may wait for room with what they have sent; the next one is refused."""
        def refused():
            if len(self.waiting) == len(self.threads) and not self.refused:
                time.sleep(0.1)
                self.one_more()
            return self.refused
        self.wait_for('MISCONF', refused)

    def more_done(self, count):
        enough = len(self.done) + count
        self.wait_for('%d more writes' % count, lambda: len(self.done) >= enough)

    def end(self):
        self.over.set()
        for thread in self.threads:
            thread.join(WAIT_SECONDS_MAX)
            assert not thread.is_alive(), 'a client still waits: %s' % self.waiting


def full_disk(world):
    """Under load: MISCONF with Redis's text, reads go on, what waited is answered once there is room."""
    for number in world.rounds(6):
        kind, policy = world.way()
        if kind.is_redis and policy == 'always':
            policy = 'no'  # it would exit
        with small_disk() as disk, Folder(disk) as folder:
            filler = Filler(disk)
            with kind.start(folder, appendfsync=policy) as server:
                reader, writers = server.connect(), Writers(server.port)
                writers.more_done(50)
                assert info(reader)['aof_last_write_status'] == 'ok'
                filler.fill()
                writers.wait_for_refusal()
                time.sleep(0.3)
                assert set(writers.refused.values()) == {FULL}, set(writers.refused.values())
                for key in list(writers.done):
                    assert reader.call('GET', key) == VALUE.encode(), 'a key that was answered'
                assert info(reader)['aof_last_write_status'] == 'err'
                if number % 3 == 2:
                    kill(server)  # and what waits for room is lost, as it was not answered
                    filler.free()
                else:
                    filler.free()
                    writers.more_done(50)
                    writers.end()
                    assert info(reader)['aof_last_write_status'] == 'ok'
                    found = set(content(server))
                    assert found == {(0, key) for key in writers.done}, 'lost, or not answered'
                    kill(server)
            writers.end()
            if kind.is_redis and number % 3 == 2:
                continue  # it answers before it has written, and forgets
            check_after(world, folder, writers)


@only_skua
def expiry_on_a_full_disk(world):
    """What expires while nothing can be written is not seen, and not deleted either: that would queue without end."""
    for _ in world.rounds(2):
        with small_disk() as disk, Folder(disk) as folder:
            filler = Filler(disk)
            with world.kind().start(folder) as server:
                reader = server.connect()
                for number in range(PASSING):
                    reader.call('SET', 'passing%d' % number, 'x', 'PX', 1000)
                writers = Writers(server.port)
                filler.fill()
                writers.wait_for_refusal()
                before = int(info(reader, 'stats')['expired_keys'])
                time.sleep(1.1)
                assert not any(reader.call('GET', 'passing%d' % number) for number in range(PASSING))
                assert int(info(reader, 'stats')['expired_keys']) == before
                filler.free()
                writers.more_done(50)
                writers.wait_for('expiry', lambda: int(info(reader, 'stats')['expired_keys']) == PASSING)
                writers.end()
                kill(server)
            check_after(world, folder, writers)


def check_after(world, folder, writers):
    good, said = folder.redis_accepts()
    assert good or folder.redis_mends(), said
    with world.kind().start(folder) as server:
        found = {key for _, key in content(server)}
        assert writers.done <= found, '%d of %d that were answered are lost' % (
            len(writers.done - found), len(writers.done))
        assert not found & set(writers.refused), 'what was refused is there'
        stop(server)


@only_skua
def full_disk_at_start(world):
    """It starts or says why it does not; nothing is lost either way."""
    for _ in world.rounds(2):
        with small_disk() as disk, Folder(disk) as folder:
            filler = Filler(disk)
            with world.kind().start(folder) as server:
                writers = Writers(server.port)
                writers.more_done(100)
                kill(server)
                writers.end()
            filler.fill()
            said = world.kind().refuses(folder)
            assert said is None or 'No space left on device' in said, said
            filler.free()
            check_after(world, folder, writers)


@only_skua
def full_disk_when_switched_on(world):
    """CONFIG SET appendonly yes, with no room for the base: the server goes on, and later it works. (redis-server waits
    longer each time it has failed.)"""
    for _ in world.rounds(2):
        with small_disk() as disk, Folder(disk) as folder:
            filler = Filler(disk)
            with world.kind().start(folder, appendonly='no') as server:
                connection = server.connect()
                for number in range(20):
                    assert connection.call('SET', 'key%d' % number, VALUE) == b'OK'
                filler.fill()
                connection.call('CONFIG', 'SET', 'appendonly', 'yes')
                time.sleep(0.5)
                assert connection.call('GET', 'key1') == VALUE.encode()
                filler.free()
                until = time.monotonic() + WAIT_SECONDS_MAX
                while connection.call('CONFIG', 'SET', 'appendonly', 'yes') != b'OK' or \
                        connection.call('SET', 'new', 'x') != b'OK' or \
                        info(connection)['aof_last_bgrewrite_status'] != 'ok' or \
                        info(connection)['aof_rewrite_in_progress'] != '0' or not os.path.exists(folder.manifest):
                    assert time.monotonic() < until, info(connection)
                    time.sleep(0.1)
                kill(server)
            with world.kind().start(folder) as server:
                assert len(content(server)) == 21
                stop(server)


def make_read_only(disk):
    """The kernel keeps the files of a killed server's io_uring for some milliseconds."""
    until = time.monotonic() + WAIT_SECONDS_MAX
    while subprocess.run(['mount', '-o', 'remount,ro', disk], stderr=subprocess.DEVNULL, check=False).returncode != 0:
        assert time.monotonic() < until, '%s cannot be made read-only' % disk
        time.sleep(0.01)


def read_only_disk(world):
    """The start stops, and says so."""
    with small_disk() as disk, Folder(disk) as folder:
        with world.kind().start(folder) as server:
            assert server.connect().call('SET', 'a', 1) == b'OK'
            kill(server)
        make_read_only(disk)
        said = world.kind().refuses(folder)
        subprocess.run(['mount', '-o', 'remount,rw', disk], check=True)
        assert said and 'Read-only file system' in said, said
        with world.kind().start(folder) as server:
            assert content(server) == {(0, b'a'): (b'1', -1)}
            stop(server)
    world.done += 1


def wait_for_base(connection):
    until = time.monotonic() + WAIT_SECONDS_MAX
    while int(info(connection)['aof_rewrites']) == 0 or info(connection)['aof_last_write_status'] != 'ok':
        assert time.monotonic() < until, 'no fresh base'
        time.sleep(0.02)


def directory_removed(world):
    """Somebody removes the append-only files: the server notices, and writes a fresh base; Redis when it is told to."""
    kind = world.kind()
    with Folder() as folder:
        with kind.start(folder) as server:
            connection = server.connect()
            assert connection.call('SET', 'a', 1) == b'OK'
            shutil.rmtree(folder.files)
            connection.call('SET', 'b', 2)  # may be refused by now
            assert connection.call('GET', 'a') == b'1'
            if kind.is_redis:
                switch_off(server)
                switch_on(server)
            else:
                wait_for_base(connection)
            assert connection.call('SET', 'b', 2) == connection.call('SET', 'c', 3) == b'OK'
            kill(server)
        with world.kind().start(folder) as server:
            assert len(content(server)) == 3
            stop(server)
    world.done += 1


CASES = (full_disk, expiry_on_a_full_disk, full_disk_at_start, full_disk_when_switched_on,
         read_only_disk, directory_removed)
