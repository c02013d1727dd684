import type { CustomerFields } from '@throughline/contracts';
import { cloudEvents, type CloudEvent } from './cloudevents.ts';
import { type Delivery, type MappingContext, type Seen, Unmappable } from './connector.ts';
import { divided, sum } from './decimals.ts';
import { type Exact, parseExact } from './exact-json.ts';
import { date, instant, odataInstant } from './instants.ts';
import { Place } from './place.ts';
import { address, distinctAddresses, fullName, Sighting, type SeenLine } from './seen.ts';

/** What to read for an event that holds only a key. */
export type ReadBackRequest = {
  /** OData V2 service below `/sap/opu/odata/sap/`. */
  service: string;
  /** Entity in it, key encoded: `A_SalesOrder('1')`. */
  path: string;
  expand: readonly string[];
};

const objects = {
  BusinessPartner: {
    service: 'API_BUSINESS_PARTNER',
    set: 'A_BusinessPartner',
    expand: [
      'to_BusinessPartnerAddress/to_EmailAddress',
      'to_BusinessPartnerAddress/to_PhoneNumber',
      'to_BusinessPartnerAddress/to_MobilePhoneNumber',
      'to_BusinessPartnerTax',
    ],
  },
  SalesOrder: { service: 'API_SALES_ORDER_SRV', set: 'A_SalesOrder', expand: ['to_Item'] },
} as const;
type ObjectName = keyof typeof objects;

/** `sap.s4.beh.salesorder.v1.SalesOrder.Changed.v1`. Of what was deleted nothing can be read. */
function objectOf({ type }: Pick<CloudEvent, 'type'>): ObjectName | undefined {
  const name = /\.(\w+)\.(?:Created|Changed)\.v\d+$/.exec(type)?.[1];
  return name !== undefined && Object.hasOwn(objects, name) ? (name as ObjectName) : undefined;
}

/** Undefined for events that the CRM does not use, and for those that bring the whole object along. */
export function readBackRequest(event: CloudEvent): ReadBackRequest | undefined {
  const name = objectOf(event);
  if (name === undefined) return undefined;
  const data = unwrapped(new Place(event.data, '/data'));
  if (isObject(name, data)) return undefined;
  const { service, set, expand } = objects[name];
  const key = encodeURIComponent(data.get(name).requiredText().replaceAll("'", "''"));
  return { service, path: `${set}('${key.replaceAll("'", '%27')}')`, expand };
}

const isObject = (name: ObjectName, data: Place): boolean =>
  name === 'BusinessPartner'
    ? data.get('BusinessPartnerCategory').present || data.get('to_BusinessPartnerAddress').present
    : data.get('SoldToParty').present;

/**
 * The delivery of an event together with what was read back for it, in the form that the mapper takes: the event's own
 * envelope, as its `time` is the version of what was read.
 *
 * @param text the answer of the OData service, unparsed
 */
export function withReadBack(delivery: Delivery, { data: _key, ...envelope }: CloudEvent, text: string): Delivery {
  const head = JSON.stringify({ specversion: '1.0', ...envelope, datacontenttype: 'application/json' });
  return {
    ...delivery,
    headers: { 'content-type': 'application/cloudevents+json' },
    body: `${head.slice(0, -1)},"data":${text}}`,
  };
}

/** Maps OData V2 objects: read back ones in their event's envelope (`withReadBack`), or bare. */
export function sap(delivery: Delivery, context: MappingContext): readonly Seen[] {
  const events = cloudEvents(delivery.headers, delivery.body);
  if (events) return events.flatMap((event) => sapEvent(event, delivery, context));
  return entities(new Place(parseExact(delivery.body))).flatMap((entity) => mapped(entity, delivery, context));
}

export const isSapEvent = (event: CloudEvent): boolean => event.type.startsWith('sap.s4.');

export function sapEvent(event: CloudEvent, delivery: Delivery, context: MappingContext): readonly Seen[] {
  if (objectOf(event) === undefined) return [];
  if (readBackRequest(event)) {
    throw new Unmappable('The event holds only a key: the object has to be read back first.', '/data');
  }
  const time = event.time === undefined ? undefined : instant(event.time, { pointer: '/time' });
  return entities(new Place(event.data as Exact, '/data')).flatMap((entity) => mapped(entity, delivery, context, time));
}

/** What a service answers with is in `d`. */
const unwrapped = (root: Place): Place => (root.get('d').present ? root.get('d') : root);

