import { describe, expect, it } from '@jest/globals';
import {
  erased,
  type CustomerEvent,
  type DealEvent,
  type OrganisationEvent,
  type PipelineEvent,
} from '@throughline/contracts';
import { dimCustomerHistory } from './dim-customer-history.view.ts';
import { dimCustomer } from './dim-customer.view.ts';
import { dimDealHistory } from './dim-deal-history.view.ts';
import { dimDeal } from './dim-deal.view.ts';
import { dimStage } from './dim-stage.view.ts';
import { organisation } from './organisation.view.ts';
import { customerId, recorded, rowsAfter, streamId } from './recorded.fixtures.ts';

const day = (n: number) => `2026-01-0${n}T00:00:00.000Z`;

describe('the customers of the star', () => {
  const created: CustomerEvent = {
    type: 'CustomerCreated',
    number: 'C-1',
    kind: 'person',
    name: '张三',
    birthDate: '1990-05-06',
    gender: 'female',
    customerType: 'new',
    source: 'online',
    channel: 'web',
    tags: ['vip'],
    addresses: [{ city: '上海' }, { country: 'CN', province: '浙江', city: '杭州', primary: true }],
    emailsReserved: false,
  };
  const changed = (fields: object): CustomerEvent => ({
    type: 'CustomerDetailsChanged',
    emailsReserved: false,
    ...fields,
  });
  const now = (...events: (CustomerEvent & { effectiveAt?: string })[]) => rowsAfter(dimCustomer, recorded(...events));
  const history = (...events: (CustomerEvent & { effectiveAt?: string })[]) =>
    rowsAfter(dimCustomerHistory, recorded(...events)).toSorted((a, b) => a.version - b.version);

  it('stand as they are now, with the place of their primary address', () => {
    expect(now(created, changed({ name: '张三丰', tags: null, source: 'exhibition' }))).toEqual([
      expect.objectContaining({
        recordId: streamId,
        number: 'C-1',
        name: '张三丰',
        type: 'new',
        source: 'exhibition',
        channel: 'web',
        province: '浙江',
        city: '杭州',
        tags: null,
        archived: false,
        birthDate: '1990-05-06',
        createdAt: day(1),
        updatedAt: day(2),
      }),
    ]);
  });

  it('can be archived and restored', () => {
    expect(now(created, { type: 'CustomerArchived' })[0]?.archived).toBe(true);
    expect(now(created, { type: 'CustomerArchived' }, { type: 'CustomerRestored' })[0]?.archived).toBe(false);
  });

  it('are nobody once they were erased, and still counted', () => {
    const gone = { name: erased, addresses: erased, birthDate: erased, gender: erased };
    const [row] = now({ ...created, ...gone });
    expect(row).toMatchObject({ name: null, city: null, birthDate: null, gender: null, source: 'online' });
  });

  it('may be said to be born on a day that does not exist', () => {
    expect(now({ ...created, birthDate: '2025-02-30' })[0]?.birthDate).toBeNull();
  });

  it('have a version for every change of what they are grouped by, and none for a new name', () => {
    const versions = history(created, changed({ name: '张三丰' }), changed({ source: 'fair' }), {
      type: 'CustomerArchived',
    });
    expect(
      versions.map(({ version, source, archived, validFrom, validTo }) => [
        version,
        source,
        archived,
        validFrom,
        validTo,
      ]),
    ).toEqual([
      [1, 'online', false, day(1), day(3)],
      [2, 'fair', false, day(3), day(4)],
      [3, 'fair', true, day(4), null],
    ]);
  });

  it('have no version that held for no time', () => {
    const versions = history(
      { ...created, effectiveAt: day(1) },
      { ...changed({ source: 'fair' }), effectiveAt: day(1) },
    );
    expect(versions).toEqual([
      expect.objectContaining({ version: 1, source: 'fair', validFrom: day(1), validTo: null }),
    ]);
  });
});

describe('the deals of the star', () => {
  const opened: DealEvent = {
    type: 'DealOpened',
    customerId,
    title: 'Tea for all',
    value: { amount: '100.00', currency: 'CNY' },
    pipelineId: streamId,
    stage: 'lead',
    expectedCloseOn: '2026-02-01',
  };
  const moved: DealEvent = { type: 'DealMoved', from: 'lead', to: 'offer' };

  it('stand as they are now', () => {
    const rows = rowsAfter(
      dimDeal,
      recorded<DealEvent>(opened, moved, { type: 'DealWon', value: { amount: '90', currency: 'CNY' } }),
    );
    expect(rows).toEqual([
      expect.objectContaining({
        dealId: streamId,
        recordId: customerId,
        title: 'Tea for all',
        stageId: 'offer',
        status: 'won',
        amount: '90',
        openedAt: day(1),
        closedAt: day(3),
      }),
    ]);
  });

  it('are lost for a reason, which may be erased', () => {
    const [row] = rowsAfter(dimDeal, recorded<DealEvent>(opened, { type: 'DealLost', customerId, reason: erased }));
    expect(row).toMatchObject({ status: 'lost', lostReason: null });
  });

  it('have a version for every change', () => {
    const change: DealEvent = { type: 'DealDetailsChanged', customerId, ownerId: customerId, expectedCloseOn: null };
    const rows = rowsAfter(dimDealHistory, recorded<DealEvent>(opened, change, moved));
    expect(
      rows.map(({ version, ownerId, expectedCloseOn, stageId, validTo }) => [
        version,
        ownerId,
        expectedCloseOn,
        stageId,
        validTo,
      ]),
    ).toEqual([
      [1, null, '2026-02-01', 'lead', day(2)],
      [2, customerId, null, 'lead', day(3)],
      [3, customerId, null, 'offer', null],
    ]);
  });
});

describe('the stages of the star', () => {
  it('follow their pipeline, and stay when it gives them up', () => {
    const define = (...names: string[]): PipelineEvent => ({
      type: 'PipelineDefined',
      name: 'Sales',
      stages: names.map((name) => ({ id: name, name, probability: 10 })),
    });
    const rows = rowsAfter(dimStage, recorded<PipelineEvent>(define('lead', 'offer'), define('offer', 'contract')));
    expect(rows.map(({ stageId, place, active }) => [stageId, place, active])).toEqual([
      ['offer', 1, true],
      ['contract', 2, true],
      ['lead', 1, false],
    ]);
  });
});

describe('the organisation', () => {
  it('keeps what it does not configure anew', () => {
    const configured = (settings: object): OrganisationEvent => ({ type: 'OrganisationConfigured', ...settings });
    expect(rowsAfter(organisation, recorded(configured({ baseCurrency: 'CNY' })))[0]?.timeZone).toBe('UTC');
    const rows = rowsAfter(
      organisation,
      recorded(configured({ timeZone: 'Asia/Shanghai' }), configured({ name: 'Tea' })),
    );
    expect(rows).toEqual([{ key: 'organisation', name: 'Tea', timeZone: 'Asia/Shanghai', baseCurrency: null }]);
  });
});
