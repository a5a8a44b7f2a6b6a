"""Where two correct servers may answer differently: what is compared instead of bytes, and why.

RULES has a row per command (or subcommand): the comparison and the reason. A comparison is given both replies taken
apart, neither of them an error, and the step, and returns what is wrong or None. Errors are always compared by bytes.
Rows are only consulted when the bytes differ.
"""
import re

from . import newer

# How far clocks and scheduling may drift apart between the two servers running the same step.
SECONDS_MAX = 2
MS_MAX = 2000
# redis-server's clock of accesses is updated now and then only.
IDLE_SECONDS_MAX = 10


def same_kind(oracle, other, step):
    """The same type of reply with anything in it."""
    if oracle.kind != other.kind:
        return 'type %s instead of %s' % (other.kind, oracle.kind)
    if (oracle.data is None) != (other.data is None):
        return 'null and not null'
    return None


def integers(compare):
    """Both are integers, about which compare(oracle's, other's) says what is wrong."""
    def compare_replies(oracle, other, step):
        wrong = same_kind(oracle, other, step)
        if wrong or oracle.kind != ':':
            return wrong or 'not an integer'
        return compare(int(oracle.data), int(other.data))
    return compare_replies


def recent(most):
    """Whatever redis-server says, the other's integer is from 0 to that many."""
    return integers(lambda _, other: None if 0 <= other <= most else '%d is long ago' % other)


def near(most):
    """Integers at most that far apart; negative ones (no key, no expiry) are answers and have to be equal."""
    return integers(lambda oracle, other: None if min(oracle, other) >= 0 and abs(oracle - other) <= most
                    else '%d apart' % abs(oracle - other))


def same_set(oracle, other, step):
    """Arrays with the same elements in any order."""
    wrong = same_kind(oracle, other, step)
    if wrong:
        return wrong
    if sorted(map(repr, oracle.data)) != sorted(map(repr, other.data)):
        return 'not the same elements'
    return None


def same_map(oracle, other, step):
    """Maps with the same pairs in any order."""
    wrong = same_kind(oracle, other, step)
    if wrong:
        return wrong
    mine, theirs = (dict((name.data, repr(value)) for name, value in side.items()) for side in (oracle, other))
    for name in mine.keys() | theirs.keys():
        if mine.get(name) != theirs.get(name):
            return '%r is %s instead of %s' % (name, theirs.get(name), mine.get(name))
    return None


def known_key(oracle, other, step):
    wrong = same_kind(oracle, other, step)
    if not wrong and other.data is not None and other.data not in step.keys:
        wrong = 'a key that was never set'
    return wrong


def page(oracle, other, step):
    """One page of a scan: a cursor below 2^53 and an array; what comes first is the server's affair."""
    wrong = same_kind(oracle, other, step)
    if wrong:
        return wrong
    if len(other.data) != 2 or other.data[0].kind != '$' or other.data[1].kind != '*':
        return 'not a cursor and an array'
    if not re.fullmatch(rb'\d+', other.data[0].data) or int(other.data[0].data) >= 2**53:
        return 'cursor %r' % other.data[0].data
    return None


def scan_page(oracle, other, step):
    """The same with keys that exist."""
    wrong = page(oracle, other, step)
    if wrong:
        return wrong
    if any(element.data not in step.keys for element in other.data[1].data):
        return 'a key that was never set'
    return None


def random_fields(oracle, other, step):
    """HRANDFIELD: as many, and none twice unless the count is negative; which ones is chance."""
    wrong = same_kind(oracle, other, step)
    if wrong or other.kind != '*':
        return wrong
    if len(oracle.data) != len(other.data):
        return '%d instead of %d' % (len(other.data), len(oracle.data))
    pairs = other.data and other.data[0].kind == '*'
    flat = not pairs and len(step.arguments) > 3
    names = [one.data[0].data if pairs else one.data for one in (other.data[::2] if flat else other.data)]
    if not step.arguments[2].startswith(b'-') and len(set(names)) < len(names):
        return 'the same field twice'
    return None


