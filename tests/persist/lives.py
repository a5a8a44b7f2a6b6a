"""Lives and deaths of servers on one folder: killed under load, ended under load, ended and compared; by Skua in all
its configurations, and in turns with redis-server. Nothing that was answered is lost, and nothing else comes."""
import os
import subprocess
import time

from .folder import Folder, torn_inside_transaction
from .kinds import POLICIES, REDIS, content, digest, kill, stop
from .workload import Workload

LIVES_MAX = 5
# Beyond what clients may have sent and seen no reply to.
TEAR_BYTES_MAX = 3000


class Expected:
    """What the next server on a folder has to hold. Nothing at first."""

    def __init__(self):
        self.workload = self.mark = self.exactly = self.digest = None

    def check(self, server, found):
        if self.exactly is not None:
            assert found == self.exactly, differences(self.exactly, found)
            assert digest(server) == self.digest, 'the same data, but DEBUG DIGEST differs'
        elif self.workload:
            self.workload.check(found, self.mark)


def differences(wanted, found):
    places = sorted(place for place in wanted.keys() | found.keys() if wanted.get(place) != found.get(place))
    return '%d keys differ:\n  %s' % (len(places), '\n  '.join(
        '%s: %s instead of %s' % (place, str(found.get(place))[:300], str(wanted.get(place))[:300])
        for place in places[:6]))


def end_by_kill(server, workload, expected):
    """kill -9 in the middle of everything."""
    kill(server)
    workload.join()
    expected.mark = workload.mark()


def end_under_load(server, workload, expected):
    """SIGTERM in the middle of everything: what was answered then is there too."""
    stop(server)
    workload.join()
    expected.mark = workload.mark()


def end_in_peace(server, workload, expected):
    """The load ends, then the server. The next one has the same, by content and by digest."""
    workload.end()
    expected.mark = workload.mark()
    found = content(server)
    workload.check(found, expected.mark)
    short_lived = [place for place, (_, due) in found.items() if due != -1 and due < (time.time() + 60) * 1000]
    if not short_lived:
        expected.exactly, expected.digest = found, digest(server)
    stop(server)


def end_in_silence(server, workload, expected):
    """The load ends, and all keys that expire soon are gone, before the server is killed."""
    workload.end()
    connection = server.connect()
    for database, key in [place for place, (_, due) in content(server).items() if due != -1]:
        connection.call('SELECT', database)
        connection.call('PERSIST', key)
    connection.close()
    expected.exactly, expected.digest = content(server), digest(server)
    kill(server)


ENDS = (end_by_kill, end_by_kill, end_by_kill, end_under_load, end_in_peace, end_in_silence)


def tear(folder, size_before, chance):
    """Cuts what the last life wrote last, as a crash of the machine may; True if there was something to cut."""
    path = folder.last_file()
    size = os.path.getsize(path)
    keep_min = max(size_before.get(path, 0), size - TEAR_BYTES_MAX)
    if keep_min >= size:
        return False
    os.truncate(path, chance.randrange(keep_min, size))
    while torn_inside_transaction(path):
        os.truncate(path, os.path.getsize(path) - 1)
    return True


def sizes(folder):
    return {path: os.path.getsize(path) for path in folder.listed('b', 'i')}


def check_files(folder, kind):
    """redis-check-aof takes every file that Skua leaves; what a kill has torn it mends."""
    if not kind.is_redis:
        good, said = folder.redis_accepts()
        assert good or folder.redis_mends(), said


class Folders:
    """One folder and the lives on it so far."""

    def __init__(self, folder, chance):
        self.folder, self.chance = folder, chance
        self.expected = Expected()
        self.number = 0

    def live(self, kind, policy, end=None, during=None, load_seconds=(0.02, 0.3), before_start=None, tears=False):
        """A server starts, is looked at, and lives under load until its end. during: called with the server and the
        workload under load."""
        chance = self.chance
        if before_start:
            before_start(self.folder, self.expected.workload)
        with kind.start(self.folder, appendfsync=policy,
                        aof_timestamp_enabled=chance.choice(('yes', 'no')),
                        aof_use_rdb_preamble=chance.choice(('yes', 'no'))) as server:
            try:
                self._live(server, kind, end, during, load_seconds, tears)
            except AssertionError as error:
                raise AssertionError('life %d, %s, appendfsync %s: %s\n%s' % (
                    self.number, kind, policy, error, server.log()[-2000:])) from error
        self.number += 1

    def _live(self, server, kind, end, during, load_seconds, tears):
        found = content(server)
        self.expected.check(server, found)
        self.expected = Expected()
        if end is None:
            stop(server)
            return
        sizes_before = sizes(self.folder)
        workload = self.expected.workload = Workload(self.number, self.chance, found)
        workload.begin(server.port)
        workload.wait_for_replies(10)
        if during:
            during(server, workload)
        time.sleep(self.chance.uniform(*load_seconds))
        end(server, workload, self.expected)
        torn = tears and tear(self.folder, sizes_before, self.chance)
        if torn:
            self.expected.mark = self.expected.exactly = None
        check_files(self.folder, kind)


