import { cp, mkdtemp, readFile, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { accountEvents } from '../test/account.ts';
import { appendOf, headOf } from '../test/appends.ts';
import { background } from '../test/background.ts';
import { freshStore } from '../test/database.ts';
import { until } from '../test/events.ts';
import {
  AnchorsDoNotFit,
  EventStore,
  anchorRestored,
  keepAnchors,
  newId,
  verifyChain,
  writeAnchors,
  writeOnceFolder,
  type Finding,
} from './index.ts';

let kernel: Awaited<ReturnType<typeof freshStore>>;
let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'throughline-anchors-'));
  kernel = await freshStore(accountEvents);
});
afterEach(async () => {
  await kernel.drop();
  await rm(folder, { recursive: true, force: true });
});

const beside = background();
const options = () => ({ service: 'sales' as const, ...kernel, anchors: writeOnceFolder(folder) });
const anchor = () => writeAnchors(options());

/** Events 1 and 2 are of stream a, 3 and 4 of b, 5 of a, 6 of c; anchored after 4 and after 6. */
const [a, b, c] = [newId(), newId(), newId()] as const;
async function history() {
  const batch = { ...appendOf([]).meta, batchId: 'b1' };
  const two = [
    { type: 'AccountOpened', holder: 'Ann' },
    { type: 'MoneyMoved', amount: 3, note: 'n' },
  ];
  await kernel.store.append({ ...appendOf([{ id: a, events: two }]), meta: batch });
  await kernel.store.append(appendOf([{ id: b, events: two }]));
  await anchor();
  await kernel.store.append(appendOf([{ id: a, head: await headOf(kernel.store, a) }]));
  await kernel.store.append(appendOf([{ id: c, events: two.slice(0, 1) }]));
  await anchor();
}

async function verify(anchors = true) {
  const findings: Finding[] = [];
  const { anchors: folderOfAnchors, ...rest } = options();
  const found = (finding: Finding) => void findings.push(finding);
  const proof = await verifyChain({ ...rest, ...(anchors && { anchors: folderOfAnchors }), found });
  return { proof, findings, kinds: findings.map(({ kind }) => kind) };
}

/** As a superuser who turns the triggers off. */
async function tamper(...statements: string[]) {
  const client = await kernel.pool.connect();
  try {
    await client.query('begin; set local session_replication_role = replica');
    for (const statement of statements) await client.query(statement);
    await client.query('commit');
  } finally {
    client.release();
  }
}

const anchorFile = (number: number) => join(folder, 'sales', `${String(number).padStart(12, '0')}.anchor`);

describe('a log that nobody touched', () => {
  it('is proved up to the last anchor, and chains after it', async () => {
    await history();
    await kernel.store.append(appendOf([{ id: newId() }]));
    const { proof, findings } = await verify();
    expect(findings).toEqual([]);
    expect(proof).toMatchObject({ events: 7, head: 7, proved: 6, findings: 0 });
    expect(proof.anchoredAt).toBeDefined();
  });

  it('is proved as well where appends were rolled back in between', async () => {
    for (let round = 0; round < 5; round += 1) {
      await kernel.pool.query(`select nextval('events_position')`);
      await kernel.store.append(appendOf([{ id: newId() }]));
      await anchor();
    }
    expect((await verify()).findings).toEqual([]);
  });

  it('that is empty has nothing to prove', async () => {
    expect(await anchor()).toBe(0);
    expect(await verify()).toMatchObject({ findings: [], proof: { events: 0, proved: 0 } });
  });
});

