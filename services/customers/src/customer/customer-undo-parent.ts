import type { Instant } from '@throughline/contracts';
import { groupAfter, type Group } from './customer-group.ts';
import { parentErrors, parentOf, type Above } from './customer-links.ts';
import { builtInRules } from './customer-rules.ts';
import { undoChanges, type Undone } from './customer-undo.ts';

function afterUndo(group: Group, recordId: string, undone: Undone, now: Instant): Group {
  const events = group.flatMap(({ id, state }) => (id === recordId ? undoChanges(state, undone, builtInRules) : []));
  return groupAfter([group], new Map([[recordId, events]]), now);
}

/** The company that a customer would come to belong to where one of its records is undone; undefined where it stays as it is. */
export function parentUndone(group: Group, recordId: string, undone: Undone, now: Instant): string | undefined {
  const parentId = parentOf(afterUndo(group, recordId, undone, now));
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
