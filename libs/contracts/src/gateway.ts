import { Type } from 'typebox';
import { SourceStamp, customerFields, ExternalId } from './customers.ts';
import { Personal, event, type EventOf } from './event.ts';
import { Currency, OneOf, Uuid } from './money.ts';
import { Refund, SnapshotStamp, orderFacts } from './sales.ts';

const text = Type.String();

export const connectionKinds = ['shopify', 'woocommerce', 'stripe', 'sap', 'cloudevents', 'json', 'kafka'] as const;
export type ConnectionKind = (typeof connectionKinds)[number];

/** What outside systems said, in the CRM's own words. `customerId` and `orderId` are the records they are about. */
export const seenEvents = {
  CustomerSeen: event('seen-customer', {
    customerId: Uuid,
    externalId: Type.Optional(Personal(ExternalId)),
    stamp: SourceStamp,
    ...customerFields,
  }),
  OrderSeen: event('seen-order', { orderId: Uuid, stamp: SnapshotStamp, ...orderFacts }),
  RefundSeen: event('seen-refund', { orderId: Uuid, currency: Type.Optional(Currency), ...Refund.properties }),
};
export type SeenEvent = EventOf<typeof seenEvents>;

export const connectionEvents = {
  ConnectionMade: event('connection', {
    name: text,
    kind: OneOf(connectionKinds),
    mapping: Type.Optional(Type.Unknown()),
    readBackUrl: Type.Optional(text),
  }),
  ConnectionChanged: event('connection', {
    name: Type.Optional(text),
    mapping: Type.Optional(Type.Unknown()),
    readBackUrl: Type.Optional(Type.Union([text, Type.Null()])),
    secretsChanged: Type.Optional(Type.Boolean()),
  }),
  ConnectionArchived: event('connection', {}),
};
export type ConnectionEvent = EventOf<typeof connectionEvents>;

export const peopleEvents = {
  UserAdded: event('user', { email: Personal(text), name: Personal(text), roles: Type.Array(text) }),
  ApiKeyIssued: event('api-key', { name: text, roles: Type.Array(text) }),
  ApiKeyRevoked: event('api-key', {}),
};
export type PeopleEvent = EventOf<typeof peopleEvents>;

export const organisationEvents = {
  OrganisationConfigured: event('organisation', {
    name: Type.Optional(text),
    /** IANA name: local dates of reports follow it. */
    timeZone: Type.Optional(text),
    baseCurrency: Type.Optional(Currency),
  }),
};
/** Where nothing was configured. Without a base currency every order counts in its own. */
export const defaultTimeZone = 'UTC';
export type OrganisationEvent = EventOf<typeof organisationEvents>;

export const gatewayEvents = { ...seenEvents, ...connectionEvents, ...peopleEvents, ...organisationEvents };
export type GatewayEvent = EventOf<typeof gatewayEvents>;
