import { Injectable } from '@nestjs/common';
import { derivedId, open, plainTypes, seal } from '@throughline/event-sourcing';
import { Kernel } from '@throughline/service';
import type { RowError } from './import-row.ts';

/** A row that was not taken, as it stood in the file. */
export type RejectedRow = { line: number; cells: readonly string[]; errors: readonly RowError[] };

const pageSize = 500;

/** What a job remembers of the rows of its file: what they are known by, and those it did not take. */
@Injectable()
export class ImportRows {
  constructor(private readonly kernel: Kernel) {}

  /**
   * Remembers by which values rows are known; a repeat changes nothing.
   *
   * @param rows in the order of their lines
   * @returns line -> the earlier line that has one of its values
   */
  async duplicates(
    jobId: string,
    rows: readonly { line: number; values: readonly string[] }[],
  ): Promise<ReadonlyMap<number, number>> {
    const keys = rows.flatMap(({ line, values }) => values.map((value) => ({ line, key: this.#hashed(value) })));
    if (keys.length === 0) return new Map();
    const names = keys.map(({ key }) => key);
    const { pool } = this.kernel;
    await pool.query(
      `insert into import_keys (job_id, key, line)
       select $1, decode(key, 'hex'), line from unnest($2::text[], $3::bigint[]) as k(key, line)
       on conflict do nothing`,
      [jobId, names, keys.map(({ line }) => line)],
    );
    const { rows: stored } = await pool.query<{ key: string; line: number }>({
      text: `select encode(key, 'hex') as key, line from import_keys
        where job_id = $1 and key in (select decode(one, 'hex') from unnest($2::text[]) one)`,
      values: [jobId, names],
      types: plainTypes,
    });
    const firstOf = new Map(stored.map(({ key, line }) => [key, line]));
    return new Map(
      keys.flatMap(({ line, key }) => {
        const first = firstOf.get(key);
        return first !== undefined && first < line ? [[line, first] as const] : [];
      }),
    );
  }

  /** Keeps what was not taken; a repeat replaces it. */
  async reject(jobId: string, rejected: readonly RejectedRow[]): Promise<void> {
    if (rejected.length === 0) return;
    const sealed = rejected.map((row) => seal(this.#key(), JSON.stringify(row), contextOf(jobId, row.line)));
    await this.kernel.pool.query(
      `insert into import_errors (job_id, line, sealed) select $1, * from unnest($2::bigint[], $3::bytea[])
       on conflict (job_id, line) do update set sealed = excluded.sealed`,
      [jobId, rejected.map(({ line }) => line), sealed],
    );
  }

  /** Keeps what was taken, yet may be about a customer who was there already. */
  warn(jobId: string, warned: readonly RejectedRow[]): Promise<void> {
    return this.reject(warningsOf(jobId), warned);
  }

  /** In the order of their lines. */
  warned(jobId: string, limit?: number): AsyncGenerator<RejectedRow> {
    return this.rejected(warningsOf(jobId), limit);
  }

  /** In the order of their lines. */
  async *rejected(jobId: string, limit = Infinity): AsyncGenerator<RejectedRow> {
    let given = 0;
    for (let after = 0; given < limit;) {
      const { rows } = await this.kernel.pool.query<{ line: number; sealed: Buffer }>({
        text: `select line, sealed from import_errors where job_id = $1 and line > $2 order by line limit $3`,
        values: [jobId, after, Math.min(pageSize, limit - given)],
        types: plainTypes,
      });
      for (const { line, sealed } of rows) {
        yield JSON.parse(open(this.#key(), sealed, contextOf(jobId, line)).toString()) as RejectedRow;
      }
      given += rows.length;
      if (rows.length < pageSize) return;
      after = (rows.at(-1) as { line: number }).line;
    }
  }

  /** What was needed to go on is not needed any more. */
  async forgetKeys(jobId: string): Promise<void> {
    await this.kernel.pool.query('delete from import_keys where job_id = $1', [jobId]);
  }

  #hashed(value: string): string {
    return this.kernel.secrets.hmac('import-keys', value).slice(0, 32);
  }

  #key() {
    return this.kernel.secrets.key('imports');
  }
}

const warningsOf = (jobId: string): string => derivedId('import-warnings', jobId);

const contextOf = (jobId: string, line: number): string => `${jobId} ${line}`;
