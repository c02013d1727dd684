import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { isErased } from '@throughline/contracts';
import { account, accountEvents, person, type AccountCommand, type AccountEvent } from '../test/account.ts';
import { freshStore } from '../test/database.ts';
import { Commands, EventStore, conflict, newId, runInContext, type Refusal, type RequestContext } from './index.ts';

let kernel: Awaited<ReturnType<typeof freshStore>>;
beforeAll(async () => {
  kernel = await freshStore(accountEvents);
});
afterAll(() => kernel.drop());

const as = (context: Partial<RequestContext>) => ({ ...person, ...context });
const run = (id: string, command: AccountCommand, context: Partial<RequestContext> = {}) =>
  runInContext(as(context), () => kernel.commands.execute(account, id, command));
const refusal = (promise: Promise<unknown>) =>
  promise.then(
    () => 'no refusal',
    (error: Refusal) => error.code,
  );
const open = (handle?: string): AccountCommand => ({ type: 'OpenAccount', holder: '王伟', ...(handle && { handle }) });

describe('a command', () => {
  it('appends what was decided, one version an event, and answers with the position', async () => {
    const id = newId();
    const opened = await run(id, open());
    const moved = await run(id, { type: 'MoveMoney', amount: 5 });
    expect(opened.version).toBe(1);
    expect(moved).toMatchObject({ version: 2, state: { balance: 5 } });
    expect(moved.position).toBeGreaterThan(opened.position);
  });

  it('that decides nothing appends nothing', async () => {
    const id = newId();
    await run(id, open());
    expect(await run(id, { type: 'MoveMoney', amount: 0 })).toMatchObject({ version: 1, events: [] });
  });

  it('is decided again when it lost a race, so that parallel commands all count', async () => {
    const id = newId();
    await run(id, open());
    await Promise.all(Array.from({ length: 12 }, () => run(id, { type: 'MoveMoney', amount: 1 })));
    const { state, events } = await kernel.commands.load(account, id);
    expect(state.balance).toBe(12);
    expect(events.map(({ stream }) => stream.version)).toEqual(Array.from({ length: 13 }, (_, index) => index + 1));
  });

  it('with the id of an earlier one gets the first outcome, even where it would now be decided otherwise', async () => {
    const id = newId();
    const first = await run(id, open(), { commandId: 'k1' });
    await run(id, { type: 'CloseAccount' });
    const again = await run(id, open(), { commandId: 'k1' });
    expect(again).toMatchObject({ version: first.version, repeated: true, state: { open: true, holder: '王伟' } });
    expect((await kernel.commands.load(account, id)).version).toBe(2);
  });

  it('that was refused is refused again the same way, whatever happened since', async () => {
    const id = newId();
    await run(id, open());
    const take = () => run(id, { type: 'MoveMoney', amount: -3 }, { commandId: 'k2' });
    expect(await refusal(take())).toBe('overdrawn');
    await run(id, { type: 'MoveMoney', amount: 10 });
    expect(await refusal(take())).toBe('overdrawn');
  });

  it('with the id of an earlier one but another body is refused', async () => {
    const id = newId();
    await run(id, open(), { commandId: 'k3' });
    expect(await refusal(run(id, { type: 'MoveMoney', amount: 1 }, { commandId: 'k3' }))).toBe(
      'idempotency-key-reused',
    );
  });

  it('sent ten times at once is carried out once', async () => {
    const id = newId();
    await run(id, open());
    const outcomes = await Promise.all(
      Array.from({ length: 10 }, () => run(id, { type: 'MoveMoney', amount: 7 }, { commandId: 'k4' })),
    );
    expect(new Set(outcomes.map(({ version }) => version))).toEqual(new Set([2]));
    expect((await kernel.commands.load(account, id)).state.balance).toBe(7);
  });

  it('sent ten times at once gets one outcome ten times, also where the second would be refused', async () => {
    for (let round = 0; round < 5; round += 1) {
      const id = newId();
      const outcomes = await Promise.all(Array.from({ length: 10 }, () => run(id, open(), { commandId: `k5 ${id}` })));
      expect(new Set(outcomes.map(({ version }) => version))).toEqual(new Set([1]));
      expect(outcomes.filter(({ repeated }) => !repeated)).toHaveLength(1);
    }
  });

  it('carried out by another process while this one begins gets that outcome, not a refusal', async () => {
    const { store, secrets, pool, codec } = kernel;
    const there = new Commands(new EventStore(pool, codec, secrets.key('hash-chain')), secrets);
    const id = newId();
    const once = () => runInContext(as({ commandId: `k6 ${id}` }), () => there.execute(account, id, open()));
    const load = store.load.bind(store);
    store.load = async (...args) => {
      store.load = load;
      await once();
      return load(...args);
    };
    expect(await run(id, open(), { commandId: `k6 ${id}` })).toMatchObject({ version: 1, repeated: true });
  });

  it('among sixty parallel ones on one stream is not lost', async () => {
    const id = newId();
    await run(id, open());
    const outcomes = await Promise.allSettled(
      Array.from({ length: 60 }, () => run(id, { type: 'MoveMoney', amount: 1 })),
    );
    expect(outcomes.filter(({ status }) => status === 'rejected')).toEqual([]);
    expect((await kernel.commands.load(account, id)).state.balance).toBe(60);
  });

  it('among many is carried out in their order where they are of one stream', async () => {
    const id = newId();
    const commands: AccountCommand[] = [
      open(),
      ...Array.from({ length: 70 }, (): AccountCommand => ({ type: 'MoveMoney', amount: 1 })),
      { type: 'MoveMoney', amount: -71 },
      { type: 'MoveMoney', amount: -70 },
      { type: 'CloseAccount' },
    ];
    const outcomes = await runInContext(person, () =>
      kernel.commands.executeMany(
        account,
        commands.map((command) => ({ id, command, commandId: newId() })),
      ),
    );
    expect(outcomes.flatMap(({ status }, index) => (status === 'refused' ? [index] : []))).toEqual([71]);
    expect((await kernel.commands.load(account, id)).state).toMatchObject({ balance: 0, open: false });
  });

  it('above the size limit is refused and leaves nothing', async () => {
    const id = newId();
    expect(await refusal(run(id, { type: 'OpenAccount', holder: '长'.repeat(100_000) }))).toBe('event-too-large');
    expect((await kernel.commands.load(account, id)).version).toBe(0);
  });
});

