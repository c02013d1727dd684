import { local, second, type Moment } from './calendar.ts';
import { json, type Delivery } from './delivery.ts';
import { decimal, sum, taxWithin } from './money.ts';
import {
  lineTotal,
  profileAt,
  shopProducts,
  type Buyer,
  type Line,
  type Order,
  type Profile,
  type Refund,
  type Version,
} from './orders.ts';
import { fullName, typed } from './people.ts';
import type { Random } from './random.ts';

const shop = 'beixi-tea.myshopify.com';
/** The first number that a double cannot hold, and room for each sort of id: neighbours differ only in the last digit. */
const base = 9_007_199_254_740_993n;
const block = 1_000_000_000n;
const sorts = [
  'customer',
  'address',
  'order',
  'line',
  'refund',
  'refundLine',
  'transaction',
  'product',
  'variant',
] as const;
const id = (sort: (typeof sorts)[number], number: number): bigint =>
  base + BigInt(sorts.indexOf(sort)) * block + BigInt(number);

export const shopifyCustomerId = (index: number): string => id('customer', index).toString();

const addressOf = ({ person }: Profile, buyer: Buyer) => ({
  id: id('address', Number(BigInt(buyer.key) - id('customer', 0))),
  customer_id: BigInt(buyer.key),
  ...postal({ person } as Profile),
  default: true,
});
const postal = ({ person }: Pick<Profile, 'person'>) => ({
  first_name: person.givenName,
  last_name: person.familyName,
  company: null,
  address1: person.place.street,
  address2: person.place.district || null,
  city: person.place.city,
  province: person.place.province,
  country: person.place.country,
  zip: person.place.postcode,
  phone: person.phone,
  name: fullName(person),
  province_code: person.place.provinceCode,
  country_code: person.place.countryCode,
  country_name: person.place.country,
});

const customerBody = (buyer: Buyer, profile: Profile) => ({
  id: BigInt(buyer.key),
  created_at: local(buyer.profiles[0]?.at ?? profile.at),
  updated_at: local(profile.at),
  first_name: profile.person.givenName,
  last_name: profile.person.familyName,
  state: 'enabled',
  note: null,
  verified_email: true,
  multipass_identifier: null,
  tax_exempt: false,
  email: profile.person.email,
  phone: profile.person.phone,
  currency: 'CNY',
  tags: profile.person.language === 'zh' ? '会员' : 'member, newsletter',
  addresses: [addressOf(profile, buyer)],
  default_address: addressOf(profile, buyer),
});

const money = (amount: string) => ({
  shop_money: { amount, currency_code: 'CNY' },
  presentment_money: { amount, currency_code: 'CNY' },
});

const lineBody = (order: Order, line: Line, language: 'zh' | 'en') => {
  const productNumber = shopProducts.indexOf(line.product);
  const tax = decimal(taxWithin(lineTotal(line)));
  return {
    id: id('line', order.index * 10 + line.number),
    product_id: id('product', productNumber),
    variant_id: id('variant', productNumber),
    sku: line.product.sku,
    title: line.product[language],
    name: line.product[language],
    vendor: '北溪茶咖',
    quantity: line.quantity,
    current_quantity: line.quantity,
    price: decimal(line.product.price),
    price_set: money(decimal(line.product.price)),
    total_discount: '0.00',
    discount_allocations: line.discount
      ? [{ amount: decimal(line.discount), amount_set: money(decimal(line.discount)), discount_application_index: 0 }]
      : [],
    taxable: true,
    tax_lines: [{ title: 'VAT', rate: 0.13, price: tax, price_set: money(tax) }],
    gift_card: false,
    requires_shipping: true,
    properties: [],
  };
};

const refundBody = (random: Random, order: Order, refund: Refund) => {
  const number = order.index * 10 + refund.number;
  const transaction = (offset: number, status: string) => ({
    id: id('transaction', number * 2 + offset),
    order_id: id('order', order.index),
    kind: 'refund',
    gateway: 'alipay',
    status,
    amount: decimal(refund.amount),
    currency: 'CNY',
    created_at: local(refund.at),
    processed_at: local(refund.at),
    parent_id: null,
  });
  return {
    id: id('refund', number),
    order_id: id('order', order.index),
    created_at: local(refund.at),
    processed_at: local(refund.at),
    note: refund.reason,
    restock: true,
    user_id: null,
    refund_line_items: [],
    // Now and then the bank says no first: money goes back only once.
    transactions: [...(random.chance(0.1) ? [transaction(0, 'failure')] : []), transaction(1, 'success')],
    order_adjustments: [],
  };
};

