import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { builtInLifecycle } from '@throughline/contracts';
import { newId } from '@throughline/event-sourcing';
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
      '编号,姓名,阶段,客户类型\nL-1,甲,试用,老客户\nL-2,乙,跟进,新\nL-3,丙,Closed,经销商\n',
    );
    const wrong = [[3, '阶段', 'not-allowed']];
    expect([preview[0].values, errorsIn(preview)]).toEqual([
      { number: 'L-1', name: '甲', lifecycle: 'trial', type: 'existing' },
      wrong,
    ]);
    const check = await checked(id);
    expect([check.counts, errorsIn(check.errors)]).toEqual([expect.objectContaining({ new: 2, error: 1 }), wrong]);
    expect((await run(id)).counts).toMatchObject({ created: 2, failed: 1 });
    const { id: customerId } = await byNumber('L-1');
    expect(await byNumber('L-1')).toMatchObject({ lifecycle: 'trial', type: 'existing' });
    expect(await byNumber('L-3')).toMatchObject({ lifecycle: 'closed', type: '经销商' });
    const refused = await service.call('PATCH', `/api/customers/${customerId}`, { lifecycle: 'lost' });
    expect(refused.body.code).toBe('lifecycle-move-not-allowed');
  });
});

describe('a time in an import', () => {
  const configured = async (timeZone: string) => {
    const event: { type: string } = { type: 'OrganisationConfigured', timeZone } as { type: string };
    await service.log('gateway').append({ type: 'organisation', id: newId() }, event);
    const suggested = async () => (await upload('name\nAnna\n')).body.suggestion.timeZone as string;
    await eventually(suggested, (zone) => zone === timeZone);
  };
  const madeAt = async (number: string) => {
    const { id } = await byNumber(number);
    return (await get(`customers/${id}/history`)).items.at(-1).occurredAt as string;
  };

  it('is one of where the organisation is, unless the mapping says otherwise', async () => {
    await configured('Asia/Shanghai');
    const file = (number: string) => `编号,姓名,创建时间\n${number},甲,2010-05-06 07:08:09\n`;
    const suggested = await mapped(file('T-1'));
    expect(suggested.mapping.timeZone).toBe('Asia/Shanghai');
    const without = await mapped(file('T-2'), { timeZone: undefined });
    expect(without.preview[0].values.createdAt).toBe('2010-05-05T23:08:09.000Z');
    const other = await mapped(file('T-3'), { timeZone: 'Europe/Berlin' });
    for (const { id } of [suggested, without, other]) await run(id);
    expect(await Promise.all(['T-1', 'T-2', 'T-3'].map(madeAt))).toEqual([
      '2010-05-05T23:08:09.000Z',
      '2010-05-05T23:08:09.000Z',
      '2010-05-06T05:08:09.000Z',
    ]);
  });

  it('at which a record was made is not to come', async () => {
    const later = new Date(Date.now() + 400 * 86_400_000).toISOString().slice(0, 10);
    const { id, preview } = await mapped(`编号,姓名,创建时间\nF-1,甲,${later}\nF-2,乙,2020-01-01\n`);
    const wrong = [[2, '创建时间', 'in-the-future']];
    expect([preview[0].end, errorsIn(preview)]).toEqual(['error', wrong]);
    const check = await checked(id);
    expect([check.counts, errorsIn(check.errors)]).toEqual([expect.objectContaining({ new: 1, error: 1 }), wrong]);
    expect((await run(id)).counts).toMatchObject({ created: 1, failed: 1 });
  });
});

describe('what is missing in a row', () => {
  it('is named by its column, or by its field where none is mapped to it', async () => {
    const { id, preview } = await mapped('编号,姓名\nM-1,\nM-2,甲\n');
    const required = { code: 'required', message: 'is required' };
    expect(preview[0].errors).toEqual([{ column: '姓名', ...required }]);
    expect((await checked(id)).errors[0].errors).toEqual([{ column: '姓名', ...required }]);
    const nameless = await mapped('编号,职务\nM-3,经理\n', { defaults: { lifecycle: '跟进' } });
    expect(nameless.preview[0].errors).toEqual([
      expect.objectContaining({ column: null, field: 'lifecycle', code: 'not-allowed' }),
      expect.objectContaining({ column: null, field: 'name', code: 'required' }),
    ]);
    const { errors } = (await mapped('编号,部门\nM-3,销售部\n')).preview[0];
    expect(errors).toEqual([{ column: null, field: 'name', ...required }]);
  });
});

describe('the order of dates', () => {
  const file = (birthDate: string) => `编号,姓名,会员生日,生日\nB-1,甲,,${birthDate}\n`;
  const mappedAs = async (birthDate: string, mapping: object = {}) => {
    const { id } = await mapped(file(birthDate), mapping);
    await eventually(
      () => get('imports'),
      ({ items }) => items.some((one: any) => one.id === id && one.status === 'mapped'),
    );
  };
  const suggestedOf = async (birthDate: string) => {
    const { suggestion, preview } = (await upload(file(birthDate))).body;
    return [suggestion.dateOrder, preview[0].values.birthDate, errorsIn(preview)];
  };
  const ambiguous = [undefined, undefined, [[2, '生日', 'ambiguous-date']]];

  it('is not taken over from what the dates of an earlier file show', async () => {
    expect(await suggestedOf('03/04/1990')).toEqual(ambiguous);
    await mappedAs('13/04/1990');
    expect(await suggestedOf('03/04/1990')).toEqual(ambiguous);
    expect(await suggestedOf('04/13/1990')).toEqual(['mdy', '1990-04-13', []]);
  });

  it('that somebody chose is suggested for files of the same header, also once their dates show it', async () => {
    await mappedAs('03/04/1990', { dateOrder: 'dmy' });
    expect(await suggestedOf('03/04/1990')).toEqual(['dmy', '1990-04-03', []]);
    await mappedAs('13/04/1990');
    expect(await suggestedOf('03/04/1990')).toEqual(['dmy', '1990-04-03', []]);
  });
});
