import { createHmac } from 'node:crypto';
import { seenEvents } from '@throughline/contracts';
import Value from 'typebox/value';
import type { Delivery, Mapper, MappingContext, Seen } from './connector.ts';

export const connectionId = '0198c0de-0000-7000-8000-00000000c0de';
export const context: MappingContext = {
  hmac: (value) => createHmac('sha256', 'a key for tests').update(value).digest('hex'),
};

export const delivery = (headers: Record<string, string>, body: unknown): Delivery => ({
  connectionId,
  headers,
  body: typeof body === 'string' ? body : json(body),
  receivedAt: '2026-03-31T08:15:00.000Z',
});

/** Maps, and makes sure that every event is one of the contract. */
export function map(mapper: Mapper, from: Delivery, more: Partial<MappingContext> = {}): readonly Seen[] {
  const seen = mapper(from, { ...context, ...more });
  for (const { event } of seen) {
    const { type, ...data } = event;
    const errors = Value.Errors(seenEvents[type].data, data);
    if (errors.length > 0) throw new Error(`${type}: ${JSON.stringify(errors)}`);
  }
  return seen;
}

type EventOf<T extends Seen['event']['type']> = Extract<Seen['event'], { type: T }>;
export const only = <T extends Seen['event']['type']>(seen: readonly Seen[], type: T): EventOf<T>[] =>
  seen.map(({ event }) => event).filter((event): event is EventOf<T> => event.type === type);

export function one<T extends Seen['event']['type']>(seen: readonly Seen[], type: T): EventOf<T> {
  const [event, ...others] = only(seen, type);
  if (!event || others.length > 0) throw new Error(`Expected one ${type}, got ${seen.length}`);
  return event;
}

/** JSON in which a bigint is a bare number, digit for digit. */
export const json = (value: unknown): string =>
  JSON.stringify(value, (_, held: unknown) =>
    typeof held === 'bigint'
      ? (JSON as unknown as { rawJSON: (digits: string) => unknown }).rawJSON(held.toString())
      : held,
  );

export const shopifyOrder = {
  id: 9_007_199_254_740_995n,
  name: '#2041',
  order_number: 2041,
  created_at: '2026-02-10T23:30:00+08:00',
  processed_at: '2026-02-10T23:29:58+08:00',
  updated_at: '2026-02-10T23:31:07+08:00',
  cancelled_at: null,
  closed_at: null,
  currency: 'CNY',
  email: 'xiaoming.wang@example.cn',
  phone: null,
  financial_status: 'paid',
  fulfillment_status: null,
  taxes_included: true,
  total_discounts: '25.00',
  subtotal_price: '221.00',
  total_tax: '25.42',
  total_tip_received: '3.00',
  total_price: '236.00',
  current_total_price: '186.00',
  total_outstanding: '0.00',
  note: '请放门口 🚪',
  line_items: [
    {
      id: 13_999_999_999_999_999_001n,
      product_id: 8_000_000_000_000_000_123n,
      variant_id: 1,
      sku: 'TEA-RED-250',
      title: '祁门红茶',
      name: '祁门红茶 - 250g 🍵',
      quantity: 2,
      price: '98.00',
      total_discount: '0.00',
      discount_allocations: [{ amount: '10.00' }, { amount: '5.00' }],
      tax_lines: [{ price: '20.82' }],
    },
    {
      id: 13_999_999_999_999_999_002n,
      product_id: null,
      sku: '',
      title: 'Gift wrap',
      quantity: 1,
      price: '40.00',
      total_discount: '0.00',
      discount_allocations: [],
      tax_lines: [{ price: '4.60' }],
    },
  ],
  shipping_lines: [{ price: '20.00', discounted_price: '12.00', discount_allocations: [{ amount: '8.00' }] }],
  refunds: [] as unknown[],
  billing_address: {
    first_name: '小明',
    last_name: '王',
    company: '北溪茶业有限公司',
    address1: '静安区南京西路1266号',
    address2: '38层',
    city: '上海市',
    province: '上海',
    zip: '200040',
    country: 'China',
    country_code: 'CN',
    phone: '+86 138 0000 1234',
  },
  shipping_address: {
    first_name: '小红',
    last_name: '李',
    company: null,
    address1: '余杭区文一西路969号',
    address2: '',
    city: '杭州市',
    province: '浙江',
    zip: '311121',
    country: 'China',
    country_code: 'CN',
    phone: '139 0000 5678',
  },
  customer: {
    id: 9_007_199_254_740_993n,
    first_name: '小明',
    last_name: '王',
    email: 'xiaoming.wang@example.cn',
    updated_at: '2026-02-01T00:00:00+08:00',
  },
};

export const shopifyRefund = {
  id: 9_007_199_254_740_999n,
  order_id: 9_007_199_254_740_995n,
  created_at: '2026-03-02T09:00:00+08:00',
  processed_at: '2026-03-02T09:00:01+08:00',
  refund_line_items: [{ quantity: 1, subtotal: '90.50', total_tax: '10.41', line_item: { price: '98.00' } }],
  transactions: [
    { id: 1, kind: 'refund', status: 'failure', amount: '50.00', currency: 'CNY' },
    { id: 2, kind: 'refund', status: 'success', amount: '30.00', currency: 'CNY' },
    { id: 3, kind: 'refund', status: 'success', amount: '20.00', currency: 'CNY' },
    { id: 4, kind: 'void', status: 'success', amount: '9.00', currency: 'CNY' },
  ],
};

