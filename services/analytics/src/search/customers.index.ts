import { cleanGender } from '@throughline/language';
import { customerDocument, type CustomerDocument } from './customer-document.view.ts';
import { present, type RecordType } from './record-type.ts';

/** Whole years from one day to another. */
const yearsBetween = (from: string, until: string): number =>
  Number(until.slice(0, 4)) - Number(from.slice(0, 4)) - (until.slice(5) < from.slice(5) ? 1 : 0);

/** In the words that it is kept in today, whatever it was called when it was recorded. */
const genderOf = (text: string): string => cleanGender(text).value;

const address = ({ addresses = [] }: CustomerDocument) => addresses.find(({ primary }) => primary) ?? addresses[0];

/**
 * A division with those that it lies in, the largest first: a code of GB/T 2260 holds the province in its first two
 * digits, the city in the next two. So the filter `{"regionCode": "330000"}` finds all of 浙江省.
 */
const divisionsOf = (code: string): string[] =>
  /^\d{6}$/.test(code) ? [...new Set([`${code.slice(0, 2)}0000`, `${code.slice(0, 4)}00`, code])] : [code];

export const customers: RecordType<CustomerDocument> = {
  type: 'customers',
  version: 7,
  document: customerDocument,
  fields: {
    id: { type: 'keyword', customer: true },
    number: { type: 'keyword', often: 'asc' },
    numbers: { type: 'tags' },
    kind: { type: 'keyword', facet: true },
    name: { type: 'text', often: 'asc' },
    givenName: { type: 'text' },
    familyName: { type: 'text' },
    companyName: { type: 'text', facet: true },
    registrationNumber: { type: 'keyword' },
    title: { type: 'text', facet: true },
    department: { type: 'text', facet: true },
    standing: { type: 'keyword', facet: true },
    employerId: { type: 'keyword', customer: true, facet: true },
    parentId: { type: 'keyword', customer: true, facet: true },
    emails: { type: 'tags', from: ({ emails = [] }) => emails.map(({ value }) => value) },
    phones: { type: 'tags', from: ({ phones = [] }) => phones.flatMap(({ value, e164 }) => present(value, e164)) },
    country: { type: 'text', facet: true, from: (doc) => address(doc)?.country },
    province: { type: 'text', facet: true, from: (doc) => address(doc)?.province },
    city: { type: 'text', facet: true, from: (doc) => address(doc)?.city },
    district: { type: 'text', facet: true, from: (doc) => address(doc)?.district },
    regionCode: { type: 'tags', facet: true, from: (doc) => present(address(doc)?.regionCode).flatMap(divisionsOf) },
    socials: { type: 'tags', from: ({ socials = [] }) => socials.map(({ value }) => value) },
    type: { type: 'keyword', facet: true },
    typeSetBy: { type: 'keyword', facet: true },
    derivedType: { type: 'keyword', facet: true },
    source: { type: 'keyword', facet: true },
    channel: { type: 'keyword', facet: true },
    campaign: { type: 'keyword', facet: true },
    industry: { type: 'text', facet: true },
    size: { type: 'keyword', facet: true },
    region: { type: 'text', facet: true },
    birthDate: { type: 'date' },
    gender: { type: 'keyword', facet: true, from: ({ gender }) => gender && genderOf(gender), now: genderOf },
    tags: { type: 'tags', facet: true },
    ownerId: { type: 'keyword', facet: true, often: 'desc' },
    lifecycle: { type: 'keyword', facet: true },
    lifecycleSince: { type: 'instant', often: 'desc' },
    lifecycleSetBy: { type: 'keyword', facet: true },
    productInterests: { type: 'tags', facet: true },
    hobbies: { type: 'tags', facet: true },
    competitors: { type: 'tags', facet: true, from: ({ competitors = [] }) => competitors.map(({ name }) => name) },
    satisfaction: { type: 'number', from: ({ review }) => review?.satisfaction },
    referredBy: { type: 'keyword', customer: true, facet: true },
    referralChannel: { type: 'keyword', facet: true },
    connections: { type: 'tags', facet: true, from: (doc) => doc.externalIds.map(({ connectionId }) => connectionId) },
    archived: { type: 'boolean', facet: true },
    doNotContact: { type: 'boolean', facet: true },
    marketingEmail: { type: 'keyword', facet: true },
    marketingPhone: { type: 'keyword', facet: true },
    marketingSms: { type: 'keyword', facet: true },
    marketingMessenger: { type: 'keyword', facet: true },
    marketingPost: { type: 'keyword', facet: true },
    consents: { type: 'tags', facet: true },
    optOuts: { type: 'tags', facet: true },
    revenue: { type: 'money', often: 'desc' },
    revenueCurrency: { type: 'keyword', facet: true, from: ({ revenue }) => revenue?.currency },
    orderCount: { type: 'number' },
    firstOrderAt: { type: 'instant' },
    lastOrderAt: { type: 'instant', often: 'desc' },
    lastInteractionAt: { type: 'instant', often: 'desc' },
    quality: { type: 'number', often: 'asc' },
    qualityIssues: { type: 'tags', facet: true },
    createdAt: { type: 'instant', often: 'desc' },
    updatedAt: { type: 'instant', often: 'desc' },
  },
  beside: [
    'version',
    'age',
    'revenueOther',
    'addresses',
    'productNeeds',
    'servicePreference',
    'review',
    'custom',
    'externalIds',
    'records',
  ],
  derived: ({ birthDate }, today) => (birthDate ? { age: yearsBetween(birthDate, today) } : {}),
  sort: '-createdAt',
  open: ({ custom }) => custom,
  title: ({ name, companyName, number }) => name ?? companyName ?? number,
  search: (doc) => ({
    name: present(doc.name, doc.companyName, present(doc.givenName, doc.familyName).join(' ')),
    text: [
      ...present(doc.title, doc.department, doc.industry, doc.region),
      ...(doc.addresses ?? []).map(({ country, province, city, district, street, postcode }) =>
        present(country, province, city, district, street, postcode).join(' '),
      ),
      ...(doc.socials ?? []).map(({ value }) => value),
      ...(doc.tags ?? []),
      ...(doc.productInterests ?? []),
      ...(doc.hobbies ?? []),
      ...present(doc.productNeeds?.function, doc.productNeeds?.performance, doc.productNeeds?.price),
      ...present(doc.servicePreference?.channel, doc.servicePreference?.times),
      ...present(doc.review?.suggestion, doc.referralChannel),
      ...(doc.competitors ?? []).flatMap(({ name, product, strengths, weaknesses, strategy, comment }) =>
        present(name, product, strengths, weaknesses, strategy, comment),
      ),
      ...Object.values(doc.custom ?? {}).filter((value) => typeof value === 'string'),
    ],
    email: (doc.emails ?? []).map(({ value }) => value),
    phone: (doc.phones ?? []).map(({ value, e164 }) => e164 ?? value),
    code: present(...doc.numbers, doc.registrationNumber, ...doc.externalIds.map(({ id }) => id)),
  }),
  // As the customers service reads numbers without a country code.
  country: (doc) => {
    const code = address(doc)?.country;
    return code?.length === 2 ? code.toUpperCase() : 'CN';
  },
};