def random_members(oracle, other, step):
    """SRANDMEMBER and SPOP: as many, and none twice unless the count is negative; which ones is chance."""
    wrong = same_kind(oracle, other, step)
    if wrong or not isinstance(other.data, list):
        return wrong
    if len(oracle.data) != len(other.data):
        return '%d instead of %d' % (len(other.data), len(oracle.data))
    if not step.arguments[2].startswith(b'-') and len({one.data for one in other.data}) < len(other.data):
        return 'the same member twice'
    return None


def same_score(oracle, other):
    """Whether two texts are the same double."""
    try:
        return float(oracle) == float(other)
    except ValueError:
        return False


def with_scores(oracle, other, step):
    """The same, but that equal doubles may have different texts."""
    wrong = same_kind(oracle, other, step)
    if wrong:
        return wrong
    if not isinstance(oracle.data, list):
        same = oracle.data == other.data or oracle.kind in '$,' and same_score(oracle.data, other.data)
        return None if same else '%r instead of %r' % (other.data, oracle.data)
    if len(oracle.data) != len(other.data):
        return '%d elements instead of %d' % (len(other.data), len(oracle.data))
    return next(filter(None, (with_scores(*pair, step) for pair in zip(oracle.data, other.data))), None)


def pairs_page(oracle, other, step):
    """The same with names and values."""
    wrong = page(oracle, other, step)
    if not wrong and len(other.data[1].data) % 2:
        wrong = 'a name without a value'
    return wrong


# Names behind which replies about streams tell the time, and those behind which 7.4 counts what 7.0 does not know.
STREAM_TIMES = {b'idle', b'inactive', b'seen-time', b'active-time'}
STREAM_COUNTS = {b'lag', b'entries-read'}


def without_times(data, names):
    """Of nested lists: without the values behind these names, and when what is pending was delivered."""
    if not isinstance(data, list):
        return data
    if len(data) in (3, 4) and isinstance(data[-1], int) and isinstance(data[-2], int):
        data = data[:-2] + data[-1:]
    kept, skips = [], False
    for item in data:
        if not skips and not (isinstance(item, bytes) and item in names):
            kept.append(without_times(item, names))
        skips = not skips and isinstance(item, bytes) and item in names
    return kept


def stream_facts(oracle, other, step):
    names = STREAM_TIMES | (STREAM_COUNTS if step.is_newer else set())
    left, right = (without_times(side.plain(), names) for side in (oracle, other))
    return None if left == right else '%r instead of %r' % (right, left)


def pair_of_time(oracle, other, step):
    """TIME: seconds and microseconds as bulk strings."""
    wrong = same_kind(oracle, other, step)
    if wrong or len(other.data) != 2 or any(part.kind != '$' for part in other.data):
        return wrong or 'not two bulk strings'
    if abs(int(oracle.data[0].data) - int(other.data[0].data)) > SECONDS_MAX or int(other.data[1].data) >= 10**6:
        return 'another time'
    return None


def greeting(oracle, other, step):
    """HELLO: everything but version and id is the same, in the same order."""
    wrong = same_kind(oracle, other, step)
    if wrong:
        return wrong
    mine, theirs = oracle.items(), other.items()
    if [name.data for name, _ in mine] != [name.data for name, _ in theirs]:
        return 'other fields'
    for (name, left), (_, right) in zip(mine, theirs):
        wrong = same_kind(left, right, step)
        if not wrong and name.data not in (b'version', b'id') and left != right:
            wrong = '%r instead of %r' % (right, left)
        if wrong:
            return '%s: %s' % (name.data.decode(), wrong)
    return None


