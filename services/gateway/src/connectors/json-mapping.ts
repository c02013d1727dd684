import type { ConnectionKind, CustomerFields } from '@throughline/contracts';
import { checkMapping } from './check-mapping.ts';
import type { CloudEvent } from './cloudevents.ts';
import { type Delivery, type MappingContext, type Seen, Unmappable } from './connector.ts';
import { absolute, divided, minus, sum, times } from './decimals.ts';
import { type Exact, parseExact } from './exact-json.ts';
import { epoch, instant } from './instants.ts';
import { customerTargets, orderTargets } from './mapping-targets.ts';
import { Fields, type ListRule, members, type ObjectRule, type ValueRule } from './mapped-fields.ts';
import { Place } from './place.ts';
import { address, emails, fullName, given, phones, Sighting, type SeenLine } from './seen.ts';

export { checkMapping, type MappingError } from './check-mapping.ts';
export type { ListRule, ObjectRule, ValueRule } from './mapped-fields.ts';

/**
 * How to read somebody's own JSON. A connection has one or several, for example one for customers and one for orders.
 * Of a CloudEvent the root is the event: pointers start with `/data`.
 */
export type Mapping = {
  object: 'customer' | 'order';
  /** Pointer from the root to an array of records. A root that is an array is one of records by itself. */
  each?: string;
  /** Pointer from the root -> the value, or one of the values, that must be there. Other messages are left alone. */
  when?: Readonly<Record<string, string | number | boolean | readonly (string | number | boolean)[]>>;
  fields: Readonly<Record<string, ValueRule | ListRule | ObjectRule>>;
};

/** Maps the body of a delivery by the connection's mapping. */
export const jsonMapping = (delivery: Delivery, context: MappingContext, channel: ConnectionKind): readonly Seen[] =>
  recordsOf(new Place(parseExact(delivery.body)), delivery, context, sentAt(delivery), channel);

/** The same for CloudEvents, whose own time is the version of what says none. */
export function cloudEventRecords(
  events: readonly CloudEvent[],
  delivery: Delivery,
  context: MappingContext,
  channel: ConnectionKind,
): readonly Seen[] {
  return events.flatMap((event) => {
    const at = event.time === undefined ? sentAt(delivery) : instant(event.time, { pointer: '/time' });
    return recordsOf(new Place(event as Exact), delivery, context, at, channel);
  });
}

/** The version of what says none: when it was sent, else when it came. Both stay with the delivery. */
function sentAt({ headers, receivedAt }: Delivery): string {
  const sent = headers['webhook-timestamp'];
  return sent !== undefined && /^\d{1,12}$/.test(sent)
    ? epoch(sent, 'seconds')
    : instant(receivedAt, { timeZone: 'UTC' });
}

const checked = new WeakSet<object>();
function mappingsOf(mapping: unknown): readonly Mapping[] {
  if (typeof mapping !== 'object' || mapping === null) throw new Unmappable('The connection has no mapping.');
  if (!checked.has(mapping)) {
    const [error] = checkMapping(mapping);
    if (error)
      throw new Unmappable(`The mapping of the connection cannot be used: ${error.code} at ${error.path || '/'}.`);
    checked.add(mapping);
  }
  return (Array.isArray(mapping) ? mapping : [mapping]) as readonly Mapping[];
}

function recordsOf(
  root: Place,
  delivery: Delivery,
  context: MappingContext,
  sent: string,
  channel: ConnectionKind,
): Seen[] {
  const sighting = new Sighting(delivery, context);
  return mappingsOf(context.mapping)
    .filter(({ when }) => matches(root, when))
    .flatMap((mapping) => {
      const start = mapping.each === undefined ? root : root.at(mapping.each);
      if (mapping.each !== undefined && !start.present) throw new Unmappable('Missing.', start.pointer);
      return members(start).flatMap((record) => {
        const fields = new Fields(
          record.object(),
          mapping.fields,
          mapping.object === 'order' ? orderTargets : customerTargets,
        );
        return mapping.object === 'order'
          ? order(fields, sighting, sent, channel)
          : [profile(fields, sighting, sent, channel)];
      });
    });
}

function matches(root: Place, when: Mapping['when']): boolean {
  return Object.entries(when ?? {}).every(([pointer, expected]) => {
    const { value } = root.at(pointer);
    return [expected]
      .flat()
      .some((one) => typeof value !== 'object' && value !== undefined && String(one) === String(value));
  });
}

function profile(fields: Fields, sighting: Sighting, sent: string, channel: ConnectionKind): Seen {
  const externalId = fields.need('externalId');
  return sighting.customer({
    customerId: sighting.customerId(externalId),
    externalId,
    rank: 'profile',
    at: fields.get('updatedAt') ?? sent,
    fields: customerFields(fields, channel),
  });
}

const plain = [
  'companyName',
  'registrationNumber',
  'title',
  'department',
  'standing',
  'source',
  'channel',
  'campaign',
  'industry',
  'size',
  'region',
  'birthDate',
  'gender',
  'lifecycle',
  'referralChannel',
] as const;

