import { Type, type Static, type TSchema } from 'typebox';
import { customerMet } from './customer-met.ts';
import { Personal, described, event, type EventOf, type Erased, type StreamRef } from './event.ts';
import { DateText, InstantText, Money, OneOf, Uuid } from './money.ts';

const nullable = <T extends TSchema>(schema: T) => Type.Optional(Type.Union([schema, Type.Null()]));
const text = Type.String();

const label = described(Type.Optional(text), 'What it is used for, as entered: `work`, `家`.');
const primary = described(Type.Optional(Type.Boolean()), 'The one to use where there are several.');

export const Email = Type.Object({ value: text, label, primary }, { title: 'Email' });
export const Phone = Type.Object(
  {
    value: described(text, 'The number as entered.'),
    e164: described(Type.Optional(text), 'Its normal form, where it is a valid number.'),
    label,
    primary,
  },
  { title: 'Phone' },
);
export const Address = Type.Object(
  {
    country: described(Type.Optional(text), 'ISO 3166 code of two letters, or as entered.'),
    province: Type.Optional(text),
    city: Type.Optional(text),
    district: Type.Optional(text),
    regionCode: described(Type.Optional(text), 'Code of the administrative division, for example of GB/T 2260.'),
    street: described(Type.Optional(text), 'Street, house and whatever else stands before the district.'),
    postcode: Type.Optional(text),
    label,
    primary,
    use: described(Type.Optional(text), '`post`: for letters; `visit`: where to meet. Left out: for either.'),
  },
  { title: 'Address' },
);
export const Social = Type.Object(
  {
    network: described(text, 'For example `wechat`.'),
    value: described(text, 'The name or number there.'),
    label,
    primary,
  },
  { title: 'Social' },
);
export const ProductNeeds = Type.Object(
  { function: Type.Optional(text), performance: Type.Optional(text), price: Type.Optional(text) },
  { title: 'ProductNeeds' },
);
export const ServicePreference = Type.Object(
  {
    channel: described(Type.Optional(text), 'How to be served: `wechat`, `on site`.'),
    times: described(Type.Optional(text), 'When, as entered.'),
  },
  { title: 'ServicePreference' },
);
export const CompetitorSeen = Type.Object(
  {
    name: described(text, 'The competitor.'),
    product: Type.Optional(text),
    strengths: Type.Optional(text),
    weaknesses: Type.Optional(text),
    price: Type.Optional(Money),
    strategy: Type.Optional(text),
    comment: described(Type.Optional(text), 'What the customer says of it.'),
  },
  { title: 'CompetitorSeen' },
);
export const Review = Type.Object(
  {
    satisfaction: described(Type.Optional(Type.Integer({ minimum: 1, maximum: 5 })), '5 is best.'),
    suggestion: Type.Optional(text),
  },
  { title: 'Review' },
);

export type Email = Static<typeof Email>;
export type Phone = Static<typeof Phone>;
export type Address = Static<typeof Address>;
export type Social = Static<typeof Social>;
export type CompetitorSeen = Static<typeof CompetitorSeen>;

const personal = <T extends TSchema>(schema: T) => Personal(Type.Union([schema, Type.Null()]));

/** The fields that a customer's record can carry; null clears one. */
export const customerFields = {
  kind: described(Type.Optional(Type.Union([Type.Literal('person'), Type.Literal('company')])), 'Whom it is about.'),
  name: described(Type.Optional(personal(text)), 'The whole name, as it is shown.'),
  givenName: Type.Optional(personal(text)),
  familyName: Type.Optional(personal(text)),
  companyName: described(Type.Optional(personal(text)), 'The company, or the one that the person works for.'),
  registrationNumber: described(nullable(text), 'Number in a register of companies.'),
  title: described(Type.Optional(personal(text)), 'Position at work.'),
  department: Type.Optional(personal(text)),
  standing: described(
    Type.Optional(personal(text)),
    'Say in what is bought: `decision-maker`, `influencer`, `user`, …',
  ),
  employerId: described(Type.Optional(personal(Uuid)), 'The company that the person works for.'),
  parentId: described(nullable(Uuid), 'The company that this one belongs to.'),
  emails: Type.Optional(personal(Type.Array(Email))),
  phones: Type.Optional(personal(Type.Array(Phone))),
  addresses: Type.Optional(personal(Type.Array(Address))),
  socials: described(Type.Optional(personal(Type.Array(Social))), 'Accounts in social networks and messengers.'),
  customerType: described(nullable(text), 'The `type` of the record, under a name that does not hide the event’s own.'),
  source: described(nullable(text), 'Where the customer came from.'),
  channel: described(nullable(text), 'Through which channel.'),
  campaign: described(nullable(text), 'By which campaign.'),
  industry: nullable(text),
  size: described(nullable(text), 'Size of the company.'),
  region: described(nullable(text), 'Sales region.'),
  birthDate: Type.Optional(personal(DateText)),
  gender: Type.Optional(personal(text)),
  tags: nullable(Type.Array(text)),
  ownerId: described(nullable(Uuid), 'The employee who looks after the customer.'),
  lifecycle: described(nullable(text), 'Stage of the customer life cycle.'),
  productNeeds: described(Type.Optional(personal(ProductNeeds)), 'What a product has to be for them.'),
  servicePreference: described(Type.Optional(personal(ServicePreference)), 'How and when they like to be served.'),
  productInterests: described(Type.Optional(personal(Type.Array(text))), 'Products and kinds of them.'),
  hobbies: Type.Optional(personal(Type.Array(text))),
  competitors: described(Type.Optional(personal(Type.Array(CompetitorSeen))), 'What others offer them.'),
  review: described(Type.Optional(personal(Review)), 'What they think of us.'),
  referredBy: described(Type.Optional(personal(Uuid)), 'The customer who recommended us.'),
  referralChannel: described(nullable(text), 'Through which channel the recommendation came.'),
  custom: described(Type.Optional(personal(Type.Record(text, Type.Unknown()))), 'Fields of the installation’s own.'),
};