/** One object, `{results: […]}`, or a list. */
function entities(root: Place): Place[] {
  const data = unwrapped(root);
  if (Array.isArray(data.value)) return data.items();
  return data.get('results').present ? data.get('results').items() : [data.object()];
}

function mapped(entity: Place, delivery: Delivery, context: MappingContext, eventTime?: string): Seen[] {
  const sighting = new Sighting(delivery, context);
  if (entity.get('SalesOrder').present && isObject('SalesOrder', entity)) return order(sighting, entity, eventTime);
  if (isObject('BusinessPartner', entity)) return [partner(sighting, entity, eventTime)];
  throw new Unmappable('Neither A_BusinessPartner nor A_SalesOrder.', entity.pointer);
}

/** A navigation property that was expanded; nothing where it was not. */
function expanded(entity: Place, name: string): Place[] {
  const place = entity.get(name);
  if (Array.isArray(place.value)) return place.items();
  return place.get('results').items();
}

function moment(entity: Place, day: string, time?: string): string | undefined {
  const text = entity.get(day).text();
  const clock = time === undefined ? undefined : entity.get(time).text();
  if (text === undefined) return undefined;
  return odataInstant(text, { pointer: entity.get(day).pointer, ...(clock !== undefined && { time: clock }) });
}

const missing = (entity: Place, name: string) => new Unmappable('Missing.', entity.get(name).pointer);

function partner(sighting: Sighting, entity: Place, eventTime: string | undefined): Seen {
  // The event's time goes first: a changed address does not move the partner's own date of change, and that is in the
  // zone of the system, which it does not say.
  const at =
    eventTime ?? moment(entity, 'LastChangeDate', 'LastChangeTime') ?? moment(entity, 'CreationDate', 'CreationTime');
  if (at === undefined) throw missing(entity, 'LastChangeDate');
  // Sales orders name the customer number; with one numbering for both, as is usual, it is the partner's.
  const externalId = entity.get('Customer').text() ?? entity.get('BusinessPartner').requiredText();
  return sighting.customer({
    customerId: sighting.customerId(externalId),
    externalId,
    rank: 'profile',
    at,
    fields: { channel: 'sap', ...nameOf(entity), ...contactOf(entity), ...registrationOf(entity) },
  });
}

function nameOf(entity: Place): Partial<CustomerFields> {
  const text = (name: string) => entity.get(name).text();
  const whole = text('BusinessPartnerFullName') ?? text('BusinessPartnerName');
  const category = text('BusinessPartnerCategory');
  if (category === '1') {
    const givenName = text('FirstName');
    const familyName = text('LastName');
    const name = fullName(givenName, familyName) ?? whole;
    const birthDate = moment(entity, 'BirthDate');
    return {
      kind: 'person',
      ...(name !== undefined && { name }),
      ...(givenName !== undefined && { givenName }),
      ...(familyName !== undefined && { familyName }),
      ...(birthDate !== undefined && { birthDate: date(birthDate) }),
    };
  }
  const parts = [1, 2, 3, 4].map((n) => text(`OrganizationBPName${n}`)).filter((part) => part !== undefined);
  const name = whole ?? (parts.join(' ') || undefined);
  // 2 an organisation, 3 a group of people.
  return {
    ...(category === '2' && { kind: 'company' as const }),
    ...(name !== undefined && { name }),
    ...(category === '2' && name !== undefined && { companyName: name }),
  };
}

function contactOf(entity: Place): Partial<CustomerFields> {
  const places = expanded(entity, 'to_BusinessPartnerAddress');
  const found = (navigation: string, value: (one: Place) => string | undefined, isDefault: string) => {
    const all = places
      .flatMap((place) => expanded(place, navigation))
      .map((one) => ({ value: value(one), first: one.get(isDefault).flag() }))
      .filter((one): one is { value: string; first: boolean } => one.value !== undefined)
      .toSorted((a, b) => Number(b.first) - Number(a.first));
    return [...new Set(all.map((one) => one.value))];
  };
  const number = (one: Place) => one.get('InternationalPhoneNumber').text() ?? one.get('PhoneNumber').text();
  const mails = found('to_EmailAddress', (one) => one.get('EmailAddress').text(), 'IsDefaultEmailAddress');
  const calls = [
    ...new Set([
      ...found('to_MobilePhoneNumber', number, 'IsDefaultPhoneNumber'),
      ...found('to_PhoneNumber', number, 'IsDefaultPhoneNumber'),
    ]),
  ];
  const addresses = distinctAddresses(places.map((place, index) => addressFrom(place, index === 0)));
  return {
    ...(mails.length > 0 && { emails: mails.map((value, n) => ({ value, ...(n === 0 && { primary: true }) })) }),
    ...(calls.length > 0 && { phones: calls.map((value) => ({ value })) }),
    ...(addresses && { addresses }),
  };
}

