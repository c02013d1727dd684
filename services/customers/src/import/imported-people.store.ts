import { Injectable } from '@nestjs/common';
import { Commands } from '@throughline/event-sourcing';
import { Jobs, Kernel, StillNeeded, jobStates, type Forgets } from '@throughline/service';
import { customer } from '../customer/customer.ts';
import { ImportFiles } from './import-files.store.ts';
import { ImportRows } from './import-rows.store.ts';
import { importing } from './import.ts';

/** The people who came with files, or were changed by them: with somebody who is erased the files go. */
@Injectable()
export class ImportedPeople implements Forgets {
  constructor(
    private readonly kernel: Kernel,
    private readonly commands: Commands,
    private readonly jobs: Jobs,
    private readonly files: ImportFiles,
    private readonly rows: ImportRows,
  ) {}

  /** Counts stay, and so does what an undo needs. @throws StillNeeded while one of the imports is under way: it needs its file to the end */
  async forget(subject: string): Promise<void> {
    for (const id of await this.#importsOf(subject)) {
      const { state, events } = await this.commands.load(importing, id);
      const checks = events.filter(({ type }) => type === 'ImportCheckStarted');
      const jobIds = [id, ...checks.map(({ data }) => (data as { checkId: string }).checkId)];
      const jobs = await Promise.all(jobIds.map((jobId) => this.jobs.find(jobId)));
      if (jobs.some((job) => job && jobStates.underWay.some((one) => one === job.state))) {
        throw new StillNeeded('an import of the person is under way');
      }
      if (state.file) await this.files.remove(state.file.fileId);
      await this.rows.forget(jobIds);
    }
  }

  async #importsOf(subject: string): Promise<readonly string[]> {
    const { rows } = await this.kernel.pool.query<{ id: string }>(
      `select id from streams where type = $1 and id::text in (
         select batch_id from events where stream_type = $2 and stream_id = $3)`,
      [importing.category, customer.category, subject],
    );
    return rows.map(({ id }) => id);
  }
}
