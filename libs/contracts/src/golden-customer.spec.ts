import type { CustomerEvent, CustomerFields } from './customers.ts';
import type { RecordedOf } from './event.ts';
import { fieldsOf, goldenOf, inferredOf, recordAfter, type CustomerRecord } from './golden-customer.ts';
import { survivorships } from './survivorship.ts';

let position = 0;
function recordOf(id: string, ...events: CustomerEvent[]): CustomerRecord {
  return events.reduce<CustomerRecord | undefined>((record, { type, ...data }) => {
    position += 1;
    const effectiveAt = new Date(Date.UTC(2026, 0, 1) + position * 1_000).toISOString();
    const stream = { type: 'customer', id, version: position };
    return recordAfter(record, {
      type,
      data,
      stream,
      position,
      occurredAt: effectiveAt,
      effectiveAt,
    } as RecordedOf<CustomerEvent>);
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

describe('what a field says', () => {
  const erp = '0198c0de-0000-7000-8000-000000000001';
  const shop = '0198c0de-0000-7000-8000-000000000002';
  const from = (connectionId: string, fields: CustomerFields) =>
    ({ ...made(fields), externalId: { connectionId, id: '1' } }) as CustomerEvent;
  const absorbs = (absorbed: string[], rules: object, sources?: Record<string, string[]>): CustomerEvent => ({
    type: 'CustomersMerged',
    mergeId: 'm',
    absorbed,
    rules: { ...rules },
    ...(sources && { sources }),
  });
  const together = (top: CustomerRecord, ...others: CustomerRecord[]) =>
    fieldsOf(goldenOf(top, new Map(others.map((record) => [record.recordId, record]))));

  it('comes from the best source that says anything, and by the rule where several do', () => {
    const [b, c] = [recordOf('b', from(shop, { title: '经理' })), recordOf('c', from(erp, { title: '总监' }))];
    const d = recordOf('d', from(erp, { title: 'CEO', industry: '零售' }));
    const told = (rule: string, ...ranking: string[]) =>
      together(
        recordOf('a', made({ title: '顾问' }), absorbs(['b', 'c', 'd'], { title: rule }, { title: ranking })),
        b,
        c,
        d,
      ).title;
    expect(told('earliest', erp)).toBe('总监');
    expect(told('latest', erp)).toBe('CEO');
    expect(told('survivor', shop, erp)).toBe('经理');
    expect(told('survivor', 'entered')).toBe('顾问');
    expect(told('survivor', '0198c0de-0000-7000-8000-00000000ffff')).toBe('顾问');
    const industries = { industry: ['entered', shop, erp] };
    expect(together(recordOf('a', made({}), absorbs(['b', 'd'], {}, industries)), b, d).industry).toBe('零售');
  });

  it('begins with the entries of the best source where all are kept', () => {
    const b = recordOf('b', from(erp, { tags: ['b', 'vip'] }));
    const top = recordOf('a', made({ tags: ['a', 'vip'] }), absorbs(['b'], { tags: 'all' }, { tags: [erp] }));
    expect(together(top, b).tags).toEqual(['b', 'vip', 'a']);
  });

  it('has each entry once as the survivor spells it, with the label and the flag of the other where it has none', () => {
    const e164 = '+8613800008201';
    const spaced = { value: '138 0000 8201', e164 };
    const other = { value: '13800008202', e164: '+8613800008202' };
    const theirs = { phones: [{ value: e164, e164, label: '公司', primary: true }] };
    const merging = (own: CustomerFields, absorbed: CustomerFields) =>
      together(
        recordOf('a', made(own), absorbs(['b'], { phones: 'all', emails: 'all' })),
        recordOf('b', made(absorbed)),
      );
    expect(merging({ phones: [other, spaced] }, theirs).phones).toEqual([
      other,
      { ...spaced, label: '公司', primary: true },
    ]);
    const own = [
      { ...spaced, label: '手机' },
      { ...other, primary: true },
    ];
    expect(merging({ phones: own }, theirs).phones).toEqual(own);
    const mails = { emails: [{ value: 'Wei@x.cn' }] };
    const labelled = { emails: [{ value: 'wang@x.cn' }, { value: 'wei@x.cn', label: 'work', primary: true }] };
    expect(merging(mails, labelled).emails).toEqual([
      { value: 'Wei@x.cn', label: 'work', primary: true },
      { value: 'wang@x.cn' },
    ]);
    expect(merging({ emails: [{ value: 'wei@x.cn', primary: false }] }, mails).emails).toEqual([
      { value: 'wei@x.cn', primary: false },
    ]);
  });

  it('is chosen by the rules of each merge, also after another one by others, and that one’s end', () => {
    const b = recordOf('b', made({ title: '经理', tags: ['b'] }));
    const c = recordOf('c', made({ title: '总监兼经理', tags: ['c'] }));
    const first = [made({ title: '顾问', tags: ['a'] }), absorbs(['b'], { title: 'latest', tags: 'survivor' })];
    const second = absorbs(['c'], { title: 'earliest', tags: 'all' });
    const released: CustomerEvent = { type: 'CustomersUnmerged', mergeId: 'm', released: ['c'] };
    const late = recordOf('b', made({ title: '经理', tags: ['b'] }));
    expect(together(recordOf('a', ...first), late)).toEqual({ title: '顾问', tags: ['a'] });
    expect(together(recordOf('a', ...first, second), late, c)).toEqual({ title: '总监兼经理', tags: ['a', 'c'] });
    expect(together(recordOf('a', ...first, second, released), b)).toEqual({ title: '顾问', tags: ['a'] });
  });

  it('never names its own customer, but another one that a record names', () => {
    const itself = recordOf('a', made({ name: 'x', employerId: 'b', referredBy: 'c' }), absorbs(['b', 'c'], {}));
    const employed = recordOf('b', made({ employerId: 'a', referredBy: 'a' }));
    expect(together(itself, employed, recordOf('c', made({ employerId: 'd' })))).toEqual({
      name: 'x',
      employerId: 'd',
    });
  });

  it('has the parts of the name that it has, and not those of another one', () => {
    const li = { name: 'Li Wei', givenName: 'Wei', familyName: 'Li' };
    const wang = { name: '王小明', givenName: '小明', familyName: '王' };
    const merging = (own: CustomerFields, absorbed: CustomerFields, rule: string, ...later: CustomerEvent[]) => {
      const b = recordOf('b', made(absorbed));
      return together(recordOf('a', made(own), absorbs(['b'], { name: rule }), ...later), b);
    };
    expect(merging({ name: '王小明' }, li, 'survivor')).toEqual({ name: '王小明' });
    expect(merging({ name: '王小明' }, wang, 'survivor')).toEqual(wang);
    expect(merging({ ...wang, title: '经理' }, li, 'earliest')).toEqual({ ...li, title: '经理' });
    expect(merging(wang, { name: 'Wei' }, 'earliest')).toEqual({ name: 'Wei' });
    expect(merging({ title: '经理' }, li, 'survivor')).toEqual({ ...li, title: '经理' });
    const changed: CustomerEvent = { type: 'CustomerDetailsChanged', ...told, givenName: 'Wei Ming' };
    expect(merging(wang, li, 'earliest', changed)).toEqual({ ...li, givenName: 'Wei Ming' });
    const picked = { ...absorbs(['b'], {}), picks: { givenName: 'b' } } as CustomerEvent;
    const parts = together(recordOf('a', made(wang), picked), recordOf('b', made(li)));
    expect(parts).toEqual({ ...wang, givenName: 'Wei' });
  });
});
