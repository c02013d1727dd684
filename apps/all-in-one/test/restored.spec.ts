import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { databaseUrl, restoreBackup, writeBackup, type ServiceConfig } from '@throughline/service';
import { caller, dropDatabases, eventually, testConfig, testMasterKey, type Call } from '@throughline/service/testing';
import pg from 'pg';
import { definitions } from '../../../tools/definitions.ts';
import { startAllInOne } from '../src/all-in-one.ts';

let folder: string;
let config: ServiceConfig;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'throughline-restored-'));
  config = testConfig();
});
afterAll(async () => {
  await dropDatabases(config);
  await rm(folder, { recursive: true, force: true });
});

const password = 'an administrator of one process';

async function start(): Promise<{ call: Call; stop: () => Promise<void> }> {
  const { url, stop } = await startAllInOne({
    PORT: '0',
    THROUGHLINE_DATA_DIR: join(folder, 'data'),
    THROUGHLINE_DATABASE_URL: config.databaseUrl,
    THROUGHLINE_DATABASE_PREFIX: config.databasePrefix,
    THROUGHLINE_MASTER_KEY: testMasterKey,
    THROUGHLINE_ADMIN_PASSWORD: password,
    THROUGHLINE_LOG_LEVEL: 'error',
  });
  const { body } = await caller(url, () => '')('POST', '/api/sessions', { email: 'admin@localhost', password });
  return { call: caller(url, () => body.token as string), stop };
}

const namesIn = async (call: Call): Promise<(string | undefined)[]> =>
  ((await call('GET', '/api/customers')).body.items as { name?: string }[]).map(({ name }) => name);

describe('a CRM in one process, restored to a time before an erasure', () => {
  it('shows nothing of the customer, and answers for no other, until the erasure is carried out anew', async () => {
    const before = await start();
    const { body: erased } = await before.call('POST', '/api/customers', { name: 'Zoë' });
    const { body: kept } = await before.call('POST', '/api/customers', { name: 'Ada' });
    const from = await writeBackup(config, definitions, join(folder, 'backups'));
    const { body: begun } = await before.call('POST', `/api/customers/${erased.id}/erase`);
    expect((await before.call('GET', `/api/erasures/${begun.erasureId}`)).status).toBe(200);
    await before.stop();
    await restoreBackup({ config, definitions, from, replace: true });

    // The erasure cannot be written down yet.
    const store = new pg.Client({
      connectionString: databaseUrl(config.databaseUrl, `${config.databasePrefix}customers`),
    });
    await store.connect();
    await store.query(`begin; select from streams where id = '${erased.id}' for update`);
    const { call, stop } = await start();
    try {
      for (const id of [erased.id, kept.id]) {
        const { status, body, headers } = await call('GET', `/api/customers/${id}`);
        expect({ status, code: body.code }).toEqual({ status: 503, code: 'store-not-open' });
        expect(headers.get('retry-after')).toMatch(/^[1-9]\d*$/);
      }
      expect((await call('GET', '/readyz')).status).toBe(503);
      expect(await namesIn(call)).toEqual([]);

      await store.query('rollback');
      await eventually(
        async () => (await call('GET', '/readyz')).status,
        (status) => status === 200,
      );
      expect((await call('GET', `/api/customers/${erased.id}`)).body).toMatchObject({ erased: true });
      const names = await eventually(
        () => namesIn(call),
        (found) => found.includes('Ada'),
        60_000,
      );
      expect(names).not.toContain('Zoë');
    } finally {
      await store.end();
      await stop();
    }
  }, 120_000);
});
