import { describe, expect, it } from '@jest/globals';
import { builtInLifecycle, type CustomerEvent, type Lifecycle, type RecordedOf } from '@throughline/contracts';
import { scenario } from '@throughline/event-sourcing/scenario';
import { partOf, type Group, type Part } from '../customer/customer-group.ts';
import { customer } from '../customer/customer.ts';
import { builtInRules } from '../customer/customer-rules.ts';
import { advanceOf, advanced, type CustomerFacts } from './lifecycle-advance.ts';
import { lifecycle } from './lifecycle.ts';

describe('the life cycle', () => {
  const given = scenario(lifecycle);
  const stage = (key: string, moves: string[] = []) => ({ key, label: { zh: '阶段', en: 'Stage' }, moves });
  const lead: Lifecycle = { stages: [stage('lead', ['client']), stage('client')], automatic: { firstOrder: 'client' } };

  it('is defined as a whole', () => {
    given()
      .when({ type: 'ConfigureLifecycle', ...lead })
      .then({ type: 'LifecycleConfigured', ...lead });
    given({ type: 'LifecycleConfigured', ...lead })
      .when({ type: 'ConfigureLifecycle', ...lead })
      .thenNothing();
    given()
      .when({ type: 'ConfigureLifecycle', ...builtInLifecycle })
      .thenNothing();
  });

  it('leads to stages only that there are', () => {
    for (const wrong of [
      { ...lead, stages: [stage('lead'), stage('lead')], automatic: {} },
      { ...lead, stages: [stage('lead', ['client'])], automatic: {} },
      { ...lead, automatic: { contact: 'nobody' } },
      { ...lead, stages: [stage('lead'), { ...stage('client'), outside: true }] },
    ]) {
      given()
        .when({ type: 'ConfigureLifecycle', ...wrong })
        .thenRefused('invalid-lifecycle');
    }
  });
});

describe('a customer’s stage', () => {
  const given = scenario(customer, { rules: builtInRules });
  const created = { type: 'CustomerCreated', number: 'C-1', name: '王伟', emailsReserved: false } as const;
  const inStage = (key: string) => ({ ...created, lifecycle: key });
  const move = (to: string | null) => ({ type: 'ChangeCustomer', changes: { lifecycle: to } }) as const;
  const moved = (to: string) => ({ type: 'CustomerDetailsChanged', lifecycle: to, emailsReserved: false }) as const;

  it('changes by the moves that are allowed', () => {
    given(created).when(move('closed')).then(moved('closed'));
    given(inStage('potential')).when(move('intending')).then(moved('intending'));
    given(inStage('closed')).when(move('potential')).thenRefused('lifecycle-move-not-allowed');
    given(inStage('closed')).when(move(null)).thenRefused('lifecycle-move-not-allowed');
    given(inStage('closed')).when(move('asleep')).thenRefused('invalid-customer');
    given(inStage('advocate of old')).when(move('closed')).then(moved('closed'));
  });

  it('is one of those that there are from the beginning', () => {
    given()
      .when({ type: 'CreateCustomer', number: 'C-1', fields: { name: '王伟', lifecycle: 'asleep' } })
      .thenRefused('invalid-customer');
  });

  it('is whatever a source says', () => {
    const stamp = { rank: 'profile', at: '2026-01-02T00:00:00.000Z', hash: 'h' } as const;
    given(inStage('closed'))
      .when(
        { type: 'RecordSeenCustomer', number: '', stamp, fields: { lifecycle: 'advocate' } },
        { entry: 'connector' },
      )
      .then({ ...moved('advocate'), stamp });
  });
});

describe('a customer moves on by itself', () => {
  const day = (number: number) => `2026-01-${String(number).padStart(2, '0')}T00:00:00.000Z`;
  const happened = ([at, { type, ...data }]: readonly [number, CustomerEvent], index: number) =>
    ({
      type,
      data,
      position: index + 1,
      stream: { type: 'customer', id: 'c', version: index + 1 },
      occurredAt: day(at),
      effectiveAt: day(at),
    }) as unknown as RecordedOf<CustomerEvent>;
  const group = (...events: (readonly [number, object])[]): Group => [
    partOf(
      'c',
      events.map((one, index) => happened(one as [number, CustomerEvent], index)),
    ) as Part,
  ];
  const created = [1, { type: 'CustomerCreated', number: 'C-1', name: '王伟', emailsReserved: true }] as const;
  const changed = (at: number, fields: object) => [at, { type: 'CustomerDetailsChanged', ...fields }] as const;
  const facts = (orders: number[], contacts: number[] = []): CustomerFacts => ({
    orders: orders.map(day),
    contacts: contacts.map(day),
  });
  const after = (of: Group, told: CustomerFacts) => advanceOf(of, told, builtInLifecycle);

  it('with the first conversation, the first order and the third one', () => {
    expect(after(group(created), facts([]))).toBeUndefined();
    expect(after(group(created), facts([], [2, 9]))).toEqual({ to: 'intending', at: day(2) });
    expect(after(group(created), facts([3], [2]))).toEqual({ to: 'closed', at: day(3) });
    expect(after(group(created), facts([3, 4, 5]))).toEqual({ to: 'loyal', at: day(5) });
    expect([...advanced(group(created), facts([3]), builtInLifecycle)]).toEqual([
      [
        'c',
        [{ type: 'CustomerDetailsChanged', lifecycle: 'closed', lifecycleSetBy: 'automatic', emailsReserved: true }],
      ],
    ]);
  });

  it('never back', () => {
    const loyal = group(created, changed(2, { lifecycle: 'loyal', lifecycleSetBy: 'automatic' }));
    expect(after(loyal, facts([3], [4]))).toBeUndefined();
  });

  it('over the word of a person only by what happened since', () => {
    const byHand = group(created, changed(5, { lifecycle: 'potential' }));
    expect(after(byHand, facts([2, 3, 4], [2, 3]))).toBeUndefined();
    expect(after(byHand, facts([2, 3, 6]))).toEqual({ to: 'loyal', at: day(6) });
    expect(after(byHand, facts([], [2, 7]))).toEqual({ to: 'intending', at: day(7) });
  });

  it('to where it is at an earlier time, where that is heard of late', () => {
    const automatic = (at: number, lifecycle: string) => changed(at, { lifecycle, lifecycleSetBy: 'automatic' });
    expect(after(group(created, automatic(4, 'closed')), facts([2, 4]))).toEqual({ to: 'closed', at: day(2) });
    expect(after(group(created, automatic(4, 'closed')), facts([4, 6]))).toBeUndefined();
    expect(after(group(created, changed(3, { lifecycle: 'closed' })), facts([2]))).toBeUndefined();
    const again = group(created, changed(3, { lifecycle: 'potential' }), automatic(6, 'closed'));
    expect(after(again, facts([2, 6]))).toBeUndefined();
    expect(after(again, facts([5, 6]))).toEqual({ to: 'closed', at: day(5) });
  });

  it('back from outside of the ladder by an order, not by a conversation', () => {
    const lost = group(created, changed(5, { lifecycle: 'lost' }));
    expect(after(lost, facts([2], [9]))).toBeUndefined();
    expect(after(lost, facts([2, 8]))).toEqual({ to: 'closed', at: day(8) });
  });

  it('not while archived, nor out of a stage that nobody defined', () => {
    expect(after(group(created, [2, { type: 'CustomerArchived' }]), facts([3]))).toBeUndefined();
    expect(after(group(created, changed(2, { lifecycle: 'advocate' })), facts([3]))).toBeUndefined();
  });
});
