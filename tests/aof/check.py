#!/usr/bin/python3
"""skua-server --check-aof beside Debian's redis-check-aof: the same words and exit codes for files of Redis and of
ours, whole, torn and damaged; the same files after --fix and --truncate-to-timestamp; what Redis can't read, mended.

    tests/aof/check.py
"""
import fcntl
import os
import random
import re
import shutil
import subprocess
import sys
import tempfile

sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__)))))

from tests.aof.run import Directory, apply, content, go_on, tool  # noqa: E402
from tests.lib import cases, servers  # noqa: E402

FILES, CUTS_EACH = 6, 4
# What only one of the two says.
OURS = re.compile(rb'^(0x|\d+ batches of Skua|A crash leaves|.*It is (damage|not the end)|.*: offset \d+:)')
THEIRS = re.compile(rb'^(0x|\[offset|\[info\]|\x1b|AOF .* format error)')
MANIFEST = 'appendonly.aof.manifest'


def run(program, *arguments, answer=b''):
    done = subprocess.run(program + arguments, input=answer, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    return done.returncode, done.stdout


def ours(*arguments, **how):
    return run((servers.skua_path(), '--check-aof'), *arguments, **how)


def redis(*arguments, **how):
    return run(('redis-check-aof',), *arguments, **how)


def words(output, made):
    """What both have to say alike. At which line of a torn command it ends each tells its way, and also where: Redis
    only of some."""
    kept = []
    for line in output.replace(made.files.encode() + b'/', b'').splitlines():
        if b', diff=0' not in line:
            line = re.sub(rb'ok_up_to_line=\d+', b'', line)
        if line and not OURS.match(line) and not THEIRS.match(line):
            kept.append(line)
    return kept


def command(*arguments):
    return b'*%d\r\n' % len(arguments) + b''.join(b'$%d\r\n%s\r\n' % (len(one), one) for one in arguments)


SELECT, SET = command(b'SELECT', b'0'), command(b'SET', b'key', b'value')
MULTI, EXEC = command(b'MULTI'), command(b'EXEC')
RDB = b'REDIS0010\x00\x01a\x01b\xff' + bytes(8)

# (base, incremental file), each None if there is none.
REDIS_FILES = (
    (None, SELECT + SET), (None, b''), (b'', b''), (SELECT + SET, SELECT + SET), (RDB, SELECT + SET),
    (RDB + SELECT, SET),
    (None, b'#TS:100\r\n' + SELECT + b'#TS:200\r\n' + SET + MULTI + SET + EXEC), (RDB, None), (SELECT + SET, None),
    (None, SELECT + SET[:-3]), (None, SELECT + SET[:4]), (None, SELECT + MULTI + SET),
    (None, SELECT + MULTI + SET[:-5]), (None, SELECT + SET + b'garbage'), (RDB, SET[:-1]), (SET, SET[:9] + b'x' + SET),
    (SELECT + SET[:-3], None), (SELECT + SET[:-3], SELECT + SET), (RDB[:-9], SELECT),
)


def directory(base, incremental):
    lines = b''
    if base is not None:
        lines += b'file base.aof seq 1 type b\n'
    if incremental is not None:
        lines += b'file appendonly.aof.1.incr.aof seq 1 type i\n'
    made = Directory(incremental or b'', lines)
    if base is not None:
        made.write('base.aof', base)
    return made


def read(made):
    found = {}
    for name in sorted(os.listdir(made.files)):
        with open(os.path.join(made.files, name), 'rb') as file:
            found[name] = file.read()
    return found


def same(make, *arguments, answer=b''):
    """Both tools on the same files; what they say, return and leave is the same."""
    with make() as first, make() as second:
        our_code, our_words = ours(*arguments, first.manifest, answer=answer)
        code, said = redis(*arguments, second.manifest, answer=answer)
        what = '%s: we say %d\n%s\nRedis says %d\n%s' % (arguments, our_code, our_words.decode(), code, said.decode())
        assert our_code == code, what
        assert words(our_words, first) == words(said, second) or b'not sane' in said, what
        assert read(first) == read(second), what
        return code


def redis_files():
    done = 0
    for base, incremental in REDIS_FILES:
        for arguments, answer in (((), b''), (('--fix',), b'n\n'), (('--fix',), b'y\n'), (('--fix',), b''),
                                  (('--truncate-to-timestamp', '50'), b''), (('--truncate-to-timestamp', '150'), b''),
                                  (('--truncate-to-timestamp', 'soon'), b'')):
            same(lambda: directory(base, incremental), *arguments, answer=answer)
            done += 1
    return done


def our_files(chance):
    """Whole, both find nothing; cut anywhere, ours mends them so that both and redis-server find nothing."""
    data = tool('write', str(chance.getrandbits(32)), '20')
    assert same(lambda: Directory(data)) == 0
    for _ in range(CUTS_EACH):
        at = chance.randrange(1, len(data))
        with Directory(data[:at]) as made:
            wanted, others = apply(tool('read', made.file))
            code, said = ours('--fix', made.path, answer=b'y\n')
            assert code == 0, said
            assert (b'Successfully truncated' in said) == bool(others), said
            assert redis(made.manifest)[0] == 0, 'redis-check-aof refuses what was mended'
            with made.redis() as server:
                assert content(server) == wanted, 'redis-server has something else'
    return 1 + CUTS_EACH


def torn_line(chance):
    """A crash tears a header and Redis appends a command to it, which it can't read: mended, it can."""
    data = tool('write', str(chance.getrandbits(32)), '3')
    with Directory(data + b'#SKUA:B 4 0 4') as made:
        wanted = go_on(made, random.Random(1))
        while b'#SKUA:B 4 0 4*' not in read(made)['appendonly.aof.1.incr.aof']:  # it began with a timestamp
            made.write('appendonly.aof.1.incr.aof', data + b'#SKUA:B 4 0 4')
            wanted = go_on(made, chance)
        assert redis(made.manifest)[0] == 1, 'Redis has learned to read it: no need to mend'
        code, said = ours(made.path)
        assert code == 1 and b'Use the --fix option to mend them' in said, said
        before = read(made)
        assert ours('--fix', made.path, answer=b'n\n')[0] == 1 and read(made) == before
        code, said = ours('--fix', made.path, answer=b'y\n')
        assert code == 0 and b'Successfully mended' in said, said
        assert redis(made.manifest)[0] == 0 and ours(made.path)[0] == 0
        with made.redis() as server:
            assert content(server) == wanted


def damage(chance):
    """A batch in the middle with a byte changed: named, and cut off if one insists."""
    data = bytearray(tool('write', str(chance.getrandbits(32)), '10'))
    headers = [found.start() for found in re.finditer(rb'#SKUA:B ', bytes(data))]
    data[data.index(b'\n', headers[4]) + 4] ^= 1  # its first bytes; a timestamp may stand behind its last
    with Directory(bytes(data)) as made:
        code, said = ours(made.path)
        assert code == 1 and b'the checksum is wrong' in said and b'ok_up_to=%d,' % headers[4] in said, said
        assert ours('--fix', made.path, answer=b'y\n')[0] == 0
        assert os.path.getsize(made.file) == headers[4]


def paths(chance):
    """All that can be given, and what can't."""
    data = tool('write', str(chance.getrandbits(32)), '3')
    with Directory(data) as made, tempfile.TemporaryDirectory() as empty:
        for path in (made.path, made.files, made.manifest, made.file):
            code, said = ours(path)
            assert code == 0 and b'valid' in said, said
        for arguments in ((), ('--fix',), ('--nothing', made.path), (empty,), (os.path.join(empty, 'no'),),
                          ('--truncate-to-timestamp', '5')):
            code, said = ours(*arguments)
            assert code == 1 and said, arguments
        named = os.path.join(empty, 'redis-check-aof')
        os.symlink(os.path.abspath(servers.skua_path()), named)
        code, said = run((named,), made.manifest)
        assert code == 0 and said == ours(made.manifest)[1], said
        locked = os.open(made.path, os.O_RDONLY)
        fcntl.flock(locked, fcntl.LOCK_EX)  # as a server has it
        assert ours(made.path)[0] == 0
        code, said = ours('--fix', made.path)
        assert code == 1 and b'A server uses' in said, said
        os.close(locked)
        os.unlink(made.file)
        code, said = ours(made.path)
        assert code == 1 and b'No such file' in said, said
        shutil.copy(made.manifest, os.path.join(made.files, 'other.manifest'))
        assert ours(made.path)[0] == 1


def main():
    seed = cases.seed()
    print('seed %d' % seed)
    chance = random.Random(seed)
    done = redis_files() + 3
    for case in (torn_line, damage, paths):
        case(chance)
    for _ in range(cases.scaled(FILES)):
        done += our_files(chance)
    cases.say_done('aof_check', done, 1)


if __name__ == '__main__':
    main()
