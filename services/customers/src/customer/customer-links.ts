import { fieldsOf } from '@throughline/contracts';
import type { FieldError } from '@throughline/event-sourcing';
import { goldenOfGroup, stateOfGroup, type Group } from './customer-group.ts';
import type { CustomerInput } from './customer-fields.ts';
import type { CustomerCommand } from './customer.ts';

export const linkFields = ['employerId', 'parentId', 'referredBy'] as const;
export type LinkField = (typeof linkFields)[number];
/** Whether only a company can be meant. */
export const namesCompany = (field: string): boolean => field === 'employerId' || field === 'parentId';
/** The other customers that a command names, by field. */
export type Links = { readonly [F in LinkField]?: string };

/** Nobody's companies are nested deeper. */
export const deepest = 20;

/**
 * A company and those that it belongs to, nearest first, each once.
 *
 * @property lost the ids at which they end because there is no such customer
 */
export type Above = { above: readonly Group[]; lost?: readonly string[] };

export function linksOf(command: CustomerCommand): Links {
  const given = fieldsGivenBy(command);
  return Object.fromEntries(linkFields.flatMap((field) => (given[field] ? [[field, given[field]]] : [])));
}

function fieldsGivenBy(command: CustomerCommand): CustomerInput {
  if (command.type === 'CreateCustomer') return command.fields;
  if (command.type === 'ChangeCustomer') return command.changes;
  if (command.type === 'ImportCustomer') return command.row;
  return (command.type === 'ChangeInBulk' && command.change.set) || {};
}

export const hasLinks = (links: Links): boolean => Object.keys(links).length > 0;

/** Whether it may make a person of a customer that is there. */
export const makesPerson = (command: CustomerCommand): boolean =>
  command.type !== 'CreateCustomer' && fieldsGivenBy(command).kind === 'person';

/** Companies belong to others: what is above a company is decided over together. */
export const movesInHierarchy = (command: CustomerCommand): boolean =>
  command.type !== 'CreateCustomer' && linksOf(command).parentId !== undefined;

/** The company that a customer belongs to, by whichever of its records it was named. */
export const parentOf = (group: Group): string | undefined =>
  fieldsOf({ parentId: goldenOfGroup(group).parentId ?? [] }).parentId ?? undefined;

/** Whether it is a person or a company; undefined where nobody said. */
export const kindOf = (group: Group) => fieldsOf({ kind: goldenOfGroup(group).kind ?? [] }).kind ?? undefined;

/** Whether it is in use and names a customer, by whichever of that one's records. */
export const isNaming = (group: Group, field: 'employerId' | 'parentId', named: Group): boolean =>
  group[0].state.status === 'active' &&
  group[0].id !== named[0].id &&
  holds(named, stateOfGroup(group).details[field] ?? '');

/**
 * Why a company cannot become a person: somebody works for it, or companies belong to it.
 *
 * @param others those who may name it
 */
export function kindErrors(company: Group, others: readonly Group[]): FieldError[] {
  if (kindOf(company) === 'person') return [];
  const isNamed = (field: 'employerId' | 'parentId') => others.some((one) => isNaming(one, field, company));
  return [
    ...(isNamed('employerId') ? [{ path: 'kind', code: 'has-staff' }] : []),
    ...(isNamed('parentId') ? [{ path: 'kind', code: 'has-subsidiaries' }] : []),
  ];
}

const holds = (group: Group, id: string): boolean => group.some((part) => part.id === id);

/**
 * What is wrong with the customers that another one names.
 *
 * @param id a record of the one that names them
 * @param found the customers named, by the id that names them; undefined where there is none
 */
export function linkErrors(
  id: string,
  links: Readonly<Record<string, string>>,
  found: ReadonlyMap<string, Group | undefined>,
): FieldError[] {
  return Object.entries(links).flatMap(([path, named]): FieldError[] => {
    const group = found.get(named);
    if (!group || group[0].state.status === 'erased') return [{ path, code: 'unknown-record' }];
    if (holds(group, id)) return [{ path, code: 'not-itself' }];
    return namesCompany(path) && kindOf(group) === 'person' ? [{ path, code: 'not-a-company' }] : [];
  });
}

/**
 * Whether a customer may belong to a company, by all that is above that one.
 *
 * @returns undefined where it cannot be told from these: the companies above changed meanwhile
 */
export function parentErrors(own: Group, parentId: string, { above, lost = [] }: Above): FieldError[] | undefined {
  const passed = new Set<Group>();
  for (let next: string | undefined = parentId; next !== undefined;) {
    const named: string = next;
    if (lost.includes(named)) return [];
    if (holds(own, named)) return [{ path: 'parentId', code: passed.size === 0 ? 'not-itself' : 'circular' }];
    const group = above.find((one) => holds(one, named));
    if (!group) return undefined;
    // A ring above the company, made by sources or by taking a merge apart: it is not ours to mend.
    if (passed.has(group)) return [];
    passed.add(group);
    if (passed.size >= deepest) return [{ path: 'parentId', code: 'too-deep' }];
    next = parentOf(group);
  }
  return [];
}
