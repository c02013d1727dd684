import { describe, expect, it } from '@jest/globals';
import type { CustomerEvent, RecordedOf } from '@throughline/contracts';
import { scenario } from '@throughline/event-sourcing/scenario';
import fc from 'fast-check';
import type { CustomerInput } from '../customer/customer-fields.ts';
import { customer, type CustomerCommand } from '../customer/customer.ts';
import { builtInRules } from '../customer/customer-rules.ts';
import type { Customer } from '../customer/customer-state.ts';
import { correctionToRevert, correctionsOf } from './corrections.ts';

const context = { now: '2026-02-01T00:00:00.000Z', entry: 'person', rules: builtInRules } as const;

/** A record with its history, in memory. */
class Record {
  state: Customer = customer.initial;
  readonly events: RecordedOf<CustomerEvent>[] = [];

  constructor(fields: CustomerInput) {
    this.do({ type: 'CreateCustomer', number: 'C-1', fields });
  }

  do(command: CustomerCommand): readonly CustomerEvent[] {
    const events = customer.decide(this.state, command, context);
    for (const { type, ...data } of events) {
      const position = this.events.length + 1;
      this.events.push({ id: `e${position}`, type, data, position, stream: { id: 'r' } } as RecordedOf<CustomerEvent>);
    }
    this.state = events.reduce(customer.evolve, this.state);
    return events;
  }

  revert(path: string, eventId = 'e1') {
    const reverted = correctionToRevert(this.events, eventId, path);
    return reverted ? this.do({ type: 'RevertCorrection', reverted }) : undefined;
  }
}

describe('a correction', () => {
  const raw = ' Ｚoe ';

  it('is told with what was entered, and taken back as a whole', () => {
    const record = new Record({ name: raw, title: ' CEO' });
    expect(record.state.details).toMatchObject({ name: 'Zoe', title: 'CEO' });
    expect(correctionsOf(record.events).map(({ path, from, to, reverted }) => [path, from, to, reverted])).toEqual([
      ['name', raw, ' Zoe ', false],
      ['name', ' Zoe ', 'Zoe', false],
      ['title', ' CEO', 'CEO', false],
    ]);
    record.revert('name');
    expect(record.state.details).toMatchObject({ name: raw, title: 'CEO' });
    expect(correctionsOf(record.events).map(({ reverted }) => reverted)).toEqual([true, true, false]);
  });

  it('is not made again on the value that was set back, and is on others', () => {
    const record = new Record({ name: raw });
    record.revert('name');
    expect(record.do({ type: 'ChangeCustomer', changes: { name: raw } })).toEqual([]);
    record.do({ type: 'ChangeCustomer', changes: { name: ' Ｚoë ' } });
    expect(record.state.details.name).toBe('Zoë');
    record.do({ type: 'ChangeCustomer', changes: { name: raw } });
    expect(record.state.details.name).toBe(raw);
  });

  it('is taken back once, where its value still stands', () => {
    const record = new Record({ name: 'x', emails: [{ value: 'A@B.cn ' }, { value: 'c@d.cn' }] });
    const [first, second] = record.state.details.emails ?? [];
    record.do({ type: 'ChangeCustomer', changes: { emails: [second!, { ...first!, label: 'work' }] } });
    record.revert('emails.0.value');
    expect(record.state.details.emails).toEqual([{ value: 'c@d.cn' }, { value: 'A@B.cn ', label: 'work' }]);
    expect(record.revert('emails.0.value')).toEqual([]);
    expect(record.revert('emails.1.value')).toBeUndefined();

    const other = new Record({ name: raw });
    other.do({ type: 'ChangeCustomer', changes: { name: 'Eva' } });
    expect(() => other.revert('name')).toThrow('correction-overwritten');
  });

  it('of what a source said stays taken back while the source repeats itself, and so do edits', () => {
    const stamp = (at: string) => ({ rank: 'profile' as const, at: `2026-01-0${at}T00:00:00.000Z`, hash: at });
    const seen = (at: string, name = raw) =>
      ({ type: 'RecordSeenCustomer', number: 'C-1', stamp: stamp(at), fields: { name } }) as const;
    const record = new Record({ name: 'x' });
    record.do(seen('1'));
    expect(record.state.details.name).toBe('Zoe');
    record.revert('name', 'e2');
    expect(record.do(seen('2'))).toMatchObject([{ type: 'CustomerConfirmed', confirmed: ['name'] }]);
    record.do({ type: 'ChangeCustomer', changes: { name: 'Zoë' } });
    record.do(seen('3'));
    expect(record.state.details.name).toBe('Zoë');
    record.do(seen('4', ' Eva'));
    expect(record.state.details.name).toBe('Eva');
  });

  it('taken back brings back exactly what was entered', () => {
    const odd = fc.string({ unit: fc.constantFrom(...'aＡ１ 　\u200b（号'), minLength: 1, maxLength: 6 });
    const text = odd.map((some) => `x${some}`);
    const street = fc.constantFrom('　广东省深圳市南山区 科技园', '北京朝阳', 'ａ路 1', '上海  漕溪北路');
    const given = fc.record({
      name: text,
      title: text,
      tags: fc.array(text, { maxLength: 3 }),
      emails: fc
        .uniqueArray(fc.constantFrom('A@B.cn', ' c@D.cn', 'E <e@f.cn>'), { maxLength: 3 })
        .map((values) => values.map((value) => ({ value }))),
      socials: fc.array(fc.record({ network: fc.constantFrom('微信', 'X'), value: text }), { maxLength: 2 }),
      addresses: fc.array(fc.record({ street, label: text, city: fc.constantFrom('', ' 深圳') }), { maxLength: 2 }),
    });
    fc.assert(
      fc.property(given, fc.infiniteStream(fc.nat()), (fields, order) => {
        const record = new Record(fields);
        const paths = [...new Set(correctionsOf(record.events).map(({ path }) => path))];
        const shuffled = paths
          .map((path) => [order.next().value as number, path] as const)
          .toSorted(([a], [b]) => a - b);
        for (const [, path] of shuffled) record.revert(path);
        expect(record.state.details).toMatchObject(fields);
        const shown = Object.fromEntries(Object.entries(record.state.details).filter(([field]) => field in fields));
        expect(shown).toEqual(fields);
        // Entered again, it stays.
        expect(record.do({ type: 'ChangeCustomer', changes: fields })).toEqual([]);
      }),
      { numRuns: 200 },
    );
  });
});

