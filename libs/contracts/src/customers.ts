import { Type, type Static, type TSchema } from 'typebox';
import { Personal, event, type EventOf, type Erased } from './event.ts';
import { DateText, InstantText, Uuid } from './money.ts';

const nullable = <T extends TSchema>(schema: T) => Type.Optional(Type.Union([schema, Type.Null()]));
const text = Type.String();

export const Email = Type.Object({
  value: text,
  label: Type.Optional(text),
  primary: Type.Optional(Type.Boolean()),
});
/** `value` is the number as entered, `e164` its normal form where it is a valid number. */
export const Phone = Type.Object({
  value: text,
  e164: Type.Optional(text),
  label: Type.Optional(text),
  primary: Type.Optional(Type.Boolean()),
});
export const Address = Type.Object({
  country: Type.Optional(text),
  province: Type.Optional(text),
  city: Type.Optional(text),
  district: Type.Optional(text),
  regionCode: Type.Optional(text),
  street: Type.Optional(text),
  postcode: Type.Optional(text),
  label: Type.Optional(text),
  primary: Type.Optional(Type.Boolean()),
});
export const Social = Type.Object({ network: text, value: text });

export type Email = Static<typeof Email>;
export type Phone = Static<typeof Phone>;
export type Address = Static<typeof Address>;
export type Social = Static<typeof Social>;

const personal = <T extends TSchema>(schema: T) => Personal(Type.Union([schema, Type.Null()]));

/** The fields that a customer's record can carry; null clears one. */
export const customerFields = {
  kind: Type.Optional(Type.Union([Type.Literal('person'), Type.Literal('company')])),
  name: Type.Optional(personal(text)),
  givenName: Type.Optional(personal(text)),
  familyName: Type.Optional(personal(text)),
  companyName: Type.Optional(personal(text)),
  registrationNumber: nullable(text),
  title: Type.Optional(personal(text)),
  department: Type.Optional(personal(text)),
  emails: Type.Optional(personal(Type.Array(Email))),
  phones: Type.Optional(personal(Type.Array(Phone))),
  addresses: Type.Optional(personal(Type.Array(Address))),
  socials: Type.Optional(personal(Type.Array(Social))),
  /** The record's `type`, under a name that does not hide the event's own. */
  customerType: nullable(text),
  source: nullable(text),
  channel: nullable(text),
  campaign: nullable(text),
  industry: nullable(text),
  size: nullable(text),
  region: nullable(text),
  birthDate: Type.Optional(personal(DateText)),
  gender: Type.Optional(personal(text)),
  tags: nullable(Type.Array(text)),
  ownerId: nullable(Uuid),
  lifecycle: nullable(text),
  custom: Type.Optional(personal(Type.Record(text, Type.Unknown()))),
};

type Fields = { [K in keyof typeof customerFields]?: Static<(typeof customerFields)[K]> };
/** The same fields in clear, as commands carry them. */
export type CustomerFields = { [K in keyof Fields]?: Exclude<Fields[K], Erased | undefined> };
export type CustomerField = keyof CustomerFields;
export const customerFieldNames = Object.keys(customerFields) as CustomerField[];

/**
 * What a source's word weighs, compared as (rank, at, hash): a profile beats the contact details that an order brings
 * along, then the newer one wins, then the larger content hash, so that any order of arrival ends the same.
 */
export const SourceStamp = Type.Object({
  rank: Type.Union([Type.Literal('profile'), Type.Literal('contact')]),
  at: InstantText,
  hash: text,
});
export type SourceStamp = Static<typeof SourceStamp>;

export const ExternalId = Type.Object({ connectionId: Uuid, id: text });

export const customerEvents = {
  CustomerCreated: event('customer', {
    number: text,
    ...customerFields,
    emailsReserved: Type.Boolean(),
    externalId: Type.Optional(Personal(ExternalId)),
    stamp: Type.Optional(SourceStamp),
  }),
  /** Only the fields that changed; `stamp` where a source said so, over `confirmed` fields as well. */
  CustomerDetailsChanged: event('customer', {
    ...customerFields,
    emailsReserved: Type.Boolean(),
    stamp: Type.Optional(SourceStamp),
    confirmed: Type.Optional(Type.Array(text)),
  }),
  /** A source repeated what is known already, in a newer version: the fields hold as of then. */
  CustomerConfirmed: event('customer', { stamp: SourceStamp, confirmed: Type.Array(text) }),
  CustomerArchived: event('customer', {}),
  CustomerRestored: event('customer', {}),
};
export type CustomerEvent = EventOf<typeof customerEvents>;
