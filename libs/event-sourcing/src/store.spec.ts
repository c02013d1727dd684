import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import pg from 'pg';
import { account, accountEvents, person, type AccountCommand } from '../test/account.ts';
import { appendOf, headOf, outcomeOf } from '../test/appends.ts';
import { freshDatabase, freshStore } from '../test/database.ts';
import { until } from '../test/events.ts';
import { proxyTo } from '../test/proxy.ts';
import { Commands, EventStore, migrateStore, newId, runInContext, verifyChain, type Finding } from './index.ts';

let kernel: Awaited<ReturnType<typeof freshStore>>;
beforeAll(async () => {
  kernel = await freshStore(accountEvents);
});
afterAll(() => kernel.drop());

const count = async (what: string, ...values: unknown[]) =>
  Number((await kernel.pool.query<{ count: string }>(`select count(*) from ${what}`, values)).rows[0]?.count);
const chainKey = () => kernel.secrets.key('hash-chain');
/** Another process on the same database. */
const another = (pool = kernel.pool) => new EventStore(pool, kernel.codec, chainKey());

describe('appends that travel together', () => {
  it('fail one by one: a conflict, a taken claim and a repeated command spoil none of the others', async () => {
    const moved = newId();
    await kernel.store.append(appendOf([{ id: moved }]));
    await kernel.store.append(appendOf([{ id: newId(), take: ['held'] }]));
    await kernel.store.append(appendOf([{ id: newId() }], 'done before'));
    const spoilt = new Map([
      [7, { append: appendOf([{ id: moved }]), outcome: 'VersionConflict' }],
      [23, { append: appendOf([{ id: newId(), take: ['held'] }]), outcome: 'ClaimTaken' }],
      [41, { append: appendOf([{ id: newId() }], 'done before'), outcome: 'CommandRepeated' }],
    ]);
    const streams = Array.from({ length: 60 }, () => newId());
    // The first goes alone, and the other 59 gather behind it.
    const outcomes = await Promise.all(
      streams.map((id, index) => outcomeOf(kernel.store.append(spoilt.get(index)?.append ?? appendOf([{ id }])))),
    );
    expect(outcomes).toEqual(streams.map((_, index) => spoilt.get(index)?.outcome ?? 'appended'));
    expect(await count('events where stream_id = any($1)', streams)).toBe(57);
    expect(await count('commands where id = $1', 'done before')).toBe(1);
  });

  it('of one stream at one version are won by exactly one', async () => {
    const id = newId();
    const outcomes = await Promise.all(
      Array.from({ length: 20 }, () => outcomeOf(kernel.store.append(appendOf([{ id }])))),
    );
    expect(outcomes.filter((outcome) => outcome === 'appended')).toHaveLength(1);
    expect(outcomes.filter((outcome) => outcome === 'VersionConflict')).toHaveLength(19);
  });

  it('of which one is too large or malformed fail alone', async () => {
    const wrong = [{ type: 'MoneyMoved', amount: 'much' }];
    const outcomes = await Promise.all(
      [undefined, wrong, undefined].map((events) =>
        outcomeOf(kernel.store.append(appendOf([{ id: newId(), ...(events && { events }) }]))),
      ),
    );
    expect(outcomes).toEqual(['appended', 'MalformedEvent', 'appended']);
  });
});

