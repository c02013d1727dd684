import { describe, expect, it } from '@jest/globals';
import {
  careAfter,
  careOf,
  erased,
  isStale,
  noCare,
  type CareEvent,
  type CustomerEvent,
  type RecordedOf,
} from '@throughline/contracts';
import { scenario } from '@throughline/event-sourcing/scenario';
import { care } from './care.ts';

const customerId = '00000000-0000-7000-8000-00000000000c';
const dueAt = '2026-01-10T00:00:00.000Z';
const due = { type: 'ConfirmationDue', customerId, dueAt, by: 'call' } as const;
const escalated = { type: 'ConfirmationEscalated', customerId, dueAt } as const;
const bounced = { type: 'EmailBounced', customerId, address: 'wang@example.cn', reason: '550 用户不存在' } as const;
const given = scenario(care);

describe('the care of a record', () => {
  it('asks once each time that a confirmation falls due', () => {
    const ask = { type: 'AskForConfirmation', customerId, dueAt, by: 'call' } as const;
    given().when(ask).then(due);
    given(due).when(ask).thenNothing();
    const later = '2026-07-10T00:00:00.000Z';
    given(due)
      .when({ ...ask, dueAt: later })
      .then({ ...due, dueAt: later });
  });

  it('tells others once, and only of the question that is open', () => {
    const escalate = { type: 'EscalateConfirmation', customerId, dueAt } as const;
    given(due).when(escalate).then(escalated);
    given(due, escalated).when(escalate).thenNothing();
    given().when(escalate).thenNothing();
  });

  it('notes an address that bounced once, and again where it was erased', () => {
    const { type: _, ...bounce } = bounced;
    given()
      .when({ type: 'RecordBounce', ...bounce })
      .then(bounced);
    given(bounced)
      .when({ type: 'RecordBounce', ...bounce })
      .thenNothing();
    given({ ...bounced, address: erased })
      .when({ type: 'RecordBounce', ...bounce })
      .then(bounced);
  });

  it('ends the time of a new customer once', () => {
    const end = { type: 'EndNewCustomerPeriod', customerId, orderedUntil: dueAt } as const;
    const ended = { type: 'NewCustomerPeriodEnded', customerId, orderedUntil: dueAt } as const;
    given().when(end).then(ended);
    given(ended).when(end).thenNothing();
  });
});

describe('what care knows', () => {
  const at = (day: number) => `2026-01-${String(day).padStart(2, '0')}T00:00:00.000Z`;
  const told = (...events: (readonly [day: number, event: CustomerEvent | CareEvent, actor?: string])[]) =>
    events
      .map(([day, { type, ...data }, actor = 'user']) => ({
        type,
        data,
        effectiveAt: at(day),
        meta: { actor: { type: actor } },
      }))
      .reduce((known, event) => careAfter(known, event as unknown as RecordedOf<CareEvent>), noCare);
  const created = { type: 'CustomerCreated', number: 'C-1', name: '王伟', emailsReserved: false } as const;
  const edited = { type: 'CustomerDetailsChanged', title: '经理', emailsReserved: false } as const;
  const stamp = { rank: 'profile', at: at(1), hash: 'h' } as const;

  it('is confirmed by a person, by the customer, by an edit and by a source', () => {
    expect(told([1, created])).toMatchObject({ confirmedAt: at(1), confirmedBy: 'change' });
    expect(told([1, created], [2, { type: 'RecordConfirmed', customerId, how: 'customer' }])).toMatchObject({
      confirmedAt: at(2),
      confirmedBy: 'customer',
    });
    expect(told([1, created], [3, edited]).confirmedAt).toBe(at(3));
    expect(told([1, created], [4, { ...edited, stamp }, 'policy']).confirmedAt).toBe(at(4));
    expect(told([1, created], [5, { type: 'CustomerConfirmed', stamp, confirmed: [] }, 'policy']).confirmedAt).toBe(
      at(5),
    );
  });

  it('is not confirmed by what follows by rules', () => {
    const moved = { type: 'CustomerDetailsChanged', lifecycle: 'closed', emailsReserved: false } as const;
    expect(told([1, created], [2, { ...moved, lifecycleSetBy: 'automatic' }, 'policy']).confirmedAt).toBe(at(1));
  });

  it('does not change with what else happens to the record', () => {
    const unique = [{ rule: 'card', field: 'custom.card' }];
    const known = told([1, created], [9, due]);
    expect(
      told([1, created], [9, due], [10, { type: 'CustomerArchived' }], [11, { type: 'CustomerRestored' }]),
    ).toEqual(known);
    expect(told([1, created], [8, { type: 'CustomerValuesClaimed', unique }], [9, due])).toEqual(known);
  });

  it('is out of date until somebody confirms it', () => {
    expect(isStale(told([1, created]))).toBe(false);
    expect(isStale(told([1, created], [9, due]))).toBe(true);
    expect(isStale(told([1, created], [9, due], [10, edited]))).toBe(false);
  });

  it('is known of all records together', () => {
    const till = told([1, created], [12, { type: 'CustomerConfirmed', stamp, confirmed: [] }], [13, bounced]);
    const shop = told([1, created], [9, due]);
    expect(careOf([shop, till])).toMatchObject({ confirmedAt: at(12), bounced: [{ address: 'wang@example.cn' }] });
    expect(isStale(careOf([shop, till]))).toBe(false);
    expect(careOf([till, till]).bounced).toEqual(till.bounced);
  });
});
