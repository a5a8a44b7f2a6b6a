"""While the files are read: who asks is told so, INFO says how far it is, and it can be broken off."""
import signal
import time

from tests.lib.resp import encode

from .folder import Folder
from .kinds import content, info, kill, stop, wait_until_loaded
from .world import SANITIZED

KEYS, TIMES = 10000, 10 if SANITIZED else 120
STOP_SECONDS_MAX = 5
FIELDS = ('loading_start_time', 'loading_total_bytes', 'loading_loaded_bytes', 'loading_loaded_perc',
          'loading_eta_seconds')


def long_log():
    """Some megabytes without headers, as redis-server writes them, that end in a known state."""
    once = b''.join(encode('SET', 'key:%d' % number, 'value:%d' % number) for number in range(KEYS))
    return encode('SELECT', 0) + TIMES * once + encode('SELECT', 1) + encode('SET', 'last', 'x')


def wanted():
    found = {(0, b'key:%d' % number): (b'value:%d' % number, -1) for number in range(KEYS)}
    found[1, b'last'] = (b'x', -1)
    return found


def seen_while_loading(server):
    """Replies of one moment: those to GET, DEL and PING, and INFO's fields; None once it is over."""
    connection = server.connect()
    try:
        said = info(connection)
        if said.get('loading') != '1':
            return None
        replies = [connection.call(*command) for command in (('GET', 'key:1'), ('DEL', 'nothing'), ('PING',))]
        return replies, said
    finally:
        connection.close()


def asked_meanwhile(world):
    log = long_log()
    for _ in world.rounds(2):
        with Folder() as folder:
            folder.write_log(log)
            with world.kind().start(folder, loaded=False) as server:
                moments = []
                while True:
                    seen = seen_while_loading(server)
                    if seen is None:
                        break
                    moments.append(seen)
                wait_until_loaded(server)
                found = content(server)
                stop(server)
            check_moments(moments[:-1], len(log))
            assert found == wanted()


def check_moments(moments, size):
    """The last moment may have been over before the last question was asked."""
    assert moments, 'nobody has seen it load; is there too little to load?'
    for (got, deleted, pong), said in moments:
        assert str(got).startswith('LOADING ') and str(deleted).startswith('LOADING '), (got, deleted)
        assert pong == b'PONG' or str(pong).startswith('LOADING '), pong
        assert all(field in said for field in FIELDS), said
        assert int(said['loading_total_bytes']) >= size
    loaded = [int(said['loading_loaded_bytes']) for _, said in moments]
    assert loaded == sorted(loaded) and (len(loaded) < 5 or loaded[0] < loaded[-1]), loaded


def broken_off(world):
    """By SIGTERM, SHUTDOWN or kill -9: the next start has everything."""
    log = long_log()
    ways = (lambda server: server.process.send_signal(signal.SIGTERM),
            lambda server: server.connect().send(encode('SHUTDOWN', 'NOSAVE')), None)
    for way in ways:
        with Folder() as folder:
            folder.write_log(log)
            before = folder.bytes_of_all()
            with world.kind().start(folder, loaded=False) as server:
                time.sleep(world.chance.uniform(0, 0.1))
                if way:
                    way(server)
                    assert server.process.wait(STOP_SECONDS_MAX) == 0, server.log()
                else:
                    kill(server)
            after = folder.bytes_of_all()
            assert all(after[name] == data for name, data in before.items() if name.endswith('.aof')), 'files changed'
            with world.kind().start(folder) as server:
                assert content(server) == wanted()
                stop(server)
        world.done += 1


CASES = (asked_meanwhile, broken_off)