def help_lines(oracle, other, step):
    """HELP: the lines vary with the version; heading and end are fixed."""
    wrong = same_kind(oracle, other, step)
    if wrong:
        return wrong
    if any(line.kind != '+' for line in other.data):
        return 'not simple strings'
    mine, theirs = ([line.data for line in side.data] for side in (oracle, other))
    if mine[0] != theirs[0] or mine[-2:] != theirs[-2:]:
        return 'another heading or end'
    return None


# Fields of CLIENT LIST that the same connections have in common on both servers.
CLIENT_FIELDS_EQUAL = ('name', 'db', 'sub', 'psub', 'ssub', 'multi', 'cmd', 'user', 'redir', 'resp', 'flags')


def client_lines(oracle, other, step):
    """CLIENT LIST and INFO: as many lines, each with all the fields, the same clients in any order."""
    wrong = same_kind(oracle, other, step)
    if wrong:
        return wrong
    sides = []
    for side in (oracle, other):
        text = side.data[4:] if side.kind == '=' else side.data
        sides.append([dict(field.split('=', 1) for field in line.split(' '))
                      for line in text.decode('latin1').split('\n') if line])
    mine, theirs = sides
    if len(mine) != len(theirs):
        return '%d lines instead of %d' % (len(theirs), len(mine))
    for line in theirs:
        missing = [name for name in mine[0] if name not in line]
        if missing:
            return 'fields missing: %s' % ' '.join(missing)
    mine, theirs = (sorted([line[name] for name in CLIENT_FIELDS_EQUAL] for line in side) for side in sides)
    for left, right in zip(mine, theirs):
        if left != right:
            return ' '.join('%s=%s instead of %s' % (name, b, a)
                            for name, a, b in zip(CLIENT_FIELDS_EQUAL, left, right) if a != b)
    return None


# Lines of INFO that redis-server has and another server need not have, and why.
INFO_FIELDS_NOT_NEEDED = {
    r'redis_build_id|gcc_version|atomicvar_api|monotonic_clock|multiplexing_api':
        'how redis-server was built',
    r'allocator_\w+|rss_overhead_\w+|active_defrag_\w+|\w*_active_defrag_time':
        'of jemalloc and its defragmentation',
    r'used_memory_vm_\w+|used_memory_lua\w*|used_memory_scripts\w*|used_memory_functions|number_of_\w+':
        'of scripts, which are not built yet',
    r'current_cow_\w+|current_fork_perc|(rdb|aof)_last_cow_size|latest_fork_usec|total_forks|module_fork_\w+':
        'of fork, which is not used',
    r'io_threaded_\w+|io_threads_active|reply_buffer_\w+|expired_time_cap_reached_count|expire_cycle_cpu_milliseconds':
        'of mechanisms that only redis-server has',
    r'expired_stale_perc':
        'an estimate by sampling, for which an exact index of deadlines has no use',
    r'(mem_)?cluster_\w+|mem_clients_slaves|mem_replication_backlog|mem_total_replication_buffers|slave_\w+':
        'of replication and cluster, which are not built yet',
    r'\w+_children|\w+_main_thread|cmdstat_.*|errorstat_.*|latency_percentiles_.*':
        'of processes; of later sections',
    r'used_memory_dataset\w*|used_memory_overhead|mem_not_counted_for_evict|total_eviction_\w+|current_eviction_\w+':
        'of eviction, which is not built yet',
    r'rdb_\w+|aof_\w+|async_loading|current_save_\w+|dump_payload_sanitizations|migrate_cached_sockets':
        'of persistence and migration, which are not built yet',
    r'tracking_\w+|pubsub\w+|clients_in_timeout_table|evicted_clients|sync_\w+':
        'of later parts',
}
# Counters that equal redis-server's for the same traffic.
INFO_FIELDS_EQUAL = ('redis_mode', 'arch_bits', 'loading', 'role', 'connected_slaves', 'maxmemory', 'maxmemory_policy',
                     'cluster_enabled', 'connected_clients', 'blocked_clients', 'maxclients', 'rejected_connections',
                     'keyspace_hits', 'keyspace_misses', 'expired_keys', 'evicted_keys', 'total_commands_processed',
                     'total_connections_received', 'total_error_replies', 'unexpected_error_replies')


