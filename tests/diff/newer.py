"""What Redis 7.2 and 7.4 changed since 7.0, which is what the replies are compared with. The newest counts.

CHANGES: for a request that matches, the reply that is expected in place of redis-server's. FLAGS and FIELDS: what has
changed in rows of COMMAND INFO. ENCODINGS: how a value may be kept instead. Each with its source. None of this is used
when both servers are of version 7.0.
"""
import re


class Change:
    """`row` is the command as rules.py names it; `words` a regular expression that the other arguments match, joined
    by blanks; `expected` the raw reply, the same in both protocols."""

    def __init__(self, row, words, expected, source, words_min=0):
        self.row = row
        self.words_min = words_min
        self.words = re.compile(words, re.IGNORECASE | re.DOTALL)
        self.expected = expected
        self.source = source

    def wrong(self, raw):
        """What is wrong with the reply, or None."""
        return None if raw == self.expected else 'instead of %r' % self.expected


NO_TOUCH = 'redis.io/docs/latest/commands/client-no-touch: since 7.2.0'
SETINFO = 'redis.io/docs/latest/commands/client-setinfo: since 7.2.0'
BITS = 'Redis 7.4: BITCOUNT and BITPOS look at all arguments before the key (pull requests 12394, 11734)'
MAXAGE = 'redis.io/docs/latest/commands/client-kill: MAXAGE since 7.4.0'

CHANGES = [
    Change('client|no-touch', r'(on|off)', b'+OK\r\n', NO_TOUCH),
    Change('client|no-touch', r'\S+', b'-ERR syntax error\r\n', NO_TOUCH),
    Change('client|no-touch', r'|.* .*', b"-ERR wrong number of arguments for 'client|no-touch' command\r\n", NO_TOUCH),
    Change('client|setinfo', r'(lib-name|lib-ver) [!-~]*', b'+OK\r\n', SETINFO),
    Change('client|setinfo', r'lib-name [^\n]*[ \n][^\n]*',
           b'-ERR lib-name cannot contain spaces, newlines or special characters.\r\n', SETINFO),
    Change('client|setinfo', r'lib-ver [^\n]*[ \n][^\n]*',
           b'-ERR lib-ver cannot contain spaces, newlines or special characters.\r\n', SETINFO),
    Change('client|setinfo', r'|\S+', b"-ERR wrong number of arguments for 'client|setinfo' command\r\n", SETINFO),
    Change('client|setinfo', r'foo x', b"-ERR Unrecognized option 'foo'\r\n", SETINFO),
    Change('client|kill', r'maxage \d{6,}', b':0\r\n', MAXAGE),
    Change('scan', r'(-1|)( .*)?', b'-ERR invalid cursor\r\n',
           'Redis 7.4: a cursor is a whole unsigned number (parseScanCursorOrReply)', words_min=1),
    Change('lpos', r'.* rank -9223372036854775808',
           b'-ERR value is out of range, value must between -9223372036854775807 and 9223372036854775807\r\n',
           'Redis 7.4: RANK is one of which there is a negative (lposCommand)'),
    *[Change(row, r'\{?missing\}? ' + bit + words, error, BITS)
      for row, bit in (('bitcount', ''), ('bitpos', '[01] '))
      for words, error in ((r'(0|0 1 (bits)?|0 -1 BIT BIT)', b'-ERR syntax error\r\n'),
                           (r'.*', b'-ERR value is not an integer or out of range\r\n'))],
    *[Change(row, r'key:1 m foo', b'-ERR syntax error\r\n', 'Redis 7.2: ZRANK and ZREVRANK have an option')
      for row in ('zrank', 'zrevrank')],
    *[Change(row, words, error, 'Redis 7.2: COMMAND GETKEYS and GETKEYSANDFLAGS have arity -3')
      for row in ('command|getkeys', 'command|getkeysandflags')
      for words, error in ((r'get', b'-ERR Invalid number of arguments specified for command\r\n'),
                           (r'ping|flushall', b'-ERR The command has no key arguments\r\n'))],
]

NO_SCRIPT = 'Redis 7.2: commands that block may be called by scripts, where they do not block'
LOADING = 'Redis 7.2: CLUSTER SLOTS and SHARDS are answered while loading'

# Flags of rows that have changed: row -> (added, removed, source).
FLAGS = {
    **dict.fromkeys((b'blmove', b'blpop', b'brpop', b'brpoplpush', b'bzpopmax', b'bzpopmin'),
                    (set(), {b'noscript'}, NO_SCRIPT)),
    b'wait': ({b'blocking'}, {b'noscript'}, NO_SCRIPT),
    **dict.fromkeys((b'cluster|shards', b'cluster|slots'), ({b'loading'}, set(), LOADING)),
}

# Other columns, and fields of COMMAND DOCS, that changed: (row, which) -> source.
FIELDS = {
    (b'command|getkeys', 'arity'): 'Redis 7.2: COMMAND GETKEYS has arity -3',
    (b'command|getkeysandflags', 'arity'): 'Redis 7.2: COMMAND GETKEYSANDFLAGS has arity -3',
    (b'wait', 'acl categories'): NO_SCRIPT,
    (b'sinterstore', 'key specifications'): 'Redis 7.2: the destination of SINTERSTORE is overwritten (OW)',
    (b'client|pause', 'since'): 'redis.io/docs/latest/commands/client-pause: since 3.0.0',
    (b'zrank', 'arity'): 'redis.io/docs/latest/commands/zrank: WITHSCORE since 7.2.0',
    (b'zrevrank', 'arity'): 'redis.io/docs/latest/commands/zrevrank: WITHSCORE since 7.2.0',
}

SMALL_SETS = 'Redis 7.2: small sets of texts are listpacks (setTypeAddAux)'
NO_INTSET = 'Redis 7.2: who names more members than an intset may have makes none (setTypeMaybeConvert)'

# By type, of 7.0, and now.
ENCODINGS = {
    (b'list', b'quicklist', b'listpack'): 'Redis 7.2: a list that fits into one listpack is that (pull request 11303)',
    (b'set', b'hashtable', b'listpack'): SMALL_SETS,
    (b'set', b'intset', b'listpack'): NO_INTSET,
    (b'set', b'intset', b'hashtable'): NO_INTSET,
}


def same_encoding(kind, of_old, of_new):
    """Whether a value of this type may be kept so, given how redis-server 7.0 keeps it."""
    return of_old == of_new or (kind, of_old, of_new) in ENCODINGS


def same_encoding_of_any(of_old, of_new):
    """The same of a value of some type."""
    return of_old == of_new or any(names[1:] == (of_old, of_new) for names in ENCODINGS)


def flags(row, of_old):
    """The flags of a row of COMMAND INFO, given those of redis-server 7.0."""
    added, removed, _ = FLAGS.get(row, (set(), set(), None))
    return (of_old | added) - removed


def find(row, arguments):
    """The change that a request falls under, or None."""
    words = b' '.join(arguments).decode('latin1')
    for change in CHANGES:
        if change.row == row and len(arguments) >= change.words_min and change.words.fullmatch(words):
            return change
    return None
