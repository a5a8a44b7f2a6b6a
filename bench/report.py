"""Rows of results: as a table for people, as JSON, and as a plot."""
import json
import os
import subprocess
import time
from dataclasses import asdict, dataclass
from typing import Optional

TOP = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
RESULTS = os.path.join(TOP, 'bench', 'results')


@dataclass
class Row:
    """One thing measured on one or more servers: {name: value}, the one that matters first, its rival second.

    What is held against the limit is the first's ratio to the second or, if `of_ratio` is false, its own value.
    """
    section: str
    name: str
    unit: str
    values: dict
    at_most: Optional[float] = None
    at_least: Optional[float] = None
    of_ratio: bool = True

    @property
    def own(self):
        return next(iter(self.values.values()))

    @property
    def ratio(self):
        rivals = list(self.values.values())[1:]
        return self.own / rivals[0] if rivals and rivals[0] else None

    @property
    def met(self):
        """Whether the limit is kept; None without a limit."""
        value = self.ratio if self.of_ratio else self.own
        if value is None or (self.at_most is None and self.at_least is None):
            return None
        return (self.at_most is None or value <= self.at_most) and (self.at_least is None or value >= self.at_least)


def _limit(row):
    unit = '' if row.of_ratio else ' ' + row.unit
    if row.at_most is not None:
        return 'at most %g%s' % (row.at_most, unit)
    return 'at least %g%s' % (row.at_least, unit) if row.at_least is not None else ''


def _number(value):
    return '%.0f' % value if value >= 1000 else '%.3g' % value if value < 10 else '%.1f' % value


def print_table(rows):
    section = None
    for row in rows:
        if row.section != section:
            section = row.section
            heads = list(row.values)
            print('\n%-40s %s   ratio' % (section, ' '.join('%10s' % head for head in heads)))
        values = ['%10s' % (_number(row.values[head]) if head in row.values else '') for head in heads]
        print('  %-32s %5s %s %7s  %s %s' % (
            row.name, row.unit, ' '.join(values), '' if row.ratio is None else '%.2f' % row.ratio,
            {None: '    ', True: 'ok  ', False: 'MISS'}[row.met], _limit(row)))
    judged = [row.met for row in rows if row.met is not None]
    print('\n%d of %d limits kept' % (sum(judged), len(judged)), flush=True)


def _first_line(command):
    return subprocess.run(command, cwd=TOP, stdout=subprocess.PIPE, text=True).stdout.split('\n')[0]


def machine():
    with open('/proc/cpuinfo') as cpuinfo:
        cpu = next((line.split(':')[1].strip() for line in cpuinfo if line.startswith('model name')), 'unknown')
    return {'cpu': cpu, 'cpus': os.cpu_count(), 'kernel': os.uname().release, 'commit':
            _first_line(['git', 'rev-parse', '--short', 'HEAD']), 'redis': _first_line(['redis-server', '--version'])}


def _plot(rows, path):
    """The ratios, a bar each, with a mark where the limit is."""
    import matplotlib
    matplotlib.use('Agg')
    from matplotlib import pyplot
    rows = [row for row in rows if row.ratio is not None and row.of_ratio]
    figure, axes = pyplot.subplots(figsize=(9, 1 + 0.22 * len(rows)))
    colours = {section: 'C%d' % (number % 10) for number, section in enumerate(dict.fromkeys(r.section for r in rows))}
    for y, row in enumerate(rows):
        axes.barh(y, row.ratio, color=colours[row.section], label=row.section)
        limit = row.at_most if row.at_most is not None else row.at_least
        if limit is not None:
            axes.plot([limit, limit], [y - 0.45, y + 0.45], color='black', linewidth=2)
    axes.set_yticks(range(len(rows)), [row.name for row in rows], fontsize=7)
    axes.invert_yaxis()
    axes.axvline(1, color='grey', linewidth=0.8)
    axes.set_xlabel('ratio to redis-server, or to what the section names (black marks: limits)')
    named = dict(zip(*reversed(axes.get_legend_handles_labels())))
    axes.legend(named.values(), named.keys(), fontsize=7, loc='lower right')
    figure.tight_layout()
    figure.savefig(path, dpi=120)


def keep(rows):
    """Writes the rows to bench/results; returns the paths of the JSON file and the plot."""
    os.makedirs(RESULTS, exist_ok=True)
    base = os.path.join(RESULTS, time.strftime('%Y-%m-%d-%H%M'))
    results = {'machine': machine(), 'rows': [dict(asdict(row), ratio=row.ratio, met=row.met) for row in rows]}
    with open(base + '.json', 'w') as file:
        json.dump(results, file, indent=1)
        file.write('\n')
    _plot(rows, base + '.png')
    return base + '.json', base + '.png'
