import {
  DateText,
  InstantText,
  MoneyAnswer,
  OneOf,
  Uuid,
  consentWays,
  contactChannels,
  exportFormats,
  fieldClasses,
  fieldGroups,
  lawfulBases,
  type ExportFormat,
} from '@throughline/contracts';
import { Actor, orNull } from '@throughline/service';
import { IsIn, IsOptional } from 'class-validator';
import { Type } from 'typebox';

const text = Type.String();
const anything = Type.Record(text, Type.Unknown());
const word = {
  kind: OneOf(['given', 'withdrawn'] as const),
  at: InstantText,
  how: OneOf(consentWays),
  reference: Type.Optional(text),
  basis: Type.Optional(OneOf(lawfulBases)),
  textVersion: Type.Optional(text),
  language: Type.Optional(text),
  page: Type.Optional(text),
  expiresOn: Type.Optional(DateText),
  expired: Type.Optional(Type.Boolean()),
};
const field = Type.Object(
  {
    field: text,
    label: text,
    group: OneOf(fieldGroups),
    groupLabel: text,
    personal: Type.Boolean(),
    class: OneOf(fieldClasses),
    value: Type.Unknown(),
    valueLabels: orNull(Type.Array(text)),
    source: text,
    sourceLabel: text,
    actor: orNull(Actor),
    at: orNull(InstantText),
  },
  { title: 'PersonalField' },
);
const told = Type.Object(
  {
    ...word,
    purpose: text,
    label: text,
    description: orNull(text),
    channel: orNull(OneOf(contactChannels)),
    channelLabel: orNull(text),
    state: OneOf(['given', 'withdrawn', 'expired', 'none'] as const),
    basisLabel: orNull(text),
    text: orNull(text),
  },
  { title: 'PersonalConsent' },
);
const recordTold = Type.Object(
  {
    id: Uuid,
    number: text,
    createdAt: InstantText,
    fields: Type.Array(field),
    sources: Type.Array(Type.Object({ connectionId: Uuid, connection: text, id: text })),
  },
  { title: 'PersonalRecord' },
);
const happened = Type.Object({
  at: InstantText,
  type: text,
  recordId: Uuid,
  actor: Actor,
  source: orNull(text),
  data: anything,
});
const formTold = Type.Object(
  {
    formId: Uuid,
    form: text,
    at: InstantText,
    page: orNull(text),
    utm: orNull(Type.Record(text, text)),
    language: OneOf(['zh', 'en'] as const),
  },
  { title: 'PersonalForm' },
);
export const PersonalData = Type.Object(
  {
    customerId: Uuid,
    language: OneOf(['zh', 'en'] as const),
    exportedAt: InstantText,
    records: Type.Array(recordTold),
    doNotContact: orNull(Type.Object({ since: InstantText, how: text })),
    consents: Type.Array(told),
    consentHistory: Type.Array(
      Type.Object(
        { ...word, purpose: text, channel: Type.Optional(OneOf(contactChannels)) },
        { title: 'ConsentEntry' },
      ),
    ),
    forms: Type.Array(formTold),
    orders: Type.Array(anything),
    deals: Type.Array(anything),
    interactions: Type.Array(anything),
    history: Type.Array(happened),
    exports: Type.Array(Type.Object({ at: InstantText, actor: Actor, format: OneOf(exportFormats) })),
  },
  { title: 'PersonalData' },
);

const count = Type.Integer();
export const Impact = Type.Object(
  {
    customerId: Uuid,
    records: count,
    sources: count,
    openDeals: Type.Object({ count, value: Type.Array(MoneyAnswer) }),
    closedDeals: count,
    orders: Type.Object({ count, open: count }),
    interactions: count,
    plannedFollowUps: count,
    consents: count,
    staff: count,
    subsidiaries: count,
    referred: count,
  },
  { title: 'Impact' },
);

export class PersonalDataQuery {
  @IsOptional() @IsIn(exportFormats) format?: ExportFormat;
  /** Of the labels; as `Accept-Language` says unless given. */
  @IsOptional() @IsIn(['zh', 'en']) language?: 'zh' | 'en';
}
