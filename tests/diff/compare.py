"""Judges the outcomes of a step on both servers, and the states that a script left behind."""
from tests.lib.resp import CLOSED, SILENT

from . import newer, rules

RAW_SHOWN_MAX = 600
STATE_MS_MAX = rules.MS_MAX


class AskedStep:
    """A step as the comparisons of rules.py see it."""

    def __init__(self, step, script, is_newer):
        self.keys = script.keys
        self.arguments = step.arguments
        self.is_newer = is_newer
        self.asks_for_all = len(step.arguments) == 1 or step.name == 'command|info' and len(step.arguments) == 2

    def flags(self, row, of_old):
        return newer.flags(row, of_old) if self.is_newer else of_old

    def newer_field(self, row, column):
        return self.is_newer and (row, column) in newer.FIELDS


def words_after_row(step):
    return step.arguments[step.name.count('|') + 1:]


def replies(step, script, oracle, other, is_newer):
    """What is wrong with `other`, or None. Both are Outcomes."""
    if is_newer and step.how == 'call' and not any(map(callable, step.arguments)):
        change = newer.find(step.name, words_after_row(step))
        if change:
            wrong = change.wrong(other.raw)
            return wrong and '%s (%s)' % (wrong, change.source)
    if oracle.raw == other.raw:
        return None
    if oracle.value is None or other.value is None or oracle.value.is_error or other.value.is_error:
        return 'different bytes'
    if step.how == 'scan':
        return 'not the same elements'
    rule = rules.RULES.get(step.name)
    if not rule:
        return 'different bytes'
    return rule[0](oracle.value, other.value, AskedStep(step, script, is_newer))


def states(oracle, other):
    """What is wrong with the state of `other`, or None."""
    for place in sorted(oracle.keys() | other.keys()):
        left, right = oracle.get(place), other.get(place)
        if left is None or right is None:
            return 'database %d: key %r is %s' % (*place, 'missing' if right is None else 'there')
        if left[0] != right[0] or left[2] != right[2] or not newer.same_encoding(*left[:2], right[1]):
            return 'database %d: key %r is %s instead of %s' % (*place, show(repr(right[:3]).encode()),
                                                                show(repr(left[:3]).encode()))
        if left[3] != right[3] and (min(left[3], right[3]) < 0 or abs(left[3] - right[3]) > STATE_MS_MAX):
            return 'database %d: key %r has %d ms left instead of %d' % (*place, right[3], left[3])
    return None


def show(raw):
    """A reply for people."""
    if raw in (CLOSED, SILENT):
        return raw.decode()
    text = repr(raw)[1:] if isinstance(raw, bytes) else repr(raw)
    if len(text) > RAW_SHOWN_MAX:
        text = '%s...%s (%d bytes)' % (text[:RAW_SHOWN_MAX], text[-40:], len(raw))
    return text
