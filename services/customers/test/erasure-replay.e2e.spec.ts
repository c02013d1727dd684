import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { eventually, startTestService, type TestService } from '@throughline/service/testing';
import { ErasureReplay } from '../src/erasure/erasure-replay.worker.ts';
import { CustomersModule } from '../src/customers.module.ts';

let service: TestService;
beforeAll(async () => {
  service = await startTestService(CustomersModule);
});
afterAll(() => service.end());

describe('a store that knows nothing of an erasure since its backup', () => {
  it('carries it out anew, as the keyring still says so', async () => {
    const { body: erased } = await service.call('POST', '/api/customers', { name: 'Zoë' });
    const before = new Date();
    const { body: kept } = await service.call('POST', '/api/customers', { name: 'Ada' });
    await service.kernel.keyring.destroy(erased.id as string);
    await service.app.get(ErasureReplay).run(new AbortController().signal);
    const record = await service.call('GET', `/api/customers/${erased.id}`);
    expect(record.body).toMatchObject({ erased: true, number: erased.number });
    const asOf = before.toISOString();
    const then = await service.call('GET', `/api/customers/${erased.id}?asOf=${asOf}`);
    expect(then.body).toMatchObject({ erased: true, version: 1 });
    expect((await service.call('GET', `/api/customers/${kept.id}`)).body).toMatchObject({
      name: 'Ada',
      archived: false,
    });
    const { items } = (await service.call('GET', `/api/customers/${erased.id}/history`)).body;
    expect(items.map(({ type }: { type: string }) => type).toSorted()).toEqual(['CustomerCreated', 'CustomerErased']);
    await eventually(
      async () => (await service.kernel.pool.query('select from events where type = $1', ['PersonErased'])).rowCount,
      (count) => count === 1,
    );
  });
});
