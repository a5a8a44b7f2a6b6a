"""The server about itself: configuration, the command table, INFO, OBJECT, DEBUG, TIME, SHUTDOWN refused."""
from .connection import NAMES

# Options that may be changed while the suite runs: (name, default, values that are taken, values that are not).
OPTIONS = (
    (b'timeout', b'0', (b'100', b'0', b'2147483647'), (b'-1', b'abc', b'', b'2147483648', b'1.5', b'10 ')),
    (b'tcp-keepalive', b'300', (b'0', b'60'), (b'-1', b'x')),
    (b'maxclients', b'10000', (b'5000', b'10000', b'100'), (b'0', b'-1', b'abc')),
    (b'protected-mode', b'yes', (b'no', b'YES', b'yes'), (b'1', b'true', b'', b'maybe')),
    (b'hz', b'10', (b'1', b'100', b'500'), (b'abc', b'2147483648', b'-1')),
    (b'dynamic-hz', b'yes', (b'no', b'yes'), (b'0', )),
    # none that is not taken: the error lists the levels, and 7.2 has one more
    (b'loglevel', b'notice', (b'debug', b'VERBOSE', b'notice', b'warning'), ()),
    (b'client-query-buffer-limit', b'1073741824', (b'1mb', b'1048576', b'2GB', b'1g', b'10000k', b'1gb'),
     (b'1', b'-1', b'1tb', b'abc', b'1048575', b'')),
    (b'proto-max-bulk-len', b'536870912', (b'1mb', b'512MB', b'1gb'), (b'1', b'x', b'1048575')),
    (b'client-output-buffer-limit', b'normal 0 0 0 slave 268435456 67108864 60 pubsub 33554432 8388608 60',
     (b'normal 0 0 0', b'normal 10mb 5mb 60', b'pubsub 1gb 100 0 normal 1gb 2 0', b'replica 1gb 1gb 5',
      b'NORMAL 16m 16M 60'), (b'normal 0 0', b'foo 1 2 3', b'normal a b c', b'normal 1 2 -3', b'', b'normal 1 2 3 4',
                              b'master 1 1 1')),
    (b'shutdown-on-sigterm', b'default', (b'nosave', b'save now', b'now force', b'default'), (b'junk', b'save nosave',
                                                                                              b'', b'default now')),
    (b'shutdown-on-sigint', b'default', (b'force', b'SAVE'), (b'save nosave', )),
    (b'lazyfree-lazy-expire', b'no', (b'yes', b'no'), (b'on', )),
    (b'lazyfree-lazy-eviction', b'no', (b'yes', ), (b'2', )),
    (b'lazyfree-lazy-server-del', b'no', (b'yes', ), (b'y', )),
    (b'activerehashing', b'yes', (b'no', ), (b'off', )),
    (b'active-defrag-cycle-min', b'1', (b'1', b'20', b'99'), (b'0', b'100', b'x')),
    (b'active-defrag-cycle-max', b'25', (b'30', b'99'), (b'0', b'100')),
    (b'active-defrag-threshold-lower', b'10', (b'0', b'1000'), (b'1001', b'-1')),
    (b'active-defrag-ignore-bytes', b'104857600', (b'1', b'100mb', b'1kb'), (b'0', b'-1')),
    (b'rdb-save-incremental-fsync', b'yes', (b'no', b'yes'), (b'never', )),
    (b'aof-rewrite-incremental-fsync', b'yes', (b'no', ), (b'', )),
    (b'rdb-del-sync-files', b'no', (b'yes', ), (b'si', )),
    (b'repl-disable-tcp-nodelay', b'no', (b'yes', ), (b'nope', )),
    (b'crash-memcheck-enabled', b'yes', (b'no', ), (b'x', )),
)
# Not to be changed at run time.
FIXED_OPTIONS = ((b'databases', b'32'), (b'tcp-backlog', b'100'), (b'io-threads', b'2'), (b'unixsocket', b'/tmp/x'),
                 (b'always-show-logo', b'yes'), (b'logfile', b'x'), (b'enable-debug-command', b'no'),
                 (b'supervised', b'no'), (b'server_cpulist', b'0'), (b'io-threads-do-reads', b'yes'))
