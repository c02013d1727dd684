import { describe, expect, it } from '@jest/globals';
import type { CustomerEvent, CustomerFields, RecordedOf } from '@throughline/contracts';
import { replay } from '@throughline/event-sourcing';
import fc from 'fast-check';
import { tellingOf, type Undo } from '../batch/undoing.ts';
import { customer } from './customer.ts';
import { builtInRules } from './customer-rules.ts';
import { undoOf } from './customer-undo.ts';

type Happened = RecordedOf<CustomerEvent>;
type Said = { batch: string; fields: CustomerFields };

const context = { now: '2026-02-01T00:00:00.000Z', entry: 'person', rules: builtInRules } as const;
const changed = (fields: CustomerFields): CustomerEvent => ({
  type: 'CustomerDetailsChanged',
  ...fields,
  emailsReserved: false,
});
const created = (fields: CustomerFields): CustomerEvent => ({
  type: 'CustomerCreated',
  number: 'C-1',
  ...fields,
  emailsReserved: false,
});
let position = 0;
const happened = (batchId: string, { type, ...data }: CustomerEvent) => {
  position += 1;
  return { type, data, position, meta: { batchId } } as Happened;
};
const undoing = (undoes: string, id = `undo ${undoes}`): Undo => ({
  id,
  undoes,
  undoesConnection: null,
  startedAt: '',
});
const ofBatch = (batch: string, undos: Undo[] = []) => tellingOf({ undoes: batch }, undos)({ externalIds: [] });
const stateAfter = (events: readonly Happened[]) =>
  replay(
    customer,
    events.map(({ type, data }) => ({ type, ...data }) as CustomerEvent),
  );

/** The record's state after a batch was undone. */
function undone(events: readonly Happened[], batch: string, undos: Undo[] = []) {
  const state = stateAfter(events);
  const command = { type: 'UndoChanges', undone: undoOf(stateAfter(events), events, ofBatch(batch, undos)) } as const;
  return customer.decide(state, command, context).reduce(customer.evolve, state);
}

/** What undoing a batch adds, as a batch itself. */
function undoneBy(batch: string, events: readonly Happened[], undos: Undo[] = []): Happened[] {
  const command = { type: 'UndoChanges', undone: undoOf(stateAfter(events), events, ofBatch(batch, undos)) } as const;
  return customer.decide(stateAfter(events), command, context).map((event) => happened(`undo ${batch}`, event));
}

