"""Bytes that are not, or not at once, a request: errors of the protocol, inline commands, pieces at every boundary.

Each case is a connection of its own. All that the server sends until it closes is the reply; so what is compared is
also whether replies to requests before an error still come, and that nothing comes after it.
"""
from tests.lib.resp import encode

STREAM = encode('SET', 'a', 'value') + encode('GET', 'a') + b'PING inline\r\n' + encode('MGET', 'a', 'none') + encode(
    'nosuch', '1')
MARKER = encode('PING', 'a marker')
LAST = encode('ECHO', 'the last reply')
LAST_REPLY = b'the last reply\r\n'


def boundaries(g):
    """Two pieces, at every place of a stream of requests."""
    done = sum(step.how == 'raw' for step in g.script.steps)
    at = (g.facts.number * 7 + done) % (len(STREAM) - 1) + 1
    g.raw(STREAM[:at], STREAM[at:])


def pieces(g):
    """Many pieces of random length, also of large requests."""
    stream = STREAM + encode('SET', 'b', g.big_value()) + encode('STRLEN', 'b') + encode('GET', 'b') + STREAM
    cuts = sorted(g.rng.randint(1, len(stream) - 1) for _ in range(g.rng.randint(1, 12)))
    g.raw(*[stream[begin:end] for begin, end in zip([0] + cuts, cuts + [len(stream)]) if begin < end],
          LAST,
          until=LAST_REPLY)


def byte_by_byte(g):
    stream = g.one((STREAM[:60], encode('ECHO', 'x\r\ny') + b'  PING \r\n', b'\r\n\r\n*0\r\n' + MARKER,
                    encode('MGET', *'abcdef')))
    g.raw(*[stream[at:at + 1] for at in range(len(stream))])


LENGTHS = (b'abc', b'', b'-1', b'-2', b'-100', b'0', b'+1', b'01', b'1 ', b' 1', b'1.5', b'0x1', b'2147483648',
           b'9223372036854775807', b'9223372036854775808', b'99999999999999999999', b'1\n', b'-', b'--1', b'1a',
           b'1048577', b'\xff')


def multibulk_length(g):
    g.raw(MARKER + b'*' + g.one(LENGTHS) + b'\r\n' + MARKER)


def bulk_length(g):
    g.raw(MARKER + b'*2\r\n$4\r\nECHO\r\n$' + g.one(LENGTHS + (b'536870913', b'536870912', b'5', b'3')) +
          b'\r\nabcd\r\n' + MARKER)


def no_dollar(g):
    g.raw(MARKER + b'*2\r\n' +
          g.one((b'x4\r\nECHO\r\n', b'$4\r\nECHO\r\n:3\r\n', b'*1\r\n$4\r\nPING\r\n', b'PING\r\n', b'\r\n', b'\x00\r\n',
                 b'$4\r\nECHO\r\n\xff3\r\nabc\r\n', b'+4\r\nECHO\r\n', b'\'\r\n')) + MARKER)


def too_long_lines(g):
    """Lines without an end, up to 64 KB and beyond."""
    size = g.one((65000, 66000, 70000))
    begin = g.one((b'', b'*', b'*1\r\n$', b'PING ', b'*3\r\n$3\r\nSET\r\n$'))
    # Whether a line that is too long, but whole, is seen in time depends on how the network cuts it.
    end = g.one((b'', b'\r\n')) if size == 65000 else b''
    g.raw(MARKER, begin + b'1' * size + end)


INLINE = (b'PING', b'ping', b'  PING  ', b'PING hello', b'PING "hello world"', b'PING \'single quoted\'',
          b'ECHO "\\x41\\n\\t\\"\\\\"', b'ECHO \'a\\\'b\'', b'ECHO "unbalanced', b'ECHO \'unbalanced', b'ECHO "a"b',
          b'ECHO \'a\'b', b'ECHO ""', b'ECHO \'\'', b'SET a 1', b'GET a', b'', b' ', b'\t', b'PING\tx', b'ECHO a\x00b',
          b'\x00', b'ECHO \xff\xfe', b'nosuch command', b'ECHO "\\xzz"', b'ECHO "\\x4"', b'ECHO a"b"',
          b'ECHO "\\a\\b\\r"', b'"PING"', b'\'ping\' x', b'ECHO x y', b'$4', b'+OK', b'-1', b':1', b'GET / HTTP/1.1',
          b'ECHO "\r"', b'QUIT', b'SELECT 1', b'PING ' + b'x' * 20000)


def inline(g):
    end = g.one((b'\r\n', b'\n'))
    g.raw(end.join(g.one(INLINE) for _ in range(g.rng.randint(1, 5))) + end + b'PING last\r\n')


def http(g):
    """Requests of browsers, which redis-server takes for an attack. What was asked before may go unanswered."""
    request = g.one((b'POST / HTTP/1.1\r\nHost: x\r\n\r\n', b'Host: x\r\n', b'host: x\r\n', b'post /\r\n',
                     b'POST\r\n', encode('POST', '/'), encode('host:', 'x')))
    g.raw(request + MARKER)


