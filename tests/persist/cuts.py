"""One file cut anywhere, or with zeros or another byte in it: what is whole before is there, and no more; what is known
to have been on disk is not given up in silence."""
import bisect
import os
import re
import threading

from tests.lib import cases

from .folder import Folder
from .kinds import REDIS, content, kill, stop
from .topics import Everything
from .world import only_skua

COMMANDS = 60
FILES = 6
AT_ONCE = 2
MEMORY = '/dev/shm'  # nothing here depends on the disk, and starts are faster
ZEROS = (1, 7, 100, 4096, 70000)


class Made:
    """The file of one client's commands, one at a time, with its size and the state after each."""

    def __init__(self, kind, policy, chance):
        self.ends, self.states = [], []
        topic = Everything('made', (0, 1), chance)
        with Folder() as folder:
            with kind.start(folder, appendfsync=policy) as server:
                connection, path = server.connect(), folder.last_file()
                self._note(path, topic)
                for _ in range(COMMANDS):
                    connection.call(*topic.requests(0, chance)[0])
                    self._note(path, topic)
                found = content(server)
                assert found == self.states[-1], 'the server holds something else than it was told'
                stop(server)
            self.files = folder.bytes_of_all()
        self.name = os.path.basename(path)
        self.data = self.files[self.name]

    def _note(self, path, topic):
        end, state = os.path.getsize(path), dict(topic.data)
        if self.ends and self.ends[-1] == end:
            self.states[-1] = state
        else:
            self.ends.append(end)
            self.states.append(state)

    def before(self, offset):
        """Number of the last state that is whole in front of the offset."""
        return max(bisect.bisect_right(self.ends, offset) - 1, 0)

    def places_with_checksum(self):
        """Not those whose change makes an annotation one of others, and what is behind it commands of others."""
        names = {at + more for at in range(len(self.data)) if self.data[at:at + 6] == b'#SKUA:' for more in range(8)}
        return [at for at in range(len(self.data)) if at not in names]

    def folder(self, data):
        """A folder with other bytes in that file."""
        folder = Folder(MEMORY if os.access(MEMORY, os.W_OK) else None)
        for name, content_of_it in self.files.items():
            folder.write(name, data if name == self.name else content_of_it)
        return folder


