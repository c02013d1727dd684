// `npm run bench [-- names… --growth --rounds 5 --size 0.1 --json file]`: the project's paths beside the same work without it.
import { writeFile } from 'node:fs/promises';
import { constants } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { compare, median, timer, type Bench, type Result, type Watch } from './harness.ts';
import { missing, startServers, type Servers } from './servers.ts';
import { settle, surroundingsOf } from './surroundings.ts';
import { ratiosOf, tableOf } from './table.ts';

const names = [
  'append',
  'feed',
  'folding',
  'rebuild',
  'relay',
  'consumer',
  'indexer',
  'http',
  'latency',
  'start',
  'customers',
  'imports',
  'lists',
];
type File = { benches?: readonly Bench[]; watches?: readonly Watch[] };

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    rounds: { type: 'string', default: '3' },
    size: { type: 'string', default: '1' },
    json: { type: 'string' },
    growth: { type: 'boolean', default: false },
  },
});
const [rounds, size] = [Number(values.rounds), Number(values.size)];
const unknown = positionals.find((name) => !names.includes(name));
const wrong =
  (unknown !== undefined && `there is no ${unknown}, only ${names.join(', ')}`) ||
  (!(rounds >= 3 && Number.isInteger(rounds)) && 'the median of fewer than 3 rounds says nothing') ||
  (!(size > 0) && '--size is a factor, such as 0.1');
if (wrong) {
  console.error(wrong);
  process.exit(2);
}

const endings: (() => Promise<unknown>)[] = [];
let ending: Promise<void> | undefined;
const end = (): Promise<void> =>
  (ending ??= (async () => {
    for (let last = endings.pop(); last; last = endings.pop()) await last().catch(() => undefined);
  })());
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) {
  process.on(signal, () => {
    tell('stopping');
    void end().then(() => process.exit(128 + constants.signals[signal]));
  });
}

async function main(): Promise<boolean> {
  const everything = positionals.length === 0 && !values.growth;
  const chosen = names.filter((name) => everything || positionals.includes(name));
  if (values.growth) chosen.push('growth');
  const files = await Promise.all(
    chosen.map((name) => import(join(import.meta.dirname, `${name}.bench.ts`)) as Promise<File>),
  );
  const rows = files.flatMap(({ benches = [], watches = [] }) => [...benches, ...watches]);
  const needs = new Set(rows.flatMap((row) => row.needs));
  const servers = await startServers(needs, (stop) => endings.push(stop));
  const surroundings = await surroundingsOf(servers);
  tell(surroundings);

  const results: Result[] = [];
  for (const row of rows) if (!ending) results.push(...(await resultsOf(row, servers)));
  if (ending) return false;
  console.log(`\n${surroundings}\n\n${tableOf(results)}`);
  if (values.json !== undefined) await writeFile(values.json, json({ surroundings, rounds, size, results }));
  return results.every(({ kind }) => kind !== 'failed');
}

async function resultsOf(row: Bench | Watch, servers: Servers): Promise<Result[]> {
  const { name, needs } = row;
  const reason = missing(needs, servers);
  if (reason !== undefined) return [{ kind: 'left out', name, reason }];
  try {
    tell(name);
    const perSecond = timer(() => settle(servers));
    if ('ours' in row) return [await compare(row, { servers, size, rounds, perSecond }, tell)];
    const state = await row.prepare(servers, size);
    try {
      const observed = await row.observe(state, rounds, perSecond);
      return observed.map((one) => ({ kind: 'observed', ...one }));
    } finally {
      await row.cleanup(state);
    }
  } catch (error) {
    const { message, stack } = error as Error;
    if (!ending) tell(`${name} failed: ${stack}`);
    return [{ kind: 'failed', name, reason: message }];
  }
}

function json({ results, ...rest }: { surroundings: string; rounds: number; size: number; results: Result[] }): string {
  const told = results.map((result) =>
    result.kind === 'ratio' ? { ...result, ratio: median(ratiosOf(result.ours, result.limit)) } : result,
  );
  return `${JSON.stringify({ ...rest, results: told }, null, 2)}\n`;
}

const tell = (line: string) => process.stderr.write(`${line}\n`);

let good = false;
try {
  good = await main();
} catch (error) {
  if (!ending) console.error((error as Error).message);
}
const interrupted = ending !== undefined;
await end();
if (!interrupted) process.exit(good ? 0 : 1);