describe('a claim', () => {
  it('is held by one stream: of fifty parallel takers one wins, and each other is told who', async () => {
    const outcomes = await Promise.allSettled(Array.from({ length: 50 }, () => run(newId(), open('same@example.com'))));
    const won = outcomes.flatMap((outcome) => (outcome.status === 'fulfilled' ? [outcome.value.id] : []));
    const lost = outcomes.flatMap((outcome) => (outcome.status === 'rejected' ? [outcome.reason as Refusal] : []));
    expect(won).toHaveLength(1);
    expect(lost).toHaveLength(49);
    expect(new Set(lost.map(({ code, params }) => `${code} ${String(params['holder'])}`))).toEqual(
      new Set([`handle-taken ${won[0]}`]),
    );
  });

  it('is free again once given up', async () => {
    const first = newId();
    await run(first, open('free@example.com'));
    expect(await refusal(run(newId(), open('free@example.com')))).toBe('handle-taken');
    await run(first, { type: 'CloseAccount' });
    expect(await refusal(run(newId(), open('free@example.com')))).toBe('no refusal');
  });
});

describe('If-Match', () => {
  const change = (id: string, changes: object, ifMatch: number) =>
    run(id, { type: 'ChangeAccount', changes }, { ifMatch: [ifMatch] });

  it('lets a change of other fields through', async () => {
    const id = newId();
    await run(id, open());
    await change(id, { colour: 'red' }, 1);
    await change(id, { holder: '李娜' }, 1);
    expect((await kernel.commands.load(account, id)).state).toMatchObject({ colour: 'red', holder: '李娜' });
  });

  it('refuses a change of the same field with mine, theirs and original', async () => {
    const id = newId();
    await run(id, open());
    await change(id, { holder: 'theirs' }, 1);
    const error = await change(id, { holder: 'mine' }, 1).catch((thrown: unknown) => thrown as Refusal);
    expect(error).toMatchObject({
      kind: 'precondition',
      params: { conflicts: [{ field: 'holder', mine: 'mine', theirs: 'theirs', original: '王伟' }] },
    });
  });
});