def two_at_a_time(world, jobs):
    """Calls each of the jobs; the first failure ends it."""
    failed, lock, rest = [], threading.Lock(), iter(jobs)

    def work():
        while not failed:
            with lock:
                job = next(rest, None)
            if job is None:
                return
            try:
                job()
                world.done += 1
            except BaseException as error:  # raised again below
                failed.append(error)

    threads = [threading.Thread(target=work) for _ in range(AT_ONCE)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    if failed:
        raise failed[0]


def jobs_for(world, count, policies, make_job):
    """So many jobs, on a few files."""
    files = [Made(world.kind(), policies[number % len(policies)], world.chance) for number in range(FILES)]
    return [make_job(world, world.chance.choice(files), number) for number in range(cases.scaled(count))]


def starts_with(kind, folder, made, wanted, label):
    """The server holds exactly that state, and what Skua cuts off is gone from the file."""
    with kind.start(folder) as server:
        found = content(server)
        kill(server)  # faster than asking it to stop
        assert found == made.states[wanted], '%s on %s: state %s instead of %d, kept in %s\n%s' % (
            label, kind, made.states.index(found) if found in made.states else found, wanted, folder.path, server.log())
        if not kind.is_redis:
            said, size = server.log(), os.path.getsize(os.path.join(folder.files, made.name))
            assert size == made.ends[wanted] or (wanted == 0 and size < made.ends[0]), \
                '%s: the file has %d bytes then, %d are good' % (label, size, made.ends[wanted])
            return made.name in said
        return True


def go_on(first, second, folder, made, wanted):
    """Something is written after a cut, the server is killed, and the next one has both."""
    with first.start(folder) as server:
        connection = server.connect()
        assert connection.call('SET', 'went on', first) == b'OK'
        kill(server)
    state = dict(made.states[wanted])
    state[0, b'went on'] = (str(first).encode(), -1)
    good, said = folder.redis_accepts()
    assert good, said
    for kind in (second, REDIS):
        with kind.start(folder) as server:
            assert content(server) == state, 'something else on %s, %s' % (kind, folder.path)
            kill(server)


def cut_anywhere(world):
    """1,000 cuts; after some of them it goes on."""
    def job(world, made, number):
        at, kind, other = world.chance.randrange(len(made.data) + 1), world.kind(), world.kind()

        def run():
            with made.folder(made.data[:at]) as folder:
                wanted = made.before(at)
                named = starts_with(kind, folder, made, wanted, 'cut at %d' % at)
                whole = at in made.ends or at == 0
                assert whole or named, 'what was cut off at %d is not in the log' % at
                if number % 20 == 0 and not world.on_redis:
                    go_on(kind, other, folder, made, wanted)
        return run
    two_at_a_time(world, jobs_for(world, 1000, ('always', 'everysec', 'no'), job))


def truncated_is_refused(world):
    """aof-load-truncated no: only what ends with something whole is taken, and nothing is changed."""
    def job(world, made, number):
        at, kind = world.chance.randrange(len(made.data) + 1), world.kind()

        def run():
            data = made.data[:at]
            with made.folder(data) as folder:
                said = kind.refuses(folder, aof_load_truncated='no')
                if at in made.ends or at == 0:
                    assert said is None, 'cut at %d, where nothing is torn: %s' % (at, said)
                else:
                    assert said and made.name in said, 'cut at %d: %s' % (at, said)
                    assert folder.bytes_of_all()[made.name] == data, 'a file that was refused has been changed'
        return run
    two_at_a_time(world, jobs_for(world, 40, ('always', 'no'), job))


@only_skua
def zeros_at_the_end(world):
    """What a crash of the machine leaves where the file was longer than what had been written to disk."""
    def job(world, made, number):
        at, kind = world.chance.randrange(len(made.data)), world.kind()
        zeros = world.chance.choice(ZEROS + (len(made.data) - at,))

        def run():
            with made.folder(made.data[:at] + bytes(zeros)) as folder:
                wanted = made.before(at)
                named = starts_with(kind, folder, made, wanted, '%d zeros at %d' % (zeros, at))
                assert named, 'that zeros were cut off is not in the log'
                if number % 10 == 0:
                    go_on(kind, kind, folder, made, wanted)
        return run
    two_at_a_time(world, jobs_for(world, 100, ('always', 'no'), job))


@only_skua
def another_byte(world):
    """What was known to be on disk is damaged: refused, with file and place, and left as it is. At the very end, or
    where nothing was known to be on disk, it is a tail like others."""
    def job(policy):
        def make(world, made, number):
            at, kind = world.chance.choice(made.places_with_checksum()), world.kind()
            data = bytearray(made.data)
            data[at] ^= 1 << world.chance.randrange(8)

            def run():
                with made.folder(bytes(data)) as folder:
                    damaged = made.before(at) + (at >= made.ends[0])
                    if policy == 'always' and damaged < len(made.ends) - 1:
                        refuses_damage(kind, folder, made, damaged, at)
                    elif damaged > 0:
                        starts_with(kind, folder, made, damaged - 1, 'byte %d changed' % at)
            return run
        return make
    for policy in ('always', 'no'):
        two_at_a_time(world, jobs_for(world, 50, (policy,), job(policy)))


def refuses_damage(kind, folder, made, damaged, at):
    before = folder.bytes_of_all()
    said = kind.refuses(folder)
    assert said, 'byte %d of %d changed, and it starts: %s' % (at, len(made.data), folder.path)
    begin, end = made.ends[damaged - 1] if damaged else 0, made.ends[damaged]
    lines = [line for line in said.split('\n') if made.name in line]
    numbers = [int(number) for line in lines for number in re.findall(r'\b\d+\b', line.replace(made.name, ''))]
    assert any(begin <= number <= end for number in numbers), 'byte %d, %d to %d: no such place is named in\n%s' % (
        at, begin, end, said)
    assert folder.bytes_of_all() == before, 'what was refused has been changed'


CASES = (cut_anywhere, truncated_is_refused, zeros_at_the_end, another_byte)
