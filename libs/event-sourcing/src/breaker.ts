/** Many keys fail at once: not they are at fault but the code or what it needs. Nothing was parked; it is tried again. */
export class BreakerOpen extends Error {}

const window = 50;
const leastFailures = 10;

/** Opens when at least ten, and at least half, of the last fifty keys failed. Only then, so that one poison stops nobody. */
export class Breaker {
  #outcomes: boolean[] = [];

  record(ok: boolean): void {
    this.#outcomes.push(ok);
    if (this.#outcomes.length > window) this.#outcomes.shift();
  }

  /**
   * To be called before anything is parked.
   *
   * @throws BreakerOpen
   */
  check(): void {
    const failures = this.#outcomes.filter((ok) => !ok).length;
    if (failures < leastFailures || failures * 2 < this.#outcomes.length) return;
    const { length } = this.#outcomes;
    this.#outcomes = [];
    throw new BreakerOpen(`${failures} of the last ${length} keys failed`);
  }
}

/** Runs what it is given one after the other, so that what an operator asks for meets no batch under way. */
export function oneAfterTheOther(): <T>(work: () => Promise<T>) => Promise<T> {
  let last: Promise<unknown> = Promise.resolve();
  return (work) => {
    const own = last.then(work);
    last = own.catch(() => undefined);
    return own;
  };
}
