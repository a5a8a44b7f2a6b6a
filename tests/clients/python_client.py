"""redis-py does real work: pools, pipelines, threads, counters, expiry, iteration, broken connections. Prints how many
checks it did. Arguments: the port and the number of operations a thread."""
import random
import sys
import threading
import time

import redis

checks = 0
counting = threading.Lock()


def check(good, what):
    global checks
    with counting:
        checks += 1
    if not good:
        raise AssertionError(what)


def values(client):
    """What goes in comes out, of any size and content."""
    for size in (0, 1, 44, 45, 1000, 16383, 16384, 32768, 70000, 3000000):
        value = bytes(random.getrandbits(8) for _ in range(min(size, 1000))) * (size // min(size, 1000) if size else 0)
        check(client.set('value', value), 'SET of %d bytes' % size)
        check(client.get('value') == value, 'GET of %d bytes' % size)
        check(client.strlen('value') == len(value), 'STRLEN of %d bytes' % size)
    check(client.set('b\x00in\xff', b'\x00\r\n') and client.get('b\x00in\xff') == b'\x00\r\n', 'a binary key')
    check(client.get('none') is None, 'a key that is not there')
    client.mset({'m%d' % number: number for number in range(200)})
    check(client.mget(['m%d' % number for number in range(200)]) == [b'%d' % number for number in range(200)], 'MGET')
    check(client.delete(*['m%d' % number for number in range(200)]) == 200, 'DEL of 200')
    check(client.getdel('value') is not None and client.exists('value') == 0, 'GETDEL')
    check(client.msetnx({'n1': 1, 'n2': 2}) and not client.msetnx({'n2': 3, 'n3': 3}), 'MSETNX')
    check(
        client.getrange('n1', 0, -1) == b'1' and client.append('n1', 'x') == 2 and client.setrange('n1', 5, 'z') == 6,
        'ranges')


def counters_and_expiry(client):
    check(client.incr('counter') == 1 and client.incrby('counter', 41) == 42 and client.decr('counter') == 41, 'INCR')
    check(client.incrbyfloat('float', 1.25) == 1.25, 'INCRBYFLOAT')
    check(client.setex('session', 3600, 'user') and 3590 <= client.ttl('session') <= 3600, 'SETEX')
    check(client.expire('counter', 100) and client.ttl('counter') <= 100 and client.persist('counter'), 'EXPIRE')
    check(client.ttl('counter') == -1 and client.ttl('none') == -2, 'TTL')
    check(client.set('lock', 'me', nx=True, px=60000) and not client.set('lock', 'you', nx=True), 'SET NX PX')
    check(client.set('lock', 'me again', xx=True, keepttl=True) and client.pttl('lock') > 50000, 'SET XX KEEPTTL')
    client.psetex('short', 30, 'x')
    until = time.monotonic() + 5
    while client.exists('short') and time.monotonic() < until:
        time.sleep(0.01)
    check(client.get('short') is None, 'a key that expired')
    check(client.getex('session', ex=10) == b'user' and client.ttl('session') <= 10, 'GETEX')
    check(client.rename('session', 'renamed') and client.get('renamed') == b'user', 'RENAME')
    check(client.copy('renamed', 'copied') and client.type('copied') == b'string', 'COPY')
    try:
        client.set('text', 'abc')
        client.incr('text')
        check(False, 'INCR of a text has to fail')
    except redis.ResponseError as error:
        check(str(error) == 'value is not an integer or out of range', 'text of the error: %s' % error)


def pipelines(client):
    pipe = client.pipeline(transaction=False)
    for number in range(5000):
        pipe.set('p%d' % number, number)
        pipe.incr('p%d' % number)
    answers = pipe.execute()
    check(answers[0::2] == [True] * 5000 and answers[1::2] == list(range(1, 5001)), 'a pipeline of 10,000')
    pipe = client.pipeline(transaction=False)
    pipe.set('e', 'x').incr('e').get('e').execute_command('nosuch')
    answers = pipe.execute(raise_on_error=False)
    check(answers[0] is True and isinstance(answers[1], redis.ResponseError) and answers[2] == b'x'
          and isinstance(answers[3], redis.ResponseError), 'errors in a pipeline')
    found = set(client.scan_iter(match='p*', count=250))
    check(found == {b'p%d' % number for number in range(5000)}, 'scan_iter finds %d' % len(found))
    check(client.unlink(*found) == 5000, 'UNLINK of 5000')


def databases(port):
    zero, one = (redis.Redis(port=port, db=number, decode_responses=True) for number in (0, 1))
    zero.set('where', 'zero')
    one.set('where', 'one')
    check((zero.get('where'), one.get('where')) == ('zero', 'one'), 'databases are apart; replies are str')
    one.flushdb()
    check(zero.get('where') == 'zero' and one.dbsize() == 0, 'FLUSHDB of one database')
    check(zero.move('where', 1) and one.get('where') == 'one' or one.get('where') == 'zero', 'MOVE')
    zero.set('a', 1)
    zero.swapdb(0, 1)
    check(one.get('a') == '1' and zero.get('where') == 'zero', 'SWAPDB')
    zero.swapdb(0, 1)


def server(client):
    check(client.ping() and client.echo('x') == b'x', 'PING and ECHO')
    information = client.info()
    check(int(information['redis_version'].split('.')[0]) >= 7 and information['role'] == 'master', 'INFO')
    check('connected_clients' in client.info('clients') and client.config_get('maxclients')['maxclients'], 'CONFIG GET')
    check(client.client_setname('worker') and client.client_getname() in ('worker', b'worker'), 'CLIENT SETNAME')
    check(any(entry['name'] == 'worker' for entry in client.client_list()), 'CLIENT LIST')
    check('get' in client.command() and client.command_count() > 200, 'COMMAND')
    check(len(client.time()) == 2 and client.dbsize() >= 0, 'TIME')
    check(client.object('encoding', 'counter') == b'int', 'OBJECT ENCODING')


def broken_connections(client, port):
    """A connection that is killed is replaced, and what is asked next is answered."""
    single = redis.Redis(port=port, retry_on_timeout=True, health_check_interval=1)
    for _ in range(20):
        number = single.client_id()
        check(client.client_kill_filter(_id=number) == 1, 'CLIENT KILL')
        try:
            single.ping()
        except redis.ConnectionError:
            check(single.ping(), 'after the connection was lost')
        check(single.set('after', number) and int(single.get('after')) == number, 'after the reconnect')
    time.sleep(1.1)
    check(single.get('after'), 'after a health check')


def passwords(client, port):
    client.config_set('requirepass', 'secret')
    try:
        check(redis.Redis(port=port, password='secret').ping(), 'with the password')
        check(redis.Redis(port=port, username='default', password='secret').ping(), 'with user and password')
        for kind, error in (({}, redis.AuthenticationError), ({'password': 'wrong'}, redis.ResponseError)):
            try:
                redis.Redis(port=port, **kind).get('x')
                check(False, 'no password has to be an error')
            except error:
                check(True, '')
    finally:
        client.config_set('requirepass', '')


def threads(port, operations):
    """Counters that everybody adds to, and keys of one thread, over one pool."""
    pool = redis.BlockingConnectionPool(port=port, max_connections=16, timeout=30)
    failures = []

    def work(number):
        client = redis.Redis(connection_pool=pool)
        chance = random.Random(number)
        mine = {}
        try:
            for _ in range(operations):
                client.incr('shared')
                key = 't%d:%d' % (number, chance.randrange(50))
                what = chance.randrange(5)
                if what < 2:
                    mine[key] = b'%d' % chance.getrandbits(30)
                    client.set(key, mine[key])
                elif what == 2:
                    check(client.get(key) == mine.get(key), 'GET in a thread')
                elif what == 3:
                    check(client.delete(key) == (mine.pop(key, None) is not None), 'DEL in a thread')
                else:
                    keys = sorted(mine)[:10] or [key]
                    check(client.mget(keys) == [mine.get(one) for one in keys], 'MGET in a thread')
        except Exception as error:   # A thread's failure has to reach the main thread, whatever it is.
            failures.append(error)

    running = [threading.Thread(target=work, args=(number,)) for number in range(24)]
    for thread in running:
        thread.start()
    for thread in running:
        thread.join()
    if failures:
        raise failures[0]
    check(int(redis.Redis(port=port).get('shared')) == 24 * operations, 'what all threads counted')


def main():
    port, operations = int(sys.argv[1]), int(sys.argv[2])
    client = redis.Redis(port=port)
    client.flushall()
    values(client)
    counters_and_expiry(client)
    pipelines(client)
    databases(port)
    server(client)
    broken_connections(client, port)
    passwords(client, port)
    client.flushall()
    threads(port, operations)
    print(checks)


if __name__ == '__main__':
    main()
