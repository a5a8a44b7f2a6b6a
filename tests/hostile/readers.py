"""Clients that don't read what they asked for, or go away in the middle of it. Memory has to stay within the limits."""
import threading
import time

from tests.lib import cases

from .support import encode, has_closed, never_reading, reset, send_for

MB = 1 << 20
# What memory may grow by beyond a limit: buffers of sockets' size, the allocator, tables.
SLACK_MB = 24


def fill(control, count=64):
    """`count` values of 1 MB."""
    for number in range(count):
        control.call('SET', 'big%d' % number, b'%c' % (65 + number % 26) * MB)


def one_large_reply(server, checks):
    """A reply over the hard limit ends the connection, and takes no more memory than the limit."""
    control = server.connect()
    fill(control)
    control.call('MGET', 'big0', 'big1')
    before_kb = server.resident_kb()
    clients = [never_reading(server) for _ in range(5)]
    for raw in clients:
        raw.sendall(encode('MGET', *['big%d' % number for number in range(64)]))
    checks.soon(lambda: control.call('CLIENT', 'LIST').count(b' addr=') == 1, 'clients over the hard limit are gone')
    checks.grown_at_most(server, before_kb, 4 * len(clients) + SLACK_MB, 'replies over the hard limit')
    for raw in clients:
        raw.close()
    checks.equal(control.call('GET', 'big3'), b'D' * MB, 'a reply below the limit')
    checks.answers(server)


one_large_reply.options = {'client-output-buffer-limit': ['normal', '4mb', '0', '0']}


def soft_limit(server, checks):
    """A reply over the soft limit that nobody takes for its seconds."""
    control = server.connect()
    fill(control, 8)
    raw = never_reading(server)
    raw.sendall(encode('MGET', *['big%d' % number for number in range(8)]))
    time.sleep(0.3)
    checks.equal(control.call('CLIENT', 'LIST').count(b' addr='), 2, 'clients within the seconds')
    checks.soon(lambda: control.call('CLIENT', 'LIST').count(b' addr=') == 1, 'the client over the soft limit is gone',
                10)
    raw.close()
    checks.answers(server)


soft_limit.options = {'client-output-buffer-limit': ['normal', '0', '1mb', '1']}


def never_reads(server, checks):
    """Requests without end from a client that takes no reply: the server stops reading, or ends it at its limit."""
    control = server.connect()
    fill(control, 4)
    control.call('SET', 'small', 'x' * 1000)
    for request in (('GET', 'small'), ('GET', 'big1'), ('ECHO', 'x' * 1000), ('nosuch', 'x' * 1000), ('MGET', 'small',
                                                                                                      'none')):
        before_kb = server.resident_kb()
        raw = never_reading(server)
        send_for(raw, encode(*request) * 100000, 3)
        checks.grown_at_most(server, before_kb, 8 + SLACK_MB, '%s from a client that never reads' % request[0])
        checks.answers(server)
        reset(raw)
        checks.alone(server, control)


never_reads.options = {'client-output-buffer-limit': ['normal', '8mb', '0', '0']}


def many_never_read(server, checks):
    """Two hundred of them, each within its limit of 256 KB."""
    control = server.connect()
    control.call('SET', 'value', 'x' * 10000)
    before_kb = server.resident_kb()
    clients = [never_reading(server) for _ in range(200)]
    for raw in clients:
        send_for(raw, encode('GET', 'value') * 200, 0.2)
    checks.grown_at_most(server, before_kb, 200 // 4 + SLACK_MB, '200 clients that never read')
    checks.answers(server)
    for raw in clients:
        reset(raw)
    checks.alone(server, control)


many_never_read.options = {'client-output-buffer-limit': ['normal', '256kb', '0', '0']}


def without_a_password(server, checks):
    """Who has not given the password has no use for memory: requests without end, no reply taken."""
    before_kb = server.resident_kb()
    raw = never_reading(server)
    send_for(raw, encode('PING') * 2000000, 4)
    checks.grown_at_most(server, before_kb, SLACK_MB, 'a client without the password that never reads')
    reset(raw)
    control = server.connect()
    checks.equal(control.call('AUTH', 'secret'), b'OK', 'AUTH beside it')


without_a_password.options = {'requirepass': 'secret'}
without_a_password.only_skua = True  # redis-server 7.0 buffers such replies without a limit (CVE-2025-21605)


def deep_pipeline(server, checks):
    """Everything is sent before anything is read; every reply comes, and in order."""
    count = cases.scaled(200000)
    connection = server.connect(seconds_max=60)
    stream = b''.join(encode('ECHO', number) for number in range(count))
    sender = threading.Thread(target=connection.send, args=(stream,))
    sender.start()
    time.sleep(1)
    for number in range(count):
        text = b'%d' % number
        checks.equal(connection.read()[0], b'$%d\r\n%s\r\n' % (len(text), text), 'a reply of a deep pipeline')
    sender.join()
    checks.answers(server)


def goes_in_the_middle(server, checks):
    """Connections that are closed or reset while a large reply is on its way."""
    control = server.connect()
    fill(control, 16)
    before_kb = server.resident_kb()
    for number in range(cases.scaled(400)):
        raw = never_reading(server)
        raw.sendall(encode('GET', 'big%d' % (number % 16)) + encode('MGET', 'big1', 'big2') * (number % 3))
        if number % 4:
            raw.recv(1 << (number % 16))
        if number % 2:
            reset(raw)
        else:
            raw.close()
        if number % 5 == 0:
            control.call('SET', 'big%d' % (number % 16), b'%c' % (65 + number % 16) * MB)
        checks.done += 1
    checks.alone(server, control)
    checks.grown_at_most(server, before_kb, 32 + SLACK_MB, 'replies that nobody took')
    for number in range(16):
        checks.equal(control.call('GET', 'big%d' % number), b'%c' % (65 + number) * MB, 'a value after that')


def slow_reader(server, checks):
    """A client that reads slowly gets everything unharmed while the values are overwritten."""
    control = server.connect()
    control.call('SET', 'value', b'A' * 4 * MB)
    raw = never_reading(server)
    raw.sendall(encode('GET', 'value'))
    wanted = b'$%d\r\n' % (4 * MB) + b'A' * 4 * MB + b'\r\n'
    found = bytearray()
    raw.settimeout(20)
    while len(found) < len(wanted):
        piece = raw.recv(40000)
        if not piece:
            break
        found += piece
        if len(found) % 7 == 0:
            control.call('SETRANGE', 'value', len(found) % MB, 'changed')
            control.call('APPEND', 'value', 'more')
    checks.true(bytes(found) == wanted, 'a slow reader got something else than what was there when it asked')
    checks.true(not has_closed(raw), 'the slow reader was closed')
    raw.close()
    checks.answers(server)


TESTS = (one_large_reply, soft_limit, never_reads, many_never_read, without_a_password, deep_pipeline,
         goes_in_the_middle, slow_reader)
