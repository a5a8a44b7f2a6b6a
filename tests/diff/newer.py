"""What Redis 7.2 and 7.4 changed since 7.0, which is what the replies are compared with. The newest counts.

CHANGES: for a request that matches, the reply that is expected in place of redis-server's. FLAGS and FIELDS: what rows
of COMMAND INFO have gained. Each with its source. None of this is used when both servers are of version 7.0.
"""
import re


class Change:
    """`row` is the command as rules.py names it; `words` a regular expression that the other arguments match, joined
    by blanks; `expected` the raw reply, the same in both protocols."""

    def __init__(self, row, words, expected, source):
        self.row = row
        self.words = re.compile(words, re.IGNORECASE | re.DOTALL)
        self.expected = expected
        self.source = source

    def wrong(self, raw):
        """What is wrong with the reply, or None."""
        return None if raw == self.expected else 'instead of %r' % self.expected


NO_TOUCH = 'redis.io/docs/latest/commands/client-no-touch: since 7.2.0'
SETINFO = 'redis.io/docs/latest/commands/client-setinfo: since 7.2.0'
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
    *[Change(row, words, error, 'Redis 7.2: COMMAND GETKEYS and GETKEYSANDFLAGS have arity -3')
      for row in ('command|getkeys', 'command|getkeysandflags')
      for words, error in ((r'get', b'-ERR Invalid number of arguments specified for command\r\n'),
                           (r'ping|flushall', b'-ERR The command has no key arguments\r\n'))],
]

# Flags that rows have in 7.4 and not in 7.0.
FLAGS = {
    b'debug': {b'protected'},
    b'randomkey': {b'touches_arbitrary_keys'},
    b'scan': {b'touches_arbitrary_keys'},
}
FLAGS_SOURCE = 'COMMAND INFO of Redis 7.2 (touches_arbitrary_keys) and 7.4 (protected)'

# Other columns that changed: (row, column) -> source.
FIELDS = {
    (b'command|getkeys', 'arity'): 'Redis 7.2: COMMAND GETKEYS has arity -3',
    (b'command|getkeysandflags', 'arity'): 'Redis 7.2: COMMAND GETKEYSANDFLAGS has arity -3',
}


def find(row, arguments):
    """The change that a request falls under, or None."""
    words = b' '.join(arguments).decode('latin1')
    for change in CHANGES:
        if change.row == row and change.words.fullmatch(words):
            return change
    return None
