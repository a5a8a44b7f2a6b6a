#!/usr/bin/python3
"""The append-only file from outside: servers are killed, disks fill up, files are cut, redis-server takes over.

    tests/persist/run.py [--server PATH] [CASE...]

Cases are functions that are given a World (world.py) and take all configurations in turn. redis-server can be tested
too, but for what it cannot do; and after all others the case `planted` shows that the suite can fail.
"""
import argparse
import os
import random
import sys
import time
import traceback

sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__)))))

from tests.lib import cases, servers  # noqa: E402
from tests.persist import copies, cuts, faults, lives, loading, planted, starts, switches, tools, types  # noqa: E402
from tests.persist.world import Skipped, World  # noqa: E402

CASES = lives.CASES + copies.CASES + cuts.CASES + switches.CASES + loading.CASES + starts.CASES + faults.CASES + \
    types.CASES + tools.CASES + planted.CASES


def run_one(case, path, seed):
    """(cases done, failed). Every case has chance from the same seed: it can be repeated alone."""
    world, began, wrong = World(path, random.Random(seed)), time.monotonic(), ''
    try:
        case(world)
    except Skipped as why:
        print('-    %-28s skipped: %s' % (case.__name__, why), flush=True)
        return 0, False
    except Exception:  # a failed case must not keep the others from running
        wrong = '\n' + traceback.format_exc()
    print('%-4s %-28s %6d cases %6.1f s%s' % ('FAIL' if wrong else 'ok', case.__name__, world.done,
                                              time.monotonic() - began, wrong), flush=True)
    return world.done, bool(wrong)


def main():
    parser = argparse.ArgumentParser(description=__doc__.split('\n')[0])
    parser.add_argument('--server', default=servers.skua_path())
    parser.add_argument('cases', nargs='*', metavar='CASE', help=' '.join(case.__name__ for case in CASES))
    options = parser.parse_args()
    seed = cases.seed()
    print('seed %d' % seed, flush=True)

    chosen = [case for case in CASES if not options.cases or case.__name__ in options.cases]
    if World(options.server, random.Random(0)).on_redis:
        chosen = [case for case in chosen if not getattr(case, 'only_skua', False)]
    results = [run_one(case, options.server, seed) for case in chosen]
    failed = sum(failed for _, failed in results)
    print('%d failed' % failed)
    cases.say_done('persist', sum(done for done, _ in results), 1)
    return 1 if failed else 0


if __name__ == '__main__':
    sys.exit(main())