describe('an append over several streams', () => {
  const merge = (survivor: string, absorbed: string) =>
    runInContext(person, () =>
      kernel.commands.executeAcross(
        account,
        [survivor, absorbed],
        { type: 'Merge' },
        ([one, other]): AccountEvent[][] => {
          if (one?.absorbed || other?.absorbed) return [[], []];
          return [[{ type: 'MoneyMoved', amount: other?.balance ?? 0 }], [{ type: 'AccountAbsorbed', into: survivor }]];
        },
      ),
    );

  it('of two opposite merges at once leaves one winner and no cycle', async () => {
    for (let round = 0; round < 10; round += 1) {
      const [a, b] = [newId(), newId()];
      for (const id of [a, b]) {
        await run(id, open());
        await run(id, { type: 'MoveMoney', amount: 10 });
      }
      await Promise.all([merge(a, b), merge(b, a)]);
      const states = await Promise.all([a, b].map(async (id) => (await kernel.commands.load(account, id)).state));
      expect(states.filter(({ absorbed }) => absorbed)).toHaveLength(1);
      expect(states.find(({ absorbed }) => !absorbed)?.balance).toBe(20);
    }
  });
});

describe('a decision over several streams', () => {
  const across = (ids: readonly string[], commandId: string, decide: () => AccountEvent[][]) =>
    runInContext(as({ commandId }), () => kernel.commands.executeAcross(account, ids, { type: 'Settle' }, decide));
  const move: AccountEvent = { type: 'MoneyMoved', amount: 1 };

  it('that was refused, or changed nothing, has the same outcome when it is repeated', async () => {
    const ids = [newId(), newId()];
    const refused = () => {
      throw conflict('not-today');
    };
    expect(await refusal(across(ids, 'a1', refused))).toBe('not-today');
    expect(await refusal(across(ids, 'a1', () => [[move], [move]]))).toBe('not-today');
    await across(ids, 'a2', () => [[], []]);
    expect(await across(ids, 'a2', () => [[move], [move]])).toMatchObject({ streams: [], repeated: true });
  });

  it('over streams that it chooses answers a repeat as the first time, whatever it would choose by now', async () => {
    const [one, other] = [newId(), newId()];
    await run(one, open());
    const settle = (ids: readonly string[], body = {}) =>
      runInContext(as({ commandId: 'a3' }), () =>
        kernel.commands.executeChosenAcross(
          account,
          async () => ({
            ids,
            decide: (_, histories) => ({
              events: ids.map(() => [move]),
              answer: { versions: histories.map(({ length }) => length) },
            }),
          }),
          { body },
        ),
      );
    expect(await settle([one, other])).toEqual({ answer: { versions: [1, 0] }, repeated: false });
    expect(await settle([other])).toEqual({ answer: { versions: [1, 0] }, repeated: true });
    expect(await refusal(settle([other], { more: true }))).toBe('idempotency-key-reused');
  });

  it('knows what happened to each of them, in their order', async () => {
    const [opened, nowhere] = [newId(), newId()];
    await run(opened, open());
    await run(opened, { type: 'MoveMoney', amount: 2 });
    let histories: readonly (readonly { type: string; stream: { id: string; version: number } }[])[] = [];
    await runInContext(person, () =>
      kernel.commands.executeAcross(account, [nowhere, opened], { type: 'Look' }, (_, recorded) => {
        histories = recorded;
        return [[], []];
      }),
    );
    expect(histories.map((history) => history.map(({ type, stream }) => [type, stream.id, stream.version]))).toEqual([
      [],
      [
        ['AccountOpened', opened, 1],
        ['MoneyMoved', opened, 2],
      ],
    ]);
  });

  it('is made again where a stream that it only read moved on meanwhile', async () => {
    const [written, read] = [newId(), newId()] as const;
    await run(read, open());
    const append = kernel.store.append.bind(kernel.store);
    let meanwhile: (() => Promise<unknown>) | undefined = () => run(read, { type: 'MoveMoney', amount: 9 });
    kernel.store.append = async (what) => {
      const now = what.streams.length > 1 ? meanwhile : undefined;
      if (now) meanwhile = undefined;
      await now?.();
      return append(what);
    };
    try {
      await runInContext(person, () =>
        kernel.commands.executeAcross(account, [written, read], { type: 'Copy' }, ([, source]): AccountEvent[][] => [
          [{ type: 'MoneyMoved', amount: source?.balance ?? 0 }],
          [],
        ]),
      );
    } finally {
      kernel.store.append = append;
    }
    expect((await kernel.commands.load(account, written)).state.balance).toBe(9);
  });
});