describe('what a superuser does to the events is found, and which events it was:', () => {
  const second = 'where position = 2';
  it.each([
    ['data', `update events set data = '{"amount":4 }' ${second}`],
    [
      'personal',
      `update events set personal = overlay(personal::text placing
        case substr(personal::text, length(personal::text) - 4, 1) when 'A' then 'B' else 'A' end
        from length(personal::text) - 4 for 1)::json ${second}`,
    ],
    ['meta', `update events set meta = replace(meta::text, 'u1', 'u2')::json ${second}`],
    ['the type', `update events set type = 'AccountClosed' ${second}`],
    ['the schema version', `update events set schema_version = 2 ${second}`],
    ['occurred_at', `update events set occurred_at = occurred_at - interval '1 us' ${second}`],
    ['recorded_at', `update events set recorded_at = recorded_at + interval '1 ms' ${second}`],
    ['effective_at', `update events set effective_at = effective_at - interval '1 day' ${second}`],
    ['the command', `update events set command_id = 'another' ${second}`],
    ['the batch', `update events set batch_id = null ${second}`],
  ])('%s changed', async (_, statement) => {
    await history();
    await tamper(statement);
    const { findings, proof } = await verify();
    expect(findings.some(({ detail }) => detail.includes('position 2,'))).toBe(true);
    expect(proof.findings).toBe(findings.length);
    // A chain that follows the change, as far as that can be seen, does not speak of other streams.
    expect(findings.some(({ detail }) => detail.includes(b) || detail.includes(c))).toBe(false);
  });

  it('the id or the hash changed', async () => {
    await history();
    await tamper(`update events set hash = set_byte(hash, 0, 255 - get_byte(hash, 0)) ${second}`);
    expect((await verify()).findings[0]).toMatchObject({
      kind: 'moved',
      detail: expect.stringContaining('position 2,'),
    });
  });

  it('two events swapped', async () => {
    await history();
    await tamper(
      'update events set position = -1 where position = 1',
      'update events set position = 1 where position = 3',
      'update events set position = 3 where position = -1',
    );
    const { kinds, findings } = await verify();
    expect(kinds).toEqual(['moved', 'moved']);
    expect(findings[0]?.detail).toContain(`of account:${b}`);
    expect(findings[1]?.detail).toContain(`of account:${a}`);
    expect((await verify(false)).findings).toEqual([]);
  });

  it('the end of a stream deleted, and where it stands put back', async () => {
    await history();
    await tamper(`delete from events where position = 5`, `update streams set version = 2 where id = '${a}'`);
    expect(await verify()).toMatchObject({
      findings: [{ kind: 'removed', detail: expect.stringContaining('at position 5') }],
    });
  });

  it('the end of a stream deleted, and nothing else', async () => {
    await history();
    await tamper(`delete from events where position = 5`);
    expect((await verify()).kinds).toEqual(['removed', 'stream']);
    expect((await verify(false)).kinds).toEqual(['stream']);
  });

  it('a whole stream deleted without a trace', async () => {
    await history();
    await tamper(`delete from events where stream_id = '${b}'`, `delete from streams where id = '${b}'`);
    expect(await verify()).toMatchObject({
      findings: [{ kind: 'removed', detail: expect.stringContaining('2 events at positions 3 to 4') }],
    });
  });

  it('an event in the middle deleted', async () => {
    await history();
    await tamper('delete from events where position = 1');
    expect((await verify()).kinds).toEqual(['removed', 'removed', 'stream']);
  });

  it('a forged event with a hash that was copied, also after the last anchor', async () => {
    await history();
    const forged = (position: number, version: number) =>
      `insert into events select ${position}, gen_random_uuid(), stream_type, stream_id, ${version}, type, schema_version,
         data, personal, meta, command_id, batch_id, occurred_at, recorded_at, effective_at, hash
       from events where position = 5`;
    await tamper(forged(-7, 9), forged(7, 4), `update streams set version = 4 where id = '${a}'`);
    const { findings } = await verify();
    expect(findings.map(({ kind }) => kind)).toEqual(['inserted', 'altered', 'stream']);
    expect(findings[0]?.detail).toContain('position -7');
    expect(findings[1]?.detail).toContain('position 7');
  });

  it('a stream row that was made up', async () => {
    await history();
    await tamper(`insert into streams values ('account', gen_random_uuid(), 3, 2)`);
    expect((await verify()).kinds).toEqual(['stream']);
  });

  it('the whole database rolled back to an earlier copy', async () => {
    await history();
    await tamper(
      'delete from events where position > 2',
      `delete from streams where id in ('${b}', '${c}')`,
      `update streams set version = 2 where id = '${a}'`,
    );
    expect(await verify()).toMatchObject({
      proof: { head: 2, proved: 6 },
      findings: [
        { kind: 'removed', detail: expect.stringContaining('3 to 4') },
        { kind: 'removed', detail: expect.stringContaining('5 to 6') },
      ],
    });
    await expect(anchor()).rejects.toThrow(AnchorsDoNotFit);
  });

  it('another store in its place', async () => {
    await history();
    await tamper('update store set generation = gen_random_uuid()');
    expect((await verify()).kinds).toEqual(['generation']);
    await kernel.store.append(appendOf([{ id: newId() }]));
    await expect(anchor()).rejects.toThrow(AnchorsDoNotFit);
  });
});

