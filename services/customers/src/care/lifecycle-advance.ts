import { isAutomatic, type CustomerEvent, type Instant, type Lifecycle } from '@throughline/contracts';
import { goldenOfGroup, type Decided, type Group } from '../customer/customer-group.ts';

/** When the records of a customer did what moves customers on, in order. */
export type CustomerFacts = {
  /** Orders that stand. */
  orders: readonly Instant[];
  /** Conversations and deals, the first and the last at least. */
  contacts: readonly Instant[];
};

type Advance = { to: string; at: Instant };

/**
 * The stage that the facts lead to, and when they did: never back, and where somebody said in which stage the customer is, only
 * by what happened since. Undefined where that is where it is, and since then: what is heard of late may have led there earlier.
 */
export function advanceOf(group: Group, facts: CustomerFacts, lifecycle: Lifecycle): Advance | undefined {
  const [word] = goldenOfGroup(group).lifecycle ?? [];
  const { stages, automatic } = lifecycle;
  const now = stages.findIndex(({ key }) => key === word?.value);
  // What a source calls a stage that nobody defined is not ours to change.
  if (group[0].state.status !== 'active' || (word && now === -1)) return undefined;
  const isOutside = stages[now]?.outside === true;
  const said = lastSaid(group);
  const counts = (at: Instant) => said === undefined || at > said;
  const { contact, firstOrder, repeatOrders } = automatic;
  const reached = [
    { to: contact, at: isOutside ? undefined : facts.contacts.find(counts) },
    { to: firstOrder, at: facts.orders.find(counts) },
    { to: repeatOrders?.stage, at: facts.orders.slice((repeatOrders?.count ?? 1) - 1).find(counts) },
  ];
  const placed = reached.flatMap(({ to, at }) => {
    const place = stages.findIndex(({ key }) => key === to);
    return to === undefined || at === undefined || place === -1 ? [] : [{ to, at, place }];
  });
  const furthest = placed.reduce<(typeof placed)[number] | undefined>(
    (best, one) => (best && best.place >= one.place ? best : one),
    undefined,
  );
  if (!furthest) return undefined;
  const isEarlier = furthest.place === now && word?.automatic === true && furthest.at < word.at;
  return isOutside || furthest.place > now || isEarlier ? { to: furthest.to, at: furthest.at } : undefined;
}

/** When somebody said last in which stage the customer is. */
function lastSaid(group: Group): Instant | undefined {
  const said = group.flatMap(({ events }) =>
    events.flatMap(({ data, occurredAt }) => ('lifecycle' in data && !isAutomatic(data) ? [occurredAt] : [])),
  );
  return said.toSorted().at(-1);
}

/** The record that answers for the customer moves on. */
export function advanced(group: Group, facts: CustomerFacts, lifecycle: Lifecycle): Decided {
  const [{ id, state }] = group;
  const advance = advanceOf(group, facts, lifecycle);
  if (!advance) return new Map();
  const { emailsReserved } = state;
  const moved: CustomerEvent = {
    type: 'CustomerDetailsChanged',
    lifecycle: advance.to,
    lifecycleSetBy: 'automatic',
    emailsReserved,
  };
  return new Map([[id, [moved]]]);
}
