import type { Bounce, VerificationFailure } from './care.ts';
import type { CustomerField, CustomerFields } from './customers.ts';

type Weights = { readonly [F in CustomerField]?: number };

/** How much each field adds to what is known, by kind. */
const weights: Record<'person' | 'company', Weights> = {
  person: {
    name: 20,
    phones: 20,
    emails: 20,
    addresses: 10,
    ownerId: 10,
    source: 5,
    companyName: 5,
    title: 5,
    birthDate: 5,
  },
  company: {
    name: 20,
    registrationNumber: 15,
    phones: 15,
    emails: 15,
    addresses: 10,
    industry: 10,
    size: 5,
    ownerId: 5,
    source: 5,
  },
};
/** What each kind of fault takes away. */
const faults = { invalid: 15, bounced: 15, stale: 10, rule: 5 } as const;

export type Quality = {
  /** 0 to 100. */
  quality: number;
  /** `missing:<field>`, `invalid:<field>`, `bounced:emails`, `stale`, `rule:<id>`. */
  qualityIssues: readonly string[];
};
export type Checked = {
  fields: CustomerFields;
  bounced: readonly Bounce[];
  stale: boolean;
  /** What the last verification found; of it, what rules say. */
  failures?: readonly VerificationFailure[];
};

const isThere = (value: unknown) =>
  value !== undefined && value !== null && value !== '' && !(Array.isArray(value) && value.length === 0);
const address = /^[^\s@]+@[^\s@.]+(\.[^\s@.]+)+$/;
/** Whether two ways of writing an address lead to the same mailbox. */
export const sameAddress = (a: string, b: string): boolean => a.trim().toLowerCase() === b.trim().toLowerCase();

function isRealDay(day: string): boolean {
  const at = new Date(`${day}T00:00:00Z`);
  return !Number.isNaN(at.getTime()) && at.toISOString().startsWith(day);
}

/**
 * How good what is recorded is: the share of what should be known, by weight, less what is wrong about it. It reads no clock: what
 * is out of date is told by `stale`.
 */
export function qualityOf({ fields, bounced, stale, failures = [] }: Checked): Quality {
  const wanted = Object.entries(weights[fields.kind ?? 'person']);
  const missing = wanted.filter(([field]) => !isThere(fields[field as CustomerField]));
  const total = wanted.reduce((sum, [, weight]) => sum + weight, 0);
  const lacking = missing.reduce((sum, [, weight]) => sum + weight, 0);
  const { emails, phones, birthDate } = fields;
  const invalid = [
    ...((emails ?? []).some(({ value }) => !address.test(value.trim())) ? ['emails'] : []),
    ...((phones ?? []).some(({ e164 }) => e164 === undefined) ? ['phones'] : []),
    ...(birthDate && !isRealDay(birthDate) ? ['birthDate'] : []),
  ];
  const isBounced = (emails ?? []).some(({ value }) => bounced.some((bounce) => sameAddress(bounce.address, value)));
  const broken = new Set(failures.flatMap(({ ruleId }) => ruleId ?? []));
  const lost =
    invalid.length * faults.invalid +
    (isBounced ? faults.bounced : 0) +
    (stale ? faults.stale : 0) +
    broken.size * faults.rule;
  return {
    quality: Math.max(0, Math.round(100 - (100 * lacking) / total) - lost),
    qualityIssues: [
      ...missing.map(([field]) => `missing:${field}`),
      ...invalid.map((field) => `invalid:${field}`),
      ...(isBounced ? ['bounced:emails'] : []),
      ...(stale ? ['stale'] : []),
      ...[...broken].map((id) => `rule:${id}`),
    ],
  };
}
