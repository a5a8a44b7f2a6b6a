"""A backup with tar while the server works: it starts, and is a state that existed while tar ran."""
import os
import subprocess
import time

from .folder import Folder
from .kinds import content, kill, stop
from .workload import Workload

COPIES_EACH = 3


def tar_copy(folder):
    """What tar makes of the folder, unpacked elsewhere. Files that grow meanwhile make it exit with 1."""
    copy = Folder()
    archive = os.path.join(copy.path, 'copy.tar')
    done = subprocess.run(['tar', '-C', folder.path, '-cf', archive, 'appendonlydir'], stderr=subprocess.PIPE)
    assert done.returncode in (0, 1), done.stderr.decode()
    subprocess.run(['tar', '-C', copy.path, '-xf', archive], check=True)
    os.remove(archive)
    return copy


def copied_under_load(world):
    """Copies made one after the other: each is a state that existed and has all that was answered before it began."""
    for _ in world.rounds(5):
        with Folder() as folder:
            kind, policy = world.way()
            copies = []
            try:
                with kind.start(folder, appendfsync=policy) as server:
                    workload = Workload(0, world.chance, content(server))
                    workload.begin(server.port)
                    workload.wait_for_replies(200)
                    for _ in range(COPIES_EACH):
                        mark = workload.mark()
                        copies.append((tar_copy(folder), mark))
                        time.sleep(world.chance.uniform(0, 0.05))
                    kill(server)
                    workload.join()
                for copy, mark in copies:
                    check_copy(copy, world, workload, mark)
            finally:
                for copy, _ in copies:
                    copy.remove()


def check_copy(copy, world, workload, mark):
    """Started with another number of shards; and what it writes then is kept."""
    kind, policy = world.way()
    with kind.start(copy, appendfsync=policy) as server:
        found = content(server)
        workload.check(found, mark)
        connection = server.connect()
        assert connection.call('SET', 'on the copy', 'x') == b'OK'
        found = content(server)
        kill(server)
    with world.kind().start(copy) as server:
        again = content(server)
        assert not {place for place in again if again[place] != found.get(place)}, 'something else after a restart'
        assert (0, b'on the copy') in again
        stop(server)


CASES = (copied_under_load,)
