import { day, hour, minute, monthEnd, second, type Moment } from './calendar.ts';
import { sum, type Cents } from './money.ts';
import { type Person } from './people.ts';
import type { Random } from './random.ts';

export type Product = { sku: string; zh: string; en: string; price: Cents };

const product = (line: string): Product => {
  const [sku = '', zh = '', en = '', price = ''] = line.split('|');
  return { sku, zh, en, price: BigInt(price) };
};
export const shopProducts = [
  'TEA-LJ-100|西湖龙井 100克|Dragon Well green tea 100 g|16800',
  'TEA-TGY-250|安溪铁观音 250克|Tieguanyin oolong 250 g|12900',
  'TEA-PE-357|陈年普洱饼 357克|Aged pu-erh cake 357 g|36800',
  'COF-YN-250|云南小粒咖啡豆 250克|Yunnan coffee beans 250 g|7900',
  'COF-DRIP-10|挂耳咖啡 10包|Drip coffee bags, 10|4950',
  'POT-ZS-01|宜兴紫砂壶|Yixing clay teapot|52800',
  'CUP-CL-02|青瓷品茗杯 2只|Celadon tasting cups, pair|9900',
  'KET-SS-12|手冲壶 1.2升|Pour-over kettle 1.2 l|25900',
  'GFT-BOX-A|中秋礼盒 “团圆” & 月饼|Mid-Autumn gift box "Reunion" & mooncakes|29800',
  'SCOOP-B|竹茶则|Bamboo tea scoop|1990',
].map(product);
export const tillProducts = [
  'LATTE-M|拿铁 中杯|Latte, medium|2800',
  'AMER-L|美式 大杯|Americano, large|2500',
  'OOL-MILK|乌龙奶茶|Oolong milk tea|1900',
  'CAKE-CH|栗子蛋糕|Chestnut cake|3650',
  'BUN-RB|红豆面包|Red bean bun|1280',
  'BEAN-250|店内烘焙咖啡豆 250克|House roast 250 g|8800',
].map(product);
export const wholesaleProducts = [
  'W-TEA-LJ-1K|西湖龙井 1公斤|Dragon Well 1 kg|98000',
  'W-COF-YN-5K|云南咖啡豆 5公斤|Yunnan beans 5 kg|69000',
  'W-CUP-24|品茗杯 24只|Tasting cups, 24|57600',
  'W-KET-06|手冲壶 6把|Kettles, 6|119880',
].map(product);

export type Profile = { at: Moment; person: Person };

export type Buyer = {
  key: string;
  /** A guest has no account: only the e-mail address tells who it is. */
  guest: boolean;
  /** Oldest first. */
  profiles: Profile[];
};

export const profileAt = (buyer: Buyer, at: Moment): Profile => {
  const found = buyer.profiles.findLast((profile) => profile.at <= at) ?? buyer.profiles[0];
  if (!found) throw new Error(`No profile: ${buyer.key}`);
  return found;
};

export type Line = { number: number; product: Product; quantity: number; discount: Cents };
export const lineTotal = ({ product: { price }, quantity, discount }: Line): Cents =>
  price * BigInt(quantity) - discount;

export type Refund = { number: number; at: Moment; amount: Cents; reason: string };

/** What an order is from `at` on. */
export type Version = {
  at: Moment;
  cause: 'placed' | 'paid' | 'edited' | 'fulfilled' | 'cancelled' | 'refunded';
  lines: Line[];
  shipping: Cents;
  tip: Cents;
  /** What the total says beyond its parts, or leaves out. */
  rounding: Cents;
  total: Cents;
  paid: boolean;
  fulfilled: boolean;
  cancelledAt?: Moment;
  refunds: Refund[];
  note: string;
};

export type Order = { index: number; buyer: Buyer; placedAt: Moment; versions: Version[] };

export const latest = (order: Order): Version => {
  const version = order.versions.at(-1);
  if (!version) throw new Error(`An order without versions: ${order.index}`);
  return version;
};

export type Habits = {
  products: readonly Product[];
  quantities: readonly number[];
  /** Chances. */
  unpaidFirst: number;
  edited: number;
  cancelled: number;
  cancelledAfterPayment: number;
  refunded: number;
  tip: number;
  rounding: 'till' | 'cent' | 'none';
  shipping: boolean;
  /** The source's words on a refund carry no date of their own, only that of the version: no version after it may be of another month. */
  refundsUndated: boolean;
  fulfilment: { from: number; to: number } | undefined;
};

const notes = [
  '请尽快发货',
  '放门口就好',
  'Please leave with the neighbour',
  '生日礼物，请附贺卡🎂',
  'Gift: no invoice in the box',
];
const reasons = ['尺寸不合适', '包装破损', 'Arrived broken', '多拍了一件', 'Changed my mind'];

