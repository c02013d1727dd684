import type { Money } from '@throughline/contracts';
import { hundredths, sum } from '../money/amounts.ts';
import type { Pipeline } from './pipeline.ts';

export type StageTotal = { stage: string; currency: string; count: number; amount: string };

export type BoardColumn<Card> = {
  stage: string;
  name: string;
  probability: number;
  count: number;
  /** One a currency, by code. */
  sum: Money[];
  /** The sum times the stage's probability. */
  weightedSum: Money[];
  cards: Card[];
};

/** The columns of a board, in the pipeline's order; deals in a stage that it no longer has stand in columns at the end. */
export function columnsOf<Card extends { stage: string }>(
  { stages }: Pick<Pipeline, 'stages'>,
  totals: readonly StageTotal[],
  cards: readonly Card[],
): BoardColumn<Card>[] {
  const known = new Set(stages.map(({ id }) => id));
  const gone = [...new Set(totals.map(({ stage }) => stage))].filter((stage) => !known.has(stage)).sort();
  const all = [...stages, ...gone.map((id) => ({ id, name: id, probability: 0 }))];
  return all.map(({ id, name, probability }) => {
    const own = totals.filter(({ stage }) => stage === id).sort((a, b) => (a.currency < b.currency ? -1 : 1));
    return {
      stage: id,
      name,
      probability,
      count: own.reduce((count, total) => count + total.count, 0),
      sum: own.map(({ amount, currency }) => ({ amount: sum([amount]), currency })),
      weightedSum: own.map(({ amount, currency }) => ({ amount: hundredths(amount, probability), currency })),
      cards: cards.filter(({ stage }) => stage === id),
    };
  });
}
