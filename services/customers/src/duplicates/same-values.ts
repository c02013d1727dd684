import type { DuplicateBand, ExactField } from '@throughline/contracts';
import type { MatchRecord } from '../matching/match-record.ts';
import { thresholds, verdict, type Score } from '../matching/score.ts';

const valuesOf: Record<ExactField, (record: MatchRecord) => readonly string[]> = {
  email: ({ emails }) => emails.map(({ key }) => key),
  phone: ({ phones }) => phones.map(({ number }) => number),
  registrationNumber: ({ registrationNumbers }) => registrationNumbers,
  name: ({ names, companies, kind }) =>
    kind === 'company'
      ? companies.map(({ full }) => full)
      : names.map(({ given, family }) => `${given?.written ?? ''}|${family?.written ?? ''}`),
};

/** The fields in which two records have a value in common. */
export const sameValues = (a: MatchRecord, b: MatchRecord): Set<ExactField> =>
  new Set(
    (Object.keys(valuesOf) as ExactField[]).filter((field) => {
      const others = new Set(valuesOf[field](b));
      return valuesOf[field](a).some((value) => others.has(value));
    }),
  );

export function bandOf(score: Pick<Score, 'weight' | 'reasons'>): DuplicateBand {
  const said = verdict(score, thresholds);
  return said === 'different' ? 'none' : said;
}