describe('undoing a batch', () => {
  const before = happened('', created({ name: '王伟', title: '经理', tags: ['vip'] }));

  it('gives each field back what it held before, and takes away what was not there', () => {
    const events = [before, happened('import', changed({ title: 'CEO', industry: '零售', tags: ['x'] }))];
    expect(undone(events, 'import').details).toEqual({ name: '王伟', title: '经理', tags: ['vip'] });
  });

  it('keeps what somebody changed since, and says so', () => {
    const events = [
      before,
      happened('import', changed({ title: 'CEO', industry: '零售' })),
      happened('', changed({ title: '总监' })),
    ];
    expect(undoOf(stateAfter(events), events, ofBatch('import'))).toMatchObject({
      fields: { industry: null },
      kept: ['title'],
    });
    expect(undone(events, 'import').details).toMatchObject({ title: '总监' });
  });

  it('keeps the kind where nobody had said one', () => {
    const events = [before, happened('import', changed({ kind: 'company', title: 'CEO' }))];
    expect(undoOf(stateAfter(events), events, ofBatch('import'))).toMatchObject({
      fields: { title: '经理' },
      kept: ['kind'],
    });
    expect(undone(events, 'import').details).toEqual({ name: '王伟', title: '经理', tags: ['vip'], kind: 'company' });
  });

  it('takes back each of the installation’s own fields for itself', () => {
    const events = [
      happened('', created({ name: '王伟', custom: { num: 1, ok: false } })),
      happened('import', changed({ custom: { num: 50, ok: false, lvl: 'gold', club: 'x' } })),
      happened('', changed({ custom: { num: 50, ok: true, lvl: 'silver', club: 'x' } })),
    ];
    expect(undoOf(stateAfter(events), events, ofBatch('import'))).toMatchObject({
      fields: { custom: { num: 1, ok: true, lvl: 'silver' } },
      record: null,
      kept: ['custom.lvl'],
    });
    expect(undone(events, 'import').details.custom).toEqual({ num: 1, ok: true, lvl: 'silver' });
  });

  it('archives a record that it had made, unless somebody worked with it', () => {
    const made = happened('import', created({ name: '李娜' }));
    expect(undone([made], 'import').status).toBe('archived');
    const claimed = happened('', { type: 'CustomerValuesClaimed', unique: [{ rule: 'card', field: 'custom.card' }] });
    expect(undone([made, claimed], 'import').status).toBe('archived');
    const touched = [made, happened('', changed({ title: '医生' }))];
    expect(undoOf(stateAfter(touched), touched, ofBatch('import'))).toEqual({
      fields: {},
      restored: [],
      reserved: [],
      record: null,
      kept: ['record'],
    });
    expect(undone(touched, 'import')).toMatchObject({ status: 'active', details: { name: '李娜', title: '医生' } });
  });

  it('brings back what it had archived', () => {
    expect(undone([before, happened('bulk', { type: 'CustomerArchived' })], 'bulk').status).toBe('active');
  });

  it('says of each field since when it holds, and leaves those alone that say nothing', () => {
    const at = '2026-01-01T00:00:00.000Z';
    const placed = (event: Happened, position: number) => ({ ...event, position, occurredAt: at, effectiveAt: at });
    const events = [
      placed(happened('', created({ title: '经理', custom: { one: 1, none: null } })), 1),
      placed(
        happened('import', changed({ title: 'CEO', industry: '零售', custom: { one: 2, two: 2, none: null } })),
        2,
      ),
    ];
    expect(undoOf(stateAfter(events), events, ofBatch('import'))).toMatchObject({
      fields: { title: '经理', industry: null, custom: { one: 1, none: null } },
      restored: [
        { field: 'title', position: 1, at },
        { field: 'industry' },
        { field: 'custom.one', position: 1, at },
        { field: 'custom.two' },
      ],
    });
  });

  it('can be undone itself', () => {
    const events = [before, happened('import', changed({ title: 'CEO' }))];
    const all = [...events, ...undoneBy('import', events)];
    expect(undone(all, 'undo import', [undoing('import')]).details).toMatchObject({ title: 'CEO' });
  });

  it('brings nothing back that was undone as well, in whichever order', () => {
    const start = happened('', created({ name: '王伟', title: '经理', tags: ['vip'], region: '华东' }));
    const given = changed({ title: 'A', tags: ['vip', 'a'], custom: { one: 1 } });
    const events = [
      start,
      happened('a', given),
      happened('b', changed({ title: 'B', tags: ['b'], custom: { one: 2 } })),
    ];
    for (const [first, second] of ['ab', 'ba']) {
      const once = [...events, ...undoneBy(first as string, events)];
      const undos = [undoing(first as string)];
      const twice = [...once, ...undoneBy(second as string, once, undos)];
      expect(stateAfter(twice).details).toEqual({
        name: '王伟',
        title: '经理',
        tags: ['vip'],
        region: '华东',
        custom: {},
      });
      const both = [...undos, undoing(second as string)];
      expect(undoOf(stateAfter(twice), twice, ofBatch(first as string, both))).toMatchObject({ fields: {}, kept: [] });
    }
  });

  it('archives a record that one of two made which are both undone', () => {
    const events = [happened('a', created({ name: '李娜' })), happened('b', changed({ title: '医生' }))];
    expect(undoOf(stateAfter(events), events, ofBatch('a')).kept).toEqual(['record']);
    expect(undone(events, 'b', [undoing('a')]).status).toBe('archived');
  });

  it('leaves a record that was merged since nothing but its name and what others said, in whichever order', () => {
    const mergeId = '01890000-0000-7000-8000-000000000001';
    const events = [
      happened('a', created({ name: '李娜', title: '医生', region: '华东', kind: 'person' })),
      happened('b', changed({ title: '护士', tags: ['x'] })),
      happened('', { type: 'CustomerAbsorbed', mergeId, into: mergeId, goldenId: mergeId }),
      happened('', changed({ industry: '零售' })),
    ];
    expect(undoOf(stateAfter(events), events, ofBatch('a'))).toMatchObject({
      fields: { region: null },
      kept: ['kind', 'name', 'title'],
    });
    for (const [first, second] of ['ab', 'ba']) {
      const once = [...events, ...undoneBy(first as string, events)];
      const { details } = undone(once, second as string, [undoing(first as string)]);
      expect(details).toEqual({ name: '李娜', kind: 'person', industry: '零售' });
    }
    const released = happened('', { type: 'CustomerReleased', mergeId, from: mergeId });
    expect(undoOf(stateAfter([...events, released]), [...events, released], ofBatch('a'))).toMatchObject({
      fields: {},
      kept: ['record'],
    });
  });

  const fields = fc.record(
    {
      title: fc.option(fc.constantFrom('经理', 'CEO'), { nil: null }),
      industry: fc.option(fc.constantFrom('零售', '制造'), { nil: null }),
      tags: fc.uniqueArray(fc.constantFrom('vip', 'b2b')),
    },
    { requiredKeys: [] },
  );
  const said: fc.Arbitrary<Said> = fc.record({ batch: fc.constantFrom('', 'a', 'b'), fields }) as fc.Arbitrary<Said>;

  it('leaves the record as if it had never been, but for what was changed since', () => {
    fc.assert(
      fc.property(fc.array(said, { maxLength: 12 }), (all) => {
        const events = [before, ...all.map((one) => happened(one.batch, changed(one.fields)))];
        const { details } = undone(events, 'a');
        const without = stateAfter(events.filter(ofBatch('a').stands)).details;
        const { kept } = undoOf(stateAfter(events), events, ofBatch('a'));
        expect(details).toEqual(without);
        for (const field of kept)
          expect(details[field as 'title']).toEqual(stateAfter(events).details[field as 'title']);
      }),
    );
  });

  it('leaves the record as what still stands makes it, however often each is undone and brought back', () => {
    const batches = fc.array(fc.constantFrom('a', 'b'), { maxLength: 8 });
    fc.assert(
      fc.property(fc.array(said, { maxLength: 8 }), batches, (all, order) => {
        let events = [before, ...all.map((one) => happened(one.batch, changed(one.fields)))];
        const undos: Undo[] = [];
        for (const batch of order) {
          let last: string = batch;
          while (undos.some(({ undoes }) => undoes === last)) last = `undo ${last}`;
          events = [...events, ...undoneBy(last, events, undos)];
          undos.push(undoing(last));
          expect(stateAfter(events).details).toEqual(stateAfter(events.filter(ofBatch('none', undos).stands)).details);
        }
      }),
    );
  });
});
