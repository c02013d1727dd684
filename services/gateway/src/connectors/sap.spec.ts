import { recordId } from '@throughline/event-sourcing';
import { cloudEvents } from './cloudevents.ts';
import {
  businessPartner,
  cloudEvent,
  connectionId,
  context,
  delivery,
  map,
  one,
  salesOrder,
} from './deliveries.fixtures.ts';
import { mappers } from './mappers.ts';
import { readBackRequest, sap, withReadBack } from './sap.ts';

const structured = { 'content-type': 'application/cloudevents+json' };
const partner = (changes: object = {}) =>
  one(map(sap, delivery({}, { d: { ...businessPartner, ...changes } })), 'CustomerSeen');
const order = (changes: object = {}) => map(sap, delivery({}, { d: { ...salesOrder, ...changes } }));

describe('a business partner', () => {
  it('is a company with addresses, e-mails, phones and its registration number', () => {
    const { stamp, ...event } = partner();
    expect(stamp).toMatchObject({ rank: 'profile', at: '2023-03-03T13:29:05.000Z' });
    expect(event).toEqual({
      type: 'CustomerSeen',
      customerId: recordId(connectionId, '1000992'),
      externalId: { connectionId, id: '1000992' },
      channel: 'sap',
      kind: 'company',
      name: '深圳市云帆科技有限公司',
      companyName: '深圳市云帆科技有限公司',
      registrationNumber: '91440300MA5DABCD3X',
      emails: [{ value: 'caigou@yunfan.example', primary: true }, { value: 'info@yunfan.example' }],
      phones: [{ value: '+8675586001234' }],
      addresses: [
        {
          country: 'CN',
          province: '190',
          city: '深圳',
          district: '南山区',
          street: '科技南十二路2号',
          postcode: '518057',
          primary: true,
        },
      ],
    });
  });
  it('is a person', () => {
    const person = {
      BusinessPartnerCategory: '1',
      FirstName: 'Ada',
      LastName: 'Lovelace',
      BirthDate: '/Date(631152000000)/',
      to_BusinessPartnerAddress: { __deferred: { uri: 'https://s4.example/to_BusinessPartnerAddress' } },
      to_BusinessPartnerTax: { results: [] },
    };
    const event = partner(person);
    expect(event).toMatchObject({ kind: 'person', name: 'Ada Lovelace', birthDate: '1990-01-01' });
    expect(event).not.toHaveProperty('addresses');
    expect(event).not.toHaveProperty('companyName');
  });
  it('is as new as the event that it was read for', () => {
    const [event] = cloudEvents(
      structured,
      JSON.stringify(cloudEvent('BusinessPartner', { BusinessPartner: '1000992' })),
    )!;
    const whole = withReadBack(
      delivery({ authorization: 'Bearer x' }, ''),
      event!,
      JSON.stringify({ d: businessPartner }),
    );
    expect(one(map(sap, whole), 'CustomerSeen').stamp.at).toBe('2023-03-03T13:29:05.000Z');
    expect(whole.headers).toEqual(structured);
    expect(map(mappers.cloudevents, whole)).toEqual(map(sap, whole));
  });
});

describe('a sales order', () => {
  it('counts net amounts and tax, without rejected items', () => {
    const { stamp, ...facts } = one(order(), 'OrderSeen');
    expect(stamp.at).toBe('2017-04-13T15:51:04.407Z');
    expect(facts).toEqual({
      type: 'OrderSeen',
      orderId: recordId(connectionId, 'order:1'),
      customerId: recordId(connectionId, '1000992'),
      externalId: { connectionId, id: '1' },
      number: '1',
      status: 'open',
      currency: 'CNY',
      lines: [
        {
          lineId: '10',
          productId: 'TG11',
          sku: 'TG11',
          title: '贸易商品 11',
          quantity: '3',
          unit: 'PC',
          unitPrice: '416.666667',
          discount: '0',
          tax: '162.5',
          total: '1250',
        },
      ],
      taxIncluded: false,
      subtotal: '1250',
      discount: '0',
      tax: '162.5',
      shipping: '0',
      total: '1412.5',
      paid: '0',
      placedAt: '2017-04-13T00:00:00.000Z',
    });
  });
  it('names the record that its business partner is', () => {
    expect(one(order(), 'CustomerSeen')).toMatchObject({
      customerId: partner().customerId,
      externalId: { connectionId, id: '1000992' },
      stamp: { rank: 'contact' },
    });
  });
  it('is completed, or cancelled when all of it is rejected', () => {
    expect(one(order({ OverallSDProcessStatus: 'C' }), 'OrderSeen').status).toBe('completed');
    const cancelled = one(order({ OverallSDProcessStatus: 'C', OverallSDDocumentRejectionSts: 'C' }), 'OrderSeen');
    expect(cancelled).toMatchObject({ status: 'cancelled', cancelledAt: '2017-04-13T15:51:04.407Z' });
    expect(cancelled.lines).toHaveLength(2);
  });
  it('may come in lists', () => {
    const list = map(sap, delivery({}, { d: { results: [salesOrder, { ...salesOrder, SalesOrder: '2' }] } }));
    expect(list).toHaveLength(4);
  });
});

describe('an event of S/4HANA', () => {
  const requestFor = (body: object) => readBackRequest(cloudEvents(structured, JSON.stringify(body))![0]!);
  it('says what to read', () => {
    expect(requestFor(cloudEvent('SalesOrder', { SalesOrder: '1' }, 'Created'))).toEqual({
      service: 'API_SALES_ORDER_SRV',
      path: "A_SalesOrder('1')",
      expand: ['to_Item'],
    });
    expect(requestFor(cloudEvent('BusinessPartner', { BusinessPartner: '1000992' }))).toMatchObject({
      service: 'API_BUSINESS_PARTNER',
      path: "A_BusinessPartner('1000992')",
      expand: expect.arrayContaining(['to_BusinessPartnerAddress/to_EmailAddress']),
    });
  });
  it('cannot reach beyond the object it names', () => {
    expect(requestFor(cloudEvent('SalesOrder', { SalesOrder: "1')/../x?$filter=a eq 'b" }))?.path).toBe(
      "A_SalesOrder('1%27%27)%2F..%2Fx%3F%24filter%3Da%20eq%20%27%27b')",
    );
  });
  it('needs no reading when it brings the object along', () => {
    const whole = cloudEvent('SalesOrder', salesOrder);
    expect(requestFor(whole)).toBeUndefined();
    expect(one(map(sap, delivery(structured, whole)), 'OrderSeen').number).toBe('1');
  });
  it('with only a key is not mapped before it was read', () => {
    const body = cloudEvent('BusinessPartner', { BusinessPartner: '1' });
    expect(() => sap(delivery(structured, body), context)).toThrow('read back');
  });
  it('of another kind is not used', () => {
    const other = { ...cloudEvent('SalesOrder', {}), type: 'sap.s4.beh.product.v1.Product.Changed.v1' };
    expect(requestFor(other)).toBeUndefined();
    expect(map(sap, delivery(structured, other))).toEqual([]);
    expect(requestFor(cloudEvent('SalesOrder', { SalesOrder: '1' }, 'Deleted'))).toBeUndefined();
    expect(requestFor({ ...cloudEvent('SalesOrder', {}), type: 'a.constructor.Changed.v1' })).toBeUndefined();
  });
  it('without its key is refused', () => {
    expect(() => requestFor(cloudEvent('SalesOrder', {}))).toThrow(
      expect.objectContaining({ pointer: '/data/SalesOrder' }) as Error,
    );
  });
});