const orderBody = (random: Random, order: Order, version: Version) => {
  const profile = profileAt(order.buyer, version.at);
  const { person } = profile;
  const discounts = sum(version.lines.map((line) => line.discount));
  const subtotal = sum(version.lines.map(lineTotal));
  const tax = taxWithin(subtotal);
  const refunded = sum(version.refunds.map((refund) => refund.amount));
  const total = decimal(version.total);
  const language = person.language;
  return {
    id: id('order', order.index),
    admin_graphql_api_id: `gid://shopify/Order/${id('order', order.index)}`,
    name: `#${1000 + order.index}`,
    number: order.index,
    order_number: 1000 + order.index,
    created_at: local(order.placedAt),
    processed_at: local(order.placedAt),
    updated_at: local(version.at),
    cancelled_at: version.cancelledAt ? local(version.cancelledAt) : null,
    cancel_reason: version.cancelledAt ? 'customer' : null,
    closed_at: null,
    test: false,
    currency: 'CNY',
    presentment_currency: 'CNY',
    email: person.email,
    contact_email: person.email,
    phone: null,
    customer_locale: language === 'zh' ? 'zh-CN' : 'en',
    source_name: 'web',
    financial_status: !version.paid
      ? version.cancelledAt
        ? 'voided'
        : 'pending'
      : refunded === 0n
        ? 'paid'
        : refunded === version.total
          ? 'refunded'
          : 'partially_refunded',
    fulfillment_status: version.fulfilled ? 'fulfilled' : null,
    taxes_included: true,
    total_line_items_price: decimal(subtotal + discounts),
    total_discounts: decimal(discounts),
    subtotal_price: decimal(subtotal),
    total_shipping_price_set: money(decimal(version.shipping)),
    total_tax: decimal(tax),
    total_tip_received: decimal(version.tip),
    total_price: total,
    total_price_set: money(total),
    current_total_price: decimal(version.total - refunded),
    total_outstanding: version.paid || version.cancelledAt ? '0.00' : total,
    discount_codes: discounts ? [{ code: 'WELCOME', amount: decimal(discounts), type: 'percentage' }] : [],
    discount_applications: discounts
      ? [{ type: 'discount_code', code: 'WELCOME', value: '10.0', value_type: 'percentage', target_type: 'line_item' }]
      : [],
    tax_lines: [{ title: 'VAT', rate: 0.13, price: decimal(tax), price_set: money(decimal(tax)) }],
    note: version.note || null,
    note_attributes: [],
    tags: '',
    line_items: version.lines.map((line) => lineBody(order, line, language)),
    shipping_lines: [
      {
        id: id('line', order.index * 10),
        code: 'standard',
        title: language === 'zh' ? '顺丰' : 'Standard',
        price: decimal(version.shipping),
        discounted_price: decimal(version.shipping),
        tax_lines: [],
      },
    ],
    refunds: version.refunds.map((refund) =>
      refundBody(random.fork(`refund ${order.index} ${refund.number}`), order, refund),
    ),
    billing_address: postal(profile),
    shipping_address: { ...postal(profile), phone: typed(random.fork(`typed ${order.index}`), person.phone) },
    customer: customerBody(order.buyer, profile),
  };
};

/** What the shop sends when these people and orders are its. */
export const shopifyDeliveries = (random: Random, buyers: readonly Buyer[], orders: readonly Order[]): Delivery[] => {
  const deliveries: Delivery[] = [];
  const send = (topic: string, at: Moment, body: unknown): void => {
    const ids = random.fork(`${topic} ${deliveries.length}`);
    deliveries.push({
      connection: 'shopify',
      at,
      body: json(body).replace(/[&<>]/g, (char) => `\\u00${char.charCodeAt(0).toString(16)}`),
      headers: {
        'content-type': 'application/json',
        'user-agent': 'Shopify-Captain-Hook',
        'x-shopify-topic': topic,
        'x-shopify-shop-domain': shop,
        'x-shopify-api-version': '2026-07',
        'x-shopify-webhook-id': ids.uuid(),
        'x-shopify-event-id': ids.uuid(),
        'x-shopify-triggered-at': new Date(at + 417).toISOString(),
      },
    });
  };
  for (const buyer of buyers) {
    for (const [index, profile] of buyer.profiles.entries())
      send(index === 0 ? 'customers/create' : 'customers/update', profile.at + second, customerBody(buyer, profile));
  }
  for (const order of orders) {
    // A stuck queue: a refund overtakes everything that was said about its order before.
    const refundedAt = order.versions.find((version) => version.cause === 'refunded')?.at;
    const held =
      refundedAt !== undefined && random.fork(`stuck ${order.index}`).chance(0.2) ? refundedAt + 40 * second : 0;
    for (const version of order.versions) {
      const body = orderBody(random, order, version);
      const topics: Record<Version['cause'], string[]> = {
        placed: version.paid ? ['orders/create', 'orders/paid'] : ['orders/create'],
        paid: ['orders/paid', 'orders/updated'],
        edited: ['orders/updated'],
        fulfilled: ['orders/updated'],
        cancelled: ['orders/cancelled', 'orders/updated'],
        refunded: ['orders/updated'],
      };
      for (const [index, topic] of topics[version.cause].entries())
        send(topic, Math.max(held, version.at) + (1 + index) * second, body);
      const refund = version.refunds.at(-1);
      if (refund && refund.at === version.at)
        send(
          'refunds/create',
          version.at + second,
          refundBody(random.fork(`refund ${order.index} ${refund.number}`), order, refund),
        );
    }
  }
  return deliveries;
};