describe('an append', () => {
  it('that waits for a lock does not hold up the others', async () => {
    const locked = newId();
    const { streams } = await kernel.store.append(appendOf([{ id: locked }]));
    expect(streams).toHaveLength(1);
    const head = await headOf(kernel.store, locked);
    const holder = await kernel.pool.connect();
    await holder.query('begin');
    await holder.query('select from streams where id = $1 for update', [locked]);
    let over = false;
    const waiting = kernel.store.append(appendOf([{ id: locked, head }])).then(() => (over = true));
    // Else they would travel together.
    await sleep(100);
    await kernel.store.append(appendOf([{ id: newId() }]));
    expect(over).toBe(false);
    await holder.query('rollback');
    holder.release();
    await waiting;
  });

  it('over several streams is all or nothing', async () => {
    const [a, b, c] = [newId(), newId(), newId()] as const;
    await kernel.store.append(appendOf([{ id: b }]));
    expect(await outcomeOf(kernel.store.append(appendOf([{ id: a }, { id: b }, { id: c }])))).toBe('VersionConflict');
    expect(await count('events where stream_id = any($1)', [a, c])).toBe(0);
    expect(await count('streams where id = any($1)', [a, c])).toBe(0);
    const head = await headOf(kernel.store, b);
    expect(await outcomeOf(kernel.store.append(appendOf([{ id: a }, { id: b, head }, { id: c }])))).toBe('appended');
  });

  it('moves a claim from one stream to another', async () => {
    const [from, to] = [newId(), newId()];
    await kernel.store.append(appendOf([{ id: from, take: ['moving'] }]));
    const head = await headOf(kernel.store, from);
    await kernel.store.append(
      appendOf([
        { id: to, take: ['moving'] },
        { id: from, head, release: ['moving'] },
      ]),
    );
    expect((await kernel.store.holders('account', ['moving'])).get('moving')).toBe(to);
    expect((await kernel.store.claimsOf('account', [from])).has(from)).toBe(false);
  });

  it('that loses leaves the claims as they were', async () => {
    const [holder, other] = [newId(), newId()];
    await kernel.store.append(appendOf([{ id: holder, take: ['kept'] }]));
    const stale = { version: 9, hash: '', effectiveAt: undefined };
    expect(await outcomeOf(kernel.store.append(appendOf([{ id: holder, head: stale, release: ['kept'] }])))).toBe(
      'VersionConflict',
    );
    expect(await outcomeOf(kernel.store.append(appendOf([{ id: other, release: ['kept'], take: ['kept'] }])))).toBe(
      'ClaimTaken',
    );
    expect((await kernel.store.claimsOf('account', [holder])).get(holder)).toEqual(['kept']);
  });

  it('above a version that its stream never had is a conflict', async () => {
    const head = { version: 3, hash: '', effectiveAt: undefined };
    expect(await outcomeOf(kernel.store.append(appendOf([{ id: newId(), head }])))).toBe('VersionConflict');
  });

  it('without events is refused', async () => {
    await expect(kernel.store.append(appendOf([{ id: newId(), events: [] }]))).rejects.toThrow('without events');
  });

  it('counts only if the streams that it leaves as they are stand where they stood', async () => {
    const [written, read] = [newId(), newId()];
    await kernel.store.append(appendOf([{ id: read }]));
    const head = await headOf(kernel.store, read);
    const both = () => kernel.store.append(appendOf([{ id: written }, { id: read, head, events: [] }]));
    await kernel.store.append(appendOf([{ id: read, head }]));
    expect(await outcomeOf(both())).toBe('VersionConflict');
    expect(await count('events where stream_id = $1', written)).toBe(0);
  });

  it.each(['bad\u0000text', 'half a pair \ud83d'])(
    'of a text that Postgres cannot hold is refused (%j)',
    async (text) => {
      const events = [{ type: 'AccountChanged', colour: text, holder: `${text}!` }] as never;
      await expect(kernel.store.append(appendOf([{ id: newId(), events }]))).rejects.toMatchObject({
        kind: 'invalid',
        code: 'invalid-text',
      });
    },
  );

  it('of a text that only looks like an escape is taken, and comes back as it was', async () => {
    const id = newId();
    const colour = 'C:\\u0000 \\\\ud83d 😀 \u0001';
    await kernel.store.append(appendOf([{ id, events: [{ type: 'AccountChanged', colour }] as never }]));
    const [recorded] = await kernel.codec.decode(await kernel.store.load('account', id));
    expect(recorded?.data).toEqual({ colour });
  });

  it('of something that happened at no time is refused', async () => {
    const append = { ...appendOf([{ id: newId() }]), occurredAt: 'last Tuesday' };
    await expect(kernel.store.append(append)).rejects.toMatchObject({ code: 'invalid-time' });
  });
});