type Fields = { [K in keyof typeof customerFields]?: Static<(typeof customerFields)[K]> };
/** The same fields in clear, as commands carry them. */
export type CustomerFields = { [K in keyof Fields]?: Exclude<Fields[K], Erased | undefined> };
export type CustomerField = keyof CustomerFields;
export const customerFieldNames = Object.keys(customerFields) as CustomerField[];

/** What a view of records asks of an event: the record, or nothing where none of the fields that it reads was changed. */
export const recordTelling =
  (...fields: readonly CustomerField[]) =>
  ({ type, stream, data }: { type: string; stream: StreamRef; data: object }): string | undefined =>
    type !== 'CustomerDetailsChanged' || fields.some((field) => field in data) ? stream.id : undefined;

const hash = described(text, 'Keyed hash of the content: settles what has the same time.');

/**
 * A profile beats the contact details that an order brings along, then the newer one wins, then the larger content hash,
 * so that any order of arrival ends the same.
 */
export const SourceStamp = Type.Object(
  {
    rank: described(
      Type.Union([Type.Literal('profile'), Type.Literal('contact')]),
      '`profile`: from the account; `contact`: from an order.',
    ),
    at: described(InstantText, 'When the source changed it.'),
    hash,
  },
  { title: 'SourceStamp', description: 'What the word of a source weighs; compared as (rank, at, hash).' },
);
export type SourceStamp = Static<typeof SourceStamp>;

export const ExternalId = Type.Object(
  { connectionId: Uuid, id: described(text, 'Id in the source, as text.') },
  { title: 'ExternalId', description: 'What a record is called in the system that a connection leads to.' },
);

export const Correction = Type.Object(
  {
    path: described(
      text,
      'The value: `name`, `emails.0.value`; `addresses.0` where several parts of an entry changed.',
    ),
    rule: text,
    from: described(Type.Unknown(), 'What was entered; of an entry, the parts that changed.'),
    to: Type.Unknown(),
  },
  { title: 'Correction', description: 'How writing a value in its normal form changed it.' },
);
export const Reverted = Type.Object(
  {
    eventId: described(Uuid, 'The event that brought the corrections.'),
    path: described(text, 'As the corrections have it.'),
    rules: Type.Array(text),
    from: described(Type.Unknown(), 'What was entered, and holds again.'),
    to: Type.Unknown(),
  },
  {
    title: 'Reverted',
    description: 'Corrections of one value that were taken back. The same rules leave it alone now.',
  },
);
export const Inferred = Type.Object(
  {
    field: text,
    rule: described(text, 'What it follows from; `none` where nothing tells it any more, and it was cleared.'),
  },
  { title: 'Inferred', description: 'A field whose value nobody said: it follows from what other fields say.' },
);
export const Restored = Type.Object(
  {
    field: described(text, 'One of the installation’s own is `custom.<key>`.'),
    position: described(
      Type.Optional(Type.Integer({ minimum: 0 })),
      'Of the event that said what the field holds again; left out where the record had said nothing.',
    ),
    at: described(Type.Optional(InstantText), 'Since when it holds.'),
  },
  { title: 'Restored', description: 'A field that is as it was said before: the change since then was taken back.' },
);
export type Restored = Static<typeof Restored>;
export type Correction = Static<typeof Correction>;
export type Reverted = Static<typeof Reverted>;
export type Inferred = Static<typeof Inferred>;

const corrections = described(
  Type.Optional(Personal(Type.Array(Correction))),
  'What cleaning changed on the values given, step by step.',
);
const inferred = described(Type.Optional(Type.Array(Inferred)), 'Fields given here whose value nobody said.');
const emailsReserved = described(Type.Boolean(), 'Whether nobody else may have these e-mail addresses.');
export const reservable = ['phones', 'registrationNumber'] as const;
/** Besides e-mails, the fields whose values can be one customer's alone. */
export type Reservable = (typeof reservable)[number];
const reserved = described(
  Type.Optional(Type.Array(OneOf(reservable))),
  'The other fields whose values nobody else may have.',
);
export const UniqueValue = Type.Object(
  {
    rule: text,
    field: text,
    except: described(
      Type.Optional(Type.Array(Type.Integer({ minimum: 0 }))),
      'Places, among the values of the field that differ, of those that are not its own.',
    ),
  },
  { title: 'UniqueValue' },
);
export type UniqueValue = Static<typeof UniqueValue>;
const unique = described(
  Type.Optional(Type.Array(UniqueValue)),
  'The rules by which nobody else may have what these fields hold.',
);
const confirmed = described(Type.Array(text), 'Fields that the source repeated unchanged: they hold as of the stamp.');
const numberKey = described(Type.Optional(text), 'The number as it is compared, where that is another one.');
const mergeId = described(Uuid, 'The merge, or the unmerge: the same on every record that it concerns.');
const leftOut = described(
  Type.Optional(Type.Array(text)),
  'Fields whose values a source or a form gave and that were left out: of another type than theirs, or the `kind` of a company that others name.',
);
const stamp = described(SourceStamp, 'What it weighs, where a source said it.');

