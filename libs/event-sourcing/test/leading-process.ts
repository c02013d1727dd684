// A process that leads `workers` of the database given, and says so.
import { Session } from '../src/index.ts';

const [database = '', name] = process.argv.slice(2);
const work = async (_: readonly string[], signal: AbortSignal) => {
  process.stdout.write(`${name} leads\n`);
  await new Promise((resolve) => signal.addEventListener('abort', resolve, { once: true }));
  process.stdout.write(`${name} follows\n`);
};
await new Session(database).lead([{ locks: ['workers of processes'], work }], new AbortController().signal);
