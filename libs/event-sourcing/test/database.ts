import { randomBytes } from 'node:crypto';
import pg from 'pg';
import type { EventDefinitions } from '@throughline/contracts';
import { Codec, Commands, EventStore, PostgresKeyring, migrateStore, secretsFrom, type Pool } from '../src/index.ts';

export const testMasterKey = '00'.repeat(31) + '01';

/** A database of its own on the test server, dropped by `drop`. */
export async function freshDatabase(): Promise<{ url: string; pool: Pool; drop: () => Promise<void> }> {
  const server = process.env['THROUGHLINE_TEST_DATABASE_URL'];
  if (!server) throw new Error('THROUGHLINE_TEST_DATABASE_URL is not set: run the suites by `npm test`');
  const admin = new pg.Client({ connectionString: server });
  await admin.connect();
  const name = `test_${randomBytes(6).toString('hex')}`;
  await admin.query(`create database ${name}`);
  const url = new URL(server);
  url.pathname = `/${name}`;
  const pool = new pg.Pool({ connectionString: url.href, max: 20 });
  pool.on('error', () => undefined);
  return {
    url: url.href,
    pool,
    drop: async () => {
      await pool.end();
      await admin.query(`drop database ${name} with (force)`);
      await admin.end();
    },
  };
}

/** A migrated store with everything around it; the keyring lies in the same database, which only tests do. */
export async function freshStore(definitions: EventDefinitions) {
  const database = await freshDatabase();
  const secrets = secretsFrom(testMasterKey);
  const keyring = new PostgresKeyring(database.pool, secrets);
  await migrateStore(database.pool);
  await keyring.migrate();
  const codec = new Codec(definitions, keyring);
  const store = new EventStore(database.pool, codec, secrets.key('hash-chain'));
  await store.generation();
  return { ...database, secrets, keyring, codec, store, commands: new Commands(store, secrets) };
}
