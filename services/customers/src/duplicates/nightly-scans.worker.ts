import { setTimeout as sleep } from 'node:timers/promises';
import { Injectable } from '@nestjs/common';
import { Commands, derivedId, errorForLog, runInContext, systemContext } from '@throughline/event-sourcing';
import { Jobs, Log, type Worker } from '@throughline/service';
import { OrganisationTime } from '../care/organisation.view.ts';
import { duplicateRules, duplicateRulesId } from './duplicate-rules.ts';
import { nightAt } from './night.ts';

const restMilliseconds = 5 * 60_000;

/** The scan of a night: whichever process begins it, and however often, it is one. */
export const scanOf = (night: string): string => derivedId('nightly-scan', night);

/** Has all customers compared every night, where that is switched on. A night in which no process ran is left out. */
@Injectable()
export class NightlyScans implements Worker {
  constructor(
    private readonly commands: Commands,
    private readonly jobs: Jobs,
    private readonly time: OrganisationTime,
    private readonly log: Log,
  ) {}

  async run(signal: AbortSignal): Promise<void> {
    while (!signal.aborted) {
      await this.round().catch((error: unknown) => this.log.warn('nightly scan waits', errorForLog(error)));
      await sleep(restMilliseconds, undefined, { signal }).catch(() => undefined);
    }
  }

  async round(now = new Date()): Promise<void> {
    await runInContext(systemContext('nightly-scan'), async () => {
      const { state } = await this.commands.load(duplicateRules, duplicateRulesId);
      if (!state.scanNightly) return;
      const night = nightAt(now, await this.time.zone());
      if (night !== undefined) await this.jobs.start('scan-duplicates', scanOf(night), null);
    });
  }
}
