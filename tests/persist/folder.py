"""A data directory that outlives the servers on it, and what can be done to its append-only files in between."""
import os
import shutil
import subprocess
import sys
import tempfile

DIRECTORY, MANIFEST = 'appendonlydir', 'appendonly.aof.manifest'


class Folder:
    """Removed at the end, unless something failed in it: then it is kept, and said where."""

    def __init__(self, parent=None):
        self.path = tempfile.mkdtemp(prefix='skua-persist-', dir=parent)
        self.files = os.path.join(self.path, DIRECTORY)
        self.manifest = os.path.join(self.files, MANIFEST)

    def __enter__(self):
        return self

    def __exit__(self, kind, *unused):
        if kind is None or kind is KeyboardInterrupt:
            self.remove()
        else:
            print('kept: %s' % self.path, file=sys.stderr)

    def remove(self):
        shutil.rmtree(self.path, ignore_errors=True)

    def copy(self):
        """Another folder with the same append-only files."""
        other = Folder()
        shutil.copytree(self.files, other.files)
        return other

    def listed(self, *kinds):
        """Paths of the files of these kinds (b, h, i), in the manifest's order."""
        with open(self.manifest) as manifest:
            words = [line.split() for line in manifest if line.startswith('file ')]
        return [os.path.join(self.files, line[1]) for line in words if line[line.index('type') + 1] in kinds]

    def last_file(self):
        return self.listed('i')[-1]

    def bytes_of_all(self):
        """{name: bytes}, to see that nothing has changed."""
        found = {}
        for name in sorted(os.listdir(self.files)):
            with open(os.path.join(self.files, name), 'rb') as file:
                found[name] = file.read()
        return found

    def write(self, name, data):
        """A file among the append-only files; they need not exist yet."""
        os.makedirs(self.files, exist_ok=True)
        path = os.path.join(self.files, name)
        with open(path, 'wb') as file:
            file.write(data)
        return path

    def write_log(self, data):
        """Makes the append-only files of it: one incremental file, with this in it."""
        self.write(MANIFEST, b'file appendonly.aof.1.incr.aof seq 1 type i\n')
        return self.write('appendonly.aof.1.incr.aof', data)

    def redis_accepts(self, *options):
        """What redis-check-aof says: (whether all is good, its output)."""
        done = subprocess.run(['redis-check-aof', *options, self.manifest], stdout=subprocess.PIPE,
                              stderr=subprocess.STDOUT, input=b'y\n')
        return b'All AOF files and manifest are valid' in done.stdout, done.stdout.decode(errors='replace')

    def redis_mends(self):
        """Whether redis-check-aof --fix makes all of it good. That of a copy."""
        with self.copy() as other:
            other.redis_accepts('--fix')
            return other.redis_accepts()[0]


def torn_inside_transaction(path):
    """Whether the file ends between MULTI and EXEC: redis-server appends to such a transaction, and takes back all it
    wrote when it starts again."""
    with open(path, 'rb') as file:
        data = file.read().upper()
    return data.rfind(b'\r\n$5\r\nMULTI') > data.rfind(b'\r\n$4\r\nEXEC\r\n')
