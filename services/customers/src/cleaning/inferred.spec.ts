import { describe, expect, it } from '@jest/globals';
import {
  customerFieldNames,
  type CustomerEvent,
  type CustomerField,
  type CustomerFields,
} from '@throughline/contracts';
import { scenario } from '@throughline/event-sourcing/scenario';
import fc from 'fast-check';
import type { CustomerInput } from '../customer/customer-fields.ts';
import { customer, type CustomerCommand } from '../customer/customer.ts';
import { builtInRules } from '../customer/customer-rules.ts';
import type { Customer } from '../customer/customer-state.ts';
import { inferFields } from './infer-fields.ts';

const given = scenario(customer, { rules: builtInRules });
const rules = { ...builtInRules, kindErrors: [] };
const context = { now: '2026-02-01T00:00:00.000Z', entry: 'person', rules } as const;
const landline = { value: '0755-26770000', e164: '+8675526770000' };
const shenzhen = [{ country: 'CN', province: '广东省', city: '深圳市', regionCode: '440300' }];
const card = '11010519491231002X';

describe('what other fields tell', () => {
  const regionOf = (said: CustomerFields) => {
    const { value, rule } = inferFields(said).get('region') ?? {};
    return [value, rule];
  };

  it('is the province, of an address before a postcode, a phone, a company’s number and an identity card', () => {
    const everything: CustomerFields = {
      addresses: [{ city: '杭州市', street: '文三路' }],
      phones: [landline],
      registrationNumber: '91110000802100433B',
      custom: { 身份证: '31010519491231002X' },
    };
    expect(regionOf(everything)).toEqual(['浙江省', 'region-from-address']);
    expect(regionOf({ ...everything, addresses: [{ postcode: '610000' }] })).toEqual([
      '四川省',
      'region-from-postcode',
    ]);
    expect(regionOf({ ...everything, addresses: [] })).toEqual(['广东省', 'region-from-area-code']);
    expect(regionOf({ registrationNumber: '91110000802100433B' })).toEqual([
      '北京市',
      'region-from-registration-number',
    ]);
    expect(regionOf({ custom: { ID_card: card } })).toEqual(['北京市', 'region-from-identity-card']);
  });

  it('is nothing where the place is abroad, the card is a company’s, and where nothing is certain', () => {
    expect(regionOf({ addresses: [{ country: 'IN', postcode: '110001' }] })).toEqual([undefined, undefined]);
    expect(inferFields({ kind: 'company', custom: { 身份证: card } }).size).toBe(0);
    expect(
      inferFields({ addresses: [{ regionCode: '12' }], phones: [{ value: '1' }], custom: { 身份证: 5 } }).size,
    ).toBe(0);
  });

  it('is the date of birth and the gender that an identity card says', () => {
    const told = inferFields({ custom: { 身份证号: card } });
    expect(told.get('birthDate')).toEqual({ value: '1949-12-31', rule: 'birth-date-from-identity-card' });
    expect(told.get('gender')).toEqual({ value: 'female', rule: 'gender-from-identity-card' });
  });
});

describe('a customer', () => {
  const inferred = (rule: string) => [
    { field: 'region', rule },
    { field: 'addresses', rule },
  ];
  const told: CustomerEvent = {
    type: 'CustomerCreated',
    number: 'C-1',
    name: 'x',
    source: 'manual',
    phones: [landline],
    emailsReserved: false,
    region: '广东省',
    addresses: shenzhen,
    inferred: inferred('region-from-area-code'),
  };

  it('gets where it is from what it says', () => {
    given()
      .when({ type: 'CreateCustomer', number: 'C-1', fields: { name: 'x', phones: [{ value: landline.value }] } })
      .then(told);
  });

  it('says for itself what was inferred once somebody says the same', () => {
    given(told)
      .when({ type: 'ChangeCustomer', changes: { region: '广东省' } })
      .then({ type: 'CustomerDetailsChanged', region: '广东省', emailsReserved: false });
    given(told, { type: 'CustomerDetailsChanged', region: '广东省', emailsReserved: false })
      .when({ type: 'ChangeCustomer', changes: { region: '广东省' } })
      .thenNothing();
  });

  it('is inferred again where the fields change that it follows from, and only there', () => {
    const phones = [{ value: '010-65541234' }];
    given(told, { type: 'CustomerDetailsChanged', region: '华南', emailsReserved: false })
      .when({ type: 'ChangeCustomer', changes: { phones } })
      .then({
        type: 'CustomerDetailsChanged',
        phones: [{ value: '010-65541234', e164: '+861065541234' }],
        emailsReserved: false,
        addresses: [{ country: 'CN', province: '北京市', city: '北京市', regionCode: '110000' }],
        inferred: [{ field: 'addresses', rule: 'region-from-area-code' }],
      });
    given(told)
      .when({ type: 'ChangeCustomer', changes: { title: 'CEO' } })
      .then({
        type: 'CustomerDetailsChanged',
        title: 'CEO',
        emailsReserved: false,
      });
  });

  it('loses what nothing tells any more, and may be told again', () => {
    const gone: CustomerEvent = {
      type: 'CustomerDetailsChanged',
      phones: [],
      emailsReserved: false,
      region: null,
      addresses: null,
      inferred: inferred('none'),
    };
    given(told)
      .when({ type: 'ChangeCustomer', changes: { phones: [] } })
      .then(gone);
    const { number: _, name: __, type: ___, source: ____, ...again } = told;
    given(told, gone)
      .when({ type: 'ChangeCustomer', changes: { phones: [{ value: landline.value }] } })
      .then({ type: 'CustomerDetailsChanged', ...again });
  });

  it('stays without what somebody cleared', () => {
    const cleared: CustomerEvent = { type: 'CustomerDetailsChanged', region: null, emailsReserved: false };
    given(told)
      .when({ type: 'ChangeCustomer', changes: { region: null } })
      .then(cleared);
    given(told, cleared)
      .when({ type: 'ChangeCustomer', changes: { phones: [] } })
      .then({
        type: 'CustomerDetailsChanged',
        phones: [],
        emailsReserved: false,
        addresses: null,
        inferred: [{ field: 'addresses', rule: 'none' }],
      });
  });

  it('takes from an import what is only to fill gaps, where the gap was filled by inference', () => {
    given(told)
      .when({
        type: 'ImportCustomer',
        number: '',
        mode: 'update',
        row: { region: '华南', addresses: [{ city: 'Bern', country: 'CH' }] },
        policies: { region: 'if-empty', addresses: 'add' },
      })
      .then({
        type: 'CustomerDetailsChanged',
        region: '华南',
        addresses: [{ city: 'Bern', country: 'CH' }],
        emailsReserved: false,
      });
  });

  it('takes the word of a source for what was inferred, whatever its stamp', () => {
    const stamp = { rank: 'contact', at: '2020-01-01T00:00:00.000Z', hash: '0' } as const;
    given(told)
      .when({ type: 'RecordSeenCustomer', number: '', stamp, fields: { region: '广东省' } }, { entry: 'connector' })
      .then({ type: 'CustomerDetailsChanged', region: '广东省', emailsReserved: false, stamp });
  });
});