def info_fields(text):
    sections, fields = [], {}
    for line in text.decode('latin1').split('\r\n'):
        if line.startswith('# '):
            sections.append(line)
        elif ':' in line:
            name, value = line.split(':', 1)
            fields[name] = value
    return sections, fields


def info_text(oracle, other, step):
    """INFO: the sections and the fields that mean something here; counters of traffic and keyspace lines are equal."""
    wrong = same_kind(oracle, other, step)
    if wrong:
        return wrong
    texts = [side.data[4:] if side.kind == '=' else side.data for side in (oracle, other)]
    (mine_sections, mine), (their_sections, theirs) = map(info_fields, texts)
    later = ('# Commandstats', '# Errorstats', '# Latencystats')
    missing = [one for one in mine_sections if one not in their_sections and one not in later]
    if missing:
        return 'sections missing: %s' % ', '.join(missing)
    missing = [name for name in mine if name not in theirs
               and not any(re.fullmatch(pattern, name) for pattern in INFO_FIELDS_NOT_NEEDED)]
    if missing:
        return 'fields missing: %s' % ' '.join(missing)
    wrong = ['%s:%s instead of %s' % (name, theirs.get(name), mine[name])
             for name in INFO_FIELDS_EQUAL if name in mine and mine[name] != theirs.get(name)]
    for name in [name for name in mine.keys() | theirs.keys() if re.fullmatch(r'db\d+', name)]:
        counts = [re.sub(r',(avg_ttl|subexpiry)=\d+', '', side.get(name, 'absent')) for side in (mine, theirs)]
        if counts[0] != counts[1]:
            wrong.append('%s:%s instead of %s' % (name, counts[1], counts[0]))
    return '; '.join(wrong) or None


def hex_digest(oracle, other, step):
    """Digests are of the same form; only that of nothing is the same."""
    wrong = same_kind(oracle, other, step)
    if wrong:
        return wrong
    pairs = zip(oracle.data, other.data) if isinstance(oracle.data, list) else [(oracle, other)]
    for left, right in pairs:
        if not re.fullmatch(rb'[0-9a-f]{40}', right.data):
            return 'not 40 hexadecimal digits'
        if (left.data == b'0' * 40) != (right.data == b'0' * 40):
            return 'a digest of nothing beside a digest of something'
    return None


def debug_object(oracle, other, step):
    """DEBUG OBJECT: fields by name, without those about the pieces of lists; addresses, sizes and clocks are each
    server's own, the encoding is not."""
    wrong = same_kind(oracle, other, step)
    if wrong:
        return wrong
    mine, theirs = (dict(re.findall(rb'(\w+):(\S+)', side.data)) for side in (oracle, other))
    missing = [name.decode() for name in mine if name not in theirs and not name.startswith(b'ql_')]
    if missing:
        return 'fields missing: %s' % ' '.join(missing)
    return None if newer.same_encoding_of_any(mine[b'encoding'], theirs[b'encoding']) else 'another encoding'


def encoding(oracle, other, step):
    """OBJECT ENCODING: that of later versions."""
    wrong = same_kind(oracle, other, step)
    if not wrong and not newer.same_encoding_of_any(oracle.data, other.data):
        wrong = 'another encoding'
    return wrong


