"""It is the moment that makes these hard: a clock that was last looked at before a pause, an end of input with answers
under way, a stop while shards are held, a hold that misses a shard."""
import os
import signal
import socket
import time

from tests.lib import cases

from .support import encode, never_reading, send_for


def time_of_arrival(server, checks):
    """A command after a pause sees the time at which it came, not that of the last thing the server did."""
    client = server.connect()
    for number in range(cases.scaled(20)):
        time.sleep(0.09)
        key = 'key%d' % number
        client.call('SET', key, 'value', 'PX', '60')
        checks.equal(client.call('GET', key), b'value', 'a key that lives for 60 ms, at once')


def end_of_input(server, checks):
    """Who has said all and still reads is answered: printf ... | nc."""
    for number in range(cases.scaled(100)):
        raw = socket.create_connection(('127.0.0.1', server.port), timeout=20)
        key = 'end%d' % number
        raw.sendall(encode('SET', key, number) + encode('GET', key) + encode('MGET', key, 'no', 'none', 'nothing'))
        raw.shutdown(socket.SHUT_WR)
        wanted = b'+OK\r\n$%d\r\n%d\r\n' % (len(str(number)), number)
        wanted += b'*4\r\n$%d\r\n%d\r\n' % (len(str(number)), number) + 3 * b'$-1\r\n'
        found = b''
        while True:
            data = raw.recv(1 << 16)
            if not data:
                break
            found += data
        checks.equal(found, wanted, 'answers to a client that has ended its input')
        raw.close()


def without_touch(server, checks):
    """CLIENT NO-TOUCH holds for all keys of its client, and for nobody else."""
    silent, other = server.connect(), server.connect()
    silent.call('CLIENT', 'NO-TOUCH', 'ON')
    keys = ['touch%d' % number for number in range(16)]
    for key in keys:
        other.call('SET', key, 'x')
    time.sleep(2.1)
    silent.send(b''.join(encode('GET', key) for key in keys) + encode('MGET', *keys))
    for _ in range(len(keys) + 1):
        silent.read()
    for key in keys:
        checks.true(int(other.call('OBJECT', 'IDLETIME', key)) >= 1, 'a key that was read without a touch is idle')
    other.send(b''.join(encode('GET', key) for key in keys))
    for _ in keys:
        other.read()
    for key in keys:
        checks.equal(int(other.call('OBJECT', 'IDLETIME', key)), 0, 'idle time of a key that was read')


def words_with_quotes(server, checks):
    """A quoted word of an inline command is a value like any other."""
    client = server.connect()
    client.send(b'SET "number" "5"\r\n')
    client.read()
    checks.equal(client.call('OBJECT', 'ENCODING', 'number'), b'int', 'encoding of a number in quotes')
    client.send(b'MSET ' + b' '.join(b'"k%d" "%d"' % (number, number) for number in range(4000)) + b'\r\n')
    checks.equal(client.read()[0], b'+OK\r\n', 'MSET of many words in quotes')
    checks.equal(client.call('GET', 'k3999'), b'3999', 'the last of them')


def command_without_end(server, checks):
    """Arguments of a command that never ends count towards the limit, also those that are received in place."""
    control = server.connect()
    control.call('CONFIG', 'SET', 'client-query-buffer-limit', '4mb')
    before_kb = server.resident_kb()
    raw = never_reading(server)
    bulk = b'$65536\r\n' + 65536 * b'x' + b'\r\n'
    sent = send_for(raw, b'*1000000\r\n' + 500 * bulk, 5)
    checks.true(sent < 20 << 20, 'the server takes %d bytes of a command that may have 4 MB' % sent)
    checks.grown_at_most(server, before_kb, 20, 'a command without end')
    raw.close()
    checks.answers(server)


command_without_end.only_skua = True


def take_back(server, checks):
    """While all shards are held, commands of one and of several shards queue; all are answered in their order."""
    sleeper, client, other = (server.connect() for _ in range(3))
    began = time.monotonic()
    sleeper.send(encode('DEBUG', 'SLEEP', '0.5'))
    time.sleep(0.1)
    keys = ['back%d' % number for number in range(20)]
    client.send(encode('MSET', *[word for key in keys for word in (key, '1')]) +
                b''.join(encode('INCR', key) for key in keys) + encode('MGET', *keys))
    checks.equal(other.call('PING'), b'PONG', 'PING while all shards are held')
    checks.true(time.monotonic() - began < 0.45, 'PING had to wait')
    checks.equal(client.read()[0], b'+OK\r\n', 'MSET behind the hold')
    checks.true(time.monotonic() - began > 0.45, 'MSET did not wait')
    for _ in keys:
        checks.equal(client.read()[0], b':2\r\n', 'INCR behind MSET')
    checks.equal(client.read()[1].plain(), [b'2'] * len(keys), 'MGET behind INCR')


take_back.options = {'enable-debug-command': 'yes'}
take_back.only_skua = True


def talk_while_held(server, checks):
    """What needs no shard is answered by a worker whose shard another one is using, and does not take it back."""
    holders = [server.connect() for _ in range(4)]
    talkers = [server.connect() for _ in range(16)]
    words = [word for number in range(1000) for word in ('held%d' % number, number)]
    for _ in range(cases.scaled(40)):
        for client in holders:
            client.send(10 * encode('MSET', *words))
        for _ in range(10):
            for client in talkers:
                client.send(encode('PING') + encode('NONE') + encode('ECHO', 'x'))
            for client in talkers:
                checks.equal([client.read()[0] for _ in range(3)][::2], [b'+PONG\r\n', b'$1\r\nx\r\n'], 'PING and ECHO')
        for client in holders:
            checks.equal([client.read()[0] for _ in range(10)], 10 * [b'+OK\r\n'], 'MSET of many keys')
    checks.answers(server)


def stop_while_held(server, checks):
    """SIGTERM with transactions that wait for shards of others, and with a client that never reads: it stops all the
    same, soon."""
    control, sleeper = server.connect(), server.connect()
    control.call('SET', 'big', 8 * (1 << 20) * 'x')
    stuck = never_reading(server)
    stuck.sendall(4 * encode('GET', 'big'))
    waiting = [server.connect() for _ in range(16)]
    sleeper.send(encode('DEBUG', 'SLEEP', '0.4'))
    time.sleep(0.1)
    for number, client in enumerate(waiting):
        client.send(encode('MGET', *['key%d' % (number + key) for key in range(20)]) + encode('GET', 'key%d' % number))
    time.sleep(0.1)
    server.process.send_signal(signal.SIGTERM)
    began = time.monotonic()
    server.process.wait(20)
    checks.equal(os.WEXITSTATUS(server.process.returncode), 0, 'exit code')
    checks.true(time.monotonic() - began < 5, 'the server took %.1f s to stop' % (time.monotonic() - began))
    stuck.close()


stop_while_held.options = {'enable-debug-command': 'yes'}
stop_while_held.only_skua = True

TESTS = (time_of_arrival, end_of_input, without_touch, words_with_quotes, command_without_end, take_back,
         talk_while_held, stop_while_held)
