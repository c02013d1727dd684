// `npm run operations -- <command>`: what operators do to a running installation.
type Command = { run: (args: readonly string[]) => Promise<number> };

const commands: Record<string, () => Promise<Command>> = {
  'verify-chain': () => import('./operations/verify-chain.ts'),
};

const [name = '', ...args] = process.argv.slice(2);
const load = Object.hasOwn(commands, name) ? commands[name] : undefined;
try {
  if (!load) throw new Error(`usage: npm run operations -- ${Object.keys(commands).join('|')}`);
  process.exitCode = await (await load()).run(args);
} catch (error) {
  process.stderr.write(`${(error as Error).message}\n`);
  process.exitCode = 2;
}