describe('what is done to the anchors is found:', () => {
  it('one that was changed, or replaced by another', async () => {
    await history();
    const text = await readFile(anchorFile(1), 'utf8');
    await writeFile(anchorFile(1), text.replace('"events":4', '"events":3'));
    expect((await verify()).kinds).toEqual(['anchor']);
    await writeFile(anchorFile(1), await readFile(anchorFile(2)));
    expect((await verify()).kinds).toEqual(['anchor']);
    await writeFile(anchorFile(1), '');
    expect((await verify()).kinds).toEqual(['anchor']);
    await writeFile(anchorFile(1), text);
    expect((await verify()).kinds).toEqual([]);
  });

  it('one that is gone', async () => {
    await history();
    await rm(anchorFile(1));
    expect(await verify()).toMatchObject({ findings: [{ kind: 'anchor', detail: expect.stringContaining('gone') }] });
  });

  it('those of another service or another master key', async () => {
    await history();
    await cp(join(folder, 'sales'), join(folder, 'customers'), { recursive: true });
    const { anchors, ...rest } = options();
    const findings: Finding[] = [];
    await verifyChain({ ...rest, anchors, service: 'customers', found: (one) => void findings.push(one) });
    expect(findings.map(({ kind }) => kind)).toEqual(['anchor', 'anchor']);
  });
});

describe('an anchor', () => {
  it('is written once, by whoever comes first, and only when something was appended', async () => {
    await history();
    const before = await readdir(join(folder, 'sales'));
    expect(await Promise.all([anchor(), anchor()])).toEqual([6, 6]);
    expect(await readdir(join(folder, 'sales'))).toEqual(before);
    await kernel.store.append(appendOf([{ id: newId() }]));
    await Promise.all([anchor(), anchor(), anchor()]);
    expect(await readdir(join(folder, 'sales'))).toHaveLength(3);
    expect((await verify()).findings).toEqual([]);
  });

  it('names no position below which something may still come', async () => {
    await kernel.store.append(appendOf([{ id: newId() }]));
    const slow = await kernel.pool.connect();
    let anchored = 0;
    try {
      await slow.query('begin');
      await slow.query(`insert into events select nextval('events_position'), gen_random_uuid(), stream_type,
        gen_random_uuid(), 1, type, schema_version, data, personal, meta, command_id, batch_id, occurred_at, recorded_at,
        effective_at, hash from events`);
      await kernel.store.append(appendOf([{ id: newId() }]));
      const anchoring = anchor().then((position) => (anchored = position));
      await new Promise((resolve) => setTimeout(resolve, 200));
      expect(anchored).toBe(0);
      await slow.query('commit');
      expect(await anchoring).toBe(3);
    } finally {
      slow.release();
    }
    expect((await verify()).proof).toMatchObject({ events: 3, proved: 3 });
  });

  it('that a killed process had begun counts for nothing', async () => {
    await history();
    await writeFile(join(folder, 'sales', '.0123456789abcdef'), '{"service":');
    expect((await verify()).findings).toEqual([]);
    await kernel.store.append(appendOf([{ id: newId() }]));
    expect(await anchor()).toBe(7);
  });

  it('is written again and again while a process leads, and a store that does not fit is said to whoever reads the log', async () => {
    await kernel.store.append(appendOf([{ id: newId() }]));
    const keeping = keepAnchors({ ...options(), seconds: 0.05, log: beside.log }, beside.signal);
    await until(async () => (await verify()).proof.proved === 1);
    await kernel.store.append(appendOf([{ id: newId() }]));
    await until(async () => (await verify()).proof.proved === 2);
    await tamper('delete from events where position = 2');
    await until(() => beside.lines.length > 0);
    await beside.end(keeping);
    expect(beside.lines[0]).toMatchObject({ level: 'error', message: 'anchor was not written' });
  });
});

describe('a store that was restored from a copy', () => {
  it('is proved by the anchors from before as far as the copy goes, and by new ones after', async () => {
    await history();
    await tamper(
      'delete from events where position > 3',
      `delete from streams where id = '${c}'`,
      `update streams set version = 2 where id = '${a}'`,
      `update streams set version = 1 where id = '${b}'`,
      'update store set generation = gen_random_uuid()',
      `select setval('events_position', 3)`,
    );
    const restored = new EventStore(kernel.pool, kernel.codec, kernel.secrets.key('hash-chain'));
    await anchorRestored({ ...options(), store: restored }, 3);
    expect(await verify()).toMatchObject({ findings: [], proof: { proved: 3 } });
    await restored.append(appendOf([{ id: c }]));
    expect(await anchor()).toBe(4);
    expect(await verify()).toMatchObject({ findings: [], proof: { events: 4, proved: 4 } });
    await tamper('delete from events where position = 3', `delete from streams where id = '${b}'`);
    expect((await verify()).kinds).toEqual(['removed']);
  });
});
