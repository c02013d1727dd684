import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { account, accountEvents, person, type AccountCommand } from '../test/account.ts';
import { freshStore } from '../test/database.ts';
import {
  Elsewhere,
  Commands,
  EventStore,
  forbidden,
  newId,
  runInContext,
  type Item,
  type ItemOutcome,
  type Refusal,
  type RequestContext,
} from './index.ts';

type Kernel = Awaited<ReturnType<typeof freshStore>>;
type One = Item<AccountCommand>;

let kernel: Kernel;
beforeAll(async () => {
  kernel = await freshStore(accountEvents);
});
afterAll(() => kernel.drop());

const open = (handle?: string): AccountCommand => ({ type: 'OpenAccount', holder: '王伟', ...(handle && { handle }) });
const move = (amount: number): AccountCommand => ({ type: 'MoveMoney', amount });
const one = (command: AccountCommand, besides: Partial<One> = {}): One => ({
  id: newId(),
  command,
  commandId: newId(),
  ...besides,
});
const many = (items: readonly One[], context: Partial<RequestContext> = {}, commands = kernel.commands) =>
  runInContext({ ...person, ...context }, () => commands.executeMany(account, items));
const alone = (id: string, command: AccountCommand, context: Partial<RequestContext> = {}) =>
  runInContext({ ...person, ...context }, () => kernel.commands.execute(account, id, command));
const state = async (id: string) => (await kernel.commands.load(account, id)).state;

/** What came of an item: the version it left its stream at, or why it was refused. */
const told = (outcome: ItemOutcome<unknown, never>) => {
  if (outcome.status === 'elsewhere') return outcome.status;
  return outcome.status === 'done'
    ? `${outcome.executed.repeated ? 'again ' : ''}v${outcome.executed.version}`
    : [outcome.refusal.code, outcome.refusal.params['holder']].filter(Boolean).join(' ');
};
const outcomes = async (items: readonly One[], context?: Partial<RequestContext>) =>
  (await many(items, context)).map((outcome) => told(outcome as ItemOutcome<unknown, never>));

/** How many statements with how many appends went out meanwhile. */
async function statements(work: () => Promise<unknown>): Promise<number[]> {
  const seen: number[] = [];
  const see = (appends: number) => void seen.push(appends);
  kernel.store.on('statement', see);
  await work().finally(() => kernel.store.off('statement', see));
  return seen;
}

/** Does something once, right after the batch has loaded its streams. */
function afterLoading(meanwhile: () => Promise<unknown>): void {
  const load = kernel.store.loadMany.bind(kernel.store);
  kernel.store.loadMany = async (...args) => {
    kernel.store.loadMany = load;
    const loaded = await load(...args);
    await meanwhile();
    return loaded;
  };
}

describe('many commands', () => {
  it('travel 500 at a time, and are written in their order', async () => {
    const items = Array.from({ length: 1_200 }, () => one(open()));
    let answers: Awaited<ReturnType<typeof many>> = [];
    expect(await statements(async () => (answers = await many(items)))).toEqual([500, 500, 200]);
    const positions = answers.map((answer) => (answer.status === 'done' ? answer.executed.position : 0));
    expect(positions).toEqual(positions.toSorted((a, b) => a - b));
    expect(new Set(positions).size).toBe(1_200);
    expect(await state(items[700]?.id ?? '')).toMatchObject({ open: true, holder: '王伟' });
  });

  it('may be none', async () => {
    expect(await many([])).toEqual([]);
  });

  it('have an outcome each, refusals among them', async () => {
    const there = newId();
    await alone(there, open());
    const id = newId();
    const items = [
      one(open()),
      one(open(), { id: there }),
      one(open(), { id }),
      one(move(-5), { id }),
      one(move(0), { id }),
      one(move(7), { id }),
    ];
    expect(await outcomes(items)).toEqual(['v1', 'account-exists', 'v1', 'overdrawn', 'v1', 'v2']);
    expect(await state(id)).toMatchObject({ balance: 7 });
  });

  it('of one stream go in one statement, each decided on what those before it left', async () => {
    const id = newId();
    const items = [open(), move(5), move(-5), move(-1), { type: 'CloseAccount' } as const].map((command) =>
      one(command, { id }),
    );
    let answers: string[] = [];
    expect(await statements(async () => (answers = await outcomes(items)))).toEqual([1]);
    expect(answers).toEqual(['v1', 'v2', 'v3', 'overdrawn', 'v4']);
    const { events } = await kernel.commands.load(account, id);
    expect(events.map(({ meta }) => meta.commandId.split('/')[1])).toEqual(
      [0, 1, 2, 4].map((index) => items[index]?.commandId),
    );
  });

  it('answer with the state, the fields and the events as they were after each', async () => {
    const id = newId();
    const [opened, moved] = await many([one(open(), { id }), one(move(3), { id })]);
    expect(opened).toMatchObject({ executed: { state: { balance: 0 }, fields: { holder: '王伟' } } });
    expect(moved).toMatchObject({ executed: { state: { balance: 3 }, events: [{ type: 'MoneyMoved', amount: 3 }] } });
  });

  it('keep when each happened, in whatever form its id came', async () => {
    const item = one(open(), { occurredAt: '2020-05-05T08:00:00+08:00' });
    await many([{ ...item, id: item.id.toUpperCase() }, one(open())]);
    const { events } = await kernel.commands.load(account, item.id);
    expect(events.map(({ occurredAt }) => occurredAt)).toEqual(['2020-05-05T00:00:00.000Z']);
  });

  it('tell the furthest position, and carry the trace and the batch', async () => {
    const traceparent = '00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01';
    const context: RequestContext = { ...person, traceparent, batchId: newId() };
    const items = [one(open()), one(open())];
    await runInContext(context, () => kernel.commands.executeMany(account, items, { rulesVersion: 'r1' }));
    const { events, position } = await kernel.commands.load(account, items[1]?.id ?? '');
    expect(context.position).toBe(position);
    expect(events[0]?.meta).toMatchObject({ traceparent, batchId: context.batchId, rulesVersion: 'r1' });
  });
});

