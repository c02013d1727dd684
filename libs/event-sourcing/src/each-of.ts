/** Runs `work` over the items, so many at a time; the first failure is thrown once all under way have ended. */
export async function eachOf<T>(items: Iterable<T>, atOnce: number, work: (item: T) => Promise<void>): Promise<void> {
  const queue = [...items].values();
  const lane = async () => {
    for (const item of queue) await work(item);
  };
  const results = await Promise.allSettled(Array.from({ length: atOnce }, lane));
  for (const result of results) if (result.status === 'rejected') throw result.reason;
}
