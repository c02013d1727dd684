import { recordLimit, type PackedKeys, type Population } from './population.ts';

export interface BlockLimits {
  /** A value on more records than this is shared, and a key only together with another. */
  shared: number;
  /** A larger block is split by other keys. */
  block: number;
}

export const blockLimits: BlockLimits = { shared: 10, block: 40 };

/** Records of a block nothing tells apart are compared with their neighbours in the order of names. */
const window = 8;

/** Blocks of records of which each is to be compared with each: block `i` is `members[starts[i]]` to `members[starts[i + 1] - 1]`. */
export interface Blocks {
  members: Uint32Array;
  starts: Uint32Array;
  /** The blocks before this one are of values that belong to one customer; the others of what similar records share. */
  similarFrom: number;
}

type Emit = (members: readonly number[]) => void;

/**
 * The blocks of a population. None is dropped: what is too large is split by each facet, and what then is still too
 * large by the next; besides, the members of a large block of similar records are compared with their neighbours. A value
 * that too many records have is no similarity: it counts only together with a facet that few of them share.
 */
export function blocksOf({ keys }: Population, limits = blockLimits): Blocks {
  const members: number[] = [];
  const starts = [0];
  const emit: Emit = (block) => {
    for (const member of block) members.push(member);
    starts.push(members.length);
  };
  const similar: Splitting = { keys, limit: limits.block, emit, leave: (block) => neighbours(block, emit) };
  const shared: Splitting = { keys, limit: limits.shared, emit, leave: () => {} };
  for (const block of runs(keys.identities)) {
    if (block.length <= limits.shared) emit(block);
    else split(block, shared);
  }
  for (const block of runs(keys.joint)) split(block, shared);
  const similarFrom = starts.length - 1;
  for (const block of runs(keys.blocks)) {
    if (block.length <= limits.block) emit(block);
    else {
      neighbours(block, emit);
      split(block, similar);
    }
  }
  return { members: Uint32Array.from(members), starts: Uint32Array.from(starts), similarFrom };
}

function* runs(packed: Float64Array): Generator<number[]> {
  for (let start = 0, end = 0; start < packed.length; start = end) {
    const hash = Math.floor(packed[start]! / recordLimit);
    for (end = start + 1; end < packed.length && Math.floor(packed[end]! / recordLimit) === hash;) end += 1;
    if (end - start < 2) continue;
    yield Array.from(packed.subarray(start, end), (key) => key - hash * recordLimit);
  }
}

interface Splitting {
  keys: PackedKeys;
  limit: number;
  emit: Emit;
  /** What becomes of a part that no facet splits. */
  leave: Emit;
}

function split(block: readonly number[], splitting: Splitting, from = 0): void {
  const { keys, limit, emit, leave } = splitting;
  if (from === keys.facetCount) return leave(block);
  for (let facet = from; facet < keys.facetCount; facet++) {
    const parts = new Map<number, number[]>();
    for (const member of block) {
      const hash = keys.facets[member * keys.facetCount + facet]!;
      if (hash === 0) continue;
      const part = parts.get(hash);
      if (part) part.push(member);
      else parts.set(hash, [member]);
    }
    for (const part of parts.values()) {
      if (part.length < 2) continue;
      if (part.length <= limit) emit(part);
      else split(part, splitting, facet + 1);
    }
  }
}

function neighbours(block: readonly number[], emit: Emit): void {
  for (let start = 0; start === 0 || start + window / 2 < block.length; start += window / 2) {
    emit(block.slice(start, start + window));
  }
}

/**
 * Of more records than these, pairs that share one block of similar ones and nothing else are left out: they are nine tenths
 * of all, and hardly any of them is the same.
 */
const fewestOfMany = 20_000;

/**
 * The pairs to compare, each once, grouped by the first of the two records; the list is used again for the next.
 * @param leastShared how many blocks of similar records two have to share that share no value
 */
export function* candidatePairs(
  size: number,
  { members, starts, similarFrom }: Blocks,
  leastShared = size < fewestOfMany ? 1 : 2,
): Generator<[record: number, others: number[]]> {
  const blockCount = starts.length - 1;
  const firsts = new Uint32Array(size + 1);
  for (const member of members) firsts[member + 1]! += 1;
  for (let i = 0; i < size; i++) firsts[i + 1]! += firsts[i]!;
  const blocksOfRecord = new Uint32Array(members.length);
  const next = firsts.slice();
  for (let block = 0; block < blockCount; block++) {
    for (let at = starts[block]!; at < starts[block + 1]!; at++) blocksOfRecord[next[members[at]!]!++] = block;
  }

  const shared = new Uint16Array(size);
  const met: number[] = [];
  const others: number[] = [];
  for (let record = 0; record < size; record++) {
    for (let of = firsts[record]!; of < firsts[record + 1]!; of++) {
      const block = blocksOfRecord[of]!;
      const worth = block < similarFrom ? leastShared : 1;
      for (let at = starts[block + 1]! - 1; at >= starts[block]! && members[at]! > record; at--) {
        const other = members[at]!;
        if (shared[other] === 0) met.push(other);
        shared[other]! += worth;
      }
    }
    for (const other of met) {
      if (shared[other]! >= leastShared) others.push(other);
      shared[other] = 0;
    }
    yield [record, others];
    met.length = 0;
    others.length = 0;
  }
}
