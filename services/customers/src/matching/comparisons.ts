import { isWithinOneEdit, jaroWinkler, type CompanyName, type MatchableEmail } from '@throughline/language';
import { placeLevel, placeLevels, streetSimilarity, type Place, type Street } from './addresses.ts';
import type { Comparison } from './comparison.ts';
import type { MatchKind, MatchPhone, MatchRecord } from './match-record.ts';
import { familyComparison, givenComparison } from './name-comparisons.ts';

/** The fields of a person, or of a company, and the `other` ones that the population has. */
export function comparisonsOf(kind: MatchKind, others: readonly string[] = []): readonly Comparison[] {
  const fields = kind === 'person' ? personFields : companyFields;
  return [...fields, ...others.map(otherComparison)];
}

/** The names of the `other` fields of records, sorted. */
export function otherFields(records: Iterable<MatchRecord>): string[] {
  const names = new Set<string>();
  for (const { other } of records) for (const name of Object.keys(other)) names.add(name);
  return [...names].toSorted();
}

export const otherField = (name: string) => `other:${name}`;

const same = (value: string) => value;

/** Levels of plain text, by Jaro-Winkler. */
function textLevel(a: string, b: string): number {
  if (a === b) return 0;
  const similarity = jaroWinkler(a, b);
  return similarity > 0.92 ? 1 : similarity > 0.88 ? 2 : similarity > 0.7 ? 3 : 4;
}

function otherComparison(name: string): Comparison<string> {
  return {
    field: otherField(name),
    levels: ['exact', 'similar', 'alike', 'remotely alike', 'else'],
    sameLevels: 1,
    values: ({ other }) => other[name] ?? [],
    key: same,
    term: same,
    compare: textLevel,
  };
}

const code = (field: string, values: (record: MatchRecord) => readonly string[]): Comparison<string> => ({
  field,
  levels: ['exact', 'one edit', 'else'],
  sameLevels: 1,
  values,
  key: same,
  term: same,
  compare: (a, b) => (a === b ? 0 : isWithinOneEdit(a, b) ? 1 : 2),
});

const email: Comparison<MatchableEmail> = {
  field: 'email',
  levels: ['exact', 'local part', 'similar', 'organisation', 'else'],
  sameLevels: 1,
  values: ({ emails }) => emails,
  key: ({ key }) => key,
  term: ({ key }) => key,
  compare(a, b) {
    if (a.key === b.key) return 0;
    // Every organisation has an info@.
    if (!a.isRole && !b.isRole) {
      if (a.local === b.local) return 1;
      if (areAlike(a.local, b.local)) return 2;
    }
    return a.organisation !== null && a.organisation === b.organisation ? 3 : 4;
  },
};

const digitsOf = (local: string) => local.replace(/\D/g, '');

/** Numbers are what tells mailboxes of one name apart: john.smith12 is not a misspelt john.smith77. */
function areAlike(a: string, b: string): boolean {
  const [one, other] = [digitsOf(a), digitsOf(b)];
  if (one.length === a.length || other.length === b.length) return isWithinOneEdit(a, b);
  return (one === '' || other === '' || one === other) && jaroWinkler(a, b) > 0.88;
}

const phone: Comparison<MatchPhone> = {
  field: 'phone',
  levels: ['exact', 'last seven digits', 'else'],
  sameLevels: 1,
  values: ({ phones }) => phones,
  key: ({ number }) => number,
  term: ({ number }) => number,
  compare: (a, b) => (a.number === b.number ? 0 : a.tail !== '' && a.tail === b.tail ? 1 : 2),
};

const daysOf = (date: string) =>
  Date.UTC(Number(date.slice(0, 4)), Number(date.slice(4, 6)) - 1, Number(date.slice(6))) / 86_400_000;

const birthDate: Comparison<string> = {
  field: 'birthDate',
  levels: ['exact', 'one edit', 'within a month', 'within a year', 'else'],
  sameLevels: 1,
  values: ({ birthDates }) => birthDates,
  key: same,
  term: same,
  compare(a, b) {
    if (a === b) return 0;
    const isTurned = a.slice(0, 4) === b.slice(0, 4) && a.slice(4, 6) === b.slice(6) && a.slice(6) === b.slice(4, 6);
    if (isTurned || isWithinOneEdit(a, b)) return 1;
    const days = Math.abs(daysOf(a) - daysOf(b));
    return days <= 31 ? 2 : days <= 366 ? 3 : 4;
  },
};

const place: Comparison<Place> = {
  field: 'place',
  levels: placeLevels,
  sameLevels: 1,
  values: ({ places }) => places,
  key: ({ postcode, city, district, province }) => [postcode, city, district, province].join('|'),
  term: ({ postcode, city, province }) => postcode || city || province,
  compare: placeLevel,
};

const street: Comparison<Street> = {
  field: 'street',
  levels: ['exact', 'most words', 'half the words', 'some words', 'else'],
  sameLevels: 1,
  values: ({ streets }) => streets,
  key: ({ text }) => text,
  term: ({ text }) => text,
  compare(a, b) {
    if (a.text === b.text) return 0;
    const similarity = streetSimilarity(a, b);
    return similarity >= 0.79 ? 1 : similarity >= 0.6 ? 2 : similarity >= 0.3 ? 3 : 4;
  },
};

const company = (field: string): Comparison<CompanyName> => ({
  field,
  levels: ['exact', 'core', 'similar', 'other branch or place', 'alike', 'else'],
  sameLevels: 2,
  values: ({ companies }) => companies,
  key: ({ full }) => full,
  term: ({ core }) => core,
  compare(a, b) {
    if (a.full === b.full) return 0;
    const isElsewhere = a.branch !== b.branch || (a.place !== null && b.place !== null && a.place !== b.place);
    if (a.core === b.core) return isElsewhere ? 3 : 1;
    const similarity = Math.max(jaroWinkler(a.core, b.core), wordSimilarity(a.core, b.core));
    if (similarity > 0.92) return isElsewhere ? 4 : 2;
    return similarity > 0.8 ? 4 : 5;
  },
});

/** Dice's coefficient over words, which are in any order. */
function wordSimilarity(a: string, b: string): number {
  if (!a.includes(' ') && !b.includes(' ')) return 0;
  const [one, other] = [new Set(a.split(' ')), new Set(b.split(' '))];
  const common = [...one].filter((word) => other.has(word)).length;
  return (2 * common) / (one.size + other.size);
}

const shared = [email, phone, place, street] as const;

const personFields: readonly Comparison[] = [
  givenComparison,
  familyComparison,
  code('nationalId', ({ nationalIds }) => nationalIds),
  birthDate,
  ...shared,
  company('employer'),
];

const companyFields: readonly Comparison[] = [
  company('company'),
  code('registrationNumber', ({ registrationNumbers }) => registrationNumbers),
  ...shared,
];
