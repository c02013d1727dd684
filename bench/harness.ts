import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import type { Need, Servers } from './servers.ts';

/** Times `work`, which does something `count` times, and answers with how often that is in a second. */
export type PerSecond = (count: number, work: () => Promise<unknown>) => Promise<number>;

/** One path of the project beside the same work without the project: a row with a ratio. */
export type Bench<State = unknown> = {
  name: string;
  needs: readonly Need[];
  unit: string;
  // Methods, so that benches of different states can stand in one list.
  prepare(servers: Servers, size: number): Promise<State>;
  ours(state: State, perSecond: PerSecond): Promise<number>;
  limit(state: State, perSecond: PerSecond): Promise<number>;
  cleanup(state: State): Promise<void>;
};

/** What has no limit to be held against, such as how long one waits: rows without a ratio, by their names. */
export type Watch<State = unknown> = {
  name: string;
  needs: readonly Need[];
  prepare(servers: Servers, size: number): Promise<State>;
  observe(state: State, rounds: number): Promise<readonly Observed[]>;
  cleanup(state: State): Promise<void>;
};
/** `quantiles` where one waits many times; else the median is told, with the extremes. */
export type Observed = { name: string; unit: string; samples: readonly number[]; quantiles?: true };

export type Result =
  | { kind: 'ratio'; name: string; unit: string; ours: number[]; limit: number[] }
  | { kind: 'observed'; name: string; unit: string; samples: number[]; quantiles: boolean }
  | { kind: 'left out'; name: string; reason: string }
  | { kind: 'failed'; name: string; reason: string };

/**
 * One warm-up, then rounds that take turns (ours, limit, ours, limit), so that what the machine does meanwhile meets both.
 *
 * @param settle brings the servers to rest before each time that is taken
 */
export async function compare<State>(
  bench: Bench<State>,
  { servers, size, rounds, settle }: { servers: Servers; size: number; rounds: number; settle: () => Promise<void> },
  tell: (line: string) => void,
): Promise<Result> {
  const perSecond: PerSecond = async (count, work) => {
    await settle();
    collectGarbage();
    const start = performance.now();
    await work();
    return (count / (performance.now() - start)) * 1_000;
  };
  const state = await bench.prepare(servers, size);
  try {
    const [ours, limit]: [number[], number[]] = [[], []];
    for (let round = 0; round <= rounds; round += 1) {
      const [one, other] = [await bench.ours(state, perSecond), await bench.limit(state, perSecond)];
      const what = round === 0 ? 'warm-up' : `round ${round} of ${rounds}`;
      tell(`${bench.name}: ${what}: ${Math.round(one)} and ${Math.round(other)} ${bench.unit}`);
      if (round === 0) continue;
      ours.push(one);
      limit.push(other);
    }
    return { kind: 'ratio', name: bench.name, unit: bench.unit, ours, limit };
  } finally {
    await bench.cleanup(state);
  }
}

/** Runs `work` for 0 to `count` - 1, so many writers at a time, each waiting for its own before it goes on. */
export async function byWriters(
  writers: number,
  count: number,
  work: (index: number) => Promise<unknown>,
): Promise<void> {
  let next = 0;
  const writer = async () => {
    while (next < count) {
      const index = next;
      next += 1;
      await work(index);
    }
  };
  await Promise.all(Array.from({ length: writers }, writer));
}

/** At least one, so that the smallest trial still does something. */
export const sized = (count: number, size: number): number => Math.max(1, Math.round(count * size));

export function quantile(samples: readonly number[], share: number): number {
  const sorted = samples.toSorted((a, b) => a - b);
  const place = (sorted.length - 1) * share;
  const [low, high] = [sorted[Math.floor(place)] ?? NaN, sorted[Math.ceil(place)] ?? NaN];
  return low + (high - low) * (place - Math.floor(place));
}
export const median = (samples: readonly number[]): number => quantile(samples, 0.5);

setFlagsFromString('--expose-gc');
/** The garbage of one side is not to be swept on the other's time. */
const collectGarbage = runInNewContext('gc') as () => void;
