"""What a server finds at its start and must not take in silence: another server, a dump without an append-only file,
data of types it does not have, damaged and missing files, folders that are not its own, files of old versions."""
import os
import re
import shutil

from tests.lib.resp import encode

from .folder import Folder
from .kinds import REDIS, content, kill, stop
from .types import MAKERS
from .world import Skipped, only_skua

NOBODY = 65534
# What cannot be loaded, at least from an RDB base: what makes it, and what the error may call it.
TYPES = {
    'function': (('FUNCTION', 'LOAD', '#!lua name=mine\nredis.register_function("f", function() end)'), 'function'),
}


def made_by_redis(folder, command, **options):
    """redis-server writes strings around what the command makes."""
    with REDIS.start(folder, **options) as server:
        connection = server.connect()
        for words in (('SET', 'before', 'x'), command, ('SET', 'behind', 'y')):
            reply = connection.call(*words)
            assert not isinstance(reply, Exception), reply
        if options.get('appendonly') == 'no':
            assert connection.call('SAVE') == b'OK'
        else:
            connection.call('BGREWRITEAOF')
            while b'aof_rewrite_in_progress:1' in connection.call('INFO', 'persistence'):
                pass
        stop(server)


def refuses(kind, folder, *words, **options):
    """The start stops with an error that has all these words (regular expressions); nothing has been changed."""
    before = folder.bytes_of_all() if os.path.exists(folder.files) else None
    said = kind.refuses(folder, **options)
    assert said is not None, '%s starts on %s' % (kind, folder.path)
    for word in words:
        assert re.search(word, said, re.IGNORECASE), 'not a word of %s in\n%s' % (word, said)
    assert (folder.bytes_of_all() if os.path.exists(folder.files) else None) == before, 'files changed'


@only_skua
def other_types(world):
    """In an RDB base, and as commands: type or command, file and offset are named."""
    for name, (command, called) in TYPES.items():
        for rdb in ('yes',) if name in MAKERS else ('yes', 'no'):
            with Folder() as folder:
                made_by_redis(folder, command, aof_use_rdb_preamble=rdb)
                word = called if rdb == 'yes' else command[0]
                refuses(world.kind(), folder, word, os.path.basename(folder.listed('b')[0]), r'\b\d+\b')
            world.done += 1


@only_skua
def dump_without_log(world):
    """The usual accident of a restore: the dump is not ignored, and not overwritten."""
    for _ in world.rounds(2):
        with Folder() as folder:
            made_by_redis(folder, ('SET', 'a', 'b'), appendonly='no')
            dump = os.path.join(folder.path, 'dump.rdb')
            with open(dump, 'rb') as file:
                before = file.read()
            shutil.rmtree(folder.files, ignore_errors=True)
            refuses(world.kind(), folder, r'dump\.rdb')
            assert not os.path.exists(folder.files) or not os.listdir(folder.files)
            with open(dump, 'rb') as file:
                assert file.read() == before


@only_skua
def second_server(world):
    """Refused while the first one lives, also if that has no append-only file; not once it has been killed."""
    for number in world.rounds(2):
        with Folder() as folder:
            with world.kind().start(folder, appendonly='no' if number % 2 else 'yes') as server:
                assert server.connect().call('SET', 'a', 1) == b'OK'
                said = world.kind().refuses(folder)
                assert said and folder.path in said, said
                assert server.connect().call('SET', 'b', 2) == b'OK'
                kill(server)
            with world.kind().start(folder) as server:
                assert number % 2 or len(content(server)) == 2
                stop(server)


def folder_missing(world):
    with Folder() as folder:
        said = world.kind().refuses(folder, dir=os.path.join(folder.path, 'not', 'there'))
        assert said and 'No such file or directory' in said, said
    world.done += 1


def as_nobody():
    os.setgroups([])
    os.setgid(NOBODY)
    os.setuid(NOBODY)


