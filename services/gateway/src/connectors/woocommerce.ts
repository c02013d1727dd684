import { type Mapper, type Seen, Unmappable } from './connector.ts';
import { absolute, divided, isNegative, isZero, minus, notBelowZero, sum } from './decimals.ts';
import { decodeHtml } from './html-text.ts';
import type { Place } from './place.ts';
import { address, distinctAddresses, emails, phones, Sighting, type SeenLine, street } from './seen.ts';
import { momentAt, nameFrom, rootOf, type ShopOrder } from './shop.ts';

const channel = { source: 'online', channel: 'woocommerce' } as const;

/** WooCommerce's webhooks: the same bodies as its REST API. */
export const woocommerce: Mapper = (delivery, context) => {
  const topic = delivery.headers['x-wc-webhook-topic']?.trim().toLowerCase();
  if (!topic) throw new Unmappable('No X-WC-Webhook-Topic header.');
  const sighting = new Sighting(delivery, context);
  switch (topic) {
    case 'customer.created':
    case 'customer.updated':
    case 'customer.restored':
      return profile(sighting, rootOf(delivery));
    case 'order.created':
    case 'order.updated':
    case 'order.restored':
      return order(sighting, rootOf(delivery));
    default:
      // order.deleted and customer.deleted hold nothing but an id. Facts that would say "cancelled" of an order without
      // knowing its customer, lines and total would wipe out what is known: they are not said.
      return [];
  }
};

/** Titles and names come as WordPress shows them. */
const decoded = (place: Place): string | undefined => {
  const text = place.text();
  return text === undefined ? undefined : decodeHtml(text).trim() || undefined;
};

/** `…_gmt` have no zone and are UTC. Their twins are in the shop's zone, which the body does not say. */
const gmt = (source: Place, name: string): string | undefined => source.get(`${name}_gmt`).instant('UTC');

function versionOf(source: Place): string {
  // Nothing was modified yet: null.
  return momentAt(gmt(source, 'date_modified') ?? gmt(source, 'date_created'), source, 'date_modified_gmt');
}

/** WooCommerce's own numbers for China's provinces, CN1 to CN32. */
const provinces = (
  '云南 北京 天津 河北 山西 内蒙古 辽宁 吉林 黑龙江 上海 江苏 浙江 安徽 福建 江西 山东 ' +
  '河南 湖北 湖南 广东 广西 海南 重庆 四川 贵州 陕西 甘肃 青海 宁夏 澳门 西藏 新疆'
).split(' ');

function province(country: string | undefined, state: string | undefined): string | undefined {
  const number = country === 'CN' ? /^CN(\d{1,2})$/.exec(state ?? '')?.[1] : undefined;
  return number === undefined ? state : (provinces[Number(number) - 1] ?? state);
}

function addressFrom(place: Place, label: 'billing' | 'shipping') {
  const country = place.get('country').text();
  return address({
    country,
    province: province(country, decoded(place.get('state'))),
    city: decoded(place.get('city')),
    street: street(decoded(place.get('address_1')), decoded(place.get('address_2'))),
    postcode: place.get('postcode').text(),
    label,
    ...(label === 'billing' && { primary: true }),
  });
}

function contactFrom(source: Place, names: readonly Place[]) {
  const billing = source.get('billing');
  const shipping = source.get('shipping');
  return {
    ...channel,
    ...nameFrom(names, decoded),
    companyName: decoded(billing.get('company')),
    phones: phones(billing.get('phone').text() ?? shipping.get('phone').text()),
    addresses: distinctAddresses([addressFrom(billing, 'billing'), addressFrom(shipping, 'shipping')]),
  };
}

function profile(sighting: Sighting, customer: Place): Seen[] {
  const externalId = customer.get('id').requiredText();
  const billing = customer.get('billing');
  return [
    sighting.customer({
      customerId: sighting.customerId(externalId),
      externalId,
      rank: 'profile',
      at: versionOf(customer),
      fields: {
        ...contactFrom(customer, [customer, billing, customer.get('shipping')]),
        emails: emails(customer.get('email').text() ?? billing.get('email').text()),
      },
    }),
  ];
}

