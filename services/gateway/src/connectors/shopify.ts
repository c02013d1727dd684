import type { CustomerFields } from '@throughline/contracts';
import { type Delivery, type Mapper, type Seen, Unmappable } from './connector.ts';
import { isZero, minus, notBelowZero, sum, times } from './decimals.ts';
import type { Place } from './place.ts';
import {
  address,
  distinctAddresses,
  emails,
  phones,
  Sighting,
  type SeenLine,
  type SeenRefund,
  street,
} from './seen.ts';
import { momentAt, nameFrom, rootOf, type ShopOrder } from './shop.ts';
import { shopifyHeader } from './signatures.ts';

const channel = { source: 'online', channel: 'shopify' } as const;

/** Shopify's webhooks, REST shape. `Shopify-Topic` says what the body is. */
export const shopify: Mapper = (delivery, context) => {
  const topic = topicOf(delivery);
  const sighting = new Sighting(delivery, context);
  switch (topic) {
    case 'customers/create':
    case 'customers/update':
    case 'customers/enable':
    case 'customers/disable':
      return profile(sighting, bodyOf(delivery, 'customer'));
    case 'orders/create':
    case 'orders/updated':
    case 'orders/paid':
    case 'orders/cancelled':
    case 'orders/fulfilled':
    case 'orders/partially_fulfilled':
      return order(sighting, bodyOf(delivery, 'order'));
    case 'orders/edited': {
      // Says what was added and removed, not what the order is now: that follows as orders/updated.
      const edited = bodyOf(delivery, 'order');
      return edited.get('line_items').present ? order(sighting, edited) : [];
    }
    case 'refunds/create':
      return refund(bodyOf(delivery, 'refund')).map((seen) => sighting.refund(seen));
    default:
      return [];
  }
};

function topicOf({ headers }: Delivery): string {
  const topic = shopifyHeader(headers, 'topic')?.trim().toLowerCase();
  if (!topic) throw new Unmappable('No X-Shopify-Topic header.');
  return topic;
}

/** Webhooks send the bare object, the API the same one wrapped. */
function bodyOf(delivery: Delivery, name: string): Place {
  const root = rootOf(delivery);
  const wrapped = root.get(name);
  return wrapped.isObject && !root.get('id').present ? wrapped : root;
}

const shopId = (place: Place): string => place.get('id').requiredText();

const addressFrom = (place: Place, more: { label?: string; primary?: boolean }) =>
  address({
    country: place.get('country_code').text() ?? place.get('country').text(),
    province: place.get('province').text() ?? place.get('province_code').text(),
    city: place.get('city').text(),
    street: street(place.get('address1').text(), place.get('address2').text()),
    postcode: place.get('zip').text(),
    ...more,
  });

function profile(sighting: Sighting, customer: Place): Seen[] {
  const externalId = shopId(customer);
  const main = customer.get('default_address');
  const listed = customer.get('addresses').items();
  const tags = customer.get('tags').text()?.split(',') ?? [];
  return [
    sighting.customer({
      customerId: sighting.customerId(externalId),
      externalId,
      rank: 'profile',
      at: versionOf(customer),
      fields: {
        ...channel,
        ...nameFrom([customer, main]),
        companyName: main.get('company').text(),
        emails: emails(customer.get('email').text()),
        phones: phones(customer.get('phone').text(), main.get('phone').text()),
        addresses: distinctAddresses([
          addressFrom(main, { primary: true }),
          ...listed.map((one) => addressFrom(one, one.get('default').flag() ? { primary: true } : {})),
        ]),
        tags: tagList(tags),
      },
    }),
  ];
}

function tagList(tags: readonly string[]): CustomerFields['tags'] | undefined {
  const known = [...new Set(tags.map((tag) => tag.trim()).filter((tag) => tag !== ''))];
  return known.length > 0 ? known : undefined;
}

function versionOf(object: Place): string {
  const at = object.get('updated_at').instant() ?? object.get('created_at').instant();
  return momentAt(at, object, 'updated_at');
}

