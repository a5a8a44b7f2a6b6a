"""Ports, addresses and time: a port in use, protected mode, the idle timeout, a client that is paused or killed."""
import ctypes
import fcntl
import os
import socket
import struct
import subprocess
import sys
import tempfile
import time

from tests.lib import servers

CLONE_NEWUSER, CLONE_NEWNET = 0x10000000, 0x40000000
SIOCSIFADDR, SIOCSIFFLAGS = 0x8916, 0x8914
IFF_UP = 1
FOREIGN_ADDRESS = '10.111.0.1'
SKIPPED = 77


def port_in_use(server, checks):
    """A second server on the port does not start, says why and names the port; the first is not disturbed."""
    with tempfile.TemporaryDirectory() as folder:
        second = subprocess.run([server.path, '--port', str(server.port), '--bind', '127.0.0.1', '--dir', folder],
                                stdout=subprocess.PIPE, stderr=subprocess.STDOUT, timeout=20)
    checks.true(second.returncode != 0, 'a second server on the port has to fail')
    said = second.stdout.decode(errors='replace')
    checks.true(str(server.port) in said and 'in use' in said.lower(), 'what the second says: %s' % said)
    checks.answers(server)


def idle_timeout(server, checks):
    """Who is silent for `timeout` is closed; who speaks is not."""
    silent, speaking, half = (server.connect() for _ in range(3))
    checks.equal(silent.call('PING'), b'PONG', 'PING')
    half.send(b'*2\r\n$4\r\nPI')
    began = time.monotonic()
    while time.monotonic() - began < 4:
        checks.equal(speaking.call('PING'), b'PONG', 'PING of who speaks')
        time.sleep(0.1)
    checks.equal(checks.closes(silent, 'a silent client'), b'', 'what a silent client is sent')
    checks.equal(checks.closes(half, 'a client in the middle of a request'), b'', 'what it is sent')
    checks.answers(server)


idle_timeout.options = {'timeout': 1}


def enter_own_network():
    """Gives this process a network of its own, whose loopback interface also has an address that is not loopback."""
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.unshare(CLONE_NEWNET if os.geteuid() == 0 else CLONE_NEWUSER | CLONE_NEWNET):
        raise OSError(ctypes.get_errno(), 'unshare')
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as control:
        fcntl.ioctl(control, SIOCSIFFLAGS, struct.pack('16sH14x', b'lo', IFF_UP))
        address = struct.pack('HH4s8x', socket.AF_INET, 0, socket.inet_aton(FOREIGN_ADDRESS))
        fcntl.ioctl(control, SIOCSIFADDR, struct.pack('16s16s', b'lo:1', address))


def ask(address, port, request):
    with socket.create_connection((address, port), timeout=10) as raw:
        raw.sendall(request)
        answer = b''
        try:
            while not answer.endswith(b'\r\n'):
                piece = raw.recv(4096)
                if not piece:
                    break
                answer += piece
        except ConnectionResetError:
            pass
        return answer


def inside_own_network(path):
    """What protected mode has to do; runs as a process of its own, because a network can't be left again."""
    try:
        enter_own_network()
    except OSError as error:
        print('no network of its own to be had: %s' % error)
        return SKIPPED
    wrong = []
    for options, from_here, from_there in (({}, b'+PONG', b'-DENIED'), ({'protected-mode': 'no'}, b'+PONG', b'+PONG'),
                                           ({'requirepass': 'secret'}, b'-NOAUTH', b'-NOAUTH')):
        with servers.Server(path, dict(options, bind='*')) as server:
            for address, wanted in (('127.0.0.1', from_here), (FOREIGN_ADDRESS, from_there)):
                answer = ask(address, server.port, b'PING\r\n')
                if not answer.startswith(wanted):
                    wrong.append('%s, from %s: %r instead of %r' % (options, address, answer, wanted))
    print('\n'.join(wrong))
    return 1 if wrong else 0


def protected_mode(server, checks):
    """Without a password only this machine is served, unless protected mode is off."""
    top = servers.TOP
    done = subprocess.run([
        sys.executable, '-c',
        'import sys; sys.path.insert(0, %r); from tests.hostile import network; '
        'sys.exit(network.inside_own_network(%r))' % (top, server.path)
    ],
                          stdout=subprocess.PIPE,
                          stderr=subprocess.STDOUT,
                          text=True,
                          timeout=60)
    if done.returncode == SKIPPED:
        print('    left out: %s' % done.stdout.strip())
        return
    checks.equal((done.returncode, done.stdout.strip()), (0, ''), 'protected mode')
    checks.done += 5


def killed_while_busy(server, checks):
    """CLIENT KILL of clients that are in the middle of requests and replies."""
    control = server.connect()
    control.call('SET', 'big', b'x' * (1 << 20))
    for round_ in range(30):
        crowd = [server.connect() for _ in range(10)]
        for number, connection in enumerate(crowd):
            connection.send((b'*2\r\n$3\r\nGET\r\n$3\r\nbig\r\n' * (number + 1))[:-(round_ % 9) or None])
        killed = control.call('CLIENT', 'KILL', 'TYPE', 'normal', 'SKIPME', 'yes')
        checks.true(killed <= 10, 'killed %r' % killed)
        for connection in crowd:
            connection.send_end()
            checks.closes(connection, 'a killed client')
            connection.close()
    checks.alone(server, control)
    checks.answers(server)


TESTS = (port_in_use, idle_timeout, protected_mode, killed_while_busy)
