import { Random } from '../../demo/src/random.ts';

/** What can be harmed, by name. */
export type Targets = {
  /** Processes of ours. */
  processes: readonly string[];
  /** Servers that can be ended and started again. */
  servers: readonly string[];
  /** What stands between the parts. */
  connections: readonly string[];
  /** Databases. */
  databases: readonly string[];
  /** Those that are appended to. */
  stores: readonly string[];
};

export type Fault = {
  /** Begins when this part of the events is acknowledged; 0 to 1. */
  at: number;
  kind: (typeof kinds)[number];
  target: string;
  milliseconds: number;
};

const kinds = ['kill', 'freeze', 'restart', 'cut', 'stall', 'slow', 'terminate', 'lock', 'hold'] as const;
const targetsOf: Record<Fault['kind'], keyof Targets> = {
  kill: 'processes',
  freeze: 'processes',
  restart: 'servers',
  cut: 'connections',
  stall: 'connections',
  slow: 'connections',
  terminate: 'databases',
  lock: 'stores',
  hold: 'stores',
};
/** A frozen leader loses its session after 8 s. */
const milliseconds: Record<Fault['kind'], readonly [number, number]> = {
  kill: [0, 2_000],
  freeze: [9_000, 12_000],
  restart: [0, 3_000],
  cut: [0, 0],
  stall: [1_000, 7_000],
  slow: [2_000, 5_000],
  terminate: [0, 0],
  lock: [1_000, 4_000],
  hold: [1_000, 4_000],
};

/** Every kind of fault in turn, in an order of the seed, each time at another target until all had their turn. */
export function scheduleOf(seed: string, count: number, targets: Targets): Fault[] {
  const random = new Random(`${seed}/faults`);
  const left = new Map<string, string[]>();
  const next = (of: Fault['kind']): string => {
    const own = left.get(of) ?? [];
    const target = own.shift() ?? '';
    left.set(of, own);
    if (target) return target;
    left.set(of, random.shuffled(targets[targetsOf[of]]));
    return next(of);
  };
  const faults: Fault[] = [];
  while (faults.length < count) {
    for (const kind of random.shuffled(kinds)) {
      const [least, most] = milliseconds[kind];
      const at = (faults.length + random.next()) / count;
      faults.push({ at, kind, target: next(kind), milliseconds: random.int(least, most) });
    }
  }
  return faults.slice(0, count);
}

export const described = ({ at, kind, target, milliseconds: time }: Fault): string =>
  `${(at * 100).toFixed(1).padStart(5)} %  ${kind} ${target}${time > 0 ? `, ${(time / 1_000).toFixed(1)} s` : ''}`;