describe('a command among many', () => {
  it('that comes again gets its first outcome, also a refusal, whatever happened since', async () => {
    const id = newId();
    const items = [one(open(), { id }), one(move(-1), { id }), one(move(4), { id })];
    expect(await outcomes(items)).toEqual(['v1', 'overdrawn', 'v2']);
    await alone(id, move(10));
    expect(await outcomes(items)).toEqual(['again v1', 'overdrawn', 'again v2']);
    const [, , again] = await many(items);
    expect(again).toMatchObject({ executed: { state: { balance: 4 }, events: [{ type: 'MoneyMoved', amount: 4 }] } });
    expect(await state(id)).toMatchObject({ balance: 14 });
  });

  it('that stands there twice is carried out once', async () => {
    const item = one(open());
    expect(await outcomes([item, one(open()), item])).toEqual(['v1', 'v1', 'again v1']);
  });

  it('with the id of another one is refused; told by its body, where it has one', async () => {
    const first = one(open('number 1'), { body: { name: 'a' } });
    expect(await outcomes([first])).toEqual(['v1']);
    expect(await outcomes([{ ...first, command: open('number 2') }, one(open())])).toEqual(['again v1', 'v1']);
    expect(await outcomes([{ ...first, body: { name: 'b' } }])).toEqual(['idempotency-key-reused']);
  });

  it('that loses a race is decided again, and nothing else is', async () => {
    const id = newId();
    await alone(id, open());
    const items = [one(open()), one(move(5), { id }), one(open())];
    afterLoading(() => alone(id, move(1)));
    let answers: string[] = [];
    // The rival's own, the batch, and what lost once more.
    expect(await statements(async () => (answers = await outcomes(items)))).toEqual([1, 3, 1]);
    expect(answers).toEqual(['v1', 'v3', 'v1']);
    expect(await state(id)).toMatchObject({ balance: 6 });
  });

  it('that another process carries out meanwhile gets that outcome', async () => {
    const { store, secrets, pool, codec } = kernel;
    const there = new Commands(new EventStore(pool, codec, secrets.key('hash-chain')), secrets);
    const items = [one(open()), one(open()), one(open())];
    const load = store.loadMany.bind(store);
    store.loadMany = async (...args) => {
      store.loadMany = load;
      const loaded = await load(...args);
      await many(items.slice(1, 2), {}, there);
      return loaded;
    };
    expect(await outcomes(items)).toEqual(['v1', 'again v1', 'v1']);
  });

  it('against a stream that never stands still is not lost', async () => {
    const id = newId();
    await alone(id, open());
    const rivals = Array.from({ length: 30 }, () => alone(id, move(1)));
    const items = Array.from({ length: 30 }, () => one(move(1), { id }));
    const answers = await Promise.all([...items.map((item) => outcomes([item])), ...rivals]);
    expect(answers).toHaveLength(60);
    expect(await state(id)).toMatchObject({ balance: 60 });
  });

  it('that is too large, or of somebody who was erased, fails alone', async () => {
    const erased = newId();
    await alone(erased, open());
    await kernel.keyring.destroy(erased);
    const items = [
      one(open()),
      one({ type: 'OpenAccount', holder: '长'.repeat(100_000) }),
      one({ type: 'MoveMoney', amount: 1, note: 'late' }, { id: erased }),
      one(open('bad\u0000text')),
      one(open()),
    ];
    const expected = ['v1', 'event-too-large', 'person-erased', 'invalid-text', 'v1'];
    expect(await outcomes(items)).toEqual(expected);
    expect((await outcomes(items)).slice(1, 4)).toEqual(expected.slice(1, 4));
  });

  it('needs access to its own record only', async () => {
    const [mine, theirs] = [newId(), newId()];
    await many([
      one({ type: 'OpenAccount', holder: 'mine' }, { id: mine }),
      one({ type: 'OpenAccount', holder: 'theirs' }, { id: theirs }),
    ]);
    const guarded = { ...account, access: ({ holder }: { holder?: string | undefined }) => ({ ownerId: holder }) };
    const authorise: RequestContext['authorise'] = (_, { ownerId }) => {
      if (ownerId !== 'mine') throw forbidden('not-yours');
    };
    const items = [one(move(1), { id: mine }), one(move(1), { id: theirs }), one(open())];
    const answers = await runInContext({ ...person, authorise }, () => kernel.commands.executeMany(guarded, items));
    expect(answers.map((answer) => told(answer as ItemOutcome<unknown, never>))).toEqual(['v2', 'not-yours', 'v1']);
  });

  it('is held against If-Match as it would be alone', async () => {
    const [same, moved] = [newId(), newId()];
    for (const id of [same, moved]) await alone(id, open());
    await alone(moved, { type: 'ChangeAccount', changes: { holder: 'theirs' } });
    const change = { type: 'ChangeAccount', changes: { holder: 'mine' } } as const;
    const items = [one(change, { id: same }), one(change, { id: moved })];
    expect(await outcomes(items, { ifMatch: [1] })).toEqual(['v2', 'changed-meanwhile']);
  });
});

