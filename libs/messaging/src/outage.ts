import { setTimeout as sleep } from 'node:timers/promises';
import { isTransient, type SubscriptionLog } from '@throughline/event-sourcing';

const firstPause = 50;
const longestPause = 2_000;

/** Waits out what goes away by itself: pauses that grow, one line in the log when it begins and one when it is over. */
export class Outage {
  #failures = 0;
  #since = 0;

  constructor(
    private readonly name: string,
    private readonly log: SubscriptionLog,
  ) {}

  /** @throws the error itself where waiting does not help. */
  async wait(error: unknown, signal: AbortSignal): Promise<void> {
    this.begin(error);
    const pause = Math.min(longestPause, firstPause * 2 ** Math.min(this.#failures, 10));
    await sleep(pause * (0.5 + Math.random() / 2), undefined, { signal }).catch(() => undefined);
  }

  /** @throws the error itself where waiting does not help. */
  begin(error: unknown): void {
    if (!isTransient(error)) throw error;
    if (this.#failures === 0) {
      this.#since = Date.now();
      this.log.warn(`${this.name} waits`, { error: (error as Error).message });
    }
    this.#failures += 1;
  }

  over(): void {
    if (this.#failures === 0) return;
    this.log.warn(`${this.name} goes on`, { failures: this.#failures, ms: Date.now() - this.#since });
    this.#failures = 0;
  }
}
