// `npm run operations -- <what> …`: what operators ask of a running Throughline, and of its databases.
import { endWith, Failure, type Command } from './operations/command.ts';

const commands: Readonly<Record<string, () => Promise<{ run: Command }>>> = {
  'dead-letters': () => import('./operations/dead-letters.ts'),
  subscriptions: () => import('./operations/subscriptions.ts'),
  timers: () => import('./operations/timers.ts'),
  'verify-chain': () => import('./operations/verify-chain.ts'),
  'anchors-key': () => import('./operations/anchors-key.ts'),
  'broken-keys': () => import('./operations/broken-keys.ts'),
};

await endWith(async () => {
  const [name = '', ...args] = process.argv.slice(2);
  const command = Object.hasOwn(commands, name) ? commands[name] : undefined;
  if (!command) throw new Failure(`usage: npm run operations -- ${Object.keys(commands).join('|')} …`);
  return (await command()).run(args);
});
