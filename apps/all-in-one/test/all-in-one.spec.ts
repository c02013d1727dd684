import { mkdtemp, readFile, readdir, rm, stat, writeFile } from 'node:fs/promises';
import { createServer, type Server } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { openInstallation } from '@throughline/service';
import { caller } from '@throughline/service/testing';
import pg from 'pg';
import { startAllInOne } from '../src/all-in-one.ts';

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'throughline-'));
});
afterAll(() => rm(folder, { recursive: true, force: true }));

const environment = (overrides: NodeJS.ProcessEnv = {}): NodeJS.ProcessEnv => ({
  PORT: '0',
  THROUGHLINE_BI_PORT: '0',
  THROUGHLINE_DATA_DIR: join(folder, 'data'),
  THROUGHLINE_LOG_LEVEL: 'error',
  ...overrides,
});
const start = (overrides?: NodeJS.ProcessEnv) => startAllInOne(environment(overrides));
const failure = (overrides: NodeJS.ProcessEnv) =>
  start(overrides).then(
    async (crm) => {
      await crm.stop();
      return 'it started';
    },
    (error: Error) => error.message,
  );

describe('the CRM in one process', () => {
  it('finds everything again after a restart, and shows the generated password only once', async () => {
    const first = await start();
    const password = /with password (\S+)/.exec(first.greeting.join('\n'))?.[1];
    const signIn = async (url: string) =>
      (await caller(url, () => '')('POST', '/api/sessions', { email: 'admin@localhost', password })).body
        .token as string;
    const token = await signIn(first.url);
    const made = await caller(first.url, () => token)('POST', '/api/customers', { name: '王小明' });
    expect(made.status).toBe(201);
    await first.stop();

    const second = await start();
    try {
      expect(second.greeting.join('\n')).not.toContain(password);
      const bi = (lines: readonly string[]) =>
        /:([^:@]+)@/.exec(lines.find((line) => line.startsWith('BI:')) ?? '')?.[1];
      expect(bi(second.greeting)).toBe(bi(first.greeting));
      const again = await signIn(second.url);
      const { body } = await caller(second.url, () => again)('GET', `/api/customers/${made.body.id}`);
      expect(body).toMatchObject({ name: '王小明', number: made.body.number });
    } finally {
      await second.stop();
    }
  }, 60_000);

  it("is found by operators' commands, whether it runs or not", async () => {
    const users = async () => {
      const { config, close } = await openInstallation(environment());
      const client = new pg.Client({ connectionString: config.databaseUrl.replace(/postgres$/, 'gateway') });
      await client.connect();
      const { rows } = await client.query<{ count: string }>('select count(*) from passwords');
      await client.end();
      await close();
      expect(config.anchorDir).toBe(join(folder, 'data', 'anchors'));
      return Number(rows[0]?.count);
    };
    expect(await users()).toBe(1);
    const crm = await start();
    try {
      expect(await users()).toBe(1);
      const { status } = await fetch(`${crm.url}/readyz`);
      expect(status).toBe(200);
      expect((await readdir(join(folder, 'data', 'anchors', 'gateway'))).length).toBeGreaterThan(0);
    } finally {
      await crm.stop();
    }
    const nowhere = openInstallation(environment({ THROUGHLINE_DATA_DIR: join(folder, 'nowhere') }));
    await expect(nowhere).rejects.toThrow(/^there is no data in .*nowhere/);
  }, 60_000);

  it('keeps its secrets where only their owner can read them', async () => {
    for (const name of ['master.key', 'bi.password']) {
      const { mode } = await stat(join(folder, 'data', name));
      expect([name, mode & 0o077]).toEqual([name, 0]);
    }
  });

  describe('says in one line why it cannot start, and leaves nothing running, when', () => {
    let taken: Server;
    let port: string;
    beforeAll(async () => {
      taken = createServer();
      await new Promise<void>((done) => taken.listen(0, '127.0.0.1', done));
      port = String((taken.address() as { port: number }).port);
    });
    afterAll(() => void taken.close());

    const oneLine = async (overrides: NodeJS.ProcessEnv, pattern: RegExp) => {
      const message = await failure(overrides);
      expect(message).toMatch(pattern);
      expect(message.trim().split('\n')).toHaveLength(1);
    };

    it('its port is in use', () => oneLine({ PORT: port }, new RegExp(`${port}`)), 30_000);
    it(
      'the port of its database is in use',
      () => oneLine({ THROUGHLINE_BI_PORT: port }, new RegExp(`${port}`)),
      30_000,
    );
    it('the database does not take the password', async () => {
      const url = new URL(process.env['THROUGHLINE_TEST_DATABASE_URL'] ?? '');
      url.password = 'wrong';
      await oneLine({ THROUGHLINE_DATABASE_URL: url.href }, /password authentication failed/);
    }, 30_000);
    it('the data is of a newer version', async () => {
      const version = join(folder, 'data', 'VERSION');
      const kept = await readFile(version, 'utf8');
      await writeFile(version, '99\n');
      await oneLine({}, /newer release/);
      await writeFile(version, kept);
    });
    it(
      'the configuration is wrong',
      () => oneLine({ THROUGHLINE_SEARCH_URL: 'not a url' }, /THROUGHLINE_SEARCH_URL/),
      30_000,
    );
  });
});
