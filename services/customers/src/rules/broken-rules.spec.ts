import { describe, expect, it } from '@jest/globals';
import type { CustomerEvent, CustomerFields, ValidationRule } from '@throughline/contracts';
import { Refusal } from '@throughline/event-sourcing';
import { scenario } from '@throughline/event-sourcing/scenario';
import { customer, type CustomerCommand } from '../customer/customer.ts';
import { builtInRules } from '../customer/customer-rules.ts';
import type { CustomerInput } from '../customer/customer-fields.ts';
import { noFields } from '../field/field-set.ts';

const rule = (facts: Omit<ValidationRule, 'id' | 'message'>): ValidationRule => ({
  id: facts.field.replace('custom.', ''),
  message: { zh: '不行', en: 'No.' },
  ...facts,
});
const by = (...rules: ValidationRule[]) => ({ ...builtInRules, ruleSet: { rules } });
const created = (fields: CustomerFields = {}) =>
  ({ type: 'CustomerCreated', number: 'C-1', name: '王伟', emailsReserved: false, ...fields }) as const;
const create = (fields: CustomerInput) =>
  ({ type: 'CreateCustomer', number: 'C-1', fields: { name: '王伟', source: 'x', ...fields } }) as const;
const change = (changes: CustomerInput) => ({ type: 'ChangeCustomer', changes }) as const;

/** What a command is refused with, at the beginning of 15 January 2026 in London. */
function refused(rules: ReturnType<typeof by>, command: CustomerCommand, past?: CustomerFields): string[] {
  const state = past ? customer.evolve(customer.initial, created(past)) : customer.initial;
  try {
    customer.decide(state, command, { now: '2026-01-15T00:30:00.000Z', entry: 'api', rules });
    return [];
  } catch (error) {
    return (error as Refusal).errors.map(({ path, code, params }) => `${path} ${code} ${String(params?.['ruleId'])}`);
  }
}

describe('a field that a rule requires', () => {
  const phones = by(rule({ kind: 'required', field: 'phones', customerKind: 'company' }));

  it('is there from the beginning, and stays', () => {
    const had: CustomerFields = { kind: 'company', phones: [{ value: '010-65541234' }] };
    expect(refused(phones, create({ kind: 'company' }))).toEqual(['phones rule-failed phones']);
    expect(refused(phones, create({ kind: 'company', phones: [] }))).toEqual(['phones rule-failed phones']);
    expect(refused(phones, create({}))).toEqual([]);
    expect(refused(phones, change({ phones: null as never }), had)).toEqual(['phones rule-failed phones']);
    expect(refused(phones, change({ title: 'CEO' }), had)).toEqual([]);
  });

  it('may be missing still where it was before there was the rule', () => {
    expect(refused(phones, change({ title: 'CEO' }), { kind: 'company' })).toEqual([]);
    expect(refused(phones, change({ kind: 'company' }), { kind: 'person' })).toEqual(['phones rule-failed phones']);
  });

  it('may follow from another one, unless somebody clears it', () => {
    const region = by(rule({ kind: 'required', field: 'region' }));
    expect(refused(region, create({ phones: [{ value: '010-65541234' }] }))).toEqual([]);
    expect(refused(region, create({ phones: [{ value: '010-65541234' }], region: null as never }))).toEqual([
      'region rule-failed region',
    ]);
  });

  it('may be required where another one has some value', () => {
    const dependent = by(rule({ kind: 'dependent', field: 'industry', when: { field: 'type', in: ['vip', 'key'] } }));
    expect(refused(dependent, create({ type: 'key' }))).toEqual(['industry rule-failed industry']);
    expect(refused(dependent, create({ type: 'new' }))).toEqual([]);
    expect(refused(dependent, change({ type: 'vip' }), { customerType: 'new' })).toEqual([
      'industry rule-failed industry',
    ]);
    expect(refused(dependent, change({ title: 'CEO' }), { customerType: 'vip' })).toEqual([]);
  });

  it('is not asked for any more once it is retired', () => {
    const card = by(rule({ kind: 'required', field: 'custom.card' }));
    const retired = { key: 'card', type: 'text', sensitivity: 'personal', retired: true } as const;
    expect(refused(card, create({}))).toEqual(['custom.card rule-failed card']);
    expect(refused({ ...card, fieldSet: { ...noFields, fields: { card: retired } } }, create({}))).toEqual([]);
  });
});