def folder_of_another(world):
    """A folder that the server's user may not write to: the start stops and says so; once it may, it starts."""
    if os.geteuid() != 0:
        raise Skipped('only root can start a server as another user')
    with Folder() as folder:
        os.chmod(folder.path, 0o755)
        kind = world.kind()
        said = kind.refuses(folder, prepare=as_nobody)
        assert said and 'Permission denied' in said, said
        os.chown(folder.path, NOBODY, NOBODY)
        with kind.start(folder, prepare=as_nobody) as server:
            assert server.connect().call('SET', 'a', 1) == b'OK'
            kill(server)
        os.chown(folder.last_file(), 0, 0)
        os.chmod(folder.last_file(), 0o600)
        said = kind.refuses(folder, prepare=as_nobody)
        assert said and 'Permission denied' in said and os.path.basename(folder.last_file()) in said, said
        os.chown(folder.last_file(), NOBODY, NOBODY)
        with kind.start(folder, prepare=as_nobody) as server:
            assert (0, b'a') in content(server)
            stop(server)
    world.done += 1


def switched_on_where_it_may_not_write(world):
    """CONFIG SET appendonly yes fails, and the server goes on without; once it may write, it works."""
    if os.geteuid() != 0:
        raise Skipped('only root can start a server as another user')
    with Folder() as folder:
        os.chmod(folder.path, 0o755)
        os.chown(folder.path, NOBODY, NOBODY)
        with world.kind().start(folder, prepare=as_nobody, appendonly='no') as server:
            connection = server.connect()
            os.chown(folder.path, 0, 0)
            assert connection.call('SET', 'a', 1) == b'OK'
            assert isinstance(connection.call('CONFIG', 'SET', 'appendonly', 'yes'), Exception)
            assert connection.call('CONFIG', 'GET', 'appendonly') == [b'appendonly', b'no']
            assert connection.call('SET', 'b', 2) == b'OK'
            os.chown(folder.path, NOBODY, NOBODY)
            assert connection.call('CONFIG', 'SET', 'appendonly', 'yes') == b'OK'
            while b'aof_rewrite_in_progress:1' in connection.call('INFO', 'persistence'):
                pass
            assert connection.call('SET', 'c', 3) == b'OK'
            kill(server)
        with world.kind().start(folder) as server:
            assert len(content(server)) == 3
            stop(server)
    world.done += 1


def log_of(*commands):
    return b''.join(encode(*command) for command in commands)


def missing_file(world):
    """A file that the manifest names is not there."""
    with Folder() as folder:
        path = folder.write_log(log_of(('SELECT', 0), ('SET', 'a', 1)))
        os.remove(path)
        refuses(world.kind(), folder, os.path.basename(path))
    world.done += 1


def bad_manifest(world):
    for text in (b'file x\n', b'file a seq 1 type b\nfile b seq 2 type b\n', b'\n', b'file a/b seq 1 type i\n'):
        with Folder() as folder:
            path = folder.write_log(log_of(('SELECT', 0), ('SET', 'a', 1)))
            folder.write(os.path.basename(folder.manifest), text)
            refuses(world.kind(), folder)
            assert os.path.exists(path)
        world.done += 1


@only_skua
def manifest_missing(world):
    """Files of an append-only file and no manifest: whatever it does, it must not overwrite one of them."""
    with Folder() as folder:
        path, data = folder.write_log(log_of(('SELECT', 0), ('SET', 'a', 1))), log_of(('SELECT', 0), ('SET', 'a', 1))
        os.remove(folder.manifest)
        with_server = world.kind().refuses(folder)
        with open(path, 'rb') as file:
            assert file.read() == data, 'overwritten (%s)' % (with_server or 'and it started')
    world.done += 1


