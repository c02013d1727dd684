import { Type, type Static } from 'typebox';
import { Personal, described, event, type EventOf } from './event.ts';
import { DateText, InstantText, OneOf, Uuid } from './money.ts';

export const contactChannels = ['email', 'phone', 'sms', 'messenger', 'post'] as const;
export type ContactChannel = (typeof contactChannels)[number];

/** What the law lets personal data be used on: GDPR article 6, PIPL article 13. */
export const lawfulBases = [
  'consent',
  'contract',
  'legal-obligation',
  'vital-interest',
  'public-interest',
  'legitimate-interest',
  'made-public',
] as const;
export type LawfulBasis = (typeof lawfulBases)[number];

export const consentWays = ['form', 'paper', 'phone', 'email', 'in-person', 'link', 'import', 'api'] as const;
export type ConsentWay = (typeof consentWays)[number];

const text = Type.String();
const ofCustomer = { subject: 'customerId' };
const customerId = described(Uuid, 'The customer’s record that it was said about, and whose it stays after a merge.');
const purpose = described(text, 'Key of the purpose.');
const channel = described(Type.Optional(OneOf(contactChannels)), 'The channel; every one where it is left out.');
const how = described(OneOf(consentWays), 'In which way it was said.');
const reference = described(
  Type.Optional(Personal(text, ofCustomer)),
  'Where the proof is: a form’s or a call’s number.',
);
const language = described(text, 'Language of the text, as BCP 47 has it.');
const textVersion = described(text, 'Which version of the text the person was shown.');
const expiresOn = described(DateText, 'The last day, UTC, on which it holds.');

export const Bilingual = Type.Object({ zh: text, en: text }, { title: 'Bilingual', description: 'A text for people.' });
export type Bilingual = Static<typeof Bilingual>;

/** What a person allowed, a stream for each record, in customers. */
export const consentEvents = {
  ConsentGiven: event(
    'consent',
    {
      customerId,
      purpose,
      channel,
      basis: described(OneOf(lawfulBases), 'The lawful basis.'),
      textVersion: Type.Optional(textVersion),
      language: Type.Optional(language),
      how,
      reference,
      page: described(Type.Optional(Personal(text, ofCustomer)), 'The page that the form was on.'),
      givenAt: described(InstantText, 'When it was given. This settles which word is the last one, not the arrival.'),
      expiresOn: Type.Optional(expiresOn),
    },
    { description: 'A person allowed a use of their data, or another lawful basis for it was noted.' },
  ),
  ConsentWithdrawn: event(
    'consent',
    { customerId, purpose, channel, how, reference, withdrawnAt: described(InstantText, 'When it was withdrawn.') },
    { description: 'A person objected to a use of their data, whether or not they had allowed it before.' },
  ),
  ConsentExpired: event(
    'consent',
    { customerId, purpose, channel, expiresOn },
    { description: 'The last day of what was given for this purpose and channel until then has passed.' },
  ),
  ContactForbidden: event(
    'consent',
    { customerId, how, forbiddenAt: described(InstantText, 'Since when.') },
    { description: 'A person wants not to be contacted at all. This beats every consent.' },
  ),
  ContactAllowed: event(
    'consent',
    { customerId, how, allowedAt: described(InstantText, 'Since when.') },
    { description: 'A person may be contacted again, as far as their consents go.' },
  ),
};
export type ConsentEvent = EventOf<typeof consentEvents>;

/** What consents are for, and the texts that people agree to: configuration, in customers. */
export const consentConfigurationEvents = {
  ConsentPurposeDefined: event(
    'consent-purposes',
    {
      key: purpose,
      label: described(Bilingual, 'What people call it.'),
      description: described(Type.Optional(Bilingual), 'What exactly is done with the data.'),
      channels: described(
        Type.Array(OneOf(contactChannels)),
        'How people may be contacted for it; none where they are not.',
      ),
      marketing: described(Type.Boolean(), 'Whether it is advertising.'),
    },
    { description: 'A purpose was defined, or defined anew.' },
  ),
  ConsentTextPublished: event(
    'consent-text',
    { purpose, textVersion, language, text: described(text, 'The text itself. It names nobody.') },
    { description: 'The text that people agree to, which never changes: another wording is another version.' },
  ),
};
export type ConsentPurposeEvent = EventOf<Pick<typeof consentConfigurationEvents, 'ConsentPurposeDefined'>>;
export type ConsentTextEvent = EventOf<Pick<typeof consentConfigurationEvents, 'ConsentTextPublished'>>;

export type ConsentPurpose = Omit<ConsentPurposeEvent, 'type'>;

const everyChannel = [...contactChannels];
/** The purposes that are there without anybody having defined one; one that is defined under the same key takes its place. */
export const builtInPurposes: readonly ConsentPurpose[] = [
  {
    key: 'marketing',
    label: { zh: '营销推广', en: 'Marketing' },
    description: { zh: '向您介绍产品、服务和优惠。', en: 'To tell you about products, services and offers.' },
    channels: everyChannel,
    marketing: true,
  },
  {
    key: 'newsletter',
    label: { zh: '新闻简报', en: 'Newsletter' },
    description: { zh: '定期向您发送新闻简报。', en: 'To send you our regular newsletter.' },
    channels: ['email', 'messenger'],
    marketing: true,
  },
  {
    key: 'profiling',
    label: { zh: '用户画像', en: 'Profiling' },
    description: {
      zh: '根据您的购买和互动推断您的兴趣。',
      en: 'To conclude from purchases and conversations what may interest you.',
    },
    channels: [],
    marketing: false,
  },
  {
    key: 'service',
    label: { zh: '客户服务', en: 'Service' },
    description: { zh: '履行与您的约定并答复您的问题。', en: 'To do what we agreed with you, and to answer you.' },
    channels: everyChannel,
    marketing: false,
  },
];

/** The purposes with one defined, or defined anew. */
export const withPurpose = (purposes: readonly ConsentPurpose[], defined: ConsentPurpose): readonly ConsentPurpose[] =>
  purposes.some(({ key }) => key === defined.key)
    ? purposes.map((one) => (one.key === defined.key ? defined : one))
    : [...purposes, defined];
