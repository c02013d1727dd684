import { describe, expect, it } from '@jest/globals';
import type { CustomerEvent, CustomerFields, RecordedOf } from '@throughline/contracts';
import { Refusal, replay } from '@throughline/event-sourcing';
import { scenario } from '@throughline/event-sourcing/scenario';
import fc from 'fast-check';
import type { BulkChange } from './customer-bulk.ts';
import { customer } from './customer.ts';
import { builtInRules } from './customer-rules.ts';
import { tellingOf } from '../batch/undoing.ts';
import { undoOf } from './customer-undo.ts';

const given = scenario(customer, { rules: builtInRules });
const created = (fields: CustomerFields): CustomerEvent => ({
  type: 'CustomerCreated',
  number: 'C-1',
  ...fields,
  emailsReserved: false,
});
const bulk = (change: BulkChange) => ({ type: 'ChangeInBulk', change }) as const;
const changed = (fields: CustomerFields): CustomerEvent => ({
  type: 'CustomerDetailsChanged',
  ...fields,
  emailsReserved: false,
});

describe('a bulk change', () => {
  const wang = created({
    name: '王伟',
    tags: ['vip', 'old'],
    phones: [{ value: '13800138000', e164: '+8613800138000' }],
  });

  it('says only what differs on this record', () => {
    given(wang)
      .when(bulk({ set: { name: '王伟', type: 'new' }, add: { tags: ['vip', 'fair'] }, clear: ['title'] }))
      .then(changed({ customerType: 'new', tags: ['vip', 'old', 'fair'] }));
    given(wang)
      .when(bulk({ add: { tags: ['vip'] }, remove: { tags: ['nobody'] } }))
      .thenNothing();
  });

  it('knows an entry however it is written', () => {
    given(wang)
      .when(bulk({ remove: { phones: [{ value: '138-0013-8000' }] } }))
      .then(changed({ phones: [] }));
    given(wang)
      .when(bulk({ add: { phones: [{ value: '0086 138 0013 8000' }] } }))
      .thenNothing();
  });

  it('gives a list no place that only followed from something else', () => {
    const mobile = created({ name: '王伟', phones: [{ value: '13800138000', e164: '+8613800138000' }] });
    const inferred: CustomerEvent = {
      type: 'CustomerDetailsChanged',
      addresses: [{ country: 'CN', city: '北京市' }],
      inferred: [{ field: 'addresses', rule: 'area-code' }],
      emailsReserved: false,
    };
    given(mobile, inferred)
      .when(bulk({ add: { addresses: [] } }))
      .thenNothing();
    const said = { country: 'DE', city: 'Bonn' };
    const events = customer.decide(replay(customer, [mobile, inferred]), bulk({ add: { addresses: [said] } }), {
      now: '2026-02-01T00:00:00.000Z',
      entry: 'person',
      rules: builtInRules,
    });
    expect(events).toMatchObject([{ type: 'CustomerDetailsChanged', addresses: [{ city: 'Bonn' }] }]);
  });

  it('restores before it changes, and archives after', () => {
    const archived: CustomerEvent = { type: 'CustomerArchived' };
    given(wang, archived)
      .when(bulk({ set: { title: 'x' } }))
      .thenRefused('customer-archived');
    given(wang, archived)
      .when(bulk({ restore: true, set: { title: 'x' } }))
      .then({ type: 'CustomerRestored' }, changed({ title: 'x' }));
    given(wang)
      .when(bulk({ set: { title: 'x' }, archive: true }))
      .then(changed({ title: 'x' }), archived);
    given(wang)
      .when(bulk({ restore: true }))
      .thenNothing();
  });

  it('is checked as a change of one customer is', () => {
    given(wang)
      .when(bulk({ clear: ['name'] }))
      .thenRefused('invalid-customer');
    given(wang)
      .when(bulk({ add: { emails: [{ value: 'nowhere' }] } }))
      .thenRefused('invalid-customer');
    const many = Array.from({ length: 200 }, (_, index) => `tag ${index}`);
    given(wang)
      .when(bulk({ add: { tags: many } }))
      .thenRefused('invalid-customer');
    given()
      .when(bulk({ set: { title: 'x' } }))
      .thenRefused('customer-not-found');
  });

  const title = fc.constantFrom('经理', 'CEO');
  const tags = fc.uniqueArray(fc.constantFrom('vip', 'b2b', 'fair'), { minLength: 1 });
  const change: fc.Arbitrary<BulkChange> = fc.oneof(
    fc.record({ set: fc.record({ title }), add: fc.record({ tags }), archive: fc.boolean() }, { requiredKeys: [] }),
    fc.record({ clear: fc.constant(['title'] as const), remove: fc.record({ tags }) }, { requiredKeys: [] }),
    fc.record({ set: fc.record({ tags }), restore: fc.boolean() }, { requiredKeys: [] }),
  );
  const edit = fc.record({ title: fc.option(title, { nil: null }), tags }, { requiredKeys: [] });

  it('and its undoing leave what was there before, but for what was changed since', () => {
    fc.assert(
      fc.property(edit, change, fc.option(edit, { nil: undefined }), (before, one, since) => {
        const context = { now: '2026-02-01T00:00:00.000Z', entry: 'person', rules: builtInRules } as const;
        const happened: [batch: string, event: CustomerEvent][] = [['', created({ name: '王伟', ...before })]];
        const state = () =>
          replay(
            customer,
            happened.map(([, event]) => event),
          );
        const say = (batch: string, command: Parameters<typeof customer.decide>[1]) => {
          try {
            for (const event of customer.decide(state(), command, context)) happened.push([batch, event]);
          } catch (error) {
            if (!(error instanceof Refusal)) throw error;
          }
        };
        const was = state();
        say('bulk', bulk(one));
        const beforeSince = happened.length;
        if (since) say('', { type: 'ChangeCustomer', changes: since });
        const edited = new Set(happened.slice(beforeSince).flatMap(([, event]) => Object.keys(event)));
        const now = state();
        const events = happened.map(
          ([batchId, { type, ...data }], position) =>
            ({
              type,
              data,
              position,
              meta: { batchId, actor: { type: 'system' } },
            }) as unknown as RecordedOf<CustomerEvent>,
        );
        say('undo', {
          type: 'UndoChanges',
          undone: undoOf(state(), events, tellingOf({ undoes: 'bulk' }, [])({ externalIds: [] })),
        });
        const after = state();
        expect(after.status).toBe(was.status);
        for (const field of ['title', 'tags'] as const) {
          expect(after.details[field]).toEqual(edited.has(field) ? now.details[field] : was.details[field]);
        }
      }),
    );
  });
});
