#!/usr/bin/python3
"""The append-only directory and Redis: one that redis-server made, rewrote and was killed on is opened here, one that
was made here is opened by redis-server, in any order; both have the same data. The old single file is taken over alike.

    tests/aof/files.py
"""
import os
import random
import shutil
import subprocess
import sys
import tempfile

sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__)))))

from tests.aof.run import DATABASES, apply, content, tool  # noqa: E402
from tests.lib import cases, servers  # noqa: E402

TOOL = os.path.join(os.environ.get('SKUA_BUILD', os.path.join(servers.TOP, 'build', 'release')), 'tests', 'aof',
                    'files_tool')
LIVES, STEPS = 8, 6


class Life:
    """A data directory that is handed to and fro, with what has to be in it."""

    def __init__(self, chance):
        self.chance = chance
        self.path = tempfile.mkdtemp(prefix='skua-aof-')
        self.wanted = {}
        self.kills = 0

    def __enter__(self):
        return self

    def __exit__(self, *unused):
        shutil.rmtree(self.path, ignore_errors=True)

    def inside(self, name):
        return os.path.join(self.path, 'appendonlydir', name)

    def run(self, what, *arguments, fails=False):
        done = subprocess.run((TOOL, what, self.path) + arguments, stdout=subprocess.PIPE)
        assert (done.returncode != 0) == fails, 'files_tool %s: %s' % (what, done.stdout.decode())
        return done.stdout

    def named(self):
        """The files that the manifest names to be loaded, as Redis understands it."""
        with open(self.inside('appendonly.aof.manifest')) as manifest:
            lines = [line.split() for line in manifest]
        return [line[1] for kind in 'bi' for line in lines if line[5] == kind]

    def check(self):
        """Opens it here, and compares. Returns what is not named."""
        found, others = apply(self.run('list'))
        assert found == self.wanted, 'we load something else: %s' % others
        if os.path.exists(self.inside('appendonly.aof.manifest')):
            parts = [line.split()[1] for line in others if line.startswith('part ')]
            assert parts == self.named(), '%s, but the manifest names %s' % (parts, self.named())
        return [line for line in others if line.startswith('unnamed ')]

    def ours(self):
        unnamed = self.check()
        self.run(self.chance.choice(('go_on', 'go_on', 'base')), str(self.chance.getrandbits(32)))
        self.wanted, others = apply(self.run('list'))
        assert [line for line in others if line.startswith('unnamed ')] == unnamed
        done = subprocess.run(['redis-check-aof', self.inside('appendonly.aof.manifest')], stdout=subprocess.PIPE,
                              stderr=subprocess.STDOUT)
        assert b'All AOF files and manifest are valid' in done.stdout, done.stdout.decode()

    def redis(self):
        options = {'dir': self.path, 'appendonly': 'yes', 'appendfsync': 'always',
                   'aof-use-rdb-preamble': self.chance.choice(('yes', 'no')),
                   'aof-timestamp-enabled': self.chance.choice(('yes', 'no'))}
        with servers.redis_server(options, loaded=True) as server:
            connection = server.connect()
            found = content(server)
            assert found == self.wanted, 'redis-server has something else'
            for _ in range(self.chance.randrange(1, 4)):
                self.write(connection)
                if self.chance.random() < 0.7:
                    connection.call('BGREWRITEAOF')
                    while self.chance.random() < 0.7 and \
                            b'aof_rewrite_in_progress:1' in connection.call('INFO', 'persistence'):
                        pass
            self.wanted = content(server)
            if self.chance.random() < 0.5:
                self.kills += 1
                server.process.kill()
                server.process.wait()

    def write(self, connection):
        for _ in range(self.chance.randrange(1, 20)):
            key = 'key:%d' % self.chance.randrange(30)
            connection.call('SELECT', self.chance.randrange(DATABASES))
            if self.chance.random() < 0.2:
                connection.call('DEL', key)
            else:
                connection.call('SET', key, self.chance.random())

    def refused(self):
        """Without one of its files neither opens it."""
        name = self.chance.choice(self.named())
        os.rename(self.inside(name), self.inside(name) + '.away')
        said = self.run('list', fails=True).decode()
        assert name in said and "doesn't exist" in said, said
        try:
            with servers.redis_server({'dir': self.path, 'appendonly': 'yes'}, loaded=True):
                raise AssertionError('redis-server starts without %s' % name)
        except RuntimeError:
            pass
        os.rename(self.inside(name) + '.away', self.inside(name))


def live(chance):
    with Life(chance) as life:
        if chance.random() < 0.5:  # what a Redis before 7 left
            with open(os.path.join(life.path, 'appendonly.aof'), 'wb') as old:
                old.write(tool('write', str(chance.getrandbits(32)), '10'))
            life.wanted = apply(tool('read', old.name))[0]
        for _ in range(STEPS):
            chance.choice((life.ours, life.redis))()
            assert not os.path.exists(os.path.join(life.path, 'appendonly.aof')), 'the old file is still there'
        life.check()
        life.refused()
        life.redis()
        return life.kills


def main():
    seed = cases.seed()
    print('seed %d' % seed)
    chance = random.Random(seed)
    lives = cases.scaled(LIVES)
    kills = sum(live(chance) for _ in range(lives))
    print('redis-server was killed %d times' % kills)
    cases.say_done('aof_files', lives * (STEPS + 2), 1)


if __name__ == '__main__':
    main()
