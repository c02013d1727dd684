import { Controller, Injectable } from '@nestjs/common';
import { EventPattern, Payload } from '@nestjs/microservices';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import type { CustomerEvent, Recorded } from '@throughline/contracts';
import { conflict, fold, newId } from '@throughline/event-sourcing';
import { EmbeddedBus, Service, Timers, type TimerHandler } from '@throughline/service';
import {
  caller,
  dropDatabases,
  eventually,
  startTestService,
  testConfig,
  type Call,
  type TestService,
} from '@throughline/service/testing';
import { Column, Entity, PrimaryColumn } from 'typeorm';
import { startGateway, type RunningGateway } from '../src/gateway.ts';

@Entity()
class Farewell {
  @PrimaryColumn('uuid') customerId!: string;
  @Column('bigint') position!: string;
}
const farewells = fold<Farewell, CustomerEvent>(Farewell, {
  name: 'farewells',
  version: 1,
  feed: 'customers',
  key: ({ stream }) => stream.id,
  on: { CustomerArchived: (_, __, { stream, position }) => [{ customerId: stream.id, position: String(position) }] },
});

/** What the policy cannot handle at the moment: ids of customers. */
const refused = new Set<string>();

@Controller()
class SaysFarewell {
  @EventPattern({ policy: 'says-farewell', event: 'CustomerArchived', from: 'beginning' })
  archived(@Payload() { stream }: Recorded) {
    if (refused.has(stream.id)) throw conflict('no-farewell');
  }
}

@Injectable()
class Wakes implements TimerHandler {
  static late = true;
  due() {
    return Wakes.late ? Promise.reject(conflict('overslept')) : Promise.resolve();
  }
}

@Service({ name: 'interactions', folds: [farewells], policies: [SaysFarewell], timers: { wakes: Wakes } })
class Farewells {}

const config = testConfig({ adminApiKey: 'admin-key' });
let gateway: RunningGateway;
let service: TestService;
let call: Call;
let as: (key: string) => Call;

beforeAll(async () => {
  service = await startTestService(Farewells, { listensTo: ['customers'] });
  const urls: Record<string, () => string> = { gateway: () => gateway.url, interactions: () => service.url };
  const baseUrl = (name: string) => urls[name]?.() ?? 'http://127.0.0.1:9';
  gateway = await startGateway({ config, bus: new EmbeddedBus(), baseUrl });
  as = (key) => caller(gateway.url, () => key);
  call = as('admin-key');
});
afterAll(async () => {
  await gateway?.stop();
  await service?.end();
  await dropDatabases(config);
});

const archive = (id: string) => service.log('customers').append({ type: 'customer', id }, { type: 'CustomerArchived' });
const list = async (what: string) => (await call('GET', `/api/operations/${what}`)).body;
const item = async (what: string, id: string) => (await list(what)).items.find((one: { id: string }) => one.id === id);
const letters = async (state: string, key: string) =>
  (await list(`dead-letters?state=${state}`)).items.filter((one: { key: string }) => one.key === key);
const outcome = async (method: string, path: string, body?: unknown) => {
  const reply = await call(method, `/api/operations/${path}`, body);
  return [reply.status, reply.body.code, ...(reply.body.errors ?? []).map(({ path: at }: { path: string }) => at)];
};
/** A customer with two events that the policy could not handle; answers with its key. */
async function parked(): Promise<{ id: string; key: string; first: string; second: string }> {
  const id = newId();
  refused.add(id);
  await archive(id);
  await archive(id);
  const key = `customer:${id}`;
  const [first, second] = await eventually(
    () => letters('open', key),
    (found) => found.length === 2,
  );
  return { id, key, first: first.id, second: second.id };
}

