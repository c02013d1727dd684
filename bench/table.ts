import { median, quantile, type Result } from './harness.ts';

/** One table of all rows, and below it what was left out, with the reason. */
export function tableOf(results: readonly Result[]): string {
  const head = ['path', 'this project', 'limit', 'ratio (min-max)', 'goal', 'peer', 'ratio (min-max)'];
  const body = results.flatMap(rowOf);
  const widths = head.map((_, column) => Math.max(...[head, ...body].map((row) => [...(row[column] ?? '')].length)));
  const line = (row: readonly string[]) =>
    row
      .map((cell, column) => cell.padEnd(widths[column] ?? 0))
      .join('  ')
      .trimEnd();
  const rule = widths.map((width) => '-'.repeat(width));
  return [line(head), line(rule), ...body.map(line), ...results.flatMap(remarkOf)].join('\n');
}

function rowOf(result: Result): string[][] {
  switch (result.kind) {
    case 'ratio': {
      const { name, unit, ours, limit, goal, peer } = result;
      const rate = (rates: readonly number[]) => `${whole(median(rates))} ${unit}`;
      const isMet = median(ratiosOf(ours, limit)) >= (goal ?? NaN);
      const aim = goal === undefined ? '-' : `${goal.toFixed(2)} ${isMet ? 'met' : 'missed'}`;
      const beside = peer ? [`${rate(peer.rates)}, ${peer.name}`, told(ratiosOf(ours, peer.rates))] : ['-', '-'];
      return [[name, rate(ours), rate(limit), told(ratiosOf(ours, limit)), aim, ...beside]];
    }
    case 'observed': {
      const { name, unit, samples, quantiles, against } = result;
      const shown = (value: number) => (unit === 's' ? value.toFixed(3) : whole(value));
      const at = (share: number) => shown(quantile(samples, share));
      const seen = quantiles
        ? `p50 ${at(0.5)} ${unit}, p95 ${at(0.95)} ${unit}`
        : `${at(0.5)} ${unit} (${at(0)}-${at(1)})`;
      return [[name, seen, '-', against ? told(ratiosOf(samples, against)) : '-', '-', '-', '-']];
    }
    case 'left out':
    case 'failed':
      return [];
  }
}

const remarkOf = (result: Result): string[] =>
  'reason' in result ? [`${result.kind}: ${result.name}, because ${result.reason}`] : [];

/** Of each round by itself: its times were taken one after the other. */
export const ratiosOf = (ours: readonly number[], others: readonly number[]): number[] =>
  ours.map((rate, round) => rate / (others[round] ?? NaN));

const told = (ratios: readonly number[]): string =>
  `${median(ratios).toFixed(2)} (${Math.min(...ratios).toFixed(2)}-${Math.max(...ratios).toFixed(2)})`;

const whole = (value: number): string => Math.round(value).toLocaleString('en-US');
