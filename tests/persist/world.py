"""What a case is given: the server to test, in turns in all its configurations, chance, and how many cases to do."""
import itertools
import os

from tests.lib import cases

from .kinds import CONFIGURATIONS, Kind


# These builds are slow.
SANITIZED = os.path.basename(os.environ.get('SKUA_BUILD', '')) in ('asan', 'tsan')


class World:
    """`done` counts what the cases have done; they add to it."""

    def __init__(self, path, chance):
        self.chance = chance
        kinds = [Kind(path, *configuration) for configuration in CONFIGURATIONS]
        self.on_redis = kinds[0].is_redis
        # Every configuration with every policy.
        self.ways = [(kind, policy) for kind in kinds for policy in kind.policies]
        chance.shuffle(self.ways)
        self.turn = itertools.cycle(self.ways)
        self.done = 0

    def way(self):
        """The next kind of server and policy."""
        return next(self.turn)

    def kind(self):
        return self.way()[0]

    def rounds(self, count):
        """A usual number of rounds, as the run scales it; each counts as a case once it has been done."""
        for number in range(cases.scaled(count)):
            yield number
            self.done += 1


class Skipped(Exception):
    """The case cannot be tried here; says why."""


def only_skua(case):
    """Of what redis-server does not do, or not like that."""
    case.only_skua = True
    return case