describe('a row of an import', () => {
  it('adds nothing to lists where its entries are there in their normal form', () => {
    const row = {
      name: ' Zoe',
      emails: [{ value: 'Zoe <zoe@X.cn>' }],
      phones: [{ value: '138 0013 8000' }],
      addresses: [{ street: '深圳市南山区科技园' }],
      socials: [{ network: '微信', value: 'zoe_123' }],
    };
    const record = new Record(row);
    const command = { type: 'ImportCustomer', number: '', mode: 'update', row, policies: {} } as const;
    expect(record.do(command)).toEqual([]);
    record.revert('emails.0.value');
    record.revert('addresses.0');
    expect(record.do(command)).toEqual([]);
    expect(record.do({ ...command, row: { emails: [{ value: 'Z@X.cn' }] } })).toMatchObject([
      { emails: [{ value: 'Zoe <zoe@X.cn>' }, { value: 'Z@x.cn' }], corrections: [{ path: 'emails.1.value' }] },
    ]);
  });
});

describe('a customer', () => {
  const given = scenario(customer, { rules: builtInRules });

  it('is recorded with the corrections of the fields that changed alone', () => {
    const created: CustomerEvent = { type: 'CustomerCreated', number: 'C-1', name: 'Zoe', emailsReserved: false };
    given(created)
      .when({ type: 'ChangeCustomer', changes: { name: raw('Zoe'), title: raw('CEO') } })
      .then({
        type: 'CustomerDetailsChanged',
        title: 'CEO',
        corrections: [{ path: 'title', rule: 'spaces', from: raw('CEO'), to: 'CEO' }],
        emailsReserved: false,
      });
    given(created)
      .when({ type: 'ChangeCustomer', changes: { name: raw('Zoe') } })
      .thenNothing();
  });
});

const raw = (text: string) => ` ${text}  `;
