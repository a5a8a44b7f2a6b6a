#!/usr/bin/python3
"""Client libraries against the server: redis-py of Debian, ioredis and node-redis of npm in fixed versions.

    tests/clients/run.py [--server PATH]

The modules of npm are installed once, into build/npm, without running their scripts.
"""
import argparse
import filecmp
import os
import shutil
import subprocess
import sys

sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__)))))

from tests.lib import cases, servers  # noqa: E402

HERE = os.path.dirname(os.path.abspath(__file__))
MODULES = os.path.join(servers.TOP, 'build', 'npm')
CONFIGURATIONS = ((1, 'epoll'), (4, 'io_uring'))
OPERATIONS_A_THREAD = 300
CLIENT_SECONDS_MAX = 300


def install_modules():
    """Does nothing if what the lock file says is installed already."""
    os.makedirs(MODULES, exist_ok=True)
    done = os.path.join(MODULES, 'installed-lock.json')
    lock = os.path.join(HERE, 'package-lock.json')
    if os.path.exists(done) and filecmp.cmp(lock, done, shallow=False):
        return
    for name in ('package.json', 'package-lock.json'):
        shutil.copy(os.path.join(HERE, name), MODULES)
    subprocess.run(['npm', 'ci', '--ignore-scripts', '--no-audit', '--no-fund'], cwd=MODULES, check=True)
    shutil.copy(lock, done)


def run_client(name, command):
    """Runs a client that prints its number of checks last; that number, or None if it failed."""
    done = subprocess.run(command,
                          stdout=subprocess.PIPE,
                          stderr=subprocess.STDOUT,
                          text=True,
                          timeout=CLIENT_SECONDS_MAX)
    if done.returncode:
        print('%s failed:\n%s' % (name, done.stdout))
        return None
    return int(done.stdout.split()[-1])


def run_configuration(path, threads, backend):
    """(checks, clients that failed)"""
    settings = {'enable-debug-command': 'yes'}
    if not os.path.basename(path).startswith('redis-server'):
        settings.update({'threads': threads, 'io-backend': backend})
    checks = failed = 0
    with servers.Server(path, dict(settings, save='')) as server:
        port = str(server.port)
        for name, command in (('redis-py', [
                sys.executable,
                os.path.join(HERE, 'python_client.py'), port,
                str(cases.scaled(OPERATIONS_A_THREAD))
        ]), ('ioredis', ['node', os.path.join(HERE, 'node_client.js'), MODULES, 'ioredis',
                         port]), ('node-redis', ['node',
                                                 os.path.join(HERE, 'node_client.js'), MODULES, 'redis', port])):
            did = run_client(name, command)
            print('threads=%d backend=%s %s: %s' %
                  (threads, backend, name, 'failed' if did is None else '%d checks' % did),
                  flush=True)
            checks += did or 0
            failed += did is None
        if not server.alive():
            print('the server has ended:\n%s' % server.log()[-4000:])
            failed += 1
    return checks, failed


def main():
    parser = argparse.ArgumentParser(description=__doc__.split('\n')[0])
    parser.add_argument('--server', default=servers.skua_path())
    options = parser.parse_args()
    install_modules()
    results = [run_configuration(options.server, *configuration) for configuration in CONFIGURATIONS]
    cases.say_done('clients', sum(checks for checks, _ in results), 0)
    return 1 if any(failed for _, failed in results) else 0


if __name__ == '__main__':
    sys.exit(main())
