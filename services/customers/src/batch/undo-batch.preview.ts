import { isDeepStrictEqual } from 'node:util';
import { Injectable } from '@nestjs/common';
import { fieldsOf, ownKeyOf, type CustomerField } from '@throughline/contracts';
import { goldenOfGroup, unmergeRecord, unmergedAfter, type Group, type Part } from '../customer/customer-group.ts';
import { afterUndo, movesUp, parentUndone, undoneBelow } from '../customer/customer-undo-parent.ts';
import { undoOf, type Undone } from '../customer/customer-undo.ts';
import { shown } from '../customer/field-names.ts';
import { GoldenCustomers } from '../customer/golden-customers.store.ts';
import { customKeyOf } from '../rules/rule-values.ts';
import { LeftBehind } from './left-behind.store.ts';
import { RecordUses } from './record-uses.store.ts';
import { UndoSources } from './undo-sources.store.ts';
import { mergesUndone, type Undoing } from './undoing.ts';

type Shown = Readonly<Record<string, unknown>>;
/** A customer, what is undone of its records, and what it is afterwards. */
type Seen = { before: Group; undone: ReadonlyMap<string, Undone>; isTakenApart: boolean; after: Group };

/** What an undo would do to customers, as they will show it; nothing is recorded. */
@Injectable()
export class UndoPreviews {
  constructor(
    private readonly customers: GoldenCustomers,
    private readonly sources: UndoSources,
    private readonly uses: RecordUses,
    private readonly left: LeftBehind,
  ) {}

  /** A page at a time, each customer on that of the first of its records; `after` as the page before said. */
  async page(undoing: Undoing, after = '') {
    const { records, next, telling, isFirst } = await this.sources.page(undoing, after);
    const isAbout = ({ state, events }: Part): boolean => {
      const { isUndone, isAgain } = telling(state);
      return events.some((event) => isUndone(event) || isAgain(event));
    };
    const groups = (await this.customers.groups(records)).filter((group) =>
      group.every((part) => isFirst(part.id, part.events) || !isAbout(part)),
    );
    const about = new Map(groups.flat().flatMap((part) => (isAbout(part) ? [[part.id, part] as const] : [])));
    const used = await this.uses.among(about, telling);
    const left = await this.left.by(about, telling);
    const tops = new Set(groups.map(([{ id }]) => id));
    const others = (await this.customers.groups([...left.keys()])).filter(([{ id }]) => !tops.has(id));
    const now = new Date().toISOString();
    const seen: Seen[] = [];
    for (const before of [...groups, ...others]) {
      const undone = new Map<string, Undone>();
      for (const { id, state, events } of before) {
        if (state.status === 'erased' || !(about.has(id) || left.has(id))) continue;
        const whole = undoOf(state, events, telling(state), used.has(id));
        undone.set(id, movesUp(state, whole) ? await this.#asFarAsItGoes(before, id, whole, now) : whole);
      }
      const merged = before.flatMap(({ state, events }) => mergesUndone(telling(state), state, events));
      const apart = merged.reduce((group, recordId) => takenOut(group, recordId, now), before);
      seen.push({ before, undone, isTakenApart: merged.length > 0, after: afterUndo(apart, undone, now) });
    }
    const tagged = await this.customers.tagged(seen.flatMap(({ before, after: then }) => [before, then]));
    return { items: seen.map((one, index) => told(one, tagged.slice(2 * index, 2 * index + 2).map(fieldsIn))), next };
  }

  /** Without a parent that the record cannot get back, on the companies as they stand. */
  async #asFarAsItGoes(group: Group, id: string, undone: Undone, now: string): Promise<Undone> {
    const above = await this.customers.above(parentUndone(group, id, undone, now));
    return undoneBelow(group, id, undone, above, now) ?? undone;
  }
}

/** The customer without a record, unless that went with another one already. */
function takenOut(group: Group, recordId: string, now: string): Group {
  if (!group.some(({ id }) => id === recordId)) return group;
  const command = { type: 'UnmergeCustomer', mergeId: recordId, recordId, move: [] } as const;
  return unmergedAfter(group, recordId, unmergeRecord(group, command), now)[0];
}

const fieldsIn = (group: Group): Shown =>
  Object.fromEntries(Object.entries(fieldsOf(goldenOfGroup(group))).map(([field, value]) => [shown(field), value]));

function told({ before, undone, isTakenApart, after }: Seen, [was = {}, is = {}]: readonly Shown[]) {
  const names = [...new Set([...Object.keys(was), ...Object.keys(is)])];
  const changed = names.filter((name) => !isDeepStrictEqual(was[name], is[name]));
  const valuesIn = (fields: Shown) => Object.fromEntries(changed.map((name) => [name, fields[name] ?? null]));
  const [{ id, state }] = before;
  const { status } = after[0].state;
  const moved = status === 'archived' ? 'archive' : 'restore';
  const kept = [...undone].flatMap(([recordId, one]) => one.kept.filter((field) => isSaidBy(after, recordId, field)));
  const records = before.flatMap((part) =>
    undone.has(part.id) ? [{ recordId: part.id, number: part.state.number }] : [],
  );
  return {
    recordId: id,
    number: state.number,
    fields: valuesIn(is),
    before: valuesIn(was),
    record: status !== state.status ? moved : isTakenApart ? 'unmerge' : null,
    kept: [...new Set(kept.map(shown))].filter((field) => !changed.includes(field)),
    ...(before.length > 1 && { records }),
  };
}

/** Whether a field of a customer is a record's own, not what others say there. */
function isSaidBy(group: Group, recordId: string, field: string): boolean {
  const key = customKeyOf(field);
  const { [key === undefined ? (field as CustomerField) : 'custom']: origins = [] } = goldenOfGroup(group);
  const said = key === undefined ? origins : origins.filter((origin) => ownKeyOf(origin) === key);
  return said.length === 0 || said.some((origin) => origin.recordId === recordId);
}
