import { Type } from 'typebox';
import { SourceStamp, customerFields, ExternalId } from './customers.ts';
import { Personal, described, event, type EventOf } from './event.ts';
import { Currency, OneOf, Uuid } from './money.ts';
import { formEvents } from './forms.ts';
import { Refund, SnapshotStamp, orderFacts } from './sales.ts';

const text = Type.String();

export const connectionKinds = ['shopify', 'woocommerce', 'stripe', 'sap', 'cloudevents', 'json', 'kafka'] as const;
export type ConnectionKind = (typeof connectionKinds)[number];

const orderId = described(Uuid, 'The order’s record.');

/** What outside systems said, in the CRM's own words. `customerId` and `orderId` are the records they are about. */
export const seenEvents = {
  CustomerSeen: event(
    'seen-customer',
    {
      customerId: described(Uuid, 'The customer’s record.'),
      externalId: described(Type.Optional(Personal(ExternalId)), 'The account in the source, where there is one.'),
      stamp: SourceStamp,
      ...customerFields,
    },
    { description: 'A source said something of a customer. Only what it said is given; null clears a field.' },
  ),
  OrderSeen: event(
    'seen-order',
    { orderId, stamp: SnapshotStamp, ...orderFacts },
    { description: 'A source described an order, as a whole.' },
  ),
  RefundSeen: event(
    'seen-refund',
    {
      orderId,
      currency: described(Type.Optional(Currency), 'That of the order where it is left out.'),
      ...Refund.properties,
    },
    { description: 'A source said that money was given back.' },
  ),
};
export type SeenEvent = EventOf<typeof seenEvents>;

const name = described(text, 'What people call it.');
const mapping = described(Type.Optional(Type.Unknown()), 'How a generic source’s JSON becomes fields.');
const readBackUrl = described(text, 'Where the record that a notification names is read from.');
const roles = described(Type.Array(text), 'What the holder may do, for example `administrator`.');

export const connectionEvents = {
  ConnectionMade: event(
    'connection',
    { name, kind: OneOf(connectionKinds), mapping, readBackUrl: Type.Optional(readBackUrl) },
    { description: 'A connection to an outside system was made. Its secrets are in no event.' },
  ),
  ConnectionChanged: event(
    'connection',
    {
      name: Type.Optional(name),
      mapping,
      readBackUrl: Type.Optional(Type.Union([readBackUrl, Type.Null()])),
      secretsChanged: described(Type.Optional(Type.Boolean()), 'Whether a secret was replaced.'),
    },
    { description: 'A connection was configured anew. Only what changed is given.' },
  ),
  ConnectionArchived: event('connection', {}, { description: 'The connection takes nothing in any more.' }),
};
export type ConnectionEvent = EventOf<typeof connectionEvents>;

export const peopleEvents = {
  UserAdded: event(
    'user',
    { email: described(Personal(text), 'What the person signs in with.'), name: Personal(text), roles },
    { description: 'Somebody may sign in. The password is in no event.' },
  ),
  ApiKeyIssued: event('api-key', { name, roles }, { description: 'A key for programs was made, and shown once.' }),
  ApiKeyRevoked: event('api-key', {}, { description: 'The key is no longer valid.' }),
};
export type PeopleEvent = EventOf<typeof peopleEvents>;

export const organisationEvents = {
  OrganisationConfigured: event(
    'organisation',
    {
      name: Type.Optional(text),
      timeZone: described(Type.Optional(text), 'IANA name: local dates of reports follow it.'),
      baseCurrency: described(Type.Optional(Currency), 'What reports and rates of orders are in.'),
    },
    { description: 'Settings of the whole installation changed. Only what changed is given.' },
  ),
};
/** Where nothing was configured. Without a base currency every order counts in its own. */
export const defaultTimeZone = 'UTC';
export type OrganisationEvent = EventOf<typeof organisationEvents>;

export const gatewayEvents = {
  ...seenEvents,
  ...connectionEvents,
  ...formEvents,
  ...peopleEvents,
  ...organisationEvents,
};
export type GatewayEvent = EventOf<typeof gatewayEvents>;