function order(sighting: Sighting, source: Place): Seen[] {
  const externalId = shopId(source);
  const at = versionOf(source);
  const currency = source.get('currency').currency();
  const customer = source.get('customer');
  const billing = source.get('billing_address');
  const shipping = source.get('shipping_address');
  const email = source.get('email').text() ?? source.get('contact_email').text() ?? customer.get('email').text();
  const phone = [source.get('phone'), customer.get('phone'), billing.get('phone'), shipping.get('phone')]
    .map((place) => place.text())
    .find((text) => text !== undefined);
  const account = customer.get('id').text();
  const customerId = account === undefined ? sighting.guestId(externalId, email, phone) : sighting.customerId(account);

  return [
    sighting.customer({
      customerId,
      externalId: account,
      // The customer within an order is often abbreviated, and as old as the order: no profile.
      rank: 'contact',
      at,
      fields: {
        ...channel,
        ...nameFrom([customer, billing, shipping]),
        companyName: billing.get('company').text(),
        emails: emails(email),
        phones: phones(phone),
        addresses: distinctAddresses([
          addressFrom(billing, { label: 'billing', primary: true }),
          addressFrom(shipping, { label: 'shipping' }),
        ]),
      },
    }),
    sighting.order({ externalId, at, customerId, currency, ...facts(source) }),
    ...source
      .get('refunds')
      .items()
      .flatMap((one) =>
        refund(one, {
          orderExternalId: externalId,
          currency,
          taxIncluded: source.get('taxes_included').flag(),
          cancelled: source.get('cancelled_at').present,
        }),
      )
      .map((seen) => sighting.refund(seen)),
  ];
}

function facts(source: Place): ShopOrder {
  const lines = source.get('line_items').items().map(line);
  // What the order came to. current_total_price is less what was refunded since, and refunds are counted by themselves.
  const total = source.get('total_price').requiredDecimal();
  const shippingLines = source
    .get('shipping_lines')
    .items()
    .filter((one) => !one.get('is_removed').flag());
  const shippingDiscounts = shippingLines.map(discountOf);
  const discounts = source.get('total_discounts').decimal() ?? '0';
  const placedAt = source.get('processed_at').instant() ?? source.get('created_at').instant();
  const cancelledAt = source.get('cancelled_at').instant();
  return {
    number: source.get('name').text() ?? source.get('order_number').text() ?? shopId(source),
    status: statusOf(source),
    lines,
    taxIncluded: source.get('taxes_included').flag(),
    subtotal: source.get('subtotal_price').decimal() ?? sum(lines.map((one) => one.total)),
    // total_discounts holds those of the lines and of the shipping, too.
    discount: notBelowZero(minus(discounts, ...lines.map((one) => one.discount), ...shippingDiscounts)),
    tax: source.get('total_tax').decimal() ?? '0',
    shipping:
      shippingLines.length > 0
        ? sum(
            shippingLines.map((one, index) =>
              minus(one.get('price').decimal() ?? '0', shippingDiscounts[index] ?? '0'),
            ),
          )
        : (source.at('/total_shipping_price_set/shop_money/amount').decimal() ?? '0'),
    total,
    paid: paidOf(source, total),
    placedAt: momentAt(placedAt, source, 'created_at'),
    ...(cancelledAt !== undefined && { cancelledAt }),
    note: source.get('note').text(),
  };
}

function statusOf(source: Place): ShopOrder['status'] {
  if (source.get('cancelled_at').present) return 'cancelled';
  const refunded = source.get('financial_status').text() === 'refunded';
  const fulfilled = source.get('fulfillment_status').text() === 'fulfilled';
  return refunded || fulfilled || source.get('closed_at').present ? 'completed' : 'open';
}

