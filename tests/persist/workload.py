"""A load of many clients on all topics: begun, ended or broken off by a kill, checked against what a server holds."""
import random
import sys
import threading
import time

from tests.lib.resp import Connection, encode

from . import topics

# Threads that only wait for replies must get their turn at once.
sys.setswitchinterval(0.0005)
FAULTS_SHOWN = 6


class Workload:
    """The load of one server's life. `number` counts the lives of a folder: each has its own keys and databases.
    before: what the server held when it began, which must stay as it is."""
    DATABASES_EACH = 4

    def __init__(self, number, chance, before, only=None):
        """only: these topics in place of all, as functions of the prefix."""
        prefix, first = 'life%d' % number, 1 + number * self.DATABASES_EACH
        self.own = range(first, first + self.DATABASES_EACH)
        self.prefix = prefix.encode() + b':'
        self.before = before
        self.topics = [topic(prefix) for topic in only] if only else self._all_topics(prefix, chance)
        self.wrong = []
        self.replies = 0
        self.over = threading.Event()
        self.threads = [(topic, who, chance.getrandbits(64)) for topic in self.topics for who in range(topic.clients)]

    def _all_topics(self, prefix, chance):
        counters, groups = topics.Counters(prefix), topics.Groups(prefix)
        made = [counters, groups, topics.Readers(prefix, counters, groups), topics.Logs(prefix),
                topics.Registers(prefix), topics.Leases(prefix)]
        return made + [topics.Everything(prefix, (database, database + 1), chance) for database in self.own[::2]]

    def begin(self, port):
        self.threads = [threading.Thread(target=self._work, args=(port,) + how, daemon=True) for how in self.threads]
        for thread in self.threads:
            thread.start()

    def wait_for_replies(self, more):
        """Until so many more replies have come."""
        until, wanted = time.monotonic() + 20, self.replies + more
        while self.replies < wanted and not self.wrong:
            assert time.monotonic() < until, 'no replies'
            time.sleep(0.002)

    def _work(self, port, topic, who, seed):
        chance = random.Random(seed)
        try:
            connection = Connection(port)
            if topic.database:
                connection.call('SELECT', topic.database)
            while not self.over.is_set():
                commands = topic.requests(who, chance)
                connection.send(b''.join(encode(*command) for command in commands))
                if not self._replies(connection, topic, who, commands):
                    return
            connection.close()
        except (ConnectionError, OSError):
            return
        except Exception as error:  # shown by the thread that checks
            self.wrong.append('%s: %s' % (type(topic).__name__, error))
            raise

    def _replies(self, connection, topic, who, commands):
        """False: the connection has ended."""
        for command in commands:
            raw, value = connection.read()
            if value is None:
                if raw == b'(no reply)':
                    self.wrong.append('no reply to %s' % (command,))
                return False
            refused = value.is_error and not isinstance(topic, topics.Everything)
            if refused or not topic.replied(who, command, None if value.is_error else value.plain()):
                self.wrong.append('%s was answered with %s' % (command, value))
            self.replies += 1
        return True

    def join(self):
        """Waits for the clients of a server that is gone."""
        for thread in self.threads:
            thread.join(30)
            assert not thread.is_alive(), 'a client waits for a server that is gone'

    def end(self):
        """Lets every client finish what it has sent."""
        self.over.set()
        self.join()

    def mark(self):
        """What is known to be done at this moment."""
        return [topic.mark() for topic in self.topics]

    def check(self, found, mark=None):
        """Asserts that this can be what a server holds that has all of the mark. Without: a state that existed."""
        wrong = list(self.wrong)
        for number, topic in enumerate(self.topics):
            wrong += topic.faults(found, mark[number] if mark else None)
        wrong += self._strangers(found)
        assert not wrong, '%d faults after %d replies:\n  %s' % (
            len(wrong), self.replies, '\n  '.join(str(fault)[:1000] for fault in wrong[:FAULTS_SHOWN]))

    def _mine(self, database, key):
        return database in self.own or key.startswith(self.prefix)

    def _strangers(self, found):
        """What was there before is there still, unless it has expired."""
        now = time.time() * 1000
        rest = {place: value for place, value in found.items() if not self._mine(*place)}
        for place, value in self.before.items():
            if rest.pop(place, None) != value and not (value[1] != -1 and value[1] <= now and place not in found):
                yield '%s was %s and is %s' % (place, value, found.get(place))
        for place in rest:
            yield '%s has come from nowhere' % (place,)