@only_skua
def files_of_others(world):
    """What the manifest does not name is reported and left alone."""
    with Folder() as folder:
        folder.write_log(log_of(('SELECT', 0), ('SET', 'a', 1)))
        stranger = folder.write('appendonly.aof.7.incr.aof', log_of(('SELECT', 0), ('SET', 'b', 1)))
        notes = folder.write('notes.txt', b'of the operator')
        for _ in range(2):
            with world.kind().start(folder) as server:
                assert set(content(server)) == {(0, b'a')}
                assert os.path.basename(stranger) in server.log() and 'notes.txt' in server.log(), server.log()
                stop(server)
        for path, data in ((stranger, log_of(('SELECT', 0), ('SET', 'b', 1))), (notes, b'of the operator')):
            with open(path, 'rb') as file:
                assert file.read() == data
    world.done += 1


def single_file(world):
    """The append-only file of Redis before 7: taken over, also if it begins with an RDB, and then Redis 7 opens it."""
    with Folder() as made:
        made_by_redis(made, ('SETEX', 'lease', 86400, 'x'))
        with open(made.listed('b')[0], 'rb') as base:
            preamble = base.read()
    commands = log_of(('SELECT', 1), ('SET', 'a', 1), ('MULTI',), ('INCR', 'a'), ('SET', 'b', 'x'), ('EXEC',))
    for before, keys in ((b'', 2), (preamble, 5)):
        with Folder() as folder:
            with open(os.path.join(folder.path, 'appendonly.aof'), 'wb') as file:
                file.write(before + commands)
            for kind in (world.kind(), world.kind(), REDIS, world.kind()):
                with kind.start(folder) as server:
                    found = content(server)
                    assert found[1, b'a'] == (b'2', -1) and found[1, b'b'] == (b'x', -1) and len(found) == keys, found
                    kill(server)
            assert not os.path.exists(os.path.join(folder.path, 'appendonly.aof'))
        world.done += 1


def other_names(world):
    """appendfilename and appenddirname; the same for both servers."""
    names = {'appendfilename': 'its own.log', 'appenddirname': 'logs of it'}
    with Folder() as folder:
        for number, kind in enumerate((world.kind(), REDIS, world.kind(), world.kind())):
            with kind.start(folder, **names) as server:
                assert len(content(server)) == number
                assert server.connect().call('SET', number, 'x') == b'OK'
                kill(server)
        assert os.path.exists(os.path.join(folder.path, 'logs of it', 'its own.log.manifest'))
        assert not os.path.exists(folder.files)
    world.done += 1


@only_skua
def started_often(world):
    """Starts without a write between them make no files."""
    with Folder() as folder:
        counts = []
        for number in range(6):
            with world.kind().start(folder) as server:
                counts.append(len(folder.listed('b', 'i')))
                if number == 0:
                    assert server.connect().call('SET', 'a', 1) == b'OK'
                kill(server)
        assert counts[1:] == [counts[1]] * 5, counts
    world.done += 1


@only_skua
def dump_beside_log(world):
    """Where there is an append-only file, the dump is not asked, as in Redis."""
    with Folder() as folder:
        made_by_redis(folder, ('SET', 'a', 'b'), appendonly='no')
        shutil.rmtree(folder.files, ignore_errors=True)
        folder.write_log(log_of(('SELECT', 0), ('SET', 'log', 1)))
        with world.kind().start(folder) as server:
            assert set(content(server)) == {(0, b'log')}
            stop(server)
        assert os.path.exists(os.path.join(folder.path, 'dump.rdb'))
    world.done += 1


@only_skua
def unknown_command(world):
    """What a log holds and the server does not know stops the start: file, offset and command are named."""
    first = log_of(('SELECT', 0), ('SET', 'a', 1))
    with Folder() as folder:
        path = folder.write_log(first + log_of(('NOSUCHCOMMAND', 'x'), ('SET', 'b', 1)))
        refuses(world.kind(), folder, 'NOSUCHCOMMAND', os.path.basename(path), r'\b%d\b' % len(first))
    world.done += 1


CASES = (other_types, dump_without_log, second_server, folder_missing, folder_of_another,
         switched_on_where_it_may_not_write, missing_file, bad_manifest, manifest_missing, files_of_others, single_file,
         other_names, started_often, dump_beside_log, unknown_command)
