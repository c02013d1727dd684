/** How much of what was found is right, and how much of what is right was found. */
export interface Measure {
  precision: number;
  recall: number;
  f1: number;
}

type Pair = Readonly<{ a: string; b: string }>;
/** Who each record is. */
export type Truth = ReadonlyMap<string, string>;

/** What is not there is right: nothing found is precise, nothing to find is all found. */
const share = (part: number, of: number) => (of === 0 ? 1 : part / of);

const measure = (precision: number, recall: number): Measure => ({
  precision,
  recall,
  f1: precision + recall === 0 ? 0 : (2 * precision * recall) / (precision + recall),
});

const pairsAmong = (size: number) => (size * (size - 1)) / 2;

function sizesOf(values: Iterable<string>): Map<string, number> {
  const sizes = new Map<string, number>();
  for (const value of values) sizes.set(value, (sizes.get(value) ?? 0) + 1);
  return sizes;
}

/** The number of pairs that are the same. */
export function truePairs(truth: Truth): number {
  return [...sizesOf(truth.values()).values()].reduce((sum, size) => sum + pairsAmong(size), 0);
}

/** Precision and recall of pairs, each of which is given once. */
export function ofPairs(pairs: readonly Pair[], truth: Truth): Measure {
  const right = pairs.filter(({ a, b }) => truth.get(a) === truth.get(b)).length;
  return measure(share(right, pairs.length), share(right, truePairs(truth)));
}

/** Precision and recall of all pairs within clusters. */
export function ofClusters(clusters: readonly (readonly string[])[], truth: Truth): Measure {
  let [right, found] = [0, 0];
  for (const cluster of clusters) {
    found += pairsAmong(cluster.length);
    for (const size of sizesOf(cluster.map((id) => truth.get(id)!)).values()) right += pairsAmong(size);
  }
  return measure(share(right, found), share(right, truePairs(truth)));
}

/** B-cubed (A. Bagga and B. Baldwin, 1998): averages over records; a record in no cluster is one by itself. */
export function bCubed(clusters: readonly (readonly string[])[], truth: Truth): Measure {
  const inTruth = sizesOf(truth.values());
  const clustered = new Set(clusters.flat());
  const alone = [...truth.keys()].filter((id) => !clustered.has(id)).map((id) => [id]);
  let [precision, recall] = [0, 0];
  for (const cluster of [...clusters, ...alone]) {
    for (const [who, size] of sizesOf(cluster.map((id) => truth.get(id)!))) {
      precision += size ** 2 / cluster.length;
      recall += size ** 2 / inTruth.get(who)!;
    }
  }
  return measure(share(precision, truth.size), share(recall, truth.size));
}
