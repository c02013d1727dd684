import { Injectable } from '@nestjs/common';
import type { Selection, TableFormat } from '@throughline/contracts';
import { Commands, Refusal, currentContext, newId } from '@throughline/event-sourcing';
import { HttpProblem } from '@throughline/service';
import { Lists } from '../lists/lists.reader.ts';
import { customers } from '../search/customers.index.ts';
import type { Hit } from '../search/search-engine.ts';
import { exportLog, exportLogId } from './export-log.ts';
import { exportSettings, exportSettingsId } from './export-settings.ts';

type Table = { format: TableFormat; columns: readonly string[] };

/** Hands customers out as tables: never without a record of it, and never more than is recorded. */
@Injectable()
export class Exports {
  constructor(
    private readonly commands: Commands,
    private readonly lists: Lists,
  ) {}

  /**
   * @returns the customers that are selected, read on while they are taken
   * @throws Refusal and ShapeError for what is wrong with the selection, HttpProblem 429 `export-cap-reached`
   */
  async customers(selection: Selection, table: Table): Promise<AsyncIterable<Hit['doc']>> {
    const records = await this.lists.all(customers, selection);
    let rows = 0;
    for await (const ids of await this.lists.ids(customers, selection)) rows += ids.length;
    await this.#record(rows, selection, table);
    return firstOf(records, rows);
  }

  /** Every time is a time of its own, also under an `Idempotency-Key` that was sent before. */
  async #record(rows: number, selection: Selection, { format, columns }: Table): Promise<void> {
    const { state: rules, version } = await this.commands.load(exportSettings, exportSettingsId);
    const { day, until } = await this.lists.today();
    const rulesVersion = version > 0 ? { rulesVersion: `exports@${version}` } : {};
    const exported = { day, rows, format, columns: [...columns], selection };
    try {
      await this.commands.execute(
        exportLog,
        exportLogId(currentContext().actor, day),
        { type: 'ExportCustomers', ...exported },
        { rules, ...rulesVersion, commandId: newId() },
      );
    } catch (error) {
      if (!(error instanceof Refusal) || error.code !== 'export-cap-reached') throw error;
      const seconds = Math.max(1, Math.ceil((until - Date.now()) / 1_000));
      throw new HttpProblem(429, error.code, { 'retry-after': String(seconds) });
    }
  }
}

async function* firstOf<T>(records: AsyncIterable<T>, most: number): AsyncGenerator<T> {
  let left = most;
  for await (const record of records) {
    if (left === 0) return;
    left -= 1;
    yield record;
  }
}