function customerFields(fields: Fields, channel: ConnectionKind): Partial<CustomerFields> {
  const givenName = fields.get('givenName');
  const familyName = fields.get('familyName');
  const tags = fields.texts('tags');
  const values: Partial<CustomerFields> = Object.fromEntries(
    plain.map((name) => [name, fields.get(name)] as const).filter(([, value]) => value !== undefined),
  );
  return {
    channel,
    ...values,
    ...given({
      kind: fields.get('kind') as 'person' | 'company' | undefined,
      name: fields.get('name') ?? fullName(givenName, familyName) ?? values.companyName ?? undefined,
      givenName,
      familyName,
      emails: contacts(fields, 'email') ?? emails(fields.get('email')),
      phones: contacts(fields, 'phone') ?? phones(fields.get('phone')),
      addresses: nonEmpty(
        fields
          .list('addresses')
          .map(addressOf)
          .filter((one) => one !== undefined),
      ),
      socials: nonEmpty(
        fields.list('socials').map((one) => ({
          network: one.need('network'),
          value: one.need('value'),
          ...given({ label: one.get('label'), primary: one.flag('primary') }),
        })),
      ),
      customerType: fields.get('type'),
      tags: nonEmpty(tags),
      productInterests: nonEmpty(fields.texts('productInterests')),
      hobbies: nonEmpty(fields.texts('hobbies')),
      custom: fields.custom,
    }),
  };
}

const nonEmpty = <T>(list: T[]): T[] | undefined => (list.length > 0 ? list : undefined);

function contacts(fields: Fields, name: 'email' | 'phone') {
  const listed = fields.list(`${name}s`).flatMap((one) => {
    const value = one.get('value');
    return value === undefined ? [] : [given({ value, label: one.get('label'), primary: one.flag('primary') })];
  });
  const plainOnes = fields
    .texts(`${name}s`)
    .map((value, index) => ({ value, ...(name === 'email' && index === 0 && { primary: true }) }));
  return nonEmpty([...listed, ...plainOnes]);
}

function addressOf(fields: Fields) {
  return address({
    country: fields.get('country'),
    province: fields.get('province'),
    city: fields.get('city'),
    district: fields.get('district'),
    regionCode: fields.get('regionCode'),
    street: fields.get('street'),
    postcode: fields.get('postcode'),
    label: fields.get('label'),
    primary: fields.flag('primary'),
    use: fields.get('use'),
  });
}

function order(fields: Fields, sighting: Sighting, sent: string, channel: ConnectionKind): Seen[] {
  const externalId = fields.need('externalId');
  const at = fields.get('updatedAt') ?? sent;
  const currency = fields.need('currency');
  const customer = fields.object('customer');
  const person = customer ? customerFields(customer, channel) : { channel };
  const account = customer?.get('externalId') ?? fields.get('customerId');
  const customerId =
    account === undefined
      ? sighting.guestId(externalId, person.emails?.[0]?.value, person.phones?.[0]?.value)
      : sighting.customerId(account);
  const lines = fields.list('lines').map(line);
  const total = fields.need('total');
  const cancelledAt = fields.get('cancelledAt');
  const status = (fields.get('status') ?? (cancelledAt === undefined ? 'open' : 'cancelled')) as
    'open' | 'completed' | 'cancelled';
  return [
    sighting.customer({ customerId, externalId: account, rank: 'contact', at, fields: person }),
    sighting.order({
      externalId,
      at,
      customerId,
      number: fields.get('number') ?? externalId,
      status,
      currency,
      lines,
      taxIncluded: fields.flag('taxIncluded') ?? false,
      subtotal: fields.get('subtotal') ?? (lines.length > 0 ? sum(lines.map((one) => one.total)) : total),
      discount: absolute(fields.get('discount') ?? '0'),
      tax: fields.get('tax') ?? '0',
      shipping: fields.get('shipping') ?? '0',
      total,
      paid: fields.get('paid') ?? '0',
      placedAt: fields.need('placedAt'),
      ...(cancelledAt !== undefined && { cancelledAt }),
      note: fields.get('note'),
    }),
    ...fields.list('refunds').map((refund) =>
      sighting.refund({
        orderExternalId: externalId,
        refundId: refund.need('refundId'),
        amount: absolute(refund.need('amount')),
        at: refund.need('at'),
        currency,
      }),
    ),
  ];
}

function line(fields: Fields, index: number): SeenLine {
  const quantity = fields.get('quantity') ?? '1';
  const discount = absolute(fields.get('discount') ?? '0');
  const said = fields.get('total');
  const price = fields.get('unitPrice');
  // One follows from the other; with neither, a line that costs nothing.
  const unitPrice = price ?? divided(sum([said ?? '0', discount]), quantity) ?? '0';
  const { productId, sku, unit } = {
    productId: fields.get('productId'),
    sku: fields.get('sku'),
    unit: fields.get('unit'),
  };
  return {
    lineId: fields.get('lineId') ?? String(index + 1),
    ...given({ productId, sku, unit }),
    title: fields.get('title') ?? sku ?? productId ?? '',
    quantity,
    unitPrice,
    discount,
    tax: fields.get('tax') ?? '0',
    total: said ?? minus(times(quantity, unitPrice), discount),
  };
}