export const wooOrder = {
  id: 20_417,
  number: '20417',
  status: 'processing',
  currency: 'EUR',
  date_created: '2026-01-05T10:00:00',
  date_created_gmt: '2026-01-05T09:00:00',
  date_modified: '2026-01-05T10:02:30',
  date_modified_gmt: '2026-01-05T09:02:30',
  discount_total: '6.00',
  discount_tax: '1.14',
  shipping_total: '4.19',
  shipping_tax: '0.80',
  total: '57.36',
  total_tax: '8.36',
  prices_include_tax: true,
  customer_id: 0,
  customer_note: 'Klingel "Müller & Söhne" &amp; hinten',
  billing: {
    first_name: 'Zoë',
    last_name: 'Müller',
    company: 'Müller &amp; Söhne GmbH',
    address_1: 'Weg 1',
    address_2: '',
    city: 'Köln',
    state: 'DE-NW',
    postcode: '50667',
    country: 'DE',
    email: ' Zoe.Mueller@Example.de ',
    phone: '0221 / 12 34 56',
  },
  shipping: {
    first_name: 'Zoë',
    last_name: 'Müller',
    company: '',
    address_1: 'Weg 1',
    address_2: '',
    city: 'Köln',
    state: 'DE-NW',
    postcode: '50667',
    country: 'DE',
  },
  date_paid_gmt: '2026-01-05T09:01:00',
  line_items: [
    {
      id: 1,
      name: 'Tee &ndash; Darjeeling &#8220;First Flush&#8221;',
      product_id: 93,
      variation_id: 0,
      quantity: 3,
      subtotal: '40.00',
      subtotal_tax: '7.60',
      total: '34.00',
      total_tax: '6.46',
      sku: '',
      price: 11.333_333_333_333_334,
    },
  ],
  fee_lines: [
    { id: 8, name: 'Geschenk&shy;papier', total: '2.50', total_tax: '0.48' },
    { id: 9, name: 'Treue', total: '-1.00', total_tax: '-0.19' },
  ],
  refunds: [] as unknown[],
};

export const businessPartner = {
  __metadata: { type: 'API_BUSINESS_PARTNER.A_BusinessPartnerType' },
  BusinessPartner: '1000992',
  Customer: '1000992',
  BusinessPartnerCategory: '2',
  BusinessPartnerFullName: '深圳市云帆科技有限公司',
  OrganizationBPName1: '深圳市云帆科技有限公司',
  CreationDate: '/Date(1677801600000)/',
  CreationTime: 'PT08H10M00S',
  LastChangeDate: '/Date(1677801600000)/',
  LastChangeTime: 'PT13H29M05S',
  to_BusinessPartnerTax: [{ BPTaxType: 'CN5', BPTaxNumber: '91440300MA5DABCD3X' }],
  to_BusinessPartnerAddress: [
    {
      AddressID: '22601',
      Country: 'CN',
      Region: '190',
      CityName: '深圳',
      District: '南山区',
      StreetName: '科技南十二路',
      HouseNumber: '2号',
      PostalCode: '518057',
      to_EmailAddress: [
        { AddressID: '22601', OrdinalNumber: '1', EmailAddress: 'info@yunfan.example', IsDefaultEmailAddress: false },
        { AddressID: '22601', OrdinalNumber: '2', EmailAddress: 'caigou@yunfan.example', IsDefaultEmailAddress: true },
      ],
      to_PhoneNumber: [
        {
          AddressID: '22601',
          OrdinalNumber: '1',
          PhoneNumber: '755 8600 1234',
          InternationalPhoneNumber: '+8675586001234',
          IsDefaultPhoneNumber: true,
        },
      ],
      to_MobilePhoneNumber: [],
    },
  ],
};

export const salesOrder = {
  __metadata: { type: 'API_SALES_ORDER_SRV.A_SalesOrderType' },
  SalesOrder: '1',
  SoldToParty: '1000992',
  SalesOrderDate: '/Date(1492041600000)/',
  CreationDate: '/Date(1492041600000)/',
  LastChangeDateTime: '/Date(1492098664407+0000)/',
  TotalNetAmount: '1250.00',
  TransactionCurrency: 'CNY',
  OverallSDProcessStatus: 'A',
  OverallSDDocumentRejectionSts: 'A',
  to_Item: [
    {
      SalesOrder: '1',
      SalesOrderItem: '10',
      Material: 'TG11',
      SalesOrderItemText: '贸易商品 11',
      RequestedQuantity: '3.000',
      RequestedQuantityUnit: 'PC',
      NetAmount: '1250.00',
      TaxAmount: '162.50',
      SalesDocumentRjcnReason: '',
    },
    {
      SalesOrder: '1',
      SalesOrderItem: '20',
      Material: 'TG12',
      SalesOrderItemText: 'rejected',
      RequestedQuantity: '1',
      RequestedQuantityUnit: 'PC',
      NetAmount: '99.00',
      TaxAmount: '12.87',
      SalesDocumentRjcnReason: '61',
    },
  ],
};

export const cloudEvent = (object: 'BusinessPartner' | 'SalesOrder', data: unknown, event = 'Changed') => ({
  specversion: '1.0',
  type: `sap.s4.beh.${object.toLowerCase()}.v1.${object}.${event}.v1`,
  source: '/default/sap.s4.beh/S4HCLNT100',
  id: '0894ef45-7741-1eea-b7be-ce30f48e9a1d',
  time: '2023-03-03T13:29:05Z',
  datacontenttype: 'application/json',
  data,
});
