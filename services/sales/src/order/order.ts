import { isDeepStrictEqual } from 'node:util';
import {
  known,
  refundsByTime,
  shownOrder,
  type OrderEvent,
  type OrderRefund,
  type SnapshotStamp,
} from '@throughline/contracts';
import { conflict, invalid, notFound, type Decider, type FieldError } from '@throughline/event-sourcing';
import { fits, isPositive, sameAmount, sum } from '../money/amounts.ts';
import { tidyOrder, type OrderFacts, type OrderInput } from './order-facts.ts';
import { frozenRate, type FrozenRate, type RateRules } from './order-rate.ts';

export type OrderCommand =
  | { type: 'RecordSeenOrder'; stamp: SnapshotStamp; facts: OrderFacts }
  | ({ type: 'RecordSeenRefund' } & OrderRefund)
  | { type: 'PlaceOrder'; number: string; order: OrderInput }
  | { type: 'CancelOrder' }
  | { type: 'RecordPayment'; amount: string; currency?: string }
  | { type: 'RecordRefund'; refundId: string; amount: string; currency?: string; at?: string };

export type Order = {
  /** Undefined while nothing but refunds is known. */
  facts?: OrderFacts;
  /** What the source said last, and when: its next word counts where it is newer and different. */
  said?: OrderFacts;
  stamp?: SnapshotStamp;
  frozen?: FrozenRate;
  /** By time, then id: the same in whatever order they came. */
  refunds: readonly OrderRefund[];
  /** A number given here is never given out again; shops number their orders as they like, several alike. */
  ownNumber?: string;
};

export const order: Decider<Order, OrderCommand, OrderEvent, RateRules> = {
  category: 'order',
  initial: { refunds: [] },

  decide(state, command, { now, rules }) {
    if (command.type === 'RecordSeenOrder') return recordSeen(state, command, rules);
    if (command.type === 'RecordSeenRefund') {
      const { refundId, amount, at, currency } = command;
      const before = state.refunds.find((refund) => refund.refundId === refundId);
      // A source without a date of its own dates a refund by its order's version: the earliest is nearest to the truth.
      if (before && !isEarlier(command, before)) return [];
      return [{ type: 'OrderRefunded', refundId, amount, at, ...(currency !== undefined && { currency }) }];
    }
    if (command.type === 'PlaceOrder') {
      if (state.facts) throw conflict('order-exists');
      const facts = tidyOrder(command.order, command.number, now);
      return [{ type: 'OrderPlaced', ...facts, ...frozenRate(facts.currency, facts.placedAt, rules) }];
    }
    const { facts } = state;
    if (!facts) throw notFound('order-not-found');

    switch (command.type) {
      case 'CancelOrder':
        return facts.status === 'cancelled' ? [] : [{ type: 'OrderCancelled', cancelledAt: now }];
      case 'RecordPayment': {
        if (facts.status === 'cancelled') throw conflict('order-cancelled');
        checkAmount(command, facts);
        const paid = sum([facts.paid, command.amount]);
        if (!fits(paid)) throw invalid('invalid-order', [{ path: 'amount', code: 'out-of-range' }]);
        return [{ type: 'OrderPaid', paid, currency: facts.currency }];
      }
      case 'RecordRefund': {
        checkAmount(command, facts);
        const { refundId, amount, at } = command;
        const before = state.refunds.find((refund) => refund.refundId === refundId);
        if (before && !sameAmount(before.amount, amount)) throw conflict('refund-exists');
        if (before) return [];
        const { currency } = facts;
        return [{ type: 'OrderRefunded', refundId, amount, at: at ? new Date(at).toISOString() : now, currency }];
      }
    }
  },

  evolve(state, event) {
    switch (event.type) {
      case 'OrderPlaced': {
        const { baseCurrency, rate } = event;
        const next = { ...withFacts(state, event), frozen: { baseCurrency, rate } };
        return event.stamp ? next : { ...next, ownNumber: event.number };
      }
      case 'OrderChanged': {
        const { baseCurrency, rate } = event;
        const next = withFacts(state, event);
        return baseCurrency !== undefined && rate !== undefined ? { ...next, frozen: { baseCurrency, rate } } : next;
      }
      case 'OrderConfirmed':
        return { ...state, stamp: event.stamp };
      case 'OrderPaid':
        return state.facts ? { ...state, facts: { ...state.facts, paid: event.paid } } : state;
      case 'OrderCancelled': {
        // After an OrderChanged that says so, this only says it aloud.
        if (!state.facts || state.facts.status === 'cancelled') return state;
        return { ...state, facts: { ...state.facts, status: 'cancelled', cancelledAt: event.cancelledAt } };
      }
      case 'OrderRefunded': {
        const { refundId, amount, at, currency } = event;
        const refund = { refundId, amount, at, ...(currency !== undefined && { currency }) };
        const others = state.refunds.filter((other) => other.refundId !== refundId);
        return { ...state, refunds: [...others, refund].sort(refundsByTime) };
      }
    }
  },

  claims: ({ ownNumber }) => (ownNumber === undefined ? [] : [`order-number:${ownNumber}`]),

  fields: (state) => shown(state),
};

