/** A question that hangs does not hold up the next one for long. */
const patienceMilliseconds = 100;

/**
 * Asks for many things as one: what is asked for while an answer is under way travels together in the next question.
 *
 * @param ask gets every key once; a key that it leaves out of its answer is undefined for those who asked for it
 */
export function gathered<Key, Value>(
  ask: (keys: readonly Key[]) => Promise<ReadonlyMap<Key, Value>>,
): (keys: readonly Key[]) => Promise<ReadonlyMap<Key, Value>> {
  let asked = new Set<Key>();
  let next: Promise<ReadonlyMap<Key, Value>> | undefined;
  let underWay = Promise.resolve();
  return (keys) => {
    for (const key of keys) asked.add(key);
    next ??= underWay.then(() => {
      const all = [...asked];
      asked = new Set();
      next = undefined;
      const answer = ask(all);
      underWay = ended(answer);
      return answer;
    });
    return next;
  };
}

/** Resolves when the work has ended, or has taken long. */
const ended = (work: Promise<unknown>): Promise<void> =>
  new Promise((resolve) => {
    const timer = setTimeout(resolve, patienceMilliseconds).unref();
    const done = () => {
      clearTimeout(timer);
      resolve();
    };
    work.then(done, done);
  });
