#!/usr/bin/python3
"""Clients that do what they should not, in numbers: memory stays within its limits and the server goes on answering.

    tests/hostile/run.py [--server PATH] [TEST...]

Each test gets a server of its own; tests alternate between the backends and between 1 and 4 threads, and in a long run
take all of them. redis-server can be tested too, except by tests of what it cannot do.
"""
import argparse
import os
import resource
import sys
import time

sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__)))))

from tests.hostile import crowds, moments, network, readers, requests  # noqa: E402
from tests.hostile.support import Checks, Failed  # noqa: E402
from tests.lib import cases, servers  # noqa: E402

TESTS = crowds.TESTS + readers.TESTS + requests.TESTS + network.TESTS + moments.TESTS
CONFIGURATIONS = ((4, 'io_uring'), (1, 'epoll'), (4, 'epoll'), (1, 'io_uring'))


def run_test(path, test, configuration):
    """(checks, failed)"""
    options = {} if path_is_redis(path) else {'threads': configuration[0], 'io-backend': configuration[1]}
    options.update(getattr(test, 'options', {}))
    options.setdefault('save', '')
    checks, began, wrong = Checks(), time.monotonic(), None
    with servers.Server(path, options) as server:
        try:
            test(server, checks)
        except (Failed, OSError, ConnectionError) as error:
            wrong = '%s: %s' % (type(error).__name__, error)
        log = server.log()[-3000:] if wrong and not server.alive() else ''
    if not wrong and server.process.returncode not in (0, -15):
        wrong, log = 'exit code %s' % server.process.returncode, server.last_log[-3000:]
    print('%-4s %-24s threads=%d %-8s %6d checks %5.1f s%s%s'
          % ('FAIL' if wrong else 'ok', test.__name__, *configuration, checks.done, time.monotonic() - began,
             '\n     ' + wrong if wrong else '', '\n' + log if log else ''), flush=True)
    return checks.done, bool(wrong)


def path_is_redis(path):
    return os.path.basename(path).startswith('redis-server')


def main():
    parser = argparse.ArgumentParser(description=__doc__.split('\n')[0])
    parser.add_argument('--server', default=servers.skua_path())
    parser.add_argument('tests', nargs='*', metavar='TEST', help=' '.join(test.__name__ for test in TESTS))
    options = parser.parse_args()
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))

    tests = [test for test in TESTS if not options.tests or test.__name__ in options.tests]
    if path_is_redis(options.server):
        tests = [test for test in tests if not getattr(test, 'only_skua', False)]
    results = []
    for number, test in enumerate(tests):
        all_of_them = os.environ.get('SKUA_RUN') == 'long'
        for configuration in CONFIGURATIONS if all_of_them else [CONFIGURATIONS[number % len(CONFIGURATIONS)]]:
            results.append(run_test(options.server, test, configuration))
    cases.say_done('hostile', sum(done for done, _ in results), 0)
    return 1 if any(failed for _, failed in results) else 0


if __name__ == '__main__':
    sys.exit(main())
