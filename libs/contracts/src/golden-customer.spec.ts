import type { CustomerEvent, CustomerFields } from './customers.ts';
import type { RecordedOf } from './event.ts';
import { fieldsOf, goldenOf, inferredOf, recordAfter, survivorships, type CustomerRecord } from './golden-customer.ts';

let position = 0;
function recordOf(id: string, ...events: CustomerEvent[]): CustomerRecord {
  return events.reduce<CustomerRecord | undefined>((record, { type, ...data }) => {
    position += 1;
    const effectiveAt = new Date(Date.UTC(2026, 0, 1) + position * 1_000).toISOString();
    const stream = { type: 'customer', id, version: position };
    return recordAfter(record, { type, data, stream, position, effectiveAt } as RecordedOf<CustomerEvent>);
  }, undefined) as CustomerRecord;
}

const told = { emailsReserved: false };
const made = (fields: CustomerFields, ...inferred: string[]): CustomerEvent => ({
  type: 'CustomerCreated',
  number: 'C',
  ...told,
  ...fields,
  inferred: inferred.map((field) => ({ field, rule: 'region-from-area-code' })),
});
const merged = (rule: string): CustomerEvent => ({
  type: 'CustomersMerged',
  mergeId: 'm',
  absorbed: ['b'],
  rules: { region: rule, addresses: 'all' },
});
const shenzhen = [{ city: '深圳市' }];

describe('a word that was inferred', () => {
  it.each(survivorships)('weighs less than one that was said, by the rule %s', (rule) => {
    const said = made({ region: '华南', addresses: [{ city: '杭州市' }] });
    const inferred = made({ region: '广东省的某个地方', addresses: shenzhen }, 'region', 'addresses');
    for (const [survivor, absorbed] of [
      [said, inferred],
      [inferred, said],
    ] as const) {
      for (const isLater of [true, false]) {
        const early = isLater ? undefined : recordOf('b', absorbed);
        const top = recordOf('a', survivor, merged(rule));
        const golden = goldenOf(top, new Map([['b', early ?? recordOf('b', absorbed)]]));
        expect(fieldsOf(golden)).toMatchObject({ region: '华南', addresses: [{ city: '杭州市' }] });
        expect(inferredOf(golden)).toEqual({});
      }
    }
  });

  it('takes nothing away from what another record had said before', () => {
    const changed: CustomerEvent = {
      type: 'CustomerDetailsChanged',
      region: '广东省',
      ...told,
      inferred: [{ field: 'region', rule: 'region-from-address' }],
    };
    const b = recordOf('b', made({ region: '华南' }));
    const top = recordOf('a', made({ name: 'x' }), merged('survivor'), changed);
    expect(fieldsOf(goldenOf(top, new Map([['b', b]])))).toEqual({ name: 'x', region: '华南' });
  });

  it('holds where nobody said anything, with its rule', () => {
    const b = recordOf('b', made({ region: '广东省' }, 'region'));
    const golden = goldenOf(recordOf('a', made({ name: 'x' }), merged('survivor')), new Map([['b', b]]));
    expect(fieldsOf(golden).region).toBe('广东省');
    expect(inferredOf(golden)).toEqual({ region: 'region-from-area-code' });
  });
});
