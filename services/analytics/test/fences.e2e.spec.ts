import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { newId } from '@throughline/event-sourcing';
import { fresh, startTestService, type TestService } from '@throughline/service/testing';
import { AnalyticsModule } from '../src/analytics.module.ts';

let service: TestService;
let after: Record<string, string>;
beforeAll(async () => {
  service = await startTestService(AnalyticsModule, {
    listensTo: ['customers', 'sales', 'interactions', 'gateway'],
    // Nobody listens there.
    config: { searchUrl: 'http://127.0.0.1:9' },
  });
  const created = { type: 'CustomerCreated', number: 'C-1', name: 'Ada', emailsReserved: false };
  after = {
    'x-after': `customers@${await service.log('customers').append({ type: 'customer', id: newId() }, created)}`,
  };
});
afterAll(() => service.end());

describe('while the search engine is away', () => {
  it('reports and timelines are as new as they are asked to be', async () => {
    const report = await fresh(() => service.call('GET', '/api/reports/customers-by-source', undefined, after));
    expect(report.body.rows).toMatchObject([{ customers: 1 }]);
    const unknown = await fresh(() => service.call('GET', `/api/customers/${newId()}/timeline`, undefined, after));
    expect(unknown.status).toBe(404);
  });

  it('lists say that they are stale, however they are asked', async () => {
    const asked = [
      await service.call('GET', '/api/customers', undefined, after),
      await service.call('POST', '/api/customers/query', {}, after),
    ];
    expect(asked.map(({ status, headers }) => [status, headers.get('x-stale')])).toEqual([
      [503, 'true'],
      [503, 'true'],
    ]);
  });
});
