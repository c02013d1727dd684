import type { FieldError } from '@throughline/event-sourcing';
import type { Group } from '../customer/customer-group.ts';
import {
  deepest,
  linkErrors,
  linksOf,
  movesInHierarchy,
  parentErrors,
  parentOf,
  type Above,
} from '../customer/customer-links.ts';
import type { CustomerCommand } from '../customer/customer.ts';

type Find = (id: string) => Group | undefined;

/**
 * What is wrong with the customers that a command names, as the operations before it leave them.
 *
 * @param id the record that the command is about
 * @param find the customer of a record, as far as it is at hand
 * @returns `lost`: where the companies above end because the next one is not at hand
 */
export function rehearsedLinkErrors(
  id: string,
  command: CustomerCommand,
  find: Find,
): { errors: readonly FieldError[]; lost: readonly string[] } {
  const links = linksOf(command);
  const errors = linkErrors(id, links, new Map(Object.values(links).map((named) => [named, find(named)])));
  const own = find(id);
  const { parentId } = links;
  const isRefused = errors.some(({ path }) => path === 'parentId');
  if (!own || parentId === undefined || isRefused || !movesInHierarchy(command)) return { errors, lost: [] };
  const above = aboveOf(parentId, find);
  return { errors: [...errors, ...(parentErrors(own, parentId, above) ?? [])], lost: above.lost ?? [] };
}

function aboveOf(parentId: string, find: Find): Above {
  const above: Group[] = [];
  for (let next: string | undefined = parentId; next !== undefined && above.length <= deepest;) {
    const group = find(next);
    if (!group) return { above, lost: [next] };
    if (above.some(([top]) => top.id === group[0].id)) break;
    above.push(group);
    next = parentOf(group);
  }
  return { above };
}
