"""The connection itself: greeting, password, database, names, and clients that look at, pause and end each other.

Connection 0 runs the cases, 1 and 2 stand by to be looked at. A case that ends a connection is followed by a command
on it, which has to find it closed.
"""

PASSWORD = b'secret'
NAMES = (b'', b'x', b'my-client', b'a b', b'a\nb', b'caf\xc3\xa9', b'~', b'!', b'\x7f', b'n' * 100)


def ping(g):
    g.case(b'PING', *g.one(((), (), (g.value(),))))


def echo(g):
    g.case(b'ECHO', g.value())


def select(g):
    g.use_database(1)
    g.case(b'SELECT', g.one((b'0', b'1', b'2', b'15', b'16', b'-1', b'abc', b'', b'01', b' 1', b'2147483648',
                             b'99999999999999999999')))
    if g.chance(0.4):
        g.do(b'SET', g.key(), b'here')
        for number in (2, 15):
            g.use_database(number)


def quit_(g):
    number = next_connection(g)
    g.do(b'SET', g.key(), b'before', connection=number)
    g.case(b'QUIT', *g.one(((), (), (), (b'junk',))), connection=number)
    g.do(b'PING', connection=number)


def next_connection(g):
    """A connection that no step has used yet."""
    return 1 + max((step.connection for step in g.script.steps), default=0)


def reset(g):
    number = next_connection(g)
    g.do(b'SELECT', b'2', connection=number)
    g.do(b'CLIENT', b'SETNAME', b'named', connection=number)
    g.case(b'RESET', connection=number)
    g.do(b'CLIENT', b'GETNAME', connection=number)
    g.do(b'HELLO', connection=number)
    g.do(b'SET', g.key(), b'in database 0', connection=number)


def hello(g):
    number = next_connection(g)
    if g.chance(0.2):
        set_password(g)
    words = [g.one(
        (b'2', b'3', b'3', b'1', b'4', b'abc', b'', b'03', b'-3', b'99999999999999999999'))] if g.chance(0.9) else []
    options = []
    # 7.0 does one after the other, 7.2 looks at all before it does any: the password first, then a good name is both.
    if g.chance(0.4):
        options += [g.any_case(b'AUTH'), *credentials(g)]
    if g.chance(0.4):
        options += [g.any_case(b'SETNAME'), b'my-client' if options else g.one(NAMES)]
    if g.chance(0.1):
        options = [g.one((b'junk', b'AUTH', b'SETNAME'))]
    g.case(b'HELLO', *words, *options, connection=number, mangle=0)
    g.do(b'CLIENT', b'GETNAME', connection=number)
    g.do(b'LCS', b'no', b'keys', b'IDX', connection=number)
    unset_password(g)


def credentials(g):
    return g.one(((b'default', PASSWORD), (b'default', b'wrong'), (b'nobody', PASSWORD), (b'default', b''),
                  (b'', PASSWORD), (b'default', g.value())))


def set_password(g):
    """Asked for from now on of new connections; those that are open stay as they are."""
    g.do(b'CONFIG', b'SET', b'requirepass', PASSWORD)
    g.finally_do('CONFIG', 'SET', 'requirepass', '')


def unset_password(g):
    if g.script.last:
        g.do(b'CONFIG', b'SET', b'requirepass', b'')


def auth(g):
    """On connections that began before and after a password was set."""
    number = next_connection(g)
    if g.chance(0.7):
        set_password(g)
        g.do(b'RESET', connection=number)
        g.do(*g.one(((b'PING',), (b'GET', b'a'), (b'nosuch', b'x'), (b'CLIENT', b'ID'), (b'COMMAND',), (b'ECHO',),
                     (b'SUBSCRIBE', b'c'))), connection=number)
    words = g.one(((PASSWORD,), (b'wrong',), (b'',), credentials(g), credentials(g), (g.value(),)))
    g.case(b'AUTH', *words, connection=number)
    g.do(b'PING', connection=number)
    unset_password(g)


