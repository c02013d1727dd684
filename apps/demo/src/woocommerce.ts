import { gmt, hour, second, type Moment } from './calendar.ts';
import { json, type Delivery } from './delivery.ts';
import { decimal, share, sum, taxWithin } from './money.ts';
import { lineTotal, profileAt, shopProducts, type Buyer, type Order, type Profile, type Version } from './orders.ts';
import { typed } from './people.ts';
import type { Random } from './random.ts';

const shop = 'https://shop.yunshan.example/';
/** WooCommerce counts everything from one: orders, refunds and lines have distinct ranges here. */
const orderId = (order: Order): number => 20_000 + order.index * 8;

const moment = (name: string, at: Moment | undefined) => ({
  [`date_${name}`]: at === undefined ? null : gmt(at + 8 * hour),
  [`date_${name}_gmt`]: at === undefined ? null : gmt(at),
});

const postal = ({ person }: Profile) => ({
  first_name: person.givenName,
  last_name: person.familyName,
  company: '',
  address_1: person.place.street,
  address_2: person.place.district,
  city: person.place.city,
  state: person.place.countryCode === 'CN' ? person.place.province : person.place.provinceCode,
  postcode: person.place.postcode,
  country: person.place.countryCode,
});
const billing = (random: Random, profile: Profile) => ({
  ...postal(profile),
  email: profile.person.email,
  phone: typed(random, profile.person.phone),
});

const customerBody = (random: Random, buyer: Buyer, profile: Profile) => ({
  id: Number(buyer.key),
  ...moment('created', buyer.profiles[0]?.at),
  ...moment('modified', profile.at),
  email: profile.person.email,
  first_name: profile.person.givenName,
  last_name: profile.person.familyName,
  role: 'customer',
  username: (buyer.profiles[0] ?? profile).person.email.split('@')[0],
  billing: billing(random, profile),
  shipping: postal(profile),
  is_paying_customer: true,
  avatar_url: '',
  meta_data: [],
});

const statusOf = (version: Version): string => {
  if (version.cancelledAt) return 'cancelled';
  if (version.refunds.length > 0 && sum(version.refunds.map((refund) => refund.amount)) === version.total)
    return 'refunded';
  return version.fulfilled ? 'completed' : version.paid ? 'processing' : 'pending';
};

