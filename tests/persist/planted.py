"""Shows that the suite can fail: between two lives of a folder something is done to its files that no server may do,
and the next life has to notice it."""
import os
import time

from tests.lib import cases
from tests.lib.resp import encode

from . import topics
from .folder import Folder
from .lives import Folders, end_by_kill

LOST_BYTES = 40000


def append(folder, *commands):
    """Commands of database 0 at the end of the last file, as if a server had written them."""
    if not folder.redis_accepts()[0]:
        folder.redis_accepts('--fix')  # a batch that the kill has torn
    with open(folder.last_file(), 'ab') as file:
        file.write(b''.join(encode(*command) for command in (('SELECT', 0),) + commands))


def topic(workload, kind):
    return next(topic for topic in workload.topics if isinstance(topic, kind))


def writes_lost(folder, workload):
    path = folder.last_file()
    os.truncate(path, max(os.path.getsize(path) - LOST_BYTES, os.path.getsize(path) // 2))


def increment_twice(folder, workload):
    append(folder, *[('INCR', topic(workload, topics.Counters).keys[1])] * 200)


def half_an_mset(folder, workload):
    append(folder, ('SET', topic(workload, topics.Groups).groups[0][0], 'half'))


def mset_overtaken(folder, workload):
    groups = topic(workload, topics.Groups)
    first = min(groups.known[0], key=int)
    append(folder, ('MSET', *[word for key in groups.groups[0] for word in (key, first)]))


def entry_twice(folder, workload):
    append(folder, ('APPEND', topic(workload, topics.Logs).key(0), '0.1;'))


def old_value(folder, workload):
    registers = topic(workload, topics.Registers)
    key = max(registers.answered, key=registers.answered.get)
    append(folder, ('SET', key, registers.value(1)))


def other_bytes(folder, workload):
    registers = topic(workload, topics.Registers)
    key = max(registers.answered, key=registers.answered.get)
    append(folder, ('SETRANGE', key, registers.answered[key] % 10 + 5, '?'))


def expiry_lost(folder, workload):
    append(folder, *[('PERSIST', key) for key in topic(workload, topics.Leases).history])


def expired_comes_back(folder, workload):
    leases = topic(workload, topics.Leases)
    key = next(key for key, history in leases.history.items() if history[0][3] < 1000)
    append(folder, ('SET', key, leases.history[key][0][0], 'PXAT', int(time.time() * 1000) + 60000))


def state_that_never_was(folder, workload):
    everything = topic(workload, topics.Everything)
    append(folder, ('SELECT', everything.pair[0]), ('SET', 'a', 'never'))


def old_key_changed(folder, workload):
    database, key = next(place for place in workload.before if place[0] == 0)
    append(folder, ('SET', key, 'changed'))


def key_from_nowhere(folder, workload):
    append(folder, ('SET', 'nobody', 'wrote this'))


PLANTED = (writes_lost, increment_twice, half_an_mset, mset_overtaken, entry_twice, old_value, other_bytes, expiry_lost,
           expired_comes_back, state_that_never_was, old_key_changed, key_from_nowhere)


def is_noticed(plant, world):
    with Folder() as folder:
        lives = Folders(folder, world.chance)
        lives.live(*world.way(), end=end_by_kill)
        lives.live(*world.way(), end=end_by_kill, load_seconds=(0.2, 0.3))
        try:
            lives.live(*world.way(), before_start=plant)
        except AssertionError:
            return True
    return False


def planted(world):
    for plant in world.chance.sample(PLANTED, min(cases.scaled(len(PLANTED)) + 2, len(PLANTED))):
        assert is_noticed(plant, world), '%s was not noticed' % plant.__name__
        world.done += 1


CASES = (planted,)
