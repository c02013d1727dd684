import { once } from 'node:events';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { spawnGuarded } from '@throughline/service';
import type { Servers } from './servers.ts';

export type Child = {
  pid: number;
  /** The first line that begins so. @throws Error with what was said instead, where it ended first */
  said: (start: string) => Promise<string>;
  /** @throws Error where it has ended */
  check: () => void;
  stop: () => Promise<void>;
};

const root = join(import.meta.dirname, '..');
const graceMilliseconds = 10_000;

/** Runs a script of the repository as a process of its own, which ends with this run, however that ends. */
export function startChild({ atEnd }: Servers, script: string, environment: Record<string, string>): Child {
  const lines: string[] = [];
  // What the caller's shell says of other servers is none of our business.
  const inherited = Object.entries(process.env).filter(([name]) => !/^(THROUGHLINE_|PORT$)/.test(name));
  const child = spawnGuarded(
    process.execPath,
    [
      '--disable-warning=TimeoutNegativeWarning', // kafkajs
      '--import',
      import.meta.resolve('../tools/typescript.mjs'),
      join(root, script),
    ],
    { cwd: root, env: { ...Object.fromEntries(inherited), ...environment }, onLine: (line) => void lines.push(line) },
  );
  let gone = false;
  const exited = once(child, 'close').then(() => (gone = true));
  const stop = async () => {
    if (gone) return;
    child.kill('SIGTERM');
    const hurry = setTimeout(() => child.kill('SIGKILL'), graceMilliseconds);
    await exited;
    clearTimeout(hurry);
  };
  const check = () => {
    if (gone) throw new Error(`${script} ended by itself: ${lines.at(-1) ?? 'without a word'}`);
  };
  atEnd(stop);
  return {
    pid: child.pid as number,
    check,
    stop,
    async said(start) {
      for (;;) {
        const line = lines.find((candidate) => candidate.startsWith(start));
        if (line !== undefined) return line;
        check();
        await sleep(20);
      }
    },
  };
}

export type Listening = { child: Child; url: string };

/** As `startChild`, of a script that says where it listens. */
export async function startListening(
  servers: Servers,
  script: string,
  environment: Record<string, string>,
): Promise<Listening> {
  const child = startChild(servers, script, environment);
  const line = await child.said('listening at ');
  return { child, url: line.slice('listening at '.length) };
}
