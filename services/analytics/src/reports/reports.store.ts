import { Injectable } from '@nestjs/common';
import { plainTypes, withClient } from '@throughline/event-sourcing';
import { Kernel } from '@throughline/service';
import type { Report } from './report.query.ts';

export type ReportFilter = { from: string | null; to: string | null; asOf: string | null };
export type ReportResult = { rows: Record<string, unknown>[]; asOf: string; position: string };

/** Runs reports, each over one moment of the database: all its numbers are of the same positions. */
@Injectable()
export class Reports {
  constructor(private readonly kernel: Kernel) {}

  run(report: Report, { from, to, asOf }: ReportFilter): Promise<ReportResult> {
    return withClient(this.kernel.pool, async (client, discard) => {
      const ask = async <Row extends Record<string, unknown>>(text: string, values: unknown[] = []) =>
        (await client.query<Row>({ text, values, types: plainTypes })).rows;
      await client.query('begin isolation level repeatable read read only');
      try {
        const [now] = await ask<{ now: string }>('select now() as now');
        const positions = await ask<{ position: string }>(
          `select feed || '@' || position as position from bi.meta_refresh where feed = any($1) order by feed`,
          [report.feeds],
        );
        const rows = await ask(report.sql, [from, to, asOf]);
        const position = positions.map((one) => one.position).join(',');
        return { rows, asOf: asOf ?? (now as { now: string }).now, position };
      } finally {
        await client.query('rollback').catch(discard);
      }
    });
  }
}
