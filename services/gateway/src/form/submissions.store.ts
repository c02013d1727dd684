import type { KeyObject } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { Injectable } from '@nestjs/common';
import { errorForLog, open, plainTypes, seal } from '@throughline/event-sourcing';
import { Kernel, Log, type Forgets } from '@throughline/service';
import type { RefusalsQuery } from './form.dto.ts';
import type { SpamReason } from './submission.ts';

const purgeMilliseconds = 3_600_000;
const commonAfter = 2;

type Refused = { id: string; reason: SpamReason; receivedAt: string; sealed: Buffer | null };

/** What is needed to tell spam, and what was refused as such: encrypted, and not for ever. */
@Injectable()
export class Submissions implements Forgets {
  constructor(
    private readonly kernel: Kernel,
    private readonly log: Log,
  ) {}

  /**
   * Whether two other submissions of the form had the same text within a day: who mends what they sent writes it twice. The
   * text itself is not kept.
   */
  async isCommon(formId: string, id: string, text: string): Promise<boolean> {
    const hash = this.kernel.secrets.hmac('form-texts', text);
    const { rowCount } = await this.kernel.pool.query(
      `select from form_texts where form_id = $1 and hash = $2 and submission_id <> $3
         and received_at > now() - interval '1 day' limit ${commonAfter}`,
      [formId, hash, id],
    );
    if (rowCount === commonAfter) return true;
    await this.kernel.pool.query(
      'insert into form_texts (form_id, hash, submission_id) values ($1, $2, $3) on conflict do nothing',
      [formId, hash, id],
    );
    return false;
  }

  /** Keeps what looked like spam; the same submission counts once. */
  async refuse(formId: string, id: string, reason: SpamReason, values: ReadonlyMap<string, string>): Promise<void> {
    const sealed = seal(this.#key(), JSON.stringify(Object.fromEntries(values)), id);
    await this.kernel.pool.query(
      'insert into form_refusals (id, form_id, reason, sealed) values ($1, $2, $3, $4) on conflict (id) do nothing',
      [id, formId, reason, sealed],
    );
  }

  /** How many, by form. */
  async countRefused(formId?: string): Promise<ReadonlyMap<string, number>> {
    const { rows } = await this.kernel.pool.query<{ form_id: string; count: string }>(
      'select form_id, count(*) from form_refusals where $1::uuid is null or form_id = $1 group by form_id',
      [formId ?? null],
    );
    return new Map(rows.map(({ form_id, count }) => [form_id, Number(count)]));
  }

  /** Newest first. */
  async listRefused(formId: string, { reason, cursor, limit = '50' }: RefusalsQuery) {
    const { rows } = await this.kernel.pool.query<Refused>({
      text: `select id, reason, received_at as "receivedAt", sealed from form_refusals r
       where form_id = $1 and ($2::text is null or reason = $2) and ($3::uuid is null or
         (received_at, id) < (select c.received_at, c.id from form_refusals c where c.id = $3))
       order by received_at desc, id desc limit $4`,
      values: [formId, reason ?? null, cursor ?? null, Number(limit) + 1],
      types: plainTypes,
    });
    const page = rows.slice(0, Number(limit));
    const items = page.map(({ sealed, ...one }) => ({
      ...one,
      values: sealed && (JSON.parse(open(this.#key(), sealed, one.id).toString()) as Record<string, string>),
    }));
    return { items, nextCursor: rows.length > page.length ? (page.at(-1)?.id ?? null) : null };
  }

  /** The trace of the text that an erased person sent. */
  async forget(subject: string): Promise<void> {
    await this.kernel.pool.query('delete from form_texts where submission_id::text = $1', [subject]);
  }

  /** As a worker: what was refused is only counted after thirty days. */
  async run(signal: AbortSignal): Promise<void> {
    while (!signal.aborted) {
      await this.#purge().catch((error: unknown) => this.log.warn('refused submissions wait', errorForLog(error)));
      await sleep(purgeMilliseconds, undefined, { signal }).catch(() => undefined);
    }
  }

  async #purge(): Promise<void> {
    const { pool } = this.kernel;
    await pool.query(`delete from form_texts where received_at < now() - interval '1 day'`);
    await pool.query(
      `update form_refusals set sealed = null where sealed is not null and received_at < now() - interval '30 days'`,
    );
  }

  #key(): KeyObject {
    return this.kernel.secrets.key('form-refusals');
  }
}
