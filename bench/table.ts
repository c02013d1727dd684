import { median, quantile, type Result } from './harness.ts';

/** One table of all rows, and below it what was left out, with the reason. */
export function tableOf(results: readonly Result[]): string {
  const rows = [['path', 'this project', 'limit', 'ratio (min-max)'], ...results.flatMap(rowOf)];
  const widths = [0, 1, 2, 3].map((column) => Math.max(...rows.map((row) => [...(row[column] ?? '')].length)));
  const line = (row: readonly string[]) =>
    row
      .map((cell, column) => cell.padEnd(widths[column] ?? 0))
      .join('  ')
      .trimEnd();
  const [head = [], ...body] = rows;
  const rule = widths.map((width) => '-'.repeat(width));
  return [line(head), line(rule), ...body.map(line), ...results.flatMap(remarkOf)].join('\n');
}

function rowOf(result: Result): string[][] {
  switch (result.kind) {
    case 'ratio': {
      const ratios = ratiosOf(result);
      const ratio = `${median(ratios).toFixed(2)} (${Math.min(...ratios).toFixed(2)}-${Math.max(...ratios).toFixed(2)})`;
      const rate = (rates: readonly number[]) => `${whole(median(rates))} ${result.unit}`;
      return [[result.name, rate(result.ours), rate(result.limit), ratio]];
    }
    case 'observed': {
      const { name, unit, samples, quantiles } = result;
      const shown = (value: number) => (unit === 's' ? value.toFixed(3) : whole(value));
      const at = (share: number) => shown(quantile(samples, share));
      const told = quantiles
        ? `p50 ${at(0.5)} ${unit}, p95 ${at(0.95)} ${unit}`
        : `${at(0.5)} ${unit} (${at(0)}-${at(1)})`;
      return [[name, told, '-', '-']];
    }
    case 'left out':
    case 'failed':
      return [];
  }
}

const remarkOf = (result: Result): string[] =>
  'reason' in result ? [`${result.kind}: ${result.name}, because ${result.reason}`] : [];

/** Of each round by itself: its two times were taken one after the other. */
export const ratiosOf = ({ ours, limit }: { ours: readonly number[]; limit: readonly number[] }): number[] =>
  ours.map((rate, round) => rate / (limit[round] ?? NaN));

const whole = (value: number): string => Math.round(value).toLocaleString('en-US');
