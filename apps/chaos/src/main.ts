// `npm run chaos [-- --events N --seed S --client kafkajs --minutes M]`: everything that can go wrong, and whether it did.
import { randomBytes } from 'node:crypto';
import { constants } from 'node:os';
import { parseArgs } from 'node:util';
import { runChaos } from './run.ts';
import { linesOf } from './verdict.ts';

const clients = ['kafkajs', 'platformatic'];
const { values } = parseArgs({
  options: {
    events: { type: 'string', default: '1000000' },
    seed: { type: 'string', default: randomBytes(4).toString('hex') },
    client: { type: 'string', default: 'kafkajs' },
    minutes: { type: 'string', default: '60' },
  },
});
const { seed, client } = values;
const [events, minutes] = [Number(values.events), Number(values.minutes)];
const wrong =
  (!(Number.isSafeInteger(events) && events > 0) && '--events is a whole number above 0') ||
  (!(minutes > 0) && '--minutes is a number above 0') ||
  (!clients.includes(client) && `--client is one of ${clients.join(', ')}`);
if (wrong) {
  console.error(wrong);
  process.exit(2);
}

const stop = new AbortController();
let interrupted: NodeJS.Signals | undefined;
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) {
  process.on(signal, () => {
    interrupted = signal;
    stop.abort();
  });
}

console.log(`seed ${seed}`);
const tell = (line: string) => console.log(line);
try {
  const verdict = await runChaos({ seed, events, minutes, client, stack: true, tell, signal: stop.signal });
  for (const line of linesOf(verdict)) console.log(line);
  process.exit(verdict.passed ? 0 : 1);
} catch (error) {
  if (interrupted) process.exit(128 + constants.signals[interrupted]);
  console.error((error as Error).stack);
  console.log('verdict: FAILED');
  process.exit(1);
}