describe('a command among many that its stream cannot decide', () => {
  it('is told to be carried out elsewhere, and does not hold up the others', async () => {
    const [one, other] = [newId(), newId()];
    await alone(other, open());
    const guarded = {
      ...account,
      guard: ({ open: isOpen }: { open: boolean }) => {
        if (isOpen) throw new Elsewhere();
      },
    };
    const items = [one, other].map((id) => ({ id, command: open(), commandId: newId() }));
    const results = await runInContext(person, () => kernel.commands.executeMany(guarded, items));
    expect(results.map(({ status }) => status)).toEqual(['done', 'elsewhere']);
  });

  it('that was made for one version of its stream is decided on no other', async () => {
    const [same, moved] = [newId(), newId()];
    for (const id of [same, moved]) await alone(id, open());
    const items = [same, moved].map((id) => ({ ...one({ type: 'CloseAccount' }, { id }), version: 1 }));
    afterLoading(() => alone(moved, { type: 'CloseAccount' }));
    expect(await outcomes(items)).toEqual(['v2', 'elsewhere']);
    expect(await outcomes(items)).toEqual(['again v2', 'elsewhere']);
  });
});

describe('a claim among many', () => {
  it('goes to the first that wants it, and the others are told who has it', async () => {
    const holder = newId();
    await alone(holder, open('a@example.com'));
    const items = ['b@example.com', 'a@example.com', 'b@example.com', 'c@example.com', 'b@example.com'].map((handle) =>
      one(open(handle)),
    );
    const first = items[0]?.id;
    const expected = ['v1', `handle-taken ${holder}`, `handle-taken ${first}`, 'v1', `handle-taken ${first}`];
    expect(await outcomes(items)).toEqual(expected);
    expect(await outcomes(items)).toEqual(expected.map((outcome) => outcome.replace('v1', 'again v1')));
  });

  it('that one gives up is free for those behind it, and not for those before', async () => {
    const holder = newId();
    await alone(holder, open('free'));
    const [early, late] = [one(open('free')), one(open('free'))];
    const close = (id: string) => one({ type: 'CloseAccount' }, { id });
    const items = [early, close(holder), late, close(late.id)];
    expect(await outcomes(items)).toEqual([`handle-taken ${holder}`, 'v2', 'v1', 'v2']);
  });

  it('that somebody else takes meanwhile fails nobody but who wanted it', async () => {
    const rival = newId();
    const items = Array.from({ length: 40 }, (_, index) => one(open(`raced ${index}`)));
    const holders = kernel.store.holders.bind(kernel.store);
    kernel.store.holders = async (...args) => {
      kernel.store.holders = holders;
      const held = await holders(...args);
      await alone(rival, open('raced 17'));
      return held;
    };
    const answers = await outcomes(items);
    expect(answers[17]).toBe(`handle-taken ${rival}`);
    expect(answers.filter((answer) => answer === 'v1')).toHaveLength(39);
  });

  it('is settled in order also over the border between two statements', async () => {
    const items = Array.from({ length: 1_000 }, (_, index) => one(open(`border ${index % 499}`)));
    const answers = await outcomes(items);
    expect(answers.slice(0, 499)).toEqual(Array.from({ length: 499 }, () => 'v1'));
    expect(answers.slice(499)).toEqual(items.slice(499).map((_, index) => `handle-taken ${items[index % 499]?.id}`));
  });
});

