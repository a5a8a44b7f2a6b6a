#!/usr/bin/python3
"""The rows of all commands against redis-server's: COMMAND INFO and COMMAND DOCS, field by field.

    tests/rows/run.py [--server PATH]

Not compared: the order of sets and of subcommands, summaries (they are in our own words) and arguments (not there yet).
"""
import argparse
import os
import sys

sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__)))))

from tests.lib import cases, servers  # noqa: E402

INFO_FIELDS = ('name', 'arity', 'flags', 'first key', 'last key', 'step', 'acl categories', 'tips', 'keys')
DOCS_FIELDS = (b'since', b'group', b'complexity', b'doc_flags', b'deprecated_since', b'replaced_by', b'history')

# (command, field) -> what Redis 7.4 has in place of 7.0's value, and since when.
CHANGED = {
    ('blmove', 'flags'): '7.2: may be called by scripts',
    ('blpop', 'flags'): '7.2: may be called by scripts',
    ('brpop', 'flags'): '7.2: may be called by scripts',
    ('brpoplpush', 'flags'): '7.2: may be called by scripts',
    ('bzpopmax', 'flags'): '7.2: may be called by scripts',
    ('bzpopmin', 'flags'): '7.2: may be called by scripts',
    ('client|kill', 'history'): '7.4: MAXAGE',
    ('client|pause', 'since'): '7.2: documented as 3.0.0',
    ('cluster|shards', 'flags'): '7.2: also while loading',
    ('cluster|slots', 'flags'): '7.2: also while loading',
    ('command|getkeys', 'arity'): '7.2: -3',
    ('command|getkeysandflags', 'arity'): '7.2: -3',
    ('randomkey', 'tips'): '7.2: response_policy:special',
    ('scan', 'tips'): '7.2: response_policy:special',
    ('sinterstore', 'keys'): '7.2: overwrites its destination',
    ('wait', 'flags'): '7.2: blocking',
    ('wait', 'acl categories'): '7.2: blocking',
    ('zrank', 'arity'): '7.2: WITHSCORE',
    ('zrank', 'history'): '7.2: WITHSCORE',
    ('zrevrank', 'arity'): '7.2: WITHSCORE',
    ('zrevrank', 'history'): '7.2: WITHSCORE',
}


def pairs(flat):
    return dict(zip(flat[::2], flat[1::2]))


def information(reply, found=None):
    """COMMAND's reply as {name: {field: value}}, subcommands as well."""
    found = {} if found is None else found
    for entry in reply:
        fields = dict(zip(INFO_FIELDS, entry))
        for name in ('flags', 'acl categories'):
            fields[name] = sorted(fields[name])
        found[entry[0].decode()] = fields
        information(entry[9], found)
    return found


def documents(reply, found=None):
    """COMMAND DOCS's reply as {name: {field: value}}, subcommands as well."""
    found = {} if found is None else found
    for name, entry in pairs(reply).items():
        fields = pairs(entry)
        found[name.decode()] = {field.decode(): fields.get(field) for field in DOCS_FIELDS}
        documents(fields.get(b'subcommands', []), found)
    return found


def compare(theirs, ours):
    """(fields compared, what is wrong)"""
    compared, wrong = 0, []
    for name, fields in sorted(theirs.items()):
        if name not in ours:
            wrong.append('%s is missing' % name)
            continue
        for field, value in fields.items():
            compared += 1
            differs = ours[name][field] != value
            if differs != ((name, field) in CHANGED):
                wrong.append('%s: %s is %r, redis-server has %r%s' % (
                    name, field, ours[name][field], value, '' if differs else ', a difference was expected'))
    return compared, wrong


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument('--server', default=servers.skua_path())
    path = parser.parse_args().server
    total, wrong = 0, []
    with servers.redis_server() as oracle, servers.Server(path) as server:
        asked = [(one.connect(), read, question) for read, question in
                 ((information, ('COMMAND',)), (documents, ('COMMAND', 'DOCS'))) for one in (oracle, server)]
        answers = [read(connection.call(*question)) for connection, read, question in asked]
        for theirs, ours in (answers[0:2], answers[2:4]):
            compared, differences = compare(theirs, ours)
            total += compared
            wrong += differences
    for line in wrong:
        print(line)
    cases.say_done('rows', total, 0)
    return 1 if wrong else 0


if __name__ == '__main__':
    sys.exit(main())