describe('a value that somebody gave', () => {
  const phones = fc.constantFrom([{ value: landline.value }], [{ value: '010-65541234' }], []);
  const values = {
    region: fc.constantFrom('华南', '广东省', null),
    addresses: fc.constantFrom([{ city: '杭州市' }], [{ postcode: '610000' }], [], null),
    birthDate: fc.constantFrom('1990-01-01', '1949-12-31', null),
    gender: fc.constantFrom('male', 'female', null),
    phones,
    registrationNumber: fc.constantFrom('91110000802100433B', 'HRB 1', null),
    custom: fc.constantFrom({ 身份证: card }, { 身份证: null }, { note: 1 }),
    kind: fc.constantFrom('person' as const, 'company' as const),
  };
  const fields = fc.record(values, { requiredKeys: [] }) as fc.Arbitrary<object> as fc.Arbitrary<CustomerInput>;
  const stamp = fc.record({
    rank: fc.constantFrom('profile' as const, 'contact' as const),
    at: fc.constantFrom('2026-01-01T00:00:00.000Z', '2026-01-02T00:00:00.000Z'),
    hash: fc.constantFrom('0', '1'),
  });
  const command: fc.Arbitrary<CustomerCommand> = fc.oneof(
    fields.map((changes) => ({ type: 'ChangeCustomer' as const, changes })),
    fc.record({ stamp, said: fields }).map(({ stamp: at, said }) => ({
      type: 'RecordSeenCustomer' as const,
      number: '',
      stamp: at,
      fields: Object.fromEntries(Object.entries(said).filter(([, value]) => value !== null)) as CustomerFields,
    })),
    fields.map((row) => ({ type: 'ImportCustomer' as const, number: '', mode: 'both' as const, row, policies: {} })),
    fields.map((undone) => ({
      type: 'UndoChanges' as const,
      undone: { fields: undone as CustomerFields, restored: [], reserved: [], record: null, kept: [] },
    })),
  );

  it('is never replaced by one that was inferred, in any order of events', () => {
    fc.assert(
      fc.property(fields, fc.array(command, { maxLength: 8 }), (first, commands) => {
        const said = new Map<string, unknown>();
        let state: Customer = customer.initial;
        const create: CustomerCommand = { type: 'CreateCustomer', number: 'C-1', fields: { name: 'x', ...first } };
        for (const next of [create, ...commands]) {
          // What is undone was never said.
          for (const field of next.type === 'UndoChanges' ? Object.keys(next.undone.fields) : []) said.delete(field);
          for (const event of customer.decide(state, next, context)) {
            const rules = 'inferred' in event ? (event.inferred ?? []) : [];
            for (const { field } of rules) expect([field, said.get(field) ?? null]).toEqual([field, null]);
            for (const field of customerFieldNames) {
              if (!(field in event) || rules.some((rule) => rule.field === field)) continue;
              said.set(field, (event as { [F in CustomerField]?: unknown })[field]);
            }
            state = customer.evolve(state, event);
          }
          const given = Object.fromEntries([...said].filter(([, value]) => value !== null));
          const own = Object.entries(given['custom'] ?? {}).filter(([, value]) => value !== null);
          expect(state.details).toMatchObject({
            ...given,
            ...(given['custom'] !== undefined && { custom: Object.fromEntries(own) }),
          });
          // And what is inferred is what the rest says now.
          for (const field of Object.keys(state.inferred)) {
            const rest = Object.entries(state.details).filter(([name]) => !(name in state.inferred));
            const now = inferFields(Object.fromEntries(rest)).get(field as 'region');
            expect(now).toEqual({ value: state.details[field as 'region'], rule: state.inferred[field] });
          }
        }
      }),
      { numRuns: 500 },
    );
  });
});
