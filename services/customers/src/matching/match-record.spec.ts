import fc from 'fast-check';
import { matchRecord, type MatchInput } from './match-record.ts';

const kindOf = (input: Omit<MatchInput, 'id'>) => matchRecord({ id: '1', ...input }).kind;

describe('a record to be matched', () => {
  it('has what is known in the forms that are compared', () => {
    const record = matchRecord({
      id: '1',
      name: '張偉',
      emails: ['Wei.Zhang+crm@gmail.com', 'weizhang@googlemail.com', 'nobody'],
      phones: ['138 0013 8000', '+86 13800138000', '400-820-8820'],
      nationalId: '11010519491231002x',
      birthDate: ['1949-12-31', 'unknown'],
      addresses: [{ province: '浙江省', city: '杭州市', district: '西湖区', street: '文三路88号', postcode: '310012' }],
    });
    expect(record).toMatchObject({
      kind: 'person',
      names: [{ given: { folded: '伟' }, family: { folded: '张' } }],
      nationalIds: ['11010519491231002x'],
      birthDates: ['19491231'],
      places: [{ postcode: '310012', city: '杭州', district: '西湖', province: '浙江' }],
    });
    expect(record.emails.map(({ key }) => key)).toEqual(['weizhang@gmail.com']);
    expect(record.phones).toEqual([
      { number: '+8613800138000', tail: '0138000', isSwitchboard: false },
      { number: '+864008208820', tail: '8208820', isSwitchboard: true },
    ]);
  });

  it('reads phones as those of its country, and knows a switchboard by its extension', () => {
    const numbers = (country: string, phone: string) =>
      matchRecord({ id: '1', phones: phone, addresses: [{ country }] }).phones;
    expect(numbers('gb', '020 7946 0018')[0]?.number).toBe('+442079460018');
    expect(numbers('CN', '010-65541234 转 801')[0]).toMatchObject({ number: '+861065541234', isSwitchboard: true });
    expect(numbers('CN', '123')).toEqual([]);
  });

  it.each([
    ['19081209', '19081209'],
    ['1990-02-01', '19900201'],
    ['1990/2/1', '19900201'],
    ['1990年2月1日', '19900201'],
    ['1.2.1990', '19900201'],
    ['02/13/1990', '19900213'],
    ['1990-02-01T00:00:00Z', '19900201'],
  ])('is born on %s', (raw, date) => {
    expect(matchRecord({ id: '1', birthDate: raw }).birthDates).toEqual([date]);
  });

  it.each([
    ['person', { name: '张三' }],
    ['person', { name: 'John Smith' }],
    ['person', { name: '约翰·史密斯' }],
    ['person', { name: '张三', companyName: '华为技术有限公司' }],
    ['person', { familyName: 'Apple' }],
    ['company', { name: '深圳市华为技术有限公司' }],
    ['company', { name: 'Acme Inc.' }],
    ['company', { name: 'Marks & Spencer' }],
    ['company', { name: '杭州西湖小吃店' }],
    ['company', { companyName: 'Acme' }],
    ['company', { name: 'Acme', companyName: 'Acme' }],
    ['company', { name: 'Acme', registrationNumber: '91330000MA27XYZ12A' }],
  ] as const)('is a %s where it is %j', (kind, input) => {
    expect(kindOf(input)).toBe(kind);
  });

  it('is made of anything', () => {
    const value = fc.oneof(fc.string({ unit: 'binary' }), fc.constantFrom(null, '张', ' ', '1e9', '@', '00'));
    const input = fc.record({
      name: value,
      givenName: value,
      companyName: value,
      emails: value,
      phones: value,
      birthDate: value,
      nationalId: value,
    });
    fc.assert(fc.property(input, (each) => expect(matchRecord({ id: '1', ...each })).toBeDefined()));
  });
});