describe('a text that has to have a form', () => {
  const ours = by(rule({ kind: 'format', field: 'emails', pattern: '.+@ours\\.example' }));
  const [old, right, wrong] = [{ value: 'a@old.example' }, { value: 'b@ours.example' }, { value: 'c@theirs.example' }];

  it('is told by its place', () => {
    expect(refused(ours, create({ emails: [right, wrong] }))).toEqual(['emails.1.value rule-failed emails']);
  });

  it('may stay as it was, while others come', () => {
    expect(refused(ours, change({ emails: [old, right] }), { emails: [old] })).toEqual([]);
    expect(refused(ours, change({ emails: [old, wrong] }), { emails: [old] })).toEqual([
      'emails.1.value rule-failed emails',
    ]);
  });
});

describe('a value that has to lie within a range', () => {
  const fails = (facts: Partial<ValidationRule> & { field: string }, fields: CustomerInput) =>
    refused(by(rule({ kind: 'range', ...facts })), create(fields)).length > 0;

  it('is a number, a length or a count', () => {
    const age = { field: 'custom.age', min: 0, max: 150 };
    expect([0, 150, -1, 150.5].map((value) => fails(age, { custom: { age: value } }))).toEqual([
      false,
      false,
      true,
      true,
    ]);
    expect(['王', '王伟', '😀😀'].map((name) => fails({ field: 'name', min: 2 }, { name }))).toEqual([
      true,
      false,
      false,
    ]);
    expect(fails({ field: 'tags', max: 1 }, { tags: ['a', 'b'] })).toBe(true);
  });

  it('is an amount, compared exactly, of that currency', () => {
    const credit = { field: 'custom.credit', min: '-0.01', max: '900000000000000.000001', currency: 'CNY' };
    const of = (amount: string, currency = 'CNY') => fails(credit, { custom: { credit: { amount, currency } } });
    expect(['-0.01', '-0.02', '900000000000000.000001', '900000000000000.000002'].map((one) => of(one))).toEqual([
      false,
      true,
      false,
      true,
    ]);
    expect(of('-5', 'USD')).toBe(false);
  });

  it('is a day, where today is whatever day it is somewhere', () => {
    const within = (min: string | undefined, max: string | undefined, day: string) =>
      !fails({ field: 'custom.on', ...(min && { min }), ...(max && { max }) }, { custom: { on: day } });
    expect(['2026-01-15', '2026-01-16'].map((day) => within(undefined, 'today', day))).toEqual([true, false]);
    expect(['2026-01-14', '2026-01-13'].map((day) => within('today', undefined, day))).toEqual([true, false]);
    expect(['2008-01-15', '2008-01-16'].map((day) => within(undefined, 'today-18y', day))).toEqual([true, false]);
    expect(['2026-02-14', '2026-02-15'].map((day) => within(undefined, 'today+30d', day))).toEqual([true, false]);
    expect(within('2026-01-01', '2026-01-31', '2026-02-01')).toBe(false);
  });

  it('is not judged where it was there before', () => {
    const few = by(rule({ kind: 'range', field: 'tags', max: 1 }));
    expect(refused(few, change({ tags: ['a', 'b'], title: 'CEO' }), { tags: ['a', 'b'] })).toEqual([]);
    expect(refused(few, change({ tags: ['a', 'c'] }), { tags: ['a', 'b'] })).toEqual(['tags rule-failed tags']);
  });
});

