import type { Instant } from '@throughline/contracts';
import { groupAfter, type Group } from './customer-group.ts';
import { parentErrors, parentOf, type Above } from './customer-links.ts';
import { builtInRules } from './customer-rules.ts';
import { isOneOfSeveral, type Customer } from './customer-state.ts';
import { undoChanges, type Undone } from './customer-undo.ts';

/** Whether it gives a company another parent than it has: what is above that one is decided over together. */
export const movesUp = (state: Customer, { fields: { parentId } }: Undone): boolean =>
  parentId !== undefined && (parentId !== null || isOneOfSeveral(state));

/** The customer once of its records these are undone. */
export const afterUndo = (group: Group, undone: ReadonlyMap<string, Undone>, now: Instant): Group =>
  groupAfter(
    [group],
    new Map(
      group.flatMap(({ id, state }) => {
        const one = undone.get(id);
        return one ? [[id, undoChanges(state, one, builtInRules)] as const] : [];
      }),
    ),
    now,
  );

/** The company that a customer would come to belong to where one of its records is undone; undefined where it stays as it is. */
export function parentUndone(group: Group, recordId: string, undone: Undone, now: Instant): string | undefined {
  const parentId = parentOf(afterUndo(group, new Map([[recordId, undone]]), now));
  return parentId === parentOf(group) ? undefined : parentId;
}

/**
 * What is undone on a record, without a parent that its customer must not get: one that belongs to it by now, say.
 *
 * @param above what is above the one that `parentUndone` tells
 * @returns undefined where it cannot be told from these: the companies above changed meanwhile
 */
export function undoneBelow(
  group: Group,
  recordId: string,
  undone: Undone,
  above: Above,
  now: Instant,
): Undone | undefined {
  const parentId = parentUndone(group, recordId, undone, now);
  const errors = parentId === undefined ? [] : parentErrors(group, parentId, above);
  if (!errors || errors.length === 0) return errors && undone;
  const { parentId: _, ...fields } = undone.fields;
  const restored = undone.restored.filter(({ field }) => field !== 'parentId');
  return { ...undone, fields, restored, kept: [...undone.kept, 'parentId'] };
}
