// `npm run match -- --csv FILE --truth COLUMN …`: how well duplicates are found in a file of which it is known.
import { parseArgs } from 'node:util';
import { blocksOf, candidatePairs } from '../services/customers/src/matching/blocks.ts';
import { clustersOf, clusterLimits } from '../services/customers/src/matching/clusters.ts';
import { learn } from '../services/customers/src/matching/learning.ts';
import { matchRecord } from '../services/customers/src/matching/match-record.ts';
import { populationsOf, type Population } from '../services/customers/src/matching/population.ts';
import { pairWeights, scan } from '../services/customers/src/matching/scan.ts';
import { thresholds } from '../services/customers/src/matching/score.ts';
import { columnOf, guessField, inputOf, readMap, type Columns } from './match/columns.ts';
import { readCsv, type Csv } from './match/csv.ts';
import { bCubed, ofClusters, ofPairs, truePairs, type Truth } from './match/measures.ts';
import { columnLines, measureLines, modelLines } from './match/report.ts';
import { endWith, Failure } from './operations/command.ts';
import { progressOf } from './operations/progress.ts';

const usage =
  'npm run match -- --csv FILE --truth COLUMN [--truth-pattern REGEX] [--map column=field,…] [--without column,…] [--threshold WEIGHT]';

await endWith(async () => {
  const options = asked();
  const csv = await readCsv(options.csv);
  const truth = truthOf(csv, columnOf(options.truth, csv.header), options['truth-pattern']);
  const columns = columnsOf(csv, options);
  console.log([...columnLines(columns), ''].join('\n'));

  const start = performance.now();
  const records = csv.rows.map((row, i) => matchRecord(inputOf(idOf(i), row, columns)));
  const populations = populationsOf(records);
  const model = learn(populations);
  const progress = progressOf('scan');
  const found = [...scan(populations, model, { threshold: options.threshold })].flatMap(({ done, total, pairs }) => {
    progress.at(done, total);
    return pairs;
  });
  progress.end();
  const seconds = (performance.now() - start) / 1_000;
  const weightOf = pairWeights(populations, model);
  const clusters = clustersOf(found, weightOf, { ...clusterLimits, threshold: options.threshold });

  const used = new Set(populations.flatMap(fieldsWithValues));
  for (const { kind } of populations) console.log([...modelLines(kind, model.kinds[kind], used), ''].join('\n'));
  const measures = {
    pairs: ofPairs(found, truth),
    clusters: ofClusters(clusters, truth),
    'B-cubed': bCubed(clusters, truth),
  };
  console.log([...measureLines(measures), ''].join('\n'));
  const { compared, kept } = blocking(populations, truth);
  const all = (records.length * (records.length - 1)) / 2;
  console.log(`blocking recall    ${(kept / Math.max(1, truePairs(truth))).toFixed(4)}`);
  console.log(`reduction ratio    ${(1 - compared / Math.max(1, all)).toFixed(4)}`);
  console.log(`records            ${records.length}, ${truePairs(truth)} pairs of them the same, ${compared} compared`);
  console.log(`records a second   ${Math.round(records.length / seconds)}`);
  return 0;
});

function asked() {
  let values;
  try {
    ({ values } = parseArgs({
      options: {
        csv: { type: 'string' },
        truth: { type: 'string' },
        'truth-pattern': { type: 'string' },
        map: { type: 'string' },
        without: { type: 'string' },
        threshold: { type: 'string' },
      },
    }));
  } catch (error) {
    throw new Failure(`${(error as Error).message.split('. ', 1)[0]}; usage: ${usage}`);
  }
  const { csv, truth, threshold = String(thresholds.review) } = values;
  if (csv === undefined || truth === undefined) throw new Failure(`usage: ${usage}`);
  if (threshold.trim() === '' || !Number.isFinite(Number(threshold)))
    throw new Failure(`--threshold ${threshold}: not a number`);
  return { ...values, csv, truth, threshold: Number(threshold) };
}

function idOf(index: number): string {
  return `row ${index + 1}`;
}

/** Who each row is; an empty cell is nobody else. */
function truthOf({ rows }: Csv, column: string, pattern?: string): Truth {
  let expression: RegExp | undefined;
  try {
    expression = pattern === undefined ? undefined : new RegExp(pattern, 'u');
  } catch (error) {
    throw new Failure(`--truth-pattern: ${(error as Error).message}`);
  }
  return new Map(
    rows.map((row, i) => {
      const cell = row.get(column)!;
      const value = expression ? expression.exec(cell)?.[1] : cell;
      if (value === undefined) throw new Failure(`${idOf(i)}: ${column} "${cell}" has no group of ${pattern}`);
      return [idOf(i), value === '' ? idOf(i) : `is ${value}`];
    }),
  );
}

function columnsOf({ header, rows }: Csv, { truth, map, without }: ReturnType<typeof asked>): Columns {
  const left = new Set([
    truth,
    ...(without ?? '')
      .split(',')
      .filter(Boolean)
      .map((name) => columnOf(name.trim(), header)),
  ]);
  const mapped = map === undefined ? new Map() : readMap(map, header);
  return new Map(
    header
      .filter((name) => !left.has(name))
      .map((name) => [
        name,
        mapped.get(name) ??
          guessField(
            name,
            rows.map((row) => row.get(name)!),
          ),
      ]),
  );
}

function fieldsWithValues({ columns }: Population): string[] {
  return columns.filter(({ values }) => values.length > 0).map(({ comparison }) => comparison.field);
}

function blocking(populations: readonly Population[], truth: Truth): { compared: number; kept: number } {
  let [compared, kept] = [0, 0];
  for (const population of populations) {
    const who = population.ids.map((id) => truth.get(id));
    for (const [record, others] of candidatePairs(who.length, blocksOf(population))) {
      compared += others.length;
      for (const other of others) if (who[other] === who[record]) kept += 1;
    }
  }
  return { compared, kept };
}