function order(sighting: Sighting, source: Place): Seen[] {
  const state = source.get('status').text()?.replace(/^wc-/, '');
  // A cart that somebody is filling in at the checkout.
  if (state === 'checkout-draft' || state === 'auto-draft') return [];
  const externalId = source.get('id').requiredText();
  const at = versionOf(source);
  const currency = source.get('currency').currency();
  const billing = source.get('billing');
  const email = billing.get('email').text();
  const phone = billing.get('phone').text() ?? source.at('/shipping/phone').text();
  const account = source.get('customer_id').text();
  const isGuest = account === undefined || account === '0';
  const customerId = isGuest ? sighting.guestId(externalId, email, phone) : sighting.customerId(account);

  return [
    sighting.customer({
      customerId,
      externalId: isGuest ? undefined : account,
      rank: 'contact',
      at,
      fields: { ...contactFrom(source, [billing, source.get('shipping')]), emails: emails(email) },
    }),
    sighting.order({ externalId, at, customerId, currency, ...facts(source, state, at) }),
    ...source
      .get('refunds')
      .items()
      .map((refund) => ({ refund, amount: absolute(refund.get('total').requiredDecimal()) }))
      .filter(({ amount }) => !isZero(amount))
      .map(({ refund, amount }) =>
        // The list says no date: the refund was there when the order was last modified, and refunding modifies an order.
        // So deliveries name different times for one refund, and the earliest is the closest: whoever keeps refunds lets
        // the earliest `at` of a refund win, and any order of arrival ends the same.
        sighting.refund({
          orderExternalId: externalId,
          refundId: refund.get('id').requiredText(),
          amount,
          at,
          currency,
        }),
      ),
  ];
}

function facts(source: Place, state: string | undefined, at: string): ShopOrder {
  const fees = source.get('fee_lines').items().map(feeLine);
  const lines = [...source.get('line_items').items().map(itemLine), ...fees.filter(({ total }) => !isNegative(total))];
  const rebates = fees.filter(({ total }) => isNegative(total)).map(({ total }) => absolute(total));
  // Coupons are on the lines already: discount_total is the sum of what they took off.
  const discounts = source.get('discount_total').decimal() ?? '0';
  const beyondLines = notBelowZero(minus(discounts, ...lines.map(({ discount }) => discount)));
  const total = source.get('total').requiredDecimal();
  const status = statusOf(state);
  return {
    number: source.get('number').text() ?? source.get('id').requiredText(),
    status,
    lines,
    // Whatever the shop shows its customers: the totals of a line are always without tax.
    taxIncluded: false,
    subtotal: sum(lines.map((line) => line.total)),
    discount: sum([beyondLines, ...rebates]),
    tax: source.get('total_tax').decimal() ?? '0',
    shipping: source.get('shipping_total').decimal() ?? '0',
    // As it was ordered: refunds do not lower it.
    total,
    paid: source.get('date_paid_gmt').present || source.get('date_paid').present ? total : '0',
    placedAt: momentAt(gmt(source, 'date_created'), source, 'date_created_gmt'),
    // There is no date of the cancellation: it was cancelled by then.
    ...(status === 'cancelled' && { cancelledAt: at }),
    note: source.get('customer_note').text(),
  };
}

function statusOf(state: string | undefined): ShopOrder['status'] {
  switch (state) {
    case 'cancelled':
    case 'failed':
    case 'trash':
      return 'cancelled';
    case 'completed':
    case 'refunded':
      return 'completed';
    case undefined:
    default:
      // pending, on-hold, processing, and whatever plug-ins add.
      return 'open';
  }
}

/**
 * `subtotal` is the line before, `total` after coupons. Both exclude tax even when the shop's prices include it
 * (`prices_include_tax` only says how they were typed in); the tax is in `total_tax`.
 */
function itemLine(source: Place): SeenLine {
  const quantity = source.get('quantity').decimal() ?? '1';
  const total = source.get('total').requiredDecimal();
  const subtotal = source.get('subtotal').decimal() ?? total;
  // Somebody raised the total by hand: a higher price, not a negative discount.
  const before = isNegative(minus(subtotal, total)) && !isNegative(total) ? total : subtotal;
  const productId = source.get('product_id').text();
  const sku = source.get('sku').text();
  return {
    lineId: source.get('id').requiredText(),
    ...(productId !== undefined && productId !== '0' && { productId }),
    ...(sku !== undefined && { sku }),
    title: decoded(source.get('name')) ?? sku ?? '',
    quantity,
    unitPrice: divided(before, quantity) ?? before,
    discount: notBelowZero(minus(before, total)),
    tax: source.get('total_tax').decimal() ?? '0',
    total,
  };
}

function feeLine(source: Place): SeenLine {
  const total = source.get('total').requiredDecimal();
  return {
    lineId: source.get('id').requiredText(),
    title: decoded(source.get('name')) ?? '',
    quantity: '1',
    unitPrice: total,
    discount: '0',
    tax: source.get('total_tax').decimal() ?? '0',
    total,
  };
}
