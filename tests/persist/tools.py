"""skua-server --check-aof, also under the name redis-check-aof: what it says of good, torn and damaged files, what it
mends, and a restore to a moment."""
import os
import subprocess
import time

from .cuts import Made
from .folder import Folder
from .kinds import REDIS, content, kill, stop
from .world import only_skua


class Checker:
    """Runs it; `as_redis`: by a link of that name, which needs no option."""

    def __init__(self, path, as_redis, folder):
        self.command = [path, '--check-aof']
        if as_redis:
            link = os.path.join(folder, 'redis-check-aof')
            if not os.path.exists(link):
                os.symlink(path, link)
            self.command = [link]

    def run(self, *arguments):
        """(exit code, output)"""
        done = subprocess.run(self.command + list(arguments), stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                              input=b'y\n')
        return done.returncode, done.stdout.decode(errors='replace')


def checkers(world, folder):
    for as_redis in (False, True):
        yield Checker(os.path.abspath(world.kind().path), as_redis, folder.path)


@only_skua
def good_files(world):
    """Ours and those of redis-server: all good, as a folder, as a manifest and as one file; nothing is changed."""
    for kind in (world.kind(), REDIS):
        made = Made(kind, 'always', world.chance)
        with made.folder(made.data) as folder:
            before = folder.bytes_of_all()
            for checker in checkers(world, folder):
                for path in (folder.files, folder.manifest, folder.last_file()):
                    code, said = checker.run(path)
                    assert code == 0 and made.name in said, '%d: %s' % (code, said)
                    world.done += 1
            assert folder.bytes_of_all() == before


@only_skua
def torn_files(world):
    """Reported with file and place and left alone; with --fix mended, so that both servers take it."""
    made = Made(world.kind(), 'no', world.chance)
    for number in world.rounds(20):
        at = world.chance.choice([at for at in range(1, len(made.data)) if at not in made.ends])
        zeros = bytes(world.chance.choice((0, 0, 10, 5000)))
        with made.folder(made.data[:at] + zeros) as folder:
            before = folder.bytes_of_all()
            checker = list(checkers(world, folder))[number % 2]
            code, said = checker.run(folder.files)
            assert code != 0 and made.name in said, 'cut at %d: %d: %s' % (at, code, said)
            assert folder.bytes_of_all() == before
            code, said = checker.run('--fix', folder.files)
            assert code == 0, said
            code, said = checker.run(folder.files)
            assert code == 0, said
            assert folder.redis_accepts()[0]
            for kind in (world.kind(), REDIS):
                with kind.start(folder, aof_load_truncated='no') as server:
                    assert content(server) == made.states[made.before(at)]
                    kill(server)


@only_skua
def back_to_a_moment(world):
    """--truncate-to-timestamp: what was there then, and nothing of what came after."""
    with Folder() as folder:
        with world.kind().start(folder, aof_timestamp_enabled='yes') as server:
            connection, moments = server.connect(), []
            for number in range(3):
                for _ in range(20):
                    connection.call('INCR', 'count')
                moments.append((int(time.time()), content(server)))
                time.sleep(2.1)
            kill(server)
        for moment, state in reversed(moments):
            checker = next(checkers(world, folder))
            code, said = checker.run('--truncate-to-timestamp', str(moment + 1), folder.files)
            assert code == 0, said
            for kind in (world.kind(), REDIS):
                with folder.copy() as copy, kind.start(copy) as server:
                    assert content(server) == state, (content(server), state)
                    stop(server)
            world.done += 1


@only_skua
def nothing_there(world):
    with Folder() as folder:
        for checker in checkers(world, folder):
            code, said = checker.run(os.path.join(folder.path, 'not there'))
            assert code != 0 and 'No such file or directory' in said, said
            world.done += 1


CASES = (good_files, torn_files, back_to_a_moment, nothing_there)