def empty(g):
    g.raw(b''.join(
        g.one((b'*0\r\n', b'*-1\r\n', b'\r\n', b'\n', b'*-10\r\n', encode(''), encode('', 'x'), MARKER))
        for _ in range(g.rng.randint(1, 6))) + MARKER)


def trailing(g):
    """The two bytes behind a bulk are skipped, whatever they are."""
    g.raw(MARKER + b'*2\r\n$4\r\nECHO' + g.one((b'\r\n', b'xx', b'\n\n')) + b'$3\r\nabc' +
          g.one((b'\r\n', b'$$', b'\x00\x00')) + MARKER)


def unfinished(g):
    stream = MARKER + STREAM
    g.raw(stream[:g.rng.randint(1, len(stream))])


def garbage(g):
    """Bytes that cannot be taken for a command that does something."""
    data = bytes(g.rng.getrandbits(8) for _ in range(g.rng.randint(1, 300)))
    g.raw(MARKER + g.one((b'', b'*3\r\n', b'*1\r\n$5\r\n')) + data + g.one((b'', b'\r\n')))


def errors_in_pipeline(g):
    """Good and bad requests mixed; each has its own answer, in order."""
    requests = [
        g.one((encode('SET', g.key(), g.value()), encode('GET', g.key()), encode('GET'), encode('nosuch', 'x'),
               encode('INCR', g.key()), encode('MGET', *g.keys()), encode('SET', 'a', 'b', 'junk'),
               encode('DEL', *g.keys(3)), encode('PING'), b'PING\r\n', encode('EXPIRE', g.key(), 'abc'),
               encode('CLIENT', 'nosuch'), encode('MSET', 'a'), encode('RENAME', 'none', 'b'), encode('SELECT', '99'),
               encode('ECHO', g.big_value()), encode('STRLEN', g.key()), encode('MSET', 'a', '1', 'b', '2'),
               encode('RENAME', 'a', 'b'), encode('COPY', 'b', 'a',
                                                  'REPLACE'), encode('GETDEL', g.key()), encode('EXISTS', *g.keys())))
        for _ in range(g.rng.randint(5, 60))
    ]
    if g.chance(0.3):
        # What is not read yet when the connection is closed resets it, and takes replies with it that are on their way:
        # redis-server reads 16 KB at a time.
        while sum(len(request) for request in requests) > 8000:
            requests.remove(max(requests, key=len))
        requests.insert(g.rng.randint(0, len(requests)),
                        g.one((b'*x\r\n', b'*1\r\n$x\r\n', encode('QUIT'), b'*1\r\nx\r\n')))
    g.raw(b''.join(requests) + LAST, until=LAST_REPLY)


def unauthenticated(g):
    """Before a password has been given the limits are 10 words of 16 KB."""
    g.do(b'CONFIG', b'SET', b'requirepass', b'secret')
    g.finally_do('CONFIG', 'SET', 'requirepass', '')
    g.raw(
        g.one((b'*10\r\n', b'*11\r\n', b'*1000\r\n', b'*2\r\n$4\r\nAUTH\r\n$16385\r\n',
               b'*2\r\n$4\r\nAUTH\r\n$16384\r\n' + b'x' * 16384 + b'\r\n', b'*2\r\n$20000\r\n', encode('PING'),
               encode('AUTH', 'wrong') + MARKER, encode('AUTH', 'secret') + MARKER,
               encode('AUTH', 'secret') + encode('MGET', *range(20)), b'PING\r\n', b'AUTH secret\r\nPING\r\n',
               encode('GET', 'a') + encode('QUIT'), encode('nosuch') + encode('RESET') + MARKER)))
    g.do(b'CONFIG', b'SET', b'requirepass', b'')


def deep(g):
    """Many requests at once, with large replies among them."""
    count = g.rng.randint(100, 1500)
    stream = encode('SET', 'a', g.big_value()) + encode('SET', 'b', '0')
    g.raw(stream + b''.join(
        g.one((encode('INCR', 'b'), encode('GET', 'a') if number % 50 == 0 else encode('GET', 'b'), encode('PING')))
        for number in range(count)) + LAST,
          until=LAST_REPLY)


ROWS = {
    'boundaries': boundaries,
    'pieces': pieces,
    'byte-by-byte': byte_by_byte,
    'multibulk-length': multibulk_length,
    'bulk-length': bulk_length,
    'no-dollar': no_dollar,
    'too-long-lines': too_long_lines,
    'inline': inline,
    'http': http,
    'empty': empty,
    'trailing': trailing,
    'unfinished': unfinished,
    'garbage': garbage,
    'errors-in-pipeline': errors_in_pipeline,
    'unauthenticated': unauthenticated,
    'deep': deep,
}
