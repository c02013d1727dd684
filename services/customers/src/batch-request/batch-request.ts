import type { CustomerEvent } from '@throughline/contracts';
import { Refusal, conflict, notFound, type DecideContext } from '@throughline/event-sourcing';
import { emailKeys, type CustomerInput } from '../customer/customer-fields.ts';
import { decideForGroup, groupOf, partAfter, type Decided, type Group, type Part } from '../customer/customer-group.ts';
import { kindErrors, linksOf, makesPerson, type Links } from '../customer/customer-links.ts';
import { customer, type CustomerCommand } from '../customer/customer.ts';
import type { CreateCustomer } from '../customer/customer-creation.ts';
import type { CustomerRules } from '../customer/customer-rules.ts';
import type { Customer } from '../customer/customer-state.ts';
import type { Met } from '../customer/met.ts';
import { claimsMeant, emailOf, holderAmong, type Named } from '../customer/unique-keys.ts';
import { rehearsedLinkErrors } from './rehearsed-links.ts';

/** A record by its id, or whoever holds something unique, such as `email:a@example.com`. */
export type Target = { id: string } | { claim: string };

/** One operation of a batch, its shape checked. `id` of what may be created is the one that it would get. */
export type Operation =
  | { op: 'create'; id: string; fields: CustomerInput; number?: string; met?: Met }
  | { op: 'upsert'; target: Target; id: string; fields: CustomerInput; creation: Creation }
  | { op: 'update'; target: Target; fields: CustomerInput }
  | { op: 'archive'; target: Target };

/** What an upsert records where nobody has its key. */
export type Creation = Pick<CreateCustomer, 'fields' | 'externalId'> & {
  number?: string;
};

/** `created` where the operation made the record. */
export type Done = { id: string; version: number; created?: boolean };
/** Nothing personal: a batch's outcome is remembered. */
export type Refused = Pick<Refusal, 'kind' | 'code' | 'params' | 'errors'>;

/** Claim -> id of the record that holds it. */
export type Holders = ReadonlyMap<string, string>;

export const targetOf = (operation: Operation): Target =>
  operation.op === 'create' ? { id: operation.id } : operation.target;

/** The claims that an operation asks about, takes or frees, as far as it says so itself. */
export function claimsOf(operation: Operation): string[] {
  const target = targetOf(operation);
  const named = 'claim' in target ? claimsMeant(target.claim) : [];
  if (operation.op === 'archive') return named;
  const number =
    operation.op === 'create' && operation.number !== undefined ? claimsMeant(`number:${operation.number}`) : [];
  const emails = emailKeys('creation' in operation ? operation.creation.fields : operation.fields);
  return [...named, ...number, ...emails.map((email) => `email:${email}`)];
}

/** Those that an operation names as employer, parent or referrer. */
export const linksIn = (operation: Operation): Links =>
  'fields' in operation ? linksOf({ type: 'ChangeCustomer', changes: operation.fields }) : {};

/** Whether it may make a person of a customer that is there. */
export const mayMakePerson = (operation: Operation): boolean =>
  'fields' in operation && makesPerson({ type: 'ChangeCustomer', changes: operation.fields });

/**
 * The operations, by index, that may be about the same record or want the same claim, or name a record that another one is
 * about, together and in their order. What stands in different lanes need not wait for each other.
 *
 * @param named whom their claims name now
 * @param goldenIds record -> the one that answers for it, of merged customers: those are one record here
 */
export function lanesOf(
  operations: readonly Operation[],
  named: Named,
  goldenIds: ReadonlyMap<string, string> = new Map(),
): number[][] {
  const goldenOf = (id: string): string => goldenIds.get(id) ?? id;
  const touching = operations.map((operation) => {
    const target = targetOf(operation);
    const claims = claimsOf(operation);
    const held = claims.flatMap((claim) => named.get(claim) ?? []);
    return { claims, records: [...held, ...('id' in target ? [target.id] : [])].map(goldenOf) };
  });
  const written = new Set(touching.flatMap(({ records }) => records));
  let lanes: { indexes: number[]; names: Set<string> }[] = [];
  operations.forEach((operation, index) => {
    const { claims, records } = touching[index] as (typeof touching)[number];
    const linked = Object.values(linksIn(operation)).map(goldenOf);
    const names = [...claims, ...records, ...linked.filter((id) => written.has(id))];
    const touched = lanes.filter((lane) => names.some((name) => lane.names.has(name)));
    const joined = {
      indexes: [...touched.flatMap(({ indexes }) => indexes), index].toSorted((a, b) => a - b),
      names: new Set([...touched.flatMap((lane) => [...lane.names]), ...names]),
    };
    lanes = [...lanes.filter((lane) => !touched.includes(lane)), joined];
  });
  return lanes.map(({ indexes }) => indexes);
}

/** @param number the one that was allotted, for what is created without */
export function commandOf(operation: Operation, exists: boolean, number: string): CustomerCommand {
  switch (operation.op) {
    case 'create': {
      const { fields, met } = operation;
      return { type: 'CreateCustomer', number: operation.number ?? number, fields, ...(met && { met }) };
    }
    case 'upsert':
      return exists
        ? { type: 'ChangeCustomer', changes: operation.fields }
        : { type: 'CreateCustomer', number, ...operation.creation };
    case 'update':
      return { type: 'ChangeCustomer', changes: operation.fields };
    case 'archive':
      return { type: 'ArchiveCustomer' };
  }
}