def client(g):
    g.case(b'CLIENT', *g.one(((), (b'nosuch',), (b'nosuch', b'x'), (b'',), (b'LISTE',), (b'get name',), (b'\xff',),
                              (b's' * 200,), (b'KILLALL', b'a'))), mangle=0)


def client_without_arguments(name):
    def generate(g):
        g.case(b'CLIENT', g.any_case(name), *g.one(((), (), (), (b'junk',))), mangle=0)
        if g.chance(0.3):
            g.do(b'CLIENT', b'SETNAME', g.one(NAMES))
        if g.chance(0.2):
            g.do(b'SELECT', g.one((b'0', b'3')))
    return generate


def setname(g):
    g.case(b'CLIENT', g.any_case(b'SETNAME'), g.one(NAMES))
    g.do(b'CLIENT', b'GETNAME')


def setinfo(g):
    """Redis 7.2; newer.py has the replies. The odd ones come whole, so that no case is left without one."""
    g.case(b'CLIENT',
           b'SETINFO',
           *g.one(((b'lib-name', b'redis-py'), (b'LIB-VER', b'5.0.1'), (b'lib-name', b'a b'), (b'lib-ver', b'1\n'),
                   (b'foo', b'x'), (b'lib-name', ), (), (b'lib-name', b'x(y_v1)'), (b'lib-ver', b''),
                   (b'lib-name', b'v%d' % g.seconds()))),
           mangle=0)


def no_touch(g):
    g.case(b'CLIENT',
           b'NO-TOUCH',
           *g.one(((b'on', ), (b'off', ), (b'ON', ), (b'Off', ), (b'junk', ), (), (b'on', b'off'))),
           mangle=0)
    g.do(b'CLIENT', b'NO-TOUCH', b'off')


def stand_by(g):
    """Two other connections with known names and databases."""
    g.do(b'CLIENT', b'SETNAME', b'one', connection=1)
    g.do(b'SELECT', b'3', connection=2)
    g.do(b'PING', connection=2)


def id_of(number):
    def client_id(session):
        return session.client_id(number)
    return client_id


def address_of(number):
    def client_address(session):
        return session.client_address(number)
    return client_address


def server_address(session):
    return session.server_address()


def client_list(g):
    stand_by(g)
    g.case(b'CLIENT',
           g.any_case(b'LIST'),
           *g.one(((), (b'TYPE', b'normal'), (b'TYPE', b'pubsub'), (b'type', b'REPLICA'), (b'TYPE', b'master'),
                   (b'TYPE', b'slave'), (b'TYPE', b'junk'), (b'TYPE', ), (b'ID', ), (b'ID', id_of(1)),
                   (b'ID', id_of(1), id_of(2), id_of(1)), (b'ID', b'abc'), (b'ID', b'0'), (b'ID', b'-1'),
                   (b'ID', b'999999999'), (b'ID', id_of(2), b'x'), (b'junk', ), (b'TYPE', b'normal', b'ID', b'1'))),
           mangle=0)


