import { verify as isSigned } from 'node:crypto';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { services, type DealEvent } from '@throughline/contracts';
import { EmbeddedBus, Kernel, Log, type ServiceConfig } from '@throughline/service';
import { ForeignLog, dropDatabases, testConfig, testMasterKey } from '@throughline/service/testing';
import { writeAnchors, writeOnceFolder } from '@throughline/event-sourcing';
import pg from 'pg';
import { run as printKey } from './anchors-key.ts';
import { run } from './verify-chain.ts';

let folder: string;
let config: ServiceConfig;
let sales: ForeignLog;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'throughline-verify-'));
  config = testConfig();
  sales = await ForeignLog.open('sales', config, new EmbeddedBus());
  for (const name of services.filter((service) => service !== 'sales'))
    await (await Kernel.open({ name }, config, new Log(name, 'error'))).close();
  for (let deal = 0; deal < 3; deal += 1) await won();
});
afterAll(async () => {
  await sales.kernel.close();
  await dropDatabases(config);
  await rm(folder, { recursive: true, force: true });
});

const dealWon: DealEvent = { type: 'DealWon', value: { amount: '5.00', currency: 'EUR' } };
const won = () => sales.append({ type: 'deal', id: crypto.randomUUID() }, dealWon);

async function verify(...args: string[]) {
  const lines: string[] = [];
  const environment = {
    THROUGHLINE_DATABASE_URL: config.databaseUrl,
    THROUGHLINE_DATABASE_PREFIX: config.databasePrefix,
    THROUGHLINE_MASTER_KEY: testMasterKey,
  };
  const code = await run(args, environment, (line) => lines.push(line));
  return { code, lines };
}

describe('npm run operations -- verify-chain', () => {
  it('says of a store without anchors how little it can say', async () => {
    const { code, lines } = await verify();
    expect(code).toBe(0);
    expect(lines).toHaveLength(services.length);
    expect(lines.join('\n')).toMatch(/sales: nothing found; sales has no anchors/);
  });

  it('says up to where it proves, since when, and what holds after that', async () => {
    await writeAnchors({ ...sales.kernel, store: sales.kernel.store, anchors: writeOnceFolder(folder) });
    await won();
    expect(await verify('--service', 'sales', '--anchors', folder)).toMatchObject({
      code: 0,
      lines: [
        expect.stringMatching(/proved up to position 3 of 4, anchored at \S+Z; after that only the streams chain$/),
      ],
    });
  });

  it('never proves more than there is, where an append took a position and gave it up', async () => {
    await sales.kernel.pool.query(`select nextval('events_position')`);
    await writeAnchors({ ...sales.kernel, store: sales.kernel.store, anchors: writeOnceFolder(folder) });
    const { code, lines } = await verify('--service', 'sales', '--anchors', folder, '--json');
    expect(code).toBe(0);
    expect(JSON.parse(lines.join(''))).toEqual({
      items: [
        {
          service: 'sales',
          events: 4,
          head: 4,
          proved: 4,
          anchoredAt: expect.stringMatching(/Z$/),
          findings: 0,
          shown: [],
        },
      ],
    });
  });

  it('ends with 1 and names the event where a superuser changed one', async () => {
    const client = new pg.Client({ connectionString: sales.kernel.databaseUrl });
    await client.connect();
    await client.query(`set session_replication_role = replica;
      update events set recorded_at = recorded_at - interval '1 day' where position = 2`);
    await client.end();
    const { code, lines } = await verify('--service', 'sales', '--anchors', folder);
    expect(code).toBe(1);
    expect(lines[0]).toMatch(/^sales: altered: DealWon \S+ at position 2,/);
    const machine = await verify('--service', 'sales', '--anchors', folder, '--json');
    expect(machine.code).toBe(1);
    const { items } = JSON.parse(machine.lines.join('')) as { items: { findings: number; shown: object[] }[] };
    expect(items[0]?.shown[0]).toMatchObject({ kind: 'altered' });
    expect(items[0]?.findings).toBe(items[0]?.shown.length);
  });

  it('refuses a service or a folder that is not there', async () => {
    await expect(verify('--service', 'nobody')).rejects.toMatchObject({
      message: expect.stringContaining('there is no service nobody'),
      exitCode: 2,
    });
    await expect(verify('--anchors', join(folder, 'nowhere'))).rejects.toThrow('there is no');
  });
});

describe('npm run operations -- anchors-key', () => {
  it('prints what anchors can be checked with, by whoever lacks the master key', async () => {
    const lines: string[] = [];
    await printKey([], { THROUGHLINE_MASTER_KEY: testMasterKey }, (line) => lines.push(line));
    const anchor = await readFile(join(folder, 'sales', '000000000001.anchor'), 'utf8');
    const [said = '', signature = ''] = anchor.split('\n');
    const check = (text: string) =>
      isSigned(null, Buffer.from(text), lines.join('\n'), Buffer.from(signature, 'base64'));
    expect(check(said)).toBe(true);
    expect(check(said.replace('sales', 'sale5'))).toBe(false);
  });

  it('says so where there is no master key', async () => {
    await expect(printKey([], { THROUGHLINE_DATA_DIR: join(folder, 'nowhere') })).rejects.toThrow('no master key');
  });
});