/** Whether a number has to be allotted. */
export const creates = (operation: Operation, exists: boolean): boolean =>
  operation.op === 'create'
    ? operation.number === undefined
    : operation.op === 'upsert' && !exists && operation.creation.number === undefined;

/**
 * `taken` are the values, but for numbers, that become a record's own; `unnumbered` the operations, by index, that would make a
 * record and lack its number; `lost` the companies above others that are not among the records.
 */
type Rehearsal = {
  outcomes: readonly (Done | Refused)[];
  decided: Decided;
  taken: readonly string[];
  unnumbered: readonly number[];
  lost: readonly string[];
};

/**
 * What would come of the operations, one after the other, where all of them count or none does. On one of several records
 * an operation is one on their customer.
 *
 * @param parts the records as they stand, with all of the same customers, also those that are known by an e-mail that an
 * operation names and nobody holds, those that they name as employer, parent or referrer, the companies above, and somebody
 * else who names a company that they make a person, where there is anybody
 * @param holders of all claims that the operations name or take, in `parts` or not
 * @param numbers by the operations' index, for what is created without one
 */
export function rehearse(
  operations: readonly Operation[],
  given: { parts: ReadonlyMap<string, Part>; holders: Holders; numbers: readonly string[] },
  context: DecideContext<CustomerRules>,
): Rehearsal {
  const parts = new Map(given.parts);
  const holders = new Map(given.holders);
  for (const [id, { state }] of parts) for (const claim of claimsHeld(state)) holders.set(claim, id);
  const all = new Map<string, readonly CustomerEvent[]>();
  const madeBy = new Map<string, number>();
  const unnumbered: number[] = [];
  const lost: string[] = [];
  const find = (id: string): Group | undefined => {
    const top = parts.get(parts.get(id)?.state.goldenId ?? id);
    return top && groupOf(top, parts);
  };
  const carryOut = (operation: Operation, index: number): Done => {
    const target = targetOf(operation);
    const known = 'id' in target ? target.id : (holderAmong(holders, target.claim) ?? knownBy(target.claim, parts));
    const named = known ?? (operation.op === 'upsert' ? operation.id : undefined);
    if (named === undefined) throw notFound('customer-not-found');
    const id = parts.get(named)?.state.goldenId ?? named;
    const top = parts.get(id);
    if (creates(operation, top !== undefined) && given.numbers[index] === undefined) unnumbered.push(index);
    const command = commandOf(operation, top !== undefined, given.numbers[index] ?? '');
    const { errors: linkErrors, lost: ends } = rehearsedLinkErrors(id, command, find);
    lost.push(...ends);
    const own = makesPerson(command) ? find(id) : undefined;
    const rules = { ...context.rules, linkErrors, kindErrors: own ? kindErrors(own, customersIn(parts)) : [] };
    const decidedBy = { ...context, rules };
    const decided =
      top && top.state.members.length > 0
        ? decideForGroup(groupOf(top, parts), command, decidedBy)
        : new Map([[id, customer.decide(top?.state ?? customer.initial, command, decidedBy)]]);
    const next = [...decided].map(([one, events]) => ({ id: one, events, part: after(one, events) }));
    for (const { id: own, part } of next) {
      for (const claim of claimsHeld(part?.state)) {
        const holder = holders.get(claim);
        if (holder === undefined || holder === own) continue;
        // Nothing was made yet: what has it is another operation.
        const by = madeBy.get(holder);
        throw conflict(`${claim.split(':', 1)[0]}-taken`, by === undefined ? { holder } : { operation: by });
      }
    }
    for (const { id: own, events, part } of next) {
      if (!part) continue;
      for (const claim of claimsHeld(parts.get(own)?.state)) holders.delete(claim);
      for (const claim of claimsHeld(part.state)) holders.set(claim, own);
      parts.set(own, part);
      all.set(own, [...(all.get(own) ?? []), ...events]);
    }
    if (!top) madeBy.set(id, index);
    return { id, version: parts.get(id)?.events.length ?? 0, ...(!top && { created: true }) };
  };
  const after = (id: string, events: readonly CustomerEvent[]) =>
    events.length > 0 ? partAfter(id, parts.get(id), events, context.now) : parts.get(id);
  const outcomes = operations.map((operation, index) => {
    try {
      return carryOut(operation, index);
    } catch (error) {
      if (!(error instanceof Refusal)) throw error;
      const { kind, code, params, errors } = error;
      return { kind, code, params, errors };
    }
  });
  const taken = [...all.keys()].flatMap((id) => {
    const before = new Set(claimsHeld(given.parts.get(id)?.state));
    return claimsHeld(parts.get(id)?.state).filter((claim) => !before.has(claim) && !claim.startsWith('number:'));
  });
  return { outcomes, decided: all, taken, unnumbered, lost };
}

const customersIn = (parts: ReadonlyMap<string, Part>): Group[] =>
  [...parts.values()].flatMap((part) => (part.state.into === undefined ? [groupOf(part, parts)] : []));

/** The active customer that has an e-mail without holding it. @throws Refusal `several-matches` */
function knownBy(claim: string, parts: ReadonlyMap<string, Part>): string | undefined {
  const email = emailOf(claim);
  if (email === undefined) return undefined;
  const found = [...parts.values()].filter(
    ({ state }) => state.status === 'active' && emailKeys(state.details).includes(email),
  );
  const [id, ...others] = new Set(found.map(({ id: own, state }) => state.goldenId ?? own));
  if (others.length > 0) throw conflict('several-matches', { customerIds: [id, ...others] });
  return id;
}

const claimsHeld = (state: Customer = customer.initial): readonly string[] => customer.claims?.(state) ?? [];
