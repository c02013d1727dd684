import {
  companyName,
  foldText,
  matchableEmail,
  personNames,
  type CompanyName,
  type MatchableEmail,
  type PersonName,
} from '@throughline/language';
import { phoneCountries, phoneOf } from '../cleaning/phone-countries.ts';
import { placeOf, streetOf, type MatchAddress, type Place, type Street } from './addresses.ts';

export type MatchKind = 'person' | 'company';

type Several = string | readonly string[] | null | undefined;

/** What is known of somebody, as entered; every value may be there several times, or not at all. */
export interface MatchInput {
  id: string;
  /** Told from the names where it is not given. */
  kind?: MatchKind | null | undefined;
  name?: Several;
  givenName?: Several;
  familyName?: Several;
  /** A company's own name, or where a person works. */
  companyName?: Several;
  registrationNumber?: Several;
  nationalId?: Several;
  emails?: Several;
  phones?: Several;
  addresses?: readonly MatchAddress[] | undefined;
  birthDate?: Several;
  /** Whatever else tells records apart, compared as text under its name. */
  other?: Readonly<Record<string, Several>> | undefined;
}

export interface MatchPhone {
  /** E.164, or the digits as entered where the number is not valid. */
  number: string;
  /** The last seven digits, '' of a shorter number. */
  tail: string;
  /** Answered for many: toll-free and shared-cost numbers, numbers with an extension. */
  isSwitchboard: boolean;
}

/** A record in the forms that are compared, made once. Plain data. */
export interface MatchRecord {
  id: string;
  kind: MatchKind;
  names: readonly PersonName[];
  companies: readonly CompanyName[];
  registrationNumbers: readonly string[];
  nationalIds: readonly string[];
  emails: readonly MatchableEmail[];
  phones: readonly MatchPhone[];
  /** `yyyymmdd`; not always a day that exists. */
  birthDates: readonly string[];
  places: readonly Place[];
  streets: readonly Street[];
  other: Readonly<Record<string, readonly string[]>>;
}

/** Brings what is known into the forms that are compared. What cannot be read counts as missing. Never throws. */
export function matchRecord(input: MatchInput): MatchRecord {
  const kind = input.kind ?? kindOf(input);
  const addresses = input.addresses ?? [];
  const called = several(
    kind === 'company' && several(input.companyName).length === 0 ? input.name : input.companyName,
  );
  const countries = phoneCountries(addresses);
  return {
    id: input.id,
    kind,
    names: kind === 'person' ? namesOf(input) : [],
    companies: distinct(called.map(companyName), ({ full }) => full),
    registrationNumbers: codes(input.registrationNumber),
    nationalIds: codes(input.nationalId),
    emails: distinct(several(input.emails).map(matchableEmail), ({ key }) => key),
    phones: distinct(
      several(input.phones).map((phone) => matchPhone(phone, countries)),
      ({ number }) => number,
    ),
    birthDates: distinct(several(input.birthDate).map(dateOf), (date) => date),
    places: distinct(addresses.map(placeOf), (place) => JSON.stringify(place)),
    streets: distinct(addresses.map(streetOf), ({ text }) => text),
    other: Object.fromEntries(
      Object.entries(input.other ?? {}).map(([name, values]) => [
        name,
        distinct(several(values).map(foldText), (text) => text),
      ]),
    ),
  };
}

function several(values: Several): readonly string[] {
  return (typeof values === 'string' ? [values] : (values ?? [])).filter((value) => value.trim() !== '');
}

/** What is there, each once; empty texts are not. */
function distinct<T extends object | string>(values: readonly (T | null)[], keyOf: (value: T) => string): T[] {
  const byKey = new Map(values.flatMap((value) => (value === null || value === '' ? [] : [[keyOf(value), value]])));
  return [...byKey.values()];
}

const codes = (values: Several) =>
  distinct(
    several(values).map((value) => foldText(value).replace(/[^\p{L}\p{N}]/gu, '')),
    (code) => code,
  );

function namesOf({ name, givenName, familyName }: MatchInput): PersonName[] {
  const [whole, given, family] = [several(name), several(givenName), several(familyName)];
  const parted = Array.from({ length: Math.max(given.length, family.length) }, (_, i) =>
    personNames({ givenName: given[i] ?? '', familyName: family[i] ?? '' }),
  ).flat();
  const names = parted.length > 0 ? parted : whole.flatMap((text) => personNames({ name: text }));
  return distinct(names, (each) => `${each.given?.written ?? ''}|${each.family?.written ?? ''}`);
}

/** Who has parts of a name, a birth date or an identity card is a person; otherwise the look of the name decides. */
function kindOf(input: MatchInput): MatchKind {
  const isSaid = (...values: Several[]) => values.some((value) => several(value).length > 0);
  if (isSaid(input.givenName, input.familyName, input.birthDate, input.nationalId)) return 'person';
  if (isSaid(input.registrationNumber)) return 'company';
  const [name] = several(input.name);
  if (name === undefined) return isSaid(input.companyName) ? 'company' : 'person';
  if (isSaid(input.companyName)) return several(input.companyName).includes(name) ? 'company' : 'person';
  const folded = foldText(name);
  const isLong = (folded.match(/\p{Script=Han}/gu)?.length ?? 0) > 4 && !/[·•・‧]/u.test(name);
  return companyName(name)?.hasLegalForm || isLong || /[&\d]/u.test(folded) ? 'company' : 'person';
}

function matchPhone(raw: string, countries: readonly string[]): MatchPhone | null {
  const { e164, digits, kind, extension } = phoneOf(raw, countries);
  const number = e164 ?? digits;
  if (number.length < 5) return null;
  const bare = number.replace(/\D/g, '');
  return {
    number,
    tail: bare.length >= 7 ? bare.slice(-7) : '',
    isSwitchboard: extension !== null || ['toll-free', 'shared-cost', 'premium-rate', 'uan'].includes(kind),
  };
}

/** 1990-02-01, 19900201, 1990/2/1, 1990年2月1日; 1.2.1990 and 1/2/1990 with the day first unless it cannot be. */
function dateOf(raw: string): string | null {
  const text = raw.normalize('NFKC').trim();
  const [, year, month, day] = /^(\d{4})[-/.年]?(\d{1,2})[-/.月]?(\d{1,2})日?(?:[T\s].*)?$/u.exec(text) ?? [];
  if (year && month && day) return `${year}${month.padStart(2, '0')}${day.padStart(2, '0')}`;
  const [, first, second, last] = /^(\d{1,2})[-/.](\d{1,2})[-/.](\d{4})$/u.exec(text) ?? [];
  if (!first || !second || !last) return null;
  const [ofDay, ofMonth] = Number(second) > 12 ? [second, first] : [first, second];
  return `${last}${ofMonth.padStart(2, '0')}${ofDay.padStart(2, '0')}`;
}
