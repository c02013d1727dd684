import { once } from 'node:events';
import { createWriteStream } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { spawnGuarded } from '@throughline/service';

/** A process of ours that is kept running, whatever is done to it, until it says that its work is done. */
export type Child = {
  name: string;
  /** True once it has ended with code 0. */
  readonly done: boolean;
  /** How often it ended although nobody had killed it. */
  readonly deaths: number;
  /** As `kill -9`; comes again by itself after so long. */
  kill: (milliseconds: number) => Promise<void>;
  /** As `kill -STOP`, and after so long `kill -CONT`. */
  freeze: (milliseconds: number) => Promise<void>;
  stop: () => Promise<void>;
};

export type ChildOptions = {
  name: string;
  script: string;
  args?: readonly string[];
  environment: Record<string, string>;
  /** Where its log goes. */
  folder: string;
  onLine?: (line: string) => void;
};

const root = join(import.meta.dirname, '..', '..', '..');
const againMilliseconds = 500;
const graceMilliseconds = 12_000;

export function startChild({ name, script, args = [], environment, folder, onLine }: ChildOptions): Child {
  // What the caller's shell says of other servers is none of our business.
  const inherited = Object.entries(process.env).filter(
    ([key]) => !/^(THROUGHLINE_|OTEL_|PORT$|NODE_OPTIONS$)/.test(key),
  );
  const env = { ...Object.fromEntries(inherited), ...environment };
  const log = createWriteStream(join(folder, `${name}.log`), { flags: 'a' });
  let [done, wanted, deaths, killed] = [false, true, 0, false];
  let running: { pid: number; exited: Promise<unknown> } | undefined;
  let pause = againMilliseconds;

  const launch = () => {
    const loader = join(root, 'tools', 'typescript.mjs');
    const flags = ['--disable-warning=TimeoutNegativeWarning', '--import', loader, join(root, script), ...args];
    const child = spawnGuarded(process.execPath, flags, {
      cwd: root,
      env,
      onLine: (line) => {
        onLine?.(line);
        if (log.writable) log.write(`${line}\n`);
      },
    });
    const exited = once(child, 'close').then(async ([code]) => {
      running = undefined;
      if (code === 0) done = true;
      else if (wanted && !killed) deaths += 1;
      killed = false;
      await sleep(pause);
      if (wanted && !done) launch();
    });
    running = { pid: child.pid as number, exited: once(child, 'exit') };
    exited.catch(() => undefined);
  };
  const signal = (which: NodeJS.Signals) => {
    if (running) process.kill(running.pid, which);
  };
  launch();
  return {
    name,
    get done() {
      return done;
    },
    get deaths() {
      return deaths;
    },
    async kill(milliseconds) {
      if (!running) return;
      const { exited } = running;
      [killed, pause] = [true, milliseconds];
      signal('SIGKILL');
      await exited;
      await sleep(milliseconds);
      pause = againMilliseconds;
    },
    async freeze(milliseconds) {
      signal('SIGSTOP');
      await sleep(milliseconds);
      signal('SIGCONT');
    },
    async stop() {
      wanted = false;
      const ending = running;
      if (ending) {
        signal('SIGCONT');
        signal('SIGTERM');
        const hurry = setTimeout(() => signal('SIGKILL'), graceMilliseconds);
        await ending.exited;
        clearTimeout(hurry);
      }
      log.end();
    },
  };
}
