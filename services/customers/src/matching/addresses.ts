import { foldText, isHan, isWithinOneEdit, jaroWinkler, splitWords } from '@throughline/language';

export interface MatchAddress {
  country?: string | null | undefined;
  province?: string | null | undefined;
  city?: string | null | undefined;
  district?: string | null | undefined;
  street?: string | null | undefined;
  postcode?: string | null | undefined;
}

/** Where an address is, without its street; '' for what is not known. */
export interface Place {
  postcode: string;
  city: string;
  district: string;
  province: string;
}

/** A street with its number, in words; Han in pairs of characters. */
export interface Street {
  text: string;
  words: readonly string[];
}

const ABBREVIATIONS = new Map(
  Object.entries({
    st: 'street',
    str: 'street',
    rd: 'road',
    ave: 'avenue',
    av: 'avenue',
    blvd: 'boulevard',
    dr: 'drive',
    ln: 'lane',
    ct: 'court',
    pl: 'place',
    cres: 'crescent',
    cct: 'circuit',
    hwy: 'highway',
    sq: 'square',
    apt: 'apartment',
    bldg: 'building',
    fl: 'floor',
  }),
);

const named = (text: string | null | undefined) =>
  foldText(text ?? '').replace(/(?<=.{2})(?:特别行政区|(?:壮族|回族|维吾尔)?自治区|省|市|区|县)$/u, '');

/** The place of an address; null when nothing of it is known. */
export function placeOf({ postcode, city, district, province }: MatchAddress): Place | null {
  const place = {
    postcode: foldText(postcode ?? '').replace(/[^\p{L}\p{N}]/gu, ''),
    city: named(city),
    district: named(district),
    province: named(province),
  };
  return Object.values(place).some(Boolean) ? place : null;
}

/** The street of an address; null when there is none. */
export function streetOf({ street }: MatchAddress): Street | null {
  const words = splitWords(street ?? '').flatMap((word) => (isHan(word) ? pairs(word) : [expanded(word)]));
  const sorted = [...new Set(words)].toSorted();
  return sorted.length > 0 ? { text: sorted.join(' '), words: sorted } : null;
}

const expanded = (word: string) => ABBREVIATIONS.get(word) ?? word;

function pairs(word: string): string[] {
  const characters = [...word];
  return characters.length === 1 ? characters : characters.slice(1).map((next, i) => characters[i]! + next);
}

/** How much of two streets is the same, 0 to 1: Dice's coefficient over their words, which may be misspelt. */
export function streetSimilarity(a: Street, b: Street): number {
  const rest = [...b.words];
  const alike = (word: string, other: string) =>
    word === other || (word.length > 3 && other.length > 3 && !/\d/.test(word) && jaroWinkler(word, other) > 0.9);
  let common = 0;
  for (const word of a.words) {
    const found = rest.includes(word) ? rest.indexOf(word) : rest.findIndex((other) => alike(word, other));
    if (found < 0) continue;
    rest.splice(found, 1);
    common += 1;
  }
  return (2 * common) / (a.words.length + b.words.length);
}

/**
 * The area within which a postcode lies, and the region around it: 3100 and 31 of the Chinese 310012, ec1a and ec of ec1a1bb.
 */
export function postcodeAreas(postcode: string): [area: string, region: string] {
  if (/^\d+$/.test(postcode)) {
    return [postcode.slice(0, Math.max(1, postcode.length - 2)), postcode.slice(0, postcode.length > 5 ? 2 : 1)];
  }
  return [postcode.slice(0, -3), /^[a-z]*/.exec(postcode)![0]];
}

export const placeLevels = ['postcode and city', 'postcode', 'city', 'near', 'province', 'else'] as const;

type Nearness = 'same' | 'near' | 'apart' | 'unknown';

/** Which of {@link placeLevels} two places reach, -1 when they share nothing to compare. */
export function placeLevel(a: Place, b: Place): number {
  const [code, city] = [postcodeNearness(a, b), cityNearness(a, b)];
  const province = nearness(a.province, b.province, (one, other) => isWithinOneEdit(one, other));
  if (code === 'unknown' && city === 'unknown' && province === 'unknown') return -1;
  if (code === 'same') return city === 'apart' ? 1 : 0;
  if (city === 'same') return code === 'apart' ? 3 : 2;
  if (code === 'near' || city === 'near') return 3;
  return province === 'same' ? 4 : 5;
}

function nearness(a: string, b: string, isNear: (a: string, b: string) => boolean): Nearness {
  if (a === '' || b === '') return 'unknown';
  if (a === b) return 'same';
  return isNear(a, b) ? 'near' : 'apart';
}

const postcodeNearness = (a: Place, b: Place) =>
  nearness(a.postcode, b.postcode, (one, other) => {
    return isWithinOneEdit(one, other) || postcodeAreas(one)[0] === postcodeAreas(other)[0];
  });

const isSpelledAlike = (one: string, other: string) => jaroWinkler(one, other) > 0.88;

function cityNearness(a: Place, b: Place): Nearness {
  const city = nearness(a.city, b.city, isSpelledAlike);
  const district = nearness(a.district, b.district, isSpelledAlike);
  if (city === 'unknown') return district;
  return city === 'same' && district === 'apart' ? 'near' : city;
}
