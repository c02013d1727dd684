import type { KindModel } from '../../services/customers/src/matching/model.ts';
import { table } from '../operations/show.ts';
import type { Columns } from './columns.ts';
import type { Measure } from './measures.ts';

const share = (value: number) => value.toFixed(4);

export function columnLines(columns: Columns): string[] {
  return table([...columns], { column: ([column]) => column, field: ([, field]) => field });
}

export function measureLines(measures: Readonly<Record<string, Measure>>): string[] {
  return table(Object.entries(measures), {
    '': ([name]) => name,
    precision: ([, { precision }]) => share(precision),
    recall: ([, { recall }]) => share(recall),
    F1: ([, { f1 }]) => share(f1),
  });
}

/** The parameters of fields that the file has; the weight is log2(m/u), before frequencies. */
export function modelLines(kind: string, { lambda, fields }: KindModel, used: ReadonlySet<string>): string[] {
  const rows = Object.entries(fields)
    .filter(([field]) => used.has(field))
    .flatMap(([field, { levels }]) => Object.entries(levels).map(([level, { m, u }]) => ({ field, level, m, u })));
  const lines = table(rows, {
    field: ({ field }) => field,
    level: ({ level }) => level,
    m: ({ m }) => share(m),
    u: ({ u }) => u.toExponential(2),
    weight: ({ m, u }) => Math.log2(m / u).toFixed(1),
  });
  return [`${kind}: lambda ${lambda.toExponential(2)}`, ...lines];
}
