import { newId } from '@throughline/event-sourcing';
import {
  signAuthorization,
  signShopify,
  signStandardWebhook,
  signWooCommerce,
} from '@throughline/gateway-service/signatures';
import type { Instance } from './instance.ts';

/** A message as an outside system would send it. */
export type Message = { connection: string; headers: Record<string, string>; body: string };

export const secrets = {
  shopify: 'shpss_acceptance',
  woocommerce: 'wc_acceptance',
  sapToken: 'sap-acceptance-token',
  json: `whsec_${Buffer.from('acceptance of plain json').toString('base64')}`,
};

/** Sends a message to its hook. */
export const deliver = (instance: Instance, { connection, headers, body }: Message): Promise<Response> =>
  fetch(`${instance.url}/hooks/${connection}`, { method: 'POST', headers, body });

const json = { 'content-type': 'application/json' };

/** Ids as bare numbers, which JSON.stringify could not write exactly. */
const bare = (text: string): string => text.replaceAll(/"#(\d+)"/g, '$1');

export type ShopifyOrder = {
  id: string;
  customerId: string;
  updatedAt: string;
  createdAt?: string;
  total?: string;
  name?: [string, string];
  email?: string;
  phone?: string;
  cancelledAt?: string | null;
};

/** Two lines of 199.00 and 11.94 tax; whatever else the total says (a tip, a rounding) is in no part of it. */
export function shopifyOrder(connection: string, order: ShopifyOrder, delivery = newId()): Message {
  const [first, last] = order.name ?? ['Ada', 'Lovelace'];
  const contact = { first_name: first, last_name: last, phone: order.phone ?? '+1 502-555-0199' };
  const body = bare(
    JSON.stringify({
      id: `#${order.id}`,
      name: `No. ${order.id.slice(-4)}`,
      created_at: order.createdAt ?? '2026-01-10T11:00:00-05:00',
      updated_at: order.updatedAt,
      cancelled_at: order.cancelledAt ?? null,
      currency: 'CNY',
      email: order.email ?? 'ada.lovelace@engines.example',
      financial_status: 'paid',
      fulfillment_status: null,
      taxes_included: false,
      subtotal_price: '398.00',
      total_discounts: '0.00',
      total_tax: '11.94',
      total_price: order.total ?? '412.44',
      total_shipping_price_set: { shop_money: { amount: '0.00', currency_code: 'CNY' } },
      line_items: ['GREEN', 'RED'].map((colour, index) => ({
        id: `#${order.id}${index}`,
        product_id: '#9223372036854775807',
        sku: `PLAYER-${colour}`,
        title: `Player ${colour}`,
        quantity: 1,
        price: '199.00',
        total_discount: '0.00',
      })),
      shipping_lines: [],
      refunds: [],
      billing_address: {
        ...contact,
        address1: '12 Analytical Street',
        city: 'Louisville',
        country_code: 'US',
        zip: '40202',
      },
      customer: {
        id: `#${order.customerId}`,
        first_name: first,
        last_name: last,
        email: order.email ?? 'ada.lovelace@engines.example',
        updated_at: order.updatedAt,
      },
    }),
  );
  return {
    connection,
    body,
    headers: {
      ...json,
      'x-shopify-topic': 'orders/updated',
      'x-shopify-webhook-id': delivery,
      ...signShopify(secrets.shopify, body),
    },
  };
}

export function shopifyRefund(
  connection: string,
  refund: { id: string; orderId: string; amount: string; at: string },
  delivery = newId(),
): Message {
  const body = bare(
    JSON.stringify({
      id: `#${refund.id}`,
      order_id: `#${refund.orderId}`,
      created_at: refund.at,
      processed_at: refund.at,
      refund_line_items: [],
      order_adjustments: [],
      transactions: [
        {
          id: `#${refund.id}1`,
          kind: 'refund',
          status: 'success',
          amount: refund.amount,
          currency: 'CNY',
          created_at: refund.at,
        },
      ],
    }),
  );
  return {
    connection,
    body,
    headers: {
      ...json,
      'x-shopify-topic': 'refunds/create',
      'x-shopify-webhook-id': delivery,
      ...signShopify(secrets.shopify, body),
    },
  };
}