describe("what the operators' routes show", () => {
  it('is for administrators only', async () => {
    const { body: issued } = await call('POST', '/api/api-keys', { name: 'ERP', roles: ['member', 'integration'] });
    for (const path of ['subscriptions', 'dead-letters', 'broken-keys', 'views', 'view-jobs/interactions.1']) {
      expect((await as('')('GET', `/api/operations/${path}`)).status).toBe(401);
      expect(await as(issued.key)('GET', `/api/operations/${path}`)).toMatchObject({
        status: 403,
        body: { code: 'forbidden' },
      });
    }
    for (const path of ['dead-letters/interactions.1/retry', 'views/interactions.farewells/rebuild']) {
      expect((await as(issued.key)('POST', `/api/operations/${path}`)).status).toBe(403);
    }
  });

  it('comes from all services as one, and says who is away', async () => {
    const subscriptions = await eventually(
      () => list('subscriptions'),
      ({ items }) => items.length >= 3,
    );
    expect(subscriptions.unreachable).toEqual(expect.arrayContaining(['customers', 'sales', 'analytics']));
    expect(subscriptions.unreachable).toHaveLength(3);
    expect(subscriptions.items.map(({ id, service: owner }: { id: string; service: string }) => [id, owner])).toEqual(
      expect.arrayContaining([
        ['gateway.view:connection_list_v1@gateway', 'gateway'],
        ['interactions.policy:says-farewell@customers', 'interactions'],
        ['interactions.view:farewells_v1@customers', 'interactions'],
      ]),
    );
    expect((await list('views')).items).toEqual(
      expect.arrayContaining([
        expect.objectContaining({ id: 'interactions.farewells_v1', view: 'farewells', version: 1, kind: 'fold' }),
      ]),
    );
    expect((await list('broken-keys')).items).toEqual([]);
  });

  it('stands in the OpenAPI document that the gateway merges', async () => {
    const { body } = await service.call('GET', '/openapi.json');
    expect(Object.keys(body.paths)).toEqual([]);
    const { body: own } = await as('')('GET', '/openapi.json');
    const routes = Object.entries(own.paths as Record<string, object>)
      .filter(([path]) => path.startsWith('/api/operations/'))
      .flatMap(([path, methods]) => Object.keys(methods).map((method) => `${method} ${path.slice(16)}`));
    expect(routes.toSorted()).toEqual([
      'get broken-keys',
      'get dead-letters',
      'get dead-messages',
      'get dead-messages/{id}',
      'get subscriptions',
      'get timers',
      'get view-jobs/{id}',
      'get views',
      'post dead-letters/{id}/discard',
      'post dead-letters/{id}/retry',
      'post dead-messages/{id}/discard',
      'post subscriptions/{id}/resume',
      'post timers/{id}/discard',
      'post timers/{id}/retry',
      'post views/{view}/{kind}',
    ]);
  });
});

describe('dead letters', () => {
  it('are retried in their order, once what was wrong is mended', async () => {
    const { id, key, first, second } = await parked();
    const [told] = await letters('open', key);
    expect(told).toMatchObject({
      service: 'interactions',
      policy: 'says-farewell',
      feed: 'customers',
      eventType: 'CustomerArchived',
      error: 'no-farewell',
      state: 'parked',
    });
    expect(await outcome('POST', `dead-letters/${second}/retry`)).toEqual([409, 'dead-letter-not-first']);
    refused.delete(id);
    expect(await call('POST', `/api/operations/dead-letters/${first}/retry`)).toMatchObject({
      status: 202,
      body: { id: first, service: 'interactions', state: 'retrying' },
    });
    await eventually(
      () => letters('handled', key),
      (handled) => handled.length === 2,
    );
    expect(await letters('open', key)).toEqual([]);
    expect(await outcome('POST', `dead-letters/${first}/retry`)).toEqual([409, 'dead-letter-settled']);
  });

  it('are given up with a reason and a name, which lets those behind them go on', async () => {
    const { id, key, first, second } = await parked();
    const reason = { reason: 'Archived by mistake' };
    expect(await outcome('POST', `dead-letters/${second}/discard`, reason)).toEqual([409, 'dead-letter-not-first']);
    refused.delete(id);
    expect((await call('POST', `/api/operations/dead-letters/${first}/discard`, reason)).status).toBe(202);
    await eventually(
      () => letters('handled', key),
      (handled) => handled.length === 1,
    );
    const [discarded] = await letters('discarded', key);
    expect(discarded).toMatchObject({ id: first, reason: 'Archived by mistake' });
    expect(discarded.settledBy).toMatch(/^api-key:/);
  });

  it('that fail again wait again', async () => {
    const { key, first } = await parked();
    await call('POST', `/api/operations/dead-letters/${first}/retry`);
    const [again] = await eventually(
      () => letters('parked', key),
      (found) => found[0]?.attempts === 2,
    );
    expect(again).toMatchObject({ id: first, error: 'no-farewell' });
    const after = (await list(`dead-letters?after=${first}`)).items.map(({ id }: { id: string }) => id);
    expect(after).not.toContain(first);
    expect(after.every((id: string) => id.startsWith('interactions.'))).toBe(true);
  });
});

describe('a view', () => {
  it.each(['verify', 'rebuild'])('is asked to %s by its name, and ends with equal hashes', async (kind) => {
    const { status, body: asked } = await call('POST', `/api/operations/views/interactions.farewells/${kind}`);
    expect([status, asked.service, asked.table, asked.kind]).toEqual([202, 'interactions', 'farewells_v1', kind]);
    expect(asked.id).toMatch(/^interactions\.\d+$/);
    const job = await eventually(
      async () => (await call('GET', `/api/operations/view-jobs/${asked.id}`)).body,
      ({ finishedAt }) => finishedAt !== null,
    );
    expect(job).toMatchObject({ id: asked.id, state: 'done', result: { different: 0, broken: 0 } });
    expect(job.result.rebuiltHash).toBe(job.result.hash);
    expect((await item('views', 'interactions.farewells_v1')).job).toMatchObject({ id: asked.id, state: 'done' });
  });
});

