"""appendonly switched on and off while clients write, FLUSHALL before a kill, and what INFO tells meanwhile."""
import itertools
import time

from .folder import Folder
from .kinds import DATABASES, REDIS, content, info, kill, stop
from .topics import NEVER, Topic
from .workload import Workload

SWITCH_SECONDS_MAX = 20
FLUSHES = ('FLUSHALL',), ('FLUSHALL', 'ASYNC'), ('FLUSHALL', 'SYNC'), ('FLUSHDB',), ('FLUSHDB', 'ASYNC')


def switch_on(server):
    """Until the base that it takes is there."""
    connection = server.connect()
    reply = connection.call('CONFIG', 'SET', 'appendonly', 'yes')
    assert reply == b'OK', '%s\n%s' % (reply, server.log()[-2000:])
    until = time.monotonic() + SWITCH_SECONDS_MAX
    while True:
        said = info(connection)
        busy = said['aof_rewrite_in_progress'] != '0' or said['aof_rewrite_scheduled'] != '0'
        if said['aof_enabled'] == '1' and not busy:
            break
        assert time.monotonic() < until, 'no base after %d s: %s' % (SWITCH_SECONDS_MAX, said)
        time.sleep(0.01)
    connection.close()


def switch_off(server):
    connection = server.connect()
    assert connection.call('CONFIG', 'SET', 'appendonly', 'no') == b'OK'
    assert info(connection)['aof_enabled'] == '0'
    connection.close()


def under_load(world, folder, changes, appendonly):
    """A server with data lives through the changes under load, then is killed; returns the workload and what
    `changes` gave, which is called with server and workload."""
    kind, policy = world.way()
    with kind.start(folder, appendfsync=policy, appendonly=appendonly) as server:
        connection = server.connect()
        for number in (0, DATABASES - 2, DATABASES - 1):
            connection.call('SELECT', number)
            assert connection.call('MSET', 'old', 'x' * 100, 'other', number) == b'OK'
            assert connection.call('PEXPIREAT', 'old', 4102444800000) == 1
        workload = Workload(0, world.chance, content(server))
        workload.begin(server.port)
        workload.wait_for_replies(100)
        given = changes(server, workload)
        time.sleep(world.chance.uniform(0, 0.2))
        kill(server)
        workload.join()
    return workload, given


def check_next(world, folder, workload, mark):
    with world.kind().start(folder) as server:
        workload.check(content(server), mark)
        stop(server)


def switched_on(world):
    """From then on nothing is lost, whether it came before, meanwhile or after; and redis-server has the same."""
    for number in world.rounds(6):
        with Folder() as folder:
            workload, _ = under_load(world, folder, lambda server, workload: switch_on(server), 'no')
            check_next(world, folder, workload, workload.mark())
            if number % 2 == 0:
                with REDIS.start(folder) as server:
                    workload.check(content(server), workload.mark())


def switched_off_and_on(world):
    def changes(server, workload):
        switch_off(server)
        workload.wait_for_replies(100)
        switch_on(server)
    for _ in world.rounds(4):
        with Folder() as folder:
            workload, _ = under_load(world, folder, changes, 'yes')
            check_next(world, folder, workload, workload.mark())


def switched_off(world):
    """What is found is at least what had been answered when it was switched off."""
    def changes(server, workload):
        mark = workload.mark()
        switch_off(server)
        workload.wait_for_replies(100)
        return mark
    for _ in world.rounds(4):
        with Folder() as folder:
            workload, mark = under_load(world, folder, changes, 'yes')
            check_next(world, folder, workload, mark)


class Flushed(Topic):
    """Keys of their own for each SET, and now and then a flush: what was answered before it was sent is gone for good,
    what was sent after its answer is there."""
    clients = 5

    def __init__(self, prefix):
        super().__init__(prefix)
        self.clock = itertools.count(1)
        self.sets, self.flushes = {}, []

    def requests(self, who, chance):
        if who == 0:
            time.sleep(chance.uniform(0, 0.06))
            self.flushes.append([next(self.clock), NEVER])
            return [chance.choice(FLUSHES)]
        keys = [self.key(who, next(self.clock)) for _ in range(chance.choice((1, 1, 20)))]
        for key in keys:
            self.sets[key] = [next(self.clock), NEVER]
        return [('SET', key, 'x') for key in keys]

    def replied(self, who, command, reply):
        entry = self.flushes[-1] if who == 0 else self.sets[command[1]]
        entry[1] = next(self.clock)
        return reply == b'OK'

    def faults(self, found, mark):
        begun = max((sent for sent, answered in self.flushes if answered != NEVER), default=0)
        ended = max((answered if answered != NEVER else next(self.clock) for _, answered in self.flushes), default=0)
        for key, (sent, answered) in self.sets.items():
            there = (0, key.encode()) in found
            if there and answered < begun:
                yield '%s has come back: written by %d, flushed from %d on' % (key, answered, begun)
            if not there and sent > ended and answered != NEVER:
                yield '%s was written from %d on, flushed by %d, and is not there' % (key, sent, ended)


def flushed_before_a_kill(world):
    for _ in world.rounds(10):
        with Folder() as folder:
            kind, policy = world.way()
            with kind.start(folder, appendfsync=policy) as server:
                workload = Workload(0, world.chance, {}, only=[Flushed])
                workload.begin(server.port)
                workload.wait_for_replies(50)
                time.sleep(world.chance.uniform(0.05, 0.3))
                kill(server)
                workload.join()
            check_next(world, folder, workload, workload.mark())


def flush_alone(world):
    """Nothing else after it: an empty server is empty after kill -9, and what is written later is all there is."""
    for _ in world.rounds(4):
        with Folder() as folder:
            for last in ((), ('SET', 'after', 'x')):
                kind, policy = world.way()
                with kind.start(folder, appendfsync=policy) as server:
                    connection = server.connect()
                    for number in range(200):
                        connection.call('SET', 'key%d' % number, number)
                    assert connection.call('FLUSHALL') == b'OK'
                    if last:
                        assert connection.call(*last) == b'OK'
                    kill(server)
                with world.kind().start(folder) as server:
                    found = content(server)
                    assert found == ({(0, b'after'): (b'x', -1)} if last else {}), list(found)[:10]
                    stop(server)


def info_fields(world):
    """All fields that redis-server has of the append-only file, and what the most asked for say."""
    with Folder() as folder, REDIS.start(folder) as server:
        wanted = {field for field in info(server.connect()) if field.startswith('aof_') or 'loading' in field}
    for _ in world.rounds(2):
        with Folder() as folder:
            kind, policy = world.way()
            with kind.start(folder, appendfsync=policy) as server:
                connection = server.connect()
                assert connection.call('MSET', 'a', 'x' * 5000, 'b', 'y' * 5000) == b'OK'
                said = info(connection)
                assert wanted <= set(said), 'not there: %s' % sorted(wanted - set(said))
                assert said['aof_enabled'] == '1' and said['aof_last_write_status'] == 'ok'
                assert int(said['aof_current_size']) >= 10000, said['aof_current_size']
                stop(server)


CASES = (switched_on, switched_off_and_on, switched_off, flushed_before_a_kill, flush_alone, info_fields)