/**
 * A source's word about its order, as a whole. It counts where its stamp is newer than the one before, so any order of
 * arrival ends the same; where the source only repeats itself, what people recorded since then stands.
 */
function recordSeen(
  state: Order,
  { stamp, facts }: Extract<OrderCommand, { type: 'RecordSeenOrder' }>,
  rules: RateRules,
): OrderEvent[] {
  const before = state.facts;
  if (!before) {
    return [{ type: 'OrderPlaced', ...facts, stamp, ...frozenRate(facts.currency, facts.placedAt, rules) }];
  }
  if (!isNewer(stamp, state.stamp)) return [];
  if (isDeepStrictEqual(facts, state.said)) return [{ type: 'OrderConfirmed', stamp }];
  const thaws = facts.currency !== before.currency || facts.placedAt !== before.placedAt;
  const events: OrderEvent[] = [
    {
      type: 'OrderChanged',
      ...facts,
      stamp,
      ...(thaws && frozenRate(facts.currency, facts.placedAt, rules)),
    },
  ];
  if (facts.currency !== before.currency || !sameAmount(facts.paid, before.paid)) {
    events.push({ type: 'OrderPaid', paid: facts.paid, currency: facts.currency });
  }
  if (facts.status === 'cancelled' && before.status !== 'cancelled') {
    events.push({ type: 'OrderCancelled', cancelledAt: facts.cancelledAt ?? stamp.at });
  }
  return events;
}

function isNewer(stamp: SnapshotStamp, before: SnapshotStamp | undefined): boolean {
  if (!before) return true;
  return stamp.at === before.at ? stamp.hash > before.hash : stamp.at > before.at;
}

function withFacts(
  state: Order,
  event: Extract<OrderEvent, { type: 'OrderPlaced' | 'OrderChanged' }>,
): Order & { facts: OrderFacts } {
  const { type: _type, stamp, baseCurrency: _base, rate: _rate, note: given, ...rest } = event;
  const note = known(given);
  const facts: OrderFacts = { ...rest, ...(note !== undefined && { note }) };
  return { ...state, facts, ...(stamp && { stamp, said: facts }) };
}

/** @throws Refusal `invalid-order` that names every failing field of a payment or refund */
function checkAmount({ amount, currency }: { amount: string; currency?: string }, facts: OrderFacts): void {
  const errors: FieldError[] = [];
  if (!isPositive(amount)) errors.push({ path: 'amount', code: 'out-of-range' });
  if (currency !== undefined && currency !== facts.currency) errors.push({ path: 'currency', code: 'other-currency' });
  if (errors.length > 0) throw invalid('invalid-order', errors);
}

/** Then by what it says, so that it does not hang on which came first. */
function isEarlier(a: Omit<OrderRefund, 'refundId'>, b: OrderRefund): boolean {
  const [x, y] = [a, b].map(({ at, amount, currency = '' }) => `${at} ${amount} ${currency}`) as [string, string];
  return x < y;
}

/** The order as the API answers it; nothing while only refunds are known. */
const shown = ({ facts, frozen, refunds }: Order): Readonly<Record<string, unknown>> =>
  facts ? { ...shownOrder(facts, refunds), ...frozen } : {};
