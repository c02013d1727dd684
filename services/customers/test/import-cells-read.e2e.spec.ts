import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { builtInLifecycle } from '@throughline/contracts';
import { eventually, startTestService, type TestService } from '@throughline/service/testing';
import { CustomersModule } from '../src/customers.module.ts';
import { importing } from './importing.ts';

let service: TestService;
beforeAll(async () => {
  service = await startTestService(CustomersModule, { listensTo: ['gateway'] });
});
afterAll(() => service.end());

const { get, byNumber, upload, checked } = importing(() => service);

/** Uploads a file and maps it as it is suggested, but for what is said. */
async function mapped(content: string, mapping: object = {}): Promise<any> {
  const { id, suggestion } = (await upload(content)).body;
  const { status, body } = await service.call('POST', `/api/imports/${id}/mapping`, { ...suggestion, ...mapping });
  expect([status, body.errors]).toEqual([200, undefined]);
  return body;
}

async function run(id: string): Promise<any> {
  await service.call('POST', `/api/imports/${id}/run`);
  return eventually(
    () => get(`imports/${id}`),
    ({ status, progress }) => status === 'done' && progress?.state === 'done',
  );
}
const errorsIn = (rows: any[]) =>
  rows.flatMap(({ line, errors }) => errors.map(({ column, code }: any) => [line, column, code]));

describe('a stage in an import', () => {
  afterAll(() => service.call('PUT', '/api/lifecycle', builtInLifecycle));

  it('is one of the installation, by its key or its name, and an error where there is none', async () => {
    const [potential, ...others] = builtInLifecycle.stages;
    const stages = [potential, { key: 'trial', label: { zh: '试用', en: 'On trial' }, moves: ['closed'] }, ...others];
    expect((await service.call('PUT', '/api/lifecycle', { ...builtInLifecycle, stages })).status).toBe(200);
    const { id, preview } = await mapped(
      '编号,姓名,阶段,客户类型\nL-1,甲,试用,老客户\nL-2,乙,跟进,新\nL-3,丙,Closed,VIP\n',
    );
    const wrong = [
      [3, '阶段', 'not-allowed'],
      [4, '客户类型', 'not-allowed'],
    ];
    expect([preview[0].values, errorsIn(preview)]).toEqual([
      { number: 'L-1', name: '甲', lifecycle: 'trial', type: 'existing' },
      wrong,
    ]);
    const check = await checked(id);
    expect([check.counts, errorsIn(check.errors)]).toEqual([expect.objectContaining({ new: 1, error: 2 }), wrong]);
    expect((await run(id)).counts).toMatchObject({ created: 1, failed: 2 });
    const { id: customerId } = await byNumber('L-1');
    expect(await byNumber('L-1')).toMatchObject({ lifecycle: 'trial', type: 'existing' });
    const refused = await service.call('PATCH', `/api/customers/${customerId}`, { lifecycle: 'lost' });
    expect(refused.body.code).toBe('lifecycle-move-not-allowed');
  });
});
