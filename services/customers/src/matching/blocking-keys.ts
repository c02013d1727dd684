import { isHan, namePart, soundex, type CompanyName } from '@throughline/language';
import { otherField } from './comparisons.ts';
import type { MatchRecord } from './match-record.ts';

/** By what a record is found: two records with a key in common are compared. Sorted, each key once. */
export interface BlockingKeys {
  /** Values that belong to one customer, unless too many have them: e-mails, phones, numbers. */
  identities: readonly string[];
  /** What similar records share; a large block is split. */
  blocks: readonly string[];
  /** Those of the blocks that are a whole name. */
  names: readonly string[];
  /** Never a key by themselves: role mailboxes, switchboards. */
  joint: readonly string[];
  /** What a block is split by, and a joint key joined to; always at the same place, '' where it is not known. */
  facets: readonly string[];
}

const shortestLocal = 5;

/** The blocking keys of a record; they begin with its kind, since a person is no company. */
export function blockingKeys(record: MatchRecord): BlockingKeys {
  const specific = record.kind === 'person' ? personBlocks(record) : companyBlocks(record);
  const names = record.kind === 'person' ? namePairs(record).map(wholeName) : record.companies.map(wholeCompany);
  const identities = [
    ...record.emails
      .filter(({ isRole }) => !isRole)
      .flatMap(({ key, local }) => [`email ${key}`, ...(local.length >= shortestLocal ? [`local ${local}`] : [])]),
    ...record.phones.filter(({ isSwitchboard }) => !isSwitchboard).map(({ number, tail }) => `phone ${tail || number}`),
    ...record.nationalIds.map((code) => `national ${code}`),
    ...record.registrationNumbers.map((code) => `registration ${code}`),
    ...record.streets.filter(({ words }) => words.length > 1).map(({ text }) => `street ${text}`),
    ...Object.entries(record.other).flatMap(([name, values]) => values.map((value) => `${otherField(name)} ${value}`)),
  ];
  const joint = [
    ...record.emails.filter(({ isRole }) => isRole).map(({ key }) => `role ${key}`),
    ...record.phones.filter(({ isSwitchboard }) => isSwitchboard).map(({ number }) => `switchboard ${number}`),
  ];
  const keys = (of: readonly string[]) => keysOf(record, of);
  return {
    identities: keys(identities),
    blocks: keys(specific),
    names: keys(names),
    joint: keys(joint),
    facets: facetsOf(record),
  };
}

/**
 * Blocks that stay small where those of {@link blockingKeys} are large, for who looks for the like of one record and cannot
 * split the large ones: a name as it is and as it sounds, with one thing that is known besides.
 */
export function finerKeys(record: MatchRecord): string[] {
  return keysOf(record, record.kind === 'person' ? finerPersonBlocks(record) : finerCompanyBlocks(record));
}

const keysOf = ({ kind }: MatchRecord, keys: readonly string[]) =>
  [...new Set(keys)].toSorted().map((key) => `${kind[0]} ${key}`);

/** What blocks of persons are made of, besides the names. */
function knownOf({ birthDates, places, streets, emails, companies }: MatchRecord) {
  return {
    areas: places.flatMap(({ postcode, city, district }) => [postcode, city, district]).filter(Boolean),
    years: birthDates.map((date) => date.slice(0, 4)),
    days: birthDates.map((date) => date.slice(4)),
    words: streets.flatMap((street) => longestWords(street.words)),
    numbers: streets.flatMap((street) => street.words.filter((word) => /\d/.test(word))),
    work: [
      ...companies.map(({ core }) => core),
      ...emails.flatMap(({ organisation }) => (organisation === null ? [] : [organisation])),
    ],
  };
}

function personBlocks(record: MatchRecord): string[] {
  const { names, birthDates } = record;
  const { areas, years, days, words, numbers, work } = knownOf(record);
  const sounds = names.flatMap(({ given, family }) => [given, family]).flatMap((part) => part?.sounds ?? []);
  const phonetic = [...new Set(sounds.map(phoneticOf))];
  return [
    ...birthDates.map((date) => `born ${date}`),
    ...namePairs(record).flatMap((pair) => nameBlocks(pair, years)),
    ...joined('area', phonetic, areas),
    ...joined('year', phonetic, years),
    ...joined('day', phonetic, days),
    ...joined('word', phonetic, words),
    ...joined('house', numbers, areas),
    ...joined('road', words, areas),
    ...joined('number', phonetic, numbers),
    ...joined('work', phonetic, work),
  ];
}

