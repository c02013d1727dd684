import { setTimeout as sleep } from 'node:timers/promises';
import { Injectable } from '@nestjs/common';
import { errorForLog } from '@throughline/event-sourcing';
import { Kernel, Log, type Worker } from '@throughline/service';

const keptDays = 30;
const everyMilliseconds = 60 * 60 * 1_000;

/**
 * Files, the cells that were set by hand in them and the rows that were not taken hold people's data outside of their
 * streams: they are kept for a while only.
 */
@Injectable()
export class ForgetImports implements Worker {
  constructor(
    private readonly kernel: Kernel,
    private readonly log: Log,
  ) {}

  async run(signal: AbortSignal): Promise<void> {
    while (!signal.aborted) {
      try {
        await this.forget();
      } catch (error) {
        this.log.warn('files of imports stay', errorForLog(error));
      }
      await sleep(everyMilliseconds, undefined, { signal }).catch(() => undefined);
    }
  }

  async forget(now = new Date()): Promise<void> {
    const before = new Date(now.getTime() - keptDays * 86_400_000).toISOString();
    for (const table of ['import_files', 'import_errors', 'import_repeats']) {
      await this.kernel.pool.query(`delete from ${table} where created_at < $1`, [before]);
    }
  }
}
