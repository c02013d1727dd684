import { spawn } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, it, jest } from '@jest/globals';
import { newId, recordId } from '@throughline/event-sourcing';
import { eventually } from '@throughline/service/testing';
import { startStack, type Part, type Stack } from '../../../tools/stack.ts';
import { adminEmail, adminPassword, startAsServices, type Instance } from '../src/instance.ts';
import { deliver, secrets, shopifyCustomer, shopifyOrder } from '../src/shops.ts';

jest.setTimeout(400_000);

const outageMilliseconds = 10_000;
const connection = newId();
let folder: string;
let stack: Stack;
let crm: Instance;

// A stack of its own: what is stopped here must not be missed elsewhere.
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'throughline-stack-'));
  stack = await startStack({ kafka: true, elasticsearch: true, postgres: true, dir: folder });
  crm = await startAsServices(stack);
  await crm.call('POST', '/api/connections', {
    id: connection,
    name: 'Shop',
    kind: 'shopify',
    secret: secrets.shopify,
  });
});
afterAll(async () => {
  await crm?.stop();
  await stack?.stop();
  await rm(folder, { recursive: true, force: true });
});

const people = async (q: string): Promise<Record<string, any>[]> =>
  (await crm.call('GET', `/api/customers?q=${q}&limit=200`)).body.items ?? [];

/** Goes on with commands and deliveries while a part is away; everything has to be there afterwards. */
async function outageOf(part: Part, name: string): Promise<void> {
  await part.stop();
  const until = Date.now() + outageMilliseconds;
  let count = 0;
  for (; Date.now() < until; count += 1) {
    const created = await crm.call('POST', '/api/customers', { name: `${name} Person${count}` });
    expect(created.status).toBe(201);
    expect((await crm.call('GET', `/api/customers/${created.body.id}`)).status).toBe(200);
    const order = {
      id: `77${name.length}000${1000 + count}`,
      customerId: `88${name.length}000${1000 + count}`,
      updatedAt: '2026-05-01T00:00:00Z',
    };
    const message = shopifyOrder(connection, {
      ...order,
      name: [name, `Buyer${count}`],
      email: `${name}${count}@example.com`,
      total: '10.00',
    });
    expect((await deliver(crm, message)).status).toBe(202);
    await sleep(200);
  }
  expect((await crm.anonymous('GET', '/readyz')).status).toBe(200);
  await part.start();
  const found = await eventually(
    () => people(name),
    (items) =>
      items.length === 2 * count && items.filter(({ revenue }) => revenue?.amount === '10.00').length === count,
    120_000,
  );
  expect(new Set(found.map(({ id }) => id)).size).toBe(2 * count);
}

describe('nothing is refused and nothing is lost while', () => {
  it('Kafka is stopped', () => outageOf(stack.kafka, 'Kafkaless'));
  it('Elasticsearch is stopped', () => outageOf(stack.elasticsearch, 'Searchless'));
});

describe('a process that is killed with -9 in the middle of the demo', () => {
  it('and started again changes no total', async () => {
    const demo = spawn(
      process.execPath,
      [
        '--import',
        './tools/typescript.mjs',
        'apps/demo/src/main.ts',
        '--url',
        crm.url,
        '--orders',
        '150',
        '--sap-port',
        '0',
        '--wait',
        '180',
      ],
      {
        cwd: join(import.meta.dirname, '..', '..', '..'),
        env: {
          ...process.env,
          NODE_OPTIONS: '',
          THROUGHLINE_ADMIN_EMAIL: adminEmail,
          THROUGHLINE_ADMIN_PASSWORD: adminPassword,
        },
      },
    );
    let said = '';
    for (const stream of [demo.stdout, demo.stderr]) stream.on('data', (text: Buffer) => (said += text.toString()));
    const ended = new Promise<number | null>((resolve) => demo.on('exit', resolve));
    await eventually(
      async () => said,
      (text) => / [1-9]0? ?%/.test(text),
      120_000,
    );
    for (const name of ['gateway', 'customers', 'sales', 'analytics'] as const) {
      await sleep(1_500);
      const killed = crm.services?.processes[name];
      await killed?.kill('SIGKILL');
      await killed?.start();
    }
    const code = await ended;
    if (code !== 0) throw new Error(said.slice(-4_000));
  });

  it('loses nothing that was taken with a 202', async () => {
    const sent: string[] = [];
    const killing = (async () => {
      await sleep(400);
      await crm.services?.processes.gateway.kill('SIGKILL');
      await crm.services?.processes.gateway.start();
    })();
    for (let n = 0; n < 60; n += 1) {
      const id = `99000000000000${1000 + n}`;
      const message = shopifyCustomer(connection, {
        id,
        updatedAt: '2026-05-02T00:00:00Z',
        name: ['Taken', `Number${n}`],
      });
      const answer = await deliver(crm, message).catch(() => undefined);
      if (answer?.status === 202) sent.push(recordId(connection, id));
      await sleep(20);
    }
    await killing;
    expect(sent.length).toBeGreaterThan(0);
    await eventually(
      async () => new Set((await people('taken')).map(({ id }) => id as string)),
      (found) => sent.every((id) => found.has(id)),
      120_000,
    );
  });
});