describe('a timer', () => {
  it('whose handler fails is shown, and is retried or given up once it waits for somebody', async () => {
    const timers = service.app.get(Timers);
    for (const key of ['one', 'two']) await timers.at('wakes', key, '2026-01-01T00:00:00.000Z');
    const shown = await eventually(
      () => list('timers'),
      ({ items }) => items.length === 2,
    );
    expect(shown.items[0]).toMatchObject({
      service: 'interactions',
      timer: 'wakes',
      error: 'overslept',
      state: 'retry',
    });
    const { id } = shown.items[0];
    expect(await outcome('POST', `timers/${id}/retry`)).toEqual([404, 'timer-not-found']);
    const { items } = await eventually(
      async () => {
        await service.kernel.pool.query(
          `update timers.job set retry_limit = retry_count, start_after = now() where state = 'retry'`,
        );
        return list('timers');
      },
      // One that is being handled is not shown.
      ({ items: both }) => both.length === 2 && both.every(({ state }: { state: string }) => state === 'failed'),
    );
    Wakes.late = false;
    expect((await call('POST', `/api/operations/timers/${items[0].id}/retry`)).status).toBe(202);
    const reason = { reason: 'No longer wanted' };
    expect((await call('POST', `/api/operations/timers/${items[1].id}/discard`, reason)).status).toBe(202);
    await eventually(
      () => list('timers'),
      (answer) => answer.items.length === 0,
    );
  });

  it('costs nothing where a service has none', async () => {
    const { rows } = await gateway.kernel.pool.query(`select to_regnamespace('timers') as schema`);
    expect(rows).toEqual([{ schema: null }]);
  });
});

describe('a subscription', () => {
  const id = 'interactions.policy:says-farewell@customers';
  const path = `subscriptions/${encodeURIComponent(id)}/resume`;

  it('goes on from the end of the log that it follows, or from its beginning', async () => {
    const head = await archive(newId());
    expect((await call('POST', `/api/operations/${path}`, { from: 'now' })).body).toMatchObject({ id, position: head });
    expect((await call('POST', `/api/operations/${path}`, { from: 'beginning' })).body).toMatchObject({ position: 0 });
    const next = await archive(newId());
    const { position } = await eventually(
      () => item('subscriptions', id),
      (one) => one.position === next,
    );
    expect(position).toBe(next);
  });
  it('that is a view is rebuilt instead', async () => {
    const view = encodeURIComponent('interactions.view:farewells_v1@customers');
    expect(await outcome('POST', `subscriptions/${view}/resume`, { from: 'now' })).toEqual([
      409,
      'subscription-is-a-view',
    ]);
  });
});

describe('a wrong request', () => {
  it.each([
    ['GET', 'dead-letters?state=lost', undefined, [400, 'invalid-request', 'state']],
    ['GET', 'dead-letters?after=x', undefined, [400, 'invalid-request', 'after']],
    ['POST', 'dead-letters/interactions.1/discard', {}, [400, 'invalid-request', 'reason']],
    ['POST', 'dead-letters/interactions.1/discard', { reason: 5, why: 1 }, [400, 'invalid-request', 'why', 'reason']],
    ['POST', 'dead-letters/interactions.1/discard', '{"reason"', [400, 'unreadable-json']],
    [
      'POST',
      'subscriptions/interactions.policy:x@customers/resume',
      { from: 'here' },
      [400, 'invalid-request', 'from'],
    ],
    ['POST', 'subscriptions/interactions.policy:x@customers/resume', { from: 'now' }, [404, 'subscription-not-found']],
    ['POST', 'subscriptions/interactions.nothing/resume', { from: 'now' }, [404, 'subscription-not-found']],
    ['POST', 'dead-letters/interactions.999999/retry', undefined, [404, 'dead-letter-not-found']],
    ['POST', 'dead-letters/interactions.x/retry', undefined, [404, 'dead-letter-not-found']],
    ['POST', 'dead-letters/nobody.1/retry', undefined, [404, 'not-found']],
    ['POST', 'dead-letters/1/retry', undefined, [404, 'not-found']],
    ['POST', 'views/interactions.nothing/verify', undefined, [404, 'view-not-found']],
    ['POST', 'views/interactions.farewells/burn', undefined, [404, 'not-found']],
    ['POST', 'timers/interactions.follow-up.1/retry', undefined, [404, 'timer-not-found']],
    ['GET', 'view-jobs/interactions.999999', undefined, [404, 'view-job-not-found']],
    ['GET', 'nothing', undefined, [404, 'not-found']],
    ['POST', 'views/sales.pipeline_board/verify', undefined, [503, 'unavailable']],
  ])('%s %s %j is told so', async (method, path, body, answer) => {
    expect(await outcome(method, path, body)).toEqual(answer);
  });
});
