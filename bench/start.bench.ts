import { readFile, readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { freePort } from '@throughline/service';
import { startCrm, type Crm } from './crm.ts';
import type { Watch } from './harness.ts';
import type { Servers } from './servers.ts';

type State = { start: () => Promise<Crm> };

/** After the start, so that what is only needed for it may go. */
const restMilliseconds = 3_000;

const starting: Watch<State> = {
  name: 'npm start',
  needs: [],
  async prepare(servers: Servers) {
    const environment = async () => ({
      THROUGHLINE_DATA_DIR: join(servers.folder, 'start'),
      THROUGHLINE_BI_PORT: String(await freePort()),
    });
    const start = async () => startCrm(servers, await environment());
    const first = await start(); // makes the data folder
    await first.child.stop();
    return { start };
  },
  async observe({ start }, rounds) {
    const [seconds, node, postgres]: [number[], number[], number[]] = [[], [], []];
    for (let round = 0; round < rounds; round += 1) {
      const { child, secondsToReady } = await start();
      seconds.push(secondsToReady);
      await sleep(restMilliseconds);
      node.push(...(await megabytes([child.pid], 'Rss')));
      postgres.push(...(await megabytes(await below(child.pid), 'Pss')));
      await child.stop();
    }
    return [
      { name: 'npm start, to readyz', unit: 's', samples: seconds },
      { name: 'npm start, memory of Node (RSS)', unit: 'MB', samples: node },
      { name: 'npm start, memory of its Postgres (PSS)', unit: 'MB', samples: postgres },
    ].filter(({ samples }) => samples.length > 0);
  },
  cleanup: async () => undefined,
};

/** What the processes take together; nothing where the system does not say. */
async function megabytes(pids: readonly number[], what: 'Rss' | 'Pss'): Promise<number[]> {
  const sizes = pids.map(async (pid) => {
    const text = await readFile(`/proc/${pid}/smaps_rollup`, 'utf8').catch(() => '');
    return Number(new RegExp(`^${what}: +(\\d+) kB`, 'm').exec(text)?.[1] ?? 0);
  });
  const sum = (await Promise.all(sizes)).reduce((total, kilobytes) => total + kilobytes, 0);
  return sum > 0 ? [sum / 1024] : [];
}

/** The processes that a process started, and those that they started. */
async function below(pid: number): Promise<number[]> {
  const names = await readdir('/proc').catch(() => []);
  const parents = names
    .filter((name) => /^\d+$/.test(name))
    .map(async (name) => {
      const status = await readFile(`/proc/${name}/status`, 'utf8').catch(() => '');
      return { pid: Number(name), parent: Number(/^PPid:\s*(\d+)/m.exec(status)?.[1]) };
    });
  const all = await Promise.all(parents);
  const found = (of: number): number[] =>
    all.flatMap((process) => (process.parent === of ? [process.pid, ...found(process.pid)] : []));
  return found(pid);
}

export const watches: readonly Watch[] = [starting];
