#!/usr/bin/python3
"""The append-only file's formats and Redis: files of ours are good for redis-server and redis-check-aof, whole and cut
anywhere; what Redis leaves of them is read as Redis itself has it; manifests are understood, and refused, alike.

    tests/aof/run.py
"""
import os
import random
import shutil
import subprocess
import sys
import tempfile

sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__)))))

from tests.lib import cases, servers  # noqa: E402

TOOL = os.path.join(os.environ.get('SKUA_BUILD', os.path.join(servers.TOP, 'build', 'release')), 'tests', 'aof',
                    'aof_tool')
DATABASES = 4
FILES, CUTS_EACH = 4, 6

# Manifests that Redis refuses; the tool has to say the same.
REFUSED = (
    b'', b'\n', b'file a seq 1 type b', b'file a seq 1\n', b'file a seq 1 type i x\n', b'file "a seq 1 type i\n',
    b'file a seq 0 type i\n', b'file a/b seq 1 type i\n', b'file a seq 1 type x\n',
    b'file a seq 1 type b\nfile b seq 2 type b\n', b'file a seq 2 type i\nfile b seq 2 type i\n',
    b'file a seq 2 type i\nfile b seq 1 type i\n', b'file a seq 1 type i' + b' ' * 1100 + b'\n',
    b'#' + b'x' * 1100 + b'\nfile a seq 1 type i\n',
)


def tool(*arguments, fails=False):
    done = subprocess.run((TOOL,) + arguments, stdout=subprocess.PIPE)
    assert (done.returncode != 0) == fails, 'aof_tool %s: %d' % (' '.join(arguments), done.returncode)
    return done.stdout