def command_entry(left, right, step):
    """One row of COMMAND INFO: all but the order of sets, and tips (they speak to proxies of a cluster)."""
    if left.kind != right.kind or (left.data is None) != (right.data is None):
        return 'null and not null'
    if left.data is None:
        return None
    if len(right.data) != len(left.data):
        return '%d elements instead of %d' % (len(right.data), len(left.data))
    row = left.data[0].data
    for number, what in enumerate(('name', 'arity', 'flags', 'first key', 'last key', 'step', 'acl categories', 'tips',
                                   'key specifications', 'subcommands')):
        mine, theirs = left.data[number], right.data[number]
        if mine.kind != theirs.kind:
            return '%s: %s of type %s' % (row.decode(), what, theirs.kind)
        if what in ('flags', 'acl categories'):
            wanted, found = ({one.data for one in side.data} for side in (mine, theirs))
            if what == 'flags':
                wanted = step.flags(row, wanted)
            if wanted != found and not step.newer_field(row, what):
                return '%s: %s %r instead of %r' % (row.decode(), what, sorted(found), sorted(wanted))
        elif what == 'subcommands':
            theirs_by_name = {one.data[0].data: one for one in theirs.data}
            for entry in mine.data:
                if entry.data[0].data not in theirs_by_name:
                    return '%s is missing' % entry.data[0].data.decode()
                wrong = command_entry(entry, theirs_by_name[entry.data[0].data], step)
                if wrong:
                    return wrong
        elif what == 'key specifications':
            wrong = key_specifications(mine, theirs)
            if wrong and not step.newer_field(row, what):
                return '%s: %s' % (row.decode(), wrong)
        elif what != 'tips' and mine != theirs and not step.newer_field(row, what):
            return '%s: %s is %r instead of %r' % (row.decode(), what, theirs, mine)
    return None


def key_specifications(mine, theirs):
    """The same apart from the order of flags and the notes, which are prose."""
    def tidy(specification):
        fields = {name.data: value for name, value in specification.items() if name.data != b'notes'}
        fields[b'flags'] = sorted(flag.data.upper() for flag in fields[b'flags'].data)
        return fields
    if [tidy(one) for one in mine.data] != [tidy(one) for one in theirs.data]:
        return 'key specifications %r instead of %r' % (theirs, mine)
    return None


def command_entries(oracle, other, step):
    wrong = same_kind(oracle, other, step)
    if wrong:
        return wrong
    if step.asks_for_all:
        theirs = {entry.data[0].data: entry for entry in other.data}
        pairs = [(entry, theirs.get(entry.data[0].data)) for entry in oracle.data]
    else:
        if len(oracle.data) != len(other.data):
            return '%d rows instead of %d' % (len(other.data), len(oracle.data))
        pairs = zip(oracle.data, other.data)
    for left, right in pairs:
        if right is None:
            return '%s is missing' % left.data[0].data.decode()
        wrong = command_entry(left, right, step)
        if wrong:
            return wrong
    return None


def command_docs(oracle, other, step):
    """COMMAND DOCS: since and group are facts; the prose of summary and complexity changed between versions."""
    wrong = same_kind(oracle, other, step)
    if wrong:
        return wrong
    mine, theirs = (dict((name.data, dict((field.data, value) for field, value in value.items()))
                         for name, value in side.items()) for side in (oracle, other))
    for name, fields in mine.items():
        if name not in theirs:
            return '%s is missing' % name.decode()
        for field in (b'summary', b'since', b'group', b'complexity'):
            if field in fields and field not in theirs[name]:
                return '%s: no %s' % (name.decode(), field.decode())
        for field in (b'since', b'group'):
            if fields.get(field) != theirs[name].get(field) and not step.newer_field(name, field.decode()):
                return '%s: %s is %r instead of %r' % (name.decode(), field.decode(), theirs[name].get(field),
                                                       fields.get(field))
    return None


def at_least(oracle, other, step):
    wrong = same_kind(oracle, other, step)
    return wrong or (None if int(other.data) >= int(oracle.data) else 'fewer')


def superset(oracle, other, step):
    """Everything redis-server has; there may be more, because versions after 7.0 brought more."""
    wrong = same_kind(oracle, other, step)
    if wrong:
        return wrong
    missing = {one.data for one in oracle.data} - {one.data for one in other.data}
    return 'missing: %s' % b' '.join(sorted(missing)).decode() if missing else None


