import { Type, type Static, type TSchema } from 'typebox';
import { customerFields } from './customers.ts';
import { Personal, described, event, type EventOf } from './event.ts';
import { OneOf, Uuid } from './money.ts';

const text = Type.String();
const orNull = <T extends TSchema>(schema: T) => Type.Optional(Type.Union([schema, Type.Null()]));

/** A text for people, in the languages that there are. */
export const FormText = Type.Object({ en: Type.Optional(text), zh: Type.Optional(text) }, { title: 'FormText' });
export type FormText = Static<typeof FormText>;

export const FormField = Type.Object(
  {
    field: described(text, 'What is asked for: a field of the customer, or `custom.<name>`.'),
    label: Type.Optional(FormText),
    help: Type.Optional(FormText),
    required: Type.Optional(Type.Boolean()),
  },
  { title: 'FormField' },
);
export type FormField = Static<typeof FormField>;

export const FormPurpose = Type.Object(
  { purpose: text, channel: Type.Optional(text) },
  { title: 'FormPurpose', description: 'What is agreed to, and through which channel where it is about one.' },
);
export const FormConsent = Type.Object(
  {
    text: FormText,
    version: described(Type.Integer({ minimum: 1 }), 'Counted up whenever text or purposes change.'),
    purposes: Type.Array(FormPurpose),
    required: described(Type.Boolean(), 'Whether nothing is taken without it.'),
  },
  { title: 'FormConsent' },
);
export type FormConsent = Static<typeof FormConsent>;

/** What a person agreed to by a form: text and language are found in the form's history by the version. */
export const FormAgreement = Type.Object(
  { ...FormPurpose.properties, textVersion: Type.Integer({ minimum: 1 }), language: OneOf(['en', 'zh']) },
  { title: 'FormAgreement' },
);
export type FormAgreement = Static<typeof FormAgreement>;

const settings = {
  description: orNull(FormText),
  consent: orNull(FormConsent),
  source: described(orNull(text), 'Where customers of this form come from; `web-form` where it is not said.'),
  channel: orNull(text),
  campaign: described(orNull(text), 'The campaign where the page’s address names none.'),
  redirect: described(orNull(text), 'Where people are sent afterwards.'),
};
const name = described(text, 'What people call it.');
const origins = described(Type.Array(text), 'Sites whose pages may send it.');

export const formEvents = {
  FormMade: event(
    'form',
    {
      key: described(text, 'What its public address ends with.'),
      name,
      title: FormText,
      fields: Type.Array(FormField),
      origins,
      active: Type.Boolean(),
      ...settings,
    },
    { description: 'A form for everybody was made.' },
  ),
  FormChanged: event(
    'form',
    {
      name: Type.Optional(name),
      title: Type.Optional(FormText),
      fields: Type.Optional(Type.Array(FormField)),
      origins: Type.Optional(origins),
      active: Type.Optional(Type.Boolean()),
      ...settings,
    },
    { description: 'A form was changed. Only what changed is given; null clears it.' },
  ),
  FormArchived: event('form', {}, { description: 'The form takes nothing in any more.' }),
  FormSubmitted: event(
    'form-submission',
    {
      customerId: described(Uuid, 'The record that it makes; the stream has the same id.'),
      formId: Uuid,
      ...customerFields,
      consents: described(Type.Optional(Type.Array(FormAgreement)), 'What the person agreed to.'),
      language: described(OneOf(['en', 'zh']), 'In which the form was shown.'),
      page: described(Type.Optional(Personal(text)), 'Address of the page that it was sent from.'),
      utm: described(Type.Optional(Personal(Type.Record(text, text))), 'Parameters of the campaign, without `utm_`.'),
      addressHash: described(Type.Optional(Personal(text)), 'Keyed hash of the IP address: proof, and nothing more.'),
    },
    { description: 'Somebody filled in a form, for the first time and without looking like spam.' },
  ),
};
export type FormEvent = EventOf<typeof formEvents>;