PATTERNS = (b'timeout', b'TIMEOUT', b'tcp-*', b'client-*-limit', b'shutdown-on-*',
            b'lazyfree-lazy-e*', b'nosuch', b'', b'time?ut', b'[th][zi]', b'active-defrag-*', b'databases', b'save',
            b'appendonly', b'enable-*', b'io-threads*', b'maxclients', b'bind', b'loglevel', b'requirepass',
            b'protected-mode', b'proto-max-bulk-len', b'lazyfree*del', b'unixsocket*', b'\xff*', b'hz', b'dynamic-hz',
            b'*\\*')


def config(g):
    g.case(b'CONFIG',
           *g.one(((), (b'nosuch', ), (b'GETT', b'x'), (b'', ), (b'set timeout', ), (b'\r\n', ), (b'reset-stat', ))),
           mangle=0)


def config_get(g):
    g.case(b'CONFIG',
           g.any_case(b'GET'),
           *[g.any_case(g.one(PATTERNS)) for _ in range(g.one((1, 1, 1, 2, 3, 5)))],
           mangle=0)
    if g.chance(0.1):
        g.case(b'CONFIG', b'GET', mangle=0)


def config_set(g):
    """One or several at once; several are all set or none."""
    words, names = [], []
    for name, default, good, bad in g.rng.sample(OPTIONS, g.one((1, 1, 1, 2, 3))):
        words += [g.any_case(name), g.one(bad) if bad and g.chance(0.3) else g.one(good)]
        names.append(name)
        if (b'CONFIG', b'SET', name, default) not in g.script.last:
            g.finally_do(b'CONFIG', b'SET', name, default)
    odd = g.rng.random()
    if odd < 0.06:
        words += g.one(FIXED_OPTIONS)
    elif odd < 0.10:
        words += [b'nosuch-option', b'1']
    elif odd < 0.14:
        words += words[:2]
    elif odd < 0.18:
        words.pop()
    elif odd < 0.20:
        words = []
    g.case(b'CONFIG', g.any_case(b'SET'), *words, mangle=0)
    g.do(b'CONFIG', b'GET', *names)


def config_plain(name):
    def generate(g):
        g.case(b'CONFIG', g.any_case(name), *g.one(((), (), (), (b'junk',))), mangle=0)
    return generate


def object_(g):
    g.case(b'OBJECT',
           *g.one(((), (b'nosuch', ), (b'nosuch', b'x'), (b'ENCODINGS', b'a'), (b'', ), (b'encoding ', b'a'))),
           mangle=0)


def object_of(name):
    def generate(g):
        key = g.key()
        if g.chance(0.5):
            g.do(*g.one(((b'SET', key, g.value()), (b'APPEND', key, b'1'), (b'INCR', key), (b'SETRANGE', key, b'1',
                                                                                            b'x'),
                         (b'INCRBYFLOAT', key, b'1.5'), (b'COPY', g.key(), key, b'REPLACE'), (b'GETSET', key, b'12'),
                         (b'MSET', key, b'77', g.key(), b'x' * 45), (b'GETRANGE', key, b'0', b'1'), (b'SETNX', key,
                                                                                                     b'5'))))
        g.case(b'OBJECT', g.any_case(name), *g.one(((key,), (key,), (key,), (key,), (), (key, b'x'))), mangle=0)
    return generate


def object_help(g):
    g.case(b'OBJECT', g.any_case(b'HELP'), *g.one(((), (), (b'x',))), mangle=0)


COMMANDS = (b'get', b'set', b'mget', b'mset', b'del', b'expire', b'copy', b'rename', b'scan', b'client', b'client|list',
            b'config|get', b'object|encoding', b'GET', b'Client|Kill', b'nosuch', b'client|nosuch', b'get|x', b'',
            b'sort', b'eval', b'xread', b'zadd', b'lpush', b'blpop', b'subscribe', b'command|info', b'debug', b'hello',
            b'ping', b'randomkey', b'georadius', b'bitfield', b'zunionstore', b'migrate', b'xgroup|create', b'hset',
            b'sintercard', b'lmpop', b'fcall')


def command(g):
    if g.chance(0.1):
        g.case(b'COMMAND', mangle=0)
    else:
        g.case(b'COMMAND',
               *g.one(((b'nosuch', ), (b'nosuch', b'get'), (b'', ), (b'info get', ), (b'COUNTS', ), (b'\x00', ))),
               mangle=0)