const orderBody = (random: Random, order: Order, version: Version) => {
  const profile = profileAt(order.buyer, version.at);
  const { language } = profile.person;
  const lines = version.lines.map((line) => {
    const full = lineTotal({ ...line, discount: 0n });
    const paid = lineTotal(line);
    const [fullTax, tax] = [taxWithin(full), taxWithin(paid)];
    return {
      id: orderId(order) * 10 + line.number,
      name: line.product[language],
      product_id: 100 + shopProducts.indexOf(line.product),
      variation_id: 0,
      quantity: line.quantity,
      tax_class: '',
      subtotal: decimal(full - fullTax),
      subtotal_tax: decimal(fullTax),
      total: decimal(paid - tax),
      total_tax: decimal(tax),
      taxes: [{ id: 1, total: decimal(tax), subtotal: decimal(fullTax) }],
      meta_data: [],
      sku: line.product.sku,
      price: Number(decimal(share(paid - tax, 1n, BigInt(line.quantity)))),
    };
  });
  const tax = sum(version.lines.map((line) => taxWithin(lineTotal(line))));
  const discount = sum(version.lines.map((line) => line.discount));
  const discountTax = sum(
    version.lines.map((line) => taxWithin(lineTotal({ ...line, discount: 0n })) - taxWithin(lineTotal(line))),
  );
  const paidAt = version.paid ? order.versions.find((one) => one.paid)?.at : undefined;
  const completedAt = version.fulfilled ? order.versions.find((one) => one.fulfilled)?.at : undefined;
  return {
    id: orderId(order),
    parent_id: 0,
    number: String(orderId(order)),
    order_key: `wc_order_${random.fork(`key ${order.index}`).hex(13)}`,
    created_via: 'checkout',
    version: '10.3.5',
    status: statusOf(version),
    currency: 'CNY',
    ...moment('created', order.placedAt),
    ...moment('modified', version.at),
    discount_total: decimal(discount - discountTax),
    discount_tax: decimal(discountTax),
    shipping_total: decimal(version.shipping),
    shipping_tax: '0.00',
    cart_tax: decimal(tax),
    total: decimal(version.total),
    total_tax: decimal(tax),
    prices_include_tax: true,
    customer_id: order.buyer.guest ? 0 : Number(order.buyer.key),
    customer_ip_address: '',
    customer_user_agent: '',
    customer_note: version.note,
    // The same address, typed anew.
    billing: billing(
      random.fork(`billing ${order.index}`),
      withTypedEmail(random.fork(`email ${order.index}`), order.buyer, profile),
    ),
    shipping: postal(profile),
    payment_method: 'wechat_pay',
    payment_method_title: '微信支付',
    transaction_id: version.paid ? random.fork(`transaction ${order.index}`).digits(28) : '',
    ...moment('paid', paidAt),
    ...moment('completed', completedAt),
    cart_hash: '',
    meta_data: [],
    line_items: lines,
    tax_lines: [
      {
        id: orderId(order) * 10,
        rate_code: 'CN-增值税-1',
        rate_id: 1,
        label: '增值税',
        compound: false,
        tax_total: decimal(tax),
        shipping_tax_total: '0.00',
      },
    ],
    shipping_lines: [
      {
        id: orderId(order) * 10 + 8,
        method_title: language === 'zh' ? '快递' : 'Flat rate',
        method_id: 'flat_rate',
        total: decimal(version.shipping),
        total_tax: '0.00',
        taxes: [],
      },
    ],
    fee_lines: version.tip
      ? [{ id: orderId(order) * 10 + 9, name: '打赏', total: decimal(version.tip), total_tax: '0.00', taxes: [] }]
      : [],
    coupon_lines: discount
      ? [{ id: orderId(order) * 10 + 7, code: 'welcome', discount: decimal(discount - discountTax) }]
      : [],
    refunds: version.refunds.map((refund) => ({
      id: orderId(order) + refund.number,
      reason: refund.reason,
      total: decimal(-refund.amount),
    })),
  };
};

/** Guests type their address again with each order: capitals differ, the person does not. */
const withTypedEmail = (random: Random, buyer: Buyer, profile: Profile): Profile => {
  const { email } = profile.person;
  const written = buyer.guest && random.chance(0.2) ? email.charAt(0).toUpperCase() + email.slice(1) : email;
  return { ...profile, person: { ...profile.person, email: written } };
};

/** PHP's JSON: every slash and everything beyond ASCII is escaped. */
const phpJson = (value: unknown): string =>
  json(value)
    .replaceAll('/', '\\/')
    .replace(/[^\0-\x7f]/g, (unit) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, '0')}`);

export const wooDeliveries = (random: Random, buyers: readonly Buyer[], orders: readonly Order[]): Delivery[] => {
  const deliveries: Delivery[] = [];
  const send = (topic: string, at: Moment, body: unknown): void => {
    const [resource = '', event = ''] = topic.split('.');
    deliveries.push({
      connection: 'woocommerce',
      at,
      body: phpJson(body),
      headers: {
        'content-type': 'application/json',
        'user-agent': 'WooCommerce/10.3.5 Hookshot (WordPress/6.8)',
        'x-wc-webhook-source': shop,
        'x-wc-webhook-topic': topic,
        'x-wc-webhook-resource': resource,
        'x-wc-webhook-event': event,
        'x-wc-webhook-id': resource === 'order' ? '2' : '1',
        'x-wc-webhook-delivery-id': random.fork(`${topic} ${deliveries.length}`).hex(32),
      },
    });
  };
  for (const buyer of buyers) {
    if (buyer.guest) continue;
    for (const [index, profile] of buyer.profiles.entries()) {
      const body = customerBody(random.fork(`customer ${buyer.key}`), buyer, profile);
      send(index === 0 ? 'customer.created' : 'customer.updated', profile.at + second, body);
    }
  }
  for (const order of orders) {
    for (const version of order.versions) {
      const topic = version.cause === 'placed' ? 'order.created' : 'order.updated';
      send(topic, version.at + 2 * second, orderBody(random, order, version));
    }
  }
  return deliveries;
};
