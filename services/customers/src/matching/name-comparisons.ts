import { jaroWinkler, isHan, type NamePart, type PersonName } from '@throughline/language';
import type { Comparison } from './comparison.ts';

const spelling = ['similar', 'alike', 'initials', 'remotely alike', 'else'] as const;
const givenLevels = ['exact', 'simplified', 'sound', ...spelling] as const;
const familyLevels = ['exact', 'simplified', 'sound', 'swapped', ...spelling] as const;

type Level = (typeof familyLevels)[number];

/** How close two parts of a name are; 'sound' is the same pinyin, or the same letters without hyphens and blanks. */
function partLevel(a: NamePart, b: NamePart): Exclude<Level, 'swapped'> {
  if (a.written === b.written) return 'exact';
  if (a.folded === b.folded) return 'simplified';
  if (isSameSound(a, b)) return 'sound';
  if (isInitialOf(a, b) || isInitialOf(b, a)) return 'initials';
  if (beginsWith(a.folded, b.folded) || beginsWith(b.folded, a.folded)) return 'similar';
  const areHan = isHan(a.folded) && isHan(b.folded);
  const similarity = areHan ? jaroWinkler(a.folded, b.folded) : jaroWinkler(a.sounds[0]!, b.sounds[0]!);
  if (similarity > 0.92) return 'similar';
  if (similarity > 0.88) return 'alike';
  // Brothers and sisters often share a character.
  return similarity > 0.7 && !areHan ? 'remotely alike' : 'else';
}

const isSameSound = (a: NamePart, b: NamePart) => a.sounds.some((sound) => b.sounds.includes(sound));
const isSamePart = (a: NamePart, b: NamePart) => a.folded === b.folded || isSameSound(a, b);
const isInitialOf = (short: NamePart, long: NamePart) =>
  !isHan(short.folded) &&
  short.sounds[0]!.length < long.sounds[0]!.length &&
  long.initials.some((initials) => initials === short.sounds[0] || initials.slice(0, 1) === short.sounds[0]);
/** Ann is the first of Ann Mary. */
const beginsWith = (long: string, short: string) => long.startsWith(`${short} `);

function isSwapped(a: PersonName, b: PersonName): boolean {
  if (!a.given || !a.family || !b.given || !b.family) return false;
  const areStraight = isSamePart(a.given, b.given) || isSamePart(a.family, b.family);
  return !areStraight && isSamePart(a.given, b.family) && isSamePart(a.family, b.given);
}

const nameKey = ({ given, family }: PersonName) => `${given?.written ?? ''}|${family?.written ?? ''}`;

/** Given names; of a name whose parts are swapped the family name says so, and nothing is left to say here. */
export const givenComparison: Comparison<PersonName> = {
  field: 'givenName',
  levels: givenLevels,
  sameLevels: 2,
  values: ({ names }) => names,
  key: nameKey,
  term: ({ given }) => given?.folded ?? '',
  compare(a, b) {
    if (!a.given || !b.given || isSwapped(a, b)) return -1;
    return givenLevels.indexOf(partLevel(a.given, b.given));
  },
};

export const familyComparison: Comparison<PersonName> = {
  field: 'familyName',
  levels: familyLevels,
  sameLevels: 2,
  values: ({ names }) => names,
  key: nameKey,
  term: ({ family }) => family?.folded ?? '',
  compare(a, b) {
    if (isSwapped(a, b)) return familyLevels.indexOf('swapped');
    if (!a.family || !b.family) return -1;
    return familyLevels.indexOf(partLevel(a.family, b.family));
  },
};
