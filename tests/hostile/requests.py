"""Requests that are not what they should be: halves, garbage, huge headers, more than the limits allow."""
import random

from tests.lib import cases

from .support import encode

MB = 1 << 20


def half_sent(server, checks):
    """Beginnings of large requests: what was announced takes no memory before it comes."""
    control = server.connect()
    before_kb = server.resident_kb()
    beginnings = (b'*3\r\n$3\r\nSET\r\n$3\r\nkey\r\n$1000000\r\n' + b'x' * 1000, b'*1000000\r\n',
                  b'*1000000\r\n$4\r\nMGET\r\n$1\r\nk\r\n', b'*3\r\n$3\r\nSET\r\n', b'PING without its end',
                  b'*2\r\n$3\r\nGET\r\n$536870912\r\n', b'*')
    crowd = []
    for number in range(700):
        connection = server.connect()
        connection.send(beginnings[number % len(beginnings)])
        crowd.append(connection)
    checks.answers(server)
    checks.grown_at_most(server, before_kb, 64, '700 halves of requests')
    crowd[0].send(b'y' * 999000 + b'\r\n')
    checks.equal(crowd[0].read()[0], b'+OK\r\n', 'a half that was made whole')
    checks.equal(control.call('GET', 'key'), b'x' * 1000 + b'y' * 999000, 'what it has set')
    for connection in crowd:
        connection.close()
    checks.alone(server, control)
    checks.answers(server)


def garbage(server, checks):
    """Random bytes, and requests with bytes changed, cut out and doubled. The server stays, and so does its data."""
    control = server.connect()
    control.call('SET', 'precious', 'value')
    seed = cases.seed()
    print('    seed %d' % seed)
    chance = random.Random(seed)
    good = encode('SET', 'a', 'b' * 50) + encode('MGET', 'a', 'b', 'c') + encode('INCR', 'n') + b'PING\r\n' + encode(
        'GET', 'a')
    for _ in range(cases.scaled(1500)):
        if chance.random() < 0.3:
            data = bytes(chance.getrandbits(8) for _ in range(chance.randint(1, 5000)))
        else:
            data = bytearray(good * chance.randint(1, 4))
            for _ in range(chance.randint(1, 6)):
                at = chance.randrange(len(data))
                how = chance.randrange(3)
                if how == 0:
                    data[at] = chance.getrandbits(8)
                elif how == 1:
                    del data[at:at + chance.randint(1, 10)]
                else:
                    data[at:at] = data[at:at + chance.randint(1, 20)]
        connection = server.connect()
        connection.send(bytes(data))
        connection.send_end()
        checks.closes(connection, 'garbage and an end')
        connection.close()
    checks.equal(control.call('GET', 'precious'), b'value', 'data beside the garbage')
    checks.alone(server, control)
    checks.answers(server)


def huge_headers(server, checks):
    """Lengths that cannot be and lines that don't end are answered with an error, and the connection is closed."""
    before_kb = server.resident_kb()
    for data, error in ((b'*99999999999\r\n', b'-ERR Protocol error: invalid multibulk length\r\n'),
                        (b'*1\r\n$99999999999\r\n', b'-ERR Protocol error: invalid bulk length\r\n'),
                        (b'*1\r\n$-7\r\n', b'-ERR Protocol error: invalid bulk length\r\n'),
                        (b'*' + b'1' * 70000, b'-ERR Protocol error: too big mbulk count string\r\n'),
                        (b'*1\r\n$' + b'1' * 70000, b'-ERR Protocol error: too big bulk count string\r\n'),
                        (b'x' * 70000, b'-ERR Protocol error: too big inline request\r\n'),
                        (b'*1\r\nPING\r\n', b"-ERR Protocol error: expected '$', got 'P'\r\n")):
        for _ in range(20):
            connection = server.connect()
            connection.send(data)
            checks.equal(connection.read_to_end(), error, 'the answer to %r...' % data[:12])
            connection.close()
    checks.grown_at_most(server, before_kb, 24, 'huge headers')
    checks.answers(server)


def query_buffer_limit(server, checks):
    """A request over client-query-buffer-limit ends the connection without an answer; one below is served."""
    control = server.connect()
    before_kb = server.resident_kb()
    large = encode('ECHO', b'x' * 2 * MB)
    for _ in range(10):
        connection = server.connect()
        connection.send(large)
        checks.equal(checks.closes(connection, 'a request over the limit'), b'',
                     'the answer to a request over the limit')
        connection.close()
    checks.grown_at_most(server, before_kb, 24, 'requests over the limit')
    checks.equal(len(control.call('ECHO', b'x' * 900000)), 900000, 'a request below the limit')
    checks.alone(server, control)
    checks.answers(server)


query_buffer_limit.options = {'client-query-buffer-limit': '1mb'}


def bulk_limit(server, checks):
    """proto-max-bulk-len holds for what is sent, and for what a value may grow to."""
    control = server.connect()
    control.call('SET', 'value', b'x' * MB)
    for words in (('APPEND', 'value', 'y'), ('SETRANGE', 'value', MB, 'y')):
        checks.equal(str(control.call(*words)), 'ERR string exceeds maximum allowed size (proto-max-bulk-len)',
                     '%s over the limit' % words[0])
    checks.equal(control.call('STRLEN', 'value'), MB, 'the value after that')
    connection = server.connect()
    connection.send(b'*3\r\n$3\r\nSET\r\n$1\r\nk\r\n$%d\r\n' % (MB + 1))
    checks.equal(connection.read_to_end(), b'-ERR Protocol error: invalid bulk length\r\n', 'a bulk over the limit')
    checks.answers(server)


bulk_limit.options = {'proto-max-bulk-len': '1mb'}


def unauthenticated(server, checks):
    """Without the password: 10 words, 16 KB a word, and nothing but the greeting."""
    for data, error in ((b'*11\r\n', b'-ERR Protocol error: unauthenticated multibulk length\r\n'),
                        (b'*2\r\n$4\r\nAUTH\r\n$16385\r\n', b'-ERR Protocol error: unauthenticated bulk length\r\n')):
        connection = server.connect()
        connection.send(data)
        checks.equal(connection.read_to_end(), error, 'the answer to %r' % data[:12])
        connection.close()
    connection = server.connect()
    for words in (('GET', 'a'), ('CLIENT', 'LIST'), ('FLUSHALL',), ('KEYS', '*'), ('CONFIG', 'GET', '*'), ('INFO',)):
        checks.equal(str(connection.call(*words)), 'NOAUTH Authentication required.',
                     '%s without the password' % words[0])
    checks.equal(str(connection.call('AUTH', 'wrong')), 'WRONGPASS invalid username-password pair or user is disabled.',
                 'AUTH wrong')
    checks.equal(connection.call('AUTH', 'secret'), b'OK', 'AUTH')
    checks.equal(connection.call('MGET', *range(50)), [None] * 50, 'more than 10 words afterwards')
    connection.close()


unauthenticated.options = {'requirepass': 'secret'}

TESTS = (half_sent, garbage, huge_headers, query_buffer_limit, bulk_limit, unauthenticated)