def scanned(oracle, other, step):
    """A whole iteration is made into sorted text by the session; equal or not."""
    return 'not the same elements'


# row: (comparison, reason)
RULES = {
    'ttl': (near(SECONDS_MAX), 'the clock goes on between the two servers'),
    'pttl': (near(MS_MAX), 'the clock goes on between the two servers'),
    'expiretime': (near(SECONDS_MAX), 'a relative expiry begins when the command runs'),
    'pexpiretime': (near(MS_MAX), 'a relative expiry begins when the command runs'),
    'time': (pair_of_time, 'the clock goes on between the two servers'),
    'keys': (same_set, 'tables have no common order'),
    'scan': (scan_page, 'tables have no common order; a cursor means something to its server only'),
    'randomkey': (known_key, 'random'),
    'hscan': (pairs_page, 'tables have no common order; a cursor means something to its server only'),
    'hgetall': (same_map, 'tables have no common order'),
    'hkeys': (same_set, 'tables have no common order'),
    'hvals': (same_set, 'tables have no common order'),
    'hrandfield': (random_fields, 'random'),
    **dict.fromkeys(('smembers', 'sinter', 'sunion', 'sdiff'), (same_set, 'tables have no common order')),
    **dict.fromkeys(('srandmember', 'spop'), (random_members, 'random')),
    'sscan': (page, 'tables have no common order; a cursor means something to its server only'),
    **dict.fromkeys(('xpending', 'xinfo|stream', 'xinfo|groups', 'xinfo|consumers'),
                    (stream_facts, 'the clock goes on between the two servers; 7.2 tells more about consumers, and 7.4 '
                                   'knows the lag of more groups')),
    'zrandmember': (random_fields, 'random'),
    'zscan': (pairs_page, 'tables have no common order; a cursor means something to its server only'),
    **dict.fromkeys(('zadd', 'zdiff', 'zincrby', 'zinter', 'zmpop', 'zmscore', 'zpopmax', 'zpopmin', 'zrange',
                     'zrangebyscore', 'zrevrange', 'zrevrangebyscore', 'zscore', 'zunion'),
                    (with_scores, 'Redis 7.2 writes doubles with as few digits as tell them apart, 7.0 with 17')),
    'hello': (greeting, 'version and connection id'),
    'client|id': (same_kind, 'ids count what the server has seen'),
    'client|list': (client_lines, 'ids, addresses, descriptors, ages and memory'),
    'client|info': (client_lines, 'ids, addresses, descriptors, ages and memory'),
    'client|help': (help_lines, 'each version has other subcommands'),
    'object|encoding': (encoding, 'small lists and sets have others since 7.2'),
    'object|help': (help_lines, 'each version has other subcommands'),
    'config|help': (help_lines, 'each version has other subcommands'),
    'command|help': (help_lines, 'each version has other subcommands'),
    'debug|help': (help_lines, 'each version has other subcommands'),
    'object|idletime': (recent(IDLE_SECONDS_MAX),
                        'seconds since the last use, which no script leaves long ago; small integers that redis-server '
                        'shares have the clock of its start'),
    'debug|object': (debug_object, 'addresses, sizes and clocks'),
    'debug|digest': (hex_digest, 'a digest is compared with those of its own server only'),
    'debug|digest-value': (hex_digest, 'a digest is compared with those of its own server only'),
    'config|get': (same_map, 'redis-server answers in the order of its hash table'),
    'info': (info_text, 'process, time, memory; fields of mechanisms that only one of them has'),
    'command': (command_entries, 'order of rows and flags; later versions have more'),
    'command|info': (command_entries, 'order of rows and flags; later versions have more'),
    'command|docs': (command_docs, 'prose changed; later versions have more'),
    'command|count': (at_least, 'later versions have more'),
    'command|list': (superset, 'later versions have more'),
}