describe('executing many commands', () => {
  let other: Kernel;
  beforeAll(async () => {
    other = await freshStore(accountEvents);
  });
  afterAll(() => other.drop());

  /** Of few streams, handles and command ids, so that all of them meet. */
  type Script = { stream: number; again: number | null; command: AccountCommand }[];
  const script = (streams: number, length: { minLength: number; maxLength: number }): fc.Arbitrary<Script> =>
    fc.array(
      fc.record({
        stream: fc.nat(streams - 1),
        again: fc.option(fc.nat(5), { freq: 8 }),
        command: fc.oneof<fc.Arbitrary<AccountCommand>[]>(
          fc.nat(4).map((handle) => ({ type: 'OpenAccount', holder: 'h', handle: `h${handle}` }) as const),
          fc.integer({ min: -3, max: 3 }).map((amount) => ({ type: 'MoveMoney', amount }) as const),
          fc.constant({ type: 'CloseAccount' } as const),
          fc.constantFrom('red', 'blue').map((colour) => ({ type: 'ChangeAccount', changes: { colour } }) as const),
        ),
      }),
      length,
    );

  const toldAlone = (id: string, command: AccountCommand, commandId: string) =>
    runInContext(person, () => other.commands.execute(account, id, command, { commandId })).then(
      (executed) => told({ status: 'done', executed } as ItemOutcome<unknown, never>),
      (refusal: Refusal) => told({ status: 'refused', refusal }),
    );

  const equals = async (steps: Script, streams: number) => {
    const ids = Array.from({ length: streams }, () => newId());
    const run = newId();
    const items = steps.map(({ stream, again, command }, index): One => {
      const prefixed = 'handle' in command ? { ...command, handle: `${run} ${command.handle}` } : command;
      return { id: ids[stream] as string, command: prefixed, commandId: `${run} ${again ?? `own ${index}`}` };
    });
    const together = (await many(items)).map((outcome) => told(outcome as ItemOutcome<unknown, never>));
    const apart: string[] = [];
    for (const { id, command, commandId } of items) apart.push(await toldAlone(id, command, commandId));
    expect(together).toEqual(apart);
    for (const id of ids) {
      const [here, there] = await Promise.all([kernel.commands.load(account, id), other.commands.load(account, id)]);
      expect(here.events.map(({ type, data, meta }) => [type, data, meta.commandId])).toEqual(
        there.events.map(({ type, data, meta }) => [type, data, meta.commandId]),
      );
    }
  };

  it('comes to the same as executing them one after the other', async () => {
    await fc.assert(
      fc.asyncProperty(script(5, { minLength: 0, maxLength: 40 }), (steps) => equals(steps, 5)),
      { numRuns: 30 },
    );
  });

  it('does so also where they fill several statements', async () => {
    await fc.assert(
      fc.asyncProperty(script(300, { minLength: 1_300, maxLength: 1_300 }), (steps) => equals(steps, 300)),
      { numRuns: 1 },
    );
  });
});

describe('many streams', () => {
  it('are loaded as each would be, with none missing', async () => {
    const [there, nowhere] = [newId(), newId()];
    await many([one(open(), { id: there }), one(move(2), { id: there })]);
    const loaded = await kernel.commands.loadMany(account, [there.toUpperCase(), nowhere]);
    expect(loaded.get(there.toUpperCase())).toEqual(await kernel.commands.load(account, there));
    expect(loaded.get(nowhere)).toEqual({ state: account.initial, version: 0, position: 0, events: [] });
  });
});
