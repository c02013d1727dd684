import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { derivedId, newId, runInContext, systemContext } from '@throughline/event-sourcing';
import { Service, definitionOf } from '@throughline/service';
import { administrator, eventually, startTestService, type TestService } from '@throughline/service/testing';
import { CustomersModule } from '../src/customers.module.ts';
import { Duplicates } from '../src/duplicates/duplicates.store.ts';
import { MatchQuestions } from '../src/duplicates/match-questions.store.ts';
import { MatchRecords } from '../src/duplicates/match-records.store.ts';
import { ScanDuplicates } from '../src/duplicates/scan-duplicates.job.ts';
import { RunBatchWhenStarted } from '../src/policies/run-batch-when-started.policy.ts';
import { mergeBatchOf } from '../src/duplicates/scan-duplicates.job.ts';
import { customers } from '../src/matching/customers.fixtures.ts';

/** Records that were there before anything looked at them as they came in. */
@Service({ ...definitionOf(CustomersModule), policies: [RunBatchWhenStarted] })
class WithoutPolicies {}

let service: TestService;
let records = 0;
const connection = newId();
beforeAll(async () => {
  service = await startTestService(WithoutPolicies, { listensTo: ['gateway'] });
  await service.call('PUT', '/api/duplicate-rules', { rules: [] });
  const listed = (values: unknown) => [values ?? []].flat().map((value) => ({ value }));
  for (const { id, kind, emails, phones, addresses = [], ...names } of customers(300, 7)) {
    const { truth: _, birthDate, registrationNumber, ...named } = names;
    const name = [named.name, named.companyName, `${String(named.givenName)} ${String(named.familyName)}`].find(
      Boolean,
    );
    const whole = { ...named, name, kind, emails: listed(emails), phones: listed(phones) };
    const given = Object.entries({ ...whole, birthDate, registrationNumber }).filter(([, value]) => value ?? false);
    const places = addresses.map((address) => Object.fromEntries(Object.entries(address).filter(([, part]) => part)));
    const body = { ...Object.fromEntries(given), addresses: places };
    const reply = await service.call('PUT', `/api/customers/by/external/${connection}/${encodeURIComponent(id)}`, {
      ...body,
    });
    if (reply.status < 300) records += 1;
  }
}, 60_000);
afterAll(() => service.end());

const get = async (path: string) => (await service.call('GET', `/api/${path}`)).body;
const post = (path: string, body: object = {}, headers = {}) => service.call('POST', `/api/${path}`, body, headers);
const caughtUp = async () => {
  const { rows } = await service.kernel.pool.query<{ last: string }>('select max(position) as last from events');
  await service.kernel.caughtUp(new Map([['customers', Number(rows[0]?.last)]]), 20_000);
};
const open = async (): Promise<any[]> => {
  await caughtUp();
  return (await get('duplicates?limit=200')).items;
};
const timesFound = async () => {
  const { rows } = await service.kernel.pool.query<{ times: string; pairs: string }>(
    `select count(*) as times, count(distinct stream_id) as pairs from events where type = 'DuplicateFound'`,
  );
  return { times: Number(rows[0]?.times), pairs: Number(rows[0]?.pairs) };
};
const scanned = async (key = newId()) => {
  const { status, body } = await post('duplicates/scan', {}, { 'idempotency-key': key });
  expect(status).toBe(202);
  return eventually(
    () => get(`duplicates/scans/${body.id}`),
    ({ state }) => state !== 'waiting' && state !== 'running',
  );
};

describe('a scan', () => {
  it('that is killed before anybody knows how far it was goes on, and queues nothing twice', async () => {
    await caughtUp();
    expect(await open()).toEqual([]);
    const key = newId();
    const id = derivedId('scan', 'user', administrator.id, key);
    const actor = { type: 'user', id: administrator.id } as const;
    const matches = new MatchRecords(service.kernel, new MatchQuestions(service.kernel));
    const scan = new ScanDuplicates(
      service.kernel.commands,
      matches,
      new Duplicates(service.kernel, service.kernel.commands, matches),
    );
    await runInContext({ ...systemContext('test'), actor, batchId: id }, async () => {
      for await (const _ of scan.run({ id } as never)) break;
    });
    expect(records).toBeGreaterThan(250);
    const { pairs } = await timesFound();
    expect(pairs).toBeGreaterThan(10);
    const job = await scanned(key);
    expect(job).toMatchObject({ id, state: 'done', done: records, total: records, error: null });
    expect(await timesFound()).toEqual({ times: pairs, pairs });
  });

  it('lists the strongest first, page by page, with number and name of both', async () => {
    const all = await open();
    const scores = all.map(({ score }) => score);
    expect(scores).toEqual(scores.toSorted((a, b) => b - a));
    const paged = [];
    for (let cursor = ''; ;) {
      const { items, nextCursor } = await get(`duplicates?limit=7${cursor && `&cursor=${cursor}`}`);
      paged.push(...items);
      if (nextCursor === null) break;
      cursor = nextCursor;
    }
    expect(paged).toEqual(all);
    for (const { records, by } of all) {
      expect(by).toBe('scan');
      expect(records).toEqual([
        expect.objectContaining({ number: expect.any(String), name: expect.any(String) }),
        expect.objectContaining({ number: expect.any(String), name: expect.any(String) }),
      ]);
    }
  });

  it('leaves alone what was dismissed', async () => {
    const [strongest] = await open();
    await post(`duplicates/${strongest.id}/dismiss`);
    const { times } = await timesFound();
    await scanned();
    expect((await timesFound()).times).toBe(times);
    expect((await open()).map(({ id }) => id)).not.toContain(strongest.id);
  });

  it('is known by its own id alone', async () => {
    expect(await service.call('GET', `/api/duplicates/scans/${newId()}`)).toMatchObject({ status: 404 });
  });
});