def command_info(g):
    if g.chance(0.03):
        g.case(b'COMMAND', b'INFO', mangle=0)
    else:
        names = g.facts.commands if g.chance(0.5) else COMMANDS
        g.case(b'COMMAND', g.any_case(b'INFO'), *[g.one(names) for _ in range(g.rng.randint(1, 4))], mangle=0)


def command_docs(g):
    if g.chance(0.03):
        g.case(b'COMMAND', b'DOCS', mangle=0)
    else:
        names = g.facts.commands if g.chance(0.5) else COMMANDS
        g.case(b'COMMAND', g.any_case(b'DOCS'), *[g.one(names) for _ in range(g.rng.randint(1, 4))], mangle=0)


def command_count(g):
    g.case(b'COMMAND', b'COUNT', *g.one(((), (), (b'x',))), mangle=0)


def command_list(g):
    how = g.one(
        ((), (b'FILTERBY', b'PATTERN', g.one((b'get*', b'*set*', b'client|*', b'x', b'CONFIG|GE?', b'[gs]et', b'*'))),
         (b'FILTERBY', b'ACLCAT',
          g.one((b'string', b'read', b'dangerous', b'connection', b'nosuch', b'fast',
                 b'keyspace'))), (b'filterby', b'module', b'nosuch'), (b'FILTERBY', ), (b'FILTERBY', b'junk', b'x'),
         (b'junk', ), (b'FILTERBY', b'PATTERN'), (b'FILTERBY', b'PATTERN', b'a', b'b')))
    g.case(b'COMMAND', g.any_case(b'LIST'), *how, mangle=0)


def command_help(g):
    g.case(b'COMMAND', b'HELP', *g.one(((), (), (b'x',))), mangle=0)


REQUESTS = (b'get a', b'set a b', b'set a b get', b'mget a b a', b'mset a 1 b 2', b'mset a', b'del a b c', b'copy a b',
            b'rename a b', b'expire a 10', b'ping', b'ping x', b'nosuch x', b'eval x 2 a b c', b'eval x 0',
            b'eval x 5 a', b'eval x a b', b'sort a', b'sort a store b', b'zunionstore d 2 a b', b'zunionstore d 0',
            b'zinterstore d 2 a b weights 1 2', b'xread streams a b 0 0', b'xread count 1 block 0 streams a 0',
            b'xreadgroup group g c streams a >', b'blpop a b 0', b'bitop and d a b', b'migrate h 1 a 0 1',
            b'migrate h 1 x 0 1 keys', b'georadius a 1 1 1 m store d', b'lcs a b', b'object encoding a', b'object help',
            b'config get a', b'client list', b'memory usage a', b'get', b'set a', b'scan 0', b'lmpop 2 a b left',
            b'sintercard 2 a b', b'fcall f 1 a', b'getdel a', b'touch a b', b'move a 1', b'pfcount a b',
            b'sort_ro a by x', b'hset a f v', b'xadd a * f v', b'append a b', b'msetnx a 1 b 2', b'getex a persist',
            b'flushall')


def command_keys(name):
    def generate(g):
        words = g.one(REQUESTS).split(b' ')
        g.case(b'COMMAND', g.any_case(name), g.any_case(words[0]), *words[1:], mangle=0)
    return generate


SECTIONS = (b'server', b'clients', b'memory', b'persistence', b'stats', b'replication', b'cpu', b'modules', b'cluster',
            b'keyspace', b'default', b'all', b'everything', b'nosuch', b'', b'STATS', b'KeySpace')


