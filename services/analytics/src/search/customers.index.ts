import { customerDocument, type CustomerDocument } from './customer-document.view.ts';
import { present, type RecordType } from './record-type.ts';

const address = ({ addresses = [] }: CustomerDocument) => addresses.find(({ primary }) => primary) ?? addresses[0];

export const customers: RecordType<CustomerDocument> = {
  type: 'customers',
  version: 3,
  document: customerDocument,
  customer: 'id',
  fields: {
    id: { type: 'keyword' },
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
    emails: { type: 'tags', from: ({ emails = [] }) => emails.map(({ value }) => value) },
    phones: { type: 'tags', from: ({ phones = [] }) => phones.flatMap(({ value, e164 }) => present(value, e164)) },
    country: { type: 'text', facet: true, from: (doc) => address(doc)?.country },
    province: { type: 'text', facet: true, from: (doc) => address(doc)?.province },
    city: { type: 'text', facet: true, from: (doc) => address(doc)?.city },
    district: { type: 'text', facet: true, from: (doc) => address(doc)?.district },
    type: { type: 'keyword', facet: true },
    source: { type: 'keyword', facet: true },
    channel: { type: 'keyword', facet: true },
    campaign: { type: 'keyword', facet: true },
    industry: { type: 'text', facet: true },
    size: { type: 'keyword', facet: true },
    region: { type: 'text', facet: true },
    birthDate: { type: 'date' },
    gender: { type: 'keyword', facet: true },
    tags: { type: 'tags', facet: true },
    ownerId: { type: 'keyword', facet: true, often: 'desc' },
    lifecycle: { type: 'keyword', facet: true },
    connections: { type: 'tags', facet: true, from: (doc) => doc.externalIds.map(({ connectionId }) => connectionId) },
    archived: { type: 'boolean', facet: true },
    revenue: { type: 'money', often: 'desc' },
    revenueCurrency: { type: 'keyword', facet: true, from: ({ revenue }) => revenue?.currency },
    orderCount: { type: 'number' },
    lastOrderAt: { type: 'instant', often: 'desc' },
    lastInteractionAt: { type: 'instant', often: 'desc' },
    createdAt: { type: 'instant', often: 'desc' },
    updatedAt: { type: 'instant', often: 'desc' },
  },
  beside: ['revenueOther', 'addresses', 'socials', 'custom', 'externalIds', 'records'],
  sort: '-createdAt',
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