/** What was ever paid; what went back again is a refund. */
function paidOf(source: Place, total: string): string {
  const status = source.get('financial_status').text();
  const outstanding = source.get('total_outstanding').decimal();
  switch (status) {
    case 'paid':
    case 'refunded':
    case 'partially_refunded':
      return notBelowZero(minus(total, outstanding ?? '0'));
    case 'partially_paid':
      return outstanding === undefined ? '0' : notBelowZero(minus(total, outstanding));
    case undefined:
    default:
      return '0';
  }
}

/** Allocations hold the line's share of a code, too; total_discount is all there is in older versions. */
function discountOf(place: Place): string {
  const allocations = place.get('discount_allocations').items();
  if (allocations.length > 0) return sum(allocations.map((one) => one.get('amount').requiredDecimal()));
  const discounted = place.get('discounted_price').decimal();
  if (discounted !== undefined) return notBelowZero(minus(place.get('price').decimal() ?? discounted, discounted));
  return place.get('total_discount').decimal() ?? '0';
}

function line(source: Place): SeenLine {
  const quantity = source.get('quantity').requiredDecimal();
  const unitPrice = source.get('price').requiredDecimal();
  const discount = discountOf(source);
  const productId = source.get('product_id').text();
  const sku = source.get('sku').text();
  return {
    lineId: shopId(source),
    ...(productId !== undefined && { productId }),
    ...(sku !== undefined && { sku }),
    title: source.get('name').text() ?? source.get('title').text() ?? sku ?? '',
    quantity,
    unitPrice,
    discount,
    tax: sum(
      source
        .get('tax_lines')
        .items()
        .map((tax) => tax.get('price').decimal() ?? '0'),
    ),
    total: minus(times(quantity, unitPrice), discount),
  };
}

/**
 * The same refund comes within its order and by itself, any number of times, and has to be the same each time:
 * - Money went back: what the successful transactions say. Both deliveries carry them.
 * - It is still pending: nothing yet. The order's next update says how it ended.
 * - It failed: nothing.
 * - No money was to go back at all (items taken off an order that was not paid, a return without a payment): the order
 *   still comes to less, by the value of these items. Whether their price holds the tax, only the order knows: so this
 *   is said by the order's own deliveries, never by refunds/create.
 */
function refund(
  source: Place,
  order?: { orderExternalId: string; currency: string; taxIncluded: boolean; cancelled: boolean },
): SeenRefund[] {
  const refundId = shopId(source);
  const orderExternalId = order?.orderExternalId ?? source.get('order_id').requiredText();
  const made = source.get('processed_at').instant() ?? source.get('created_at').instant();
  const at = momentAt(made, source, 'created_at');

  const transactions = source
    .get('transactions')
    .items()
    .filter((one) => one.get('kind').text() === 'refund');
  if (transactions.length > 0) {
    if (transactions.some((one) => one.get('status').text() === 'pending')) return [];
    const settled = transactions.filter((one) => one.get('status').text() === 'success');
    const amount = sum(settled.map((one) => one.get('amount').requiredDecimal()));
    const currencies = new Set(settled.map((one) => one.get('currency').text()));
    if (currencies.size > 1) throw new Unmappable('A refund in several currencies.', `${source.pointer}/transactions`);
    // Paid in another currency than the shop's, it goes back in that one.
    const currency = settled[0]?.get('currency').present ? settled[0].get('currency').currency() : undefined;
    return isZero(amount) ? [] : [{ orderExternalId, refundId, amount, at, currency }];
  }
  // Of a cancelled order nothing is left that could come to less.
  if (!order || order.cancelled) return [];
  const goods = source
    .get('refund_line_items')
    .items()
    .map((one) => {
      const item = one.get('line_item');
      const price = times(item.get('price').decimal() ?? '0', one.get('quantity').decimal() ?? '0');
      const tax = order.taxIncluded ? '0' : (one.get('total_tax').decimal() ?? '0');
      return sum([one.get('subtotal').decimal() ?? price, tax]);
    });
  const amount = sum(goods);
  return isZero(amount) ? [] : [{ orderExternalId, refundId, amount, at, currency: order.currency }];
}
