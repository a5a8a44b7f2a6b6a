"""The families of commands. Each module has ROWS: row -> generator, which adds at least one case to a Builder."""
from . import connection, keys, protocol, server, strings

FAMILIES = {'strings': strings, 'keys': keys, 'connection': connection, 'server': server, 'protocol': protocol}
