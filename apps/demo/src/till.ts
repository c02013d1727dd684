import { dateOf, day, local, second, type Moment } from './calendar.ts';
import { json, type Delivery } from './delivery.ts';
import { sum, type Cents } from './money.ts';
import { lineTotal, profileAt, type Buyer, type Order, type Profile, type Version } from './orders.ts';
import { fullName, typed } from './people.ts';
import type { Random } from './random.ts';

const stores = ['上海静安店', '上海徐汇店', '北京三里屯店', 'Hangzhou West Lake'];

const clock = (pointer: string) => ({ pointer, format: 'date-time', timeZone: 'Asia/Shanghai' });
const fen = (pointer: string) => ({ pointer, format: 'cents' });
const person = { name: '/name', phone: '/mobile', email: '/email' };
const receiptFields = {
  externalId: '/no',
  number: '/no',
  status: { pointer: '/state', map: { CLOSED: 'completed', VOID: 'cancelled' } },
  updatedAt: clock('/changedAt'),
  placedAt: clock('/openedAt'),
  cancelledAt: clock('/voidedAt'),
  customer: { pointer: '/member', fields: { externalId: '/no', ...person } },
  currency: { const: 'CNY' },
  lines: {
    each: '/items',
    fields: {
      lineId: '/n',
      sku: '/sku',
      title: '/name',
      quantity: '/qty',
      unitPrice: fen('/price'),
      discount: fen('/off'),
      total: fen('/sum'),
    },
  },
  taxIncluded: { const: true },
  subtotal: fen('/goods'),
  total: fen('/due'),
  paid: fen('/paid'),
  note: '/memo',
  refunds: { each: '/refunds', fields: { refundId: '/no', amount: fen('/amount'), at: clock('/at') } },
};

/** How the CRM is to read the till's own JSON, which is nobody's standard: fen, and clocks without a zone. */
export const tillMapping = [
  {
    object: 'customer',
    when: { '/type': ['member.joined', 'member.changed'] },
    fields: {
      externalId: '/member/no',
      updatedAt: clock('/member/changedAt'),
      name: '/member/name',
      phone: '/member/mobile',
      email: '/member/email',
      tags: '/member/tags',
      source: { const: 'store' },
    },
  },
  { object: 'order', when: { '/type': 'receipt' }, each: '/receipt', fields: receiptFields },
  // What a store that was offline sends at closing time.
  { object: 'order', when: { '/type': 'receipts' }, each: '/receipts', fields: receiptFields },
];

const wall = (at: Moment): string => local(at).slice(0, 19).replace('T', ' ');
const inFen = (amount: Cents): number => Number(amount);

const member = (random: Random, buyer: Buyer, profile: Profile) => ({
  no: buyer.key,
  name: fullName(profile.person),
  mobile: typed(random.fork(`mobile ${buyer.key} ${profile.at}`), profile.person.phone),
  email: profile.person.email,
});

const storeOf = (random: Random, order: Order): number => random.fork(`store ${order.index}`).int(0, stores.length - 1);

const receipt = (random: Random, order: Order, version: Version) => {
  const profile = profileAt(order.buyer, version.at);
  const store = storeOf(random, order);
  const number = `${store + 1}-${String(order.index).padStart(6, '0')}`;
  return {
    no: number,
    store: stores[store],
    state: version.cancelledAt ? 'VOID' : 'CLOSED',
    openedAt: wall(order.placedAt),
    changedAt: wall(version.at),
    voidedAt: version.cancelledAt ? wall(version.cancelledAt) : null,
    member: member(random, order.buyer, profile),
    items: version.lines.map((line) => ({
      n: line.number,
      sku: line.product.sku,
      name: line.product[profile.person.language],
      qty: line.quantity,
      price: inFen(line.product.price),
      off: inFen(line.discount),
      sum: inFen(lineTotal(line)),
    })),
    goods: inFen(sum(version.lines.map(lineTotal))),
    // 抹零: what is less than a jiao is let go.
    rounding: inFen(version.rounding),
    due: inFen(version.total),
    paid: version.cancelledAt ? 0 : inFen(version.total),
    refunds: version.refunds.map((refund) => ({
      no: `${number}-${refund.number}`,
      amount: inFen(refund.amount),
      at: wall(refund.at),
      reason: refund.reason,
    })),
    memo: version.note,
  };
};

export const tillDeliveries = (random: Random, buyers: readonly Buyer[], orders: readonly Order[]): Delivery[] => {
  const deliveries: Delivery[] = [];
  const send = (at: Moment, body: object): void => {
    deliveries.push({
      connection: 'till',
      at,
      body: json(body),
      headers: {
        'content-type': 'application/json; charset=utf-8',
        'webhook-id': `msg_${random.fork(`message ${deliveries.length}`).hex(24)}`,
      },
    });
  };
  for (const buyer of buyers) {
    for (const [index, profile] of buyer.profiles.entries()) {
      const tags = profile.person.language === 'zh' ? ['门店会员'] : ['store member'];
      const body = { ...member(random, buyer, profile), tags, changedAt: wall(profile.at) };
      send(profile.at + second, { type: index === 0 ? 'member.joined' : 'member.changed', member: body });
    }
  }
  const offline = new Map<string, { at: Moment; receipts: object[] }>();
  for (const order of orders) {
    for (const version of order.versions) {
      const name = `${storeOf(random, order)} ${dateOf(version.at)}`;
      const body = receipt(random, order, version);
      if (!random.fork(`offline ${name}`).chance(0.15)) send(version.at + second, { type: 'receipt', receipt: body });
      else {
        const held = offline.get(name) ?? { at: closing(version.at), receipts: [] };
        offline.set(name, { ...held, receipts: [...held.receipts, body] });
      }
    }
  }
  for (const { at, receipts } of offline.values()) send(at, { type: 'receipts', receipts });
  return deliveries;
};

/** The end of the day in Shanghai. */
const closing = (at: Moment): Moment => Date.parse(`${dateOf(at)}T00:00:00+08:00`) + day - second;
