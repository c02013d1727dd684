import { setTimeout as sleep } from 'node:timers/promises';
import { Client } from '@elastic/elasticsearch';
import { Operations, type Pool } from '@throughline/event-sourcing';
import { recordTypes } from '../../../services/analytics/src/search/record-types.index.ts';
import { searchDifferences } from './checks.ts';

const lookMilliseconds = 500;

/** Views that are not what their events make of them, and documents that are not what their rows do. */
export type Differences = { views: number; documents: number; told: string[] };

/** Has every view and every document of a service built anew beside the live one, and compared. */
export async function verifyViews(pool: Pool, milliseconds: number): Promise<Differences> {
  const operations = new Operations(pool);
  const found: Differences = { views: 0, documents: 0, told: [] };
  const jobs: { id: number; kind: 'fold' | 'document'; table: string }[] = [];
  for (const { table, kind } of await operations.views()) {
    const { id } = await operations.request(table, 'verify', 'chaos');
    jobs.push({ id, kind, table });
  }
  const deadline = Date.now() + milliseconds;
  for (const { id, kind, table } of jobs) {
    let job = await operations.job(id);
    for (; job.state !== 'done' && job.state !== 'failed' && Date.now() < deadline; job = await operations.job(id)) {
      await sleep(lookMilliseconds);
    }
    const { result } = job;
    const isSame =
      result && 'hash' in result && result.hash === result.rebuiltHash && result.different + result.broken === 0;
    if (isSame) continue;
    if (kind === 'fold') found.views += 1;
    else found.documents += result && 'different' in result ? Math.max(1, result.different) : 1;
    found.told.push(`${table}: ${job.state} ${JSON.stringify(result)}`);
  }
  return found;
}

/** Compares every document with its copy in Elasticsearch. */
export async function compareSearch(pool: Pool, url: string, prefix: string): Promise<Differences> {
  const client = new Client({ node: url });
  const found: Differences = { views: 0, documents: 0, told: [] };
  try {
    for (const { type, document } of recordTypes) {
      const index = `${prefix}crm-${type}`;
      await client.indices.refresh({ index });
      const copies = async function* () {
        for await (const page of client.helpers.scrollSearch<{ doc: { id: string } }>({ index, size: 1_000 })) {
          for (const { doc } of page.documents) yield { id: doc.id, doc };
        }
      };
      const different = await searchDifferences(pool, document.table, copies());
      found.documents += different;
      if (different > 0) found.told.push(`${index}: ${different} documents differ`);
    }
  } finally {
    await client.close();
  }
  return found;
}
