/** What a single value of a message can become. */
export type ValueKind = 'text' | 'decimal' | 'instant' | 'date' | 'boolean' | 'currency' | readonly string[];

export type Target =
  | { value: ValueKind; required?: true }
  /** `each` and `fields`; with `of`, a pointer to a text or a list of texts does as well. */
  | { list: Targets; of?: string }
  | { texts: true }
  | { object: Targets };
export type Targets = Readonly<Record<string, Target>>;

const text: Target = { value: 'text' };
const requiredText: Target = { value: 'text', required: true };
const amount: Target = { value: 'decimal' };

/** Fields of a customer that a mapping can fill; also `custom.<name>` for every custom field. */
export const customerTargets: Targets = {
  externalId: text,
  updatedAt: { value: 'instant' },
  kind: { value: ['person', 'company'] },
  name: text,
  givenName: text,
  familyName: text,
  companyName: text,
  registrationNumber: text,
  title: text,
  department: text,
  standing: text,
  email: text,
  emails: { list: { value: requiredText, label: text, primary: { value: 'boolean' } }, of: 'value' },
  phone: text,
  phones: { list: { value: requiredText, label: text, primary: { value: 'boolean' } }, of: 'value' },
  addresses: {
    list: {
      country: text,
      province: text,
      city: text,
      district: text,
      regionCode: text,
      street: text,
      postcode: text,
      label: text,
      primary: { value: 'boolean' },
      use: { value: ['post', 'visit'] },
    },
  },
  socials: { list: { network: requiredText, value: requiredText, label: text, primary: { value: 'boolean' } } },
  /** `customerType` in events. */
  type: text,
  source: text,
  channel: text,
  campaign: text,
  industry: text,
  size: text,
  region: text,
  birthDate: { value: 'date' },
  gender: text,
  tags: { texts: true },
  lifecycle: text,
  productInterests: { texts: true },
  hobbies: { texts: true },
  referralChannel: text,
};

/** Fields of an order that a mapping can fill. */
export const orderTargets: Targets = {
  externalId: requiredText,
  updatedAt: { value: 'instant' },
  /** The source's key of the customer, where there is nothing else to say of them. */
  customerId: text,
  customer: { object: customerTargets },
  number: text,
  status: { value: ['open', 'completed', 'cancelled'] },
  currency: { value: 'currency', required: true },
  lines: {
    list: {
      lineId: text,
      productId: text,
      sku: text,
      title: text,
      quantity: amount,
      unit: text,
      unitPrice: amount,
      discount: amount,
      tax: amount,
      total: amount,
    },
  },
  taxIncluded: { value: 'boolean' },
  subtotal: amount,
  discount: amount,
  tax: amount,
  shipping: amount,
  total: { value: 'decimal', required: true },
  paid: amount,
  placedAt: { value: 'instant', required: true },
  cancelledAt: { value: 'instant' },
  note: text,
  refunds: {
    list: {
      refundId: requiredText,
      amount: { value: 'decimal', required: true },
      at: { value: 'instant', required: true },
    },
  },
};

/** Formats by what they make; the first one is taken where none is given. */
export const formats = {
  text: ['text', 'uppercase', 'lowercase', 'html'],
  decimal: ['decimal', 'decimal-comma', 'cents'],
  instant: ['date-time', 'date', 'epoch-seconds', 'epoch-milliseconds', 'odata'],
  date: ['date'],
  boolean: ['boolean'],
  currency: ['uppercase', 'text'],
} as const;
export type Format = (typeof formats)[keyof typeof formats][number];

export const formatsOf = (kind: ValueKind): readonly Format[] =>
  typeof kind === 'string' ? formats[kind] : ['text', 'uppercase', 'lowercase'];

export const targetsOf = { customer: { ...customerTargets, externalId: requiredText }, order: orderTargets } as const;