const someLines = (random: Random, { products, quantities }: Habits): Line[] => {
  const count = random.weighted([0, 55, 27, 12, 6]);
  return random
    .shuffled(products)
    .slice(0, count)
    .map((item, index) => {
      const quantity = random.pick(quantities);
      const discount = random.chance(0.12)
        ? (item.price * BigInt(quantity) * BigInt(random.pick([5, 10, 15]))) / 100n
        : 0n;
      return { number: index + 1, product: item, quantity, discount };
    });
};

const withTotal = (version: Omit<Version, 'total' | 'rounding'>, random: Random, { rounding }: Habits): Version => {
  const parts = sum(version.lines.map(lineTotal)) + version.shipping + version.tip;
  const odd =
    rounding === 'till' ? -(parts % 10n) : rounding === 'cent' && random.chance(0.04) ? random.pick([-1n, 1n]) : 0n;
  return { ...version, rounding: odd, total: parts + odd };
};

/** The life of an order: versions oldest first, each a second or more after the one before, none at or after `until`. */
export const lifeOf = (
  random: Random,
  habits: Habits,
  index: number,
  buyer: Buyer,
  placedAt: Moment,
  until: Moment,
): Order => {
  const lines = someLines(random, habits);
  const goods = sum(lines.map(lineTotal));
  const ending = !random.chance(habits.cancelled)
    ? 'sold'
    : random.chance(habits.cancelledAfterPayment)
      ? 'given back'
      : 'void';
  const unpaid = ending === 'void' || random.chance(habits.unpaidFirst);
  const versions: Version[] = [
    withTotal(
      {
        at: placedAt,
        cause: 'placed',
        lines,
        shipping:
          habits.shipping && goods < 19900n
            ? profileAt(buyer, placedAt).person.language === 'zh'
              ? 1200n
              : 9800n
            : 0n,
        tip: random.chance(habits.tip) ? BigInt(random.int(3, 20)) * 100n : 0n,
        paid: !unpaid,
        fulfilled: false,
        refunds: [],
        note: random.chance(0.06) ? random.pick(notes) : '',
      },
      random,
      habits,
    ),
  ];
  const order: Order = { index, buyer, placedAt, versions };
  const next = (after: Moment, cause: Version['cause'], change: (now: Version) => Version): boolean => {
    const now = latest(order);
    const at = now.at + after;
    if (at >= until) return false;
    versions.push({ ...change({ ...now, at }), cause });
    return true;
  };
  const seconds = (from: number, to: number): number => random.int(from / second, to / second) * second;

  if (ending === 'void') {
    next(seconds(10 * minute, day), 'cancelled', (now) => ({ ...now, cancelledAt: now.at }));
    return order;
  }
  if (unpaid) next(seconds(30 * second, 20 * hour), 'paid', (now) => ({ ...now, paid: true }));
  if (ending === 'given back') {
    // In the month of the order, so that every sound way to count a cancelled order gives the same month.
    const { at, total, paid } = latest(order);
    const after = seconds(10 * minute, 2 * day);
    if (!paid || at + after >= monthEnd(placedAt)) return order;
    const refund = { number: 1, at: at + after, amount: total, reason: random.pick(reasons) };
    next(after, 'cancelled', (now) => ({ ...now, refunds: [refund], cancelledAt: now.at }));
    return order;
  }
  if (random.chance(habits.edited)) {
    const again = someLines(random, habits);
    next(seconds(5 * minute, 5 * hour), 'edited', (now) => withTotal({ ...now, lines: again }, random, habits));
  }
  if (habits.fulfilment && latest(order).paid)
    next(seconds(habits.fulfilment.from, habits.fulfilment.to), 'fulfilled', (now) => ({ ...now, fulfilled: true }));
  if (latest(order).paid && random.chance(habits.refunded)) {
    let left = latest(order).total;
    const times = random.chance(0.15) ? 2 : 1;
    for (let number = 1; number <= times && left > 0n; number++) {
      const amount = random.chance(0.35) ? left : 1n + (left * BigInt(random.int(100, 900))) / 1000n;
      const after = seconds(hour, 24 * day);
      const before = latest(order);
      if (habits.refundsUndated && before.refunds.length > 0 && before.at + after >= monthEnd(before.at)) break;
      const refund = { number, at: before.at + after, amount, reason: random.pick(reasons) };
      if (!next(after, 'refunded', (now) => ({ ...now, refunds: [...now.refunds, refund] }))) break;
      left -= amount;
    }
  }
  return order;
};
