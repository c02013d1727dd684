import { Injectable } from '@nestjs/common';
import { derivedId, open, plainTypes, seal } from '@throughline/event-sourcing';
import { Kernel } from '@throughline/service';
import type { RowError } from './import-row.ts';
import { keysOf, latecomers, type Claiming, type Known, type Late } from './repeats.ts';

/** A row that was not taken, as it stood in the file. */
export type RejectedRow = { line: number; cells: readonly string[]; errors: readonly RowError[] };

const pageSize = 500;

/** What a job remembers of the rows of its file: what they are known by, those that wait, and those it did not take. */
@Injectable()
export class ImportRows {
  constructor(private readonly kernel: Kernel) {}

  /**
   * Remembers by which values rows are known; a repeat changes nothing.
   *
   * @param rows in the order of their lines
   * @returns line -> the earlier line that has one of its values
   */
  async duplicates(jobId: string, rows: readonly Known[]): Promise<ReadonlyMap<number, number>> {
    await this.#remember(jobId, 'import-keys', rows);
    const firstOf = await this.#firstOf(
      jobId,
      'import-keys',
      rows.flatMap(({ values }) => values),
    );
    return new Map(
      rows.flatMap(({ line, values }) =>
        values.flatMap((value) => {
          const first = firstOf.get(value);
          return first !== undefined && first < line ? [[line, first] as const] : [];
        }),
      ),
    );
  }

  /**
   * Remembers the values that rows have for themselves; a repeat changes nothing.
   *
   * @param rows in the order of their lines
   * @returns line -> one of its values that an earlier line of another record has
   */
  async claimed(jobId: string, rows: readonly Claiming[]): Promise<ReadonlyMap<number, Late>> {
    const { late, taken } = latecomers(rows, await this.#firstOf(jobId, 'import-claims', rows.flatMap(keysOf)));
    const held = taken.map((row) => ({ line: row.line, values: keysOf(row) }));
    await this.#remember(jobId, 'import-claims', held);
    return late;
  }

  /** Remembers by which values other rows may mean the records of rows; a repeat changes nothing. */
  note(jobId: string, rows: readonly Known[]): Promise<void> {
    return this.#remember(jobId, 'import-names', rows);
  }

  /** Value -> the first line whose record is meant by it. */
  noted(jobId: string, values: readonly string[]): Promise<ReadonlyMap<string, number>> {
    return this.#firstOf(jobId, 'import-names', values);
  }

  /** Has rows wait for a later round through the file. */
  async wait(jobId: string, round: number, lines: readonly number[]): Promise<void> {
    if (lines.length === 0) return;
    await this.kernel.pool.query(
      `insert into import_waiting (job_id, line, round) select $1, line, $2 from unnest($3::bigint[]) as l(line)
       on conflict (job_id, line) do update set round = excluded.round`,
      [jobId, round, lines],
    );
  }

  /** Line -> the round that its row waits for, or waited for last; nothing of one that never waited. */
  async roundsOf(jobId: string, lines: readonly number[]): Promise<ReadonlyMap<number, number>> {
    const { rows } = await this.kernel.pool.query<{ line: number; round: number }>({
      text: 'select line, round from import_waiting where job_id = $1 and line = any($2)',
      values: [jobId, lines],
      types: plainTypes,
    });
    return new Map(rows.map(({ line, round }) => [line, round]));
  }

  /** How many rows wait for a round. */
  async waiting(jobId: string, round: number): Promise<number> {
    const { rows } = await this.kernel.pool.query<{ count: number }>(
      'select count(*)::int as count from import_waiting where job_id = $1 and round = $2',
      [jobId, round],
    );
    return rows[0]?.count ?? 0;
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

  /** Keeps in how many rows the key of a line stands; a repeat changes nothing. */
  async keepTimes(jobId: string, times: Readonly<Record<string, number>>): Promise<void> {
    await this.kernel.pool.query(
      `insert into import_repeats (job_id, line, times) select $1, * from unnest($2::bigint[], $3::int[])
       on conflict do nothing`,
      [jobId, Object.keys(times), Object.values(times)],
    );
  }

  /** Line -> in how many rows its key stands. */
  async times(jobId: string): Promise<ReadonlyMap<number, number>> {
    const { rows } = await this.kernel.pool.query<{ line: number; times: number }>({
      text: 'select line, times from import_repeats where job_id = $1',
      values: [jobId],
      types: plainTypes,
    });
    return new Map(rows.map(({ line, times }) => [line, times]));
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
    for (const table of ['import_keys', 'import_waiting']) {
      await this.kernel.pool.query(`delete from ${table} where job_id = $1`, [jobId]);
    }
  }

  /** All that jobs remember of their rows. */
  async forget(jobIds: readonly string[]): Promise<void> {
    const ids = [...jobIds, ...jobIds.map(warningsOf)];
    for (const table of ['import_errors', 'import_repeats', 'import_keys', 'import_waiting']) {
      await this.kernel.pool.query(`delete from ${table} where job_id = any($1)`, [ids]);
    }
  }

  async #remember(jobId: string, purpose: Purpose, rows: readonly Known[]): Promise<void> {
    const keys = rows.flatMap(({ line, values }) =>
      values.map((value) => ({ line, key: this.#hashed(purpose, value) })),
    );
    if (keys.length === 0) return;
    await this.kernel.pool.query(
      `insert into import_keys (job_id, key, line)
       select $1, decode(key, 'hex'), line from unnest($2::text[], $3::bigint[]) as k(key, line)
       on conflict do nothing`,
      [jobId, keys.map(({ key }) => key), keys.map(({ line }) => line)],
    );
  }

  async #firstOf(jobId: string, purpose: Purpose, values: readonly string[]): Promise<ReadonlyMap<string, number>> {
    if (values.length === 0) return new Map();
    const valueOf = new Map(values.map((value) => [this.#hashed(purpose, value), value]));
    const { rows } = await this.kernel.pool.query<{ key: string; line: number }>({
      text: `select encode(key, 'hex') as key, line from import_keys
        where job_id = $1 and key in (select decode(one, 'hex') from unnest($2::text[]) one)`,
      values: [jobId, [...valueOf.keys()]],
      types: plainTypes,
    });
    return new Map(rows.map(({ key, line }) => [valueOf.get(key) as string, line]));
  }

  #hashed(purpose: Purpose, value: string): string {
    return this.kernel.secrets.hmac(purpose, value).slice(0, 32);
  }

  #key() {
    return this.kernel.secrets.key('imports');
  }
}

type Purpose = 'import-keys' | 'import-names' | 'import-claims';

const warningsOf = (jobId: string): string => derivedId('import-warnings', jobId);

const contextOf = (jobId: string, line: number): string => `${jobId} ${line}`;