export const customerEvents = {
  CustomerCreated: event(
    'customer',
    {
      number: described(text, 'Number for people, given out once and never again.'),
      numberKey,
      ...customerFields,
      emailsReserved,
      reserved,
      unique,
      externalId: described(Type.Optional(Personal(ExternalId)), 'The record in its source, where it came from one.'),
      stamp: Type.Optional(stamp),
      leftOut,
      corrections,
      inferred,
    },
    { description: 'A customer’s record was made, by a person, a program or a source.' },
  ),
  CustomerDetailsChanged: event(
    'customer',
    {
      ...customerFields,
      emailsReserved,
      reserved,
      unique,
      unreserved: described(
        Type.Optional(Type.Array(Type.Integer({ minimum: 0 }))),
        'Places in `emails` of addresses that another record of the customer holds.',
      ),
      stamp: Type.Optional(stamp),
      confirmed: Type.Optional(confirmed),
      lifecycleSetBy: described(
        Type.Optional(Type.Literal('automatic')),
        'Where the stage follows from what the customer did; else somebody, or a source, said so.',
      ),
      leftOut,
      corrections,
      inferred,
      reverted: described(
        Type.Optional(Personal(Type.Array(Reverted))),
        'Corrections that this takes back: the values are as entered again.',
      ),
      restored: described(
        Type.Optional(Type.Array(Restored)),
        'Fields given here whose change is taken back: what is said of them is as old as it was.',
      ),
    },
    { description: 'Fields of the record changed. Only those are given; null clears one.' },
  ),
  CustomerConfirmed: event(
    'customer',
    { stamp, confirmed },
    { description: 'A source repeated what is known already, in a newer version.' },
  ),
  CustomerMet: customerMet,
  CustomerValuesClaimed: event(
    'customer',
    {
      unique: described(Type.Array(UniqueValue), 'The rules by which nobody else may have what these fields hold now.'),
      numberKey,
    },
    { description: 'Values that the record had before, and nobody else, became its own by a rule.' },
  ),
  CustomerSuggestionDismissed: event(
    'customer',
    {
      suggestionId: described(Personal(text), 'Made of the field, the rule and the value that it is about.'),
      rule: text,
    },
    { description: 'Somebody does not want what was suggested; another value may be suggested anew.' },
  ),
  CustomerArchived: event('customer', {}, { description: 'The record was put away; its claims are free again.' }),
  CustomerErased: event(
    'customer',
    { erasureId: described(Uuid, 'The erasure that follows from it.') },
    { description: 'The person is to be forgotten. The number stays; nothing else can be recorded here any more.' },
  ),
  CustomerRestored: event('customer', {}, { description: 'The record was taken out of the archive.' }),
  CustomersMerged: event(
    'customer',
    {
      mergeId,
      absorbed: described(Type.Array(Uuid), 'The records that are one customer with this one from now on.'),
      picks: described(Type.Optional(Type.Record(text, Uuid)), 'Field -> the record whose value was chosen by hand.'),
      rules: described(Type.Record(text, text), 'Field -> how its value is chosen among the records.'),
      sources: described(
        Type.Optional(Type.Record(text, Type.Array(text))),
        'Field -> the sources whose word goes before that of others, the first one before all.',
      ),
      reason: described(Type.Optional(personal(text)), 'Why they are the same, as entered.'),
      score: described(Type.Optional(Type.Number()), 'The weight of the match, where a match led to it.'),
    },
    { description: 'Other records were merged into this one. Facts keep the record that they came with.' },
  ),
  CustomerAbsorbed: event(
    'customer',
    {
      mergeId,
      into: described(Uuid, 'The record that it was merged into.'),
      goldenId: described(Uuid, 'The record at the top, which answers for it.'),
    },
    { description: 'Another record answers for this one from now on, or another than before.' },
  ),
  CustomersUnmerged: event(
    'customer',
    { mergeId, released: described(Type.Array(Uuid), 'The records that were taken out again.') },
    { description: 'Records that had been merged into this one stand for themselves again.' },
  ),
  CustomerReleased: event(
    'customer',
    { mergeId, from: described(Uuid, 'The record that it was merged into.') },
    { description: 'The record stands for itself again, with those that were merged into it.' },
  ),
};
export type CustomerEvent = EventOf<typeof customerEvents>;
