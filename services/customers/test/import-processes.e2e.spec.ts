import { Readable } from 'node:stream';
import { afterAll, afterEach, describe, expect, it, jest } from '@jest/globals';
import { databaseUrl } from '@throughline/service';
import { dropDatabases, eventually, testConfig } from '@throughline/service/testing';
import pg from 'pg';
import { spawned, token } from './spawned.ts';

jest.setTimeout(180_000);
const config = testConfig();
const ends: (() => Promise<void>)[] = [];
afterEach(async () => {
  for (const end of ends.splice(0)) await end();
});
afterAll(() => dropDatabases(config));
const started = (...flags: string[]) => spawned(config, 'all', (kill) => ends.push(kill), flags);

/** Sends a form whose file is made while it is sent. */
async function upload(url: string, rows: Iterable<string>): Promise<any> {
  const head = `--b\r\ncontent-disposition: form-data; name="object"\r\n\r\ncustomers\r\n--b\r\ncontent-disposition: form-data; name="file"; filename="a.csv"\r\n\r\n`;
  const body = Readable.toWeb(Readable.from(form(head, rows), { objectMode: false })) as never;
  const response = await fetch(`${url}/api/imports`, {
    method: 'POST',
    headers: { authorization: `Bearer ${await token()}`, 'content-type': 'multipart/form-data; boundary=b' },
    body,
    duplex: 'half',
  } as never);
  const answer = await response.json();
  expect([response.status, answer]).toEqual([201, expect.objectContaining({ status: 'uploaded' })]);
  return answer;
}

function* form(head: string, rows: Iterable<string>): Generator<string> {
  let text = head;
  for (const row of rows) {
    text += `${row}\n`;
    if (text.length < 256 * 1024) continue;
    yield text;
    text = '';
  }
  yield `${text}\r\n--b--\r\n`;
}

/** Imports a file in a process that is killed where so many rows are done, and started again each time. */
async function importedThrough(
  kills: readonly number[],
  rows: readonly string[],
  columns: Record<string, object> = {},
  cells: readonly object[] = [],
) {
  let service = await started();
  const { id, suggestion } = await upload(service.url, rows);
  const mapped = suggestion.columns.map((one: any) => ({ ...one, ...columns[one.field] }));
  await service.call('POST', `/api/imports/${id}/mapping`, { ...suggestion, columns: mapped });
  expect((await service.call('PATCH', `/api/imports/${id}/cells`, { cells })).status).toBe(200);
  await service.call('POST', `/api/imports/${id}/run`);
  const read = async () => (await service.call('GET', `/api/imports/${id}`)).body;
  const killedAt: number[] = [];
  for (const after of kills) {
    const { progress } = await eventually(read, (one) => (one.progress?.done ?? 0) >= after, 60_000);
    await new Promise((resolve) => setTimeout(resolve, 150));
    await service.kill();
    killedAt.push(progress.done);
    service = await started();
  }
  expect(Math.min(...killedAt)).toBeLessThan(rows.length - 1);
  const done = await eventually(read, ({ status }) => status === 'done', 90_000);
  return { id, done, service };
}

/** What is recorded of customers. */
async function recorded(): Promise<{ events: number; streams: number }> {
  const client = new pg.Client({
    connectionString: databaseUrl(config.databaseUrl, `${config.databasePrefix}customers`),
  });
  await client.connect();
  const { rows } = await client.query(
    `select count(*)::int as events, count(distinct stream_id)::int as streams from events where stream_type = 'customer'`,
  );
  await client.end();
  return rows[0];
}

describe('an import in a process that is killed', () => {
  it('goes on where it was: its counts add up, and nothing is made twice', async () => {
    const count = 3_000;
    // Every tenth row is wrong, every fifteenth one was there before.
    const rows = Array.from({ length: count }, (_, i) => {
      const name = i % 10 === 0 ? '' : `客户 ${i}`;
      return `${name},${i % 15 === 1 ? i - 1 : i}@example.cn`;
    });
    const { id, done, service } = await importedThrough([1, 700, 1_800], ['姓名,邮箱', ...rows]);
    const failed = rows.filter((row) => row.startsWith(',')).length;
    const { counts } = done;
    expect(counts.created + counts.updated + counts.unchanged + counts.skipped + counts.failed).toBe(count);
    expect(counts).toMatchObject({ read: count, failed, updated: 0, unchanged: 0 });

    expect(await recorded()).toEqual({ events: counts.created, streams: counts.created });
    const errors = String((await service.call('GET', `/api/imports/${id}/errors.csv`)).body)
      .trim()
      .split('\r\n');
    expect(errors).toHaveLength(1 + counts.failed + counts.skipped);
  });

  it('still takes the cells that were set by hand', async () => {
    const before = await recorded();
    const count = 2_000;
    const rows = Array.from({ length: count }, (_, i) => `${i % 10 === 0 ? '' : `手改 ${i}`},手${i}@example.cn`);
    const cells = Array.from({ length: count / 20 }, (_, i) => ({
      line: 2 + i * 20,
      column: '姓名',
      value: `补 ${i}`,
    }));
    const { done } = await importedThrough([1, 900], ['姓名,邮箱', ...rows], {}, cells);
    const failed = count / 10 - cells.length;
    expect(done.counts).toMatchObject({ read: count, created: count - failed, updated: 0, unchanged: 0, failed });
    const after = await recorded();
    expect(after.streams - before.streams).toBe(done.counts.created);
  });

  it('makes the companies that rows name once, finds those of later rows, and says what it knows of them once', async () => {
    const before = await recorded();
    const [count, companies] = [2_000, 30];
    // Of the people, half work for a company of a later row, half for one that is nowhere.
    const rows = Array.from({ length: count }, (_, i) => {
      const later = Math.ceil((i + 1) / 100) * 100 - 1;
      const employer = i === later ? '' : i % 2 === 0 ? `后来 ${later}` : `新建 ${i % (2 * companies)}`;
      const said = employer === '' ? ',' : i % 120 < 60 ? '茶,' : ',50';
      return `${i === later ? `后来 ${i}` : `员工 ${i}`},人${i}@example.cn,${employer},${said}`;
    });
    const { id, done, service } = await importedThrough([1, 900], ['姓名,邮箱,所属公司,公司行业,公司规模', ...rows], {
      employerId: { whenMissing: 'create' },
    });
    expect(done.counts).toMatchObject({ read: count, created: count, failed: 0 });
    const made = count + companies;
    // Each is made with the one thing that rows say of it, and told the other; a later row is told both.
    const told = companies + (2 * count) / 100;
    const after = await recorded();
    expect([after.events - before.events, after.streams - before.streams]).toEqual([made + told, made]);
    const { body } = await service.call('GET', `/api/imports/${id}/warnings.csv`);
    const named = rows.filter((row) => row.includes(',新建 '));
    expect(String(body).trim().split('\r\n')).toHaveLength(1 + named.length);
  });
});

describe('an upload', () => {
  it('takes no more memory where the file is larger', async () => {
    // Without a limit garbage stays for as long as there is room.
    const service = await started('--max-old-space-size=200');
    const note = 'x'.repeat(1_000);
    function* rows(count: number) {
      yield 'name,email,note';
      for (let i = 0; i < count; i += 1) yield `Name ${i},${i}@example.org,${note}`;
    }
    await upload(service.url, rows(30_000));
    const before = await service.peak();
    const { file } = await upload(service.url, rows(120_000));
    expect(file.bytes).toBeGreaterThan(120_000_000);
    expect((await service.peak()) - before).toBeLessThan(60_000_000);
  });
});
