#!/usr/bin/python3
"""The differential suite: the same generated commands on redis-server and on Skua, replies compared byte by byte.

    tests/diff/run.py [--server PATH] [--threads 1,4] [--backend io_uring,epoll] [--resp 2,3] [--percent N]
                      [--sample N] [--only LABEL] [FAMILY...]

Every combination of threads, backend and protocol is run (a sample by tests/run quick). A difference is printed with
the script that led to it and the line that runs this script again. --server may be another redis-server, which then
has no difference.
"""
import argparse
import os
import sys
import time
from types import SimpleNamespace

sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__)))))

from tests.diff import compare, planted  # noqa: E402
from tests.diff.families import FAMILIES  # noqa: E402
from tests.diff.script import Builder, Script  # noqa: E402
from tests.diff.session import Session  # noqa: E402
from tests.lib import cases, servers  # noqa: E402

CASES_A_ROW = 100
CASES_A_SCRIPT_MAX = 12
SHOWN_A_ROW_MAX = 3
# The configurations of a sample, the first of which says most; in two of them every value occurs.
SAMPLE = ((4, 'io_uring', 3), (1, 'epoll', 2), (4, 'epoll', 2), (1, 'io_uring', 3))
SAMPLE_QUICK = 2


def parse(arguments):
    parser = argparse.ArgumentParser(description=__doc__.split('\n')[0])
    parser.add_argument('--server', default=servers.skua_path(), help='what to compare redis-server with')
    parser.add_argument('--threads', default='1,4')
    parser.add_argument('--backend', default='io_uring,epoll')
    parser.add_argument('--resp', default='2,3')
    parser.add_argument('--percent', type=int, default=cases.percent(), help='of the usual number of cases')
    parser.add_argument('--sample', type=int, choices=(1, 2, 4), help='only so many of the configurations')
    parser.add_argument('--only', help='run one script, named by its label')
    parser.add_argument('families', nargs='*', metavar='FAMILY', help=' '.join(FAMILIES))
    options = parser.parse_args(arguments)
    unknown = set(options.families) - set(FAMILIES)
    if unknown:
        parser.error('no such family: %s' % ' '.join(sorted(unknown)))
    run = os.environ.get('SKUA_RUN')
    if run == 'quick':
        options.sample = options.sample or SAMPLE_QUICK
    elif run == 'long':
        options.sample = None
    return options


def configurations(options):
    """(threads, backend, protocol) of every run."""
    everything = [(int(threads), backend, int(protocol)) for protocol in options.resp.split(',')
                  for threads in options.threads.split(',') for backend in options.backend.split(',')]
    return [one for one in SAMPLE if one in everything][:options.sample] if options.sample else everything


def make_script(seed, label, facts, budget):
    """The script of a label: the same for the same seed, whatever else is run. It makes at most `budget` cases."""
    family, row, number = label.split('/')
    script = Script(label)
    builder = Builder(script, '%d/%s' % (seed, label), SimpleNamespace(number=int(number), **facts))
    if family in ('strings', 'bitmaps', 'hashes', 'lists', 'sets', 'streams', 'zsets', 'geo', 'keys', 'server',
                  'sorting'):
        builder.set_up()
    script.pipelined = builder.chance(0.4)
    wanted = min(budget, builder.rng.randint(1, CASES_A_SCRIPT_MAX))
    while script.cases() < wanted:
        FAMILIES[family].ROWS[row](builder)
    script.pipelined &= all(step.how == 'call' and step.connection == 0 and step.replies == 1
                            and not any(map(callable, step.arguments)) for step in script.steps)
    return script