def info(g):
    """Counts from the reset on are the same on both."""
    if not any(step.name == 'config|resetstat' for step in g.script.steps):
        g.do(b'CONFIG', b'RESETSTAT')
    for _ in range(g.rng.randint(0, 8)):
        key = g.key()
        g.do(*g.one(((b'SET', key, b'1'), (b'SET', key, b'1', b'EX', b'5000'), (b'GET', key), (b'MGET', key, g.key(),
                                                                                               b'none'), (b'DEL', key),
                     (b'EXISTS', key, g.key()), (b'TTL', key), (b'TYPE', key), (b'INCR', key), (b'nosuch', b'x'),
                     (b'GET', ), (b'STRLEN', key), (b'GETDEL', key), (b'RENAME', key, g.key()), (b'EXPIRE', key, b'-1'),
                     (b'EXPIRE', key, b'0'), (b'TOUCH', key, b'none'), (b'SET', key, b'1', b'GET'),
                     (b'GETEX', key, b'EXAT', b'1'), (b'COPY', key, b'other'), (b'OBJECT', b'ENCODING', key),
                     (b'SELECT', b'1'), (b'SELECT', b'0'), (b'SETNX', key, b'1'), (b'SUBSTR', key, b'0', b'1'),
                     (b'GETRANGE', key, b'0', b'1'), (b'SETRANGE', key, b'0', b'x'), (b'APPEND', key, b'x'),
                     (b'LCS', key, g.key()), (b'PERSIST', key), (b'PTTL', key), (b'EXPIRETIME', key), (b'RANDOMKEY', ),
                     (b'MSETNX', key, b'1', b'z',
                      b'2'), (b'GETSET', key, b'1'), (b'DECR', key), (b'EXPIRE', key,
                                                                      b'700'), (b'UNLINK', key), (b'MOVE', key, b'1'))))
    g.use_database(1)
    g.case(b'INFO', *[g.any_case(g.one(SECTIONS)) for _ in range(g.one((0, 1, 1, 1, 2, 3)))], mangle=0)


def time(g):
    g.case(b'TIME')


def shutdown(g):
    """Only what is refused, and only words that can be nothing else."""
    g.case(b'SHUTDOWN',
           *g.one(((b'junk', ), (b'SAVE', b'NOSAVE'), (b'nosave', b'save'), (b'ABORT', ), (b'ABORT', b'NOW'),
                   (b'', b'NOW'), (b'NOSAVE', b'junk'), (b'NOW', b'FORCE', b'junk'), (b'SAVE', b'ABORT'), (b'abort',
                                                                                                           b'nosave'))),
           mangle=0)


def debug(g):
    key = g.key()
    g.case(b'DEBUG',
           *g.one(((b'SLEEP', b'0'), (b'sleep', b'0.005'), (b'SLEEP', b'abc'), (b'SLEEP', ), (b'SLEEP', b'0', b'0'),
                   (b'OBJECT', key), (b'object', key), (b'OBJECT', b'no such key'), (b'OBJECT', ),
                   (b'SET-ACTIVE-EXPIRE', b'0'), (b'SET-ACTIVE-EXPIRE', b'1'), (b'SET-ACTIVE-EXPIRE', ), (b'DIGEST', ),
                   (b'DIGEST', b'x'), (b'DIGEST-VALUE', key, b'no such key', g.key()), (b'digest-value', key),
                   (b'DIGEST-VALUE', ), (b'ERROR', b'ERR planted'), (b'error', b'CODE with words'),
                   (b'ERROR', b''), (b'ERROR', b'ERR two\r\nlines'), (b'ERROR', ), (b'nosuch', ), (b'nosuch',
                                                                                                   b'x'), (), (b'', ))),
           mangle=0)
    g.finally_do('DEBUG', 'SET-ACTIVE-EXPIRE', '1')


# None is a known name with a zero byte behind it: redis-server's table compares names as C strings, so that it finds
# the command where the hashes, which cover the zero and are seeded at random, fall into one bucket.
UNKNOWN = (b'nosuch', b'sentinel', b'GETT', b'', b' get', b'get ', b'\x00SET', b'nosuch\x00', b'foo\r\nbar', b'x' * 200,
           b'\xff\xfe', b'client|list', b'no\'such', b'no"such')


def unknown(g):
    g.case(g.one(UNKNOWN), *[g.one(NAMES + (g.value(), b'y' * 90)) for _ in range(g.rng.randint(0, 6))], mangle=0)


ROWS = {
    'config': config,
    'config|get': config_get,
    'config|set': config_set,
    'config|resetstat': config_plain(b'RESETSTAT'),
    'config|rewrite': config_plain(b'REWRITE'),
    'config|help': config_plain(b'HELP'),
    'object': object_,
    'object|encoding': object_of(b'ENCODING'),
    'object|refcount': object_of(b'REFCOUNT'),
    'object|idletime': object_of(b'IDLETIME'),
    'object|help': object_help,
    'command': command,
    'command|info': command_info,
    'command|docs': command_docs,
    'command|count': command_count,
    'command|list': command_list,
    'command|help': command_help,
    'command|getkeys': command_keys(b'GETKEYS'),
    'command|getkeysandflags': command_keys(b'GETKEYSANDFLAGS'),
    'info': info,
    'time': time,
    'shutdown': shutdown,
    'debug': debug,
    'unknown': unknown,
}
