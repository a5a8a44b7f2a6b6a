"""Shows that the suite can fail: two redis-servers, of which one's session falsifies a reply or changes data.

Each falsification has to be noticed in every script in which it took place. A suite that compares with rules must show
that the rules do not let everything through.
"""
from tests.lib import resp, servers

from .session import Outcome, Session

SCRIPTS_EACH = 40


class FalseReplies(Session):
    """Falsifies one reply of a script, as `falsify` says; it returns None for replies it can do nothing with."""
    falsify = None
    done = False

    def begin(self, script):
        self.done = False
        super().begin(script)

    def read(self, step, connection):
        outcome = super().read(step, connection)
        if not self.done and outcome.value is not None:
            raw = type(self).falsify(outcome.raw, outcome.value)
            if raw is not None:
                self.done = True
                return Outcome(raw, resp.take_apart(raw))
        return outcome


class FalseData(Session):
    """Does something that was not asked for, after the last step."""
    done = True

    def state(self, databases):
        self.control.call('SET', 'key:1', 'planted')
        return super().state(databases)


class FalseTime(Session):
    """Makes keys live longer than they were told to."""
    done = True

    def state(self, databases):
        self.control.call('SET', 'key:1', 'x', 'PX', '9000')
        return super().state(databases)


def another_byte(raw, value):
    if value.kind in '$+-' and value.data:
        return raw[:-3] + bytes([raw[-3] ^ 1]) + raw[-2:]
    return None


def another_number(raw, value):
    return b':%d\r\n' % (int(value.data) + 10) if value.kind == ':' else None


def another_type(raw, value):
    return b'$2\r\nOK\r\n' if raw == b'+OK\r\n' else None


def another_null(raw, value):
    return b'*-1\r\n' if raw == b'$-1\r\n' else b'$-1\r\n' if raw == b'_\r\n' else None


def null_for_empty(raw, value):
    return b'$-1\r\n' if raw == b'$0\r\n\r\n' else None


def one_missing(raw, value):
    if value.kind != '*' or not value.data or any(isinstance(one.data, list) or one.kind != '$' or one.data is None
                                                  for one in value.data):
        return None
    kept = value.data[:-1]
    return b'*%d\r\n' % len(kept) + b''.join(b'$%d\r\n%s\r\n' % (len(one.data), one.data) for one in kept)


# (what, how, label of the scripts in which it is looked for)
PLANTED = (
    ('another byte', another_byte, 'strings/get'), ('another number', another_number, 'strings/strlen'),
    ('another error', another_byte, 'server/unknown'), ('a time 10 s off', another_number, 'keys/ttl'),
    ('another type', another_type, 'strings/set'), ('another null', another_null, 'strings/getdel'),
    ('null for empty', null_for_empty, 'strings/substr'), ('a key missing', one_missing, 'keys/keys'),
    ('an option changed', another_byte, 'server/object|encoding'),
)


def session_class(how):
    return type('Planted', (FalseReplies,), {'falsify': staticmethod(how)})


def check(seed, make_script, facts_about, run_script):
    """Returns how many falsifications were not noticed; prints them."""
    plans = [(what, session_class(how), label) for what, how, label in PLANTED]
    plans += [('data changed', FalseData, 'strings/getrange'), ('a time to live changed', FalseTime, 'keys/pttl')]
    missed = noticed = 0
    with servers.redis_server() as oracle, servers.redis_server() as other:
        facts = facts_about(oracle, other)
        for what, session, label in plans:
            found = 0
            for number in range(SCRIPTS_EACH):
                sessions = [Session(oracle, 2), session(other, 2)]
                script = make_script(seed, '%s/%d' % (label, number), facts, 12)
                difference = run_script(script, sessions, False)
                for one in sessions:
                    one.close()
                if sessions[1].done and not difference:
                    missed += 1
                    print('NOT NOTICED %s: %s' % (what, script.label))
                found += bool(difference)
            if not found:
                missed += 1
                print('NOT NOTICED %s: it never took place in %d scripts of %s' % (what, SCRIPTS_EACH, label))
            noticed += found
    print('planted differences: %d noticed, %d missed' % (noticed, missed), flush=True)
    return missed
