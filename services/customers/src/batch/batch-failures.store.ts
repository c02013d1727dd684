import { Injectable } from '@nestjs/common';
import type { FieldError, Refusal } from '@throughline/event-sourcing';
import { Kernel } from '@throughline/service';

export type BatchFailure = { place: number; recordId: string; code: string; errors: readonly FieldError[] };

const pageSize = 100;

/** Which records a batch could not change, and why. */
@Injectable()
export class BatchFailures {
  constructor(private readonly kernel: Kernel) {}

  /** The same ones again change nothing. */
  async add(batch: string, failures: readonly BatchFailure[]): Promise<void> {
    if (failures.length === 0) return;
    await this.kernel.pool.query(
      `insert into batch_failures (batch, place, record_id, code, errors)
       select $1, place, "recordId", code, errors
       from json_to_recordset($2) as f(place integer, "recordId" uuid, code text, errors json)
       on conflict (batch, place) do nothing`,
      [batch, JSON.stringify(failures)],
    );
  }

  /** In the order of the batch. */
  async list(batch: string, after: number): Promise<{ items: BatchFailure[]; next: number | null }> {
    const { rows } = await this.kernel.pool.query<BatchFailure>(
      `select place, record_id as "recordId", code, errors from batch_failures
       where batch = $1 and place > $2 order by place limit ${pageSize + 1}`,
      [batch, after],
    );
    const items = rows.slice(0, pageSize);
    return { items, next: rows.length > pageSize ? (items.at(-1)?.place ?? null) : null };
  }
}

export const failureOf = (place: number, recordId: string, { code, errors }: Refusal): BatchFailure => ({
  place,
  recordId,
  code,
  errors,
});
