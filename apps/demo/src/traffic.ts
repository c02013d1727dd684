import { day, hour, minute, moments, monthOf, second, yearBefore, type Moment } from './calendar.ts';
import { connectionsOf, type TrafficOptions } from './connections.ts';
import type { ConnectionPlan, Delivery, Expected } from './delivery.ts';
import type { Cents } from './money.ts';
import {
  latest,
  lifeOf,
  shopProducts,
  tillProducts,
  wholesaleProducts,
  type Buyer,
  type Habits,
  type Order,
} from './orders.ts';
import { asDelivered } from './network.ts';
import { asElsewhere, changed, makeCompany, makePerson, type Company, type Person } from './people.ts';
import { Random } from './random.ts';
import { sapDeliveries } from './sap.ts';
import { shopifyCustomerId, shopifyDeliveries } from './shopify.ts';
import { tillDeliveries } from './till.ts';
import { wooDeliveries } from './woocommerce.ts';

export type Traffic = {
  connections: ConnectionPlan[];
  deliveries: Delivery[];
  expected: Expected;
  from: Moment;
  until: Moment;
  /** Orders and people as the systems that sent them hold them. */
  orders: Order[];
};

const shop: Habits = {
  products: shopProducts,
  quantities: [1, 1, 1, 1, 2, 2, 3],
  unpaidFirst: 0.2,
  edited: 0.04,
  cancelled: 0.07,
  cancelledAfterPayment: 0.5,
  refunded: 0.08,
  tip: 0.03,
  rounding: 'cent',
  shipping: true,
  refundsUndated: false,
  fulfilment: { from: 12 * hour, to: 4 * day },
};
const woo: Habits = { ...shop, cancelledAfterPayment: 0, refundsUndated: true };
const till: Habits = {
  ...shop,
  products: tillProducts,
  unpaidFirst: 0,
  edited: 0.03,
  cancelled: 0.02,
  cancelledAfterPayment: 0,
  refunded: 0.04,
  tip: 0,
  rounding: 'till',
  shipping: false,
  fulfilment: undefined,
};
const wholesale: Habits = {
  ...till,
  products: wholesaleProducts,
  quantities: [1, 1, 1, 2, 2, 3],
  edited: 0.2,
  cancelled: 0.04,
  refunded: 0,
  rounding: 'none',
  fulfilment: { from: 2 * day, to: 9 * day },
};

/** The first buyers buy most: a long tail, as every shop has one. */
const tail = (count: number): number[] => Array.from({ length: count }, (_, index) => 1 / (index + 1.5) ** 0.75);

/** Revenue as the shops' owner would count it: each order as it finally is, refunds in their own month. */
const expectedOf = (orders: readonly Order[], customers: number): Expected => {
  const months = new Map<string, Cents>();
  const add = (at: Moment, amount: Cents): void => {
    months.set(monthOf(at), (months.get(monthOf(at)) ?? 0n) + amount);
  };
  const counts = { cancelled: 0, refunds: 0 };
  for (const order of orders) {
    const { total, cancelledAt, refunds } = latest(order);
    if (cancelledAt !== undefined) {
      counts.cancelled++;
      continue;
    }
    add(order.placedAt, total);
    counts.refunds += refunds.length;
    for (const refund of refunds) add(refund.at, -refund.amount);
  }
  const revenueByMonth = new Map([...months].toSorted(([a], [b]) => a.localeCompare(b)));
  const total = [...months.values()].reduce((sum, amount) => sum + amount, 0n);
  return { customers, orders: orders.length, ...counts, revenueByMonth, total };
};

/**
 * A year of traffic. Pure: the same options give the same bytes, in the same order.
 *
 * @param options.orders over all systems
 * @param options.until RFC 3339; the year before it is what is told
 */