describe('a scan that merges by itself', () => {
  const finished = (id: string) =>
    eventually(
      () => get(`batches/${id}`),
      ({ status }) => status === 'done',
    );

  it('merges what is sure and was not dismissed, as a batch that can be undone', async () => {
    const autoMerge = { enabled: true, weight: 14 };
    expect((await service.call('PUT', '/api/duplicate-rules', { rules: [], autoMerge })).status).toBe(200);
    const before = await open();
    const sure = before.filter(({ band, score }) => band === 'automatic' && score >= 14);
    expect(sure.length).toBeGreaterThan(3);
    const [first] = sure;
    await post(`duplicates/${first.id}/dismiss`);
    const { id } = await scanned();
    const batch = mergeBatchOf(id);
    const { counts } = await finished(batch);
    expect(counts).toMatchObject({ failed: 0 });
    expect(counts.merged).toBeGreaterThan(2);
    const [a, b] = first.records.map(({ recordId }: any) => recordId);
    expect((await get(`customers/${a}`)).id).not.toBe((await get(`customers/${b}`)).id);
    const isOne = async ({ records }: any) => {
      const goldenIds = records.map(async ({ recordId }: any) => (await get(`customers/${recordId}`)).id);
      return new Set(await Promise.all(goldenIds)).size === 1;
    };
    const mergedOf = async (pairs: any[]) => {
      const are = await Promise.all(pairs.map(isOne));
      return pairs.filter((_, index) => are[index]);
    };
    const merged = await mergedOf(sure);
    expect(merged.length).toBeGreaterThan(2);
    expect((await open()).length).toBeLessThan(before.length - 2);

    const undo = await post(`batches/${batch}/undo`);
    expect(undo.status).toBe(202);
    await finished(undo.body.id);
    expect(await mergedOf(merged)).toEqual([]);
    // Whoever has taken them apart is not overruled the next night.
    const again = await scanned();
    await finished(mergeBatchOf(again.id));
    expect(await mergedOf(merged)).toEqual([]);
  });

  it('that is killed between a merge and its mark leaves no pair open, and counts it', async () => {
    const twin = {
      name: '令狐冲',
      phones: [{ value: '139 0571 8899' }],
      emails: [{ value: 'linghu.chong@huashan.example' }],
      birthDate: '1985-04-03',
    };
    const [one, two] = [(await post('customers', twin)).body.id, (await post('customers', twin)).body.id];
    await caughtUp();
    const { store } = service.kernel;
    const append = store.append.bind(store);
    let held = 0;
    store.append = async (what) => {
      const isMark = what.streams.some(({ events }) => events.some(({ type }) => type === 'DuplicateMerged'));
      if (isMark && (held += 1) === 1) throw Object.assign(new Error('away'), { code: 'ECONNREFUSED' });
      return append(what);
    };
    const { id } = await scanned();
    const { counts } = await finished(mergeBatchOf(id)).finally(() => (store.append = append));
    expect(held).toBeGreaterThan(1);
    expect(counts).toEqual({ merged: 1, failed: 0 });
    expect((await get(`customers/${two}`)).id).toBe(one);
    await caughtUp();
    const { items } = await get('duplicates?status=merged&limit=200');
    const pair = items.find(({ records }: any) => records.some(({ recordId }: any) => recordId === two));
    expect(pair).toMatchObject({ status: 'merged' });
    // Whoever takes them apart is not overruled, just as if nothing had been killed.
    const undo = await post(`batches/${mergeBatchOf(id)}/undo`);
    await finished(undo.body.id);
    await finished(mergeBatchOf((await scanned()).id));
    expect((await get(`customers/${two}`)).id).toBe(two);
  });
});
