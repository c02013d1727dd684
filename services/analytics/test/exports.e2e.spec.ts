import { afterAll, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { newId } from '@throughline/event-sourcing';
import { administrator, eventually, fresh, startTestService, type TestService } from '@throughline/service/testing';
import { bytesInMemory, openTable } from '@throughline/tables';
import { AnalyticsModule } from '../src/analytics.module.ts';

let service: TestService;
beforeAll(async () => {
  service = await startTestService(AnalyticsModule, { listensTo: ['customers', 'sales', 'interactions', 'gateway'] });
});
afterAll(() => service.end());

const path = '/api/customers/export';
const append = async (id: string, ...events: { type: string; [key: string]: unknown }[]) =>
  `customers@${await service.log('customers').append({ type: 'customer', id }, ...events)}`;
let numbers = 0;
const created = (fields: object) => ({
  type: 'CustomerCreated',
  number: `C-${(numbers += 1)}`,
  emailsReserved: false,
  ...fields,
});
/** A source of its own for each case: what its filter finds is its own. */
const ofSource = async (count: number) => {
  const source = newId();
  let after = '';
  for (let index = 0; index < count; index += 1) after = await append(newId(), created({ name: `王${index}`, source }));
  return { source, after };
};
const exportOf = async (filter: object, after: string, more: object = {}, headers = {}) => {
  await fresh(() => service.call('GET', '/api/customers?limit=1', undefined, { 'x-after': after }));
  return service.call('POST', path, { format: 'csv', filter, fields: ['name'], ...more }, headers);
};
const rowsOf = async ({ body }: { body: unknown }): Promise<(string | undefined)[][]> => {
  const table = await openTable(bytesInMemory(new TextEncoder().encode(String(body))));
  const rows: (string | undefined)[][] = [];
  for await (const { cells } of table.rows) rows.push(cells.map(({ text }) => text));
  return rows;
};
const limit = (rowsPerDay: number) => service.call('PUT', '/api/export-settings', { rowsPerDay });
beforeEach(() => limit(0));

/** What was recorded of exports of a source. */
const recorded = async (of: string) =>
  (await eventually(
    async () => (await service.call('GET', '/api/exports')).body.items.filter(isOf(of)),
    (items) => items.length > 0,
  )) as any[];
const isOf = (source: string) => (item: any) => item.selection.filter?.source === source;
/** What somebody takes counts for the day: each case has a caller of its own. */
const capOf = async (rowsPerDay: number) => {
  const { body } = await service.call('GET', '/api/exports');
  const taken = body.items.reduce((sum: number, { rows }: any) => sum + rows, 0);
  return limit(taken + rowsPerDay);
};

describe('an export', () => {
  it('is recorded with who took what', async () => {
    const { source, after } = await ofSource(3);
    const reply = await exportOf({ source }, after, { sort: '-name' });
    expect(reply.status).toBe(200);
    expect((await rowsOf(reply)).map(([, , name]) => name)).toEqual(['王2', '王1', '王0']);
    expect(await recorded(source)).toEqual([
      {
        id: expect.any(String),
        at: expect.any(String),
        actor: { type: 'user', id: administrator.id },
        rows: 3,
        format: 'csv',
        columns: ['id', 'version', 'name'],
        selection: { filter: { source }, sort: '-name' },
        asOf: null,
      },
    ]);
  });

  it('is recorded each time, whatever is repeated, and not where nothing was handed out', async () => {
    const { source, after } = await ofSource(1);
    const key = { 'idempotency-key': newId() };
    for (let time = 0; time < 2; time += 1) expect((await exportOf({ source }, after, {}, key)).status).toBe(200);
    expect((await exportOf({ source, colour: 'red' }, after)).status).toBe(422);
    const items = await eventually(
      () => recorded(source),
      ({ length }) => length === 2,
    );
    expect(items.map(({ rows }) => rows)).toEqual([1, 1]);
  });

  it('is as large as the day allows, also where several are asked for at once', async () => {
    const { source, after } = await ofSource(3);
    await exportOf({ source }, after);
    await recorded(source);
    await capOf(7);
    const replies = await Promise.all([1, 2, 3].map(() => exportOf({ source }, after)));
    expect(replies.filter(({ status }) => status === 200)).toHaveLength(2);
    const refused = replies.find(({ status }) => status !== 200);
    expect([refused?.status, refused?.body.code]).toEqual([429, 'export-cap-reached']);
    const seconds = Number(refused?.headers.get('retry-after'));
    expect([seconds > 0, seconds <= 86_400]).toEqual([true, true]);
    await limit(0);
    expect((await exportOf({ source }, after)).status).toBe(200);
  });

  it('is limited by what administrators say', async () => {
    expect((await limit(5_000)).body).toEqual({ rowsPerDay: 5_000 });
    expect((await service.call('GET', '/api/export-settings')).body).toEqual({ rowsPerDay: 5_000 });
    for (const wrong of [-1, 1.5, '10', null]) {
      expect((await service.call('PUT', '/api/export-settings', { rowsPerDay: wrong })).status).toBe(400);
    }
  });
});