describe('several stores on one database', () => {
  it('append to overlapping streams, claims and commands without a deadlock, and lose nothing', async () => {
    const stores = Array.from({ length: 4 }, () => another());
    const ids = Array.from({ length: 6 }, () => newId());
    const one = <T>(items: readonly T[]) => items[Math.floor(Math.random() * items.length)] as T;
    const outcomes = new Map<string, number>();
    let events = 0;
    const writer = async (store: EventStore) => {
      for (let round = 0; round < 25; round += 1) {
        const chosen = [...new Set([one(ids), one(ids), one(ids)].slice(0, 1 + Math.floor(Math.random() * 3)))];
        const streams = await Promise.all(
          chosen.map(async (id) => {
            const head = await headOf(store, id);
            const held = (await store.claimsOf('account', [id])).get(id) ?? [];
            const take = Math.random() < 0.3 ? [`spot ${one([1, 2, 3])}`] : [];
            return { id, head, release: held.filter((key) => !take.includes(key)), take };
          }),
        );
        const outcome = await outcomeOf(
          store.append(appendOf(streams, `shared ${one(ids)} ${one([1, 2, 3, 4, 5, 6, 7])}`)),
        );
        outcomes.set(outcome, (outcomes.get(outcome) ?? 0) + 1);
        if (outcome === 'appended') events += streams.length;
      }
    };
    await Promise.all(stores.flatMap((store) => [writer(store), writer(store), writer(store)]));
    expect(
      [...outcomes.keys()].filter((name) => !/^(appended|VersionConflict|ClaimTaken|CommandRepeated)$/.test(name)),
    ).toEqual([]);
    expect(outcomes.get('appended')).toBeGreaterThan(20);
    expect(await count('events where stream_id = any($1)', ids)).toBe(events);
  });

  it('that swap two claims meet, and both get an answer', async () => {
    const pool = new pg.Pool({ connectionString: kernel.url, options: '-c deadlock_timeout=20ms' });
    const blocker = await kernel.pool.connect();
    try {
      const [a, b] = [newId(), newId()];
      await kernel.store.append(appendOf([{ id: a, take: ['x'] }]));
      await kernel.store.append(appendOf([{ id: b, take: ['y'] }]));
      const [one, two] = [await headOf(kernel.store, a), await headOf(kernel.store, b)];
      // Both have given up theirs and wait for another claim, before they ask for what the other one gave up.
      await blocker.query('begin');
      await blocker.query(
        `insert into claims (category, key, stream_id) select 'account', k, $1 from unnest($2::text[]) k`,
        [newId(), ['1', '2']],
      );
      const swaps = [
        outcomeOf(another(pool).append(appendOf([{ id: a, head: one, release: ['x'], take: ['1', 'y'] }]))),
        outcomeOf(another(pool).append(appendOf([{ id: b, head: two, release: ['y'], take: ['2', 'x'] }]))),
      ];
      await until(
        async () =>
          (await count(`pg_stat_activity where datname = current_database() and wait_event_type = 'Lock'`)) === 2,
      );
      await blocker.query('rollback');
      expect(await Promise.all(swaps)).toEqual(['ClaimTaken', 'ClaimTaken']);
      expect(await kernel.store.holders('account', ['x', 'y'])).toEqual(
        new Map([
          ['x', a],
          ['y', b],
        ]),
      );
    } finally {
      blocker.release();
      await pool.end();
    }
  });
});

describe('the hash chain', () => {
  it('holds for every stream, also where ids and instants came in another form', async () => {
    const id = newId();
    const run = (stream: string, command: AccountCommand, occurredAt: string) =>
      runInContext(person, () => kernel.commands.execute(account, stream, command, { occurredAt }));
    await run(id.toUpperCase(), { type: 'OpenAccount', holder: '王伟' }, '2024-02-29T23:30:00+08:00');
    await run(id, { type: 'MoveMoney', amount: 3, note: 'n' }, '2024-03-01T00:00:00Z');
    const found: Finding[] = [];
    const { pool, secrets } = kernel;
    const { events } = await verifyChain({ service: 'sales', pool, secrets, found: (one) => void found.push(one) });
    expect(found).toEqual([]);
    expect(events).toBeGreaterThan(10);
    const [opened] = await kernel.store.load('account', id);
    expect(opened?.occurredAt).toBe('2024-02-29T15:30:00.000Z');
    expect(Object.keys(JSON.parse(opened?.personal ?? '{}') as object)).toEqual([id]);
  });
});

