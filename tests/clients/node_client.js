// ioredis and node-redis do real work: values of all sizes, counters, expiry, pipelines, iteration, concurrency, and
// connections that are killed. Prints how many checks it did. Arguments: folder of the modules, library, port.
'use strict';
const assert = require('assert');
const { createRequire } = require('module');

const [folder, library, port] = process.argv.slice(2);
const load = createRequire(folder + '/');
let checks = 0;

function same(found, wanted, what) {
    checks += 1;
    assert.deepStrictEqual(found, wanted, what);
}

// Both libraries behind the few calls that they share; call() is the raw command.
async function openIoredis() {
    const Redis = load('ioredis');
    const client = new Redis({ port, host: '127.0.0.1', maxRetriesPerRequest: 5, retryStrategy: () => 20 });
    await client.ping();
    return {
        call: (...words) => client.call(...words),
        pipeline: async (commands) => (await client.pipeline(commands).exec()).map(([error, reply]) => error || reply),
        scan: async (match) => {
            const keys = [];
            for await (const page of client.scanStream({ match, count: 100 })) keys.push(...page);
            return keys;
        },
        buffer: (key) => client.getBuffer(key),
        setBuffer: (key, value) => client.set(key, value),
        close: () => client.quit(),
    };
}

async function openNodeRedis() {
    const { createClient, commandOptions } = load('redis');
    const client = createClient({ socket: { port: Number(port), host: '127.0.0.1', reconnectStrategy: () => 20 } });
    client.on('error', () => {}); // Lost connections are part of the test; what follows has to work again.
    await client.connect();
    return {
        call: (...words) => client.sendCommand(words.map(String)),
        pipeline: (commands) => Promise.all(commands.map((words) => client.sendCommand(words.map(String)).catch((error) => error))),
        scan: async (match) => {
            const keys = [];
            for await (const key of client.scanIterator({ MATCH: match, COUNT: 100 })) keys.push(key);
            return keys;
        },
        buffer: (key) => client.get(commandOptions({ returnBuffers: true }), key),
        setBuffer: (key, value) => client.set(key, value),
        close: () => client.quit(),
    };
}

const open = { ioredis: openIoredis, redis: openNodeRedis }[library];

async function values(client) {
    for (const size of [0, 1, 44, 45, 16384, 32768, 70000, 2000000]) {
        const value = Buffer.alloc(size, Buffer.from([0, 255, 13, 10, 36]));
        await client.setBuffer('value', value);
        same((await client.buffer('value')).equals(value), true, `a value of ${size} bytes`);
        same(await client.call('STRLEN', 'value'), size, 'its length');
    }
    same(await client.call('GET', 'none'), null, 'a key that is not there');
    same(await client.call('SET', 'k', 'v', 'NX', 'EX', '100'), 'OK', 'SET NX EX');
    same(await client.call('SET', 'k', 'w', 'NX'), null, 'SET NX again');
    same((await client.call('TTL', 'k')) > 90, true, 'TTL');
    same(await client.call('INCRBYFLOAT', 'f', '0.1'), '0.1', 'INCRBYFLOAT');
    await assert.rejects(client.call('INCR', 'k'), /ERR value is not an integer or out of range/);
    await assert.rejects(client.call('GET'), /ERR wrong number of arguments for 'get' command/);
    await assert.rejects(client.call('NOSUCH', 'x'), /ERR unknown command/);
    checks += 3;
}

async function pipelines(client) {
    const count = 3000;
    const commands = [];
    for (let number = 0; number < count; number++) {
        commands.push(['set', `p:${number}`, number], ['incr', 'sum'], ['get', `p:${number}`]);
    }
    const replies = await client.pipeline(commands);
    for (let number = 0; number < count; number++) {
        same(replies.slice(3 * number, 3 * number + 3), ['OK', number + 1, String(number)], `entry ${number} of a pipeline`);
    }
    const keys = await client.scan('p:*');
    same(new Set(keys).size, count, 'keys found by a scan');
    const values = await client.call('MGET', ...keys);
    same(keys.every((key, at) => key === `p:${values[at]}`), true, 'MGET of everything');
    same(await client.call('DEL', ...new Set(keys)), count, 'DEL of everything');
    const mixed = await client.pipeline([['set', 'a', 'x'], ['incr', 'a'], ['get', 'a']]);
    same([mixed[0], mixed[1] instanceof Error, mixed[2]], ['OK', true, 'x'], 'an error in a pipeline');
}

async function concurrency(first) {
    const clients = await Promise.all(Array.from({ length: 20 }, open));
    await Promise.all(clients.map(async (client, number) => {
        for (let round = 0; round < 100; round++) {
            await client.call('INCR', 'shared');
            await client.call('SET', `c:${number}`, round);
            same(await client.call('GET', `c:${number}`), String(round), 'what this client has written');
        }
    }));
    same(await first.call('GET', 'shared'), '2000', 'what all have counted');
    await Promise.all(clients.map((client) => client.close()));
}

async function lostConnections(client) {
    const other = await open();
    for (let round = 0; round < 10; round++) {
        const id = await other.call('CLIENT', 'ID');
        same(await client.call('CLIENT', 'KILL', 'ID', id), 1, 'CLIENT KILL');
        for (let attempt = 0; ; attempt++) {
            try {
                same(await other.call('SET', 'round', round), 'OK', 'after the connection was lost');
                break;
            } catch (error) {
                if (attempt === 5) throw error;
            }
        }
        same(await client.call('GET', 'round'), String(round), 'seen by the other');
    }
    await other.close();
}

async function main() {
    const client = await open();
    await client.call('FLUSHALL');
    await values(client);
    await pipelines(client);
    await concurrency(client);
    await lostConnections(client);
    await client.call('FLUSHALL');
    await client.close();
    console.log(checks);
}

main().catch((error) => {
    console.error(error);
    process.exit(1);
});