def kill_under_load(world):
    """kill -9 at random moments, restarted in another configuration; 50 kills."""
    rounds = world.rounds(50)
    over = False
    while not over:
        with Folder() as folder:
            lives = Folders(folder, world.chance)
            for _ in range(LIVES_MAX):
                if next(rounds, None) is None:
                    over = True
                    break
                lives.live(*world.way(), end=end_by_kill)
            lives.live(*world.way())


def killed_at_start(world):
    """kill -9 before it has said that it is ready, again and again: the next one has everything."""
    with Folder() as folder:
        lives = Folders(folder, world.chance)
        lives.live(*world.way(), end=end_by_kill)
        for _ in world.rounds(30):
            kind, policy = world.way()
            process = subprocess.Popen(kind.command(folder, appendfsync=policy), stdout=subprocess.DEVNULL,
                                       stderr=subprocess.DEVNULL)
            time.sleep(world.chance.uniform(0, 0.05))
            process.kill()
            process.wait()
        lives.live(*world.way(), end=end_by_kill)
        lives.live(*world.way())


def torn_by_a_crash(world):
    """The end of what was written last is missing: a state that existed, and what is written then is kept."""
    for _ in world.rounds(8):
        with Folder() as folder:
            lives = Folders(folder, world.chance)
            for tears in (True, False, True):
                lives.live(*world.way(), end=end_by_kill, tears=tears, load_seconds=(0.02, 0.1))
            lives.live(*world.way())


def rewrite(server, workload):
    """BGREWRITEAOF under load, and it ends before the load does."""
    connection = server.connect()
    connection.call('BGREWRITEAOF')
    until = time.monotonic() + 20
    while b'aof_rewrite_in_progress:1' in connection.call('INFO', 'persistence') or \
            b'aof_rewrite_scheduled:1' in connection.call('INFO', 'persistence'):
        assert time.monotonic() < until, 'the rewrite does not end'
        time.sleep(0.005)
    connection.close()
    workload.wait_for_replies(100)


def change_policy(server, workload):
    """appendfsync changes under load."""
    connection = server.connect()
    for policy in POLICIES * 3:
        assert connection.call('CONFIG', 'SET', 'appendfsync', policy) == b'OK'
        workload.wait_for_replies(50)
    connection.close()


def policies_in_turn(world):
    for _ in world.rounds(4):
        with Folder() as folder:
            lives = Folders(folder, world.chance)
            lives.live(*world.way(), end=end_by_kill, during=change_policy)
            lives.live(*world.way())


def both_ways(world):
    """Skua and redis-server in any order on one folder, ended in any way, redis-server also rewriting."""
    chance = world.chance
    for _ in world.rounds(10):
        with Folder() as folder:
            lives = Folders(folder, chance)
            was_redis, was_torn = chance.random() < 0.5, False
            for _ in range(LIVES_MAX):
                # What redis-server makes of a torn annotation it cannot read itself.
                use_redis = not was_redis if was_torn or chance.random() < 0.7 else was_redis
                kind, policy = (REDIS, chance.choice(REDIS.policies)) if use_redis else world.way()
                end = chance.choice(ENDS)
                tears = end is end_by_kill and not was_torn and chance.random() < 0.5
                lives.live(kind, policy, end, during=rewrite if use_redis and chance.random() < 0.5 else None,
                           tears=tears, load_seconds=(0.02, 0.15))
                was_redis, was_torn = use_redis, tears
            lives.live(*world.way())


CASES = (kill_under_load, killed_at_start, torn_by_a_crash, policies_in_turn, both_ways)
