import type { CustomerEvent } from '@throughline/contracts';
import { valuesToHold } from '../rules/verification.ts';
import type { Decided, Group, Part } from './customer-group.ts';
import type { CustomerRules } from './customer-rules.ts';
import { customer } from './customer.ts';
import { claimedByRules, claimValues } from './reserved-values.ts';

/** Of what only one customer may have by the rules, what decided events give to records of a customer: claims. */
export const claimsGivenBack = (group: Group, decided: Decided, rules: CustomerRules): string[] =>
  group.flatMap((part) => givenTo(part, eventsOf(part, decided), rules));

/**
 * With that becoming the records' own.
 *
 * @param free what no other customer claims
 */
export function withGivenBack(
  group: Group,
  decided: Decided,
  rules: CustomerRules,
  free: ReadonlySet<string>,
): Decided {
  const held = new Set(group.flatMap((part) => claimedByRules(afterwards(part, eventsOf(part, decided)))));
  return new Map(
    group.map((part) => {
      const events = eventsOf(part, decided);
      const own = givenTo(part, events, rules).filter((claim) => free.has(claim) && !held.has(claim));
      for (const claim of own) held.add(claim);
      return [part.id, own.length > 0 ? [...events, ...claimValues(afterwards(part, events), own, rules)] : events];
    }),
  );
}

const eventsOf = ({ id }: Part, decided: Decided): readonly CustomerEvent[] => decided.get(id) ?? [];

const afterwards = ({ state }: Part, events: readonly CustomerEvent[]) => events.reduce(customer.evolve, state);

function givenTo(part: Part, events: readonly CustomerEvent[], rules: CustomerRules): string[] {
  const [before, after] = [part.state, afterwards(part, events)].map(({ details }) =>
    valuesToHold(details, rules).flatMap(({ claims }) => claims),
  );
  return (after ?? []).filter((claim) => !before?.includes(claim));
}