describe('rules', () => {
  const rules = by(
    rule({ kind: 'required', field: 'industry' }),
    rule({ kind: 'format', field: 'title', pattern: '[A-Z]+' }),
  );

  it('are told all at once, with whatever else is wrong', () => {
    expect(refused(rules, create({ title: 'ceo', birthDate: '2025-02-30' }))).toEqual([
      'birthDate impossible-date undefined',
      'industry rule-failed industry',
      'title rule-failed title',
    ]);
  });

  it('hold for imports and changes in bulk, and refuse no source', () => {
    const row = { type: 'ImportCustomer', number: 'C-1', mode: 'both', row: { name: 'x' }, policies: {} } as const;
    expect(refused(rules, row)).toEqual(['industry rule-failed industry']);
    const bulk = { type: 'ChangeInBulk', change: { set: { title: 'ceo' } } } as const;
    expect(refused(rules, bulk, {})).toEqual(['title rule-failed title']);
    const stamp = { rank: 'profile', at: '2026-01-02T00:00:00.000Z', hash: 'h' } as const;
    const seen = { type: 'RecordSeenCustomer', number: 'C-1', stamp, fields: { name: 'x', title: 'ceo' } } as const;
    expect(refused(rules, seen)).toEqual([]);
  });
});

describe('a value that only one customer may have', () => {
  const given = scenario(customer, {
    rules: by(rule({ kind: 'unique', field: 'custom.card' }), rule({ kind: 'unique', field: 'socials' })),
    entry: 'import',
  });
  const unique = [{ rule: 'card', field: 'custom.card' }];
  const held = { ...created({ custom: { card: 'a 1' } }), unique };

  it('is claimed in its comparable form', () => {
    given()
      .when(create({ custom: { card: ' Ａ  1' }, socials: [{ network: 'WeChat', value: 'Wang_1' }] }))
      .thenClaims('number:C-1', 'value:card:custom.card:a 1', 'value:socials:socials:wechat:wang_1');
  });

  it('stays claimed while it stays as it is', () => {
    given(held)
      .when(change({ custom: { level: 2 } }))
      .thenClaims('number:C-1', 'value:card:custom.card:a 1');
    given(held)
      .when(change({ custom: { card: 'b' } }))
      .thenClaims('number:C-1', 'value:card:custom.card:b');
    given(held)
      .when(change({ custom: { card: null } }))
      .thenClaims('number:C-1');
    given(held).when({ type: 'ArchiveCustomer' }).thenClaims('number:C-1');
  });

  it('is not claimed for a record that had it before, until it changes', () => {
    given(created({ custom: { card: 'a' } }))
      .when(change({ custom: { level: 2 } }))
      .thenClaims('number:C-1');
  });

  it('that it had before is claimed once it is found that nobody has it', () => {
    const free = (...values: string[]) => ({ type: 'ClaimValues' as const, free: values });
    const [card, first, second] = [
      'value:card:custom.card:a',
      'value:socials:socials:x:1',
      'value:socials:socials:x:2',
    ];
    const old = created({ custom: { card: 'a' }, socials: ['1', '2'].map((value) => ({ network: 'X', value })) });
    given(old).when(free(card, second)).thenClaims('number:C-1', card, second);
    given(old).when(free('value:card:custom.card:other')).thenNothing();
    given({ ...old, unique })
      .when(free(card))
      .thenNothing();
    given(old, { type: 'CustomerArchived' }).when(free(card)).thenNothing();
    const claimed: CustomerEvent = {
      type: 'CustomerValuesClaimed',
      unique: [...unique, { rule: 'socials', field: 'socials', except: [0] }],
    };
    given(old).when(free(card, second)).then(claimed);
    given(old, claimed)
      .when(free(card, first, second))
      .thenClaims('number:C-1', card, first, second);
    given(old, claimed)
      .when(change({ title: 'CEO' }))
      .thenClaims('number:C-1', card, second);
    const more = ['1', '2', '3'].map((value) => ({ network: 'X', value }));
    given(old, claimed)
      .when(change({ socials: more }))
      .thenClaims('number:C-1', card, second, 'value:socials:socials:x:3');
  });

  it('is claimed for nobody by a source', () => {
    const stamp = { rank: 'profile', at: '2026-01-02T00:00:00.000Z', hash: 'h' } as const;
    given()
      .when(
        { type: 'RecordSeenCustomer', number: 'C-1', stamp, fields: { name: 'x', custom: { card: 'a' } } },
        { entry: 'connector' },
      )
      .thenClaims('number:C-1');
  });
});
