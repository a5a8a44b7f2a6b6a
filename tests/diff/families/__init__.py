"""The families of commands. Each module has ROWS: row -> generator, which adds at least one case to a Builder. It may
have CASES_A_ROW, in place of what run.py does usually."""
from . import (bitmaps, connection, geo, hashes, hyperloglogs, keys, lists, protocol, server, sets, sorting, streams,
               strings, zsets)

FAMILIES = {'strings': strings, 'bitmaps': bitmaps, 'hashes': hashes, 'hyperloglogs': hyperloglogs, 'lists': lists,
            'sets': sets, 'streams': streams, 'zsets': zsets, 'geo': geo, 'sorting': sorting, 'keys': keys,
            'connection': connection, 'server': server, 'protocol': protocol}
