import { meets } from '../search/condition.ts';
import { keysOf, type Fields } from '../search/search-index.ts';
import { readFilter } from './filter.ts';

const fields: Fields = {
  name: { type: 'text' },
  source: { type: 'keyword' },
  tags: { type: 'tags' },
  revenue: { type: 'money' },
  revenueCurrency: {
    type: 'keyword',
    from: (doc: { revenue?: { currency: string } }) => doc.revenue?.currency,
  } as never,
  orders: { type: 'number' },
  born: { type: 'date' },
  seenAt: { type: 'instant' },
  archived: { type: 'boolean' },
};
const clock = { now: new Date('2026-03-31T18:30:00Z'), timeZone: 'Asia/Shanghai' };
const zoe = {
  name: 'Zoë',
  source: 'web',
  tags: ['vip', 'B2B'],
  revenue: { amount: '100.10', currency: 'CNY' },
  orders: -2,
  born: '1980-05-17',
  seenAt: '2026-03-01T01:00:00Z',
  archived: false,
};
const holds = (filter: unknown, doc: object = zoe) => {
  const { condition, errors } = readFilter(filter, fields, clock);
  expect(errors).toEqual([]);
  return meets(keysOf(fields, doc as never), condition);
};
const errorsOf = (filter: unknown) =>
  readFilter(filter, fields, clock).errors.map(({ path, code }) => `${path} ${code}`);

describe('a filter', () => {
  it.each([
    {},
    { source: 'web' },
    { source: { eq: 'web' } },
    { source: { ne: 'shop', in: ['shop', 'web'] } },
    { name: { contains: 'OE' } },
    { name: { startsWith: 'zo' } },
    { name: { exists: true } },
    { archived: false },
    { archived: { ne: true } },
    { tags: 'vip' },
    { tags: { has: 'B2B' } },
    { tags: { hasAny: ['x', 'vip'] } },
    { tags: { hasAll: ['B2B', 'vip'] } },
    { tags: { contains: 'b2' } },
    { revenue: '100.1' },
    { revenue: { gt: 100, lte: '100.10' } },
    { revenue: { gte: { amount: '100', currency: 'CNY' } } },
    { orders: { lt: 0, between: [-2, 5] } },
    { born: { lt: '1980-05-18', gte: '1980-05-17' } },
    { born: '1980-05-17' },
    { seenAt: '2026-03-01' },
    { seenAt: { between: ['2026-03-01', '2026-03-01'] } },
    { seenAt: { gte: 'startOfMonth-1M', lt: '-7d' } },
    { seenAt: { lte: '2026-03-01T01:00:00Z', gte: '2026-03-01T01:00:00Z' } },
    { and: [{ source: 'web' }, { or: [{ orders: 5 }, { not: { name: 'zoe' } }] }] },
    { or: [{ source: 'web' }] },
  ])('%j holds', (filter) => {
    expect(holds(filter)).toBe(true);
  });

  it.each([
    { source: 'Web' },
    { source: { ne: 'web' } },
    { name: 'zoe' },
    { name: { exists: false } },
    { name: null },
    { tags: { hasAll: ['vip', 'x'] } },
    { tags: { hasAny: [] } },
    { revenue: { gt: '100.1' } },
    { revenue: { gte: { amount: '100', currency: 'EUR' } } },
    { born: { gt: '1980-05-17' } },
    { seenAt: { gt: '2026-03-01' } },
    { seenAt: { lt: '2026-03-01' } },
    { or: [] },
    { not: {} },
  ])('%j does not hold', (filter) => {
    expect(holds(filter)).toBe(false);
  });

  it('is true of what is not there by ne, not, and exists false alone', () => {
    expect(holds({ source: { ne: 'web' } }, {})).toBe(true);
    expect(holds({ not: { revenue: { gt: 5 } } }, {})).toBe(true);
    expect(holds({ source: { exists: false }, name: null }, {})).toBe(true);
    expect(holds({ source: { ne: null } }, {})).toBe(false);
    expect(holds({ orders: { lt: 5 } }, {})).toBe(false);
    expect(holds({ source: { ne: null } })).toBe(true);
  });

  it('names everything that is wrong at once', () => {
    expect(
      errorsOf({
        colour: 'red',
        __proto__x: 1,
        name: { gt: 'a', like: 'b' },
        source: { in: 'web', contains: '' },
        tags: { eq: 'vip' },
        revenue: { gt: 'much', between: [1] },
        orders: { in: [1, 'x', '1.123456789'] },
        born: '2026-02-30',
        seenAt: { gt: 'soon' },
        archived: 'no',
        and: [{ name: 5 }, 'x'],
        or: {},
        not: [],
      }),
    ).toEqual([
      'filter.colour unknown-field',
      'filter.__proto__x unknown-field',
      'filter.name.gt operator-not-allowed',
      'filter.name.like unknown-operator',
      'filter.source.in wrong-type',
      'filter.source.contains required',
      'filter.tags.eq operator-not-allowed',
      'filter.revenue.gt wrong-type',
      'filter.revenue.between wrong-type',
      'filter.orders.in.1 wrong-type',
      'filter.orders.in.2 wrong-type',
      'filter.born impossible-date',
      'filter.seenAt.gt wrong-type',
      'filter.archived wrong-type',
      'filter.and.0.name wrong-type',
      'filter.and.1 wrong-type',
      'filter.or wrong-type',
      'filter.not wrong-type',
    ]);
    expect(errorsOf([])).toEqual(['filter wrong-type']);
    expect(errorsOf({ name: {} })).toEqual(['filter.name required']);
  });

  it('ends somewhere', () => {
    let nested: object = { name: 'x' };
    for (let i = 0; i < 50; i++) nested = { not: nested };
    expect(errorsOf(nested)[0]).toMatch(/too-deep$/);
    expect(errorsOf({ or: Array.from({ length: 300 }, () => ({ name: 'x' })) })).toEqual(['filter.or.199 too-long']);
    expect(errorsOf({ and: Array.from({ length: 300 }, () => ({})) })).toEqual(['filter.and.199 too-long']);
    expect(errorsOf({ name: { in: Array.from({ length: 201 }, () => 'x') } })).toEqual(['filter.name.in too-long']);
  });
});
