import type { CustomerFields } from '@throughline/contracts';
import { emailKeys } from '../customer/customer-fields.ts';
import type { Named } from '../customer/unique-keys.ts';
import { touchesCompared, type Intended } from '../duplicates/duplicate-check.store.ts';
import { targetOf, type Operation } from './batch-request.ts';

/** A customer by one of its records, as it stands. */
export type Standing = { goldenId: string; fields: CustomerFields };

/**
 * What each operation would leave its customer with, those before it counted in; undefined where nothing that records are
 * compared by would change, or it is not certain which customer is meant, or there is none.
 *
 * @param standing of the records that the operations name, as far as they are there
 */
export function intendedBy(
  operations: readonly Operation[],
  named: Named,
  standing: ReadonlyMap<string, Standing>,
): (Intended | undefined)[] {
  const held = new Map([...named].map(([claim, [id]]) => [claim, id]));
  const known = new Map(standing);
  return operations.map((operation) => {
    if (operation.op === 'archive') return undefined;
    const target = targetOf(operation);
    if ('claim' in target && (named.get(target.claim)?.length ?? 0) > 1) return undefined;
    const holder = 'id' in target ? target.id : held.get(target.claim);
    const id = holder ?? (operation.op === 'upsert' ? operation.id : undefined);
    const before = id === undefined ? undefined : known.get(id);
    if (id === undefined || (before ? operation.op === 'create' : operation.op === 'update')) return undefined;
    const given = !before && operation.op === 'upsert' ? operation.creation.fields : operation.fields;
    const { goldenId = id, fields } = before ?? {};
    const after = { goldenId, fields: { ...fields, ...given } };
    for (const [recordId, one] of known) if (one.goldenId === goldenId) known.set(recordId, after);
    known.set(id, after);
    for (const email of emailKeys(given)) if (!held.has(`email:${email}`)) held.set(`email:${email}`, id);
    if (before && !touchesCompared(given)) return undefined;
    if (before) return { operation: 'change', id, goldenId, fields: after.fields };
    const way = operation.op === 'create' && operation.met && { way: 'quick-add' as const };
    return { operation: 'create', id, goldenId: null, fields: after.fields, ...way };
  });
}
