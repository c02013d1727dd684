import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { startTestService, type TestService } from '@throughline/service/testing';
import { CustomersModule } from '../src/customers.module.ts';

let service: TestService;
beforeAll(async () => {
  service = await startTestService(CustomersModule, { listensTo: ['gateway'] });
});
afterAll(() => service.end());

describe('the classes of fields', () => {
  it('are listed, and can be changed, also for fields of the installation’s own', async () => {
    const put = (field: string, body: object) =>
      service.call('PUT', `/api/field-classes/${encodeURIComponent(field)}`, body);
    expect((await put('phones', { class: 'sensitive' })).body).toMatchObject({ field: 'phones', class: 'sensitive' });
    expect((await put('custom.会员卡', { class: 'sensitive' })).body).toMatchObject({ group: 'custom' });
    const { items } = (await service.call('GET', '/api/field-classes')).body;
    expect(items.filter((one: any) => one.class === 'sensitive').map(({ field }: any) => field)).toEqual(
      expect.arrayContaining(['phones', 'birthDate', 'custom.会员卡']),
    );
    expect((await put('phones', { class: 'secret' })).status).toBe(400);
    expect(await put('colour', { class: 'normal' })).toMatchObject({
      status: 422,
      body: { code: 'invalid-field-class' },
    });
  });
});