describe('what is stored', () => {
  it('holds no personal value in clear', async () => {
    const id = newId();
    await run(id, open('secret.person@example.com'));
    await run(id, { type: 'MoveMoney', amount: 1, note: 'for the wedding' });
    const { rows } = await kernel.pool.query<{ dump: string }>(
      `select (select string_agg(e::text, '') from events e) || (select string_agg(c::text, '') from commands c)
         || (select string_agg(c::text, '') from claims c) as dump`,
    );
    expect(rows[0]?.dump).toContain(id);
    for (const secret of ['王伟', 'secret.person', 'wedding']) expect(rows[0]?.dump).not.toContain(secret);
  });

  it('reads as erased once the key is destroyed, and takes nothing more about that person', async () => {
    const id = newId();
    await run(id, open());
    await run(id, { type: 'MoveMoney', amount: 4 });
    await kernel.keyring.destroy(id);
    const { state, events } = await kernel.commands.load(account, id);
    expect(isErased((events[0]?.data as { holder?: unknown } | undefined)?.holder)).toBe(true);
    expect(state).toMatchObject({ balance: 4, holder: undefined });
    expect(await refusal(run(id, { type: 'MoveMoney', amount: 1, note: 'late' }))).toBe('person-erased');
  });

  it('cannot be changed or deleted', async () => {
    await run(newId(), open());
    for (const attempt of ['update events set type = type', 'delete from events', 'truncate events']) {
      await expect(kernel.pool.query(attempt)).rejects.toThrow('append-only');
    }
  });

  it('keeps effective time ascending within a stream, and clamps the future', async () => {
    const id = newId();
    const at = (occurredAt: string, command: AccountCommand) =>
      runInContext(person, () => kernel.commands.execute(account, id, command, { occurredAt }));
    await at('2020-05-05T00:00:00.000Z', open());
    await at('2019-01-01T00:00:00.000Z', { type: 'MoveMoney', amount: 1 });
    await at('2999-01-01T00:00:00.000Z', { type: 'MoveMoney', amount: 2 });
    const { events } = await kernel.commands.load(account, id);
    expect(events.map(({ effectiveAt }) => effectiveAt.slice(0, 4))).toEqual([
      '2020',
      '2020',
      new Date().getFullYear().toString(),
    ]);
    expect((await kernel.commands.load(account, id, { asOf: '2021-01-01T00:00:00.000Z' })).state.balance).toBe(1);
    expect((await kernel.commands.load(account, id, { knownAt: '2021-01-01T00:00:00.000Z' })).version).toBe(0);
  });
});
