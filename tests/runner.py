"""Builds what the wanted suites need, runs the suites, as many at a time as there are cores, and counts (called by
tests/run).

A suite is a command in the table tests/suites, which also says what a suite is given and what it must print. A line
of the table, a suite on a build, is what passes or fails. All output is kept in build/logs; of a suite that fails
the end is shown. Nothing here knows what a suite tests.
"""
import os
import re
import signal
import subprocess
import sys
import time
from collections import namedtuple
from concurrent.futures import ThreadPoolExecutor

TOP = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
LOGS = os.path.join(TOP, 'build', 'logs')
RUNS = ('quick', 'full', 'long')
SUITE_SECONDS_MAX = {'quick': 120, 'full': 1200, 'long': None}
TAIL_LINES = 60
SUITES_AT_ONCE = min(8, len(os.sched_getaffinity(0)))

# What is built, by name: compiler and options. Warnings are errors in all of them, with gcc (not in the sanitizers'
# builds, where it warns falsely) and with clang. All but the release can switch workers at every shared access.
CHECKED = ['-Db_lto=false', '-Db_lundef=false', '-Doptimization=1', '-Ddebug=true', '-Dsimpoints=true']
BUILDS = {
    'release': ('gcc', []),
    'sim': ('gcc', ['-Db_lto=false', '-Doptimization=2', '-Dsimpoints=true']),
    'asan': ('clang', CHECKED + ['-Db_sanitize=address,undefined', '-Dfuzz=true']),
    'tsan': ('clang', CHECKED + ['-Db_sanitize=thread']),
}

SANITIZERS = {
    'ASAN_OPTIONS': 'abort_on_error=1:detect_stack_use_after_return=0',
    'UBSAN_OPTIONS': 'halt_on_error=1:abort_on_error=1:print_stacktrace=1',
    # By default every process would sleep a second at its end.
    'TSAN_OPTIONS': 'halt_on_error=1:second_deadlock_stack=1:atexit_sleep_ms=20',
}

Suite = namedtuple('Suite', 'name build percent command')


def read_suites(run):
    """The lines of the table that belong to this kind of run."""
    suites = []
    with open(os.path.join(TOP, 'tests', 'suites')) as table:
        for line in table:
            if line.strip() and not line.startswith('#'):
                name, build, *percents, command = line.split(None, 2 + len(RUNS))
                percent = percents[RUNS.index(run)]
                if percent != '-':
                    suites.append(Suite(name, build, percent, command.strip()))
    return suites


def build_folder(build):
    return os.path.join(TOP, 'build', build)


def say(what):
    print(what, flush=True)


def tail(path):
    with open(path, errors='replace') as log:
        lines = ['    ' + line.rstrip() for line in log.readlines()[-TAIL_LINES:]]
    return lines + ['    (all of it: %s)' % os.path.relpath(path, TOP)]


def set_up(build, log):
    """Configures the folder of a build. deploy/up makes the release's too, but tolerates warnings."""
    compiler, options = BUILDS[build]
    folder = build_folder(build)
    if not os.path.exists(os.path.join(folder, 'build.ninja')):
        command = ['meson', 'setup', folder, '--werror'] + options
        environment = dict(os.environ, CC=compiler)
        return subprocess.call(command, cwd=TOP, env=environment, stdout=log, stderr=log) == 0
    found = subprocess.run(['meson', 'introspect', '--buildoptions', folder], stdout=subprocess.PIPE, text=True)
    if re.search(r'"name": "werror", "value": false', found.stdout):
        return subprocess.call(['meson', 'configure', folder, '-Dwerror=true'], stdout=log, stderr=log) == 0
    return True


def build(name):
    """Builds one configuration; true if that went well."""
    began = time.monotonic()
    path = os.path.join(LOGS, 'build-%s.log' % name)
    with open(path, 'w') as log:
        good = set_up(name, log) and subprocess.call(
            ['ninja', '--quiet', '-C', build_folder(name)], stdout=log, stderr=log) == 0
    say('%-5s build  %-8s %5.0f s' % ('ok' if good else 'FAIL', name, time.monotonic() - began))
    if not good:
        say('\n'.join(tail(path)))
    return good


def wait_or_end(process, seconds_max):
    """The exit code; a suite that takes too long is ended with everything it started, and None is returned."""
    try:
        return process.wait(timeout=seconds_max)
    except subprocess.TimeoutExpired:
        return None
    finally:
        try:
            os.killpg(process.pid, signal.SIGKILL)
        except ProcessLookupError:
            pass
        process.wait()


def last_line(path):
    with open(path, errors='replace') as log:
        lines = log.read().split('\n')
    return next((line for line in reversed(lines) if line.strip()), '')


def run_suite(suite, run):
    """Runs one line of the table; true if it passed and said what it did."""
    began = time.monotonic()
    label = suite.name if suite.build == '-' else '%s-%s' % (suite.name, suite.build)
    path = os.path.join(LOGS, label + '.log')
    environment = dict(os.environ, SKUA_RUN=run, SKUA_CASES_PERCENT=suite.percent, **SANITIZERS)
    if suite.build != '-':
        environment['SKUA_BUILD'] = build_folder(suite.build)
    with open(path, 'w') as log:
        process = subprocess.Popen(suite.command, shell=True, cwd=TOP, env=environment, stdin=subprocess.DEVNULL,
                                   stdout=log, stderr=log, start_new_session=True)
        code = wait_or_end(process, SUITE_SECONDS_MAX[run])
    did = re.fullmatch(re.escape(suite.name) + r' cases=(\d+) seeds=(\d+)', last_line(path).strip())
    good = code == 0 and did is not None
    counts = '%8s cases %6s seeds' % did.groups() if did else 'did not say how much it did'
    report = ['%-5s %-16s %5.0f s  %s' % ('ok' if good else 'FAIL', label, time.monotonic() - began, counts)]
    if not good:
        report.append('    ended after %s seconds without an end' % SUITE_SECONDS_MAX[run] if code is None else
                      '    exit code %d' % code)
        report += tail(path)
    say('\n'.join(report))
    return good


def main(arguments):
    run = arguments.pop(0) if arguments and arguments[0] in RUNS else 'full'
    suites = read_suites(run)
    unknown = set(arguments) - {suite.name for suite in suites}
    if unknown:
        sys.exit('no such suite in a %s run: %s (tests/suites has them)' % (run, ' '.join(sorted(unknown))))
    if arguments:
        suites = [suite for suite in suites if suite.name in arguments]

    os.makedirs(LOGS, exist_ok=True)
    say('%s run; logs in build/logs' % run)
    wanted = {suite.build for suite in suites}
    built = {name: build(name) for name in BUILDS if name in wanted}
    built['-'] = True
    with ThreadPoolExecutor(SUITES_AT_ONCE) as pool:
        passed = sum(pool.map(lambda suite: built[suite.build] and run_suite(suite, run), suites))
    failed = len(suites) - passed
    print('%d passed, %d failed' % (passed, failed))
    return 1 if failed else 0


if __name__ == '__main__':
    sys.exit(main(sys.argv[1:]))
