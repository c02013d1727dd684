import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { afterAll, afterEach, describe, expect, it, jest } from '@jest/globals';
import { secretsFrom } from '@throughline/event-sourcing';
import { Tokens, databaseUrl } from '@throughline/service';
import {
  administrator,
  caller,
  dropDatabases,
  eventually,
  testConfig,
  testMasterKey,
} from '@throughline/service/testing';
import pg from 'pg';

jest.setTimeout(180_000);
const config = testConfig();
const token = async () => (await new Tokens(secretsFrom(testMasterKey)).issue(administrator, 'internal', 300)).token;
const children: ChildProcess[] = [];
afterEach(async () => {
  for (const child of children.splice(0)) await killed(child);
});
afterAll(() => dropDatabases(config));

async function killed(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  child.kill('SIGKILL');
  await once(child, 'exit');
}

/** The service in a process of its own. */
async function started() {
  const child = spawn(
    process.execPath,
    [
      '--import',
      join(import.meta.dirname, '../../../tools/typescript.mjs'),
      join(import.meta.dirname, 'customers-process.ts'),
      config.databasePrefix,
    ],
    {
      env: {
        THROUGHLINE_TEST_DATABASE_URL: config.databaseUrl,
        ...(process.env['PATH'] && { PATH: process.env['PATH'] }),
      },
      stdio: ['pipe', 'pipe', 'inherit'],
    },
  );
  children.push(child);
  const line = async () => String(((await once(child.stdout as Readable, 'data')) as [Buffer])[0]).trim();
  const url = await line();
  const peak = async () => {
    const said = line();
    child.stdin?.write('\n');
    return Number(await said) * 1024;
  };
  return { child, url, call: caller(url, token), peak };
}

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

describe('an import in a process that is killed', () => {
  it('goes on where it was: its counts add up, and nothing is made twice', async () => {
    const count = 3_000;
    // Every tenth row is wrong, every fifteenth one was there before.
    const rows = Array.from({ length: count }, (_, i) => {
      const name = i % 10 === 0 ? '' : `客户 ${i}`;
      return `${name},${i % 15 === 1 ? i - 1 : i}@example.cn`;
    });
    let service = await started();
    const { id, suggestion } = await upload(service.url, ['姓名,邮箱', ...rows]);
    await service.call('POST', `/api/imports/${id}/mapping`, suggestion);
    await service.call('POST', `/api/imports/${id}/run`);
    const read = async () => (await service.call('GET', `/api/imports/${id}`)).body;
    const killedAt: number[] = [];
    for (const after of [1, 700, 1_800]) {
      const { progress } = await eventually(read, (one) => (one.progress?.done ?? 0) >= after, 60_000);
      await new Promise((resolve) => setTimeout(resolve, 150));
      await killed(service.child);
      killedAt.push(progress.done);
      service = await started();
    }
    expect(Math.min(...killedAt)).toBeLessThan(count);
    const done = await eventually(read, ({ status }) => status === 'done', 90_000);
    const failed = rows.filter((row) => row.startsWith(',')).length;
    const { counts } = done;
    expect(counts.created + counts.updated + counts.unchanged + counts.skipped + counts.failed).toBe(count);
    expect(counts).toMatchObject({ read: count, failed, updated: 0, unchanged: 0 });

    const client = new pg.Client({
      connectionString: databaseUrl(config.databaseUrl, `${config.databasePrefix}customers`),
    });
    await client.connect();
    const { rows: made } = await client.query(
      `select count(*)::int as events, count(distinct stream_id)::int as streams from events where stream_type = 'customer'`,
    );
    await client.end();
    expect(made[0]).toEqual({ events: counts.created, streams: counts.created });
    const errors = String((await service.call('GET', `/api/imports/${id}/errors.csv`)).body)
      .trim()
      .split('\r\n');
    expect(errors).toHaveLength(1 + counts.failed + counts.skipped);
  });
});

describe('an upload', () => {
  it('takes no more memory where the file is larger', async () => {
    const service = await started();
    const note = 'x'.repeat(1_000);
    function* rows(count: number) {
      yield 'name,email,note';
      for (let i = 0; i < count; i += 1) yield `Name ${i},${i}@example.org,${note}`;
    }
    await upload(service.url, rows(30_000));
    const before = await service.peak();
    const { file } = await upload(service.url, rows(120_000));
    expect(file.bytes).toBeGreaterThan(120_000_000);
    expect((await service.peak()) - before).toBeLessThan(100_000_000);
  });
});