describe('a lost connection', () => {
  const move = (commands: Commands, id: string, commandId: string) =>
    runInContext({ ...person, commandId }, () => commands.execute(account, id, { type: 'MoveMoney', amount: 5 }));
  const opened = async () => {
    const id = newId();
    await runInContext(person, () => kernel.commands.execute(account, id, { type: 'OpenAccount', holder: 'h' }));
    return id;
  };

  it('in the middle of an append is an error, and the retry has exactly one effect', async () => {
    for (let round = 0; round < 5; round += 1) {
      const id = await opened();
      const blocker = await kernel.pool.connect();
      await blocker.query('begin');
      await blocker.query('select from streams where id = $1 for update', [id]);
      const { rows } = await blocker.query<{ pid: number }>('select pg_backend_pid() as pid');
      const commandId = newId();
      const first = move(kernel.commands, id, commandId).catch((error: Error & { code?: string }) => error.code);
      let killed: number | null = 0;
      while (!killed) {
        await sleep(5);
        ({ rowCount: killed } = await kernel.pool.query(
          'select pg_terminate_backend(pid) from pg_stat_activity where $1 = any(pg_blocking_pids(pid))',
          [rows[0]?.pid],
        ));
      }
      expect(await first).toBe('57P01');
      // A retry that comes while the row is still locked waits, and is carried out.
      const retry = move(kernel.commands, id, commandId);
      await sleep(round);
      await blocker.query('rollback');
      blocker.release();
      expect(await retry).toMatchObject({ version: 2, repeated: false });
      expect(await move(kernel.commands, id, commandId)).toMatchObject({ version: 2, repeated: true });
      expect((await kernel.commands.load(account, id)).state.balance).toBe(5);
    }
  });

  it('after the commit but before the answer leaves the command done: the retry gets the first outcome', async () => {
    const id = await opened();
    const proxy = await proxyTo(kernel.url);
    const pool = new pg.Pool({ connectionString: proxy.url, max: 1 });
    pool.on('error', () => undefined);
    try {
      const commands = new Commands(another(pool), kernel.secrets);
      await move(commands, id, newId());
      proxy.dropAnswersTo('append-plain');
      const commandId = newId();
      await expect(move(commands, id, commandId)).rejects.toThrow(/terminated/);
      expect((await kernel.commands.load(account, id)).state.balance).toBe(10);
      expect(await move(commands, id, commandId)).toMatchObject({ version: 3, repeated: true, state: { balance: 10 } });
      expect((await kernel.commands.load(account, id)).version).toBe(3);
    } finally {
      await pool.end();
      await proxy.close();
    }
  });

  it('of a transaction is told by its next query, and does not end the process', async () => {
    const { transaction } = await import('./database.ts');
    const work = transaction(kernel.pool, async (client) => {
      const { rows } = await client.query<{ pid: number }>('select pg_backend_pid() as pid');
      await kernel.pool.query('select pg_terminate_backend($1)', [rows[0]?.pid]);
      await sleep(50);
      await client.query('select 1');
    });
    await expect(work).rejects.toThrow(/not queryable|terminat/);
    expect((await kernel.pool.query('select 1')).rowCount).toBe(1);
  });
});

describe('a store', () => {
  it('is made once, however many processes begin at the same time', async () => {
    const database = await freshDatabase();
    try {
      await Promise.all(Array.from({ length: 6 }, () => migrateStore(database.pool)));
      await database.pool.query('update store set schema_version = 99');
      await expect(migrateStore(database.pool)).rejects.toThrow('newer release');
    } finally {
      await database.drop();
    }
  });
});

it('asks the database nothing for no streams', async () => {
  const ended = new pg.Pool();
  await ended.end();
  expect(await another(ended).loadMany('account', [])).toEqual(new Map());
});