export const traffic = (options: TrafficOptions): Traffic => {
  const until = Math.floor(Date.parse(options.until) / second) * second;
  const from = yearBefore(until);
  const root = new Random(`throughline ${options.seed}`);
  let unique = 10;
  const known: Person[] = [];

  /** Somebody new, or (that is what duplicates are made of) somebody whom another system knows already. */
  const meet = (random: Random, elsewhere: readonly Person[], zhShare: number): Person => {
    if (elsewhere.length > 0 && random.chance(0.12)) return asElsewhere(random, random.pick(elsewhere));
    const person = makePerson(random, unique++, zhShare);
    known.push(person);
    return person;
  };
  const growing = (random: Random, buyer: Buyer, joined: Moment): Buyer => {
    const [first] = buyer.profiles;
    if (!first) return buyer;
    const profiles = [{ ...first, at: joined }];
    if (!buyer.guest && random.chance(0.14)) {
      const at = joined + random.int(1, Math.max(1, Math.floor((until - joined) / second) - 2)) * second;
      if (at < until) profiles.push({ at, person: changed(random, first.person, unique++) });
    }
    return { ...buyer, profiles };
  };

  /** Buyers and their orders: who buys when, and what becomes of it. */
  const trade = (
    name: string,
    orders: number,
    habits: Habits,
    pool: readonly Buyer[],
    guestOf?: (random: Random) => Buyer,
  ): { buyers: Buyer[]; orders: Order[] } => {
    const random = root.fork(name);
    const weights = tail(pool.length);
    const who = moments(random, orders, from, until, name === 'sap').map((at) => ({
      at,
      buyer: guestOf && random.chance(0.3) ? guestOf(random) : pool[random.weighted(weights)],
    }));
    const firstAt = new Map<string, Moment>();
    for (const { at, buyer } of who) if (buyer && !firstAt.has(buyer.key)) firstAt.set(buyer.key, at);
    const everybody = new Map(
      [...pool, ...who.map(({ buyer }) => buyer)].flatMap((buyer) => (buyer ? [[buyer.key, buyer]] : [])),
    );
    const grown = new Map<string, Buyer>();
    for (const buyer of everybody.values()) {
      const one = random.fork(`buyer ${buyer.key}`);
      const joined =
        (firstAt.get(buyer.key) ?? from + one.int(0, 360) * day) - one.int(2, 40) * minute - one.int(0, 59) * second;
      grown.set(buyer.key, growing(one, buyer, joined));
    }
    const lives = who.flatMap(({ at, buyer }, index) => {
      const person = buyer && grown.get(buyer.key);
      return person ? [lifeOf(random.fork(`order ${index}`), habits, index + 1, person, at, until)] : [];
    });
    return { buyers: [...grown.values()], orders: lives };
  };
  const pool = (count: number, key: (index: number) => string, person: (index: number) => Person): Buyer[] =>
    Array.from({ length: Math.max(1, count) }, (_, index) => ({
      key: key(index + 1),
      guest: false,
      profiles: [{ at: from, person: person(index) }],
    }));

  const counts = {
    woocommerce: Math.round(options.orders * 0.24),
    sap: Math.round(options.orders * 0.1),
    till: Math.round(options.orders * 0.22),
  };
  const shopifyOrders = Math.max(0, options.orders - counts.woocommerce - counts.sap - counts.till);

  const people = root.fork('people');
  const zhangSan: Person = {
    ...makePerson(people, unique++, 1),
    familyName: '张',
    givenName: '三',
    latin: { familyName: 'Zhang', givenName: 'San' },
    email: 'zhangsan@example.com',
  };
  // Written the traditional way: simplified characters must find her.
  const chenMeiling: Person = {
    ...makePerson(people, unique++, 1),
    familyName: '陳',
    givenName: '美玲',
    latin: { familyName: 'Chan', givenName: 'Mei Ling' },
    email: 'meiling.chan@example.com',
  };
  known.push(zhangSan, chenMeiling);
  const shopify = trade(
    'shopify',
    shopifyOrders,
    shop,
    pool(Math.round(shopifyOrders * 0.5), shopifyCustomerId, (index) =>
      index === 2 ? zhangSan : index === 5 ? chenMeiling : meet(people, [], 0.6),
    ),
  );

  const beforeWoo = [...known];
  const guests: Buyer[] = [];
  const guestOf = (random: Random): Buyer => {
    const back = random.chance(0.2) && guests.length > 0;
    if (back) return random.pick(guests);
    const person = makePerson(random, unique++, 0.7);
    const guest: Buyer = { key: `guest ${person.email}`, guest: true, profiles: [{ at: from, person }] };
    guests.push(guest);
    return guest;
  };
  const woocommerce = trade(
    'woocommerce',
    counts.woocommerce,
    woo,
    pool(Math.round(counts.woocommerce * 0.4), String, () => meet(people, beforeWoo, 0.75)),
    guestOf,
  );

  const beforeTill = [...known];
  const atTill = trade(
    'till',
    counts.till,
    till,
    pool(
      Math.round(counts.till * 0.45),
      (index) => `M${String(index).padStart(6, '0')}`,
      (index) => (index === 1 ? zhangSan : meet(people, beforeTill, 0.9)),
    ),
  );

  const companies = new Map<string, Company>();
  const sap = trade(
    'sap',
    counts.sap,
    wholesale,
    pool(
      Math.round(counts.sap * 0.45),
      (index) => String(1_000_100 + index),
      (index) => {
        const company = makeCompany(people, unique++);
        companies.set(String(1_000_101 + index), company);
        return company.contact;
      },
    ),
  );

  const orders = [...shopify.orders, ...woocommerce.orders, ...atTill.orders, ...sap.orders];
  const customers = shopify.buyers.length + woocommerce.buyers.length + atTill.buyers.length + sap.buyers.length;
  const sent = [
    ...shopifyDeliveries(root.fork('shopify sends'), shopify.buyers, shopify.orders),
    ...wooDeliveries(root.fork('woocommerce sends'), woocommerce.buyers, woocommerce.orders),
    ...tillDeliveries(root.fork('till sends'), atTill.buyers, atTill.orders),
    ...sapDeliveries(root.fork('sap sends'), sap.buyers, companies, sap.orders),
  ];
  return {
    connections: connectionsOf(options),
    deliveries: asDelivered(root.fork('network'), sent),
    expected: expectedOf(orders, customers),
    from,
    until,
    orders,
  };
};