def client_kill(g):
    """Every filter; 1 or 2 may be gone afterwards, and a command on them shows it."""
    first, second = next_connection(g), next_connection(g) + 1
    g.do(b'PING', connection=first)
    g.do(b'CLIENT', b'SETNAME', b'second', connection=second)
    victim = g.one((first, second))
    filters = g.one(
        ((address_of(victim), ), (b'127.0.0.1:1', ), (b'ID', id_of(victim)), (b'id', b'999999999'), (b'ID', b'abc'),
         (b'ID', b'0'), (b'ID', b'-5'), (b'ADDR', address_of(victim)), (b'ADDR', b'127.0.0.1:1'), (b'ADDR', b'junk'),
         (b'LADDR', server_address, b'ID', id_of(victim)), (b'LADDR', b'127.0.0.1:1'), (b'USER', b'nobody'),
         (b'USER', b''), (b'USER', b'default', b'ID', id_of(victim)), (b'TYPE', b'pubsub'), (b'TYPE', b'junk'),
         (b'TYPE', b'replica'), (b'TYPE', b'normal', b'ID', id_of(victim), b'SKIPME',
                                 b'yes'), (b'SKIPME', b'junk'), (b'SKIPME', b'no', b'ID', b'1234567'),
         (b'ID', id_of(victim), b'ADDR', b'127.0.0.1:1'), (b'ID', id_of(first), b'ID', id_of(second)), (b'junk', b'x'),
         (b'ID', ), (b'ADDR', address_of(victim), b'LADDR', server_address, b'TYPE', b'normal'), (b'MAXAGE',
                                                                                                  b'1000000')))
    g.case(b'CLIENT', g.any_case(b'KILL'), *filters, mangle=0)
    g.do(b'PING', connection=first)
    g.do(b'PING', connection=second)


def client_pause(g):
    g.case(b'CLIENT',
           g.any_case(b'PAUSE'),
           *g.one(((b'30', ), (b'20', b'ALL'), (b'40', b'WRITE'), (b'0', ), (b'0', b'write'), (b'-1', ), (b'abc', ),
                   (b'1.5', ), (b'', ), (b'20', b'junk'), (b'9223372036854775808', ), (b'10', b'ALL', b'x'), ())),
           mangle=0)
    if g.chance(0.5):
        g.do(b'SET', g.key(), b'paused', connection=g.one((0, 1)))
        g.do(b'GET', g.key())
    g.do(b'CLIENT', b'UNPAUSE', connection=g.one((0, 1)))


def client_unpause(g):
    if g.chance(0.5):
        g.do(b'CLIENT', b'PAUSE', b'20', b'WRITE')
    g.case(b'CLIENT', b'UNPAUSE', *g.one(((), (), (), (b'junk',))), mangle=0)


def client_reply(g):
    """ON, OFF and SKIP, and then a command whose reply shows that what came before had none, or one."""
    how = g.rng.randint(0, 4)
    if how == 0:
        g.case(b'CLIENT', b'REPLY', g.any_case(b'ON'), mangle=0)
    elif how == 1:
        g.case(b'CLIENT', b'REPLY', g.any_case(b'OFF'), mangle=0, replies=0)
        for _ in range(g.rng.randint(0, 3)):
            g.do(*g.one(((b'SET', g.key(), b'silent'), (b'GET', g.key()), (b'nosuch', ), (b'PING', ),
                         (b'CLIENT', b'REPLY', b'SKIP'), (b'MGET', *g.names), (b'CLIENT', b'REPLY', b'junk'))),
                 replies=0)
        g.do(b'CLIENT', b'REPLY', b'ON')
    elif how == 2:
        g.case(b'CLIENT', b'REPLY', g.any_case(b'SKIP'), mangle=0, replies=0)
        g.do(*g.one(((b'SET', g.key(), b'skipped'), (b'nosuch',), (b'MGET', *g.names), (b'GET', g.key()))), replies=0)
    else:
        g.case(b'CLIENT', b'REPLY', *g.one(((b'junk',), (), (b'ON', b'x'), (b'',))), mangle=0)
    g.do(b'ECHO', b'after')


ROWS = {
    'ping': ping,
    'echo': echo,
    'select': select,
    'quit': quit_,
    'reset': reset,
    'hello': hello,
    'auth': auth,
    'client': client,
    'client|getname': client_without_arguments(b'GETNAME'),
    'client|id': client_without_arguments(b'ID'),
    'client|info': client_without_arguments(b'INFO'),
    'client|help': client_without_arguments(b'HELP'),
    'client|setname': setname,
    'client|setinfo': setinfo,
    'client|no-touch': no_touch,
    'client|list': client_list,
    'client|kill': client_kill,
    'client|pause': client_pause,
    'client|unpause': client_unpause,
    'client|reply': client_reply,
}