function addressFrom(place: Place, primary: boolean) {
  const street = place.get('StreetName').text();
  const house = place.get('HouseNumber').text();
  const glue = /\p{Script=Han}/u.test(street ?? '') ? '' : ' ';
  return address({
    country: place.get('Country').text(),
    province: place.get('Region').text(),
    city: place.get('CityName').text(),
    district: place.get('District').text(),
    street: [street, house].filter((part) => part !== undefined).join(glue) || undefined,
    postcode: place.get('PostalCode').text(),
    ...(primary && { primary }),
  });
}

/** 统一社会信用代码: recognised by its form, as the number's type is up to each installation. */
function registrationOf(entity: Place): Partial<CustomerFields> {
  const code = expanded(entity, 'to_BusinessPartnerTax')
    .filter((tax) => tax.get('BPTaxType').text()?.startsWith('CN'))
    .map((tax) => tax.get('BPTaxNumber').text() ?? tax.get('BPTaxLongNumber').text())
    .find((number) => /^[0-9A-HJ-NP-RTUW-Y]{18}$/.test(number ?? ''));
  return code === undefined ? {} : { registrationNumber: code };
}

function order(sighting: Sighting, entity: Place, eventTime: string | undefined): Seen[] {
  const externalId = entity.get('SalesOrder').requiredText();
  const at =
    moment(entity, 'LastChangeDateTime') ??
    eventTime ??
    moment(entity, 'LastChangeDate') ??
    moment(entity, 'CreationDate');
  if (at === undefined) throw missing(entity, 'LastChangeDateTime');
  const placedAt = moment(entity, 'SalesOrderDate') ?? moment(entity, 'CreationDate');
  if (placedAt === undefined) throw missing(entity, 'SalesOrderDate');
  const account = entity.get('SoldToParty').requiredText();
  const customerId = sighting.customerId(account);

  const cancelled = entity.get('OverallSDDocumentRejectionSts').text() === 'C';
  // The net amount of the order leaves out rejected items. Where all are, they stay as what was once ordered.
  const items = expanded(entity, 'to_Item').filter(
    (item) => cancelled || item.get('SalesDocumentRjcnReason').text() === undefined,
  );
  const lines = items.map(line);
  const net = entity.get('TotalNetAmount').requiredDecimal();
  const tax = sum(lines.map((one) => one.tax));
  const done = entity.get('OverallSDProcessStatus').text() === 'C';
  return [
    // Only that there is such a customer: who it is, its own events say.
    sighting.customer({ customerId, externalId: account, rank: 'contact', at, fields: { channel: 'sap' } }),
    sighting.order({
      externalId,
      at,
      customerId,
      number: externalId,
      status: cancelled ? 'cancelled' : done ? 'completed' : 'open',
      currency: entity.get('TransactionCurrency').currency(),
      lines,
      taxIncluded: false,
      subtotal: net,
      // Conditions are within the net amounts of the items.
      discount: '0',
      tax,
      shipping: '0',
      total: sum([net, tax]),
      // Billing and payments are other documents.
      paid: '0',
      placedAt,
      ...(cancelled && { cancelledAt: at }),
    }),
  ];
}

function line(item: Place): SeenLine {
  const quantity = item.get('RequestedQuantity').decimal() ?? '1';
  const total = item.get('NetAmount').decimal() ?? '0';
  const productId = item.get('Material').text() ?? item.get('Product').text();
  const unit = item.get('RequestedQuantityUnit').text();
  return {
    lineId: item.get('SalesOrderItem').requiredText(),
    ...(productId !== undefined && { productId, sku: productId }),
    title: item.get('SalesOrderItemText').text() ?? productId ?? '',
    quantity,
    ...(unit !== undefined && { unit }),
    unitPrice: divided(total, quantity) ?? total,
    discount: '0',
    tax: item.get('TaxAmount').decimal() ?? '0',
    total,
  };
}