function finerPersonBlocks(record: MatchRecord): string[] {
  const { areas, years, days, words, numbers, work } = knownOf(record);
  const pairs = namePairs(record);
  const exact = pairs.map((pair) => pair.toSorted().join(' '));
  const alike = pairs.map((pair) => pair.map(phoneticOf).toSorted().join(' '));
  return [
    ...joined('name area', exact, areas),
    ...joined('names area', alike, areas),
    ...joined('names word', alike, words),
    ...joined('names number', alike, numbers),
    ...joined('name year', exact, years),
    ...joined('names year', alike, years),
    ...joined('names day', alike, days),
    ...joined('names work', alike, work),
  ];
}

/** The sounds of given and family name, each reading with each. */
const namePairs = ({ names }: MatchRecord): (readonly [string, string])[] =>
  names.flatMap(({ given, family }) =>
    given && family ? given.sounds.flatMap((one) => family.sounds.map((other) => [one, other] as const)) : [],
  );

const wholeName = (pair: readonly [string, string]) => `name ${pair.toSorted().join(' ')}`;

function nameBlocks(pair: readonly [string, string], years: readonly string[]): string[] {
  const [one, other] = pair;
  const initials = [one[0]!, other[0]!].toSorted().join('');
  return [
    wholeName(pair),
    `beginning ${[one.slice(0, 3), other.slice(0, 3)].toSorted().join(' ')}`,
    ...years.map((year) => `initials ${initials} ${year}`),
  ];
}

const wholeCompany = ({ core }: CompanyName) => `core ${core}`;

function finerCompanyBlocks({ companies, emails, places, streets }: MatchRecord): string[] {
  const areas = places.flatMap(({ postcode, city }) => [postcode, city]).filter(Boolean);
  const beginnings = companies.map(beginningOf);
  return [
    ...joined(
      'core',
      companies.map(({ core }) => core),
      areas,
    ),
    ...joined('word area', companies.flatMap(wordsOf), areas),
    ...joined(
      'beginning word',
      beginnings,
      streets.flatMap((street) => longestWords(street.words)),
    ),
    ...joined(
      'beginning organisation',
      beginnings,
      emails.flatMap(({ organisation }) => organisation ?? []),
    ),
  ];
}

function companyBlocks({ companies, emails, places, streets }: MatchRecord): string[] {
  const areas = places.flatMap(({ postcode, city }) => [postcode, city]).filter(Boolean);
  const beginnings = companies.map(beginningOf);
  return [
    ...companies.map(wholeCompany),
    ...companies.flatMap(({ core }) => [`sound ${soundOf(core)}`, `words ${sortedWords(core)}`]),
    ...companies.flatMap(({ core }) => (isHan(core) && core.length > 3 ? [`ends ${core[0]} ${core.slice(-2)}`] : [])),
    ...joined('beginning', beginnings, areas),
    ...companies.flatMap(wordsOf).map((word) => `word ${word}`),
    ...emails.flatMap(({ organisation }) => (organisation === null ? [] : [`organisation ${organisation}`])),
    ...joined(
      'road',
      streets.flatMap((street) => longestWords(street.words)),
      areas,
    ),
    ...joined('beginning', beginnings, ['']),
  ];
}

function facetsOf({ names, companies, birthDates, places, phones, emails, streets }: MatchRecord): string[] {
  const first = (values: readonly (string | undefined)[]) => values.flatMap((value) => value || []).toSorted()[0] ?? '';
  const facets = {
    given: first(names.flatMap(({ given }) => given?.sounds[0])),
    family: first(names.flatMap(({ family }) => family?.sounds[0])),
    company: first(companies.map(({ core }) => core)),
    year: first(birthDates.map((date) => date.slice(0, 4))),
    postcode: first(places.map(({ postcode }) => postcode)),
    city: first(places.map(({ city }) => city)),
    phone: first(phones.map(({ tail, isSwitchboard }) => (isSwitchboard ? '' : tail))),
    email: first(emails.map(({ local, isRole }) => (isRole ? '' : local))),
    street: first(streets.map(({ text }) => text)),
  };
  return Object.entries(facets).map(([name, value]) => (value === '' ? '' : `${name} is ${value}`));
}

const beginningOf = ({ core }: CompanyName) => core.slice(0, isHan(core) ? 2 : 4);
const wordsOf = ({ core }: CompanyName) => (isHan(core) ? [] : core.split(' ').filter(({ length }) => length > 3));
const joined = (name: string, some: readonly string[], others: readonly string[]) =>
  some.flatMap((one) => others.map((other) => `${name} ${one} ${other}`));
const phoneticOf = (sound: string) => soundex(sound) || sound;
const soundOf = (core: string) => namePart(core)?.sounds[0] ?? core;
const sortedWords = (core: string) => core.split(' ').toSorted().join(' ');

/** The words that tell a street best: the longest, and of two as long the first. */
function longestWords(words: readonly string[]): string[] {
  const letters = words.filter((word) => !/\d/.test(word));
  return letters.toSorted((a, b) => b.length - a.length || (a < b ? -1 : 1)).slice(0, 2);
}
