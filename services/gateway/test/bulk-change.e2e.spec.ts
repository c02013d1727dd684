import { Readable } from 'node:stream';
import { Body, Controller, Get, HttpCode, Param, Post, Put, Req, StreamableFile } from '@nestjs/common';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { invalid, newId, notFound } from '@throughline/event-sourcing';
import { EmbeddedBus, Service, idLines, linesType, readIds } from '@throughline/service';
import {
  caller,
  dropDatabases,
  startTestService,
  testConfig,
  type Call,
  type TestService,
} from '@throughline/service/testing';
import type { FastifyRequest } from 'fastify';
import { startGateway, type RunningGateway } from '../src/gateway.ts';

const found = Array.from({ length: 12_000 }, () => newId());
/** How what analytics answers ends before its time. */
let breaks = false;
const selections = new Map<string, readonly string[]>();
const started: { id: string; body: unknown; key: unknown; by: string | undefined }[] = [];
let asked = 0;

@Controller('internal/customers/ids')
class Analytics {
  @Post('query')
  @HttpCode(200)
  ids(@Body() { filter }: any) {
    if (filter.nonsense) throw invalid('invalid-query', [{ path: 'filter.nonsense', code: 'unknown-field' }]);
    asked += 1;
    return new StreamableFile(Readable.from(idLines(pages())), { type: linesType });
  }
}
async function* pages() {
  for (let start = 0; start < found.length; start += 5_000) {
    if (breaks && start > 0) throw new Error('the engine went away');
    yield found.slice(start, start + 5_000);
  }
}

@Controller()
class Customers {
  @Post('customers/bulk')
  @HttpCode(202)
  bulk(@Body() body: any) {
    return { given: body };
  }
  @Post('customers/bulk/preview')
  @HttpCode(200)
  preview(@Body() body: any) {
    if (!body.set) throw invalid('invalid-bulk-change', [{ path: 'set', code: 'required' }]);
    return { matches: body.ids.length, previewed: body.ids.length };
  }
  @Get('internal/selections/:id')
  has(@Param('id') id: string) {
    if (!selections.has(id)) throw notFound('not-found');
    return { id };
  }
  @Put('internal/selections/:id')
  async select(@Param('id') id: string, @Req() request: FastifyRequest) {
    const ids: string[] = [];
    for await (const page of readIds(request.body as AsyncIterable<Uint8Array>)) ids.push(...page);
    selections.set(id, ids);
    return { id };
  }
  @Post('internal/customers/bulk/:id')
  @HttpCode(202)
  start(@Param('id') id: string, @Body() body: any, @Req() { headers, identity }: FastifyRequest) {
    started.push({ id, body, key: headers['idempotency-key'], by: identity?.id });
    return { id };
  }
}

@Service({ name: 'analytics', controllers: [Analytics] })
class AnalyticsModule {}
@Service({ name: 'customers', controllers: [Customers] })
class CustomersModule {}

const config = testConfig({ adminApiKey: 'admin-key' });
let gateway: RunningGateway;
let services: Record<string, TestService>;
let as: (key: string) => Call;
let call: Call;

beforeAll(async () => {
  services = {
    analytics: await startTestService(AnalyticsModule),
    customers: await startTestService(CustomersModule),
  };
  const baseUrl = (name: string) => services[name]?.url ?? 'http://127.0.0.1:9';
  gateway = await startGateway({ config, bus: new EmbeddedBus(), baseUrl });
  as = (key) => caller(gateway.url, () => key);
  call = as('admin-key');
});
afterAll(async () => {
  await gateway?.stop();
  for (const service of Object.values(services)) await service.end();
  await dropDatabases(config);
});
beforeEach(() => {
  breaks = false;
  asked = 0;
  selections.clear();
  started.length = 0;
});

const change = { filter: { city: { eq: '上海' } }, set: { region: '华东' } };

describe('a bulk change by a filter', () => {
  it('begins once all that is selected has come, in the name of who asks', async () => {
    const reply = await call('POST', '/api/customers/bulk', change);
    expect([reply.status, started]).toEqual([
      202,
      [{ id: reply.body.id, body: change, key: undefined, by: expect.any(String) }],
    ]);
    expect(selections.get(reply.body.id)).toEqual(found);
    expect((await call('GET', '/api/me')).body.id).toBe(started[0]?.by);
  });

  it('is one for one Idempotency-Key, and selects once', async () => {
    const key = { 'idempotency-key': 'Monday' };
    const replies = [
      await call('POST', '/api/customers/bulk', change, key),
      await call('POST', '/api/customers/bulk', change, key),
    ];
    expect(new Set(replies.map(({ body }) => body.id)).size).toBe(1);
    expect([asked, selections.size]).toEqual([1, 1]);
    expect(started.map((one) => one.key)).toEqual(['Monday', 'Monday']);
  });

  it('never begins on a part of what it selects', async () => {
    breaks = true;
    const reply = await call('POST', '/api/customers/bulk', change);
    expect([reply.status, reply.body.code]).toEqual([503, 'unavailable']);
    const preview = await call('POST', '/api/customers/bulk/preview', change);
    expect(preview.status).toBe(503);
    expect([selections.size, started.length]).toEqual([0, 0]);
  });

  it('is refused with the words of the service that it does not suit, before anything is selected', async () => {
    const empty = await call('POST', '/api/customers/bulk', { filter: {} });
    expect([empty.status, empty.body.code, asked]).toEqual([422, 'invalid-bulk-change', 0]);
    const odd = await call('POST', '/api/customers/bulk', { ...change, filter: { nonsense: 1 } });
    expect([odd.status, odd.body.code, odd.body.errors[0].path]).toEqual([422, 'invalid-query', 'filter.nonsense']);
    expect([selections.size, started.length]).toEqual([0, 0]);
  });

  it('is previewed on the first ones, and counts all', async () => {
    const { body } = await call('POST', '/api/customers/bulk/preview', change);
    expect(body).toEqual({ matches: 12_000, previewed: 5_000 });
  });

  it('is none where ids are given, or nothing that can be read: customers answers that', async () => {
    const body = { ids: found.slice(0, 3), set: {} };
    expect(await call('POST', '/api/customers/bulk', body)).toMatchObject({ status: 202, body: { given: body } });
    expect((await call('POST', '/api/customers/bulk', '{"filter"')).body.code).toBe('unreadable-json');
  });

  it('is nothing for readers, and the way between the services is closed', async () => {
    const { body } = await call('POST', '/api/api-keys', { name: 'BI', roles: ['reader'] });
    expect((await as(body.key)('POST', '/api/customers/bulk', change)).status).toBe(403);
    expect((await as('')('POST', '/api/customers/bulk', change)).status).toBe(401);
    for (const path of ['/internal/customers/ids/query', '/internal/selections/1', '/internal/customers/bulk/1']) {
      expect([401, 404]).toContain((await call('POST', path, change)).status);
    }
    expect(started).toEqual([]);
  });
});
