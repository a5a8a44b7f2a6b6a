#!/usr/bin/python3
"""Runs the cases of the modules below: functions called test_*, given a way to start servers.

    tests/server/run.py [NAME...]

A case runs in all configurations, and on redis-server where it holds for that too; in a quick run in one, the next case
in the next.
"""
import os
import sys
import traceback

sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__)))))

from tests.lib import cases, servers  # noqa: E402
from tests.server import (client_test, config_test, loading_test, pipeline_test,  # noqa: E402
                          sandbox_test, shutdown_test)

CONFIGURATIONS = ((4, 'io_uring'), (1, 'epoll'), (4, 'epoll'), (1, 'io_uring'))


def start_skua(threads, backend):
    def start(file=None, prepare=None, **options):
        return servers.skua_server(options=dict({'threads': threads, 'io-backend': backend}, **spelled(options)),
                                   file=file, prepare=prepare)
    return start


def start_redis(file=None, **options):
    return servers.redis_server(spelled(options), file=file)


def spelled(options):
    return {name.replace('_', '-'): value for name, value in options.items()}


def run_one(case, label, start):
    """A server has to end well, too: that is where sanitizers tell what they found."""
    started = []

    def start_and_keep(**options):
        started.append(start(**options))
        return started[-1]

    try:
        case(start_and_keep)
        for server in started:
            assert server.process.returncode == 0, server.last_log[-4000:]
        return 0
    except Exception:  # a failed case must not keep the others from running
        print('FAILED %s on %s\n%s' % (case.__name__, label, traceback.format_exc()), flush=True)
        return 1


def main(names):
    found = [value for module in (client_test, config_test, loading_test, pipeline_test, sandbox_test, shutdown_test)
             for name, value in sorted(vars(module).items()) if name.startswith('test_')]
    found = [case for case in found if not names or case.__name__ in names]
    if os.path.basename(os.environ.get('SKUA_BUILD', '')) in ('asan', 'tsan'):
        found = [case for case in found if not getattr(case, 'in_release', False)]
    starts = [('%d threads, %s' % one, start_skua(*one)) for one in CONFIGURATIONS]
    failed = done = 0
    for number, case in enumerate(found):
        on = starts + ([('redis-server', start_redis)] if getattr(case, 'as_redis', False) else [])
        if os.environ.get('SKUA_RUN') == 'quick':
            on = [starts[number % len(starts)]]
        for label, start in on:
            failed += run_one(case, label, start)
            done += 1
    print('%d failed' % failed)
    cases.say_done('server', done, 0)
    return 1 if failed else 0


if __name__ == '__main__':
    sys.exit(main(sys.argv[1:]))