export function shopifyCustomer(
  connection: string,
  customer: { id: string; updatedAt: string; name: [string, string]; email?: string; phone?: string },
  delivery = newId(),
): Message {
  const [first, last] = customer.name;
  const body = bare(
    JSON.stringify({
      id: `#${customer.id}`,
      first_name: first,
      last_name: last,
      email: customer.email ?? null,
      phone: customer.phone ?? null,
      updated_at: customer.updatedAt,
    }),
  );
  return {
    connection,
    body,
    headers: {
      ...json,
      'x-shopify-topic': 'customers/update',
      'x-shopify-webhook-id': delivery,
      ...signShopify(secrets.shopify, body),
    },
  };
}

export type WooOrder = {
  id: number;
  customerId: number;
  modified: string;
  total: string;
  email: string;
  name: [string, string];
  status?: string;
};

export function wooOrder(connection: string, order: WooOrder, delivery = newId()): Message {
  const [first_name, last_name] = order.name;
  const body = JSON.stringify({
    id: order.id,
    number: String(order.id),
    status: order.status ?? 'processing',
    currency: 'CNY',
    prices_include_tax: false,
    date_created_gmt: '2026-02-03T16:28:02',
    date_modified_gmt: order.modified,
    date_paid_gmt: '2026-02-03T16:28:08',
    discount_total: '0.00',
    shipping_total: '10.00',
    shipping_tax: '0.00',
    total: order.total,
    total_tax: '1.35',
    customer_id: order.customerId,
    billing: { first_name, last_name, email: order.email, phone: '138 1234 5678', city: '杭州', country: 'CN' },
    shipping: {},
    line_items: [
      {
        id: 315,
        name: '绿茶 &ndash; 礼盒',
        product_id: 93,
        sku: 'TEA-1',
        quantity: 2,
        subtotal: '18.00',
        subtotal_tax: '1.35',
        total: '18.00',
        total_tax: '1.35',
        price: 9,
      },
    ],
    shipping_lines: [{ id: 317, method_title: 'Flat', total: '10.00', total_tax: '0.00' }],
    fee_lines: [],
    coupon_lines: [],
    refunds: [],
  });
  return {
    connection,
    body,
    headers: {
      ...json,
      'x-wc-webhook-topic': 'order.updated',
      'x-wc-webhook-id': '142',
      'x-wc-webhook-delivery-id': delivery,
      ...signWooCommerce(secrets.woocommerce, body),
    },
  };
}

export function sapEvent(
  connection: string,
  object: 'BusinessPartner' | 'SalesOrder',
  key: string,
  time: string,
  id = newId(),
): Message {
  const body = JSON.stringify({
    specversion: '1.0',
    id,
    time,
    source: '/default/sap.s4.beh/730431274',
    type: `sap.s4.beh.${object.toLowerCase()}.v1.${object}.Changed.v1`,
    datacontenttype: 'application/json',
    data: { [object]: key },
  });
  return {
    connection,
    body,
    headers: { 'content-type': 'application/cloudevents+json', ...signAuthorization({ bearer: secrets.sapToken }) },
  };
}

/** The till's own JSON, as `tillMapping` reads it. */
export function tillSale(
  connection: string,
  sale: { key: string; name: string; mobile: string; amount: string; at: string },
  id = newId(),
): Message {
  const body = JSON.stringify({
    sale: { no: sale.key, when: sale.at, sum: sale.amount },
    member: { code: `M-${sale.key}`, name: sale.name, mobile: sale.mobile },
  });
  return { connection, body, headers: { ...json, ...signStandardWebhook(secrets.json, id, body, new Date()) } };
}
