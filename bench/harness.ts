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
  /** What the ratio to the limit should reach. */
  goal?: number;
  /** Another way to the same end, which takes part in the rounds. */
  peer?: Peer<State>;
  // Methods, so that benches of different states can stand in one list.
  prepare(servers: Servers, size: number): Promise<State>;
  ours(state: State, perSecond: PerSecond): Promise<number>;
  limit(state: State, perSecond: PerSecond): Promise<number>;
  cleanup(state: State): Promise<void>;
};

export type Peer<State = unknown> = { name: string; run(state: State, perSecond: PerSecond): Promise<number> };

/** What has no limit to be held against, such as how long one waits: rows without a ratio, by their names. */
export type Watch<State = unknown> = {
  name: string;
  needs: readonly Need[];
  prepare(servers: Servers, size: number): Promise<State>;
  observe(state: State, rounds: number, perSecond: PerSecond): Promise<readonly Observed[]>;
  cleanup(state: State): Promise<void>;
};
/**
 * `quantiles` where one waits many times; else the median is told, with the extremes. `against` is the same of the same
 * rounds where things were smaller: the row gets a ratio to it.
 */
export type Observed = {
  name: string;
  unit: string;
  samples: readonly number[];
  quantiles?: true;
  against?: readonly number[];
};

export type Result =
  | {
      kind: 'ratio';
      name: string;
      unit: string;
      ours: number[];
      limit: number[];
      goal?: number;
      peer?: { name: string; rates: number[] };
    }
  | ({ kind: 'observed' } & Observed)
  | { kind: 'left out'; name: string; reason: string }
  | { kind: 'failed'; name: string; reason: string };

/** @param settle brings the servers to rest before each time that is taken */
export const timer =
  (settle: () => Promise<void>): PerSecond =>
  async (count, work) => {
    await settle();
    collectGarbage();
    const start = performance.now();
    await work();
    return (count / (performance.now() - start)) * 1_000;
  };

/**
 * One warm-up, then rounds that take turns (ours, limit, peer, ours, limit, peer), so that what the machine does meanwhile
 * meets all.
 */
export async function compare<State>(
  bench: Bench<State>,
  { servers, size, rounds, perSecond }: { servers: Servers; size: number; rounds: number; perSecond: PerSecond },
  tell: (line: string) => void,
): Promise<Result> {
  const { name, unit, goal, peer } = bench;
  const state = await bench.prepare(servers, size);
  try {
    const [ours, limit, rates]: [number[], number[], number[]] = [[], [], []];
    for (let round = 0; round <= rounds; round += 1) {
      const [own, bare] = [await bench.ours(state, perSecond), await bench.limit(state, perSecond)];
      const other = peer && (await peer.run(state, perSecond));
      const what = round === 0 ? 'warm-up' : `round ${round} of ${rounds}`;
      const told = [own, bare, ...(other === undefined ? [] : [other])].map((rate) => Math.round(rate));
      tell(`${name}: ${what}: ${told.join(' and ')} ${unit}`);
      if (round === 0) continue;
      ours.push(own);
      limit.push(bare);
      if (other !== undefined) rates.push(other);
    }
    return {
      kind: 'ratio',
      name,
      unit,
      ours,
      limit,
      ...(goal !== undefined && { goal }),
      ...(peer && { peer: { name: peer.name, rates } }),
    };
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
