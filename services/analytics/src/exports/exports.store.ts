import { Injectable } from '@nestjs/common';
import { withoutNames, type Instant, type Selection, type TableFormat } from '@throughline/contracts';
import { Commands, Refusal, currentContext, invalid, newId } from '@throughline/event-sourcing';
import { HttpProblem } from '@throughline/service';
import { Lists } from '../lists/lists.reader.ts';
import { customers } from '../search/customers.index.ts';
import type { Hit } from '../search/search-engine.ts';
import { CustomersThen, customersAlone } from './customers-then.reader.ts';
import { exportLog, exportLogId } from './export-log.ts';
import { exportSettings, exportSettingsId } from './export-settings.ts';

type Table = { format: TableFormat; columns: readonly string[] };

type Read = { asOf?: Instant; count: () => Promise<number>; records: () => AsyncIterable<Hit['doc']> };

/** Hands customers out as tables: never without a record of it, and never more than is recorded. */
@Injectable()
export class Exports {
  constructor(
    private readonly commands: Commands,
    private readonly lists: Lists,
    private readonly past: CustomersThen,
  ) {}

  /**
   * @returns the customers that are selected, read on while they are taken
   * @throws Refusal and ShapeError for what is wrong with the selection, HttpProblem 429 `export-cap-reached`
   */
  async customers(selection: Selection, table: Table, asOf?: string): Promise<AsyncIterable<Hit['doc']>> {
    const read = asOf === undefined ? await this.#now(selection) : await this.#then(selection, new Date(asOf));
    const rows = await read.count();
    await this.#record(selection, { ...table, rows, ...(read.asOf && { asOf: read.asOf }) });
    return firstOf(read.records(), rows);
  }

  async #now(selection: Selection): Promise<Read> {
    const records = await this.lists.all(customers, selection);
    const count = async () => {
      let rows = 0;
      for await (const ids of await this.lists.ids(customers, selection)) rows += ids.length;
      return rows;
    };
    return { count, records: () => records };
  }

  /** @throws Refusal `invalid-query` for the future, and for words and orders: engines know of today alone */
  async #then({ q, filter, sort }: Selection, at: Date): Promise<Read> {
    const errors = [
      ...(at.getTime() > Date.now() ? [{ path: 'asOf', code: 'in-the-future' }] : []),
      ...Object.entries({ q, sort }).flatMap(([path, given]) =>
        given === undefined ? [] : [{ path, code: 'not-allowed' }],
      ),
    ];
    if (errors.length > 0) throw invalid('invalid-query', errors);
    const asOf = at.toISOString();
    const condition = await this.lists.condition(customersAlone, filter, at, this.past.besideAt(asOf));
    const records = () => this.past.meeting(condition, asOf);
    const count = async () => {
      let rows = 0;
      for await (const _ of records()) rows += 1;
      return rows;
    };
    return { asOf, count, records };
  }

  /** Every time is a time of its own, also under an `Idempotency-Key` that was sent before. */
  async #record(selection: Selection, table: Table & { rows: number; asOf?: Instant }): Promise<void> {
    const { state: rules, version } = await this.commands.load(exportSettings, exportSettingsId);
    const { day, until } = await this.lists.today();
    const rulesVersion = version > 0 ? { rulesVersion: `exports@${version}` } : {};
    const exported = { ...table, day, columns: [...table.columns], selection: withoutNames(selection) };
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