class Directory:
    """A data directory with one file of the tool's in it; removed at the end."""

    def __init__(self, content=b'', manifest=None):
        self.path = tempfile.mkdtemp(prefix='skua-aof-')
        self.files = os.path.join(self.path, 'appendonlydir')
        os.mkdir(self.files)
        self.manifest = self.write('appendonly.aof.manifest', tool('names', 'appendonly.aof') if manifest is None
                                   else manifest)
        self.file = self.write('appendonly.aof.1.incr.aof', content)

    def __enter__(self):
        return self

    def __exit__(self, *unused):
        shutil.rmtree(self.path)

    def write(self, name, content):
        path = os.path.join(self.files, name)
        with open(path, 'wb') as out:
            out.write(content)
        return path

    def redis(self, **options):
        options = {name.replace('_', '-'): value for name, value in options.items()}
        return servers.redis_server(dict({'appendonly': 'yes', 'dir': self.path}, **options), loaded=True)

    def check(self):
        done = subprocess.run(['redis-check-aof', self.manifest], stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
        return b'All AOF files and manifest are valid' in done.stdout


def content(server):
    """Everything in a server, as {(database, key): value}."""
    found = {}
    connection = server.connect()
    for database in range(DATABASES):
        connection.call('SELECT', database)
        for key in connection.call('KEYS', '*'):
            found[database, key] = connection.call('GET', key)
    connection.close()
    return found


def apply(said):
    """What the commands that the tool read make, and the other lines that it said."""
    found, others, database = {}, [], 0
    for line in said.decode().splitlines():
        kind, _, rest = line.partition(' ')
        if kind != 'command':
            others.append(line)
            continue
        name, *arguments = [bytes.fromhex(word) for word in rest.split(' ')]
        if name.upper() == b'SELECT':
            database = int(arguments[0])
        elif name.upper() == b'SET':
            found[database, arguments[0]] = arguments[1]
        elif name.upper() == b'DEL':
            found.pop((database, arguments[0]), None)
        else:
            assert name.upper() in (b'MULTI', b'EXEC'), line
    return found, others


def go_on(directory, chance):
    """Redis opens the file, writes, and ends; returns what it has then."""
    stamped = chance.choice(('yes', 'no'))
    with directory.redis(aof_timestamp_enabled=stamped, appendfsync='always') as server:
        connection = server.connect()
        if chance.random() < 0.5:
            connection.call('MULTI')
            connection.call('SET', 'redis', chance.random())
            connection.call('SET', 'key:1', 'redis')
            connection.call('EXEC')
        else:
            connection.call('SELECT', chance.randrange(DATABASES))
            connection.call('SET', 'redis', chance.random())
        connection.close()
        return content(server)


def refuses(directory):
    try:
        with directory.redis():
            return False
    except RuntimeError as error:
        return str(error)


def whole(chance):
    data = tool('write', str(chance.getrandbits(32)), '30')
    with Directory(data) as directory:
        assert directory.check(), 'redis-check-aof refuses a file'
        wanted, others = apply(tool('read', directory.file))
        assert not others, others
        with directory.redis() as server:
            assert content(server) == wanted, 'redis-server has something else'
    return data


def cut(data, at, chance):
    """Cut, then Redis twice, as a crash in its first life may leave a piece of an annotation that it glues to."""
    with Directory(data[:at]) as directory:
        wanted = go_on(directory, chance)
        found, others = apply(tool('read', directory.file))
        assert found == wanted, 'cut at %d: read as something else (%s)' % (at, others)
        assert not any(line.startswith('cut') for line in others), 'cut at %d: %s' % (at, others)
        if any(line.startswith('torn') for line in others):
            tool('mend', directory.file)
            assert apply(tool('read', directory.file))[0] == wanted, 'cut at %d: mending changed it' % at
        if any(line.startswith('skipped') for line in others):
            return others  # Redis takes back what it wrote itself
        assert directory.check(), 'cut at %d: redis-check-aof refuses what is left' % at
        with directory.redis() as server:
            assert content(server) == wanted, 'cut at %d: redis-server has something else' % at
        return others


def places(data, chance):
    """Where to cut: anywhere, and inside annotation lines, of which there is less."""
    line = chance.choice([at for at in range(len(data)) if data[at:at + 8] == b'#SKUA:B '])
    return [chance.randrange(1, len(data)) for _ in range(CUTS_EACH - 3)] + \
        [line + 1, chance.randrange(line + 2, line + 30), data.index(b'\n', line) + 1]


def redis_needs_mending():
    """What aof_mend_torn is for. If this fails Redis has learned it, and it is no longer needed."""
    with Directory(tool('write', '1', '1') + b'#SKUA:B 2 0 4') as directory:
        go_on(directory, random.Random(0))
        assert 'Bad file format' in refuses(directory), 'redis-server reads what it glued to an annotation'


def manifests():
    for text in REFUSED:
        with Directory(manifest=text) as directory:
            why = tool('manifest', directory.manifest, fails=True).decode().strip()[len('error '):]
            said = refuses(directory)
            assert said and why in said, '%r: we say %s, Redis says %s' % (text, why, said)
    with Directory(b'') as directory:
        shutil.rmtree(directory.files)
        name = 'its own.aof'
        with directory.redis(appendfilename=name) as server:
            connection = server.connect()
            for _ in range(3):
                path = os.path.join(directory.files, name + '.manifest')
                with open(path, 'rb') as manifest:
                    assert tool('manifest', path) == manifest.read(), 'a manifest of Redis is written otherwise'
                connection.call('SET', 'a', 1)
                connection.call('DEBUG', 'SLEEP', 0)
                connection.call('BGREWRITEAOF')
                while b'aof_rewrite_in_progress:1' in connection.call('INFO', 'persistence'):
                    pass
            connection.close()
    return len(REFUSED) + 1


def main():
    seed = cases.seed()
    print('seed %d' % seed)
    chance = random.Random(seed)
    done = manifests()
    redis_needs_mending()
    torn = continued = skipped = 0
    for _ in range(cases.scaled(FILES)):
        data = whole(chance)
        for at in places(data, chance):
            others = cut(data, at, chance)
            torn += any(line.startswith('torn') for line in others)
            continued += any(line.startswith('continued') for line in others)
            skipped += any(line.startswith('skipped') for line in others)
            done += 1
    print('%d with a torn annotation, %d where Redis went on inside a batch, %d of them a transaction' %
          (torn, continued, skipped))
    cases.say_done('aof_format', done, 1)


if __name__ == '__main__':
    main()
