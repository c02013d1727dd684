import { afterEach, beforeEach } from '@jest/globals';
import { logInto, type LogLine } from './events.ts';

/** What runs beside a test: it ends with the test, and says in `lines` what it had to say. */
export function background() {
  const lines: LogLine[] = [];
  let stop: AbortController;
  beforeEach(() => {
    stop = new AbortController();
    lines.length = 0;
  });
  afterEach(() => stop.abort());
  return {
    lines,
    log: logInto(lines),
    get signal() {
      return stop.signal;
    },
    /** Ends all that runs, and waits for it; what is started afterwards runs again. */
    async end(...running: Promise<unknown>[]) {
      stop.abort();
      await Promise.all(running);
      stop = new AbortController();
    },
  };
}
