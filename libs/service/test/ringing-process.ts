// A process that rings due bells. `hangs`: it rings, says so, and never finishes. `skew`: its clock is that far off.
import { readConfig } from '../src/config.ts';
import { openBells } from './bells.ts';

const [how = '', skew = '0'] = process.argv.slice(2);
const RealDate = Date;
globalThis.Date = class extends RealDate {
  constructor(...args: [] | [number | string | Date]) {
    super(...((args.length === 0 ? [RealDate.now() + Number(skew)] : args) as [number]));
  }
  static override now = () => RealDate.now() + Number(skew);
} as DateConstructor;

const bells = await openBells(readConfig());
const due = async ({ key }: { key: string }) => {
  await bells.ring(key);
  process.stdout.write(`rang ${key}\n`);
  if (how === 'hangs') await new Promise(() => undefined);
};
process.stdout.write('ready\n');
await bells.run(due, new AbortController().signal);
