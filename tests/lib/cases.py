"""Seeds, numbers of cases and the last line of a suite, as tests/suites asks for them."""
import os
import random


def seed():
    """The seed to use: SKUA_SEED, else a random one. The caller prints it."""
    given = os.environ.get('SKUA_SEED')
    return int(given, 0) if given else random.SystemRandom().getrandbits(32)


def percent():
    return int(os.environ.get('SKUA_CASES_PERCENT', '100'))


def scaled(count):
    """A usual number of cases, as the run scales it; never none."""
    return max(1, count * percent() // 100)


def say_done(suite, cases, seeds):
    print('%s cases=%d seeds=%d' % (suite, cases, seeds), flush=True)