def all_scripts(seed, options, facts):
    if options.only:
        yield make_script(seed, options.only, facts, CASES_A_SCRIPT_MAX)
        return
    for family in options.families or FAMILIES:
        cases_a_row = getattr(FAMILIES[family], 'CASES_A_ROW', CASES_A_ROW)
        for row in FAMILIES[family].ROWS:
            left, number = max(1, cases_a_row * options.percent // 100), 0
            while left > 0:
                script = make_script(seed, '%s/%s/%d' % (family, row, number), facts, CASES_A_SCRIPT_MAX)
                left -= script.cases()
                number += 1
                yield script


def run_steps(script, sessions, is_newer):
    """Runs the script on both; the first difference as (steps so far, what is wrong, both outcomes) or None."""
    if script.pipelined:
        for session in sessions:
            session.send_all(script.steps)
    for number, step in enumerate(script.steps):
        if not script.pipelined:
            for session in sessions:
                session.send(step)
        oracle, other = (session.receive(step) for session in sessions)
        for left, right in zip(oracle, other):
            wrong = compare.replies(step, script, left, right, is_newer)
            if wrong:
                return script.steps[:number + 1], wrong, left, right
    return None


def run_script(script, sessions, is_newer):
    """Runs one script on both servers; a text about the first difference, or None."""
    for session in sessions:
        session.begin(script)
    found = run_steps(script, sessions, is_newer)
    wrong = None
    if not found:
        wrong = compare.states(*(session.state(script.databases) for session in sessions))
    for session in sessions:
        session.end(script)
    if found:
        steps, wrong, oracle, other = found
        return '%s\n    redis: %s\n    other: %s' % (describe(script, steps, wrong), compare.show(
            oracle.raw), compare.show(other.raw))
    return describe(script, script.steps, 'state: ' + wrong) if wrong else None


def describe(script, steps, wrong):
    lines = ['    %s' % step.show() for step in steps]
    return '%s%s: %s\n%s' % (script.label, ' (in one write)' if script.pipelined else '', wrong, '\n'.join(lines))


def facts_about(oracle, other):
    """What the generators have to know of the servers."""
    types = list(Builder.COLLECTIONS)
    for server in (oracle, other):
        connection = server.connect()
        types = [command for command in types
                 if not isinstance(connection.call(command, command, *Builder.COLLECTIONS[command]), Exception)]
        connection.call('FLUSHALL')
        connection.close()
    connection = oracle.connect()
    commands = sorted(connection.call('COMMAND', 'LIST'))
    connection.close()
    return {'types': types, 'commands': commands}


def is_redis(path):
    return os.path.basename(path).startswith('redis-server')


def start_other(options, threads, backend):
    settings = {'enable-debug-command': 'yes', 'save': ''}
    if is_redis(options.server):
        return servers.redis_server(settings)
    return servers.skua_server(options.server, dict(settings, threads=threads, **{'io-backend': backend}))


class Count:
    """What has been done and found."""

    def __init__(self):
        self.cases = self.failed = 0
        self.by_row = {}             # of this configuration

    def add(self, label, what, again):
        """Shows the first differences of a row; one cause often has many."""
        self.failed += 1
        row = label.rsplit('/', 1)[0]
        self.by_row[row] = self.by_row.get(row, 0) + 1
        if self.by_row[row] <= SHOWN_A_ROW_MAX:
            print('DIFFERENCE %s\n    again: %s' % (what, again), flush=True)

    def end_configuration(self):
        for row, failed in self.by_row.items():
            print('    %4d different: %s' % (failed, row))
        self.by_row = {}


def run_configuration(options, seed, configuration, count):
    threads, backend, protocol = configuration
    began, cases_before, failed_before = time.monotonic(), count.cases, count.failed
    with servers.redis_server({'enable-debug-command': 'yes'}) as oracle, start_other(options, threads,
                                                                                      backend) as other:
        facts = facts_about(oracle, other)
        sessions = [Session(server, protocol) for server in (oracle, other)]
        for script in all_scripts(seed, options, facts):
            count.cases += script.cases()
            again = ('SKUA_SEED=%d tests/diff/run.py --threads %d --backend %s --resp %d --only "%s"'
                     % (seed, threads, backend, protocol, script.label))
            try:
                what = run_script(script, sessions, not is_redis(options.server))
            except (OSError, ValueError, AttributeError, TypeError) as error:
                what = describe(script, script.steps, 'the run broke off: %r' % error)
            if what:
                count.add(script.label, what, again)
                if not other.alive():
                    print('the server has ended:\n%s' % other.log()[-4000:])
                    return
                for session in sessions:
                    session.close()
                sessions = [Session(server, protocol) for server in (oracle, other)]
        for session in sessions:
            session.close()
    print('threads=%d backend=%s resp=%d: %d cases, %d different, %.0f s' %
          (*configuration, count.cases - cases_before, count.failed - failed_before, time.monotonic() - began),
          flush=True)


def main(arguments):
    options = parse(arguments)
    seed = cases.seed()
    print('seed %d' % seed)
    count = Count()
    if not options.only:
        count.failed += planted.check(seed, make_script, facts_about, run_script)
    for configuration in configurations(options):
        run_configuration(options, seed, configuration, count)
        count.end_configuration()
    print('%d different' % count.failed)
    cases.say_done('diff', count.cases, 1)
    return 1 if count.failed else 0


if __name__ == '__main__':
    sys.exit(main(sys.argv[1:]))
