"""SHUTDOWN and signals: what stops the server, what does not, and that nobody can hold it up."""
import signal
import time

from tests.lib.resp import CLOSED, encode
from tests.server.client_test import as_redis

STOP_SECONDS = 5


def ends(server):
    return server.process.wait(STOP_SECONDS) == 0


def test_nosave_ends_without_a_reply(start):
    with start() as server:
        one = server.connect()
        one.send(encode('SET', 'k', 'v') + encode('SHUTDOWN', 'NOSAVE') + encode('PING'))
        assert one.read()[0] == b'+OK\r\n' and one.read()[0] == CLOSED
        assert ends(server)


@as_redis
def test_words_that_do_not_go_together(start):
    with start() as server:
        one = server.connect()
        for words in (('junk',), ('SAVE', 'NOSAVE'), ('ABORT', 'NOW')):
            assert str(one.call('SHUTDOWN', *words)) == 'ERR syntax error'
        assert str(one.call('SHUTDOWN', 'ABORT')) == 'ERR No shutdown in progress.'
        assert one.call('PING') == b'PONG'


def test_save_is_refused_but_by_force(start):
    with start() as server:
        one = server.connect()
        assert "can't save" in str(one.call('SHUTDOWN', 'SAVE'))
        assert one.call('PING') == b'PONG'
        one.send(encode('SHUTDOWN', 'SAVE', 'FORCE'))
        assert ends(server) and 'Stopping without saving' in server.log()


def test_signals_do_what_the_options_say(start):
    with start(shutdown_on_sigint='save') as server:
        server.process.send_signal(signal.SIGINT)
        time.sleep(0.3)
        assert server.connect().call('PING') == b'PONG'
        server.process.send_signal(signal.SIGTERM)
        assert ends(server) and 'Stopping without saving' in server.log()


def test_clients_that_do_not_read_or_are_paused(start):
    with start() as server:
        deaf, paused = server.connect(), server.connect()
        deaf.call('SETRANGE', 'k', 8000000, 'x')
        deaf.send(encode('GET', 'k') * 8)
        paused.send(encode('CLIENT', 'PAUSE', 60000) + encode('PING'))
        time.sleep(0.3)
        server.process.send_signal(signal.SIGTERM)
        assert ends(server)


def test_a_signal_that_means_nothing(start):
    with start() as server:
        server.process.send_signal(signal.SIGUSR2)
        time.sleep(0.2)
        assert server.connect().call('PING') == b'PONG'
        server.process.send_signal(signal.SIGTERM)
        assert ends(server)
